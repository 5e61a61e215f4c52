"""NHS England's application-restricted APIs, against their dialect.

Source: https://digital.nhs.uk/developer/guides-and-documentation/security-and-authorisation/
application-restricted-restful-apis-signed-jwt-authentication
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth.client_auth import PrivateKeyJWT
from sa_auth.errors import InvalidClient
from sa_auth.providers import PROVIDERS
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving


@pytest.fixture
def nhs(sa_clock: ManualClock) -> Iterator[Served]:
    """An environment with one application and its JWKS."""
    with serving("nhs_england", sa_clock, key=RSA, issuer="api-key", key_id="int-1", server="<url>") as served:
        served.authority.register("api-key", RSA_PUBLIC, key_id="int-1")
        yield served


def test_signing_in(nhs: Served, sa_clock: ManualClock) -> None:
    """Header, claims and form are those of the page: RS512, typ JWT, the API key twice, the exact token endpoint."""
    record = nhs.sign_in()
    claims = record.client_claims
    assert record.path == "/oauth2/token"
    assert record.client_header == {"alg": "RS512", "typ": "JWT", "kid": "int-1"}
    assert (claims["iss"], claims["sub"]) == ("api-key", "api-key")
    assert claims["aud"] == f"{nhs.url}/oauth2/token"
    assert isinstance(claims["exp"], int)
    assert 0 < claims["exp"] - sa_clock.now().wall <= 300
    assert claims["jti"]
    assert set(record.form) == {"grant_type", "client_assertion", "client_assertion_type"}
    assert record.form["grant_type"] == "client_credentials"


def test_a_lifetime_that_is_text(nhs: Served) -> None:
    """The answer's expires_in is a text, and counts all the same."""
    with nhs.credentials() as creds:
        assert creds.token().expires_at is not None


def test_environments(nhs: Served) -> None:
    """Production is the default, and an environment may be said by its token endpoint in full."""
    assert PROVIDERS["nhs_england"].server == "https://api.service.nhs.uk"
    assert (
        nhs.sign_in(server=None, token_endpoint="<url>/oauth2/token").client_claims["aud"] == f"{nhs.url}/oauth2/token"
    )


def test_five_minutes(nhs: Served) -> None:
    """The longest that is allowed is taken."""
    assert nhs.sign_in(lifetime=300).status == 200


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"issuer": "nobody"}, "nobody is not the API key"),
        ({"key": OTHER_RSA}, "is not this one"),
        ({"key_id": "int-2"}, "no key int-2"),
        (
            {"client_auth": PrivateKeyJWT(audience="https://api.service.nhs.uk/oauth2/token")},
            "https://api.service.nhs.uk",
        ),
        ({"headers": {"typ": "client-authentication+jwt"}}, "typ JWT alone"),
    ],
    ids=["iss", "signature", "kid", "aud", "typ"],
)
def test_refusals(change: dict[str, Any], part: str, nhs: Served) -> None:
    """Each refusal arrives as one of the client's, with what was sent and what to do."""
    error = nhs.refused(**change)
    assert isinstance(error, InvalidClient)
    assert part in error.hint


def test_a_clock_that_is_off(nhs: Served) -> None:
    """A clock that is minutes off is told of where the server's date is not used."""
    nhs.authority.skew = -120
    error = nhs.refused()
    assert isinstance(error, InvalidClient)
    assert "clock" in error.hint


@pytest.mark.parametrize(
    ("status", "error", "words", "part"),
    [
        (400, "invalid_request", "Missing 'kid' header in client_assertion JWT", "key_id="),
        (400, "invalid_request", "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'",
         "RS512 alone"),
        (400, "invalid_request", "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT", "API key"),
        (400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - JWT has expired", "clock"),
        (400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - must be an integer", "whole number"),
        (400, "invalid_request", "Malformed JWT in client_assertion", "changed it"),
        (403, "public_key error", ("You need to register a public key to use this authentication method - please contact "
         "support to configure"), "JWKS"),
        (403, "public_key error", "The JWKS endpoint, for your client_assertion can't be reached", "https"),
        (403, "public_key error", "The JWKS endpoint for your client_assertion can not be reached", "https"),
    ],
)  # fmt: skip
def test_words(status: int, error: str, words: str, part: str, nhs: Served) -> None:
    """Each of the page's errors is known by its words, whatever its status."""
    caught = nhs.said({"error": error, "error_description": words, "message_id": "rrt-1"}, status)
    assert isinstance(caught, InvalidClient)
    assert part in caught.hint


def test_a_jti_that_was_seen(nhs: Served) -> None:
    """After a replay the request is made once more, with another jti."""
    body = {"error": "invalid_request", "error_description": "Non-unique 'jti' claim in client_assertion JWT"}
    with nhs.authority.answer(400, body, times=1):
        nhs.sign_in()
    first, second = nhs.authority.requests[-2:]
    assert first.client_claims["jti"] != second.client_claims["jti"]


def test_bad_arguments(nhs: Served) -> None:
    """What NHS England cannot take is refused before anything is sent."""
    assert nhs.bad(lifetime=301).code == "bad_lifetime"
    assert nhs.bad(key=EC).code == "bad_algorithm"
    assert nhs.bad(algorithm="RS256").code == "bad_algorithm"
    assert nhs.bad(key_id=None).code == "no_key_id"
    assert nhs.bad(scope="read").code == "bad_scope"
    assert nhs.bad(subject="ann").code == "bad_argument"
    assert nhs.bad(server="<url>/oauth2/token").code == "bad_server"
    assert nhs.foreign_file().code == "key_file_kind"
