"""Fixtures of the flows: an authority by the hand-moved clock, the same over HTTP, and credentials that ask it.

Rule: a file that needs an authority or credentials of its own kind puts its fixture in the place of the one here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.testing import Authority, ManualClock, Server
from tests.flow.children import Child
from tests.flow.kit import PRIVATE, PUBLIC, Site


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority by the hand-moved clock, which knows "app" by its key."""
    made = Authority(clock=sa_clock)
    made.register("app", PUBLIC)
    return made


@pytest.fixture
def site(authority: Authority) -> Iterator[Site]:
    """It over HTTP, and a site beside it."""
    made = Site(authority)
    with made.server:
        yield made


@pytest.fixture
def server(site: Site) -> Server:
    """It over HTTP."""
    return site.server


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another origin, which knows none of our tokens."""
    made = Site(Authority())
    with made.server:
        yield made


@pytest.fixture
def make(server: Server, sa_clock: ManualClock) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of "app" that know the server's name and no endpoint, by the client's own grant."""

    def credentials(**changes: Any) -> ServiceAccountCredentials:
        given: dict[str, Any] = {
            "issuer": "app", "server": server.issuer, "clock": sa_clock, "grant": "client_credentials",
            "cache": MemoryCache(),
        }  # fmt: skip
        return ServiceAccountCredentials(PRIVATE, **{**given, **changes})

    return credentials


@pytest.fixture
def make_robot(server: Server, sa_clock: ManualClock) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own, which know the endpoint alone and bring an assertion."""

    def credentials(**changes: Any) -> ServiceAccountCredentials:
        issuer = f"robot-{secrets.token_hex(6)}"
        server.authority.register(issuer, PUBLIC)
        given = {"issuer": issuer, "token_endpoint": server.token_endpoint, "clock": sa_clock, "cache": MemoryCache()}
        return ServiceAccountCredentials(PRIVATE, **{**given, **changes})

    return credentials


@pytest.fixture
def session(make: Callable[..., ServiceAccountCredentials]) -> Iterator[requests.Session]:
    """A Session with such credentials."""
    with requests.Session() as made:
        made.auth = make()
        yield made


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts children, each of an identity of its own unless told, and ends them at the end of the test."""
    children: list[Child] = []

    def start(server: Server, script: str, issuer: str | None = None, cache: str = "") -> Child:
        issuer = issuer or f"robot-{secrets.token_hex(6)}"
        server.authority.register(issuer, PUBLIC)
        path = tmp_path / "key.pem"
        if not path.exists():
            path.touch(0o600)
            path.write_text(PRIVATE)
        children.append(Child(script, str(path), issuer, server.token_endpoint, cache))
        return children[-1]

    yield start
    for one in children:
        one.close()


@pytest.fixture
def live(sa_authority: Authority) -> Iterator[Server]:
    """An authority by the real clock, for children."""
    with sa_authority.serve() as served:
        yield served
