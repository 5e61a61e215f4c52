"""`make compare-faults`: what each client does on a server that breaks; writes docs/reliability.md.

Rule: every client meets the same bytes, alone in a process, with the same timeout and the same limit. What is judged
is what a caller sees: a token, an error, of whose class, after how long, or nothing.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs

from benchmarks.peers import PEERS, load, version
from benchmarks.peers.page import BACKGROUND, FOR_EVER, RESULTS, write_page
from sa_auth.testing import new_key
from tests import faults
from tests.faults import FaultServer, Peer, Play, Trust, answers, breaks, drips, endless, explodes, honest, reply

TIMEOUT = 2.0  # seconds, given to each client by its own argument
LIMIT = 10.0  # seconds after which a call counts as hanging
WITHIN = 12.0  # seconds after the fault's end in which a token is waited for
AT_ONCE = 2  # processes
MOST_MEMORY = 4 << 30


class Scene:
    """The servers of one process under test."""

    def __init__(self, trust: Trust) -> None:
        self.trust, self.server = trust, FaultServer()
        self.second = FaultServer(honest(access_token="from-the-second-host"))

    def close(self) -> None:
        """Ends them."""
        self.server.close()
        self.second.close()


@dataclass(frozen=True)
class Row:
    """A fault.

    Attributes:
        part: The part of the table it stands in.
        fault: What readers call it.
        play: Makes the play; None where the fault is elsewhere.
        wrong: What it is called when a token that is none is handed out.
        life: Whether it is about how long a token is kept.
        at: "server"; "port", "name" or "certificate" where the fault is there.
    """

    part: str
    fault: str
    play: Callable[[Scene], Play] | None = None
    wrong: str = "a bad token"
    life: bool = False
    at: str = "server"

    def endpoint(self, scene: Scene) -> str:
        """Where to sign in."""
        if self.at in {"name", "certificate"}:
            scene.server.tls = scene.trust.right
        return scene.server.url("token.test" if self.at == "name" else "127.0.0.1")

    def begin(self, scene: Scene, worker: Worker) -> None:
        """Breaks it."""
        if self.at == "port":
            scene.server.stop()
        elif self.at == "name":
            worker.tell(do="lose_name", name="token.test")
        elif self.at == "certificate":
            scene.server.tls = scene.trust.unknown
        else:
            scene.server.play = self.play(scene)

    def end(self, scene: Scene, worker: Worker) -> None:
        """Mends it."""
        if self.at == "port":
            scene.server.start()
        elif self.at == "name":
            worker.tell(do="find_name")
        elif self.at == "certificate":
            scene.server.tls = scene.trust.right
        else:
            scene.server.play = honest()


def plain(play: Play) -> Callable[[Scene], Play]:
    """A play that needs nothing of the scene."""
    return lambda _scene: play


def says(status: int, body: bytes | str | dict, *fields: str) -> Callable[[Scene], Play]:
    """These bytes."""
    return plain(answers(status, body, *fields))


def gives(**changes) -> Callable[[Scene], Play]:
    """A token, in order but for these fields; None takes one out."""
    return plain(answers(200, faults.token_fields(**changes)))


def redirects(scene: Scene) -> Play:
    """To another host, with the form sent once more."""
    return answers(307, b"", f"Location: {scene.second.url('localhost')}")


def strict(behind: float) -> Play:
    """Judges the dates of an assertion by a clock that is off, as a strict server does."""

    def play(peer: Peer) -> None:
        form = parse_qs(peer.read().body.decode())
        assertion = form.get("assertion", form.get("client_assertion"))[0]
        claims = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
        now = time.time() - behind
        good = claims["iat"] <= now + 30 and claims["exp"] > now
        body = faults.token_fields() if good else {"error": "invalid_grant"}
        peer.send(reply(200 if good else 400, body, f"Date: {formatdate(now, usegmt=True)}"))

    return play


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PART = b'{"access_token": "never-whole", "expires_in": 3600, '
NET, MUCH, BODY, LIFE, NO = (
    "The network", "Too much", "An answer without a usable token", "A token of unclear life", "A no, or another time",
)  # fmt: skip
USED = "uses it"

ROWS = [
    Row(NET, "connection refused", at="port"),
    Row(NET, "name look-up hangs", at="name"),
    Row(NET, "certificate of an unknown CA", at="certificate"),
    Row(NET, "accepts, never answers", plain(faults.silent)),
    Row(NET, "drips the header, a byte each 30 ms", plain(drips(HEAD, endless(b"X-Slow: " + b"s" * 100 + b"\r\n")))),
    Row(NET, "drips the body, a byte each 30 ms", plain(drips(HEAD + b"\r\n", endless(b" ")))),
    Row(NET, "`100 Continue`, again and again", plain(drips(b"", endless(b"HTTP/1.1 100 Continue\r\n\r\n"), 25))),
    Row(NET, "connection reset", plain(breaks(reset=True))),
    Row(NET, "body cut short", plain(breaks(HEAD + b"Content-Length: 1000\r\n\r\n" + PART))),
    Row(MUCH, "gzip bomb, 1 GB", plain(explodes("gzip"))),
    Row(MUCH, "body of 200 MB", plain(faults.streams(HEAD + b"\r\n", faults.repeated(b" " * 10_000, 20_000)))),
    Row(BODY, "a page of HTML with 200", says(200, "<!doctype html><html><body>Sign in</body></html>")),
    Row(BODY, "broken JSON", says(200, PART)),
    Row(BODY, "a list", says(200, b'["access_token"]')),
    Row(BODY, "`{}`", says(200, {})),
    Row(BODY, "`error` with 200", says(200, {"error": "invalid_grant"})),
    Row(BODY, "two `access_token`", says(200, '{"access_token": "a", "access_token": "b", "expires_in": 3600}'),
        "uses one"),
    Row(BODY, "`access_token` with a line break", gives(access_token="abc\r\nX-Injected: 1"), USED),
    Row(BODY, "`access_token` a number", gives(access_token=12345), USED),
    Row(BODY, "`token_type` mac", gives(access_token="mac-key", token_type="mac"), "uses it as Bearer"),
    Row(LIFE, "no `expires_in`", gives(expires_in=None), life=True),
    Row(LIFE, "`expires_in` true", gives(expires_in=True), life=True),
    Row(LIFE, "`expires_in` soon", gives(expires_in="soon"), life=True),
    Row(LIFE, "`expires_in` NaN", gives(expires_in=float("nan")), life=True),
    Row(NO, "400 invalid_grant", says(400, {"error": "invalid_grant"})),
    Row(NO, "400 invalid_grant, since its clock is 10 minutes behind", plain(strict(600))),
    Row(NO, "403 with a page of HTML", says(403, "<html><body>Forbidden</body></html>")),
    Row(NO, "429 without a body, Retry-After 2 s", says(429, b"", "Retry-After: 2")),
    Row(NO, "503 without a body", says(503, b"")),
    Row(NO, "307 to a second host", redirects, "follows"),
]  # fmt: skip


class Worker:
    """A client's process. One that does not answer in time is killed.

    Raises:
        RuntimeError: it does not even start.
    """

    def __init__(self, peer: str, endpoint: str, private: str, bundle: str, *, names: bool) -> None:
        quiet = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, text=True,
            env={**quiet, "REQUESTS_CA_BUNDLE": bundle, "NO_PROXY": "*"},
        )  # fmt: skip
        self._say({"peer": peer, "token_endpoint": endpoint, "private_key_pem": private, "timeout": TIMEOUT,
                   "most_memory": MOST_MEMORY, "names": names})  # fmt: skip
        if not self._process.stdout.readline():
            self._complaints.seek(0)
            raise RuntimeError(f"{peer} does not start: {self._complaints.read().decode()[-2000:]}")

    def _say(self, what: dict) -> None:
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def tell(self, **order) -> dict:
        """Gives an order and brings the answer."""
        timer = threading.Timer(2 * LIMIT + WITHIN, self._process.kill)
        timer.start()
        began = time.monotonic()
        try:
            self._say(order)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        return json.loads(line) if line else {"outcome": "dies", "seconds": time.monotonic() - began, "mb": 0}

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()


def judged(row: Row, scene: Scene, answer: dict) -> dict:
    """Adds what only the server's side knows: whether a token is one, and who else was asked."""
    kept = answer.pop("kept", 0.0)
    token = answer.pop("token", "")
    answer["seconds"], answer["mb"] = round(answer["seconds"], 2), round(answer["mb"], 1)
    if scene.second.connections:
        return {**answer, "outcome": "wrong", "error": row.wrong}
    if answer["outcome"] != "token":
        return answer
    if not token.startswith("token-"):
        return {**answer, "outcome": "wrong", "error": row.wrong}
    if kept is None:
        return {**answer, "outcome": "wrong", "error": FOR_EVER}
    return {**answer, "kept": round(kept)} if row.life else answer


