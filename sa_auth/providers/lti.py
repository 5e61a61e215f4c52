"""LTI Advantage: a tool asks a learning platform (Canvas, Moodle, Brightspace, Blackboard...) for a service token.

Source: https://www.imsglobal.org/spec/security/v1p1 section 4.1 (client credentials with a JWT, claims); PyLTI1p3's
`pylti1p3.service_connector` for what the common Python library sends.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.token_endpoint is None:
        raise ConfigError(
            "An LTI platform's token endpoint stands in the tool's registration, and is the audience.",
            code="no_token_endpoint", hint="Pass token_endpoint=, as the platform shows it beside the client id.",
        )  # fmt: skip
    # Sorted, as the common library asks: the same scopes are the same request, whatever their order.
    settings = settings._replace(scope=tuple(sorted(settings.scope)))
    if settings.audience is None:
        return provider, settings
    literal = settings.audience.replace("{", "{{").replace("}", "}}")
    return provider._replace(audience=literal), settings._replace(audience=None)


LTI = Provider(
    name="lti",
    page=Page(
        title="LTI Advantage",
        console="The platform's registration of the tool: the client id, the token endpoint (access token URL), and the public "
        "key or JWKS URL of the tool; in some (Brightspace) an audience beside it.",
        file="PEM or JWK of the tool's RSA key; kid as in the tool's JWKS.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="lti", issuer="my-client-id", key_id="k1", scope=[SCORE, MEMBERS],
    token_endpoint="https://canvas.example/login/oauth2/token",
)
with_audience = ServiceAccountCredentials.from_file(
    "robot.pem", provider="lti", issuer="my-client-id", key_id="k1", scope=SCORE,
    token_endpoint="https://auth.brightspace.example/core/connect/token", audience="https://api.brightspace.example/auth/token",
)""",
        limits="RS256; aud is the token endpoint, or audience= where the registration names one. The scopes are the services' "
        "URLs, sent sorted. iat lies 5 s back, exp 60 s ahead, as the common library has it; what a platform takes at most is "
        "its own affair.",
        proven="the common library (PyLTI1p3 2.0.0)",
        sources=(
            "https://www.imsglobal.org/spec/security/v1p1",
            "PyLTI1p3: pylti1p3.service_connector",
        ),
        unknown="Platforms differ in how they word a refusal and in how long an assertion may live; some want a kid always.",
    ),
    grant="client_credentials",
    audience="{endpoint}",
    typ="JWT",
    algorithms=("RS256",),
    lifetime=60,
    backdate=5,
    scope_claim="never",
    scope_needed=True,
    scope_hint="For example scope='https://purl.imsglobal.org/spec/lti-ags/scope/score'.",
    known=(
        Known(
            r"invalid_scope", "The tool may not ask for {scope}: turn these services on in the platform's registration of the "
            "tool, down to the letter.",
        ),
        Known(
            r"invalid_client|unauthorized_client", "The platform did not take the tool {client_id}. Usual causes: it is not "
            "registered or not active there; its JWKS does not hold the key {kid}; {aud} is not the audience of the "
            "registration (audience=, else the token endpoint); this machine's clock is off.",
        ),
        Known(
            r"invalid_(request|grant)", "The platform could not use the assertion of {client_id}. Usual causes: {aud} is not the "
            "audience of the registration (audience=, else the token endpoint); the key {kid} is not in the tool's JWKS; this "
            "machine's clock is off.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
