"""The credentials as `auth` of a `requests` Session, over HTTP: what is set, what is sent again, what stays apart."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from sa_auth import ConfigError, ServiceAccountCredentials, TransportError
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Response
from tests.flow.kit import PRIVATE, PUBLIC, Site, herd


@pytest.fixture
def make(make_robot: Callable[..., ServiceAccountCredentials]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own."""
    return make_robot


def test_header_is_set(session: requests.Session, site: Site, authority: Authority) -> None:
    """The Authorization header is set, in place of any other, and every other header stays as it was."""
    session.headers["X-Mine"] = "one"
    given = {"Authorization": "Basic abc", "X-Yours": "two", "Accept": "text/plain"}
    seen = session.get(f"{site.server.url}/echo", headers=given, timeout=10).json()
    bare = requests.get(f"{site.server.url}/echo", headers={"X-Mine": "one", **given}, timeout=10).json()
    assert seen.pop("authorization") == session.auth.token().authorization  # type: ignore[union-attr]
    bare.pop("authorization")
    assert seen == bare
    assert authority.exchanges == 1


def test_one_call_without_a_session(make: Callable[..., ServiceAccountCredentials], site: Site) -> None:
    """The same object serves `requests.get(..., auth=)`."""
    creds = make()
    for _ in range(3):
        assert requests.get(f"{site.server.api_url}/x", auth=creds, timeout=10).status_code == 200
    assert site.server.authority.exchanges == 1


# --- after a 401


CONTENT = bytes(range(256)) * 300


def file_at(folder: Path, position: int) -> Any:
    """An open file that was read so far."""
    (folder / "body").write_bytes(b"x" * position + CONTENT)
    opened = (folder / "body").open("rb")
    opened.seek(position)
    return opened


def in_memory(position: int) -> io.BytesIO:
    """A file in memory that was read so far."""
    body = io.BytesIO(b"x" * position + CONTENT)
    body.seek(position)
    return body


WHOLE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bytes": lambda _folder: {"data": CONTENT},
    "bytearray": lambda _folder: {"data": bytearray(CONTENT)},
    "text": lambda _folder: {"data": "grüße" * 1000},
    "form": lambda _folder: {"data": {"a": "b" * 5000}},
    "json": lambda _folder: {"json": {"a": ["b"] * 500}},
    "file": lambda folder: {"data": file_at(folder, 0)},
    "file at an offset": lambda folder: {"data": file_at(folder, 77)},
    "BytesIO": lambda _folder: {"data": in_memory(0)},
    "BytesIO at an offset": lambda _folder: {"data": in_memory(5)},
    "multipart": lambda folder: {"files": {"upload": file_at(folder, 0)}, "data": {"a": "b"}},
}


@pytest.mark.parametrize("name", WHOLE)
def test_replay_has_the_whole_body(
    name: str, session: requests.Session, site: Site, authority: Authority, tmp_path: Path
) -> None:
    """After a 401 the token is renewed once and the request sent once more, with the body it had from its beginning."""
    session.get(site.server.api_url, timeout=10)
    given = WHOLE[name](tmp_path)
    body = given.get("data")
    if name == "multipart":
        sent = None  # its boundary is random: the length must do, and that it is no other than the first
    elif hasattr(body, "read"):
        sent = CONTENT
    else:
        prepared: Any = requests.Request("POST", site.server.api_url, **given).prepare().body
        sent = prepared.encode() if isinstance(prepared, str) else bytes(prepared)
    authority.api.refuse_next(1)
    answer = session.post(f"{site.server.api_url}/upload", timeout=10, **given)
    for part in (body, *given.get("files", {}).values()):
        if hasattr(part, "close"):
            part.close()
    assert answer.status_code == 200
    assert [before.status_code for before in answer.history] == [401]
    received = answer.json()
    if sent is None:
        assert received["received"] == int(answer.request.headers["Content-Length"]) > len(CONTENT)
        sent = answer.request.body
    assert received["sha256"] == hashlib.sha256(sent).hexdigest()
    assert (received["received"], received["method"]) == (len(sent), "POST")
    assert (authority.exchanges, authority.api.refused) == (2, 1)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_replay_without_a_body(method: str, session: requests.Session, site: Site, authority: Authority) -> None:
    """A request without a body is simply sent again."""
    authority.api.refuse_next(1)
    answer = session.request(method, site.server.api_url, timeout=10)
    assert (answer.status_code, answer.json()["received"], authority.exchanges) == (200, 0, 2)


