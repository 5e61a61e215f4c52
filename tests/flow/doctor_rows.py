"""Refused sign-ins, a row each: the vendors' documented refusals, played by the local authority.

Rule: where the dialect judges so by itself, the sign-in is really wrong in that way; where the vendor knows something that
no authority on this machine can (a revoked certificate, a missing consent), its words are planned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from sa_auth.testing import Authority, google_key_file, new_key
from tests.docs.vendors.box import config

PRIVATE, PUBLIC = new_key("rsa2048")
OTHER_PUBLIC = new_key("rsa2048", fresh=True)[1]
FAR = -7300.0  # seconds: further than the library mends by itself


@dataclass(frozen=True)
class Vendor:
    """A sign-in that works, and how the authority knows it.

    Attributes:
        issuer: Who signs in.
        options: Of the command line; "<url>" stands for where the authority listens.
        register: More of what the authority knows.
        write: Writes the key file; default a PEM.
        path: The key file's name.
    """

    issuer: str
    options: tuple[str, ...]
    register: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[Path, str], None] | None = None
    path: str = "key.pem"

    def know(self, authority: Authority, row: Row) -> None:
        """Makes the authority know the issuer, unless the row is about that."""
        if row.issuer is not None:
            authority.register(row.issuer, PUBLIC, **self.register)
        elif row.key:
            authority.register(
                self.issuer, OTHER_PUBLIC if row.key == "other" else PUBLIC, **{**self.register, **row.registered}
            )


@dataclass(frozen=True)
class Row:
    """A refusal.

    Attributes:
        vendor: Whose.
        name: Of the row.
        says: The vendor's words, which stand in the output.
        body: The answer that is planned; None: the dialect judges by itself.
        status: Of that answer.
        options: Of the command line, after the vendor's; an option that is there already is replaced.
        without: Options that are left out.
        key: "own": the authority knows the public half of the key; "other": it knows another one.
        issuer: Whom it knows in place of the issuer.
        registered: What it knows of the issuer otherwise.
        skew: Seconds that its clock is ahead.
    """

    vendor: str
    name: str
    says: str
    body: Mapping[str, Any] | None = None
    status: int = 400
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    key: str = "own"
    issuer: str | None = None
    registered: Mapping[str, Any] = field(default_factory=dict)
    skew: float = 0.0

    @property
    def id(self) -> str:
        """The name of its golden file."""
        return f"{self.vendor}-{self.name}"

    def arguments(self, url: str) -> list[str]:
        """The options of the command line."""
        pairs = _pairs(VENDORS[self.vendor].options)
        pairs.update(_pairs(self.options))
        left = {name: value for name, value in pairs.items() if name not in self.without}
        return [part.replace("<url>", url) for pair in left.items() for part in pair]


def _pairs(options: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(options[::2], options[1::2], strict=True))


def _google(path: Path, url: str) -> None:
    google_key_file(path, email=EMAIL, private_key_pem=PRIVATE, key_id="k1", token_uri=f"{url}/token")


def _box(path: Path, _url: str) -> None:
    path.write_text(json.dumps(config(PRIVATE)))
    path.chmod(0o600)


def certificate(*, starts: int = -1, ends: int = 3650, private: str = PRIVATE) -> str:
    """A certificate of the key, from and to so many days from now."""
    key: Any = load_pem_private_key(private.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now + timedelta(days=starts)).not_valid_after(now + timedelta(days=ends))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _certified(path: Path, _url: str) -> None:
    path.write_text(PRIVATE + certificate())
    path.chmod(0o600)


EMAIL = "robot@demo.iam.gserviceaccount.com"
APP = "11112222-bbbb-3333-cccc-4444dddd5555"
USER = "c0ffee00-1111-2222-3333-444455556666"
NOBODY = "c0ffee00-1111-2222-3333-444455550404"

VENDORS = {
    "google": Vendor(
        EMAIL, ("--token-endpoint", "<url>/token", "--scope", "https://www.googleapis.com/auth/drive"), {"key_id": "k1"},
        _google, "key.json",
    ),
    "entra": Vendor(
        APP, ("--provider", "entra", "--issuer", APP, "--server", "<url>/contoso.onmicrosoft.com/v2.0",
              "--scope", "https://graph.microsoft.com/.default"), {}, _certified,
    ),
    "salesforce": Vendor(
        "consumer-key", ("--provider", "salesforce", "--issuer", "consumer-key", "--subject", "ada@example.com",
                         "--server", "<url>"), {"subjects": "ada@example.com"},
    ),
    "github": Vendor("Iv1.app", ("--provider", "github", "--issuer", "Iv1.app", "--subject", "4711", "--server", "<url>")),
    "box": Vendor(
        "app1", ("--token-endpoint", "<url>/oauth2/token", "--subject", "enterprise:123"),
        {"client_id": "app1", "client_secret": "app1-secret", "subjects": "123"}, _box, "key.json",
    ),
    "docusign": Vendor(
        APP, ("--provider", "docusign", "--issuer", APP, "--subject", USER, "--scope", "signature", "--server", "<url>"),
        {"subjects": f"{USER} {NOBODY}"},
    ),
    "snowflake": Vendor("", ("--provider", "snowflake", "--issuer", "myorg-myaccount", "--subject", "robot")),
    "okta": Vendor(
        "0oaapp", ("--provider", "okta", "--issuer", "0oaapp", "--key-id", "k1", "--scope", "okta.users.read", "--server", "<url>"),
        {"key_id": "k1"},
    ),
    "maskinporten": Vendor(
        "robot", ("--provider", "maskinporten", "--issuer", "robot", "--key-id", "k1", "--scope", "demo:read",
                  "--server", "<url>/"), {"key_id": "k1", "scopes": "demo:read"},
    ),
    "nhs_england": Vendor(
        "api-key", ("--provider", "nhs_england", "--issuer", "api-key", "--key-id", "int-1", "--server", "<url>"),
        {"key_id": "int-1"},
    ),
    "smart": Vendor(
        "my-client", ("--provider", "smart", "--issuer", "my-client", "--key-id", "k1", "--scope", "system/Patient.rs",
                      "--token-endpoint", "<url>/token"), {"key_id": "k1"},
    ),
}  # fmt: skip


def _entra(code: int, words: str, error: str = "invalid_client", status: int = 401, **more: Any) -> Row:
    body = {"error": error, "error_description": f"AADSTS{code}: {words} Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333",
            "error_codes": [code]}  # fmt: skip
    return Row("entra", str(code), f"AADSTS{code}", body, status, **more)


def _mp(code: str, words: str, error: str = "invalid_grant", **more: Any) -> Row:
    return Row("maskinporten", code.lower(), code, {"error": error, "error_description": f"{code}: {words}"}, **more)


def _nhs(name: str, words: str, status: int = 400, **more: Any) -> Row:
    return Row("nhs_england", name, words, {"error": "invalid_request", "error_description": words}, status, **more)


_RECORD = "No matching federated identity record found for presented assertion"
ROWS = [
    Row("google", "invalid-jwt-signature", "Invalid JWT Signature.", key="other"),
    Row("google", "account-not-found", "Invalid grant: account not found", key=""),
    Row("google", "short-lived-token", "Token must be a short-lived token (60 minutes)", skew=FAR),
    Row("google", "failed-audience-check", "Failed audience check", options=("--audience", "https://example.com/token")),
    Row("google", "no-scope", "Invalid OAuth scope or ID token audience provided.", without=("--scope",)),
    Row("google", "bad-request", "Bad Request", {"error": "invalid_request", "error_description": "Bad Request"}),
    Row("google", "unauthorized-client", "unauthorized_client", {
        "error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this "
        "method, or client not authorized for any of the scopes requested.",
    }, 401, options=("--subject", "ada@example.com")),
    Row("google", "internal-failure", "internal_failure", {"error": "internal_failure"}),
    Row("google", "temporarily-unavailable", "temporarily_unavailable", {"error": "temporarily_unavailable"}, 503),
    Row("entra", "700027", "AADSTS700027", key="other"),
    Row("entra", "700024", "AADSTS700024", skew=-FAR),
    _entra(7000214, "Certificate has been revoked."),
    _entra(1000502, "The provided certificate is not within its specified validity window."),
    _entra(7000274, "The certificate provided is invalid."),
    _entra(7000277, "The certificate used for the client assertion has been revoked."),
    _entra(700213, f"{_RECORD} subject 'repo:octo-org/octo-repo:environment:Production'."),
    _entra(7002131, f"{_RECORD} issuer 'https://token.actions.githubusercontent.com/'."),
    _entra(50013, "Assertion failed signature validation.", "invalid_grant", 400),
    _entra(500133, "Assertion is not within its valid time range.", "invalid_grant", 400),
    Row("entra", "700016", "AADSTS700016", key=""),
    _entra(65001, "The user or administrator has not consented to use the application.", "invalid_grant", 400),
    _entra(500011, "The resource principal named https://graph.example.com was not found in the tenant.", "invalid_resource", 400),
    _entra(90002, "Tenant 'contoso.onmicrosoft.com' not found.", "invalid_request", 400),
    Row("salesforce", "not-approved", "user hasn't approved this consumer", options=("--subject", "bob@example.com")),
    Row("salesforce", "not-admin-approved", "user is not admin approved to access this app", {
        "error": "invalid_app_access", "error_description": "user is not admin approved to access this app",
    }),
    Row("salesforce", "audience", "Audience validation failed", options=("--audience", "https://test.salesforce.com")),
    Row("github", "exp-too-far", "'Expiration time' claim ('exp') is too far in the future", skew=FAR),
    Row("github", "iat", "'Issued at' claim ('iat') must be an Integer", {
        "message": "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    }, 401, skew=FAR),
    Row("github", "not-decoded", "A JSON web token could not be decoded", key="other"),
    Row("github", "integration-not-found", "Integration not found", key=""),
    Row("box", "exp", "Please check the 'exp' claim.", skew=FAR),
    Row("docusign", "consent-required", "consent_required", options=("--subject", "c0ffee00-9999-2222-3333-444455556666")),
    Row("docusign", "no-valid-keys-or-signatures", "no_valid_keys_or_signatures", key="other"),
    Row("docusign", "issuer-not-found", "issuer_not_found", key=""),
    Row("docusign", "user-not-found", "user_not_found", options=("--subject", NOBODY)),
    Row("okta", "already-used", "client_assertion token has already been used", {
        "error": "invalid_client", "error_description": "The client_assertion token has already been used.",
    }, 401),
    Row("okta", "dpop-demanded", "The DPoP proof JWT header is missing.", registered={"dpop_bound": True}),
    _mp("MP-012", "Grant is used before"),
    Row("maskinporten", "mp-110", "MP-110", options=("--audience", "https://example.com/")),
    _mp("MP-121", "Expired key"),
    _mp("MP-123", "Invalid JWT header x5c"),
    Row("maskinporten", "mp-124", "MP-124", key="other"),
    Row("maskinporten", "mp-130", "MP-130", skew=-FAR),
    Row("maskinporten", "mp-200", "MP-200", options=("--scope", "demo:write")),
    _mp("MP-250", "Consumer has not been granted access to the scope demo:read", "invalid_scope"),
    _mp("MP-251", "Consumer has not delegated access to the scope demo:read to supplier", "invalid_scope"),
    _nhs("jti", "Non-unique 'jti' claim in client_assertion JWT"),
    Row("nhs_england", "typ", "must be 'JWT'", options=("--header", "typ=client-authentication+jwt")),
    Row("nhs_england", "kid", "no matching public key", options=("--key-id", "int-2")),
    # Refused before anything is sent.
    Row("nhs_england", "alg", "RS512", options=("--algorithm", "RS256")),
    _nhs("aud", "Missing or invalid 'aud' claim in client_assertion JWT", 401),
    Row("smart", "epic-invalid-client", "invalid_client", key="other"),
]  # fmt: skip

# Documented refusals that no sign-in here can show, and why.
NOT_PLAYED = {
    "Snowflake 390144": "an API says it of a token that is signed here; there is no exchange that could be refused. "
    "`snowflake-signed-here` shows what is told instead",
    "use_dpop_nonce": "the library answers it by itself, with another proof; the command line asks for no DPoP",
    "APNs 429 TooManyProviderTokenUpdates, 403 ExpiredProviderToken": "an API says it of a token that is signed here, and there "
    "is no such provider",
    "AWS IDPCommunicationError": "an STS of AWS is asked for no token by this library",
}
