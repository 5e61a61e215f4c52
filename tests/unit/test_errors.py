"""Errors: plain, picklable, copied without a trace, and all under one root."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import sa_auth
from sa_auth import errors
from sa_auth.errors import SaAuthError, TokenEndpointError, TransportError

CLASSES = [
    getattr(errors, name)
    for name in errors.__all__
    if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), SaAuthError)
]
FIELDS: dict[str, Any] = {
    "code": "some_code", "hint": "Do this.", "retryable": True, "status": 503, "retry_after": 2.5, "attempts": 3,
}  # fmt: skip


def test_one_root() -> None:
    """Everything but the warning is a SaAuthError, and the package hands all of it out."""
    assert [name for name in errors.__all__ if getattr(errors, name) not in CLASSES] == ["KeyFileWarning"]
    assert set(errors.__all__) <= set(sa_auth.__all__)
    assert sorted(errors.__all__) == errors.__all__
    assert issubclass(errors.KeyFileWarning, UserWarning)


def test_family() -> None:
    """What is ours before we start, what the server said, and what could not be had are told apart by class."""
    for name in ("KeyFileError", "KeyLoadError", "MissingExtra"):
        assert issubclass(getattr(errors, name), errors.ConfigError)
    for name in ("InvalidRequest", "InvalidClient", "InvalidGrant", "InvalidScope", "InvalidTarget",
                 "UnauthorizedClient", "UnsupportedGrantType"):  # fmt: skip
        assert issubclass(getattr(errors, name), errors.TokenEndpointError)
    assert not issubclass(errors.TransportError, errors.ConfigError)


@pytest.mark.parametrize("cls", CLASSES)
def test_fields(cls: type[SaAuthError]) -> None:
    """Each has the six fields, with defaults that say nothing, and its own code."""
    bare = cls("Something happened.")
    assert (bare.hint, bare.retryable, bare.status, bare.retry_after, bare.attempts) == ("", False, None, None, 0)
    assert bare.code == cls.default_code
    assert str(bare) == f"{cls.default_code}: Something happened. More: docs/errors/{cls.default_code}.md."
    full = cls("Something happened.", **FIELDS)
    assert {name: getattr(full, name) for name in FIELDS} == FIELDS
    assert str(full) == f"some_code: Something happened. Hint: Do this. More: {full.page}."
    assert cls.__doc__


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if not issubclass(cls, TokenEndpointError)])
def test_page_by_code(cls: type[SaAuthError]) -> None:
    """The page is named by the code; a code that is no word of the library's has its class's page."""
    assert cls("No.", code="bad_scope").page == "docs/errors/bad_scope.md"
    for code in ("http_403", "", "../secret", "Some Words", "PermissionError"):
        assert cls("No.", code=code).page == f"docs/errors/{cls.default_code}.md"


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, TokenEndpointError)])
def test_page_of_a_refusal(cls: type[TokenEndpointError]) -> None:
    """A refusal's page is named by its cause, else by a word of the RFCs; a server's own word has the class's page."""
    assert cls("No.").cause == ""
    assert cls("No.", code="use_dpop_nonce").page == "docs/errors/use_dpop_nonce.md"
    for code in ("bad_argument", "http_403", "access_denied", "", "../secret"):
        assert cls("No.", code=code).page == f"docs/errors/{cls.default_code}.md"
    refusal = cls("No.", code="invalid_grant")
    refusal.cause = "clock"
    for made in (refusal, refusal.copy(), pickle.loads(pickle.dumps(refusal)), refusal.at("there")):
        assert (made.page, made.cause) == ("docs/errors/clock.md", "clock")
        assert str(made).endswith(" More: docs/errors/clock.md.")


def test_codes_differ() -> None:
    """No two classes share a default code."""
    assert len({cls.default_code for cls in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("way", ["pickle", "copy", "copy.copy", "deepcopy"])
def test_copies(cls: type[SaAuthError], way: str) -> None:
    """A copy or pickle has the class and the fields, and no traceback, cause or context."""
    try:
        try:
            raise ValueError("inner")
        except ValueError as inner:
            raise cls("Something happened.", **FIELDS) from inner
    except SaAuthError as error:
        original = error
    ways = {
        "pickle": lambda error: pickle.loads(pickle.dumps(error)), "copy": lambda error: error.copy(),
        "copy.copy": copy.copy, "deepcopy": copy.deepcopy,
    }  # fmt: skip
    made = ways[way](original)
    assert made is not original
    assert type(made) is cls
    assert vars(made) == vars(original)
    assert str(made) == str(original)
    assert made.args == original.args
    assert (made.__traceback__, made.__cause__, made.__context__) == (None, None, None)


def test_transport_error_says_whether_it_connected() -> None:
    """Whether the server may have seen the request survives copies too."""
    error = TransportError("No.", connected=False, code="connect_failed")
    assert TransportError("No.").connected is True
    for made in (error.copy(), pickle.loads(pickle.dumps(error))):
        assert isinstance(made, TransportError)
        assert (made.connected, made.code) == (False, "connect_failed")


def test_notes_stay_with_the_waiter() -> None:
    """A note that one waiter adds to its error is not on anybody else's."""
    error = SaAuthError("Something happened.")
    error.__notes__ = ["mine"]  # what add_note does, which Python 3.10 does not have
    assert not hasattr(error.copy(), "__notes__")
