"""One exchange for all who share a cache: who adopts, who asks, who waits, and what a broken cache costs."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ConfigError, RefreshPolicy, SaAuthError, events
from sa_auth._encoding import b64url
from sa_auth._secret import Secret
from sa_auth.assertions import FromCallable, FromCredentials, FromFile
from sa_auth.caches import FileCache
from sa_auth.caches.named import travels
from sa_auth.client_auth import ClientAssertion, ClientSecretBasic
from sa_auth.flight import Flight
from sa_auth.grants import AuthorizationCode, JWTBearer
from sa_auth.place import Place
from sa_auth.policy import Held
from sa_auth.slot import Slot
from sa_auth.source import _Revocation
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.token import Token
from tests.flow.kit import EXPIRED, OVER, PRIVATE, STALE, eventually, fails, herd
from tests.unit.sharing.kit import OWN_KEY, Store, place_of, settled, warnings_of

# --- one exchange


def test_adopted(process: Callable[..., Any], authority: Authority, counts: events.Counts) -> None:
    """What one process has got, another adopts: the same token, and no exchange."""
    first, second = process(), process()
    assert first.token().access_token == second.token().access_token
    assert authority.exchanges == 1
    assert (counts["exchange"], counts["adopted", "file"]) == (1, 1)


def test_renewed_by_one(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, counts: events.Counts
) -> None:
    """A token in its renewal window is handed out at once by all; one renews, the others adopt what it got."""
    crowd = [process() for _ in range(5)]
    old = {creds.token().access_token for creds in crowd}
    sa_clock.advance(STALE)
    for creds in crowd:
        assert {creds.token().access_token} == old
        settled(creds)
    new = {creds.token().access_token for creds in crowd}
    assert (len(old), len(new), old & new) == (1, 1, set())
    assert authority.exchanges == 2
    assert counts["adopted", "file"] == 8


def test_expired_is_renewed_by_one(process: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """An expired token is not adopted, and its successor is got once for all."""
    crowd = [process() for _ in range(4)]
    old = [creds.token() for creds in crowd]
    sa_clock.advance(EXPIRED)
    authority.delay = 0.2
    got: list[Any] = []
    threads = [threading.Thread(target=lambda one=creds: got.append(one.token())) for creds in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({token.access_token for token in got}) == 1
    assert got[0].access_token != old[0].access_token
    assert authority.exchanges == 2


def test_stale_is_adopted_by_who_has_none(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """A process that starts while the token is in its renewal window takes it, and renews it behind its calls."""
    old = process().token().access_token
    sa_clock.advance(STALE)
    late = process()
    assert late.token().access_token == old
    assert authority.exchanges == 1
    assert late.token().access_token == old
    settled(late)
    assert late.token().access_token != old
    assert authority.exchanges == 2


def test_nobody_waits_while_the_token_lives(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, folder: Path
) -> None:
    """With another process at it, a living token is handed out at once, no exchange is made, and it is looked at again."""
    creds = process()
    old = creds.token().access_token
    sa_clock.advance(STALE)
    lock = FileCache(folder).take(place_of(folder).stem, 0)
    assert lock is not None
    for _ in range(3):
        began = time.monotonic()
        assert creds.token().access_token == old
        assert time.monotonic() - began < 0.2
        settled(creds)
        sa_clock.advance(0.5)
    assert authority.exchanges == 1
    lock.release()
    assert creds.token().access_token == old
    settled(creds)
    assert creds.token().access_token != old
    assert authority.exchanges == 2


def test_postponed_and_then_awaited(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, folder: Path
) -> None:
    """Who needs a token while another process is at it waits, and gets what that one leaves, with no exchange of its own."""
    creds, other = process(), process()
    creds.token()
    other.token()
    sa_clock.advance(STALE)
    with authority.hold():
        renewing = threading.Thread(target=other.token, args=(3000,))
        renewing.start()
        eventually(lambda: authority.exchanges == 2)
        assert creds.token()
        settled(creds)
        threading.Timer(0.3, authority.up).start()
        new = creds.token(min_ttl=3000).access_token
    renewing.join(10)
    assert other.token().access_token == new
    assert authority.exchanges == 2


def test_min_ttl(process: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """A token of the cache that lives shorter than the caller needs is not adopted; one that lives longer is."""
    process().token()
    sa_clock.advance(1800)
    second = process()
    assert second.token(min_ttl=1000).remaining(sa_clock.wall()) == pytest.approx(1800)
    assert authority.exchanges == 1
    assert second.token(min_ttl=2000).remaining(sa_clock.wall()) == pytest.approx(3600)
    assert authority.exchanges == 2
    third = process()
    assert third.token(min_ttl=2000).remaining(sa_clock.wall()) == pytest.approx(3600)
    assert authority.exchanges == 2


def test_min_ttl_of_who_has_none(process: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """Who holds nothing, and needs more of a life than is left in the cache, asks for a token of its own."""
    process().token()
    sa_clock.advance(1800)
    assert process().token(min_ttl=2000).remaining(sa_clock.wall()) == pytest.approx(3600)
    assert authority.exchanges == 2


def test_herds(process: Callable[..., Any], authority: Authority) -> None:
    """Eight threads in each of four make one exchange together."""
    crowd = [process() for _ in range(4)]
    authority.delay = 0.2
    turn = iter(crowd * 8)
    got = herd(32, lambda: next(turn).token().access_token)
    assert len(set(got)) == 1
    assert authority.exchanges == 1


# --- a refused token


def test_a_refused_token_is_not_taken_back(
    process: Callable[..., Any], authority: Authority, counts: events.Counts
) -> None:
    """What an API refused is renewed, though the cache still has it; and its successor takes its place there."""
    creds = process()
    refused = creds.token()
    creds.discard(refused)
    new = creds.token().access_token
    assert new != refused.access_token
    assert authority.exchanges == 2
    assert counts["adopted"] == 0
    assert process().token().access_token == new


def test_refused_in_two_processes(process: Callable[..., Any], authority: Authority) -> None:
    """Where an API refused one token in two processes, one renews and the other adopts."""
    one, two = process(), process()
    refused = one.token()
    two.token()
    one.discard(refused)
    two.discard(two.token())
    assert one.token().access_token == two.token().access_token != refused.access_token
    assert authority.exchanges == 2


def test_a_refused_token_and_credentials_made_anew(process: Callable[..., Any], folder: Path) -> None:
    """It is not taken back from the cache by credentials that are made after those that met the refusal are gone."""
    cache = FileCache(folder)
    creds, _other = process(cache=cache), process(cache=cache, subject="other")
    refused = creds.token()
    creds.discard(refused)
    del creds
    gc.collect()
    assert process(cache=cache).token().access_token != refused.access_token


def test_a_refused_token_is_the_last_resort(process: Callable[..., Any], authority: Authority) -> None:
    """If its successor cannot be had, it is used, and the API decides."""
    creds = process()
    refused = creds.token()
    creds.discard(refused)
    with authority.down():
        assert creds.token().access_token == refused.access_token


# --- what is found instead


def test_a_record_of_anothers(
    process: Callable[..., Any], authority: Authority, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A record that was put in another identity's place is not used: one warning, one exchange, and its place is taken back."""
    admin = process(subject="admin").token().access_token
    theirs = place_of(folder)
    process(subject="guest").token()
    (ours,) = [place for place in folder.glob("*.token") if place != theirs]
    ours.write_bytes(theirs.read_bytes())
    guest = process(subject="guest")
    assert guest.token().access_token != admin
    assert authority.exchanges == 3
    said = warnings_of(caplog)
    assert len(said) == 1
    assert "file cache: a record was damaged, or is not this identity's" in said[0]
    assert process(subject="guest").token().access_token == guest.token().access_token
    assert authority.exchanges == 3


