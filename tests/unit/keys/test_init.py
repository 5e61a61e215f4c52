"""Tests of `sa_auth.keys`: its face."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sa_auth import keys


def test_names() -> None:
    """Every public name is there, listed in order, and shown by dir()."""
    assert list(keys.__all__) == sorted(keys.__all__)
    for name in keys.__all__:
        assert getattr(keys, name).__name__ == name
        assert name in dir(keys)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = keys.no_such_name


def test_import_is_light(python: Callable[..., str]) -> None:
    """Importing the package loads no cryptography; asking for a name does."""
    script = (
        "import sys, sa_auth.keys\n"
        "before = 'cryptography' in sys.modules\n"
        "sa_auth.keys.from_pem\n"
        "print(before, 'cryptography' in sys.modules, 'jwt' in sys.modules, 'requests' in sys.modules)\n"
    )
    assert python(script) == "False True False False"
