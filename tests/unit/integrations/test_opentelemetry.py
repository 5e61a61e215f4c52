"""The metrics as OpenTelemetry's own SDK takes them in: which, of what, told apart by what, and until when."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentelemetry.metrics
import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import sa_auth
from sa_auth import ConfigError, MissingExtra, Retry, SaAuthError, events
from sa_auth.client_auth import ClientSecretPost
from sa_auth.events import Event
from sa_auth.integrations import opentelemetry as integration
from sa_auth.integrations.opentelemetry import instrument
from sa_auth.testing import Authority
from tests.unit.test_events import (
    CLIENT_SECRET,
    PRIVATE,
    PUBLIC,
    TOKEN,
    Broken,
    Guarded,
    Shelf,
    at_once,
    eventually,
    sign_in,
)

UNITS = {
    "sa_auth.exchanges": "{exchange}",
    "sa_auth.hits": "{token}",
    "sa_auth.adopted": "{token}",
    "sa_auth.bypassed": "{exchange}",
    "sa_auth.failures": "{failure}",
    "sa_auth.cache.failures": "{failure}",
    "sa_auth.exchange.duration": "s",
    "sa_auth.lock.wait": "s",
}
SHELF, MEMORY = ("sa_auth.tier", "shelf"), ("sa_auth.tier", "memory")
ROOT = Path(__file__).parents[3]


class Kit:
    """A provider with a reader, and what it has read."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self.reader], shutdown_on_exit=False)

    def scopes(self) -> list[Any]:
        """Who recorded what so far."""
        read = self.reader.get_metrics_data()
        return [] if read is None else [scope for one in read.resource_metrics for scope in one.scope_metrics]

    def points(self, name: str) -> dict[frozenset[tuple[str, Any]], Any]:
        """A metric's points by their attributes."""
        metrics = [metric for scope in self.scopes() for metric in scope.metrics if metric.name == name]
        assert {metric.unit for metric in metrics} <= {UNITS[name]}
        return {frozenset(point.attributes.items()): point for metric in metrics for point in metric.data.data_points}

    def counts(self, name: str) -> dict[frozenset[tuple[str, Any]], int]:
        """A counter's values by their attributes."""
        return {attributes: point.value for attributes, point in self.points(name).items()}


@pytest.fixture
def authority(sa_authority: Authority) -> Authority:
    """One that knows the robot."""
    sa_authority.register("robot", PUBLIC)
    return sa_authority


@pytest.fixture(autouse=True)
def ours(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The identities that are listened to, so that threads which other tests left behind are not; all ends with the test."""
    known = {sign_in(authority).identity.hex()[:8]}
    monkeypatch.setattr(
        integration,
        "listen",
        lambda listener: events.listen(lambda event: listener(event) if event.identity in known else None),
    )
    yield known
    for one in list(integration._running):
        one.stop()


@pytest.fixture
def kit() -> Kit:
    """A provider of the test's own."""
    return Kit()


def code(word: str) -> frozenset[tuple[str, str]]:
    """The attributes of what has an error's code and nothing else."""
    return frozenset({("error.type", word)})


# What is recorded


def test_exchanges_and_hits(kit: Kit, authority: Authority) -> None:
    """Each token got from its server counts as one and is timed; each one handed out at once counts by its tier."""
    instrument(kit.provider)
    creds = sign_in(authority)
    began = time.monotonic()
    for _ in range(5):
        creds.token()
    took = time.monotonic() - began
    assert kit.counts("sa_auth.exchanges") == {frozenset(): 1}
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 4}
    (point,) = kit.points("sa_auth.exchange.duration").values()
    assert point.count == 1
    assert 0 < point.sum < took + 0.01
    assert dict(point.attributes) == {}


def test_hits_are_counted_exactly_on_many_threads(kit: Kit, authority: Authority) -> None:
    """Of 8 threads with 50 calls each none is lost."""
    creds = sign_in(authority)
    creds.token()
    instrument(kit.provider)
    at_once(8, lambda: [creds.token() for _ in range(50)])
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 400}


