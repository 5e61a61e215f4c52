"""The one loop that retries: a fresh assertion for every attempt, inside one deadline, by a clock moved by hand."""

from __future__ import annotations

import base64
import json
import math
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth._clock import Deadline, Instant
from sa_auth._secret import Secret
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.client_auth import ClientSecretBasic
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
from sa_auth.exchange import Exchange
from sa_auth.explanation import Known
from sa_auth.grants import JWTBearer
from sa_auth.grants.refresh_token import RefreshToken
from sa_auth.metadata import Metadata
from sa_auth.policy import RefreshPolicy, Retry
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from sa_auth.wire import Conversation, Response
from tests.unit.exchange_kit import (
    ENDPOINT,
    LOST,
    REFUSED,
    SIGNER,
    Answer,
    Carrier,
    Once,
    dated,
    exchange,
    fails,
    said,
    token,
)

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


class Restorable(Once):
    """One that is told where it may be sent again."""

    restored = 0

    def restore(self) -> None:
        """Counts."""
        type(self).restored += 1


@pytest.mark.parametrize(
    ("answer", "restored"), [(said(400, "invalid_grant"), 0), (said(503), 0), (LOST, 0), (REFUSED, 3)], ids=str
)
def test_not_repeatable_is_restored_where_it_was_not_seen(
    sa_clock: ManualClock, answer: Answer, restored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grant that goes once is as good as before where no server can have seen it, and spent once one may have."""
    monkeypatch.setattr(Restorable, "restored", 0)
    fails(exchange(sa_clock, Carrier(sa_clock, answer), kind=Restorable))
    assert Restorable.restored == restored


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


# what a vendor's words, another clock and a grant that sends nothing change


@pytest.mark.parametrize(
    ("error", "again", "count"),
    [
        ("invalid_grant", True, 2), ("invalid_grant", False, 1), ("invalid_client", True, 2), ("made_up", True, 2),
        ("made_up", False, 1),
    ],
)  # fmt: skip
def test_a_vendors_word_asks_once_more(error: str, again: bool, count: int, sa_clock: ManualClock) -> None:
    """What a vendor says of a request that may succeed at once, minted anew, is asked once more, and no oftener."""
    carrier = Carrier(sa_clock, said(400, error))
    failure = fails(exchange(sa_clock, carrier, known=(Known(error, "Again.", again=again),)))
    assert (failure.attempts, sa_clock.slept) == (count, [])


def test_the_clock_is_logged(sa_clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """That this machine's clock is off is said in the log, with by how much."""
    exchange(sa_clock, Carrier(sa_clock, dated(sa_clock, 90.0), token())).run()
    assert caplog.messages == ["the clock is 90 s off the server's; minting by the server's clock"]


class Maker:
    """A grant that makes its token itself."""

    repeatable = True

    def __init__(self, outcome: Token | Exception) -> None:
        self.outcome, self.seen = outcome, []  # type: ignore[var-annotated]

    def fingerprint(self) -> tuple[str, ...]:
        """Of no importance here."""
        return ("maker",)

    def form(self, _now: float) -> tuple[tuple[str, str], ...]:
        """None is sent."""
        return ()

    def token(self, issued_at: float, now: float) -> Token:
        """The token, or the error."""
        self.seen.append((issued_at, now))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_a_token_that_is_made_here(sa_clock: ManualClock) -> None:
    """It is made by this clock and the server's, counts from now, and nothing is sent."""
    made = Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9)
    maker, carrier = Maker(made), Carrier(sa_clock, token())
    asked = exchange(sa_clock, carrier, grant=maker)
    asked.server_clock.learn(90.0, sa_clock.now())
    held = asked.run()
    assert (held.token, held.since, held.refresh_token) == (made, sa_clock.boot(), None)
    assert maker.seen == [(sa_clock.wall(), sa_clock.wall() + 90)]
    assert carrier.asked == []


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [(SigningError("no"), SigningError, "signing"), (KeyError("s3cr3t"), SaAuthError, "unexpected")],
)
def test_a_token_that_cannot_be_made(error: Exception, kind: type, code: str, sa_clock: ManualClock) -> None:
    """What goes wrong as it is made comes out as one of the library's errors, without a context, and nothing was sent."""
    failure = fails(exchange(sa_clock, Carrier(sa_clock, token()), grant=Maker(error)))
    assert (type(failure), failure.code, failure.attempts) == (kind, code, 0)
    assert (failure.__context__, "s3cr3t" in str(failure)) == (None, False)


# who it is


def test_where_it_goes(sa_clock: ManualClock) -> None:
    """The host is that of the endpoint, else of the server that names it, else none; a way is transport, time-out, retry."""
    carrier = Carrier(sa_clock, token())
    asked = exchange(sa_clock, carrier, timeout=7.0)
    assert (asked.host, asked.way) == ("as.example", (id(carrier), 7.0, asked.retry))
    metadata = Metadata("https://Server.example/x")
    assert exchange(sa_clock, carrier, endpoint=None, metadata=metadata).host == "server.example"
    assert exchange(sa_clock, carrier, metadata=metadata).host == "as.example"
    assert exchange(sa_clock, carrier, endpoint=None).host == ""
    carrier.default = True  # type: ignore[attr-defined]
    assert exchange(sa_clock, carrier).way[0] == "default"