def generated() -> Iterator[bytes]:
    """A body that can be had once."""
    yield CONTENT[:1000]
    yield CONTENT[1000:]


class OneWay(io.RawIOBase):
    """A file that says it cannot be sought in."""

    def __init__(self) -> None:
        self.left = CONTENT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class Liar(io.BytesIO):
    """A file whose seek does nothing once it was read."""

    read_once = False

    def read(self, size: int | None = -1) -> bytes:
        self.read_once = True
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.tell() if self.read_once else super().seek(offset, whence)


def pipe() -> Any:
    """The reading end of a pipe that somebody fills."""
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as end:
            end.write(CONTENT)

    threading.Thread(target=fill, daemon=True).start()
    return os.fdopen(reading, "rb")


ONCE: dict[str, Callable[[], Any]] = {
    "generator": generated,
    "pipe": pipe,
    "file that cannot be sought in": lambda: io.BufferedReader(OneWay()),
    "file whose seek lies": lambda: Liar(CONTENT),
}


@pytest.mark.parametrize("name", ONCE)
def test_body_that_is_used_up(name: str, session: requests.Session, site: Site, authority: Authority) -> None:
    """A body that cannot be had again is not sent again, least of all empty: the caller gets the 401."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    body = ONCE[name]()
    answer = session.post(f"{site.server.api_url}/upload", data=body, timeout=10)
    assert (answer.status_code, answer.history) == (401, [])
    assert (authority.api.calls, authority.api.refused) == (1, 1)
    if hasattr(body, "close"):
        body.close()
    again = session.post(f"{site.server.api_url}/upload", data=generated(), timeout=10)
    assert again.json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert authority.exchanges == 2, "the token was renewed all the same, so the caller's next try succeeds"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 407, 409, 429, 500, 502, 503])
def test_other_refusals_renew_nothing(status: int, session: requests.Session, site: Site, authority: Authority) -> None:
    """Only a 401 says something about the token."""
    url = site.plan("/planned", Response(status, {"www-authenticate": 'Bearer error="invalid_token"'}))
    answer = session.get(url, timeout=10)
    assert (answer.status_code, answer.history, len(site.seen)) == (status, [], 1)
    assert authority.exchanges == 1


def test_persistent_401(session: requests.Session, site: Site, authority: Authority, sa_clock: ManualClock) -> None:
    """An API that says 401 to the new token as well is answered with that 401; renewals stay 30 seconds apart."""
    authority.api.refuse_all = True
    first = session.get(site.server.api_url, timeout=10)
    assert (first.status_code, len(first.history), authority.exchanges) == (401, 1, 2)
    for _ in range(29):
        sa_clock.advance(1)
        answer = session.get(site.server.api_url, timeout=10)
        assert (answer.status_code, answer.history) == (401, [])
    assert authority.exchanges == 2
    sa_clock.advance(1)
    assert len(session.get(site.server.api_url, timeout=10).history) == 1
    assert authority.exchanges == 3


def test_401_while_the_endpoint_is_down(
    session: requests.Session, site: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """If the token cannot be renewed the caller gets the API's 401, no error of ours, and a log line."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    with authority.down(), caplog.at_level(logging.WARNING, "sa_auth"):
        answer = session.get(site.server.api_url, timeout=10)
    assert (answer.status_code, answer.history) == (401, [])
    assert caplog.records
    assert session.get(site.server.api_url, timeout=10).status_code == 200


def test_threads_with_the_same_refused_token(session: requests.Session, site: Site, authority: Authority) -> None:
    """Threads whose token was revoked all succeed after one renewal."""
    session.get(site.server.api_url, timeout=10)
    authority.revoke_all()
    authority.delay = 0.1

    def call() -> int:
        with requests.Session() as own:
            own.auth = session.auth
            return own.get(site.server.api_url, timeout=10).status_code

    assert herd(20, call) == [200] * 20
    assert authority.exchanges == 2


def test_answer_after_a_replay(session: requests.Session, site: Site) -> None:
    """The second answer stands in the first one's place: its request, its history, its cookies, its own hooks."""
    url = site.plan("/planned", Response(401, {"set-cookie": "sid=fresh; Path=/"}))
    heard = []
    answer = session.get(url, timeout=10, hooks={"response": lambda got, **_: heard.append(got.status_code)})
    assert answer.status_code == 200
    assert [before.status_code for before in answer.history] == [401]
    assert answer.request.headers["Authorization"] == f"Bearer {session.auth.token().access_token}"  # type: ignore[union-attr]
    assert answer.history[0].request.headers["Authorization"] != answer.request.headers["Authorization"]
    assert answer.json()["cookie"] == "sid=fresh", "what the first answer set comes along"
    assert session.cookies["sid"] == "fresh"
    assert heard


