"""A script in an interpreter of its own, which finds credentials there and is spoken to line by line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import sa_auth

HEAD = """
import os, signal, sys, threading, time
from sa_auth import ServiceAccountCredentials, Token
from sa_auth.errors import SaAuthError

path, issuer, endpoint, cache = sys.argv[1:5]
if cache.startswith("/"):
    from sa_auth.caches import FileCache
    cache = FileCache(cache)
creds = ServiceAccountCredentials(path, issuer=issuer, token_endpoint=endpoint, cache=cache or None)

def say(*words):
    print(*words, flush=True)

def heard():
    return sys.stdin.readline()
"""


class Child:
    """A script in an interpreter of its own, spoken to line by line."""

    def __init__(self, script: str, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(sa_auth.__file__).parents[1])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def close(self) -> None:
        """Ends it if it is still there, and lets go of its pipes."""
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def hear(self) -> str:
        """The next line it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self) -> None:
        """Lets it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, *, within: float = 20.0) -> list[str]:
        """Waits for its end, which must be a good one, and gives the rest of what it said."""
        said, complaints = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, complaints
        return said.split("\n")[:-1]
