"""The arguments of the face: what is taken, and what is refused in words."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.errors import ConfigError
from sa_auth.exchange import ServerClock
from sa_auth.settings import Settings, pairs, strings, text, whole_seconds, words
from sa_auth.testing import Authority
from sa_auth.wire import endpoint, is_loopback


def refusal(call: Any, *arguments: Any, **named: Any) -> ConfigError:
    """The error of a call that is refused, with advice and without a context."""
    with pytest.raises(ConfigError) as caught:
        call(*arguments, **named)
    error = caught.value
    assert error.hint
    assert error.__context__ is None
    return error


def test_text() -> None:
    """A text is taken as it is, and None for not given."""
    assert text("robot@example", "issuer") == "robot@example"
    assert text(None, "issuer") is None


@pytest.mark.parametrize("value", ["", " ", "\t\n", 5, 0, True, b"robot", ["robot"], object()])
def test_no_text(value: Any) -> None:
    """What is empty or no str is refused by the argument's name, without repeating it."""
    error = refusal(text, value, "issuer")
    assert (error.code, "issuer" in error.message) == ("bad_argument", True)
    assert "robot" not in str(error)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", ()), (None, ()), ((), ()), ("a", ("a",)), ("b a", ("b", "a")), ("  a \t b ", ("a", "b")),
        (["b", "a"], ("b", "a")), (("a", "a", "b"), ("a", "b")), ("a b a", ("a", "b")), ({"a"}, ("a",)),
        ((word for word in ("x", "y")), ("x", "y")), ("https://www.googleapis.com/auth/drive",) * 2,
    ],
)  # fmt: skip
def test_words(value: Any, found: Any) -> None:
    """Scopes come as one str with spaces or as several; the order stays, repeats go."""
    assert words(value, "scope") == ((found,) if isinstance(found, str) else found)


@pytest.mark.parametrize(
    "value",
    [5, True, 1.5, b"read", {"read": 1}, [1], ["read", None], ["read write"], [""], 'say "hi"', "a\\b", "ä", "a\x00b",
     ["a\n"], object()],
)  # fmt: skip
def test_no_words(value: Any) -> None:
    """A scope of another type, or with a character that no scope may have, is refused."""
    assert refusal(words, value, "scope").code == "bad_argument"


@given(st.lists(st.text(alphabet=[c for c in string.printable[:95] if c not in ' "\\'], min_size=1), max_size=8))
def test_any_words(scopes: list[str]) -> None:
    """Every list of well-formed scopes is taken, and the same in either form."""
    assert words(scopes, "scope") == tuple(dict.fromkeys(scopes)) == words(" ".join(scopes), "scope")


@pytest.mark.parametrize(
    ("value", "found"), [(None, ()), ("", ()), ("a b", ("a b",)), (["a", "b"], ("a", "b")), (iter("ab"), ("a", "b"))]
)
def test_strings(value: Any, found: tuple[str, ...]) -> None:
    """One str is one, whatever is in it; an iterable is several."""
    assert strings(value, "resource") == found


@pytest.mark.parametrize("value", [5, b"a", {"a": 1}, [b"a"], [None], object()])
def test_no_strings(value: Any) -> None:
    """What is neither is refused."""
    assert refusal(strings, value, "resource").code == "bad_argument"


def test_pairs() -> None:
    """Form fields keep their order."""
    assert pairs({"b": "1", "a": "2"}, "form") == (("b", "1"), ("a", "2"))
    assert pairs(None, "form") == ()


@pytest.mark.parametrize("value", [5, "a=b", [("a", "b")], {"a": 1}, {1: "a"}, {"a": None}, {"a": ["b"]}])
def test_no_pairs(value: Any) -> None:
    """What is no mapping of str to str is refused."""
    assert refusal(pairs, value, "form").code == "bad_argument"


@pytest.mark.parametrize("name", ["grant_type", "assertion", "scope", "client_assertion", "client_assertion_type"])
def test_pairs_that_restate(name: str) -> None:
    """A form field that another argument decides may not be set beside it."""
    error = refusal(pairs, {"a": "b", name: "canary"}, "form")
    assert name in error.message
    assert "canary" not in str(error)