def test_stream(session: requests.Session, site: Site, authority: Authority) -> None:
    """stream=True holds for the second answer: its body is still to be read, and the first connection is let go."""
    authority.api.refuse_next(1)
    with session.get(f"{site.server.api_url}/big", stream=True, timeout=10) as answer:
        assert answer.raw.closed is False
        assert answer._content is False  # type: ignore[attr-defined]
        assert json.loads(b"".join(answer.iter_content(16)))["path"] == "/api/big"
    assert answer.history[0].raw.closed
    assert answer.status_code == 200


def test_connection_is_used_again(session: requests.Session, site: Site, authority: Authority) -> None:
    """The replay goes over the connection that brought the 401."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    assert session.get(site.server.api_url, timeout=10).status_code == 200
    pools = session.get_adapter("http://").poolmanager.pools  # type: ignore[attr-defined]
    assert [pool.num_connections for pool in map(pools.get, pools.keys())] == [1]


# --- redirects and netrc


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A netrc with a password for every host here."""
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login canary password canary\nmachine localhost login canary password canary\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


def test_redirect_to_another_origin(
    session: requests.Session, site: Site, elsewhere: Site, authority: Authority
) -> None:
    """The token does not follow a redirect to another origin; a 401 there renews nothing and sends nothing again."""
    target = elsewhere.plan("/planned", Response(401, {"www-authenticate": "Bearer"}))
    answer = session.get(site.plan("/away", Response(302, {"location": target})), timeout=10)
    assert answer.status_code == 401
    assert len(elsewhere.seen) == 1
    assert "authorization" not in elsewhere.seen[0].headers
    assert authority.exchanges == 1
    assert session.get(site.server.api_url, timeout=10).status_code == 200
    assert authority.exchanges == 1


def test_redirect_to_another_name_of_this_host(session: requests.Session, site: Site, authority: Authority) -> None:
    """Another name for the same machine is another origin."""
    target = f"http://localhost:{site.server.url.rpartition(':')[2]}/api"
    answer = session.get(site.plan("/away", Response(307, {"location": target})), timeout=10)
    assert (answer.status_code, authority.exchanges) == (401, 1)


@pytest.mark.usefixtures("netrc")
def test_redirect_within_the_origin(session: requests.Session, site: Site, authority: Authority) -> None:
    """Within the origin the token goes along, netrc or not, and a 401 behind the redirect renews it."""
    location = Response(302, {"location": "/api/moved"})
    assert session.get(site.plan("/near", location), timeout=10).status_code == 200
    authority.api.refuse_next(1)
    assert session.get(site.plan("/near", location), timeout=10).status_code == 200
    assert authority.exchanges == 2


@pytest.mark.usefixtures("netrc")
def test_netrc_has_no_say(session: requests.Session, site: Site, elsewhere: Site, authority: Authority) -> None:
    """Whatever netrc says: the first request carries the token, the exchange no password, another origin nothing."""
    seen = session.get(f"{site.server.url}/echo", timeout=10).json()
    assert seen["authorization"].startswith("Bearer ")
    assert "authorization" not in authority.requests[0].http_headers
    session.get(site.plan("/away", Response(302, {"location": elsewhere.plan("/echo")})), timeout=10)
    assert "authorization" not in elsewhere.seen[0].headers


# --- where the token may go


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/x", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/", "http://evil.example/?127.0.0.1", "http://0.0.0.0/", "http://10.0.0.1/",
        "HTTP://API.EXAMPLE/",
    ],
)  # fmt: skip
def test_no_plain_http(url: str, session: requests.Session, authority: Authority) -> None:
    """A token is not sent in the clear but to this machine; that is refused before anything is sent or asked for."""
    with pytest.raises(ConfigError) as caught:
        session.get(url, timeout=10)
    assert (caught.value.code, bool(caught.value.hint)) == ("not_https", True)
    assert authority.requests == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_plain_http_to_this_machine(host: str, session: requests.Session, site: Site) -> None:
    """To this machine plain http is fine."""
    assert session.get(site.server.api_url.replace("127.0.0.1", host), timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("allowed", "good", "bad"),
    [
        ("api.example", ["https://api.example/x", "https://API.example:8443/"], ["https://www.api.example/"]),
        (["a.example", "b.example"], ["https://a.example/", "https://b.example/"], ["https://c.example/"]),
        ("*.example", ["https://a.example/", "https://a.b.EXAMPLE/"], ["https://example/", "https://badexample/"]),
        ((), [], ["https://api.example/", "http://127.0.0.1/"]),
        (
            "api.example",
            [],
            ["https://api.example.evil.test/", "https://api.example@evil.test/", "http://api.example/"],
        ),
    ],
)
def test_allowed_hosts(
    allowed: Any, good: list[str], bad: list[str], make: Callable[..., ServiceAccountCredentials], authority: Authority
) -> None:
    """allowed_hosts names the hosts the token may be sent to, each with all of its ports, and no other gets it."""
    creds = make(allowed_hosts=allowed)
    for url in bad:
        with pytest.raises(ConfigError) as caught:
            requests.Request("GET", url, auth=creds).prepare()
        assert caught.value.code in {"host_not_allowed", "not_https"}
        assert caught.value.hint
    assert authority.requests == ()
    for url in good:
        assert "Authorization" in requests.Request("GET", url, auth=creds).prepare().headers


