"""The one loop that retries: a fresh assertion for every attempt, inside one deadline, by a clock moved by hand."""

from __future__ import annotations

import base64
import json
import math

import pytest

from sa_auth._clock import Deadline
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.errors import (
    InvalidClient,
    InvalidGrant,
    ResponseError,
    SaAuthError,
    SigningError,
    TokenEndpointError,
    TransportError,
)
from sa_auth.explanation import Known
from sa_auth.grants import JWTBearer
from sa_auth.metadata import Metadata
from sa_auth.policy import RefreshPolicy, Retry
from sa_auth.testing import ManualClock
from sa_auth.wire import Response
from tests.unit.exchange_kit import ENDPOINT, LOST, REFUSED, Answer, Carrier, Once, dated, exchange, fails, said, token

# lines 3 and 7: what an attempt is


def test_life_counts_from_before_the_request(sa_clock: ManualClock) -> None:
    """A token's life begins before its request was sent, on both clocks, however long the answer took."""
    before = sa_clock.now()
    held = exchange(sa_clock, Carrier(sa_clock, token(), takes=5)).run()
    assert (held.token.issued_at, held.since) == (before.wall, before.boot)
    assert held.token.expires_at == before.wall + 3600


def test_life_counts_from_the_last_attempt(sa_clock: ManualClock) -> None:
    """The life of a token that came at the second attempt does not begin with the first."""
    held = exchange(sa_clock, Carrier(sa_clock, LOST, token(), takes=2)).run()
    assert held.token.issued_at == 1_700_000_000.0 + 2 + sum(sa_clock.slept)
    assert held.since == 1000.0 + 2 + sum(sa_clock.slept)


def test_every_attempt_is_minted_anew(sa_clock: ManualClock) -> None:
    """No assertion is sent twice: each attempt has another jti of 128 bits, and times of its own."""
    carrier = Carrier(sa_clock, LOST, said(503), token(), takes=3)
    exchange(sa_clock, carrier).run()
    assert len({claims["jti"] for claims in carrier.claims}) == 3
    assert all(len(base64.urlsafe_b64decode(claims["jti"] + "==")) == 16 for claims in carrier.claims)
    times = [claims["iat"] for claims in carrier.claims]
    assert times == sorted(set(times))
    assert times[0] == math.floor(1_700_000_000) - 10


# line 17: how often


@pytest.mark.parametrize(
    "answer",
    [LOST, REFUSED, TransportError("slow", code="timeout", retryable=True), Response(200, {}, b"<html>"), Response(200)]
    + [said(status) for status in (408, 425, 429, 500, 502, 503, 504, 599)],
    ids=lambda answer: str(getattr(answer, "status", "") or answer.code),
)  # fmt: skip
def test_again(sa_clock: ManualClock, answer: Answer) -> None:
    """A lost connection, a time-out, an unreadable 200 and a passing status are tried three times in all."""
    carrier = Carrier(sa_clock, answer)
    error = fails(exchange(sa_clock, carrier))
    assert (len(carrier.claims), error.attempts, error.retryable) == (3, 3, True)
    assert len(sa_clock.slept) == 2
    assert all(0.2 <= pause <= 0.8 for pause in sa_clock.slept)
    assert exchange(sa_clock, Carrier(sa_clock, answer, answer, token())).run().token.access_token == "abc"


@pytest.mark.parametrize("status", [429, 503])
def test_a_vendors_word_shortens_no_pause(sa_clock: ManualClock, status: int) -> None:
    """A passing status is asked again after its pause, and after Retry-After where there is one, whatever a vendor's word means."""
    known = (Known("temporarily_unavailable", "Later.", again=True),)
    for headers, least in (({}, 0.2), ({"retry-after": "3"}, 3.0)):
        sa_clock.slept.clear()
        fails(exchange(sa_clock, Carrier(sa_clock, said(status, "temporarily_unavailable", **headers)), known=known))
        assert len(sa_clock.slept) == 2
        assert min(sa_clock.slept) >= least


@pytest.mark.parametrize(
    "answer",
    [TransportError("tls", code="tls_failed", connected=False), TransportError("large", code="too_large")]
    + [said(status) for status in (301, 302, 303, 307, 308, 400, 401, 403, 404, 501, 505)]
    + [said(400, error) for error in ("invalid_grant", "invalid_client", "invalid_scope", "made_up")],
    ids=lambda answer: str(getattr(answer, "status", "") or answer.code),
)  # fmt: skip
def test_not_again(sa_clock: ManualClock, answer: Answer) -> None:
    """A TLS failure, a redirect and any other refusal are final."""
    carrier = Carrier(sa_clock, answer)
    error = fails(exchange(sa_clock, carrier))
    assert (len(carrier.claims), error.attempts, error.retryable) == (1, 1, False)
    assert sa_clock.slept == []


