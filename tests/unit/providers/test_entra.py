"""Microsoft Entra ID: what is sent is what its pages say, and what it refuses is explained."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from sa_auth import InvalidClient, InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientAssertion, ClientSecretPost
from sa_auth.errors import InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient
from sa_auth.grants import JWTBearer
from sa_auth.testing import Authority, new_key
from sa_auth.testing.server import Server
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Response
from tests.contract.material import MATERIAL
from tests.docs.vendors import write
from tests.samples.test_samples import self_signed

APP, TENANT = "11112222-bbbb-3333-cccc-4444dddd5555", "contoso.onmicrosoft.com"
RSA = MATERIAL["rsa2048"]
PRIVATE, PUBLIC = RSA.pair
GRAPH = "https://graph.microsoft.com/.default"
USERS = "https://login.microsoftonline.com/aaaabbbb/v2.0"
STS_PRIVATE, STS_PUBLIC = new_key("p256")
VECTORS = Path(__file__).parents[2] / "vectors" / "providers"


@pytest.fixture
def served() -> Iterator[Server]:
    """Entra ID on this machine, which knows one application, the issuer of users' tokens and a cluster."""
    authority = Authority(dialect="entra")
    authority.register(APP, PUBLIC)
    authority.trust_issuer(USERS, STS_PUBLIC)
    authority.trust_issuer("https://cluster.example", STS_PUBLIC, subjects={"system:serviceaccount:a:b": APP})
    with authority.serve() as server:
        yield server


