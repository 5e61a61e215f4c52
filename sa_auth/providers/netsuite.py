"""NetSuite: the client credentials flow (machine to machine) with a certificate's key.

Source: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html (header, claims, algorithms,
less than 60 minutes) and https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html (endpoint,
form, answer).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider

_TRAIL = "Setup, Users/Roles, View Login Audit Trail has the cause in its column Detail."


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    server = settings.metadata.issuer if settings.metadata is not None else None
    if server is not None and (urlsplit(server).path not in {"", "/"} or "_" in urlsplit(server).netloc):
        raise ConfigError(
            f"{server} is no NetSuite account's address.", code="bad_server",
            hint="Pass server='https://1234567.suitetalk.api.netsuite.com'; a sandbox 1234567_SB1 is written 1234567-sb1.",
        )  # fmt: skip
    return provider, settings


NETSUITE = Provider(
    name="netsuite",
    page=Page(
        title="NetSuite",
        console="Setup, Integration, Manage Integrations: the integration record, with Client Credentials (Machine to Machine) "
        "Grant and its scopes on, gives the client id. Setup, Integration, Manage Authentication, OAuth 2.0 Client "
        "Credentials (M2M) Setup: a mapping of entity, role, application and certificate gives the certificate id. A sandbox "
        "needs its own, and loses them when it is refreshed.",
        file="PEM of the certificate's key: RSA or EC.",
        upload="certificate",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "ec.pem", provider="netsuite", issuer="my-client-id", key_id="my-certificate-id", scope="rest_webservices restlets",
    server="https://1234567.suitetalk.api.netsuite.com",
)""",
        limits="server= is the account's address; key_id= is the certificate id. PS256 to PS512 or ES256 to ES512, no RS256; less "
        "than 60 minutes from iat to exp. scope= (restlets, rest_webservices, suite_analytics) goes into the "
        "assertion, separated by commas. No subject: the mapping says who is acted for.",
        proven="documentation only",
        sources=(
            "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html",
            "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html",
            "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162686838198.html",
        ),
        unknown="Which error stands for which cause in this flow is not documented; the login audit trail has it.",
    ),
    token_endpoint="{server}/services/rest/auth/oauth2/v1/token",  # noqa: S106 - an address
    hosts=("*.suitetalk.api.netsuite.com",),
    grant="client_credentials",
    audience="{endpoint}",
    subject="none",
    subject_hint="The mapping of the certificate in the console says which entity and role is acted for.",
    typ="JWT",
    algorithms=("PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    rsa_bits=3072,  # 3072 or 4096, as integrators' guides quote the vendor's help
    key_id=True,
    longest=3599,
    scope_of_client=True,
    scope_claim="never",
    scope_needed=True,
    scope_hint="One or more of scope='rest_webservices restlets'.",
    scope_separator=",",
    known=(
        Known(
            r"invalid_scope|ScopeMismatched", "The integration record of {client_id} does not have {scope} on: Setup, "
            f"Integration, Manage Integrations, Scope. {_TRAIL}",
        ),
        Known(
            r"invalid_client|unauthorized_client", "NetSuite does not know the client {client_id}, or its integration record has "
            f"Client Credentials (Machine to Machine) Grant off. {_TRAIL}",
        ),
        Known(
            r"invalid_grant|invalid_request", "NetSuite did not take the assertion. Usual causes: the certificate {kid} was "
            "revoked, is over, or is mapped in another account than {aud} (a sandbox has its own); the entity or role of the "
            f"mapping is inactive; this machine's clock is off. {_TRAIL}",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
