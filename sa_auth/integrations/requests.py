"""The auth of a `requests` Session: sets the header, and renews once on a 401.

Rule: the token goes only where it may; a request is sent again only with a body that is whole. `requests` itself is
loaded by whoever calls us, so nothing of it is imported before a replay. Source: RFC 6750 sections 2.1 and 3.1;
https://requests.readthedocs.io/en/latest/user/authentication/#new-forms-of-authentication
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..dpop import HEADER, origin
from ..errors import ConfigError, SaAuthError
from ..token import NOTHING
from ..wire import beside
from .where import check, is_at, rewound, sendable, wants_nonce

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

    from ..dpop import Proofs
    from ..source import TokenSource
    from ..token import Token

_log = logging.getLogger("sa_auth")
_BRIDGES = {"httpx2": "httpx"}  # by library, where the one is not named as the other
_put = object.__setattr__  # the credentials object inherits from this class, and refuses to be changed


class RequestsAuth:
    """What `requests` asks of an auth: a callable that changes the request.

    Args:
        source: Gives tokens.
        allowed_hosts: Hosts the token may be sent to; "*.example.com" stands for all below it. None: any over https,
            and this machine over http.
        headers: More header fields that the provider wants on every call.

    Example:
        >>> import requests
        >>> from sa_auth.testing import Authority, new_key
        >>> from sa_auth import ServiceAccountCredentials
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> request = requests.Request("GET", "https://api.example/", auth=RequestsAuth(creds)).prepare()
        >>> request.headers["Authorization"].startswith("Bearer ")
        True
    """

    __slots__ = ("_allowed", "_anywhere", "_header", "_more", "_per_call", "_proving", "_renewal", "_source")

    _source: TokenSource
    _renewal: Renewal
    _proving: Proofs | None
    _per_call: bool
    _more: dict[str, str]
    _allowed: tuple[str, ...] | None
    _anywhere: str | None
    _header: tuple[Token | None, str]

    def __init__(
        self, source: TokenSource, allowed_hosts: tuple[str, ...] | None = None, headers: Mapping[str, str] = NOTHING
    ) -> None:
        proofs, per_call = getattr(source, "proofs", None), getattr(source, "per_call", False)
        parts = {"_source": source, "_proving": proofs, "_per_call": per_call, "_allowed": allowed_hosts}
        renewal = Renewal(source, proofs, renews=not per_call)
        for name, part in {**parts, "_renewal": renewal, "_more": dict(headers)}.items():
            _put(self, name, part)
        # The beginning of an address that needs no further look: none where hosts are named, each call is proven or has a
        # token of its own, or a provider wants more than the token.
        plain = allowed_hosts is None and proofs is None and not per_call and not headers
        _put(self, "_anywhere", "https://" if plain else None)
        _put(self, "_header", (None, ""))  # of the last token, so that it is written once

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sets the Authorization header.

        Raises:
            ConfigError: the token may not go there, or this is no request of `requests`.
            SaAuthError: there is no token to be had.
        """
        try:
            url: Any = request.url
            hooks, scheme = request.hooks["response"], url[:8]
        except (AttributeError, KeyError, TypeError):
            url = hooks = scheme = None
        if hooks is None:
            raise _foreign(request)
        proving, own = None, False
        if scheme != self._anywhere:
            self._check(url)
            request.headers.update(beside(request.headers, self._more))
            proving, own = self._proving, self._per_call
        token = self._source.token_for(request.method or "GET", url) if own else self._source.token()
        if proving is not None:  # before the header is written: the frame of an error would hold it
            request.headers[HEADER] = proving.proof(request.method or "GET", url, token.access_token)
        known, value = self._header
        if token is not known:
            value = sendable(token)
            _put(self, "_header", (token, value))
        request.headers["Authorization"] = value
        if not hooks or self._renewal not in hooks:
            hooks.append(self._renewal)
        return request

    @property
    def allowed_hosts(self) -> tuple[str, ...] | None:
        """Hosts the token may be sent to; None: any over https, and this machine over http."""
        return self._allowed

    @property
    def api_headers(self) -> Mapping[str, str]:
        """More header fields that the provider wants on every call; as `wire.beside` takes them."""
        return self._more

    def _check(self, url: str) -> None:
        check(url, self._allowed)


