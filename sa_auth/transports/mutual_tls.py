"""Lets an adapter of `requests` present a certificate (mutual TLS).

Rule: one SSL context for each way of verifying, never shared by two: urllib3 adds the authorities of a connection to
the context it is given, so that one context would come to trust whoever was once trusted anywhere. Whom to trust stays
what `verify` says. Source: RFC 8705 section 2; `HTTPAdapter.build_connection_pool_key_attributes` of requests 2.32.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from .._loading import load
from ..errors import ConfigError
from .certificate import stays_here


class PresentingAdapter(HTTPAdapter):
    """Presents a certificate to every https server, also through a proxy, and to no proxy.

    Args:
        certificate: Gives the `keys.Key` to present, asked before each request; a connection keeps the one it began
            with. None: nothing is presented.
        options: As of `HTTPAdapter`.
    """

    def __init__(self, certificate: Callable[[], Any], **options: Any) -> None:
        self._certificate = certificate
        self._contexts: tuple[Any, dict[Any, ssl.SSLContext]] = (None, {})
        super().__init__(**options)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """What a pool of connections is chosen by; see `requests`.

        Raises:
            ConfigError: the Session has a certificate of its own; or the key has none.
            KeyLoadError: ssl does not take the key or its certificate.
        """
        key = self._certificate()
        # The default by its path: some versions of requests have it in a context of their own alone.
        bundle = DEFAULT_CA_BUNDLE_PATH if verify is True and key is not None else verify
        host, settings = super().build_connection_pool_key_attributes(request, bundle, cert)
        if key is not None and host["scheme"] == "https":
            if cert:
                raise ConfigError(
                    "There are two certificates to present: cert= of the Session, and the adapter's.",
                    code="two_certificates", hint="Leave cert= out where this adapter is mounted.",
                )  # fmt: skip
            settings["ssl_context"] = self._context(key, verify)
        return host, settings

    def _context(self, key: Any, verify: Any) -> ssl.SSLContext:
        of, contexts = self._contexts
        if of is not key:
            of, contexts = self._contexts = (key, {})
        context = contexts.get(verify)
        if context is None:
            made = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
            load("sa_auth.keys.tls").load_into(made, key)
            # Without a lock, which a fork could leave taken: two threads may make one each, and both use the first.
            context = contexts.setdefault(verify, made)
        return context

    def __reduce__(self) -> NoReturn:
        raise stays_here("An adapter")
