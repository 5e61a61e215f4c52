"""Sign in from a service-account key: one object for every provider, one fresh token per identity.

Rule: importing this package loads none of it; each name is loaded when it is first asked for.

Example:
    >>> import requests
    >>> from sa_auth import ServiceAccountCredentials
    >>> from sa_auth.testing import google_key_file, new_key
    >>> key_file = google_key_file(private_key_pem=new_key()[0], email="robot@demo.iam.gserviceaccount.com")
    >>> session = requests.Session()
    >>> session.auth = ServiceAccountCredentials.from_info(key_file, scope="https://www.googleapis.com/auth/drive")
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._loading import load

if TYPE_CHECKING:
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

# Whatever is not named here is an error class.
_HOMES = {
    "RefreshPolicy": "policy",
    "Retry": "policy",
    "ServiceAccountCredentials": "credentials",
    "Token": "token",
}

logging.getLogger("sa_auth").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # reading the metadata costs more than all of this import

        return version("sa_auth")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(load(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