def test_what_another_process_got(kit: Kit, authority: Authority) -> None:
    """A token that is adopted counts by the cache that had it, and the wait for it is timed."""
    shelf = Shelf()
    one, two = sign_in(authority, cache=shelf), sign_in(authority, cache=(theirs := shelf.other()))
    instrument(kit.provider)
    threads = [threading.Thread(target=creds.token) for creds in (one, two)]
    with authority.hold():
        threads[0].start()
        eventually(lambda: authority.exchanges)
        threads[1].start()
        eventually(lambda: theirs.waits >= 2)
        authority.up()
        for thread in threads:
            thread.join(5)
    assert kit.counts("sa_auth.adopted") == {frozenset({SHELF}): 1}
    assert kit.counts("sa_auth.exchanges") == {frozenset(): 1}
    ((attributes, point),) = kit.points("sa_auth.lock.wait").items()
    assert attributes == {SHELF}
    assert point.count == 1
    assert 0.04 < point.sum < 5


def test_an_exchange_in_spite_of_another_s(kit: Kit, authority: Authority) -> None:
    """Who waited too long for another process and asked as well counts by the cache."""
    instrument(kit.provider)
    sign_in(authority, cache=Guarded(), timeout=0.2).token()
    assert kit.counts("sa_auth.bypassed") == {frozenset({SHELF}): 1}
    assert kit.points("sa_auth.lock.wait")[frozenset({SHELF})].count == 1
    assert kit.counts("sa_auth.exchanges") == {frozenset(): 1}
    assert kit.counts("sa_auth.cache.failures") == {frozenset({SHELF, ("error.type", "slow_holder")}): 1}


def test_failures_by_their_code(kit: Kit, authority: Authority) -> None:
    """A renewal that fails counts by the error's code, and times no exchange."""
    instrument(kit.provider)
    creds = sign_in(authority, retry=Retry(attempts=1))
    with authority.answer(400, {"error": "invalid_grant"}), pytest.raises(SaAuthError):
        creds.token()
    assert kit.counts("sa_auth.failures") == {code("invalid_grant"): 1}
    assert not kit.counts("sa_auth.exchanges")
    assert not kit.points("sa_auth.exchange.duration")


def test_failures_of_a_cache(kit: Kit, authority: Authority) -> None:
    """A cache that cannot be used counts by which it is and why."""
    instrument(kit.provider)
    sign_in(authority, cache=Broken(OSError(TOKEN))).token()
    ((attributes, value),) = kit.counts("sa_auth.cache.failures").items()
    assert attributes == {SHELF, ("error.type", "OSError")}
    assert value >= 1


def test_each_metric_says_what_it_is(kit: Kit) -> None:
    """Every event that is promised has its metric, with a unit and a sentence, under the name and version of the package."""
    instrument(kit.provider)
    (one,) = integration._running
    assert one.provider is kit.provider
    recording = integration._Recording(kit.provider.get_meter("sa_auth", sa_auth.__version__), identities=False)
    for name in ("hit", "adopted", "exchange", "waited", "bypassed", "failure", "cache_failure"):
        recording(Event(name, "00000000", seconds=0.2))
    (scope,) = kit.scopes()
    assert (scope.scope.name, scope.scope.version) == ("sa_auth", sa_auth.__version__)
    assert {metric.name: metric.unit for metric in scope.metrics} == UNITS
    assert all(metric.description.endswith(".") for metric in scope.metrics)


def test_buckets_are_of_seconds(kit: Kit, authority: Authority) -> None:
    """An exchange of some milliseconds and one of some seconds do not fall into one bucket."""
    instrument(kit.provider)
    sign_in(authority).token()
    (point,) = kit.points("sa_auth.exchange.duration").values()
    assert [sum(bound < 1 for bound in point.explicit_bounds), point.explicit_bounds[-1]] == [9, 10.0]


def test_an_event_of_another_kind_is_let_pass(kit: Kit, authority: Authority) -> None:
    """What a later version tells and this one knows no metric for is not recorded."""
    instrument(kit.provider)
    events.tell(events.Event("something new", sign_in(authority).identity.hex()[:8], "memory", 1.0))
    assert not kit.scopes()