@pytest.mark.parametrize(("value", "found"), [(None, None), (1, 1), (300, 300), (59.9, 59), (1.0, 1), (3600, 3600)])
def test_whole_seconds(value: Any, found: int | None) -> None:
    """A lifetime is cut to whole seconds."""
    assert whole_seconds(value, "lifetime") == found


@pytest.mark.parametrize(
    "value",
    [0, -1, 0.5, 0.0, -0.1, float("nan"), float("inf"), float("-inf"), True, False, "300", b"1", [300], object()],
)
def test_no_whole_seconds(value: Any) -> None:
    """Less than a second, no number, and a bool, which Python takes for one, are refused."""
    assert refusal(whole_seconds, value, "lifetime").code == "bad_argument"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", "LocalHost"])
def test_loopback(host: str) -> None:
    """These are this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
     "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.", "my-localhost", "127.0.0.1 ", "１２７.0.0.1"],
)  # fmt: skip
def test_no_loopback(host: str) -> None:
    """A name that only looks like this machine, or that a resolver may read otherwise, is not."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    ["https://as.example/token", "https://as.example:8443/a/b?tenant=x", "https://127.0.0.1/token",
     "https://[2001:db8::1]/t", "https://as.example", "HTTPS://as.example/token", "https://as.example/%20",
     "http://127.0.0.1:8080/token", "http://localhost/token", "http://[::1]:1/token", "http://LOCALHOST/"],
)  # fmt: skip
def test_endpoint(url: str) -> None:
    """An https URL anywhere, and http to this machine, are taken exactly as written."""
    assert endpoint(url, "token_endpoint", by_caller=True) == url


@pytest.mark.parametrize(
    "url",
    [
        # not https
        "http://as.example/token", "http://localhost.evil.example/", "http://127.0.0.1.evil.example/t",
        "http://0.0.0.0/t", "http://127.1/t", "http://10.0.0.1/t", "ftp://127.0.0.1/t", "file:///etc/passwd",
        "ws://localhost/", "javascript:alert(1)", "data:text/plain,x",
        # user information and fragments
        "http://127.1@evil.example/", "https://user@as.example/", "https://u:canary@as.example/t", "https://@as.example/",
        "https://as.example/token#part", "https://as.example/#", "http://localhost#@evil.example/",
        "http://localhost:80@evil.example/",
        # no URL at all
        "", " ", "as.example/token", "//as.example/token", "https://", "https:///token", "https://?x", "token",
        "https://as.example:port/", "https://as.example:99999/", "https://[::1/", "https://as.example/ token",
        "https://as.example/\ttoken", "https://as.example/\ntoken", "https://as.example/tökén", "https://äs.example/",
        "https://as.example\\@evil.example/", "https://as.example\\.evil.example/", 5, b"https://as.example/", None,
        # what two readers take for two hosts
        "http://[::1].evil.example/", "https://as%2Eexample/", "https://%6cocalhost/", "https://as.example;evil.example/",
        "https://as.example,evil.example/", "https://[as.example]/", "https://as.example:80:443/",
    ],
)  # fmt: skip
def test_no_endpoint(url: Any) -> None:
    """Everything else is refused, without repeating what may be a password."""
    error = refusal(endpoint, url, "token_endpoint", by_caller=True)
    assert error.code in {"bad_endpoint", "bad_argument"}
    assert "canary" not in str(error)


def test_plain_http_by_a_key_file() -> None:
    """A key file alone may not choose http, not even to this machine: it comes from outside."""
    error = refusal(endpoint, "http://127.0.0.1/token", "token_endpoint", by_caller=False)
    assert "token_endpoint=" in error.hint


def test_settings_are_frozen() -> None:
    """Nothing that was checked changes afterwards, and the repr shows no field that may hold a secret."""
    made = Settings(
        signer=None, transport=Authority().transport(), server_clock=ServerClock(), issuer="robot",
        form=(("client_secret", "canary"),), claims={"c": "canary"}, headers={"h": "canary"},
    )  # fmt: skip
    name = "issuer"
    with pytest.raises(AttributeError):
        setattr(made, name, "other")
    assert "canary" not in repr(made)
