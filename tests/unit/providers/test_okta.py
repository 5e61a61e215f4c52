"""Okta: what is sent is what its pages and its SDK have, what it refuses is explained, and what cannot work is refused here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ConfigError, InvalidClient, ServiceAccountCredentials, TokenEndpointError
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import InvalidScope
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.testing.server import Server
from sa_auth.wire import Response
from tests.contract.material import MATERIAL
from tests.docs.vendors import write
from tests.docs.vendors.okta import jwk_of

APP, SCOPE = "0oar95zt9zIpYuz6A0h7", "okta.users.read"
PRIVATE, PUBLIC = MATERIAL["rsa2048"].pair


@pytest.fixture
def served() -> Iterator[Server]:
    """An org on this machine, which knows one application."""
    authority = Authority(dialect="okta")
    authority.register(APP, PUBLIC, key_id="k1")
    with authority.serve() as server:
        yield server


def make(
    key: Any = PRIVATE, *, served: Server | None = None, path: str = "", **changes: Any
) -> ServiceAccountCredentials:
    """Credentials of the application, with anything changed; None leaves an argument out."""
    given = {
        "issuer": APP, "key_id": "k1", "provider": "okta", "scope": SCOPE, "cache": MemoryCache(),
        "server": f"{'https://acme.okta.com' if served is None else served.url}{path}", **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def refused(*arguments: Any, **changes: Any) -> ConfigError:
    """The error at construction, once it is known to have advice."""
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **changes)
    assert caught.value.hint
    return caught.value


# --- what is sent


@pytest.mark.parametrize(("path", "endpoint"), [("", "/oauth2/v1/token"), ("/", "/oauth2/v1/token"),
                                                ("/oauth2/default", "/oauth2/default/v1/token"),
                                                ("/oauth2/aus1abc", "/oauth2/aus1abc/v1/token")])  # fmt: skip
def test_the_org_and_a_custom_server(path: str, endpoint: str, served: Server) -> None:
    """The endpoint follows from the server; aud is exactly that; no client_id stands in the form."""
    assert make(served=served, path=path).token().scope == SCOPE
    asked = served.authority.requests[-1]
    assert asked.path == endpoint
    assert asked.client_header == {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    claims = asked.client_claims
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == (APP, APP, f"{served.url}{endpoint}")
    assert set(asked.form) == {"grant_type", "scope", "client_assertion_type", "client_assertion"}


def test_an_endpoint_in_code(served: Server) -> None:
    """The endpoint may be given as it is."""
    endpoint = f"{served.url}/oauth2/aus1abc/v1/token"
    make(served=served, server=None, token_endpoint=endpoint).token()
    assert served.authority.requests[-1].client_claims["aud"] == endpoint


@pytest.mark.parametrize(("kind", "algorithm"), [("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512")])
def test_elliptic_curves(kind: str, algorithm: str, served: Server) -> None:
    """EC keys sign by their own algorithm."""
    private, public = new_key(kind)
    served.authority.register("ec", public, key_id="k2")
    make(private, served=served, issuer="ec", key_id="k2").token()
    assert served.authority.requests[-1].client_header["alg"] == algorithm


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_other_rsa_algorithms(algorithm: str, served: Server) -> None:
    """The caller's choice counts."""
    make(served=served, algorithm=algorithm).token()
    assert served.authority.requests[-1].client_header["alg"] == algorithm


def test_the_consoles_key_file(served: Server, tmp_path: Path) -> None:
    """The JWK of the console says its kid."""
    write(tmp_path / "key.json", json.dumps(jwk_of(PRIVATE, "k1")))
    ServiceAccountCredentials.from_file(
        tmp_path / "key.json", provider="okta", issuer=APP, server=served.url, scope=SCOPE, cache=MemoryCache()
    ).token()
    assert served.authority.requests[-1].client_header["kid"] == "k1"


