"""Raises an error without the frames that it came through.

Rule: who logs a traceback with the locals of its frames, as error trackers do, is shown no key, password or file. Stands
under the face, around whatever takes such things. Source: FAULTS line 35 in docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .errors import SaAuthError

Taken = ParamSpec("Taken")
Given = TypeVar("Given")


def shown_alone(function: Callable[Taken, Given]) -> Callable[Taken, Given]:
    """Makes a function raise the library's errors as copies, from a frame that holds nothing.

    Example:
        >>> @shown_alone
        ... def opened(key):
        ...     raise SaAuthError("No.", code="no", hint="Never.")
        >>> opened("secret")
        Traceback (most recent call last):
        sa_auth.errors.SaAuthError: no: No. Hint: Never. More: docs/errors/no.md.
    """

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Given:
        failure: SaAuthError
        try:
            return function(*arguments, **named)
        except SaAuthError as error:
            failure = error.copy()
        del arguments, named
        raise failure

    return call
