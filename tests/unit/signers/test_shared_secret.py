"""A shared secret as a signer: RFC 7518 section 3.2."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth._encoding import b64url
from sa_auth._secret import Secret
from sa_auth.signers import Signer
from sa_auth.signers.shared_secret import SharedSecretSigner
from tests.unit.assertions.texts import CANARY, refused

LONG = Secret(f"{CANARY}-{'s' * 64}")


def test_the_vector_of_the_rfc() -> None:
    """RFC 7515 appendix A.1: the MAC of its JWS by HS256 is the one that is printed there."""
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    content = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    secret = Secret(jwt.utils.base64url_decode(key))
    assert b64url(SharedSecretSigner(secret).sign(content)) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=64), st.sampled_from(["HS256", "HS384", "HS512"]))
def test_another_library_takes_it(secret: str, algorithm: str) -> None:
    """PyJWT verifies what it signs, by the UTF-8 bytes of whatever secret."""
    content = f"{b64url(json.dumps({'alg': algorithm}).encode())}.{b64url(b'{}')}"
    signer = SharedSecretSigner(Secret(secret), algorithm)
    text = f"{content}.{b64url(signer.sign(content.encode()))}"
    assert jwt.PyJWS().decode(text, secret.encode(), algorithms=[algorithm]) == b"{}"


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_least_size(algorithm: str, least: int) -> None:
    """RFC 7518 section 3.2: a key of the size of the hash or larger MUST be used."""
    assert len(SharedSecretSigner(Secret("s" * least), algorithm).sign(b"data")) == least
    error = refused(lambda: SharedSecretSigner(Secret((CANARY + "s" * least)[: least - 1]), algorithm))
    assert (error.code, str(least) in error.message) == ("secret_too_short", True)


@pytest.mark.parametrize(
    "algorithm", ["none", "RS256", "ES256", "EdDSA", "hs256", "HS256 ", "", None, 5, b"HS256", ["HS256"]]
)
def test_no_other_algorithm(algorithm: Any) -> None:
    """Any other name is refused with those there are."""
    assert refused(lambda: SharedSecretSigner(LONG, algorithm)).code == "bad_algorithm"


@pytest.mark.parametrize("secret", [None, 5, CANARY * 9, CANARY.encode() * 9, [CANARY], Secret])
def test_no_secret(secret: Any) -> None:
    """What is not wrapped is refused: it could be seen; and it is not repeated."""
    assert refused(lambda: SharedSecretSigner(secret)).code == "bad_argument"


def test_the_port() -> None:
    """It is a Signer without key id, certificate and public half."""
    signer = SharedSecretSigner(LONG, "HS384")
    assert isinstance(signer, Signer)
    assert (signer.algorithm, signer.key_id) == ("HS384", None)
    assert refused(lambda: signer.certificate_field("x5t")).code == "no_certificate"
    assert refused(signer.public_jwk).code == "no_public_key"


def test_what_names_it() -> None:
    """Its thumbprint and its sealing secret are hashes: two secrets have two, one has one, and they are not the MAC."""
    one, same, other = (SharedSecretSigner(Secret(text)) for text in ("s" * 32, "s" * 32, "t" * 32))
    assert one.thumbprint == same.thumbprint != other.thumbprint
    assert one.secret() == same.secret() != other.secret()
    assert len(one.secret() or b"") == 32
    assert one.secret() not in {bytes.fromhex(one.thumbprint), one.sign(b"sa_auth shared secret")}


def test_silent_and_frozen() -> None:
    """It shows its algorithm alone, does not change, and does not travel."""
    signer = SharedSecretSigner(LONG)
    assert f"{signer!r}{signer}" == "SharedSecretSigner(HS256)" * 2
    for attribute in ("_secret", "_algorithm", "algorithm", "key_id", "anything"):
        with pytest.raises(AttributeError):
            setattr(signer, attribute, "x")
        with pytest.raises(AttributeError):
            delattr(signer, attribute)
    assert copy.copy(signer) is copy.deepcopy(signer) is signer
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        assert refused(lambda protocol=protocol: pickle.dumps(signer, protocol)).code == "not_picklable"
