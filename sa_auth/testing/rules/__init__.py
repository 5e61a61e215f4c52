"""The rules that the authority judges by, in the order in which the first broken one names the error.

Rule: each rule is one small function with its RFC section and sentence; all are evaluated for every request, since a
list of everything that is wrong mends a client sooner than the first thing that is.

Source: RFC 7521 sections 4.1 and 5.2, RFC 7523 sections 2.1 and 3, RFC 6749 sections 2.3, 3.2 and 5.2.
"""

from __future__ import annotations

from . import claims, client, jose, request, scope
from .case import Case, Settings, Unjudged
from .rule import Rule

__all__ = ["RULES", "Case", "Rule", "Settings", "Unjudged"]

RULES: tuple[Rule, ...] = (
    request.method_post,
    request.nothing_in_uri,
    request.content_type_form,
    request.body_is_form,
    request.parameters_once,
    client.client_method_one,
    request.grant_type_present,
    client.authorization_readable,
    client.client_authenticated,
    client.client_id_same,
    request.grant_type_supported,
    request.assertion_one,
    jose.jws_compact,
    jose.header_is_json,
    jose.claims_are_json,
    jose.alg_asymmetric,
    jose.crit_understood,
    jose.typ_is_jwt,
    claims.iss_present,
    claims.iss_registered,
    jose.kid_known,
    jose.alg_fits_key,
    jose.signature_valid,
    claims.sub_present,
    claims.sub_allowed,
    claims.aud_present,
    claims.aud_names_server,
    claims.exp_present,
    claims.exp_ahead,
    claims.exp_near,
    claims.dates_whole,
    claims.nbf_passed,
    claims.iat_not_ahead,
    claims.iat_recent,
    claims.jti_present,
    claims.jti_fresh,
    scope.scope_well_formed,
    scope.scope_allowed,
)
