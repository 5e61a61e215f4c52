"""Fuzz target: replies of a token endpoint. Any status, header and body becomes a token that can be used, or an error.

The bytes: one that chooses where the token and its end stand, then lines as of HTTP: the status, the headers, an empty
line, the body.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from sa_auth._clock import Instant
from sa_auth.answer import Answer, read_answer
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import Seal
from sa_auth.errors import SaAuthError
from sa_auth.policy import Held, RefreshPolicy
from sa_auth.token import STANDARD, AnswerNames
from sa_auth.wire import Response

from . import laws

ASKED = Instant(1_700_000_000.0, 5_000.0)
SEAL = Seal(b"s" * 32, b"i" * 32)
NAMES = (
    STANDARD,
    AnswerNames("auth.client_token", "auth.lease_duration"),
    AnswerNames("iamToken", expires_at="expiresAt"),
    AnswerNames("id_token", own_end=True),
    AnswerNames("data.token.value", "data.token.life", "data.end", ("N_A",)),
)
POLICIES = (RefreshPolicy(), RefreshPolicy(lead=5, default_life=20.0, longest_life=600.0))
TYPES = ("Bearer", "DPoP")
_WAYS = len(NAMES) * len(POLICIES) * len(TYPES)
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


def split(data: bytes) -> tuple[int, Response]:
    """The way to read, and the reply."""
    way = data[0] % _WAYS if data else 0
    top, _, body = data[1:].partition(b"\n\n")
    first, *lines = top.decode("latin-1").split("\n")
    digits = "".join(character for character in first if character in "0123456789")[-3:]
    pairs = [line.partition(":") for line in lines if ":" in line]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return way, Response(int(digits or 200), headers, body, trusted_date="trusted" in headers)


def judge(data: bytes) -> None:
    """A reply becomes an `Answer` whose token can be sent, lives, and can be kept; or a `SaAuthError`."""
    way, response = split(data)
    names, way = NAMES[way % len(NAMES)], way // len(NAMES)
    policy, token_type = POLICIES[way % len(POLICIES)], TYPES[way // len(POLICIES)]
    try:
        answer = read_answer(response, asked=ASKED, policy=policy, scope="read", token_type=token_type, names=names)
    except SaAuthError as error:
        laws.check_error(error)
        assert error.status == response.status
        assert error.retry_after is None or 0 <= error.retry_after <= 300
    else:
        assert response.status < 300, "a token of a status that brings none"
        _check(answer, response, policy, (token_type, *names.token_types), names)


def _check(
    answer: Answer, response: Response, policy: RefreshPolicy, token_types: tuple[str, ...], names: AnswerNames
) -> None:
    token, again = answer
    assert _TOKEN.fullmatch(token.access_token)
    assert token.token_type in token_types
    life = token.expires_at - ASKED.wall
    assert math.isfinite(life) and 0 < life <= policy.longest_life, f"a life of {life} s"
    assert token.issued_at == ASKED.wall
    assert token.issued_at <= token.refresh_at <= token.expires_at
    assert token.scope is None or (isinstance(token.scope, str) and token.scope)
    assert not {"access_token", "refresh_token", "expires_in", "token_type"} & token.extra.keys()
    assert again is None or (0 < len(again.reveal()) <= 16384 and again.reveal().isascii())
    assert not _doubled(response.body, names), "a token of an answer that can be read in two ways"
    held = Held(token, ASKED.boot, again)
    turns = policy.life(held, 0.5)
    assert max(turns.stale.boot, turns.expired.boot) <= turns.end.boot
    try:
        data = SEAL.close(held, boot_id="b")
    except CacheFault as fault:
        assert fault.code == "too_large"  # noqa: PT017 - another code is the finding
    else:
        assert SEAL.open(data, ASKED, left=None, boot_id="b").token == token


def _doubled(body: bytes, names: AnswerNames) -> bool:
    """Whether a name on the way to the token stands twice in its object."""
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {"": pairs}

    def walk(node: Any, path: list[str]) -> None:
        pairs = node.get("") if isinstance(node, dict) else None
        if path and isinstance(pairs, list):
            values = [value for name, value in pairs if name == path[0]]
            found.append(len(values) > 1)
            walk(values[-1] if values else None, path[1:])

    walk(json.loads(body.decode("utf-8-sig"), object_pairs_hook=look), names.token.split("."))
    return any(found)


def seeds() -> dict[str, bytes]:
    """Replies that servers give, good and bad, for each way of reading."""
    jwt = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (
        b'{"alg":"ES256"}', b'{"iss":"as","exp":1700003600}', b"signature"))  # fmt: skip
    good: tuple[dict[str, Any], ...] = (
        {"access_token": "abc", "token_type": "Bearer", "expires_in": 3600, "scope": "read", "refresh_token": "again"},
        {"auth": {"client_token": "hvs.abc", "lease_duration": 3600, "renewable": True}, "data": None},
        {"iamToken": "t1.abc", "expiresAt": "2023-11-14T23:13:20.123456789Z"},
        {"id_token": jwt},
        {"data": {"token": {"value": "abc", "life": "60"}, "end": "2023-11-14T23:13:20"}, "token_type": "N_A"},
    )
    bad: tuple[Any, ...] = (
        {"error": "invalid_grant", "error_description": f"Invalid JWT: {jwt}, it must be a short-lived token"},
        {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "The caller may not"}},
        {"errorCode": "E0000004", "errorSummary": "Authentication failed"},
        {"errors": ["permission denied"]},
        {"access_token": "a b", "expires_in": -1},
        [1, 2],
    )
    dates = b"Date: Tue, 14 Nov 2023 22:13:20 GMT\nTrusted: yes\nRetry-After: Tue, 14 Nov 2023 22:14:20 GMT"
    found = {}
    for way in range(_WAYS):
        body = {**good[way % len(NAMES)], **({"token_type": "DPoP"} if way >= _WAYS // 2 else {})}
        found[f"good_{way}"] = bytes([way]) + b"200\n" + dates + b"\n\n" + json.dumps(body).encode()
    for number, body in enumerate(bad):
        found[f"bad_{number}"] = b"\0" + b"%d\n" % (400 + number) + dates + b"\n\n" + json.dumps(body).encode()
    found["busy"] = b"\x00503\nRetry-After: 120\n\n"
    found["redirect"] = b"\x00302\nLocation: https://elsewhere.example/\n\n"
    found["page"] = b"\x00200\nContent-Type: text/html\n\n<html><body>Sign in</body></html>"
    found["twice"] = b'\x00200\n\n{"access_token": "abc", "access_token": "def"}'
    found["twice_inside"] = b'\x01200\n\n{"auth": {"client_token": "abc", "client_token": "def"}}'
    found["deep"] = b'\x00200\n\n{"access_token": "abc", "x": ' + b"[" * 989 + b"]" * 989 + b"}"
    found["for_ever"] = b'\x00200\n\n{"access_token": "abc", "expires_in": 1e999, "refresh_in": 99999}'
    return found
