"""The rules for the client that carries the assertion, where it names or proves itself.

Source: RFC 6749 sections 2.3, 2.3.1 and 3.2.1, RFC 7523 section 3.1.
"""

from __future__ import annotations

import hmac

from sa_auth.testing.registration import Registration

from .case import Case, Unjudged
from .rule import complaint, rule


@rule(
    "RFC 6749 section 2.3.1",
    'The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm per Appendix B, '
    "and the encoded value is used as the username",
    error="invalid_client",
)
def authorization_readable(case: Case) -> str:
    """An Authorization header is a Basic one that can be read."""
    return complaint(lambda: case.basic)


@rule(
    "RFC 6749 section 2.3",
    "The client MUST NOT use more than one authentication method in each request.",
    error="invalid_request",
)
def client_method_one(case: Case) -> str:
    """The client proves itself in one way at most."""
    used = [name for name in ("client_secret", "client_assertion") if name in case.form]
    used += ["Authorization"] if "authorization" in case.headers else []
    return f"The client proves itself in several ways: {', '.join(sorted(used))}." if len(used) > 1 else ""


@rule(
    "RFC 7523 section 3.1",
    "if client credentials are present in the request, the authorization server MUST validate them",
    error="invalid_client",
)
def client_authenticated(case: Case) -> str:
    """Whoever has a secret proves it, and whoever sends one has it."""
    if "client_assertion" in case.form:
        return "This authority takes no client assertion."
    wanted = _client(case)
    if case.presented is None:
        demanded = wanted is not None and wanted.client_secret is not None
        return "The client has to prove itself with its secret, by Basic or in the form." if demanded else ""
    if wanted is None or wanted.client_secret is None:
        return "No client is registered by this id with a secret."
    given_id, given_secret = case.presented
    if given_id != (wanted.client_id or wanted.issuer):
        return "The client id is not the registered one."
    # Both sides are bytes: compare_digest refuses text beyond ASCII, and a client may send any.
    same = hmac.compare_digest(given_secret.encode(), wanted.client_secret.encode())
    return "" if same else "The client secret is not the registered one."


@rule(
    "RFC 6749 section 3.2.1",
    'A client MAY use the "client_id" request parameter to identify itself when sending requests to the token '
    "endpoint.",
    error="invalid_client",
)
def client_id_same(case: Case) -> str:
    """A client that names itself twice says the same both times."""
    if "client_id" not in case.form:
        return ""
    given = case.form["client_id"]
    if case.basic is not None:
        return "" if given == case.basic[0] else "The client_id is not the client of the Authorization header."
    if "client_secret" in case.form:
        return ""
    known = case.registration.client_id
    return "" if known is None or given == known else "The client_id is not the one registered for this issuer."


def _client(case: Case) -> Registration | None:
    """The client that has to prove itself: the issuer where it has a secret, else the one that names itself."""
    try:
        issuer: Registration | None = case.registration
    except Unjudged:
        issuer = None
    if issuer is not None and (issuer.client_secret is not None or case.presented is None):
        return issuer
    if case.presented is None:
        raise Unjudged("Neither the issuer is known nor a client named.")
    named = case.presented[0]
    return next((known for known in case.issuers.values() if named == (known.client_id or known.issuer)), None)
