"""What a person sees: results on standard output, everything else on standard error.

Rule: colour and width are rich's to judge (none where the output is no terminal, or NO_COLOR is set); `--json` gives one
JSON object and nothing beside it. Secrets are printed where they were asked for, and logged nowhere.

Source: https://no-color.org.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sa_auth.errors import ConfigError, SaAuthError

Json = Annotated[bool, typer.Option("--json", help="One JSON object in place of text, for programs.")]

# Hints name the arguments of Python; at the command line they have another form.
_ARGUMENT = re.compile(
    r"(?<!\w\()\b(scope|subject|audience|issuer|provider|server|token_endpoint|key_id|algorithm|lifetime|certificate|resource|"
    r"grant|client_auth|timeout|cache|claims|headers|form)=(?:(['\"])([^'\"]*)\2|(?=[\s,.:;)`]|$))"
)
# What code has to say is said by an option there.
_IN_CODE = re.compile(r"(--[\w-]+(?: [^\s,.]+)?(?: says so)?) in code\b|(say so) in code(?=: --)")
_PAIR = re.compile(r"\b(claim|header|form)s?=\{'([^']+)': '?([^'}]*)'?\}")
_PHRASES = (
    ("password=, as text or as a callable that returns it.",
     "--password-env NAME, the variable that holds it; at a terminal it is asked for."),
    ("Give password=. ", "Give --password-env NAME, the variable that holds it. "),
    ("transport=RequestsTransport(verify=PATH)", "--ca FILE"),
    ("HTTPS_PROXY and proxies=", "HTTPS_PROXY and --proxy"),
)  # fmt: skip


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or as COLUMNS says; what is no terminal gets no colour and no line ends of ours."""
    made = Console(stderr=stderr, highlight=False)
    made.soft_wrap = not made.is_terminal
    return made


def read_input(most: int = -1) -> bytes:
    """Standard input, whole, or so many bytes of it.

    Raises:
        ConfigError: there is none.
    """
    if sys.stdin is None:
        raise ConfigError("There is no standard input.", code="usage", hint="Pass a file, or pipe something in.")
    return sys.stdin.buffer.read(most)


def say(text: str) -> None:
    """Prints a line of a result, as it is."""
    sys.stdout.write(f"{text}\n")


def say_json(value: Mapping[str, Any]) -> None:
    """Prints a result for programs."""
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n")


def prose(text: str) -> Text:
    """A sentence of the documentation for a terminal: what stands in backticks is set off by colour there.

    A call of Python's in them stays one.
    """
    parts = text.split("`")
    shown = (part if number % 2 and "(" in part else spoken(part) for number, part in enumerate(parts))
    return Text.assemble(*((part, "cyan" if number % 2 else "") for number, part in enumerate(shown)))


def printable(text: str) -> str:
    r"""A stranger's text without what a terminal would act on.

    Example:
        >>> printable("red: \x1b[31m")
        'red: \\x1b[31m'
    """
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def show_rows(pairs: Iterable[tuple[str, str | Text | None]]) -> None:
    """Prints names and values under one another; a row without a value is left out, and none is folded in a pipe."""
    there = [(name, value if isinstance(value, Text) else Text(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in there), default=0)
    out = console()
    if not out.is_terminal:
        for name, text in there:
            say(f"{name:<{width}}  {text.plain}")
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in there:
        table.add_row(name, text)
    out.print(table)


def note(text: str, style: str = "") -> None:
    """Tells a person something beside the result."""
    console(stderr=True).print(Text(text, style=style))


def fail(failure: SaAuthError, *, as_json: bool) -> None:
    """Says what went wrong, and what to do.

    Args:
        failure: It.
        as_json: Whether a program asked: then it stands on standard output, where the result would.
    """
    hint = spoken(failure.hint)
    if as_json:
        fields = {name: getattr(failure, name) for name in ("code", "message", "retryable", "status", "retry_after")}
        say_json({"error": {**fields, "hint": hint, "page": failure.page}})
        sys.stdout.flush()
        return
    out = console(stderr=True)
    out.print(Text.assemble((f"{failure.code}: ", "bold red"), failure.message))
    if hint:
        out.print(Text.assemble(("Hint: ", "bold"), hint))
    out.print(Text.assemble(("More: ", "bold"), failure.page))


def spoken(hint: str) -> str:
    """A hint in the words of the command line: `scope=` is `--scope` there.

    Example:
        >>> spoken("Pass token_endpoint=, or server=.")
        'Pass --token-endpoint, or --server.'
        >>> spoken("Pass server='https://a.test', or claims={'nbf': True}.")
        'Pass --server https://a.test, or --claim nbf=True.'
        >>> spoken("One or more of scope='read write'.")
        "One or more of --scope 'read write'."
    """
    for python, here in _PHRASES:
        hint = hint.replace(python, here)
    said = _ARGUMENT.sub(_option, _PAIR.sub(lambda found: f"--{found[1]} {found[2]}={found[3]}", hint))
    return _IN_CODE.sub(lambda found: found[1] or found[2], said)


def _option(found: re.Match[str]) -> str:
    value = f" {shlex.quote(found[3])}" if found[3] else ""
    # Of a mapping, an option is one pair.
    name = {"claims": "claim", "headers": "header"}.get(found[1], found[1].replace("_", "-"))
    return f"--{name}{value}"


def listen() -> None:
    """Has what the library warns of stand on standard error, a line each."""
    warnings.showwarning = lambda message, *_rest: note(f"warning: {message}", "yellow")
    log = logging.getLogger("sa_auth")
    if not any(isinstance(handler, _Told) for handler in log.handlers):
        log.addHandler(_Told(logging.WARNING))


class _Told(logging.Handler):
    """Tells what is logged, but for what the command itself ends with."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tells one line of it."""
        if "renewal failed" not in str(record.msg):
            note(f"{record.levelname.lower()}: {record.getMessage()}", "yellow")
