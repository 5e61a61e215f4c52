"""Authlib judges both halves of RFC 7523: assertions as grants, as the proof of clients, and two of them in one request.

What is good is taken; what is bad is refused for the reason that it was made bad by, and the caller is told that reason.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sa_auth import ConfigError, InvalidClient, InvalidGrant, ServiceAccountCredentials, TokenEndpointError
from sa_auth.assertions import SelfIssued
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import ClientAssertion, ClientSecretJWT, PrivateKeyJWT
from sa_auth.grants import AuthorizationCode, JWTBearer, RefreshToken
from sa_auth.testing import ManualClock
from tests.flow.servers.both_halves import REDIRECT_URI, USER, BothHalves
from tests.flow.servers.demanding import Demanding
from tests.flow.servers.minting import KEYS, SECRET, Late, known, signed, signer, ways

ELSEWHERE = "https://elsewhere.example.test"
SCOPE = "read write"
LATER = int(time.time()) + 86_400
# User, client.
WHOSE = {"client": (None, "app"), "secret": (None, "app-secret"), "grant": (USER, "robot"), "both": (USER, "app")}


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BothHalves]:
    """The server, allowed to speak plain http."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    made = getattr(request, "param", BothHalves)(*known())
    yield made
    made.close()


@pytest.fixture
def make(server: BothHalves) -> Iterator[Callable[..., ServiceAccountCredentials]]:
    """Makes credentials that ask in one of four ways, with changes."""
    made = []

    def credentials(way: str, **changes: Any) -> ServiceAccountCredentials:
        given = {**ways(server)[way], "token_endpoint": server.token_endpoint, "scope": SCOPE, "cache": MemoryCache()}
        made.append(ServiceAccountCredentials(**{**given, **changes}))
        return made[-1]

    yield credentials
    for one in made:
        one.close()


def whose(server: BothHalves, creds: ServiceAccountCredentials) -> tuple[str | None, str]:
    """What the API says of the token that a session of requests brings it: user and client."""
    with requests.Session() as session:
        session.auth = creds
        answer = session.get(server.api, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json().get("user"), answer.json()["client"]


def refused(
    server: BothHalves, creds: ServiceAccountCredentials, kind: type[TokenEndpointError], word: str
) -> TokenEndpointError:
    """The error that a caller gets: of this class and with this word in its advice; the server was asked once."""
    forms, tokens = len(server.forms), len(server.tokens)
    with pytest.raises(TokenEndpointError) as caught:
        creds.token()
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable, error.attempts) == (400, False, 1)
    assert (len(server.forms) - forms, len(server.tokens) - tokens) == (1, 0)
    assert word in error.hint.partition(" Sent: ")[0], f"{error} -> {error.hint}"
    return error


