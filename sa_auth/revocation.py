"""Tells a server that a token is not needed any more.

Rule: the refresh token first, since its end is the end of what came of it; a server that is busy still takes the token.
Stands above the exchange, which makes the attempts. Source: RFC 7009 sections 2.1 and 2.2.
"""

from __future__ import annotations

from ._clock import Instant
from .errors import ConfigError, SaAuthError
from .exchange import Exchange
from .grants.base import Offline
from .policy import Held
from .refusal import check
from .request import revocation_request
from .wire import Conversation, Request, Response


def revoke(exchange: Exchange, held: Held) -> None:
    """Revokes a token, and the refresh token that came with it.

    Args:
        exchange: How the token was asked for; its client and transport are used.
        held: The token.

    Raises:
        ConfigError: nobody says where the server revokes tokens.
        SaAuthError: the server did not do it, and may still take the token.
    """
    if isinstance(exchange.grant, Offline):
        raise ConfigError(
            "A self-signed token cannot be revoked: no server gave it.", code="not_revocable",
            hint="It lives as long as lifetime= says; delete the public key at the provider to end it at once.",
        )  # fmt: skip
    tokens = [(("token", held.token.access_token), ("token_type_hint", "access_token"))]
    if held.refresh_token is not None:
        again = held.refresh_token.reveal().decode()
        tokens.append((("token", again), ("token_type_hint", "refresh_token")))
        del again
    failure: SaAuthError | None = None
    with exchange.conversation() as within:
        while tokens and failure is None:
            # Taken out as it is used: an error's traceback shows what stands in this frame.
            failure = _told(exchange, within, tokens.pop())
    tokens.clear()
    if failure is not None:
        raise failure


def _told(exchange: Exchange, within: Conversation, fields: tuple[tuple[str, str], ...]) -> SaAuthError | None:
    def build(now: float, url: str) -> Request:
        if not url:
            raise ConfigError(
                "No revocation endpoint is known.", code="no_revocation_endpoint",
                hint="Pass server=, the issuer identifier of a server whose metadata name one; or let the token end."
                if exchange.metadata is None
                else f"The metadata of {exchange.metadata.issuer} name none: let the token end.",
            )  # fmt: skip
        return revocation_request(exchange.client_auth, now, url=url, fields=fields)

    def attempt(asked: Instant, number: int) -> SaAuthError | None:
        def read(response: Response) -> None:
            # RFC 7009 section 2.2: 200 says it, whatever the body; an unknown token is as good as a revoked one.
            if response.status != 200:
                check(response, _fields(response), asked, peer="revocation endpoint")

        return exchange.send("revocation_endpoint", build, read, within, asked, number)

    return exchange.ask(attempt, within, repeatable=True)


def _fields(response: Response) -> dict[str, object] | None:
    from ._jsonobject import json_object

    return json_object(response.body, (), status=response.status)
