"""Any server that follows RFC 7523: what the generic provider makes of settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from sa_auth.assertions import SelfIssued
from sa_auth.client_auth import ClientId, ClientSecretBasic
from sa_auth.errors import ConfigError
from sa_auth.exchange import Exchange, ServerClock
from sa_auth.grants import JWTBearer
from sa_auth.keys import from_pem
from sa_auth.providers import PROVIDERS, making
from sa_auth.providers.base import Provider
from sa_auth.settings import Settings
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, new_key

SIGNER = LocalSigner(from_pem(new_key("p256")[0]))
GENERIC: Provider = PROVIDERS["generic"]
ENDPOINT = "https://as.example/token"


def exchange_of(vendor: Provider, given: Settings) -> Exchange:
    """The exchange that a vendor's data and these settings become."""
    return making.exchange_of(*making.prepared(vendor, given))


def settings(**changes: Any) -> Settings:
    """Settings that are enough, with changes."""
    given = {
        "signer": SIGNER, "transport": Authority().transport(), "server_clock": ServerClock(), "issuer": "robot",
        "token_endpoint": ENDPOINT, "endpoint_by_caller": True,
    }  # fmt: skip
    return Settings(**{**given, **changes})


def test_defaults() -> None:
    """By default: JWT bearer, five minutes, aud the endpoint, no client authentication."""
    exchange = exchange_of(GENERIC, settings())
    assert exchange.endpoint == ENDPOINT
    assert exchange.client_auth is None
    grant = exchange.grant
    assert isinstance(grant, JWTBearer)
    source = grant.assertion
    assert isinstance(source, SelfIssued)
    claims = source._payload(1_000_000)
    assert (claims["iat"], claims["exp"], claims["aud"]) == (999_990, 1_000_300, ENDPOINT)
    assert "scope" not in claims


def test_there_is_a_subject() -> None:
    """RFC 7523 section 3, 2: there is always a sub; the issuer speaks for itself where nobody else is named."""
    for given, expected in ((None, "robot"), ("user", "user")):
        grant = exchange_of(GENERIC, settings(issuer="robot", subject=given)).grant
        assert isinstance(grant, JWTBearer)
        assert isinstance(grant.assertion, SelfIssued)
        assert grant.assertion._payload(0)["sub"] == expected


def test_scope_goes_into_claim_and_form() -> None:
    """A scope is asked for in both places, as servers differ in which they read."""
    exchange = exchange_of(GENERIC, settings(scope=("read", "write")))
    grant = exchange.grant
    assert isinstance(grant, JWTBearer)
    assert dict(parse_qsl(exchange.build(0).body.decode()))["scope"] == "read write"
    assert exchange.scope == "read write"


def test_resources_and_form() -> None:
    """Resources come before the extra fields, each as one of its own."""
    made = exchange_of(GENERIC, settings(resource=("https://a", "https://b"), form=(("x", "1"),)))
    assert made.form == (("resource", "https://a"), ("resource", "https://b"), ("x", "1"))


@pytest.mark.parametrize("lifetime", [1, 300, 86_400])
def test_no_limit_of_its_own(lifetime: int) -> None:
    """Any lifetime is taken: what the server allows is not known."""
    assert exchange_of(GENERIC, settings(lifetime=lifetime))


@pytest.mark.parametrize("audience", ["https://as.example/token", "https://as.example/oauth?x=1"])
def test_endpoint_from_the_audience(audience: str) -> None:
    """An https audience with a path is the endpoint where none is given."""
    made = exchange_of(GENERIC, settings(token_endpoint=None, endpoint_by_caller=False, audience=audience))
    assert made.endpoint == audience


@pytest.mark.parametrize(
    "audience", [None, "https://as.example", "https://as.example/", "http://127.0.0.1/token", "urn:as", "as.example/t"]
)
def test_no_endpoint(audience: str | None) -> None:
    """Any other audience is a name and no address: the endpoint is asked for."""
    with pytest.raises(ConfigError) as caught:
        exchange_of(GENERIC, settings(token_endpoint=None, endpoint_by_caller=False, audience=audience))
    assert caught.value.code == "no_token_endpoint"
    assert "token_endpoint=" in caught.value.hint


