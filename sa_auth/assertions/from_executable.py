"""An assertion that a program gives on its standard output.

Rule: run for every exchange, never through a shell, with nothing to read, and killed with all it started when its time is
over; what it writes is never repeated. Stands under the grants. Source: https://google.aip.dev/auth/4117 (executable sources)
for what such programs expect.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess  # nosec B404 # a list, and no shell
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from .._clock import SYSTEM, Deadline
from .._encoding import digest
from .._jsonobject import json_object
from ..errors import ConfigError
from ..policy import positive
from ..token import NOTHING
from ..wire import conversation
from .handed import HandedOver
from .shape import LARGEST

_AT_ONCE = 65536  # bytes


class FromExecutable(HandedOver):
    """Runs a program for an assertion, anew for every exchange.

    Args:
        command: The program, and its arguments, each by itself: no shell reads them. Others may see them in the list of
            processes, so no secret belongs there.
        timeout: Seconds that it may take; within an exchange also no longer than that has left.
        environment: Variables that it has beside those of this process; with them, which may be secret, it is not pickled.
        field: Where the assertion stands in the JSON object that it writes; None: all that it writes is it.

    Raises:
        ConfigError: one of them is not usable.

    Example:
        >>> FromExecutable(["/bin/echo", "opaque"]).mint(0)
        'opaque'
    """

    __slots__ = ("_environment", "command", "field", "timeout")

    command: tuple[str, ...]
    timeout: float
    field: str | None
    _environment: Mapping[str, str]

    def __init__(
        self, command: Sequence[str], *, timeout: float = 30.0, environment: Mapping[str, str] = NOTHING,
        field: str | None = None,
    ) -> None:  # fmt: skip
        parts = () if isinstance(command, str | bytes) else tuple(command)
        if not parts or not all(isinstance(part, str) and "\0" not in part for part in parts) or not parts[0].strip():
            raise ConfigError(
                "The command is no list of texts, or empty.", code="bad_argument",
                hint="The program first, then each argument by itself: ['/usr/bin/token', '--for', 'robot'].",
            )  # fmt: skip
        if field is not None and not (isinstance(field, str) and field):
            raise ConfigError(
                "FromExecutable(field=) is no text.", code="bad_argument", hint="Name the JSON object's field."
            )
        super().__init__(
            f"the program {os.path.basename(parts[0])!r}", command=parts, timeout=positive(timeout, "timeout"),
            field=field, _environment=dict(environment),
        )  # fmt: skip

    def read(self) -> str | bytes:
        """What the program writes now."""
        written = self.run()
        if self.field is None:
            return written
        value = (json_object(written, {self.field}) or {}).get(self.field)
        if not isinstance(value, str):
            raise ConfigError(
                f"What {self.where} wrote is no JSON object with a text in its field {self.field[:60]!r}.",
                code="assertion_missing", hint="Run it by itself and see what it writes.",
            )  # fmt: skip
        return value

    def run(self) -> bytes:
        """Runs the program, and gives what it wrote.

        Raises:
            ConfigError: it cannot be started, takes too long, or ends with an error.
        """
        within = conversation()
        limit = self.timeout if within is None else max(min(self.timeout, within.deadline.left()), 0.01)
        deadline = Deadline(SYSTEM, limit)
        process = self._started()
        try:
            written = _read(process, deadline)
            if written is not None and len(written) <= LARGEST:  # of more, the rest is not waited for
                process.wait(max(deadline.left(), 0.0))
        except subprocess.TimeoutExpired:
            written = None
        finally:
            ended = process.returncode
            _end(process)
        if written is None:
            raise ConfigError(
                f"No assertion came from {self.where} within {limit:g} s.", code="assertion_timeout", retryable=True,
                hint="Run it by itself and see what it waits for; it is given nothing to read. timeout= sets the seconds.",
            )  # fmt: skip
        if ended:
            raise ConfigError(
                f"{self.where[0].upper()}{self.where[1:]} ended with status {ended}.",
                code="assertion_program", retryable=True,
                hint="Run it by itself with the same variables and see what it says; its words are not repeated here.",
            )  # fmt: skip
        return written

    def _started(self) -> subprocess.Popen[bytes]:
        reason = ""
        try:
            return subprocess.Popen(  # nosec B603 # noqa: S603 - a list, and no shell
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                bufsize=0, env={**os.environ, **self._environment}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            reason = (error.strerror or "it cannot be started").lower()
        raise ConfigError(
            f"{self.where[0].upper()}{self.where[1:]} cannot be started: {reason}.", code="assertion_program",
            hint="Name it by its absolute path, and see that this user may run it."
            if shutil.which(self.command[0]) is None
            else "See that it is a program, or begins with #!.",
        )  # fmt: skip

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The command, and how it is run.

        Raises:
            ConfigError: it has variables of its own.
        """
        # Refused whole: with their names alone it would run there without them, or with what other values they have.
        if self._environment:
            raise ConfigError(
                f"{type(self).__name__} with environment= is not pickled: its values may be secret.", code="not_picklable",
                hint="Set the variables in the process that uses it, and leave environment= out; or make it there.",
            )  # fmt: skip
        return (self.command,), {"timeout": self.timeout, "field": self.field}

    def fingerprint(self) -> tuple[str, ...]:
        """The command, and a hash of the variables that it is given."""
        told = (part for item in sorted(self._environment.items()) for part in item)
        return ("from_executable", *self.command, self.field or "", digest(*told).hex())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.command[0]!r})"


def _read(process: subprocess.Popen[bytes], deadline: Deadline) -> bytes | None:
    """What it writes, to the end or to one byte more than any assertion has; None where that takes too long."""
    got, out = bytearray(), process.stdout

    def read() -> None:
        try:
            while out is not None and len(got) <= LARGEST and (some := out.read(_AT_ONCE)):
                got.extend(some)
        except (OSError, ValueError):  # closed meanwhile: nobody waits any more
            pass

    # On a thread, since no system lets a pipe be waited for in the same way.
    reader = threading.Thread(target=read, name="sa_auth program", daemon=True)
    reader.start()
    reader.join(max(deadline.left(), 0.0))
    return None if reader.is_alive() else bytes(got)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and all that it started, which may hold its output open."""
    if process.returncode is None:
        if hasattr(os, "killpg"):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
