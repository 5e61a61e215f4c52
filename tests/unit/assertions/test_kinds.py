"""An assertion of the kind that a request needs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sa_auth.assertions import FromCallable, Given, Kubernetes
from sa_auth.assertions.kinds import judged, jwt_of, saml2_of, taken
from sa_auth.errors import ConfigError

from .texts import CANARY, NOW, assertion, everything_of, token


class Own:
    """An assertion object of the caller's own, which notes when it is asked."""

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, []

    def mint(self, now: float) -> str:
        self.asked.append(now)
        return self.text

    def fingerprint(self) -> tuple[str, ...]:
        return ("own",)

    def describe(self) -> str:
        return ""


def test_jwt() -> None:
    """A JWT that was handed over is given as it is, and asked for by the time it is needed at."""
    source = Own(token())
    assert jwt_of(source, NOW) == jwt_of(Given(token()), NOW) == token()
    assert source.asked == [NOW]
    with pytest.raises(ConfigError, match="expired"):
        jwt_of(Given(token(exp=NOW)), NOW + 1)


@pytest.mark.parametrize("text", ["opaque", assertion()])
def test_handed_over_and_no_jwt(text: str) -> None:
    """What a token service handed over is looked at."""
    for source in (Given(text), FromCallable(lambda: text)):
        with pytest.raises(ConfigError) as caught:
            jwt_of(source, NOW)
        assert caught.value.code == "assertion_not_jwt"


def test_the_callers_own_object() -> None:
    """What an object of the caller's own makes is not judged as a JWT: it knows what its server takes."""
    assert jwt_of(Own("opaque"), NOW) == "opaque"


def test_saml2() -> None:
    """A SAML 2.0 assertion is given in base64url without padding, whoever made it."""
    for source in (Given(assertion()), Own(assertion())):
        coded = saml2_of(source, NOW)
        assert "=" not in coded
        assert base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)) == assertion().encode()


@pytest.mark.parametrize("source", [Given(token()), Given("opaque"), Own(token()), Own("opaque")])
def test_no_saml2(source: Any) -> None:
    """Anything else could not be sent as one."""
    with pytest.raises(ConfigError) as caught:
        saml2_of(source, NOW)
    assert (caught.value.code, bool(caught.value.hint)) == ("assertion_not_saml", True)


def test_taken() -> None:
    """Whatever may stand for an assertion is taken; what may not comes back as an error and raises none."""
    own = Own("")
    assert judged(taken(own)) is own
    assert isinstance(judged(taken("kubernetes")), Kubernetes)
    assert judged(None) is None
    error = taken(f"{CANARY} {CANARY}")
    assert isinstance(error, ConfigError)
    assert (error.__traceback__, error.__context__) == (None, None)
    with pytest.raises(ConfigError) as caught:
        judged(error)
    assert CANARY not in everything_of(caught.value)
