"""A "no" of a server, in words that say what to do.

Rule: pure; what the server says is filtered and cut before it is repeated. Stands beneath all that reads a reply.
Source: RFC 6749 section 5.2.
"""

from __future__ import annotations

import os
import re
from typing import Any

from . import errors
from ._clock import Instant
from .errors import ResponseError, SaAuthError, TokenEndpointError
from .policy import LONGEST_RETRY_AFTER, seconds, unseen
from .wire import Response

_NOT_ERROR_WORD = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 section 5.2
_JWT = re.compile(r"eyJ[\w-]{6,}[\w.-]*")  # some servers quote the assertion they refuse
_SMALL_SKEW = 30.0
_BAD_PROOF = "invalid_dpop_proof"  # RFC 9449 section 5
_TRANSIENT = frozenset({408, 425, 429})
_NOT_TRANSIENT = frozenset({501, 505})

_OPEN = frozenset({"invalid_grant", "invalid_client"})  # of which the description says more
_ELSEWHERE = "wrong_endpoint"

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
    "invalid_client": "Check the client id or secret; of an assertion, that its audience is the one the server expects "
    "(server=), and that the public key, its algorithm and this way of proving the client are registered for it.",
    "invalid_grant": "Usual causes, in this order: this machine's clock is off; the audience is not the one the "
    "server expects; the public key is not registered, or was deleted; the subject has not consented.",
    "unauthorized_client": "This client may not use this grant, or may not act for this subject: an administrator "
    "grants that in the provider's console.",
    "unsupported_grant_type": "The server does not know this grant: check the token endpoint, or choose another grant=.",
    "invalid_scope": "A scope is missing, misspelt, or not granted to this client.",
    "invalid_target": "The resource or audience is unknown to the server, or not allowed for this client.",
    "invalid_dpop_proof": "The server did not take the DPoP proof: check this machine's clock, and that the key's algorithm "
    "is one the server takes.",
    "use_dpop_nonce": "The server wants a nonce in the DPoP proof and gave none to use, or a new one each time.",
    "unsupported_token_type": "The server does not revoke this kind of token: it lives to its end.",
}

_CONSENT = "The subject, or an administrator, has to consent to this client once in the provider's console."
_KEY = (
    "The server could not check the signature: the public key is not registered there, was deleted, or belongs to "
    "another client."
)
_ALGORITHM = (
    "The server does not take the assertion's algorithm: set algorithm= to one that it takes and that is registered for "
    "the key, or use a key of another kind."
)
_TYPE = (
    "The server does not take the type (typ) in the assertion's header: older servers know JWT alone, also for a "
    "client's proof: client_auth.PrivateKeyJWT(typ='JWT')."
)
_AUDIENCE = (
    "The audience in the assertion is not the one the server expects: set audience= to the exact text from the "
    "provider's documentation."
)
_RECIPIENT = (
    "The Recipient in the SAML assertion has to be the token endpoint, to the last character: set it where the token "
    "service makes the assertion."
)
_CLOCK = (
    "This machine's clock is off, or the lifetime is longer than the server allows: check the time service, or set a "
    "shorter lifetime=."
)
_TIMES = (
    "This machine's clock agrees with the server's, so it is the times in the assertion: set a shorter lifetime=, and "
    "leave nbf out of claims=."
)
_REPLAY = (
    "The server has seen this assertion before: look for something on the way that sends requests twice, or for "
    "two programs that sign with one jti."
)
_ACCOUNT = (
    "The server does not know the issuer or the subject: check issuer= and subject=, and that the account still exists."
)

_VERIFIER = "The code_verifier is not the one behind the code_challenge that was sent with the sign-in."
_REDIRECT = "The redirect_uri is not the one that was sent with the sign-in, to the last character."
OF_A_CODE = frozenset({"code_verifier", "redirect_uri"})

# The same causes where the assertion is not a grant's that our key signs, so that no argument is named that is refused.
_CLIENTS = {
    _AUDIENCE: "The audience in the client's proof is not the one the server expects: set server= to its issuer "
    "identifier, to the last character; or client_auth.PrivateKeyJWT(audience=...) where it wants another.",
    _ACCOUNT: "The server does not know the client: check issuer=, the client id, and that it is registered there.",
}
_NOBODYS = {
    _HINTS[
        "invalid_client"
    ]: "The request proved no client, and the server wants that: pass client_auth=, or let the key do "
    'it: grant="client_credentials", or client_auth="private_key_jwt" beside another grant.',
}
_HANDED_OVER = {
    _AUDIENCE: "The audience in the assertion is not the one the server expects: have the token service make it for the "
    "one that the server's documentation names.",
    _ALGORITHM: "The server does not take the algorithm that the token service signs with: check what it is set to take.",
    _TYPE: "The server does not take the type (typ) that the token service puts into the assertion's header.",
    _KEY: "The server could not check the token service's signature: its public key is not registered there, or was replaced.",
    _CLOCK: "By the server's clock the assertion is over, or lives longer than it allows: have the token service make a fresh one.",
    _TIMES: "By the server's clock, and this machine's agrees, the assertion is over, not valid yet, or lives too long: have the "
    "token service make a fresh one.",
    _REPLAY: "The server has seen this assertion before, and takes one once: its source gave the same again. Have the token "
    "service make another for each request, or ask a source of which every reading is a new one.",
    _ACCOUNT: "The server does not know the issuer or the subject: check what the token service says of them, and that the "
    "server trusts that service.",
}

