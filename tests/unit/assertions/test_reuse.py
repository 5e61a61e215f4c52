"""One signature for several exchanges, where the server takes that."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import SYSTEM, Deadline
from sa_auth.assertions import SelfIssued
from sa_auth.errors import ConfigError
from sa_auth.keys import from_pem
from sa_auth.providers import PROVIDERS
from sa_auth.signers import FromCallable, LocalSigner
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.wire import Conversation, conversing

PRIVATE, PUBLIC = new_key("p256")
NOW = 1_700_000_000
LOCAL = LocalSigner(from_pem(PRIVATE))


def assertion(reuse: float = 120, **arguments: Any) -> SelfIssued:
    """An assertion that may be sent again for so many seconds."""
    return SelfIssued(LOCAL, issuer="robot", audience="https://as.example/token", reuse=reuse, **arguments)


def exchange() -> Any:
    """An exchange under way."""
    return conversing(Conversation(None, Deadline(SYSTEM, 10.0)))  # type: ignore[arg-type]


def claims(text: str) -> dict[str, Any]:
    """What an assertion says."""
    return jwt.decode(text, options={"verify_signature": False})


def minted(made: SelfIssued, now: float) -> str:
    """What an exchange would send first."""
    with exchange():
        return made.mint(now)


def test_for_its_time() -> None:
    """It is the same for so long, and then another; with `exp` far enough away, and no jti."""
    made = assertion()
    first = minted(made, NOW)
    assert minted(made, NOW + 119.9) == first
    assert minted(made, NOW + 120) != first
    assert "jti" not in claims(first)
    assert claims(first)["exp"] - (NOW + 120) >= 30


def test_by_default_never() -> None:
    """Without the argument each has a jti and a signature of its own."""
    made = assertion(0)
    assert minted(made, NOW) != minted(made, NOW)
    assert claims(minted(made, NOW))["jti"]


def test_never_within_one_exchange() -> None:
    """A second attempt is made because of how the first went: it is another, and the next exchange sends that one."""
    made = assertion()
    with exchange():
        first = made.mint(NOW)
        second = made.mint(NOW + 1)
    assert first != second
    assert minted(made, NOW + 2) == second


def test_a_clock_that_was_set() -> None:
    """Where the time goes back, as when the server's was learned, there is another."""
    made = assertion()
    assert minted(made, NOW) != minted(made, NOW - 1)


def test_another_key() -> None:
    """A key file that was replaced ends it."""

    class Watched:
        current: Any = LOCAL

        def __getattr__(self, name: str) -> Any:
            return getattr(self.current, name)

    signer = Watched()
    made = SelfIssued(signer, issuer="robot", audience="a", reuse=120)  # type: ignore[arg-type]
    first = minted(made, NOW)
    signer.current = LocalSigner(from_pem(new_key("p256")[0]))
    assert minted(made, NOW) != first


def test_bound_to_a_call() -> None:
    """What is signed for one call is for that call."""
    made = assertion().bound(LOCAL, {"htu": "a"}, {})
    assert made.mint(NOW) != made.mint(NOW)
    assert claims(made.mint(NOW))["jti"]


@pytest.mark.parametrize("reuse", [271, -1, float("nan"), float("inf"), True, "60", None])
def test_bad_times(reuse: Any) -> None:
    """It is a number, and leaves the assertion half a minute of its life."""
    with pytest.raises(ConfigError) as caught:
        assertion(reuse, lifetime=300)
    assert caught.value.code == "bad_argument"


def test_it_shows_nothing() -> None:
    """The kept assertion is in no repr."""
    made = assertion()
    text = minted(made, NOW)
    assert text not in f"{made!r}{made._kept!r}"


# --- by the face


def signing(signed: list[int], reuse: float = 120) -> FromCallable:
    """A signer that counts."""
    return FromCallable(lambda data: (signed.append(1), LOCAL.sign(data))[1], PUBLIC, reuse=reuse)


def test_three_exchanges_with_one_signature(sa_clock: ManualClock) -> None:
    """Tokens that end soon are had by one signature, by a server that allows it, as the generic one may."""
    signed: list[int] = []
    authority = Authority(clock=sa_clock, token_lifetime=30.0)
    authority.register("robot", PUBLIC)
    creds = ServiceAccountCredentials(
        signing(signed), issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport(),
        clock=sa_clock,
    )  # fmt: skip
    for _ in range(3):
        creds.token()
        sa_clock.advance(31)
    assert (len(authority.requests), len(signed)) == (3, 1)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_who_takes_one_twice(name: str) -> None:
    """Only two presets say that an assertion may come again: GitHub's documentation, and who chooses a server of their own."""
    assert PROVIDERS[name].reusable == (name in {"generic", "github"})


def test_a_provider_that_takes_each_once() -> None:
    """Elsewhere it is refused, in words, before anything is sent."""
    private, public = new_key("rsa2048")
    signer = FromCallable(LocalSigner(from_pem(private)).sign, public, reuse=120)
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(
            signer, issuer="robot@acme.example", provider="google", scope="s", key_id="k",
            token_endpoint="https://oauth2.googleapis.com/token",
        )  # fmt: skip
    assert "more than once" in caught.value.message


def test_a_client_assertion_goes_once() -> None:
    """OpenID Connect Core section 9: its jti MUST be used once."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(
            signing([]), issuer="robot", grant="client_credentials", server="https://as.example",
            token_endpoint="https://as.example/token",
        )  # fmt: skip
    assert "goes once" in caught.value.message
