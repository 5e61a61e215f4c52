"""Settings and a vendor's data become an exchange.

Rule: what cannot work is refused here, by the vendor's own rule, before anything is sent; no vendor is named. Stands
between the face and the exchange. Source: RFC 7523 sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..assertions.self_issued import SelfIssued
from ..errors import ConfigError
from ..exchange import Exchange, no_secret
from ..grants import GRANTS, Grant
from ..grants.base import Incomplete, Offline, Shaped
from ..grants.jwt_bearer import JWTBearer
from ..metadata import Metadata
from ..policy import RefreshPolicy
from ..settings import Settings
from ..signers.base import Signer
from ..wire import endpoint
from .base import Provider
from .client import by_name, client_of
from .rules import check_settings, signer_for


def exchange_of(provider: Provider, settings: Settings) -> Exchange:
    """Makes an exchange of what was prepared.

    Args:
        provider: What the vendor wants.
        settings: The face's arguments.

    Raises:
        ConfigError: something is missing, or the vendor does not take it.
    """
    asked = _asked_by(settings, provider)
    offline, shaped = isinstance(asked, Offline), isinstance(asked, Shaped)
    if offline:
        _check_nothing_is_sent(settings)
    if settings.metadata is not None:
        # Its metadata say where tokens are revoked: a file from outside could have them sent anywhere.
        _check_host(provider, settings.metadata.issuer, "server", by_caller=settings.server_by_caller)
    where = None if offline else _endpoint(provider, settings, asked)
    make = _Maker(provider, settings, where, asked)
    grant = asked.completed(make) if isinstance(asked, Incomplete) else asked
    scope_field = not (offline or shaped or provider.scope_of_client) and (
        provider.scope_form or not isinstance(asked, JWTBearer)
    )
    client_auth, transport = client_of(
        provider, settings, grant, {} if make.called else _client_shape(provider, settings),
        audience=_client_audience(provider, settings, where), assertion_made=make.called,
    )  # fmt: skip
    return Exchange(
        endpoint=where,
        grant=grant,
        transport=transport,
        client_auth=client_auth,
        scope=(provider.scope_separator if scope_field else " ").join(settings.scope),
        scope_field=scope_field,
        form=_form(provider, settings),
        json=provider.json,
        headers=provider.request_headers,
        names=provider.names,
        known=provider.known,
        dpop=settings.dpop,
        metadata=settings.metadata,
        revocation_endpoint=_revocation(provider, settings, where),
        policy=_policy(provider, settings.refresh),
        retry=settings.retry,
        timeout=settings.timeout,
        clock=settings.clock,
        reload=settings.reload,
        server_clock=settings.server_clock,
        secret=no_secret if settings.signer is None else settings.signer.secret,
    )


def kept_endpoint(provider: Provider, exchange: Exchange) -> str | None:
    """The endpoint that credentials with another subject or scope go on with; None: theirs follows from the subject."""
    return None if provider.subject == "address" else exchange.endpoint


def api_headers(provider: Provider, settings: Settings) -> dict[str, str]:
    """Header fields of every API call, beside Authorization."""
    filled = {name: _filled(value, settings, None) or "" for name, value in provider.api_headers.items()}
    return {name: value for name, value in filled.items() if value}


def prepared(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    """The vendor's data and the settings, as they are for this sign-in, once the vendor's rules were kept.

    Args:
        provider: What the vendor wants.
        settings: The face's arguments.

    Raises:
        ConfigError: the vendor does not take it.
    """
    if settings.metadata is None and provider.server is not None:
        settings = settings._replace(metadata=Metadata(provider.server))
    if settings.token_endpoint is not None:
        endpoint(settings.token_endpoint, "token_endpoint", by_caller=settings.endpoint_by_caller)
    if provider.prepare is not None:
        provider, settings = provider.prepare(provider, settings)
    check_settings(provider, settings)
    return provider, settings._replace(signer=signer_for(provider, settings))


def _asked_by(settings: Settings, provider: Provider) -> Grant:
    grant: Any = settings.grant if settings.grant is not None else provider.grant
    if not isinstance(grant, str):
        if isinstance(grant, Grant) and not isinstance(grant, type):
            return grant
        raise ConfigError(f"grant is of type {type(grant).__name__}.", code="bad_argument", hint="Name or Grant.")
    made: Grant = by_name(GRANTS, grant, "grant")
    return made


class _Maker:
    """Makes the assertion that the key signs for the grant, and remembers whether it was asked to."""

    def __init__(self, provider: Provider, settings: Settings, where: str | None, asked: Grant) -> None:
        self._made = (provider, settings, where, asked)
        self.called = False

    def __call__(self) -> SelfIssued:
        self.called = True
        return _assertion(*self._made)


def _assertion(provider: Provider, settings: Settings, where: str | None, asked: Grant) -> SelfIssued:
    scope = provider.scope_separator.join(settings.scope)
    signer, issuer = _signer(settings), _issuer(provider, settings)
    offline = isinstance(asked, Offline)
    has_claim = offline or isinstance(asked, JWTBearer | Shaped)
    claimed = has_claim and (provider.scope_claim == "always" or (provider.scope_claim == "given" and scope))
    return SelfIssued(
        signer,
        issuer=issuer,
        subject=_subject(provider, settings, issuer, offline=offline),
        scope=scope if claimed else None,
        audience=_audience(provider, settings, where),
        type="JWT" if provider.typ is None else provider.typ or None,
        issuer_suffix=provider.issuer_suffix,
        reuse=_reuse(provider, settings),
        **_shape(provider, settings),
    )


def _reuse(provider: Provider, settings: Settings) -> float:
    seconds: float = getattr(settings.signer, "reuse", 0)
    if seconds and not provider.reusable:
        raise ConfigError(
            f"{provider.page.title or provider.name} is not known to take an assertion more than once.", code="bad_argument",
            hint="Leave the signer's reuse= out: each exchange then has an assertion of its own.",
        )  # fmt: skip
    return seconds


def _shape(provider: Provider, settings: Settings) -> dict[str, Any]:
    """What the vendor and the face say of any assertion that the key signs: times, extra claims and header fields."""
    resource = {"resource": list(settings.resource)} if provider.resource_claim and settings.resource else {}
    return {
        "lifetime": provider.lifetime if settings.lifetime is None else settings.lifetime,
        "backdate": provider.backdate,
        "longest": provider.longest,
        "claims": _merged({**provider.claims, **resource}, settings.claims),
        "headers": _merged(provider.headers, settings.headers),
    }


def _client_shape(provider: Provider, settings: Settings) -> dict[str, Any]:
    """What is said of an assertion of the client's, where the key signs no other."""
    shape = _shape(provider, settings)
    # OpenID Connect Core section 9: `jti` is required there, and "MUST only be used once".
    if getattr(settings.signer, "reuse", 0):
        raise ConfigError(
            "A client's assertion goes once.", code="bad_argument",
            hint="Leave the signer's reuse= out; it is for the grant jwt_bearer.",
        )  # fmt: skip
    if provider.subject == "none":
        shape["subject"] = None
    if provider.scope_of_client and settings.scope:
        shape["scope"] = provider.scope_separator.join(settings.scope)
    return shape


