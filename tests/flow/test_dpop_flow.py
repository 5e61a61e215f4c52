"""DPoP from the token request to the API call, over HTTP: nonces, redirects, replays, and no way down to bearer tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from sa_auth import ResponseError, Retry, ServiceAccountCredentials
from sa_auth.client_auth import ClientId
from sa_auth.grants import AuthorizationCode, TokenExchange
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Response
from tests.flow.kit import OVER, PUBLIC, STALE, Site, fails


def claims(proof: str) -> dict[str, Any]:
    """What a proof says, its signature checked by the key in it."""
    key = jwt.PyJWK.from_dict(jwt.get_unverified_header(proof)["jwk"]).key
    found: dict[str, Any] = jwt.decode(proof, key, algorithms=["ES256"], options={"verify_iat": False})
    return found


def proofs(site: Site) -> list[dict[str, Any]]:
    """The claims of the proofs that came in beside the API, checked by PyJWT."""
    return [claims(request.headers["dpop"]) for request in site.seen]


def redirect(where: str, status: int = 302) -> Response:
    """Sends elsewhere."""
    return Response(status, {"location": where})


def challenge(nonce: str) -> Response:
    """Wants a nonce."""
    return Response(401, {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": nonce})


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority by the hand-moved clock, whose one client uses DPoP."""
    made = Authority(clock=sa_clock)
    made.register("app", PUBLIC, dpop_bound=True)
    return made


@pytest.fixture
def make(make: Callable[..., Any], site: Site) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials with DPoP."""
    return partial(make, dpop=True, token_endpoint=site.server.token_endpoint)


# --- the token request


def test_proof_of_a_token_request(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """Each token request has a proof of its own, for this method, endpoint and moment, without token or nonce."""
    creds = make()
    assert creds.token().token_type == "DPoP"
    sa_clock.advance(OVER)
    creds.token()
    first, second = (dict(record.dpop_claims) for record in authority.requests)
    assert first.pop("jti") != second.pop("jti")
    assert first == {"htm": "POST", "htu": creds._given["token_endpoint"], "iat": 1_700_000_000}
    assert second == {**first, "iat": 1_700_003_600}


def test_nonce_of_the_endpoint(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """A nonce that is asked for costs one more request, with assertion and proof minted anew, and is no failure."""
    authority.dpop_nonce = True
    creds = make(retry=Retry(attempts=1))
    creds.token()
    first, second = authority.requests
    assert (first.error, second.status) == ("use_dpop_nonce", 200)
    assert first.client_claims["jti"] != second.client_claims["jti"]
    assert first.dpop_claims["jti"] != second.dpop_claims["jti"]
    authority.dpop_nonce_uses = 1
    for _ in range(5):
        sa_clock.advance(OVER)
        creds.token()
    assert len(authority.requests) == 7, "the next nonce comes with each answer"


def test_a_code_is_not_spent_by_a_challenge(
    make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """Whoever is asked for a nonce sends the same code again, and the refresh token after it likewise."""
    authority.dpop_nonce, authority.refresh_tokens = True, "rotate"
    creds = make(grant=AuthorizationCode(authority.issue_code("app")), retry=Retry(attempts=1))
    assert creds.token()
    authority._world.nonces.current = "another"
    sa_clock.advance(OVER)
    assert creds.token()
    asked = [record.form["grant_type"] for record in authority.requests]
    assert asked == ["authorization_code"] * 2 + ["refresh_token"] * 2


@pytest.mark.parametrize("renewed_by", ["the grant", "a refresh token"])
def test_a_new_nonce_each_time(
    renewed_by: str, make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """A server that is never content gets an error after a few requests, and no loop."""
    authority.refresh_tokens = "keep" if renewed_by[0] == "a" else None
    creds = make(grant=TokenExchange(authority.issue(issuer="x", lifetime=1e9), "access_token"))
    creds.token()
    sa_clock.advance(OVER)
    with authority.answer(400, {"error": "use_dpop_nonce"}, {"dpop-nonce": "n"}):
        error = fails(creds)
    assert (error.code, error.attempts) == ("use_dpop_nonce", len(authority.requests) - 1)
    assert error.attempts <= (6 if renewed_by[0] == "a" else 3)


def test_refresh_token_of_a_public_client(
    make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """The refresh token of a public client is bound to the key: a throw-away one serves for all renewals."""
    authority.register("public")
    authority.refresh_tokens = "rotate"
    creds = make(
        issuer="public",
        client_auth=ClientId("public"),
        dpop="ephemeral",
        grant=AuthorizationCode(authority.issue_code("public")),
    )
    for _ in range(3):
        creds.token()
        sa_clock.advance(OVER)
        creds = creds.replace(timeout=5)
    assert [record.status for record in authority.requests] == [200] * 3


# --- no way down


def test_downgrade(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """A bearer token in answer to a proof is refused with a hint; while a bound token lives nobody notices."""
    authority.dpop_downgrade = True
    error = fails(make())
    assert (type(error), error.code, error.attempts) == (ResponseError, "unexpected_token_type", 1)
    assert "dpop=" in error.hint
    authority.dpop_downgrade = False
    creds = make()
    held = creds.token()
    sa_clock.advance(STALE)
    authority.dpop_downgrade, before = True, len(authority.requests)
    assert creds.token() is held
    flight = creds._source._slot.flight
    assert flight is None or flight.exception(10) is not None
    assert creds.token() is held
    assert len(authority.requests) == before + 1


def test_stolen_token(make: Callable[..., Any], site: Site, authority: Authority) -> None:
    """What is sent is of no use without the key: not as a bearer token, nor with the same proof once more."""
    creds = make()
    with requests.Session() as session:
        session.auth = creds
        sent = session.get(f"{site.server.api_url}/x", timeout=10).request.headers
    for stolen in ({"Authorization": f"Bearer {creds.token().access_token}"}, dict(sent)):
        assert requests.get(f"{site.server.api_url}/x", headers=stolen, timeout=10).status_code == 401
    assert (authority.api.calls, authority.api.refused) == (1, 2)


# --- the API call


def test_proof_of_each_call(session: requests.Session, site: Site) -> None:
    """Each call has a proof of its own, which names method, address and token; a header of the caller's gives way."""
    for method in ("GET", "POST", "GET"):
        session.request(method, f"{site.url}/planned?page=2#x", headers={"DPoP": "mine"}, timeout=10)
    sent = proofs(site)
    assert [proof["htm"] for proof in sent] == ["GET", "POST", "GET"]
    assert {proof["htu"] for proof in sent} == {f"{site.url}/planned"}
    assert len({proof["jti"] for proof in sent}) == 3
    assert session.get(f"{site.server.api_url}/x?y=1", timeout=10).status_code == 200


