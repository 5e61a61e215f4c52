"""The main job: a batch of authenticated calls that stays signed in, with a table at the end.

Rule: nothing is pretended. The authority and the API run in a process of their own, over real HTTP; the key file is
as Google's console writes it; the token endpoint really fails on the way. Exit status 0 means that no call failed and
the exchanges lie between their bounds.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404 # a list, and no shell
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import requests
import typer

try:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table
except ModuleNotFoundError:
    sys.exit('The commands need the package rich. Install it with: pip install "sa_auth[cli]"')

from sa_auth import ConfigError, RefreshPolicy, SaAuthError, ServiceAccountCredentials, Token
from sa_auth.testing import google_key_file, new_key
from sa_auth.testing.report import write_report

from .show import Json, say_json

_EMAIL = "batch-robot@demo-project.iam.gserviceaccount.com"
_LIFE, _LEAD, _MARGIN = 6.0, 3.0, 0.1  # seconds, seconds, share of the life in which no token is handed out
_OUTAGE = 1.5  # seconds


Calls = Annotated[int, typer.Option("--calls", min=1, help="Authenticated calls.")]
Threads = Annotated[int, typer.Option("--threads", min=1, max=256, help="Threads that make them.")]
Report = Annotated[
    str | None, typer.Option("--report", metavar="PATH", help="Writes a page with the timeline of its tokens.")
]


class Options(NamedTuple):
    """What the command line says."""

    calls: int
    threads: int
    report: str | None = None


@dataclass
class Tally:
    """What the batch itself counted. Written by one thread each, added up at the end."""

    seconds: list[float] = field(default_factory=list)
    waited: int = 0
    failures: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `sa-auth demo`.

    Args:
        arguments: The command line after the command's name; default the process's own.

    Returns:
        Its exit code.
    """
    from .app import run

    return run(["demo", *(sys.argv[1:] if arguments is None else arguments)])


def demo(calls: Calls = 10_000, threads: Threads = 8, report: Report = None, *, as_json: Json = False) -> int:
    """Makes a batch of authenticated calls against a local authority and API, over an outage, and says what came of it.

    The code is 0 where no call failed and the exchanges lie between their bounds, else 1.
    """
    options = Options(calls, threads, report)
    if report is not None and (problem := _try(report)):
        raise ConfigError(f"--report {report}: {problem}.", code="unwritable", hint="Pass another path.")
    console = Console(stderr=as_json)  # standard output is the figures' alone, then
    with tempfile.TemporaryDirectory() as folder, _authority() as where:
        path = _sign_up(folder, where)
        with ServiceAccountCredentials.from_file(
            path,
            scope="https://www.googleapis.com/auth/drive",
            # The key file alone may not choose plain http, not even to this machine; code may.
            token_endpoint=where["token_endpoint"],
            refresh=RefreshPolicy(lead=_LEAD),
        ) as creds:
            began = time.monotonic()
            tallies, outage = _batch(creds, where, options, console)
            duration = time.monotonic() - began
        counted = requests.get(where["control_url"], timeout=10).json()
        seen = requests.get(where["control_url"], params={"timeline": _LEAD}, timeout=10).json()
    found = _figures(options, tallies, outage, duration, counted)
    table = _table(found)
    if options.report:
        # Before the verdict: a run that failed is the one to look at.
        cells = [list(column.cells) for column in table.columns]
        rows = [
            [str(column.header) for column in table.columns],
            *([str(cell) for cell in row] for row in zip(*cells, strict=True)),
        ]
        write_report(options.report, seen, str(table.title), rows)
    if as_json:
        say_json(found)
    else:
        _show(console, found, table)
    return 0 if found["held"] else 1


def _try(path: str) -> str:
    """Why a file cannot be written, asked before the batch and not after it; empty where it can."""
    try:
        open(path, "a", encoding="utf-8").close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


