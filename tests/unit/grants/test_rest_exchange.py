"""A JWT to a REST endpoint: where it goes, and where its answer is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.assertions import FromCallable
from sa_auth.errors import ConfigError
from sa_auth.grants import RestExchange
from sa_auth.grants.base import Named, Shaped
from sa_auth.token import AnswerNames
from tests.unit.assertions.texts import NOW, assertion, token

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_in_a_field() -> None:
    """The JWT is the field, the other fields follow, and the request is JSON without an Authorization header."""
    request = RestExchange(token(), field="jwt", body={"role": "ci"}, headers={"X-Api-Version": "2"}).request(NOW)
    assert request.fields == (("jwt", token()), ("role", "ci"))
    assert dict(request.headers) == {"X-Api-Version": "2"}
    assert request.json is True


def test_as_the_bearer() -> None:
    """Without a field the JWT is the bearer, and the body holds the rest alone."""
    request = RestExchange(token(), body={"role": "ci"}).request(NOW)
    assert request.fields == (("role", "ci"),)
    assert dict(request.headers) == {"Authorization": f"Bearer {token()}"}
    assert RestExchange(token()).request(NOW).fields == ()
    assert RestExchange(token()).form(NOW) == []


def test_fresh_for_each() -> None:
    """Every request has the JWT that is there now."""
    texts = iter([token(sub="a"), token(sub="b")])
    grant = RestExchange(FromCallable(lambda: next(texts)), field="jwt")
    assert [dict(grant.request(NOW).fields)["jwt"] for _ in range(2)] == [token(sub="a"), token(sub="b")]


@given(st.dictionaries(st.text("xyz", min_size=1), JSON, max_size=4))
def test_any_body(body: dict[str, Any]) -> None:
    """Whatever JSON the other fields are, they are sent so, and nobody can change them afterwards."""
    grant = RestExchange(token(), field="jwt", body=body)
    told = grant.fingerprint()
    assert dict(grant.request(NOW).fields) == {"jwt": token(), **body}
    for value in dict(grant.request(NOW).fields).values():
        if isinstance(value, list | dict):
            value.clear()
    assert dict(grant.request(NOW).fields) == {"jwt": token(), **body}
    assert grant.fingerprint() == told


def test_the_callers_mapping_is_copied() -> None:
    """What the caller does to its mappings later changes no request."""
    body: dict[str, Any] = {"roles": ["a"]}
    headers = {"X": "1"}
    grant = RestExchange(token(), field="jwt", body=body, headers=headers)
    body["roles"].append("b")
    headers["X"] = "2"
    request = grant.request(NOW)
    assert (dict(request.fields)["roles"], dict(request.headers)) == (["a"], {"X": "1"})


def test_where_the_answer_is_read() -> None:
    """Names of the answer's fields are the service's own; by default those of RFC 6749 section 5.1."""
    grant = RestExchange(token(), token="auth.client_token", expires_in="auth.lease", expires_at="auth.until")
    assert isinstance(grant, Named)
    assert isinstance(grant, Shaped)
    assert grant.names == AnswerNames("auth.client_token", "auth.lease", "auth.until")
    assert RestExchange(token()).names == AnswerNames()


@pytest.mark.parametrize("text", ["canary", assertion()])
def test_no_jwt(text: str) -> None:
    """What is sent is a JWT, else nothing is."""
    with pytest.raises(ConfigError) as caught:
        RestExchange(text, field="jwt").request(NOW)
    assert caught.value.code == "assertion_not_jwt"
    assert text not in str(caught.value)


def test_the_field_is_named_once() -> None:
    """A body that sets the JWT's field again is refused with the argument that does."""
    with pytest.raises(ConfigError) as caught:
        RestExchange(token(), field="jwt", body={"jwt": "other"})
    assert "field=" in caught.value.hint


def test_any_token_is_a_bearer() -> None:
    """The access token of other credentials is the bearer whether it is a JWT or not."""
    request = RestExchange("ya29.c-opaque", body={"ttl": "60s"}).request(NOW)
    assert dict(request.headers) == {"Authorization": "Bearer ya29.c-opaque"}


@pytest.mark.parametrize("text", [assertion(), "x" * 16_385], ids=["saml", "long"])
def test_what_is_no_bearer(text: str) -> None:
    """What fits into no header is not sent, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        RestExchange(FromCallable(lambda: text)).request(NOW)
    assert caught.value.code == "assertion_not_bearer"
    assert text not in str(caught.value)


@given(
    st.dictionaries(st.text("xyz", min_size=1), JSON, max_size=4),
    st.dictionaries(st.text("xyz", min_size=1), JSON, max_size=4),
)
def test_more_in_the_body(first: dict[str, Any], more: dict[str, Any]) -> None:
    """More fields stand beside the first ones, which go before them; the old grant is left as it was."""
    grant = RestExchange(token(), body=first)
    assert dict(grant.with_body(more).request(NOW).fields) == {**more, **first}
    assert dict(grant.request(NOW).fields) == first


def test_more_may_not_set_the_jwt() -> None:
    """The JWT's own field is nobody else's."""
    with pytest.raises(ConfigError):
        RestExchange(token(), field="jwt").with_body({"jwt": "other"})