def _merged(always: Mapping[str, Any], given: Any) -> Any:
    # What is no mapping is refused by the assertion, which says what it takes.
    return {**always, **given} if isinstance(given, Mapping) else always if given is None else given


def _issuer(provider: Provider, settings: Settings) -> str:
    if settings.issuer is None:
        raise ConfigError(
            "No issuer is given.", code="no_issuer",
            hint=f"Pass issuer=: {provider.issuer_hint or 'the client id, or whatever name the key is registered under'}.",
        )  # fmt: skip
    return settings.issuer


def _signer(settings: Settings) -> Signer:
    if settings.signer is None:
        raise ConfigError(
            "No key is given to sign with.", code="no_key",
            hint="Pass a path, keys.from_pem(text), keys.from_pfx(data) or keys.from_jwk(data) as the first argument; "
            "or, where a token service hands the assertion over, grant=grants.JWTBearer(assertions.FromFile(path)).",
        )  # fmt: skip
    return settings.signer


def _subject(provider: Provider, settings: Settings, issuer: str, *, offline: bool) -> str | None:
    if provider.subject in {"none", "address"}:
        return None
    return settings.subject or (issuer if offline or provider.subject in {"issuer", "default"} else None)


def _audience(provider: Provider, settings: Settings, where: str | None) -> str | None:
    if settings.audience is not None and provider.audience_field is None:
        return settings.audience
    if provider.audience is not None:
        audience = _filled(provider.audience, settings, where)
        if audience is None:
            raise ConfigError(
                f"{provider.page.title or provider.name} wants its address as the audience, and none is given.",
                code="no_server", hint="Pass server= or token_endpoint=, to the last character as it documents them.",
            )  # fmt: skip
        return audience or None
    # An endpoint that metadata name is no audience: a server could name another's, and use there what it was sent.
    audience = where or (settings.metadata.issuer if settings.metadata is not None else None)
    if audience is None:
        raise ConfigError(
            "No audience is given for a self-signed token.", code="no_audience",
            hint="Pass audience=: the address of the API, exactly as its provider writes it.",
        )  # fmt: skip
    return audience


