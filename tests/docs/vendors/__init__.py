"""Key files that the providers' examples open: each vendor's file here makes its own, by `make(folder, private)`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def make_all(folder: Path, private: str) -> None:
    """Makes them all.

    Args:
        folder: Where.
        private: An RSA key as PEM.
    """
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        import_module(f"{__name__}.{path.stem}").make(folder, private)


def write(path: Path, content: str | bytes) -> None:
    """Writes a key file that nobody else may read."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