# What tells series apart


def test_identities_only_where_asked_for(kit: Kit, authority: Authority) -> None:
    """By default no series is told apart by identity; with `identities=True` each is, by its 8 hex digits."""
    instrument(kit.provider)
    other = Kit()
    instrument(other.provider, identities=True)
    creds = sign_in(authority)
    creds.token()
    creds.token()
    identity = ("sa_auth.identity", creds.identity.hex()[:8])
    assert set(kit.counts("sa_auth.hits")) == {frozenset({MEMORY})}
    assert set(other.counts("sa_auth.hits")) == {frozenset({MEMORY, identity})}
    assert set(other.points("sa_auth.exchange.duration")) == {frozenset({identity})}


@pytest.mark.parametrize("said", ["", "[a JWT]", "request 7f3a failed", "Ä", "x" * 65, "a\nb"])
def test_a_server_s_own_words_are_no_series(said: str, kit: Kit, authority: Authority) -> None:
    """A code that is no word counts as `_OTHER`, so that a server that chatters makes no series each time."""
    instrument(kit.provider)
    events.tell(events.Event("failure", sign_in(authority).identity.hex()[:8], code=said))
    assert kit.counts("sa_auth.failures") == {code("_OTHER") if said else frozenset(): 1}


def test_no_attribute_holds_a_secret(kit: Kit, authority: Authority, ours: set[str]) -> None:
    """Neither key, secret, assertion nor token is in what is read, even where server or cache say them."""
    authority.register("robot", PUBLIC, client_id="robot", client_secret=CLIENT_SECRET)
    instrument(kit.provider, identities=True)
    proof, once = {"client_auth": ClientSecretPost("robot", CLIENT_SECRET)}, {"retry": Retry(attempts=1)}
    one, two = sign_in(authority, **proof), sign_in(authority, **proof, cache=Broken(OSError(TOKEN)))
    ours.add(one.identity.hex()[:8])
    tokens = [creds.token().access_token for creds in (one, one, two)]
    assertion = authority.requests[-1].form["assertion"]
    for said in (TOKEN, assertion):
        with pytest.raises(SaAuthError), authority.answer(400, {"error": assertion, "error_description": said}):
            sign_in(authority, **proof, **once).token()
    assert kit.counts("sa_auth.hits")
    assert kit.counts("sa_auth.cache.failures")
    assert kit.counts("sa_auth.failures")
    shown = "".join(scope.to_json() for scope in kit.scopes())
    pieces = [part[:24] for record in authority.requests for part in record.form["assertion"].split(".")[1:]]
    for canary in (TOKEN, CLIENT_SECRET, *tokens, *pieces, *PRIVATE.splitlines()[1:-1]):
        assert canary not in shown


# For how long, and how often


def test_it_ends_when_told_to(kit: Kit, authority: Authority) -> None:
    """After the end nothing more is recorded, what was recorded stays, and it may begin again."""
    creds = sign_in(authority)
    stop = instrument(kit.provider)
    creds.token()
    creds.token()
    stop()
    stop()
    creds.token()
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 1}
    again = instrument(kit.provider)
    stop()  # of the one before, and nothing to this one
    creds.token()
    again()
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 2}


def test_nothing_is_counted_twice(kit: Kit, authority: Authority) -> None:
    """A second call for the same provider changes nothing, also on many threads at once: either's end is the end."""
    creds = sign_in(authority)
    creds.token()
    ends: list[Callable[[], None]] = []
    at_once(8, lambda: ends.append(instrument(kit.provider)))
    creds.token()
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 1}
    assert len(set(ends)) == 1
    ends[0]()
    creds.token()
    assert kit.counts("sa_auth.hits") == {frozenset({MEMORY}): 1}


def test_a_second_call_that_wants_something_else_is_refused(kit: Kit) -> None:
    """One provider has them with identities or without; after an end it may be the other."""
    stop = instrument(kit.provider)
    with pytest.raises(ConfigError) as caught:
        instrument(kit.provider, identities=True)
    assert caught.value.code == "already_instrumented"
    stop()
    instrument(kit.provider, identities=True)


