"""The room of private keys: a file's or variable's content goes in, a `Key` comes out.

Rule: importing this package imports no cryptography; each name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._loading import load

if TYPE_CHECKING:
    from .certificate import CertificateWarning
    from .jwk import from_jwk
    from .key import Key
    from .pem import from_pem
    from .pfx import from_pfx

__all__ = ["CertificateWarning", "Key", "from_jwk", "from_pem", "from_pfx"]

_HOMES = {
    "CertificateWarning": "certificate",
    "Key": "key",
    "from_jwk": "jwk",
    "from_pem": "pem",
    "from_pfx": "pfx",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(load(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
