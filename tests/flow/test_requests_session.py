"""The credentials as `auth` of a `requests` Session, over HTTP: what is set, where it may go, and what stays apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from sa_auth import ConfigError, ServiceAccountCredentials, TransportError
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import Authority
from sa_auth.wire import Response
from tests.flow.kit import PRIVATE, PUBLIC, Site


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
        (stand_in("httpx2._models", url="https://api.example/", headers={}), "httpx"),
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
    assert re.search(rf"sa_auth\.integrations\.{library}\b", caught.value.hint)
    assert authority.requests == ()
