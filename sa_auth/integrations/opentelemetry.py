"""Metrics of what happens to tokens, for OpenTelemetry.

Rule: it listens and records, and no more; an attribute holds a word from a short list, never a secret. Of
`opentelemetry` the API alone is used, loaded when somebody asks for metrics. Stands beside the bridges to HTTP clients,
on the events. Source: https://opentelemetry.io/docs/specs/semconv/general/metrics/ for names and units;
https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ for `error.type`;
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ for the buckets of seconds.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .._forks import guarded
from .._loading import load
from ..errors import ConfigError, MissingExtra
from ..events import Event, listen

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider

_COUNTERS = {
    "exchange": ("sa_auth.exchanges", "{exchange}", "Tokens got from their servers."),
    "hit": ("sa_auth.hits", "{token}", "Tokens handed out at once."),
    "adopted": ("sa_auth.adopted", "{token}", "Tokens taken that another process had got."),
    "bypassed": ("sa_auth.bypassed", "{exchange}", "Another process's exchanges that took too long to wait for."),
    "failure": ("sa_auth.failures", "{failure}", "Renewals that failed."),
    "cache_failure": ("sa_auth.cache.failures", "{failure}", "Times that a shared cache could not be used."),
}
_DURATIONS = {
    "exchange": ("sa_auth.exchange.duration", "Duration of the exchanges that brought a token."),
    "waited": ("sa_auth.lock.wait", "Duration of the waits for another process's exchange."),
}
# The API's own buckets are for milliseconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_OTHER = "_OTHER"  # the convention's own word for what is none of those known

_lock = guarded(threading.RLock())


class _Running(NamedTuple):
    """What was begun and has not ended.

    Attributes:
        provider: Where it records.
        everybodys: Whether that was the process's own provider, which may stand for one that is set later.
        identities: As asked for.
        stop: Ends it.
    """

    provider: MeterProvider
    everybodys: bool
    identities: bool
    stop: Callable[[], None]


_running: list[_Running] = []


def instrument(meter_provider: MeterProvider | None = None, *, identities: bool = False) -> Callable[[], None]:
    """Records what happens to the tokens of this process as metrics, whichever credentials they are of.

    Counters: `sa_auth.exchanges`, `sa_auth.hits`, `sa_auth.adopted`, `sa_auth.bypassed`, `sa_auth.failures`,
    `sa_auth.cache.failures`. Histograms, in seconds: `sa_auth.exchange.duration`, `sa_auth.lock.wait`. What each is of
    stands at `events.Event`. Their attributes are `sa_auth.tier`, which cache, and `error.type`, the error's code;
    "_OTHER" where a server's code is no word.

    Nothing is counted twice: called again for the same provider it changes nothing, and gives the same function. Where
    workers are forked call it in each, after the fork, where its provider is made: OpenTelemetry's SDK does not outlive
    a fork whole.

    Args:
        meter_provider: Where to record; None: the process's own, also where that is set later.
        identities: Whether each series is told apart by `sa_auth.identity`, 8 hex digits: as many series as identities.

    Returns:
        Ends it when called. What was recorded stays with the provider.

    Raises:
        MissingExtra: the extra "otel" is not installed.
        ConfigError: this provider has metrics already, with the other `identities=`; or it is no provider.

    Example:
        >>> from opentelemetry.sdk.metrics import MeterProvider
        >>> from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> reader = InMemoryMetricReader()
        >>> stop = instrument(MeterProvider(metric_readers=[reader]))
        >>> for _ in range(3):
        ...     _ = creds.token()
        >>> stop()
        >>> for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
        ...     point = metric.data.data_points[0]
        ...     print(metric.name, dict(point.attributes), getattr(point, "value", "s"))
        sa_auth.exchanges {} 1
        sa_auth.exchange.duration {} s
        sa_auth.hits {'sa_auth.tier': 'memory'} 2
    """
    common = _api().get_meter_provider()
    provider = common if meter_provider is None else meter_provider
    if not callable(getattr(provider, "get_meter", None)):
        raise ConfigError(
            f"instrument() was given a {type(provider).__name__}.",
            code="bad_argument",
            hint="It takes a MeterProvider.",
        )
    recording = _Recording(provider.get_meter("sa_auth", _version()), identities=bool(identities))
    with _lock:
        for one in _running:
            if one.provider is provider or (one.everybodys and provider is common):
                if one.identities is not bool(identities):
                    raise ConfigError(
                        f"This provider has the metrics already, with identities={one.identities}.",
                        code="already_instrumented",
                        hint="End that first, by the function that instrument() gave.",
                    )
                return one.stop
        end = listen(recording)

        def stop() -> None:
            with _lock:
                end()
                _running[:] = [one for one in _running if one.stop is not stop]

        _running.append(_Running(provider, provider is common, bool(identities), stop))
    return stop


class _Recording:
    """The listener."""

    def __init__(self, meter: Meter, *, identities: bool) -> None:
        self._identities = identities
        self._counters = {
            event: meter.create_counter(name, unit=unit, description=description)
            for event, (name, unit, description) in _COUNTERS.items()
        }
        self._durations = {
            event: meter.create_histogram(
                name, unit="s", description=description, explicit_bucket_boundaries_advisory=_BUCKETS
            )
            for event, (name, description) in _DURATIONS.items()
        }

    def __call__(self, event: Event) -> None:
        """Records one."""
        attributes = self._attributes(event)
        counter, duration = self._counters.get(event.name), self._durations.get(event.name)
        if counter is not None:
            counter.add(1, attributes)
        if duration is not None:
            duration.record(event.seconds, attributes)

    def _attributes(self, event: Event) -> dict[str, str]:
        attributes = {}
        if event.tier:
            attributes["sa_auth.tier"] = event.tier
        if event.code:
            # A server chooses its codes: what is no word could be anything, and another each time.
            attributes["error.type"] = event.code if _WORD.fullmatch(event.code) else _OTHER
        if self._identities:
            attributes["sa_auth.identity"] = event.identity
        return attributes


def _api() -> Any:
    try:
        return load("opentelemetry.metrics")
    except ModuleNotFoundError:
        pass
    # Raised out here, so that it has no context.
    raise MissingExtra(
        "Metrics for OpenTelemetry need the package 'opentelemetry-api'.",
        hint='Install it with: pip install "sa_auth[otel]"',
    )


def _version() -> str:
    version: str = load("importlib.metadata").version("sa_auth")
    return version
