"""Carries a request with `requests`, below its Session.

Rule: through the transport adapter, so that no netrc, cookie, hook or redirect of a Session has a say; and no byte
is waited for past the deadline or read past the limit. With `mutual_tls` the only module of the core that imports
`requests`.
Source: FAULTS lines 10 to 12 in docs/faults.md; urllib3 2.6 for bounded decoding.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse, parse_headers
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
import urllib3.connection
from requests.utils import get_environ_proxies

from .._clock import Deadline
from ..errors import ConfigError, SaAuthError
from ..wire import Request, Response, is_loopback
from .certificate import Presenter, stays_here
from .failures import TooLong, translate
from .mutual_tls import PresentingAdapter

if TYPE_CHECKING:
    from ..keys import Key

WIRE_LIMIT = 64 * 1024
BODY_LIMIT = 256 * 1024
_USER_AGENT = f"sa_auth/{version('sa_auth')}"
_deadline: ContextVar[Deadline] = ContextVar("sa_auth_deadline")


class _BoundedSocket(io.RawIOBase):
    """Reads a socket with what is left of the deadline before each read, and counts the bytes.

    Status line, 1xx, headers, chunks and body all come through here, plain or TLS.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._room = WIRE_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = _deadline.get().left()
        if left <= 0:
            raise TimeoutError("deadline")
        self._sock.settimeout(left)
        count = self._file.readinto(memoryview(buffer)[: self._room + 1]) or 0
        self._room -= count
        if self._room < 0:
            raise TooLong
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedSocket(sock))

    def _read_status(self) -> tuple[str, int, str]:
        # http.client passes over 100 alone. A 103 taken for the answer would leave the answer to the next request.
        while True:
            said: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # typeshed shows what is public
            if not 101 < said[1] < 200:
                return said
            parse_headers(self.fp)


def _bound(base: type[Any]) -> type[Any]:
    """A connection class of urllib3 whose handshake and replies keep to the deadline."""

    class Bounded(base):  # type: ignore[misc]  # the two bases differ only in TLS
        response_class = _BoundedResponse
        # http.client prints what is sent, the assertion and the secret in it, where a program has set
        # HTTPConnection.debuglevel to see its own calls.
        debuglevel = 0

        def _new_conn(self) -> socket.socket:
            # urllib3 gives the connection and the handshake a time-out each; here they share what is left.
            self.timeout = max(_deadline.get().left(), 0.001)
            sock: socket.socket = super()._new_conn()
            sock.settimeout(max(_deadline.get().left(), 0.001))
            return sock

        def send(self, data: Any) -> None:
            try:
                super().send(data)
            except ssl.SSLEOFError:
                # In the socket's own word, which urllib3 passes over to read what the server said before it went: in
                # TLS 1.3 that is where it says that it wants a certificate, or another one.
                raise BrokenPipeError from None

        def _tunnel(self) -> None:
            try:
                super()._tunnel()
            except (ConnectionError, HTTPException, ssl.SSLError):
                self.close()  # which urllib3 takes as a sign that it was the proxy that failed
                raise

    return Bounded


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _bound(urllib3.connection.HTTPConnection)


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _bound(urllib3.connection.HTTPSConnection)


