"""An assertion of a token service, asked over HTTP: what is asked, and what is made of each answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth._clock import Deadline
from sa_auth.assertions import FromURL
from sa_auth.errors import ConfigError, ResponseError, SaAuthError, TransportError
from sa_auth.testing.clock import ManualClock
from sa_auth.wire import Conversation, Request, Response, conversing

from .texts import CANARY, NOW, assertion, everything_of, token

URL = "https://sts.example/token?for=robot"


class Carrier:
    """A transport that answers as it is told and keeps what it was asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.left: list[float] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        self.asked.append(request)
        self.left.append(deadline.left())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(body: bytes | str | dict[str, Any], status: int = 200, **headers: str) -> Response:
    """An answer."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def refused(answer: Response | Exception, **options: Any) -> SaAuthError:
    """The error that an answer becomes."""
    with pytest.raises(SaAuthError) as caught:
        FromURL(URL, transport=Carrier(answer), **options).mint(NOW)
    error = caught.value
    assert error.hint
    assert CANARY not in everything_of(error)
    return error


# what is asked


def test_the_question() -> None:
    """The least question is a GET for anything; it names itself for messages."""
    carrier = Carrier(said("opaque\n"))
    assert FromURL(URL, transport=carrier).mint(NOW) == "opaque"
    [request] = carrier.asked
    assert request == Request(URL, b"", {"accept": "*/*"}, "GET", "token service")


def test_the_whole_question() -> None:
    """Headers, method and a JSON body go out as given; a caller's header goes before ours."""
    carrier = Carrier(said({"data": {"token": token()}}))
    source = FromURL(
        URL, headers={"Authorization": "Bearer abc", "Accept": "application/vnd.x+json"}, field="data.token",
        method="POST", body={"b": [1], "a": None}, transport=carrier,
    )  # fmt: skip
    assert source.mint(NOW) == token()
    [request] = carrier.asked
    assert (request.method, json.loads(request.body)) == ("POST", {"a": None, "b": [1]})
    assert request.headers == {
        "accept": "application/vnd.x+json", "content-type": "application/json", "authorization": "Bearer abc",
    }  # fmt: skip


def test_a_headers_callable_is_asked_each_time() -> None:
    """A header's value that rotates is asked for with every question."""
    keys, carrier = ["one", "two"], Carrier(said("opaque"))
    source = FromURL(URL, headers={"X-Key": lambda: keys.pop(0)}, transport=carrier)
    source.mint(NOW)
    source.mint(NOW)
    assert [request.headers["x-key"] for request in carrier.asked] == ["one", "two"]


def test_within_an_exchange() -> None:
    """The question goes by the exchange's own transport and ends at its deadline; a transport of its own keeps to it."""
    clock = ManualClock()
    carrier, own = Carrier(said("opaque")), Carrier(said("other"))
    with conversing(Conversation(carrier, Deadline(clock, 3.0))):
        clock.advance(1.0)
        assert FromURL(URL).mint(NOW) == "opaque"
        assert FromURL(URL, transport=own).mint(NOW) == "other"
    assert (carrier.left, own.left) == ([2.0], [2.0])


def test_by_itself() -> None:
    """Outside of an exchange it needs a transport, and has ten seconds."""
    own = Carrier(said("other"))
    assert FromURL(URL, transport=own).mint(NOW) == "other"
    assert 9 < own.left[0] <= 10
    with pytest.raises(ConfigError) as caught:
        FromURL(URL).mint(NOW)
    assert caught.value.code == "no_transport"
    assert "transport=" in caught.value.hint


# what is made of the answer


@pytest.mark.parametrize("body", [token(), token() + "\n", assertion(), "opaque"])
def test_the_whole_body(body: str) -> None:
    """Without a field the whole body is the assertion: SAML to the last byte, a JWT without what stands around it."""
    sent = FromURL(URL, transport=Carrier(said(body))).mint(NOW)
    assert sent == (body if body.startswith("<") else body.strip())


