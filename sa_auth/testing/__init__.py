"""A strict local authorization server and API, to test clients of the assertion framework against.

Rule: nothing here imports what it judges. It reads RFC 7521, RFC 7522 and RFC 7523, and the RFCs around them, by itself,
so that a misreading in the rest of the library shows. Importing this package loads neither `jwt` nor `cryptography`; each part is loaded when it is
first used.

Example:
    >>> from sa_auth.testing import Authority, new_key
    >>> private_pem, public_pem = new_key("p256")
    >>> authority = Authority()
    >>> authority.register("robot@example.test", public_pem).issuer
    'robot@example.test'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Api
    from .authority import Authority
    from .clock import ManualClock
    from .inspector import Inspector
    from .keyfiles import google_key_file, new_key
    from .record import Record, Verdict
    from .registration import Registration
    from .rules import RULES, Rule
    from .server import Server
    from .transport import InProcessTransport

__all__ = [
    "RULES",
    "Api",
    "Authority",
    "InProcessTransport",
    "Inspector",
    "ManualClock",
    "Record",
    "Registration",
    "Rule",
    "Server",
    "Verdict",
    "google_key_file",
    "new_key",
]

_HOMES = {
    "RULES": "rules",
    "Api": "api",
    "Authority": "authority",
    "InProcessTransport": "transport",
    "Inspector": "inspector",
    "ManualClock": "clock",
    "Record": "record",
    "Registration": "registration",
    "Rule": "rules",
    "Server": "server",
    "Verdict": "record",
    "google_key_file": "keyfiles",
    "new_key": "keyfiles",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
