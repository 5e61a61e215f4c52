"""Fields of a provider that several vendors could want, on one that nobody has."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sa_auth import ConfigError, keys
from sa_auth.exchange import Exchange, ServerClock
from sa_auth.metadata import Metadata
from sa_auth.providers import making
from sa_auth.providers.base import Page, Provider
from sa_auth.settings import Settings
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority
from tests.unit.providers.serving import EC, RSA

ENDPOINT = "https://as.example/token"
ONE, TWO = "https://api.example/", "urn:example:two"


def exchange(provider: Provider, key: str | None = None, **changes: Any) -> Exchange:
    """The exchange that a provider's data become."""
    given = {
        "signer": LocalSigner(keys.from_jwk(key) if key is not None else keys.from_pem(EC)), "issuer": "robot",
        "transport": Authority().transport(), "server_clock": ServerClock(), "token_endpoint": ENDPOINT,
        "endpoint_by_caller": True,
    }  # fmt: skip
    return making.exchange_of(*making.prepared(provider, Settings(**{**given, **changes})))


def claims(made: Exchange) -> dict[str, Any]:
    """What the assertion says, the grant's or the client's."""
    part: Any = made.grant if getattr(made.grant, "assertion", None) is not None else made.client_auth
    found: dict[str, Any] = part.assertion._payload(0)
    return found


def test_resource_as_a_claim() -> None:
    """`resource_claim` puts the resources into the assertion, as an array, and none into the form."""
    made = exchange(Provider("x", resource_claim=True), resource=(ONE, TWO))
    assert claims(made)["resource"] == [ONE, TWO]
    assert made.form == ()
    assert "resource" not in claims(exchange(Provider("x", resource_claim=True)))
    assert exchange(Provider("x"), resource=(ONE,)).form == (("resource", ONE),)


def test_a_claim_of_ones_own_goes_before() -> None:
    """What claims= says of the resource goes before resource=."""
    made = exchange(Provider("x", resource_claim=True), resource=(ONE,), claims={"resource": TWO})
    assert claims(made)["resource"] == TWO


CLIENT = Provider("x", grant="client_credentials", audience="{endpoint}")


def test_scope_in_the_clients_assertion() -> None:
    """`scope_of_client` puts the scope into the client's assertion, by the vendor's separator, and none into the form."""
    wanted = CLIENT._replace(scope_of_client=True, scope_separator=",")
    made = exchange(wanted, scope=("a", "b"))
    assert claims(made)["scope"] == "a,b"
    assert not made.scope_field
    assert made.scope == "a b"
    assert "scope" not in claims(exchange(wanted))
    assert "scope" not in claims(exchange(CLIENT, scope=("a",)))
    assert exchange(CLIENT, scope=("a",)).scope_field
    assert exchange(wanted, scope=("a",)).identity != exchange(wanted, scope=("b",)).identity


def test_a_client_without_a_subject() -> None:
    """The subject of a client's assertion is the client, and none where the vendor wants none."""
    assert claims(exchange(CLIENT))["sub"] == "robot"
    assert "sub" not in claims(exchange(CLIENT._replace(subject="none")))


@pytest.mark.parametrize("grant", ["client_credentials", "jwt_bearer"])
@pytest.mark.parametrize("audience", ["{server}", "{server}/", "{endpoint}", "{host}"])
def test_an_audience_that_is_not_known(audience: str, grant: str) -> None:
    """An audience made of an address that nobody gave is refused, and never sent as a half."""
    wanted = Provider("x", Page("X"), grant=grant, audience=audience)
    given: dict[str, Any] = (
        {} if "server" in audience else {"token_endpoint": None, "metadata": Metadata("https://as.example")}
    )
    with pytest.raises(ConfigError) as caught:
        exchange(wanted, **given)
    assert caught.value.code == "no_server"
    assert caught.value.hint
    assert exchange(wanted, metadata=Metadata("https://as.example"))


def test_revocation_where_no_server_is_known() -> None:
    """A revocation endpoint made of the server is unknown with it."""
    wanted = CLIENT._replace(revocation_endpoint="{server}/revoke")
    assert exchange(wanted).revocation_endpoint is None
    assert exchange(wanted, metadata=Metadata("https://as.example/")).revocation_endpoint == "https://as.example/revoke"


@pytest.mark.parametrize(
    ("said", "takes", "chosen"),
    [
        (None, ("PS256", "RS256"), "PS256"),
        ("PS512", ("PS256", "PS512"), "PS512"),
        ("PS512", ("PS256",), "PS256"),
        ("PS512", (), "PS512"),
    ],
)
def test_what_a_jwk_says_of_its_algorithm(said: str | None, takes: tuple[str, ...], chosen: str) -> None:
    """A JWK's own `alg` goes before the vendor's best where the vendor takes it."""
    fields = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(load_pem_private_key(RSA.encode(), None)))  # type: ignore[arg-type]
    made: Any = exchange(CLIENT._replace(algorithms=takes), json.dumps({**fields, **({"alg": said} if said else {})}))
    assert made.client_auth.assertion.signer.algorithm == chosen
