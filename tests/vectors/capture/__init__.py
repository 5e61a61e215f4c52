"""What the vendors' own libraries send, captured on loopback with a throw-away key.

Rule: only this machine is talked to. Each vendor has one file here with `capture() -> Seen`; `python -m
tests.vectors.capture` writes what was seen into `tests/vectors/providers/NAME.json`, and `--check` fails on a difference.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TIMES = ("iat", "exp", "nbf")


@dataclass
class Got:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorder:
    """A server that answers everything alike and remembers what came."""

    url: str
    requests: list[Got] = field(default_factory=list)


@contextmanager
def recording(answer: Mapping[str, Any] | Callable[[Got], Mapping[str, Any]], status: int = 200) -> Iterator[Recorder]:
    """Serves on loopback until the block ends.

    Args:
        answer: The JSON object that every request is answered with, or what makes it.
        status: The HTTP status of the answers.
    """
    seen: list[Got] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            got = Got(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            seen.append(got)
            sent = json.dumps(answer(got) if callable(answer) else answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Recorder(f"http://127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def read(got: Got, known: Mapping[str, str] = {}) -> dict[str, Any]:  # noqa: B006 - not changed
    """A request as fields that can be compared, with what differs from run to run by name.

    Args:
        got: It.
        known: Texts to replace, such as a thumbprint or the server's address, and the name that stands for each.

    Returns:
        `method`, `path`, `content_type`, `form` or `json`, and by the field that it stands in (`bearer` for the
        Authorization header) each JWT as `header` and `claims`, its times as seconds from `iat` (or from `nbf`, or now).
    """
    kind = got.headers.get("content-type", "").partition(";")[0]
    fields: dict[str, Any] = {}
    if kind == "application/json":
        fields = json.loads(got.body or b"{}")
    elif got.body:
        for name, value in parse_qsl(got.body.decode(), keep_blank_values=True):
            fields[name] = [*fields[name], value] if isinstance(fields.get(name), list) else (
                [fields[name], value] if name in fields else value)  # fmt: skip
    jwts = {name: value for name, value in _flat(fields).items() if _is_jwt(value)}
    scheme, _, token = got.headers.get("authorization", "").partition(" ")
    told: dict[str, Any] = {"method": got.method, "path": urlsplit(got.path).path, "content_type": kind}
    if _is_jwt(token):
        jwts["bearer"] = token
    elif scheme:
        told["authorization"] = scheme
    told["json" if kind == "application/json" else "form"] = _without(fields, set(jwts))
    told["jwts"] = {name: jwt_of(value) for name, value in jwts.items()}
    text = json.dumps(told)
    for value, name in sorted(known.items(), key=lambda item: -len(item[0])):
        text = text.replace(json.dumps(value)[1:-1], name)
    found: dict[str, Any] = json.loads(text)
    return found


def jwt_of(text: str) -> dict[str, Any]:
    """Header and claims of a JWT; the times as what lies between them, an id of its own as its name."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")[:2])
    start = next((float(claims[name]) for name in ("iat", "nbf") if name in claims), None)
    for name in TIMES:
        if name in claims:
            ago = None if start is None else round(float(claims[name]) - start)
            kind = "" if isinstance(claims[name], int) else f" as {type(claims[name]).__name__}"
            claims[name] = f"{'there' if ago is None else ago}{kind}"
    if "jti" in claims:
        claims["jti"] = "<jti>"
    return {"header": header, "claims": claims}


def _is_jwt(value: object) -> bool:
    return isinstance(value, str) and value.startswith("eyJ") and value.count(".") == 2


def _flat(fields: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found


def _without(fields: Mapping[str, Any], paths: set[str], before: str = "") -> dict[str, Any]:
    return {
        name: _without(value, paths, f"{before}{name}.") if isinstance(value, dict) else
        "<jwt>" if f"{before}{name}" in paths else value
        for name, value in fields.items()
    }  # fmt: skip