def test_nonce_of_the_api(session: requests.Session, site: Site, authority: Authority) -> None:
    """An API that wants a nonce gets the same token in a new proof: nothing is renewed, and the next call has it."""
    authority.api.dpop_nonce = True
    answer = session.get(f"{site.server.api_url}/x", timeout=10)
    assert (answer.status_code, [before.status_code for before in answer.history]) == (200, [401])
    assert answer.history[0].request.headers["Authorization"] == answer.request.headers["Authorization"]
    assert session.get(f"{site.server.api_url}/x", timeout=10).history == []
    assert (authority.exchanges, authority.api.refused) == (1, 1)


def test_nonce_of_every_answer(session: requests.Session, site: Site, authority: Authority) -> None:
    """The newest nonce is taken from any answer, one after a replay as well: no call but the first is refused for it."""
    authority.api.dpop_nonce, authority.api.dpop_nonce_uses = True, 1
    assert [session.get(site.server.api_url, timeout=10).status_code for _ in range(6)] == [200] * 6
    assert (authority.exchanges, authority.api.refused) == (1, 1)


def test_never_content(session: requests.Session, site: Site, authority: Authority) -> None:
    """An API that wants another nonce each time, or gives none, is asked twice at most, and no token is renewed."""
    site.plan("/planned", *[challenge(f"n{number}") for number in range(9)])
    assert session.get(f"{site.url}/planned", timeout=10).status_code == 401
    assert len(site.seen) == 2
    site.plan("/planned", *[Response(401, {"www-authenticate": 'DPoP error="use_dpop_nonce"'})] * 9)
    assert session.get(f"{site.url}/planned", timeout=10).status_code == 401
    assert (len(site.seen), authority.exchanges) == (3, 1)


