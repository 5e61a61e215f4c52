"""The public face is what it says, and light."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELVES = ["sa_auth", *(f"sa_auth.{name}" for name in (
    "assertions", "caches", "client_auth", "errors", "grants", "keys", "providers", "signers", "testing", "transports",
))]  # fmt: skip
HEAVY = (
    "requests", "urllib3", "jwt", "cryptography", "cachetools", "rich", "http.client", "filelock", "platformdirs", "redis",
    "opentelemetry", "httpx", "httpx2", "aiohttp", "grpc", "trio", "asyncio", "pkcs11", "hvac", "boto3", "azure",
    "google",
)  # fmt: skip


@pytest.mark.parametrize("name", SHELVES)
def test_all_is_sorted_and_true(name):
    """A shelf's `__all__` is sorted as the linter sorts it (constants, classes, functions); each name is there."""
    shelf = import_module(name)
    kind = {name: (not name.isupper(), not name[0].isupper(), name) for name in shelf.__all__}
    assert list(shelf.__all__) == sorted(shelf.__all__, key=kind.__getitem__)
    for public in shelf.__all__:
        assert getattr(shelf, public) is not None


@pytest.mark.parametrize("name", ["sa_auth", "sa_auth.keys", "sa_auth.testing", "sa_auth.testing.plugin"])
def test_import_is_light(name):
    """Importing the package loads no HTTP library, no JWT library, no cryptography and no cache library."""
    code = f"import {name}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_python_file_of_the_package_begins_with_its_docstring():
    """A file says first what it is."""
    for path in (ROOT / "sa_auth").rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_no_file_is_longer_than_its_end():
    """A file has at most 350 lines, the face at most 300 with its arguments' documentation."""
    for path in (ROOT / "sa_auth").rglob("*.py"):
        end = 300 if path.name == "credentials.py" else 350
        assert len(path.read_text(encoding="utf-8").splitlines()) <= end, path
