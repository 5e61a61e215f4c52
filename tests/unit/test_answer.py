"""A reply becomes a token or an error, whatever is in it; nothing in it is believed."""

from __future__ import annotations

import base64
import json
import math
import os
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sa_auth._clock import Instant
from sa_auth.answer import http_date, read, read_answer
from sa_auth.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    ResponseError,
    SaAuthError,
    TokenEndpointError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from sa_auth.policy import RefreshPolicy
from sa_auth.token import NOTHING, AnswerNames, Token
from sa_auth.wire import Response

ASKED = Instant(1_700_000_000.0, 5_000.0)
VISIBLE = frozenset(map(chr, range(0x21, 0x7F)))
NOVEMBER = "Tue, 14 Nov 2023 22:13:20 GMT"  # ASKED


def ask(body: Any, status: int = 200, *, policy: RefreshPolicy | None = None, scope: str = "", **headers: str) -> Token:
    """Reads a reply; anything but bytes is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)
    return read(response, asked=ASKED, policy=policy or RefreshPolicy(), scope=scope)


def refused(body: Any, status: int = 200, **headers: str) -> SaAuthError:
    """The error that comes of a reply."""
    with pytest.raises(SaAuthError) as caught:
        ask(body, status, **headers)
    return caught.value


def life(expires_in: Any, **figures: float) -> float:
    """The life that is believed."""
    text = expires_in if isinstance(expires_in, str) else json.dumps(expires_in)
    token = ask(b'{"access_token": "abc", "expires_in": %s}' % text.encode(), policy=RefreshPolicy(**figures))
    return token.expires_at - ASKED.wall


# an honest answer


def test_token() -> None:
    """Type, scope, times and the other fields come from the answer; times count from before the request."""
    fields = {
        "access_token": "abc",
        "token_type": "bearer",
        "expires_in": 3600,
        "scope": "a b",
        "instance_url": "https://x",
    }
    token = ask(fields)
    assert (token.access_token, token.token_type, token.scope) == ("abc", "Bearer", "a b")
    assert (token.issued_at, token.expires_at, token.refresh_at) == (ASKED.wall, ASKED.wall + 3600, ASKED.wall + 3300)
    assert dict(token.extra) == {"instance_url": "https://x"}


@pytest.mark.parametrize(
    ("said", "scope"), [(None, "asked"), ("", "asked"), (["a"], "asked"), (5, "asked"), ("narrow", "narrow")]
)
def test_scope(said: Any, scope: str) -> None:
    """Where the answer names no scope, the token has the one that was asked for."""
    assert ask({"access_token": "abc", "scope": said}, scope="asked").scope == scope


def test_no_scope() -> None:
    """Where nobody named a scope, there is none."""
    assert ask({"access_token": "abc"}).scope is None


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/plain;charset=latin-1", "junk"])
def test_content_type_is_advice(content_type: str) -> None:
    """A token is a token whatever Content-Type says."""
    assert ask({"access_token": "abc"}, content_type=content_type).access_token == "abc"


def test_any_2xx() -> None:
    """A token under 201 is a token."""
    assert ask({"access_token": "abc"}, 201).access_token == "abc"


# line 10: redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_redirect(status: int) -> None:
    """A redirect is judged by its status alone, even with a token in its body, and names only the host."""
    error = refused(
        {"access_token": "abc"}, status, location="https://user:pw@away.example:8443/canary?code=canary#canary"
    )
    assert (type(error), error.code, error.retryable, error.status) == (ResponseError, "redirect", False, status)
    assert "away.example" in str(error)
    assert not any(word in str(error) + repr(vars(error)) for word in ("canary", "user", "pw@", "8443"))


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/relative",
        "https://",
        "https://[::1",
        "javascript:alert(1)",
        "\x00",
        "https://a\u0430b\r\nX: y/",
        "//" + "x" * 5000,
    ],
)
def test_redirect_anywhere(location: str) -> None:
    """A Location that is junk makes a short, clean message all the same."""
    error = refused(b"", 302, location=location)
    assert error.code == "redirect"
    assert len(error.message) < 250
    assert error.message.isprintable()
    assert error.message.isascii()


# line 13: one JSON object


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"true", b"1", b'"abc"', b"[]", b'["access_token"]', b"{", b'{"access_token": "abc"',
        b'{"access_token": "abc"}{}', b'{"access_token": "abc"} x', b"{'access_token': 'abc'}", b"access_token=abc",
        b"<html><script>{}</script></html>", b"\xff\xfe", b'{"access_token": "abc", "x": "\xff"}',
        '{"access_token": "abc"}'.encode("utf-16"), '{"access_token": "abc"}'.encode("utf-32"),
        b'{"access_token": "abc", "x": NaN}', b'{"access_token": "abc", "x": Infinity}',
        b'{"access_token": "abc", "x": -Infinity}', b'{"x": ' * 5_000, b"[" * 200_000, b'{"x":' * 50_000,
        b'{"access_token": "abc", "x": [' + b"[]," * 80_000 + b"0]}", b"\xef\xbb\xbf\xef\xbb\xbf{}", b"{\x00}",
    ],
)  # fmt: skip
def test_no_json_object(body: bytes) -> None:
    """What is not one JSON object in UTF-8 is a retryable error that shows nothing of the body."""
    error = refused(body)
    assert (type(error), error.code, error.retryable, error.status) == (ResponseError, "not_json", True, 200)
    assert error.hint
    assert "abc" not in str(error) + repr(vars(error))


@pytest.mark.parametrize("opening", ["[", '{"x":'])
def test_nesting(opening: str) -> None:
    """A hundred objects or arrays within one another are read, and one more is not, however deep the stack is."""
    closing = {"[": "]", '{"x":': "}"}[opening]

    def nested(depth: int) -> bytes:
        return f'{{"access_token": "abc", "x": {opening * depth}1{closing * depth}}}'.encode()

    assert ask(nested(99)).access_token == "abc"
    for depth in (100, 500, 985, 5_000):
        assert refused(nested(depth)).code == "not_json"
    wide = b'{"access_token": "abc", "x": [' + b"[]," * 5_000 + b"1]}"
    assert ask(wide).access_token == "abc"


def test_byte_order_mark() -> None:
    """A byte order mark is fine."""
    assert ask(b'\xef\xbb\xbf{"access_token": "abc"}').access_token == "abc"


@pytest.mark.parametrize("page", [b"<html>", b"  \r\n<!doctype html>", b"<"])
def test_captive_portal(page: bytes) -> None:
    """A web page with 200 is said to be one, and may be gone later."""
    error = refused(page)
    assert error.retryable
    assert "web page" in error.message
    assert "captive portal" in error.hint


@pytest.mark.parametrize("name", ["access_token", "expires_in", "token_type"])
@pytest.mark.parametrize("status", [200, 400])
def test_doubles(name: str, status: int) -> None:
    """A deciding field that stands twice is refused, equal or not: two readers would read two tokens."""
    error = refused(b'{"access_token": "abc", "%s": "1", "%s": "1"}' % (name.encode(), name.encode()), status)
    assert (error.code, error.retryable) == ("duplicate_field", False)
    assert "abc" not in str(error)


def test_escaped_double() -> None:
    """A double is one however its name is spelt."""
    assert refused(b'{"access_token": "abc", "access\\u005ftoken": "def"}').code == "duplicate_field"


def test_other_doubles() -> None:
    """Other doubles, and those of an object within, decide nothing."""
    token = ask(b'{"x": 1, "x": 2, "access_token": "abc", "y": {"access_token": 1, "access_token": 2}}')
    assert (token.access_token, token.extra["x"]) == ("abc", 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"auth": {"client_token": "abc", "client_token": "def"}}',
        b'{"auth": {"client_token": "abc"}, "auth": {"client_token": "def"}}',
        b'{"auth": {"client_token": "abc", "lease_duration": 1, "lease_duration": 9000}}',
    ],
    ids=["the token", "the object around it", "the life"],
)
def test_doubles_on_the_way(body: bytes) -> None:
    """Where the token stands in an object within, a double there is refused as one at the top is."""
    names = AnswerNames("auth.client_token", "auth.lease_duration")
    with pytest.raises(ResponseError) as caught:
        read(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy(), names=names)
    assert caught.value.code == "duplicate_field"
    elsewhere = b'{"auth": {"client_token": "abc"}, "data": {"client_token": 1, "client_token": 2}}'
    token = read(Response(200, {}, elsewhere), asked=ASKED, policy=RefreshPolicy(), names=names)
    assert token.access_token == "abc"


def test_many_names_are_read_in_time() -> None:
    """30,000 names, one of them twice, cost no more than reading them."""
    body = ("{" + ",".join(f'"{number:x}":1' for number in range(30_000)) + ',"0":2,"access_token":"abc"}').encode()
    began = time.process_time()
    assert ask(body).access_token == "abc"
    assert time.process_time() - began < 1.0


# line 14: the token itself


@pytest.mark.parametrize("value", ["a", "!", "~", "00D!AQ.x_y-z", "x" * 16_384, "".join(sorted(VISIBLE))])
def test_good_tokens(value: str) -> None:
    """1 to 16,384 visible ASCII characters are a token."""
    assert ask({"access_token": value}).access_token == value


@pytest.mark.parametrize(
    "value",
    ["", "x" * 16_385, " ", "a b", "a\tb", "a\r\nX-Injected: 1", "abc\n", "\nabc", "a\x00", "a\x7f", "t\u00f6k", "\ud800", "\u2028",
     1, 1.5, True, False, ["abc"], {"a": 1}],
)  # fmt: skip
def test_bad_tokens(value: Any) -> None:
    """Anything else is refused before a header is built, and does not appear in the error."""
    error = refused({"access_token": value})
    assert (type(error), error.code, error.retryable) == (ResponseError, "bad_access_token", False)
    assert error.hint
    assert len(str(error)) < 400
    assert "Injected" not in repr(vars(error))


@pytest.mark.parametrize("fields", [{}, {"access_token": None}, {"id_token": "abc"}, {"Access_Token": "abc"}])
def test_no_token(fields: dict[str, Any]) -> None:
    """An object without a token is an error of its own."""
    assert refused(fields).code == "no_access_token"


@pytest.mark.parametrize("said", ["Bearer", "bearer", "BEARER", None])
def test_token_type(said: str | None) -> None:
    """The type is what was asked for, in any case, or absent."""
    assert ask({"access_token": "abc", "token_type": said}).authorization == "Bearer abc"


@pytest.mark.parametrize(
    "said", ["", "mac", "DPoP", "Bearer ", " bearer", "Bearer\r\nX: y", 1, True, False, ["Bearer"], {}]
)
def test_other_token_types(said: Any) -> None:
    """A token of another type is refused."""
    error = refused({"access_token": "abc", "token_type": said})
    assert error.code == "unexpected_token_type"
    assert "abc" not in str(error)


def test_asked_type() -> None:
    """Where another type was asked for, that one is wanted."""
    response = Response(200, {}, b'{"access_token": "abc", "token_type": "dpop"}')
    token = read(response, asked=ASKED, policy=RefreshPolicy(), token_type="DPoP")
    assert token.authorization == "DPoP abc"


# line 15: the life


@pytest.mark.parametrize(
    ("expires_in", "believed"),
    [
        (3600, 3600), (3599.5, 3599.5), ('"3600"', 3600), ('" 3600 "', 3600), (1, 1), (86_400, 86_400),
        ("3600.0", 3600), ("36e2", 3600), (86_401, 86_400), (10**12, 86_400), ("9" * 30, 86_400), ("9" * 5000, 300),
        ("1e400", 300), ("-1e400", 300), ("null", 300), ("true", 300), ("false", 300), ('"soon"', 300), ('""', 300),
        ('"1e400"', 300), ('"Infinity"', 300), ("[3600]", 300), ("{}", 300), ('"\\u0663600"', 300),
        ("0", 1), ("-1", 1), ("-0.0", 1), ("0.25", 1), ("1e-300", 1), ("1.25", 1.25), ('"0"', 1), ('"-3600"', 1), ("-86400000", 1),
    ],
)  # fmt: skip
def test_life(expires_in: Any, believed: float) -> None:
    """A number is believed up to 24 h, zero and less mean a second, junk means 300 s, and nothing means for ever."""
    assert life(expires_in) == believed


def test_absent_life() -> None:
    """A token that names no life has 300 s."""
    assert ask({"access_token": "abc"}).expires_at == ASKED.wall + 300


@pytest.mark.parametrize(("end", "believed"), [(3600, 3600.0), (1e300, 86_400.0), (200_000, 86_400.0), (-1e300, 1.0)])
def test_own_end(end: float, believed: float) -> None:
    """The life that a token tells of itself is cut as one that the answer tells."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": ASKED.wall + end}).encode()).decode().rstrip("=")
    body = json.dumps({"id_token": f"eyJhbGciOiJFUzI1NiJ9.{payload}.c2ln"}).encode()
    names = AnswerNames("id_token", own_end=True)
    token = read(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy(), names=names)
    assert token.expires_at - ASKED.wall == believed


