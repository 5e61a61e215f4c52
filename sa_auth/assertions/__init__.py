"""A claim about us, minted afresh each time (RFC 7521 section 3)."""

from __future__ import annotations

from .base import Assertion
from .self_issued import SelfIssued

__all__ = ["Assertion", "SelfIssued"]
