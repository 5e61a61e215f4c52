"""The documentation of the command line: its examples run, and its other lines are understood by the program."""

from __future__ import annotations

import io
import re
import shlex
import sys

import pytest
import typer

from sa_auth.cli import app
from sa_auth.cli.app import COMMANDS
from tests.docs.test_code_blocks import PAGES, ROOT, blocks, world

__all__ = ["world"]  # a fixture
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
LINES = sorted(
    {line for page in PAGES for line in re.findall(r"^(?:\$ )?(sa-auth .*)$", page.read_text("utf-8"), re.MULTILINE)}
)


def steps(code):
    """The commands of a block, each with the code it ends with and the lines that are shown of it."""
    found = []
    for line in code.splitlines():
        if line.startswith("$ "):
            text, _, ends = line[2:].partition("  # ")
            found.append((text, int(ends or 0), []))
        else:
            found[-1][2].append(line)
    return found


def parts(line):
    """The commands between the pipes of a line."""
    words, found = shlex.split(line, comments=True), [[]]
    for word in words:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word)
    return found


@pytest.mark.parametrize(("page", "line", "code"), blocks("console"))
def test_console_block(page, line, code, world, capsys, monkeypatch):
    """A block of the shell runs as it stands, ends as it says, and prints what is shown ("..." stands for anything)."""
    monkeypatch.setenv("COLUMNS", "200")
    for text, ends, shown in steps(code):
        piped = b""
        for name, *arguments in parts(text):
            assert name == "sa-auth"
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))
            capsys.readouterr()
            done, out = app.run(arguments), capsys.readouterr().out
            piped = out.encode()
        assert done == ends, (page, line, text)
        assert re.fullmatch(_pattern(shown), out.rstrip("\n") + "\n"), (text, out)


def _pattern(shown):
    lines = ["(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n" for line in shown]
    return "".join(lines)


@pytest.mark.parametrize("line", LINES)
def test_each_line_is_understood(line):
    """Each line of the documentation that begins with sa-auth has a command and options that there are."""
    for name, *arguments in parts(line):
        if name == "sa-auth":
            understood(arguments)


def understood(arguments):
    """Has typer read a command line without running it."""
    group = typer.main.get_command(app._app(arguments))
    with group.make_context("sa-auth", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        with command.make_context(name, rest, parent=context) as inner:
            assert not inner.args


def test_a_wrong_option_would_be_noticed():
    """An option that there is not fails that test."""
    with pytest.raises(Exception, match="No such option"):
        understood(["token", "key.json", "--scop", "read"])


def test_every_command_is_described():
    """Each command has its row in the table and an example."""
    for name in COMMANDS:
        assert f"| `{name}` |" in PAGE
        assert (
            re.search(rf"(\$ |^|\| )sa-auth {name}\b", PAGE, re.MULTILINE) or name == "serve"
        )  # which has a page of its own


def test_the_exit_codes():
    """The table of exit codes has those of the program."""
    codes = {
        app.DONE, app.REFUSED, app.UNUSABLE, app.NO_ANSWER, app.OUR_FAULT, app.INTERRUPTED, app.PIPE_CLOSED,
    }  # fmt: skip
    table = PAGE.partition("## Exit codes")[2].partition("##")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes
