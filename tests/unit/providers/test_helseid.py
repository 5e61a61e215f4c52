"""HelseID's machines, against its dialect.

Source: https://utviklerportal.nhn.no/informasjonstjenester/helseid
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sa_auth.client_auth import PrivateKeyJWT
from sa_auth.errors import InvalidClient, InvalidScope, UnauthorizedClient
from sa_auth.testing import ManualClock
from tests.unit.providers.serving import EC, EC_PUBLIC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

SCOPE = "nhn:example-api/read"
DETAILS = {
    "type": "helseid_authorization",
    "practitioner_role": {
        "organization": {
            "identifier": {"system": "urn:oid:2.16.578.1.12.4.1.4.101", "type": "ENH", "value": "999977775"}
        }
    },
}


@pytest.fixture
def helseid(sa_clock: ManualClock) -> Iterator[Served]:
    """An environment with a client that is bound to DPoP."""
    with serving(
        "helseid", sa_clock, key=RSA, issuer="robot", key_id="k1", server="<url>", scope=SCOPE, dpop=True
    ) as served:
        authority = served.authority
        authority.register("robot", RSA_PUBLIC, key_id="k1", scopes=SCOPE, dpop_bound=True)
        authority.register("elliptic", EC_PUBLIC, key_id="e1", dpop_bound=True)
        authority.metadata_changes = {"token_endpoint": f"{served.url}/connect/token", "revocation_endpoint": None}
        yield served


def test_signing_in(helseid: Served, sa_clock: ManualClock) -> None:
    """The endpoint is the metadata's; header, claims, form and proof are those of HelseID's own library."""
    record = helseid.sign_in()
    now, claims = int(sa_clock.now().wall), dict(record.client_claims)
    assert record.path == "/connect/token"
    assert record.client_header == {"alg": "PS256", "typ": "client-authentication+jwt", "kid": "k1"}
    assert claims.pop("jti")
    assert claims == {
        "iss": "robot", "sub": "robot", "aud": helseid.url, "iat": now - 10, "nbf": now - 10, "exp": now + 30,
    }  # fmt: skip
    assert set(record.form) == {"grant_type", "client_id", "scope", "client_assertion", "client_assertion_type"}
    assert (record.form["client_id"], record.form["scope"]) == ("robot", SCOPE)
    assert record.dpop_claims["htu"] == f"{helseid.url}/connect/token"


def test_an_elliptic_key(helseid: Served) -> None:
    """An elliptic key signs by its own algorithm."""
    assert helseid.sign_in(key=EC, issuer="elliptic", key_id="e1", scope=None).client_header["alg"] == "ES256"


def test_the_algorithm_of_a_jwk(helseid: Served, tmp_path: Path) -> None:
    """What a JWK says of its algorithm goes before HelseID's usual one."""
    fields = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(load_pem_private_key(RSA.encode(), None)))  # type: ignore[arg-type]
    path = tmp_path / "key.jwk"
    path.write_text(json.dumps({**fields, "kid": "k1", "alg": "PS512"}))
    path.chmod(0o600)
    record = helseid.sign_in(key=str(path), key_id=None)
    assert record.client_header == {"alg": "PS512", "typ": "client-authentication+jwt", "kid": "k1"}


@pytest.mark.parametrize("details", [DETAILS, [DETAILS]])
def test_assertion_details(details: Any, helseid: Served) -> None:
    """The organisation stands in the assertion, as object or list."""
    assert helseid.sign_in(claims={"assertion_details": details}).client_claims["assertion_details"] == details


def test_a_nonce(helseid: Served) -> None:
    """A nonce is put into a new proof, and the assertion is made anew."""
    helseid.authority.dpop_nonce = True
    helseid.sign_in()
    first, second = helseid.authority.requests[-2:]
    assert second.dpop_claims["nonce"]
    assert first.client_claims["jti"] != second.client_claims["jti"]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "nobody"},
        {"key": OTHER_RSA},
        {"key_id": "k2"},
        {"client_auth": PrivateKeyJWT(audience="https://helseid-sts.nhn.no")},
        {"claims": {"assertion_details": {"no": "type"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_client_that_is_refused(change: dict[str, Any], helseid: Served) -> None:
    """HelseID does not say why, so the causes are told, with what was sent."""
    error = helseid.refused(**change)
    assert isinstance(error, InvalidClient)
    assert "assertion_details" in error.hint
    assert change.get("key_id", "k1") in error.hint


def test_other_refusals(helseid: Served) -> None:
    """Scope, grant and missing proof each say what to do."""
    scope = helseid.refused(scope="nhn:other")
    assert isinstance(scope, InvalidScope)
    assert "nhn:other" in scope.hint
    grant = helseid.said({"error": "unauthorized_client"})
    assert isinstance(grant, UnauthorizedClient)
    assert "machine to machine" in grant.hint
    assert "dpop=True" in helseid.refused(dpop=False).hint


def test_bad_arguments(helseid: Served) -> None:
    """What HelseID cannot take is refused before anything is sent."""
    assert helseid.bad(lifetime=61).code == "bad_lifetime"
    assert helseid.bad(key_id=None).code == "no_key_id"
    assert helseid.bad(subject="ann").code == "bad_argument"
    assert helseid.bad(claims={"authorization_details": [DETAILS]}).code == "bad_argument"
    assert helseid.bad(claims={"assertion_details": json.dumps(DETAILS)}).code == "bad_argument"
    assert helseid.foreign_file().code == "key_file_kind"
