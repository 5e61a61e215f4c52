"""azure-core's own pipelines and policies run on our credentials, over HTTP, in threads and on an event loop."""

from __future__ import annotations

import asyncio
import base64
import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import SupportsTokenInfo
from azure.core.credentials import TokenCredential as Expected
from azure.core.credentials_async import AsyncSupportsTokenInfo
from azure.core.credentials_async import AsyncTokenCredential as AsyncExpected
from azure.core.pipeline import AsyncPipeline, Pipeline
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncRetryPolicy,
    BearerTokenCredentialPolicy,
    CustomHookPolicy,
    RetryPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.core.rest import HttpRequest

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials, TransportError
from sa_auth.integrations.azure import AsyncTokenCredential, TokenCredential
from sa_auth.testing import Authority, ManualClock, Server
from sa_auth.wire import Response
from tests.flow.kit import OVER, STALE, Site, eventually, herd

Make = Callable[..., ServiceAccountCredentials]
SCOPE = "https://vault.azure.net/.default"
CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1700000001"}}}'
CHALLENGE = f'Bearer error="insufficient_claims", claims="{base64.urlsafe_b64encode(CLAIMS.encode()).decode()}"'


@pytest.fixture(autouse=True)
def policies_by_hand(monkeypatch: pytest.MonkeyPatch, sa_clock: ManualClock) -> None:
    """The policies go by the hand-moved clock as well."""
    by_hand = SimpleNamespace(time=sa_clock.wall)
    monkeypatch.setattr("azure.core.pipeline.policies._authentication.time", by_hand)


class Client:
    """What a client of azure.* is inside, for threads: get() gives the status."""

    def __init__(self, creds: Any, **options: Any) -> None:
        self.credential = TokenCredential(creds, **options)
        self.policy = BearerTokenCredentialPolicy(self.credential, SCOPE)
        self.hook = CustomHookPolicy(raw_response_hook=self.credential.on_response)
        self.bare, self.plain = [self.policy], [self.policy, self.hook]
        self.again = [RetryPolicy(retry_on_status_codes=[401], retry_total=1, retry_backoff_factor=0), *self.plain]
        self.carrier = RequestsTransport()

    def get(self, url: str, policies: Any = None) -> int:
        """Sends one."""
        pipeline = Pipeline(self.carrier, policies or self.plain)
        return pipeline.run(HttpRequest("GET", url), enforce_https=False).http_response.status_code

    def close(self) -> None:
        """Ends it."""
        self.carrier.close()


class AsyncClient:
    """The same for an event loop; each get() is a loop of its own."""

    def __init__(self, creds: Any, **options: Any) -> None:
        self.credential = AsyncTokenCredential(creds, **options)
        self.policy = AsyncBearerTokenCredentialPolicy(self.credential, SCOPE)
        self.hook = CustomHookPolicy(raw_response_hook=self.credential.on_response)
        self.bare, self.plain = [self.policy], [self.policy, self.hook]
        self.again = [AsyncRetryPolicy(retry_on_status_codes=[401], retry_total=1, retry_backoff_factor=0), *self.plain]

    def get(self, url: str, policies: Any = None) -> int:
        """Sends one."""
        return self.gather(url, 1, policies)[0]

    def gather(self, url: str, count: int, policies: Any = None) -> list[int]:
        """Sends so many at once."""

        async def main() -> list[int]:
            async with AioHttpTransport() as carrier:
                pipeline = AsyncPipeline(carrier, policies or self.plain)

                async def one() -> int:
                    answer = await pipeline.run(HttpRequest("GET", url), enforce_https=False)
                    return answer.http_response.status_code

                return await asyncio.gather(*(one() for _ in range(count)))

        self.policy._lock_instance = None  # it belongs to a loop
        return asyncio.run(main())

    def close(self) -> None:
        """Nothing is kept."""


@pytest.fixture(params=[Client, AsyncClient], ids=["threads", "loop"])
def new(request: pytest.FixtureRequest, make: Make) -> Iterator[Callable[..., Any]]:
    """Makes a client of either kind."""
    made: list[Any] = []

    def client(creds: Any = None, **options: Any) -> Any:
        made.append(request.param(creds or make(), **options))
        return made[-1]

    yield client
    for one in made:
        one.close()


def test_they_are_what_azure_core_expects(make: Make) -> None:
    """Both satisfy azure-core's protocols, the older and the newer."""
    plain, twin = TokenCredential(make()), AsyncTokenCredential(make())
    assert isinstance(plain, Expected)
    assert isinstance(plain, SupportsTokenInfo)
    assert isinstance(twin, AsyncExpected)
    assert isinstance(twin, AsyncSupportsTokenInfo)


def test_cold(new: Callable[..., Any], server: Server, authority: Authority) -> None:
    """The first call asks for the policy's scope, the next ones do not."""
    client = new()
    assert [client.get(server.api_url) for _ in range(3)] == [200] * 3
    assert [record.form["scope"] for record in authority.requests] == [SCOPE]


