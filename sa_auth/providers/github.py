"""GitHub Apps: a token of an installation, for the app's key, at github.com or a GitHub Enterprise Server.

Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
(claims, RS256, 60 s back, ten minutes); https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
(request and answer); PyGithub's `Auth.AppAuth` and `GithubIntegration` for what is sent.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from ..errors import ConfigError, InvalidGrant, InvalidScope
from ..grants.rest_exchange import RestExchange
from ..settings import Settings
from ..token import AnswerNames
from .base import Known, Page, Provider

_DOCS = "https://docs.github.com"


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.scope:
        raise ConfigError(
            "A token of a GitHub App has no scope.", code="bad_argument",
            hint="Leave scope= out. Less than the installation's rights is asked for by grant=grants.RestExchange("
            "body={'permissions': {'contents': 'read'}, 'repositories': ['one']}).",
        )  # fmt: skip
    if settings.subject is not None and not re.fullmatch(r"[0-9]+", settings.subject):
        raise ConfigError(
            "The subject is not the id of an installation, which is a number.", code="bad_subject",
            hint="It ends the address of the installation's settings: .../settings/installations/12345. The organisation's "
            "name, or the app's id, is another thing.",
        )  # fmt: skip
    return provider, settings


GITHUB = Provider(
    name="github",
    page=Page(
        title="GitHub Apps",
        console="Settings, Developer settings, GitHub Apps, the app: its client id (or app id) is the issuer; under Private "
        "keys, Generate a private key. Under Install App, the installation: its id ends the address of the page.",
        file="A key as PEM, as it was downloaded.",
        example="""from sa_auth import ServiceAccountCredentials, grants

creds = ServiceAccountCredentials("robot.pem", provider="github", issuer="Iv23liCLIENTID", subject="12345")
of_an_own_server = ServiceAccountCredentials(
    "robot.pem", provider="github", issuer="42", subject="7", server="https://github.acme.example/api/v3"
)
with_less = ServiceAccountCredentials(
    "robot.pem", provider="github", issuer="Iv23liCLIENTID", subject="12345",
    grant=grants.RestExchange(body={"repositories": ["one"], "permissions": {"contents": "read"}}),
)""",
        limits="RS256 alone; at most 600 s from iat to exp, by GitHub's clock. `subject=` is the installation's id, a number, "
        "as text (`\"12345\"`). An own server is `server=\"https://HOST/api/v3\"`. No scope: `repositories`, `repository_ids` and `permissions` go into the grant's body. A token lives for an hour.",
        proven="vendor's SDK (PyGithub 2.10.0, githubkit 0.16.1)",
        sources=(
            f"{_DOCS}/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app",
            "https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app",
            "https://docs.github.com/enterprise-server/rest (address of an own server)",
            "PyGithub: github.Auth, github.GithubIntegration",
        ),
        unknown="What GitHub says where the key is another's: `A JSON web token could not be decoded` is what users report.",
    ),
    token_endpoint="{server}/app/installations/{subject}/access_tokens",  # noqa: S106 - an address
    server="https://api.github.com",
    hosts=("api.github.com", "*.ghe.com"),
    grant=RestExchange(token="token", expires_at="expires_at"),  # noqa: S106 - a name
    audience="",
    subject="address",
    subject_hint="It is the id of the app's installation, a number, as text: subject='12345'.",
    issuer_hint="the app's client id, or its app id",
    algorithms=("RS256",),
    # Halfway, so that a clock that is off by minutes to either side is forgiven.
    lifetime=300,
    longest=600,
    backdate=60,
    reusable=True,  # it is a bearer there, for as many calls as are made within its life
    scope_claim="never",
    scope_form=False,
    # Here too: the body of a grant of the caller's own says what is asked for, and not where the answer stands.
    names=AnswerNames(token="token", expires_at="expires_at"),  # noqa: S106 - a name
    request_headers=MappingProxyType({"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}),
    known=(
        Known(
            r"\('exp'\)", "GitHub wants exp at most ten minutes ahead and not over, by its own clock: set this machine's clock "
            "right, or leave lifetime= out.", error=InvalidGrant,
        ),
        Known(
            r"\('iat'\)", "GitHub wants iat as a whole number that lies in the past by its own clock: set this machine's clock "
            "right.", error=InvalidGrant,
        ),
        Known(
            r"could not be decoded", "The key is none of the app {iss}: look under Private keys of the app, and generate a new "
            "one if it was deleted. The key of another app, or of another GitHub server, is refused alike.", error=InvalidGrant, cause="unknown_key",
        ),
        Known(
            r"Integration not found|'issuer' claim", "There is no app {iss} at this server: pass issuer=, the app's client id or "
            "app id; an app of an own server is asked there: server='https://HOST/api/v3'.", error=InvalidGrant, cause="account",
        ),
        Known(
            r"suspended", "The installation is suspended: its owner unsuspends it under Settings, Installed GitHub Apps.",
            error=InvalidGrant,
        ),
        Known(
            r"not granted to this installation|not accessible to (?:this|the parent) installation|does not have access",
            "The grant's body asks for more than the installation has: fewer `permissions`, other `repositories`, or the owner "
            "accepts the app's new permissions.", error=InvalidScope,
        ),
        Known(
            r"answered 404 \(Not Found\)", "The app {iss} has no such installation: subject= is the installation's id, and one "
            "that was removed and made again has another. Or it is an own server, and server= does not end in /api/v3.", error=InvalidGrant, cause="account",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
