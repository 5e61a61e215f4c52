"""An assertion that a function gives."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
from typing import Any

import pytest

from sa_auth.assertions import FromCallable
from sa_auth.errors import ConfigError, ResponseError

from .texts import CANARY, NOW, assertion, everything_of, token


def module_level() -> str:
    """A function of a module."""
    return token()


def decorated(function: Any) -> Any:
    """Wraps a function."""

    @functools.wraps(function)
    def inner() -> Any:
        return function()

    return inner


@decorated
def wrapped() -> str:
    """A function of a module, wrapped: it stands under its name all the same."""
    return "opaque"


shadowed = decorated(module_level)


class Vault:
    """A thing with methods."""

    def read(self) -> str:
        return "opaque"

    def __call__(self) -> str:
        return "opaque"

    @staticmethod
    def static() -> str:
        return "opaque"


def closure(text: str) -> Any:
    """A function that holds something."""

    def inner() -> str:
        return text

    return inner


@pytest.mark.parametrize("text", [token(), token().encode(), assertion(), assertion().encode(), "opaque\n"])
def test_asked_each_time(text: str | bytes) -> None:
    """The function is asked for every exchange, and may give text or bytes."""
    texts = [text, "other"]
    source = FromCallable(lambda: texts.pop(0))
    first = source.mint(NOW)
    assert (first.encode() if isinstance(text, bytes) else first).strip() == text.strip()
    assert source.mint(NOW) == "other"


def test_a_function_of_a_module_is_known_by_name() -> None:
    """Two sources of one function share a token, and do so in another process."""
    name = f"{__name__}:module_level"
    assert (
        FromCallable(module_level).fingerprint() == FromCallable(module_level).fingerprint() == ("from_callable", name)
    )
    assert FromCallable(wrapped).fingerprint() == ("from_callable", f"{__name__}:wrapped")


@pytest.mark.parametrize(
    "make",
    [lambda: lambda: "a", lambda: closure("a"), lambda: Vault().read, Vault, lambda: Vault.static,
     lambda: functools.partial(module_level), lambda: "opaque".strip, lambda: shadowed],
    ids=["lambda", "closure", "method", "object", "static", "partial", "builtin", "wrapped away from its name"],
)  # fmt: skip
def test_what_has_no_name_of_its_own_shares_with_nobody(make: Any) -> None:
    """Two closures may act for two people: such a source is like itself alone, even of the same function."""
    function = make()
    one, same, other = FromCallable(function), FromCallable(function), FromCallable(make())
    told = {one.fingerprint(), same.fingerprint(), other.fingerprint()}
    assert len(told) == 3
    assert one.fingerprint() == one.fingerprint()
    assert len(bytes.fromhex(one.fingerprint()[1])) == 16


def test_the_callers_name() -> None:
    """Who names the source says that two of that name are one."""
    one, other = FromCallable(closure("a"), name="robot"), FromCallable(closure("b"), name="robot")
    assert one.fingerprint() == other.fingerprint() == ("from_callable", "robot")
    assert FromCallable(module_level, name="robot").fingerprint() == ("from_callable", "robot")
    assert repr(one) == "FromCallable(robot)"


def boom() -> str:
    """A function that fails, with the secret in its words."""
    held = f"{CANARY}-local"
    raise KeyError(held)


def test_what_it_raises_is_named_by_class_and_place() -> None:
    """An error of the function's own is named by its class and where it was raised; its words stay behind."""
    with pytest.raises(ConfigError, match=r"KeyError .*test_from_callable\.py:\d+") as caught:
        FromCallable(boom).mint(NOW)
    error = caught.value
    assert (error.code, error.retryable, bool(error.hint)) == ("assertion_callable", True, True)
    assert CANARY not in everything_of(error)


def test_an_error_of_ours_passes() -> None:
    """A function that asks by this library may say what happened in its words."""

    def asks() -> str:
        raise ResponseError("No.", code="http_503", retryable=True, status=503, hint="Wait.")

    with pytest.raises(ResponseError) as caught:
        FromCallable(asks).mint(NOW)
    assert (caught.value.code, caught.value.status, caught.value.hint) == ("http_503", 503, "Wait.")
    everything_of(caught.value)


def test_an_interrupt_passes() -> None:
    """Whoever stops the program stops it in the function as well."""

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FromCallable(interrupted).mint(NOW)


async def coroutine() -> str:
    """Nobody awaits it."""
    return CANARY


@pytest.mark.parametrize("function", [lambda: None, lambda: 5, lambda: [CANARY], lambda: bytearray(b"x"), coroutine])
def test_no_text(function: Any) -> None:
    """What gives neither text nor bytes is refused by the type of what it gave; a coroutine is closed, not forgotten."""
    with pytest.raises(ConfigError) as caught:
        FromCallable(function).mint(NOW)
    assert caught.value.code == "bad_argument"
    assert CANARY not in everything_of(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "assertion_empty"), (token()[:50], "assertion_truncated"), (token(exp=1), "assertion_expired"), ("x" * 300_000, "assertion_too_large")],
)  # fmt: skip
def test_no_assertion(text: str, code: str) -> None:
    """What it gives is looked at like any other."""
    with pytest.raises(ConfigError) as caught:
        FromCallable(lambda: text).mint(NOW)
    assert caught.value.code == code


@pytest.mark.parametrize("function", [None, "opaque", 5, str, Vault])
def test_no_function(function: Any) -> None:
    """What cannot be called, or is a class, is refused at once."""
    with pytest.raises(ConfigError) as caught:
        FromCallable(function)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)


@pytest.mark.parametrize("name", ["", " ", 5, b"name"])
def test_no_name(name: Any) -> None:
    """A name is text, not empty."""
    with pytest.raises(ConfigError, match="name="):
        FromCallable(module_level, name=name)


def test_it_is_asked_again_in_another_process() -> None:
    """A pickled source asks the function of that name over there."""
    source = pickle.loads(pickle.dumps(FromCallable(module_level, name="robot")))
    assert (source.mint(NOW), source.fingerprint()) == (token(), ("from_callable", "robot"))


def test_no_pickles_own_error() -> None:
    """Whoever pickles a lambda is told what to write instead, in a fresh process as well."""
    code = (
        "import pickle; from sa_auth.assertions import FromCallable\n"
        "try: pickle.dumps(FromCallable(lambda: 'x'))\n"
        "except Exception as error: print(type(error).__name__, error.code, 'left margin' in error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ConfigError not_picklable True\n"
