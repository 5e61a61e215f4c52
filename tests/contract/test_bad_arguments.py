"""What every provider refuses in the same way: odd arguments, foreign hosts, and nothing that is shown."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.providers import PROVIDERS
from sa_auth.testing import google_key_file, new_key

RSA, EC = new_key("rsa2048")[0], new_key("p256")[0]
# Those who sell the software, or a name of the customer's own, and no address of theirs alone.
ANYWHERE = {
    "adfs", "auth0", "databricks", "generic", "google_gdch", "keycloak", "lti", "okta", "smart", "vault",
    "app_store_connect", "coinbase_cdp", "snowflake",  # which exchange nothing
}  # fmt: skip
ODD: dict[str, list[Any]] = {
    "grant": [{}, [], 5, object(), SaAuthError, b"x"],
    "client_auth": [{}, [], 5, object(), b"x"],
    "claims": [5, "x", [], [1], object()],
    "headers": [5, "x", [1], object()],
    "form": [5, "x", {1: 2}, {"a": []}],
    "issuer": [7, b"x", [], ""],
    "subject": [7, b"x", [], {}],
    "audience": [7, [], {}],
    "scope": [5, [5], {1: 2}],
    "server": [5, [], "x", "https://h.example/{x}", "https://h.example/{0}", "http://[::1", "https://h.example/adfs/{"],
    "token_endpoint": [5, [], "x", "http://[::1", "https://[", "https://h.example/{x}"],
    "resource": [5, [5], "x"],
    "lifetime": ["x", float("nan"), -1, True],
    "key_id": [5, []],
    "algorithm": ["none", "HS256", 5],
    "certificate": [5, [], {}, object()],
    "dpop": ["x", 5, []],
}


@pytest.mark.parametrize("key", [RSA, EC, None], ids=["RSA", "EC", "no key"])
@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_an_odd_argument(name: str, key: str | None) -> None:
    """Whatever is given, it is taken, or refused by an error of the library's with advice; no other error comes out."""
    for argument, values in ODD.items():
        for value in values:
            given = {"issuer": "robot", "key_id": "k1", "scope": "a", "token_endpoint": "https://as.example/t"}
            arguments = {**given, argument: value, "provider": name, "cache": MemoryCache()}
            try:
                ServiceAccountCredentials(key, **arguments)
            except SaAuthError as error:
                assert error.hint, (argument, value)


def test_hosts() -> None:
    """A provider with an address of its own names the hosts that a key file may send things to."""
    assert {name for name in PROVIDERS if not PROVIDERS[name].hosts} == ANYWHERE


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - ANYWHERE))
@pytest.mark.parametrize("field", ["token_endpoint", "server"])
def test_a_foreign_host(name: str, field: str) -> None:
    """A key file of our own format sends nothing of a vendor's to another's host."""
    info = {"type": "sa_auth", "provider": name, "issuer": "robot", "key": RSA, field: "https://evil.example/services"}
    with pytest.raises(SaAuthError):
        ServiceAccountCredentials.from_info(info)


CANARY = "PzSx4xJ7secret"


@pytest.mark.parametrize(
    "way",
    [
        ServiceAccountCredentials.from_file,
        lambda path: ServiceAccountCredentials.from_info(json.loads(path.read_text())),
        lambda path: ServiceAccountCredentials(RSA.replace("M", CANARY, 1), token_endpoint="https://as.example/t"),
        lambda _: ServiceAccountCredentials(RSA, password=CANARY, token_endpoint="https://as.example/t", lifetime=-1),
    ],
    ids=["a file", "a mapping", "a text", "a password"],
)
def test_no_frame_shows_it(way: Any, tmp_path: Path) -> None:
    """An error at construction comes without the frames that held key, password or file."""
    info = google_key_file(email="robot@demo.iam.gserviceaccount.com", private_key_pem=RSA)
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"type": info["type"], "private_key": f"{CANARY} {info['private_key']}"}))
    path.chmod(0o600)
    with pytest.raises(SaAuthError) as caught:
        way(path)
    ours = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in ours.stack if "/sa_auth/" in frame.filename and "/tests/" not in frame.filename]
    assert frames
    assert not any(CANARY in str(frame.locals) for frame in frames)