def test_attempts_are_an_argument(sa_clock: ManualClock) -> None:
    """Five attempts where five are asked for, one where one is."""
    assert fails(exchange(sa_clock, Carrier(sa_clock, LOST), retry=Retry(attempts=5))).attempts == 5
    assert fails(exchange(sa_clock, Carrier(sa_clock, LOST), retry=Retry(attempts=1))).attempts == 1


def test_no_fourth_request(sa_clock: ManualClock) -> None:
    """At most three requests, a correction of the clock included."""
    carrier = Carrier(sa_clock, said(503), said(503), dated(sa_clock, 120), said(503))
    fails(exchange(sa_clock, carrier))
    assert len(carrier.claims) <= 3


# line 11: one deadline


def test_one_deadline_for_all_attempts(sa_clock: ManualClock) -> None:
    """All attempts and the pauses between them share one deadline, and no attempt begins after it."""
    carrier = Carrier(sa_clock, LOST, takes=4)
    began = sa_clock.now().boot
    error = fails(exchange(sa_clock, carrier, timeout=10.0))
    assert sa_clock.now().boot - began <= 10 + 4
    assert error.attempts == len(carrier.left) == 3
    assert carrier.left == sorted(carrier.left, reverse=True)
    assert min(carrier.left) > 0


def test_no_attempt_after_the_deadline(sa_clock: ManualClock) -> None:
    """Where an attempt has used the time up, its error is told and nothing is sent again."""
    carrier = Carrier(sa_clock, LOST, takes=10)
    assert fails(exchange(sa_clock, carrier, timeout=10.0)).attempts == 1
    assert sa_clock.slept == []


def test_a_jump_of_the_wall_clock_moves_no_deadline(sa_clock: ManualClock) -> None:
    """The deadline is the boot clock's: set the wall clock as you like."""
    deadline = Deadline(sa_clock, 10)
    sa_clock.jump(-86_400)
    assert deadline.left() == 10
    sa_clock.advance(10.5)
    assert deadline.left() == -0.5


# line 18: Retry-After


def test_retry_after_is_heeded(sa_clock: ManualClock) -> None:
    """A Retry-After that fits into the deadline is waited for."""
    assert exchange(sa_clock, Carrier(sa_clock, said(503, **{"retry-after": "4"}), token())).run()
    assert sa_clock.slept == [4.0]


@pytest.mark.parametrize(("text", "told"), [("30", 30.0), ("1000000000", 300.0), ("10", 10.0)])
def test_nobody_sleeps_past_the_deadline(sa_clock: ManualClock, text: str, told: float) -> None:
    """A Retry-After that does not fit in is told to the caller at once."""
    error = fails(exchange(sa_clock, Carrier(sa_clock, said(429, **{"retry-after": text})), timeout=10.0))
    assert (error.retry_after, error.attempts, sa_clock.slept) == (told, 1, [])


# line 17: grants that cannot be repeated


def test_not_repeatable_goes_again_without_connection(sa_clock: ManualClock) -> None:
    """A grant that cannot be repeated goes again where no connection was made."""
    carrier = Carrier(sa_clock, REFUSED, REFUSED, token())
    assert exchange(sa_clock, carrier, kind=Once).run().token.access_token == "abc"
    assert len(carrier.claims) == 3


@pytest.mark.parametrize("answer", [LOST, said(503), Response(200, {}, b"<html>")], ids=["lost", "503", "page"])
def test_not_repeatable_is_sent_once(sa_clock: ManualClock, answer: Answer) -> None:
    """A grant that cannot be repeated is never sent again after the server may have seen it."""
    carrier = Carrier(sa_clock, answer, token())
    assert fails(exchange(sa_clock, carrier, kind=Once)).attempts == 1
    assert len(carrier.claims) == 1


METADATA = Response(200, {}, json.dumps({"issuer": "https://as.example", "token_endpoint": ENDPOINT}).encode())


