"""Tests of `sa_auth.keys.old_ciphers`: encryption that the usual reader does not know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sa_auth.errors import KeyLoadError
from sa_auth.keys import Key, from_pem
from sa_auth.keys.armor import unwrap
from sa_auth.keys.old_ciphers import has_old_ciphers, read_old

Files = dict[str, Path]
OpenSSL = Callable[..., Path]


@pytest.fixture(scope="session")
def sealed(openssl: OpenSSL, openssl_keys: Files) -> Path:
    """The RSA key as PKCS#8 under two-key triple DES."""
    return openssl("pkcs8", "-topk8", "-in", openssl_keys["RSA"], "-v1", "PBE-SHA1-2DES", "-passout", "pass:pw")


def test_opens(sealed: Path, openssl_keys: Files) -> None:
    """PKCS#8 under a cipher known to OpenSSL alone is opened with its password and not with another."""
    (block,) = unwrap(sealed.read_bytes())
    assert Key(read_old(block, b"pw")).secret() == from_pem(openssl_keys["RSA"].read_bytes()).secret()
    with pytest.raises(KeyLoadError) as caught:
        read_old(block, b"no")
    assert caught.value.code == "wrong_password"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("kind", ["P-521", "RSA"])
def test_aes_192(openssl: OpenSSL, openssl_keys: Files, kind: str) -> None:
    """A traditional key under AES-192 is opened with its password and not with another."""
    command = ("rsa", "-traditional") if kind == "RSA" else ("ec",)
    path = openssl(*command, "-in", openssl_keys[kind], "-aes192", "-passout", "pass:pw")
    (block,) = unwrap(path.read_bytes())
    assert Key(read_old(block, b"pw")).secret() == from_pem(openssl_keys[kind].read_bytes()).secret()
    with pytest.raises(KeyLoadError) as caught:
        read_old(block, b"no")
    assert caught.value.code == "wrong_password"


def test_without_the_provider(sealed: Path, python: Callable[..., str]) -> None:
    """Where OpenSSL lacks its old ciphers, the error says how to convert and does not blame the password."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom sa_auth.keys import from_pem\n"
        "try: print(from_pem(Path(sys.argv[1]).read_bytes(), password='pw'))\n"
        "except Exception as error: print(error)\n"
    )
    shown = python(script, str(sealed), CRYPTOGRAPHY_OPENSSL_NO_LEGACY="1")
    # Older releases of cryptography read this one themselves.
    assert shown.startswith("Key(") or (shown.startswith("key_unsupported") and "openssl pkcs8 -topk8" in shown)
    assert has_old_ciphers()
