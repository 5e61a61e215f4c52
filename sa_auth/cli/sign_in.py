"""The arguments of the face as options of the command line, the same for every command that signs in.

Rule: a field is an option; the library judges what is in it. No secret is an argument: whoever lists the processes of a
machine would see it. A password comes from a variable or is asked for at the terminal.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.providers import PROVIDERS

Got = TypeVar("Got")
_SIGN_IN, _WHERE = "Signing in", "Where to"


def provider_names(incomplete: str) -> list[str]:
    """The providers whose names begin so, for a shell that completes them."""
    return [name for name in PROVIDERS if name.startswith(incomplete)]


def _option(*names: str, help: str, panel: str = _SIGN_IN, **more: Any) -> Any:  # noqa: A002 - typer's word
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What it takes to sign in."""

    keyfile: Annotated[str | None, typer.Argument(metavar="KEYFILE", show_default=False, help="A vendor's key file, PEM, PFX or JWK. Default: "
                       "what the variable SA_AUTH_KEY holds, a path or a key file's text.")] = None  # fmt: skip
    scope: Annotated[list[str] | None, _option("--scope", "-s", help="What is asked for; more than once for more.")] = (
        None
    )
    subject: Annotated[str | None, _option(help="The user acted for.")] = None
    audience: Annotated[str | None, _option(help="The aud of the assertion.")] = None
    issuer: Annotated[str | None, _option(help="Client id, consumer key or service-account e-mail.")] = None
    provider: Annotated[str | None, _option("--provider", "-p", help="A name that `sa-auth providers` lists.",
                                                  autocompletion=provider_names)] = None  # fmt: skip
    server: Annotated[str | None, _option(help="The authorization server's issuer identifier.", panel=_WHERE)] = None
    token_endpoint: Annotated[str | None, _option(help="Where tokens are asked for.", panel=_WHERE)] = None
    resource: Annotated[list[str] | None, _option(help="A resource (RFC 8707); more than once for more.")] = None
    grant: Annotated[str | None, _option(help="What is asked by, for example client_credentials.")] = None
    client_auth: Annotated[str | None, _option(help="How the client proves itself.")] = None
    key_id: Annotated[str | None, _option(help="The kid.")] = None
    algorithm: Annotated[str | None, _option(help="For example PS256; default what the key and provider say.")] = None
    lifetime: Annotated[float | None, _option(help="Seconds that the assertion lives.")] = None
    certificate: Annotated[str | None, _option(help="Path of a certificate that is not in the key's file.")] = None
    claim: Annotated[list[str] | None, _option(help="NAME=VALUE: a claim more.")] = None
    header: Annotated[list[str] | None, _option(help="NAME=VALUE: a field of the JOSE header more; x5t=true takes it from "
                                                "the certificate.")] = None  # fmt: skip
    form: Annotated[list[str] | None, _option(help="NAME=VALUE: a form field more.")] = None
    password_env: Annotated[str | None, _option(metavar="NAME", help="The variable that holds the key's password; default: "
                                                "asked for at the terminal.")] = None  # fmt: skip
    cache: Annotated[str | None, _option(help="Where tokens are shared: file, none, or the variable that holds a redis:// "
                                         "address, as env:NAME.")] = "file"  # fmt: skip
    timeout: Annotated[float, _option(help="Seconds for the whole sign-in.", panel=_WHERE)] = 10.0
    ca: Annotated[
        str | None, _option(metavar="FILE", help="Certificates of the authorities to trust.", panel=_WHERE)
    ] = None
    proxy: Annotated[str | None, _option(metavar="URL", help="Default: HTTPS_PROXY.", panel=_WHERE)] = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of the face that were given; the password where a variable holds it."""
        plain = ("subject", "audience", "issuer", "provider", "server", "token_endpoint", "grant", "client_auth", "key_id",
                 "algorithm", "lifetime", "certificate")  # fmt: skip
        given: dict[str, Any] = {name: getattr(self, name) for name in plain}
        given["scope"] = self.scope and " ".join(self.scope)
        given["resource"] = self.resource
        for name, option in (("claims", self.claim), ("headers", self.header), ("form", self.form)):
            given[name] = option and _pairs(option, name, texts=name == "form")
        given["password"] = self.password_env and variable_of(self.password_env, "--password-env")
        given["cache"] = _cache(self.cache)
        given["transport"] = self._transport()
        return {**{name: value for name, value in given.items() if value is not None}, "timeout": self.timeout}

    def credentials(self, **changes: Any) -> ServiceAccountCredentials:
        """The credentials that the options describe.

        Args:
            **changes: Arguments that a command sets itself.

        Raises:
            ConfigError: a file, key or option is not usable.
        """
        arguments = {**self.arguments(), **changes}

        def made(password: str | None) -> ServiceAccountCredentials:
            given = arguments if password is None else {**arguments, "password": password}
            if self.keyfile is None:
                return ServiceAccountCredentials.from_env(**given)
            return ServiceAccountCredentials.from_file(self.keyfile, **given)

        return unlocked(made, self.password_env)

    def _transport(self) -> Any:
        if self.ca is None and self.proxy is None:
            return None
        from sa_auth.transports import RequestsTransport

        told: dict[str, Any] = {"verify": self.ca, "proxies": self.proxy and {"https": self.proxy, "http": self.proxy}}
        return RequestsTransport(**{name: value for name, value in told.items() if value is not None})


KeyFileArgument = Annotated[
    str, typer.Argument(metavar="KEYFILE", help="A vendor's key file, PEM, PFX or JWK; - reads standard input.")
]
KeyOption = Annotated[str | None, _option("--key", "-k", metavar="KEYFILE", show_default=False, help="A vendor's key file, "
                      "PEM, PFX or JWK. Default: what the variable SA_AUTH_KEY holds, a path or a key file's text.")]  # fmt: skip
PasswordEnv = Annotated[str | None, typer.Option("--password-env", metavar="NAME", help="The variable that holds the key's "
                        "password; default: asked for at the terminal.")]  # fmt: skip
CertificateFile = Annotated[str | None, typer.Option("--certificate", metavar="FILE", help="A certificate that is not in the "
                            "key's file.")]  # fmt: skip
ProviderName = Annotated[str | None, typer.Option("--provider", "-p", help="A name that `sa-auth providers` lists.",
                         autocompletion=provider_names)]  # fmt: skip


def takes_sign_in(command: Callable[..., Any], *, key_as_option: bool = False) -> Callable[..., Any]:
    """Gives a command, whose first argument is a `SignIn`, the options that make one.

    Args:
        command: It.
        key_as_option: Whether the key file is `--key`, because other arguments stand in its place.
    """
    hints = get_type_hints(SignIn, include_extras=True)
    if key_as_option:
        hints["keyfile"] = KeyOption
    ours = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(SignIn)
    ]
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def run(**given: Any) -> Any:
        sign_in = SignIn(**{parameter.name: given.pop(parameter.name) for parameter in ours})
        return command(sign_in, **given)

    # The argument comes first, as a command's own may follow it.
    together = [*ours, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own)]
    del run.__wrapped__
    run.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in together}
    return run


def unlocked(act: Callable[[str | None], Got], variable: str | None) -> Got:
    """Opens a key by the password that a variable holds; where none does, one is asked for if the key turns out to need it.

    Args:
        act: Opens it, given a password or None.
        variable: The variable's name; None: the terminal is asked, where there is one.

    Raises:
        ConfigError: the key cannot be opened.
    """
    if variable is not None:
        return act(variable_of(variable, "--password-env"))
    failure: ConfigError | None = None
    try:
        return act(None)
    except KeyLoadError as error:
        failure = error
    if failure.code != "password_missing" or sys.stdin is None or not sys.stdin.isatty():
        raise failure
    return act(str(typer.prompt("Password of the key", hide_input=True, err=True)))


def _pairs(options: list[str], name: str, *, texts: bool) -> dict[str, Any]:
    """NAME=VALUE as a mapping; a value that is JSON is what the JSON says, unless texts are wanted."""
    import json

    pairs: dict[str, Any] = {}
    for option in options:
        key, sign, value = option.partition("=")
        if not sign or not key:
            raise ConfigError(f"--{name.rstrip('s')} {option[:40]!r} is no NAME=VALUE.", code="usage")
        pairs[key] = value
        if not texts:
            try:
                pairs[key] = json.loads(value)
            except ValueError:
                pass  # a word is itself
    return pairs


def _cache(named: str | None) -> Any:
    if named in {None, "none", ""}:
        return None
    if named is not None and named.startswith("env:"):
        return variable_of(named.removeprefix("env:"), "--cache")
    return named


def variable_of(name: str, option: str) -> str:
    """What a variable holds that an option names.

    Raises:
        ConfigError: nothing.
    """
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"{option} names {name[:60]!r}, a variable that is not set, or empty.", code="usage")
    return value
