"""The fuzz targets under hypothesis: any bytes, seeds as they are, and seeds changed inside."""

from __future__ import annotations

import importlib
import json
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import TARGETS
from tests.fuzz.mutation import changed

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
FEW = settings(QUIET, max_examples=150)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    "access_token", "token_type", "expires_in", "refresh_token", "scope", "error", "error_description", "auth", "id_token",
    "iamToken", "expiresAt", "data", "type", "key", "issuer", "token_endpoint", "boxAppSettings", "clientid", "certurl",
    "certificate", "private_key", "client_email", "service_account_id", "key_algorithm", "id", "name", "privateKey", "kty",
    "crv", "d", "n", "e", "x", "y", "p", "keys", "x5c", "kid", "alg", "use", "key_ops",
)  # fmt: skip
TARGET = pytest.mark.parametrize("name", TARGETS)


def load(name: str) -> Any:
    """The target of that name."""
    return importlib.import_module(f"tests.fuzz.{name}")


@cache
def seeds(name: str) -> list[bytes]:
    """Its seeds, made once."""
    return list(load(name).seeds().values())


@TARGET
def test_seeds(name: str) -> None:
    """What holds for any bytes holds for good ones, and those nearly good."""
    for data in seeds(name):
        load(name).judge(data)


@TARGET
@FEW
@given(data=st.binary(max_size=400))
def test_any_bytes(name: str, data: bytes) -> None:
    """Any bytes become a value that keeps its promises, or an error of ours."""
    load(name).judge(data)


@TARGET
@FEW
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_changed_seeds(name: str, seed: int, times: int) -> None:
    """So do good bytes that were changed inside the form that they have."""
    random = Random(seed)
    data = random.choice(seeds(name))
    for _ in range(times):
        data = changed(data, random)
    load(name).judge(data)


@pytest.mark.parametrize("name", ["answers", "key_files", "jwk"])
@FEW
@given(way=st.integers(0, 255), value=JSON, names=st.lists(st.sampled_from(NAMES), max_size=4))
def test_any_json(name: str, way: int, value: Any, names: list[str]) -> None:
    """So does any JSON, under the names that the readers look for."""
    body = json.dumps(dict.fromkeys(names, value) if names else value).encode()
    load(name).judge({"answers": bytes([way]) + b"200\n\n", "key_files": bytes([way]), "jwk": b""}[name] + body)
