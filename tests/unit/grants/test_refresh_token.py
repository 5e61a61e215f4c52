"""The refresh token as a grant: RFC 6749 section 6."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from sa_auth._secret import Secret
from sa_auth.grants import RefreshToken
from sa_auth.grants.base import Advised, OneTime


def test_form() -> None:
    """The form is grant_type and refresh_token, of the text or of what another part of the library kept."""
    sent = [("grant_type", "refresh_token"), ("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA")]
    assert RefreshToken("tGzv3JOkF0XG5Qx2TlKWIA").form(0) == sent
    assert RefreshToken(Secret("tGzv3JOkF0XG5Qx2TlKWIA")).form(5) == sent


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_any_refresh_token(text: str) -> None:
    """Whatever the RFC's characters allow is sent as it is."""
    assert RefreshToken(text).form(0)[1] == ("refresh_token", text)


def test_it_is_not_used_up() -> None:
    """One that does not rotate is good for the next renewal too: it is no one-time grant, and its advice is to sign in."""
    grant = RefreshToken("abc")
    assert not isinstance(grant, OneTime)
    assert isinstance(grant, Advised)
    assert "sign in again" in grant.advice


def test_known_by_its_hash() -> None:
    """A log and a hint know it by eight digits of its SHA-256, as any secret."""
    told = hashlib.sha256(b"abc").hexdigest()[:8]
    assert RefreshToken("abc").describe() == f"refresh token {told}"
    assert repr(RefreshToken("abc")) == f"RefreshToken({told})"


def test_text_and_secret_are_one() -> None:
    """However it was handed over, it is one identity."""
    assert RefreshToken("abc").fingerprint() == RefreshToken(Secret("abc")).fingerprint()
