"""A sealed record: it opens for whom it was sealed, whole, and never with more life than is left."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth._clock import Instant
from sa_auth._secret import Secret
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import KEPT, LARGEST, Met, Seal, head, newer, worth
from sa_auth.errors import SaAuthError, TokenEndpointError, TransportError
from sa_auth.policy import Held
from sa_auth.token import NOTHING, Token

SECRET, IDENTITY = b"s" * 32, b"i" * 32
SEAL = Seal(SECRET, IDENTITY)
TOKEN = Token(
    "canary-token", "DPoP", expires_at=4600.0, refresh_at=4300.0, issued_at=1000.0, scope="read",
    extra={"instance_url": "https://x.example", "odd": "\ud800", "list": [1, 2.5, None]},
)  # fmt: skip
HELD = Held(TOKEN, 50.0, Secret("canary-refresh"), rotations=3)


def opened(
    data: bytes, wall: float = 1100.0, boot: float = 150.0, left: float | None = None, boot_id: str = "b"
) -> Held:
    """The record as another process opens it."""
    return SEAL.open(data, Instant(wall, boot), left=left, boot_id=boot_id)


def life_left(held: Held, wall: float, boot: float) -> float:
    """Seconds by whichever clock leaves less."""
    length = held.token.expires_at - held.token.issued_at
    return min(held.token.expires_at - wall, held.since + length - boot)


def test_whole() -> None:
    """What was sealed comes back whole: each field of the token, when its life began, and the refresh token."""
    found = opened(SEAL.close(HELD, boot_id="b"))
    for field in dataclasses.fields(Token):
        assert getattr(found.token, field.name) == getattr(TOKEN, field.name), field.name
    assert found.since == 50.0
    assert found.refresh_token is not None
    assert found.refresh_token.reveal() == b"canary-refresh"
    with pytest.raises(TypeError):
        found.token.extra["more"] = 1  # type: ignore[index]


def test_no_refresh_token() -> None:
    """Where none came with the token, none is there."""
    assert opened(SEAL.close(HELD._replace(refresh_token=None), boot_id="b")).refresh_token is None


def test_it_shows_nothing() -> None:
    """Neither record nor name holds anything of token, refresh token, field or identity, and no two are alike."""
    data, again = SEAL.close(HELD, boot_id="b"), SEAL.close(HELD, boot_id="b")
    assert data != again
    for secret in (b"canary", b"instance_url", b"read", IDENTITY, IDENTITY.hex().encode(), SECRET):
        assert secret not in data
        assert secret not in SEAL.name.encode()
    assert len(SEAL.name) == 64


@pytest.mark.parametrize("other", [Seal(SECRET, b"j" * 32), Seal(b"t" * 32, IDENTITY)], ids=["identity", "secret"])
def test_anothers(other: Seal) -> None:
    """A record of another identity, or sealed by another key, does not open, though it lies under the name; and names differ."""
    assert other.name != SEAL.name
    with pytest.raises(CacheFault) as caught:
        opened(other.close(HELD, boot_id="b"))
    assert caught.value.code == "damaged"
    assert "canary" not in str(caught.value)


@given(st.data())
def test_changed_in_any_one_place(data: Any) -> None:
    """A record with one bit changed does not open, wherever that is."""
    record = bytearray(SEAL.close(HELD, boot_id="b"))
    place, bit = data.draw(st.integers(0, len(record) - 1)), data.draw(st.integers(0, 7))
    record[place] ^= 1 << bit
    with pytest.raises(CacheFault):
        opened(bytes(record))


@given(st.integers(0, 400))
def test_cut_short(at: int) -> None:
    """A record that was cut short anywhere does not open."""
    record = SEAL.close(HELD, boot_id="b")
    with pytest.raises(CacheFault):
        opened(record[: min(at, len(record) - 1)])


@given(st.binary(max_size=200))
def test_anything(data: bytes) -> None:
    """Whatever stands there instead, a pickle among it, is a fault and nothing else."""
    for record in (data, b"sa_auth 1 5 0\n" + data, b"cos\nsystem\n(S'exit'\ntR."):
        with pytest.raises(CacheFault):
            opened(record)


def test_longer_life_is_forged() -> None:
    """A head that says a later end spoils the seal."""
    record = SEAL.close(HELD, boot_id="b")
    forged = record.replace(b"4600000", b"9600000", 1)
    assert head(forged) is not None
    with pytest.raises(CacheFault):
        opened(forged)


def test_later_version() -> None:
    """A record of a later version is told apart from a damaged one."""
    record = SEAL.close(HELD, boot_id="b").replace(b"sa_auth 1 ", b"sa_auth 2 ", 1)
    with pytest.raises(CacheFault) as caught:
        opened(record)
    assert caught.value.code == "newer_version"
    assert newer(record)
    assert not newer(SEAL.close(HELD, boot_id="b"))


def test_worth() -> None:
    """A record is worth keeping to its token's end, and thirty days beyond for a refresh token."""
    assert worth(SEAL.close(HELD, boot_id="b"), 1000.0) == 3600.0 + KEPT
    assert worth(SEAL.close(HELD._replace(refresh_token=None), boot_id="b"), 1000.0) == 3600.0
    assert worth(b"junk", 1000.0) == 0.0


def test_too_large() -> None:
    """What is larger than a record may be is not sealed."""
    with pytest.raises(CacheFault) as caught:
        SEAL.close(HELD._replace(token=dataclasses.replace(TOKEN, extra={"long": "x" * LARGEST})), boot_id="b")
    assert caught.value.code == "too_large"


CLOCKS: dict[str, tuple[float, float, float | None, str, float]] = {
    # by what the reader's wall and boot clocks say, the cache, and the start of the machine: seconds left at most
    "same clocks": (2000.0, 1050.0, None, "b", 2600.0),
    "wall clock set back an hour": (-1600.0, 1050.0, None, "b", 2600.0),
    "wall clock set forth": (3000.0, 1050.0, None, "b", 1600.0),
    "machine slept": (2000.0, 2050.0, None, "b", 1600.0),
    "another machine, clock behind, cache tells": (1000.0, 9e5, 2500.0 + KEPT, "other", 2500.0),
    "another machine, clock ahead, cache tells": (3000.0, 9e5, 2500.0 + KEPT, "other", 1600.0),
    "another machine, cache says less": (2000.0, 9e5, 100.0 + KEPT, "other", 100.0),
    "another start, nothing else to go by": (2000.0, 7.0, None, "other", 2600.0),
    "another start, token from the future": (-500.0, 7.0, None, "other", 0.0),
    "no start known": (2000.0, 7.0, None, "", 2600.0),
    "the cache forgets it": (2000.0, 1050.0, KEPT - 5.0, "b", -5.0),
    "over": (4700.0, 3750.0, None, "b", -100.0),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_never_longer_than_it_has_left(name: str) -> None:
    """Whatever the clocks say, a token lives as long as the one that leaves it least."""
    wall, boot, left, boot_id, expected = CLOCKS[name]
    found = opened(SEAL.close(HELD, boot_id="b"), wall, boot, left, boot_id)
    assert life_left(found, wall, boot) == pytest.approx(expected, abs=1e-6)
    assert found.token.expires_at - found.token.issued_at == pytest.approx(3600.0)
    assert found.token.refresh_at - found.token.issued_at == pytest.approx(3300.0)


@given(
    st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.none() | st.floats(-1e4, 1e4), st.booleans(),
    st.floats(2, 4000), st.floats(0, 4000),
)  # fmt: skip
def test_no_clock_lengthens_a_life(
    wall: float, boot: float, left: float | None, same: bool, life: float, age: float
) -> None:
    """For any reading of any clock, the life left is at most the whole, and at most what the cache and the boot clock say."""
    token = Token("t", expires_at=1000.0 + life, refresh_at=1000.0 + life, issued_at=1000.0)
    data = SEAL.close(Held(token, 50.0), boot_id="b")
    now = Instant(1000.0 + age + wall, 50.0 + age + boot)
    found = SEAL.open(data, now, left=left, boot_id="b" if same else "c")
    rest = life_left(found, now.wall, now.boot)
    bounds = [life, *([left] if left is not None else []), *([50.0 + life - now.boot] if same else [])]
    assert rest <= min(bounds) + 1e-6
    assert rest <= max(token.expires_at - now.wall, 0.0) + 1e-6


def test_it_is_json() -> None:
    """Inside the seal is JSON, which makes nothing but plain values."""
    record = SEAL.close(HELD, boot_id="b")
    at = record.index(b"\n") + 1
    plain = SEAL._key.decrypt(record[at : at + 12], record[at + 12 :], record[:at] + IDENTITY + b"token")
    assert json.loads(plain)["access_token"] == "canary-token"


# --- errors


FAILURE = TokenEndpointError(
    "The token endpoint answered 503.", code="http_503", hint="Wait.", retryable=True, status=503
)
FAILURE.cause = "server_busy"


MET = Met(FAILURE, frozenset({"b", "a"}))


def failure_of(data: bytes, wall: float, left: float | None = None) -> SaAuthError | None:
    """The error as another process opens it."""
    met = SEAL.open_failure(data, Instant(wall, 0.0), left=left)
    assert met.machines == {"a", "b"}
    return met.error if met.binds else None


def test_an_error_comes_back() -> None:
    """What a server answered comes back with its class and fields, says when to ask again, and that another process met it."""
    found = failure_of(SEAL.close_failure(MET, 1000.0, 2.0), 1000.5)
    assert type(found) is TokenEndpointError
    assert (found.code, found.status, found.retryable, found.attempts) == ("http_503", 503, True, 0)
    assert found.retry_after == pytest.approx(1.5)
    assert found.elsewhere
    assert found.hint == "Wait. This is what another process was told."
    assert found.page == "docs/errors/server_busy.md"


def test_an_error_without_a_cause() -> None:
    """What no server answered has no cause to come back with."""
    own = Met(TransportError("Nobody answered.", code="no_answer", retryable=True), MET.machines)
    found = failure_of(SEAL.close_failure(own, 1000.0, 2.0), 1000.5)
    assert (type(found), found.page) == (TransportError, "docs/errors/no_answer.md")


@pytest.mark.parametrize(
    ("wall", "left"), [(1002.0, None), (5000.0, None), (5000.0, 330.0), (1000.0, 30.0), (1000.0, -1.0)]
)
def test_an_error_ends(wall: float, left: float | None) -> None:
    """Once its time is over by either clock it counts no more, however long whoever can write there has it kept."""
    assert failure_of(SEAL.close_failure(MET, 1000.0, 2.0), wall, left) is None


def test_an_error_from_a_clock_ahead() -> None:
    """One whose writer's clock is ahead lasts for as long as the cache keeps it, and no longer than it was to last."""
    data = SEAL.close_failure(MET, 98_998.0, 2.0)
    kept, longer = failure_of(data, 1000.0, 31.2), failure_of(data, 1000.0, 9e9)
    assert kept is not None
    assert longer is not None
    assert (kept.retry_after, longer.retry_after) == (pytest.approx(1.2), 2.0)


def test_an_error_and_a_clock_set_back() -> None:
    """Where the cache tells no time, and the clock was set back since, an error counts no more: it would last as long as the step."""
    assert failure_of(SEAL.close_failure(MET, 98_998.0, 2.0), 1000.0) is None


def test_errors_and_tokens_are_kept_apart() -> None:
    """Neither opens in the other's place, and they have names of their own."""
    assert SEAL.name != SEAL.failure_name
    with pytest.raises(CacheFault):
        failure_of(SEAL.close(HELD, boot_id="b"), 1000.0)
    with pytest.raises(CacheFault):
        opened(SEAL.close_failure(MET, 1000.0, 2.0))


# --- its form, which processes of all versions share

NAME = "cde7f47ee12880f0fcaf22738841331da97a542f2aa1afff25967c8d0ab195e6"
FAILURE_NAME = "7ad89d40b31cf07ebe0c265c37f8c6345e4fa961bcbce90ee1d21ad97566f2ea"
WRITTEN = base64.b64decode(
    "c2FfYXV0aCAxIDQ2MDAwMDAgMjU5MjAwMAo2+4s9tvcDPUBICMU9cJP9McvqsTcGtcWy+mtihgjKBRTGpQjR6AX9bg7ffEanknvUvTnpG8knAQaLeL7D"
    "9Bu3/Zb3zo2vD1PUoOvvQfW1y/LUFZZEE2qenlcmpZdtzwzts3hcFcQbxc8DYc43GukzKpCPeiihWtEJgFnEd0EGNOnYcBPtYFDJ/+u5nLP34Q6tHro0"
    "tgSEhm++AmJMjnoP/toQh6IVZGOYkKoNMgnvsXkWTmVYLw1EQz9L7f1crlmoSacoWiunzdHVz3ndmnjUE7DpMhKYk6yOy4k6joNQYcOLGsPsFfvBTdSU"
    "sRHtIobOzk0="
)
WRITTEN_FAILURE = base64.b64decode(
    "c2FfYXV0aCAxIDEwMDIwMDAgMzAK3U9UnLD+Ki6E6oiyUi+ntdISq0sj9UGjjU6BSIe+fPw3Gv2KC75M3CD2hVl7S9Ytr1rTIohZFzoSeGbLZmL35SX8"
    "t0j5dU1DoI6UoDiZCWjUvv5wROUZi9YGoXQ77khb/IJ0EzllCAV8h7vZWoY+ygnBKL9jM1EBXfv/cJ/84i8EOecfcnx2+uz07J9rpZlNE3nmhXrlWuwu"
    "bEKZbjfKene4V/YgTJQeRoMLsB+XaWMfm3sP/tVYKaXLWmgWMd6fqYMYoCY3lKHFUwg0dsUBqVNxMBhGNA=="
)


def test_a_record_of_before() -> None:
    """What was written under this version's number opens, under the same names: workers are replaced one by one."""
    seal = Seal(SECRET, IDENTITY)
    assert (seal.name, seal.failure_name) == (NAME, FAILURE_NAME)
    found = seal.open(WRITTEN, Instant(1100.0, 150.0), left=None, boot_id="b")
    assert (found.token.access_token, found.token.scope, found.since, found.rotations) == ("abc", "read", 50.0, 3)
    assert found.refresh_token is not None
    assert found.refresh_token.reveal() == b"again"
    assert found.token.extra is NOTHING
    met = seal.open_failure(WRITTEN_FAILURE, Instant(1000.5, 0.0), left=None)
    assert (met.error.message, met.machines, met.binds) == (FAILURE.message, {"a", "b"}, True)
    assert getattr(met.error, "cause", None) == ""


def test_rotations_and_odd_refresh_tokens() -> None:
    """How often the refresh token was replaced travels along, and so does one that is no text."""
    odd = Held(TOKEN, 50.0, Secret("\ud800"), rotations=7)
    found = opened(SEAL.close(odd, boot_id="b"))
    assert found.rotations == 7
    assert found.refresh_token is not None
    assert found.refresh_token.reveal() == odd.refresh_token.reveal()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"junk", "damaged", "a record is damaged"),
        (b"sa_auth 0 4600000 0\n" + b"x" * 40, "damaged", "a record is damaged"),
        (b"sa_auth 2 4600000 0\n" + b"x" * 40, "newer_version", "a record of a later version is not read"),
        (b"sa_auth 1 4600000 0\n" + b"x" * 40, "damaged", "a record was damaged, or is not this identity's"),
    ],
)
def test_what_is_said_of_a_record(data: bytes, code: str, says: str) -> None:
    """What does not open says whether it is damaged, another's or of a later version."""
    for act in (opened, lambda record: failure_of(record, 1000.0)):
        with pytest.raises(CacheFault) as caught:
            act(data)
        assert (caught.value.code, str(caught.value)) == (code, says)


