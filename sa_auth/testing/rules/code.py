"""The rules for authorization codes, and for the verifier that goes with one.

Source: RFC 6749 sections 4.1.2 and 4.1.3, RFC 7636 sections 4.1, 4.5 and 4.6, RFC 9700 section 2.1.1.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from sa_auth._encoding import b64url
from sa_auth.testing.promises import Promise

from .case import Case
from .reading import Unjudged
from .rule import rule
from .uris import CODE

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def _asked(case: Case) -> bool:
    return case.grants(CODE)


def _challenged(case: Case) -> bool:
    return case.grants(CODE) and case.promise is not None and case.promise.code_challenge is not None


def _promise(case: Case) -> Promise:
    if case.promise is None:
        raise Unjudged("The code is not known.")
    return case.promise


@rule(
    "RFC 6749 section 4.1.3",
    "The authorization code received from the authorization server.",
    error="invalid_request",
    when=_asked,
)
def code_present(case: Case) -> str:
    """There is a code."""
    return "" if "code" in case.form else "There is no code."


@rule("RFC 6749 section 4.1.3", "verify that the authorization code is valid", error="invalid_grant", when=_asked)
def code_known(case: Case) -> str:
    """The code was issued here."""
    if "code" not in case.form:
        raise Unjudged("There is no code.")
    return "" if case.promise is not None else "No such code was issued."


@rule(
    "RFC 6749 section 4.1.2",
    "The authorization code MUST expire shortly after it is issued to mitigate the risk of leaks.",
    error="invalid_grant",
    when=_asked,
)
def code_alive(case: Case) -> str:
    """The code is not over."""
    late = case.now - (_promise(case).expires_at or case.now + 1)
    return f"The code ended {late:.0f} s ago." if late >= 0 else ""


@rule(
    "RFC 6749 section 4.1.3",
    "ensure that the authorization code was issued to the authenticated confidential client, or if the client is "
    'public, ensure that the code was issued to "client_id" in the request',
    error="invalid_grant",
    when=_asked,
)
def code_client(case: Case) -> str:
    """The code was issued to this client."""
    promise = _promise(case)
    if case.caller is None:
        raise Unjudged("There is no client.")
    return "" if case.caller.name == promise.client else "The code was issued to another client."


@rule(
    "RFC 6749 section 4.1.3",
    'ensure that the "redirect_uri" parameter is present if the "redirect_uri" parameter was included in the initial '
    "authorization request as described in Section 4.1.1, and if included ensure that their values are identical.",
    error="invalid_grant",
    when=_asked,
)
def code_redirect_uri(case: Case) -> str:
    """The code is presented with the redirection URI that it was sent to."""
    wanted, given = _promise(case).redirect_uri, case.form.get("redirect_uri")
    if given == wanted:
        return ""
    return (
        "There is no redirect_uri." if given is None else "The redirect_uri is not the one that the code was sent to."
    )


@rule(
    "RFC 7636 section 4.5",
    "In addition to the parameters defined in the OAuth 2.0 Access Token Request (Section 4.1.3 of [RFC6749]), it sends "
    "the following parameter",
    error="invalid_grant",
    when=_challenged,
)
def verifier_present(case: Case) -> str:
    """Whoever gave a challenge brings the verifier."""
    return "" if "code_verifier" in case.form else "There is no code_verifier, and the code has a challenge."


@rule(
    "RFC 7636 section 4.1",
    'high-entropy cryptographic random STRING using the unreserved characters [A-Z] / [a-z] / [0-9] / "-" / "." / "_" / '
    '"~" from Section 2.3 of [RFC3986], with a minimum length of 43 characters and a maximum length of 128 '
    "characters.",
    error="invalid_request",
    when=lambda case: case.grants(CODE) and bool(case.has("code_verifier")),
)
def verifier_well_formed(case: Case) -> str:
    """The verifier has 43 to 128 unreserved characters."""
    return "" if _VERIFIER.fullmatch(case.form["code_verifier"]) else "The code_verifier has another form or length."


@rule(
    "RFC 7636 section 4.6",
    'If the values are not equal, an error response indicating "invalid_grant" as described in Section 5.2 of '
    "[RFC6749] MUST be returned.",
    error="invalid_grant",
    when=_challenged,
)
def verifier_matches(case: Case) -> str:
    """The verifier gives the challenge."""
    verifier = case.form.get("code_verifier")
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise Unjudged("There is no verifier in order.")
    given, wanted = b64url(hashlib.sha256(verifier.encode("ascii")).digest()), _promise(case).code_challenge or ""
    return "" if hmac.compare_digest(given.encode(), wanted.encode()) else "The code_verifier gives another challenge."


@rule(
    "RFC 9700 section 2.1.1",
    "a token request containing a code_verifier parameter is accepted only if a code_challenge parameter was present "
    "in the authorization request",
    error="invalid_grant",
    when=lambda case: case.grants(CODE) and bool(case.has("code_verifier")),
)
def verifier_expected(case: Case) -> str:
    """No verifier comes for a code without a challenge."""
    return "" if _promise(case).code_challenge is not None else "The code has no challenge, yet a code_verifier came."


@rule(
    "RFC 6749 section 4.1.2",
    "If an authorization code is used more than once, the authorization server MUST deny the request and SHOULD revoke "
    "(when possible) all tokens previously issued based on that authorization code.",
    error="invalid_grant",
    when=_asked,
)
def code_once(case: Case) -> str:
    """The code is used once; a second use takes what the first one brought."""
    promise, world, code = _promise(case), case.world, case.form["code"]
    used = world.codes.used(code)
    if not used and not case.spotless:
        raise Unjudged("Something else is wrong, so the code is not used up.")
    if not used and world.codes.take(code):
        return ""
    world.revoke_family(promise.family)
    return "The code was used before; the tokens that it brought are revoked."
