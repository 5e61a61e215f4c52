"""A refusal of a token endpoint, explained by what was sent.

Rule: pure; names and thumbprints are told, never a key, secret or assertion. Stands under the exchange, above the grants
and client authentication, which say what they sent. Source: RFC 6749 section 5.2; a provider names its own pages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, NamedTuple

from .client_auth.base import ClientAuth
from .errors import InvalidClient, InvalidGrant, SaAuthError, TokenEndpointError
from .grants.base import Advised, Grant
from .refusal import OF_A_CODE, advise, cause_of

_TOLD = frozenset({"resource", "audience"})


class Known(NamedTuple):
    """What one of a provider's refusals means.

    Attributes:
        pattern: A regular expression, looked for in the server's words in any case.
        hint: What it means and what to do. {iss}, {sub}, {aud}, {kid}, {alg}, {scope}, {client_id}, {x5t} and {x5t_s256}
            stand for what was sent, "(none)" where nothing was.
        again: Whether the same call, minted anew, may succeed at once; it is made once more.
        error: The class that it arrives as; None: as the server's own word has it.
        cause: Names the page that tells more; empty: what the server's words give away, else its code.
    """

    pattern: str
    hint: str
    again: bool = False
    error: type[TokenEndpointError] | None = None
    cause: str = ""


def known_of(refusal: SaAuthError, known: tuple[Known, ...]) -> Known | None:
    """The first that fits a refusal; None where none does."""
    if not isinstance(refusal, TokenEndpointError):
        return None
    return next((one for one in known if re.search(one.pattern, refusal.message, re.IGNORECASE)), None)


def as_known(refusal: TokenEndpointError, known: tuple[Known, ...]) -> TokenEndpointError:
    """Gives a refusal as the class that it means, where the provider's own words are not those of RFC 6749."""
    meaning = known_of(refusal, known)
    if meaning is None or meaning.error is None or isinstance(refusal, meaning.error):
        return refusal
    other = meaning.error(refusal.message)
    vars(other).update(vars(refusal))
    return other


def explained(
    refusal: TokenEndpointError,
    grant: Grant,
    client_auth: ClientAuth | None,
    scope: str = "",
    form: tuple[tuple[str, str], ...] = (),
    known: tuple[Known, ...] = (),
) -> TokenEndpointError:
    """Gives a refusal with what it means for this grant, and what was sent.

    Args:
        refusal: As the server said it.
        grant: What was asked by.
        client_auth: How the client named itself.
        scope: What was asked for.
        form: Extra fields.
        known: What the provider's refusals mean.
    """
    meaning = known_of(refusal, known)
    if meaning is not None:
        parts = (grant, client_auth) if isinstance(refusal, InvalidClient) else (client_auth, grant)
        facts = {**_facts(parts, client_auth), **({"scope": scope} if scope else {})}
        # Of a JWT from elsewhere nothing is known yet: it forges no line of a log.
        shown = {name: re.sub(r"[^ -~]", "?", value) for name, value in facts.items() if value}
        told = defaultdict(lambda: "(none)", {"kid": "(which was sent without a kid)"} | shown)
        hint = meaning.hint.format_map(told)
        refusal.hint = f"{hint} {refusal.hint}" if refusal.skew is not None else hint
        refusal.cause = meaning.cause or cause_of(refusal)
    elif isinstance(grant, Advised) and isinstance(refusal, InvalidGrant):
        more = refusal.skew is not None or refusal.cause in OF_A_CODE
        refusal.hint = f"{refusal.hint} {grant.advice}" if more else grant.advice
        refusal.cause = refusal.cause if more else getattr(grant, "cause", "")
    else:
        advise(refusal, _role(grant, client_auth, of_client=isinstance(refusal, InvalidClient)))
    try:
        refusal.hint = f"{refusal.hint} Sent: {described(grant, client_auth, scope, form)}.".strip()
    except Exception:  # nosec B110 # noqa: BLE001, S110 - of a grant or method of the caller's own; the server's no is worth more
        pass
    return refusal


def _facts(parts: tuple[Grant | ClientAuth | None, ...], client_auth: ClientAuth | None) -> dict[str, str]:
    """What the assertions said; of a name in both, the last one's."""
    facts: dict[str, str] = {}
    for part in parts:
        tell: Any = getattr(getattr(part, "assertion", getattr(part, "source", None)), "facts", None)
        if tell is not None:
            facts.update(tell())
    named = client_auth.fingerprint()[1:2] if client_auth is not None else ()
    facts.setdefault("client_id", named[0] if named else facts.get("iss", "(none)"))
    return facts


def described(grant: Grant, client_auth: ClientAuth | None, scope: str, form: tuple[tuple[str, str], ...] = ()) -> str:
    """What was sent, for a refusal's hint; no secret."""
    told = [grant.describe()]
    if scope:
        told.append(f"scope {scope!r}")
    told += [f"{name} {value[:200]!r}" for name, value in form if name in _TOLD]
    if client_auth is not None:
        method, *named = client_auth.fingerprint()[:2]
        told.append(f"{method} {named[0]!r}" if named and named[0] else method)
        # What an assertion of the client says; the other methods have no more to tell.
        describe = getattr(client_auth, "describe", None)
        told += [describe()] if describe is not None else []
    return ", ".join(told)


def _role(grant: Grant, client_auth: ClientAuth | None, *, of_client: bool) -> str:
    """Whose assertion a refusal is about; see `refusal.advise`.

    Args:
        grant: What was asked by.
        client_auth: How the client named itself.
        of_client: Whether the client was refused, and not the grant.
    """
    if of_client and (client_auth is None or client_auth.fingerprint()[0] == "client_id"):
        return "nobody"
    source = getattr(client_auth, "source", None) if of_client else getattr(grant, "assertion", None)
    if source is not None and hasattr(source, "where"):
        return "handed over"
    return "client" if of_client else "grant"
