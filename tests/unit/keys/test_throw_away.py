"""A key for one process alone."""

from __future__ import annotations

import pytest

from sa_auth.errors import ConfigError
from sa_auth.keys.throw_away import throw_away_key
from sa_auth.signers.local import LocalSigner


def test_another_each_time() -> None:
    """It is a P-256 key that signs at once, another each time, without a name or certificate."""
    keys = [throw_away_key() for _ in range(3)]
    assert {key.algorithm for key in keys} == {"ES256"}
    assert len({key.thumbprint for key in keys}) == 3
    assert {(key.key_id, key.certificates) for key in keys} == {(None, ())}
    assert len(LocalSigner(keys[0]).sign(b"data")) == 64


def test_it_stays_here() -> None:
    """It does not travel: whoever had it could use what is bound to it."""
    import pickle

    with pytest.raises(ConfigError, match="not_picklable"):
        pickle.dumps(throw_away_key())
