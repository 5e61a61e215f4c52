"""Takes secrets out of what the inspector shows, so that a screenshot of it can be handed on.

Rule: a header field is shown only where its name is known to be harmless, a form field unless its name or its value
looks like a secret. A JWT keeps its header and claims, which are there to be read, and loses its signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Whole runs of what a JWT is written in: they are disjoint, so that a long text is gone through once.
_DOTTED = re.compile(r"[A-Za-z0-9_.-]+")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
_HIDING = re.compile(r"secret|passw|token|assertion|code|jwt|credential|api_?key|\bpin\b|verifier", re.IGNORECASE)
_PLAIN = frozenset({
    "token_type", "token_type_hint", "subject_token_type", "actor_token_type", "requested_token_type",
    "requested_token_use", "client_assertion_type", "assertion_type", "code_challenge_method",
})  # fmt: skip
_PLAIN_HEADERS = frozenset({
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type", "date",
    "expect", "host", "pragma", "retry-after", "transfer-encoding", "user-agent",
})  # fmt: skip


def text(value: str) -> str:
    """The same text, each JWT in it without its signature.

    Example:
        >>> text("of eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIn0.c2lnbmF0dXJl")
        'of eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIn0.(signature)'
    """
    return _DOTTED.sub(_unsigned, value)


def values(content: Any) -> Any:
    """JSON content, each text in it as `text` has it."""
    if isinstance(content, str):
        return text(content)
    if isinstance(content, Mapping):
        return {text(str(name)): values(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [values(value) for value in content]
    return content


def form(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a form.

    Example:
        >>> form([("scope", "a"), ("client_secret", "hush")])
        [('scope', 'a'), ('client_secret', '(4 characters)')]
    """
    return [(text(name), _field(name, value)) for name, value in pairs]


def headers(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header fields; of Authorization the scheme is left, of a DPoP proof what it says.

    Example:
        >>> headers({"authorization": "Bearer hush", "x-api-key": "k", "accept": "*/*"})
        [('authorization', 'Bearer (4 characters)'), ('x-api-key', '(1 characters)'), ('accept', '*/*')]
    """
    return [(name, _header(name, value)) for name, value in fields.items()]


def _unsigned(run: re.Match[str]) -> str:
    """A run of parts without what follows a JWT's header and claims: nobody can use those alone, and people come to see them."""
    parts = run[0].split(".")
    # The first letters of a JSON object in base64url; something may stand before it, as in `jwt-eyJ...`.
    header = next((place for place, part in enumerate(parts) if "eyJ" in part), len(parts))
    return run[0] if len(parts) < header + 3 else ".".join([*parts[: header + 2], "(signature)"])


def _field(name: str, value: str) -> str:
    shown = text(value)
    if _JWT.fullmatch(value) or name in _PLAIN or not _HIDING.search(name):
        return shown
    return _hidden(value)


def _header(name: str, value: str) -> str:
    if name == "authorization":
        scheme, space, rest = value.partition(" ")
        return f"{scheme} {_hidden(rest)}" if space and scheme.isalpha() else _hidden(value)
    if name == "dpop":
        return text(value) if _JWT.fullmatch(value) else _hidden(value)
    return text(value) if name in _PLAIN_HEADERS else _hidden(value)


def _hidden(value: str) -> str:
    return f"({len(value)} characters)"