@pytest.mark.parametrize("nonce", [False, True])
def test_refused_token(nonce: bool, session: requests.Session, site: Site, authority: Authority) -> None:
    """A refused token is renewed once, also where the API wants a new nonce at the same time."""
    authority.api.dpop_nonce = nonce
    session.get(site.server.api_url, timeout=10)
    authority.revoke_all()
    authority._world.api_nonces.current = "another"
    answer = session.get(site.server.api_url, timeout=10)
    assert (answer.status_code, authority.exchanges) == (200, 2)
    assert len(answer.history) == 1 + nonce
    authority.api.refuse_all = True
    assert session.get(site.server.api_url, timeout=10).status_code == 401
    assert authority.exchanges == 2, "renewals for a refusal are half a minute apart"


def test_a_clock_that_is_off(make: Callable[..., Any], site: Site, authority: Authority, sa_clock: ManualClock) -> None:
    """What a refusal taught of the server's clock is for the proofs as well, at the endpoint and at the API."""
    authority.skew = 400.0
    with requests.Session() as session:
        session.auth = make()
        assert session.get(site.server.api_url, timeout=10).history == []
        assert [record.dpop_claims["iat"] for record in authority.requests] == [1_700_000_000] + [1_700_000_400] * 2
        # It is believed for ten minutes, and learned anew after the API has refused a proof.
        sa_clock.advance(700)
        assert len(session.get(site.server.api_url, timeout=10).history) == 1
        assert session.get(site.server.api_url, timeout=10).history == []
        assert authority.requests[-1].dpop_claims["iat"] == 1_700_000_000 + 700 + 400


# --- replays and redirects


def test_replayed_body(session: requests.Session, site: Site, authority: Authority, tmp_path: Path) -> None:
    """For a nonce too a request goes again with its whole body or not at all, and costs no token."""
    (tmp_path / "body").write_bytes(b"x" * 70_000)
    authority.api.dpop_nonce = True
    with (tmp_path / "body").open("rb") as body:
        body.seek(7)
        answer = session.post(site.server.api_url, data=body, timeout=10)
    assert (answer.status_code, answer.json()["received"]) == (200, 69_993)
    authority._world.api_nonces.current = "another"
    answer = session.post(site.server.api_url, data=iter([b"a", b"b"]), timeout=10)
    assert (answer.status_code, answer.history) == (401, [])
    answer = session.post(site.server.api_url, data=iter([b"a", b"b"]), timeout=10)
    assert (answer.status_code, answer.json()["received"], authority.exchanges) == (200, 2, 1)


@pytest.mark.parametrize("before", [[], [challenge("n")], [Response(401)]], ids=["plain", "nonce", "renewed"])
@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST")])
def test_redirect_within_the_origin(
    status: int, method: str, before: list[Response], session: requests.Session, site: Site
) -> None:
    """A redirect within the origin is followed with a proof for its address and method, and the newest token."""
    site.plan("/planned", *before, redirect("/echo?x=1", status))
    answer = session.post(f"{site.url}/planned", data="body", timeout=10)
    last = proofs(site)[-1]
    assert (answer.status_code, last["htm"], last["htu"]) == (200, method, f"{site.url}/echo")
    assert len({proof["jti"] for proof in proofs(site)}) == len(site.seen) == 2 + len(before)
    assert answer.json()["authorization"] == session.auth.token().authorization  # type: ignore[union-attr]


@pytest.mark.parametrize("before", [[], [challenge("n")], [Response(401)]], ids=["plain", "nonce", "renewed"])
def test_redirect_to_another_origin(
    before: list[Response], session: requests.Session, site: Site, elsewhere: Site, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Another origin sees neither token nor proof, nor what netrc says, and its challenge is not answered."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site.plan("/planned", *before, redirect(f"{elsewhere.url}/planned"))
    elsewhere.plan("/planned", challenge("n"))
    assert session.get(f"{site.url}/planned", timeout=10).status_code == 401
    assert len(elsewhere.seen) == 1
    assert not {"authorization", "dpop"} & set(elsewhere.seen[0].headers)


def test_redirect_to_no_port(session: requests.Session, site: Site) -> None:
    """A redirect to what is no address ends in requests' own error."""
    site.plan("/planned", redirect("http://localhost:99999/"))
    with pytest.raises(requests.RequestException):
        session.get(f"{site.url}/planned", timeout=10)