@contextmanager
def _authority() -> Iterator[dict[str, str]]:
    """A local authority and API in a process of their own, which ends when this one does."""
    command = [sys.executable, "-m", "sa_auth.testing", "--token-lifetime", str(_LIFE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # nosec B603 # noqa: S603 - a list, and no shell
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SaAuthError("The local authority did not start.", hint="Try: python -m sa_auth.testing")
            yield json.loads(line)
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(10)


def _sign_up(folder: str, where: dict[str, str]) -> str:
    """Writes a key file as Google's console does, and registers its public half."""
    private, public = new_key("rsa2048", fresh=True)
    path = os.path.join(folder, "key.json")
    google_key_file(path, email=_EMAIL, private_key_pem=private, token_uri=where["token_endpoint"])
    order = {"register": {"issuer": _EMAIL, "public_key": public}}
    requests.post(where["control_url"], json=order, timeout=10).raise_for_status()
    return path


def _batch(
    creds: ServiceAccountCredentials, where: dict[str, str], options: Options, console: Console
) -> tuple[list[Tally], float | None]:
    """Makes the calls, shows how far they are, and takes the token endpoint down once."""
    tallies = [Tally() for _ in range(options.threads)]
    todo = iter(range(options.calls))
    turn, stop = threading.Lock(), threading.Event()
    threads = [
        threading.Thread(target=_work, args=(creds, where["api_url"], tally, todo, turn, stop), daemon=True)
        for tally in tallies
    ]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    outages: list[float] = []
    weather = threading.Thread(target=_outage, args=(creds, where, stop, outages), daemon=True)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("calls", total=options.calls)
        for thread in (*threads, weather):
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                progress.update(task, completed=sum(len(tally.seconds) for tally in tallies))
                time.sleep(0.05)
        finally:
            stop.set()
        progress.update(task, completed=sum(len(tally.seconds) for tally in tallies))
    weather.join(10)
    return tallies, outages[0] if outages else None


def _work(
    creds: ServiceAccountCredentials, api_url: str, tally: Tally, todo: Iterator[int], turn: Any, stop: threading.Event
) -> None:
    with requests.Session() as session:
        session.auth = creds
        while not stop.is_set():
            with turn:
                number = next(todo, None)
            if number is None:
                return
            began = time.perf_counter()
            try:
                tally.waited += not isinstance(creds.poll(), Token)
                answer = session.get(f"{api_url}/files/{number}", timeout=10)
                tally.tokens.add(answer.request.headers["Authorization"])
                if answer.status_code != 200:
                    tally.failures.append(f"status {answer.status_code}")
            except (SaAuthError, requests.RequestException) as error:
                tally.failures.append(str(error))
            tally.seconds.append(time.perf_counter() - began)


def _outage(
    creds: ServiceAccountCredentials, where: dict[str, str], stop: threading.Event, outages: list[float]
) -> None:
    """Takes the token endpoint down as soon as the held token is due for renewal, and up again after a while."""
    while not stop.wait(0.02):
        held = creds.poll()
        # A moment before this process's own share of jitter lets the renewal begin, so that it meets the outage.
        if isinstance(held, Token) and time.time() >= held.refresh_at:
            began = time.monotonic()
            requests.post(where["control_url"], json={"down": {"status": 503}}, timeout=10).raise_for_status()
            stop.wait(_OUTAGE)
            requests.post(where["control_url"], json={"up": True}, timeout=10).raise_for_status()
            outages.append(time.monotonic() - began)
            return


def _figures(
    options: Options, tallies: list[Tally], outage: float | None, duration: float, counted: dict[str, Any]
) -> dict[str, Any]:
    """What came of it, by name; seconds where a name does not say otherwise."""
    seconds = sorted(second for tally in tallies for second in tally.seconds)
    failures = [failure for tally in tallies for failure in tally.failures]
    least, most = _bounds(duration)
    exchanges = counted["exchanges"]
    held = least <= exchanges <= most and not failures and len(seconds) == options.calls
    return {
        "held": held,
        "asked_for": options.calls,
        "threads": options.threads,
        "seconds": duration,
        "calls": len(seconds),
        "calls_seen_by_server": counted["calls"],
        "failures": len(failures),
        "refused_by_server": counted["refused"],
        "first_failures": sorted(set(failures))[:5],
        "tokens_used": len(set().union(*(tally.tokens for tally in tallies))),
        "exchanges": exchanges,
        "exchanges_at_least": least,
        "exchanges_at_most": most,
        "waited_for_a_token": sum(tally.waited for tally in tallies),
        "endpoint_down_for": outage,
        "p50_of_a_call": _quantile(seconds, 0.50),
        "p99_of_a_call": _quantile(seconds, 0.99),
        "slowest_call": _quantile(seconds, 1.0),
    }


def _table(found: dict[str, Any]) -> Table:
    title = f"{found['asked_for']:,} calls on {found['threads']} threads in {found['seconds']:.1f} s"
    table = Table(title=title, show_edge=False)
    for heading in ("", "this batch", "the server"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("calls", f"{found['calls']:,}", f"{found['calls_seen_by_server']:,}")
    table.add_row("failures", f"{found['failures']}", f"{found['refused_by_server']}")
    table.add_row("tokens used / exchanges", f"{found['tokens_used']}", f"{found['exchanges']}")
    bounds = f"{found['exchanges_at_least']:.1f} to {found['exchanges_at_most']:.1f}"
    table.add_row(f"  bounds for tokens of {_LIFE:g} s", bounds, "")
    table.add_row("calls that waited for a token", f"{found['waited_for_a_token']}", "")
    outage = found["endpoint_down_for"]
    table.add_row("token endpoint answered 503 for", "", "not reached" if outage is None else f"{outage:.1f} s")
    for name in ("p50_of_a_call", "p99_of_a_call", "slowest_call"):
        table.add_row(name.replace("_", " "), f"{found[name] * 1000:.1f} ms", "")
    return table


def _show(console: Console, found: dict[str, Any], table: Table) -> None:
    console.print()
    console.print(table)
    for failure in found["first_failures"]:
        console.print(f"[red]failed:[/red] {failure}")
    least, exchanges, most = found["exchanges_at_least"], found["exchanges"], found["exchanges_at_most"]
    if not least <= exchanges <= most:
        console.print(f"[red]{exchanges} exchanges lie outside {least:.1f} to {most:.1f}.[/red]")


def _bounds(duration: float) -> tuple[float, float]:
    """The fewest and the most exchanges that a batch of so many seconds can need."""
    return duration / (_LIFE * (1 - _MARGIN)), duration / _LEAD + 1


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main())
