"""An assertion as text, and whatever may stand for one."""

from __future__ import annotations

import hashlib
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth.assertions import (
    ASSERTIONS,
    Assertion,
    FromCallable,
    FromCredentials,
    FromFile,
    Given,
    Kubernetes,
    source_of,
)
from sa_auth.errors import ConfigError

from .texts import CANARY, NOW, assertion, everything_of, token


@pytest.mark.parametrize(
    "text", [token(), token().encode(), token() + "\n", assertion(), assertion().encode(), "opaque"]
)
def test_given(text: str | bytes) -> None:
    """A text is sent as it is, and tokens asked for by it are known by its hash."""
    source = Given(text)
    raw = text.encode() if isinstance(text, str) else text
    assert source.mint(NOW).strip() == raw.decode().strip()
    assert source.fingerprint() == ("given", hashlib.sha256(raw).hexdigest())
    assert isinstance(source, Assertion)


def test_two_texts_are_two_identities() -> None:
    """Another assertion, another token."""
    assert Given("a").fingerprint() != Given("b").fingerprint()
    assert Given("a").fingerprint() == Given(b"a").fingerprint()


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "assertion_empty"), (token()[:-40], "assertion_truncated"), (f"{CANARY} and more", "assertion_not_text"), (b"\xff", "assertion_not_text"),
     ("x" * 300_000, "assertion_too_large"), (5, "bad_argument"), (None, "bad_argument"), ([CANARY], "bad_argument"), (bytearray(b"x"), "bad_argument")],
)  # fmt: skip
def test_what_is_no_assertion_is_refused_at_once(text: Any, code: str) -> None:
    """What will never be an assertion is refused before anything begins; asking again would not help."""
    with pytest.raises(ConfigError) as caught:
        Given(text)
    assert (caught.value.code, caught.value.retryable) == (code, False)
    assert caught.value.hint
    assert CANARY not in everything_of(caught.value)


@pytest.mark.parametrize(
    ("name", "instead"), [("token.jwt", "FromFile"), ("kubernets", "'kubernetes'"), (__file__, "FromFile")]
)
def test_a_name_is_no_text(name: str, instead: str) -> None:
    """A file's name, or a token service's with a slip in it, is not sent as an assertion."""
    with pytest.raises(ConfigError) as caught:
        source_of(name)
    assert caught.value.code == "bad_argument"
    assert instead in caught.value.hint


def test_it_ages() -> None:
    """One that has expired is refused when it is asked for, by its age and not by its text."""
    source = Given(token(exp=NOW))
    assert source.mint(NOW - 1)
    with pytest.raises(ConfigError, match="expired 5 s ago") as caught:
        source.mint(NOW + 5)
    assert caught.value.retryable is False
    assert token().split(".")[2] not in everything_of(caught.value)


def test_it_does_not_travel() -> None:
    """It shows nothing and is not pickled, with what to do instead."""
    source = Given(token())
    assert f"{source!r}{source}" == "Given(...)Given(...)"
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(source)
    assert caught.value.code == "not_picklable"
    assert "environment variable" in caught.value.hint


# source_of


def test_an_assertion_is_one() -> None:
    """An assertion is taken as it is, whoever wrote its class."""

    class Own:
        def mint(self, now: float) -> str:
            return "a"

        def fingerprint(self) -> tuple[str, ...]:
            return ("own",)

        def describe(self) -> str:
            return ""

    for source in (Own(), FromFile("/run/token"), Given("a")):
        assert source_of(source) is source


@pytest.mark.parametrize("name", sorted(ASSERTIONS))
def test_by_name(name: str) -> None:
    """A token service in the table is taken by its name, with its defaults."""
    source = source_of(name)
    assert type(source) is ASSERTIONS[name]
    assert isinstance(source, Assertion)


def test_text_callable_credentials() -> None:
    """Text is given, a function is asked, credentials are asked for their token though they can be called too."""
    assert isinstance(source_of("opaque"), Given)
    assert isinstance(source_of(b"opaque"), Given)
    asked = source_of(lambda: "opaque")
    assert isinstance(asked, FromCallable)
    assert asked.mint(NOW) == "opaque"

    class Credentials:
        def __call__(self, request: object) -> object:
            return request

        def token(self) -> object:
            return SimpleNamespace(access_token="of others")

    assert isinstance(source_of(Credentials()), FromCredentials)


@pytest.mark.parametrize("value", [None, 5, [CANARY], {"token": CANARY}, object(), Kubernetes, Given, str])
def test_nothing_else(value: Any) -> None:
    """Anything else, a class in place of its object included, is refused with what there is."""
    with pytest.raises(ConfigError) as caught:
        source_of(value)
    assert caught.value.code == "bad_argument"
    assert "kubernetes" in caught.value.hint or "object" in caught.value.hint
    assert CANARY not in str(caught.value)
