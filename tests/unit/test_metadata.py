"""What a server says of itself: believed only under the very name it was asked by, and read no oftener than needed."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth import ConfigError, ResponseError, Retry, SaAuthError, ServiceAccountCredentials, TransportError
from sa_auth._clock import Deadline
from sa_auth.caches import MemoryCache
from sa_auth.keys import from_pem
from sa_auth.metadata import Metadata
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import ManualClock, new_key
from sa_auth.wire import Request, Response

KEY = from_pem(new_key("p256")[0])
SERVER = "https://as.example/tenant"
OAUTH = "https://as.example/.well-known/oauth-authorization-server/tenant"
OPENID = "https://as.example/tenant/.well-known/openid-configuration"
ENDPOINT = "https://tokens.example/token"
REVOKE = "https://tokens.example/revoke"
Page = Response | SaAuthError | list[Any]


class Web:
    """A transport over planned pages, several of one address in turn; where there is none, 404.

    Args:
        takes: Seconds that pass with each request.
    """

    certificate_thumbprint = ""

    def __init__(self, clock: ManualClock, pages: dict[str, Page], takes: float = 0.0) -> None:
        self.clock, self.takes = clock, takes
        self.pages: dict[str, Page] = {ENDPOINT: token(), REVOKE: Response(200), **pages}
        self.asked: list[Request] = []
        self.left: list[float] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Notes the request and what was left of the deadline."""
        self.asked.append(request)
        self.left.append(deadline.left())
        self.clock.advance(self.takes)
        page = self.pages.get(request.url, Response(404))
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        if isinstance(page, SaAuthError):
            raise page
        assert isinstance(page, Response)
        return page

    @property
    def urls(self) -> list[str]:
        """Where requests went."""
        return [request.url for request in self.asked]

    @property
    def posts(self) -> list[dict[str, list[str]]]:
        """The forms that were sent."""
        return [parse_qs(request.body.decode()) for request in self.asked if request.method == "POST"]


class Counting(LocalSigner):
    """A signer that counts."""

    signed = 0

    def sign(self, data: bytes) -> bytes:
        """Signs and counts."""
        self.signed += 1
        return super().sign(data)


def token() -> Response:
    """An honest answer of a token endpoint."""
    return Response(200, {}, b'{"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}')


def says(**changes: Any) -> Response:
    """Honest metadata, with changes; None removes a field."""
    fields = {"issuer": SERVER, "token_endpoint": ENDPOINT, "revocation_endpoint": REVOKE, **changes}
    return Response(200, {}, json.dumps({name: value for name, value in fields.items() if value is not None}).encode())


def claims(jwt: str) -> dict[str, Any]:
    """The claims of a JWT."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
    return found


@pytest.fixture
def signer() -> Counting:
    """A signer of its own count."""
    return Counting(KEY)


@pytest.fixture
def make(sa_clock: ManualClock, signer: Counting) -> Callable[..., tuple[Web, ServiceAccountCredentials]]:
    """Makes a web of pages, and credentials that know the server's name alone."""

    def made(
        pages: dict[str, Page] | Page, *, takes: float = 0.0, **changes: Any
    ) -> tuple[Web, ServiceAccountCredentials]:
        web = Web(sa_clock, pages if isinstance(pages, dict) else {OAUTH: pages}, takes)
        given: dict[str, Any] = {
            "issuer": "robot", "server": SERVER, "grant": "client_credentials", "transport": web, "clock": sa_clock,
            "cache": MemoryCache(),
        }  # fmt: skip
        return web, ServiceAccountCredentials(signer, **{**given, **changes})

    return made


def fails(creds: ServiceAccountCredentials) -> SaAuthError:
    """The error that comes of it."""
    with pytest.raises(SaAuthError) as caught:
        creds.token()
    return caught.value


# --- where they are looked for, and when


HOME, KNOWN = "https://as.example", "/.well-known/oauth-authorization-server"


@pytest.mark.parametrize(
    ("issuer", "first", "second"),
    [
        (HOME, f"{HOME}{KNOWN}", f"{HOME}/.well-known/openid-configuration"),
        (f"{HOME}/", f"{HOME}{KNOWN}", f"{HOME}/.well-known/openid-configuration"),
        (SERVER, OAUTH, OPENID),
        (f"{SERVER}/", OAUTH, OPENID),
        (f"{HOME}:8443/a/b", f"{HOME}:8443{KNOWN}/a/b", f"{HOME}:8443/a/b/.well-known/openid-configuration"),
    ],
)  # fmt: skip
def test_addresses(issuer: str, first: str, second: str) -> None:
    """RFC 8414 inserts its name between host and path, OpenID appends its own; a slash at the end goes before either."""
    assert Metadata(issuer).addresses[:2] == (first, second)


