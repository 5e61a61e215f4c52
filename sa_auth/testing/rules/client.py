"""The rules for the client that asks, where it names or proves itself.

Source: RFC 6749 sections 2.3, 2.3.1, 3.2.1 and 4.4, RFC 7521 section 4.2, RFC 7523 section 3.1.
"""

from __future__ import annotations

import hmac

from sa_auth.testing.registration import Registration

from .case import Caller, Case
from .reading import Unjudged
from .rule import complaint, rule
from .uris import CLIENT_JWT, CLIENT_SAML, CREDENTIALS, GRANTS


@rule(
    "RFC 6749 section 2.3.1",
    'The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm per Appendix B, '
    "and the encoded value is used as the username",
    error="invalid_client",
    when=lambda case: case.is_form,
)
def authorization_readable(case: Case) -> str:
    """An Authorization header is a Basic one that can be read."""
    return complaint(lambda: case.basic)


@rule(
    "RFC 6749 section 2.3",
    "The client MUST NOT use more than one authentication method in each request.",
    error="invalid_request",
    when=lambda case: case.is_form,
)
def client_method_one(case: Case) -> str:
    """The client proves itself in one way at most."""
    used = [name for name in ("client_secret", "client_assertion") if name in case.form]
    used += ["Authorization"] if "authorization" in case.headers else []
    return f"The client proves itself in several ways: {', '.join(sorted(used))}." if len(used) > 1 else ""


@rule(
    "RFC 7521 section 4.2",
    "The format of the assertion as defined by the authorization server.",
    error="invalid_request",
    when=lambda case: case.is_form and bool(case.has("client_assertion") or case.has("client_assertion_type")),
)
def client_assertion_typed(case: Case) -> str:
    """A client assertion comes with its type, and no type without an assertion."""
    if "client_assertion" not in case.form:
        return "There is a client_assertion_type and no client_assertion."
    return "" if "client_assertion_type" in case.form else "There is no client_assertion_type."


@rule(
    "RFC 7523 section 2.2",
    'The value of the "client_assertion_type" is "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".',
    error="invalid_client",
    when=lambda case: case.is_form and bool(case.has("client_assertion_type")),
)
def client_assertion_type_known(case: Case) -> str:
    """The type is one that is judged here."""
    given = case.form["client_assertion_type"]
    known = given in {CLIENT_JWT, CLIENT_SAML}
    return "" if known else f"The client_assertion_type {given} is neither {CLIENT_JWT} nor {CLIENT_SAML}."


@rule(
    "RFC 7523 section 3.1",
    "if client credentials are present in the request, the authorization server MUST validate them",
    error="invalid_client",
    when=lambda case: case.is_form,
)
def client_authenticated(case: Case) -> str:
    """Whoever has something to prove itself with does, and whoever sends a secret has it."""
    caller, grantor = case.caller, _grantor(case)
    if caller is None:
        return _nameless(case, grantor)
    if grantor is not None and _proves_more(grantor) and grantor is not caller.registration:
        return "The client is not the one that is registered for this issuer."
    known = caller.registration
    if known is None:
        return "No client is registered by this id."
    if caller.method in {"client_secret_basic", "client_secret_post"}:
        return _secret_wrong(case, known)
    if caller.method == "none" and _owes_proof(case, known, grantor):
        return f"The client has to prove itself, {_ways(known)}."
    return ""


def _owes_proof(case: Case, known: Registration, grantor: Registration | None) -> bool:
    """Whether a bare client_id is too little. A key signs grants too: who vouches by it has proved itself there."""
    if _proves_more(known):
        return True
    return known.confidential and known is not grantor and case.at_token


def _grantor(case: Case) -> Registration | None:
    try:
        return case.grantor
    except Unjudged:
        return None


def _nameless(case: Case, grantor: Registration | None) -> str:
    """A request without a client: an assertion stands for itself, everything else needs one."""
    if case.endpoint == "revoke":
        owned = case.revoked_owner is not None
        return "The token was issued to a client, and there is no proof of who asks." if owned else ""
    if case.has("grant_type") not in ("", *GRANTS):
        raise Unjudged("The grant type is not known.")
    if case.grant_is_saml:
        return ""
    if not case.grant_is_jwt:
        return "There is neither a client_id nor a proof of who asks."
    if grantor is None:
        raise Unjudged("Neither the issuer is known nor a client named.")
    return f"The client has to prove itself, {_ways(grantor)}." if _proves_more(grantor) else ""


def _proves_more(known: Registration) -> bool:
    """Whether it has something to prove itself with beyond the key that signs its assertions."""
    return known.client_secret is not None or known.certificate is not None


def _ways(known: Registration) -> str:
    ways = ["with its secret, by Basic or in the form"] if known.client_secret is not None else []
    ways += ["with its certificate, by mutual TLS"] if known.certificate is not None else []
    ways += ["with its key, by a client assertion"] if known.keys else []
    return " or ".join(ways)


def _secret_wrong(case: Case, known: Registration) -> str:
    if known.client_secret is None:
        return "This client is registered without a secret."
    given = "" if case.presented is None else case.presented[1]
    # Both sides are bytes: compare_digest refuses text beyond ASCII, and a client may send any.
    same = hmac.compare_digest(given.encode(), known.client_secret.encode())
    return "" if same else "The client secret is not the registered one."


@rule(
    "RFC 7521 section 4.2",
    'If present, the value of the "client_id" parameter MUST identify the same client as is identified by the client '
    "assertion",
    error="invalid_client",
    when=lambda case: case.is_form and bool(case.has("client_id")),
)
def client_id_same(case: Case) -> str:
    """A client that names itself twice says the same both times."""
    caller = case.caller
    given = case.form["client_id"]
    if caller is None or given == caller.name:
        return ""
    return f"The client_id is {given}, while the client proves to be {caller.name}."


@rule(
    "RFC 6749 section 4.4",
    "The client credentials grant type MUST only be used by confidential clients.",
    error="unauthorized_client",
    when=lambda case: case.grants(CREDENTIALS),
)
def client_confidential(case: Case) -> str:
    """Whoever asks in its own name has proved it."""
    caller = _known(case)
    return "This client has nothing to prove itself with." if caller.method == "none" else ""


@rule(
    "RFC 6749 section 5.2",
    "The authenticated client is not authorized to use this authorization grant type.",
    error="unauthorized_client",
    when=lambda case: case.at_token and bool(case.has("grant_type")),
)
def grant_type_allowed(case: Case) -> str:
    """The grant type is one that the client, or the issuer of the assertion, was registered for."""
    given = case.form["grant_type"]
    barred = [each.name for each in case.parties if each.grants is not None and given not in each.grants]
    return f"{barred[0]} may not use the grant type {given}." if barred else ""


def _known(case: Case) -> Caller:
    if case.caller is None or case.caller.registration is None:
        raise Unjudged("The client is not known.")
    if case.caller.method == "none" and case.caller.registration.confidential:
        raise Unjudged("The client has not proved itself.")
    return case.caller
