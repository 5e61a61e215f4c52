"""The command line: `sa-auth`, one command per file, in the table of `app`.

Rule: a command reads its arguments, asks the library, and prints; what it knows, the library knows. Nothing of this is
loaded by the library.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Runs `sa-auth` with the process's own arguments; gives its exit code (see `app`)."""
    try:
        from .app import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sa_auth"):
            raise
        sys.stderr.write(f'sa-auth needs the package {error.name!r}. Install it with: pip install "sa_auth[cli]"\n')
        return 2
    except KeyboardInterrupt:  # before anything was begun
        return 130
    return run()
