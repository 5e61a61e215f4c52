"""`sa-auth request`: one authenticated call, for trying things out.

Rule: the body alone stands on standard output, byte for byte. The token goes to the host that was named and, where that one
sends the call on, to no other (`requests` takes the header off).
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
import typer

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.errors import ConfigError, SaAuthError

from .show import Json, note, printable, read_input, say, say_json
from .sign_in import SignIn, takes_sign_in

_CALL = "The call"
Method = Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, ...")]
URL = Annotated[str, typer.Argument(metavar="URL", help="What is called.")]
Data = Annotated[str | None, typer.Option("--data", "-d", help="The body as it is; @FILE takes it from a file, @- from standard "
                                          "input.", rich_help_panel=_CALL)]  # fmt: skip
JsonBody = Annotated[
    str | None, typer.Option("--json-body", help="A JSON body; @FILE and @- as above.", rich_help_panel=_CALL)
]
HeaderField = Annotated[list[str] | None, typer.Option("--header-field", "-H", metavar="NAME=VALUE", help="A header field of the "
                        "call; more than once for more.", rich_help_panel=_CALL)]  # fmt: skip
Include = Annotated[bool, typer.Option("--include", "-i", help="Prints status and header fields before the body.",
                                       rich_help_panel=_CALL)]  # fmt: skip
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Where the body goes in place of standard "
                                            "output.", rich_help_panel=_CALL)]  # fmt: skip
CallTimeout = Annotated[
    float, typer.Option("--call-timeout", help="Seconds for the call itself.", rich_help_panel=_CALL)
]


def _request(
    sign_in: SignIn, method: Method, url: URL, *, data: Data = None, json_body: JsonBody = None,
    header_field: HeaderField = None, include: Include = False, output: Output = None, call_timeout: CallTimeout = 30.0,
    as_json: Json = False,
) -> int:  # fmt: skip
    """Makes an authenticated call: sa-auth request GET https://... --key key.json.

    The code is 0 for a status of 2xx or 3xx, 1 for 4xx, 3 for 5xx and where nobody answers.
    """
    body, fields = _body(data, json_body), _fields(header_field)
    if json_body is not None:
        fields.setdefault("Content-Type", "application/json")
    with sign_in.credentials() as creds, requests.Session() as session:
        session.auth = creds
        if sign_in.ca is not None:
            session.verify = sign_in.ca
        if sign_in.proxy is not None:
            session.proxies = {"https": sign_in.proxy, "http": sign_in.proxy}
        if creds.tls_key is not None:
            from sa_auth.integrations.requests import adapter

            session.mount("https://", adapter(creds))
        answer = _send(session, method.upper(), url, call_timeout, data=body, headers=fields)
    if as_json:
        say_json(_told(answer))
    else:
        _print(answer, include=include, output=output)
    if answer.status_code >= 400 and not include and not as_json:
        note(f"HTTP {answer.status_code} {printable(answer.reason or '')}".rstrip(), "red")
    return 0 if answer.status_code < 400 else 1 if answer.status_code < 500 else 3


request = takes_sign_in(_request, key_as_option=True)


def _send(session: requests.Session, method: str, url: str, timeout: float, **call: Any) -> requests.Response:
    failure: SaAuthError | None = None
    deadline = Deadline(SYSTEM, timeout)
    try:
        return session.request(method, url, timeout=timeout, **call)
    except SaAuthError as error:
        failure = error
    except requests.exceptions.RequestException as error:
        failure = _failure(error, url, deadline)
    raise failure


def _failure(error: requests.exceptions.RequestException, url: str, deadline: Deadline) -> SaAuthError:
    if isinstance(error, ValueError):
        # The address, or a header field, is none; the library's words may repeat a secret in it.
        return ConfigError(
            f"The call cannot be made ({type(error).__name__}).", code="bad_address",
            hint="Check the address, which begins with https://, and the header fields.",
        )  # fmt: skip
    from sa_auth.transports.failures import translate

    failure = translate(error, urlsplit(url).hostname or "?", deadline, "API")
    return failure.but(hint=failure.hint.replace("timeout=", "--call-timeout"))


def _body(data: str | None, json_body: str | None) -> bytes | None:
    if data is not None and json_body is not None:
        raise ConfigError("A call has one body.", code="usage", hint="Leave --data or --json-body out.")
    if json_body is None:
        return None if data is None else _content(data, "--data")
    content = _content(json_body, "--json-body")
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        pass
    else:
        return content
    raise ConfigError(
        "What --json-body holds is no JSON.", code="usage", hint="For example --json-body '{\"name\": 1}'."
    )


def _content(given: str, option: str) -> bytes:
    if not given.startswith("@"):
        return given.encode("utf-8", "surrogateescape")
    if given == "@-":
        return read_input()
    reason = ""
    try:
        with open(given[1:], "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
    raise ConfigError(
        f"The file of {option} cannot be read: {reason}.", code="unreadable", hint="Check the path after @."
    )


def _fields(given: list[str] | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field in given or ():
        # A name has neither sign in it, and whoever knows curl writes a colon.
        parts = re.fullmatch(r"([^=:]+)[=:][ \t]*(.*)", field, re.DOTALL)
        if parts is None:
            raise ConfigError(
                "--header-field is no NAME=VALUE.", code="usage", hint="For example -H Accept=text/plain."
            )
        name, value = parts.groups()
        if name.lower() == "authorization":
            raise ConfigError("The Authorization header is what this command sets.", code="usage", hint="Leave it out.")
        fields[name] = value
    return fields


def _print(answer: requests.Response, *, include: bool, output: str | None) -> None:
    if include:
        say(f"HTTP {answer.status_code} {printable(answer.reason or '')}".rstrip())
        for name, value in answer.headers.items():
            say(f"{printable(name)}: {printable(value)}")
        say("")
    if output is not None:
        _save(answer.content, output)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.content)
    sys.stdout.buffer.flush()
    if answer.content and not answer.content.endswith(b"\n") and os.isatty(1):
        say("")  # so that the next line begins at the left
        sys.stdout.flush()


def _save(content: bytes, output: str) -> None:
    reason = ""
    try:
        with open(output, "wb") as file:
            file.write(content)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
    if reason:
        raise ConfigError(f"{output} cannot be written: {reason}.", code="unwritable", hint="Pass another --output.")


def _told(answer: requests.Response) -> dict[str, Any]:
    told: dict[str, Any] = {"status": answer.status_code, "headers": dict(answer.headers)}
    try:
        return {**told, "body": answer.content.decode("utf-8")}
    except UnicodeDecodeError:
        return {**told, "body_base64": base64.b64encode(answer.content).decode("ascii")}
