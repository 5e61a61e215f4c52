"""Reads the URI of a key in a PKCS#11 token.

Rule: pure; what it does not understand it refuses, and so does it a PIN, which a URI would carry into logs and pickles.
Source: RFC 7512 section 2.
"""

from __future__ import annotations

import os
from typing import NamedTuple, NoReturn
from urllib.parse import unquote, unquote_to_bytes

from ..errors import ConfigError

_PATH = ("token", "serial", "manufacturer", "model", "slot-id", "object", "id", "type")
_QUERY = ("module-path", "pin-source")
_EXAMPLE = "pkcs11:token=prod;object=robot?module-path=/usr/lib/softhsm/libsofthsm2.so"
MODULE_VARIABLE = "PKCS11_MODULE_PATH"  # as OpenSSL's engine and provider name it


class KeyInToken(NamedTuple):
    """What a URI says.

    Attributes:
        module: Path of the driver.
        token: Label, serial number, manufacturer, model and slot id, each by its name in the URI, where it is there.
        label: The key's; None: any.
        id: The key's; None: any.
        pin_source: Path of a file that holds the PIN; None: there is none.
    """

    module: str
    token: dict[str, str]
    label: str | None
    id: bytes | None
    pin_source: str | None


def read(uri: str) -> KeyInToken:
    """Takes the URI apart.

    Raises:
        ConfigError: it is not of the form, names no key or no driver, or holds a PIN. It is not repeated.

    Example:
        >>> read("pkcs11:token=prod;object=robot%201;type=private?module-path=/usr/lib/driver.so").label
        'robot 1'
    """
    path, _, query = uri.partition(":")[2].partition("?")
    said: dict[str, str] = {}
    for part, separator, known in ((path, ";", _PATH), (query, "&", _QUERY)):
        for item in filter(None, part.split(separator)):
            name, equals, value = item.partition("=")
            if name == "pin-value":
                _refuse(
                    "holds a PIN.", "A URI is kept, shown and sent to other processes: pass password=, best a function "
                    "that asks for it, or pin-source=file:/path.",
                )  # fmt: skip
            if name not in known or not equals or name in said:
                _refuse(
                    f"does not take {name[:20]!r} there, or says it twice.", f"It takes {', '.join((*_PATH, *_QUERY))}."
                )
            said[name] = value
    if said.get("type", "private") != "private":
        _refuse("is not of a private key.", "Leave type= out, or say type=private.")
    if "object" not in said and "id" not in said:
        _refuse("names no key.", f"Say object= (its label) or id=, for example {_EXAMPLE!r}.")
    module = unquote(said.get("module-path", "")) or os.environ.get(MODULE_VARIABLE, "")
    if not module:
        _refuse("names no driver.", f"Say ?module-path=, or set {MODULE_VARIABLE}; for example {_EXAMPLE!r}.")
    source = unquote(said["pin-source"]) if "pin-source" in said else None
    if source is not None:
        source = source.removeprefix("file://") if source.startswith("file:///") else source.removeprefix("file:")
        if not source.startswith("/"):
            # A command, which RFC 7512 allows too, is code: password= takes a function.
            _refuse("has a pin-source that is no file.", "It is file:/path, absolute.")
    return KeyInToken(
        module,
        {name: unquote(said[name]) for name in ("token", "serial", "manufacturer", "model", "slot-id") if name in said},
        unquote(said["object"]) if "object" in said else None,
        unquote_to_bytes(said["id"]) if "id" in said else None,
        source,
    )


def _refuse(what: str, hint: str) -> NoReturn:
    raise ConfigError(f"The key URI pkcs11: {what}", code="bad_key_uri", hint=hint)