# --- the caller's session and the exchange


def test_session_stays_apart(session: requests.Session, site: Site, authority: Authority) -> None:
    """Cookies, headers, parameters, hooks and adapters of the caller's session do not reach the exchange."""
    heard: list[str] = []

    class Counting(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            heard.append(f"adapter {request.url}")
            return super().send(request, *args, **kwargs)

    session.mount("http://", Counting())
    session.cookies.set("sid", "canary")
    session.headers["X-Canary"] = session.headers["User-Agent"] = "canary"
    session.params = {"canary": "1"}
    session.hooks["response"].append(lambda got, **_: heard.append(f"hook {got.url}"))
    seen = session.get(f"{site.server.url}/planned", timeout=10)
    assert seen.json()["cookie"] == "sid=canary"
    assert len(heard) == 2
    assert not any("/token" in line for line in heard)
    record = authority.requests[0]
    assert "canary" not in json.dumps(dict(record.http_headers))
    assert set(record.form) == {"grant_type", "assertion"}


def test_cookie_of_the_endpoint_is_not_kept(session: requests.Session, site: Site, authority: Authority) -> None:
    """A cookie that the token endpoint sets goes neither into the session nor back to the endpoint."""
    token = {"access_token": authority.issue(), "expires_in": 60}
    authority.answer(200, token, {"set-cookie": "sid=canary; Path=/"}, times=1)
    session.get(site.server.api_url, timeout=10)
    authority.revoke_all()
    session.get(site.server.api_url, timeout=10)
    assert len(authority.requests) == 2
    assert "cookie" not in authority.requests[1].http_headers
    assert len(session.cookies) == 0


def test_unverified_session_does_not_unverify_the_exchange(sa_authority: Authority, tmp_path: Path) -> None:
    """verify=False of the session leaves the token endpoint's certificate checked."""
    chain, bundle = tmp_path / "chain.pem", tmp_path / "ca.pem"
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    ca.cert_pem.write_to_path(str(bundle))
    sa_authority.register("robot", PUBLIC)
    with sa_authority.serve(certificate=chain) as server, requests.Session() as session:
        session.verify = False
        session.auth = ServiceAccountCredentials(
            PRIVATE, issuer="robot", token_endpoint=server.token_endpoint, cache=MemoryCache()
        )
        with pytest.raises(TransportError) as caught:
            session.get(server.api_url, timeout=10)
    assert caught.value.code == "tls_failed"
    assert sa_authority.requests == ()


# --- other libraries


def stand_in(module: str, **attributes: Any) -> Any:
    """A request object of another library."""
    return type("Request", (), {"__module__": module, **attributes})()


@pytest.mark.parametrize(
    ("request_of", "library"),
    [
        (stand_in("httpx._models", url="https://api.example/", headers={}), "httpx"),
        (stand_in("aiohttp.client_reqrep", url="https://api.example/", hooks=None), "aiohttp"),
        (stand_in("niquests.models", url="https://api.example/", hooks={}, headers={}), "niquests"),
        (stand_in("urllib.request", full_url="https://api.example/"), "urllib"),
        (None, "builtins"),
    ],
)  # fmt: skip
def test_foreign_request(
    request_of: Any, library: str, make: Callable[..., ServiceAccountCredentials], authority: Authority
) -> None:
    """Another library's request is refused in words that name its bridge, before a token is asked for."""
    with pytest.raises(ConfigError) as caught:
        make()(request_of)
    assert caught.value.code == "foreign_request"
    assert f"sa_auth.integrations.{library}" in caught.value.hint
    assert authority.requests == ()
