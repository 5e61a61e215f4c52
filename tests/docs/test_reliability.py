"""The comparison with other clients is fair, and its page says what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

import pytest

from benchmarks.peers import ISSUER, PEERS, load, page, version
from sa_auth.testing import Authority, Server, new_key
from sa_auth.wire import Request, Response

PRIVATE, PUBLIC = new_key("rsa2048")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# google-auth signs this audience whatever endpoint it is given.
GOOGLE = "https://oauth2.googleapis.com/token"
FOUND = json.loads(page.RESULTS.read_text(encoding="utf-8"))
OURS = [
    pytest.param(situation, answer, id=f"{situation}: {row['fault']}")
    for row in FOUND["rows"]
    for situation, answer in row["cells"]["sa_auth"].items()
]


class ByClientAssertion:
    """A second door of the authority, for clients that prove themselves by an assertion (RFC 7523 section 2.2).

    The same judge looks at the same assertion; only the names of the form's fields are others.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    def __call__(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode()))
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form["grant_type"] == "client_credentials"
        renamed = {"grant_type": JWT_BEARER, "assertion": form["client_assertion"], "scope": form["scope"]}
        response = self.authority.handle(Request(request.url, urlencode(renamed).encode(), request.headers))
        broken = {verdict.rule for verdict in self.authority.requests[-1].broken}
        # msal writes fractions of seconds, which RFC 7519 allows and this authority does not.
        if broken and broken <= {"exp_present", "dates_whole"}:
            token = self.authority.issue(issuer=ISSUER, scope=form["scope"])
            body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
            return Response(200, {"content-type": "application/json"}, body.encode())
        return response


@pytest.fixture
def server() -> Iterator[Server]:
    """An authority over HTTP that knows the robot's key."""
    authority = Authority()
    authority.register(ISSUER, PUBLIC)
    second_door = ByClientAssertion(authority)
    with Server(authority, routes={"/client/token": lambda request: second_door(_at_token(request))}) as served:
        door = f"{served.url}/client/token"
        authority.audience = (GOOGLE, served.token_endpoint, door, door.replace("http:", "https:"))
        yield served


def _at_token(request: Request) -> Request:
    return Request("/token", request.body, request.headers, request.method)


@pytest.mark.parametrize("name", PEERS)
def test_every_client_signs_in(name: str, server: Server) -> None:
    """Each client gets a token from a server in order, which its API takes, keeps it, and knows for how long."""
    client_assertion = name in {"msal", "requests-oauth2client", "azure-identity"}
    endpoint = f"{server.url}/client/token" if client_assertion else server.token_endpoint
    peer = load(name)
    client = peer.open(endpoint, PRIVATE, timeout=10)
    token = client.token()
    assert client.token() == token
    assert len(server.authority.requests) == 1
    until = client.until()
    assert until is not None
    assert 3500 < until - server.authority.now() < 3700
    called = Request(f"{server.api_url}/files", b"", {"authorization": f"Bearer {token}"}, "GET")
    assert server.authority.handle(called).status == 200


@pytest.mark.parametrize("name", PEERS)
def test_every_client_is_introduced(name: str) -> None:
    """Each client has a name, a release, and a sentence on what is unfair to it."""
    peer = load(name)
    assert peer.name
    assert version(peer)[0].isdigit()
    assert peer.caveat.endswith(".")
    assert peer.own in {"sa_auth", "google.auth", "msal", "authlib", "requests_oauth2client", "azure", "oauthlib"}


def test_the_page_shows_the_results() -> None:
    """The tables on the page are what the raw results give, and the place for our figures is there."""
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, "compare-faults", page.comparison(FOUND)) == text
    for name in ("compare-faults", "figures"):
        assert text.count(f"<!-- {name}:begin -->") == text.count(f"<!-- {name}:end -->") == 1
        assert text.index(f"<!-- {name}:begin -->") < text.index(f"<!-- {name}:end -->")


def test_figures_are_shown() -> None:
    """Our figures stand with their bound, and say so where it is missed; without a run the page says how to get them."""
    assert "make bench" in page.figures(None)
    figure = {"part": "import", "floor": "import requests", "value": 1.0421, "unit": "x", "bound": 1.15, "least": False,
              "held": True, "note": ""}  # fmt: skip
    told = {"machine": {"python": "3", "system": "S", "cores": 2}, "versions": {"requests": "2"},
            "figures": [figure, {**figure, "held": False, "least": True}]}  # fmt: skip
    shown = page.figures(told)
    assert "| import | import requests | 1.04 x | at most 1.15 x |  |" in shown
    assert "at least 1.15 x | **missed** |" in shown


def test_every_client_met_every_fault() -> None:
    """No cell of those who were there is missing."""
    assert set(FOUND["peers"]) <= set(PEERS)
    for row in FOUND["rows"]:
        for name in FOUND["peers"]:
            expected = {"living"} if name == page.BACKGROUND else {"cold", "living", "gone"}
            assert row["cells"][name].keys() == expected, (row["fault"], name)


@pytest.mark.parametrize(("situation", "answer"), OURS)
def test_ours_are_in_order(situation: str, answer: dict) -> None:
    """Ours is a token or an error of our own, in time and in little memory."""
    assert answer["outcome"] in {"token", "own"}
    assert answer["seconds"] < FOUND["seconds"]["within" if situation == "gone" else "limit"]
    assert answer["mb"] < page.NOTICED


@pytest.mark.parametrize("row", FOUND["rows"], ids=lambda row: row["fault"])
def test_ours_lives_on(row: dict) -> None:
    """With a living token ours gives a token at once; after the fault it gives one."""
    cells = row["cells"]["sa_auth"]
    assert cells["living"]["outcome"] == cells["gone"]["outcome"] == "token"
    assert cells["living"]["seconds"] < 0.5
