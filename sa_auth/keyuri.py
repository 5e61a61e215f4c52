"""Tells what a text is that was given as a key: the key itself, a path, or the URI of a key that is elsewhere; opens the last.

Rule: a scheme is a row of `signers.SIGNERS`; anything else is a path or a mistake, and no error repeats it. Stands
beside the settings, under the key file's reader.
"""

from __future__ import annotations

import base64
import os
import re
from typing import Any, Protocol

from ._loading import load
from ._secret import Password
from .errors import ConfigError
from .opened import Opened
from .signers import SIGNERS

_SCHEME = re.compile(r"([a-z][a-z0-9+-]{1,19}):", re.IGNORECASE)  # of two letters at least: one is a drive of Windows


class Unlocking(Protocol):
    """What goes with a key URI."""

    @property
    def password(self) -> Password: ...  # noqa: D102 - as of the face, and its neighbours too
    @property
    def certificate(self) -> Any: ...  # noqa: D102
    @property
    def key_id(self) -> str | None: ...  # noqa: D102
    @property
    def algorithm(self) -> str | None: ...  # noqa: D102


def scheme_of(value: str) -> str | None:
    """The scheme of a key URI; None for a path, whatever colons it has.

    What has a scheme that is not known is a path only if something is there: a URI with a slip in it would otherwise be
    told to be a missing file.

    Example:
        >>> scheme_of("keys/robot.pem"), scheme_of("C:/robot.pem")
        (None, None)
    """
    found = _SCHEME.match(value)
    if found is None:
        return None
    scheme = found[1].lower()
    return scheme if scheme in SIGNERS or not os.path.lexists(value) else None


def open_uri(uri: str, scheme: str, unlock: Unlocking) -> Opened:
    """Makes the signer of a key URI. Nobody is asked yet.

    Raises:
        ConfigError: there is no such key service, or the URI is not of its form.
        MissingExtra: its library is not installed.
    """
    if scheme not in SIGNERS:
        from difflib import get_close_matches  # for a mistake alone

        # What is no scheme after all may be a secret: it is not repeated.
        close = "".join(f"Did you mean {name}:? " for name in get_close_matches(scheme, SIGNERS, 1))
        raise ConfigError(
            "The key begins like a URI, of no service that is known, and no file has that name.", code="unknown_name",
            hint=f"{close}Known: {', '.join(sorted(SIGNERS))}. A path that begins so is written with ./ before it.",
        )  # fmt: skip
    service = SIGNERS[scheme]
    if unlock.password is not None and not service.takes_password:
        raise ConfigError(
            f"A key URI {scheme}: takes no password=.", code="password_not_needed",
            hint="Its service has a login of its own: see docs/signers.md.",
        )  # fmt: skip
    opened = service(uri, password=unlock.password) if service.takes_password else service(uri)
    remote = load("sa_auth.signers.remote").RemoteSigner
    signer = remote(opened, algorithm=unlock.algorithm, key_id=unlock.key_id, certificate=unlock.certificate)
    return Opened(signer, recipe=("uri", uri, "warn", "full"))


def is_key_text(value: str) -> bool:
    """Whether a str is a key's text and no path."""
    return "-----BEGIN" in value or value.lstrip().startswith("{")


def encoded(text: str) -> bytes:
    """Gives a key's text as bytes."""
    # An environment variable or a JSON escape may hold what is no UTF-8; the parser then says what is wrong.
    return text.encode("utf-8", "replace")


def text_of_variable(value: str) -> bytes | None:
    """The key or key file that a variable holds, as it is or in base64; None: it holds a path."""
    if is_key_text(value):
        return encoded(value)
    try:
        # The base64 command folds its lines.
        decoded = base64.b64decode("".join(value.split()), validate=True)
    except ValueError:
        return None
    return decoded if decoded[:1] in {b"{", b"\x30"} or b"-----BEGIN" in decoded else None
