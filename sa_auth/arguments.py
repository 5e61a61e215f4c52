"""One argument of the face at a time: what it may be, and what it is refused with.

Rule: pure; each takes what a caller may have written and gives one form of it. Stands under the settings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .errors import ConfigError

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3

# What people call an argument who know it by another name.
_MEANT = {
    "aud": "audience", "client_id": "issuer", "client_secret": "client_auth=ClientSecretBasic(client_id, client_secret)",
    "iss": "issuer", "kid": "key_id", "private_key": "key", "resources": "resource", "scopes": "scope", "sub": "subject",
    "token_uri": "token_endpoint", "token_url": "token_endpoint", "verify": "transport=RequestsTransport(verify=...)",
}  # fmt: skip


def check_names(changes: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuses arguments that there are not.

    Args:
        changes: What was given, by name.
        known: What there is.

    Raises:
        ConfigError: one of them is unknown.
    """
    unknown = next((name for name in changes if name not in known), None)
    if unknown is None:
        return
    from difflib import get_close_matches  # for a mistake alone

    close = get_close_matches(unknown, known, 1)
    meant = _MEANT.get(unknown, close[0] if close else "")
    raise ConfigError(
        f"There is no argument {unknown[:40]!r}.", code="bad_argument",
        hint=f"Use {meant}{'' if '=' in meant else '='}." if meant else f"There are {', '.join(sorted(known))}.",
    )  # fmt: skip


def text(value: object, name: str) -> str | None:
    """Takes a non-empty str or None.

    Raises:
        ConfigError: it is neither.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{name} is of type {type(value).__name__}.", code="bad_argument", hint="It is a str.")
    if not _is_unicode(value):
        raise ConfigError(
            f"{name} is no Unicode text.",
            code="bad_argument",
            hint="It was read from a file or variable that is no UTF-8.",
        )
    if not value.strip():
        raise ConfigError(f"{name} is empty.", code="bad_argument", hint=f"Leave {name}= out, or give it a value.")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def words(value: object, name: str) -> tuple[str, ...]:
    """Takes scopes: a str, space separated, or an iterable of str; keeps the order, drops repeats.

    Raises:
        ConfigError: it is neither, or a scope has a character that RFC 6749 section 3.3 does not allow.
    """
    found = value.split() if isinstance(value, str) else strings(value, name)
    for word in found:
        if not _SCOPE.fullmatch(word):
            raise ConfigError(
                f"{name} holds {word[:60]!r}, which is no scope token.", code="bad_argument",
                hint="A scope has no space, quote or backslash in it; several are a list, or one str with spaces.",
            )  # fmt: skip
    return tuple(dict.fromkeys(found))


def strings(value: object, name: str) -> tuple[str, ...]:
    """Takes one str, an iterable of str, or None.

    Raises:
        ConfigError: it is none of them.
    """
    if value is None or isinstance(value, str):
        return (value,) if value else ()
    items = tuple(value) if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping) else None
    if items is None or not all(isinstance(item, str) for item in items):
        raise ConfigError(
            f"{name} is of type {type(value).__name__}.", code="bad_argument", hint="It is a str, or a list of str."
        )
    return items


def pairs(value: object, name: str) -> tuple[tuple[str, str], ...]:
    """Takes extra form fields as a mapping of str to str, or None.

    Raises:
        ConfigError: it is no such mapping, or names a field that another argument decides.
    """
    if value is None:
        return ()
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for item in value.items() for part in item):
        raise ConfigError(
            f"{name} is not a mapping of str to str.", code="bad_argument", hint="For example {'field': 'value'}."
        )
    if not all(_is_unicode(part) for item in value.items() for part in item):
        raise ConfigError(
            f"{name} holds what is no Unicode text.", code="bad_argument", hint="It was read from no UTF-8."
        )
    for uri in (part for key, part in value.items() if key == "resource"):
        absolute_uri(uri)
    taken = {"grant_type", "assertion", "scope", "client_assertion", "client_assertion_type"} & value.keys()
    if taken:
        instead = {"scope": "scope=", "grant_type": "grant=", "assertion": "grant="}.get(min(taken), "client_auth=")
        raise ConfigError(f"{name} may not set {min(taken)!r}.", code="bad_argument", hint=f"Use {instead}.")
    return tuple(value.items())


def whole_seconds(value: object, name: str) -> int | None:
    """Takes a lifetime of at least one second, or None.

    Raises:
        ConfigError: it is neither.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < float("inf"):
        raise ConfigError(
            f"{name} is not a number of at least one second.", code="bad_argument", hint="Seconds, as an int or float."
        )
    return int(value)


def host_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Takes hosts that a token may be sent to.

    Raises:
        ConfigError: one of them is no host name.
    """
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host) or host.count(":") == 1:
            raise ConfigError(
                f"allowed_hosts holds {host[:60]!r}, which is no host name.", code="bad_argument",
                hint="Names or addresses alone, without scheme, port or path; '*.example.com' stands for all below it.",
            )  # fmt: skip
    return hosts


def absolute_uri(uri: str) -> str:
    """Takes a resource indicator.

    Raises:
        ConfigError: it is no absolute URI, or has a fragment.
    """
    # RFC 8707 section 2: "Its value MUST be an absolute URI [...] The URI MUST NOT include a fragment component."
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+", uri):
        raise ConfigError(
            f"resource holds {uri[:60]!r}, which is no absolute URI without a fragment.", code="bad_argument",
            hint="It is the address of the API, for example 'https://api.example/'.",
        )  # fmt: skip
    return uri
