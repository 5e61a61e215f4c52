"""A request, before it is sent: fields, headers, encoding, proof; and what of it may be told."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.client_auth import ClientId, ClientSecretBasic, ClientSecretPost, PrivateKeyJWT
from sa_auth.client_auth.base import Client
from sa_auth.dpop import DPoP
from sa_auth.errors import ConfigError
from sa_auth.grants import AuthorizationCode, ClientCredentials, JWTBearer, RestExchange, TokenExchange
from sa_auth.keys import from_pem
from sa_auth.request import revocation_request, token_request
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key
from sa_auth.wire import Request
from tests.unit.assertions.texts import NOW, token

URL = "https://as.example/token?tenant=1"
SIGNER = LocalSigner(from_pem(new_key("p256")[0]))
BASIC = ClientSecretBasic("app", "canary")


def fields(request: Request) -> list[tuple[str, str]]:
    """What a server reads of a form."""
    return parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)


def test_a_form() -> None:
    """The grant's fields come first, then scope, extra fields and the client's; sent as a form, answered as JSON."""
    request = token_request(
        ClientCredentials(), ClientSecretPost("app", "s&t=u"), NOW, url=URL, scope="read write",
        form=(("resource", "https://a.example/"), ("resource", "https://b.example/"), ("x", "ü ")),
    )  # fmt: skip
    assert (request.url, request.method) == (URL, "POST")
    assert request.headers == {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    assert fields(request) == [
        ("grant_type", "client_credentials"), ("scope", "read write"), ("resource", "https://a.example/"),
        ("resource", "https://b.example/"), ("x", "ü "), ("client_id", "app"), ("client_secret", "s&t=u"),
    ]  # fmt: skip


@given(st.dictionaries(st.text("abc ü&=+%\n", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_field(extra: dict[str, str]) -> None:
    """Whatever stands in a field, the server reads it back, and no field becomes two."""
    request = token_request(ClientCredentials(), None, NOW, url=URL, form=tuple(extra.items()))
    assert fields(request) == [("grant_type", "client_credentials"), *extra.items()]


def test_json() -> None:
    """Where a provider takes JSON, the same fields are one object, and a field that stands twice is a list."""
    grant = TokenExchange("abc", "access_token", audience=["a", "b", "c"])
    request = token_request(grant, ClientId("app"), NOW, url=URL, json=True, form=(("resource", "https://r.example"),))
    assert request.headers["Content-Type"] == "application/json"
    said = json.loads(request.body)
    assert (said["audience"], said["resource"], said["client_id"]) == (["a", "b", "c"], "https://r.example", "app")


def test_a_grant_of_another_shape() -> None:
    """A grant that is no form decides fields, headers and encoding; scope and client follow."""
    grant = RestExchange(token(), body={"roles": ["a", "b"], "n": None}, headers={"Accept": "application/vnd.x+json"})
    request = token_request(grant, ClientId("app"), NOW, url=URL)
    assert json.loads(request.body) == {"roles": ["a", "b"], "n": None, "client_id": "app"}
    assert request.headers == {
        "Accept": "application/vnd.x+json", "Content-Type": "application/json", "Authorization": f"Bearer {token()}",
    }  # fmt: skip


def test_the_grants_own_scope_goes_first() -> None:
    """A scope that the grant sends is not sent a second time."""
    request = token_request(JWTBearer(token(), "own"), None, NOW, url=URL, scope="face")
    assert [value for name, value in fields(request) if name == "scope"] == ["own"]


@pytest.mark.parametrize(
    ("grant", "method", "form"),
    [(ClientCredentials(), ClientId("app"), {"client_id": "other"}), (AuthorizationCode("abc"), None, {"code": "other"}),
     (TokenExchange("abc", "access_token"), None, {"subject_token": "other"}),
     (RestExchange(token(), field="jwt"), None, {"jwt": "other"}), (RestExchange(token(), body={"a": 1}), None, {"a": "other"})],
)  # fmt: skip
def test_no_field_twice(grant: Any, method: Any, form: dict[str, str]) -> None:
    """RFC 6749 section 3.2: parameters MUST NOT be included more than once; the value is not repeated."""
    with pytest.raises(ConfigError) as caught:
        token_request(grant, method, NOW, url=URL, form=tuple(form.items()))
    assert caught.value.code == "field_twice"
    assert (next(iter(form)) in caught.value.message, bool(caught.value.hint)) == (True, True)
    assert "other" not in caught.value.message


def test_fields_that_may_stand_twice() -> None:
    """RFC 8707 section 2 and RFC 8693 section 2.1: resource and audience may be repeated."""
    grant = TokenExchange("abc", "access_token", audience=["a", "b"])
    request = token_request(grant, None, NOW, url=URL, form=(("resource", "x:1"), ("resource", "x:2")))
    assert [value for name, value in fields(request) if name in {"resource", "audience"}] == ["a", "b", "x:1", "x:2"]


def test_two_for_one_header() -> None:
    """Where the JWT is the bearer, Basic has no place: neither overwrites the other in silence."""
    with pytest.raises(ConfigError) as caught:
        token_request(RestExchange(token()), BASIC, NOW, url=URL)
    assert (caught.value.code, bool(caught.value.hint)) == ("field_twice", True)
    assert (
        token_request(RestExchange(token(), field="jwt"), BASIC, NOW, url=URL)
        .headers["Authorization"]
        .startswith("Basic ")
    )


def test_dpop() -> None:
    """The proof is for this method, address and moment, without the query, and made anew for every request."""
    dpop = DPoP(SIGNER)
    proofs = [token_request(ClientCredentials(), BASIC, NOW, url=URL, dpop=dpop).headers["DPoP"] for _ in range(2)]
    said = [jwt.decode(proof, options={"verify_signature": False}) for proof in proofs]
    assert {name: said[0][name] for name in ("htm", "htu", "iat")} == {
        "htm": "POST", "htu": "https://as.example/token", "iat": int(NOW),
    }  # fmt: skip
    assert said[0]["jti"] != said[1]["jti"]
    assert "DPoP" not in token_request(ClientCredentials(), BASIC, NOW, url=URL).headers


def test_fresh_for_each_request() -> None:
    """Two requests share neither assertion nor client assertion."""
    method = PrivateKeyJWT().completed(Client("app", SIGNER, "https://as.example"))
    bodies = [dict(fields(token_request(ClientCredentials(), method, NOW, url=URL))) for _ in range(2)]
    assert bodies[0]["client_assertion"] != bodies[1]["client_assertion"]


def test_revocation() -> None:
    """RFC 7009 section 2.1: the token, the hint at its kind, and the client as at the token endpoint."""
    told = (("token", "abc"), ("token_type_hint", "access_token"))
    request = revocation_request(BASIC, NOW, url="https://as.example/revoke", fields=told)
    assert fields(request) == list(told)
    assert request.headers["Authorization"].startswith("Basic ")
    assert (request.url, request.method, request.peer) == ("https://as.example/revoke", "POST", "revocation endpoint")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert fields(revocation_request(ClientId("app"), NOW, url=URL, fields=told)) == [*told, ("client_id", "app")]
    assert "Authorization" not in revocation_request(None, NOW, url=URL, fields=told).headers


def test_a_request_shows_nothing() -> None:
    """Its repr shows where it goes and not what."""
    request = token_request(AuthorizationCode("canary"), BASIC, NOW, url=URL)
    assert "canary" in request.body.decode()
    assert repr(request) == f"Request(POST {URL})"