def cold_and_gone(row: Row, peer: str, private: str, trust: Trust) -> dict[str, dict]:
    """The first token, while the fault lasts and after it."""
    scene = Scene(trust)
    worker = Worker(peer, row.endpoint(scene), private, trust.bundle, names=row.at == "name")
    try:
        row.begin(scene, worker)
        answer = worker.tell(do="token", limit=LIMIT)
        cold = {**judged(row, scene, answer), "requests": len(scene.server.requests)}
        row.end(scene, worker)
        scene.second.clear()
        return {"cold": cold, "gone": judged(row, scene, worker.tell(do="again", limit=LIMIT, within=WITHIN))}
    finally:
        worker.close()
        scene.close()


_WORST = ["token", "own", "foreign", "hang", "dies", "wrong"]


def living(row: Row, peer: str, private: str, trust: Trust) -> dict[str, dict]:
    """Two calls, a second apart, with a token that is due for renewal and lives."""
    fields, wait = load(peer).due
    scene = Scene(trust)
    worker = Worker(peer, row.endpoint(scene), private, trust.bundle, names=row.at == "name")
    try:
        scene.server.play = honest(**fields)
        first = worker.tell(do="token", limit=LIMIT)
        if first["outcome"] != "token":
            raise RuntimeError(f"{peer} gets no token from a server in order: {first}")
        time.sleep(wait)
        row.begin(scene, worker)
        given = judged(row, scene, worker.tell(do="token", limit=LIMIT))
        if given["outcome"] != "hang":
            time.sleep(1)
            again = judged(row, scene, worker.tell(do="token", limit=LIMIT))
            given = max(given, again, key=lambda one: _WORST.index(one["outcome"]))
        return {"living": given}
    finally:
        worker.close()
        scene.close()


