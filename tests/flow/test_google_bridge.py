"""google-auth's transports and google-cloud-storage run on our credentials, over HTTP."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.credentials import TokenState, with_scopes_if_required
from google.auth.transport.requests import AuthorizedSession
from google.auth.transport.requests import Request as GoogleRequest

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials, TransportError
from sa_auth.integrations.google import Credentials
from sa_auth.source import TokenSource
from sa_auth.testing import Authority, ManualClock, Server
from tests.flow.kit import EXPIRED, OVER, STALE, eventually, herd
from tests.servers import storage_emulator

Make = Callable[..., ServiceAccountCredentials]


@pytest.fixture
def credentials(make: Make, sa_clock: ManualClock) -> Credentials:
    """The bridge over credentials of "app"."""
    return Credentials(make(), clock=sa_clock)


@pytest.fixture
def session(credentials: Credentials) -> Iterator[AuthorizedSession]:
    """google-auth's own Session with them."""
    with AuthorizedSession(credentials) as made:
        yield made


@pytest.fixture
def bucket(authority: Authority, credentials: Credentials) -> Iterator[Any]:
    """A bucket of google-cloud-storage at the emulator, which here takes the authority's tokens and no others."""
    from google.cloud import storage

    with (
        storage_emulator(authority, "things") as url,
        storage.Client(project="demo", credentials=credentials, client_options={"api_endpoint": url}) as client,
    ):
        yield client.bucket("things")


def test_storage(bucket: Any, authority: Authority, sa_clock: ManualClock) -> None:
    """google-cloud-storage writes, reads and lists by one token, and by the next one after its life."""
    bucket.blob("a").upload_from_string("one")
    assert bucket.blob("a").download_as_bytes() == b"one"
    assert authority.exchanges == 1
    sa_clock.advance(EXPIRED)
    assert [blob.name for blob in bucket.list_blobs()] == ["a"]
    assert authority.exchanges == 2


def test_storage_renews_on_a_401(bucket: Any, authority: Authority) -> None:
    """A token that is revoked in the middle costs one renewal, and the upload arrives whole."""
    bucket.blob("a").upload_from_string("one")
    authority.revoke_all()
    bucket.blob("b").upload_from_string("two" * 1000)
    assert bucket.blob("b").download_as_bytes() == b"two" * 1000
    # Beside the upload this library may ask for the bucket in a thread of its own, which meets the 401 as well.
    assert authority.exchanges == 2