def test_life_figures_are_arguments() -> None:
    """The assumed and the longest life are the policy's."""
    assert life("null", default_life=60) == 60
    assert life(10**9, longest_life=600) == 600


@pytest.mark.parametrize(
    ("refresh_in", "due"),
    [(1800, 1800), ("2400", 2400), (60, 1800), (None, 3300), (-1, 3300), ("soon", 3300), (10**9, 3300)],
)
def test_refresh_in(refresh_in: Any, due: float) -> None:
    """The server's word for when to renew is kept where it lies in the second half of the life."""
    token = ask({"access_token": "abc", "expires_in": 3600, "refresh_in": refresh_in})
    assert token.refresh_at - ASKED.wall == due


# line 16: errors


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", InvalidRequest), ("invalid_client", InvalidClient), ("invalid_grant", InvalidGrant),
        ("unauthorized_client", UnauthorizedClient), ("unsupported_grant_type", UnsupportedGrantType),
        ("invalid_scope", InvalidScope), ("invalid_target", InvalidTarget), ("made_up", TokenEndpointError),
    ],
)  # fmt: skip
def test_error_words(code: str, kind: type[SaAuthError], status: int) -> None:
    """An error is one with any status, of the class that its code names, even beside a token, and has a hint."""
    error = refused({"error": code, "access_token": "abc"}, status)
    assert (type(error), error.code, error.status, error.retryable) == (kind, code, status, False)
    assert error.hint
    assert "abc" not in str(error)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"error": "invalid_grant"}', b'{"access_token": "abc"}'])
