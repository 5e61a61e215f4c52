"""Credentials as azure-core wants them, for threads and for an event loop.

Rule: the token is asked for afresh as often as a policy asks, so what a policy keeps is never older than ours; the scopes
that it names decide which. Source:
https://learn.microsoft.com/python/api/azure-core/azure.core.credentials.tokencredential and `supportstokeninfo`;
https://learn.microsoft.com/entra/identity-platform/claims-challenge for `claims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..token import Token
from .awaiting import Source, awaited_token
from .bearer import bearing, replaced
from .extra import needed

needed("azure", ("azure.core.credentials",), '"sa_auth[azure]"', named="azure-core")

from azure.core.credentials import AccessToken, AccessTokenInfo  # noqa: E402 - whoever lacks it was told so

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions
    from azure.core.pipeline import PipelineResponse
    from typing_extensions import Self


class _Scoped:
    """What both kinds share: which source has the token for some scopes, and what was handed out of it.

    Args:
        source: Gives tokens: the credentials object, or anything with its `token`, `poll` and `discard`, which then gives
            its own whatever scopes are asked for.
        tenant_id: The tenant that its tokens are of: a request for another one is refused. None: nobody knows, and the
            API decides.

    Raises:
        ConfigError: `not_bearer`, a proof goes with each call.
    """

    def __init__(self, source: Source, *, tenant_id: str | None = None) -> None:
        self._source = bearing(source)
        self._tenant_id = tenant_id
        self._sources: dict[str, Source] = {}
        self._given: dict[str, tuple[Source, Token]] = {}

    def on_response(self, response: PipelineResponse[Any, Any]) -> None:
        """Forgets the token that an API refused; a client takes it as `raw_response_hook=`.

        azure-core hands a 401 to its caller and asks for a token at the next request: without this it would be given the
        same one. With `retry_on_status_codes=[401]` beside it the client sends the request again by itself.
        """
        if response.http_response.status_code != 401:
            return
        refused = response.http_request.headers.get("Authorization")
        for source, token in list(self._given.values()):
            if f"Bearer {token.access_token}" == refused:
                source.discard(token)

    def _sourced(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None) -> tuple[str, Source]:
        """Which source has it."""
        if tenant_id and self._tenant_id and tenant_id.lower() != self._tenant_id.lower():
            raise ConfigError(
                f"These credentials are of tenant {self._tenant_id!r}, and a token of {tenant_id[:60]!r} was asked for.",
                code="other_tenant", hint="Make credentials of that tenant for this client.",
            )  # fmt: skip
        wanted = " ".join(scopes)
        source = self._sources.get(wanted)
        if source is None:
            by_scope = bool(scopes) and hasattr(self._source, "replace")
            source = replaced(self._source, scope=scopes) if by_scope else self._source
            source = self._sources.setdefault(wanted, source)
        if claims:
            # The old one is refused by now, and what is asked for without claims later has to be newer than that.
            given = self._given.get(wanted)
            if given is not None:
                given[0].discard(given[1])
            return wanted, replaced(source, form={"claims": claims})
        return wanted, source

    def _handed(self, wanted: str, source: Source, token: Token) -> Token:
        self._given[wanted] = (source, token)
        return token


class TokenCredential(_Scoped):
    """What clients of `azure.*` take as `credential=`.

    A claims challenge (`claims=`) goes to the token endpoint in the form, where Entra reads it, in place of the form
    fields that the credentials add by themselves. `enable_cae` changes nothing: tokens are of the ordinary kind.

    Args:
        source: Gives tokens: the credentials object, or anything with its `token`, `poll` and `discard`, which then gives
            its own whatever scopes are asked for.
        tenant_id: The tenant that its tokens are of: a request for another one is refused. None: nobody knows, and the
            API decides.

    Raises:
        ConfigError: `not_bearer`, a proof goes with each call.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> credential = TokenCredential(creds)
        >>> info = credential.get_token_info("https://vault.azure.net/.default")
        >>> info.token_type, info.expires_on > info.refresh_on
        ('Bearer', True)
    """

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,  # noqa: ARG002 - as the class says
        **_more: Any,
    ) -> AccessToken:
        """Gives a token for these scopes.

        Raises:
            ConfigError: `other_tenant`; or `no_replace`, the source takes no claims.
            SaAuthError: there is none to be had.
        """
        return _plain(self._token(scopes, claims, tenant_id))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """The same, with when it is to be asked for again."""
        asked = options or {}
        return _info(self._token(scopes, asked.get("claims"), asked.get("tenant_id")))

    def close(self) -> None:
        """Closes idle connections, as `close()` of the credentials."""
        _close(self._source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _token(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None) -> Token:
        wanted, source = self._sourced(scopes, claims, tenant_id)
        return self._handed(wanted, source, source.token())


class AsyncTokenCredential(_Scoped):
    """The same for the clients of `azure.*.aio`: a task waits for a renewal, the loop does not.

    Args:
        source: As for `TokenCredential`.
        tenant_id: As for `TokenCredential`.

    Example:
        >>> import asyncio
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> async def main():
        ...     async with AsyncTokenCredential(creds) as credential:
        ...         return await credential.get_token("https://vault.azure.net/.default")
        >>> asyncio.run(main()).token == creds.replace(scope="https://vault.azure.net/.default").token().access_token
        True
    """

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,  # noqa: ARG002 - as for TokenCredential
        **_more: Any,
    ) -> AccessToken:
        """Gives a token for these scopes.

        Raises:
            ConfigError: `other_tenant`; or `no_replace`, the source takes no claims.
            SaAuthError: there is none to be had.
        """
        return _plain(await self._token(scopes, claims, tenant_id))

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """The same, with when it is to be asked for again."""
        asked = options or {}
        return _info(await self._token(scopes, asked.get("claims"), asked.get("tenant_id")))

    async def close(self) -> None:
        """Closes idle connections, as `close()` of the credentials."""
        _close(self._source)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _token(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None) -> Token:
        wanted, source = self._sourced(scopes, claims, tenant_id)
        return self._handed(wanted, source, await awaited_token(source))


def _plain(token: Token) -> AccessToken:
    return AccessToken(token.access_token, int(token.expires_at))


def _info(token: Token) -> AccessTokenInfo:
    # From refresh_on a policy asks at each request, which costs nothing: it is given this one until the next is there.
    return AccessTokenInfo(
        token.access_token, int(token.expires_at), token_type=token.token_type, refresh_on=int(token.refresh_at)
    )


def _close(source: Source) -> None:
    getattr(source, "close", lambda: None)()
