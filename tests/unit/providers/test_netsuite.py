"""NetSuite's client credentials flow, against its dialect.

Source: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth.client_auth import PrivateKeyJWT
from sa_auth.errors import InvalidClient, InvalidRequest, InvalidScope, TokenEndpointError
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import EC, EC_PUBLIC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving


@pytest.fixture
def netsuite(sa_clock: ManualClock) -> Iterator[Served]:
    """An account with one integration and two certificates."""
    with serving(
        "netsuite", sa_clock, key=RSA, issuer="robot", key_id="cert-1", server="<url>", scope="rest_webservices"
    ) as served:
        served.authority.register("robot", RSA_PUBLIC, key_id="cert-1")
        served.authority.register("elliptic", EC_PUBLIC, key_id="cert-2")
        yield served


def test_signing_in(netsuite: Served, sa_clock: ManualClock) -> None:
    """Header, claims and form are those of the page: the scope is a claim with commas, and nobody is the subject."""
    record = netsuite.sign_in(scope="rest_webservices restlets")
    now, claims = int(sa_clock.now().wall), dict(record.client_claims)
    assert claims.pop("jti")
    assert record.path == "/services/rest/auth/oauth2/v1/token"
    assert record.client_header == {"alg": "PS256", "typ": "JWT", "kid": "cert-1"}
    assert claims == {
        "iss": "robot", "aud": f"{netsuite.url}/services/rest/auth/oauth2/v1/token", "scope": "rest_webservices,restlets",
        "iat": now - 10, "exp": now + 300,
    }  # fmt: skip
    assert set(record.form) == {"grant_type", "client_assertion_type", "client_assertion"}
    assert record.form["grant_type"] == "client_credentials"


def test_an_elliptic_key(netsuite: Served) -> None:
    """An elliptic key signs by its own algorithm."""
    assert netsuite.sign_in(key=EC, issuer="elliptic", key_id="cert-2").client_header["alg"] == "ES256"


def test_scopes(netsuite: Served) -> None:
    """Another scope is another token, and a token tells its scopes as every other does."""
    with netsuite.credentials(scope="rest_webservices restlets") as creds:
        other = creds.replace(scope="restlets")
        assert creds.identity != other.identity
        assert creds.token().scope == "rest_webservices restlets"
        other.token()
    assert netsuite.authority.requests[-1].client_claims["scope"] == "restlets"


def test_less_than_an_hour(netsuite: Served) -> None:
    """The longest that is allowed lies just below an hour from iat."""
    claims = netsuite.sign_in(lifetime=3599).client_claims
    assert claims["exp"] - claims["iat"] == 3599


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        ({"issuer": "nobody"}, InvalidClient, "the client nobody"),
        ({"key": OTHER_RSA}, InvalidRequest, "certificate cert-1"),
        ({"key_id": "cert-9"}, InvalidRequest, "certificate cert-9"),
        ({"client_auth": PrivateKeyJWT(audience="https://1.suitetalk.api.netsuite.com")}, InvalidRequest, "https://1."),
        ({"scope": "everything"}, InvalidScope, "everything"),
    ],
)
def test_refusals(change: dict[str, Any], kind: type[TokenEndpointError], part: str, netsuite: Served) -> None:
    """Each refusal arrives as what it is, with what was sent, what to do, and where the cause is told."""
    error = netsuite.refused(**change)
    assert isinstance(error, kind)
    assert part in error.hint
    assert "Login Audit Trail" in error.hint


def test_a_clock_that_is_off(netsuite: Served) -> None:
    """A clock that is off is among the causes that are told."""
    netsuite.authority.skew = 600
    assert "clock" in netsuite.refused().hint


def test_bad_arguments(netsuite: Served) -> None:
    """What NetSuite cannot take is refused before anything is sent."""
    assert netsuite.bad(lifetime=3600).code == "bad_lifetime"
    assert netsuite.bad(algorithm="RS256").code == "bad_algorithm"
    assert netsuite.bad(key_id=None).code == "no_key_id"
    assert netsuite.bad(scope=None).code == "no_scope"
    assert netsuite.bad(subject="ann").code == "bad_subject"
    assert netsuite.bad(server=None).code == "no_token_endpoint"
    assert netsuite.bad(server="https://1234567_SB1.suitetalk.api.netsuite.com").code in {"bad_server", "bad_endpoint"}
    assert netsuite.bad(server="<url>/services").code == "bad_server"
    assert netsuite.foreign_file().code == "key_file_kind"