def test_what_is_said_of_a_large_answer() -> None:
    """A record may have the whole size and not a byte more; of what is larger it is said why it is not shared."""
    empty = len(SEAL.close(HELD._replace(token=dataclasses.replace(TOKEN, extra={"long": ""})), boot_id="b"))
    for more in (0, 1):
        large = HELD._replace(token=dataclasses.replace(TOKEN, extra={"long": "x" * (LARGEST - empty + more)}))
        if not more:
            assert len(SEAL.close(large, boot_id="b")) == LARGEST
            continue
        with pytest.raises(CacheFault, match="^the answer is too large to be shared$"):
            SEAL.close(large, boot_id="b")


def test_an_end_before_1970() -> None:
    """A token whose end a wrong clock puts before 1970 has a record all the same, which is worth nothing."""
    early = Held(dataclasses.replace(TOKEN, expires_at=-100.0, issued_at=-200.0), 50.0)
    assert head(SEAL.close(early, boot_id="b")) == (1, 0.0, 0.0)


def test_an_error_of_an_unknown_class() -> None:
    """An error of a class that this process does not know is one of the library's root class."""

    class OfThePluginError(SaAuthError):
        """Known to its writer alone."""

    data = SEAL.close_failure(MET._replace(error=OfThePluginError("no", code="odd")), 1000.0, 2.0)
    found = failure_of(data, 1000.0)
    assert (type(found), found.code if found else "") == (SaAuthError, "odd")


