"""By what an exchange asks: a refresh token first and the grant after it, and a proof beside either."""

from __future__ import annotations

import gc
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth._clock import Deadline
from sa_auth._secret import Secret
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.dpop import DPoP
from sa_auth.exchange import Exchange
from sa_auth.grants import RefreshToken, RestExchange
from sa_auth.metadata import Metadata
from sa_auth.policy import Retry
from sa_auth.testing import ManualClock
from sa_auth.wire import Request, Response
from tests.unit.exchange_kit import (
    ENDPOINT,
    LOST,
    REFUSED,
    SIGNER,
    Answer,
    Carrier,
    dated,
    exchange,
    fails,
    said,
    token,
)

REFRESH = Secret("refresh")


@pytest.mark.parametrize("answer", [said(400, "invalid_grant"), said(503), LOST, Response(200, {}, b"<html>")], ids=str)
def test_the_grant_after_the_refresh_token(sa_clock: ManualClock, answer: Answer) -> None:
    """A refresh token is sent once, and where it brings nothing the grant follows in the same exchange."""
    carrier = Carrier(sa_clock, answer, token())
    assert exchange(sa_clock, carrier).run(REFRESH).token.access_token == "abc"
    assert carrier.asked == ["refresh_token", "jwt-bearer"]
    assert fails(exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_scope"))), REFRESH).attempts == 2


def test_no_grant_where_it_fares_no_better(sa_clock: ManualClock) -> None:
    """With the server out of reach, no metadata to be had or no time left, the grant is not tried after it."""
    unreachable = Carrier(sa_clock, REFUSED)
    assert fails(exchange(sa_clock, unreachable), REFRESH).attempts == 3
    assert unreachable.asked == ["refresh_token"] * 3
    unknown = Carrier(sa_clock, said(503))
    fails(exchange(sa_clock, unknown, endpoint=None, metadata=Metadata("https://as.example")), REFRESH)
    assert unknown.asked == ["GET"] * 3
    slow = Carrier(sa_clock, LOST, takes=10)
    fails(exchange(sa_clock, slow, timeout=10.0), REFRESH)
    assert slow.asked == ["refresh_token"]


def test_no_refresh_token_of_what_is_no_token_endpoint(sa_clock: ManualClock) -> None:
    """A service that takes a JWT as JSON is never sent a refresh request in a form."""
    answer = Response(200, {}, b'{"access_token": "abc", "refresh_token": "again"}')
    grant = RestExchange(SelfIssued(SIGNER, issuer="robot", audience=ENDPOINT), field="jwt")
    assert exchange(sa_clock, Carrier(sa_clock, answer), grant=grant).run().refresh_token is None
    assert exchange(sa_clock, Carrier(sa_clock, answer)).run().refresh_token is not None


class Rotating:
    """A server that takes each refresh token once, and gives another each time."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, request: Request, _deadline: Deadline) -> Response:
        """Notes by which one it is asked; the one before the newest, once more, would end them all."""
        self.asked.append(parse_qs(request.body.decode())["refresh_token"][0])
        answer = {"access_token": "abc", "refresh_token": f"again {len(self.asked)}"}
        return Response(200, {}, json.dumps(answer).encode())


def test_one_family_of_refresh_tokens(sa_clock: ManualClock) -> None:
    """Whoever asks by one refresh token, for whatever scope, goes on by the newest that came of it at that server."""
    server, elsewhere = Rotating(), Rotating()

    def asks(kept: Secret | None = None, **changes: Any) -> Secret | None:
        made.append(exchange(sa_clock, server, **{"grant": RefreshToken("first"), "client_auth": None, **changes}))
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


# proofs


def test_no_nonce_for_a_bearer_token(sa_clock: ManualClock) -> None:
    """Whoever sends no proof cannot answer a challenge for its nonce, and does not try."""
    carrier = Carrier(sa_clock, said(400, "use_dpop_nonce", **{"dpop-nonce": "n"}))
    assert fails(exchange(sa_clock, carrier)).attempts == 1


NONCE = said(400, "use_dpop_nonce", **{"dpop-nonce": "n"})


def test_a_nonce_is_no_failure(sa_clock: ManualClock) -> None:
    """A challenge for a nonce is answered at once, twice at most, and takes none of the attempts that a failure has."""
    bound = Response(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')
    carrier = Carrier(sa_clock, NONCE, said(503), bound)
    exchange(sa_clock, carrier, dpop=DPoP(SIGNER), retry=Retry(attempts=2)).run()
    assert len(carrier.asked) == 3
    carrier = Carrier(sa_clock, NONCE, NONCE, bound)
    exchange(sa_clock, carrier, dpop=DPoP(SIGNER), retry=Retry(attempts=1)).run()
    assert fails(exchange(sa_clock, Carrier(sa_clock, NONCE), dpop=DPoP(SIGNER), retry=Retry(attempts=1))).attempts == 3


def test_the_last_moment_is_used(sa_clock: ManualClock) -> None:
    """What is answered at once is answered while any time is left: a nonce, and a clock that is wrong."""
    bound = Response(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')
    carrier = Carrier(sa_clock, NONCE, bound, takes=9.5)
    exchange(sa_clock, carrier, dpop=DPoP(SIGNER)).run()
    assert carrier.left[1] == pytest.approx(0.5)
    carrier = Carrier(sa_clock, dated(sa_clock, 600.0), token(), takes=9.5)
    exchange(sa_clock, carrier).run()
    assert carrier.left[1] == pytest.approx(0.5)
    carrier = Carrier(sa_clock, said(400, "invalid_grant"), token(), takes=9.5)
    exchange(sa_clock, carrier).run(Secret("used up"))
    assert carrier.asked == ["refresh_token", "jwt-bearer"]


def test_the_very_end_is_no_moment(sa_clock: ManualClock) -> None:
    """At the very end of the time nothing more is sent, be it for a nonce or for a clock that is wrong."""
    for answer, bound in ((NONCE, DPoP(SIGNER)), (dated(sa_clock, 600.0), None)):
        carrier = Carrier(sa_clock, answer, takes=10.0)
        fails(exchange(sa_clock, carrier, dpop=bound, timeout=10.0))
        assert len(carrier.asked) == 1


def test_a_given_refresh_token_is_good_until_another_comes(sa_clock: ManualClock) -> None:
    """RFC 6749 section 6: an answer without a refresh token leaves the one that it was asked by."""
    held = exchange(sa_clock, Carrier(sa_clock, token()), grant=RefreshToken("first"), client_auth=None).run()
    assert held.refresh_token is not None
    assert held.refresh_token.reveal() == b"first"


def test_a_bound_token_says_so(sa_clock: ManualClock) -> None:
    """RFC 9449 section 5: where token_type does not say DPoP the token is bound to no key, and is not used."""
    assert fails(exchange(sa_clock, Carrier(sa_clock, token()), dpop=DPoP(SIGNER))).code == "unexpected_token_type"
