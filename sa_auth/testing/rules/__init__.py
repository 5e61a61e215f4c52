"""The rules that the authority judges by, in the order in which the first broken one names the error.

Rule: each rule is one small function with its RFC section and sentence. All that have a say in a request are evaluated,
since a list of everything that is wrong mends a client sooner than the first thing that is.

Source: RFC 7521 sections 4.1 and 5.2, RFC 7523 sections 2.1 and 3, RFC 6749 sections 2.3, 3.2 and 5.2.
"""

from __future__ import annotations

from sa_auth.testing.record import Verdict

from . import (
    api,
    claims,
    client,
    code,
    dpop,
    exchange,
    jose,
    mtls,
    refresh,
    request,
    resource,
    rest,
    revocation,
    saml,
    scope,
)  # fmt: skip
from .case import Case
from .reading import Unjudged
from .rule import Rule, Statement
from .settings import Settings
from .signed import Signed

__all__ = ["RULES", "Case", "Rule", "Settings", "Unjudged", "judge"]

_READABLE = (jose.jws_compact, jose.header_is_json, jose.claims_are_json, jose.alg_asymmetric, jose.crit_understood,
             jose.typ_is_jwt)  # fmt: skip
_SIGNED = (claims.iss_present, claims.iss_registered, jose.kid_known, jose.alg_fits_key, jose.signature_valid)
_TIMELY = (claims.exp_present, claims.exp_ahead, claims.exp_near, claims.dates_whole, claims.nbf_passed,
           claims.iat_not_ahead, claims.iat_recent, claims.jti_present, claims.jti_fresh)  # fmt: skip
_GRANT: tuple[Statement[Signed], ...] = (
    *_READABLE, *_SIGNED, claims.sub_present, claims.sub_allowed, claims.aud_present, claims.aud_names_server, *_TIMELY,
)  # fmt: skip
_CLIENT: tuple[Statement[Signed], ...] = (
    *_READABLE, *_SIGNED, claims.sub_present, claims.sub_is_client, claims.aud_present, claims.aud_alone,
    claims.aud_names_server, *_TIMELY,
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    request.method_post,
    request.nothing_in_uri,
    request.content_type_form,
    request.body_is_form,
    request.parameters_once,
    rest.rest_post,
    rest.rest_json,
    rest.rest_jwt_one,
    client.client_method_one,
    request.grant_type_present,
    client.authorization_readable,
    client.client_assertion_typed,
    client.client_assertion_type_known,
    *(each.of_client(lambda case: case.client_jwt, lambda case: case.client_is_jwt) for each in _CLIENT),
    *(each.of_client(lambda case: case.client_saml, lambda case: case.client_is_saml) for each in saml.STATEMENTS),
    mtls.client_certificate_same,
    client.client_authenticated,
    client.client_id_same,
    request.grant_type_supported,
    client.client_confidential,
    client.grant_type_allowed,
    request.assertion_one,
    *(each.of_grant(lambda case: case.grant_jwt, lambda case: case.grant_is_jwt) for each in _GRANT),
    *(each.of_grant(lambda case: case.grant_saml, lambda case: case.grant_is_saml) for each in saml.STATEMENTS),
    exchange.subject_token_present,
    exchange.subject_token_type_known,
    exchange.subject_token_live,
    exchange.actor_token_typed,
    exchange.actor_token_valid,
    exchange.requested_token_type_known,
    code.code_present,
    code.code_known,
    code.code_alive,
    code.code_client,
    code.code_redirect_uri,
    code.verifier_present,
    code.verifier_well_formed,
    code.verifier_matches,
    code.verifier_expected,
    refresh.refresh_token_present,
    refresh.refresh_token_known,
    refresh.refresh_token_client,
    refresh.refresh_scope,
    revocation.token_present,
    revocation.token_client,
    scope.scope_well_formed,
    scope.scope_allowed,
    resource.resource_absolute,
    resource.resource_without_fragment,
    resource.resource_known,
    api.token_live,
    api.token_not_downgraded,
    api.certificate_bound,
    api.dpop_present,
    dpop.dpop_demanded,
    dpop.dpop_one,
    dpop.dpop_well_formed,
    dpop.dpop_typ,
    dpop.dpop_alg,
    dpop.dpop_jwk_public,
    dpop.dpop_jwk_usable,
    dpop.dpop_signature,
    dpop.dpop_claims_present,
    dpop.dpop_htm,
    dpop.dpop_htu_bare,
    dpop.dpop_htu,
    dpop.dpop_iat,
    dpop.dpop_ath,
    dpop.dpop_jti_fresh,
    api.dpop_key_bound,
    dpop.dpop_refresh_key,
    dpop.dpop_nonce,
    # The last ones use something up, and only where nothing else is wrong.
    code.code_once,
    refresh.refresh_token_once,
)


def judge(case: Case, more: tuple[Rule, ...] = (), without: frozenset[str] = frozenset()) -> tuple[Verdict, ...]:
    """Judges a request by every rule that has a say in it, in their order.

    Args:
        case: The request.
        more: A vendor's own rules, which come after the RFCs'.
        without: Names of those that do not count.
    """
    for rule in (*(rule for rule in RULES if rule.name not in without), *more):
        verdict = rule.verdict(case)
        if verdict is not None:
            case.so_far.append(verdict)
    return tuple(case.so_far)
