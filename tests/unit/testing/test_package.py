"""The face of `sa_auth.testing`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sa_auth.testing

HOME = Path(sa_auth.testing.__file__).parent
MAY_USE = {
    "sa_auth.wire",
    "sa_auth.errors",
    "sa_auth._clock",
    "sa_auth._encoding",
    "sa_auth._loading",
    "sa_auth._registry",
    # When a client renews, which the timeline draws and nothing here judges by.
    "sa_auth.policy",
}


def test_the_face_is_what_it_says() -> None:
    """Every public name is there, the list is sorted, and an unknown name is an AttributeError."""
    names = sa_auth.testing.__all__
    assert sorted(names) == sorted(set(names))
    for name in names:
        assert getattr(sa_auth.testing, name) is not None
    assert set(names) <= set(dir(sa_auth.testing))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = sa_auth.testing.nothing_like_it


@pytest.mark.parametrize("path", sorted(HOME.rglob("*.py")), ids=lambda path: str(path.relative_to(HOME)))
def test_nothing_judged_is_imported(path: Path) -> None:
    """The authority imports nothing of the library that it judges: it reads the RFCs by itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= len(path.relative_to(HOME).parts), "a relative import that leaves the room"
            found |= {node.module or ""} if node.level == 0 else set()
    ours = {name for name in found if name.partition(".")[0] == "sa_auth" and not name.startswith("sa_auth.testing")}
    assert ours <= MAY_USE


def test_importing_it_is_light() -> None:
    """The package loads neither PyJWT nor cryptography before a part is used."""
    code = "import sys, sa_auth.testing; print({'jwt', 'cryptography', 'requests'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