def test_passing_statuses(status: int, body: bytes) -> None:
    """408, 425, 429 and 5xx may pass, whatever the body says; a token in them is none."""
    error = refused(body, status)
    assert isinstance(error, TokenEndpointError)
    assert (error.retryable, error.status) == (True, status)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 431, 451, 501, 505])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000, b'{"access_token": "abc"}'])
def test_final_statuses(status: int, body: bytes) -> None:
    """With broken JSON the status speaks: any other 4xx, 501 and 505 are final, and have a hint."""
    error = refused(body, status)
    assert isinstance(error, TokenEndpointError)
    assert (error.code, error.retryable, error.status) == (f"http_{status}", False, status)
    assert error.hint


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("bad\r\nX-Injected: 1", "badX-Injected: 1"), ('quo"ted\\', "quoted"), ("t\u00f6ne\u2028", "tne"), ("", "http_400"),
        ("\x00\x1b[31m", "[31m"), ("\u4e2d", "http_400"), (5, "http_400"), (["invalid_grant"], "http_400"), (True, "http_400"),
        ("x" * 10_000, "x" * 64), ("  invalid_grant  ", "invalid_grant"),
    ],
)  # fmt: skip
def test_error_words_are_filtered(said: Any, code: str) -> None:
    """An error word keeps the characters of RFC 6749 and at most 64 of them."""
    error = refused({"error": said}, 400)
    assert error.code == code
    assert error.message.isprintable()


