"""The code of a sign-in: RFC 6749 section 4.1.3, RFC 7636 section 4.5; sent once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth import ConfigError, InvalidGrant, Retry, ServiceAccountCredentials, TransportError
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.grants import AuthorizationCode
from sa_auth.grants.base import Advised, OneTime
from sa_auth.testing import Authority, ManualClock

CALLBACK = "https://app.example/cb"
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_form() -> None:
    """The form is grant_type and code, and redirect_uri and code_verifier where they bind it; nothing else."""
    first = [("grant_type", "authorization_code"), ("code", "SplxlOBeZQQYbYS6WxSbIA")]
    assert AuthorizationCode("SplxlOBeZQQYbYS6WxSbIA").form(0) == first
    # The verifier of RFC 7636 appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    bound = [("redirect_uri", CALLBACK), ("code_verifier", verifier)]
    assert AuthorizationCode("SplxlOBeZQQYbYS6WxSbIA", CALLBACK, verifier).form(0) == [*first, *bound]
    assert AuthorizationCode("SplxlOBeZQQYbYS6WxSbIA", code_verifier=verifier).form(0) == [*first, bound[1]]


@given(VISIBLE, st.text("ABCXYZabcxyz0189-._~", min_size=43, max_size=128))
def test_any_code_and_verifier(code: str, verifier: str) -> None:
    """Whatever the RFCs' characters allow is sent as it is."""
    sent = dict(AuthorizationCode(code, code_verifier=verifier).form(0))
    assert (sent["code"], sent["code_verifier"]) == (code, verifier)


def test_spent() -> None:
    """One that a server may have seen is refused before a request, with what to do; it can be looked at further on."""
    grant = AuthorizationCode("abc")
    assert isinstance(grant, OneTime)
    assert isinstance(grant, Advised)
    before = grant.fingerprint()
    first = grant.form(0)
    grant.restore()
    grant.restore()
    assert grant.form(0) == first
    for _ in range(2):
        with pytest.raises(ConfigError) as caught:
            grant.form(0)
        assert caught.value.code == "code_used"
        assert caught.value.hint == grant.advice
        assert "sign in again" in caught.value.hint
    assert grant.fingerprint() == before


def test_what_it_says_of_itself() -> None:
    """What binds the code is told, and neither code nor verifier."""
    told = AuthorizationCode("canary", CALLBACK, "v" * 43).describe()
    assert told == f"an authorization code for redirect_uri '{CALLBACK}', with a code_verifier"
    assert AuthorizationCode("canary").describe() == "an authorization code, without a code_verifier"


class Shop:
    """An authority that knows an application, and the way to it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.authority = clock, Authority(clock)
        self.authority.register("app", client_secret="secret")
        self.carrier = self.authority.transport()

    def credentials(self, grant: AuthorizationCode, **changes: object) -> ServiceAccountCredentials:
        """Credentials of the application."""
        given = {
            "grant": grant, "client_auth": ClientSecretBasic("app", "secret"), "clock": self.clock, "cache": MemoryCache(),
            "token_endpoint": self.authority.token_endpoint, "transport": self.carrier,
            "retry": Retry(shortest=0.01, longest=0.02),
        }  # fmt: skip
        return ServiceAccountCredentials(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
def shop(sa_clock: ManualClock) -> Shop:
    """That authority, by a clock moved by hand."""
    return Shop(sa_clock)


def test_sent_once(shop: Shop) -> None:
    """When the token's life is over and nothing renews it, the code is not sent again: that may cost its tokens."""
    creds = shop.credentials(AuthorizationCode(shop.authority.issue_code("app")))
    assert creds.token().access_token
    shop.clock.advance(4000)
    with pytest.raises(ConfigError) as caught:
        creds.token()
    assert (caught.value.code, caught.value.attempts, shop.carrier.sends) == ("code_used", 0, 1)


def test_one_code_in_two_credentials(shop: Shop) -> None:
    """The code knows that it was spent, whichever credentials sent it."""
    grant = AuthorizationCode(shop.authority.issue_code("app"))
    assert shop.credentials(grant).token()
    with pytest.raises(ConfigError, match="code_used"):
        shop.credentials(grant, resource="https://api.example/").token()
    assert shop.carrier.sends == 1


def test_refused(shop: Shop) -> None:
    """A refused code is not sent twice, and the refusal says to sign in again."""
    creds = shop.credentials(AuthorizationCode("canary"))
    with pytest.raises(InvalidGrant) as caught:
        creds.token()
    assert caught.value.attempts == shop.carrier.sends == 1
    assert caught.value.hint.startswith("A code is good for one sign-in")
    assert "canary" not in str(caught.value)


def test_no_connection_was_made(shop: Shop) -> None:
    """Where no server can have seen it, the code is good for another attempt."""
    shop.authority.unreachable = True
    creds = shop.credentials(AuthorizationCode(shop.authority.issue_code("app")))
    with pytest.raises(TransportError) as caught:
        creds.token()
    assert caught.value.attempts == 3
    shop.authority.unreachable = False
    shop.clock.advance(30)
    assert creds.token()


def test_followed_by_its_refresh_token(shop: Shop) -> None:
    """What came with the first token gets the next one."""
    shop.authority.refresh_tokens = "rotate"
    creds = shop.credentials(AuthorizationCode(shop.authority.issue_code("app")))
    first = creds.token()
    shop.clock.advance(4000)
    assert creds.token().access_token != first.access_token
    assert [record.form["grant_type"] for record in shop.authority.requests] == ["authorization_code", "refresh_token"]
