"""The auth of a `requests` Session by itself, over a source of our own: what it sets, where, and what it says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import trustme

from sa_auth import ConfigError, SaAuthError, keys
from sa_auth.integrations.requests import Renewal, RequestsAuth, _rewound, adapter
from sa_auth.token import Token

API = "https://api.example/v1"


def token(text: str, kind: str = "Bearer") -> Token:
    """A token that lives."""
    return Token(text, kind, expires_at=2e9, refresh_at=2e9, issued_at=1e9)


class Source:
    """Gives one token until it is discarded, and then the next."""

    def __init__(self, *tokens: Token, error: SaAuthError | None = None, **more: Any) -> None:
        self.tokens, self.error, self.calls = list(tokens), error, []  # type: ignore[var-annotated]
        vars(self).update(more)

    def token(self) -> Token:
        if self.error is not None and len(self.tokens) == 1 and "discard" in self.calls:
            raise self.error
        self.calls.append("token")
        return self.tokens[0]

    def token_for(self, method: str, url: str) -> Token:
        self.calls.append((method, url))
        return token(f"for-{method}")

    def discard(self, _token: Token) -> None:
        self.calls.append("discard")
        if len(self.tokens) > 1:
            self.tokens.pop(0)


def prepared(auth: Any, url: str = API, method: str | None = "GET", **headers: str) -> requests.PreparedRequest:
    """A request with that auth."""
    request = requests.Request("GET", url, headers=headers).prepare()
    request.method = method
    return auth(request)


def refused(call: Callable[[], object]) -> str:
    """What a refusal says."""
    with pytest.raises(ConfigError) as caught:
        call()
    return str(caught.value)


# --- what is set


def test_a_plain_source() -> None:
    """A source that knows no proofs and no tokens of a call gives the token of them all."""
    source = Source(token("abc"))
    assert prepared(RequestsAuth(source)).headers["Authorization"] == "Bearer abc"  # type: ignore[arg-type]
    assert source.calls == ["token"]


@pytest.mark.parametrize(("method", "asked"), [("POST", "POST"), (None, "GET")])
def test_a_token_for_the_call(method: str | None, asked: str) -> None:
    """Where each call has a token of its own, it is asked for by this call's method and address, and never renewed."""
    source = Source(token("abc"), per_call=True)
    request = prepared(RequestsAuth(source), f"{API}?a=b", method)  # type: ignore[arg-type]
    assert request.headers["Authorization"] == f"Bearer for-{asked}"
    assert source.calls == [(asked, f"{API}?a=b")]
    answered = SimpleNamespace(status_code=401, headers={}, request=request)
    assert request.hooks["response"][-1](answered) is None
    assert source.calls == [(asked, f"{API}?a=b")]


def test_more_header_fields() -> None:
    """What a provider wants on every call is set beside what is there, and joins the call's own where it is a list."""
    auth = RequestsAuth(Source(token("abc")), headers={"Beta": "+b", "Kind": "k"})  # type: ignore[arg-type]
    request = prepared(auth, Beta="a", Mine="m")
    assert (request.headers["Beta"], request.headers["Kind"], request.headers["Mine"]) == ("a,b", "k", "m")


@pytest.mark.parametrize("given", [{}, {"headers": {"Kind": "k"}}, {"allowed_hosts": ("api.example",)}])
def test_it_is_hooked_once(given: Any) -> None:
    """A request that is authenticated again, as after a redirect, has one renewal and keeps the caller's hooks."""
    auth = RequestsAuth(Source(token("abc")), **given)  # type: ignore[arg-type]
    request = requests.Request("GET", API, hooks={"response": [print]}).prepare()
    for _ in range(2):
        auth(request)
    assert [type(hook) for hook in request.hooks["response"]] == [type(print), Renewal]


