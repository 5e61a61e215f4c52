"""LINE WORKS: the documented request, the app's secret beside the key, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth import ConfigError, InvalidClient, InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic, ClientSecretPost
from sa_auth.errors import InvalidScope
from sa_auth.grants import JWTBearer, RefreshToken
from sa_auth.testing import ManualClock, new_key

from .serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

APP, ACCOUNT, SECRET = "my-client-id", "x1y2.serviceaccount@acme", "my-secret"
APP_SECRET = ClientSecretPost(APP, SECRET)


@pytest.fixture
def served(sa_clock: ManualClock) -> Iterator[Served]:
    """LINE WORKS, which knows one app and its service account."""
    with serving(
        "line_works", sa_clock, key=RSA, issuer=APP, subject=ACCOUNT, scope="bot", client_auth=APP_SECRET,
        token_endpoint="<url>/oauth2/v2.0/token",
    ) as line_works:  # fmt: skip
        line_works.authority.register(APP, RSA_PUBLIC, subjects=ACCOUNT, client_secret=SECRET, scopes="bot user.read")
        yield line_works


def made(**changes: Any) -> ServiceAccountCredentials:
    """Credentials with changes, for the real endpoint."""
    given = {"key": RSA, "provider": "line_works", "issuer": APP, "subject": ACCOUNT, "scope": "bot",
             "client_auth": APP_SECRET, "cache": MemoryCache(), **changes}  # fmt: skip
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


def test_the_request(served: Served) -> None:
    """Claims and form are the samples': no aud, the scope and the app's secret in the form."""
    record = served.sign_in()
    now = int(served.clock.now().wall)
    assert record.header == {"alg": "RS256", "typ": "JWT"}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims == {"iss": APP, "sub": ACCOUNT, "iat": now - 10, "exp": now + 300}
    form = dict(record.form)
    assert form.pop("assertion").count(".") == 2
    assert set(form) == {"grant_type", "client_id", "client_secret", "scope"}
    assert (form["client_id"], form["scope"]) == (APP, "bot")


def test_the_endpoint() -> None:
    """The endpoint is the documented one."""
    assert made()._source._exchange.endpoint == "https://auth.worksmobile.com/oauth2/v2.0/token"


def test_the_answer(served: Served) -> None:
    """The end, which comes as text, is read."""
    token = served.credentials(scope="bot user.read").token()
    assert token.expires_at - token.issued_at == 3600
    assert token.scope == "bot user.read"


def test_handed_over(served: Served) -> None:
    """An assertion that somebody else made goes as it is, with the app's secret beside it."""
    grant = JWTBearer(served.credentials()._source._exchange.grant.assertion)
    served.sign_in(key=None, subject=None, grant=grant)
    assert served.authority.requests[-1].form["client_id"] == APP


def test_a_refresh_token() -> None:
    """A refresh token of an earlier answer is asked with in the app's name."""
    creds = made(key=None, subject=None, grant=RefreshToken("r1"), scope=None)
    assert creds._source._exchange.client_auth.client_id == APP


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"client_auth": ClientSecretPost(APP, "another")}, InvalidClient, "its secret is another"),
        ({"client_auth": ClientSecretPost("nobody", SECRET), "issuer": "nobody"}, InvalidClient, "the app nobody"),
        ({"key": OTHER_RSA}, InvalidGrant, "issued last"),
        (
            {"subject": "other.serviceaccount@acme"},
            InvalidGrant,
            "other.serviceaccount@acme is not the service account",
        ),
        ({"scope": "mail"}, InvalidScope, "has not all of mail"),
    ],
    ids=["secret", "client", "key", "account", "scope"],
)
def test_its_no(change: dict[str, Any], kind: type, words: str, served: Served) -> None:
    """Each refusal arrives as its class, with what to look at where."""
    refusal = served.refused(**change)
    assert isinstance(refusal, kind)
    assert words in refusal.hint
    assert SECRET not in str(refusal)


def test_an_old_clock(served: Served) -> None:
    """An assertion that is over by the server's clock is the clock's fault."""
    served.authority.skew = 4000
    refusal = served.refused()
    assert isinstance(refusal, InvalidGrant)
    assert "clock" in refusal.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"scope": None}, "no_scope"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None}, "no_key"),
        ({"key": EC}, "bad_algorithm"),
        ({"key": new_key("ed25519")[0]}, "bad_algorithm"),
        ({"algorithm": "RS512"}, "bad_algorithm"),
        ({"client_auth": None}, "no_client_auth"),
        ({"client_auth": "none"}, "no_client_auth"),
        ({"client_auth": "private_key_jwt"}, "bad_argument"),
        ({"client_auth": ClientSecretBasic(APP, SECRET)}, "bad_argument"),
        ({"client_auth": ClientSecretPost("another", SECRET)}, "bad_argument"),
        ({"grant": "self_signed"}, "bad_argument"),
        ({"grant": "client_credentials"}, "bad_argument"),
        ({"grant": ["jwt_bearer"]}, "bad_argument"),
        ({"grant": "jwt_baerer"}, "unknown_name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str, served: Served) -> None:
    """What LINE WORKS does not take is refused at construction."""
    assert served.bad(**change).code == code


def test_another_vendors_key_file(served: Served) -> None:
    """A Google key file is none of LINE WORKS'."""
    assert isinstance(served.foreign_file(), ConfigError)