def test_null_error() -> None:
    """`"error": null` is no error."""
    assert ask({"access_token": "abc", "error": None}).access_token == "abc"


@pytest.mark.parametrize(
    "description",
    ["line\r\nline\ttab", "\x00\x07\x1b[31mred", "right\u202eleft", "\ud800", "x" * 100_000, " " * 5000 + "late"],
)
def test_descriptions_are_cleaned(description: str) -> None:
    """A description has no control character, and ends after 200."""
    error = refused({"error": "invalid_grant", "error_description": description}, 400)
    assert error.message.isprintable()
    assert len(error.message) < 300
    error.message.encode()


@pytest.mark.parametrize("description", [5, None, ["x"], {"a": 1}, True])
def test_odd_descriptions(description: Any) -> None:
    """A description that is no text is none."""
    error = refused({"error": "invalid_grant", "error_description": description}, 400)
    assert str(error).startswith("invalid_grant: The token endpoint answered 400: invalid_grant. Hint:")


def test_nested_error() -> None:
    """An error that is an object has its code in `status` and its text in `message`."""
    error = refused({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "No\nway."}}, 403)
    assert (error.code, "No way." in error.message) == ("PERMISSION_DENIED", True)
    assert refused({"error": {"code": 403}}, 403).code == "http_403"


def test_other_names_of_an_error() -> None:
    """`errorCode` and `errorSummary` stand for the RFC's two words where those are not there."""
    error = refused({"errorCode": "invalid_client", "errorSummary": "Invalid value for 'client_id' parameter."}, 400)
    assert isinstance(error, InvalidClient)
    assert "Invalid value for 'client_id' parameter." in error.message
    assert refused({"error": "invalid_grant", "errorCode": "invalid_client"}, 400).code == "invalid_grant"


