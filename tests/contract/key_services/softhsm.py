"""A SoftHSM2 token with keys made inside it, once for the process: a driver reads its tokens when it is first loaded."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

DRIVERS = (
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
)  # fmt: skip
PIN, OFFICER = "4711", "0815-0815"
TOKEN = "robots; of = ours"  # what a URI has to escape


class Hsm(NamedTuple):
    """The driver, and the tokens that are there: one for the contract, one whose PIN may be tried wrongly."""

    driver: str
    library: Any
    folder: Path


@cache
def softhsm() -> Hsm:
    """Starts it; skips the test where it is not installed."""
    driver = next((each for each in DRIVERS if os.path.exists(each)), None)
    if driver is None or shutil.which("softhsm2-util") is None:
        pytest.skip("no SoftHSM2: make system")
    folder = Path(tempfile.mkdtemp(prefix="softhsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    for label in (TOKEN, "fragile"):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", OFFICER],
            check=True, capture_output=True,
        )  # fmt: skip
    import pkcs11

    library = pkcs11.lib(driver)
    with library.get_token(token_label=TOKEN).open(user_pin=PIN, rw=True) as session:
        _fill(session)
    return Hsm(driver, library, folder)


def _fill(session: Any) -> None:
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    inside = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}
    session.generate_keypair(KeyType.RSA, 2048, label="rsa", id=b"\x01", store=True, private_template=inside)
    for label, id_, curve in (
        ("p256", b"\x02", "secp256r1"), ("p384", b"\x03", "secp384r1"), ("twin", b"\x04", "secp256r1"),
        ("twin", b"\x05", "secp256r1"), ("lonely", b"\x06", "secp256r1"),
    ):  # fmt: skip
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
        )
        public, _ = parameters.generate_keypair(label=label, id=id_, store=True, private_template=inside)
        if label == "lonely":
            public.destroy()
