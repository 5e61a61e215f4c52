"""Vendors as data, one per file, looked up by name."""

from __future__ import annotations

from .._registry import Registry
from .base import KeyFile, Page, Provider

__all__ = ["PROVIDERS", "KeyFile", "Page", "Provider"]

# A provider is one file here and one line.
PROVIDERS = Registry(
    "provider",
    {
        # In the order in which a key file is looked at: the commonest first, our own, which takes most, last.
        "google": "sa_auth.providers.google:GOOGLE",
        "google_impersonation": "sa_auth.providers.google_impersonation:GOOGLE_IMPERSONATION",
        "google_gdch": "sa_auth.providers.google_gdch:GOOGLE_GDCH",
        "google_workload_identity": "sa_auth.providers.google_workload_identity:GOOGLE_WORKLOAD_IDENTITY",
        "adfs": "sa_auth.providers.adfs:ADFS",
        "entra": "sa_auth.providers.entra:ENTRA",
        "okta": "sa_auth.providers.okta:OKTA",
        "yandex": "sa_auth.providers.yandex:YANDEX",
        "sap_xsuaa": "sa_auth.providers.sap_xsuaa:SAP_XSUAA",
        "box": "sa_auth.providers.box:BOX",
        "coinbase_cdp": "sa_auth.providers.coinbase_cdp:COINBASE_CDP",
        "generic": "sa_auth.providers.generic:GENERIC",
        "lti": "sa_auth.providers.lti:LTI",
        "netsuite": "sa_auth.providers.netsuite:NETSUITE",
        "nhs_england": "sa_auth.providers.nhs_england:NHS_ENGLAND",
        "helseid": "sa_auth.providers.helseid:HELSEID",
        "maskinporten": "sa_auth.providers.maskinporten:MASKINPORTEN",
        "auth0": "sa_auth.providers.auth0:AUTH0",
        "keycloak": "sa_auth.providers.keycloak:KEYCLOAK",
        "snowflake": "sa_auth.providers.snowflake:SNOWFLAKE",
        "anthropic": "sa_auth.providers.anthropic:ANTHROPIC",
        "openai": "sa_auth.providers.openai:OPENAI",
        "app_store_connect": "sa_auth.providers.app_store_connect:APP_STORE_CONNECT",
        "github": "sa_auth.providers.github:GITHUB",
        "docusign": "sa_auth.providers.docusign:DOCUSIGN",
        "salesforce": "sa_auth.providers.salesforce:SALESFORCE",
        "smart": "sa_auth.providers.smart:SMART",
        "vault": "sa_auth.providers.vault:VAULT",
        "databricks": "sa_auth.providers.databricks:DATABRICKS",
        "line_works": "sa_auth.providers.line_works:LINE_WORKS",
    },
)