# What a description gives away about the cause of a refusal, most telling first; the cause names its page.
_TELLING = (
    (r"pkce|code_verifier|code_challenge|code verifier", "code_verifier", _VERIFIER),
    (r"redirect_uri|redirect uri", "redirect_uri", _REDIRECT),
    (r"consent|approved|not authorized for|pre-?authori[sz]", "consent", _CONSENT),
    (r"\balg\b|algorithm", "algorithm", _ALGORITHM),
    (r"\btyp\b", "typ", _TYPE),
    (r"signature|public key|\bkid\b|key id|certificate", "unknown_key", _KEY),
    (r"recipient", "recipient", _RECIPIENT),
    (r"\baud\b|audience", "audience", _AUDIENCE),
    (r"\bexp\b|\biat\b|\bnbf\b|expired|timeframe|short-lived|not yet valid|too far in|clock|in the future", "clock", _CLOCK),
    (r"\bjti\b|jwt id|replay|already been used|used before", "replay", _REPLAY),
    (r"account not found|user not found|\bsub\b|subject|\biss\b|issuer", "account", _ACCOUNT),
)  # fmt: skip


def check(response: Response, fields: dict[str, Any] | None, asked: Instant, *, peer: str = "token endpoint") -> None:
    """Lets a reply that is no refusal pass.

    Args:
        response: What the transport brought.
        fields: Its body; None where that is not one JSON object.
        asked: The instant before the request was sent.
        peer: Who answered, for the message.

    Raises:
        TokenEndpointError: it is one.
        ResponseError: it is a redirect.
    """
    if 300 <= response.status < 400:
        raise _redirected(response, peer)
    if response.status >= 400 or (fields is not None and fields.get("error") is not None):
        raise _refusal(response, fields or {}, asked, peer)


def _refusal(response: Response, fields: dict[str, Any], asked: Instant, peer: str) -> SaAuthError:
    code, description = _error_words(fields)
    status = response.status
    transient = status in _TRANSIENT or (status >= 500 and status not in _NOT_TRANSIENT)
    cls = _CLASSES.get(code, TokenEndpointError)
    says = f": {code}" if code else ""
    says += f" ({description})" if description else ""
    cause, hint = _advice(code, description, status, transient=transient)
    refusal = cls(
        f"The {peer} answered {status}{says}.", code=code or f"http_{status}", hint=hint, retryable=transient,
        status=status, retry_after=_retry_after(response, asked),
    )  # fmt: skip
    refusal.cause = cause
    return refusal


def _error_words(fields: dict[str, Any]) -> tuple[str, str]:
    error: Any = fields.get("error", fields.get("errorCode"))
    description: Any = fields.get("error_description")
    if isinstance(error, dict):  # Google's APIs answer with an object where the RFC has a word
        error, description = error.get("status"), error.get("message")
    if description is None:  # REST endpoints have other names for it
        said = fields.get("message", fields.get("errorSummary", fields.get("errors")))
        description = said[0] if isinstance(said, list) and said else said
    code = _NOT_ERROR_WORD.sub("", error)[:64].strip() if isinstance(error, str) else ""
    if not isinstance(description, str):
        return code, ""
    shown = _JWT.sub("[a JWT]", "".join(c if c.isprintable() else " " for c in description[:4000]))
    return _JWT.sub("[a JWT]", code), " ".join(shown.split())[:200]


def _advice(code: str, description: str, status: int, *, transient: bool) -> tuple[str, str]:
    """Cause and hint of a refusal; the cause is empty where its code says all that is known."""
    if transient:
        return "server_busy", "The server is busy or down; the same call may succeed later."
    if code in _OPEN and (told := _told(description)) is not None:
        return told
    if code in _HINTS:
        return "", _HINTS[code]
    if status in {404, 405} or not code:
        return _ELSEWHERE, "Check that the token endpoint is right, and that nothing between here and there answers in its place."  # fmt: skip
    return "", "The provider's documentation says what this error means."


