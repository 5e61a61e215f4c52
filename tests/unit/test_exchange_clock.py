"""The server's clock: what a refusal's Date teaches, for how long, and whom (docs/faults.md line 20)."""

from __future__ import annotations

import math

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import Instant
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.caches.memory import MemoryCache
from sa_auth.dpop import DPoP
from sa_auth.exchange import Exchange, ServerClock
from sa_auth.grants import JWTBearer, TokenExchange
from sa_auth.policy import Held
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Response
from tests.unit.exchange_kit import PRIVATE, PUBLIC, SIGNER, Carrier, Once, dated, exchange, fails, said, token


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
@pytest.mark.parametrize("by", [31, -31, 300, -300, 3600, -3600])
def test_minted_once_more_on_the_servers_clock(sa_clock: ManualClock, by: float, code: str) -> None:
    """A refusal whose Date is 30 s to an hour off is answered at once by an assertion on the server's clock."""
    carrier = Carrier(sa_clock, dated(sa_clock, by, code), token())
    held = exchange(sa_clock, carrier).run()
    first, second = carrier.claims
    assert second["iat"] - first["iat"] == by
    assert second["exp"] - first["exp"] == by
    assert second["jti"] != first["jti"]
    assert held.token.issued_at == sa_clock.now().wall  # the skew is for minting, never for judging (line 7)
    assert sa_clock.slept == []