@pytest.mark.parametrize(
    ("description", "word"),
    [
        ("JWT signature is invalid", "public key"), ("user hasn't approved this consumer", "consent"), ("audience is invalid", "audience="),
        ("Token must be a short-lived token (60 minutes)", "clock"), ("account not found", "issuer="), ("jti replay", "twice"), ("", "Usual causes"),
    ],
)  # fmt: skip
def test_telling_descriptions(description: str, word: str) -> None:
    """What a description gives away decides the hint of an invalid_grant."""
    assert word in refused({"error": "invalid_grant", "error_description": description}, 400).hint


@pytest.mark.parametrize(
    ("description", "cause"),
    [
        ("PKCE verification failed", "code_verifier"), ("redirect_uri mismatch", "redirect_uri"),
        ("user hasn't approved this consumer", "consent"), ("alg not allowed", "algorithm"), ("bad typ", "typ"),
        ("JWT signature is invalid", "unknown_key"), ("Recipient mismatch", "recipient"), ("audience is invalid", "audience"),
        ("assertion expired", "clock"), ("jti seen", "replay"), ("account not found", "account"), ("no", ""), ("", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
def test_cause(code: str, description: str, cause: str) -> None:
    """It gives a cause away as well, which names the page; where it gives away nothing the code does."""
    error = refused({"error": code, "error_description": description}, 400)
    assert isinstance(error, TokenEndpointError)
    assert (error.cause, error.page) == (cause, f"docs/errors/{cause or code}.md")


@pytest.mark.parametrize(
    ("status", "body", "topic"),
    [
        (503, {"error": "invalid_grant", "error_description": "expired"}, "server_busy"), (429, {}, "server_busy"),
        (404, {"error": "gone"}, "wrong_endpoint"), (400, {}, "wrong_endpoint"), (400, {"error": "some_word"}, "token_endpoint"),
        (400, {"error": "invalid_scope", "error_description": "expired"}, "invalid_scope"),
        (400, {"error": "bad_argument"}, "token_endpoint"),
    ],
)  # fmt: skip
def test_page(status: int, body: dict[str, str], topic: str) -> None:
    """A server's state, or what is wrong with the endpoint, names a page too; a word of the server's own has none."""
    assert refused(body, status).page == f"docs/errors/{topic}.md"


# line 18: Retry-After


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", 0), ("5", 5), (" 5 ", 5), ("1.5", 1.5), ("300", 300), ("301", 300), ("1000000000", 300), ("-5", 0), ("9" * 32, 300),
        ("", None), ("soon", None), ("5 s", None), ("1e3", None), ("NaN", None), ("inf", None), ("5, 10", None), ("\u0665", None),
        ("9" * 5000, None), ("Tue, 14 Nov 2023 22:14:20 GMT", 60), ("Tue, 14 Nov 2023 22:13:19 GMT", 0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60), ("Tue Nov 14 22:14:20 2023", 60), ("Tue, 14 Nov 2033 22:14:20 GMT", 300),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None), ("Tue, 14 Nov 2023", None),
    ],
)  # fmt: skip
def test_retry_after(text: str, wait: float | None) -> None:
    """Retry-After is read in seconds and in the three forms of a date, clamped to 0 to 300 s; junk is none."""
    assert refused(b"", 503, retry_after=text).retry_after == wait


