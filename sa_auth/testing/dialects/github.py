"""GitHub's endpoint for the tokens of an app's installation.

Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
(claims); https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app (request, answer, 201). Its words
about the claims stand in https://docs.github.com/apps/.../troubleshooting and in issues of octokit/auth-app.js. An installation
whose id ends in 404 is none of the app's here.
"""

from __future__ import annotations

import time
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_JWT = (
    "https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/"
    "generating-a-json-web-token-jwt-for-a-github-app"
)
_REST = "https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app"
_ASKED = {"repositories": list, "repository_ids": list, "permissions": dict}


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


@rule(_JWT, "Your JWT must be signed using the RS256 algorithm", error="invalid_grant", when=_asked)
def github_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_JWT, "The time must be no more than 10 minutes into the future.", error="invalid_grant", when=_asked)
def github_ten_minutes(case: Case) -> str:
    """The end lies ten minutes ahead at most, of GitHub's clock and of iat."""
    issued, ends = case.grant_claims.get("iat"), case.grant_claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "There is no iat or no exp."
    return "" if ends <= case.now + 600 and ends - issued <= 600 else f"It ends in {ends - case.now:.0f} s."


@rule(_JWT, "iat: The time that the JWT was created", error="invalid_grant", when=_asked)
def github_issued(case: Case) -> str:
    """The issue does not lie ahead."""
    issued = case.grant_claims.get("iat")
    return "" if isinstance(issued, int) and issued <= case.now else "The iat is no whole number, or lies ahead."


@rule(_REST, "installation_id: required", error="invalid_grant", when=_asked)
def github_installation(case: Case) -> str:
    """The installation is one of the app's."""
    return "There is no such installation." if case.path.split("/")[-2].endswith("404") else ""


@rule(_REST, "repositories, repository_ids, permissions", error="invalid_request", when=_asked)
def github_body(case: Case) -> str:
    """The body has nothing but what may be asked for."""
    fields = case.json if case.body else {}
    wrong = [name for name, value in fields.items() if not isinstance(value, _ASKED.get(name, ()))]
    return f"Not known or of the wrong type: {', '.join(wrong)}." if wrong else ""


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    asked = case.json if case.body else {}
    return {
        "token": token,
        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(case.now + lifetime)),
        "permissions": asked.get("permissions") or {"contents": "write", "metadata": "read"},
        "repository_selection": "selected" if asked.get("repositories") or asked.get("repository_ids") else "all",
    }


def _no(message: str, status: int = 401) -> Refusal:
    return Refusal(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


_FAR = _no("'Expiration time' claim ('exp') is too far in the future")
_AHEAD = _no("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")

GITHUB = Dialect(
    name="github",
    source=(_JWT, _REST),
    path=r"(/api/v3)?/app/installations/[0-9]+/access_tokens",
    rest=True,
    without=frozenset({"aud_present", "aud_names_server"}),
    rules=(github_rs256, github_ten_minutes, github_issued, github_installation, github_body),
    refusals={
        "iss_registered": _no("Integration not found", 404),
        "exp_ahead": _no("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                         "assertion expires"),
        "exp_near": _FAR,
        "github_ten_minutes": _FAR,
        "iat_not_ahead": _AHEAD,
        "github_issued": _AHEAD,
        "github_installation": _no("Not Found", 404),
        "github_body": _no("Invalid request.", 422),
        "": _no("A JSON web token could not be decoded"),
    },
    answer=_answer,
    status=201,
)  # fmt: skip
