"""Bytes to signature.

Rule: a signer's one act is `sign`; what else it states is needed to name the key, never the key itself.
"""

from __future__ import annotations

from .._registry import Registry
from .base import Signer
from .local import LocalSigner

__all__ = ["SIGNERS", "LocalSigner", "Signer"]

# Key URI scheme -> class. A key service is one file here and one line.
SIGNERS = Registry("signer", {})
