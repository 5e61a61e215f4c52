"""A certified OpenID provider that others wrote, oidc-provider in Node, is signed in to by every proof and grant of ours.

It is the second opinion on client authentication: the local authority is strict by our reading of the RFCs, this one by
theirs; and it tells the true reason of a refusal, which the client is not told.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import ConfigError, InvalidClient, InvalidGrant, SaAuthError, ServiceAccountCredentials, TokenEndpointError
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import (
    ClientAssertion,
    ClientId,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    PrivateKeyJWT,
)
from sa_auth.grants import AuthorizationCode, RefreshToken
from sa_auth.testing import ManualClock, new_key
from sa_auth.transports import RequestsTransport
from tests.flow.oidc_provider.driver import REDIRECT_URI, OidcProvider, jwk, missing, self_signed

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "installed")

ALGORITHMS = {
    "RS256": "rsa2048", "RS384": "rsa2048", "RS512": "rsa2048", "PS256": "rsa2048", "PS384": "rsa2048", "PS512": "rsa2048",
    "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519",
}  # fmt: skip
MACS = ("HS256", "HS384", "HS512")
KEYS = {kind: new_key(kind) for kind in set(ALGORITHMS.values())}
PRIVATE = KEYS["p256"][0]
CERTIFICATE, X5C = self_signed(PRIVATE)
# The server takes printable ASCII; these are the characters that a form, a URL or the header's colon could break.
SECRET = "s:e+c%r/e t&=?#\"'\\~%41%zz" + "x" * 42
SCOPE = "read write"
FILES, MAIL = "https://files.example.test/", "https://mail.example.test/"


def client(client_id: str, method: str, **metadata: Any) -> dict[str, Any]:
    """A client that may do everything with ES256 or with the secret, but for what is said."""
    proof: dict[str, Any] = {"jwks": {"keys": [jwk(KEYS["p256"][1], "p256", kid="k1")]}}
    if method.startswith("client_secret"):
        proof = {"client_secret": SECRET}
    return {
        "client_id": client_id, "token_endpoint_auth_method": method, "redirect_uris": [REDIRECT_URI],
        "response_types": ["code"], "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
        "scope": f"openid offline_access {SCOPE}", **proof, **metadata,
    }  # fmt: skip


def signer(algorithm: str) -> dict[str, Any]:
    """A client whose assertions are signed by one algorithm and no other."""
    kind = ALGORITHMS[algorithm]
    return client(
        f"signs-{algorithm}", "private_key_jwt", token_endpoint_auth_signing_alg=algorithm,
        jwks={"keys": [jwk(KEYS[kind][1], kind, kid="k1")]},
    )  # fmt: skip


CLIENTS = [
    *map(signer, ALGORITHMS),
    client("robot", "private_key_jwt"),
    client("robot:basic %/+&", "client_secret_basic"),
    client("robot-post", "client_secret_post"),
    *(client(f"robot-{alg}", "client_secret_jwt", token_endpoint_auth_signing_alg=alg) for alg in MACS),
    client("robot-nonce", "private_key_jwt", nonce_required=True),
    client("robot-dpop", "private_key_jwt", dpop_bound_access_tokens=True),
    client("robot-fapi", "private_key_jwt", fapi=True, dpop_bound_access_tokens=True),
    client(
        "robot-tls", "self_signed_tls_client_auth", tls_client_certificate_bound_access_tokens=True,
        jwks={"keys": [jwk(KEYS["p256"][1], "p256", kid="k1", x5c=[X5C])]},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def authority() -> Any:
    """Who signed the server's TLS certificate."""
    import trustme

    return trustme.CA()


@pytest.fixture(scope="module")
def running(authority: Any) -> Iterator[OidcProvider]:
    """The server, once for all tests here."""
    leaf = authority.issue_cert("127.0.0.1")
    made = OidcProvider(CLIENTS, (leaf.private_key_pem.bytes().decode(), leaf.cert_chain_pems[0].bytes().decode()))
    yield made
    made.close()


