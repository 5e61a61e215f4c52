"""Reads a key file that is looked into and not signed in with: whole, whatever its rights, from a pipe as well.

Rule: nothing is sent, and nothing that the file names is followed or trusted. What a person should know of it is gathered
by `inspection`; the commands print.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from sa_auth import keyfile
from sa_auth._encoding import utf8
from sa_auth.errors import ConfigError, KeyFileError, KeyLoadError
from sa_auth.keys import Key
from sa_auth.keys.intake import LIMIT_BYTES, read_file
from sa_auth.opened import Opened
from sa_auth.providers import PROVIDERS, Provider

from .show import read_input
from .sign_in import unlocked

Got = TypeVar("Got")


class Source(NamedTuple):
    """A key file's content, and where it was.

    Attributes:
        path: As it was given; "-" for standard input.
    """

    path: str
    data: bytes

    def __repr__(self) -> str:
        return f"Source({self.path!r})"

    @property
    def format(self) -> str:
        """What it is written in: "JSON", "JWK", "PEM" or "DER" (a PFX is that too)."""
        info = self.info()
        if info is not None:
            return "JWK" if {"kty", "keys"} & info.keys() else "JSON"
        return "DER" if self.data[:1] == b"\x30" else "PEM"

    def info(self) -> Mapping[str, Any] | None:
        """The object that stands in it, where it is JSON."""
        try:
            found = json.loads(utf8(self.data), strict=False)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def read(path: str) -> Source:
    """Reads a file, or standard input for "-".

    Raises:
        KeyLoadError: it cannot be read, or is larger than any key file.
        KeyFileError: it is empty.
    """
    if path == "-":
        data = read_input(LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise KeyLoadError("Standard input holds more than 1 MiB, which no key file does.", code="too_large")
    else:
        data = at(path, lambda: read_file(path))
    if not data.strip():
        raise KeyFileError("There is nothing in it.", code="key_file_empty", hint="Copy or download it again.").at(
            named(path)
        )
    return Source(path, data)


def opened(
    source: Source, *, provider: str | None = None, password_env: str | None = None, certificate: str | None = None,
    key_id: str | None = None,
) -> Opened:  # fmt: skip
    """Opens it by whatever format it is; the key is validated.

    Raises:
        ConfigError: it is no key file, or the key in it cannot be loaded.
    """
    if certificate is not None:
        at(certificate, lambda: read_file(certificate))  # so that an error names this file and not the key's
    info = source.info()
    if provider is None and info is not None:
        found = keyfile.whose(info)  # nothing in it is followed here
        provider = found if found != "generic" else None

    def content(password: str | None) -> Opened:
        unlock = keyfile.Unlock(password, certificate, key_id, validate_key="now", provider=provider)
        return keyfile.open_content(source.data, unlock, os.path.basename(source.path))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a certificate's dates are shown
        return at(source.path, lambda: unlocked(content, password_env))


def key_of(found: Opened, path: str) -> Key:
    """The key in it.

    Raises:
        KeyFileError: it holds none.
    """
    key = getattr(found.signer, "key", None)
    if not isinstance(key, Key):
        raise KeyFileError(
            "There is no key in it.", code="key_file_kind", hint="`sa-auth inspect` says what this file is."
        ).at(named(path))
    return key


def provider_of(found: Opened, said: str | None) -> Provider | None:
    """Whose it is, by the caller's word or the file's; None where neither says it.

    Raises:
        ConfigError: there is no such provider.
    """
    name = said if said is not None else found.arguments.get("provider")
    provider: Provider | None = None if name is None else PROVIDERS.find(name)
    return provider


def named(path: str) -> str:
    """Where something is, for a message."""
    return "in what came by standard input" if path == "-" else f"in {path}"


def at(path: str, act: Callable[[], Got]) -> Got:
    """Does something with a file, and names it in the error if that fails."""
    failure = None
    try:
        return act()
    except ConfigError as error:
        failure = error.at(named(path))
    raise failure
