"""Vendors as data, one per file, looked up by name."""

from __future__ import annotations

from .._registry import Registry
from .base import KeyFile, Provider

__all__ = ["PROVIDERS", "KeyFile", "Provider"]

# A provider is one file here and one line.
PROVIDERS = Registry(
    "provider",
    {
        "generic": "sa_auth.providers.generic:GENERIC",
        "google": "sa_auth.providers.google:GOOGLE",
    },
)
