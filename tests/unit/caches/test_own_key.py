"""A key that a cache seals with: which is taken, what a pickle may hold of it, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sa_auth._secret import Secret
from sa_auth.caches.own_key import checked_key, opened_key, travelling
from sa_auth.errors import ConfigError

ADVICE = (
    "Make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'`, and give all who share the cache the "
    "same; or pass a function that gives it."
)


def a_key() -> str:
    """A key, as a function of a module gives it."""
    return "k" * 32


def refused(call: Callable[[], object]) -> ConfigError:
    """The error that comes of it."""
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("key", ["k" * 32, b"k" * 32, "\u00e9" * 16])
def test_a_text_becomes_a_secret(key: Any) -> None:
    """Thirty-two bytes are a key, and are carried as a secret."""
    made = checked_key(key, "FileCache")
    assert isinstance(made, Secret)
    assert opened_key(made) == (key if isinstance(key, bytes) else key.encode())


def test_what_stays_as_it_is() -> None:
    """A secret, a function and none are taken as they are; none is no bytes."""
    secret = Secret("k" * 32)
    assert (checked_key(secret, ""), checked_key(a_key, ""), checked_key(None, "")) == (secret, a_key, None)
    assert (opened_key(a_key), opened_key(None)) == (b"k" * 32, b"")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("k" * 31, "FileCache(key=) is shorter than 32 bytes."),
        (b"", "FileCache(key=) is shorter than 32 bytes."),
        (5, "FileCache(key=) is of type int."),
        (["k" * 32], "FileCache(key=) is of type list."),
    ],
)
def test_what_is_no_key(key: Any, says: str) -> None:
    """What could be guessed, or is no text, is refused by the argument's name, with how to make one."""
    assert (
        str(refused(lambda: checked_key(key, "FileCache")))
        == f"bad_argument: {says} Hint: {ADVICE} More: docs/errors/bad_argument.md."
    )


@pytest.mark.parametrize("given", ["k" * 31, "", None])
def test_a_function_that_gives_too_little(given: Any) -> None:
    """A function whose key could be guessed, or that gives none, is refused as it is asked, with where to look."""
    assert str(refused(lambda: opened_key(lambda: given))) == (
        "bad_argument: The function given as a cache's key= gave fewer than 32 bytes. Hint: See that what it reads is set. More: docs/errors/bad_argument.md."
    )


def test_a_function_that_fails() -> None:
    """One that raises, or gives no text, is said to be the cache's, and its text is not repeated."""

    def failing() -> str:
        raise KeyError("canary")

    assert str(refused(lambda: opened_key(failing))) == (
        "bad_argument: The cache's key= callable raised KeyError. Hint: Call it by itself to see why. More: docs/errors/bad_argument.md."
    )
    wrong: Any = lambda: 5  # noqa: E731
    assert str(refused(lambda: opened_key(wrong))).startswith("bad_argument: The cache's key= is of type int.")


def test_what_travels() -> None:
    """None and a function of a module travel; a secret is left to refuse by itself."""
    secret = Secret("k" * 32)
    assert (travelling(None, "FileCache"), travelling(a_key, "FileCache"), travelling(secret, "FileCache")) == (
        None, a_key, secret,
    )  # fmt: skip


@pytest.mark.parametrize("module", ["no.such.module", __name__])
def test_a_function_without_a_name(module: str) -> None:
    """A function that is not found under its name in its module does not travel, with how it would."""
    nameless: Any = lambda: "k" * 32  # noqa: E731
    nameless.__module__ = module
    assert str(refused(lambda: travelling(nameless, "FileCache"))) == (
        "not_picklable: FileCache(key=) is a function without a name in a module, which is not pickled. Hint: Write it as a "
        "function of a module (def, at the left margin): that travels by name. More: docs/errors/not_picklable.md."
    )
    named: Any = lambda: "k" * 32  # noqa: E731
    named.__module__, named.__qualname__ = __name__, "a_key"
    assert refused(lambda: travelling(named, "FileCache")).code == "not_picklable", "another has that name"


def test_a_thing_that_can_be_called() -> None:
    """What can be called and has neither module nor name does not travel."""

    class Gives:
        __module__ = None  # type: ignore[assignment]

        def __call__(self) -> str:
            return "k" * 32

    assert refused(lambda: travelling(Gives(), "FileCache")).code == "not_picklable"
