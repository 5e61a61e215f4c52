"""Maskinporten, the Norwegian public sector's authorization server for machines.

Source: https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant (header, claims, 120 seconds, 10 seconds),
https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_token (aud is the issuer, alone) and
https://docs.digdir.no/docs/Maskinporten/maskinporten_feilsoking (every MP code).
"""

from __future__ import annotations

from ..errors import ConfigError, InvalidScope, UnauthorizedClient
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    claims = settings.claims or {}
    if isinstance(claims.get("resource"), str):
        raise ConfigError(
            "Maskinporten takes the claim resource as an array alone.", code="bad_argument",
            hint="Pass resource='https://api.example/', or claims={'resource': ['...']}.",
        )  # fmt: skip
    if "consumer_org" in claims and "iss_onbehalfof" in claims:
        raise ConfigError(
            "Maskinporten takes one of consumer_org and iss_onbehalfof.", code="bad_argument",
            hint="A supplier names the legal consumer by consumer_org; leave the other out.",
        )  # fmt: skip
    signer = settings.signer
    if signer is None or signer.key_id is not None or "x5c" in (settings.headers or {}):
        return provider, settings
    failure = None
    try:
        signer.certificate_field("x5c")
    except ConfigError:
        failure = ConfigError(
            "Maskinporten wants the id of a registered key (kid), or a business certificate (x5c).", code="no_key_id",
            hint="Pass key_id= as it stands beside the key of the client in the self-service, or certificate=, or a PEM or "
            "PFX that holds key and certificate.",
        )  # fmt: skip
    if failure is not None:
        raise failure
    return provider._replace(headers={"x5c": True}), settings


MASKINPORTEN = Provider(
    name="maskinporten",
    page=Page(
        title="Maskinporten",
        console="The self-service of Samarbeidsportalen, in the environment meant: an integration for Maskinporten with its "
        "scopes; its client id, and a registered public key with its kid (for a year), or a business certificate.",
        file="PEM or JWK of a registered RSA key, or PFX with the business certificate and its chain.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="maskinporten", issuer="my-client-id", key_id="k1", scope="difitest:test2",
    resource="https://api.example/",
)
in_test = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", provider="maskinporten", issuer="my-client-id", scope="difitest:test2",
    server="https://test.maskinporten.no/", claims={"consumer_org": "910753614"},
)""",
        limits="RS256, RS384 or RS512; kid, or where there is none the certificate with its chain; at most 120 s from iat to "
        "exp, iat within 10 s of the server's clock; every assertion once. resource= becomes an array in the assertion. "
        "Claims: consumer_org (the organisation acted for), pid (the person), iss_onbehalfof, authorization_details.",
        proven="documentation only",
        sources=(
            "https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant",
            "https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_token",
            "https://docs.digdir.no/docs/Maskinporten/maskinporten_feilsoking",
        ),
    ),
    token_endpoint="{server}/token",  # noqa: S106 - an address
    server="https://maskinporten.no/",
    hosts=("maskinporten.no", "*.maskinporten.no"),
    audience="{server}/",
    subject="none",
    subject_hint="The organisation acted for is claims={'consumer_org': ...}, the person claims={'pid': ...}.",
    algorithms=("RS256", "RS384", "RS512"),
    lifetime=120,
    longest=120,
    # Maskinporten refuses an iat that is ten seconds off, to either side.
    backdate=0,
    scope_form=False,
    scope_needed=True,
    scope_hint="It is a scope of the API's owner, with the prefix: scope='difitest:test2'.",
    resource_claim=True,
    known=(
        Known(
            r"MP-012\b|Grant is used before", "Maskinporten takes an assertion once, and has seen this one before: look for "
            "something on the way, a proxy or gateway, that sends requests twice.", again=True,
        ),
        Known(
            r"MP-130\b|JWT is expired|Issue time is after now", "By Maskinporten's clock the assertion is over, or not valid "
            "yet: set this machine's clock right, to within ten seconds.", again=True, cause="clock",
        ),
        Known(
            r"MP-110\b|Invalid JWT claim aud", "Maskinporten wants its issuer as aud and got {aud}: leave audience= out; the issuer "
            "is https://maskinporten.no/, and server='https://test.maskinporten.no/' that of the test environment.",
        ),
        Known(
            r"MP-121\b|Expired key", "The key {kid} of the client {iss} was registered more than a year ago: register it again, "
            "or another one.", cause="unknown_key",
        ),
        Known(
            r"MP-120\b|signed with an invalid certificate", "The business certificate is not valid in this environment: "
            "production takes no test certificate, and test none of production.",
        ),
        Known(
            r"MP-122\b|Does not match certificate orgno", "The business certificate is of another organisation than the client "
            "{iss}: use a certificate of the client's organisation.",
        ),
        Known(r"MP-123\b|Invalid JWT header x5c", "x5c has to be an array of texts: leave x5c out of headers=."),
        Known(
            r"MP-124\b|Invalid JWT signature", "The signature is not that of the key {kid} that is registered for the client {iss}: "
            "register this key's public half, or sign with one that is registered; a business certificate has to be valid, and of "
            "this environment.",
        ),
        Known(
            r"MP-200\b|MP-201\b|contains (invalid )?scopes", "The scope {scope} is not registered on the client {iss}, is "
            "misspelt, or is not for Maskinporten: add it to the integration in the self-service.", error=InvalidScope,
        ),
        Known(
            r"MP-250\b|has not been granted access to the scope", "The consumer has no access to {scope}: the API's owner "
            "grants it to the organisation.", error=InvalidScope,
        ),
        Known(
            r"MP-251\b|has not delegated access to the scope", "The organisation in consumer_org has not delegated {scope} to "
            "the supplier: it does so in Altinn, in this environment.", error=UnauthorizedClient,
        ),
        Known(
            r"combination consumer_org in claim", "consumer_org is the client's own organisation: leave it out of claims=.",
        ),
        Known(
            r"MP-30[123]\b", "authorization_details in claims= has a type, field or value that Maskinporten does not take: its "
            "metadata name the types.",
        ),
        Known(
            r"MP-100\b|Client not found", "There is no client {iss} in this environment: check issuer=, and that server= names "
            "the environment that it was made in.", cause="account",
        ),
        Known(r"MP-011\b", "Maskinporten could not read a claim: check claims= for line ends and misspelt names."),
    ),
    prepare=_prepare,
)  # fmt: skip