def test_a_key_file_that_is_not_whole(tmp_path: Path) -> None:
    """A JWK without its private part is refused."""
    jwk = {name: value for name, value in jwk_of(PRIVATE, "k1").items() if name in {"kty", "n", "e", "kid"}}
    write(tmp_path / "key.json", json.dumps(jwk))
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_file(
            tmp_path / "key.json", provider="okta", issuer=APP, server="https://acme.okta.com", scope=SCOPE
        )
    assert caught.value.hint


def test_another_vendors_key_file() -> None:
    """A Google key file names another provider, and is refused by that."""
    info = {"type": "service_account", "client_email": "robot@demo.iam.gserviceaccount.com", "private_key": PRIVATE}
    with pytest.raises(ConfigError):
        ServiceAccountCredentials.from_info(info, provider="okta", server="https://acme.okta.com", scope=SCOPE)


# --- DPoP


@pytest.mark.parametrize("dpop", [True, "ephemeral"])
def test_a_nonce_costs_an_assertion(dpop: Any, served: Server) -> None:
    """Okta demands a nonce and uses the assertion up with the same answer: the second request has another jti."""
    served.authority.unregister(APP)
    served.authority.register(APP, PUBLIC, key_id="k1", dpop_bound=True)
    served.authority.dpop_nonce = True
    assert make(served=served, dpop=dpop).token().token_type == "DPoP"
    first, second = served.authority.requests
    assert (first.status, first.error, second.status) == (400, "use_dpop_nonce", 200)
    assert first.client_claims["jti"] != second.client_claims["jti"]


def test_the_dialect_uses_the_assertion_up(served: Server) -> None:
    """The dialect that this is judged by would refuse the same assertion with the right nonce."""
    import requests

    served.authority.dpop_nonce = True
    creds = make(served=served, dpop=True)
    exchange = creds._source._exchange
    endpoint = f"{served.url}/oauth2/v1/token"
    request = exchange.build(ManualClock().now().wall, grant=exchange.grant, url=endpoint)
    served.authority.clock = ManualClock()
    answers = []
    with requests.Session() as session:
        for _ in range(2):
            proof = exchange.dpop.proof("POST", endpoint, ManualClock().now().wall)
            answer = session.post(endpoint, data=request.body, headers={**request.headers, "DPoP": proof}, timeout=10)
            exchange.dpop.learn(endpoint, answer.headers)
            answers.append(answer.json())
    assert answers[0]["error"] == "use_dpop_nonce"
    assert answers[1]["error_description"] == "The client_assertion token has already been used."


def test_without_dpop(served: Server) -> None:
    """An application that demands it says so, and so does the hint."""
    served.authority.unregister(APP)
    served.authority.register(APP, PUBLIC, key_id="k1", dpop_bound=True)
    with pytest.raises(TokenEndpointError) as caught:
        make(served=served).token()
    assert caught.value.code == "invalid_dpop_proof"
    assert "dpop=True" in caught.value.hint


# --- what it refuses


def test_a_wrong_kid(served: Server) -> None:
    """The kid that was sent is named."""
    with pytest.raises(InvalidClient) as caught:
        make(served=served, key_id="k9").token()
    assert "k9" in caught.value.hint
    assert "key_id=" in caught.value.hint


def test_another_key(served: Server) -> None:
    """A signature of another key is explained by kid and algorithm."""
    with pytest.raises(InvalidClient) as caught:
        make(new_key("rsa2048", fresh=True)[0], served=served).token()
    assert "k1" in caught.value.hint
    assert "register" in caught.value.hint


def test_an_unknown_application(served: Server) -> None:
    """Okta's older form of an error is read too."""
    with pytest.raises(InvalidClient) as caught:
        make(served=served, issuer="0oaother").token()
    assert "'client_id' parameter" in caught.value.message
    assert "0oaother" in caught.value.hint
    assert caught.value.code == "invalid_client"


