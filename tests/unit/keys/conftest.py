"""Keys and certificates for the tests, made when they are first asked for: by `openssl`, or by `cryptography`."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import sa_auth
from sa_auth.errors import SaAuthError

PASSWORD = "correct-horse-canary-7319"


@pytest.fixture(scope="session")
def password() -> str:
    """The password of everything encrypted here; no error may show it."""
    return PASSWORD


@pytest.fixture(scope="session")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Runs `openssl ... -out FILE` and gives the file; skips by name what this openssl cannot write."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the openssl command is not installed: `make system` as root brings it")
    folder = tmp_path_factory.mktemp("openssl")
    made = iter(range(10_000))

    def run(*arguments: str | Path) -> Path:
        target = folder / f"{next(made)}"
        command = [program, *map(str, arguments), "-out", str(target)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if done.returncode or not target.exists():
            pytest.skip(
                f"this openssl is too old, or lacks its legacy provider, for: openssl {' '.join(map(str, arguments))}"
            )
        return target

    return run


@pytest.fixture(scope="session")
def openssl_keys(openssl: Callable[..., Path]) -> dict[str, Path]:
    """One unencrypted PKCS#8 key file per supported kind, written by openssl."""
    curve = ("genpkey", "-algorithm", "EC", "-pkeyopt")
    return {
        "RSA": openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "P-256": openssl(*curve, "ec_paramgen_curve:P-256"),
        "P-384": openssl(*curve, "ec_paramgen_curve:P-384"),
        "P-521": openssl(*curve, "ec_paramgen_curve:P-521"),
        "Ed25519": openssl("genpkey", "-algorithm", "ED25519"),
    }


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    """A P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def ed_key() -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def pem() -> Callable[..., str]:
    """Writes a key object as unencrypted PEM; PKCS#8 unless said otherwise."""

    def write(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
        text: str = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        return text

    return write


@pytest.fixture(scope="session")
def certify() -> Callable[..., x509.Certificate]:
    """Issues a certificate over a key object; self-signed unless an issuer's certificate and key are given."""

    def issue(
        key: Any,
        name: str = "leaf",
        *,
        issuer: x509.Certificate | None = None,
        issuer_key: Any = None,
        days: tuple[int, int] = (-1, 30),
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = key if issuer_key is None else issuer_key
        today = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today + timedelta(days=days[0]))
            .not_valid_after(today + timedelta(days=days[1]))
        )
        return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())

    return issue


@pytest.fixture(scope="session")
def chain(certify: Callable[..., x509.Certificate], rsa_key: rsa.RSAPrivateKey) -> list[x509.Certificate]:
    """Leaf (over `rsa_key`), intermediate and root, in this order."""
    root_key, middle_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certify(root_key, "root")
    middle = certify(middle_key, "middle", issuer=root, issuer_key=root_key)
    leaf = certify(rsa_key, "leaf", issuer=middle, issuer_key=middle_key)
    return [leaf, middle, root]


@pytest.fixture(scope="session")
def damaged_rsa(rsa_key: rsa.RSAPrivateKey) -> Callable[[str], str]:
    """Writes `rsa_key` as PKCS#1 PEM with one of its numbers altered: n, e, d, p, q, dp, dq or qi."""

    def write(name: str) -> str:
        numbers = rsa_key.private_numbers()
        public = numbers.public_numbers
        values = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
        values |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        values[name] += 2
        der = _sequence(0, *values.values())
        lines = _base64_lines(der)
        return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n"

    return write


def _sequence(*numbers: int) -> bytes:
    return _tlv(0x30, b"".join(_tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in numbers))


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _base64_lines(data: bytes) -> str:
    return base64.encodebytes(data).decode().strip()


@pytest.fixture(scope="session")
def python() -> Callable[..., str]:
    """Runs a script in a fresh interpreter, with extra environment variables, and gives what it printed."""

    def run(script: str, *arguments: str, **environment: str) -> str:
        root = str(Path(sa_auth.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "PYTHONPATH": root, **environment},
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def assert_silent() -> Callable[..., None]:
    """Checks that an error shows none of the canaries: text, fields, notes, contexts, and locals of our frames."""

    def check(error: BaseException, *canaries: str | bytes) -> None:
        assert isinstance(error, SaAuthError)
        assert error.__cause__ is None
        assert error.__context__ is None
        shown = [str(error), repr(error), repr(error.args), repr(vars(error))]
        trace = error.__traceback__
        while trace is not None:
            if "sa_auth" in Path(trace.tb_frame.f_code.co_filename).parts:
                shown.append(repr(dict(trace.tb_frame.f_locals)))
            trace = trace.tb_next
        for canary in canaries:
            text = canary if isinstance(canary, str) else canary.decode("latin-1")
            pieces = {text, *(line for line in text.splitlines() if len(line) > 8 and not line.startswith("-----"))}
            for piece in pieces:
                assert not any(piece in words for words in shown)

    return check
