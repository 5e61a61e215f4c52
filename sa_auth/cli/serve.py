"""`sa-auth serve`: the strict local authority as a development server, with its inspector.

Rule: nothing but loopback unless told. It serves until it is interrupted, which is its proper end.
"""

from __future__ import annotations

import re
import shlex
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.keyfile import Unlock, open_file
from sa_auth.providers import PROVIDERS
from sa_auth.testing.authority import Authority
from sa_auth.testing.dialects import Dialect
from sa_auth.testing.inspector import Inspector
from sa_auth.testing.plays import PLAYS, play
from sa_auth.testing.server import Server

from .show import Json, note, say, say_json

_KNOWN = "Who may ask"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

KeyFile = Annotated[
    str | None,
    typer.Argument(metavar="KEYFILE", show_default=False, help="A key file; its public half is registered."),
]
Provider = Annotated[
    str | None,
    typer.Option("--provider", "-p", help="Whose endpoint, rules and answers it has; default the RFCs' alone."),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where it listens; default nobody else reaches it.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")]
Lifetime = Annotated[float, typer.Option("--token-lifetime", min=1, help="Seconds that its tokens live.")]
Delay = Annotated[float, typer.Option(min=0, help="Seconds before each answer with a token.")]
Fault = Annotated[
    list[str] | None,
    typer.Option(
        "--fault", metavar="NAME[:TIMES]", help=f"A fault to play: {', '.join(PLAYS)}. More than once for more."
    ),
]
Issuer = Annotated[
    str | None, typer.Option(help="The iss to register; default the key file's.", rich_help_panel=_KNOWN)
]
PublicKey = Annotated[
    Path | None,
    typer.Option("--public-key", metavar="PEM", help="Its public key or certificate.", rich_help_panel=_KNOWN),
]
KeyId = Annotated[
    str | None, typer.Option("--key-id", help="Its kid; default the key file's, else any.", rich_help_panel=_KNOWN)
]
Open = Annotated[bool, typer.Option("--open/--no-open", help="Open the inspector in the browser.")]


def serve(
    keyfile: KeyFile = None,
    *,
    provider: Provider = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    token_lifetime: Lifetime = 3600.0,
    delay: Delay = 0.0,
    fault: Fault = None,
    issuer: Issuer = None,
    public_key: PublicKey = None,
    key_id: KeyId = None,
    open_it: Open = False,
    as_json: Json = False,
) -> None:
    """Runs a strict authorization server and an API on this machine, to develop against. Ctrl-C ends it.

    The inspector, a page at a secret address, shows each token request and how every rule judged it.
    """
    authority = Authority(dialect=None if provider in {None, "generic"} else provider, token_lifetime=token_lifetime)
    authority.delay = delay
    _register(authority, keyfile, issuer, public_key, key_id)
    for name in fault or ():
        play(authority, name)
    inspector = Inspector(authority, host=host)
    with _listening(authority, inspector, host, port) as server:
        _tell(authority, server, inspector, keyfile, as_json=as_json)
        if host not in _LOOPBACK:
            note("warning: whoever reaches this machine can ask for tokens here.", "yellow")
        if open_it:
            webbrowser.open(f"{server.url}{inspector.path}")
        _wait()


def _register(
    authority: Authority, keyfile: str | None, issuer: str | None, public_key: Path | None, key_id: str | None
) -> None:
    """Makes known who may ask.

    Raises:
        ConfigError: a key cannot be read, or it is not said whose it is.
    """
    key: Any = None
    if keyfile is not None:
        opened = _opened(keyfile, key_id)
        if opened is None:
            key = _read(Path(keyfile))
        else:
            issuer = issuer or opened.arguments.get("issuer")
            if opened.signer is not None:
                key, key_id = opened.signer.public_jwk(), opened.signer.key_id
    if public_key is not None:
        key = _read(public_key)
    if issuer is None and key is not None:
        raise ConfigError(
            f"{keyfile or public_key} does not say whose key it is.", code="usage",
            hint="Add --issuer NAME: the client id, consumer key or e-mail that will sign in with it.",
        )  # fmt: skip
    if key is None and issuer is not None:
        raise ConfigError(
            "An issuer is registered with its key.",
            code="usage",
            hint="Add KEYFILE, or --public-key FILE; or leave --issuer out.",
        )
    if issuer is not None:
        authority.register(issuer, key, key_id=key_id)


def _opened(keyfile: str, key_id: str | None) -> Any:
    """What is in a key file; None where that is a public half alone, which is all that is needed here."""
    try:
        return open_file(keyfile, Unlock(key_id=key_id))
    except KeyLoadError as error:
        if error.code not in {"certificate_only", "public_key_only"}:
            raise
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror
    raise ConfigError(f"--public-key cannot be read: {reason}.", code="usage")


def _listening(authority: Authority, inspector: Inspector, host: str, port: int) -> Server:
    """The server.

    Raises:
        ConfigError: it cannot listen there.
    """
    try:
        return Server(authority, host=host, port=port, routes=inspector.routes)
    except OSError as error:
        reason = error.strerror or str(error)
    raise ConfigError(reason, code="cannot_listen", hint="Give another --port, or none for one that is free.")


def _tell(authority: Authority, server: Server, inspector: Inspector, keyfile: str | None, *, as_json: bool) -> None:
    """Says where everything is."""
    dialect = authority.dialect
    own = _path(dialect)
    told = {
        "token_endpoint": f"{server.url}{own}",
        "api_url": server.api_url,
        "inspector_url": f"{server.url}{inspector.path}",
        "provider": dialect.name if dialect is not None else "generic",
        "issuers": list(authority.issuers),
    }
    if as_json:
        say_json(told)
    else:
        rows = {"Token endpoint": told["token_endpoint"], "API": told["api_url"], "Inspector": told["inspector_url"]}
        if dialect is not None:
            rows["Speaking as"] = dialect.name
        rows["Registered"] = ", ".join(authority.issuers) or "nobody; whoever asks is refused, and told why"
        for name, value in rows.items():
            say(f"{name + ':':16}{value}")
        say(f"\n{_snippet(told, keyfile, next(iter(authority.issuers), 'robot'))}\n")
        say("Ctrl-C ends it.")
    sys.stdout.flush()


def _path(dialect: Dialect | None) -> str:
    """The path of the token endpoint; where a tenant or the like stands in a vendor's, with one that is made up."""
    if dialect is None:
        return "/token"
    path = re.sub(r"\\(.)", r"\1", dialect.path.replace("[^/]+", "demo").replace(r"\d+", "1"))
    return path if re.fullmatch(dialect.path, path) else "/token"


def _snippet(told: Mapping[str, Any], keyfile: str | None, issuer: str) -> str:
    """Two lines of Python that ask it for a token, and the same at the command line."""
    vendor, path = PROVIDERS[told["provider"]], keyfile if keyfile is not None else "key.pem"
    given = {} if path.endswith(".json") else {"issuer": issuer}
    if vendor.name != "generic":
        given["provider"] = vendor.name
    given["token_endpoint"] = told["token_endpoint"]
    scope = re.search(r'scope="([^"]+)"', vendor.page.example)
    if vendor.name == "generic" or scope is not None:
        given["scope"] = scope[1] if scope is not None and vendor.name != "generic" else "read"
    if vendor.subject in {"required", "address"}:
        given["subject"] = "ada@example.com"
    python = ", ".join(f"{name}={value!r}" for name, value in given.items())
    shell = " ".join(f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in given.items())
    return (
        f"    from sa_auth import ServiceAccountCredentials\n    ServiceAccountCredentials.from_file({path!r}, {python}).token()"
        f"\n\n    sa-auth token {shlex.quote(path)} {shell}"
    )


def _wait() -> None:
    """Waits until it is interrupted."""
    forever = threading.Event()
    try:
        # With an end to each wait: on Windows a wait without one hears no Ctrl-C.
        while not forever.wait(1.0):
            pass
    except KeyboardInterrupt:
        pass