@pytest.mark.parametrize(
    ("date", "until", "wait"),
    [
        ("Fri, 01 Jan 2010 00:00:00 GMT", "Fri, 01 Jan 2010 00:00:45 GMT", 45),
        ("Sat, 01 Jan 2050 00:00:00 GMT", "Sat, 01 Jan 2050 00:00:45 GMT", 45),
        (NOVEMBER, "Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("junk", "Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Sat, 01 Jan 2050 00:00:00 GMT", "30", 30),
    ],
)
def test_retry_after_by_the_servers_clock(date: str, until: str, wait: float) -> None:
    """A date is taken relative to the reply's own Date, so that a wrong clock does not matter."""
    assert refused(b"", 503, retry_after=until, date=date).retry_after == wait


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be changed here")
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_dates_are_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three forms of an HTTP date are UTC, wherever this machine stands."""
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        forms = (
            NOVEMBER,
            "Tuesday, 14-Nov-23 22:13:20 GMT",
            "Tue Nov 14 22:13:20 2023",
            "Tue, 14 Nov 2023 22:13:20 -0000",
        )
        assert [http_date(form) for form in forms] == [ASKED.wall] * 4
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(max_size=80))
@example("Tue, 14 Nov 2023 22:13:20 +9999999999")
@example("Tue, 14 Nov 99999 22:13:20 GMT")
@example("0 jan 0 0:0:0 +9999")
@example("Tue, 14 Nov 0001 00:00:00 +1200")
def test_any_date(text: str) -> None:
    """Whatever stands in a Date header, it is a finite time or none."""
    found = http_date(text)
    assert found is None or math.isfinite(found)


# anything at all

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
names = st.sampled_from(
    [
        "access_token",
        "expires_in",
        "token_type",
        "scope",
        "refresh_in",
        "error",
        "error_description",
        "refresh_token",
        "x",
    ]
)
numbers = st.integers() | st.floats() | st.sampled_from(["3600", "-1", "1e9", "9" * 40, "9" * 400])
scalars = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20) | st.booleans()
objects = st.dictionaries(names, json_values | numbers | st.sampled_from(["abc", "Bearer", "bearer"]))
honest = st.fixed_dictionaries(
    {"access_token": st.text(min_size=1) | st.just("abc")}, optional={"expires_in": json_values | numbers}
)
statuses = st.sampled_from([200, 200, 200, 200, 204, 302, 400, 401, 429, 500]) | st.integers(100, 999)
headers = st.dictionaries(st.sampled_from(["retry-after", "date", "location", "content-type"]), st.text())


def check(response: Response) -> None:
    """A reply gives a token that is safe and finite, or a SaAuthError that can be shown; nothing else."""
    try:
        token = read(response, asked=ASKED, policy=RefreshPolicy())
    except SaAuthError as error:
        assert str(error)
        assert error.message.isprintable()
        assert error.retry_after is None or 0 <= error.retry_after <= 300
    else:
        assert 1 <= len(token.access_token) <= 16_384
        assert set(token.access_token) <= VISIBLE
        assert 0 < token.expires_at - ASKED.wall <= 86_400
        assert ASKED.wall <= token.refresh_at <= token.expires_at
        assert token.authorization == f"Bearer {token.access_token}"
        assert response.status // 100 != 3
        assert response.status < 400


@given(statuses, headers, st.binary(max_size=2000))
def test_any_bytes(status: int, fields: dict[str, str], body: bytes) -> None:
    """Arbitrary bytes raise nothing but SaAuthError, and give no token that is unsafe or endless."""
    check(Response(status, fields, body))


@given(statuses, headers, objects | json_values | honest)
@settings(max_examples=400)
def test_any_json(status: int, fields: dict[str, str], value: Any) -> None:
    """Arbitrary JSON raises nothing but SaAuthError, and gives no token that is unsafe or endless."""
    check(Response(status, fields, json.dumps(value).encode()))


@given(st.lists(st.tuples(names, json_values | numbers), max_size=12), st.booleans())
def test_any_doubles(pairs: list[tuple[str, Any]], mark: bool) -> None:
    """Arbitrary objects with doubled names are read or refused; a doubled deciding name is always refused."""
    text = "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs) + "}"
    body = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    check(Response(200, {}, body))
    deciding = [name for name, _ in pairs if name in {"access_token", "expires_in", "token_type"}]
    if len(deciding) > len(set(deciding)):
        with pytest.raises(ResponseError):
            read(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy())


@given(scalars, st.floats(-1e9, 1e9))
def test_no_clock_lengthens_a_life(expires_in: Any, wall: float) -> None:
    """Whatever the clock says when it is asked, a life is what was believed and at most 24 h."""
    body = json.dumps({"access_token": "abc", "expires_in": expires_in}).encode()
    token = read(Response(200, {}, body), asked=Instant(wall, 0.0), policy=RefreshPolicy())
    believed = read(Response(200, {}, body), asked=Instant(0.0, 0.0), policy=RefreshPolicy()).expires_at
    assert token.expires_at - wall == pytest.approx(believed, rel=1e-3, abs=1e-3)
    assert believed <= 86_400


# other names for a token and its end


def named(
    body: Any, *, trusted_date: bool = True, longest_life: float = 86_400.0, date: str = "", **names: Any
) -> Token:
    """Reads a reply whose token and end have names of their own."""
    response = Response(200, {"date": date} if date else {}, json.dumps(body).encode(), trusted_date)
    return read(response, asked=ASKED, policy=RefreshPolicy(longest_life=longest_life), names=AnswerNames(**names))


def jwt(**claims: Any) -> str:
    """A JWT with these claims, whose signature nobody looks at here."""
    header, payload = (
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "ES256"}, claims)
    )
    return f"{header}.{payload}.c2ln"


@pytest.mark.parametrize(
    ("end", "life"),
    [
        ("2023-11-14T23:13:20Z", 3600), ("2023-11-14t23:13:20z", 3600), ("2023-11-15T00:13:20+01:00", 3600),
        ("2023-11-14T23:13:20", 3600), ("2023-11-14T23:13:20.5Z", 3600.5), ("2023-11-14T23:13:20.123456789Z", 3600.123456),
        ("2023-11-14T23:13:20.000000000Z" + " " * 34, 300), ("2023-11-14T23:13:20Z" + " " * 45, 300), ("2023-11-14", 300),
        (ASKED.wall + 3600, 3600), (str(int(ASKED.wall) + 3600), 3600), ("Tomorrow", 300), ("T", 300), (None, 300), ([], 300),
        ("9999-12-31T23:59:59.9Z", 86_400), ("0001-01-01T00:00:00+23:59", 1), ("2023-11-14T22:13:20Z", 1),
    ],
)  # fmt: skip
def test_an_end_as_a_date(end: Any, life: float) -> None:
    """An end is read as a date of RFC 3339, of UTC where it names no zone, or as Unix seconds; junk is none."""
    token = named({"until": end, "access_token": "abc"}, expires_at="until")
    assert token.expires_at - ASKED.wall == pytest.approx(life, abs=1e-5)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_an_end_without_a_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A date that names no zone is UTC, wherever this machine stands."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        token = named({"until": "2023-11-14T23:13:20", "access_token": "abc"}, expires_at="until")
    time.tzset()
    assert token.expires_at - ASKED.wall == 3600


@pytest.mark.parametrize(("length", "life"), [(64, 3600), (65, 300)])
def test_a_long_date(length: int, life: float) -> None:
    """A fraction may be long, and the whole date 64 characters."""
    date = f"2023-11-14T23:13:20.{'0' * (length - 21)}Z"
    assert named({"until": date, "access_token": "abc"}, expires_at="until").expires_at - ASKED.wall == life


@pytest.mark.parametrize(("trusted", "life"), [(True, 3600), (False, 7200)])
def test_an_end_by_the_servers_clock(trusted: bool, life: float) -> None:
    """An end is counted from the reply's own Date, where that came by a way that can be trusted."""
    token = named(
        {"until": "2023-11-15T00:13:20Z", "access_token": "abc"}, expires_at="until", trusted_date=trusted,
        date="Tue, 14 Nov 2023 23:13:20 GMT",
    )  # fmt: skip
    assert token.expires_at - ASKED.wall == life


def test_a_life_goes_before_an_end() -> None:
    """Where an answer says both how long a token lives and when it ends, the former counts: it needs no clock."""
    body = {"access_token": "abc", "lease": 600, "until": "2023-11-14T23:13:20Z"}
    assert named(body, expires_in="lease", expires_at="until").expires_at == ASKED.wall + 600


@pytest.mark.parametrize(
    ("end", "life"), [(3600, 3600), (7200, 7200), (-5, 1), (1.5, 1.5), (0.5, 1), (None, 300), ("soon", 300)]
)
def test_an_end_in_the_token(end: Any, life: float) -> None:
    """Where the token is a JWT that says itself when it ends, it ends then; where it does not say, as any other."""
    exp = ASKED.wall + end if isinstance(end, int | float) else end
    token = named({"id_token": jwt(exp=exp)}, token="id_token", own_end=True)
    assert token.expires_at - ASKED.wall == life
    assert named({"access_token": jwt(exp=exp)}).expires_at - ASKED.wall == 300


def test_a_token_within() -> None:
    """A dot leads into an object; that object is not left beside the token, and the rest of the answer is."""
    token = named(
        {"auth": {"client_token": "abc", "lease": 60}, "id": 7}, token="auth.client_token", expires_in="auth.lease"
    )
    assert (token.access_token, token.expires_at, dict(token.extra)) == ("abc", ASKED.wall + 60, {"id": 7})


@pytest.mark.parametrize("body", [{"auth": "abc"}, {"auth": {}}, {"auth": None}, {"auth.client_token": "abc"}, {}])
def test_no_token_within(body: Any) -> None:
    """Where it does not lead there, there is no token, and the error says which was looked for."""
    with pytest.raises(ResponseError) as caught:
        named(body, token="auth.client_token")
    assert str(caught.value) == (
        "no_access_token: The answer holds no auth.client_token. Hint: Check that the token endpoint is one, and that the "
        "scope exists. More: docs/errors/no_access_token.md."
    )
    assert caught.value.status == 200


@pytest.mark.parametrize("name", ["client_token", "lease", "until"])
def test_doubles_within(name: str) -> None:
    """What decides within an object is refused where it stands twice, and so is that object."""
    names = AnswerNames("auth.client_token", "auth.lease", "auth.until")
    twice = b'{"auth": {"client_token": "abc", "lease": 60, "until": 5, "%s": 1}}' % name.encode()
    for body in (twice, b'{"auth": {"client_token": "abc"}, "auth": {"client_token": "def"}}'):
        with pytest.raises(ResponseError) as caught:
            read(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy(), names=names)
        assert caught.value.code == "duplicate_field"


def test_another_type_that_is_taken() -> None:
    """A type may be named that is taken beside the one asked for, and the token then has it."""
    assert named({"access_token": "abc", "token_type": "n_a"}, token_types=("N_A",)).token_type == "N_A"
    assert named({"access_token": "abc"}, token_types=("N_A",)).token_type == "Bearer"
    with pytest.raises(ResponseError):
        named({"access_token": "abc", "token_type": "mac"}, token_types=("N_A",))


# what comes beside a token, and what a refusal says


@pytest.mark.parametrize("again", ["r", "with a space", "~" * 16_384])
def test_refresh_token(again: str) -> None:
    """A refresh token of visible ASCII characters and spaces is kept beside the token, and never in it."""
    body = json.dumps({"access_token": "abc", "refresh_token": again}).encode()
    answer = read_answer(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy())
    assert answer.refresh_token is not None
    assert answer.refresh_token.reveal() == again.encode()
    assert dict(answer.token.extra) == {}


@pytest.mark.parametrize("again", ["", "\n", "a\x7f", "caf\u00e9", "~" * 16_385, 5, None, ["r"], True])
def test_no_refresh_token(again: Any) -> None:
    """Anything else is none, and costs no token."""
    body = json.dumps({"access_token": "abc", "refresh_token": again}).encode()
    assert read_answer(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy()).refresh_token is None


def test_a_token_that_is_bound_is_not_assumed() -> None:
    """Where a token bound by DPoP was asked for, one that does not say that it is bound is refused, with what it means."""
    for body in (b'{"access_token": "abc"}', b'{"access_token": "abc", "token_type": "Bearer"}'):
        with pytest.raises(ResponseError) as caught:
            read(Response(200, {}, body), asked=ASKED, policy=RefreshPolicy(), token_type="DPoP")
        assert (caught.value.status, str(caught.value)) == (
            200,
            (
                "unexpected_token_type: The answer's token_type is not DPoP. Hint: A token that is bound to no key was given "
                "where one bound by DPoP was asked for: the server does not do DPoP, or not for this client. Such a token is "
                "not used; leave dpop= out to do without. More: docs/errors/unexpected_token_type.md."
            ),
        )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            {"access_token": "abc", "token_type": "mac"},
            (
                "unexpected_token_type: The answer's token_type is not Bearer. Hint: The server issues another kind of token "
                "than was asked for; such a token is not used."
            ),
        ),
        (
            {"access_token": "a b"},
            (
                "bad_access_token: The access_token in the answer is not 1 to 16,384 visible ASCII characters. Hint: No other "
                "token fits into a header; check that the token endpoint is one."
            ),
        ),
    ],
)
def test_what_refused_tokens_say(body: Any, says: str) -> None:
    """A token that is not used is said to be none, why, and with which status it came."""
    error = refused(body, 201)
    assert (str(error), error.status) == (f"{says} More: docs/errors/{error.code}.md.", 201)


@pytest.mark.parametrize("path", ["token", "auth.token", "data.auth.token"])
def test_a_token_stands_nowhere_else(path: str) -> None:
    """Wherever the token stands in the answer, it is not among the other fields as well."""
    body: Any = "canary"
    for name in reversed(path.split(".")):
        body = {name: body}
    token = named(body, token=path)
    assert (token.access_token, token.extra) == ("canary", {})
    assert token.extra is NOTHING, "all tokens without other fields share one"


def test_as_it_comes() -> None:
    """Where nothing was asked for, a token's scope is none and its type is Bearer."""
    answer = read_answer(Response(200, {}, b'{"access_token": "abc"}'), asked=ASKED, policy=RefreshPolicy())
    assert (answer.token.scope, answer.token.token_type, answer.refresh_token) == (None, "Bearer", None)


@pytest.mark.parametrize("status", [200, 400])
def test_the_status_of_doubles(status: int) -> None:
    """Whoever tells of a double tells with which status it came."""
    assert refused(b'{"access_token": "a", "access_token": "b"}', status).status == status
