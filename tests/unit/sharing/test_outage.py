"""An outage at a cache: what one was told, the others need not ask; what one machine alone met, they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sa_auth import Retry, SaAuthError, ServiceAccountCredentials, events
from sa_auth.caches import FileCache
from sa_auth.place import Place
from sa_auth.testing import Authority, ManualClock
from tests.flow.kit import OVER, PUBLIC, STALE, fails
from tests.unit.sharing.kit import place_of, settled


def test_an_error_of_the_server_is_told_to_all(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """What a server answered to one process, a 503 say, is what others are told for the pause that one process would make."""
    with authority.down(503, retry_after=60):
        first, second = fails(process()), fails(process(timeout=0.4))
        asked = authority.statuses[503]
        assert (first.status, first.attempts) == (503, asked)
        assert (second.status, second.attempts, type(second), second.code) == (503, 0, type(first), first.code)
        assert second.retry_after is not None
        assert second.retry_after <= 2
        assert (first.elsewhere, second.elsewhere) == (False, True)
        assert second.hint.endswith("This is what another process was told.")
        sa_clock.advance(3)
        fails(process(timeout=0.4))
        assert authority.statuses[503] > asked


def test_an_error_while_a_token_lives(process: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """With a living token in hand another process's error costs no request and no wait."""
    one, two = process(), process()
    one.token()
    two.token()
    sa_clock.advance(STALE)
    with authority.down(503, retry_after=60):
        assert settled_after(one)
        asked = authority.statuses[503]
        assert settled_after(two)
        assert authority.statuses[503] == asked


def settled_after(creds: ServiceAccountCredentials) -> bool:
    """Asks, and waits for what that has begun."""
    token = creds.token()
    settled(creds)
    return bool(token)


def test_an_error_is_waited_out(
    process: Callable[..., Any], authority: Authority, counts: events.Counts, sa_clock: ManualClock
) -> None:
    """Who can wait for the end of that pause does, and then has a token, though the first to ask had none."""
    quick = Retry(attempts=1, shortest=0.2, longest=0.4)
    with authority.down(503):
        fails(process(retry=quick))
    threading.Timer(0.3, sa_clock.advance, (1.0,)).start()
    assert process(retry=quick).token()
    assert counts["waited", "file"] == 1
    assert authority.statuses == {503: 1, 200: 1}


@pytest.mark.parametrize("fault", ["unreachable", "refused"])
def test_an_error_of_ones_own(process: Callable[..., Any], authority: Authority, folder: Path, fault: str) -> None:
    """What one machine alone may have met, no connection or a refusal, is nobody else's."""
    if fault == "unreachable":
        authority.unreachable = True
        fails(process(retry=Retry(attempts=1)))
        authority.unreachable = False
    else:
        authority.unregister("robot")
        fails(process())
        authority.register("robot", PUBLIC)
    assert list(folder.glob("*.token")) == []
    assert process().token()


def test_an_error_is_no_token(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """An error put in the token's place by whoever can write is a damaged record, and the other way round."""
    process().token()
    token = place_of(folder)
    with authority.down(503, retry_after=60):
        fails(process(subject="x", retry=Retry(attempts=1)))
    (error,) = [place for place in folder.glob("*.token") if place != token]
    token.write_bytes(error.read_bytes())
    assert process().token()
    assert authority.exchanges == 2


def test_the_longest_pause_is_nobodys_setting(process: Callable[..., Any], authority: Authority) -> None:
    """One process with long pauses does not bind the others to them."""
    with authority.down(429, retry_after=300):
        fails(process(retry=Retry(longest=600, longest_alive=600)))
        second = fails(process(timeout=0.4))
    assert second.retry_after is not None
    assert second.retry_after <= 2


def test_an_old_error_and_a_clock_set_back(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """An error that was left before the clock was set back holds nobody up."""
    with authority.down(503):
        fails(process())
    sa_clock.jump(-3600)
    assert process().token()


def on(machine: str, creds: ServiceAccountCredentials, monkeypatch: pytest.MonkeyPatch) -> str:
    """What comes of a call on that machine: a token, or the error's status."""
    monkeypatch.setattr("sa_auth.place.machine", lambda: machine)
    try:
        return creds.token().access_token
    except SaAuthError as error:
        return f"{error.status}{' elsewhere' if error.elsewhere else ''}"


def test_one_broken_machine_fails_nobody_else(
    process: Callable[..., Any], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 502 that one machine alone was told, by a proxy of its own say, keeps no other from asking, and does not fail it."""
    with authority.down(502):
        assert on("broken", process(), monkeypatch) == "502"
    began = time.monotonic()
    token = on("healthy", process(), monkeypatch)
    assert time.monotonic() - began < 1
    assert on("broken", process(), monkeypatch) == token
    assert authority.statuses[200] == 1


def test_two_machines_are_believed(
    process: Callable[..., Any], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What two machines were told in a row all others take for an outage, and ask no more than the pause allows."""
    once = Retry(attempts=1)
    with authority.down(503, retry_after=60):
        assert on("first", process(retry=once), monkeypatch) == "503"
        assert on("first", process(retry=once, timeout=0.3), monkeypatch) == "503 elsewhere"
        assert on("second", process(retry=once), monkeypatch) == "503"
        assert authority.statuses == {503: 2}
        for machine in ("first", "second", "third", "fourth"):
            assert on(machine, process(retry=once, timeout=0.3), monkeypatch) == "503 elsewhere"
        assert authority.statuses == {503: 2}


def test_an_outage_is_believed_until_a_token_comes(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During an outage one machine's error is enough, pause after pause; once a token came it takes two again."""
    once = Retry(attempts=1)
    with authority.down(503):
        for machine in ("first", "second", "third", "fourth"):
            assert on(machine, process(retry=once), monkeypatch) == "503"
            sa_clock.advance(2.1)
        assert on("fifth", process(retry=once), monkeypatch) == "503"
        assert on("sixth", process(retry=once, timeout=0.3), monkeypatch) == "503 elsewhere"
    sa_clock.advance(2.1)
    on("sixth", process(), monkeypatch)
    sa_clock.advance(OVER)
    with authority.down(502):
        assert on("first", process(retry=once), monkeypatch) == "502"
    assert on("second", process(), monkeypatch) != "502 elsewhere"


def test_an_old_error_is_not_how_things_stand(
    process: Callable[..., Any],
    authority: Authority,
    folder: Path,
    sa_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who met an error long ago, and has waited for another process's lock since, asks rather than repeat that error."""
    monkeypatch.setattr("sa_auth.sharing._RECENT", 0.1)
    with authority.down(503, retry_after=60):
        fails(process(retry=Retry(attempts=1)))
    name = Place.of(FileCache(folder), process()._source._exchange, [])._seal.name  # type: ignore[union-attr]
    lock = FileCache(folder).take(name, 0)
    assert lock is not None
    sa_clock.advance(1.9)  # so that little is left of its pause
    creds = process(timeout=2.0)
    threading.Timer(0.1, sa_clock.advance, (1.0,)).start()
    assert creds.token()
    lock.release()
