"""Sign in from a service-account key: one object for every provider, one fresh token per identity.

Example:
    >>> import requests
    >>> from sa_auth import ServiceAccountCredentials
    >>> session = requests.Session()
    >>> session.auth = ServiceAccountCredentials.from_file("key.json", scope="read")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
from typing import Any

from .credentials import ServiceAccountCredentials
from .errors import (
    ConfigError,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    KeyFileError,
    KeyFileWarning,
    KeyLoadError,
    MissingExtra,
    ResponseError,
    SaAuthError,
    SigningError,
    TokenEndpointError,
    TransportError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from .policy import RefreshPolicy, Retry
from .token import Token

__all__ = [
    "ConfigError",
    "InvalidClient",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidScope",
    "InvalidTarget",
    "KeyFileError",
    "KeyFileWarning",
    "KeyLoadError",
    "MissingExtra",
    "RefreshPolicy",
    "ResponseError",
    "Retry",
    "SaAuthError",
    "ServiceAccountCredentials",
    "SigningError",
    "Token",
    "TokenEndpointError",
    "TransportError",
    "UnauthorizedClient",
    "UnsupportedGrantType",
]

logging.getLogger("sa_auth").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    # Reading a version from the installed metadata costs more than all of this import.
    if name == "__version__":
        from importlib.metadata import version

        return version("sa_auth")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