def _told(words: str) -> tuple[str, str] | None:
    return next(((cause, hint) for sign, cause, hint in _TELLING if re.search(sign, words, re.IGNORECASE)), None)


def cause_of(refusal: TokenEndpointError) -> str:
    """The cause of a refusal that a provider's own words explain: what they give away, in whatever code."""
    if refusal.skew is not None:
        return "clock"
    told = None if refusal.code in _HINTS and refusal.code not in _OPEN else _told(refusal.message)
    return told[0] if told is not None else "" if refusal.cause == _ELSEWHERE else refusal.cause


def _redirected(response: Response, peer: str) -> SaAuthError:
    from urllib.parse import urlsplit

    try:
        host = urlsplit(response.headers.get("location", "")).hostname or "nowhere"
    except ValueError:
        host = "nowhere"
    host = re.sub(r"[^A-Za-z0-9.:-]", "", host)[:100]
    return ResponseError(
        f"The {peer} redirects to {host} ({response.status}); redirects are not followed.",
        code="redirect",
        status=response.status,
        hint="Set token_endpoint= to the final address, if that host is the right one.",
    )


def unreadable(response: Response, peer: str = "token endpoint") -> SaAuthError:
    """The error of a reply that is not one JSON object.

    Args:
        response: It.
        peer: Who answered, for the message.
    """
    page = response.body.lstrip()[:1] == b"<"
    return ResponseError(
        f"The answer of the {peer}, with status {response.status}, is {'a web page' if page else 'not one JSON object'}.",
        code="not_json",
        retryable=True,
        status=response.status,
        hint="Something between here and the server may have answered in its place (a captive portal, a proxy)."
        if page
        else f"Check that it is a {peer}.",
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


def wants_nonce(refusal: SaAuthError) -> bool:
    """Whether a server wants a nonce in the DPoP proof (RFC 9449 section 8)."""
    return isinstance(refusal, TokenEndpointError) and refusal.code == "use_dpop_nonce"


def leaves_grant(failure: SaAuthError, *, sent: int) -> bool:
    """Whether no server has looked at a grant that goes once: a code, say, is as good as before.

    Args:
        failure: What came of sending it.
        sent: How many requests were sent, had this one been.
    """
    looked_at = not (unseen(failure) or wants_nonce(failure) or isinstance(failure, errors.InvalidClient))
    # Where it was not given at all, another thread is sending it.
    return failure.code != "code_used" and (failure.attempts != sent or not looked_at)


def advise(refusal: TokenEndpointError, role: str) -> None:
    """Puts the advice of a refusal into the words of whose assertion it is about.

    Args:
        refusal: It.
        role: "grant": one that the key signs; "client": the client's own proof; "handed over": a token service's;
            "nobody": the client was refused and had proved nothing.
    """
    said = {"client": _CLIENTS, "handed over": _HANDED_OVER, "nobody": _NOBODYS}.get(role, {})
    if role == "nobody" and refusal.hint in said:
        refusal.cause = "no_client_proof"
    refusal.hint = said.get(refusal.hint, refusal.hint)


def explain(refusal: TokenEndpointError, response: Response, now: Instant, *, corrected: bool) -> None:
    """Adds to a refusal how far the clocks are apart, where that may be the cause.

    Args:
        refusal: It.
        response: The reply; its Date counts where it can be trusted.
        now: The instant of the reply.
        corrected: Whether the assertion was minted by the server's clock already.
    """
    date = http_date(response.headers.get("date", "")) if response.trusted_date else None
    clock_matters = isinstance(refusal, errors.InvalidGrant | errors.InvalidClient) or refusal.code == _BAD_PROOF
    if not clock_matters or date is None:
        return
    if abs(date - now.wall) <= _SMALL_SKEW:
        refusal.hint = _TIMES if refusal.hint == _CLOCK else refusal.hint
        return
    refusal.skew, refusal.cause = date - now.wall, "clock"
    side = "behind" if refusal.skew > 0 else "ahead of"
    tried = "; an assertion by the server's clock was refused too" if corrected else ""
    refusal.hint = f"This machine's clock is {abs(refusal.skew):.0f} s {side} the server's{tried}: set it right."


def foreign(error: Exception) -> SaAuthError:
    """Stands for what a part of the caller's own raised: its text may hold anything, its class and place may not."""
    return SaAuthError(
        f"{type(error).__name__} was raised while asking for a token, {place_of(error)}.", code="unexpected",
        hint="A transport, signer or callable handed over raised it; nothing of this library does.",
    )  # fmt: skip


def place_of(error: BaseException) -> str:
    """The file and line that raised; the text of a foreign error may hold anything, its place may not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "nobody knows where"
    return f"at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