def test_what_identities_are_of(sa_clock: ManualClock) -> None:
    """An endpoint and a server of one name, another scope, form or certificate: each is another identity."""
    carrier, metadata = Carrier(sa_clock, token()), Metadata(ENDPOINT)
    bound = Carrier(sa_clock, token())
    bound.certificate_thumbprint = "x"  # type: ignore[attr-defined]
    made = [
        exchange(sa_clock, carrier), exchange(sa_clock, carrier, endpoint=None, metadata=metadata),
        exchange(sa_clock, carrier, scope="a"), exchange(sa_clock, carrier, form=(("a", "b"),)), exchange(sa_clock, bound),
    ]  # fmt: skip
    assert len({one.identity for one in made}) == len(made)
    assert exchange(sa_clock, carrier, metadata=metadata).identity == made[0].identity


def test_the_identity_on_every_machine(sa_clock: ManualClock) -> None:
    """It is the same wherever the same is asked for, none where a key was made for this process, and never the one in memory."""
    carrier = Carrier(sa_clock, token())
    one, other = exchange(sa_clock, carrier), exchange(sa_clock, carrier)
    assert one.shared_identity() == other.shared_identity() != one.identity
    assert exchange(sa_clock, carrier, scope="a").shared_identity() != one.shared_identity()
    assert exchange(sa_clock, carrier, dpop=DPoP(SIGNER, throw_away=True)).shared_identity() is None
    assert exchange(sa_clock, carrier, dpop=DPoP(SIGNER, throw_away=False)).shared_identity() is not None


def test_the_identity_of_what_others_hand_over(sa_clock: ManualClock) -> None:
    """Whose assertion a token service hands over just now is part of it, by grant and by client; what cannot be told is none."""

    class Handed:
        def __init__(self, *says: str) -> None:
            self.says, self.asked = says, []  # type: ignore[var-annotated]

        def whose(self, now: float) -> tuple[str, ...] | None:
            self.asked.append(now)
            return None if self.says == ("unknown",) else self.says

    def identity(part: str, source: Handed) -> bytes | None:
        made = exchange(sa_clock, Carrier(sa_clock, token()))
        if part == "grant":
            made.grant = SimpleNamespace(sources=(source,), fingerprint=made.grant.fingerprint)  # type: ignore[assignment]
        else:
            made.client_auth = SimpleNamespace(sources=(source,), fingerprint=lambda: ("x",))  # type: ignore[assignment]
        return made.shared_identity()

    for part in ("grant", "client"):
        first = Handed("a", "b")
        found = {identity(part, source) for source in (first, Handed("a", "c"), Handed("ab"), Handed("a", "b"))}
        assert len(found) == 3
        assert first.asked == [sa_clock.wall()]
        assert identity(part, Handed("unknown")) is None


def test_nobody_names_an_endpoint(sa_clock: ManualClock) -> None:
    """Where the server's metadata name no token endpoint, the error says which argument would."""
    metadata = Metadata("https://as.example")
    answer = Response(200, {}, b'{"issuer": "https://as.example"}')
    error = fails(
        exchange(sa_clock, Carrier(sa_clock, answer), endpoint=None, metadata=metadata, retry=Retry(attempts=1))
    )
    assert str(error) == (
        "no_token_endpoint: The metadata of as.example name no token endpoint. Hint: Pass token_endpoint=, the URL from the "
        "provider's documentation. More: docs/errors/no_token_endpoint.md."
    )


def test_as_it_comes() -> None:
    """Without a word no scope is sent, no key is known here, and ten seconds are the whole time."""
    made = Exchange(endpoint=ENDPOINT, grant=Maker(SigningError("no")), transport=Carrier(ManualClock(), token()))  # type: ignore[arg-type]
    assert (made.secret(), made.timeout, made.scope, made.client_auth, made.dpop) == (None, 10.0, "", None, None)


# what it is a part of, and where it looks


def test_within_another_conversation(sa_clock: ManualClock) -> None:
    """An exchange that is a part of something goes by that one's transport, and keeps its deadline."""
    own, other = Carrier(sa_clock, token()), Carrier(sa_clock, token())
    exchange(sa_clock, own).run(None, Conversation(other, Deadline(sa_clock, 3.0)))
    assert (own.asked, other.asked, other.left) == ([], ["jwt-bearer"], [3.0])


def test_what_is_built(sa_clock: ManualClock) -> None:
    """Without a word a request is by the exchange's own grant to its own endpoint, with its header fields."""
    asked = exchange(sa_clock, Carrier(sa_clock, token()), headers={"X-Mine": "m"}, scope="a", scope_field=True)
    request = asked.build(sa_clock.wall())
    form = parse_qs(request.body.decode())
    assert (request.url, request.headers["X-Mine"], form["scope"]) == (ENDPOINT, "m", ["a"])
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    follow_up = asked.build(sa_clock.wall(), grant=RefreshToken(Secret("again-token")), url="https://other.example/")
    assert follow_up.url == "https://other.example/"
    assert parse_qs(follow_up.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["again-token"]}
    assert exchange(sa_clock, Carrier(sa_clock, token()), endpoint=None).build(sa_clock.wall()).url == ""