def test_twenty_at_once(make: Make, server: Server, authority: Authority) -> None:
    """Twenty threads, and twenty tasks, that are cold cause one exchange."""
    creds = make()
    client = Client(creds)
    assert herd(20, lambda: client.get(server.api_url)) == [200] * 20
    assert AsyncClient(creds).gather(server.api_url, 20) == [200] * 20
    client.close()
    assert authority.exchanges == 1


def test_stale(new: Callable[..., Any], server: Server, authority: Authority, sa_clock: ManualClock) -> None:
    """From `refresh_on` the policy asks again, and is given the old token at once, until the next is there."""
    client = new()
    client.get(server.api_url)
    first = client.policy._token
    sa_clock.advance(STALE)
    with authority.hold():
        began = time.monotonic()
        assert client.get(server.api_url) == 200
        assert time.monotonic() - began < 5
    eventually(lambda: authority.exchanges == 2)
    eventually(lambda: client.get(server.api_url) == 200 and client.policy._token.token != first.token)
    assert authority.exchanges == 2


def test_expired(new: Callable[..., Any], server: Server, authority: Authority, sa_clock: ManualClock) -> None:
    """An expired one is renewed by whoever calls next."""
    client = new()
    client.get(server.api_url)
    sa_clock.advance(OVER)
    assert client.get(server.api_url) == 200
    assert authority.exchanges == 2


def test_401(new: Callable[..., Any], server: Server, authority: Authority) -> None:
    """azure-core hands a 401 over; with the hook the next call has another token, and without it the same one."""
    client = new()
    client.get(server.api_url)
    authority.revoke_all()
    assert [client.get(server.api_url, client.bare) for _ in range(2)] == [401, 401]
    assert authority.exchanges == 1
    assert [client.get(server.api_url) for _ in range(3)] == [401, 200, 200]
    assert authority.exchanges == 2


def test_401_sent_again(new: Callable[..., Any], server: Server, authority: Authority) -> None:
    """With 401 among the statuses to retry the caller sees nothing of it."""
    client = new()
    client.get(server.api_url, client.again)
    authority.revoke_all()
    assert client.get(server.api_url, client.again) == 200
    assert (authority.exchanges, authority.api.refused) == (2, 1)


def test_401_for_ever(new: Callable[..., Any], server: Server, authority: Authority) -> None:
    """An API that refuses everything costs one renewal."""
    client = new()
    authority.api.refuse_all = True
    assert [client.get(server.api_url) for _ in range(4)] == [401] * 4
    assert authority.exchanges == 2


def test_claims_challenge(new: Callable[..., Any], site: Site, authority: Authority) -> None:
    """A claims challenge is answered by a token for those claims, and later calls have a new one as well."""
    client = new()
    url = site.plan("/planned", Response(401, {"www-authenticate": CHALLENGE}))
    assert client.get(url) == 200
    tokens = [request.headers["authorization"] for request in site.seen]
    assert [record.form.get("claims") for record in authority.requests] == [None, CLAIMS]
    assert len(set(tokens)) == 2
    client.policy._token = None
    assert client.get(site.server.api_url) == 200
    assert [record.form.get("claims") for record in authority.requests] == [None, CLAIMS, None]