def play_all(rows: list[Row], peers: list[str]) -> list[dict]:
    """Every client on every fault; one that only renews in another way is not asked for a first token."""
    private, _ = new_key("rsa2048")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        trust = Trust(Path(folder))
        running = {}
        for row in rows:
            for peer in peers:
                acts = (living,) if peer == BACKGROUND else (cold_and_gone, living)
                running[row, peer] = [pool.submit(act, row, peer, private, trust) for act in acts]
        found = []
        for row in rows:
            try:
                cells = {peer: {name: cell for act in running[row, peer] for name, cell in act.result().items()}
                         for peer in peers}  # fmt: skip
            except Exception:
                pool.shutdown(cancel_futures=True)
                raise
            found.append({"part": row.part, "fault": row.fault, "cells": cells})
            print(f"  {row.fault}", flush=True)
    return found


def main(arguments: list[str]) -> int:
    """Runs, writes the raw results, and the page; with `--page` only the page."""
    if arguments != ["--page"]:
        wanted = [row for row in ROWS if not arguments or any(word in row.fault for word in arguments)]
        began = time.monotonic()
        found = {
            "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
            "seconds": {"timeout": TIMEOUT, "limit": LIMIT, "within": WITHIN},
            "peers": {key: {"name": (peer := load(key)).name, "version": version(peer), "caveat": peer.caveat}
                      for key in PEERS},
            "rows": play_all(wanted, list(PEERS)),
        }  # fmt: skip
        print(f"{time.monotonic() - began:.0f} s")
        if arguments:
            print(json.dumps(found["rows"], indent=1))
            return 0
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_page()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