@pytest.mark.parametrize(
    ("data", "again"),
    [(b"", True), (b"junk", True), (b"cos\nsystem\n(S'false'\ntR.", True), (b"sa_auth 2 9999999999999 0\nx", False)],
)
def test_a_record_that_is_none(
    process: Callable[..., Any],
    authority: Authority,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    data: bytes,
    again: bool,
) -> None:
    """A damaged record costs one exchange and one warning, and is replaced; one of a later version stays for those who read it."""
    process().token()
    place_of(folder).write_bytes(data)
    creds = process()
    creds.token()
    creds.token()
    assert authority.exchanges == 2
    assert len(warnings_of(caplog)) == 1
    assert (place_of(folder).read_bytes() != data) is again


def test_an_unusable_folder(
    process: Callable[..., Any],
    authority: Authority,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    sa_clock: ManualClock,
) -> None:
    """A folder that others may read is not used: one warning that says what to run, and tokens are had all the same."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    creds = process()
    for _ in range(3):
        creds.token()
        sa_clock.advance(OVER)
    assert authority.exchanges == 3
    assert warnings_of(caplog) == [
        f"identity {creds.identity.hex()[:8]}: the file cache: its folder {folder} is open to others; run: chmod 700 {folder}"
    ]
    folder.chmod(0o700)
    caplog.set_level(logging.INFO)
    creds.token()
    assert any("the file cache: works again" in record.getMessage() for record in caplog.records)
    assert process().token().access_token == creds.token().access_token


@pytest.mark.parametrize("error", [OSError("canary-text"), ValueError(), KeyError("x"), RuntimeError("canary-text")])
def test_a_cache_that_raises_anything(
    process: Callable[..., Any],
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
    counts: events.Counts,
    error: Exception,
) -> None:
    """Whatever a cache of the caller's own raises, tokens are had; one warning names the class and not its text."""
    cache = Store(error)
    creds = process(cache=cache)
    creds.token()
    assert authority.exchanges == 1
    (said,) = warnings_of(caplog)
    assert said.endswith(f"the mine cache: it raised {type(error).__name__}")
    assert "canary" not in said
    assert counts["cache_failure", "mine"] == 1


