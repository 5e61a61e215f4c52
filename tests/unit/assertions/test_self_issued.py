"""Self-issued assertions: the general form of RFC 7523, claim by claim."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.assertions import Assertion, SelfIssued
from sa_auth.errors import ConfigError
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key

PRIVATE, PUBLIC = new_key("p256")
KEY = from_pem(PRIVATE)
NOW = 1_700_000_000.9


def make(**changes: Any) -> SelfIssued:
    """An assertion source with anything changed."""
    given = {"signer": LocalSigner(KEY), "issuer": "robot", "audience": "https://as.example/token"}
    return SelfIssued(**{**given, **changes})


def parts(token: str, public: str = PUBLIC) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, once PyJWT has found the signature good."""
    header = jwt.get_unverified_header(token)
    unjudged = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
    return header, jwt.decode(token, public, algorithms=[header["alg"]], options=unjudged)  # type: ignore[arg-type]


def test_general_form() -> None:
    """The least assertion has iss, aud, iat ten seconds back, exp five minutes ahead, and jti; no more."""
    header, claims = parts(make().mint(NOW))
    assert header == {"alg": "ES256", "typ": "JWT"}
    jti = claims.pop("jti")
    assert claims == {
        "iss": "robot",
        "aud": "https://as.example/token",
        "iat": 1_699_999_990,
        "exp": 1_700_000_300,
    }
    assert all(type(claims[name]) is int for name in ("iat", "exp"))
    assert len(base64.urlsafe_b64decode(jti + "==")) == 16


def test_all_claims() -> None:
    """Subject and scope are claims of their own, extra claims and header fields stand beside them."""
    source = make(
        subject="ann", scope="read write", lifetime=60, backdate=0, claims={"tenant": {"id": [1, 2.5, None, True]}},
        headers={"cty": "x", "typ": "special+jwt"}, signer=LocalSigner(KEY, key_id="k1"),
    )  # fmt: skip
    header, claims = parts(source.mint(NOW))
    assert header == {"alg": "ES256", "kid": "k1", "typ": "special+jwt", "cty": "x"}
    assert (claims["sub"], claims["scope"]) == ("ann", "read write")
    assert (claims["iat"], claims["exp"]) == (1_700_000_000, 1_700_000_060)
    assert claims["tenant"] == {"id": [1, 2.5, None, True]}


@pytest.mark.parametrize(("scope", "claim"), [(None, None), ("", ""), ("a", "a")])
def test_scope_claim(scope: str | None, claim: str | None) -> None:
    """An empty scope is a claim, none is not."""
    assert parts(make(scope=scope).mint(NOW))[1].get("scope") == claim


def test_no_audience_no_typ() -> None:
    """Without an audience there is no aud, and without a type no typ."""
    header, claims = parts(make(audience=None, type=None).mint(NOW))
    assert "aud" not in claims
    assert "typ" not in header


def test_nbf() -> None:
    """An nbf is there where it is asked for, equal to iat; or as the caller sets it."""
    assert "nbf" not in parts(make().mint(NOW))[1]
    assert parts(make(claims={"nbf": True}).mint(NOW))[1]["nbf"] == 1_699_999_990
    assert parts(make(claims={"nbf": 5}).mint(NOW))[1]["nbf"] == 5


def test_jti_is_fresh() -> None:
    """No two assertions have the same jti, of the same source and the same second."""
    source = make()
    assert len({parts(source.mint(NOW))[1]["jti"] for _ in range(200)}) == 200


def test_three_parts_without_padding() -> None:
    """The JWT is compact: base64url, two full stops, no padding, no space in its JSON."""
    token = make(claims={"name": "Ännchen"}).mint(NOW)
    header, claims, signature = token.split(".")
    assert "=" not in token
    raw = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    assert raw == json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode()
    assert "Ännchen".encode() in raw
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64
    assert header


@given(
    now=st.floats(1_000_000_000, 4_000_000_000), lifetime=st.integers(1, 100_000), backdate=st.integers(0, 600),
    longest=st.none() | st.integers(1, 100_000),
)  # fmt: skip
def test_times(now: float, lifetime: int, backdate: int, longest: int | None) -> None:
    """The exp is now and the lifetime, iat lies back; where the server limits what is between them, iat gives way."""
    claims = make(lifetime=lifetime, backdate=backdate, longest=longest)._payload(now)
    assert claims["exp"] == int(now) + lifetime
    if longest is None:
        assert claims["iat"] == int(now) - backdate
    else:
        assert claims["exp"] - claims["iat"] <= max(longest, 0)
        assert claims["iat"] >= int(now) - backdate


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521", "ed25519"])
def test_every_kind_of_key(kind: str) -> None:
    """An assertion of each kind of key verifies with PyJWT."""
    private, public = new_key(kind)
    algorithm = {"rsa2048": "RS256", "p256": "ES256", "p384": "ES384", "p521": "ES512", "ed25519": "EdDSA"}[kind]
    header, claims = parts(make(signer=LocalSigner(from_pem(private))).mint(NOW), public)
    assert (header["alg"], claims["iss"]) == (algorithm, "robot")


