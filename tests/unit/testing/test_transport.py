"""The transport that reaches an authority without a socket."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.errors import TransportError
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Request, Transport

if TYPE_CHECKING:
    from .conftest import Forger


@pytest.fixture
def deadline(clock: ManualClock) -> Deadline:
    """Ten seconds from now."""
    return Deadline(clock, 10)


def test_it_is_a_transport(authority: Authority, forger: Forger, deadline: Deadline) -> None:
    """It brings the authority's answer, with a date that may be trusted, and counts."""
    transport: Transport = authority.transport()
    response = transport.send(forger.request(), deadline)
    assert (response.status, response.trusted_date) == (200, True)
    assert authority.transport().sends == 0


def test_an_unreachable_authority_has_no_connection(authority: Authority, forger: Forger, deadline: Deadline) -> None:
    """The error says that no connection was made and that it may be tried again; the authority saw nothing."""
    authority.unreachable = True
    transport = authority.transport()
    with pytest.raises(TransportError) as caught:
        transport.send(forger.request(), deadline)
    error = caught.value
    assert (error.code, error.connected, error.retryable) == ("connect", False, True)
    assert authority.requests == ()
    assert transport.sends == 1
    authority.up()
    assert transport.send(forger.request(), deadline).status == 200


@pytest.mark.parametrize("url", ["https://elsewhere.test/token", "http://{host}/token", "https://{host}:444/token"])
def test_no_other_host_is_there(url: str, authority: Authority, deadline: Deadline) -> None:
    """A request to another scheme, host or port finds no connection."""
    host = authority.issuer.removeprefix("https://")
    with pytest.raises(TransportError):
        authority.transport().send(Request(url.format(host=host)), deadline)


def test_a_delay_passes_by_the_clock(
    authority: Authority, forger: Forger, deadline: Deadline, clock: ManualClock
) -> None:
    """The answer comes so many seconds later by the clock, without a sleep, and was counted before."""
    authority.delay = 4
    assert authority.transport().send(forger.request(), deadline).status == 200
    assert deadline.left() == 6
    assert clock.slept == []


def test_a_delay_beyond_the_deadline_is_a_time_out(authority: Authority, forger: Forger, deadline: Deadline) -> None:
    """No more time passes than the deadline leaves, and the request was seen and counted all the same."""
    authority.delay = 1000
    with pytest.raises(TransportError) as caught:
        authority.transport().send(forger.request(), deadline)
    assert (caught.value.code, caught.value.connected, caught.value.retryable) == ("timeout", True, True)
    assert deadline.left() == 0
    assert authority.exchanges == 1


def test_a_real_clock_is_waited_for() -> None:
    """With the system's clock a delay takes real time."""
    authority = Authority()
    authority.delay = 0.01
    deadline = Deadline(SYSTEM, 10)
    authority.transport().send(Request(authority.token_endpoint), deadline)
    assert deadline.left() <= 9.99


def test_a_dripping_body_takes_its_time(authority: Authority, deadline: Deadline) -> None:
    """A body at one second a byte passes as many seconds, up to the deadline."""
    authority.answer(200, b"12345")
    authority.drip = 1
    authority.transport().send(Request(authority.token_endpoint), deadline)
    assert deadline.left() == 5
    with pytest.raises(TransportError):
        authority.transport().send(Request(authority.token_endpoint), deadline)


def test_a_cut_answer_is_no_answer(authority: Authority, forger: Forger, deadline: Deadline) -> None:
    """A body that breaks off is an error; one that is over before is not."""
    authority.cut = 10
    with pytest.raises(TransportError) as caught:
        authority.transport().send(forger.request(), deadline)
    assert (caught.value.code, caught.value.connected, caught.value.retryable) == ("incomplete", True, True)
    authority.answer(200, b"1234567890")
    assert authority.transport().send(forger.request(), deadline).status == 200


def test_a_body_is_bounded(authority: Authority, deadline: Deadline) -> None:
    """More than 256 KiB is an error, as with a real transport."""
    authority.answer(200, b"x" * (256 * 1024), times=1)
    authority.answer(200, b"x" * (256 * 1024 + 1), times=1)
    transport = authority.transport()
    assert len(transport.send(Request(authority.token_endpoint), deadline).body) == 256 * 1024
    with pytest.raises(TransportError, match="too large"):
        transport.send(Request(authority.token_endpoint), deadline)


def test_a_redirect_has_no_body(authority: Authority, deadline: Deadline) -> None:
    """A redirect is judged by its status alone."""
    authority.answer(302, b"moved", {"Location": "https://elsewhere.test/"})
    response = authority.transport().send(Request(authority.token_endpoint), deadline)
    assert (response.status, response.body) == (302, b"")


def test_a_held_answer_comes_when_it_is_let_go(authority: Authority, forger: Forger, deadline: Deadline) -> None:
    """While answers are held, a request is counted and waits; then it is answered."""
    answered = threading.Event()

    def send() -> None:
        if authority.transport().send(forger.request(), deadline).status == 200:
            answered.set()

    with authority.hold():
        thread = threading.Thread(target=send)
        thread.start()
        while authority.exchanges == 0:
            thread.join(0.001)
        assert not answered.is_set()
    thread.join(10)
    assert answered.is_set()


def test_the_api_is_reached_too(authority: Authority, deadline: Deadline) -> None:
    """Requests to the API go the same way, untouched by the token endpoint's faults."""
    authority.delay = authority.drip = 100
    headers = {"Authorization": f"Bearer {authority.issue()}"}
    request = Request(f"{authority.api_url}/x", headers=headers, method="GET")
    transport = authority.transport()
    assert transport.send(request, deadline).status == 200
    transport.close()
