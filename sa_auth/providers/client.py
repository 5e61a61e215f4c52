"""How the client names itself, as the face's arguments say it: one method, whole, and nothing lost.

Rule: what the key does not prove as a grant it proves of the client; a request holds one proof. Stands under a provider,
which makes the exchange. Source: RFC 6749 section 2.3; RFC 7523 section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._registry import Registry
from ..client_auth import CLIENT_AUTH, Client, ClientAuth, ClientId
from ..client_auth.base import Incomplete
from ..errors import ConfigError
from ..grants import Grant
from ..grants.base import Offline
from ..grants.client_credentials import ClientCredentials
from ..settings import Settings
from ..wire import Transport
from .base import Provider


def client_of(
    provider: Provider, settings: Settings, grant: Grant, shape: Mapping[str, Any], *, audience: str | None,
    assertion_made: bool,
) -> tuple[ClientAuth | None, Transport]:  # fmt: skip
    """How the client names itself, and the transport that carries its proof where that is a certificate.

    Args:
        provider: What the vendor wants.
        settings: The face's arguments.
        grant: What is asked by.
        shape: What the vendor and the face say of an assertion of the client.
        audience: Its `aud`, where it is known.
        assertion_made: Whether the key signs the grant's assertion.

    Raises:
        ConfigError: something is missing, said twice, or would be lost.
    """
    method = _method(provider, settings, grant, assertion_made=assertion_made)
    transport = settings.presenting() if getattr(method, "presents_certificate", False) else settings.transport
    if not assertion_made:
        _check_unused(provider, settings, signs=getattr(method, "name", None) == "private_key_jwt")
    lacking: object = method
    if isinstance(lacking, Incomplete):
        client = Client(
            client_id=settings.issuer, signer=settings.signer,
            audience=audience, typ=provider.typ, with_client_id=provider.with_client_id, shape=shape,
            certificate_thumbprint=str(getattr(transport, "certificate_thumbprint", "")),
        )  # fmt: skip
        method = lacking.completed(client)
    return method, transport


def _method(provider: Provider, settings: Settings, grant: Grant, *, assertion_made: bool) -> ClientAuth | None:
    method: Any = settings.client_auth
    if method is None:
        return _default_method(provider, settings, grant, assertion_made=assertion_made)
    if isinstance(method, str):
        method = None if method == "none" else by_name(CLIENT_AUTH, method, "client_auth")
    elif not (isinstance(method, ClientAuth) and not isinstance(method, type)):
        raise ConfigError(
            f"client_auth is of type {type(method).__name__}.",
            code="bad_argument",
            hint="client_auth.ClientSecretBasic(client_id, client_secret), another class of that shelf, or a name. A "
            "client proves itself in one way at a time (RFC 6749 section 2.3).",
        )
    if method is not None and isinstance(grant, Offline):
        raise ConfigError(
            "client_auth= has no place with a self-signed token.", code="bad_argument",
            hint="No request is made that a client could prove itself in: leave it out.",
        )  # fmt: skip
    proofs = sorted(
        {"client_secret", "client_assertion", "client_assertion_type"} & {name for name, _ in settings.form}
    )
    if method is not None and proofs:
        raise ConfigError(
            f"The client would prove itself in two ways: by client_auth=, and by {proofs[0]!r} in form=.",
            code="two_client_auth", hint="A request holds one (RFC 6749 section 2.3): leave one of them out.",
        )  # fmt: skip
    chosen: ClientAuth | None = method
    return chosen


def by_name(shelf: Registry, name: str, argument: str) -> Any:
    """Makes what a name alone is enough for: the face's other arguments say the rest.

    Args:
        shelf: The table it stands in.
        name: Its name there.
        argument: The face's argument, for the message.

    Raises:
        ConfigError: there is no such row, or it needs more.
    """
    found = shelf.find(name)
    made = None
    try:
        made = found()
    except TypeError:  # it has arguments that nobody else can give
        pass
    if made is None:
        raise ConfigError(
            f"{argument}={name!r} needs more than its name.", code="bad_argument",
            hint=f"Pass {argument if argument == 'client_auth' else 'grants'}.{found.__name__}(...) with its arguments.",
        )  # fmt: skip
    return made


def _default_method(provider: Provider, settings: Settings, grant: Grant, *, assertion_made: bool) -> ClientAuth | None:
    if isinstance(grant, Offline):
        return None
    if provider.client_auth is not None:
        named: ClientAuth = by_name(CLIENT_AUTH, provider.client_auth, "client_auth")
        return named
    if assertion_made:
        return None
    if settings.signer is not None:
        # What the key does not prove as a grant, it proves of the client (RFC 7523 section 2.2).
        proof: ClientAuth = by_name(CLIENT_AUTH, "private_key_jwt", "client_auth")
        return proof
    if isinstance(grant, ClientCredentials) and not {"client_secret", "client_assertion"} & {
        n for n, _ in settings.form
    }:
        raise ConfigError(
            "client_credentials needs a client that proves itself.", code="no_client_auth",
            hint="Give a key, or client_auth=: ClientSecretBasic(client_id, client_secret), ClientAssertion(source)...",
        )  # fmt: skip
    return None if settings.issuer is None else ClientId(settings.issuer)


def _check_unused(provider: Provider, settings: Settings, *, signs: bool) -> None:
    """Refuses what would say something in an assertion that nobody makes: it would be lost in silence."""
    names = () if signs else ("lifetime", "claims", "headers")
    idle = [name for name in ("subject", "audience", *names) if getattr(settings, name) is not None]
    used = {"subject"} if provider.subject == "address" or settings.subject == settings.issuer else set()
    used |= {"audience"} if provider.audience_field is not None else set()
    idle = [name for name in idle if name not in used]
    if idle:
        raise ConfigError(
            f"{idle[0]}= has no place here: no assertion of the grant is signed.", code="bad_argument",
            hint="With another grant than jwt_bearer the key proves the client: its subject is issuer=, its audience "
            "server= (or client_auth.PrivateKeyJWT(audience=...)). A field of the request goes into form=.",
        )  # fmt: skip
