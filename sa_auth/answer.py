"""Reads a reply: a token or an error.

Rule: pure, and it trusts nothing: not the size of a number, not the spelling of a word, not that JSON is JSON.
Bodies never reach a message. Stands under the exchange. Source: RFC 6749 section 5.1.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, NamedTuple

from ._clock import Instant
from ._jsonobject import json_object
from ._secret import Secret
from .assertions.shape import claims
from .errors import ResponseError
from .policy import RefreshPolicy, seconds
from .refusal import check, http_date, unreadable
from .token import NOTHING, STANDARD, AnswerNames, Token
from .wire import Response

BEARER, DPOP, NOT_APPLICABLE = "Bearer", "DPoP", "N_A"
_LONGEST_TOKEN = 16_384
_VISIBLE = re.compile(r"[\x21-\x7e]+")  # no space, no control character: safe in a header
_REFRESH = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.17
_DECIDING = frozenset({"access_token", "expires_in", "token_type"})
_NOT_EXTRA = _DECIDING | {"scope", "refresh_token"}


class Answer(NamedTuple):
    """What a good reply holds.

    Attributes:
        token: The token.
        refresh_token: The means to the next one, where the server gave one; it never stands in the token.
    """

    token: Token
    refresh_token: Secret | None = None


def read(response: Response, **asked_for: Any) -> Token:
    """Turns a reply into a token; see `read_answer`."""
    return read_answer(response, **asked_for).token


def read_answer(
    response: Response,
    *,
    asked: Instant,
    policy: RefreshPolicy,
    scope: str = "",
    token_type: str = BEARER,
    names: AnswerNames = STANDARD,
) -> Answer:
    """Turns a reply into a token, and the refresh token beside it.

    Args:
        response: What the transport brought.
        asked: The instant before the request was sent; the life counts from there.
        policy: The life assumed, and the longest believed.
        scope: What was asked for; the token's scope where the answer names none.
        token_type: What was asked for.
        names: Where the token and its end stand.

    Raises:
        TokenEndpointError: the server said no; its class follows the error code.
        ResponseError: the reply is no token response.
    """
    deciding = {*_DECIDING, *filter(None, (names.token, names.expires_in, names.expires_at))}
    fields = json_object(response.body, deciding, status=response.status)
    check(response, fields, asked)
    if fields is None:
        raise unreadable(response)
    token = _token(fields, response, asked, policy, scope, (token_type, *names.token_types), names)
    again = fields.get("refresh_token")
    usable = isinstance(again, str) and len(again) <= _LONGEST_TOKEN and _REFRESH.fullmatch(again)
    return Answer(token, Secret(again) if usable and isinstance(again, str) else None)


def _token(
    fields: dict[str, Any],
    response: Response,
    asked: Instant,
    policy: RefreshPolicy,
    scope: str,
    token_types: tuple[str, ...],
    names: AnswerNames,
) -> Token:
    value = _at(fields, names.token)
    if value is None:
        raise ResponseError(
            f"The answer holds no {names.token}.", code="no_access_token", status=response.status,
            hint="Check that the token endpoint is one, and that the scope exists.",
        )  # fmt: skip
    # Judged before any header is built: an HTTP library puts a bad header value into its own error text.
    if not isinstance(value, str) or len(value) > _LONGEST_TOKEN or not _VISIBLE.fullmatch(value):
        raise ResponseError(
            f"The {names.token} in the answer is not 1 to 16,384 visible ASCII characters.", code="bad_access_token",
            status=response.status,
            hint="No other token fits into a header; check that the token endpoint is one.",
        )  # fmt: skip
    life = _life(fields, response, asked, policy, names)
    if names.own_end:
        life = _own_life(value, asked, policy, life)
    said_scope = fields.get("scope")
    left_out = _NOT_EXTRA | {names.token.partition(".")[0]}
    extra = {name: value for name, value in fields.items() if name not in left_out}
    return Token(
        value,
        _token_type(fields.get("token_type"), token_types, response.status),
        expires_at=asked.wall + life,
        refresh_at=asked.wall + policy.stale_after(life, seconds(fields.get("refresh_in"))),
        issued_at=asked.wall,
        scope=said_scope if isinstance(said_scope, str) and said_scope else scope or None,
        extra=MappingProxyType(extra) if extra else NOTHING,
    )


def _token_type(said: Any, wanted: tuple[str, ...], status: int) -> str:
    # RFC 9449 section 5: what does not say that it is bound is not.
    if said is None and wanted[0] != DPOP:
        return wanted[0]
    found = next((kind for kind in wanted if isinstance(said, str) and said.lower() == kind.lower()), None)
    if found is None:
        raise ResponseError(
            f"The answer's token_type is not {wanted[0]}.", code="unexpected_token_type", status=status,
            hint="A token that is bound to no key was given where one bound by DPoP was asked for: the server does not "
            "do DPoP, or not for this client. Such a token is not used; leave dpop= out to do without."
            if wanted[0] == DPOP
            else "The server issues another kind of token than was asked for; such a token is not used.",
        )  # fmt: skip
    return found


def _at(fields: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields


def _life(
    fields: dict[str, Any], response: Response, asked: Instant, policy: RefreshPolicy, names: AnswerNames
) -> float:
    life = seconds(_at(fields, names.expires_in))
    if life is None and names.expires_at is not None:
        end = _moment(_at(fields, names.expires_at))
        # The end stands there by the server's clock; its own Date tells how far off that is.
        date = http_date(response.headers.get("date", "")) if response.trusted_date else None
        life = None if end is None else end - (asked.wall if date is None else date)
    if life is None:
        return policy.default_life  # never for ever
    # Below a second every call would be an exchange.
    return min(max(life, 1.0), policy.longest_life)


def _own_life(token: str, asked: Instant, policy: RefreshPolicy, otherwise: float) -> float:
    # Its own clock is the server's; the answer is seconds old, so ours will do.
    end = seconds(claims(token).get("exp"))
    return otherwise if end is None else min(max(end - asked.wall, 1.0), policy.longest_life)


def _moment(value: Any) -> float | None:
    """Unix seconds of an RFC 3339 date, or of Unix seconds; None where it is neither."""
    from datetime import datetime, timezone

    if not isinstance(value, str) or len(value) > 64 or "T" not in value.upper():
        return seconds(value)
    # Python 3.10 reads neither a Z nor more than six digits of a fraction.
    text = re.sub(r"(\.\d{1,6})\d*", lambda found: found.group(1).ljust(7, "0"), value.upper().replace("Z", "+00:00"))
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
