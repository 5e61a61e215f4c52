"""The access token of other credentials as an assertion."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth.assertions import FromCredentials
from sa_auth.errors import ConfigError, InvalidGrant, ResponseError

from .texts import CANARY, NOW, everything_of, token


class Credentials:
    """Other credentials, which give a token each time they are asked."""

    def __init__(self, *texts: Any, **stated: Any) -> None:
        self.texts = list(texts)
        vars(self).update(stated)

    def token(self) -> Any:
        text = self.texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return SimpleNamespace(access_token=text)


def test_asked_each_time() -> None:
    """The credentials keep their token fresh themselves, so they are asked for every exchange."""
    source = FromCredentials(Credentials(token(), "opaque"))
    assert (source.mint(NOW), source.mint(NOW)) == (token(), "opaque")


@pytest.mark.parametrize(
    ("stated", "told"),
    [({"fingerprint": lambda: ("a", "b")}, ("a", "b")), ({"fingerprint": lambda: "a"}, ("a",)), ({"identity": "who"}, ("who",)),
     ({"identity": b"\x01\xff"}, ("01ff",)), ({"fingerprint": lambda: ("a",), "identity": "who"}, ("a",))],
)  # fmt: skip
def test_known_by_what_they_state(stated: dict[str, Any], told: tuple[str, ...]) -> None:
    """Credentials that state whose they are share a token with their like."""
    assert FromCredentials(Credentials(**stated)).fingerprint() == ("from_credentials", *told)


@pytest.mark.parametrize(
    "stated",
    [{}, {"identity": None}, {"identity": 5}, {"identity": ""}, {"fingerprint": lambda: ()}, {"fingerprint": lambda: [1]}, {"fingerprint": "text"},
     {"fingerprint": lambda: ("",)}, {"identity": ("a", 1)}],
)  # fmt: skip
def test_known_by_nothing(stated: dict[str, Any]) -> None:
    """Credentials that state nothing that can be told share with nobody."""
    credentials = Credentials(**stated)
    one, other = FromCredentials(credentials), FromCredentials(credentials)
    assert one.fingerprint() != other.fingerprint()
    assert len(bytes.fromhex(one.fingerprint()[1])) == 16


def test_their_refusal_is_the_refusal() -> None:
    """What went wrong with the other credentials is said in their words."""
    with pytest.raises(InvalidGrant) as caught:
        FromCredentials(Credentials(InvalidGrant("No.", hint="Clock."))).mint(NOW)
    assert caught.value.hint == "Clock."
    everything_of(caught.value)


def test_a_foreign_error_is_named() -> None:
    """Anything else that they raise is named by class and place, without its words."""
    with pytest.raises(ConfigError, match="ValueError") as caught:
        FromCredentials(Credentials(ValueError(CANARY))).mint(NOW)
    assert caught.value.retryable is True
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("text", [None, 5, b"bytes", [CANARY]])
def test_no_access_token(text: Any) -> None:
    """What they give must have a text for its access_token."""
    with pytest.raises(ResponseError) as caught:
        FromCredentials(Credentials(text)).mint(NOW)
    assert (caught.value.code, bool(caught.value.hint)) == ("no_access_token", True)
    assert CANARY not in everything_of(caught.value)


@pytest.mark.parametrize("source", [None, "opaque", object(), SimpleNamespace(token="text"), Credentials, lambda: "x"])
def test_no_credentials(source: Any) -> None:
    """What has no token() is refused at once."""
    with pytest.raises(ConfigError) as caught:
        FromCredentials(source)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)


def test_it_shows_their_class_alone() -> None:
    """Foreign credentials may show anything in their repr; ours shows what they are."""
    assert repr(FromCredentials(Credentials(CANARY))) == "FromCredentials(Credentials)"