def _client_audience(provider: Provider, settings: Settings, where: str | None) -> str | None:
    """`aud` of a client assertion: the server, unless the vendor says otherwise."""
    if provider.audience is not None:
        return _filled(provider.audience, settings, where)
    return settings.metadata.issuer if settings.metadata is not None else None


def _filled(template: str | None, settings: Settings, where: str | None) -> str | None:
    # What is made of an address cannot be known without it; one that metadata name is no better (see `_audience`).
    lacking = template is not None and (
        ("{server}" in template and settings.metadata is None)
        or (where is None and ("{endpoint}" in template or "{host}" in template))
    )
    if template is None or lacking:
        return None
    return template.format(
        server=settings.metadata.issuer.rstrip("/") if settings.metadata is not None else "",
        endpoint=where or "", host=urlsplit(where or "").hostname or "", issuer=settings.issuer or "",
        subject=settings.subject or "",
    )  # fmt: skip


def _revocation(provider: Provider, settings: Settings, where: str | None) -> str | None:
    template, host = provider.revocation_endpoint, urlsplit(where or "").hostname or ""
    fixed = template is not None and "{" not in template
    # Another server's token is none of the vendor's: it is not sent there.
    if fixed and not any(_matches(host, pattern) for pattern in provider.hosts):
        return None
    return _filled(template, settings, where)


def _endpoint(provider: Provider, settings: Settings, asked: Grant) -> str | None:
    needs_server = provider.token_endpoint is not None and "{server}" in provider.token_endpoint
    given = settings.token_endpoint
    if given is None and not (needs_server and settings.metadata is None):
        given = _filled(provider.token_endpoint, settings, None)
    if given is None and settings.metadata is not None:
        return None
    if given is None and isinstance(asked, JWTBearer):
        given = _audience_as_endpoint(settings.audience)
    if given is None:
        raise ConfigError(
            "No token endpoint is known.", code="no_token_endpoint",
            hint="Pass token_endpoint=, the URL from the provider's documentation; or server=, the issuer "
            "identifier of a server whose metadata names it.",
        )  # fmt: skip
    by_caller = settings.endpoint_by_caller or settings.token_endpoint is None
    url = endpoint(given, "token_endpoint", by_caller=by_caller)
    _check_host(provider, url, "token_endpoint", by_caller=by_caller)
    return url


def _check_host(provider: Provider, url: str, name: str, *, by_caller: bool) -> None:
    host = urlsplit(url).hostname or ""
    if provider.hosts and not by_caller and not any(_matches(host, pattern) for pattern in provider.hosts):
        raise ConfigError(
            f"The key file names a {name} at {host}, which is none of {provider.name}'s.", code="foreign_endpoint",
            hint="A key file from outside could send the assertion, or a token, anywhere. If that host is right, say so in "
            f"code: {name}=...",
        )  # fmt: skip


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _audience_as_endpoint(audience: str | None) -> str | None:
    # RFC 7523 section 3 allows the token endpoint as audience, and then one of the two says both.
    if audience is None or not audience.startswith("https://"):
        return None
    return audience if len(urlsplit(audience).path) > 1 else None


def _form(provider: Provider, settings: Settings) -> tuple[tuple[str, str], ...]:
    said = {name for name, _ in settings.form}
    resource = () if provider.resource_claim else tuple(("resource", one) for one in settings.resource)
    own = (*resource, *((name, value) for name, value in provider.form if name not in said))
    if provider.audience_field is None or settings.audience is None:
        return (*own, *settings.form)
    return (*own, (provider.audience_field, settings.audience), *settings.form)


def _policy(provider: Provider, refresh: RefreshPolicy) -> RefreshPolicy:
    if provider.default_life is None or refresh.default_life != RefreshPolicy().default_life:
        return refresh
    return RefreshPolicy(refresh.lead, provider.default_life, refresh.longest_life)


def _check_nothing_is_sent(settings: Settings) -> None:
    """Refuses what would go into a request, or bind what comes back, where there is no request."""
    sent = {"form": settings.form, "resource": settings.resource, "dpop": settings.dpop}
    idle = [name for name, value in sent.items() if value]
    if idle:
        raise ConfigError(
            f"{idle[0]}= has no place with a self-signed token.", code="bad_argument",
            hint="Nothing is sent to a server, so nothing is asked of one: leave it out, or use another grant.",
        )  # fmt: skip
