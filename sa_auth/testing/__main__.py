"""Runs an authority and its API in a process of their own: `python -m sa_auth.testing`.

Rule: it never outlives its parent. It ends when its standard input does; so give it a pipe, not /dev/null.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sa_auth.errors import ConfigError, SaAuthError

from .authority import Authority
from .control import Control
from .inspector import Inspector
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until standard input ends.

    Once it is ready it prints one line of JSON with `token_endpoint`, `api_url`, `control_url`, `url` and `pid`, and with
    `--inspect` also `inspector_url`. The control URL holds a random secret: whoever has it may steer the authority (see
    `control`); that of the inspector holds another, and shows requests, and can change nothing.

    Args:
        arguments: The command line after the program's name; default the process's own.

    Returns:
        0, or 2 where the public key, the dialect, the host or the port cannot be used.
    """
    options = _parser().parse_args(arguments)
    try:
        authority = Authority(audience=options.audience, token_lifetime=options.token_lifetime, dialect=options.dialect)
    except ConfigError as error:
        return _fail(str(error))
    authority.delay = options.delay
    problem = _register(authority, options)
    return _fail(problem) if problem else _serve(authority, options)


def _serve(authority: Authority, options: argparse.Namespace) -> int:
    """Serves until the end; 2 where it cannot listen."""
    control_path = f"/control/{secrets.token_urlsafe(16)}"
    routes = {control_path: Control(authority).handle}
    more = {"control_url": control_path}
    if options.inspect:
        inspector = Inspector(authority, host=options.host)
        routes |= inspector.routes
        more["inspector_url"] = inspector.path
    tls = {"certificate": options.certificate, "key": options.key}
    try:
        server = Server(authority, host=options.host, port=options.port, routes=routes, **tls)
    except OSError as error:
        return _fail(error.strerror or str(error))
    with server:
        _announce(server, more, options.port_file)
        _wait_for_end()
    return 0


def _fail(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sa_auth.testing",
        description="A strict local authorization server with an API beside it. It ends when its standard input ends.",
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, metavar="PORT", help="default: one that is free")
    parser.add_argument("--inspect", action="store_true", help="serve the inspector beside it, at a secret address")
    parser.add_argument("--dialect", metavar="VENDOR", help="whose endpoint, rules and answers to play")
    parser.add_argument("--port-file", type=Path, metavar="PATH", help="write the line of JSON there too")
    parser.add_argument("--token-lifetime", type=float, default=3600, metavar="SECONDS")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer with a token")
    parser.add_argument("--issuer", metavar="NAME", help="an issuer to register; needs --public-key")
    parser.add_argument("--public-key", type=Path, metavar="PATH", help="its public key, or certificate, as PEM")
    parser.add_argument("--key-id", metavar="KID", help="the kid that the key answers to; default any")
    parser.add_argument(
        "--audience", action="append", metavar="AUD", help="a name of its own; default its token endpoint"
    )
    parser.add_argument("--certificate", type=Path, metavar="PATH", help="a PEM certificate chain, for https")
    parser.add_argument("--key", type=Path, metavar="PATH", help="its private key; default in the same file")
    return parser


def _register(authority: Authority, options: argparse.Namespace) -> str:
    """Registers the issuer of the command line; tells what is wrong with it."""
    if (options.issuer is None) != (options.public_key is None):
        return "--issuer and --public-key belong together."
    if options.issuer is None:
        return ""
    try:
        authority.register(options.issuer, options.public_key.read_bytes(), key_id=options.key_id)
    except (OSError, SaAuthError) as error:
        return f"--public-key: {error}"
    return ""


def _announce(server: Server, more: dict[str, str], port_file: Path | None) -> None:
    line = json.dumps(
        {
            "token_endpoint": server.token_endpoint,
            "api_url": server.api_url,
            **{name: f"{server.url}{path}" for name, path in more.items()},
            "url": server.url,
            "pid": os.getpid(),
        }
    )
    if port_file is not None:
        # Private, as the control URL is a secret, and whole from the first moment on, as somebody is watching for it.
        half = port_file.with_name(f"{port_file.name}.{os.getpid()}")
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{line}\n")
        half.replace(port_file)
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _wait_for_end() -> None:
    try:
        while sys.stdin is not None and sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass  # Ctrl-C at a terminal ends it just as well


if __name__ == "__main__":
    sys.exit(main())
