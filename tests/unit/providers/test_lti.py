"""LTI Advantage's service tokens, against their dialect.

Source: https://www.imsglobal.org/spec/security/v1p1 section 4.1
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth.errors import InvalidClient, InvalidScope, TokenEndpointError
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ENDPOINT = "<url>/login/oauth2/token"


@pytest.fixture
def lti(sa_clock: ManualClock) -> Iterator[Served]:
    """A platform with one tool."""
    with serving(
        "lti", sa_clock, key=RSA, issuer="tool", key_id="k1", token_endpoint=ENDPOINT, scope=[SCORE, MEMBERS]
    ) as served:
        served.authority.register("tool", RSA_PUBLIC, key_id="k1", scopes=[SCORE, MEMBERS])
        yield served


def test_signing_in(lti: Served, sa_clock: ManualClock) -> None:
    """Six claims, five seconds back and a minute ahead, for the token endpoint; the scopes stand in the form."""
    record = lti.sign_in()
    now, claims = int(sa_clock.now().wall), dict(record.client_claims)
    assert claims.pop("jti")
    assert record.path == "/login/oauth2/token"
    assert record.client_header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert claims == {
        "iss": "tool", "sub": "tool", "aud": f"{lti.url}/login/oauth2/token", "iat": now - 5, "exp": now + 60,
    }  # fmt: skip
    assert record.form["scope"] == f"{SCORE} {MEMBERS}"


@pytest.mark.parametrize("scope", [[SCORE, MEMBERS], [MEMBERS, SCORE], f"{MEMBERS} {SCORE}"])
def test_scopes_are_sorted(scope: Any, lti: Served) -> None:
    """Whatever order they are given in, the scopes are sent sorted, and are one token."""
    assert lti.sign_in(scope=scope).form["scope"] == " ".join(sorted([SCORE, MEMBERS]))
    assert lti.credentials(scope=scope).identity == lti.credentials().identity


@pytest.mark.parametrize("audience", ["https://api.brightspace.com/auth/token", "urn:{odd}"])
def test_an_audience_of_the_registration(audience: str, lti: Served) -> None:
    """Where the registration names an audience it goes before the token endpoint, letter by letter, and replace() keeps it."""
    dialect = lti.authority.dialect
    assert dialect is not None
    lti.authority.dialect = dialect._replace(audiences=(audience.replace("{", "{{").replace("}", "}}"),))
    assert lti.sign_in(audience=audience).client_claims["aud"] == audience
    with lti.credentials(audience=audience) as creds:
        creds.replace(scope=SCORE).token()
    assert lti.authority.requests[-1].client_claims["aud"] == audience


def test_other_platforms(lti: Served) -> None:
    """A platform's endpoint is what its registration says."""
    assert lti.sign_in(token_endpoint="<url>/mod/lti/token.php").path == "/mod/lti/token.php"


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        ({"issuer": "nobody"}, InvalidClient, "the tool nobody"),
        ({"key": OTHER_RSA}, InvalidClient, "the key k1"),
        ({"key_id": "k2"}, InvalidClient, "the key k2"),
        ({"audience": "https://elsewhere.example"}, InvalidClient, "https://elsewhere.example is not the audience"),
        ({"scope": "https://purl.imsglobal.org/spec/lti-ags/scope/other"}, InvalidScope, "scope/other"),
    ],
)
def test_refusals(change: dict[str, Any], kind: type[TokenEndpointError], part: str, lti: Served) -> None:
    """Each refusal arrives as what it is, with what was sent and what to do."""
    error = lti.refused(**change)
    assert isinstance(error, kind)
    assert part in error.hint


@pytest.mark.parametrize("code", ["invalid_request", "invalid_grant"])
def test_other_words(code: str, lti: Served) -> None:
    """Platforms that say it by another of the RFC's words are explained too."""
    assert "audience" in lti.said({"error": code}).hint


def test_bad_arguments(lti: Served) -> None:
    """What no platform takes is refused before anything is sent."""
    assert lti.bad(token_endpoint=None).code == "no_token_endpoint"
    assert lti.bad(token_endpoint=None, server="<url>").code == "no_token_endpoint"
    assert lti.bad(key=EC).code == "bad_algorithm"
    assert lti.bad(scope=None).code == "no_scope"
    assert lti.bad(subject="ann").code == "bad_argument"
    assert lti.bad(issuer=None).code == "no_issuer"
    assert lti.foreign_file().code == "key_file_kind"
