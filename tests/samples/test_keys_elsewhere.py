"""Samples of keys in an HSM, and of passwords that are kept elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sa_auth.testing import Authority, new_key
from tests.contract.key_services import pkcs11, vault
from tests.contract.key_services.softhsm import PIN, TOKEN, softhsm
from tests.samples.test_samples import run


@pytest.fixture
def authority():
    """An authority with an API, served."""
    made = Authority()
    with made.serve() as server:
        yield made, server


def test_key_in_a_token(authority):
    """A key of SoftHSM2 signs in by its URI, with the PIN of the service's environment."""
    made, server = authority
    uri = f"pkcs11:token={quote(TOKEN)};object=p256?module-path={softhsm().driver}"
    with pkcs11.World() as world:
        made.register("robot", world.public_pem("ES256"))
    shown = run("key_in_hsm.py", uri, "robot", server.token_endpoint, f"{server.api_url}/orders", HSM_PIN=PIN)
    assert shown.endswith(" 200\n")


def test_key_in_vault(authority):
    """A key of Vault's signs in by its URI."""
    made, server = authority
    with vault.World() as world, world.environment():
        made.register("robot", world.public_pem("RS256"))
        shown = run("key_in_hsm.py", world.uri("RS256"), "robot", server.token_endpoint, f"{server.api_url}/orders")
    assert shown.endswith(" 200\n")


KEYRING = """
from keyring.backend import KeyringBackend

class Backend(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return "sesame" if service == "sa_auth" and username == "robot.pem" else None

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


@pytest.mark.parametrize("arguments", [(), ("--from-environment",)])
def test_password_kept_elsewhere(authority, tmp_path: Path, arguments):
    """An encrypted key file opens by the keyring's password, and by a variable's."""
    made, server = authority
    private, public = new_key("p256")
    made.register("robot", public)
    path = tmp_path / "robot.pem"
    path.touch(0o600)
    key = load_pem_private_key(private.encode(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")))
    (tmp_path / "test_keyring.py").write_text(KEYRING)
    shown = run(
        "password_from_keyring.py", str(path), "robot", server.token_endpoint, *arguments,
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        PYTHON_KEYRING_BACKEND="test_keyring.Backend", **({"KEY_PASSWORD": "sesame"} if arguments else {}),
    )  # fmt: skip
    assert shown.startswith("signed in for ")
