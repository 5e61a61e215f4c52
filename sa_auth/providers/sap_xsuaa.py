"""SAP BTP, the authorization and trust management service (XSUAA): a service key's certificate, or its secret.

Source: SAP Help, "Retrieve Credentials for Remote Applications" (service key) and "Binding Parameters" (`x509`);
https://sap.github.io/cloud-sdk/docs/java/features/connectivity/mtls; sap-xssec's `security_context_xsuaa`, which goes to
`{certurl}/oauth/token` with the certificate, and to `{url}/oauth/token` with Basic where there is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..client_auth import CLIENT_AUTH
from ..errors import ConfigError, InvalidClient, InvalidScope, KeyFileError
from ..settings import Settings
from .base import KeyFile, Known, Page, Provider, text_field

_NO_KEY = (
    "A certificate of your own stands there without its key: pass that key with certificate=, issuer= the clientid and "
    "server= the certurl."
)
_AGAIN = "Create a new service key, with credential-type x509, and pass it as it is."


def _own(info: Mapping[str, Any]) -> Mapping[str, Any]:
    # The service key of another service has its credentials for XSUAA in a part of their own.
    part = info.get("uaa")
    return part if isinstance(part, Mapping) else info


def _is_key(info: Mapping[str, Any]) -> bool:
    own = _own(info)
    return "clientid" in own and bool({"certurl", "uaadomain"} & own.keys())


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    own = _own(info)
    by_certificate = "certificate" in own or "key" in own or "clientsecret" not in own
    needed = ("clientid", "certurl", "certificate", "key") if by_certificate else ("clientid", "url", "clientsecret")
    for name in needed:
        text_field(own, name, _NO_KEY if name == "key" else _AGAIN)
    if not by_certificate:
        proof = CLIENT_AUTH.find("client_secret_basic")(own["clientid"], own["clientsecret"])
        return {"issuer": own["clientid"], "server": own["url"], "client_auth": proof}
    if "-----BEGIN" not in own["certificate"]:
        # It would be taken for a path, and a file from outside names none.
        raise KeyFileError("The service key's field 'certificate' is no PEM.", code="key_file_field", hint=_AGAIN)
    return {"issuer": own["clientid"], "key": own["key"], "certificate": own["certificate"], "server": own["certurl"]}


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.grant == "jwt_bearer":
        raise ConfigError(
            "XSUAA takes as a grant the token of a user, and none that this key signs.", code="bad_argument",
            hint="Pass grant=grants.JWTBearer(the user's token) for a token of that user; leave grant= out for the client's own.",
        )  # fmt: skip
    if settings.client_auth is not None:
        return provider, settings
    if settings.signer is None:
        raise ConfigError(
            "XSUAA wants a client that proves itself.", code="no_client_auth",
            hint="Open a service key, or pass a key with its certificate, or client_auth=ClientSecretBasic(clientid, "
            "clientsecret).",
        )  # fmt: skip
    where = settings.token_endpoint or (settings.metadata.issuer if settings.metadata is not None else "")
    host = urlsplit(where).hostname or ""
    if re.search(r"\.authentication\.(?!cert\.)", host):
        raise ConfigError(
            f"{host} asks for no certificate.", code="bad_server",
            hint="Pass the service key's certurl as server=, which has .authentication.cert. in its name, and not its url.",
        )  # fmt: skip
    return provider._replace(client_auth="tls_client_auth"), settings


SAP_XSUAA = Provider(
    name="sap_xsuaa",
    page=Page(
        title="SAP BTP (XSUAA)",
        console="SAP BTP cockpit, the instance of Authorization and Trust Management Service, or of a service that uses it: "
        'Create Service Key, with the parameters `{"credential-type": "x509", "x509": {"validity": 30, "validity-type": '
        '"DAYS"}}`, or under `"xsuaa"` where the service is another.',
        file="JSON with `clientid`, and `certurl`, `certificate` and `key`, or `url`, `uaadomain` and `clientsecret`; also where "
        "those stand in a part `uaa`.",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientSecretPost
from sa_auth.grants import JWTBearer

creds = ServiceAccountCredentials.from_file("service-key.json", provider="sap_xsuaa")
certificate_of_my_own = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", provider="sap_xsuaa", issuer="sb-orders!t1",
    server="https://acme.authentication.cert.eu10.hana.ondemand.com",
)
secret_in_the_form = ServiceAccountCredentials(
    provider="sap_xsuaa", client_auth=ClientSecretPost("sb-orders!t1", "my-secret"),
    server="https://acme.authentication.eu10.hana.ondemand.com",
)
for_a_user = ServiceAccountCredentials.from_file(
    "service-key.json", grant=JWTBearer(lambda: "the user's own token")
)""",
        limits="With a certificate the client proves itself in the TLS connection to `certurl`; with a secret by Basic at `url`, "
        "or in the form with ClientSecretPost. Certificates of a service key live for 7 days unless it says otherwise, 30 at "
        "most: a new key file in the same place is read when the next token is needed. No subject, no audience.",
        proven="vendor's SDK (sap-xssec 4.5.0: endpoint, Basic, the exchange of a user's token); mutual TLS with the local "
        "authority",
        sources=(
            "https://sap.github.io/cloud-sdk/docs/java/features/connectivity/mtls",
            "SAP Help: Retrieve Credentials for Remote Applications; Binding Parameters of SAP Authorization and Trust Management Service",
            "sap-xssec: sap.xssec.security_context_xsuaa",
        ),
        unknown="The words of its refusals: those here are the Cloud Foundry UAA's, which XSUAA was made of.",
    ),
    token_endpoint="{server}/oauth/token",  # noqa: S106 - an address
    hosts=("*.hana.ondemand.com", "*.platform.sapcloud.cn"),
    grant="client_credentials",
    audience="",
    subject="none",
    subject_hint="A client acts for itself. For a user: grant=grants.JWTBearer(the user's token).",
    known=(
        Known(
            r"Bad credentials|\bunauthorized\b", "XSUAA does not take the certificate or secret of {client_id}: the service "
            "key was deleted, its certificate ran out (7 days unless the key says otherwise), or the address is of another "
            "subaccount. Create a new service key.", error=InvalidClient,
        ),
        Known(
            r"invalid_scope|is invalid\. Please use a valid scope", "The client {client_id} was not granted {scope}: name it "
            "under authorities in xs-security.json, and update the service instance; or leave scope= out for all that it has.",
            error=InvalidScope,
        ),
    ),
    prepare=_prepare,
    key_file=KeyFile(_is_key, _read),
)  # fmt: skip