def test_a_scope_that_was_not_granted(served: Server) -> None:
    """The scope is named, and where it is granted."""
    served.authority.register("limited", PUBLIC, key_id="k1", scopes="okta.groups.read")
    with pytest.raises(InvalidScope) as caught:
        make(served=served, issuer="limited").token()
    assert SCOPE in caught.value.hint
    assert "Okta API Scopes" in caught.value.hint


def test_a_policy(served: Server) -> None:
    """Whoever no policy lets in is sent to the policies."""
    served.authority.register("barred", PUBLIC, key_id="k1", grants="jwt_bearer")
    with pytest.raises(TokenEndpointError) as caught:
        make(served=served, issuer="barred").token()
    assert "Access Policies" in caught.value.hint


def test_a_wrong_clock_is_corrected(served: Server) -> None:
    """An assertion that is over by Okta's clock is minted once more by that clock."""
    served.authority.skew = 900
    assert make(served=served).token().access_token
    assert [record.status for record in served.authority.requests] == [401, 200]


class Saying:
    """A transport to an Okta that says these things, one after the other, and gives a token at last."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.asked = 0

    def send(self, request: Any, deadline: Any) -> Response:
        """Says the next."""
        self.asked += 1
        if self.words:
            fields = {"error": "invalid_client", "error_description": self.words.pop(0)}
            return Response(401, {}, json.dumps(fields).encode())
        return Response(200, {}, b'{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}')


def test_used_before_is_tried_again() -> None:
    """An assertion that was used before is signed anew, once."""
    transport = Saying("The client_assertion token has already been used.")
    assert make(transport=transport).token().access_token == "t"
    assert transport.asked == 2


@pytest.mark.parametrize(
    ("words", "part"),
    [("The audience claim for client_assertion must be the endpoint invoked for the request.", "https://acme.okta.com/oauth2/v1/token"),
     ("The client_assertion token has an expiration too far into the future.", "lifetime="),
     ("The client_assertion token is expired.", "clock"), ("The client_assertion JWT kid is invalid.", "k1"),
     ("The client_assertion signature is invalid.", "public half")],
)  # fmt: skip
def test_its_words(words: str, part: str) -> None:
    """Each arrives as invalid_client with cause and remedy, and is asked once."""
    transport = Saying(words)
    with pytest.raises(InvalidClient) as caught:
        make(transport=transport).token()
    assert part in caught.value.hint
    assert transport.asked == 1


# --- what is refused before


@pytest.mark.parametrize("server", ["https://acme-admin.okta.com", "https://acme.okta.com/oauth2", "https://acme.okta.com/api/v1",
                                    "https://acme.okta.com/oauth2/default/v1/token", "https://acme.okta.com/oauth2/default/v1"])  # fmt: skip
def test_addresses_that_are_none(server: str) -> None:
    """The admin console, and an endpoint in place of a server, are told from a server."""
    error = refused(server=server)
    assert error.code == "bad_endpoint"
    assert "https://acme.okta.com" in error.hint


def test_without_a_server() -> None:
    """There is no server for everybody."""
    assert refused(server=None).code == "no_token_endpoint"


def test_without_a_scope() -> None:
    """The org's server wants one; a custom server may have default scopes."""
    assert refused(scope=None).code == "no_scope"
    assert make(scope=None, path="/oauth2/default")


def test_more_than_an_hour() -> None:
    """An hour is the most."""
    assert refused(lifetime=3601).code == "bad_lifetime"
    assert make(lifetime=3600)


@pytest.mark.parametrize("algorithm", ["PS256", "PS512"])
def test_algorithms_that_it_does_not_take(algorithm: str) -> None:
    """Okta takes RS and ES."""
    assert refused(algorithm=algorithm).code == "bad_algorithm"


def test_edwards_curves() -> None:
    """Okta takes RSA and NIST's curves."""
    assert refused(MATERIAL["ed25519"].pair[0]).code == "bad_algorithm"


def test_a_subject() -> None:
    """A service application acts for itself."""
    assert refused(subject="ada@example.com").code == "bad_subject"