def test_storage_while_the_endpoint_is_down(
    bucket: Any, authority: Authority, sa_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """While a token lives nothing is noticed; without one the error is ours, and is not tried again by Google's client."""
    bucket.blob("a").upload_from_string("one")
    authority.down()
    sa_clock.advance(STALE)
    assert bucket.blob("a").download_as_bytes() == b"one"
    eventually(lambda: "the held token lives on" in caplog.text)
    sa_clock.advance(OVER - STALE)
    with pytest.raises(SaAuthError) as caught:
        bucket.blob("a").download_as_bytes()
    assert (caught.value.status, caught.value.retryable) == (503, True)
    authority.up()
    sa_clock.advance(60.0)
    assert bucket.blob("a").download_as_bytes() == b"one"


def test_cold(session: AuthorizedSession, server: Server, authority: Authority) -> None:
    """The first of twenty threads asks, the others wait for it."""
    answers = herd(20, lambda: session.get(server.api_url, timeout=10).status_code)
    assert answers == [200] * 20
    assert authority.exchanges == 1


def test_stale(session: AuthorizedSession, server: Server, authority: Authority, sa_clock: ManualClock) -> None:
    """A stale token goes out at once, though the endpoint hangs; google-auth waits for no renewal of its own."""
    session.get(server.api_url, timeout=10)
    sa_clock.advance(STALE)
    with authority.hold():
        assert session.get(server.api_url, timeout=10).status_code == 200
        assert session.credentials.token_state is TokenState.STALE
        assert (session.credentials.valid, session.credentials.expired) == (True, False)
    eventually(lambda: authority.exchanges == 2)
    first = session.credentials.token
    eventually(lambda: session.get(server.api_url, timeout=10).ok and session.credentials.token != first)
    assert session.credentials.token_state is TokenState.FRESH


def test_expired(session: AuthorizedSession, server: Server, authority: Authority, sa_clock: ManualClock) -> None:
    """An expired one is renewed by whoever calls next."""
    session.get(server.api_url, timeout=10)
    sa_clock.advance(OVER)
    assert session.credentials.expired
    assert not session.credentials.valid
    assert session.get(server.api_url, timeout=10).status_code == 200
    assert authority.exchanges == 2


def test_a_life_shorter_than_google_auths_own_window(
    make: Make, server: Server, authority: Authority, sa_clock: ManualClock
) -> None:
    """A token of two minutes, which google-auth by itself would renew at each request, serves for its life."""
    authority.token_lifetime = 120
    with AuthorizedSession(Credentials(make(), clock=sa_clock)) as session:
        for _ in range(5):
            assert session.get(server.api_url, timeout=10).status_code == 200
            assert session.credentials.valid
    assert authority.exchanges == 1


def test_401(session: AuthorizedSession, server: Server, authority: Authority) -> None:
    """Twenty threads whose token is refused cause one renewal, and none of them sees the 401."""
    session.get(server.api_url, timeout=10)
    authority.revoke_all()
    assert herd(20, lambda: session.get(server.api_url, timeout=10).status_code) == [200] * 20
    assert authority.exchanges == 2


def test_401_for_ever(session: AuthorizedSession, server: Server, authority: Authority) -> None:
    """An API that refuses everything costs one renewal and google-auth's own two more tries; then the 401 is handed over."""
    authority.api.refuse_all = True
    assert session.get(server.api_url, timeout=10).status_code == 401
    assert (authority.exchanges, authority.api.refused) == (2, 3)
    assert session.get(server.api_url, timeout=10).status_code == 401
    assert authority.exchanges == 2


def test_401_and_the_endpoint_down(session: AuthorizedSession, server: Server, authority: Authority) -> None:
    """Refused, and no other to be had: the API's 401 is handed over, as without a renewal."""
    session.get(server.api_url, timeout=10)
    authority.revoke_all()
    authority.down()
    assert session.get(server.api_url, timeout=10).status_code == 401
    authority.up()


def test_nobody_there(session: AuthorizedSession, server: Server, authority: Authority) -> None:
    """Cold with nobody at the endpoint: a TransportError of ours."""
    authority.unreachable = True
    with pytest.raises(TransportError):
        session.get(server.api_url, timeout=10)


def test_urllib3(credentials: Credentials, server: Server, authority: Authority) -> None:
    """The same through urllib3."""
    import urllib3
    from google.auth.transport.urllib3 import AuthorizedHttp

    with urllib3.PoolManager() as pool:
        http = AuthorizedHttp(credentials, pool)
        assert http.request("GET", server.api_url).status == 200
        authority.revoke_all()
        assert http.request("GET", server.api_url).status == 200
    assert (authority.exchanges, authority.api.refused) == (2, 1)


def test_grpc(credentials: Credentials, authority: Authority, sa_clock: ManualClock) -> None:
    """GRPC's plug-in gets its metadata by a token that lives, at each call."""
    from google.auth.transport.grpc import AuthMetadataPlugin

    plugin = AuthMetadataPlugin(credentials, GoogleRequest())
    context = SimpleNamespace(method_name="Get", service_url="https://pubsub.googleapis.com/google.pubsub.v1.Publisher")
    seen: list[Any] = []
    for seconds in (0.0, 10.0, EXPIRED):
        sa_clock.advance(seconds)
        plugin(context, lambda metadata, error: seen.append((dict(metadata)["authorization"], error)))
    assert seen[0] == seen[1] != seen[2]
    assert authority.exchanges == 2


def test_refresh_by_hand(credentials: Credentials, authority: Authority) -> None:
    """`if not valid: refresh()`, as many programs have it, costs one exchange; nothing was refused, so nothing is discarded."""
    for _ in range(3):
        if not credentials.valid:
            credentials.refresh(GoogleRequest())
    credentials.refresh(GoogleRequest())
    headers: dict[str, str] = {}
    credentials.apply(headers)
    assert headers == {"authorization": f"Bearer {credentials.token}"}
    assert authority.exchanges == 1


def test_expiry_is_naive_utc(credentials: Credentials, sa_clock: ManualClock) -> None:
    """google-auth compares it with a naive time in UTC."""
    from datetime import datetime, timezone

    assert (credentials.expiry, credentials.token) == (None, None)
    credentials.refresh(None)
    ends = credentials.expiry
    assert ends.tzinfo is None
    assert ends.replace(tzinfo=timezone.utc) == datetime.fromtimestamp(sa_clock.wall() + 3600, timezone.utc)


def test_copies(make: Make, authority: Authority, sa_clock: ManualClock) -> None:
    """Other scopes are another token; who pays and the universe are not, and are kept by each copy."""
    plain = Credentials(make(), universe_domain="example.goog", clock=sa_clock)
    paid = plain.with_quota_project("payer")
    scoped = paid.with_scopes(["a", "b"])
    assert with_scopes_if_required(scoped, ["c"]) is scoped
    headers: dict[str, str] = {}
    scoped.before_request(None, "GET", "https://storage.googleapis.com/", headers)
    assert headers["x-goog-user-project"] == "payer"
    assert (scoped.universe_domain, scoped.with_universe_domain("other.goog").universe_domain) == (
        "example.goog",
        "other.goog",
    )
    assert authority.requests[-1].form["scope"] == "a b"
    plain.refresh(None)
    paid.refresh(None)
    assert plain.token == paid.token != scoped.token
    assert authority.exchanges == 2


def test_a_plain_source(make: Make, server: Server, sa_clock: ManualClock) -> None:
    """A TokenSource alone will do, but for other scopes."""
    source: TokenSource = make()._source
    with AuthorizedSession(Credentials(source, clock=sa_clock)) as session:
        assert session.get(server.api_url, timeout=10).status_code == 200
    with pytest.raises(ConfigError) as caught:
        Credentials(source).with_scopes("a")
    assert (caught.value.code, bool(caught.value.hint)) == ("no_replace", True)


def test_where_the_token_may_go(make: Make, authority: Authority) -> None:
    """`allowed_hosts` holds here as well, and https for any source; nothing is asked for."""
    creds = make(allowed_hosts="storage.googleapis.com")
    for source, url, code in (
        (creds, "https://elsewhere.example/", "host_not_allowed"),
        (creds, "http://storage.googleapis.com/", "not_https"),
        (creds._source, "http://storage.googleapis.com/", "not_https"),
    ):
        with AuthorizedSession(Credentials(source)) as session, pytest.raises(ConfigError) as caught:
            session.get(url, timeout=10)
        assert caught.value.code == code
    assert authority.requests == ()


def test_no_bearer(make: Make) -> None:
    """Tokens that are bound to a proof are refused at once; and so is what is no source."""
    with pytest.raises(ConfigError) as caught:
        Credentials(make(dpop=True))
    assert caught.value.code == "not_bearer"
    with pytest.raises(ConfigError) as caught:
        Credentials("token")  # type: ignore[arg-type]
    assert caught.value.code == "bad_argument"


def test_pickle(tmp_path: Any, authority: Authority) -> None:
    """It travels as the credentials do, without a token; dask and gcsfs send it to workers."""
    path = tmp_path / "key.pem"
    from tests.flow.kit import PRIVATE

    path.touch(0o600)
    path.write_text(PRIVATE)
    with authority.serve() as server:
        creds = ServiceAccountCredentials.from_file(
            path,
            issuer="app",
            provider="generic",
            token_endpoint=server.token_endpoint,
            audience=authority.token_endpoint,
        )
        bridge = Credentials(creds, quota_project_id="payer")
        sent = pickle.dumps(bridge)
    again = pickle.loads(sent)
    assert (again.quota_project_id, again.token) == ("payer", None)


def test_without_google_auth() -> None:
    """Without google-auth the error is one sentence with the command that installs it."""
    script = "import sys; sys.modules['google.auth'] = None\nimport sa_auth.integrations.google"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.stderr.splitlines()[-1].startswith(
        "sa_auth.errors.MissingExtra: missing_extra: The bridge sa_auth.integrations.google needs the package 'google-auth'. "
        'Hint: Install it with: pip install "sa_auth[google]"'
    )