@pytest.mark.parametrize(("wall", "binds"), [(1001.5, True), (998.5, False), (999.0, True), (998.9, False)])
def test_how_far_two_clocks_may_differ(wall: float, binds: bool) -> None:
    """An error counts to the end of its pause, however little that is, and where it seems to last a second longer."""
    assert (failure_of(SEAL.close_failure(MET, 1000.0, 2.0), wall) is not None) is binds


@pytest.mark.parametrize(("ahead", "lives"), [(0.9, True), (1.0, True), (1.1, False)])
def test_how_far_a_token_may_be_ahead(ahead: float, lives: bool) -> None:
    """A token that seems to come from the next second is one of a clock nearly right; one of later lives for nobody."""
    found = opened(SEAL.close(HELD, boot_id="b"), 1000.0 - ahead, 7.0, None, "other")
    assert (life_left(found, 1000.0 - ahead, 7.0) > 0) is lives


def test_times_are_told_by_the_readers_clock() -> None:
    """Where the clocks disagree, a token's times are those of the reader's, and move together."""
    found = opened(SEAL.close(HELD, boot_id="b"), 3000.0, 1050.0, None, "b")
    assert found.token.expires_at == 4600.0
    found = opened(SEAL.close(HELD, boot_id="b"), -1600.0, 1050.0, None, "b")
    assert (found.token.issued_at, found.token.refresh_at, found.token.expires_at) == (-2600.0, 700.0, 1000.0)


def test_a_second_is_no_disagreement() -> None:
    """Clocks that differ by a second at most leave a token's times as they were written."""
    for less, end in ((1.0, 4600.0), (1.5, 4598.5)):
        assert opened(SEAL.close(HELD, boot_id="b"), 2000.0, 7.0, 2600.0 - less + KEPT, "other").token.expires_at == end
