"""`sa-auth decode`: what stands in a token, without trust."""

from __future__ import annotations

import io
import json
import time

import jwt
import pytest

from sa_auth._encoding import b64url
from sa_auth.cli.decode import relative
from sa_auth.testing import new_key

PRIVATE, _ = new_key("p256")


def token(claims, **header):
    """A signed token."""
    return jwt.encode(claims, PRIVATE, algorithm="ES256", headers=header)


@pytest.fixture
def decode(command, monkeypatch):
    """Gives a text to `sa-auth decode` by standard input."""

    def act(text, *arguments):
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        return command("decode", *arguments)

    return act


def test_it_says_what_stands_there(decode):
    """Header, claims and times are shown, with a loud word that nothing was verified, and no signature."""
    now = int(time.time())
    given = token({"iss": "robot", "exp": now - 185, "iat": now - 3785, "aud": ["a", "b"]}, kid="k1")
    done = decode(given)
    assert done.code == 0
    assert "NOT VERIFIED" in done.err
    assert "3 minutes ago" in done.out
    assert "robot  (issuer)" in done.out
    assert '["a", "b"]' in done.out
    assert "k1" in done.out
    assert given.rpartition(".")[2] not in done.out


def test_the_signature_where_it_is_asked_for(decode):
    """The signature is shown for --signature alone."""
    given = token({"a": 1})
    assert given.rpartition(".")[2] in decode(given, "--signature").out
    assert decode(given, "--json").json.keys() == {"verified", "kind", "header", "claims"}
    assert decode(given, "--json", "--signature").json["signature"] == given.rpartition(".")[2]


@pytest.mark.parametrize(
    ("claims", "header", "kind"),
    [
        ({"htm": "GET"}, {"typ": "dpop+jwt"}, "a DPoP proof"),
        ({"iss": "a"}, {"typ": "at+jwt"}, "an access token"),
        ({"iss": "a", "sub": "a"}, {}, "an assertion of a client about itself, it seems"),
        ({"iss": "a", "sub": "b", "nonce": "n"}, {}, "an ID token, it seems"),
        ({"iss": "a"}, {}, "a JWT"),
    ],
)
def test_kinds(decode, claims, header, kind):
    """What it seems to be is said."""
    assert decode(token(claims, **header), "--json").json["kind"] == kind


@pytest.mark.parametrize(
    "around", ["{}", "Bearer {}", "Authorization: Bearer {}\n", '"{}"', '{{"access_token": "{}"}}', "DPoP: {}"]
)
def test_what_stands_around_it(decode, around):
    """A header line, quotes or the answer of a token endpoint around it are taken off."""
    assert decode(around.format(token({"iss": "robot"})), "--json").json["claims"] == {"iss": "robot"}


@pytest.mark.parametrize(
    "text", ["", "garbage", "a.b.c", "ya29.opaque", "{}", "{", b"\xff\xfe\x00", "é.é.é", f"{b64url(b'[]')}.{b64url(b'{}')}.x",
             f"{b64url(b'{}')}.{b64url(b'1')}.x", "." * 100_000, "[" * 100_000],
)  # fmt: skip
def test_garbage(decode, text):
    """What is no JWT costs one sentence and the code 2, and is not repeated."""
    done = decode(text)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("no_jwt: ")
    assert "garbage" not in done.err


def test_an_encrypted_one(decode):
    """Of an encrypted token the header is shown, and that the rest is not."""
    done = decode(".".join([b64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), "a", "b", "c", "d"]))
    assert done.code == 0
    assert "A256GCM" in done.out
    assert "encrypted" in done.err


def test_a_file(command, tmp_path):
    """The token may stand in a file."""
    (tmp_path / "token.jwt").write_text(token({"iss": "robot"}))
    assert command("decode", tmp_path / "token.jwt", "--json").json["claims"] == {"iss": "robot"}


def test_a_token_as_argument(command):
    """A token where the file belongs is not repeated, and what to do instead is said."""
    given = token({"iss": "robot"})
    done = command("decode", given)
    assert done.code == 2
    assert given not in done.err
    assert "standard input" in done.err


def test_a_strangers_text(decode):
    """No control of a stranger's reaches the terminal."""
    done = decode(token({"a\x1b[2J": "\x1b]0;x\x07\u202e\x9b31m", "exp": 1e300, "iat": True, "nbf": "soon"}))
    assert done.code == 0
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(done.out)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "now"), (-1, "1 second ago"), (-59.9, "59 seconds ago"), (60, "in 1 minute"), (-7300, "2 hours ago"),
     (86_400 * 3, "in 3 days"), (-86_400 * 800, "2 years ago")],
)  # fmt: skip
def test_relative(seconds, words):
    """A time is told in the largest unit that says something."""
    assert relative(seconds) == words


def test_an_answer_without_a_token(decode):
    """JSON that holds no token is no JWT."""
    assert decode(json.dumps({"access_token": 5})).code == 2