def test_endpoint_down(
    new: Callable[..., Any],
    server: Server,
    authority: Authority,
    sa_clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While a token lives nothing is noticed; without one the error is ours."""
    client = new()
    client.get(server.api_url)
    authority.down()
    sa_clock.advance(STALE)
    assert client.get(server.api_url) == 200
    eventually(lambda: "the held token lives on" in caplog.text)
    sa_clock.advance(OVER - STALE)
    with pytest.raises(SaAuthError) as caught:
        client.get(server.api_url)
    assert (caught.value.status, caught.value.retryable) == (503, True)


def test_nobody_there(new: Callable[..., Any], server: Server, authority: Authority) -> None:
    """Cold with nobody at the endpoint: a TransportError of ours."""
    authority.unreachable = True
    with pytest.raises(TransportError):
        new().get(server.api_url)


def test_scopes(make: Make, authority: Authority) -> None:
    """Each set of scopes is a token of its own, and each is asked for once."""
    credential = TokenCredential(make(scope="mine"))
    tokens = {scopes: credential.get_token(*scopes).token for scopes in [("a",), ("a", "b"), ()] for _ in range(3)}
    assert [record.form["scope"] for record in authority.requests] == ["a", "a b", "mine"]
    assert len(set(tokens.values())) == 3


def test_a_plain_source(make: Make) -> None:
    """A TokenSource alone gives its own token for any scope, and says that it takes no claims."""
    credential = TokenCredential(make(scope="mine")._source)
    assert credential.get_token("a").token == credential.get_token("b").token
    with pytest.raises(ConfigError) as caught:
        credential.get_token("a", claims=CLAIMS)
    assert (caught.value.code, bool(caught.value.hint)) == ("no_replace", True)


def test_claims_before_anything_else(make: Make, authority: Authority) -> None:
    """Claims are asked for where nothing was handed out yet, and afresh each time."""
    credential = TokenCredential(make())
    assert len({credential.get_token("a", claims=CLAIMS).token for _ in range(2)}) == 2
    assert [record.form.get("claims") for record in authority.requests] == [CLAIMS, CLAIMS]


def test_a_401_to_another(make: Make) -> None:
    """A 401 to somebody else's token discards nothing of ours."""
    credential = TokenCredential(make())
    token = credential.get_token("a").token
    refusal = SimpleNamespace(status_code=401)
    theirs = SimpleNamespace(headers={"Authorization": "Bearer theirs"})
    credential.on_response(SimpleNamespace(http_response=refusal, http_request=theirs))  # type: ignore[arg-type]
    assert credential.get_token("a").token == token


def test_what_is_handed_out(make: Make, sa_clock: ManualClock) -> None:
    """The times are whole numbers, as azure-core declares them; a token's own type goes along."""
    credential = TokenCredential(make())
    info = credential.get_token_info("a", options={"enable_cae": True})
    plain = credential.get_token("a", enable_cae=True, further="ignored")
    assert plain == (info.token, info.expires_on)
    assert info.expires_on == int(sa_clock.wall()) + 3600
    assert (type(info.expires_on), type(info.refresh_on), info.token_type) == (int, int, "Bearer")
    assert sa_clock.wall() < info.refresh_on < info.expires_on  # type: ignore[operator]


def test_another_tenant(make: Make, authority: Authority) -> None:
    """A token of another tenant than the credentials' is refused, where that one is known, before anything is sent."""
    creds = make()
    known = TokenCredential(creds, tenant_id="T1")
    assert known.get_token("a", tenant_id="t1").token == TokenCredential(creds).get_token("a", tenant_id="t2").token
    asked = len(authority.requests)
    with pytest.raises(ConfigError) as caught:
        known.get_token_info("a", options={"tenant_id": "t2"})
    assert caught.value.code == "other_tenant"
    assert len(authority.requests) == asked


def test_closing(make: Make) -> None:
    """Both close what the credentials opened, by `with` or by close(); a plain source has nothing to close."""
    closed: list[str] = []
    transport = SimpleNamespace(send=print, close=lambda: closed.append("closed"))

    async def main() -> None:
        async with AsyncTokenCredential(make(transport=transport)):
            pass
        await AsyncTokenCredential(make()._source).close()

    with TokenCredential(make(transport=transport)):
        pass
    asyncio.run(main())
    assert closed == ["closed", "closed"]


def test_the_loop_goes_on(make: Make, server: Server, authority: Authority) -> None:
    """While a hundred tasks wait for a slow exchange the loop runs: each of them keeps it for less than 20 ms."""
    authority.delay = 0.3
    credential = AsyncTokenCredential(make())
    steps: list[float] = []

    async def main() -> list[Any]:
        tasks = []
        for _ in range(100):
            # The processor's time of this thread, in a task's first step: what another program takes is not ours.
            began = time.thread_time()
            tasks.append(asyncio.ensure_future(credential.get_token_info(SCOPE)))
            await asyncio.sleep(0)
            steps.append(time.thread_time() - began)
        impatient = asyncio.ensure_future(asyncio.wait_for(credential.get_token(SCOPE), 0.05))
        await asyncio.gather(*tasks)
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]
        return [*(await asyncio.gather(*tasks)), *(await asyncio.gather(impatient, return_exceptions=True))]

    gc.disable()  # in a process of many libraries a collection takes longer, and falls into any step
    try:
        outcomes = asyncio.run(main())
    finally:
        gc.enable()
    assert isinstance(outcomes.pop(), asyncio.TimeoutError)
    assert len({info.token for info in outcomes}) == 1
    assert authority.exchanges == 1
    assert max(steps) < 0.02


def test_no_bearer(make: Make) -> None:
    """Tokens that are bound to a proof are refused at once."""
    for kind in (TokenCredential, AsyncTokenCredential):
        with pytest.raises(ConfigError) as caught:
            kind(make(dpop=True))
        assert caught.value.code == "not_bearer"


def test_without_azure_core() -> None:
    """Without azure-core the error is one sentence with the command that installs it."""
    script = "import sys; sys.modules['azure.core'] = None\nimport sa_auth.integrations.azure"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.stderr.splitlines()[-1].startswith(
        "sa_auth.errors.MissingExtra: missing_extra: The bridge sa_auth.integrations.azure needs the package 'azure-core'. "
        'Hint: Install it with: pip install "sa_auth[azure]"'
    )
