"""AD FS: what is sent is what its pages and msal have, what it refuses is explained, and what cannot work is refused here."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from sa_auth import ConfigError, InvalidClient, InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import InvalidTarget
from sa_auth.grants import JWTBearer
from sa_auth.testing import Authority, new_key
from sa_auth.testing.server import Server
from tests.contract.material import MATERIAL
from tests.vectors.capture.adfs import capture

APP, API = "11112222-bbbb-3333-cccc-4444dddd5555", "https://orders.contoso.com"
RSA = MATERIAL["rsa2048"]
PRIVATE, PUBLIC = RSA.pair
STS_PRIVATE, STS_PUBLIC = new_key("p256")


@pytest.fixture
def served() -> Iterator[Server]:
    """AD FS on this machine, which knows one application and issues users' tokens."""
    authority = Authority(dialect="adfs")
    authority.register(APP, PUBLIC)
    authority.trust_issuer("https://sts.contoso.com/adfs", STS_PUBLIC)
    with authority.serve() as server:
        yield server


def make(key: Any = PRIVATE, *, served: Server | None = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials of the application, with anything changed; None leaves an argument out."""
    given = {
        "certificate": RSA.certificate.decode() if key == PRIVATE else None, "issuer": APP, "provider": "adfs",
        "server": f"{'https://sts.contoso.com' if served is None else served.url}/adfs", "cache": MemoryCache(), **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def refused(*arguments: Any, **changes: Any) -> ConfigError:
    """The error at construction, once it is known to have advice."""
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **changes)
    assert caught.value.hint
    return caught.value


def test_in_its_own_name(served: Server) -> None:
    """RS256 and x5t, typ JWT, aud the endpoint with its slash, client_id in the form."""
    assert make(served=served, scope=f"{API}/openid").token().access_token
    asked = served.authority.requests[-1]
    assert asked.path == "/adfs/oauth2/token/"
    assert set(asked.client_header) == {"alg", "typ", "x5t"}
    assert (asked.client_header["alg"], asked.client_header["typ"]) == ("RS256", "JWT")
    claims = asked.client_claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (APP, APP, f"{served.url}/adfs/oauth2/token/")
    assert (asked.form["client_id"], asked.form["scope"]) == (APP, f"{API}/openid")


def test_the_certificate_itself(served: Server) -> None:
    """The certificate goes along where it is asked for."""
    make(served=served, headers={"x5c": True}).token()
    assert set(served.authority.requests[-1].client_header) == {"alg", "typ", "x5t", "x5c"}


def test_an_endpoint_without_its_slash(served: Server) -> None:
    """Where a server differs, token_endpoint= says where to send and what aud is."""
    endpoint = f"{served.url}/adfs/oauth2/token"
    make(served=served, token_endpoint=endpoint).token()
    assert served.authority.requests[-1].client_claims["aud"] == endpoint


def test_on_behalf_of(served: Server) -> None:
    """A user's token is exchanged as it is, for a resource, and the application proves itself by its key."""
    now = int(time.time())
    claims = {"iss": "https://sts.contoso.com/adfs", "sub": "ada", "aud": APP, "iat": now, "exp": now + 3600}
    incoming = jwt.encode(claims, STS_PRIVATE, algorithm="ES256")
    make(served=served, grant=JWTBearer(incoming), resource=API).token()
    form = served.authority.requests[-1].form
    assert (form["assertion"], form["requested_token_use"], form["resource"]) == (incoming, "on_behalf_of", API)


def test_msal_is_seen_live() -> None:
    """What the msal that is installed sends is what the vector has."""
    path = Path(__file__).parents[2] / "vectors" / "providers" / "adfs.json"
    assert capture()["seen"] == json.loads(path.read_text(encoding="utf-8"))["seen"]


def test_a_certificate_that_is_not_there(served: Server) -> None:
    """MSIS9622 names the thumbprint and the audience."""
    served.authority.unregister(APP)
    served.authority.register(APP, new_key("rsa2048", fresh=True)[1])
    with pytest.raises(InvalidClient) as caught:
        make(served=served).token()
    assert next(text for text, name in RSA.known.items() if name == "<x5t>") in caught.value.hint
    assert f"{served.url}/adfs/oauth2/token/" in caught.value.hint


def test_an_unknown_client(served: Server) -> None:
    """MSIS9607 names the client."""
    with pytest.raises(InvalidClient) as caught:
        make(served=served, issuer="another").token()
    assert "another" in caught.value.hint
    assert "issuer=" in caught.value.hint


def test_an_unknown_resource(served: Server) -> None:
    """MSIS9602 arrives as invalid_target, the RFC's word for it."""
    served.authority.resources = [API]
    with pytest.raises(InvalidTarget) as caught:
        make(served=served, resource="https://other.contoso.com").token()
    assert "resource=" in caught.value.hint


def test_a_resource_that_is_not_permitted(served: Server) -> None:
    """MSIS9605 says where permissions are given."""
    served.authority.register("limited", PUBLIC, scopes="openid")
    with pytest.raises(InvalidGrant) as caught:
        make(served=served, issuer="limited", scope=f"{API}/write").token()
    assert "Client Permissions" in caught.value.hint


@pytest.mark.parametrize("server", ["https://sts.contoso.com", "https://sts.contoso.com/adfs/ls",
                                    "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0"])  # fmt: skip
def test_what_is_no_federation_service(server: str) -> None:
    """The address of a federation service ends in /adfs."""
    error = refused(server=server)
    assert error.code == "bad_endpoint"
    assert "/adfs" in error.hint


def test_without_a_server() -> None:
    """There is no server for everybody."""
    assert refused(server=None).code == "no_token_endpoint"


def test_rs256_alone() -> None:
    """RS256 is what msal sends AD FS; another algorithm, or kind of key, is refused."""
    assert refused(algorithm="PS256").code == "bad_algorithm"
    other = MATERIAL["p256"]
    assert refused(other.pair[0], certificate=other.certificate.decode()).code == "bad_algorithm"


def test_without_a_certificate() -> None:
    """A bare key has no thumbprint to be known by."""
    assert refused(PRIVATE + "\n").code == "no_certificate"


def test_a_subject() -> None:
    """A user is acted for by the user's token, and by nothing else."""
    error = refused(subject="ada")
    assert error.code == "bad_subject"
    assert "JWTBearer" in error.hint


@pytest.mark.parametrize("grant", ["jwt_bearer", "self_signed", JWTBearer()])
def test_grants_by_the_key(grant: Any) -> None:
    """The key proves the application and signs no grant."""
    assert refused(grant=grant).code == "bad_grant"


def test_another_vendors_key_file() -> None:
    """A Google key file names another provider, and is refused by that."""
    info = {"type": "service_account", "client_email": "robot@demo.iam.gserviceaccount.com", "private_key": PRIVATE}
    with pytest.raises(ConfigError):
        ServiceAccountCredentials.from_info(info, provider="adfs", server="https://sts.contoso.com/adfs")