def test_rotation() -> None:
    """Every exchange asks anew."""
    source = FromURL(URL, transport=Carrier(said("one"), said("two")))
    assert (source.mint(NOW), source.mint(NOW)) == ("one", "two")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_redirect(status: int) -> None:
    """A redirect is not followed and its address is not repeated: it may be anybody's, and hold anything."""
    error = refused(said(b"", status, location=f"https://elsewhere.example/{CANARY}"))
    assert isinstance(error, ResponseError)
    assert (error.code, error.status, error.retryable) == ("redirect", status, False)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (403, False), (404, False), (408, True), (425, True), (429, True), (500, True), (501, False), (502, True),
     (503, True), (504, True), (505, False)],
)  # fmt: skip
def test_status(status: int, retryable: bool) -> None:
    """A refusal is told by its status, and may pass where the server is busy; its body is not repeated."""
    error = refused(said({"error": CANARY, "value": token()}, status), field="value")
    assert isinstance(error, ResponseError)
    assert (error.code, error.status, error.retryable) == (f"http_{status}", status, retryable)
    assert "token service at sts.example" in error.message


@pytest.mark.parametrize(
    ("text", "wait"), [("7", 7.0), ("100000", 300.0), ("-5", 0.0), ("soon", None), ("", None), ("nan", None)]
)
def test_retry_after(text: str, wait: float | None) -> None:
    """How long the service wants to be left alone is told, up to five minutes."""
    assert refused(said("", 503, retry_after=text)).retry_after == wait


PAGES = [f"<!DOCTYPE html><html>{CANARY}</html>", f"\n <HTML>{CANARY}", "<html>"]


@pytest.mark.parametrize("body", PAGES)
@pytest.mark.parametrize("field", [None, "value"])
def test_a_web_page(body: str, field: str | None) -> None:
    """A web page with status 200 is a captive portal or a proxy, which may be gone the next time."""
    error = refused(said(body), field=field)
    assert isinstance(error, ResponseError)
    assert (error.code, error.retryable) == ("not_json", True)


@pytest.mark.parametrize(
    "body",
    [{}, {"other": CANARY}, {"data": CANARY}, {"data": {}}, {"data": {"token": 5}}, {"data": {"token": None}}, {"data": {"token": [CANARY]}},
     {"data": [CANARY]}, {"data.token": CANARY}],
)  # fmt: skip
def test_no_field(body: dict[str, Any]) -> None:
    """JSON without a text in the field is an error that names the field and nothing of the answer."""
    error = refused(said(body), field="data.token")
    assert isinstance(error, ResponseError)
    assert (error.code, error.retryable) == ("assertion_missing", False)
    assert "data.token" in error.message


@pytest.mark.parametrize("body", [CANARY, f"[{CANARY!r}]", "", b"\xff", "[" * 50_000, '{"value": NaN}', token()])
def test_no_json(body: Any) -> None:
    """What is not one JSON object, where a field of one was named, is told apart from a web page."""
    error = refused(said(body), field="value")
    assert (error.code, error.retryable) == ("not_json", False)


def test_a_field_twice() -> None:
    """JSON in which two readers would read two assertions is not used."""
    assert refused(said('{"value": "a", "value": "b"}'), field="value").code == "duplicate_field"
    within = said('{"data": {"token": "a", "token": "b"}}'), said('{"data": {"token": "a"}, "data": {"token": "b"}}')
    assert [refused(one, field="data.token").code for one in within] == ["duplicate_field"] * 2


def test_json_where_no_field_was_named() -> None:
    """A JSON answer is not sent as if it were an assertion: the hint says how to name the field."""
    error = refused(said({"value": CANARY}))
    assert error.code == "assertion_in_json"
    assert "field=" in error.hint


@pytest.mark.parametrize(
    ("text", "code", "retryable"),
    [("", "assertion_empty", True), (token()[:60], "assertion_truncated", True), (token(exp=1), "assertion_expired", True),
     (f"{CANARY} {CANARY}", "assertion_not_text", False)],
)  # fmt: skip
def test_no_assertion(text: str, code: str, retryable: bool) -> None:
    """What the service gives is looked at like any other, in a field as in a body."""
    for error in (refused(said(text)), refused(said({"value": text}), field="value")):
        assert (error.code, error.retryable) == (code, retryable)
        assert "token service at sts.example" in error.message


def test_no_answer() -> None:
    """What the transport says passes as it is."""
    error = refused(TransportError("Down.", code="connect_failed", connected=False, retryable=True, hint="Wait."))
    assert isinstance(error, TransportError)
    assert (error.code, error.connected, error.retryable) == ("connect_failed", False, True)


@given(
    body=st.binary() | st.text().map(str.encode),
    status=st.integers(200, 599),
    field=st.sampled_from([None, "value", "a.b"]),
)
def test_any_answer(body: bytes, status: int, field: str | None) -> None:
    """Whatever comes back, it is an assertion or an error of ours."""
    try:
        assert FromURL(URL, field=field, transport=Carrier(Response(status, {}, body))).mint(NOW)
    except SaAuthError as error:
        assert error.code


