"""`sa-auth doctor`: goes through a whole sign-in, and says what is wrong with it and what to do.

Rule: it changes nothing; what would mend a thing is printed as a command. The last lines say the cause and the remedy, a
sentence each. No token, secret, private key or signature is printed.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from .show import Json, console, say_json
from .sign_in import SignIn, takes_sign_in
from .steps.step import FAIL, OK, SKIPPED, UNREACHED, WARN, Step
from .steps.walk import Report, walk

Offline = Annotated[bool, typer.Option("--offline", help="Look at file, key, certificate and arguments; ask nobody.")]

_SIGNS = {OK: "\u2713", WARN: "!", FAIL: "\u2717", SKIPPED: "-", UNREACHED: "-"}
_PLAIN = {**_SIGNS, OK: "+", FAIL: "x"}
_STYLES = {OK: "green", WARN: "yellow", FAIL: "bold red", SKIPPED: "dim", UNREACHED: "dim"}
_NAMES = {"tls": "TLS"}
_INDENT = 14


@takes_sign_in
def doctor(sign_in: SignIn, *, offline: Offline = False, as_json: Json = False) -> int:
    """Goes through the whole sign-in, marks each step, and says the cause and the remedy.

    It really signs in, past every cache, with one exchange: one request, and one more at most where that may help. It
    changes nothing. Exit code 0: all is good; 1: a fault was found; 3: nobody answered, or not now.
    """
    report = walk(sign_in, offline=offline)
    if as_json:
        say_json(_told(report, offline=offline))
    else:
        _print(report, offline=offline)
    if report.good:
        return 0
    return 3 if report.blamed is not None and report.blamed.no_answer else 1


def _told(report: Report, *, offline: bool) -> dict[str, Any]:
    blamed = report.blamed or Step("")
    return {
        "ok": report.good,
        "offline": offline,
        "steps": [{**step._asdict(), "more": list(step.more)} for step in report.steps],
        "cause": blamed.cause,
        "remedy": blamed.remedy,
        "command": blamed.command,
        "page": blamed.page,
    }


def _print(report: Report, *, offline: bool) -> None:
    out = console()
    signs = _SIGNS if _can("\u2713\u2717") else _PLAIN
    for step in report.steps:
        found = step.found or step.verdict
        _line(out, Text.assemble((signs[step.verdict], _STYLES[step.verdict]), f" {_NAMES.get(step.name, step.name):<{_INDENT - 2}}"), found,
              "dim" if step.verdict in {SKIPPED, UNREACHED} else "")  # fmt: skip
        for more in step.more:
            _line(out, Text(" " * _INDENT), more, "dim")
        if step.verdict in {WARN, FAIL} and step is not report.blamed:
            _line(out, Text(" " * _INDENT), f"{step.cause} {step.remedy}".strip(), _STYLES[step.verdict])
            _command(out, step.command, _INDENT)
    out.print()
    _end(out, report, offline=offline)


def _end(out: Console, report: Report, *, offline: bool) -> None:
    blamed = report.blamed
    if report.good:
        nobody = any(step.found.startswith("signed here") for step in report.steps)
        said = "A token is made; whether an API takes it was not asked." if nobody else "The sign-in works."
        said = "Nothing is wrong as far as can be seen offline." if offline else said
        out.print(Text(said, style="green"))
    if blamed is None:
        return
    names = ("Warning: ", "Remedy: ") if report.good else ("Cause: ", "Remedy: ")
    for name, text in zip(names, (blamed.cause, blamed.remedy), strict=True):
        if text:
            _line(out, Text(name, style="bold"), text, indent=0)
    if blamed.command:
        out.print(Text.assemble(("Command: ", "bold"), (blamed.command, "cyan")), soft_wrap=True)
    if blamed.page:
        _line(out, Text("Page: ", style="bold"), blamed.page, indent=0)


def _line(out: Console, head: Text, text: str, style: str = "", *, indent: int = _INDENT) -> None:
    """A line, its text folded beside its head where a terminal is narrow; whole where none is there."""
    width = out.width - indent if out.is_terminal else 0
    first = " " * (len(head) - indent)
    lines = textwrap.wrap(first + text, width, break_on_hyphens=False) if width > 20 else [first + text]
    lines = lines or [first]
    out.print(Text.assemble(head, (lines[0].removeprefix(first) if first else lines[0], style)), soft_wrap=True)
    for line in lines[1:]:
        out.print(Text.assemble(" " * indent, (line, style)), soft_wrap=True)


def _command(out: Console, command: str, indent: int) -> None:
    # Never folded: it is there to be copied.
    if command:
        out.print(Text.assemble(" " * indent, (command, "cyan")), soft_wrap=True)


def _can(signs: str) -> bool:
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
