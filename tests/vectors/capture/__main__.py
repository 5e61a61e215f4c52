"""`python -m tests.vectors.capture [--check] [NAME ...]`: captures what the vendors' libraries send."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE.parent / "providers"


def main(arguments: list[str]) -> int:
    """Writes, or with --check compares; 1 where something differs or a library is missing."""
    check = "--check" in arguments
    chosen = [name for name in arguments if name != "--check"]
    names = chosen or sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    failed = []
    for name in names:
        path = VECTORS / f"{name}.json"
        vector = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"provider": name}
        seen = import_module(f"tests.vectors.capture.{name}").capture()
        same = vector.get("seen") == seen["seen"]
        print(f"{name}: {seen['sdk']['name']} {seen['sdk']['version']}: {'as before' if same else 'differs'}")
        if check and not same:
            failed.append(name)
        elif not check:
            path.write_text(json.dumps({**vector, **seen}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
