"""Keycloak's clients and its JWT authorization grant, against its dialect.

Source: https://www.keycloak.org/securing-apps/oidc-layers
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth.client_auth import ClientSecretBasic, PrivateKeyJWT
from sa_auth.errors import InvalidClient, InvalidGrant
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

REALM, IDP = "<url>/realms/orders", "https://idp.example"
SECRET = ClientSecretBasic("app", "hush")


@pytest.fixture
def keycloak(sa_clock: ManualClock) -> Iterator[Served]:
    """A realm with a client that has a key, one that has a secret, and an identity provider."""
    with serving("keycloak", sa_clock, key=RSA, issuer="robot", key_id="k1", server=REALM) as served:
        served.authority.register("robot", RSA_PUBLIC, key_id="k1")
        served.authority.register("app", client_id="app", client_secret="hush")
        served.authority.register(IDP, RSA_PUBLIC, subjects="u1")
        yield served


def for_a_user(**changes: Any) -> dict[str, Any]:
    """Arguments of the grant by an identity provider's assertion."""
    return {"grant": "jwt_bearer", "issuer": IDP, "subject": "u1", "key_id": None, "client_auth": SECRET, **changes}


def test_a_client(keycloak: Served) -> None:
    """A client asks in its own name, by an assertion to the realm's issuer that lives for a minute from iat."""
    record = keycloak.sign_in(scope="profile")
    claims = record.client_claims
    assert record.path == "/realms/orders/protocol/openid-connect/token"
    assert record.form["grant_type"] == "client_credentials"
    assert record.form["scope"] == "profile"
    assert record.client_header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert (claims["iss"], claims["sub"]) == ("robot", "robot")
    assert claims["aud"] == f"{keycloak.url}/realms/orders"
    assert claims["exp"] - claims["iat"] == 60
    assert claims["jti"]
    assert "scope" not in claims


def test_a_grant_of_an_identity_provider(keycloak: Served) -> None:
    """The grant holds the identity provider and the linked id, and the client proves itself beside it."""
    record = keycloak.sign_in(**for_a_user(scope="profile"))
    claims = record.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (IDP, "u1", f"{keycloak.url}/realms/orders")
    assert claims["exp"] - claims["iat"] == 300
    assert record.form["scope"] == "profile"
    assert "scope" not in claims
    assert (record.client, record.client_method) == ("app", "client_secret_basic")


def test_a_grant_of_a_client_with_a_key(keycloak: Served) -> None:
    """The client beside the assertion may prove itself by a key."""
    by_key = PrivateKeyJWT(client_id="robot")
    record = keycloak.sign_in(**for_a_user(client_auth=by_key))
    assert (record.client, record.client_claims["aud"]) == ("robot", f"{keycloak.url}/realms/orders")


def test_the_time_that_an_assertion_is_taken(keycloak: Served) -> None:
    """A client's clock that is a minute off is told of, and what it means."""
    keycloak.authority.skew = 90
    error = keycloak.refused()
    assert isinstance(error, InvalidClient)
    assert "clock" in error.hint


def test_refusals_of_a_client(keycloak: Served) -> None:
    """Each refusal of a client says what is wrong with what, and what to do."""
    unknown = keycloak.refused(issuer="nobody")
    assert isinstance(unknown, InvalidClient)
    assert "no client nobody" in unknown.hint
    lost = keycloak.refused(key_id="k2")
    assert isinstance(lost, InvalidClient)
    assert "no public key k2" in lost.hint
    assert "register this one" in keycloak.refused(key=OTHER_RSA).hint
    wrong = keycloak.refused(client_auth=PrivateKeyJWT(audience=f"{keycloak.url}/realms/other"))
    assert "/realms/other" in wrong.hint
    assert "server=" in wrong.hint


def test_refusals_of_a_grant(keycloak: Served) -> None:
    """Each refusal of an identity provider's assertion says what is wrong with what, and what to do."""
    unknown = keycloak.refused(**for_a_user(issuer="https://other.example"))
    assert isinstance(unknown, InvalidGrant)
    assert "https://other.example" in unknown.hint
    assert "linked to u2" in keycloak.refused(**for_a_user(subject="u2")).hint
    assert "aud" in keycloak.refused(**for_a_user(audience="https://elsewhere.example")).hint


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Token reuse detected", "twice"),
        ("Error validating JWT with identity provider", "JWKS"),
        ("Token audience doesn't match domain", "server="),
        ("Invalid signature algorithm", "algorithm="),
        ("Client not enabled to retrieve service account", "Service accounts roles"),
        ("Identity Provider is not allowed for the client", "JWT Authorization Grant"),
    ],
)
def test_other_words(words: str, part: str, keycloak: Served) -> None:
    """Words that the local server has no occasion for are known too."""
    assert part in keycloak.said({"error": "invalid_client", "error_description": words}).hint


def test_bad_arguments(keycloak: Served) -> None:
    """What Keycloak cannot take is refused before anything is sent."""
    assert keycloak.bad(server=None).code == "no_token_endpoint"
    assert (
        keycloak.bad(server=None, token_endpoint="<url>/realms/orders/protocol/openid-connect/token").code
        == "no_server"
    )
    assert keycloak.bad(server="<url>").code == "bad_server"
    assert keycloak.bad(**for_a_user(subject=None)).code == "no_subject"
    assert keycloak.bad(**for_a_user(client_auth=None)).code == "no_client_auth"
    assert keycloak.bad(subject="ann").code == "bad_argument"
    grant = for_a_user(server=None, token_endpoint="https://login.example/token")
    assert keycloak.bad(**grant).code == "no_server"


def test_another_vendors_key_file(keycloak: Served) -> None:
    """A key file of another vendor is not taken for Keycloak's."""
    assert keycloak.foreign_file().code == "key_file_kind"