def test_not_repeatable_goes_again_where_nothing_was_sent(sa_clock: ManualClock) -> None:
    """A grant that cannot be repeated is not lost to metadata that came at the second attempt."""
    carrier = Carrier(sa_clock, said(503), LOST, METADATA, token())
    asked = exchange(sa_clock, carrier, kind=Once, endpoint=None, metadata=Metadata("https://as.example"))
    assert asked.run().token.access_token == "abc"
    assert carrier.asked == ["GET", "GET", "GET", "jwt-bearer"]
    carrier = Carrier(sa_clock, METADATA, said(503))
    asked = exchange(sa_clock, carrier, kind=Once, endpoint=None, metadata=Metadata("https://as.example"))
    assert fails(asked).attempts == 1
    assert carrier.asked == ["GET", "jwt-bearer"]


# line 20: a key file that changed


def test_a_changed_key_is_read_again(sa_clock: ManualClock) -> None:
    """The key file is looked at before each exchange, and once more after a refusal, which then is asked again."""
    looked: list[bool] = []

    def reload(harder: bool) -> bool:
        looked.append(harder)
        return harder

    carrier = Carrier(sa_clock, said(400, "invalid_grant"), token())
    exchange(sa_clock, carrier, reload=reload).run()
    assert looked == [False, True]
    carrier = Carrier(sa_clock, said(401, "invalid_client"))
    assert fails(exchange(sa_clock, carrier, reload=reload)).attempts == 2
    assert looked == [False, True, False, True]


def test_an_unchanged_key_is_not_tried_twice(sa_clock: ManualClock) -> None:
    """Where no other key is there, a refusal is final."""
    carrier = Carrier(sa_clock, said(400, "invalid_grant"))
    assert fails(exchange(sa_clock, carrier, reload=lambda _: False)).attempts == 1


# rule 1: nothing but SaAuthError


class CanaryError(Exception):
    """Somebody's own exception, with a secret in its text."""


@pytest.mark.parametrize(
    "error", [CanaryError("s3cr3t"), ValueError("s3cr3t"), KeyError("s3cr3t"), RecursionError("s3cr3t")]
)
def test_foreign_errors_end_here(sa_clock: ManualClock, error: Exception) -> None:
    """What a transport raises comes out as SaAuthError that names its class and nothing else of it."""
    found = fails(exchange(sa_clock, Carrier(sa_clock, error)))
    assert (type(found), found.code) == (SaAuthError, "unexpected")
    assert type(error).__name__ in str(found)
    assert "s3cr3t" not in repr(vars(found)) + str(found)
    assert (found.__cause__, found.__context__) == (None, None)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(400, "invalid_grant"), InvalidGrant), (said(401, "invalid_client"), InvalidClient),
        (said(400, "made_up"), TokenEndpointError), (Response(302), ResponseError), (LOST, TransportError),
    ],
)  # fmt: skip
def test_errors_keep_their_class(sa_clock: ManualClock, answer: Answer, kind: type[SaAuthError]) -> None:
    """Each failure keeps its class, and comes without the frames that hold the assertion."""
    error = fails(exchange(sa_clock, Carrier(sa_clock, answer)))
    assert type(error) is kind
    assert (error.__cause__, error.__context__) == (None, None)
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    assert "eyJ" not in "".join(repr(frame.f_locals) for frame in frames if "sa_auth" in frame.f_code.co_filename)


class Broken:
    """A signer that cannot sign."""

    algorithm, key_id, thumbprint = "ES256", None, "x"

    def sign(self, data: bytes) -> bytes:
        """Fails."""
        raise SigningError("no")


def test_a_signer_that_fails_sends_nothing(sa_clock: ManualClock) -> None:
    """A signer's failure comes out as it is, and `attempts` counts the requests that were sent: none."""
    carrier = Carrier(sa_clock, token())
    grant = JWTBearer(SelfIssued(Broken(), issuer="robot", audience=ENDPOINT))
    error = fails(exchange(sa_clock, carrier, grant=grant))
    assert (type(error), carrier.claims, error.attempts) == (SigningError, [], 0)


def test_the_policy_reaches_the_answer(sa_clock: ManualClock) -> None:
    """The assumed life and the longest life are the exchange's own."""
    policy = RefreshPolicy(default_life=60, longest_life=120)
    for life, believed in ((None, 60), (1000, 120)):
        held = exchange(sa_clock, Carrier(sa_clock, token(life)), policy=policy).run()
        assert held.token.expires_at - held.token.issued_at == believed