def test_two_providers_have_one_each(kit: Kit, authority: Authority) -> None:
    """Each provider records every event; the end of one leaves the other."""
    other = Kit()
    stop = instrument(kit.provider)
    instrument(other.provider)
    creds = sign_in(authority)
    creds.token()
    stop()
    creds.token()
    assert not kit.counts("sa_auth.hits")
    assert kit.counts("sa_auth.exchanges") == other.counts("sa_auth.exchanges") == {frozenset(): 1}
    assert other.counts("sa_auth.hits") == {frozenset({MEMORY}): 1}


def test_without_a_provider_it_is_the_process_s_own(
    kit: Kit, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None stands for the one that the process has, and naming that one is no second."""
    monkeypatch.setattr(opentelemetry.metrics, "get_meter_provider", lambda: kit.provider)
    stop = instrument()
    assert instrument(kit.provider) is stop
    sign_in(authority).token()
    assert kit.counts("sa_auth.exchanges") == {frozenset(): 1}


def test_the_process_s_provider_may_be_set_later() -> None:
    """Metrics asked for before there is a provider go to the one that is set, once, whoever asks for them again."""
    script = (
        "from opentelemetry.metrics import get_meter_provider, set_meter_provider\n"
        "from opentelemetry.sdk.metrics import MeterProvider\n"
        "from opentelemetry.sdk.metrics.export import InMemoryMetricReader\n"
        "from sa_auth.events import Event, tell\n"
        "from sa_auth.integrations.opentelemetry import instrument\n"
        "stops = [instrument(), instrument(get_meter_provider())]\n"
        "reader = InMemoryMetricReader()\n"
        "set_meter_provider(MeterProvider(metric_readers=[reader]))\n"
        "stops += [instrument(), instrument(get_meter_provider())]\n"
        "tell(Event('hit', tier='memory'))\n"
        "stops[-1]()\n"
        "tell(Event('hit', tier='memory'))\n"
        "(metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics\n"
        "print(len(set(stops)), metric.name, metric.data.data_points[0].value)\n"
    )
    assert python(script) == "1 sa_auth.hits 1\n"


def test_a_provider_that_records_nothing(authority: Authority) -> None:
    """A provider that does nothing, as where the SDK is switched off, is taken as any other."""
    instrument(NoOpMeterProvider())
    creds = sign_in(authority)
    assert creds.token() is creds.token()


@pytest.mark.parametrize("wrong", ["provider", 5, object()])
def test_what_is_no_provider_is_refused(wrong: Any) -> None:
    """It is told by its type, and nothing is begun."""
    with pytest.raises(ConfigError) as caught:
        instrument(wrong)
    assert type(wrong).__name__ in caught.value.message
    assert not integration._running


# Where the package is absent


def python(script: str) -> str:
    """Runs a script in an interpreter of its own and gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("absent", ["opentelemetry", "opentelemetry.metrics"])
def test_without_the_package(absent: str) -> None:
    """The module can be imported; what asks for metrics raises MissingExtra with the pip command, and no context."""
    script = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        "from sa_auth.integrations.opentelemetry import instrument\n"
        "try: instrument()\n"
        "except Exception as error: print(type(error).__name__, error, error.__context__)\n"
    )
    shown = python(script)
    assert shown.startswith(f"{MissingExtra.__name__} ")
    assert 'pip install "sa_auth[otel]"' in shown
    assert shown.endswith(" None\n")
    assert shown.count("\n") == 1


def test_the_file_s_name_hides_nothing() -> None:
    """Importing ours loads nothing of theirs, and leaves `import opentelemetry` to theirs."""
    script = (
        "import sys\n"
        "import sa_auth.integrations.opentelemetry as ours\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'opentelemetry'])\n"
        "import opentelemetry.metrics\n"
        "print(ours.__name__, opentelemetry.metrics.__name__, hasattr(opentelemetry, 'instrument'))\n"
    )
    assert python(script) == "[]\nsa_auth.integrations.opentelemetry opentelemetry.metrics False\n"