# --- from a certificate


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    """A self-signed certificate over the key."""
    key: Any = load_pem_private_key(PRIVATE.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    today = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(5).not_valid_before(today - timedelta(1)).not_valid_after(today + timedelta(30))
    return builder.sign(key, hashes.SHA256())


def test_certificate_fields(certificate: x509.Certificate) -> None:
    """x5t, x5t#S256 and x5c are taken from the certificate where asked for, in the form RFC 7515 gives them."""
    signer = LocalSigner(from_pem(PRIVATE, certificate=certificate.public_bytes(Encoding.PEM)))
    source = make(signer=signer, headers={"x5t": True, "x5t#S256": True, "x5c": True})
    header, _ = parts(source.mint(NOW))
    der = certificate.public_bytes(Encoding.DER)
    assert header["x5t"] == base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()
    assert header["x5t#S256"] == base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert header["x5c"] == [base64.b64encode(der).decode()]


def test_certificate_fields_given() -> None:
    """A caller who has the value at hand may give it; nothing is looked up then."""
    assert parts(make(headers={"x5t": "abc"}).mint(NOW))[0]["x5t"] == "abc"


@pytest.mark.parametrize("name", ["x5t", "x5t#S256", "x5c"])
def test_no_certificate(name: str) -> None:
    """Asking for one of them without a certificate is refused at construction, with advice."""
    with pytest.raises(ConfigError) as caught:
        make(headers={name: True})
    assert caught.value.code == "no_certificate"
    assert "certificate=" in caught.value.hint


# --- what may not be said twice, and what cannot change


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "scope"])
def test_claims_that_restate(name: str) -> None:
    """A claim that an argument decides is refused with the argument's name."""
    with pytest.raises(ConfigError) as caught:
        make(claims={name: "x"})
    assert name in caught.value.message
    assert "argument" in caught.value.hint


def test_a_scope_that_is_a_list() -> None:
    """A scope that is a list has no argument and stands among the claims; not beside the argument."""
    assert parts(make(scope=None, claims={"scope": ["GET /v1/apps"]}).mint(NOW))[1]["scope"] == ["GET /v1/apps"]
    with pytest.raises(ConfigError):
        make(scope="read", claims={"scope": ["GET /v1/apps"]})


@pytest.mark.parametrize("name", ["alg", "kid"])
def test_headers_that_restate(name: str) -> None:
    """So is a header field: nobody sets alg to none by the back door."""
    with pytest.raises(ConfigError) as caught:
        make(headers={name: "none"})
    assert name in caught.value.message


def circle() -> dict[str, Any]:
    """A dict in itself."""
    made: dict[str, Any] = {}
    made["self"] = made
    return made


def deep() -> list[Any]:
    """Nested deeper than any reader follows."""
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


@pytest.mark.parametrize("argument", ["claims", "headers"])
@pytest.mark.parametrize(
    "value", [[], "text", 5, {1: "a"}, {"a": {1, 2}}, {"a": b"x"}, {"a": float("inf")}, {"a": object()}, circle(),
              {"a": deep()}],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_no_json(argument: str, value: Any) -> None:
    """What is no mapping, or holds what JSON does not have, is refused with advice."""
    with pytest.raises(ConfigError) as caught:
        make(**{argument: value})
    assert caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize("lifetime", [0, -1, float("nan"), float("inf"), True, "60", None])
def test_bad_lifetime(lifetime: Any) -> None:
    """A lifetime is a positive number."""
    with pytest.raises(ConfigError, match="lifetime"):
        make(lifetime=lifetime)


def test_extras_are_copied() -> None:
    """Changing what was handed over, however deep, changes no assertion."""
    claims, headers = {"a": {"b": [1]}}, {"c": {"d": [1]}}
    source = make(claims=claims, headers=headers)
    before = source.fingerprint()
    claims["a"]["b"].append(2)
    headers["c"]["d"].append(2)
    header, payload = parts(source.mint(NOW))
    assert (payload["a"], header["c"], source.fingerprint()) == ({"b": [1]}, {"d": [1]}, before)


# --- what it says of itself


def test_fingerprint_and_description() -> None:
    """The fingerprint names who, for whom, for what and by which key; the description no more than a hint may."""
    source = make(subject="ann", scope="b a", signer=LocalSigner(KEY, key_id="k1"), claims={"c": "canary"})
    assert (
        source.fingerprint()
        == make(subject="ann", scope="a b", signer=LocalSigner(KEY, key_id="k1"), claims={"c": "canary"}).fingerprint()
    )
    assert KEY.thumbprint in source.fingerprint()
    assert source.describe() == "iss 'robot', sub 'ann', aud 'https://as.example/token', kid 'k1'"
    assert isinstance(source, Assertion)


def test_none_is_not_empty() -> None:
    """A field that is missing and one that is empty are told apart."""
    assert make(subject=None, scope="x").fingerprint() != make(subject="", scope="x").fingerprint()
    assert make(subject="x", scope=None).fingerprint() != make(subject=None, scope="x").fingerprint()


class Swapping:
    """A signer that stands for another from one look to the next, as a watched file's may."""

    def __init__(self) -> None:
        self.keys = [LocalSigner(KEY, key_id="old"), LocalSigner(from_pem(new_key("p384")[0]), key_id="new")]

    @property
    def current(self) -> LocalSigner:
        return self.keys.pop(0)


def test_one_key_per_assertion() -> None:
    """Header and signature are of one key, though another takes its place in between."""
    source = make()
    object.__setattr__(source, "signer", Swapping())  # a stand-in
    header, _ = parts(source.mint(NOW))
    assert (header["kid"], header["alg"]) == ("old", "ES256")