# whose it is


def changed(**options: Any) -> tuple[str, ...]:
    """The fingerprint with anything changed."""
    given_: dict[str, Any] = {
        "headers": {"X-Key": "a"},
        "field": "value",
        "method": "POST",
        "body": {"a": 1},
        **options,
    }
    return FromURL(given_.pop("url", URL), **given_).fingerprint()


def test_everything_that_decides_who_asks() -> None:
    """Address, method, field, body, header names, their fixed values and the certificate tell sources apart; none shows."""
    told = [
        changed(), changed(url="https://sts.example/other"), changed(url=URL + "2"), changed(method="PUT"), changed(field=None),
        changed(field="value.x"), changed(body={"a": 2}), changed(body=None), changed(headers=None), changed(headers={"X-Other": "a"}),
        changed(headers={"X-Key": "b"}), changed(headers={"X-Key": "a", "X-Other": "a"}),
        changed(headers={"X-Key": lambda: "a"}), changed(headers={"X-Key": lambda: "a"}),
        *(changed(transport=SimpleNamespace(send=print, certificate_thumbprint=by)) for by in "ab"),
    ]  # fmt: skip
    assert len(set(told)) == len(told)
    assert told[0] == changed() == changed(headers={"x-key": "a"})
    assert changed(body={"a": 1, "b": 2}) == changed(body={"b": 2, "a": 1})
    assert CANARY not in str(changed(headers={"X-Key": CANARY}, body={"a": CANARY}))


def test_what_is_shown() -> None:
    """Its repr shows the address without its query, and the names of its headers."""
    source = FromURL(URL + f"&key={CANARY}", headers={"Authorization": CANARY}, method="POST", body={"a": CANARY})
    assert repr(source) == "FromURL('https://sts.example/token', headers=['authorization'], field=None)"
    assert CANARY not in source.describe()


# what cannot be asked


@pytest.mark.parametrize(
    "url", ["http://sts.example/token", "sts.example", "", None, 5, "https://user:pw@sts.example/", "https://sts.example/#a", "file:///etc/x",
            "http://169.254.169.254/token", "https://sts.example/a b"]
)  # fmt: skip
def test_no_address(url: Any) -> None:
    """The address is https, or http to this machine; no user information, no fragment."""
    with pytest.raises(ConfigError) as caught:
        FromURL(url)
    assert caught.value.code == "bad_endpoint"


@pytest.mark.parametrize(
    "options",
    [{"method": "DELETE"}, {"method": "get"}, {"method": None}, {"method": ["GET"]}, {"body": {"a": 1}}, {"method": "POST", "body": [1]},
     {"method": "POST", "body": {"a": {1}}}, {"method": "POST", "body": {1: 2}}, {"field": ""}, {"field": "a..b"}, {"field": ".a"}, {"field": 5},
     {"transport": 5}, {"transport": Carrier}, {"headers": [("a", "b")]}, {"headers": "a: b"}, {"headers": {"a b": "c"}}, {"headers": {5: "c"}},
     {"headers": {"a": CANARY + "\n"}}, {"headers": {"a": CANARY + "\r\nb: c"}}, {"headers": {"a": "ä" + CANARY}}, {"headers": {"a": b"x"}},
     {"headers": {"a": ""}}, {"headers": {"a": None}}, {"headers": {"a": "1", "A": "2"}}],
)  # fmt: skip
def test_no_question(options: dict[str, Any]) -> None:
    """What cannot be asked is refused before anything is sent, and no value is repeated."""
    with pytest.raises(ConfigError) as caught:
        FromURL(URL, **options)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)
    assert CANARY not in str(caught.value)


def fails() -> str:
    """A header's callable that fails with a secret in its words."""
    raise LookupError(CANARY)


@pytest.mark.parametrize(
    "value", [lambda: CANARY + "\n", lambda: None, lambda: b"bytes", lambda: CANARY + "ä", lambda: "", fails]
)
def test_a_headers_callable_that_gives_none(value: Any) -> None:
    """A callable's value is judged before any header is built of it, and not repeated."""
    carrier = Carrier(said("opaque"))
    with pytest.raises(ConfigError) as caught:
        FromURL(URL, headers={"X-Key": value}, transport=carrier).mint(NOW)
    assert not carrier.asked
    assert CANARY not in everything_of(caught.value)
    assert "x-key" in caught.value.message