def make(
    key: Any = PRIVATE, *, served: Server | None = None, address: str | None = "", **changes: Any
) -> ServiceAccountCredentials:
    """Credentials of the application, with anything changed; None leaves an argument out."""
    home = "https://login.microsoftonline.com" if served is None else served.url
    given = {
        "certificate": RSA.certificate.decode() if key == PRIVATE else None, "issuer": APP, "provider": "entra",
        "server": f"{home}/{TENANT}/v2.0" if address == "" else address, "scope": GRAPH, "cache": MemoryCache(), **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def user_token(**changes: Any) -> str:
    """A token of a user's for the application."""
    now = int(time.time())
    claims = {"iss": USERS, "sub": "ada", "aud": f"api://{APP}", "iat": now, "exp": now + 3600, **changes}
    return jwt.encode(claims, STS_PRIVATE, algorithm="ES256")


# --- what is sent


def test_in_its_own_name(served: Server) -> None:
    """PS256, x5t#S256, typ JWT, the claims of the page, aud the token endpoint, client_id in the form."""
    token = make(served=served).token()
    assert token.token_type == "Bearer"
    asked = served.authority.requests[-1]
    endpoint = f"{served.url}/{TENANT}/oauth2/v2.0/token"
    assert asked.path == f"/{TENANT}/oauth2/v2.0/token"
    assert set(asked.client_header) == {"alg", "typ", "x5t#S256"}
    assert (asked.client_header["alg"], asked.client_header["typ"]) == ("PS256", "JWT")
    claims = asked.client_claims
    assert set(claims) == {"iss", "sub", "aud", "iat", "nbf", "exp", "jti"}
    assert (claims["iss"], claims["sub"], claims["aud"], claims["nbf"]) == (APP, APP, endpoint, claims["iat"])
    assert set(asked.form) == {"grant_type", "client_id", "scope", "client_assertion_type", "client_assertion"}
    assert (asked.form["client_id"], asked.form["scope"]) == (APP, GRAPH)


def test_older_tenants(served: Server) -> None:
    """Who asks for x5t and RS256 gets them, and no second thumbprint."""
    make(served=served, headers={"x5t": True}, algorithm="RS256").token()
    header = served.authority.requests[-1].client_header
    assert set(header) == {"alg", "typ", "x5t"}
    assert header["alg"] == "RS256"


def test_by_the_name_of_the_certificate(served: Server) -> None:
    """For subject name and issuer the certificate itself goes along."""
    make(served=served, headers={"x5c": True}).token()
    header = served.authority.requests[-1].client_header
    assert header["x5c"] == [next(text for text, name in RSA.known.items() if name == "<certificate>")]
    assert "x5t#S256" in header


def test_server_without_a_version(served: Server) -> None:
    """The tenant's address with and without v2.0 is the same tenant."""
    make(served=served).token()
    for address in (f"{served.url}/{TENANT}", f"{served.url}/{TENANT}/"):
        make(address=address).token()
    assert len({record.path for record in served.authority.requests}) == 1


@pytest.mark.parametrize("host", ["login.microsoftonline.us", "login.partner.microsoftonline.cn"])
def test_national_clouds(host: str) -> None:
    """A national cloud has a host of its own, for the endpoint and for aud."""
    exchange = make(address=f"https://{host}/{TENANT}/v2.0")._source._exchange
    assert exchange.endpoint == f"https://{host}/{TENANT}/oauth2/v2.0/token"
    assert exchange.client_auth.assertion.audience == exchange.endpoint


def test_endpoint_alone_and_a_region() -> None:
    """The endpoint alone is enough and is the aud; beside server= it is where to send, and aud stays the server's."""
    home = f"https://login.microsoftonline.com/{TENANT}"
    alone = make(address=None, token_endpoint=f"{home}/oauth2/v2.0/token")
    assert alone._source._exchange.client_auth.assertion.audience == f"{home}/oauth2/v2.0/token"
    region = f"https://westeurope.login.microsoft.com/{TENANT}/oauth2/v2.0/token"
    creds = make(token_endpoint=region)
    for one in (creds, creds.replace(scope="https://storage.azure.com/.default")):
        assert one._source._exchange.endpoint == region
        assert one._source._exchange.client_auth.assertion.audience == f"{home}/oauth2/v2.0/token"


def test_on_behalf_of(served: Server) -> None:
    """A user's token is exchanged as it is, the use is said, and the application proves itself by its key."""
    incoming = user_token()
    token = make(served=served, grant=JWTBearer(incoming), scope="https://graph.microsoft.com/User.Read").token()
    assert token.scope == "https://graph.microsoft.com/User.Read"
    asked = served.authority.requests[-1]
    assert asked.form["assertion"] == incoming
    assert asked.form["requested_token_use"] == "on_behalf_of"
    assert asked.client_claims["sub"] == APP
    assert asked.form["client_id"] == APP


def test_on_behalf_of_by_a_secret() -> None:
    """The application may prove itself by a secret, and says the use once, whoever says it."""
    creds = make(
        None, grant=JWTBearer(user_token()), client_auth=ClientSecretPost(APP, "hush"),
        form={"requested_token_use": "on_behalf_of"}, scope="User.Read",
    )  # fmt: skip
    assert creds._source._exchange.form == (("requested_token_use", "on_behalf_of"),)


def test_federated(served: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster's token proves the application, without the line end that its file may have; client_id goes along."""
    now = int(time.time())
    claims = {"iss": "https://cluster.example", "sub": "system:serviceaccount:a:b", "aud": "api://AzureADTokenExchange",
              "iat": now, "exp": now + 600}  # fmt: skip
    text = jwt.encode(claims, STS_PRIVATE, algorithm="ES256")
    (tmp_path / "token").write_text(text + "\n")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    make(None, served=served, client_auth=ClientAssertion("azure_workload_identity")).token()
    asked = served.authority.requests[-1]
    assert asked.form["client_assertion"] == text
    assert asked.form["client_id"] == APP
    (tmp_path / "token").write_text(jwt.encode({**claims, "sub": "another"}, STS_PRIVATE, algorithm="ES256"))
    with pytest.raises(InvalidClient) as caught:
        make(None, served=served, client_auth=ClientAssertion("azure_workload_identity")).token()
    assert "issuer, subject and audience" in caught.value.hint
    assert APP in caught.value.hint


@pytest.mark.parametrize("name", ["entra", "entra_x5t", "entra_on_behalf_of"])
def test_msal_is_seen_live(name: str) -> None:
    """What the msal that is installed sends is what the vector has."""
    vector = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    assert import_module(f"tests.vectors.capture.{name}").capture()["seen"] == vector["seen"]


# --- what it refuses


def test_a_key_that_is_not_there(served: Server) -> None:
    """700027 names both thumbprints of the certificate that was not found, and who it was looked for at."""
    served.authority.unregister(APP)
    served.authority.register(APP, new_key("rsa2048", fresh=True)[1])
    with pytest.raises(InvalidClient) as caught:
        make(served=served).token()
    thumbprints = [text for text, name in RSA.known.items() if name in {"<x5t>", "<x5t#S256>"}]
    assert len(thumbprints) == 2
    assert all(text in caught.value.hint for text in (*thumbprints, APP))
    assert "Certificates & secrets" in caught.value.hint
    assert len(served.authority.requests) == 1


def test_an_unknown_application(served: Server) -> None:
    """700016 arrives as unauthorized_client, with the application's id."""
    with pytest.raises(UnauthorizedClient) as caught:
        make(served=served, issuer="22223333-cccc-4444-dddd-5555eeee6666").token()
    assert "22223333-cccc-4444-dddd-5555eeee6666" in caught.value.hint


def test_a_wrong_clock_is_corrected(served: Server) -> None:
    """700024 comes of a clock that is off; the assertion is minted once more by the server's clock."""
    served.authority.skew = 900
    assert make(served=served).token().access_token
    assert [record.status for record in served.authority.requests] == [401, 200]


def test_a_users_token_for_another(served: Server) -> None:
    """50013 says whose token it has to be."""
    with pytest.raises(InvalidGrant) as caught:
        make(served=served, grant=JWTBearer(user_token(aud="api://another")), scope="User.Read").token()
    assert f"issued for {APP} itself" in caught.value.hint


def test_a_certificate_that_was_renewed(served: Server, tmp_path: Path) -> None:
    """After 700027 the file is read again, and the new certificate's thumbprint goes with the new key; once."""
    private, public = new_key("rsa2048", fresh=True)
    renewed = self_signed(load_pem_private_key(private.encode(), None)).public_bytes(Encoding.PEM).decode()
    path = tmp_path / "robot.pem"
    write(path, PRIVATE + RSA.certificate.decode())
    served.authority.unregister(APP)
    served.authority.register(APP, public)

    class Renewing:
        asked = 0

        def send(self, request: Any, deadline: Any) -> Response:
            self.asked += 1
            answer = RequestsTransport().send(request, deadline)
            write(path, private + renewed)
            return answer

    transport = Renewing()
    creds = ServiceAccountCredentials.from_file(
        path, issuer=APP, provider="entra", server=f"{served.url}/{TENANT}/v2.0", scope=GRAPH, transport=transport,
        cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().access_token
    first, second = served.authority.requests
    assert (first.status, second.status, transport.asked) == (401, 200, 2)
    assert first.client_header["x5t#S256"] != second.client_header["x5t#S256"]


class Saying:
    """A transport to an Entra ID that says one thing."""

    def __init__(self, code: str, error: str) -> None:
        self.body = json.dumps(
            {"error": error, "error_description": f"AADSTS{code}: Words. Trace ID: 0000aaaa."}
        ).encode()
        self.asked = 0

    def send(self, request: Any, deadline: Any) -> Response:
        """Says no."""
        self.asked += 1
        return Response(400, {}, self.body)


@pytest.mark.parametrize(
    ("code", "error", "kind", "word"),
    [("700027", "invalid_client", InvalidClient, "Upload"), ("700024", "invalid_client", InvalidClient, "clock"),
     ("7000214", "invalid_client", InvalidClient, "revoked"), ("7000277", "invalid_client", InvalidClient, "revoked"),
     ("1000502", "invalid_client", InvalidClient, "renew"), ("7000274", "invalid_client", InvalidClient, "renew"),
     ("700211", "invalid_client", InvalidClient, "federated"), ("700213", "invalid_client", InvalidClient, "federated"),
     ("70021", "invalid_client", InvalidClient, "federated"), ("7002138", "invalid_client", InvalidClient, "capitals"),
     ("7002131", "invalid_client", InvalidClient, "federated"),
     ("50013", "invalid_grant", InvalidGrant, "access token"), ("500133", "invalid_grant", InvalidGrant, "fresh"),
     ("700016", "unauthorized_client", UnauthorizedClient, APP), ("65001", "invalid_grant", InvalidGrant, "consent"),
     ("500011", "invalid_resource", InvalidTarget, GRAPH), ("90002", "invalid_request", InvalidRequest, "tenant"),
     ("1002012", "invalid_scope", InvalidScope, "RESOURCE/.default"), ("70011", "invalid_scope", InvalidScope, "URI"),
     ("7000215", "invalid_client", InvalidClient, "secret")],
)  # fmt: skip
def test_its_words(code: str, error: str, kind: type[Exception], word: str) -> None:
    """Each code arrives as its class, with cause and remedy, and is asked once."""
    transport = Saying(code, error)
    with pytest.raises(kind) as caught:
        make(transport=transport).token()
    assert word in caught.value.hint
    assert f"AADSTS{code}" in caught.value.message
    assert transport.asked == 1
