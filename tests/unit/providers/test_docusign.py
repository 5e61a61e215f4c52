"""Docusign: the documented request, demo and production, the user's consent, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from sa_auth import ConfigError, InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.errors import InvalidScope, TokenEndpointError
from sa_auth.grants import JWTBearer, RefreshToken
from sa_auth.testing import Authority, ManualClock

from .serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

APP, USER = "0a1b2c3d-0000-4000-8000-0123456789ab", "9f8e7d6c-0000-4000-8000-ba9876543210"
OTHER, NOBODY = "11111111-0000-4000-8000-ba9876543210", "9f8e7d6c-0000-4000-8000-ba9876543404"
SCOPE = "signature impersonation"
DEMO = "https://account-d.docusign.com"


@pytest.fixture
def served(sa_clock: ManualClock) -> Iterator[Served]:
    """Docusign, which knows the app, and the user who consented."""
    given = {"key": RSA, "issuer": APP, "subject": USER, "scope": SCOPE, "server": "<url>"}
    with serving("docusign", sa_clock, **given) as docusign:
        docusign.authority.register(APP, RSA_PUBLIC, subjects=f"{USER} {NOBODY}", scopes=SCOPE)
        yield docusign


def made(**changes: Any) -> ServiceAccountCredentials:
    """Credentials with changes, without a server."""
    given = {
        "key": RSA, "provider": "docusign", "issuer": APP, "subject": USER, "scope": SCOPE, "cache": MemoryCache(), **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


def test_the_request(served: Served) -> None:
    """Claims and form are the documentation's: the scope is a claim, the audience a host without https."""
    record = served.sign_in()
    now = int(served.clock.now().wall)
    assert (record.method, record.path) == ("POST", "/oauth/token")
    assert record.header == {"alg": "RS256", "typ": "JWT"}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims.pop("aud").partition(":")[0] == "127.0.0.1"
    assert claims == {
        "iss": APP, "sub": USER, "scope": SCOPE, "iat": now - 10, "exp": now + 300,
    }  # fmt: skip
    assert set(record.form) == {"grant_type", "assertion"}


@pytest.mark.parametrize(
    ("server", "audience"),
    [
        (None, "account.docusign.com"),
        (DEMO, "account-d.docusign.com"),
        (f"{DEMO}/", "account-d.docusign.com"),
    ],
)
def test_demo_and_production(server: str | None, audience: str, sa_clock: ManualClock) -> None:
    """The server decides endpoint and audience together."""
    authority = Authority(sa_clock, issuer=f"https://{audience}", dialect="docusign")
    authority.register(APP, RSA_PUBLIC)
    assert made(server=server, transport=authority.transport(), clock=sa_clock).token().scope == SCOPE
    assert authority.requests[-1].claims["aud"] == audience


def test_the_answer(served: Served) -> None:
    """The token lives as long as the answer says."""
    token = served.credentials().token()
    assert token.expires_at - token.issued_at == 3600
    assert token.scope == SCOPE


def test_another_user(served: Served) -> None:
    """Each user is a token of its own."""
    served.authority.register(APP, RSA_PUBLIC, subjects=f"{USER} {OTHER}")
    first = served.credentials()
    assert first.token().access_token != first.replace(subject=OTHER).token().access_token


@pytest.mark.parametrize("changes", [{"subject": OTHER}, {"scope": f"{SCOPE} click.manage"}], ids=["user", "scope"])
def test_no_consent(served: Served, changes: dict[str, Any]) -> None:
    """The hint holds the address that the user opens, at the same host and for the same app, and the scopes."""
    refusal = served.refused(**changes)
    assert isinstance(refusal, InvalidGrant)
    assert refusal.code == "consent_required"
    host = served.authority.requests[-1].claims["aud"]
    scopes = changes.get("scope", SCOPE).replace(" ", "%20")
    address = f"https://{host}/oauth/auth?response_type=code&scope={scopes}&client_id={APP}&redirect_uri=REDIRECT_URI"
    assert f" {address} " in refusal.hint
    assert changes.get("scope", SCOPE) in refusal.hint
    assert changes.get("subject", USER) in refusal.hint


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": OTHER_RSA}, "RSA Keypairs"),
        ({"issuer": OTHER}, f"no integration key {OTHER}"),
        ({"audience": "account.docusign.com"}, "at account.docusign.com"),
        ({"subject": NOBODY}, f"no active user {NOBODY}"),
    ],
    ids=["key", "app", "audience", "user"],
)
def test_its_no(served: Served, changes: dict[str, Any], told: str) -> None:
    """A refusal says what was sent, and what to change."""
    refusal = served.refused(**changes)
    assert isinstance(refusal, InvalidGrant)
    assert told in refusal.hint


