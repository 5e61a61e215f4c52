"""What is asked by: one frozen class per grant.

A grant is one file here and one line in the table.
"""

from __future__ import annotations

from .._registry import Registry
from .base import Grant
from .jwt_bearer import JWTBearer

__all__ = ["GRANTS", "Grant", "JWTBearer"]

GRANTS = Registry("grant", {"jwt_bearer": "sa_auth.grants.jwt_bearer:JWTBearer"})