def test_a_plain_address_is_not_looked_at_again() -> None:
    """Where any host may have the token, one that begins with https:// costs no further look; all others do."""

    class Watched(RequestsAuth):
        __slots__ = ("looked",)

        def _check(self, url: str) -> None:
            looked.append(url)
            super()._check(url)

    for given, count in (({}, 0), ({"allowed_hosts": ("api.example",)}, 1), ({"headers": {"Kind": "k"}}, 1)):
        looked: list[str] = []
        prepared(Watched(Source(token("abc")), **given))  # type: ignore[arg-type]
        assert len(looked) == count
    looked = []
    prepared(Watched(Source(token("abc"))), "http://localhost/x")  # type: ignore[arg-type]
    assert looked == ["http://localhost/x"]


# --- where it may go


@pytest.mark.parametrize("more", [{}, {"per_call": True}])
@pytest.mark.parametrize(
    ("url", "host", "scheme"),
    [
        ("http://api.example/", "api.example", "http"),
        ("HTTP://API.example/", "api.example", "http"),
        ("ftp://localhost/", "localhost", "ftp"),
        ("//api.example/", "api.example", "no scheme"),
        ("httpsx://api.example/", "api.example", "httpsx"),
        ("mailto:somebody", "", "mailto"),
    ],
)
def test_not_in_the_clear(url: str, host: str, scheme: str, more: Any) -> None:
    """Over anything but https the token goes to this machine alone; the refusal says where and why, and nothing is asked."""
    source = Source(token("abc"), **more)
    request = requests.Request("GET", API).prepare()
    request.url = url
    auth = RequestsAuth(source)  # type: ignore[arg-type]
    assert refused(lambda: auth(request)) == (
        f"not_https: The token is not sent to {host} over {scheme}. Hint: Whoever listens could use it. Use https. More: docs/errors/not_https.md."
    )
    assert (source.calls, "Authorization" in request.headers) == ([], False)


@pytest.mark.parametrize(
    ("host", "allowed", "may"),
    [
        ("api.example", "api.example", True), ("API.example", "Api.Example", True), ("a.api.example", "api.example", False),
        ("a.api.example", "*.api.example", True), ("A.API.example", "*.Api.Example", True), ("api.example", "*.api.example", False),
        ("evilapi.example", "*.api.example", False), ("api.example.evil", "api.example", False), ("xapi.example", "api.example", False),
    ],
)  # fmt: skip
def test_hosts(host: str, allowed: str, may: bool) -> None:
    """Where hosts are named, the token goes to these alone; the refusal names the host, and what to do."""
    source = Source(token("abc"))
    auth = RequestsAuth(source, ("other.example", allowed))  # type: ignore[arg-type]
    if may:
        assert prepared(auth, f"https://{host}/").headers["Authorization"] == "Bearer abc"
        return
    assert refused(lambda: prepared(auth, f"https://{host}/")) == (
        f"host_not_allowed: The token is not sent to {host.lower()}: it is none of allowed_hosts. Hint: Add it to "
        "allowed_hosts=, or use a Session of its own for that host. More: docs/errors/host_not_allowed.md."
    )
    assert source.calls == []


def test_an_assertion_is_for_no_api() -> None:
    """A token that is an assertion for another exchange is not sent to an API; the refusal says what it is for."""
    source = Source(token("abc", "N_A"))
    assert refused(lambda: prepared(RequestsAuth(source))) == (  # type: ignore[arg-type]
        "not_for_an_api: This token is for no API: its token_type is N_A. Hint: It is an assertion for another exchange: "
        "grants.JWTBearer(assertions.FromCredentials(creds)). More: docs/errors/not_for_an_api.md."
    )