@pytest.fixture
def server(running: OidcProvider) -> OidcProvider:
    """It, with nothing seen yet."""
    running.seen()
    return running


@pytest.fixture
def make(server: OidcProvider) -> Iterator[Callable[..., ServiceAccountCredentials]]:
    """Makes our credentials: private_key_jwt by ES256 and client_credentials, but for what is said."""
    made: list[ServiceAccountCredentials] = []

    def credentials(issuer: str = "robot", key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
        given = {
            "server": server.issuer, "grant": "client_credentials", "scope": SCOPE, "key_id": "k1" if key else None,
            "cache": MemoryCache(), **changes,
        }  # fmt: skip
        made.append(ServiceAccountCredentials(key, issuer=issuer, **given))
        return made[-1]

    yield credentials
    for one in made:
        one.close()


def whose(url: str, creds: ServiceAccountCredentials, **changes: Any) -> dict[str, Any]:
    """What the server's API says of the token that a session of requests brings it."""
    with requests.Session() as session:
        session.auth = creds
        answer = session.get(f"{url}/api/files?page=1", timeout=10, **changes)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def refused(creds: ServiceAccountCredentials, server: OidcProvider) -> tuple[TokenEndpointError, dict[str, Any]]:
    """The error that a caller gets, and what the server knows of it; it was asked once."""
    with pytest.raises(TokenEndpointError) as caught:
        creds.token()
    (error,) = server.seen()["errors"]
    assert error["event"] == "grant.error"
    return caught.value, error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_private_key_jwt(algorithm: str, server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A key of any kind signs its client in by any algorithm of its kind, and the assertion is what rfc7523bis asks."""
    creds = make(f"signs-{algorithm}", KEYS[ALGORITHMS[algorithm]][0], algorithm=algorithm)
    told = whose(server.issuer, creds)
    assert (told["client_id"], told["scope"]) == (f"signs-{algorithm}", SCOPE)
    (assertion,) = server.seen()["assertions"]
    claims = assertion["claims"]
    assert assertion["header"] == {"alg": algorithm, "typ": "client-authentication+jwt", "kid": "k1"}
    assert claims["iss"] == claims["sub"] == f"signs-{algorithm}"
    assert claims["aud"] == server.issuer


def test_the_strict_profile_takes_it(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Under the FAPI 2.0 security profile, which takes the issuer alone as audience, a client signs in by DPoP."""
    assert whose(server.issuer, make("robot-fapi", dpop=True))["jkt"]


def test_the_strict_profile_wants_the_issuer(
    server: OidcProvider, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """The old audience, the token endpoint, is refused under that profile, and taken from other clients."""
    old = PrivateKeyJWT(audience=f"{server.issuer}/token", typ="JWT")
    assert make(client_auth=old).token().scope == SCOPE
    _, error = refused(make("robot-fapi", dpop=True, client_auth=old), server)
    assert error["detail"] == "audience (aud) must equal the issuer identifier url"


SECRETS = {
    "robot:basic %/+&": ClientSecretBasic,
    "robot-post": ClientSecretPost,
    "robot-HS256": ClientSecretJWT,
    "robot-HS384": partial(ClientSecretJWT, algorithm="HS384"),
    "robot-HS512": partial(ClientSecretJWT, algorithm="HS512"),
}


@pytest.mark.parametrize("client_id", SECRETS)
def test_a_secret(client_id: str, server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A secret of any printable characters signs its client in; another secret is refused, and sent once."""
    method = SECRETS[client_id]
    creds = make(client_id, None, client_auth=method(client_id, SECRET))
    assert whose(server.issuer, creds)["client_id"] == client_id
    error, true = refused(make(client_id, None, client_auth=method(client_id, "y" + SECRET)), server)
    assert isinstance(error, InvalidClient)
    assert true["detail"] in {"invalid secret provided", "signature verification failed"}


@pytest.fixture
def tls(authority: Any, server: OidcProvider, tmp_path: Path) -> dict[str, Any]:
    """What credentials of the client with a certificate are made of."""
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    return {
        "issuer": "robot-tls", "server": server.tls_issuer, "client_auth": "self_signed_tls_client_auth",
        "transport": RequestsTransport(verify=str(trusted)), "scope": "read",
    }  # fmt: skip


def test_mutual_tls(
    tls: dict[str, Any], server: OidcProvider, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """A certificate that its owner signed signs its client in, where the metadata say, and opens what the token opens."""
    creds, pem = make(key=PRIVATE + CERTIFICATE, **tls), tmp_path / "client.pem"
    pem.write_text(PRIVATE + CERTIFICATE)
    told = whose(server.mutual_tls, creds, verify=str(tmp_path / "ca.pem"), cert=str(pem))
    assert (told["client_id"], told["scope"]) == ("robot-tls", "read")
    assert told["x5t"]
    headers = {"Authorization": creds.token().authorization}
    stolen = requests.get(f"{server.mutual_tls}/api", headers=headers, verify=str(tmp_path / "ca.pem"), timeout=10)
    assert stolen.status_code == 401
    creds.revoke()
    assert server.seen()["revoked"] == [{"client_id": "robot-tls", "kind": "client_credentials"}]


def test_mutual_tls_refused(
    tls: dict[str, Any], server: OidcProvider, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """Without a certificate we refuse by ourselves, and the server would; another one it does not know."""
    with pytest.raises(ConfigError) as caught:
        make(**tls)
    assert caught.value.code == "no_certificate"
    _, error = refused(make(**{**tls, "key": None, "client_auth": ClientId("robot-tls")}), server)
    assert error["detail"] == "client certificate was not provided"
    other = new_key("p256")[0]
    wrong, error = refused(make(**tls, key=other + self_signed(other)[0]), server)
    assert isinstance(wrong, InvalidClient)
    assert error["detail"] == "unregistered client certificate provided"


@pytest.mark.parametrize("client_id", ["robot-dpop", "robot-nonce"])
def test_dpop(client_id: str, server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A token is bound to a key, with and without a nonce of the server's; the API takes it with its proof alone."""
    creds = make(client_id, dpop=True)
    told = whose(server.issuer, creds)
    assert told["client_id"] == client_id
    assert told["jkt"]
    token = creds.token()
    assert token.token_type == "DPoP"
    stolen = requests.get(f"{server.issuer}/api", headers={"Authorization": f"DPoP {token.access_token}"}, timeout=10)
    assert stolen.status_code == 401
    errors = [error["error"] for error in server.seen()["errors"]]
    assert errors == (["use_dpop_nonce"] if client_id == "robot-nonce" else [])


def asked_by(code: str, code_verifier: str) -> dict[str, Any]:
    """The arguments of credentials that begin with a code; the person agreed to its scope."""
    grant = AuthorizationCode(code, redirect_uri=REDIRECT_URI, code_verifier=code_verifier)
    return {"grant": grant, "scope": ()}


def test_dpop_at_their_own_resource(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """The provider's userinfo endpoint, which wants a nonce with every proof, takes the person's bound token."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope="openid")
    creds = make(**asked_by(code, verifier), dpop=True)
    with requests.Session() as session:
        session.auth = creds
        answers = [session.get(f"{server.issuer}/me", timeout=10) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"sub": "ann"})] * 2


@pytest.mark.parametrize("dpop", [False, True])
def test_code_and_rotation(dpop: bool, server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A code with PKCE begins a flow that goes on by the newest refresh token, over several renewals."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope=f"openid offline_access {SCOPE}")
    creds = make(**asked_by(code, verifier), dpop=dpop)
    tokens = []
    for _ in range(4):
        tokens.append(creds.token(min_ttl=3600).access_token)
        assert whose(server.issuer, creds)["sub"] == "ann"
    assert len(set(tokens)) == 4
    seen = server.seen()
    assert seen["errors"] == []
    assert [grant["grant_type"] for grant in seen["grants"]] == ["authorization_code"] + ["refresh_token"] * 3
    assert len({assertion["claims"]["jti"] for assertion in seen["assertions"]}) == 4


def refresh_token(server: OidcProvider) -> str:
    """One that a person agreed to; another client library of the same robot fetched it."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot-post", verifier, scope=f"openid offline_access {SCOPE}")
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": verifier,
        "client_id": "robot-post", "client_secret": SECRET,
    }  # fmt: skip
    return str(requests.post(f"{server.issuer}/token", data=form, timeout=10).json()["refresh_token"])


def test_refresh_token(
    server: OidcProvider, make: Callable[..., ServiceAccountCredentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh token from elsewhere begins a flow; a second process that holds it is refused, and told."""
    text = refresh_token(server)
    proof = ClientSecretPost("robot-post", SECRET)
    creds = make("robot-post", None, client_auth=proof, grant=RefreshToken(text), scope=())
    creds.discard(creds.token())
    assert creds.token().scope == f"openid offline_access {SCOPE}"
    server.seen()
    monkeypatch.setattr("sa_auth.grants.refresh_token._families", {})  # as in another process
    error, true = refused(make("robot-post", None, client_auth=proof, grant=RefreshToken(text), scope=()), server)
    assert isinstance(error, InvalidGrant)
    assert true["detail"] == "refresh token already used"


def test_resource(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A resource makes the token one for it alone; one that the server does not know is refused."""
    assert whose(server.issuer, make(resource=FILES))["aud"] == FILES
    assert whose(server.issuer, make(resource=MAIL, scope="read"))["aud"] == MAIL
    server.seen()
    error, _ = refused(make(resource="https://unknown.example.test/"), server)
    assert error.code == "invalid_target"


def test_resource_of_a_code(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """What a person agreed to for a resource is asked for with the code, and again with the refresh token."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope=f"openid offline_access {SCOPE}", resource=FILES)
    creds = make(**asked_by(code, verifier), resource=FILES)
    for _ in range(2):
        creds.token(min_ttl=3600)
        told = whose(server.issuer, creds)
        assert (told["sub"], told["aud"], told["scope"]) == ("ann", FILES, SCOPE)
    assert [grant["grant_type"] for grant in server.seen()["grants"]] == ["authorization_code", "refresh_token"]


def test_less_than_was_asked(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A server that grants a part of the scope says so, and the token does."""
    creds = make(scope="read everything")
    assert creds.token().scope == whose(server.issuer, creds)["scope"] == "read"


def test_revoke_what_a_person_agreed_to(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """After a code, the refresh token is revoked as well, so that nothing of the person's consent is left."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope=f"openid offline_access {SCOPE}")
    creds = make(**asked_by(code, verifier))
    token = creds.token()
    creds.revoke()
    headers = {"Authorization": token.authorization}
    assert requests.get(f"{server.issuer}/api", headers=headers, timeout=10).status_code == 401
    seen = server.seen()
    assert seen["revoked"][0] == {"client_id": "robot", "kind": "refresh_token"}
    assert seen["errors"] == []


def test_revoke(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A revoked token opens nothing any more, and the next call brings another."""
    creds = make()
    token = creds.token()
    creds.revoke()
    headers = {"Authorization": token.authorization}
    assert requests.get(f"{server.issuer}/api", headers=headers, timeout=10).status_code == 401
    assert creds.token().access_token != token.access_token
    assert server.seen()["errors"] == []


def test_a_clock_that_is_off(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Behind by ten minutes, the assertion is minted once more by the server's clock, and taken."""
    assert make(clock=ManualClock(time.time() - 600)).token().scope == SCOPE


def test_a_clock_that_is_off_with_a_code(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """So does one that asks by a code, which no refusal of the client uses up, and goes on by its refresh token."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope=f"openid offline_access {SCOPE}")
    creds = make(**asked_by(code, verifier), clock=ManualClock(time.time() - 600))
    tokens = {creds.token(min_ttl=3600).access_token for _ in range(3)}
    assert len(tokens) == 3
    assert [error["detail"] for error in server.seen()["errors"]] == ["jwt expired"]


def signed(server: OidcProvider, **claims: Any) -> str:
    """A client assertion of the robot's that somebody else minted."""
    import jwt

    now = int(time.time())
    own = {
        "iss": "robot",
        "sub": "robot",
        "aud": server.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(),
    }
    return jwt.encode({**own, **claims}, PRIVATE, "ES256", {"kid": "k1"})


REFUSALS = {
    "expired": ("jwt expired", lambda _: {"clock": ManualClock(time.time() - 7200)}),
    "not yet valid": ("jwt not active yet", lambda _: {"claims": {"nbf": int(time.time()) + 600}}),
    "wrong audience": (
        "audience (aud) must equal the endpoint url, issuer identifier or token endpoint url",
        lambda _: {"client_auth": PrivateKeyJWT(audience="https://wrong.example.test")},
    ),
    "wrong key": ("signature verification failed", lambda _: {"key": new_key("p256")[0]}),
    "unknown kid": ("no applicable key found in the JSON Web Key Set", lambda _: {"key_id": "k9"}),
    "another algorithm": (
        "alg mismatch", lambda _: {"issuer": "signs-PS256", "key": KEYS["rsa2048"][0], "algorithm": "PS512"},
    ),
    "unknown client": ("client not found", lambda _: {"issuer": "stranger"}),
    "another method": (
        "the provided authentication mechanism does not match the registered client authentication method",
        lambda _: {"issuer": "robot-post"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str, server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """What is wrong with an assertion is refused for that reason, arrives as InvalidClient, and is not sent again."""
    reason, changes = REFUSALS[case]
    error, true = refused(make(**changes(server)), server)
    assert true["detail"] == reason
    assert isinstance(error, InvalidClient)
    assert (error.status, error.retryable) == (401, False)
    assert error.hint


def test_a_replayed_assertion(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """An assertion that a token service minted is taken once; the second time its jti gives it away."""
    text = signed(server)
    proof = ClientAssertion(lambda: text)
    assert make(key=None, client_auth=proof).token().scope == SCOPE
    _, error = refused(make(key=None, client_auth=proof), server)
    assert error["detail"] == "client assertion tokens must only be used once"


def test_a_code_used_twice(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A code that was used is not sent again by us; from elsewhere it is refused as InvalidGrant."""
    verifier = secrets.token_urlsafe(32)
    code = server.code("robot", verifier, scope="openid")
    given = asked_by(code, verifier)
    make(**given).token()
    with pytest.raises(ConfigError) as caught:
        make(**given).token()
    assert caught.value.code == "code_used"
    assert server.seen()["errors"] == []
    error, true = refused(make(**asked_by(code, verifier)), server)
    assert isinstance(error, InvalidGrant)
    assert true["detail"] == "authorization code already consumed"


def test_a_code_of_another_verifier(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A code whose PKCE verifier is another is refused as InvalidGrant."""
    code = server.code("robot", secrets.token_urlsafe(32), scope="openid")
    error, true = refused(make(**asked_by(code, secrets.token_urlsafe(32))), server)
    assert isinstance(error, InvalidGrant)
    assert true["detail"] == "code_verifier does not match code_challenge"


def test_another_servers_metadata(server: OidcProvider, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Metadata whose issuer is not the one that was asked for is refused before anything is signed."""
    other = server.issuer.replace("127.0.0.1", "localhost")
    with pytest.raises(SaAuthError) as caught:
        make(server=other).token()
    assert "issuer" in str(caught.value)
    assert not any(server.seen().values())
