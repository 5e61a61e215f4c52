"""Which tests are to find which changes: a plugin of pytest, for the runs of mutmut alone.

Rule: a module is judged by the tests that were written for it, so that a change is found by the test that states what it
breaks, and a run of five thousand changes ends within hours. Loaded by `[tool.mutmut]` in pyproject.toml.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

_UNIT, _FLOW = "tests/unit/", "tests/flow/"
_WAITERS = (
    _UNIT + "test_source.py",
    _FLOW + "test_concurrency.py", _UNIT + "test_events.py", _FLOW + "test_refresh_tokens.py",
    _UNIT + "test_revocation.py", _FLOW + "test_revoke_flow.py", _FLOW + "test_seats.py",
    _FLOW + "test_requests_session.py", _FLOW + "test_rest_and_self_signed.py",
)  # fmt: skip
_SHARING = (_UNIT + "sharing/test_renewal.py", _UNIT + "sharing/test_place.py", _UNIT + "sharing/")
_FILE = (_UNIT + "caches/test_file.py", _UNIT + "caches/test_own_folder.py", "tests/contract/test_caches.py")
_REDIS = (_UNIT + "caches/test_redis_client.py", _UNIT + "caches/test_redis_faults.py", _UNIT + "caches/test_redis.py")
_NAMED = (_UNIT + "caches/test_named.py",)
# By the beginning of a module's name, the longest first; each file in the order in which it is tried.
TESTS: dict[str, tuple[str, ...]] = {
    "sa_auth.policy": (_UNIT + "test_policy.py", "sa_auth/policy.py"),
    "sa_auth.answer": (_UNIT + "test_answer.py",),
    "sa_auth.source": (*_WAITERS, _UNIT + "providers/test_coinbase_cdp.py", _UNIT + "sharing/test_sharing.py"),
    "sa_auth.slot": (*_WAITERS, _UNIT + "sharing/test_sharing.py"),
    "sa_auth.flight": (*_WAITERS, _UNIT + "sharing/test_sharing.py"),
    "sa_auth.sharing": _SHARING,
    "sa_auth.place": (_UNIT + "sharing/test_place.py", *_SHARING),
    "sa_auth.exchange": (
        _UNIT + "test_exchange.py", _UNIT + "test_exchange_clock.py", _UNIT + "test_exchange_refresh.py",
        _UNIT + "test_exchange_secrets.py", _UNIT + "test_no_shared_token.py", _UNIT + "test_revocation.py",
        _FLOW + "test_refresh_tokens.py", _FLOW + "test_metadata_flow.py", _FLOW + "test_dpop_flow.py",
        _FLOW + "test_rest_and_self_signed.py", _UNIT + "sharing/test_sharing.py",
    ),
    "sa_auth.caches.record": (_UNIT + "caches/test_record.py",),
    "sa_auth.caches.memory": (_UNIT + "caches/test_memory.py", _FLOW + "test_concurrency.py", "sa_auth/caches/memory.py"),
    "sa_auth.caches.named": (_NAMED[0], _UNIT + "caches/test_named_caches.py", _UNIT + "test_credentials.py"),
    "sa_auth.caches.own_key": (_UNIT + "caches/test_own_key.py",),
    "sa_auth.caches.own_folder": (_FILE[1], _FILE[0]),
    "sa_auth.caches.file": _FILE,
    "sa_auth.caches.breaker": (_UNIT + "caches/test_breaker.py", "sa_auth/caches/breaker.py"),
    "sa_auth.caches.redis": _REDIS,
    "sa_auth.caches.redis_client": (_REDIS[0], _UNIT + "caches/test_redis_url_names.py", _UNIT + "caches/test_redis_place.py"),
    "sa_auth.caches.redis_faults": _REDIS[1:2],
    "sa_auth.caches.redis_scripts": (_UNIT + "caches/test_redis_scripts.py",),
    "sa_auth.caches": _NAMED,
    "sa_auth.integrations.requests": (
        _UNIT + "integrations/test_requests.py", _FLOW + "test_requests_session.py", _FLOW + "test_requests_replay.py",
        _FLOW + "test_dpop_flow.py", _FLOW + "test_mutual_tls.py", "sa_auth/integrations/requests.py",
    ),
    "sa_auth.integrations.where": (
        _UNIT + "integrations/test_requests.py", _FLOW + "test_requests_session.py", _FLOW + "test_dpop_flow.py",
        "sa_auth/integrations/where.py",
    ),
}  # fmt: skip


def tests_of(module: str) -> tuple[str, ...]:
    """The files and folders whose tests are to find a change of that module."""
    return TESTS[max((name for name in TESTS if module.startswith(name)), key=len)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Has a test that was not written for a module count as none that reaches it."""
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        from mutmut.state import state

        reached = state()._stats
        reached -= {name for name in reached if not item.nodeid.startswith(tests_of(_module(name)))}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the tests that most likely find it."""
    module = _module(os.environ.get("MUTANT_UNDER_TEST", ""))
    if module:
        order = tests_of(module)
        items.sort(key=lambda item: next(_places(item.nodeid, order), len(order)))


def _module(function: str) -> str:
    return function.rpartition(".")[0]


def _places(nodeid: str, order: tuple[str, ...]) -> Iterator[int]:
    return (at for at, name in enumerate(order) if nodeid.startswith(name))
