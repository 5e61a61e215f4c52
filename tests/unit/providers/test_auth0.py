"""Auth0's machine-to-machine applications, against its dialect.

Source: https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sa_auth.client_auth import PrivateKeyJWT
from sa_auth.errors import InvalidClient, InvalidTarget, UnauthorizedClient
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

API = "https://orders.example/"


@pytest.fixture
def auth0(sa_clock: ManualClock) -> Iterator[Served]:
    """A tenant with one application and one API."""
    with serving("auth0", sa_clock, key=RSA, issuer="app", server="<url>", audience=API) as served:
        served.authority.register("app", RSA_PUBLIC)
        served.authority.resources = [API]
        yield served


def test_signing_in(auth0: Served) -> None:
    """The assertion is for the tenant with its slash, the form for the API; it lives for about a minute."""
    record = auth0.sign_in(scope="read:orders write:orders", key_id="k1")
    claims = record.client_claims
    assert record.path == "/oauth/token"
    assert record.client_header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert claims["aud"] == f"{auth0.url}/"
    assert (claims["iss"], claims["sub"]) == ("app", "app")
    assert claims["exp"] - claims["iat"] == 70
    assert 16 <= len(claims["jti"]) <= 64
    assert (record.form["audience"], record.form["scope"]) == (API, "read:orders write:orders")
    assert "scope" not in claims


def test_the_tenants_slash(auth0: Served) -> None:
    """Whether server= ends with a slash or not, the audience has one."""
    assert auth0.sign_in(server="<url>/").client_claims["aud"] == f"{auth0.url}/"


def test_an_organization(auth0: Served) -> None:
    """An organization is a field of the form."""
    assert auth0.sign_in(form={"organization": "org_1"}).form["organization"] == "org_1"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "PS256"])
def test_algorithms(algorithm: str, auth0: Served) -> None:
    """Each algorithm that can be registered for a key is sent where it is chosen."""
    assert auth0.sign_in(algorithm=algorithm).client_header["alg"] == algorithm


def test_five_minutes_from_iat(auth0: Served) -> None:
    """The longest assertion lives for exactly five minutes from its iat."""
    claims = auth0.sign_in(lifetime=300).client_claims
    assert claims["exp"] - claims["iat"] == 300


def test_refusals(auth0: Served) -> None:
    """Each refusal arrives as what it means, with what to do."""
    other = auth0.refused(audience="https://other.example/")
    assert isinstance(other, InvalidTarget)
    assert "audience=" in other.hint
    assert isinstance(auth0.refused(audience=None), InvalidTarget)
    assert isinstance(auth0.refused(key=OTHER_RSA), InvalidClient)
    assert isinstance(auth0.refused(issuer="nobody"), InvalidClient)
    wrong = auth0.refused(client_auth=PrivateKeyJWT(audience=f"{auth0.url}/oauth/token"))
    assert isinstance(wrong, InvalidClient)
    auth0.authority.skew = 400
    assert "clock" in auth0.refused().hint


def test_words_about_the_api(auth0: Served) -> None:
    """An application that was not authorized for an API is told where that is done."""
    words = 'Client is not authorized to access "https://orders.example/". You need to create a "client-grant"'
    error = auth0.said({"error": "access_denied", "error_description": words}, 403)
    assert isinstance(error, UnauthorizedClient)
    assert "Authorize the application app" in error.hint
    words = "Non-global clients are not allowed access to APIv1"
    assert isinstance(auth0.said({"error": "access_denied", "error_description": words}, 403), InvalidTarget)


def test_bad_arguments(auth0: Served) -> None:
    """What Auth0 cannot take is refused before anything is sent."""
    assert auth0.bad(lifetime=301).code == "bad_lifetime"
    assert auth0.bad(key=EC).code == "bad_algorithm"
    assert auth0.bad(algorithm="RS512").code == "bad_algorithm"
    assert auth0.bad(server=None).code == "no_token_endpoint"
    assert auth0.bad(server=None, token_endpoint="<url>/oauth/token").code == "no_server"
    assert auth0.bad(server="<url>/oauth/token").code == "bad_server"
    assert auth0.bad(issuer=None).code == "no_issuer"
    assert auth0.bad(subject="ann").code == "bad_argument"
    assert auth0.foreign_file().code == "key_file_kind"