def test_not_asked_where_the_endpoint_is_known(make: Callable[..., Any]) -> None:
    """With token_endpoint= nothing is looked up, though server= is there for the client assertion's audience."""
    web, creds = make({}, token_endpoint=ENDPOINT)
    creds.token()
    assert web.urls == [ENDPOINT]
    assert claims(web.posts[0]["client_assertion"][0])["aud"] == SERVER


def test_what_is_asked_shows_nothing(make: Callable[..., Any]) -> None:
    """The question is a bare GET: no client, no assertion, no proof."""
    web, creds = make(says(), dpop=True)
    fails(creds)  # a bearer token where one bound by DPoP was asked for
    question = web.asked[0]
    assert (question.method, question.body, dict(question.headers)) == ("GET", b"", {"Accept": "application/json"})


def test_never_an_audience(make: Callable[..., Any]) -> None:
    """The audience of a grant, as of a client assertion, is server= and never an address that metadata name."""
    web, creds = make(says(), grant="jwt_bearer")
    creds.token()
    assert claims(web.posts[0]["assertion"][0])["aud"] == SERVER
    web, creds = make(says())
    creds.token()
    assert claims(web.posts[0]["client_assertion"][0])["aud"] == SERVER


# --- what is believed


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example/tenant", None, f"{SERVER}/", SERVER.upper(), "https://AS.example/tenant", f"{SERVER} ",
        "https://as.example:443/tenant", "http://as.example/tenant", "https://as.example", [SERVER], {"is": SERVER}, 1,
        "", "x\nforged", "A" * 100_000,
    ],
)  # fmt: skip
def test_foreign_issuer(issuer: Any, make: Callable[..., Any], signer: Counting) -> None:
    """Metadata of any other issuer, down to a slash or a letter's case, end in an error before anything is signed."""
    web, creds = make(says(issuer=issuer))
    error = fails(creds)
    assert (type(error), error.code, error.retryable, error.attempts) == (ResponseError, "foreign_issuer", False, 0)
    assert (signer.signed, web.urls) == (0, [OAUTH])
    assert len(str(error)) < 1000
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "address",
    [
        "http://tokens.example/token", "http://127.0.0.1/token", "https://user:pw@tokens.example/token",
        "https://user@tokens.example/token", "/token", "//tokens.example/token", "tokens.example/token", 7, True,
        [ENDPOINT], {}, "", "https:///token", "https://tokens.example/token#x", "https://tokens.example/ token",
        "ftp://tokens.example/token", "https://tokens.example:99999/token", "https://tokens.example\\@evil.example/",
    ],
)  # fmt: skip
def test_bad_endpoint(address: Any, make: Callable[..., Any], signer: Counting) -> None:
    """An address in them that secrets must not go to ends in an error before anything is signed or sent."""
    web, creds = make(says(token_endpoint=address))
    error = fails(creds)
    assert (error.code, error.retryable, error.attempts) == ("bad_endpoint", False, 0)
    assert error.hint
    assert (signer.signed, web.posts) == (0, [])


def test_plain_http_from_this_machine_to_another(make: Callable[..., Any], signer: Counting) -> None:
    """A server on this machine may be spoken to in the clear; what it says of another machine may not."""
    home = "http://127.0.0.1:8080"
    where = f"{home}/.well-known/oauth-authorization-server"
    web, creds = make({where: says(issuer=home, token_endpoint="http://tokens.example/token")}, server=home)
    assert (fails(creds).code, signer.signed, web.posts) == ("bad_endpoint", 0, [])


@pytest.mark.parametrize("name", ["issuer", "token_endpoint", "revocation_endpoint"])
def test_twice(name: str, make: Callable[..., Any], signer: Counting) -> None:
    """A deciding member that stands there twice is two servers' word, and neither is believed."""
    body = says().body.replace(b"{", f'{{"{name}": "https://evil.example/", '.encode(), 1)
    web, creds = make(Response(200, {}, body))
    assert (fails(creds).code, signer.signed, web.posts) == ("duplicate_field", 0, [])


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Response(200, {"content-type": "text/html"}, b"<html>Welcome</html>"), "not_json"),
        (Response(200, {}, b"[]"), "not_json"), (Response(200), "not_json"),
        (Response(302, {"location": ENDPOINT}), "redirect"),
        (Response(404), "no_metadata"), (Response(403, {}, b"<html>"), "no_metadata"), (Response(503), "no_metadata"),
        (TransportError("cut", code="incomplete", retryable=True), "incomplete"),
        (says(token_endpoint=None), "no_token_endpoint"),
    ],
    ids=str,
)  # fmt: skip
def test_no_metadata(page: Page, code: str, make: Callable[..., Any], signer: Counting) -> None:
    """A page, a redirect, an absence, a broken connection or no endpoint is an error with a hint; nothing is signed."""
    web, creds = make({OAUTH: page})
    error = fails(creds)
    assert (error.code, signer.signed, web.posts, error.attempts) == (code, 0, [], 0)
    assert error.hint or isinstance(page, SaAuthError)


