"""`sa-auth request`: an authenticated call, its body as bytes, its outcome as an exit code."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sa_auth.cli.app import run as run_app

SCOPE = ("--scope", "https://www.googleapis.com/auth/drive")


class Handler(BaseHTTPRequestHandler):
    """Answers with what the path says, and remembers what it was asked."""

    seen: list[dict]

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append({"method": self.command, "headers": dict(self.headers), "body": body})
        status = int(self.path.strip("/"))
        self.send_response(status, "Fine\x1b[31m" if status == 200 else None)
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(b"\x00\xffraw")

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the base class looks for these names

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def serve() -> Iterator[tuple[str, list]]:
    """An API on this machine."""
    handler = type("H", (Handler,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.seen
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def api():
    """Such an API."""
    with serve() as both:
        yield both


@pytest.fixture
def call(command, keyfile, endpoint, capfdbinary):
    """Runs `sa-auth request` signed in; its output is bytes."""

    def act(*arguments):
        capfdbinary.readouterr()
        code = run_app(["request", *map(str, arguments), "--key", str(keyfile), *SCOPE, "--token-endpoint", endpoint])
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return act


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Stands in for the one that captures text."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SA_AUTH_KEY", raising=False)


def test_the_api_takes_it(call, endpoint):
    """The call carries a token that the API takes."""
    code, out, err = call("GET", endpoint.removesuffix("/token") + "/api/files")
    assert (code, err) == (0, "")
    assert json.loads(out)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 0), (304, 0), (404, 1), (429, 1), (500, 3), (503, 3)])
def test_codes(call, api, status, code):
    """The exit code says what kind of answer it was."""
    assert call("GET", f"{api[0]}/{status}")[0] == code


def test_the_body_is_what_came(call, api):
    """The body is on standard output, byte for byte, and nothing beside it."""
    code, out, err = call("get", f"{api[0]}/200")
    assert (code, out, err) == (0, b"\x00\xffraw", "")
    assert api[1][0]["headers"]["Authorization"].startswith("Bearer ")


def test_a_no_is_said(call, api):
    """Beside the body of a refusal its status is said."""
    code, out, err = call("GET", f"{api[0]}/403")
    assert (code, out) == (1, b"\x00\xffraw")
    assert "HTTP 403" in err


def test_include(call, api):
    """Status line and header fields stand before the body, without a stranger's controls."""
    _, out, _ = call("GET", f"{api[0]}/200", "--include")
    head, _, body = out.partition(b"\n\n")
    assert head.startswith(b"HTTP 200")
    assert b"Content-Type: application/octet-stream" in head
    assert b"\x1b" not in head
    assert body == b"\x00\xffraw"


def test_output(call, api, tmp_path):
    """The body goes into a file where one is named."""
    code, out, _ = call("GET", f"{api[0]}/200", "--output", tmp_path / "body")
    assert (code, out) == (0, b"")
    assert (tmp_path / "body").read_bytes() == b"\x00\xffraw"
    assert call("GET", f"{api[0]}/200", "--output", tmp_path / "no" / "body")[0] == 2


def test_for_programs(call, api):
    """With --json status, header fields and body are one object."""
    told = json.loads(call("GET", f"{api[0]}/500", "--json")[1])
    assert (told["status"], told["body_base64"]) == (500, "AP9yYXc=")


def test_what_is_sent(call, api, tmp_path, monkeypatch):
    """Body and header fields are sent as they were given, from a file or standard input too."""
    (tmp_path / "body").write_bytes(b"\x00raw")
    call("POST", f"{api[0]}/200", "--data", f"@{tmp_path / 'body'}", "-H", "X-One=1", "-H", "X-Two: a=b:c")
    call("POST", f"{api[0]}/200", "--json-body", '{"a": 1}')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    call("PATCH", f"{api[0]}/200", "--data", "@-")
    one, two, three = api[1]
    assert (one["body"], one["headers"]["X-One"], one["headers"]["X-Two"]) == (b"\x00raw", "1", "a=b:c")
    assert (two["body"], two["headers"]["Content-Type"]) == (b'{"a": 1}', "application/json")
    assert (three["method"], three["body"]) == ("PATCH", b"piped")


@pytest.mark.parametrize(
    "more",
    [
        ("--data", "a", "--json-body", "1"), ("--json-body", "{"), ("-H", "novalue"), ("-H", "Authorization=Bearer x"), ("-H", "Authorization: Bearer x"), ("-H", "=x"),
        ("--data", "@/nowhere/at/all"), ("-H", "X=a\nb"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent(call, api, more):
    """A call that makes no sense costs one sentence, and is not made."""
    code, out, err = call("POST", f"{api[0]}/200", *more)
    assert (code, out) == (2, b"")
    assert "Traceback" not in err
    assert not api[1]


@pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1:9/x", 3), ("nonsense", 2), ("http://example.org/x", 2)])
def test_no_answer(call, url, code):
    """Where nobody answers the code is 3; an address that is none, or no safe one for a token, is the code 2."""
    got, out, err = call("GET", url, "--call-timeout", "2")
    assert (got, out) == (code, b"")
    assert err.count("\n") <= 4
    assert "Traceback" not in err


def test_the_key_of_the_environment(api, command, keyfile, endpoint, monkeypatch, capfdbinary):
    """Without --key the variable SA_AUTH_KEY says which."""
    monkeypatch.setenv("SA_AUTH_KEY", str(keyfile))
    assert run_app(["request", "GET", f"{api[0]}/200", *SCOPE, "--token-endpoint", endpoint]) == 0
    assert capfdbinary.readouterr().out == b"\x00\xffraw"
