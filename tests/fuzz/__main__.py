"""Runs targets under atheris: `python -m tests.fuzz answers --seconds 600`; without names all of them, two at a time.

Rule: only `sa_auth` is instrumented. What a target is fed lies in `build/fuzz/corpus/<target>`, from run to run; what it
stumbles over is written to `build/fuzz/<target>/`, and `python -m tests.fuzz <target> --case FILE` judges that again.
A case that takes longer than five seconds is a find as well.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from . import TARGETS

_BUILD = Path("build/fuzz")
_LIMITS = ("-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0")
_LONGEST = {"answers": 40_000, "cache_records": 2_000}  # bytes of a case; a key file is smaller


def _loaded(name: str) -> Any:
    """The target, once all of the library that it may load is instrumented."""
    import atheris

    with atheris.instrument_imports(include=["sa_auth"]):
        from sa_auth import assertions, caches, client_auth, grants, keys, providers

        for shelf in (assertions, caches, client_auth, grants, keys, providers):
            for found in Path(*shelf.__path__).glob("*.py"):
                if found.stem not in {"__init__", "__main__"}:
                    importlib.import_module(f"{shelf.__name__}.{found.stem}")
        return importlib.import_module(f".{name}", __package__)


def _fuzz(name: str, seconds: int) -> None:
    """Feeds one target until the time is over or something is found; ends the process."""
    import atheris

    target = _loaded(name)
    from .mutation import changed  # after it: what is imported before is not instrumented

    corpus, finds = _BUILD / "corpus" / name, _BUILD / name
    for folder in (corpus, finds):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = target.seeds()
    for name_of_seed, seed in seeds.items():
        (corpus / f"seed_{name_of_seed}").write_bytes(seed)
    whole = list(seeds.values())

    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        # libFuzzer keeps the shortest case for a line of Python, and most of what a seed has is read by no Python.
        base = random.choice(whole) if random.random() < 0.3 else data
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            base = changed(base, random, lambda part: atheris.Mutate(part, max(len(part) + 64, 64)))
        return base[:most]

    limits = (*_LIMITS, f"-max_total_time={seconds}", f"-max_len={_LONGEST.get(name, 12_000)}")
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-artifact_prefix={finds}/", *limits], target.judge, custom_mutator=mutate
    )
    atheris.Fuzz()


def _all(names: list[str], seconds: int) -> int:
    """Each in a process of its own, two at a time; how many ended badly."""

    def run(name: str) -> int:
        began, log = time.monotonic(), _BUILD / f"{name}.log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds)]
            code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
        lines = log.read_text(errors="replace").splitlines()
        told = [line for line in lines if " cov: " in line or "number_of_executed_units" in line]
        print(
            f"{name}: {'ok' if code == 0 else f'FOUND something, see {log}'}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        print("\n".join(f"  {line}" for line in told[-3:]), flush=True)
        return code

    _BUILD.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        return sum(code != 0 for code in pool.map(run, names))


def main() -> int:
    """Runs one target here, several each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="target", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--case", type=Path, help="a file to judge, once and without atheris")
    asked = parser.parse_args()
    names = asked.names or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    if asked.case is not None:
        importlib.import_module(f".{names[0]}", __package__).judge(asked.case.read_bytes())
    elif len(names) == 1:
        _fuzz(names[0], asked.seconds)
    else:
        return _all(names, asked.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