class _Adapter(PresentingAdapter):
    """The adapter of `requests`, with pools of bounded connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
        return manager


class RequestsTransport(Presenter):
    """Sends token requests, on connections of its own that stay open between renewals.

    Args:
        verify: True, or a path to a CA bundle. There is no way to turn verification off.
        proxies: Scheme to proxy URL, as in `requests`; None: those of the environment. Plain http, which goes to this
            machine alone, is sent through none.
        certificate: A key with its certificate, presented to every https server (RFC 8705); no proxy sees it.

    Raises:
        ConfigError: `verify` is neither; `proxies` is no such dict; `certificate` is no key, or has no certificate.

    Example:
        >>> RequestsTransport(verify="/etc/ssl/corporate.pem")
        RequestsTransport()
    """

    def __init__(
        self,
        *,
        verify: bool | str | os.PathLike[str] = True,
        proxies: dict[str, str] | None = None,
        certificate: Key | None = None,
    ) -> None:
        super().__init__(certificate)
        if verify is not True and not isinstance(verify, str | os.PathLike):
            raise ConfigError(
                "verify is neither True nor a path to a CA bundle.", code="bad_argument",
                hint="A token endpoint whose certificate is not checked could be anybody's: name its CA bundle.",
            )  # fmt: skip
        pairs = proxies.items() if isinstance(proxies, dict) else () if proxies is None else ((None, None),)
        if not all(isinstance(scheme, str) and isinstance(url, str | None) for scheme, url in pairs):
            raise ConfigError(
                "proxies is no dict of scheme to proxy URL.", code="bad_argument",
                hint='For example {"https": "http://proxy.example:3128"}; {} goes past those of the environment.',
            )  # fmt: skip
        self._verify = verify if verify is True else os.fspath(verify)
        self._proxies = dict(proxies) if proxies is not None else None
        self._pooled: tuple[int, _Adapter] | None = None

    def presenting(self, certificate: Key | None) -> RequestsTransport:
        """The same settings with another certificate, or with none; its connections are its own."""
        return RequestsTransport(verify=self._verify, proxies=self._proxies, certificate=certificate)

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once and reads the reply within bounds.

        Args:
            request: What to send.
            deadline: When the last byte must have arrived.

        Raises:
            TransportError: there is no whole reply.
        """
        raw: Any = None
        failure: SaAuthError
        headers = {**request.headers, "User-Agent": _USER_AGENT}
        token = _deadline.set(deadline)
        try:
            sent = self._pool().send(
                requests.Request(request.method, request.url, headers, data=request.body).prepare(), stream=True, verify=self._ca(), proxies=self._proxies_for(request.url),
                timeout=max(deadline.left(), 0.001),
            )  # fmt: skip
            raw = sent.raw
            return self._read(sent, raw, request.url)
        except Exception as error:  # noqa: BLE001 - of requests, urllib3, http.client, ssl or the socket
            failure = translate(
                error, urlsplit(request.url).netloc, deadline, request.peer, presented=self._certificate is not None
            )
        finally:
            _deadline.reset(token)
            if raw is not None and not raw.closed and not _at_end(raw):
                raw.close()
        # Raised out here: the frames of the HTTP library hold the form, and `__context__` would keep them.
        raise failure

    def _pool(self) -> _Adapter:
        # A child process must not write on its parent's connections. Without a lock, which a fork could leave taken:
        # of two threads that make one each, the one's is used once and let go.
        pooled = self._pooled
        if pooled is None or pooled[0] != os.getpid():
            pooled = self._pooled = (os.getpid(), _Adapter(lambda: self._certificate, pool_maxsize=16))
        return pooled[1]

    def _read(self, sent: requests.Response, raw: Any, url: str) -> Response:
        headers = {name.lower(): value for name, value in sent.headers.items()}
        if 300 <= sent.status_code < 400 or sent.status_code < 200:
            raw.close()  # judged by its status alone: its body may be a bomb, or another protocol
            return Response(sent.status_code, headers)
        body = raw.read(BODY_LIMIT + 1, decode_content=True)
        if len(body) > BODY_LIMIT:
            raise TooLong
        raw.release_conn() if _at_end(raw) else raw.close()
        return Response(
            sent.status_code,
            headers,
            body,
            trusted_date=url.startswith("https:") or is_loopback(urlsplit(url).hostname or ""),
        )

    def _ca(self) -> bool | str:
        bundle = self._verify
        if bundle is True:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        if bundle is not True and not os.path.exists(bundle):
            raise ConfigError(f"There is no CA bundle at {bundle}.", code="ca_bundle")
        return bundle

    def _proxies_for(self, url: str) -> dict[str, str]:
        # Before those of the argument as well: a proxy elsewhere would read the assertion, and would look for the endpoint
        # on its own machine. Who names one for all schemes means the servers outside.
        if url.startswith("http:") and is_loopback(urlsplit(url).hostname or ""):
            return {}
        if self._proxies is not None:
            return self._proxies
        return dict(get_environ_proxies(url, no_proxy=None))

    def close(self) -> None:
        """Closes the idle connections; a later send opens new ones."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None and pooled[0] == os.getpid():
            pooled[1].close()

    def __repr__(self) -> str:
        return "RequestsTransport()" if self._certificate is None else f"RequestsTransport({self._certificate!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._certificate is not None:
            raise stays_here("A transport")
        # Any @, since a proxy may be written without a scheme as well: requests sets one before it.
        if any("@" in (proxy or "") for proxy in (self._proxies or {}).values()):
            raise ConfigError(
                "A transport whose proxies= name a user or password is not pickled.", code="not_picklable",
                hint="Make it where it is used; or leave proxies= out, and set HTTPS_PROXY there.",
            )  # fmt: skip
        return _make, (self._verify, self._proxies)


def _make(verify: Any, proxies: dict[str, str] | None) -> RequestsTransport:
    return RequestsTransport(verify=verify, proxies=proxies)


def _at_end(raw: Any) -> bool:
    original = raw._original_response  # noqa: SLF001 - no public name tells whether the reply was read to its end
    return original is None or bool(original.isclosed())
