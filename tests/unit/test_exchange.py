"""The one loop that retries: a fresh assertion for every attempt, inside one deadline, by a clock moved by hand."""

from __future__ import annotations

import base64
import gc
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import Deadline, Instant
from sa_auth._secret import Secret
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic, ClientSecretPost
from sa_auth.dpop import DPoP
from sa_auth.errors import (
    InvalidClient,
    InvalidGrant,
    ResponseError,
    SaAuthError,
    SigningError,
    TokenEndpointError,
    TransportError,
)
from sa_auth.exchange import Exchange, ServerClock
from sa_auth.grants import JWTBearer, RefreshToken, RestExchange, TokenExchange
from sa_auth.keys import from_pem
from sa_auth.metadata import Metadata
from sa_auth.policy import Held, RefreshPolicy, Retry
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.testing.answers import http_date
from sa_auth.wire import Request, Response

PRIVATE, PUBLIC = new_key("p256")
SIGNER = LocalSigner(from_pem(PRIVATE))
ENDPOINT = "https://as.example/token"
Answer = Response | SaAuthError | Exception | Callable[[], Response]


class Carrier:
    """A transport that gives planned answers in turn, the last one again and again.

    Args:
        takes: Seconds that pass with each request.
    """

    def __init__(self, clock: ManualClock, *answers: Answer, takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, list(answers), takes
        self.claims: list[dict[str, Any]] = []
        self.left: list[float] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Notes the claims and what was left of the deadline."""
        assertion = parse_qs(request.body.decode())["assertion"][0]
        self.claims.append(json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "==")))
        self.left.append(deadline.left())
        self.clock.advance(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer()


class Once(JWTBearer):
    """A grant that cannot be sent twice, as a code or a rotating refresh token."""

    repeatable = False


def token(life: Any = 3600) -> Response:
    """An honest answer."""
    return Response(200, {}, json.dumps({"access_token": "abc", "expires_in": life}).encode())


def said(status: int, error: str = "", **headers: str) -> Response:
    """A refusal."""
    return Response(status, headers, json.dumps({"error": error} if error else {}).encode(), trusted_date=True)


def dated(
    clock: ManualClock, by: float, error: str = "invalid_grant", *, trusted: bool = True
) -> Callable[[], Response]:
    """A refusal by a server whose clock is ahead of ours."""

    def answer() -> Response:
        date = http_date(clock.now().wall + by)
        return Response(400, {"date": date}, json.dumps({"error": error}).encode(), trusted_date=trusted)

    return answer


def exchange(clock: ManualClock, carrier: Any, *, kind: type[JWTBearer] = JWTBearer, **changes: Any) -> Exchange:
    """An exchange of the generic kind."""
    assertion = SelfIssued(SIGNER, issuer="robot", audience=ENDPOINT)
    return Exchange(**{"endpoint": ENDPOINT, "grant": kind(assertion), "transport": carrier, "clock": clock, **changes})


def fails(asked: Exchange, refresh_token: Secret | None = None) -> SaAuthError:
    """The error that comes of it."""
    with pytest.raises(SaAuthError) as caught:
        asked.run(refresh_token)
    return caught.value


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


LOST = TransportError("lost", retryable=True)
REFUSED = TransportError("refused", retryable=True, connected=False)


# lines 3 and 7: what an attempt is


def test_life_counts_from_before_the_request(clock: ManualClock) -> None:
    """A token's life begins before its request was sent, on both clocks, however long the answer took."""
    before = clock.now()
    held = exchange(clock, Carrier(clock, token(), takes=5)).run()
    assert (held.token.issued_at, held.since) == (before.wall, before.boot)
    assert held.token.expires_at == before.wall + 3600


def test_life_counts_from_the_last_attempt(clock: ManualClock) -> None:
    """The life of a token that came at the second attempt does not begin with the first."""
    held = exchange(clock, Carrier(clock, LOST, token(), takes=2)).run()
    assert held.token.issued_at == 1_700_000_000.0 + 2 + sum(clock.slept)
    assert held.since == 1000.0 + 2 + sum(clock.slept)


def test_every_attempt_is_minted_anew(clock: ManualClock) -> None:
    """No assertion is sent twice: each attempt has another jti of 128 bits, and times of its own."""
    carrier = Carrier(clock, LOST, said(503), token(), takes=3)
    exchange(clock, carrier).run()
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
def test_again(clock: ManualClock, answer: Answer) -> None:
    """A lost connection, a time-out, an unreadable 200 and a passing status are tried three times in all."""
    carrier = Carrier(clock, answer)
    error = fails(exchange(clock, carrier))
    assert (len(carrier.claims), error.attempts, error.retryable) == (3, 3, True)
    assert len(clock.slept) == 2
    assert all(0.2 <= pause <= 0.8 for pause in clock.slept)
    assert exchange(clock, Carrier(clock, answer, answer, token())).run().token.access_token == "abc"


@pytest.mark.parametrize(
    "answer",
    [TransportError("tls", code="tls_failed", connected=False), TransportError("large", code="too_large")]
    + [said(status) for status in (301, 302, 303, 307, 308, 400, 401, 403, 404, 501, 505)]
    + [said(400, error) for error in ("invalid_grant", "invalid_client", "invalid_scope", "made_up")],
    ids=lambda answer: str(getattr(answer, "status", "") or answer.code),
)  # fmt: skip
def test_not_again(clock: ManualClock, answer: Answer) -> None:
    """A TLS failure, a redirect and any other refusal are final."""
    carrier = Carrier(clock, answer)
    error = fails(exchange(clock, carrier))
    assert (len(carrier.claims), error.attempts, error.retryable) == (1, 1, False)
    assert clock.slept == []


def test_attempts_are_an_argument(clock: ManualClock) -> None:
    """Five attempts where five are asked for, one where one is."""
    assert fails(exchange(clock, Carrier(clock, LOST), retry=Retry(attempts=5))).attempts == 5
    assert fails(exchange(clock, Carrier(clock, LOST), retry=Retry(attempts=1))).attempts == 1


# line 11: one deadline


def test_one_deadline_for_all_attempts(clock: ManualClock) -> None:
    """All attempts and the pauses between them share one deadline, and no attempt begins after it."""
    carrier = Carrier(clock, LOST, takes=4)
    began = clock.now().boot
    error = fails(exchange(clock, carrier, timeout=10.0))
    assert clock.now().boot - began <= 10 + 4
    assert error.attempts == len(carrier.left) == 3
    assert carrier.left == sorted(carrier.left, reverse=True)
    assert min(carrier.left) > 0


def test_no_attempt_after_the_deadline(clock: ManualClock) -> None:
    """Where an attempt has used the time up, its error is told and nothing is sent again."""
    carrier = Carrier(clock, LOST, takes=10)
    assert fails(exchange(clock, carrier, timeout=10.0)).attempts == 1
    assert clock.slept == []


def test_a_jump_of_the_wall_clock_moves_no_deadline(clock: ManualClock) -> None:
    """The deadline is the boot clock's: set the wall clock as you like."""
    deadline = Deadline(clock, 10)
    clock.jump(-86_400)
    assert deadline.left() == 10
    clock.advance(10.5)
    assert deadline.left() == -0.5


# line 18: Retry-After


def test_retry_after_is_heeded(clock: ManualClock) -> None:
    """A Retry-After that fits into the deadline is waited for."""
    assert exchange(clock, Carrier(clock, said(503, **{"retry-after": "4"}), token())).run()
    assert clock.slept == [4.0]


@pytest.mark.parametrize(("text", "told"), [("30", 30.0), ("1000000000", 300.0), ("10", 10.0)])
def test_nobody_sleeps_past_the_deadline(clock: ManualClock, text: str, told: float) -> None:
    """A Retry-After that does not fit in is told to the caller at once."""
    error = fails(exchange(clock, Carrier(clock, said(429, **{"retry-after": text})), timeout=10.0))
    assert (error.retry_after, error.attempts, clock.slept) == (told, 1, [])


# line 17: grants that cannot be repeated


def test_not_repeatable_goes_again_without_connection(clock: ManualClock) -> None:
    """A grant that cannot be repeated goes again where no connection was made."""
    carrier = Carrier(clock, REFUSED, REFUSED, token())
    assert exchange(clock, carrier, kind=Once).run().token.access_token == "abc"
    assert len(carrier.claims) == 3


@pytest.mark.parametrize("answer", [LOST, said(503), Response(200, {}, b"<html>")], ids=["lost", "503", "page"])
def test_not_repeatable_is_sent_once(clock: ManualClock, answer: Answer) -> None:
    """A grant that cannot be repeated is never sent again after the server may have seen it."""
    carrier = Carrier(clock, answer, token())
    assert fails(exchange(clock, carrier, kind=Once)).attempts == 1
    assert len(carrier.claims) == 1


# line 20: the server's clock


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
@pytest.mark.parametrize("by", [31, -31, 300, -300, 3600, -3600])
def test_minted_once_more_on_the_servers_clock(clock: ManualClock, by: float, code: str) -> None:
    """A refusal whose Date is 30 s to an hour off is answered at once by an assertion on the server's clock."""
    carrier = Carrier(clock, dated(clock, by, code), token())
    held = exchange(clock, carrier).run()
    first, second = carrier.claims
    assert second["iat"] - first["iat"] == by
    assert second["exp"] - first["exp"] == by
    assert second["jti"] != first["jti"]
    assert held.token.issued_at == clock.now().wall  # the skew is for minting, never for judging (line 7)
    assert clock.slept == []


@pytest.mark.parametrize("by", [0, 30, -30])
def test_a_small_skew_is_none(clock: ManualClock, by: float) -> None:
    """Up to 30 s the clock is not the reason."""
    carrier = Carrier(clock, dated(clock, by), token())
    assert "set it right" not in fails(exchange(clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize(("by", "words"), [(3601, "3601 s behind"), (-7200, "7200 s ahead of"), (1e8, "s behind")])
def test_a_great_skew_is_named_only(clock: ManualClock, by: float, words: str) -> None:
    """Over an hour off the skew is named and not followed."""
    carrier = Carrier(clock, dated(clock, by), token())
    assert words in fails(exchange(clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("by", [120, 7200])
def test_an_untrusted_date_is_not_believed(clock: ManualClock, by: float) -> None:
    """A Date that came over plain http from elsewhere neither sets a clock nor names a skew."""
    carrier = Carrier(clock, dated(clock, by, trusted=False), token())
    assert "set it right" not in fails(exchange(clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "9" * 1000])
def test_a_junk_date_is_none(clock: ManualClock, date: str) -> None:
    """A Date that cannot be read says nothing."""
    carrier = Carrier(clock, said(400, "invalid_grant", date=date), token())
    assert "set it right" not in fails(exchange(clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("code", ["invalid_scope", "unauthorized_client", "invalid_request", "made_up"])
def test_other_refusals_set_no_clock(clock: ManualClock, code: str) -> None:
    """Only invalid_grant and invalid_client can be the clock's fault."""
    carrier = Carrier(clock, dated(clock, 120, code), token())
    fails(exchange(clock, carrier))
    assert len(carrier.claims) == 1


def test_the_skew_is_remembered(clock: ManualClock) -> None:
    """For ten minutes later assertions are minted on the server's clock at once, and then on ours again."""
    carrier = Carrier(clock, dated(clock, 120), token())
    asked = exchange(clock, carrier)
    asked.run()
    clock.advance(599)
    asked.run()
    clock.advance(1)
    asked.run()
    ahead = [claims["iat"] + 10 - 1_700_000_000 for claims in carrier.claims]
    assert ahead == [0, 120, 599 + 120, 600]


def test_once_in_that_time(clock: ManualClock) -> None:
    """A server whose clock wanders sets ours once in ten minutes, for all exchanges of the credential."""
    shared = ServerClock()
    first = Carrier(clock, dated(clock, 120))
    fails(exchange(clock, first, server_clock=shared))
    second = Carrier(clock, dated(clock, 900))
    fails(exchange(clock, second, server_clock=shared))
    assert (len(first.claims), len(second.claims)) == (2, 1)
    clock.advance(600)
    third = Carrier(clock, dated(clock, 900))
    fails(exchange(clock, third, server_clock=shared))
    assert len(third.claims) == 2


def test_a_jump_does_not_lengthen_what_is_remembered(clock: ManualClock) -> None:
    """Ten minutes are those of the boot clock."""
    carrier = Carrier(clock, dated(clock, 120), token())
    asked = exchange(clock, carrier)
    asked.run()
    clock.jump(-86_400)
    clock.advance(601)
    asked.run()
    assert carrier.claims[-1]["iat"] + 10 == math.floor(clock.now().wall)


def test_the_error_names_the_skew(clock: ManualClock) -> None:
    """Where the server says no even on its own clock, the error still names how far ours is off."""
    error = fails(exchange(clock, Carrier(clock, dated(clock, 120))))
    assert "120 s behind" in error.hint
    assert error.attempts == 2


def test_a_refusal_says_what_was_sent(clock: ManualClock) -> None:
    """The hint of a refusal holds issuer and audience, and nothing of the assertion."""
    error = fails(exchange(clock, Carrier(clock, said(400, "invalid_grant"))))
    assert "iss 'robot'" in error.hint
    assert f"aud '{ENDPOINT}'" in error.hint
    assert "eyJ" not in str(error)


def test_the_authority_forgives_a_clock(clock: ManualClock) -> None:
    """Against a strict server whose clock is 20 minutes ahead, a token is had by the second request."""
    authority = Authority(clock)
    authority.register("robot", PUBLIC)
    authority.skew = 1200.0
    carrier = authority.transport()
    assertion = SelfIssued(SIGNER, issuer="robot", audience=authority.token_endpoint)
    asked = Exchange(endpoint=authority.token_endpoint, grant=JWTBearer(assertion), transport=carrier, clock=clock)
    assert isinstance(asked.run(), Held)
    assert (carrier.sends, authority.exchanges) == (2, 1)
    asked.run()
    assert (carrier.sends, authority.exchanges) == (3, 2)


# line 20: a key file that changed


def test_a_changed_key_is_read_again(clock: ManualClock) -> None:
    """The key file is looked at before each exchange, and once more after a refusal, which then is asked again."""
    looked: list[bool] = []

    def reload(harder: bool) -> bool:
        looked.append(harder)
        return harder

    carrier = Carrier(clock, said(400, "invalid_grant"), token())
    exchange(clock, carrier, reload=reload).run()
    assert looked == [False, True]
    carrier = Carrier(clock, said(401, "invalid_client"))
    assert fails(exchange(clock, carrier, reload=reload)).attempts == 2
    assert looked == [False, True, False, True]


def test_an_unchanged_key_is_not_tried_twice(clock: ManualClock) -> None:
    """Where no other key is there, a refusal is final."""
    carrier = Carrier(clock, said(400, "invalid_grant"))
    assert fails(exchange(clock, carrier, reload=lambda _: False)).attempts == 1


# rule 1: nothing but SaAuthError


class CanaryError(Exception):
    """Somebody's own exception, with a secret in its text."""


@pytest.mark.parametrize(
    "error", [CanaryError("s3cr3t"), ValueError("s3cr3t"), KeyError("s3cr3t"), RecursionError("s3cr3t")]
)
def test_foreign_errors_end_here(clock: ManualClock, error: Exception) -> None:
    """What a transport raises comes out as SaAuthError that names its class and nothing else of it."""
    found = fails(exchange(clock, Carrier(clock, error)))
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
def test_errors_keep_their_class(clock: ManualClock, answer: Answer, kind: type[SaAuthError]) -> None:
    """Each failure keeps its class, and comes without the frames that hold the assertion."""
    error = fails(exchange(clock, Carrier(clock, answer)))
    assert type(error) is kind
    assert (error.__cause__, error.__context__) == (None, None)
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    assert "eyJ" not in "".join(repr(frame.f_locals) for frame in frames if "sa_auth" in frame.f_code.co_filename)


def test_the_policy_reaches_the_answer(clock: ManualClock) -> None:
    """The assumed life and the longest life are the exchange's own."""
    policy = RefreshPolicy(default_life=60, longest_life=120)
    for life, believed in ((None, 60), (1000, 120)):
        held = exchange(clock, Carrier(clock, token(life)), policy=policy).run()
        assert held.token.expires_at - held.token.issued_at == believed


def test_server_clock() -> None:
    """A skew is learned once in ten minutes, and used until they are over."""
    clock = ServerClock()
    assert clock.skew(Instant(1000.0, 0.0)) == 0.0
    clock.learn(60.0, Instant(1000.0, 0.0))
    clock.learn(90.0, Instant(1599.0, 599.0))
    assert clock.skew(Instant(1599.0, 599.0)) == 60.0
    assert clock.skew(Instant(1600.0, 600.0)) == 0.0
    clock.learn(90.0, Instant(1600.0, 600.0))
    assert clock.skew(Instant(1600.0, 600.0)) == 90.0


class Broken:
    """A signer that cannot sign."""

    algorithm, key_id, thumbprint = "ES256", None, "x"

    def sign(self, data: bytes) -> bytes:
        """Fails."""
        raise SigningError("no")


def test_not_repeatable_is_not_minted_on_the_servers_clock(clock: ManualClock) -> None:
    """A refusal with another clock's date is no reason to send a grant twice that cannot be repeated."""
    carrier = Carrier(clock, dated(clock, 120), token())
    assert "120 s behind" in fails(exchange(clock, carrier, kind=Once)).hint
    assert len(carrier.claims) == 1


def test_a_signer_that_fails_sends_nothing(clock: ManualClock) -> None:
    """A signer's failure comes out as it is, and `attempts` counts the requests that were sent: none."""
    carrier = Carrier(clock, token())
    grant = JWTBearer(SelfIssued(Broken(), issuer="robot", audience=ENDPOINT))
    error = fails(exchange(clock, carrier, grant=grant))
    assert (type(error), carrier.claims, error.attempts) == (SigningError, [], 0)


def test_no_fourth_request(clock: ManualClock) -> None:
    """At most three requests, a correction of the clock included."""
    carrier = Carrier(clock, said(503), said(503), dated(clock, 120), said(503))
    fails(exchange(clock, carrier))
    assert len(carrier.claims) <= 3


# refresh tokens, metadata and proofs: what is asked by what, and how often


class Pages:
    """A transport that gives planned answers in turn, the last one again and again, and notes what was asked by."""

    def __init__(self, clock: ManualClock, *answers: Answer, takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, list(answers), takes
        self.asked: list[str] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Notes the last word of the grant type, or the method of what is no token request."""
        assert deadline.left() > 0
        kinds = parse_qs(request.body.decode()).get("grant_type", [request.method])
        self.asked.append(kinds[0].rpartition(":")[2])
        self.clock.advance(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer()


METADATA = Response(200, {}, json.dumps({"issuer": "https://as.example", "token_endpoint": ENDPOINT}).encode())
REFRESH = Secret("refresh")


@pytest.mark.parametrize("answer", [said(400, "invalid_grant"), said(503), LOST, Response(200, {}, b"<html>")], ids=str)
def test_the_grant_after_the_refresh_token(clock: ManualClock, answer: Answer) -> None:
    """A refresh token is sent once, and where it brings nothing the grant follows in the same exchange."""
    carrier = Pages(clock, answer, token())
    assert exchange(clock, carrier).run(REFRESH).token.access_token == "abc"
    assert carrier.asked == ["refresh_token", "jwt-bearer"]
    assert fails(exchange(clock, Pages(clock, said(400, "invalid_scope"))), REFRESH).attempts == 2


def test_no_grant_where_it_fares_no_better(clock: ManualClock) -> None:
    """With the server out of reach, no metadata to be had or no time left, the grant is not tried after it."""
    unreachable = Pages(clock, REFUSED)
    assert fails(exchange(clock, unreachable), REFRESH).attempts == 3
    assert unreachable.asked == ["refresh_token"] * 3
    unknown = Pages(clock, said(503))
    fails(exchange(clock, unknown, endpoint=None, metadata=Metadata("https://as.example")), REFRESH)
    assert unknown.asked == ["GET"] * 3
    slow = Pages(clock, LOST, takes=10)
    fails(exchange(clock, slow, timeout=10.0), REFRESH)
    assert slow.asked == ["refresh_token"]


def test_not_repeatable_goes_again_where_nothing_was_sent(clock: ManualClock) -> None:
    """A grant that cannot be repeated is not lost to metadata that came at the second attempt."""
    carrier = Pages(clock, said(503), LOST, METADATA, token())
    asked = exchange(clock, carrier, kind=Once, endpoint=None, metadata=Metadata("https://as.example"))
    assert asked.run().token.access_token == "abc"
    assert carrier.asked == ["GET", "GET", "GET", "jwt-bearer"]
    carrier = Pages(clock, METADATA, said(503))
    asked = exchange(clock, carrier, kind=Once, endpoint=None, metadata=Metadata("https://as.example"))
    assert fails(asked).attempts == 1
    assert carrier.asked == ["GET", "jwt-bearer"]


def test_the_skew_is_learned_though_nothing_goes_again(clock: ManualClock) -> None:
    """What a refusal tells of the server's clock serves the next exchange, where this one may send nothing more."""
    carrier = Carrier(clock, dated(clock, 120), token())
    asked = exchange(clock, carrier, kind=Once)
    fails(asked)
    asked.run()
    assert carrier.claims[1]["iat"] - carrier.claims[0]["iat"] == 120


def test_no_nonce_for_a_bearer_token(clock: ManualClock) -> None:
    """Whoever sends no proof cannot answer a challenge for its nonce, and does not try."""
    carrier = Pages(clock, said(400, "use_dpop_nonce", **{"dpop-nonce": "n"}))
    assert fails(exchange(clock, carrier)).attempts == 1


def test_a_proof_on_the_servers_clock(clock: ManualClock) -> None:
    """A proof that is refused for its time is made once more on the server's clock, as an assertion is."""
    bound = Response(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')
    carrier = Pages(clock, dated(clock, 120, "invalid_dpop_proof"), bound)
    assert exchange(clock, carrier, dpop=DPoP(SIGNER)).run().token.access_token == "abc"


def test_a_bound_token_says_so(clock: ManualClock) -> None:
    """RFC 9449 section 5: where token_type does not say DPoP the token is bound to no key, and is not used."""
    assert fails(exchange(clock, Pages(clock, token()), dpop=DPoP(SIGNER))).code == "unexpected_token_type"


OTHERS: dict[str, dict[str, Any]] = {
    "nothing": {}, "scope": {"scope": "read write"}, "less scope": {"scope": "read"},
    "resource": {"resource": "https://api.example/"}, "two resources": {"resource": ["https://api.example/", "urn:x"]},
    "form": {"form": {"tenant": "1"}}, "another value": {"form": {"tenant": "2"}},
    "server": {"server": "https://other.example"}, "endpoint": {"token_endpoint": f"{ENDPOINT}2"},
    "issuer": {"issuer": "app2"}, "key": {"key": new_key("p256")[0]}, "own dpop": {"dpop": True},
    "another dpop": {"dpop": from_pem(new_key("p256")[0])}, "throw-away dpop": {"dpop": "ephemeral"},
    "certificate": {"transport": SimpleNamespace(send=print, certificate_thumbprint="abc")},
    "method": {"client_auth": "client_id"}, "secret": {"client_auth": ClientSecretBasic("app", "s" * 40)},
    "another secret": {"client_auth": ClientSecretBasic("app", "t" * 40)},
    "secret elsewhere": {"client_auth": ClientSecretPost("app", "s" * 40)}, "grant": {"grant": "jwt_bearer"},
}  # fmt: skip


def identity(**changes: Any) -> bytes:
    """The identity of credentials that differ from others by this."""
    given: dict[str, Any] = {
        "key": PRIVATE, "issuer": "app", "server": "https://as.example", "token_endpoint": ENDPOINT,
        "grant": "client_credentials", **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(given.pop("key"), **given)._source._exchange.identity


def test_identity() -> None:
    """Whatever decides what is issued makes another identity, each by itself; the order of scopes decides nothing."""
    found = {name: identity(**changes) for name, changes in OTHERS.items()}
    assert len(set(found.values())) == len(found)
    assert identity(scope="write read") == found["scope"]
    assert identity(timeout=1, retry=Retry(attempts=1)) == found["nothing"]


class ByFields:
    """A grant of the caller's own that sends these fields."""

    repeatable = False

    def __init__(self, *fields: tuple[str, str]) -> None:
        self.fields = list(fields)

    def form(self, _now: float) -> list[tuple[str, str]]:
        """The fields."""
        return self.fields

    def fingerprint(self) -> tuple[str, ...]:
        """Nobody else's."""
        return ("by_fields",)

    def describe(self) -> str:
        """Its name."""
        return "fields"


SECRETS = {
    "code": "the-code of 1",
    "refresh_token": "the refresh+token",
    "client_secret": "the/secret/of/it",
    "token": "abcd",
}


@pytest.mark.parametrize("shown", [str, quote_plus, lambda secret: secret[:12], lambda secret: secret + "x" * 200])
@pytest.mark.parametrize("name", SECRETS)
def test_no_echo_of_a_secret(clock: ManualClock, name: str, shown: Callable[[str], str]) -> None:
    """What a server repeats of the secrets that it was sent, in whole, encoded or cut, reaches neither error nor log."""
    error = json.dumps(
        {"error": "invalid_grant", "error_description": f"no such {name}: {shown(SECRETS[name])}"}
    ).encode()
    grant = ByFields(("grant_type", "password"), (name, SECRETS[name]))
    refusal = fails(exchange(clock, Pages(clock, Response(400, {}, error)), grant=grant))
    assert isinstance(refusal, InvalidGrant)
    assert f"no such {name}: [what was sent]" in str(refusal)
    assert SECRETS[name][:12] not in f"{refusal!r} {vars(refusal)}"


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
def test_no_echo_of_a_client_secret(clock: ManualClock, method: type[ClientSecretBasic]) -> None:
    """Nor what a server read out of a header."""
    error = Response(401, {}, b'{"error": "invalid_client", "error_description": "not app:the/secret/of/it"}')
    asked = exchange(clock, Pages(clock, error), client_auth=method("app", "the/secret/of/it"))
    assert "not app:[what was sent]" in str(fails(asked))


def test_an_odd_header_hides_no_refusal(clock: ManualClock) -> None:
    """What a method of the caller's own puts into the Authorization header is not what the refusal is about."""
    for header in (5, None, "Basic a", "Basic \xe4"):
        method = SimpleNamespace(
            apply=lambda request, _now, header=header: request.with_header("Authorization", header),
            fingerprint=lambda: ("own", "app"),
        )
        assert isinstance(
            fails(exchange(clock, Pages(clock, said(400, "invalid_grant")), client_auth=method)), InvalidGrant
        )


def test_another_servers_clock_is_not_this_ones(clock: ManualClock) -> None:
    """A refusal on the way to the assertion, by another server, says nothing of the clock of this one."""
    there = ServiceAccountCredentials(
        PRIVATE, issuer="app", token_endpoint="https://other.example/token", cache=MemoryCache(), clock=clock,
        transport=Pages(clock, dated(clock, 600)),
    )  # fmt: skip
    asked = exchange(clock, Pages(clock, token()), grant=TokenExchange(there, "access_token"))
    assert fails(asked).attempts == 0
    assert asked.server_clock.skew(clock.now()) == 0


def test_no_refresh_token_of_what_is_no_token_endpoint(clock: ManualClock) -> None:
    """A service that takes a JWT as JSON is never sent a refresh request in a form."""
    answer = Response(200, {}, b'{"access_token": "abc", "refresh_token": "again"}')
    grant = RestExchange(SelfIssued(SIGNER, issuer="robot", audience=ENDPOINT), field="jwt")
    assert exchange(clock, Pages(clock, answer), grant=grant).run().refresh_token is None
    assert exchange(clock, Pages(clock, answer)).run().refresh_token is not None


class Rotating:
    """A server that takes each refresh token once, and gives another each time."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, request: Request, _deadline: Deadline) -> Response:
        """Notes by which one it is asked; the one before the newest, once more, would end them all."""
        self.asked.append(parse_qs(request.body.decode())["refresh_token"][0])
        answer = {"access_token": "abc", "refresh_token": f"again {len(self.asked)}"}
        return Response(200, {}, json.dumps(answer).encode())


def test_one_family_of_refresh_tokens(clock: ManualClock) -> None:
    """Whoever asks by one refresh token, for whatever scope, goes on by the newest that came of it at that server."""
    server, elsewhere = Rotating(), Rotating()

    def asks(kept: Secret | None = None, **changes: Any) -> Secret | None:
        made.append(exchange(clock, server, **{"grant": RefreshToken("first"), "client_auth": None, **changes}))
        return made[-1].run(kept).refresh_token

    made: list[Exchange] = []
    kept = asks()
    asks(scope="other", scope_field=True)
    asks(kept)
    made[0].run(kept)
    asks(transport=elsewhere, endpoint="https://other.example/token")
    assert server.asked == ["first", "again 1", "again 2", "again 3"]
    assert elsewhere.asked == ["first"]
    made.clear()
    gc.collect()
    asks(Secret("kept beside a token"))
    assert server.asked[-1] == "kept beside a token"