class Renewal:
    """The other half: `requests` calls it with every response, and uses what it gives in its place.

    Args:
        source: Gives tokens.
        proofs: Makes the proofs that go with them; None: they are bearer tokens.
        renews: Whether another token may be taken where this one was.
    """

    __slots__ = ("_proofs", "_renews", "_source")

    def __init__(self, source: TokenSource, proofs: Proofs | None = None, *, renews: bool = True) -> None:
        self._source, self._proofs, self._renews = source, proofs, renews

    def __call__(self, response: requests.Response, **options: Any) -> requests.Response | None:
        """Renews once on a 401, and sends the request again if its body is whole; otherwise lets the answer pass."""
        first, nonced, renewed = response, False, not self._renews
        while True:
            # A nonce comes with any answer, and is for the next call (RFC 9449 section 8.2).
            learned = self._learned(response)
            if response.status_code != 401:
                break
            token = None
            if wants_nonce(response.headers):
                # The token was not looked at: the same one goes again, in a new proof.
                hopeless, nonced = nonced or not learned, True
            else:
                token = None if renewed else self._renewed(response.request)
                hopeless, renewed = token is None, True
            if hopeless or not _rewound(response.request):
                break
            response = _send_again(response, token, options, self._proofs)
        if 300 <= response.status_code < 400:
            _follow_with_care(first.request, response.request, self._proofs)
        return None if response is first else response

    def _learned(self, response: requests.Response) -> bool:
        """Keeps the nonce in an answer; whether there was one, to a request with a proof."""
        proofs, request = self._proofs, response.request
        return proofs is not None and proofs.learn(request.url or "", response.headers) and HEADER in request.headers

    def _renewed(self, request: requests.PreparedRequest) -> Token | None:
        """Another token than the refused one; None where there is none to be had."""
        # In this frame alone, which raises nothing: a traceback shows the locals of every frame it passes.
        refused = request.headers.get("Authorization")
        # After a redirect to another origin the header is gone, or is somebody's else: neither renew nor send.
        if not isinstance(refused, str):
            return None
        try:
            token = self._source.token()
            if not refused.startswith(f"{token.token_type} "):
                return None
            if token.authorization == refused:
                self._source.discard(token)
                token = self._source.token()
        except SaAuthError as error:
            _log.warning("an API refused the token, and the next one cannot be had: %s", error)
            return None
        return None if token.authorization == refused else token


def _follow_with_care(request: Any, answered: Any, proofs: Proofs | None) -> None:
    """Leaves `requests` no room for netrc's password, and lets no proof follow a redirect.

    It looks in netrc after every redirect, also within one origin, and would put what it finds in the token's place, or
    on the way to a host that was to see nothing. It does so on a copy of the request, by `prepare_auth`. The copy has its
    new address by the time its cookies are prepared: a proof is made for that, or there is none.

    Args:
        request: What `requests` copies: the first one, even where another was answered by the redirect.
        answered: The one that was answered: it has the newest token.
        proofs: Makes the proof.
    """
    copy, came_from = answered.copy, origin(answered.url)

    def copied() -> Any:
        again = copy()
        again.prepare_auth = _no_auth
        again.headers.pop(HEADER, None)
        prover = proofs
        if prover is not None:
            prepare = again.prepare_cookies

            def prepare_cookies(cookies: Any) -> None:
                prepare(cookies)
                if is_at(again.url, came_from):
                    _prove(again, prover)

            again.prepare_cookies = prepare_cookies
        return again

    request.copy = copied


