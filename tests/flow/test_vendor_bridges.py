"""simple-salesforce, PyGithub and the Snowflake connector run on our credentials, over HTTP."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import github
import pytest
import trustme
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.integrations import salesforce
from sa_auth.integrations.github import Auth, _Connect
from sa_auth.testing import Authority, ManualClock, Server, new_key
from sa_auth.wire import Request, Response
from tests.flow.kit import PRIVATE, PUBLIC, STALE, eventually, herd

RSA = new_key("rsa2048")
USER = "robot@acme.example"
Make = Callable[..., ServiceAccountCredentials]


def left(creds: ServiceAccountCredentials, clock: ManualClock) -> float:
    """Seconds that the held token has to live."""
    return creds.token().remaining(clock.wall())


def replied(body: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


# --- simple-salesforce


@pytest.fixture
def authority(sa_clock: ManualClock, request: pytest.FixtureRequest) -> Authority:
    """The vendor that a test is marked with."""
    dialect = getattr(request, "param", None)
    made = Authority(clock=sa_clock, dialect=dialect)
    if dialect == "salesforce":
        made.register("CONSUMER_KEY", RSA[1], subjects=USER)
    elif dialect == "github":
        made.register("Iv23liCLIENTID", RSA[1])
    else:
        made.register("app", PUBLIC)
    return made


at_salesforce = pytest.mark.parametrize("authority", ["salesforce"], indirect=True)
at_github = pytest.mark.parametrize("authority", ["github"], indirect=True)


class Org:
    """A Salesforce org over https: what came to it, by which token."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        ca = trustme.CA()
        ca.cert_pem.write_to_path(folder / "ca.pem")
        ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "org.pem")
        self.authority, self.ca = authority, str(folder / "ca.pem")
        self.seen: list[Request] = []
        self.records: list[dict[str, Any]] = []
        data = "/services/data/v59.0"
        routes = {
            f"{data}/query/": self.query,
            f"{data}/sobjects/Contact/": self.query,
            "/services/data/v62.0/query/": self.query,
            "/services/async/59.0/job": self.bulk,
        }
        self.server = Server(authority, certificate=folder / "org.pem", routes=routes)

    def query(self, request: Request) -> Response:
        """A page, for a living token."""
        self.seen.append(request)
        judged = self.authority.api.handle(request)
        if judged.status != 200:
            return replied([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        return replied({"records": self.records, "done": True, "totalSize": len(self.records)})

    def bulk(self, request: Request) -> Response:
        """Takes a job by the field that the first bulk API looks at, and by no other."""
        headers = {"authorization": f"Bearer {request.headers['x-sfdc-session']}"}
        return self.query(Request(request.url, request.body, headers, "POST"))

    def close(self) -> None:
        """Ends it."""
        self.server.close()


@pytest.fixture
def org(authority: Authority, tmp_path: Path) -> Iterator[Org]:
    """An org."""
    made = Org(authority, tmp_path)
    yield made
    made.close()


@pytest.fixture
def consumer(server: Server, sa_clock: ManualClock) -> ServiceAccountCredentials:
    """Credentials of a connected app."""
    return ServiceAccountCredentials(
        RSA[0], provider="salesforce", issuer="CONSUMER_KEY", subject=USER, server=server.url, clock=sa_clock,
        cache=MemoryCache(),
    )  # fmt: skip


@pytest.fixture
def force(consumer: ServiceAccountCredentials, org: Org, monkeypatch: pytest.MonkeyPatch) -> Iterator[Salesforce]:
    """simple-salesforce with them, at the org."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", org.ca)  # which would have the last word in any case
    given = salesforce.arguments(consumer, instance_url=org.server.url)
    with given["session"]:
        yield Salesforce(**given, version="59.0")


@at_salesforce
def test_salesforce_cold(force: Salesforce, authority: Authority, org: Org) -> None:
    """Twenty threads query by one token, which is the session id as well."""
    assert herd(20, lambda: force.query("SELECT Id FROM Account")["totalSize"]) == [0] * 20
    assert {request.headers["authorization"] for request in org.seen} == {f"Bearer {force.session_id}"}
    assert authority.exchanges == 1


@at_salesforce
def test_salesforce_stale(
    force: Salesforce, consumer: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """A stale token goes out at once, though the endpoint hangs; the next one takes its place in the same Salesforce."""
    sa_clock.advance(left(consumer, sa_clock) * 0.95)
    with authority.hold():
        force.query("SELECT Id FROM Account")
    eventually(lambda: authority.exchanges == 2)
    eventually(lambda: consumer.token().access_token != force.session_id)
    authority.revoke(force.session_id)
    force.query("SELECT Id FROM Account")
    assert authority.api.refused == 0


@at_salesforce
def test_salesforce_expired(
    force: Salesforce, consumer: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock, org: Org
) -> None:
    """Though the library has read the session id once, calls after its life bring the next token, in either field."""
    sa_clock.advance(left(consumer, sa_clock) + 1)
    authority.revoke(force.session_id)
    force.query("SELECT Id FROM Account")
    force.bulk.Contact._create_job("insert", use_serial=False)
    assert len({request.headers["authorization"] for request in org.seen}) == 1
    assert (authority.exchanges, authority.api.refused) == (2, 0)


@at_salesforce
def test_salesforce_401(force: Salesforce, authority: Authority) -> None:
    """A session that ended early is begun anew and the call sent again whole, in the REST and the bulk API."""
    authority.revoke_all()
    force.Contact.create({"LastName": "Ann"})
    assert (authority.exchanges, authority.api.refused) == (2, 1)


@at_salesforce
def test_salesforce_401_in_bulk(force: Salesforce, authority: Authority, org: Org) -> None:
    """The first bulk API has the token in a field of its own, which is renewed with the other."""
    authority.revoke_all()
    force.bulk.Contact._create_job("insert", use_serial=False)
    assert (authority.exchanges, authority.api.refused) == (2, 1)
    assert org.seen[0].body == org.seen[1].body != b""


@at_salesforce
def test_salesforce_endpoint_down(
    force: Salesforce, consumer: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """While a token lives nothing is noticed; refused, the library's own error is seen; without a token it is ours."""
    authority.down()
    force.query("SELECT Id FROM Account")
    authority.revoke_all()
    with pytest.raises(SalesforceExpiredSession):
        force.query("SELECT Id FROM Account")
    sa_clock.advance(left(consumer, sa_clock) + 1)
    with pytest.raises(SaAuthError) as caught:
        force.query("SELECT Id FROM Account")
    assert caught.value.status == 503


@at_salesforce
def test_where_the_org_is(consumer: ServiceAccountCredentials) -> None:
    """Salesforce says it beside the token; the token goes nowhere else."""
    given = salesforce.arguments(consumer)
    assert given["instance_url"] == "https://acme.my.salesforce.com"
    with given["session"] as session, pytest.raises(ConfigError) as caught:
        session.get("https://elsewhere.my.salesforce.com/services/data", timeout=10)
    assert caught.value.code == "host_not_allowed"


def test_where_the_org_is_by_no_word(make: Make) -> None:
    """A server that does not say leads to an error that asks; hosts of one's own hold for the org as well."""
    for creds in (make(), make()._source):
        with pytest.raises(ConfigError) as caught:
            salesforce.arguments(creds)
        assert (caught.value.code, "instance_url=" in caught.value.hint) == ("no_instance_url", True)
    with pytest.raises(ConfigError) as caught:
        salesforce.arguments(make(allowed_hosts="a.example"), instance_url="https://b.example")
    assert caught.value.code == "host_not_allowed"
    salesforce.arguments(make()._source, instance_url="https://b.example", adapter=HTTPAdapter())["session"].close()


# --- PyGithub


@pytest.fixture
def app(server: Server, sa_clock: ManualClock) -> ServiceAccountCredentials:
    """Credentials of an app's installation."""
    return ServiceAccountCredentials(
        RSA[0], provider="github", issuer="Iv23liCLIENTID", subject="12345", server=server.url, clock=sa_clock,
        cache=MemoryCache(),
    )  # fmt: skip


@pytest.fixture
def hub(app: ServiceAccountCredentials, server: Server) -> Iterator[Any]:
    """Sends one call of PyGithub's, and gives the answer's JSON."""
    options: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}
    with github.Github(auth=Auth(app), base_url=server.api_url, **options) as client:

        def call(verb: str = "GET", body: Any = None, client: Any = client) -> Any:
            return client.requester.requestJsonAndCheck(verb, "/installation/repositories", input=body)[1]

        call.client = client  # type: ignore[attr-defined]
        yield call


@at_github
def test_github_cold(hub: Any, authority: Authority) -> None:
    """Twenty threads call by one installation token."""
    assert herd(20, lambda: hub()["ok"]) == [True] * 20
    assert authority.exchanges == 1


@at_github
def test_github_stale(hub: Any, app: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock) -> None:
    """A stale token goes out at once, though the endpoint hangs."""
    hub()
    first = app.token().access_token
    sa_clock.advance(STALE)
    with authority.hold():
        assert hub()["ok"]
    eventually(lambda: app.token().access_token != first)
    assert authority.exchanges == 2


@at_github
def test_github_expired(hub: Any, app: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock) -> None:
    """An expired one is renewed by whoever calls next."""
    hub()
    sa_clock.advance(left(app, sa_clock) + 1)
    assert hub()["ok"]
    assert (authority.exchanges, authority.api.refused) == (2, 0)


@at_github
def test_github_401(hub: Any, authority: Authority) -> None:
    """A token that is refused is renewed once, and the call sent again whole; PyGithub sees nothing of it."""
    hub()
    authority.revoke_all()
    assert hub("POST", {"name": "one"})["received"] == len('{"name": "one"}')
    assert (authority.exchanges, authority.api.refused) == (2, 1)
    authority.api.refuse_all = True
    with pytest.raises(github.GithubException) as caught:
        hub()
    assert caught.value.status == 401
    assert authority.exchanges == 2


@at_github
def test_github_401_where_the_connections_cannot_be_reached(
    hub: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch, app: ServiceAccountCredentials, server: Server
) -> None:
    """Where PyGithub calls that otherwise, its calls are signed in all the same, and a 401 is handed over."""
    monkeypatch.setattr("sa_auth.integrations.github._CONNECTIONS", "_Requester__other")
    with github.Github(auth=Auth(app), base_url=server.api_url, seconds_between_requests=None, retry=None) as client:
        assert hub(client=client)["ok"]
        authority.revoke_all()
        with pytest.raises(github.GithubException):
            hub(client=client)
    assert authority.exchanges == 1


def test_github_connections_without_a_session() -> None:
    """A connection of somebody's own that has no session is left as it is."""
    assert vars(_Connect(SimpleNamespace, None)(host="api.github.com")) == {"host": "api.github.com"}


@at_github
def test_github_endpoint_down(
    hub: Any, app: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """While a token lives nothing is noticed; without one the error is ours."""
    hub()
    authority.down()
    assert hub()["ok"]
    sa_clock.advance(left(app, sa_clock) + 1)
    with pytest.raises(SaAuthError) as caught:
        hub()
    assert caught.value.status == 503


@at_github
def test_github_by_a_plain_source(
    app: ServiceAccountCredentials, server: Server, hub: Any, authority: Authority
) -> None:
    """A TokenSource alone will do; the properties of an auth say what the header has."""
    auth = Auth(app._source)
    assert f"{auth.token_type} {auth.token}" == app.token().authorization
    with github.Github(auth=auth, base_url=server.api_url, seconds_between_requests=None, retry=None) as client:
        assert hub(client=client)["ok"]
        authority.revoke_all()
        assert hub(client=client)["ok"]


@at_github
def test_github_hides_the_token(hub: Any, app: ServiceAccountCredentials, caplog: pytest.LogCaptureFixture) -> None:
    """PyGithub's log of a call has no token in it."""
    with caplog.at_level("DEBUG", logger="github"):
        hub()
    assert "unknown auth removed" in caplog.text
    assert app.token().access_token not in caplog.text


@at_github
def test_github_travels(server: Server, tmp_path: Path, hub: Any, app: ServiceAccountCredentials) -> None:
    """A client with credentials made from a file can be pickled; there is no token in it."""
    path = tmp_path / "app.pem"
    path.touch(0o600)
    path.write_text(RSA[0])
    from_file = ServiceAccountCredentials.from_file(
        path, provider="github", issuer="Iv23liCLIENTID", subject="12345", server=server.url
    )
    client = github.Github(auth=Auth(from_file), base_url=server.api_url)
    sent = pickle.dumps(client.requester)
    client.close()
    assert b"ghs_" not in sent
    pickle.loads(sent).close()


# --- Snowflake


class Account:
    """A Snowflake account that takes the authority's tokens at its login."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.logins: list[dict[str, Any]] = []
        self.refusal = "390303"
        self.server = Server(authority, routes={"/session/v1/login-request": self.login, "/session": self.end})

    def login(self, request: Request) -> Response:
        """Begins a session, or answers as Snowflake does to a token it does not take."""
        self.logins.append(json.loads(request.body)["data"])
        bearer = {"authorization": f"Bearer {self.logins[-1]['TOKEN']}"}
        if self.authority.api.handle(Request(f"{self.authority.api_url}/login", b"", bearer, "POST")).status != 200:
            no = {"success": False, "code": self.refusal, "message": "Invalid OAuth access token.", "data": None}
            return replied(no)
        session = {
            "token": "session", "masterToken": "master", "sessionId": 1, "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400, "parameters": [], "sessionInfo": {}, "displayUserName": "ROBOT",
            "serverVersion": "10.0", "healthCheckInterval": 45,
        }  # fmt: skip
        return replied({"success": True, "code": None, "message": None, "data": session})

    def end(self, request: Request) -> Response:
        """Ends one."""
        return replied({"success": True, "code": None, "message": None, "data": None})

    def open(self, source: Any) -> Any:
        """Opens a connection."""
        from sa_auth.integrations import snowflake

        host, _, port = self.server.url.partition("://")[2].partition(":")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return snowflake.connect(
                source,
                account="myorg-myaccount",
                user="robot",
                host=host,
                port=int(port),
                protocol="http",
                login_timeout=5,
            )


@pytest.fixture
def account(authority: Authority) -> Iterator[Account]:
    """An account."""
    made = Account(authority)
    with made.server:
        yield made


@pytest.fixture
def robot(server: Server, sa_clock: ManualClock) -> ServiceAccountCredentials:
    """Credentials at the server that the account trusts."""
    return ServiceAccountCredentials(
        PRIVATE, issuer="app", token_endpoint=server.token_endpoint, clock=sa_clock, cache=MemoryCache()
    )


def test_snowflake_cold(account: Account, robot: ServiceAccountCredentials, authority: Authority) -> None:
    """Connections are opened by one token, in the form of the connector's OAuth login."""
    for _ in range(2):
        account.open(robot).close()
    assert [(login["AUTHENTICATOR"], login["TOKEN"]) for login in account.logins] == [
        ("OAUTH", robot.token().access_token)
    ] * 2
    assert authority.exchanges == 1


def test_snowflake_stale_and_expired(
    account: Account, robot: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """A stale token opens a connection at once, though the endpoint hangs; after its life the next one does."""
    account.open(robot).close()
    sa_clock.advance(STALE)
    with authority.hold():
        account.open(robot).close()
    first = account.logins[0]["TOKEN"]
    eventually(lambda: robot.token().access_token != first)
    sa_clock.advance(2 * 3600.0)
    account.open(robot).close()
    tokens = [login["TOKEN"] for login in account.logins]
    assert tokens[0] == tokens[1] != tokens[2]
    assert (authority.exchanges, authority.api.refused) == (3, 0)


def test_snowflake_refuses_the_token(account: Account, robot: ServiceAccountCredentials, authority: Authority) -> None:
    """A login that is refused for its token is tried once more with another; then the connector's error is handed over."""
    from snowflake.connector.errors import DatabaseError

    account.open(robot).close()
    authority.revoke_all()
    account.open(robot).close()
    assert (authority.exchanges, authority.api.refused) == (2, 1)
    authority.api.refuse_all = True
    with pytest.raises(DatabaseError, match="Invalid OAuth access token"):
        account.open(robot)
    assert (authority.exchanges, len(account.logins)) == (2, 4)


def test_snowflake_endpoint_down(
    account: Account, robot: ServiceAccountCredentials, authority: Authority, sa_clock: ManualClock
) -> None:
    """While a token lives nothing is noticed; without one the error is ours."""
    account.open(robot).close()
    authority.down()
    account.open(robot).close()
    sa_clock.advance(left(robot, sa_clock) + 1)
    with pytest.raises(SaAuthError) as caught:
        account.open(robot)
    assert caught.value.status == 503
    assert len(account.logins) == 2


def test_snowflake_refuses_something_else(
    account: Account, robot: ServiceAccountCredentials, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that is refused for another reason costs no renewal and no second try."""
    from snowflake.connector.errors import DatabaseError

    monkeypatch.setattr(account, "refusal", "390189")
    authority.api.refuse_all = True
    with pytest.raises(DatabaseError):
        account.open(robot)
    assert (authority.exchanges, len(account.logins)) == (1, 1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"account": "acme", "host": "db.example", "protocol": "http"}, "not_https"),
        ({"account": "acme", "host": "db.example"}, "host_not_allowed"),
        ({"account": "acme"}, "host_not_allowed"),
    ],
)
def test_snowflake_where_it_may_not_go(
    robot: ServiceAccountCredentials, authority: Authority, options: dict[str, str], code: str
) -> None:
    """A connection to where the token may not go is not opened, and no token asked for."""
    from sa_auth.integrations import snowflake

    with pytest.raises(ConfigError) as caught:
        snowflake.connect(robot.replace(allowed_hosts="other.snowflakecomputing.com"), user="robot", **options)
    assert caught.value.code == code
    assert authority.requests == ()


def test_snowflake_key_pair() -> None:
    """A key-pair JWT is not what the connector takes, which is said before anything is sent."""
    from sa_auth.integrations import snowflake

    creds = ServiceAccountCredentials(RSA[0], provider="snowflake", issuer="myorg-myaccount", subject="robot")
    with pytest.raises(ConfigError) as caught:
        snowflake.arguments(creds)
    assert (caught.value.code, "SNOWFLAKE_JWT" in caught.value.hint) == ("key_pair", True)


@pytest.mark.parametrize(
    ("package", "said", "script"),
    [
        (
            "simple_salesforce",
            "simple-salesforce",
            "from sa_auth.integrations import salesforce; salesforce.arguments(None)",
        ),
        ("github", "PyGithub", "import sa_auth.integrations.github"),
        (
            "snowflake.connector",
            "snowflake-connector-python",
            "from sa_auth.integrations import snowflake; snowflake.connect(None)",
        ),
    ],
    ids=["salesforce", "github", "snowflake"],
)
def test_without_the_package(package: str, said: str, script: str) -> None:
    """Without the vendor's library the error is one sentence with the command that installs it."""
    bridge = script.partition(";")[0].rpartition(".")[2].rpartition(" ")[2]
    script = f"import sys; sys.modules[{package!r}] = None\n{script}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.stderr.splitlines()[-1].startswith(
        f"sa_auth.errors.MissingExtra: missing_extra: The bridge sa_auth.integrations.{bridge} needs the package {said!r}. "
        f"Hint: Install it with: pip install {said}"
    )
