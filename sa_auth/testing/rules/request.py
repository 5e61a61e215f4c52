"""The rules for the request as such: method, type, form, grant.

Source: RFC 6749 sections 2.3.1, 3.2, 4.4.2 and 5.2 and appendix B, RFC 7521 section 4.1, RFC 7523 section 2.1.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

from .case import Case
from .reading import Unjudged
from .rule import complaint, rule
from .uris import GRANTS, JWT_BEARER, SAML_BEARER

# RFC 8707 section 2 and RFC 8693 section 2.1 say of these two that there may be several.
_REPEATABLE = frozenset({"resource", "audience"})
_SENSITIVE = frozenset({"assertion", "client_id", "client_secret", "client_assertion", "code", "code_verifier",
                        "refresh_token", "subject_token", "actor_token", "token"})  # fmt: skip


def _form(case: Case) -> bool:
    return case.is_form


def _token(case: Case) -> bool:
    return case.at_token


@rule(
    "RFC 6749 section 3.2",
    'The client MUST use the HTTP "POST" method when making access token requests.',
    error="invalid_request",
    when=_form,
)
def method_post(case: Case) -> str:
    """A token request is a POST."""
    return "" if case.method == "POST" else f"The method is {case.method}, not POST."


@rule(
    "RFC 6749 section 2.3.1",
    "The parameters can only be transmitted in the request-body and MUST NOT be included in the request URI.",
    error="invalid_request",
    when=_form,
)
def nothing_in_uri(case: Case) -> str:
    """Nothing secret, and no client, stands in the URL, which servers log."""
    found = sorted({name for name, _ in parse_qsl(case.query, keep_blank_values=True)} & _SENSITIVE)
    return f"The URL carries {', '.join(found)}; that belongs into the body." if found else ""


@rule(
    "RFC 6749 section 4.4.2",
    "The client makes a request to the token endpoint by adding the following parameters using the "
    '"application/x-www-form-urlencoded" format per Appendix B with a character encoding of UTF-8 in the HTTP request '
    "entity-body",
    error="invalid_request",
    when=_form,
)
def content_type_form(case: Case) -> str:
    """The content type is that of a form in UTF-8."""
    value = case.headers.get("content-type", "")
    media, _, parameters = value.partition(";")
    if media.strip().lower() != "application/x-www-form-urlencoded":
        return f"The content type is {value or 'missing'}, not application/x-www-form-urlencoded."
    charset = parameters.replace(" ", "").lower()
    return "" if charset in {"", "charset=utf-8", 'charset="utf-8"'} else "The form is not in UTF-8."


@rule(
    "RFC 6749 appendix B",
    "names and values MUST be encoded using the UTF-8 character encoding scheme [RFC3629] first",
    error="invalid_request",
    when=_form,
)
def body_is_form(case: Case) -> str:
    """The body can be read as a form to its last byte."""
    return complaint(lambda: case.pairs)


@rule(
    "RFC 6749 section 3.2",
    "Request and response parameters MUST NOT be included more than once.",
    error="invalid_request",
    when=_form,
)
def parameters_once(case: Case) -> str:
    """No parameter comes twice, but those that may."""
    counts = Counter(name for name, _ in case.pairs if name not in _REPEATABLE)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    return f"Sent more than once: {', '.join(repeated)}." if repeated else ""


@rule(
    "RFC 6749 section 5.2",
    "The request is missing a required parameter",
    error="invalid_request",
    when=_token,
)
def grant_type_present(case: Case) -> str:
    """There is a grant type."""
    return "" if "grant_type" in case.form else "There is no grant_type."


@rule(
    "RFC 6749 section 5.2",
    "The authorization grant type is not supported by the authorization server.",
    error="unsupported_grant_type",
    when=_token,
)
def grant_type_supported(case: Case) -> str:
    """The grant type is one that is judged here."""
    if "grant_type" not in case.form:
        raise Unjudged("There is no grant_type.")
    given = case.form["grant_type"]
    return "" if given in GRANTS else f"The grant_type {given} is not supported; {', '.join(GRANTS)} are."


@rule(
    "RFC 7523 section 2.1",
    'The value of the "assertion" parameter MUST contain a single JWT.',
    error="invalid_request",
    when=lambda case: case.grants(JWT_BEARER, SAML_BEARER, ""),
)
def assertion_one(case: Case) -> str:
    """There is an assertion; `parameters_once` sees to it that there is no second one."""
    return "" if "assertion" in case.form else "There is no assertion."
