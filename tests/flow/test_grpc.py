"""Call credentials of gRPC, over TLS on loopback, against a server that takes the authority's tokens."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials, Token
from sa_auth.integrations.grpc import AsyncRenewal, Renewal, call_credentials
from sa_auth.testing import Authority, ManualClock
from tests.flow.grpc_kit import METHOD, STREAM, Served, serving
from tests.flow.kit import EXPIRED, STALE, Site, eventually, herd


@pytest.fixture
def served(authority: Authority) -> Iterator[Served]:
    """The service over TLS."""
    with serving(authority) as made:
        yield made


@pytest.fixture
def creds(make_robot: Callable[..., ServiceAccountCredentials]) -> ServiceAccountCredentials:
    """Credentials of an identity of their own."""
    return make_robot()


def fails(call: Callable[[], Any]) -> Any:
    """The error of gRPC that comes of a call."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_cold(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """The first call gets a token, and the next ones carry the same."""
    for _ in range(3):
        assert served.call(creds) == b"x"
    assert {fields["authorization"] for fields in served.service.seen} == {creds.token().authorization}
    assert authority.exchanges == 1


def test_stale(served: Served, creds: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock) -> None:
    """Nobody waits while the token lives."""
    old = creds.token()
    sa_clock.advance(STALE)
    with authority.hold():
        assert served.call(creds) == b"x"
    assert served.service.seen[0]["authorization"] == old.authorization
    eventually(lambda: creds.token() is not old)


def test_expired_herd(
    served: Served, creds: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """Calls that find the token expired are made with the next one, for which there is one exchange."""
    creds.token()
    sa_clock.advance(EXPIRED)
    authority.delay = 0.2
    assert herd(20, lambda: served.call(creds)) == [b"x"] * 20
    assert authority.exchanges == 2
    assert authority.api.refused == 0


def test_endpoint_down_while_the_token_lives(
    served: Served, creds: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """While the token lives no failure of the token endpoint is seen."""
    creds.token()
    sa_clock.advance(STALE)
    with authority.down():
        assert served.call(creds) == b"x"


def test_endpoint_down(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """Without a token the call fails with our error's own words, and nothing is sent."""
    authority.answer(400, {"error": "invalid_grant", "error_description": "no"}, times=1)
    error = fails(lambda: served.call(creds))
    assert "invalid_grant: " in error.details()
    assert "Hint: " in error.details()
    assert served.service.seen == []


