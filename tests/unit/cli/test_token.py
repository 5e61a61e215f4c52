"""`sa-auth token` and `sa-auth header`: what a shell gets."""

from __future__ import annotations

import requests

from sa_auth.testing import Authority

SCOPE = ("--scope", "https://www.googleapis.com/auth/drive")


def test_a_token_alone(command, keyfile, endpoint):
    """The token alone stands on standard output."""
    done = command("token", keyfile, *SCOPE, "--token-endpoint", endpoint)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.split()) == 1


def test_a_second_call_is_answered_from_the_cache(command, keyfile, endpoint, authority: Authority):
    """What is asked twice is exchanged once."""
    first, second = (command("token", keyfile, *SCOPE, "--token-endpoint", endpoint).out for _ in range(2))
    assert first == second
    assert authority.exchanges == 1


def test_without_a_cache(command, keyfile, endpoint, authority: Authority, tmp_path):
    """`--cache none` leaves nothing on the disk."""
    command("token", keyfile, *SCOPE, "--token-endpoint", endpoint, "--cache", "none")
    assert authority.exchanges == 1
    assert not (tmp_path / "cache").exists()


def test_a_token_for_programs(command, keyfile, endpoint):
    """With --json the life of the token stands beside it."""
    told = command("token", keyfile, *SCOPE, "--token-endpoint", endpoint, "--json").json
    assert told["token_type"] == "Bearer"
    assert 3500 < told["expires_in"] <= 3600


def test_a_header_that_a_call_takes(command, keyfile, endpoint):
    """The lines of `header` are those of a call that the API takes."""
    lines = command("header", keyfile, *SCOPE, "--token-endpoint", endpoint).out.splitlines()
    api = endpoint.removesuffix("/token") + "/api/files"
    assert requests.get(api, headers=dict(line.split(": ", 1) for line in lines), timeout=5).status_code == 200


def test_from_the_environment(command, keyfile, endpoint, monkeypatch):
    """Without a key file the variable SA_AUTH_KEY says which."""
    monkeypatch.setenv("SA_AUTH_KEY", str(keyfile))
    assert command("token", *SCOPE, "--token-endpoint", endpoint).code == 0


def test_every_option_reaches_the_face(command, keyfile, endpoint, authority: Authority):
    """Claims, header fields and form fields of the command line are sent."""
    command(
        "token", keyfile, *SCOPE, "--token-endpoint", endpoint, "--cache", "none", "--subject", "ada@example.com",
        "--claim", "level=3", "--claim", "note=hello", "--header", "more=true", "--form", "extra=1",
    )  # fmt: skip
    record = authority.requests[-1]
    assert (record.claims["sub"], record.claims["level"], record.claims["note"]) == ("ada@example.com", 3, "hello")
    assert record.header["more"] is True
    assert record.form["extra"] == "1"


def test_a_pair_without_a_value(command, keyfile):
    """A claim without a value is named."""
    done = command("token", keyfile, "--claim", "level")
    assert done.code == 2
    assert "NAME=VALUE" in done.err
