"""Opens a key URI: a key that is elsewhere, and stays there.

Rule: its scheme is a row of `signers.SIGNERS`; anything else is a path or a mistake, and no error repeats it. Stands
beside the settings, under the key file's reader.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ._loading import load
from ._secret import Password
from .errors import ConfigError
from .opened import Opened
from .signers import SIGNERS

_SCHEME = re.compile(r"([a-z][a-z0-9+-]{1,19}):", re.IGNORECASE)  # of two letters at least: one is a drive of Windows


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


def open_uri(
    uri: str, scheme: str, *, password: Password, certificate: Any, key_id: str | None, algorithm: str | None
) -> Opened:
    """Makes the signer of a key URI. Nobody is asked yet.

    Raises:
        ConfigError: there is no such key service, or the URI is not of its form.
        MissingExtra: its library is not installed.
    """
    if scheme not in SIGNERS:
        raise ConfigError(
            f"There is no key service {scheme!r}, and no file of that name.", code="unknown_name",
            hint=f"Known: {', '.join(sorted(SIGNERS))}. A path that begins so is written with ./ before it.",
        )  # fmt: skip
    service = SIGNERS[scheme]
    if password is not None and not service.takes_password:
        raise ConfigError(
            f"A key URI {scheme}: takes no password=.", code="password_not_needed",
            hint="Its service has a login of its own: see docs/signers.md.",
        )  # fmt: skip
    opened = service(uri, password=password) if service.takes_password else service(uri)
    remote = load("sa_auth.signers.remote").RemoteSigner
    signer = remote(opened, algorithm=algorithm, key_id=key_id, certificate=certificate)
    return Opened(signer, recipe=("uri", uri, "warn", "full"))
