"""An assertion handed over as text, and the one place that takes whatever may stand for an assertion.

Rule: the text is a secret and is carried as one. Stands under the grants and client authentication, which take an
assertion from the caller.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from .._secret import Secret
from ..errors import ConfigError
from ..token import NOTHING
from . import ASSERTIONS
from .base import Assertion
from .handed import HandedOver

_ENDING = re.compile(r"\.(jwt|token|xml|txt|json)$", re.IGNORECASE)


class Given(HandedOver):
    """An assertion as text, which lives as long as it lives and is followed by no other.

    Args:
        text: A JWT, a SAML 2.0 assertion as XML or base64, or an opaque token; bytes are UTF-8.

    Raises:
        ConfigError: it is none of them; it is not repeated.

    Example:
        >>> Given("opaque").mint(0), Given("opaque")
        ('opaque', Given(...))
    """

    __slots__ = ("_text",)

    rotates = False

    _text: Secret

    def __init__(self, text: str | bytes) -> None:
        kind = type(text).__name__
        secret = Secret(text) if isinstance(text, str | bytes) else None
        del text  # or the frame of an error would hold it
        if secret is None:
            raise ConfigError(
                f"The assertion is of type {kind}.", code="bad_argument", hint="Given() takes its text, str or bytes."
            )
        super().__init__("the text handed over", _text=secret)
        # Everything but its age is known now; an error at the first exchange would come late.
        self.mint(float("-inf"))

    def read(self) -> bytes:
        """The text itself."""
        return self._text.reveal()

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """None: the secret in it refuses to travel."""
        return (self._text,), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """The text's SHA-256."""
        return ("given", hashlib.sha256(self._text.reveal()).hexdigest())

    def __repr__(self) -> str:
        return "Given(...)"


def _check_no_name(value: str | bytes) -> None:
    """Refuses what is a path or a misspelt name; no assertion looks like either."""
    from difflib import get_close_matches  # for a mistake alone

    named = isinstance(value, str) and len(value) <= 255
    close = get_close_matches(str(value), ASSERTIONS, 1, 0.8) if named else []
    if close or (named and (_ENDING.search(str(value)) or os.path.exists(str(value)))):
        raise ConfigError(
            "The name of a file or token service was given where an assertion's text belongs.", code="bad_argument",
            hint=f"A token service by name: {close[0]!r}." if close else "A file: assertions.FromFile(path).",
        )  # fmt: skip


def source_of(value: object) -> Assertion:
    """Takes whatever may stand for an assertion.

    Args:
        value: An Assertion; the name of a row in `ASSERTIONS`, which is asked with its defaults; an assertion's text,
            str or bytes; credentials, whose token it is then; or a callable that gives the text.

    Raises:
        ConfigError: it is none of them.

    Example:
        >>> source_of("kubernetes")
        Kubernetes('/var/run/secrets/kubernetes.io/serviceaccount/token')
        >>> source_of(lambda: "opaque").mint(0)
        'opaque'
    """
    if isinstance(value, type):
        raise ConfigError(
            f"The assertion is the class {value.__name__} itself.", code="bad_argument",
            hint=f"Pass an object of it: {value.__name__}(...).",
        )  # fmt: skip
    if isinstance(value, Assertion):
        return value
    if isinstance(value, str) and value in ASSERTIONS:
        named: Assertion = ASSERTIONS[value]()
        return named
    if isinstance(value, str | bytes):
        _check_no_name(value)
        return Given(value)
    # Before callables, because credentials are callable too, as `requests` wants it.
    if callable(getattr(value, "token", None)):
        from .from_credentials import FromCredentials

        return FromCredentials(value)
    if callable(value):
        from .from_callable import FromCallable

        return FromCallable(cast("Callable[[], str | bytes]", value))
    raise ConfigError(
        f"The assertion is of type {type(value).__name__}.", code="bad_argument",
        hint=f"It is an Assertion, its text, a callable that gives the text, or one of {', '.join(sorted(ASSERTIONS))}.",
    )  # fmt: skip
