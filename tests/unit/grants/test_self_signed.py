"""A token without an exchange: the JWT is itself the bearer."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.assertions import SelfIssued
from sa_auth.caches.memory import MemoryCache
from sa_auth.grants import SelfSigned
from sa_auth.grants.base import Offline
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, ManualClock, new_key
from tests.unit.assertions.texts import NOW, b64url, token

PRIVATE, PUBLIC = new_key("p256")
SIGNER = LocalSigner(from_pem(PRIVATE))


class Says:
    """An assertion object of the caller's own."""

    def __init__(self, text: str) -> None:
        self.text = text

    def mint(self, now: float) -> str:
        return self.text

    def fingerprint(self) -> tuple[str, ...]:
        return ("says",)

    def describe(self) -> str:
        return "what it says"


def test_the_jwt_is_the_token() -> None:
    """The access token is what the key signed; it ends when the JWT does, by the clock of whoever counts its life."""
    grant = SelfSigned(SelfIssued(SIGNER, issuer="robot", audience="https://api.example/", scope="read", lifetime=600))
    assert isinstance(grant, Offline)
    held = grant.token(issued_at=NOW, now=NOW + 100)  # the server's clock is ahead
    said = jwt.decode(
        held.access_token, PUBLIC, algorithms=["ES256"], options={"verify_exp": False, "verify_aud": False}
    )
    assert (said["iss"], said["aud"], said["exp"]) == ("robot", "https://api.example/", NOW + 700)
    assert (held.issued_at, held.expires_at, held.refresh_at) == (NOW, NOW + 600, NOW + 450)
    assert (held.token_type, held.scope) == ("Bearer", "read")
    assert grant.form(NOW) == []


def test_fresh_for_each() -> None:
    """Each token is a JWT of its own."""
    grant = SelfSigned(SelfIssued(SIGNER, issuer="robot", audience="https://api.example/"))
    assert len({grant.token(NOW, NOW).access_token for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("expires", "life"),
    [(None, 300), ("soon", 300), (True, 300), ([1], 300), (NOW + 60, 60), (NOW, 1), (NOW - 60, 1), (NOW + 60.5, 60.5),
     (NOW + 86_401, 86_400), (10**90, 86_400)],
)  # fmt: skip
def test_life(expires: Any, life: float) -> None:
    """A JWT that names no end lives five minutes, one that names a wild one a day at most, and none not at all."""
    held = SelfSigned(Says(f"{b64url({'alg': 'none'})}.{b64url({'exp': expires})}.AA")).token(NOW, NOW)
    assert held.expires_at - held.issued_at == life
    assert held.scope is None


@pytest.mark.parametrize("text", ["", "a b", "a\r\nX: y", "é", "x" * 16_385])
def test_what_fits_into_no_header(text: str) -> None:
    """What an object of the caller's own made is no token if no header could hold it; it is not repeated."""
    with pytest.raises(ConfigError) as caught:
        SelfSigned(Says(text)).token(NOW, NOW)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_access_token", True)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("text", ["opaque", '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>'])
def test_no_jwt(text: str) -> None:
    """What was handed over has to be a JWT."""
    with pytest.raises(ConfigError) as caught:
        SelfSigned(text).token(NOW, NOW)
    assert caught.value.code == "assertion_not_jwt"


def test_handed_over() -> None:
    """A JWT of a token service is a token as it is."""
    assert SelfSigned(token()).token(NOW, NOW).access_token == token()


def test_through_the_face(sa_clock: ManualClock) -> None:
    """Nothing is sent; iss and sub are the issuer, aud the API; another token is made when one is due."""
    transport = Authority(sa_clock).transport()
    creds = ServiceAccountCredentials(
        PRIVATE, issuer="robot", audience="https://api.example/", scope="read", claims={"tenant": "t"}, lifetime=600,
        grant="self_signed", clock=sa_clock, transport=transport, cache=MemoryCache(),
    )  # fmt: skip
    held = creds.token()
    said = jwt.decode(held.access_token, options={"verify_signature": False})
    assert {name: said[name] for name in ("iss", "sub", "aud", "scope", "tenant")} == {
        "iss": "robot", "sub": "robot", "aud": "https://api.example/", "scope": "read", "tenant": "t",
    }  # fmt: skip
    assert creds.token() is held
    sa_clock.advance(600)
    assert creds.token().access_token != held.access_token
    assert transport.sends == 0


def test_an_audience_is_needed() -> None:
    """Without a server there is no default audience: the API's is asked for."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(PRIVATE, issuer="robot", grant="self_signed")
    assert (caught.value.code, "audience=" in caught.value.hint) == ("no_audience", True)


@pytest.mark.parametrize("given", [{"binds": 5}, {"assertion": "a.b.c", "binds": lambda *_: None}])
def test_what_cannot_be_bound(given: dict[str, Any]) -> None:
    """A token for one call is signed by the key of the credentials, and needs a callable."""
    with pytest.raises(ConfigError) as caught:
        SelfSigned(**given)
    assert caught.value.hint