@pytest.mark.parametrize("by", [0, 30, -30])
def test_a_small_skew_is_none(sa_clock: ManualClock, by: float) -> None:
    """Up to 30 s the clock is not the reason."""
    carrier = Carrier(sa_clock, dated(sa_clock, by), token())
    assert "set it right" not in fails(exchange(sa_clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize(("by", "words"), [(3601, "3601 s behind"), (-7200, "7200 s ahead of"), (1e8, "s behind")])
def test_a_great_skew_is_named_only(sa_clock: ManualClock, by: float, words: str) -> None:
    """Over an hour off the skew is named and not followed."""
    carrier = Carrier(sa_clock, dated(sa_clock, by), token())
    assert words in fails(exchange(sa_clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("by", [120, 7200])
def test_an_untrusted_date_is_not_believed(sa_clock: ManualClock, by: float) -> None:
    """A Date that came over plain http from elsewhere neither sets a clock nor names a skew."""
    carrier = Carrier(sa_clock, dated(sa_clock, by, trusted=False), token())
    assert "set it right" not in fails(exchange(sa_clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "9" * 1000])
def test_a_junk_date_is_none(sa_clock: ManualClock, date: str) -> None:
    """A Date that cannot be read says nothing."""
    carrier = Carrier(sa_clock, said(400, "invalid_grant", date=date), token())
    assert "set it right" not in fails(exchange(sa_clock, carrier)).hint
    assert len(carrier.claims) == 1


@pytest.mark.parametrize("code", ["invalid_scope", "unauthorized_client", "invalid_request", "made_up"])
def test_other_refusals_set_no_clock(sa_clock: ManualClock, code: str) -> None:
    """Only invalid_grant and invalid_client can be the clock's fault."""
    carrier = Carrier(sa_clock, dated(sa_clock, 120, code), token())
    fails(exchange(sa_clock, carrier))
    assert len(carrier.claims) == 1


def test_the_skew_is_remembered(sa_clock: ManualClock) -> None:
    """For ten minutes later assertions are minted on the server's clock at once, and then on ours again."""
    carrier = Carrier(sa_clock, dated(sa_clock, 120), token())
    asked = exchange(sa_clock, carrier)
    asked.run()
    sa_clock.advance(599)
    asked.run()
    sa_clock.advance(1)
    asked.run()
    ahead = [claims["iat"] + 10 - 1_700_000_000 for claims in carrier.claims]
    assert ahead == [0, 120, 599 + 120, 600]


def test_once_in_that_time(sa_clock: ManualClock) -> None:
    """A server whose clock wanders sets ours once in ten minutes, for all exchanges of the credential."""
    shared = ServerClock()
    first = Carrier(sa_clock, dated(sa_clock, 120))
    fails(exchange(sa_clock, first, server_clock=shared))
    second = Carrier(sa_clock, dated(sa_clock, 900))
    fails(exchange(sa_clock, second, server_clock=shared))
    assert (len(first.claims), len(second.claims)) == (2, 1)
    sa_clock.advance(600)
    third = Carrier(sa_clock, dated(sa_clock, 900))
    fails(exchange(sa_clock, third, server_clock=shared))
    assert len(third.claims) == 2


def test_a_jump_does_not_lengthen_what_is_remembered(sa_clock: ManualClock) -> None:
    """Ten minutes are those of the boot clock."""
    carrier = Carrier(sa_clock, dated(sa_clock, 120), token())
    asked = exchange(sa_clock, carrier)
    asked.run()
    sa_clock.jump(-86_400)
    sa_clock.advance(601)
    asked.run()
    assert carrier.claims[-1]["iat"] + 10 == math.floor(sa_clock.now().wall)


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


def test_the_error_names_the_skew(sa_clock: ManualClock) -> None:
    """Where the server says no even on its own clock, the error still names how far ours is off."""
    error = fails(exchange(sa_clock, Carrier(sa_clock, dated(sa_clock, 120))))
    assert "120 s behind" in error.hint
    assert error.attempts == 2


def test_not_repeatable_is_not_minted_on_the_servers_clock(sa_clock: ManualClock) -> None:
    """A refusal with another clock's date is no reason to send a grant twice that cannot be repeated."""
    carrier = Carrier(sa_clock, dated(sa_clock, 120), token())
    assert "120 s behind" in fails(exchange(sa_clock, carrier, kind=Once)).hint
    assert len(carrier.claims) == 1


def test_the_skew_is_learned_though_nothing_goes_again(sa_clock: ManualClock) -> None:
    """What a refusal tells of the server's clock serves the next exchange, where this one may send nothing more."""
    carrier = Carrier(sa_clock, dated(sa_clock, 120), token())
    asked = exchange(sa_clock, carrier, kind=Once)
    fails(asked)
    asked.run()
    assert carrier.claims[1]["iat"] - carrier.claims[0]["iat"] == 120


def test_a_proof_on_the_servers_clock(sa_clock: ManualClock) -> None:
    """A proof that is refused for its time is made once more on the server's clock, as an assertion is."""
    bound = Response(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')
    carrier = Carrier(sa_clock, dated(sa_clock, 120, "invalid_dpop_proof"), bound)
    assert exchange(sa_clock, carrier, dpop=DPoP(SIGNER)).run().token.access_token == "abc"


def test_another_servers_clock_is_not_this_ones(sa_clock: ManualClock) -> None:
    """A refusal on the way to the assertion, by another server, says nothing of the clock of this one."""
    there = ServiceAccountCredentials(
        PRIVATE, issuer="app", token_endpoint="https://other.example/token", cache=MemoryCache(), clock=sa_clock,
        transport=Carrier(sa_clock, dated(sa_clock, 600)),
    )  # fmt: skip
    asked = exchange(sa_clock, Carrier(sa_clock, token()), grant=TokenExchange(there, "access_token"))
    assert fails(asked).attempts == 0
    assert asked.server_clock.skew(sa_clock.now()) == 0


def test_the_authority_forgives_a_clock(sa_clock: ManualClock) -> None:
    """Against a strict server whose clock is 20 minutes ahead, a token is had by the second request."""
    authority = Authority(sa_clock)
    authority.register("robot", PUBLIC)
    authority.skew = 1200.0
    carrier = authority.transport()
    assertion = SelfIssued(SIGNER, issuer="robot", audience=authority.token_endpoint)
    asked = Exchange(endpoint=authority.token_endpoint, grant=JWTBearer(assertion), transport=carrier, clock=sa_clock)
    assert isinstance(asked.run(), Held)
    assert (carrier.sends, authority.exchanges) == (2, 1)
    asked.run()
    assert (carrier.sends, authority.exchanges) == (3, 2)
