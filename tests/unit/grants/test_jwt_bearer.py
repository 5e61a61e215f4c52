"""The assertion as authorization grant: RFC 7523 section 2.1."""

from __future__ import annotations

import pytest

from sa_auth.assertions import FromCallable, Kubernetes
from sa_auth.errors import ConfigError
from sa_auth.grants import GRANTS, Grant, JWTBearer
from tests.unit.assertions.texts import NOW, assertion, token


class Counting:
    """An assertion source that numbers what it mints."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def mint(self, now: float) -> str:
        self.asked.append(now)
        return f"jwt-{len(self.asked)}"

    def fingerprint(self) -> tuple[str, ...]:
        return ("counting", "x")

    def describe(self) -> str:
        return "what it says"


def test_form() -> None:
    """The form is grant_type and assertion, and the scope where there is one."""
    kind = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
    assert JWTBearer(Counting()).form(5) == [kind, ("assertion", "jwt-1")]
    assert JWTBearer(Counting(), "read write").form(5)[2:] == [("scope", "read write")]


def test_minted_for_each_request() -> None:
    """Every form has an assertion of its own, minted for that moment."""
    source = Counting()
    grant = JWTBearer(source)
    assert [dict(grant.form(now))["assertion"] for now in (5, 6.5)] == ["jwt-1", "jwt-2"]
    assert source.asked == [5, 6.5]


def test_what_it_says_of_itself() -> None:
    """It may be repeated; its fingerprint is its name, the scopes in any order, and the assertion's part."""
    grant = JWTBearer(Counting(), "write read")
    assert isinstance(grant, Grant)
    assert grant.repeatable is True
    assert grant.fingerprint() == ("jwt_bearer", "read write", "counting", "x")
    assert grant.fingerprint() == JWTBearer(Counting(), "read write").fingerprint()
    assert grant.fingerprint() != JWTBearer(Counting(), "readwrite").fingerprint()
    assert grant.describe() == "what it says"
    assert GRANTS["jwt_bearer"] is JWTBearer


@pytest.mark.parametrize("text", ["canary", assertion()])
def test_handed_over_has_to_be_a_jwt(text: str) -> None:
    """What a token service handed over is looked at: an opaque text or SAML is refused before it is sent."""
    for grant in (JWTBearer(text), JWTBearer(FromCallable(lambda: text))):
        with pytest.raises(ConfigError) as caught:
            grant.form(NOW)
        assert caught.value.code == "assertion_not_jwt"
        assert text not in str(caught.value)


def test_handed_over_is_sent_as_it_is() -> None:
    """A JWT that was handed over goes as it came, but for the white space around it."""
    assert dict(JWTBearer(f" {token()}\n").form(NOW))["assertion"] == token()


def test_by_the_name_of_a_token_service() -> None:
    """A token service in the table stands for its assertion."""
    grant = JWTBearer("kubernetes")
    assert isinstance(grant.assertion, Kubernetes)


def test_a_subclass_stays_one() -> None:
    """Completing a grant of the caller's own keeps its class and what it holds."""

    class Once(JWTBearer):
        repeatable = False

    whole = Once(scope="read").completed(Counting)
    assert isinstance(whole, Once)
    assert (whole.repeatable, whole.form(0)[2:]) == (False, [("scope", "read")])
