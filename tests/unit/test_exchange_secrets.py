"""What makes two exchanges the same one, and what an error tells of the secrets that were sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientSecretBasic, ClientSecretPost
from sa_auth.errors import InvalidGrant
from sa_auth.keys import from_pem
from sa_auth.policy import Retry
from sa_auth.testing import ManualClock, new_key
from sa_auth.wire import Response
from tests.unit.exchange_kit import ENDPOINT, PRIVATE, Carrier, exchange, fails, said

OTHERS: dict[str, dict[str, Any]] = {
    "nothing": {}, "scope": {"scope": "read write"}, "less scope": {"scope": "read"},
    "resource": {"resource": "https://api.example/"}, "two resources": {"resource": ["https://api.example/", "urn:x"]},
    "form": {"form": {"tenant": "1"}}, "another value": {"form": {"tenant": "2"}},
    "server": {"server": "https://other.example"}, "endpoint": {"token_endpoint": f"{ENDPOINT}2"},
    "issuer": {"issuer": "app2"}, "key": {"key": new_key("p256")[0]}, "own dpop": {"dpop": True},
    "another dpop": {"dpop": from_pem(new_key("p256")[0])}, "throw-away dpop": {"dpop": "ephemeral"},
    "certificate": {"transport": SimpleNamespace(send=print, certificate_thumbprint="abc")},
    "method": {"client_auth": "client_id"}, "secret": {"client_auth": ClientSecretBasic("app", "s" * 40)},
    "another secret": {"client_auth": ClientSecretBasic("app", "t" * 40)},
    "secret elsewhere": {"client_auth": ClientSecretPost("app", "s" * 40)}, "grant": {"grant": "jwt_bearer"},
}  # fmt: skip


def identity(**changes: Any) -> bytes:
    """The identity of credentials that differ from others by this."""
    given: dict[str, Any] = {
        "key": PRIVATE, "issuer": "app", "server": "https://as.example", "token_endpoint": ENDPOINT,
        "grant": "client_credentials", **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(given.pop("key"), **given)._source._exchange.identity


def test_identity() -> None:
    """Whatever decides what is issued makes another identity, each by itself; the order of scopes decides nothing."""
    found = {name: identity(**changes) for name, changes in OTHERS.items()}
    assert len(set(found.values())) == len(found)
    assert identity(scope="write read") == found["scope"]
    assert identity(timeout=1, retry=Retry(attempts=1)) == found["nothing"]


# what a refusal tells of what was sent


def test_a_refusal_says_what_was_sent(sa_clock: ManualClock) -> None:
    """The hint of a refusal holds issuer and audience, and nothing of the assertion."""
    error = fails(exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_grant"))))
    assert "iss 'robot'" in error.hint
    assert f"aud '{ENDPOINT}'" in error.hint
    assert "eyJ" not in str(error)


class ByFields:
    """A grant of the caller's own that sends these fields."""

    repeatable = False

    def __init__(self, *fields: tuple[str, str]) -> None:
        self.fields = list(fields)

    def form(self, _now: float) -> list[tuple[str, str]]:
        """The fields."""
        return self.fields

    def fingerprint(self) -> tuple[str, ...]:
        """Nobody else's."""
        return ("by_fields",)

    def describe(self) -> str:
        """Its name."""
        return "fields"


SECRETS = {
    "code": "the-code of 1",
    "refresh_token": "the refresh+token",
    "client_secret": "the/secret/of/it",
    "token": "abcd",
}


@pytest.mark.parametrize("shown", [str, quote_plus, lambda secret: secret[:12], lambda secret: secret + "x" * 200])
@pytest.mark.parametrize("name", SECRETS)
def test_no_echo_of_a_secret(sa_clock: ManualClock, name: str, shown: Callable[[str], str]) -> None:
    """What a server repeats of the secrets that it was sent, in whole, encoded or cut, reaches neither error nor log."""
    error = json.dumps(
        {"error": "invalid_grant", "error_description": f"no such {name}: {shown(SECRETS[name])}"}
    ).encode()
    grant = ByFields(("grant_type", "password"), (name, SECRETS[name]))
    refusal = fails(exchange(sa_clock, Carrier(sa_clock, Response(400, {}, error)), grant=grant))
    assert isinstance(refusal, InvalidGrant)
    assert f"no such {name}: [what was sent]" in str(refusal)
    assert SECRETS[name][:12] not in f"{refusal!r} {vars(refusal)}"


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
def test_no_echo_of_a_client_secret(sa_clock: ManualClock, method: type[ClientSecretBasic]) -> None:
    """Nor what a server read out of a header."""
    error = Response(401, {}, b'{"error": "invalid_client", "error_description": "not app:the/secret/of/it"}')
    asked = exchange(sa_clock, Carrier(sa_clock, error), client_auth=method("app", "the/secret/of/it"))
    assert "not app:[what was sent]" in str(fails(asked))


def test_an_odd_header_hides_no_refusal(sa_clock: ManualClock) -> None:
    """What a method of the caller's own puts into the Authorization header is not what the refusal is about."""
    for header in (5, None, "Basic a", "Basic \xe4"):
        method = SimpleNamespace(
            apply=lambda request, _now, header=header: request.with_header("Authorization", header),
            fingerprint=lambda: ("own", "app"),
        )
        assert isinstance(
            fails(exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_grant")), client_auth=method)), InvalidGrant
        )