def _prove(request: Any, proofs: Proofs) -> None:
    """Makes a proof for a request that goes again or elsewhere, by the token that is on it."""
    if isinstance(request.headers.get("Authorization"), str):
        # No name for the token: the frame of an error would hold it.
        request.headers[HEADER] = proofs.proof(
            request.method, request.url, request.headers["Authorization"].partition(" ")[2]
        )


def _no_auth(*_arguments: object, **_options: object) -> None:
    """Adds nothing."""


def _rewound(request: requests.PreparedRequest) -> bool:
    # requests notes where a file-like body stood; an object() where it could not tell.
    return rewound(request.body, getattr(request, "_body_position", None))


def _send_again(
    response: requests.Response, token: Token | None, options: dict[str, Any], proofs: Proofs | None
) -> requests.Response:
    """Sends a request again; with another token, or the same one where there is None."""
    from requests.cookies import extract_cookies_to_jar
    from requests.exceptions import RequestException

    if not options.get("stream"):
        try:
            _ = response.content  # read to its end, the connection can be used again
        except RequestException:
            pass
    response.close()
    again = response.request.copy()
    jar: Any = again._cookies  # type: ignore[attr-defined]  # noqa: SLF001 - as requests' own digest auth does
    extract_cookies_to_jar(jar, response.request, response.raw)  # type: ignore[no-untyped-call]
    again.prepare_cookies(jar)
    if token is not None:
        again.headers["Authorization"] = token.authorization
    if proofs is not None:
        _prove(again, proofs)
    second: requests.Response = response.connection.send(again, **options)
    second.history = [*response.history, response]
    second.request = again
    return second


def _foreign(request: object) -> ConfigError:
    from importlib.util import find_spec

    library = type(request).__module__.partition(".")[0]
    bridge = f"sa_auth.integrations.{_BRIDGES.get(library, library)}"
    use = f"Use the bridge {bridge}" if find_spec(bridge) else f"There is no bridge {bridge} yet: use its header hook"
    return ConfigError(
        f"This is a request of {library!r}, not of requests.", code="foreign_request",
        hint=f"{use}, or set the header yourself: creds.token().authorization.",
    )  # fmt: skip


def adapter(creds: Any, **options: Any) -> HTTPAdapter:
    """An adapter for a Session that presents the certificate which the tokens are bound to (RFC 8705 section 3).

    Whom to trust stays what the Session says (`verify`, REQUESTS_CA_BUNDLE). The certificate is shown to the hosts
    it is mounted for and to no other; where the key is changed, new connections present the new one.

    Args:
        creds: Credentials by mutual TLS; or anything whose `tls_key` is a key with its certificate.
        options: As of `requests.adapters.HTTPAdapter`, for example pool_maxsize=50.

    Returns:
        An adapter to mount.

    Raises:
        ConfigError: `no_tls_key`, there is no certificate that tokens are bound to.

    Example:
        >>> import requests, trustme
        >>> from types import SimpleNamespace
        >>> from sa_auth import keys
        >>> leaf = trustme.CA().issue_cert("robot.example")
        >>> key = keys.from_pem(leaf.private_key_pem.bytes(), certificate=leaf.cert_chain_pems[0].bytes())
        >>> creds = SimpleNamespace(tls_key=key)  # in earnest: ServiceAccountCredentials by mutual TLS
        >>> session = requests.Session()
        >>> session.mount("https://api.example/", adapter(creds))
    """
    from ..transports.certificate import thumbprint_of
    from ..transports.mutual_tls import PresentingAdapter

    def key() -> Any:
        found = getattr(creds, "tls_key", None)
        if found is None:
            raise ConfigError(
                "These credentials have no certificate that their tokens are bound to.", code="no_tls_key",
                hint='Set mutual TLS up: client_auth="tls_client_auth", with certificate= beside the key.',
            )  # fmt: skip
        return found

    thumbprint_of(key())
    return PresentingAdapter(key, **options)
