"""The table of commands, and how one of them is run to its exit code.

Rule: whatever goes wrong is one sentence on standard error, what to do included, and an exit code that says what kind of
thing it was; never a traceback. Only the command that was asked for is loaded.

Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html (128 and the signal's number).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import typer
from typer.exceptions import Abort, TyperException

from sa_auth._registry import Registry
from sa_auth.errors import ConfigError, SaAuthError, TransportError
from sa_auth.refusal import place_of

from .show import fail, listen, note

COMMANDS = Registry(
    "command",
    {
        "token": "sa_auth.cli.token:token",
        "header": "sa_auth.cli.header:header",
        "request": "sa_auth.cli.request:request",
        "inspect": "sa_auth.cli.inspect:inspect",
        "keygen": "sa_auth.cli.keygen:keygen",
        "jwks": "sa_auth.cli.jwks:jwks",
        "decode": "sa_auth.cli.decode:decode",
        "providers": "sa_auth.cli.providers:providers",
        "serve": "sa_auth.cli.serve:serve",
        "demo": "sa_auth.cli.demo:demo",
        "doctor": "sa_auth.cli.doctor:doctor",
    },
)

# Typer guesses the shell and takes no name of one, unless this is set.
_COMPLETION = ("--show-completion", "--install-completion")
_NAMED_SHELL = "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"

DONE = 0
REFUSED = 1  # the server said no, or a check found a fault
UNUSABLE = 2  # the command line, a key or a file; nothing was sent
NO_ANSWER = 3  # nobody answered, or not now: the same may succeed later
OUR_FAULT = 70
INTERRUPTED = 130
PIPE_CLOSED = 141


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: What stands after the program's name; default the process's own.

    Returns:
        The exit code: 0 done; 1 the server said no, or a check found a fault; 2 the command line, a key or a file is not
        usable, and nothing was sent; 3 nobody answered, or not now; 70 a fault of this program; 130 interrupted; 141
        whoever reads the output has gone.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    as_json = "--json" in given
    if len(given) == 2 and given[0] in _COMPLETION:
        os.environ[_NAMED_SHELL] = "1"
    # A shell may have closed them (>&-).
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    listen()
    failure: SaAuthError
    try:
        code = _app(given)(args=given, prog_name="sa-auth", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer has caught it
            note("Interrupted.")
        return code if isinstance(code, int) else DONE
    except TyperException as error:
        failure = ConfigError(error.format_message().rstrip("."), code="usage", hint=_usage(given))
    except (KeyboardInterrupt, Abort):
        note("Interrupted.")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:  # the latter is typer's, where it met the former
        if isinstance(error, SystemExit) and not error.code and _flushed():  # or the shell's completions were written
            return DONE
        # Python would complain of it once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except SaAuthError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        fail(_fault(error), as_json=as_json)
        return OUR_FAULT
    fail(failure, as_json=as_json)
    return _code(failure)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _flushed() -> bool:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    return True


def _fault(error: Exception) -> SaAuthError:
    # The text of a foreign error may hold anything; its class and place may not.
    return SaAuthError(
        f"{type(error).__name__} was raised, {place_of(error)}.", code="unexpected",
        hint="This is a fault of sa-auth: please report it with this line.",
    )  # fmt: skip


def _code(failure: SaAuthError) -> int:
    if isinstance(failure, ConfigError):
        return UNUSABLE
    return NO_ANSWER if failure.retryable or isinstance(failure, TransportError) else REFUSED


def _usage(given: list[str]) -> str:
    return f"sa-auth {given[0]} --help" if given and given[0] in COMMANDS else "sa-auth --help"


def _app(given: list[str]) -> typer.Typer:
    """The application, with the command that was asked for; with all of them, where none was."""
    app = typer.Typer(
        help="Sign in from a service-account key: try it, look into it, find out why it is refused.",
        pretty_exceptions_enable=False, rich_markup_mode="rich",
    )  # fmt: skip

    @app.callback()
    def _group() -> None:
        pass

    wanted = [given[0]] if given and given[0] in COMMANDS else list(COMMANDS)
    for name in wanted:
        command = COMMANDS[name]
        app.command(name, help=_paragraphs(command.__doc__ or ""))(command)
    return app


def _paragraphs(text: str) -> str:
    """A docstring's paragraphs as lines, for a terminal of any width to fold."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
