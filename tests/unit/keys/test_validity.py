"""Tests of `sa_auth.keys.validity`: whether the numbers of a key fit together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sa_auth.errors import ConfigError
from sa_auth.keys.validity import check_mode, sound


@pytest.mark.parametrize("mode", ["full", "fast", "now"])
def test_sound(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey, ed_key: ed25519.Ed25519PrivateKey, mode: str
) -> None:
    """A good key is sound in every mode."""
    check_mode(mode)
    assert all(sound(key, mode) for key in (rsa_key, ec_key, ed_key))


@pytest.mark.parametrize("mode", ["full", "fast", "now"])
@pytest.mark.parametrize("number", ["n", "e", "d", "p", "q", "dp", "dq", "qi"])
def test_not_sound(damaged_rsa: Callable[[str], str], number: str, mode: str) -> None:
    """An RSA key with any one number altered is not sound in any mode."""
    key = load_pem_private_key(damaged_rsa(number).encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert not sound(key, mode)


def test_fast_is_arithmetic_only(rsa_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast check leaves the full one out."""
    monkeypatch.setattr("sa_auth.keys.validity._rsa_full", lambda _: pytest.fail("the full check"))
    assert sound(rsa_key, "fast")


@pytest.mark.parametrize("mode", ["", "FULL", None, True, "skip", []])
def test_unknown_mode(mode: object) -> None:
    """A mode that is not known is a ConfigError which lists those there are."""
    with pytest.raises(ConfigError, match=r'"full".*"now".*"fast"'):
        check_mode(mode)
