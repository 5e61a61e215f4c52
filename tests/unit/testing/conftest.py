"""What the tests of the local authority share: a standing clock and requests that are forged by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.wire import Request
from tests.unit.testing.kit import Kit

ISSUER = "robot@example.test"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def b64(data: bytes) -> str:
    """Encodes base64url without padding, by hand."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Makes token requests, right ones by default, with anything in them changed.

    It signs with PyJWT and never with the library under test, so that both cannot be wrong in the same way.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.private_pem, self.public_pem = new_key("p256")
        self.audience = ""
        self._count = 0

    def register(self, authority: Authority, **settings: Any) -> Authority:
        """Makes the forger's key known to an authority and aims at it."""
        authority.register(ISSUER, self.public_pem, **settings)
        self.audience = authority.token_endpoint
        return authority

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims that are in order but for the changes; None removes one."""
        self._count += 1
        now = int(self.clock.now().wall)
        claims = {"iss": ISSUER, "aud": self.audience, "iat": now - 10, "exp": now + 300, "jti": f"id-{self._count}"}
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def assertion(
        self,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        key: str | None = None,
        algorithm: str = "ES256",
    ) -> str:
        """A signed assertion."""
        content = dict(self.claims() if claims is None else claims)
        return self.parts(json.dumps(content).encode(), headers, key, algorithm)

    def parts(
        self,
        payload: bytes,
        headers: Mapping[str, Any] | None = None,
        key: str | None = None,
        algorithm: str = "ES256",
    ) -> str:
        """A signed object over any bytes, with any header."""
        header = json.dumps({"alg": algorithm, "typ": "JWT", **(headers or {})}).encode()
        return self.signed(header, payload, key, algorithm)

    def signed(self, header: bytes, payload: bytes, key: str | None = None, algorithm: str = "ES256") -> str:
        """The three parts over any bytes whatsoever."""
        signer = jwt.get_algorithm_by_name(algorithm)
        text = f"{b64(header)}.{b64(payload)}"
        signature = signer.sign(text.encode(), signer.prepare_key(key or self.private_pem))
        return f"{text}.{b64(signature)}"

    def form(self, assertion: str | None = None, **fields: str) -> dict[str, str]:
        """The fields of a form."""
        return {"grant_type": GRANT, "assertion": self.assertion() if assertion is None else assertion, **fields}

    def request(
        self,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        method: str = "POST",
        url: str | None = None,
    ) -> Request:
        """A whole token request."""
        if body is None:
            body = urlencode(self.form() if fields is None else fields).encode()
        return Request(
            url=self.audience if url is None else url,
            body=body,
            headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
            method=method,
        )

    def by_claims(self, **changes: Any) -> Request:
        """A whole token request with other claims."""
        return self.request(self.form(self.assertion(self.claims(**changes))))


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def forger(clock: ManualClock) -> Forger:
    """Makes requests by that clock."""
    return Forger(clock)


@pytest.fixture
def authority(clock: ManualClock, forger: Forger) -> Authority:
    """An authority that knows the forger's key."""
    return forger.register(Authority(clock))


@pytest.fixture
def make_authority(clock: ManualClock, forger: Forger) -> Callable[..., Authority]:
    """Makes an authority with other settings; `registration` are those of the issuer."""

    def make(registration: Mapping[str, Any] | None = None, **settings: Any) -> Authority:
        return forger.register(Authority(clock, **settings), **(registration or {}))

    return make


@pytest.fixture
def kit(clock: ManualClock) -> Kit:
    """An authority with a cast of clients, by the clock that stands still."""
    return Kit(clock)