def test_no_consent_to_a_jwt_from_elsewhere(served: Served) -> None:
    """Where another signed the JWT, the address to open is still the server's, whatever the JWT says of its audience."""
    text = jwt.encode({"iss": APP, "sub": USER, "aud": "evil.example", "exp": 4e9}, RSA, algorithm="RS256")
    with served.authority.answer(400, {"error": "consent_required"}):
        hint = served.refused(key=None, issuer=None, subject=None, scope=None, grant=JWTBearer(text)).hint
    assert "https://127.0.0.1/oauth/auth?response_type=code&scope=impersonation&" in hint
    assert "https://evil.example" not in hint


def test_consent_is_to_impersonation_too(served: Served) -> None:
    """The address asks for what this grant needs at least, also where the caller's scopes do not say it."""
    assert "scope=click.manage%20impersonation&" in served.refused(scope="click.manage").hint


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("no_valid_keys_or_signatures", "a clock that is off"),
        ("no_valid_keys_or_signatures", "aud has to be exactly the host"),
        ("Issuer_not_found", "no integration key"),
        ("invalid_subject", "User ID"),
        ("expired_grant", "clock right"),
    ],
)
def test_its_words(served: Served, description: str, told: str) -> None:
    """Each of its words is told with every cause that Docusign names, whatever its case."""
    refusal = served.said({"error": "invalid_grant", "error_description": description})
    assert isinstance(refusal, InvalidGrant)
    assert told in refusal.hint


def test_words_in_the_place_of_the_code(served: Served) -> None:
    """The same words count where they stand as the error itself."""
    for word in ("no_valid_keys_or_signatures", "issuer_not_found", "user_not_found"):
        assert isinstance(served.said({"error": word}), InvalidGrant)
    assert isinstance(served.said({"error": "invalid_scope"}), InvalidScope)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"subject": "ann@example.com"}, "bad_subject"),
        ({"subject": "12345"}, "bad_subject"),
        ({"scope": None}, "no_scope"),
        ({"scope": ""}, "no_scope"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None}, "no_key"),
        ({"key": EC}, "bad_algorithm"),
        ({"algorithm": "RS384"}, "bad_algorithm"),
        ({"server": "https://demo.docusign.net"}, "bad_argument"),
        ({"server": "https://na3.docusign.net"}, "bad_argument"),
        ({"server": None, "token_endpoint": "https://www.docusign.net/restapi/oauth/token"}, "bad_argument"),
        ({"server": f"{DEMO}/oauth"}, "bad_argument"),
    ],
    ids=str,
)
def test_what_cannot_work(served: Served, changes: dict[str, Any], code: str) -> None:
    """What Docusign does not take is refused at construction."""
    assert served.bad(**changes).code == code


def test_a_file_of_another_vendor(served: Served) -> None:
    """Another vendor's key file is no key for Docusign."""
    assert served.foreign_file().code == "key_file_kind"


def test_an_endpoint_from_a_file() -> None:
    """A key file from outside sends the assertion to Docusign alone."""
    info = {"type": "sa_auth", "provider": "docusign", "issuer": APP, "subject": USER, "scope": SCOPE, "key": RSA}
    ServiceAccountCredentials.from_info({**info, "token_endpoint": f"{DEMO}/oauth/token"})
    with pytest.raises(ConfigError, match="foreign_endpoint"):
        ServiceAccountCredentials.from_info({**info, "token_endpoint": "https://evil.example/oauth/token"})


def test_a_refresh_token(sa_clock: ManualClock) -> None:
    """Whoever signed a user in by a browser goes on at the same endpoint, without a key, a subject or a scope."""
    authority = Authority(sa_clock, issuer=DEMO, dialect="docusign")
    signed_in = {"grant": RefreshToken("none"), "client_auth": ClientSecretBasic(APP, "my-secret"), "server": DEMO}
    creds = made(
        key=None, issuer=None, subject=None, scope=None, transport=authority.transport(), clock=sa_clock, **signed_in
    )
    with pytest.raises(TokenEndpointError):
        creds.token()
    assert authority.requests[-1].path == "/oauth/token"
    assert authority.requests[-1].form["grant_type"] == "refresh_token"
