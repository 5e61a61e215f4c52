"""Runs the fast suites on the oldest dependencies that setup.cfg allows.

Rule: exactly the floors, which is looked at before anything is run; the newest are what `make test` has. `make test-bounds`.
"""

from __future__ import annotations

import subprocess
import sys

from tests.arch.floors import floors
from tests.arch.venvs import ROOT, make, tell, test

_ASK = "import sys; from importlib.metadata import version; print(*(version(name) for name in sys.argv[1:]))"


def main() -> int:
    """Makes the environment, looks at what is in it, and runs the suites."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    pins = build / "floors.txt"
    pins.write_text("".join(f"{name}=={floor}\n" for name, floor in floors().items()), encoding="utf-8")
    python = make(sys.executable, build / "bounds", "--constraint", str(pins))
    asked = subprocess.run([str(python), "-c", _ASK, *floors()], stdout=subprocess.PIPE, text=True, check=True)
    there = dict(zip(floors(), asked.stdout.split(), strict=True))
    print(" ".join(f"{name} {version}" for name, version in there.items()))
    if there != floors():
        print("These are not the floors of setup.cfg.")
        return 1
    return tell([test("oldest-dependencies", python)])


if __name__ == "__main__":
    sys.exit(main())