def test_refusal(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """After UNAUTHENTICATED the token is renewed once, and the call made once more; not a third time."""
    served.call(creds)
    authority.api.refuse_next(1)
    assert served.call(creds) == b"x"
    assert (authority.exchanges, authority.api.refused) == (2, 1)
    authority.api.refuse_all = True
    assert fails(lambda: served.call(creds)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert (authority.exchanges, authority.api.refused) == (2, 2), "renewals that an API forces are 30 s apart"


def test_refusal_of_a_cold_call(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """So it is where the refused token came with the call."""
    authority.api.refuse_next(1)
    assert served.call(creds) == b"x"
    assert authority.exchanges == 2


def test_without_the_interceptor(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """Call credentials alone see no answer: the caller gets the refusal."""
    authority.api.refuse_next(1)
    assert fails(lambda: served.call(creds, renewing=False)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert authority.exchanges == 1


def test_refusal_while_the_endpoint_is_down(
    served: Served, creds: ServiceAccountCredentials, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """If there is no other token the caller gets the refusal, and the log a line without the token."""
    served.call(creds)
    authority.api.refuse_next(1)
    with authority.down(), caplog.at_level(logging.DEBUG):
        assert fails(lambda: served.call(creds)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert creds.token().access_token not in caplog.text


def test_refusal_of_what_is_waited_for_later(
    served: Served, creds: ServiceAccountCredentials, authority: Authority
) -> None:
    """A stream, and a call that nobody waits for yet, are not made again; the call after them has another token."""
    authority.api.refuse_next(1)
    assert fails(lambda: served.call(creds, method=STREAM)).code() is grpc.StatusCode.UNAUTHENTICATED
    eventually(lambda: authority.api.refused == 1)
    assert served.call(creds, method=STREAM) == [b"x", b"x"]
    assert authority.exchanges == 2


def test_future(served: Served, creds: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock) -> None:
    """`.future()` comes back before there is a token."""
    creds.token()
    sa_clock.advance(EXPIRED)
    with (
        grpc.secure_channel(served.target, served.joined(creds)) as plain,
        grpc.intercept_channel(plain, Renewal(creds)) as channel,
    ):
        with authority.hold():
            call = channel.unary_unary(METHOD).future(b"x", timeout=20)
            assert not call.done()
        assert call.result(20) == b"x"
        authority.revoke_all()
        error = channel.unary_unary(METHOD).future(b"x", timeout=20).exception(20)
        # Where it has ended by the time that the interceptor looks, it was made again like a call that waits.
        assert error is None or error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert channel.unary_unary(METHOD)(b"x", timeout=20) == b"x"
    assert authority.exchanges == 3


def test_no_thread_of_grpc_waits(creds: ServiceAccountCredentials, authority: Authority) -> None:
    """The plugin comes back before there is a token, and tells it once there is."""
    import sa_auth.integrations.grpc as bridge

    told: list[Any] = []
    arrived = threading.Event()

    def callback(metadata: Any, error: Any) -> None:
        told.append((metadata, error))
        arrived.set()

    plugin = bridge._Plugin(creds, None)
    with authority.hold():
        plugin(SimpleNamespace(service_url="https://api.example/x", method_name="m"), callback)
        assert told == []
    assert arrived.wait(10)
    assert told == [((("authorization", creds.token().authorization),), None)]


class Source:
    """Gives a token, as one of the caller's own might."""

    def __init__(self, **more: Any) -> None:
        self.asked: list[tuple[str, str]] = []
        vars(self).update(more)

    def poll(self) -> Token | Future[Token]:
        return Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9)

    token = poll

    def discard(self, token: Token) -> None:
        """Keeps it."""

    def token_for(self, method: str, url: str) -> Any:
        self.asked.append((method, url))
        return self.poll()


def test_what_goes_along(served: Served) -> None:
    """What a provider wants on every call goes along, in gRPC's spelling; a token for the call is asked for by its method."""
    source = Source(per_call=True, api_headers={"X-Project": "p"})
    assert fails(lambda: served.call(source)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert (served.service.seen[0]["authorization"], served.service.seen[0]["x-project"]) == ("Bearer abc", "p")
    assert source.asked == [("POST", f"https://{served.target}/test.Files/List")]


def test_where_it_may_not_go(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """The token goes to no other host than it may; and gRPC itself sends none in the clear."""
    error = fails(lambda: served.call(creds, allowed_hosts="api.example"))
    assert "host_not_allowed: " in error.details()
    assert served.call(creds, allowed_hosts="localhost") == b"x"
    with grpc.insecure_channel(served.in_the_clear) as channel:
        error = fails(lambda: channel.unary_unary(METHOD)(b"x", timeout=5, credentials=call_credentials(creds)))
    assert "security level" in error.details()
    assert len(served.service.seen) == authority.api.calls == 1


def test_tokens_that_do_not_fit() -> None:
    """Tokens that are bound by DPoP are refused when the credentials are made; one that is for no API, with the call."""
    with pytest.raises(ConfigError, match="DPoP"):
        call_credentials(Source(proofs=object()))  # type: ignore[arg-type]
    import sa_auth.integrations.grpc as bridge

    told: list[Any] = []
    none = Token("x", "N_A", expires_at=2e9, refresh_at=2e9, issued_at=1e9)
    bridge._Plugin(Source(poll=lambda: none), None)(  # type: ignore[arg-type]
        SimpleNamespace(service_url="https://api.example/x", method_name="m"), lambda *said: told.append(said)
    )
    assert [(metadata, error.code) for metadata, error in told] == [(None, "not_for_an_api")]


def test_async(served: Served, creds: ServiceAccountCredentials, authority: Authority) -> None:
    """On grpc.aio tasks share one exchange, and after UNAUTHENTICATED a call is made once more."""
    authority.delay = 0.2

    async def main() -> list[bytes]:
        channel = grpc.aio.secure_channel(served.target, served.joined(creds), interceptors=[AsyncRenewal(creds)])
        async with channel:
            call = channel.unary_unary(METHOD)

            async def one() -> bytes:
                return await call(b"x", timeout=20)  # type: ignore[no-any-return]

            got = await asyncio.gather(*(one() for _ in range(50)))
            assert authority.exchanges == 1
            authority.api.refuse_next(1)
            got.append(await one())
            authority.api.refuse_next(1)
            with authority.down(), pytest.raises(grpc.aio.AioRpcError):
                await one()
            return got

    assert asyncio.run(main()) == [b"x"] * 51
    assert authority.exchanges == 2


def test_a_source_that_fails_at_once(served: Served, site: Site) -> None:
    """A source whose poll() raises is a call that fails, and nothing worse."""

    def poll() -> Any:
        raise SaAuthError("No.", code="mine")

    assert "mine: No." in fails(lambda: served.call(Source(poll=poll))).details()
    assert site.seen == []
