"""What the authority remembers: assertions used, and tokens handed out."""

from __future__ import annotations

from sa_auth.testing.replays import Replays
from sa_auth.testing.tokens import Issued, Tokens, fingerprint


def test_an_id_is_remembered_as_long_as_it_could_be_used() -> None:
    """The same id is refused until its end, then it is forgotten."""
    replays = Replays()
    assert replays.use("a", "1", until=10, now=0)
    assert not replays.use("a", "1", until=10, now=9)
    assert replays.use("a", "1", until=20, now=10)


def test_ids_belong_to_their_issuer() -> None:
    """Two issuers may use the same id."""
    replays = Replays()
    assert replays.use("a", "1", until=10, now=0)
    assert replays.use("b", "1", until=10, now=0)
    replays.clear()
    assert replays.use("a", "1", until=10, now=0)


def test_ids_past_their_end_take_no_room() -> None:
    """The memory stays bounded by what is still alive."""
    replays = Replays()
    for number in range(20_000):
        replays.use("a", str(number), until=number + 10, now=number)
    assert len(replays._seen) < 5000  # noqa: SLF001 - the bound is the requirement


def test_tokens_past_their_end_take_no_room() -> None:
    """The tokens that are out stay bounded by what is still alive."""
    tokens = Tokens()
    issued = [tokens.issue(Issued("a", None, "", now + 10), now) for now in range(20_000)]
    assert tokens.find(issued[-1], 19_999) is not None
    assert tokens.find(issued[-1], 20_009) is None
    assert len(tokens._live) < 5000  # noqa: SLF001 - the bound is the requirement


def test_a_fingerprint_is_short_and_takes_any_text() -> None:
    """Eight hex digits, also for what is no token at all."""
    assert len(fingerprint("\udcff")) == 8