def test_a_cache_of_ones_own(process: Callable[..., Any], authority: Authority) -> None:
    """A cache of the caller's own is used as the others are: looked at, locked, looked at again, and given back."""
    cache = Store()
    process(cache=cache).token()
    assert cache.calls == [
        "get",
        "get",
        "take",
        "get",
        "get",
        "put",
        "release",
    ]  # each time for a token, then for an error
    second = Store()
    second.kept = cache.kept
    process(cache=second).token()
    assert second.calls == ["get"]
    assert authority.exchanges == 1


def test_the_lock_is_given_back_after_a_failure(process: Callable[..., Any], authority: Authority) -> None:
    """A failed exchange gives the lock back, and its error is the exchange's own."""
    cache = Store()
    with authority.down(), pytest.raises(SaAuthError, match="503"):
        process(cache=cache).token()
    assert cache.calls[-1] == "release"


# --- a holder that is slow


def test_a_slow_holder_is_not_waited_for_longer_than_half(
    process: Callable[..., Any],
    authority: Authority,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    counts: events.Counts,
) -> None:
    """Without a token one waits for another's lock at most half of one's own time, then asks: counted, and logged once."""
    process().token()
    name = place_of(folder).stem
    place_of(folder).unlink()
    lock = FileCache(folder).take(name, 0)
    assert lock is not None
    creds = process(timeout=1.0)
    began = time.monotonic()
    creds.token()
    waited = time.monotonic() - began
    assert 0.45 <= waited < 2.0
    assert authority.exchanges == 2
    assert (counts["waited", "file"], counts["bypassed", "file"]) == (1, 1)
    assert len(warnings_of(caplog)) == 1
    # What it got is there for the others, though it never had the lock.
    assert process().token().access_token == creds.token().access_token
    lock.release()


def test_a_slow_holder_and_a_living_token(
    process: Callable[..., Any], authority: Authority, folder: Path, sa_clock: ManualClock
) -> None:
    """While a token lives nobody waits for a lock that is never given back, and renews without it after half of its time."""
    creds = process(timeout=4.0)
    old = creds.token().access_token
    lock = FileCache(folder).take(place_of(folder).stem, 0)
    assert lock is not None
    sa_clock.advance(STALE)
    for _ in range(5):
        assert creds.token().access_token == old
        settled(creds)
        assert authority.exchanges == 1
        sa_clock.advance(0.45)
    creds.token()
    eventually(lambda: creds._source._slot.flight is None, within=10)
    assert creds.token().access_token != old
    assert authority.exchanges == 2
    lock.release()