@pytest.mark.parametrize(("presents", "where"), [("", ENDPOINT), ("thumbprint", "https://mtls.example/token")])
def test_aliases_for_mutual_tls(presents: str, where: str, make: Callable[..., Any]) -> None:
    """The addresses for mutual TLS are used where a certificate is presented, and nowhere else."""
    web, creds = make(says(mtls_endpoint_aliases={"token_endpoint": "https://mtls.example/token"}))
    web.certificate_thumbprint = presents
    web.pages[where] = token()
    creds.token()
    assert web.urls == [OAUTH, where]
    creds.revoke()
    assert web.urls[-1] == REVOKE, "what has no alias is where it always is"


# --- how often, and how long


def test_again_within_the_deadline(make: Callable[..., Any], sa_clock: ManualClock) -> None:
    """A server that is busy is asked for its metadata again, within the one deadline; there are no second chances."""
    web, creds = make([Response(500), Response(503), says()])
    assert creds.token().access_token == "abc"
    assert web.urls == [OAUTH, OAUTH, OAUTH, ENDPOINT]
    assert len(sa_clock.slept) == 2
    web, creds = make(Response(500))
    assert fails(creds).retryable
    assert web.urls == [OAUTH] * 3


def test_slow_metadata(make: Callable[..., Any], sa_clock: ManualClock) -> None:
    """The time that metadata take is the caller's: question and token request share the one deadline."""
    web, creds = make({OPENID: says()}, takes=3, timeout=10.0)
    creds.token()
    assert web.left == [10, 7, 4]
    began = sa_clock.now().boot
    web, creds = make(Response(500), takes=4, timeout=10.0, retry=Retry(attempts=9))
    assert fails(creds).retryable
    assert min(web.left) > 0
    assert sa_clock.now().boot - began <= 14


def test_read_once(make: Callable[..., Any], sa_clock: ManualClock) -> None:
    """One reading serves all renewals, and what replace() makes."""
    web, creds = make(says())
    for _ in range(5):
        creds.token()
        creds.replace(scope="other").token()
        sa_clock.advance(4000)
    creds.revoke()
    assert web.urls.count(OAUTH) == 1
    assert web.urls.count(ENDPOINT) == 10


@pytest.mark.parametrize("gone", [Response(404), Response(405)])
def test_read_anew_after_the_endpoint_has_moved(
    gone: Response, make: Callable[..., Any], sa_clock: ManualClock
) -> None:
    """An endpoint that is not there any more has the metadata read anew by the next exchange."""
    moved = "https://new.example/token"
    web, creds = make({OAUTH: [says(), says(token_endpoint=moved)], ENDPOINT: [token(), gone], moved: token()})
    creds.token()
    sa_clock.advance(4000)
    assert fails(creds).status == gone.status
    sa_clock.advance(60)
    assert creds.token().access_token == "abc"
    assert web.urls == [OAUTH, ENDPOINT, ENDPOINT, OAUTH, moved]


def test_read_anew_after_a_refused_connection(make: Callable[..., Any], sa_clock: ManualClock) -> None:
    """Where no connection is to be had, the new address is found within the same exchange."""
    moved = "https://new.example/token"
    refused = TransportError("refused", code="connect", retryable=True, connected=False)
    web, creds = make({OAUTH: [says(), says(token_endpoint=moved)], ENDPOINT: [token(), refused], moved: token()})
    creds.token()
    sa_clock.advance(4000)
    assert creds.token()
    assert web.urls == [OAUTH, ENDPOINT, ENDPOINT, OAUTH, moved]


@pytest.mark.parametrize("wrong", [says(token_endpoint="http://tokens.example/"), says(token_endpoint=None)])
def test_mended_metadata_are_read_anew(wrong: Response, make: Callable[..., Any], sa_clock: ManualClock) -> None:
    """Metadata that were of no use are not kept: once the operator has mended them, a running program recovers."""
    _, creds = make([wrong, says()])
    fails(creds)
    sa_clock.advance(60)
    assert creds.token().access_token == "abc"


# --- the value


def test_value() -> None:
    """It shows and pickles as its name, and what was read stays behind; a server with a query is no issuer."""
    metadata = Metadata(SERVER)
    assert repr(metadata) == f"Metadata({SERVER!r})"
    assert pickle.loads(pickle.dumps(metadata)).issuer == SERVER
    for wrong in (f"{SERVER}?x=1", f"{SERVER}#x", "http://as.example", "as.example", ""):
        with pytest.raises(ConfigError):
            Metadata(wrong)