@pytest.mark.parametrize(
    ("library", "use"),
    [
        ("requests", "Use the bridge sa_auth.integrations.requests"),
        ("somebody", "There is no bridge sa_auth.integrations.somebody yet: use its header hook"),
    ],
)
def test_a_request_of_anothers(library: str, use: str) -> None:
    """What is no request of `requests` is refused, with the bridge to use where there is one."""
    thing = type("Request", (), {"__module__": f"{library}.models", "url": "https://x/"})()
    assert refused(lambda: RequestsAuth(Source(token("abc")))(thing)) == (  # type: ignore[arg-type]
        f"foreign_request: This is a request of {library!r}, not of requests. Hint: {use}, or set the header yourself: "
        "creds.token().authorization. More: docs/errors/foreign_request.md."
    )


def test_no_certificate_to_present() -> None:
    """An adapter for credentials without a certificate is refused, with how to set mutual TLS up."""
    for creds in (SimpleNamespace(tls_key=None), object()):
        assert refused(lambda creds=creds: adapter(creds)) == (  # type: ignore[misc]
            "no_tls_key: These credentials have no certificate that their tokens are bound to. Hint: Set mutual TLS up: "
            'client_auth="tls_client_auth", with certificate= beside the key. More: docs/errors/no_tls_key.md.'
        )


# --- after a 401


class Sent:
    """A connection that gives planned answers, and notes what came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.requests, self.options = list(statuses), [], []  # type: ignore[var-annotated]
        self.closed = self.read = 0

    def send(self, request: Any, **options: Any) -> Any:
        self.requests.append(request)
        self.options.append(options)
        return self.answer(request, self.statuses.pop(0))

    def answer(self, request: Any, status: int) -> requests.Response:
        made = requests.Response()
        made.status_code, made.request, made.connection = status, request, self
        made.raw = SimpleNamespace(
            read=self._read, release_conn=lambda: None, close=lambda: None, closed=False, _original_response=None
        )
        close = made.close

        def closing() -> None:
            self.closed += 1
            close()

        made.close = closing  # type: ignore[method-assign]
        return made

    def _read(self, *_arguments: Any, **_options: Any) -> bytes:
        self.read += 1
        return b""


def test_it_is_sent_again_once() -> None:
    """After a 401 the request goes again with the next token and the same options, once; the answer has both in its history."""
    source, connection = Source(token("one"), token("two"), token("three")), Sent(401, 200)
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    first = connection.answer(request, 401)
    second = Renewal(source)(first, timeout=5, verify=True)  # type: ignore[arg-type]
    assert second is not None
    assert [sent.headers["Authorization"] for sent in connection.requests] == ["Bearer two"]
    assert connection.options == [{"timeout": 5, "verify": True}]
    assert (second.status_code, second.history, second.request) == (401, [first], connection.requests[0])
    assert (request.headers["Authorization"], connection.closed) == ("Bearer one", 1)


@pytest.mark.parametrize(("options", "reads"), [({}, 1), ({"stream": False}, 1), ({"stream": True}, 0)])
def test_a_refusal_is_read_to_its_end(options: Any, reads: int) -> None:
    """The refusal's body is read, so that its connection can be used again, but not where the caller wanted a stream."""
    source, connection = Source(token("one"), token("two")), Sent(200)
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    assert Renewal(source)(connection.answer(request, 401), **options) is not None  # type: ignore[arg-type]
    assert connection.read == reads


def test_a_token_of_anothers_is_not_renewed() -> None:
    """A 401 to another kind of token than ours, or to none, is let pass: nothing is renewed or sent."""
    source, connection = Source(token("one"), token("two")), Sent()
    for headers in ({"Authorization": "Basic abc"}, {}, {"Authorization": "Bearerone"}):
        request = requests.Request("GET", API, headers=headers).prepare()
        assert Renewal(source)(connection.answer(request, 401)) is None  # type: ignore[arg-type]
    assert ("discard" in source.calls, connection.requests) == (False, [])