def test_a_late_holder_replaces_nothing_that_ends_later(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """What a process publishes long after it asked leaves a token that ends later where it is."""
    slow = process()
    late = slow.token()
    data = FileCache(slow._given["cache"].path)
    name = place_of(Path(data.path)).stem
    old = data.get(name)
    assert old is not None
    sa_clock.advance(OVER)
    new = process().token()
    assert not data.put(name, old.data, 5, over=None)
    assert process().token().access_token == new.access_token != late.access_token


# --- whose it is


def test_no_key_to_seal_with(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """Where no private key is in the process, the cache is asked for a key of its own, at construction."""
    of_a_secret = {
        "issuer": None,
        "grant": "client_credentials",
        "client_auth": ClientSecretBasic("app", "canary-secret"),
    }
    with pytest.raises(ConfigError) as caught:
        process(None, **of_a_secret)
    assert caught.value.code == "no_cache_key"
    assert "FileCache(..., key=...)" in caught.value.hint
    tokens = {
        process(None, **of_a_secret, cache=FileCache(folder, key=key)).token().access_token
        for key in (OWN_KEY, OWN_KEY.encode(), lambda: OWN_KEY)
    }
    assert len(tokens) == 1
    assert authority.exchanges == 1
    process(None, **of_a_secret, cache=FileCache(folder, key="j" * 40)).token()
    assert authority.exchanges == 2
    assert not any(b"canary" in place.read_bytes() for place in folder.iterdir())


def test_a_key_of_its_own_beside_a_local_one(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A key given to the cache seals a local key's tokens as well: who has but one of the two reads nothing."""
    process(cache=FileCache(folder, key=OWN_KEY)).token()
    process(cache=FileCache(folder)).token()
    assert authority.exchanges == 2
    process(cache=FileCache(folder, key=OWN_KEY)).token()
    assert authority.exchanges == 2


def test_a_caches_key_that_fails(
    process: Callable[..., Any], authority: Authority, caplog: pytest.LogCaptureFixture, folder: Path
) -> None:
    """Where the function that gives the cache's key fails, there is less sharing and one warning."""

    def broken() -> str:
        raise OSError("canary")

    creds = process(cache=FileCache(folder, key=broken))
    creds.token()
    assert authority.exchanges == 1
    assert len(warnings_of(caplog)) == 1
    assert "canary" not in warnings_of(caplog)[0]


def jwt(**claims: Any) -> str:
    """A token service's JWT, whose signature nobody looks at here."""
    return ".".join(b64url(json.dumps(part).encode()) for part in ({"alg": "ES256"}, claims)) + ".c2ln"


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., FromFile]:
    """A file at one path, as a container has it, with a token for whom it is said."""

    def write(**claims: Any) -> FromFile:
        place = tmp_path / "token"
        place.write_text(jwt(iss="sts", exp=4e9, jti=os.urandom(8).hex(), **claims))
        place.chmod(0o600)
        return FromFile(place)

    return write


def test_two_accounts_at_one_path(
    process: Callable[..., Any], authority: Authority, service: Callable[..., FromFile], folder: Path
) -> None:
    """Two machines that find tokens of two accounts at one path share nothing; new tokens of one account share."""
    names = []
    for subject in ("pod-a", "pod-b", "pod-a"):
        source = service(sub=subject)
        for creds in (
            process(None, issuer=None, grant=JWTBearer(source), cache=FileCache(folder, key=OWN_KEY)),
            process(
                None, issuer=None, grant="client_credentials", client_auth=ClientAssertion(source, client_id="app"),
                cache=FileCache(folder, key=OWN_KEY),
            ),
        ):  # fmt: skip
            identity = creds.shared_identity()
            assert identity is not None
            names.append(identity)
    assert names[:2] == names[4:]
    assert len(set(names)) == 4


def test_what_cannot_be_told_from_anothers(
    process: Callable[..., Any], authority: Authority, service: Callable[..., FromFile], folder: Path, tmp_path: Path
) -> None:
    """An opaque token, a JWT without a subject, and a function without a name share with nobody, and leave no file."""
    (tmp_path / "opaque").write_text("opaque-token")
    for source in (FromFile(tmp_path / "opaque"), service(), FromCallable(lambda: jwt(iss="sts", sub="x", exp=4e9))):
        creds = process(None, issuer=None, grant=JWTBearer(source), cache=FileCache(folder, key=OWN_KEY))
        if not isinstance(source, FromCallable):
            assert creds.shared_identity() is None
            with pytest.raises(SaAuthError):
                creds.token()  # the authority knows no such token; what matters is what is left behind
    assert not folder.exists()


def test_a_throw_away_key(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """Tokens bound to a key that was made for one process stay in it."""
    creds = process(dpop="ephemeral")
    creds.token()
    assert creds.shared_identity() is None
    assert not folder.exists()


def test_other_credentials_as_the_assertion(process: Callable[..., Any], folder: Path) -> None:
    """What is asked by other credentials' token is shared where those are."""

    def outer(inner: Any) -> bytes | None:
        creds = process(
            None, issuer=None, grant=JWTBearer(FromCredentials(inner)), cache=FileCache(folder, key=OWN_KEY)
        )
        return creds.shared_identity()

    assert outer(process()) == outer(process()) is not None
    assert outer(process()) != outer(process(subject="x"))
    assert outer(process(dpop="ephemeral")) is None


def test_the_longest_life_is_the_readers(process: Callable[..., Any], sa_clock: ManualClock) -> None:
    """Who lets no token live longer than so many seconds holds a shared one for no longer, whoever asked for it."""
    process().token()
    creds = process(refresh=RefreshPolicy(longest_life=600))
    first = creds.token().access_token
    sa_clock.advance(599)
    assert creds.token().access_token != first


def test_a_life_of_a_second(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A token that lives no longer than a second stays in memory."""
    authority.token_lifetime = 0
    process().token()
    assert list(folder.glob("*.token")) == []


# --- two keys that overlap


def test_two_keys_overlap(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, tmp_path: Path
) -> None:
    """While some workers have the new key and some the old one, each kind makes one exchange; once all have it, all share."""
    newer_key, newer_public = new_key("p256")
    path = tmp_path / "key.pem"

    def write(text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)
        os.utime(path, (time.time() + write.count, time.time() + write.count))  # type: ignore[attr-defined]
        write.count += 5  # type: ignore[attr-defined]

    write.count = 0  # type: ignore[attr-defined]
    write(PRIVATE)
    authority.register("robot", newer_public, key_id="new")
    workers = [process(str(path)) for _ in range(4)]
    for worker in workers:
        worker.token()
    assert authority.exchanges == 1
    write(newer_key)
    fresh = [process(str(path)) for _ in range(2)]
    for worker in fresh:
        worker.token()
    assert authority.exchanges == 2
    sa_clock.advance(OVER)
    tokens = {worker.token().access_token for worker in (*workers, *fresh)}
    assert len(tokens) == 1
    assert authority.exchanges == 3


# --- forgetting


def test_revoke(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A revoked token is forgotten everywhere: told to the server, out of the memory and out of the cache."""
    server = authority.token_endpoint.rpartition("/")[0]
    creds, other = process(server=server), process(server=server)
    token = creds.token().access_token
    creds.revoke()
    assert list(folder.glob("*.token")) == []
    assert other.token().access_token != token


def test_revoke_anothers(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A process that has not asked yet revokes what an earlier one left in the cache."""
    server = authority.token_endpoint.rpartition("/")[0]
    process(server=server).token()
    process(server=server).revoke()
    assert list(folder.glob("*.token")) == []


def test_revoke_what_the_cache_has_lost(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A token that is held is revoked, whether the cache still has it or not."""
    creds = process(server=authority.token_endpoint.rpartition("/")[0])
    creds.token()
    place_of(folder).unlink()
    creds.revoke()
    assert len(authority.revocations) == 1


# --- what may be given


def test_by_name(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: Callable[..., Any]
) -> None:
    """The word "file" is the user's cache folder, one cache for the process; it travels by name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from sa_auth.caches import named

    monkeypatch.setattr(named, "_named", {})
    one, two = process(cache="file"), process(cache="file")
    assert one.token() is two.token()
    assert authority.exchanges == 1
    assert len(list((tmp_path / "sa_auth").glob("*.token"))) == 1


def test_replace_keeps_the_cache(process: Callable[..., Any], folder: Path) -> None:
    """Credentials made of others share their cache and memory, each identity in its own place."""
    creds = process()
    creds.token()
    creds.replace(subject="ada").token()
    assert len(list(folder.glob("*.token"))) == 2
    assert creds.replace().token() is creds.token()


def test_renewed_in_the_window_of_the_policy(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """What is adopted is judged by the credentials' own policy."""
    process().token()
    sa_clock.advance(2200)
    eager = process(refresh=RefreshPolicy(lead=1800))
    eager.token()
    eager.token()
    settled(eager)
    assert authority.exchanges == 2


# --- caches of the caller's own that are odd


def test_a_cache_that_cannot_be_hashed(process: Callable[..., Any], authority: Authority) -> None:
    """A cache that is no key of a dictionary and cannot be referred to weakly is one all the same, also where it fails."""

    class Odd(Store):
        __slots__ = ()
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    assert process(cache=Odd()).token()
    assert process(cache=Odd(OSError())).token()
    assert authority.exchanges == 2


def test_a_lock_that_cannot_be_given_back(
    process: Callable[..., Any], authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """A token is not lost because the lock could not be given back."""

    class Stuck(Store):
        def release(self) -> None:
            raise OSError("canary")

    assert process(cache=Stuck()).token()
    assert authority.exchanges == 1
    assert len(warnings_of(caplog)) == 1


# --- silence


def test_it_leaves_no_secret(
    process: Callable[..., Any],
    authority: Authority,
    sa_clock: ManualClock,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither what is in the folder, nor a name there, a log line or an event holds a token, a refresh token, a secret or a key."""
    caplog.set_level(logging.DEBUG)
    authority.refresh_tokens = "rotate"
    told: list[events.Event] = []
    stop = events.listen(told.append)
    code = authority.issue_code("app", scope="read")
    secret = {"issuer": None, "client_auth": ClientSecretBasic("app", "canary-secret")}
    creds = [
        process(None, grant=AuthorizationCode(code), cache=FileCache(folder, key="canary-key" * 4), **secret)
        for _ in range(2)
    ]
    secrets = {b"canary", PRIVATE.split("\n")[1].encode()}
    for _ in range(2):
        for one in creds:
            one.token()
            held = one._source._slot.held
            assert held is not None
            assert held.refresh_token is not None
            secrets |= {
                held.token.access_token.encode(),
                held.refresh_token.reveal(),
                one.identity,
                one.identity.hex().encode(),
            }
        sa_clock.advance(OVER)
    with authority.down(503, retry_after=9):
        fails(process())
    place_of_one = next(iter(folder.glob("*.token")))
    place_of_one.write_bytes(b"junk")
    for one in creds:
        one.token()
    stop()
    left = b"".join(place.name.encode() + place.read_bytes() for place in folder.iterdir())
    said = f"{[record.getMessage() for record in caplog.records]}{told}{creds}{creds[0]._given['cache']}".encode()
    for one_secret in secrets:
        assert one_secret not in left
        assert one_secret not in said
    assert len(secrets) >= 6


# --- what was seen to go wrong


def test_a_cache_that_flaps_under_threads(process: Callable[..., Any], authority: Authority) -> None:
    """A cache that fails and works again under many threads loses no token: what was said of it is no call's business."""

    class Flapping(Store):
        def _call(self, name: str) -> None:
            if name == "put" and next(self.turn) % 2:
                raise OSError

    cache = Flapping()
    cache.turn = itertools.count()  # type: ignore[attr-defined]
    base = process(cache=cache)
    crowd = [base.replace(subject=str(number)) for number in range(12)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(15):
            turn = iter(crowd)
            got = herd(12, lambda turn=turn: next(turn).token(min_ttl=1e9))
            assert [error for error in got if isinstance(error, BaseException)] == []
    finally:
        sys.setswitchinterval(before)


def test_what_lands_after_a_revocation_is_not_left(
    process: Callable[..., Any], authority: Authority, folder: Path
) -> None:
    """A token that was asked for before a revocation, and comes after it, is its waiters' alone: it is left to nobody."""
    creds = process(server=authority.token_endpoint.rpartition("/")[0])
    creds.token()
    with authority.hold():
        asked = threading.Thread(target=creds.token, args=(1e9,))
        asked.start()
        eventually(lambda: authority.exchanges == 2)
        creds._source._slot.forget(creds._source._slot.held)
        place_of(folder).unlink()
    asked.join(10)
    assert list(folder.glob("*.token")) == []


def test_another_account_by_the_time_of_the_answer(
    process: Callable[..., Any], service: Callable[..., FromFile], folder: Path
) -> None:
    """A token is left under a name only where that is still its own: between, another account's assertion may have come."""
    creds = process(None, issuer=None, grant=JWTBearer(service(sub="alice")), cache=FileCache(folder, key=OWN_KEY))
    place = Place.of(creds._given["cache"], creds._source._exchange, [])
    assert place is not None
    held = Held(Token("bobs", expires_at=4e9, refresh_at=4e9, issued_at=1.7e9), 0.0)
    service(sub="bob")
    place.publish(held)
    assert not folder.exists()
    service(sub="alice")
    place.publish(held)
    assert place_of(folder)


def test_odd_answers_of_a_cache(process: Callable[..., Any], authority: Authority) -> None:
    """A cache of the caller's own that gives bare bytes, or a lock that cannot be given back, costs no call."""

    class Bare(Store):
        def get(self, name: str) -> Any:
            return b"bytes"

        def take(self, name: str, seconds: float, *, lasts: float) -> Any:
            return object()

    assert process(cache=Bare()).token()
    assert authority.exchanges == 1


def test_secrets_of_a_url_do_not_travel(process: Callable[..., Any]) -> None:
    """A URL with a password in it, whatever its name and place, is a secret to a pickle."""
    for url in (
        "redis://:hush@h/0",
        "rediss://h/0?ssl_password=hush",
        "redis://h/0?PASSWORD=hush",
        "redis://h/0?x=1&password=hush",
    ):
        assert isinstance(travels(url), Secret), url
    assert travels("redis://h/0") == "redis://h/0"


def test_nothing_to_revoke(process: Callable[..., Any], authority: Authority) -> None:
    """Where neither this process nor the cache has a token, there is nothing to tell the server."""
    process(server=authority.token_endpoint.rpartition("/")[0]).revoke()
    assert len(authority.requests) == 0


def test_a_revocation_that_nobody_waits_for(process: Callable[..., Any], authority: Authority) -> None:
    """One that was given up before its turn came tells the server nothing."""
    creds = process(server=authority.token_endpoint.rpartition("/")[0])
    creds.token()
    errand = _Revocation(creds._source._exchange, creds._source._slot)
    errand.cancel()
    errand.work()
    assert authority.exchanges == len(authority.requests) == 1


def test_somebody_waits_by_now(
    process: Callable[..., Any],
    authority: Authority,
    folder: Path,
    sa_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who begins to wait for a renewal as it is about to be put off gets the token of that renewal."""
    creds = process()
    old = creds.token().access_token
    sa_clock.advance(STALE)
    lock = FileCache(folder).take(place_of(folder).stem, 0)
    assert lock is not None
    asked: list[int] = []

    def postpone(self: Slot, flight: Flight) -> bool:
        asked.append(1)
        lock.release()
        return False

    monkeypatch.setattr(Slot, "postpone", postpone)
    assert creds.token().access_token == old
    settled(creds)
    assert creds.token().access_token != old
    assert asked == [1]
