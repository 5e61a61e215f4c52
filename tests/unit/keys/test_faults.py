"""Tests of `sa_auth.keys.faults`: the words, and how a loader leaves."""

from __future__ import annotations

import pickle

import pytest

from sa_auth.errors import KeyLoadError, MissingExtra, SaAuthError
from sa_auth.keys.faults import attempt, fault

CODES = (
    "certificate_damaged", "certificate_mismatch", "certificate_only", "key_damaged", "key_too_small",
    "key_unsupported", "password_missing", "password_not_needed", "public_key_only", "several_keys", "too_large",
    "unreadable", "wrong_password",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_words(code: str) -> None:
    """Each code has a message and a hint of its own, and survives a pickle."""
    error = fault(code)
    assert isinstance(error, KeyLoadError)
    assert error.code == code
    assert error.message.endswith(".")
    assert error.hint
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)  # noqa: S301 - our own
    assert not error.retryable


def test_words_replaced() -> None:
    """A message or hint that knows more takes the place of the table's."""
    error = fault("key_damaged", "Of 3 parts one is missing.", hint="Look again.")
    assert str(error) == "key_damaged: Of 3 parts one is missing. Hint: Look again. More: docs/errors/key_damaged.md."


def test_result() -> None:
    """What loads is handed through."""
    assert attempt(lambda *given: given, 1, 2) == (1, 2)


@pytest.mark.parametrize("error", [ValueError("canary"), TypeError("canary"), RecursionError(), KeyError("canary")])
def test_foreign_error(error: Exception) -> None:
    """A foreign exception becomes a damaged key, with nothing left of it."""

    def load() -> None:
        raise error

    outcome = attempt(load)
    assert isinstance(outcome, KeyLoadError)
    assert outcome.code == "key_damaged"
    assert "canary" not in repr(vars(outcome))
    assert outcome.__context__ is None


@pytest.mark.parametrize("name", ["PanicException", "KeyboardInterrupt"])
def test_panic(name: str) -> None:
    """A panic of cryptography's, which is no Exception, becomes a damaged key too; whoever stops the process does so."""
    kind = type(name, (BaseException,), {})

    def load() -> None:
        raise kind("canary")

    if name != "PanicException":
        with pytest.raises(kind):
            attempt(load)
        return
    outcome = attempt(load)
    assert isinstance(outcome, KeyLoadError)
    assert (outcome.code, outcome.__context__) == ("key_damaged", None)
    assert "canary" not in repr(vars(outcome))


def test_own_error() -> None:
    """An error of ours comes back as a copy, of its class, without the frames it went through."""

    def load(_secret: str) -> None:
        raise MissingExtra("It is missing.", hint="Get it.")

    outcome = attempt(load, "canary")
    assert isinstance(outcome, SaAuthError)
    assert type(outcome) is MissingExtra
    assert outcome.hint == "Get it."
    assert outcome.__traceback__ is None
    assert outcome.__context__ is None