def test_what_cannot_be_renewed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Where the next token cannot be had the caller has the 401, and the log says why."""
    source, connection = Source(token("one"), error=SaAuthError("The server is gone.", code="gone")), Sent()
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING, "sa_auth"):
        assert Renewal(source)(connection.answer(request, 401)) is None  # type: ignore[arg-type]
    assert caplog.messages == [
        "an API refused the token, and the next one cannot be had: gone: The server is gone. More: docs/errors/gone.md."
    ]
    assert connection.requests == []


def test_a_body_that_cannot_be_sought() -> None:
    """A body of which it is not known where it began, or that cannot be brought back there, is not sent again."""

    def body(**acts: Any) -> Any:
        return SimpleNamespace(**{"seek": lambda _at: None, "tell": lambda: 3, **acts})

    def failing(*_arguments: Any) -> Any:
        raise OSError

    source = Source(token("one"), *[token(f"t{number}") for number in range(9)])
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    for content, began, again in (
        (body(), 3, True), (body(), 0, False), (body(), object(), False), (body(), None, False), (object(), 3, False),
        (body(seek=failing), 3, False), (body(tell=failing), 3, False), (iter("x"), None, False), ("text", None, True),
        (bytearray(b"x"), None, True), (b"", object(), True), (None, None, True),
    ):  # fmt: skip
        request.body, request._body_position = content, began  # type: ignore[assignment]
        assert _rewound(request) is again, (content, began)
    del request._body_position
    request.body = body()
    assert not _rewound(request)


@pytest.mark.parametrize(("status", "careful"), [(299, False), (300, True), (302, True), (399, True), (400, False)])
def test_every_redirect_is_followed_with_care(status: int, careful: bool) -> None:
    """Whatever status sends the caller elsewhere, the copy that `requests` makes asks netrc for no password."""
    source, connection = Source(token("one")), Sent()
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    Renewal(source)(connection.answer(request, status))  # type: ignore[arg-type]
    copied = request.copy()
    copied.prepare_auth(("canary", "canary"))
    assert (copied.headers["Authorization"] == "Bearer one") is careful


# --- tokens that are bound


class Proofs:
    """Makes proofs that say what they are for."""

    def proof(self, method: str, url: str, access_token: str) -> str:
        return f"{method} {url} {access_token}"

    def learn(self, _url: str, _headers: Any) -> bool:
        return False


@pytest.mark.parametrize(("method", "said"), [("PUT", "PUT"), (None, "GET")])
def test_a_proof_for_the_call(method: str | None, said: str) -> None:
    """Where tokens are bound to a key, each call has a proof of its own, of its method, address and token."""
    auth = RequestsAuth(Source(token("abc", "DPoP"), proofs=Proofs()))  # type: ignore[arg-type]
    request = prepared(auth, f"{API}?a=b", method)
    assert request.headers["DPoP"] == f"{said} {API}?a=b abc"


def test_a_redirect_with_a_proof() -> None:
    """The copy that follows a redirect within the origin has a proof for its new address, and the cookies; elsewhere it has none."""
    proofs, connection = Proofs(), Sent()
    source = Source(token("abc", "DPoP"), proofs=proofs)
    request = prepared(RequestsAuth(source))  # type: ignore[arg-type]
    Renewal(source, proofs)(connection.answer(request, 302))  # type: ignore[arg-type]
    for url, proof in (
        (f"{API}/b", f"GET {API}/b abc"),
        ("https://other.example/", None),
        ("https://api.example:x/", None),
    ):
        copied = request.copy()
        copied.url = url
        copied.prepare_cookies({"a": "b"})
        assert (copied.headers.get("DPoP"), copied.headers["Cookie"]) == (proof, "a=b")


def test_what_an_adapter_is_made_with() -> None:
    """An adapter takes what that of `requests` takes."""
    leaf = trustme.CA().issue_cert("robot.example")
    key = keys.from_pem(leaf.private_key_pem.bytes(), certificate=leaf.cert_chain_pems[0].bytes())
    assert adapter(SimpleNamespace(tls_key=key), pool_maxsize=7)._pool_maxsize == 7
