"""What holds for every error and every key that comes of bytes from outside."""

from __future__ import annotations

import contextlib
import pickle
import socket
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from sa_auth.errors import ConfigError, SaAuthError
from sa_auth.keys import Key
from sa_auth.signers.local import LocalSigner

_LONGEST = {"message": 700, "hint": 700, "code": 70}  # characters
SECRET = "canary7319"  # begins each secret of the seeds that is not a key
_PIECE = 24  # characters of a secret that are too many


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Within, a warning is none of the judge's business, and whoever reaches for a network or a program is found out."""
    reached: list[str] = []
    places: list[tuple[Any, str]] = [(socket, "getaddrinfo"), (socket.socket, "connect"), (subprocess, "Popen")]
    before = [(place, name, getattr(place, name)) for place, name in places]

    def refuse(name: str) -> Any:
        def refused(*_: Any, **__: Any) -> Any:
            reached.append(name)
            raise OSError("refused by the judge")

        return refused

    try:
        for place, name, _ in before:
            setattr(place, name, refuse(name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for place, name, what in before:
            setattr(place, name, what)
    assert not reached, f"a reader reached for {reached}"


def check_error(error: SaAuthError, *secrets: str) -> None:
    """An error is short and plain, travels, holds no other error, and shows no secret.

    Args:
        error: What was raised.
        *secrets: Of which no piece may be seen.
    """
    for name, longest in _LONGEST.items():
        text = getattr(error, name)
        assert isinstance(text, str), name
        assert len(text) <= longest, f"a {name} of {len(text)} characters"
        assert text.isprintable(), f"a {name} with a character that is not printed: {text!r}"
    assert error.message, "an error without a message"
    assert error.__cause__ is None and error.__context__ is None, "an error that holds another"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    shown = f"{error} {error!r} {vars(error)}"
    for secret in secrets:
        assert SECRET not in secret or SECRET not in shown, "an error that shows a secret"
        assert not any(piece in shown for piece in pieces(secret)), "an error that shows a piece of a secret"


def pieces(secret: str) -> Iterable[str]:
    """The pieces of a secret of which none may be seen; of what is no longer than a word, none."""
    bare = "".join(secret.split())
    return (bare[at : at + _PIECE] for at in range(0, len(bare) - _PIECE + 1, _PIECE))


def check_key(key: Key) -> None:
    """A loaded key shows nothing, gives no private number away, and signs what its public half verifies, or is refused."""
    assert isinstance(key, Key)
    assert key.algorithm in key.algorithms
    assert key.algorithm[:2] in {"RS", "PS", "ES", "Ed"}
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.public_jwk().keys()
    assert len(key.thumbprint) == 43 and repr(key).isprintable()
    assert len(key.secret()) == 32
    try:
        key.ensure_valid()
        assert LocalSigner(key).sign(b"data")
    except SaAuthError as error:
        check_error(error)


def refused(error: SaAuthError, *secrets: str) -> None:
    """A reader of keys refuses by `ConfigError`."""
    assert isinstance(error, ConfigError), type(error)
    check_error(error, *secrets)
