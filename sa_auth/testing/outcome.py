"""What a request that kept every rule is given: a token, and who it stands for.

Rule: nothing is judged here any more.

Source: RFC 6749 sections 4.1.4, 4.4.3 and 6, RFC 8693 section 2.2.1, RFC 8705 section 3, RFC 9449 section 5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from .promises import Promise, family
from .rules import Case
from .rules.scope import requested_scope
from .rules.uris import ACCESS_TOKEN, CODE, EXCHANGE, REFRESH, REFRESH_TOKEN
from .tokens import Issued


@dataclass(frozen=True, slots=True)
class Terms:
    """What the authority was told about answers.

    Attributes:
        lifetime: Seconds that a token lives.
        refresh_tokens: None, "rotate" or "keep".
        downgrade: Whether DPoP is answered by a bearer token.
    """

    lifetime: float
    refresh_tokens: str | None
    downgrade: bool


def give(case: Case, terms: Terms) -> dict[str, Any]:
    """Issues what was asked for, and gives the fields of the answer (RFC 6749 section 5.1)."""
    issued = _issued(case, terms)
    fields: dict[str, Any] = {
        "access_token": case.world.tokens.issue(issued, case.now),
        "token_type": "Bearer" if issued.key is None else "DPoP",
        "expires_in": int(terms.lifetime),
    }
    if issued.scope:
        fields["scope"] = issued.scope
    if terms.refresh_tokens is not None and case.grants(CODE, REFRESH, EXCHANGE):
        fields["refresh_token"] = _refresh_token(case, issued, terms)
    return {**fields, **_exchanged(case, fields)} if case.grants(EXCHANGE) else fields


def _issued(case: Case, terms: Terms) -> Issued:
    issuer, subject = _whom(case)
    promise = case.promise
    return Issued(
        issuer=issuer,
        subject=subject,
        scope=_scope(case),
        expires_at=case.now + terms.lifetime,
        client=case.caller.name if case.caller is not None else None,
        family=promise.family if promise else family() if case.grants(EXCHANGE) else None,
        resources=_targets(case),
        key=case.proof.thumbprint if case.has_proof and not terms.downgrade else None,
        certificate=_certificate(case),
    )


def _whom(case: Case) -> tuple[str, str | None]:
    """Who asks, and whom the token acts for."""
    name = case.caller.name if case.caller is not None else ""
    if case.promise is not None:
        return case.promise.client, case.promise.subject
    if case.grant_is_saml:
        return case.grant_saml.issuer, case.grant_saml.subject
    if case.grant_is_jwt:
        return case.grant_claims["iss"], case.grant_claims.get("sub")
    token = case.has("subject_token")
    if token:
        known, promise = case.world.tokens.find(token, case.now), case.world.refreshes.find(token)
        subject = known.subject or known.issuer if known else promise.subject if promise else None
        return name, subject
    return name, name


def _scope(case: Case) -> str:
    asked = requested_scope(case) if case.is_form else ""
    return asked or case.promise.scope if case.promise is not None else asked


def _targets(case: Case) -> tuple[str, ...]:
    """What the token is for: as asked now, else as promised."""
    asked = tuple(value for name, value in case.form.pairs if name in {"resource", "audience"})
    return asked or (case.promise.resources if case.promise is not None else ())


def _certificate(case: Case) -> bytes | None:
    """The certificate to bind to: that of the connection, where the client is one that has any."""
    bound = case.certificate is not None and any(known.certificate is not None for known in case.parties)
    return hashlib.sha256(case.certificate or b"").digest() if bound else None


def _refresh_token(case: Case, issued: Issued, terms: Terms) -> str:
    if case.grants(REFRESH) and terms.refresh_tokens == "keep":
        return case.form["refresh_token"]
    public = case.caller is not None and case.caller.method == "none"
    promise = Promise(
        client=issued.client or "",
        subject=issued.subject,
        scope=issued.scope,
        family=issued.family or family(),
        key=case.proof.thumbprint if case.has_proof and public else None,
        resources=issued.resources,
    )
    if case.grants(REFRESH) and case.promise is not None:
        # RFC 6749 section 6: the new one has the scope of the old one, however little was asked for this time.
        promise = replace(promise, scope=case.promise.scope, resources=case.promise.resources)
    return case.world.refreshes.issue(promise)


def _exchanged(case: Case, fields: dict[str, Any]) -> dict[str, Any]:
    """What token exchange says on top (RFC 8693 section 2.2.1)."""
    kind = case.form.get("requested_token_type", ACCESS_TOKEN)
    if kind == ACCESS_TOKEN:
        return {"issued_token_type": kind}
    extra: dict[str, Any] = {"issued_token_type": kind, "token_type": "N_A"}
    if kind == REFRESH_TOKEN:
        promise = Promise(case.caller.name if case.caller else "", _whom(case)[1], fields.get("scope", ""), family())
        extra["access_token"] = case.world.refreshes.issue(promise)
    return extra
