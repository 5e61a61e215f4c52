"""Faults by their names."""

from __future__ import annotations

import pytest

from sa_auth.testing import Authority
from sa_auth.testing.plays import PLAYS, play


@pytest.mark.parametrize("name", PLAYS)
def test_every_fault_is_one(name: str) -> None:
    """Each fault by name is one that a timeline tells of, and that is taken back by `up` or by its own setting."""
    authority = Authority()
    play(authority, name)
    (spell,) = authority.spells.all
    assert spell.ended_at is None
    authority.up()
    authority.cut, authority.drip = None, 0.0
    assert authority.spells.all[0].ended_at is not None


def test_a_vendors_own_path_is_late_too() -> None:
    """What is done to answers is done at the path of a dialect as well."""
    authority = Authority(dialect="box")
    assert [authority.gives_tokens(path) for path in ("/oauth2/token", "/token", "/api/token")] == [True, True, False]
