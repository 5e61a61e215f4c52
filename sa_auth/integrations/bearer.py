"""What bridges to clients that send bearer tokens share: which source will do, and another of the same key.

Rule: nothing of a foreign client stands here. Source: RFC 6750 section 2.1.
"""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError
from .awaiting import Source, given


def bearing(source: Source) -> Source:
    """Gives the source back, if its tokens are good for a client that knows no more than bearer tokens.

    Raises:
        ConfigError: `not_bearer`, each of its calls takes a proof or a token of its own; or it is no source.
    """
    given(source)
    if getattr(source, "proofs", None) is not None or getattr(source, "per_call", False):
        raise ConfigError(
            "The client behind this bridge sends bearer tokens, and these credentials make a proof or a token for each call.",
            code="not_bearer", hint="Leave dpop= out, or call the API with requests and the credentials as its auth.",
        )  # fmt: skip
    return source


def replaced(source: Any, **changes: Any) -> Any:
    """Another source of the same key.

    Raises:
        ConfigError: `no_replace`, this one makes no others.
    """
    replace = getattr(source, "replace", None)
    if replace is None:
        raise ConfigError(
            f"A {type(source).__name__} gives its own tokens alone, and none with another {min(changes)}.", code="no_replace",
            hint="Give the bridge ServiceAccountCredentials.",
        )  # fmt: skip
    return replace(**changes)
