"""A refresh token is planted, and looked for in everything that leaves the library (docs/faults.md line 34)."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.grants import RefreshToken
from sa_auth.testing import Authority, ManualClock
from sa_auth.testing.faults import reply
from tests.flow.kit import PRIVATE, PUBLIC

SECRET = "canary-refresh-token"
ANSWER = {"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": SECRET, "more": 1}


def file_of(folder: Path) -> Path:
    """The key in a file of its owner's."""
    path = folder / "key.pem"
    path.write_text(PRIVATE)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("grant", ["client_credentials", RefreshToken(SECRET)], ids=["answered", "given"])
def test_nobody_sees_it(
    grant: Any, sa_clock: ManualClock, sa_authority: Authority, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """It stands in no extra field, repr, log, pickle, error or frame of one, whether it was given or came in answer."""
    caplog.set_level(logging.DEBUG, "sa_auth")
    sa_authority.register("app", PUBLIC)
    memory = MemoryCache()
    creds = ServiceAccountCredentials.from_file(
        file_of(tmp_path), issuer="app", server=sa_authority.issuer, token_endpoint=sa_authority.token_endpoint,
        grant=grant, clock=sa_clock, cache=memory, transport=sa_authority.transport(),
    )  # fmt: skip
    with sa_authority.answer(200, ANSWER, times=1):
        token = creds.token()
    assert dict(token.extra) == {"more": 1}
    held = creds._source._slot.newest()
    assert held is not None
    assert held.refresh_token is not None
    sa_clock.advance(3600)
    shown = [token, creds, creds._source._exchange.grant, held, held.refresh_token, memory, pickle.dumps(memory)]
    quoting = {"error": "invalid_grant", "error_description": "no"}
    with sa_authority.answer(400, quoting), pytest.raises(SaAuthError) as caught:
        creds.token()
    assert SECRET in [record.form.get("refresh_token") for record in sa_authority.requests]
    with sa_authority.revoke_faults.plan(reply(400, quoting)), pytest.raises(SaAuthError) as unrevoked:
        creds.revoke()
    for error in (caught.value, unrevoked.value):
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        shown += [
            error,
            vars(error),
            pickle.dumps(error),
            [one.locals for one in frames if "/sa_auth/" in one.filename],
        ]
    for secret in (held, held.refresh_token):
        with pytest.raises(ConfigError) as refusal:
            pickle.dumps(secret)
        shown.append(vars(refusal.value))
    assert SECRET not in caplog.text + "".join(f"{part!r}{part}" for part in shown)
    assert SECRET.encode() not in b"".join(part for part in shown if isinstance(part, bytes))