class Served:
    """Metadata that say where an endpoint is, or fail."""

    issuer = "https://as.example"

    def __init__(self, found: str | Exception | None) -> None:
        self.found, self.seen, self.forgotten = found, [], 0  # type: ignore[var-annotated]

    def endpoint(self, name: str, _within: Any, now: Instant, *, mutual_tls: bool) -> str | None:
        """Where it is."""
        self.seen.append((name, now, mutual_tls))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def forget(self) -> None:
        """Counts how often."""
        self.forgotten += 1


@pytest.mark.parametrize(("thumbprint", "bound"), [(None, False), ("", False), ("x", True)])
def test_what_the_metadata_are_asked(thumbprint: str | None, bound: bool, sa_clock: ManualClock) -> None:
    """They are asked where the endpoint is, that of mutual TLS where a certificate is presented, at this instant."""
    carrier, served = Carrier(sa_clock, token()), Served(ENDPOINT)
    if thumbprint is not None:
        carrier.certificate_thumbprint = thumbprint  # type: ignore[attr-defined]
    exchange(sa_clock, carrier, endpoint=None, metadata=served).run()
    assert served.seen == [("token_endpoint", sa_clock.now(), bound)]
    assert served.forgotten == 0


@pytest.mark.parametrize(
    ("answer", "forgotten"),
    [
        (said(404), 1), (said(405), 1), (said(403), 0), (said(406), 0), (said(400, "invalid_grant"), 0), (REFUSED, 1), (LOST, 0),
    ],
)  # fmt: skip
def test_when_the_metadata_are_read_again(answer: Answer, forgotten: int, sa_clock: ManualClock) -> None:
    """An endpoint that is not there, or not reached, may have moved: the metadata are read again next time."""
    served = Served(ENDPOINT)
    fails(exchange(sa_clock, Carrier(sa_clock, answer), endpoint=None, metadata=served, retry=Retry(attempts=1)))
    assert served.forgotten == forgotten


def test_metadata_that_name_nothing(sa_clock: ManualClock) -> None:
    """Metadata that name no endpoint, or cannot be had, are read again next time."""
    for found in (None, ResponseError("no")):
        served = Served(found)
        fails(exchange(sa_clock, Carrier(sa_clock, token()), endpoint=None, metadata=served, retry=Retry(attempts=1)))
        assert served.forgotten == 1


def test_an_identity_of_before() -> None:
    """What an identity is on every machine does not change with the version: workers are replaced one by one."""
    made = Exchange(endpoint=ENDPOINT, grant=Maker(SigningError("no")), transport=Carrier(ManualClock(), token()))  # type: ignore[arg-type]
    found = made.shared_identity()
    assert found is not None
    assert (made.identity.hex(), found.hex()) == (
        "1e26b85bb9f0d23c5b89f8a350c35563a9753565ab1ea7241ed59ceeab73bd72",
        "72161ee2b7ee8989c6fb9af9c9da7e3c61696a4224a6baab6e4747d40b5f41ab",
    )


def test_an_identity_of_nowhere() -> None:
    """What is made here, and asked of nobody, has one identity in all versions as well."""
    made = Exchange(endpoint=None, grant=Maker(SigningError("no")), transport=Carrier(ManualClock(), token()))  # type: ignore[arg-type]
    assert (made.host, made.identity.hex()) == (
        "",
        "9779770d7f662ec6e9344b75e07221dfb1b54f4c094f5ff1e08ebeca0500e8eb",
    )


@pytest.mark.parametrize("known", [False, True])
def test_what_an_explanation_knows(known: bool, sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the clock was set right by the server's already is told to whoever explains a refusal."""
    seen: list[bool] = []
    monkeypatch.setattr("sa_auth.exchange.explain", lambda *_given, corrected: seen.append(corrected))
    asked = exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_grant")))
    if known:
        asked.server_clock.learn(90.0, sa_clock.now())
    fails(asked)
    assert seen == [known]


def test_what_a_refusal_is_explained_by(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is explained by all that was asked: grant, client, scope, form, and what the provider's words mean."""
    seen: list[Any] = []
    monkeypatch.setattr("sa_auth.exchange.explained", lambda refusal, *given: seen.append(given) or refusal)  # type: ignore[func-returns-value]
    client, form, known = ClientSecretBasic("app", "s" * 32), (("a", "b"),), (Known("x", "y"),)
    asked = exchange(
        sa_clock, Carrier(sa_clock, said(400, "invalid_scope")), client_auth=client, scope="a b", form=form, known=known
    )
    fails(asked)
    assert seen == [(asked.grant, client, "a b", form, known)]


def test_the_scope_that_was_asked_for(sa_clock: ManualClock) -> None:
    """A token whose answer names no scope has that which was asked for, also where it was not sent as a field."""
    assert exchange(sa_clock, Carrier(sa_clock, token()), scope="a b").run().token.scope == "a b"
