"""The API that accepts the authority's tokens."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Request, Response


def call(authority: Authority, token: str | None = None, body: bytes = b"", method: str = "GET") -> Response:
    """One call with a token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return authority.handle(Request(f"{authority.api_url}/files?x=1", body, headers, method))


def test_a_call_with_a_live_token_is_told_what_came(authority: Authority) -> None:
    """The answer names path, method, and size and hash of the body."""
    response = call(authority, authority.issue(), b"abc", "PUT")
    assert response.status == 200
    assert json.loads(response.body) == {
        "ok": True,
        "path": "/api/files",
        "method": "PUT",
        "received": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
    }
    empty = json.loads(call(authority, authority.issue()).body)
    assert (empty["received"], empty["sha256"]) == (0, hashlib.sha256(b"").hexdigest())


@pytest.mark.parametrize("path", ["", "/", "/a/b"])
def test_every_path_under_it_answers(path: str, authority: Authority) -> None:
    """The API begins at its URL, with and without a slash."""
    headers = {"authorization": f"bearer {authority.issue()}"}
    assert authority.handle(Request(authority.api_url + path, headers=headers)).status == 200


def test_a_token_ends_with_its_life(authority: Authority, clock: ManualClock) -> None:
    """A token is refused from its last second on, by the authority's own clock."""
    token = authority.issue(lifetime=60)
    clock.advance(59)
    assert call(authority, token).status == 200
    authority.skew = 1
    refusal = call(authority, token)
    assert refusal.status == 401
    assert refusal.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("header", ["Bearer unknown", "Bearer ", "Basic eDp5", "Bearer \udcff"])
def test_anything_else_is_refused(header: str, authority: Authority) -> None:
    """An unknown token, another scheme or nonsense gets 401."""
    authority.issue()
    assert authority.handle(Request(authority.api_url, headers={"Authorization": header})).status == 401


def test_whoever_brings_no_token_learns_no_error(authority: Authority) -> None:
    """Without a token the challenge has no error code (RFC 6750 section 3.1)."""
    assert call(authority).headers["www-authenticate"] == "Bearer"


def test_revoked_tokens_are_refused(authority: Authority) -> None:
    """revoke() makes one token worthless, revoke_all() all of them."""
    first, second, third = (authority.issue() for _ in range(3))
    assert authority.revoke(first) is True
    assert authority.revoke(first) is False
    assert [call(authority, token).status for token in (first, second)] == [401, 200]
    assert authority.revoke_all() == 2
    assert [call(authority, token).status for token in (second, third)] == [401, 401]
    assert call(authority, authority.issue()).status == 200


def test_the_next_calls_can_be_refused(authority: Authority) -> None:
    """refuse_next(n) refuses n calls whatever they bring; refuse_all refuses until it is taken back."""
    token = authority.issue()
    authority.api.refuse_next(2)
    assert [call(authority, token).status for _ in range(3)] == [401, 401, 200]
    authority.api.refuse_all = True
    assert [call(authority, token).status for _ in range(2)] == [401, 401]
    authority.api.clear()
    assert call(authority, token).status == 200


def test_calls_are_counted(authority: Authority) -> None:
    """Accepted and refused calls are counted, and those of each token by its fingerprint."""
    one, two = authority.issue(), authority.issue()
    for token in (one, one, two, "x"):
        call(authority, token)
    api = authority.api
    assert (api.calls, api.refused) == (3, 1)
    names = [hashlib.sha256(token.encode()).hexdigest()[:8] for token in (one, two)]
    assert api.calls_by_token == {names[0]: 2, names[1]: 1}
    authority.clear()
    assert (api.calls, api.refused, api.calls_by_token) == (0, 0, {})


def test_no_call_is_lost_between_threads(authority: Authority) -> None:
    """The counters are right after calls from several threads."""
    token = authority.issue()
    threads = [threading.Thread(target=lambda: [call(authority, token) for _ in range(250)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert authority.api.calls == 1000