@pytest.mark.parametrize("way", WHOSE)
def test_taken(way: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Each way brings a token that opens the API, and a renewal sends new assertions of the same kinds."""
    creds = make(way)
    assert whose(server, creds) == WHOSE[way]
    token = creds.token()
    assert token.scope == SCOPE
    creds.discard(token)
    assert creds.token().access_token != token.access_token
    kinds = [(header["typ"], claims["aud"]) for header, claims in server.assertions]
    client, grant = ("client-authentication+jwt", server.url), ("JWT", server.token_endpoint)
    assert kinds == {"grant": [grant], "both": [client, grant]}.get(way, [client]) * 2
    assert len({claims["jti"] for _, claims in server.assertions}) == len(kinds)


def test_two_keys(server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """The grant is signed by the issuer's key and the proof by the client's; neither says what the other does."""
    make("both", client_auth=PrivateKeyJWT(client_id="app", signer=signer("k2"))).token()
    (proof_header, proof), (grant_header, grant) = server.assertions
    assert proof_header == {"alg": "RS256", "kid": "k2", "typ": "client-authentication+jwt"}
    assert grant_header == {"alg": "ES256", "kid": "k1", "typ": "JWT"}
    assert (proof["iss"], proof["sub"]) == ("app", "app")
    assert (grant["iss"], grant["sub"], grant["scope"]) == ("robot-both", USER, SCOPE)
    assert proof.keys() == {"iss", "sub", "aud", "iat", "exp", "jti"}
    (form,) = server.forms
    assert form.keys() == {"grant_type", "assertion", "client_assertion_type", "client_assertion", "scope"}


@pytest.mark.parametrize("way", WHOSE)
def test_a_clock_that_is_off(way: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Behind by ten minutes, all is minted once more by the server's clock; by two hours, the caller is told."""
    assert make(way, clock=ManualClock(time.time() - 600)).token().scope == SCOPE
    first, second = server.forms
    assert {name for name in first if first[name] != second[name]} == {
        name for name in first if name.endswith("assertion")
    }
    kind = InvalidGrant if way == "grant" else InvalidClient
    error = refused(server, make(way, clock=ManualClock(time.time() - 7200)), kind, "s behind the server's")
    assert error.skew == pytest.approx(7200, abs=30)


def by(**changes: Any) -> dict[str, Any]:
    """Changes of a client's proof."""
    return {"client_auth": PrivateKeyJWT(client_id="app", **changes)}


CLIENT = {
    "expired": ("clock", {"client_auth": Late(PrivateKeyJWT(client_id="app"))}),
    "not yet valid": ("clock", by(claims={"nbf": LATER})),
    "wrong audience": ("audience", by(audience=ELSEWHERE)),
    "for another purpose": ("", by(typ="JWT")),
    "wrong key": ("public key", by(signer=signer("stranger", key_id="k1"))),
    "unknown kid": ("public key", by(signer=signer(key_id="k9"))),
    "other algorithm": ("algorithm", by(signer=signer("k2", algorithm="PS512"))),
    "unknown client": ("client id", {"client_auth": PrivateKeyJWT(client_id="nobody")}),
}


@pytest.mark.parametrize("way", ["client", "both"])
@pytest.mark.parametrize("case", CLIENT)
def test_a_bad_proof(case: str, way: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A client's bad assertion is InvalidClient for its reason, beside a good grant as well."""
    word, changes = CLIENT[case]
    refused(server, make(way, **changes), InvalidClient, word)


def late(issuer: str, server: BothHalves) -> dict[str, Any]:
    """A grant that was minted ten minutes ago."""
    minted = SelfIssued(signer(), issuer=issuer, subject=USER, audience=server.token_endpoint)
    return {"grant": JWTBearer(Late(minted)), "subject": None}


GRANT = {
    "not yet valid": ("clock", {"claims": {"nbf": LATER}}),
    "wrong audience": ("set audience=", {"audience": ELSEWHERE}),
    "for another purpose": ("", {"headers": {"typ": "client-authentication+jwt"}}),
    "wrong key": ("public key", {"key": KEYS["stranger"][0]}),
    "unknown kid": ("public key", {"key_id": "k9"}),
    "other algorithm": ("", {"key": KEYS["k2"][0], "key_id": "k2", "algorithm": "PS512"}),
    "unknown user": ("subject=", {"subject": "eve@example.test"}),
    "expired": ("clock", {}),
}


@pytest.mark.parametrize("way", ["grant", "both"])
@pytest.mark.parametrize("case", GRANT)
def test_a_bad_grant(case: str, way: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A bad grant is InvalidGrant for its reason, from a client that proved itself as well."""
    word, changes = GRANT[case]
    issuer = {"grant": "robot", "both": "robot-both"}[way]
    given = changes or late(issuer, server)
    if way == "both":
        given = {**given, **by(signer=signer())}
    elif case == "expired":
        given = {**given, "client_auth": "none"}
    refused(server, make(way, **given), InvalidGrant, word)
    assert server.assertions[:1] == [] or server.assertions[0][1]["sub"] in {"app", changes.get("subject")}


def by_secret(client_id: str = "app-secret", client_secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """Changes of a proof by a secret."""
    return {"client_auth": ClientSecretJWT(client_id, client_secret, **changes)}


SECRETS = {
    "expired": ("clock", {"client_auth": Late(ClientSecretJWT("app-secret", SECRET))}),
    "wrong audience": ("audience", by_secret(audience=ELSEWHERE)),
    "for another purpose": ("", by_secret(typ="JWT")),
    "wrong secret": ("secret", by_secret(client_secret="y" + SECRET)),
    "other algorithm": ("algorithm", by_secret(algorithm="HS512")),
    "another's client id": ("public key", by_secret("app")),
    "unknown client": ("client id", by_secret("nobody")),
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_bad_proof_by_secret(case: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """What is wrong with an assertion by a secret is InvalidClient for its reason."""
    word, changes = SECRETS[case]
    refused(server, make("secret", **changes), InvalidClient, word)


def test_a_secrets_proof_that_begins_later(server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """An assertion by a secret that others minted is refused before its nbf."""
    text = signed(None, iss="app-secret", sub="app-secret", aud=server.url, nbf=LATER)
    refused(server, make("secret", client_auth=ClientAssertion(text)), InvalidClient, "clock")


@pytest.mark.parametrize("way", WHOSE)
def test_a_replay(way: str, server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """An assertion that others minted is taken once; the second time its jti gives it away, whichever half it is."""
    user, client = WHOSE[way]
    proof = signed(None if way == "secret" else "k1", iss=client, sub=client, aud=server.url)
    given: dict[str, Any] = {"key": None, "key_id": None, "issuer": None, "client_auth": ClientAssertion(proof)}
    if way == "grant":
        grant = signed(iss=client, sub=user, aud=server.token_endpoint, typ="JWT")
        given |= {"grant": JWTBearer(grant), "client_auth": "none", "subject": None}
    elif way == "both":
        given = {"client_auth": ClientAssertion(proof)}
    assert whose(server, make(way, **given)) == WHOSE[way]
    refused(server, make(way, **given), InvalidGrant if way == "grant" else InvalidClient, "")


@pytest.mark.parametrize(
    ("way", "word", "changes"),
    [
        ("client", "server=", CLIENT["wrong audience"][1]),
        ("both", "server=", CLIENT["wrong audience"][1]),
        ("secret", "server=", SECRETS["wrong audience"][1]),
        ("client", "typ=", CLIENT["for another purpose"][1]),
        ("grant", "algorithm", GRANT["other algorithm"][1]),
    ],
)
def test_advice_for_the_cause(
    way: str, word: str, changes: dict[str, Any], server: BothHalves, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """The advice names the argument that decides what was refused."""
    refused(server, make(way, **changes), InvalidGrant if way == "grant" else InvalidClient, word)


def test_advice_for_a_replay(server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """The advice says that the assertion was seen before."""
    text = signed(iss="app", sub="app", aud=server.url)
    given = {"key": None, "key_id": None, "issuer": None, "client_auth": ClientAssertion(text)}
    make("client", **given).token()
    refused(server, make("client", **given), InvalidClient, "has seen this assertion before")


def code(server: BothHalves, verifier: str) -> str:
    """An authorization code, as a browser brings it whose person agrees."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT_URI, "scope": SCOPE,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    answer = requests.get(f"{server.url}/authorize", params=query, allow_redirects=False, timeout=10)
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def asked_by(code: str, verifier: str) -> dict[str, Any]:
    """The arguments of credentials that begin with a code; the person agreed to its scope."""
    return {"grant": AuthorizationCode(code, REDIRECT_URI, verifier), "scope": ()}


def test_code_and_refresh(server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A code with PKCE begins a flow that goes on by refresh tokens; each request has a proof of its own."""
    verifier = secrets.token_urlsafe(32)
    creds = make("client", **asked_by(code(server, verifier), verifier))
    tokens = []
    for _ in range(3):
        tokens.append(creds.token(min_ttl=1_000_000))
        assert whose(server, creds) == (USER, "app")
    assert [token.scope for token in tokens] == [SCOPE] * 3
    assert [form["grant_type"] for form in server.forms] == ["authorization_code", "refresh_token", "refresh_token"]
    assert server.forms[1]["refresh_token"] != server.forms[2]["refresh_token"]
    assert len({claims["jti"] for _, claims in server.assertions}) == len(server.forms) == 3


def test_bad_codes(server: BothHalves, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A code is not sent twice by us; used up elsewhere, or with another verifier, it is InvalidGrant, and told so."""
    verifier = secrets.token_urlsafe(32)
    given = asked_by(code(server, verifier), verifier)
    make("client", **given).token()
    with pytest.raises(ConfigError) as caught:
        make("client", **given).token()
    assert (caught.value.code, len(server.forms)) == ("code_used", 1)
    used = AuthorizationCode(server.forms[0]["code"], REDIRECT_URI, verifier)
    refused(server, make("client", grant=used, scope=()), InvalidGrant, "let the person sign in again")
    other = asked_by(code(server, verifier), secrets.token_urlsafe(32))
    refused(server, make("client", **other), InvalidGrant, "let the person sign in again")


def test_refresh_tokens(
    server: BothHalves, make: Callable[..., ServiceAccountCredentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh token from elsewhere begins a flow; used up, or another client's, it is InvalidGrant, and told so."""
    verifier = secrets.token_urlsafe(32)
    make("client", **asked_by(code(server, verifier), verifier)).token()
    (text,) = (granted.refresh_token for granted in server.tokens.values())
    refused(server, make("secret", grant=RefreshToken(text), scope=()), InvalidGrant, "used up, revoked or too old")
    assert whose(server, make("client", grant=RefreshToken(text), scope=())) == (USER, "app")
    monkeypatch.setattr("sa_auth.grants.refresh_token._families", {})  # as in another process
    refused(server, make("client", grant=RefreshToken(text), scope=()), InvalidGrant, "used up, revoked or too old")


@pytest.mark.parametrize("server", [Demanding], indirect=True)
@pytest.mark.parametrize("way", WHOSE)
def test_used_up_by_asking_for_a_nonce(
    way: str, server: Demanding, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """Where asking for a nonce uses the assertions up, as at Okta, new ones go with it; later nonces are at hand."""
    creds = make(way, dpop=True)
    for _ in range(3):
        assert whose(server, creds)[1] == WHOSE[way][1]
        assert creds.token(min_ttl=1_000_000).token_type == "DPoP"
    assert server.answers[0] == (400, "use_dpop_nonce")
    assert {status for status, _ in server.answers[1:]} == {200}
    sent = [form[name] for form in server.forms for name in form if name.endswith("assertion")]
    assert len(set(sent)) == len(sent) == len(server.assertions)


@pytest.mark.parametrize("server", [Demanding], indirect=True)
def test_used_up_by_a_busy_server(server: Demanding, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A 503 that came after the assertions were judged costs new ones, and its nonce is used as any other."""
    server.busy = 2
    assert make("both", dpop=True, clock=ManualClock(time.time())).token().token_type == "DPoP"
    assert [status for status, _ in server.answers] == [503, 503, 200]
    assert len({claims["jti"] for _, claims in server.assertions}) == 6
