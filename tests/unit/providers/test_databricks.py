"""Databricks' exchange of a federated JWT: handed over or signed, by policy of a service principal or of the account."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from sa_auth import ConfigError, InvalidRequest, ServiceAccountCredentials, TokenEndpointError
from sa_auth.assertions import FromEnvironment, FromFile
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.grants import JWTBearer, TokenExchange
from sa_auth.testing import Authority, new_key

PRIVATE, PUBLIC = new_key("rsa2048")
OTHER = new_key("rsa2048", fresh=True)[0]
ISSUER, AUDIENCE, CLIENT = "https://sts.example", "policy-audience", "11112222-bbbb-3333-cccc-4444dddd5555"
WORKSPACE = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture
def databricks() -> Authority:
    """A workspace with one federation policy and one service principal."""
    authority = Authority(dialect="databricks", audience=AUDIENCE)
    authority.trust_issuer(ISSUER, PUBLIC)
    authority.register(CLIENT)
    return authority


def text(key: str = PRIVATE, **claims: Any) -> str:
    """A JWT of the token service."""
    now = int(time.time())
    said = {"iss": ISSUER, "sub": "repo:demo", "aud": AUDIENCE, "iat": now, "exp": now + 300, "jti": "1", **claims}
    return jwt.encode(said, key, algorithm="RS256")


def written(folder: Path, content: str) -> FromFile:
    """That JWT in a file."""
    (folder / "token.jwt").write_text(content + "\n")
    return FromFile(folder / "token.jwt")


def make(key: Any = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {"provider": "databricks", "server": WORKSPACE, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def signing(**changes: Any) -> ServiceAccountCredentials:
    """Credentials whose key signs the JWT."""
    given = {"key": PRIVATE, "issuer": ISSUER, "subject": "robot", "audience": AUDIENCE, "form": {"client_id": CLIENT}}
    return make(**{**given, **changes})


def test_handed_over(databricks: Authority, tmp_path: Path) -> None:
    """The form is the documentation's: the JWT, its kind, the client id, and all-apis where no scope is given."""
    source = written(tmp_path, text())
    with databricks.serve() as server:
        token = make(server=server.url, issuer=CLIENT, grant=TokenExchange(source)).token()
    record = databricks.requests[-1]
    assert record.path == "/oidc/v1/token"
    form = dict(record.form)
    assert form.pop("subject_token").count(".") == 2
    assert form == {
        "grant_type": EXCHANGE, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "client_id": CLIENT,
        "scope": "all-apis",
    }  # fmt: skip
    assert token.scope == "all-apis"


def test_from_the_environment(databricks: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an account-wide policy there is no client id, and the account has an endpoint of its own."""
    monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", text())
    with databricks.serve() as server:
        endpoint = f"{server.url}/oidc/accounts/aaaa1111/v1/token"
        grant = TokenExchange(FromEnvironment("DATABRICKS_OIDC_TOKEN"))
        assert make(server=None, token_endpoint=endpoint, grant=grant).token()
    assert databricks.requests[-1].path == "/oidc/accounts/aaaa1111/v1/token"
    assert "client_id" not in databricks.requests[-1].form


def test_handed_over_as_elsewhere(databricks: Authority, tmp_path: Path) -> None:
    """A JWT that is handed over by grants.JWTBearer is exchanged all the same."""
    with databricks.serve() as server:
        creds = make(server=server.url, issuer=CLIENT, grant=JWTBearer(written(tmp_path, text())), scope="sql")
        assert creds.token()
    assert (databricks.requests[-1].form["grant_type"], databricks.requests[-1].form["scope"]) == (EXCHANGE, "sql")


@pytest.mark.parametrize(("kind", "alg"), [("rsa2048", "RS256"), ("p256", "ES256")])
def test_signed(kind: str, alg: str, databricks: Authority) -> None:
    """The key of an issuer of one's own signs the JWT, for the policy's audience."""
    private, public = new_key(kind)
    databricks.trust_issuer("https://own.example", public)
    with databricks.serve() as server:
        assert signing(key=private, issuer="https://own.example", server=server.url).token()
    record = databricks.requests[-1]
    claims = dict(record.claims)
    assert record.header["alg"] == alg
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("https://own.example", "robot", AUDIENCE)
    # The token's life is derived from the JWT's.
    assert claims["exp"] - claims["iat"] == 3610
    assert "scope" not in claims
    assert record.form["client_id"] == CLIENT


def test_a_client_secret(databricks: Authority) -> None:
    """A service principal with a secret asks in its own name: another grant is left as it is."""
    creds = make(grant="client_credentials", client_auth=ClientSecretBasic(CLIENT, "s"))
    assert creds._source._exchange.endpoint == f"{WORKSPACE}/oidc/v1/token"
    assert creds._source._exchange.scope == "all-apis"


@pytest.mark.parametrize("change", [{"issuer": "https://other.example"}, {"audience": "other"}, {"key": OTHER}],
                         ids=["issuer", "audience", "key"])  # fmt: skip
def test_its_no(change: dict[str, Any], databricks: Authority) -> None:
    """What fits no policy arrives as the server's no, with what a policy compares and whose policies count."""
    with databricks.serve() as server, pytest.raises(InvalidRequest) as caught:
        signing(server=server.url, **change).token()
    assert "federation policies" in caught.value.hint
    assert change.get("issuer", ISSUER) in caught.value.hint


def test_an_unknown_client(databricks: Authority, tmp_path: Path) -> None:
    """A client id that is no service principal's is named."""
    with databricks.serve() as server, pytest.raises(TokenEndpointError) as caught:
        make(server=server.url, issuer="nobody", grant=TokenExchange(written(tmp_path, text()))).token()
    assert "application id" in caught.value.hint
    assert "nobody" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"server": None}, "no_token_endpoint"),
        ({"server": f"{WORKSPACE}/oidc"}, "bad_server"),
        ({"audience": None}, "no_audience"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None}, "no_key"),
        ({"key": new_key("p384")[0]}, "bad_algorithm"),
        ({"key": new_key("ed25519")[0]}, "bad_algorithm"),
        ({"algorithm": "RS384"}, "bad_algorithm"),
        ({"grant": "client_credentials"}, "bad_argument"),
        ({"grant": TokenExchange(text())}, "bad_argument"),
        ({"grant": "token_xchange"}, "unknown_name"),
        ({"grant": [1]}, "bad_argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Databricks does not take is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        signing(**change)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("change", [{"subject": "x"}, {"audience": "x"}, {"lifetime": 60}, {"claims": {"a": 1}}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_nothing_beside_a_jwt_that_is_handed_over(change: dict[str, Any]) -> None:
    """What would be lost beside a handed-over JWT is refused."""
    with pytest.raises(ConfigError) as caught:
        make(issuer=CLIENT, grant=TokenExchange(text()), **change)
    assert caught.value.code == "bad_argument"


def test_another_vendors_key_file() -> None:
    """A Google key file is none of Databricks'."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="databricks")
    assert "google" in caught.value.message
