"""Snowflake, key-pair authentication for its REST APIs: the signed JWT is itself the token.

`issuer=` is the account identifier and `subject=` the user; both are written into the claims as Snowflake wants them.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating#using-key-pair-authentication (claims, the
header field, one hour, and how its sample shortens an account: at the first dot, with `.global` at the first hyphen);
https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting (error codes).
"""

from __future__ import annotations

import re

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.grant is not None and settings.grant != "self_signed":
        raise ConfigError(
            "Snowflake exchanges no key-pair JWT: it takes the JWT itself.", code="bad_argument",
            hint='Leave grant= out. For External OAuth ask your own server for the token, with provider="generic".',
        )  # fmt: skip
    given = {"scope": settings.scope, "audience": settings.audience}
    idle = [name for name, value in given.items() if value]
    if idle:
        raise ConfigError(
            f"Snowflake's JWT has no place for {idle[0]}=.", code="bad_argument",
            hint="Leave it out: the user's default role decides, or the field `role` of the API call.",
        )  # fmt: skip
    if settings.issuer is None or settings.subject is None:
        return provider, settings
    account = _account(settings.issuer)
    user = settings.subject.upper()
    if user.startswith(f"{account}."):
        raise ConfigError(
            "The subject holds the account too.", code="bad_subject",
            hint=f"Pass the user alone, and the account as issuer=: subject={user[len(account) + 1 :]!r}.",
        )  # fmt: skip
    # sub and iss alike begin with both; the key's fingerprint ends the iss.
    name = f"{account}.{user}"
    return provider, settings._replace(issuer=name, subject=name)


def _account(given: str) -> str:
    """The account as it stands in the claims."""
    if "/" in given or ":" in given:
        raise ConfigError(
            "The issuer is no Snowflake account identifier.", code="bad_issuer",
            hint="Pass the account alone: issuer='myorg-myaccount', or an account locator such as 'xy12345'. No address "
            "goes there, and the key's fingerprint is put in by itself.",
        )  # fmt: skip
    # The documentation's sample, to the letter; the connector of version 5 cuts at the dot in either case.
    account = given.partition("-" if ".global" in given.lower() else ".")[0].upper()
    if not re.fullmatch(r"[A-Z0-9_-]+", account):
        raise ConfigError(
            "The issuer is no Snowflake account identifier.", code="bad_issuer",
            hint="Pass issuer='myorg-myaccount', or an account locator such as 'xy12345'.",
        )  # fmt: skip
    return account


SNOWFLAKE = Provider(
    name="snowflake",
    page=Page(
        title="Snowflake",
        console="The account identifier: Snowsight, account menu, View account details (`MYORG-MYACCOUNT`, or the account "
        "locator). The user's LOGIN_NAME, and the public key, by SQL: `ALTER USER robot SET RSA_PUBLIC_KEY='...'`; "
        "`DESC USER robot` shows its fingerprint as RSA_PUBLIC_KEY_FP.",
        file="PEM (`rsa_key.p8`), with or without a password.",
        upload="pem",
        example="""import requests
from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="snowflake", issuer="myorg-myaccount", subject="robot",
    allowed_hosts="myorg-myaccount.snowflakecomputing.com",
)
with requests.Session() as session:
    session.auth = creds
    session.post("https://myorg-myaccount.snowflakecomputing.com/api/v2/statements", json={"statement": "select 1"})""",
        limits="RS256 alone; at most 3600 s from iat to exp. `issuer=` is the account identifier, `subject=` the user; the "
        "claims are in upper case, `iss` is `ACCOUNT.USER.SHA256:fingerprint` and `sub` is `ACCOUNT.USER`. The account is cut "
        "at its first dot (`xy12345.eu-central-1` is `XY12345`), or, with `.global` in it, at its first hyphen, as the "
        "documentation's sample has it. Every call carries `X-Snowflake-Authorization-Token-Type: KEYPAIR_JWT`. No scope and "
        "no audience. Snowflake's no comes from its API, in the response that you are handed (HTTP 401 "
        "with a code): what it means is said below.",
        proven="vendor's SDK (snowflake-connector-python 5.2.0: issuer, subject and header of its JWT)",
        sources=(
            "https://docs.snowflake.com/en/developer-guide/sql-api/authenticating",
            "https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting",
            "https://docs.snowflake.com/en/release-notes/bcr-bundles/2025_05/bcr-2055",
        ),
        unknown="How `.global` accounts are named: the documentation's sample cuts `demo-abc123.global` to `DEMO`, and so does "
        "version 3 of the connector; version 5 signs `DEMO-ABC123`. This follows the documentation. Whether more than 60 s may "
        "lie between iat and the first use at the SQL API as they may not at a driver's login (394302): its page gives "
        "the JWT one hour.",
    ),
    grant="self_signed",
    audience="",
    subject="required",
    issuer_hint="the account identifier, such as MYORG-MYACCOUNT",
    subject_hint="It is the user's LOGIN_NAME; issuer= is the account identifier.",
    issuer_suffix=".SHA256:{fingerprint}",
    algorithms=("RS256",),
    # The sample's own 59 minutes.
    lifetime=3540,
    longest=3600,
    scope_claim="never",
    scope_form=False,
    api_headers={"X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT"},
    known=(
        Known(
            r"394300|JWT_TOKEN_INVALID_USER", "Snowflake knows no user by the name in {sub}: subject= is the LOGIN_NAME, which "
            "may differ from the user's name; DESC USER shows it.", cause="account",
        ),
        Known(
            r"394302|JWT_TOKEN_INVALID_ISSUE_TIME", "By Snowflake's clock the JWT is older than it allows: set this machine's "
            "clock right.", cause="clock",
        ),
        Known(
            r"394304|FINGERPRINT_MISMATCH", "The user {sub} has another public key: compare the end of {iss} with "
            "RSA_PUBLIC_KEY_FP and RSA_PUBLIC_KEY_2_FP of DESC USER, and set this key's public half with ALTER USER.", cause="unknown_key",
        ),
        Known(r"394305|INVALID_ALGORITHM", "Snowflake takes RS256 alone, and got {alg}: leave algorithm= out.", cause="algorithm"),
        Known(
            r"394306|INVALID_SIGNATURE", "The signature is not that of the key in {iss}: something changed the JWT on its way.", cause="unknown_key",
        ),
        Known(
            r"394307|ACCOUNT_MISMATCH", "The account in {iss} is not that of the address: issuer= and the host of the call "
            "have to name the same account, both by its organisation or both by its locator.", cause="account",
        ),
        Known(
            r"390144|JWT token is invalid", "An administrator learns which of the reasons it is, by the id in the brackets: "
            "SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('id'). The commonest: this public key is not set for the user {sub}.", cause="unknown_key",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
