"""The vendors' dialects that the authority plays, one per file, written from each vendor's pages.

Rule: nothing here is taken from a preset of the library, which is what these judge. A dialect is one file here and one
line.
"""

from __future__ import annotations

from sa_auth._registry import Registry

from .base import Dialect, Refusal

__all__ = ["DIALECTS", "Dialect", "Refusal"]

DIALECTS = Registry(
    "dialect",
    {
        "google": "sa_auth.testing.dialects.google:GOOGLE",
        "lti": "sa_auth.testing.dialects.lti:LTI",
        "netsuite": "sa_auth.testing.dialects.netsuite:NETSUITE",
        "google_impersonation": "sa_auth.testing.dialects.google_impersonation:GOOGLE_IMPERSONATION",
        "google_gdch": "sa_auth.testing.dialects.google_gdch:GOOGLE_GDCH",
        "google_workload_identity": "sa_auth.testing.dialects.google_workload_identity:GOOGLE_WORKLOAD_IDENTITY",
        "nhs_england": "sa_auth.testing.dialects.nhs_england:NHS_ENGLAND",
        "helseid": "sa_auth.testing.dialects.helseid:HELSEID",
        "maskinporten": "sa_auth.testing.dialects.maskinporten:MASKINPORTEN",
        "auth0": "sa_auth.testing.dialects.auth0:AUTH0",
        "keycloak": "sa_auth.testing.dialects.keycloak:KEYCLOAK",
        "adfs": "sa_auth.testing.dialects.adfs:ADFS",
        "entra": "sa_auth.testing.dialects.entra:ENTRA",
        "okta": "sa_auth.testing.dialects.okta:OKTA",
        "snowflake": "sa_auth.testing.dialects.snowflake:SNOWFLAKE",
        "anthropic": "sa_auth.testing.dialects.anthropic:ANTHROPIC",
        "openai": "sa_auth.testing.dialects.openai:OPENAI",
        "sap_xsuaa": "sa_auth.testing.dialects.sap_xsuaa:SAP_XSUAA",
        "app_store_connect": "sa_auth.testing.dialects.app_store_connect:APP_STORE_CONNECT",
        "github": "sa_auth.testing.dialects.github:GITHUB",
        "box": "sa_auth.testing.dialects.box:BOX",
        "coinbase_cdp": "sa_auth.testing.dialects.coinbase_cdp:COINBASE_CDP",
        "docusign": "sa_auth.testing.dialects.docusign:DOCUSIGN",
        "salesforce": "sa_auth.testing.dialects.salesforce:SALESFORCE",
        "smart": "sa_auth.testing.dialects.smart:SMART",
        "vault": "sa_auth.testing.dialects.vault:VAULT",
        "databricks": "sa_auth.testing.dialects.databricks:DATABRICKS",
        "yandex": "sa_auth.testing.dialects.yandex:YANDEX",
        "line_works": "sa_auth.testing.dialects.line_works:LINE_WORKS",
    },
)
