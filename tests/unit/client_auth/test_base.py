"""The token request that grants and client authentication fill in."""

from __future__ import annotations

from sa_auth.client_auth import TokenRequest


def test_additions_make_new_requests() -> None:
    """Fields and headers are added to a new request; order and repeats stay."""
    first = TokenRequest()
    second = first.with_fields(("resource", "a"), ("resource", "b")).with_header("X", "1").with_fields(("z", ""))
    assert first == TokenRequest((), {})
    assert second.fields == (("resource", "a"), ("resource", "b"), ("z", ""))
    assert dict(second.headers) == {"X": "1"}
    assert dict(second.with_header("X", "2").headers) == {"X": "2"}


def test_silence() -> None:
    """Its repr shows names and no values: one of them may be an assertion or a secret."""
    shown = repr(TokenRequest((("assertion", "canary"),), {"Authorization": "canary"}))
    assert "canary" not in shown
