"""HelseID, the Norwegian health sector's authorization server.

Source: https://utviklerportal.nhn.no/informasjonstjenester/helseid (security profile, client assertions, DPoP proofs);
HelseID.Library (NorskHelsenett): ClientAssertionPayloadClaimsCreator, PayloadClaimParameters and the client-credentials
flow, for claims, typ, times, form fields, and a proof with every request.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    claims = settings.claims or {}
    if "authorization_details" in claims:
        raise ConfigError(
            "HelseID reads a client's details from assertion_details, where it proves itself by an assertion.",
            code="bad_argument", hint="Rename authorization_details in claims= to assertion_details.",
        )  # fmt: skip
    details = claims.get("assertion_details")
    if details is not None and not isinstance(details, dict | list):
        raise ConfigError(
            "assertion_details is neither an object nor a list of them.", code="bad_argument",
            hint="Give the structure itself, as dict or list, and no text of JSON.",
        )  # fmt: skip
    return provider, settings


HELSEID = Provider(
    name="helseid",
    page=Page(
        title="HelseID",
        console="HelseID Selvbetjening, in the environment meant: the client with its scopes, its client id, and the public "
        "key as JWK.",
        file="JWK, as the self-service makes it, or PEM; RSA or EC.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "ec.pem", provider="helseid", issuer="my-client-id", key_id="k1", scope="nhn:example-api/read", dpop=True
)
in_test = ServiceAccountCredentials.from_file(
    "robot.pem", provider="helseid", issuer="my-client-id", key_id="k1", scope="nhn:example-api/read", dpop=True,
    server="https://helseid-sts.test.nhn.no",
    claims={"assertion_details": {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": {
        "system": "urn:oid:2.16.578.1.12.4.1.4.101", "type": "ENH", "value": "999977775"}}}}},
)""",
        limits="typ is client-authentication+jwt, aud the issuer. Asymmetric algorithms; kid as registered; at most 60 s ahead, "
        "HelseID's own library takes 10. The security profile wants tokens bound by DPoP: dpop=True. Organisation numbers and "
        "other details: claims={'assertion_details': ...}.",
        proven="documentation and the source of the vendor's library (HelseID.Library, .NET)",
        sources=(
            ("https://utviklerportal.nhn.no/informasjonstjenester/helseid/bruksmoenstre-og-eksempelkode/bruk-av-helseid/docs/"
            "tekniske-mekanismer/bruk_av_client_assertion_enmd"),
            ("https://utviklerportal.nhn.no/informasjonstjenester/helseid/protokoller-og-sikkerhetsprofil/sikkerhetsprofil/docs/"
            "vedlegg/formatering_av_dpop_bevis_enmd"),
            "HelseID.Library: ClientAssertionPayloadClaimsCreator, PayloadClaimParameters, HelseIdMachineToMachineFlow",
        ),
        unknown="HelseID refuses a client by invalid_client alone, without a word of what is wrong; whether a request without "
        "a proof is still answered depends on the client. HelseID's list of algorithms was not to be had: PS256, RS256 and "
        "RS512 stand in its own examples and clients, the others are of the same families.",
    ),
    server="https://helseid-sts.nhn.no",
    hosts=("helseid-sts.nhn.no", "helseid-sts.test.nhn.no"),
    grant="client_credentials",
    with_client_id=True,
    typ="client-authentication+jwt",
    algorithms=("PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512"),
    key_id=True,
    lifetime=30,
    longest=60,
    claims={"nbf": True},
    scope_claim="never",
    known=(
        Known(
            r"dpop_proof", "HelseID did not take the DPoP proof, or got none: pass dpop=True, and set this machine's clock right.",
        ),
        Known(
            r"invalid_client", "HelseID does not say why. Usual causes: the client {iss} is of another environment than {aud}; "
            "the key {kid} is not registered for it, or is over; this machine's clock is off; assertion_details in claims= are "
            "not those that the client is set up for.",
        ),
        Known(
            r"invalid_scope", "The client {client_id} may not ask for {scope}: see its scopes in the self-service, and that they "
            "are of this environment.",
        ),
        Known(
            r"unauthorized_client", "The client {client_id} is not set up for client_credentials (machine to machine).",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
