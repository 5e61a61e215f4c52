"""Nothing that a cache has opened outlives its test."""

from tests.servers import closed_connections

__all__ = ["closed_connections"]
