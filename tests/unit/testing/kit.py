"""What the files of rules share: a cast of clients, requests forged by hand, and what a pair of requests shows."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.testing.rules.rule import Rule
from sa_auth.wire import Request

URN = "urn:ietf:params:oauth"
JWT_CLIENT = f"{URN}:client-assertion-type:jwt-bearer"
SAML_CLIENT = f"{URN}:client-assertion-type:saml2-bearer"
SECRET = "a secret of more than thirty-two bytes"
VERIFIER = "v" * 43


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


CHALLENGE = b64(hashlib.sha256(VERIFIER.encode()).digest())


@cache
def certificate(name: str) -> tuple[str, str]:
    """A self-signed certificate and its private key, both PEM; the same for the same name."""
    private, _ = new_key("rsa2048", fresh=name != "app")
    key: Any = serialization.load_pem_private_key(private.encode(), None)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.datetime(2023, 1, 1, tzinfo=dt.timezone.utc)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, day, day + dt.timedelta(days=36500))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(name)])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode(), private


def shown(name: str) -> dict[str, str]:
    """The header field by which a certificate is handed on (RFC 9440)."""
    der = x509.load_pem_x509_certificate(certificate(name)[0].encode()).public_bytes(serialization.Encoding.DER)
    return {"client-cert": f":{base64.b64encode(der).decode()}:"}


class Kit:
    """An authority with a cast, and requests to it that are right unless something is changed.

    The cast: "app" proves itself by its key, "shop" by its secret, "box" by its certificate, "page" is public, and
    "robot" signs grants.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.keys = {name: new_key("p256") for name in ("app", "robot", "dpop", "sts", "stranger")}
        self.authority = Authority(clock)
        self.authority.register("app", self.keys["app"][1])
        self.authority.register("shop", client_secret=SECRET)
        self.authority.register("box", certificate=certificate("box")[0])
        self.authority.register("page", redirect_uris="https://page.test/back https://page.test/other")
        self.authority.register("robot", self.keys["robot"][1])
        self._count = 0

    @property
    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock.now().wall)

    def jwt(
        self, key: str, claims: dict[str, Any], /, headers: dict[str, Any] | None = None, algorithm: str = "ES256"
    ) -> str:
        """A JWT under one of the keys, or under the secret; claims of None are left out."""
        self._count += 1
        content = {"iat": self.now, "exp": self.now + 60, "jti": f"id-{self._count}", **claims}
        content = {name: value for name, value in content.items() if value is not None}
        material = SECRET if key == "shop" else self.keys[key][0]
        return jwt.encode(content, material, algorithm=algorithm, headers=headers)

    def client(self, /, key: str = "app", headers: dict[str, Any] | None = None, **changes: Any) -> dict[str, str]:
        """The form fields by which "app" proves itself, its claims changed."""
        claims = {"iss": "app", "sub": "app", "aud": self.authority.issuer, **changes}
        typed = {"typ": "client-authentication+jwt"} if headers is None else headers
        return {"client_assertion": self.jwt(key, claims, typed), "client_assertion_type": JWT_CLIENT}

    def grant(self, /, **changes: Any) -> str:
        """A JWT by which "robot" is granted something."""
        return self.jwt("robot", {"iss": "robot", "sub": "ann", "aud": self.authority.token_endpoint, **changes})

    def post(self, /, path: str = "/token", headers: dict[str, str] | None = None, **fields: str) -> Request:
        """A form sent to one of the endpoints."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return Request(f"{self.authority.issuer}{path}", urlencode(fields).encode(), kind)

    def credentials(self, /, headers: dict[str, str] | None = None, **fields: str) -> Request:
        """A request by client credentials."""
        return self.post(headers=headers, grant_type="client_credentials", **fields)

    def send(self, request: Request) -> dict[str, Any]:
        """Sends it and gives the answer's fields."""
        fields: dict[str, Any] = json.loads(self.authority.handle(request).body or b"{}")
        return fields

    def jwk(self, key: str = "dpop") -> dict[str, Any]:
        """The public half of a key as JWK."""
        private: Any = serialization.load_pem_private_key(self.keys[key][0].encode(), None)
        found: dict[str, Any] = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(private.public_key()))
        return found

    def proof(
        self, /, key: str = "dpop", headers: dict[str, Any] | None = None, token: str | None = None, **changes: Any
    ) -> dict[str, str]:
        """The header field with a DPoP proof for a token request, or for a call of the API with a token."""
        claims: dict[str, Any] = {"htm": "POST", "htu": self.authority.token_endpoint, "exp": None}
        if token is not None:
            claims |= {"htm": "GET", "htu": f"{self.authority.api_url}/files"}
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        typed = {"typ": "dpop+jwt", "jwk": self.jwk(key), **(headers or {})}
        typed = {name: value for name, value in typed.items() if value is not None}
        return {"DPoP": self.jwt(key, {**claims, **changes}, typed)}

    def call(self, token: str, headers: dict[str, str] | None = None, scheme: str = "Bearer") -> Request:
        """A call of the API."""
        fields = {"Authorization": f"{scheme} {token}", **(headers or {})}
        return Request(f"{self.authority.api_url}/files?page=1", headers=fields, method="GET")

    def issued(self) -> str:
        """A plain token."""
        return self.authority.issue()

    def bound_token(self) -> str:
        """A token that is bound to the DPoP key."""
        return str(self.send(self.credentials(self.proof(), **self.client()))["access_token"])

    def certified_token(self) -> str:
        """A token that is bound to the certificate of "box"."""
        return str(self.send(self.credentials(shown("box"), client_id="box"))["access_token"])


