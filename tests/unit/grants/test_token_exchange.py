"""A token for a token: RFC 8693 section 2.1."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.assertions import FromCallable, FromCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.grants import TokenExchange
from sa_auth.testing import Authority, ManualClock, new_key
from tests.unit.assertions.texts import NOW, assertion, token

KIND = "urn:ietf:params:oauth:token-type:"
GRANT = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")


def test_subject_alone() -> None:
    """The least request is grant_type, subject_token and its type."""
    assert TokenExchange("abc", "access_token").form(NOW) == [
        GRANT, ("subject_token", "abc"), ("subject_token_type", f"{KIND}access_token"),
    ]  # fmt: skip


def test_everything() -> None:
    """An actor token comes with its type; what is wanted and for whom follow, audience once for each."""
    grant = TokenExchange(
        "abc", "refresh_token", actor_token=token(), actor_token_type="id_token", requested_token_type="access_token",
        audience=["inventory", "orders"],
    )  # fmt: skip
    assert grant.form(NOW) == [
        GRANT, ("subject_token", "abc"), ("subject_token_type", f"{KIND}refresh_token"),
        ("actor_token", token()), ("actor_token_type", f"{KIND}id_token"),
        ("requested_token_type", f"{KIND}access_token"), ("audience", "inventory"), ("audience", "orders"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["jwt", "access_token", "https://example/kind"])
def test_no_type_without_its_token(kind: str) -> None:
    """An actor's type without an actor is refused: it MUST NOT be included then."""
    with pytest.raises(ConfigError) as caught:
        TokenExchange("abc", "access_token", actor_token_type=kind)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)
    names = [name for name, _ in TokenExchange("abc", "access_token").form(NOW)]
    assert not any(name.startswith(("actor", "requested", "audience")) for name in names)


def test_an_actor_is_a_jwt_unless_said_otherwise() -> None:
    """No token comes without its type: that of an actor is a JWT's where nobody says more."""
    sent = dict(TokenExchange(token(), actor_token=token(sub="actor")).form(NOW))
    assert sent["subject_token_type"] == sent["actor_token_type"] == f"{KIND}jwt"


@pytest.mark.parametrize("word", ["access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt"])
def test_known_kinds(word: str) -> None:
    """The kinds of section 3 are named by their last word or in full, and are the same."""
    short, long = (TokenExchange(token(), "jwt", requested_token_type=kind) for kind in (word, KIND + word))
    assert dict(short.form(NOW))["requested_token_type"] == KIND + word
    assert short.fingerprint() == long.fingerprint()


def test_other_kinds() -> None:
    """The URI of another kind is sent as it is, and its token too, whatever its name ends with."""
    grant = TokenExchange(FromCallable(assertion), "urn:example:saml2")
    assert dict(grant.form(NOW))["subject_token"] == assertion()
    assert dict(grant.form(NOW))["subject_token_type"] == "urn:example:saml2"


@pytest.mark.parametrize("which", ["subject", "actor"])
def test_saml_is_encoded(which: str) -> None:
    """Section 3: a SAML 2.0 assertion is sent base64url-encoded, untouched."""
    subject, actor = (
        TokenExchange(assertion(), "saml2"),
        TokenExchange(token(), actor_token=assertion(), actor_token_type="saml2"),
    )
    grant = subject if which == "subject" else actor
    sent = dict(grant.form(NOW))[f"{which}_token"]
    assert base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)) == assertion().encode()
    assert "=" not in sent


@pytest.mark.parametrize("kind", ["jwt", "id_token"])
@pytest.mark.parametrize("text", ["canary", assertion()])
def test_what_is_no_jwt(kind: str, text: str) -> None:
    """What is said to be a JWT is one, else the request is not made: the wrong kind would be refused without a reason."""
    for grant in (TokenExchange(text, kind), TokenExchange(token(), actor_token=text, actor_token_type=kind)):
        with pytest.raises(ConfigError) as caught:
            grant.form(NOW)
        assert caught.value.code == "assertion_not_jwt"
        assert text not in str(caught.value)


def test_asked_for_each_request() -> None:
    """Both sources are asked anew for every request."""
    subjects, actors = iter("ab"), iter("cd")
    grant = TokenExchange(
        FromCallable(lambda: next(subjects)), "access_token", actor_token=lambda: next(actors),
        actor_token_type="access_token",
    )  # fmt: skip
    sent = [dict(grant.form(NOW)) for _ in range(2)]
    assert [(one["subject_token"], one["actor_token"]) for one in sent] == [("a", "c"), ("b", "d")]


@pytest.mark.parametrize(
    ("requested", "taken"),
    [
        (None, ()),
        ("access_token", ()),
        ("jwt", ("N_A",)),
        ("id_token", ("N_A",)),
        ("saml2", ("N_A",)),
        ("urn:x:y", ("N_A",)),
    ],
)
def test_token_type(requested: str | None, taken: tuple[str, ...]) -> None:
    """Section 2.2.1: what may be no access token may be of the type N_A; an access token may not."""
    assert TokenExchange("abc", "access_token", requested_token_type=requested).names.token_types == taken


def test_what_it_says() -> None:
    """A refusal's hint says what both tokens say."""
    grant = TokenExchange(token(), actor_token=token(sub="actor", aud=None))
    grant.form(NOW)
    assert grant.describe() == (
        "subject token: iss 'https://sts.example', sub 'robot', aud 'api', kid 'k1' from the text handed over, "
        "actor token: iss 'https://sts.example', sub 'actor', kid 'k1' from the text handed over"
    )
    assert repr(TokenExchange("abc", "access_token", audience="x")) == "TokenExchange('access_token', audience=('x',))"


def test_delegation(sa_clock: ManualClock) -> None:
    """A strict server exchanges the token of one robot for one by which another acts for it."""
    authority = Authority(sa_clock)
    keys = {name: new_key("p256") for name in ("subject", "actor")}
    for name, (_, public) in keys.items():
        authority.register(name, public)
    given: dict[str, Any] = {
        "token_endpoint": authority.token_endpoint, "transport": authority.transport(), "clock": sa_clock,
        "cache": MemoryCache(), "server": authority.issuer,
    }  # fmt: skip
    own = ServiceAccountCredentials(keys["subject"][0], issuer="subject", scope="read", **given)
    grant = TokenExchange(own, "access_token", audience="inventory")
    assert isinstance(grant.subject_token, FromCredentials)
    creds = ServiceAccountCredentials(keys["actor"][0], issuer="actor", grant=grant, scope="read", **given)
    assert creds.token().access_token != own.token().access_token
    record = authority.requests[-1]
    assert not record.broken
    assert (record.form["subject_token"], record.client_method) == (own.token().access_token, "private_key_jwt")


class Says:
    """A source that says anything of itself."""

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def mint(self, now: float) -> str:
        return "opaque"

    def fingerprint(self) -> tuple[str, ...]:
        return self.parts

    def describe(self) -> str:
        return ""


@given(st.lists(st.sampled_from("abc"), max_size=5), st.integers(0, 5), st.integers(0, 5))
def test_boundary_between_the_tokens(said: list[str], one: int, other: int) -> None:
    """Whatever two sources say of themselves, what moves from one to the other makes another identity."""
    first, second = (TokenExchange(Says(*said[:at]), actor_token=Says(*said[at:])).fingerprint() for at in (one, other))
    assert (first == second) is (said[:one] == said[:other])
