"""The assertion as it was sent: header and claims, without the signature.

Rule: read from the request that the library sent. Of a JWT its first two parts are told, of anything else its kind and
size; control characters do not reach a terminal. Source: RFC 7519 section 4.1, RFC 7515 section 4.1.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sa_auth.wire import Request

from .step import OK, SKIPPED, Step
from .words import duration, moment

_TIMES = ("iat", "nbf", "exp", "auth_time")
_JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")
_LONG = 200
_NEVER = ("dpop",)  # a proof of a connection's key: no assertion


class Decoded(NamedTuple):
    """A JWT without its signature.

    Attributes:
        place: The field that it was sent in.
        header: Its JOSE header.
        claims: Its claims.
    """

    place: str
    header: dict[str, Any]
    claims: dict[str, Any]


def assertions(request: Request) -> tuple[Decoded, ...]:
    """The JWTs in a request, by the name of the field or header that holds them."""
    found = [decoded(name, text) for name, text in _fields(request) if _JWT.fullmatch(text)]
    return tuple(one for one in found if one is not None)


def decoded(place: str, text: str) -> Decoded | None:
    """Reads a JWT's header and claims; None where it is none."""
    parts = text.split(".")
    header, claims = (_part(part) for part in (*parts, "", "")[:2])
    return Decoded(place, header, claims) if header is not None and claims is not None else None


def look(request: Request | None, now: float) -> Step:
    """Tells what was sent.

    Args:
        request: It; None: nothing was.
        now: Unix seconds when it was.
    """
    found = assertions(request) if request is not None else ()
    if not found:
        other = _others(request) if request is not None else ""
        return Step("assertion", SKIPPED, other or "none is sent by this way of signing in")
    return told(found, now)


def told(found: Sequence[Decoded], now: float) -> Step:
    """Tells header and claims of assertions, a line each."""
    lines: list[str] = []
    for one in found:
        lines += [f"{one.place}:"] if len(found) > 1 else []
        lines += [f"header {name}: {_value(value)}" for name, value in one.header.items()]
        lines += [f"{name}: {_claim(name, value, now)}" for name, value in one.claims.items()]
    life = _life(found[-1].claims)
    places = ", ".join(one.place for one in found)
    return Step(
        "assertion", OK, f"as {places}, {found[-1].header.get('alg', 'without alg')}{life}", tuple(map(_clean, lines))
    )


def _fields(request: Request) -> list[tuple[str, str]]:
    text = request.body.decode("utf-8", "replace")
    fields: list[tuple[str, Any]] = []
    try:
        parsed = json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        fields = list(parsed.items())
    elif text:
        fields = parse_qsl(text, keep_blank_values=True)
    headers = [(name, value.partition(" ")[2] or value) for name, value in request.headers.items()]
    return [(name, text) for name, text in (*fields, *headers) if isinstance(text, str) and name.lower() not in _NEVER]


def _others(request: Request) -> str:
    known = {"assertion": "a SAML assertion", "client_assertion": "a SAML assertion", "subject_token": "a token"}
    told = [f"{known[name]} of {len(text)} characters, as {name}" for name, text in _fields(request) if name in known]
    return ", ".join(told)


def _part(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _claim(name: str, value: Any, now: float) -> str:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{_value(value)} ({moment(float(value), now)})" if name in _TIMES and plain else _value(value)


def _life(claims: dict[str, Any]) -> str:
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return ""
    return f", lives {duration(ends - issued)}" if ends > issued else ", ends before it begins"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:60]}... ({len(text)} characters)"


def _clean(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)
