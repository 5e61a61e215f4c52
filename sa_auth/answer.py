"""Reads a reply: a token or an error.

Rule: pure, and it trusts nothing: not the size of a number, not the spelling of a word, not that JSON is JSON.
Bodies never reach a message. Stands under the exchange. Source: RFC 6749 sections 5.1 and 5.2.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from . import errors
from ._clock import Instant
from ._jsonobject import json_object
from .errors import ResponseError, SaAuthError, TokenEndpointError
from .policy import LONGEST_RETRY_AFTER, RefreshPolicy, seconds
from .token import NOTHING, Token
from .wire import Response

BEARER = "Bearer"
_LONGEST_TOKEN = 16_384
_VISIBLE = re.compile(r"[\x21-\x7e]+")  # no space, no control character: safe in a header
_NOT_ERROR_WORD = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 section 5.2
_JWT = re.compile(r"eyJ[\w-]{6,}[\w.-]*")  # some servers quote the assertion they refuse
_DECIDING = frozenset({"access_token", "expires_in", "token_type"})
_TRANSIENT = frozenset({408, 425, 429})
_NOT_TRANSIENT = frozenset({501, 505})

_CLASSES: dict[str, type[TokenEndpointError]] = {
    "invalid_request": errors.InvalidRequest,
    "invalid_client": errors.InvalidClient,
    "invalid_grant": errors.InvalidGrant,
    "unauthorized_client": errors.UnauthorizedClient,
    "unsupported_grant_type": errors.UnsupportedGrantType,
    "invalid_scope": errors.InvalidScope,
    "invalid_target": errors.InvalidTarget,
}

_HINTS = {
    "invalid_request": "The server could not read the request: check the token endpoint and that this provider "
    "takes this grant with these fields.",
    "invalid_client": "Check the client id or secret, and that the public key of this key is registered for this "
    "client.",
    "invalid_grant": "Usual causes, in this order: this machine's clock is off; the audience is not the one the "
    "server expects; the public key is not registered, or was deleted; the subject has not consented.",
    "unauthorized_client": "This client may not use this grant, or may not act for this subject: an administrator "
    "grants that in the provider's console.",
    "unsupported_grant_type": "The server does not know this grant: check the token endpoint, or choose another grant=.",
    "invalid_scope": "A scope is misspelt, or not granted to this client.",
    "invalid_target": "The resource is unknown to the server, or not allowed for this client.",
}

_CONSENT = "The subject, or an administrator, has to consent to this client once in the provider's console."
_KEY = (
    "The server could not check the signature: the public key is not registered there, was deleted, or belongs to "
    "another client."
)
_AUDIENCE = (
    "The audience in the assertion is not the one the server expects: set audience= to the exact text from the "
    "provider's documentation."
)
_CLOCK = (
    "This machine's clock is off, or the lifetime is longer than the server allows: check the time service, or set a "
    "shorter lifetime=."
)
_REPLAY = (
    "The server has seen this assertion before: something between here and there sends requests twice, or two "
    "programs sign with one jti."
)
_ACCOUNT = (
    "The server does not know the issuer or the subject: check issuer= and subject=, and that the account still exists."
)

# What a description gives away about the cause of a refusal, most telling first.
_TELLING = (
    (r"consent|approved|not authorized for|pre-?authori[sz]", _CONSENT),
    (r"signature|public key|\bkid\b|key id|certificate", _KEY),
    (r"\baud\b|audience", _AUDIENCE),
    (r"\bexp\b|\biat\b|\bnbf\b|expired|timeframe|short-lived|not yet valid|too far in|clock|in the future", _CLOCK),
    (r"\bjti\b|replay|already been used", _REPLAY),
    (r"account not found|user not found|\bsub\b|subject|\biss\b|issuer", _ACCOUNT),
)


def read(
    response: Response, *, asked: Instant, policy: RefreshPolicy, scope: str = "", token_type: str = BEARER
) -> Token:
    """Turns a reply into a token.

    Args:
        response: What the transport brought.
        asked: The instant before the request was sent; the life counts from there.
        policy: The life assumed, and the longest believed.
        scope: What was asked for; the token's scope where the answer names none.
        token_type: What was asked for.

    Raises:
        TokenEndpointError: the server said no; its class follows the error code.
        ResponseError: the reply is no token response.
    """
    if 300 <= response.status < 400:
        raise _redirected(response)
    fields = json_object(response.body, _DECIDING, status=response.status)
    if response.status >= 400 or (fields is not None and fields.get("error") is not None):
        raise _refusal(response, fields or {}, asked)
    if fields is None:
        raise _unreadable(response)
    return _token(fields, response, asked, policy, scope, token_type)


def _token(
    fields: dict[str, Any], response: Response, asked: Instant, policy: RefreshPolicy, scope: str, token_type: str
) -> Token:
    value = fields.get("access_token")
    if value is None:
        raise ResponseError(
            "The answer holds no access_token.", code="no_access_token", status=response.status,
            hint="Check that the token endpoint is one, and that the scope exists.",
        )  # fmt: skip
    # Judged before any header is built: an HTTP library puts a bad header value into its own error text.
    if not isinstance(value, str) or len(value) > _LONGEST_TOKEN or not _VISIBLE.fullmatch(value):
        raise ResponseError(
            "The access_token in the answer is not 1 to 16,384 visible ASCII characters.", code="bad_access_token",
            status=response.status,
            hint="No other token fits into a header; check that the token endpoint is one.",
        )  # fmt: skip
    said_type = fields.get("token_type")
    if said_type is not None and not (isinstance(said_type, str) and said_type.lower() == token_type.lower()):
        raise ResponseError(
            f"The answer's token_type is not {token_type}.", code="unexpected_token_type", status=response.status,
            hint="The server issues another kind of token than was asked for; such a token is not used.",
        )  # fmt: skip
    life = _life(fields.get("expires_in"), policy)
    said_scope = fields.get("scope")
    extra = {name: value for name, value in fields.items() if name not in _DECIDING and name != "scope"}
    return Token(
        value,
        token_type,
        expires_at=asked.wall + life,
        refresh_at=asked.wall + policy.stale_after(life, seconds(fields.get("refresh_in"))),
        issued_at=asked.wall,
        scope=said_scope if isinstance(said_scope, str) and said_scope else scope or None,
        extra=MappingProxyType(extra) if extra else NOTHING,
    )


def _life(expires_in: Any, policy: RefreshPolicy) -> float:
    life = seconds(expires_in)
    if life is None:
        return policy.default_life  # never for ever
    # Below a second every call would be an exchange.
    return min(max(life, 1.0), policy.longest_life)


def _refusal(response: Response, fields: dict[str, Any], asked: Instant) -> SaAuthError:
    code, description = _error_words(fields)
    status = response.status
    transient = status in _TRANSIENT or (status >= 500 and status not in _NOT_TRANSIENT)
    cls = _CLASSES.get(code, TokenEndpointError)
    says = f": {code}" if code else ""
    says += f" ({description})" if description else ""
    return cls(
        f"The token endpoint answered {status}{says}.",
        code=code or f"http_{status}",
        hint=_hint(code, description, status, transient=transient),
        retryable=transient,
        status=status,
        retry_after=_retry_after(response, asked),
    )


def _error_words(fields: dict[str, Any]) -> tuple[str, str]:
    error: Any = fields.get("error")
    description: Any = fields.get("error_description")
    if isinstance(error, dict):  # Google's APIs answer with an object where the RFC has a word
        error, description = error.get("status"), error.get("message")
    code = _NOT_ERROR_WORD.sub("", error)[:64].strip() if isinstance(error, str) else ""
    if not isinstance(description, str):
        return code, ""
    shown = _JWT.sub("[a JWT]", "".join(c if c.isprintable() else " " for c in description[:4000]))
    return _JWT.sub("[a JWT]", code), " ".join(shown.split())[:200]


def _hint(code: str, description: str, status: int, *, transient: bool) -> str:
    if transient:
        return "The server is busy or down; the same call may succeed later."
    if code in {"invalid_grant", "invalid_client"}:
        for pattern, hint in _TELLING:
            if re.search(pattern, description, re.IGNORECASE):
                return hint
    if code in _HINTS:
        return _HINTS[code]
    if status in {404, 405} or not code:
        return "Check that the token endpoint is right, and that nothing between here and there answers in its place."
    return "The provider's documentation says what this error means."


def _redirected(response: Response) -> SaAuthError:
    from urllib.parse import urlsplit

    try:
        host = urlsplit(response.headers.get("location", "")).hostname or "nowhere"
    except ValueError:
        host = "nowhere"
    host = re.sub(r"[^A-Za-z0-9.:-]", "", host)[:100]
    return ResponseError(
        f"The token endpoint redirects to {host} ({response.status}); redirects are not followed.",
        code="redirect",
        status=response.status,
        hint="Set token_endpoint= to the final address, if that host is the right one.",
    )


def _unreadable(response: Response) -> SaAuthError:
    page = response.body.lstrip()[:1] == b"<"
    return ResponseError(
        f"The answer with status {response.status} is {'a web page' if page else 'not one JSON object'}.",
        code="not_json",
        retryable=True,
        status=response.status,
        hint="Something between here and the server may have answered in its place (a captive portal, a proxy)."
        if page
        else "Check that the token endpoint is one.",
    )


def _retry_after(response: Response, asked: Instant) -> float | None:
    """Seconds of the Retry-After header, in either form, at most 300; None where there is none."""
    text = response.headers.get("retry-after", "").strip()
    wait = seconds(text)
    if wait is None and text:
        # Relative to the reply's own Date, so that a wrong clock here does not matter.
        until, now = http_date(text), http_date(response.headers.get("date", ""))
        wait = until - (asked.wall if now is None else now) if until is not None else None
    return None if wait is None else min(max(wait, 0.0), LONGEST_RETRY_AFTER)


def http_date(text: str) -> float | None:
    """Unix seconds of an HTTP date (RFC 9110 section 5.6.7); None where it is none."""
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    if not text or len(text) > 64:
        return None
    try:
        date = parsedate_to_datetime(text)
        # Of the three forms, asctime's names no zone; it is UTC like the others.
        return (date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
