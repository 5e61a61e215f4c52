"""What Entra ID and AD FS have in common: on-behalf-of, and that the application's key signs no grant.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow; [MS-OAPX] sections 2.2.3 and 4.7.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from .base import Provider

_OF_THE_KEY = frozenset({"jwt_bearer", "self_signed", "rest_exchange", "token_exchange"})


def for_a_user(provider: Provider, settings: Settings) -> Provider | None:
    """The data for a user whose token is exchanged; None where the application asks in its own name.

    Args:
        provider: What the vendor wants.
        settings: The face's arguments.

    Raises:
        ConfigError: the grant is one that the key would sign.
    """
    grant = settings.grant if settings.grant is not None else provider.grant
    if isinstance(grant, JWTBearer) and grant.assertion is not None:
        return provider._replace(form=(("requested_token_use", "on_behalf_of"),))
    if isinstance(grant, JWTBearer) or (isinstance(grant, str) and grant in _OF_THE_KEY):
        raise ConfigError(
            f"{provider.page.title} takes no grant that the application's own key signs.", code="bad_grant",
            hint="Leave grant= out: the key proves the application. For a user: grant=grants.JWTBearer(the user's token).",
        )  # fmt: skip
    return None