Forge = Callable[[Kit], Request]


def repeated(forge: Forge) -> Forge:
    """A request that was sent before."""

    def make(kit: Kit) -> Request:
        request = forge(kit)
        kit.authority.handle(request)
        return request

    return make


@dataclass(frozen=True)
class Pair:
    """A request that keeps a rule and one that breaks it alone, by an authority that was prepared for both."""

    good: Forge
    bad: Forge
    error: str = "invalid_request"
    status: int = 400
    prepare: Callable[[Kit], object] = field(default=lambda _: None)


def cases(pairs: dict[str, list[Pair]]) -> list[Any]:
    """One case per pair, named by its rule."""
    return [
        pytest.param(name, pair, id=f"{name}-{number}")
        for name, found in pairs.items()
        for number, pair in enumerate(found)
    ]


def rules_of(module: ModuleType) -> set[str]:
    """The names of the rules that a family's file defines."""
    return {each.name for each in vars(module).values() if isinstance(each, Rule)}


class Judged:
    """The two tests that every pair of a table has to pass; a file's class says which table."""

    pairs: dict[str, list[Pair]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs each test once per pair, named by its rule."""
        metafunc.parametrize(("name", "pair"), cases(self.pairs))

    def test_what_keeps_every_rule_is_accepted(self, name: str, pair: Pair, kit: Kit) -> None:
        """Whoever keeps all rules gets an answer in order, and every rule that has a say in it says that it is kept."""
        pair.prepare(kit)
        response = kit.authority.handle(pair.good(kit))
        verdicts = {verdict.rule: verdict.ok for verdict in kit.authority.requests[-1].verdicts}
        assert response.status in {200, 201}, kit.authority.explain()
        assert set(verdicts.values()) == {True}, kit.authority.explain()

    def test_what_breaks_one_rule_is_refused_for_that_rule_alone(self, name: str, pair: Pair, kit: Kit) -> None:
        """Whoever breaks one rule is refused with its error, and no other rule is blamed."""
        pair.prepare(kit)
        request = pair.bad(kit)
        issued = kit.authority.exchanges
        response = kit.authority.handle(request)
        record = kit.authority.requests[-1]
        assert [verdict.rule for verdict in record.broken] == [name], kit.authority.explain()
        assert (response.status, record.error) == (pair.status, pair.error)
        assert json.loads(response.body)["error"] == pair.error
        assert kit.authority.exchanges == issued
        assert record.broken[0].detail