@pytest.mark.parametrize("audience", ["https://user@as.example/token", "https://as.example/token#x"])
def test_audience_that_is_no_endpoint(audience: str) -> None:
    """An audience that stands in for the endpoint is checked like one."""
    with pytest.raises(ConfigError) as caught:
        exchange_of(GENERIC, settings(token_endpoint=None, audience=audience))
    assert caught.value.code == "bad_endpoint"


@pytest.mark.parametrize(("change", "code"), [({"issuer": None}, "no_issuer"), ({"signer": None}, "no_key")])
def test_what_is_needed(change: dict[str, Any], code: str) -> None:
    """Issuer and key are asked for, with what they are."""
    with pytest.raises(ConfigError) as caught:
        exchange_of(GENERIC, settings(**change))
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_grant_and_client_auth() -> None:
    """A grant or method comes as a name or as an object, which is taken as it is."""
    grant = JWTBearer(SelfIssued(SIGNER, issuer="x", audience="y"))
    method = ClientSecretBasic("app", "secret")
    made = exchange_of(GENERIC, settings(grant=grant, client_auth=method, signer=None, issuer=None))
    assert made.grant is grant
    assert made.client_auth is method
    assert isinstance(exchange_of(GENERIC, settings(grant="jwt_bearer", client_auth="client_id")).client_auth, ClientId)
    assert exchange_of(GENERIC, settings(client_auth="none")).client_auth is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grant": "password"}, "unknown_name"), ({"grant": 5}, "bad_argument"), ({"grant": JWTBearer}, "bad_argument"),
        ({"client_auth": "password"}, "unknown_name"), ({"client_auth": 5}, "bad_argument"),
        ({"client_auth": ClientId}, "bad_argument"), ({"client_auth": "client_secret_post"}, "bad_argument"),
    ],
)  # fmt: skip
def test_grant_and_client_auth_that_are_none(change: dict[str, Any], code: str) -> None:
    """Unknown names, other types, and classes in place of objects are refused with advice."""
    with pytest.raises(ConfigError) as caught:
        exchange_of(GENERIC, settings(**change))
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_endpoint_of_a_file() -> None:
    """A file may name any https endpoint for the generic provider, and no http one."""
    made = exchange_of(GENERIC, settings(endpoint_by_caller=False))
    assert made.endpoint == ENDPOINT
    with pytest.raises(ConfigError) as caught:
        exchange_of(GENERIC, settings(token_endpoint="http://127.0.0.1/token", endpoint_by_caller=False))
    assert caught.value.code == "bad_endpoint"


def test_a_vendor_as_data() -> None:
    """What differs between vendors is a field: hosts, lifetimes, algorithms, where the scope goes."""
    vendor = Provider(
        name="acme", token_endpoint="https://login.acme.example/token", hosts=("login.acme.example",), lifetime=60,
        longest=120, backdate=0, scope_claim="never", scope_form=True, algorithms=("ES256",),
    )  # fmt: skip
    exchange = exchange_of(vendor, settings(token_endpoint=None, endpoint_by_caller=False, scope=("read",)))
    assert exchange.endpoint == "https://login.acme.example/token"
    grant = exchange.grant
    assert isinstance(grant, JWTBearer)
    assert isinstance(grant.assertion, SelfIssued)
    claims = grant.assertion._payload(1_000_000)
    assert (claims["iat"], claims["exp"], "scope" in claims) == (1_000_000, 1_000_060, False)
    assert dict(parse_qsl(exchange.build(0).body.decode()))["scope"] == "read"
    for change in ({"token_endpoint": "https://login.acme.example.evil.test/token", "endpoint_by_caller": False},
                   {"lifetime": 121}):  # fmt: skip
        with pytest.raises(ConfigError):
            exchange_of(vendor, settings(**change))


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_every_row(name: str) -> None:
    """Every row of the table loads and has its own name."""
    assert PROVIDERS.find(name).name == name
