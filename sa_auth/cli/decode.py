"""`sa-auth decode`: what stands in a JWT, read without trust.

Rule: nothing is verified here and that is said; what a stranger wrote reaches no terminal as it is. The signature is not
shown: whoever copies the output hands on no token. Source: RFC 7519 section 4.1 for the times, RFC 7515 section 7.1.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from sa_auth._clock import SYSTEM
from sa_auth._encoding import b64url_decode
from sa_auth.errors import ConfigError

from .show import Json, console, note, printable, read_input, say_json, show_rows

File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="Where it stands; default standard input. No argument holds the token itself."),
]
Signature = Annotated[bool, typer.Option("--signature", help="Shows the signature as well.")]

_MOST = 1 << 20
_TIMES = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})
_WORDS = {
    "alg": "algorithm", "kid": "key id", "iss": "issuer", "sub": "subject", "aud": "audience", "exp": "ends", "iat": "made",
    "nbf": "not before", "jti": "its id", "scope": "scope", "htm": "for the method", "htu": "for the address",
    "ath": "hash of the token", "azp": "authorized party", "auth_time": "person signed in",
}  # fmt: skip
_KINDS = {
    "dpop+jwt": "a DPoP proof", "at+jwt": "an access token", "client-authentication+jwt": "a client assertion",
    "logout+jwt": "a logout token", "secevent+jwt": "a security event",
}  # fmt: skip
# The longest unit first: seconds in it, and its name.
_UNITS = ((86_400 * 365, "year"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_LATEST = 253_402_300_799  # the last second of the year 9999


class Decoded(NamedTuple):
    """A JWT in its parts.

    Attributes:
        claims: None where it is encrypted.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any] | None
    signature: str


def decode(file: File = "-", *, signature: Signature = False, as_json: Json = False) -> None:
    """Shows header, claims and times of a JWT: sa-auth token key.json | sa-auth decode.

    Nothing is verified: anybody may have written it.
    """
    parts = parse(_read(file))
    if as_json:
        shown = {"signature": parts.signature} if signature else {}
        say_json({"verified": False, "kind": kind(parts), "header": parts.header, "claims": parts.claims, **shown})
        return
    note("NOT VERIFIED: anybody may have written what follows.", "bold yellow")
    console().print(Text(f"This is {kind(parts)}."))
    _section("header", parts.header)
    if parts.claims is None:
        note("Its claims are encrypted.", "yellow")
    else:
        _section("claims", parts.claims)
    if signature:
        _section("signature", {"signature": parts.signature})


def parse(text: str) -> Decoded:
    """Takes a JWT apart.

    Args:
        text: It; a header line or `sa-auth token --json` around it is taken off.

    Raises:
        ConfigError: it is none.
    """
    parts = _bare(text).split(".")
    header = _object(parts[0]) if len(parts) in {3, 5} else None
    claims = _object(parts[1]) if header is not None and len(parts) == 3 else None
    if header is None or (claims is None and len(parts) == 3):
        raise ConfigError(
            "This is no JWT: it is not three parts of base64url between dots, of which two hold JSON.", code="no_jwt",
            hint="Many access tokens are none: they mean something to their server alone.",
        )  # fmt: skip
    return Decoded(header, claims, parts[-1])


def kind(parts: Decoded) -> str:
    """What it seems to be, in words."""
    typ = str(parts.header.get("typ", "")).lower().removeprefix("application/")
    claims = parts.claims
    if claims is None:
        return "an encrypted JWT"
    if typ in _KINDS:
        return _KINDS[typ]
    if {"nonce", "at_hash", "email_verified", "c_hash"} & claims.keys():
        return "an ID token, it seems"
    if "sub" in claims and claims.get("iss") == claims["sub"]:
        return "an assertion of a client about itself, it seems"
    return "a JWT"


def _read(file: str) -> str:
    reason = ""
    try:
        if file == "-":
            if sys.stdin is not None and sys.stdin.isatty():
                note("Paste the JWT, then Ctrl-D on a line of its own:")
            return read_input(_MOST).decode("utf-8", "replace")
        with open(file, "rb") as source:
            return source.read(_MOST).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
    # Who pastes a token where the path belongs does not want to see it again.
    named = f" {file}" if len(file) < 100 and os.path.basename(file).count(".") < 2 else ""
    raise ConfigError(
        f"The file{named} cannot be read: {reason}.", code="unreadable",
        hint="The argument is a file; a token itself comes by standard input, where no list of processes shows it.",
    )  # fmt: skip


def _bare(text: str) -> str:
    text = text.strip().strip("\"'")
    if text.startswith("{"):
        found = _json(text)
        names = ("access_token", "id_token", "assertion", "token")
        text = next((found[name] for name in names if isinstance(found.get(name), str)), "") if found else ""
    return re.sub(r"(?i)^(?:(?:authorization|dpop):\s*)?(?:(?:bearer|dpop)\s+)?", "", text).strip()


def _object(part: str) -> dict[str, Any] | None:
    try:
        return _json(b64url_decode(part).decode("utf-8"))
    except ValueError:
        return None


def _json(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _section(name: str, fields: Mapping[str, Any]) -> None:
    console().print(Text(f"\n{name}", "bold"))
    show_rows((f"  {printable(key)}", _value(key, value)) for key, value in fields.items())


def _value(name: str, value: Any) -> Text:
    word = _WORDS.get(name)
    after = f"  ({word})" if word and name not in _TIMES else ""
    if name in _TIMES and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return _moment(name, float(value), SYSTEM.wall())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text.assemble(printable(text) or '""', (after, "dim"))


def _moment(name: str, moment: float, now: float) -> Text:
    wrong = (name == "exp" and moment < now) or (name in {"iat", "nbf"} and moment > now + 60)
    date = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(moment))
    return Text.assemble(f"{moment:.0f}  {date}, ", (relative(moment - now), "bold red" if wrong else "green"))


def relative(seconds: float) -> str:
    """How long ago, or until when, in the largest unit that says something.

    Example:
        >>> relative(-185), relative(3599.2), relative(0.2)
        ('3 minutes ago', 'in 59 minutes', 'now')
    """
    size = abs(seconds)
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), (0, ""))
    if not unit:
        return "now"
    count = int(size // unit)
    words = f"{count} {name}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"
