"""The bridges to foreign HTTP clients, over HTTP on loopback: the same flows for each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import aiohttp
import pytest

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials, Token
from sa_auth.integrations.aiohttp import Auth
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Response
from tests.flow.clients import CLIENTS, CONTENT, Reply, used_up, whole
from tests.flow.kit import EXPIRED, PUBLIC, STALE, Site, eventually
from tests.flow.test_dpop_flow import challenge, claims, redirect

Call = Callable[..., Reply]


@pytest.fixture
def make(make_robot: Callable[..., ServiceAccountCredentials]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own."""
    return make_robot


@pytest.fixture
def creds(make: Callable[..., ServiceAccountCredentials]) -> ServiceAccountCredentials:
    """Such credentials."""
    return make()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """Each client's name."""
    return str(request.param)


@pytest.fixture
def call(client: str) -> Call:
    """Each client."""
    return CLIENTS[client]


# --- the token's life


def test_cold(call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """The first call gets a token and carries it, in place of another header; the next ones carry the same."""
    for _ in range(3):
        seen = json.loads(call(creds, f"{site.url}/echo", headers={"Authorization": "Basic abc", "X-Mine": "m"}).body)
        assert (seen["authorization"], seen["x-mine"]) == (creds.token().authorization, "m")
    assert authority.exchanges == 1


def test_stale(
    call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority, sa_clock: ManualClock
) -> None:
    """Nobody waits while the token lives: the call is made with it, and the renewal goes on behind its back."""
    old = creds.token()
    sa_clock.advance(STALE)
    with authority.hold():
        seen = json.loads(call(creds, f"{site.url}/echo").body)
    assert seen["authorization"] == old.authorization
    eventually(lambda: creds.token() is not old)
    assert authority.exchanges == 2


def test_expired(
    call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority, sa_clock: ManualClock
) -> None:
    """An expired token is renewed before the call."""
    creds.token()
    sa_clock.advance(EXPIRED)
    assert call(creds, site.server.api_url).status == 200
    assert (authority.exchanges, authority.api.refused) == (2, 0)


def test_endpoint_down_while_the_token_lives(
    call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority, sa_clock: ManualClock
) -> None:
    """While the token lives no failure of the token endpoint is seen."""
    creds.token()
    sa_clock.advance(STALE)
    with authority.down():
        assert call(creds, site.server.api_url).status == 200


def test_endpoint_down(call: Call, make: Callable[..., Any], site: Site, authority: Authority) -> None:
    """Without a token the caller gets our error as it is, before anything is sent, and the next call may succeed."""
    creds = make()
    authority.answer(400, {"error": "invalid_grant", "error_description": "no"}, times=1)
    with pytest.raises(SaAuthError) as caught:
        call(creds, f"{site.url}/echo")
    assert (caught.value.code, caught.value.__cause__) == ("invalid_grant", None)
    assert caught.value.hint
    assert site.seen == []
    assert call(make(), f"{site.url}/echo").status == 200


# --- after a 401


def test_401(call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """After a 401 the token is renewed once, and the request sent once more."""
    call(creds, site.server.api_url)
    authority.api.refuse_next(1)
    assert call(creds, site.server.api_url).status == 200
    assert (authority.exchanges, authority.api.refused, authority.api.calls) == (2, 1, 2)


def test_persistent_401(call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """An API that refuses the new token as well is answered with its 401, and is not asked a third time."""
    authority.api.refuse_all = True
    assert call(creds, site.server.api_url).status == 401
    assert (authority.exchanges, authority.api.refused) == (2, 2)
    assert call(creds, site.server.api_url).status == 401
    assert authority.exchanges == 2, "renewals that an API forces are 30 s apart"


def test_401_while_the_endpoint_is_down(
    call: Call, make: Callable[..., Any], site: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """If there is no other token the caller gets the API's 401, and no error of ours; no log shows a token."""
    creds = make()
    call(creds, site.server.api_url)
    authority.api.refuse_next(1)
    with authority.down(), caplog.at_level(logging.DEBUG):
        assert call(creds, site.server.api_url).status == 401
    assert creds.token().access_token not in caplog.text
    assert call(creds, site.server.api_url).status == 200


@pytest.mark.parametrize("status", [400, 403, 503])
def test_other_refusals(
    status: int, call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """Only a 401 says something about the token."""
    assert call(creds, site.plan("/planned", Response(status))).status == status
    assert (authority.exchanges, len(site.seen)) == (1, 1)


@pytest.mark.parametrize(("client", "kind"), [(client, kind) for client in CLIENTS for kind in whole(client)])
def test_replay_has_the_whole_body(
    client: str, kind: str, creds: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """What is sent again is the whole body, to the byte."""
    call, url = CLIENTS[client], f"{site.server.api_url}/up"
    first = json.loads(call(creds, url, "POST", **whole(client)[kind]).body)
    authority.api.refuse_next(1)
    second = json.loads(call(creds, url, "POST", **whole(client)[kind]).body)
    assert second["received"] == first["received"] > 400
    if kind != "fields":  # whose boundary is another each time
        assert second["sha256"] == first["sha256"]
    assert authority.api.refused == 1


def test_body_that_is_used_up(
    client: str, call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """A body that cannot be had again is not sent again, least of all empty; the token is renewed for the next call."""
    for kind, given in used_up(client).items():
        call(creds, site.server.api_url)
        calls, refused, exchanges = authority.api.calls, authority.api.refused, authority.exchanges
        authority.api.refuse_next(1)
        reply = call(creds, f"{site.server.api_url}/up", "POST", **given)
        assert reply.status == 401, kind
        assert (authority.api.calls, authority.api.refused) == (calls, refused + 1)
        sent = json.loads(call(creds, f"{site.server.api_url}/up", "POST", **used_up(client)[kind]).body)
        assert sent["sha256"] == hashlib.sha256(CONTENT).hexdigest()
        assert authority.exchanges <= exchanges + 1


# --- where the token goes


@pytest.mark.parametrize(
    ("url", "allowed", "code"),
    [
        ("http://api.example/x", None, "not_https"),
        ("https://api.example/x", ["other.example"], "host_not_allowed"),
        ("https://api.example/x", "*.api.example", "host_not_allowed"),
    ],
)
def test_where_it_may_not_go(
    url: str, allowed: Any, code: str, call: Call, creds: ServiceAccountCredentials, authority: Authority
) -> None:
    """The token goes to no other host than it may, and not in the clear; that is refused before anything is asked for."""
    with pytest.raises(ConfigError) as caught:
        call(creds, url, allowed_hosts=allowed)
    assert (caught.value.code, authority.requests) == (code, ())


def test_hosts_of_the_credentials(call: Call, make: Callable[..., Any], site: Site, authority: Authority) -> None:
    """What the credentials say of hosts holds in every client."""
    with pytest.raises(ConfigError, match="host_not_allowed"):
        call(make(allowed_hosts="api.example"), site.server.api_url)
    assert authority.requests == ()
    assert call(make(allowed_hosts="127.0.0.1"), site.server.api_url).status == 200


def test_redirect_to_another_origin(
    call: Call, creds: ServiceAccountCredentials, site: Site, elsewhere: Site, authority: Authority
) -> None:
    """The token does not follow a redirect to another origin, nor come back from there; a 401 there changes nothing."""
    target = elsewhere.plan("/planned", Response(401, {"www-authenticate": "Bearer"}))
    assert call(creds, site.plan("/away", redirect(target))).status == 401
    back = elsewhere.plan("/away", redirect(f"{site.url}/echo"))
    seen = json.loads(call(creds, site.plan("/away", redirect(back))).body)
    assert "authorization" not in seen
    assert [request.url for request in elsewhere.seen] == ["/planned", "/away"]
    assert not any("authorization" in request.headers for request in elsewhere.seen)
    assert authority.exchanges == 1
    assert call(creds, site.server.api_url).status == 200


class Anywhere(BaseHTTPRequestHandler):
    """Refuses whatever it is asked, and notes the header fields."""

    seen: ClassVar[list[Any]] = []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def anywhere() -> Iterator[str]:
    """A server that takes any path: its host and port."""
    Anywhere.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Anywhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_that_is_read_in_two_ways(
    call: Call, make: Callable[..., Any], site: Site, anywhere: str, authority: Authority
) -> None:
    """Whichever of two hosts a client takes an address to be at, it is the one that is judged; in a redirect as well."""
    home = site.url.removeprefix("http://")
    with suppress(Exception):
        call(make(), site.plan("/away", redirect(f"http://{anywhere}\\@{home}/echo")))
    with suppress(Exception):
        call(make(allowed_hosts="localhost"), f"http://{anywhere}\\@localhost/echo")
    assert not any("Authorization" in fields for fields in Anywhere.seen)


def test_aiohttp_asks_again_behind_a_redirect(creds: ServiceAccountCredentials, site: Site) -> None:
    """Where another origin hangs up, aiohttp asks it once more by itself: without the token again."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):
                with listening.accept()[0] as there:
                    seen.append(there.recv(65536))
                    there.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        target = f"http://localhost:{listening.getsockname()[1]}/"
        assert CLIENTS["aiohttp"](creds, site.plan("/away", redirect(target))).status == 200
        thread.join(10)
    assert len(seen) == 2
    assert b"authorization" not in b"".join(seen).lower()


@pytest.mark.parametrize("status", [401, 503])
def test_another_middleware_asks_again_behind_a_redirect(
    creds: ServiceAccountCredentials, site: Site, elsewhere: Site, authority: Authority, status: int
) -> None:
    """A retry by another middleware carries no token to another origin, and renews none; the next call is as any."""

    async def retry(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        answers = [await handler(request) for _ in range(3 if request.url.path == "/planned" else 1)]
        return answers[-1]

    async def calls() -> list[int]:
        target = elsewhere.plan("/planned", *[Response(status, {"www-authenticate": "Bearer"})] * 3)
        urls = (site.plan("/away", redirect(target)), site.server.api_url)
        async with aiohttp.ClientSession(middlewares=(retry, Auth(creds))) as session:
            return [(await session.get(url)).status for url in urls]

    assert asyncio.run(calls()) == [status, 200]
    assert len(elsewhere.seen) == 3
    assert not any("authorization" in request.headers for request in elsewhere.seen)
    assert authority.exchanges == 1


def test_redirect_within_the_origin(
    call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """Within the origin the token goes along, and a 401 behind the redirect renews it."""
    near = redirect("/api/moved")
    assert call(creds, site.plan("/near", near)).status == 200
    authority.api.refuse_next(1)
    assert call(creds, site.plan("/near", near)).status == 200
    assert authority.exchanges == 2


def test_a_post_that_became_a_get(
    client: str, call: Call, creds: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """Behind a 303 it is the GET that is sent again, and not the POST that was done."""
    authority.api.refuse_next(1)
    given = whole(client)["json"]
    reply = call(creds, site.plan("/near", redirect("/api/done", 303)), "POST", **given)
    assert (reply.status, json.loads(reply.body)["method"], json.loads(reply.body)["received"]) == (200, "GET", 0)
    assert [request.method for request in site.seen] == ["POST"]


# --- what goes with it


class Source:
    """Gives tokens, as one of the caller's own might: the acts alone, and what the test adds."""

    def __init__(self, **more: Any) -> None:
        self.asked: list[tuple[str, str]] = []
        vars(self).update(more)

    def token(self) -> Token:
        return Token("canary-Xo7", expires_at=2e9, refresh_at=2e9, issued_at=1e9)

    def poll(self) -> Token | Future[Token]:
        return self.token()

    def token_for(self, method: str, url: str) -> Token:
        self.asked.append((method, url))
        return self.token()

    def discard(self, token: Token) -> None:
        raise AssertionError("nothing is to be discarded")


def test_a_source_of_ones_own(call: Call, site: Site) -> None:
    """Anything with the three acts feeds a bridge; what a provider wants on every call goes along."""
    source = Source(api_headers={"beta": "+b", "kind": "k"})
    seen = json.loads(call(source, f"{site.url}/echo", headers={"Beta": "a"}).body)
    assert (seen["authorization"], seen["beta"], seen["kind"]) == ("Bearer canary-Xo7", "a,b", "k")


def test_a_token_for_the_call(call: Call, site: Site) -> None:
    """Where each call has a token of its own it is asked for by this call's method and address, and never renewed."""
    source = Source(per_call=True)
    url = site.plan("/planned", Response(401))
    assert call(source, f"{url}?a=b").status in {200, 401}
    assert call(source, url, "DELETE").status == 401
    assert source.asked == [("GET", f"{url}?a=b"), ("DELETE", url)]


def test_a_token_that_is_for_no_api(call: Call, site: Site) -> None:
    """An assertion for another exchange (token_type N_A) is not sent to an API."""
    source = Source(token=lambda: Token("x", "N_A", expires_at=2e9, refresh_at=2e9, issued_at=1e9))
    with pytest.raises(ConfigError, match="not_for_an_api"):
        call(source, f"{site.url}/echo")
    assert site.seen == []


def test_no_frame_shows_the_token(call: Call, site: Site) -> None:
    """What a reporter of errors sees of the frames of ours that an error passes holds no token."""

    class Failing:
        def proof(self, *_: Any) -> str:
            raise SaAuthError("No proof.")

    with pytest.raises(SaAuthError) as caught:
        call(Source(proofs=Failing()), f"{site.url}/echo")
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if "/sa_auth/" in frame.f_code.co_filename]
    assert len(ours) > 2
    assert not any("canary-Xo7" in repr(frame.f_locals) for frame in ours)


# --- tokens that are bound to a key


@pytest.fixture
def bound(make: Callable[..., Any], authority: Authority) -> ServiceAccountCredentials:
    """Credentials with DPoP."""
    authority.register("bound", PUBLIC, dpop_bound=True)
    found: ServiceAccountCredentials = make(issuer="bound", dpop=True)
    return found


def test_proof_of_each_call(call: Call, bound: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """Each call has a proof of its own, for its method and address; a nonce that is asked for costs one more call."""
    assert call(bound, site.server.api_url).status == 200
    url = site.plan("/planned", challenge("n1"))
    assert call(bound, f"{url}?page=2", "PUT").status == 200
    call(bound, f"{site.url}/planned")
    made = [claims(request.headers["dpop"]) for request in site.seen]
    assert len({claim["jti"] for claim in made}) == len(made)
    assert all(claim["htu"] == url for claim in made)
    assert authority.exchanges == 1


def test_endless_challenges(call: Call, bound: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """A server that wants another nonce each time is asked twice; its 401 says nothing about the token."""
    url = site.plan("/planned", *(challenge(f"n{count}") for count in range(9)))
    assert call(bound, url).status == 401
    assert (len(site.seen), authority.exchanges) == (2, 1)


def test_proof_behind_a_redirect(
    call: Call, bound: ServiceAccountCredentials, site: Site, authority: Authority
) -> None:
    """Behind a redirect within the origin the proof is for the new address, and costs no renewal."""
    assert call(bound, site.plan("/near", redirect("/api/moved"))).status == 200
    assert authority.exchanges == 1
