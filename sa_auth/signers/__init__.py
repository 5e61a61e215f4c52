"""Bytes to signature.

Rule: a signer's one act is `sign`; what else it states is needed to name the key, never the key itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._loading import load
from .._registry import Registry
from .base import Signer
from .local import LocalSigner

if TYPE_CHECKING:
    from .callable import FromCallable
    from .remote import RemoteSigner
    from .service import KeyService

__all__ = ["SIGNERS", "FromCallable", "KeyService", "LocalSigner", "RemoteSigner", "Signer"]

# Key URI scheme -> a KeyService, and the extra that brings its library. A key service is one file here and one line.
SIGNERS = Registry(
    "key service",
    {
        "awskms": ("sa_auth.signers.aws_kms:AWSKey", "aws"),
        "azurekv": ("sa_auth.signers.azure_key_vault:AzureKey", "azurekv"),
        "gcpkms": ("sa_auth.signers.gcp_kms:GoogleKey", "gcp"),
        "pkcs11": ("sa_auth.signers.pkcs11:PKCS11Key", "pkcs11"),
        "vault": ("sa_auth.signers.vault:VaultKey", "vault"),
    },
)

# Late: who has a key file needs none of them.
_HOMES = {"FromCallable": "callable", "KeyService": "service", "RemoteSigner": "remote"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(load(f"{__name__}.{_HOMES[name]}"), name)
    return SIGNERS.named(name, __name__)
