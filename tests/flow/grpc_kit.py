"""A gRPC service on loopback, over TLS and in the clear, that takes the authority's tokens; and channels to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import trustme

from sa_auth.integrations.grpc import Renewal, call_credentials
from sa_auth.testing import Authority
from sa_auth.wire import Request

CA = trustme.CA()
METHOD, STREAM = "/test.Files/List", "/test.Files/Watch"


class Service(grpc.GenericRpcHandler):
    """Says what it was asked, to whoever brings a live token."""

    def __init__(self, authority: Authority) -> None:
        self.authority, self.seen = authority, []  # type: ignore[var-annotated]

    def service(self, details: Any) -> Any:
        if details.method == STREAM:
            return grpc.unary_stream_rpc_method_handler(self.watch)
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, request: bytes, context: Any) -> bytes:
        fields = dict(context.invocation_metadata())
        self.seen.append(fields)
        header = {"authorization": fields.get("authorization", "")}
        if self.authority.api.handle(Request("https://localhost/api", method="GET", headers=header)).status != 200:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
        return request

    def watch(self, request: bytes, context: Any) -> Iterator[bytes]:
        yield self.answer(request, context)
        yield request


class Served:
    """Where the service is, and channels to it."""

    def __init__(self, service: Service, port: int, port_in_the_clear: int) -> None:
        self.service, self.target, self.in_the_clear = service, f"localhost:{port}", f"127.0.0.1:{port_in_the_clear}"
        self.ssl = grpc.ssl_channel_credentials(CA.cert_pem.bytes())

    def joined(self, source: Any, **given: Any) -> grpc.ChannelCredentials:
        """The channel's credentials and the calls'."""
        return grpc.composite_channel_credentials(self.ssl, call_credentials(source, **given))

    def call(self, source: Any, *, renewing: bool = True, method: str = METHOD, **given: Any) -> Any:
        """Makes a call on a channel of its own, and gives its answer."""
        with grpc.secure_channel(self.target, self.joined(source, **given)) as plain:
            channel = grpc.intercept_channel(plain, Renewal(source)) if renewing else plain
            if method == STREAM:
                return list(channel.unary_stream(method)(b"x", timeout=20))
            return channel.unary_unary(method)(b"x", timeout=20)


@contextmanager
def serving(authority: Authority) -> Iterator[Served]:
    """Runs the service."""
    service = Service(authority)
    server = grpc.server(ThreadPoolExecutor(8), handlers=(service,))
    leaf = CA.issue_cert("localhost")
    pair = (leaf.private_key_pem.bytes(), b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials((pair,)))
    port_in_the_clear = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Served(service, port, port_in_the_clear)
    finally:
        server.stop(None).wait(10)
