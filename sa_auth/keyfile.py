"""Reads a key file: its rights, its size, whose format it is.

Rule: no error repeats a key or password, and no file chooses what only code may. Stands between the face and the vendors' formats in `providers/`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from . import keys
from ._encoding import utf8
from ._secret import Password
from ._secretfile import read_secret, shown
from .errors import ConfigError, KeyFileError
from .keyuri import encoded, is_key_text, open_uri, scheme_of, text_of_variable
from .opened import Opened
from .providers import PROVIDERS
from .signers import SIGNERS
from .signers.base import Signer
from .signers.local import LocalSigner
from .signers.watched import WatchedSigner

# Files that people mistake for a service account's key: a field or type of theirs -> what they are.
_OTHER_KINDS = {"installed": "an OAuth client", "web": "an OAuth client", "authorized_user": "a person's login"}
_OF_A_JWK = {"kty", "keys"}  # the latter of a set
_ID_IN_NAME = re.compile(r"AuthKey_([A-Z0-9]{10})\.p8$")
Got = TypeVar("Got")


class Unlock(NamedTuple):
    """What it takes to make a signer of a key's bytes.

    Attributes:
        validate_key: "full", "fast" or "now"; see `keys.from_pem`.
        rights: "warn" or "strict", about a file that others may read.
        provider: The caller's own word for whose format it is; None: recognised.
    """

    password: Password = None
    certificate: Any = None
    key_id: str | None = None
    algorithm: str | None = None
    validate_key: str = "full"
    rights: str = "warn"
    provider: str | None = None

    def __repr__(self) -> str:
        return "Unlock(...)"

    @classmethod
    def part(cls, changes: dict[str, Any]) -> Unlock:
        """Takes from a caller's arguments what opens the key; what is for that alone goes out of them."""
        alone = {name: changes.pop(name) for name in ("rights", "validate_key") if name in changes}
        names = ("password", "certificate", "key_id", "algorithm", "provider")
        return cls(**{name: changes[name] for name in names if name in changes}, **alone)

    def signer(self, key: keys.Key, key_id: str | None = None) -> Signer:
        """Makes the signer; the caller's key id goes before the file's."""
        return LocalSigner(key, algorithm=self.algorithm, key_id=self.key_id if self.key_id is not None else key_id)


def open_key(key: object, unlock: Unlock) -> Opened:
    """Opens the `key` argument of the face: a Key, a Signer, key text, or the path of a key.

    Raises:
        ConfigError: it is none of them, or cannot be read; what was given is not repeated.
    """
    if key is None or isinstance(key, Opened):
        return key or Opened(None, recipe=("nothing", None, "warn", "full"))
    if isinstance(key, str) and is_key_text(key):
        return Opened(unlock.signer(_key_from(encoded(key), unlock)))
    if isinstance(key, bytes | bytearray):
        return Opened(unlock.signer(_key_from(bytes(key), unlock)))
    if isinstance(key, str) and (scheme := scheme_of(key)):
        return open_uri(key, scheme, unlock)
    if isinstance(key, str | os.PathLike):
        return open_file(key, unlock, key_only=True)
    if hasattr(key, "private_key") and hasattr(key, "ensure_valid"):
        return Opened(unlock.signer(key))  # type: ignore[arg-type]  # a keys.Key, whose class need not be loaded to know
    if isinstance(key, Signer):
        return Opened(key)
    raise ConfigError(
        f"The key is of type {type(key).__name__}.", code="bad_argument",
        hint="It is a path, keys.from_pem(text), keys.from_pfx(data), keys.from_jwk(data), a key URI or a Signer. A key "
        "file's parsed content goes to from_info(mapping).",
    )  # fmt: skip


def open_file(path: str | os.PathLike[str], unlock: Unlock, *, key_only: bool = False) -> Opened:
    """Opens a key file of any format.

    Args:
        path: Where it is.
        unlock: Password and the like.
        key_only: Whether the caller wants nothing but the key from it.

    Raises:
        KeyFileError: it is missing, empty, no file, too large, writable by others, or of an unknown format.
        KeyLoadError: the key in it cannot be loaded.
    """
    if isinstance(path, str) and is_key_text(path):
        raise KeyFileError(
            "A key's text was given where a path belongs.", code="bad_argument",
            hint="Pass it as ServiceAccountCredentials(text), or a key file's parsed content to from_info(mapping).",
        )  # fmt: skip
    if isinstance(path, str) and scheme_of(path) in SIGNERS and not os.path.lexists(path):
        raise KeyFileError(
            "A key URI was given where a path belongs.", code="bad_argument",
            hint="Pass it as ServiceAccountCredentials(uri): there is no file.",
        )  # fmt: skip
    place = _place(path)
    unlock = _named(place, unlock)

    def read() -> tuple[dict[str, Any], Signer | None]:
        data = read_secret(place, path, unlock.rights)
        return _at(f"in the key file{shown(path)}", lambda: _split(data, unlock, key_only=key_only))

    arguments, first = read()
    recipe = ("file", place, unlock.rights, unlock.validate_key)
    if first is None:
        return Opened(None, arguments, recipe)

    def again() -> Signer:
        changed, signer = read()
        for name in ("issuer", "token_endpoint", "server"):
            if changed.get(name) != arguments.get(name):
                raise KeyFileError(f"The new key file is of another {name}.", code="key_file_changed")
        if signer is None:
            raise KeyFileError("The new key file holds no key.", code="key_file_changed")
        # A header or a connection may need it; the old one is of use until a whole new one is there.
        if _certified(first) and not _certified(signer):
            raise KeyFileError("The new key file has no certificate, and the old one has.", code="key_file_changed")
        return signer

    watched = WatchedSigner(place, first, again)
    return Opened(watched, arguments, recipe, watched.reload)


def _named(place: str, unlock: Unlock) -> Unlock:
    # Apple names its key files by the id of the key, which stands nowhere in them.
    found = _ID_IN_NAME.search(place)
    return unlock._replace(key_id=found.group(1)) if found is not None and unlock.key_id is None else unlock


def _certified(signer: Signer) -> bool:
    return bool(getattr(getattr(signer, "key", None), "certificates", ()))


def open_content(data: bytes, unlock: Unlock, name: str = "") -> Opened:
    """Opens a key file's whole content that was read already, for example from a pipe.

    Args:
        data: It.
        unlock: Password and the like.
        name: The file's name, where it had one.

    Raises:
        KeyFileError: it is of an unknown format.
        KeyLoadError: the key in it cannot be loaded.
    """
    arguments, signer = _split(data, _named(name, unlock), key_only=False)
    return Opened(signer, arguments)


def open_info(info: object, unlock: Unlock) -> Opened:
    """Opens a parsed key file.

    Raises:
        KeyFileError: it is no mapping, or of an unknown format.
    """
    if not isinstance(info, Mapping):
        raise KeyFileError(
            f"The key file's content is of type {type(info).__name__}, not a mapping.", code="bad_argument",
            hint="Pass what json.load() gives; a file's path goes to from_file(path).",
        )  # fmt: skip
    arguments, signer = _opened_info(info, unlock)
    return Opened(signer, arguments)


def open_env(name: object, unlock: Unlock) -> Opened:
    """Opens what an environment variable names: a path, or the key file's text.

    Raises:
        KeyFileError: the variable is not set, or empty, or what it names cannot be read.
    """
    if not isinstance(name, str):
        raise ConfigError(
            f"The variable's name is of type {type(name).__name__}.", code="bad_argument", hint="It is a str."
        )
    if not re.fullmatch(r"\w{1,100}", name):
        raise KeyFileError(
            "from_env() was given no variable's name.", code="bad_argument",
            hint="It takes the name. A key's text goes to ServiceAccountCredentials(text), a key file's parsed content "
            "to from_info(mapping), a path to from_file(path).",
        )  # fmt: skip
    value = os.environ.get(name, "").strip()
    if value[:1] == value[-1:] and value[:1] in {"'", '"'}:
        value = value[1:-1].strip()  # as a line of an .env file has it
    if not value:
        raise KeyFileError(
            f"The environment variable {name} is not set, or empty.", code="key_file_missing",
            hint="It holds the path of a key file, or the file's whole text.",
        )  # fmt: skip
    where = f"from the environment variable {name}"
    scheme = scheme_of(value)
    if scheme is not None:
        uri = _at(where, lambda: open_uri(value, scheme, unlock))
        return Opened(uri.signer, recipe=("env", name, unlock.rights, unlock.validate_key))
    data = text_of_variable(value)
    if data is None:
        return _at(where, lambda: open_file(value, unlock))
    arguments, signer = _at(where, lambda: _split(data, unlock, key_only=False))
    return Opened(signer, arguments, ("env", name, unlock.rights, unlock.validate_key))


def _at(where: str, act: Callable[[], Got]) -> Got:
    """Does something, and says where in the error if it fails."""
    failure = None
    try:
        return act()
    except ConfigError as error:
        failure = error.at(where)
    raise failure


def _place(path: object) -> str:
    place = None
    if isinstance(path, str | bytes | os.PathLike):
        try:
            place = os.path.abspath(os.fsdecode(path))
        except (OSError, ValueError):  # the working directory is gone, or the path has a NUL in it
            place = os.fsdecode(path)
    if place is None:
        raise ConfigError(
            f"The path is of type {type(path).__name__}.", code="bad_argument",
            hint="It is a str or a Path; a key file's parsed content goes to from_info(mapping).",
        )  # fmt: skip
    return place


def _split(data: bytes, unlock: Unlock, *, key_only: bool) -> tuple[dict[str, Any], Signer | None]:
    """Parts a file's content into arguments and a signer; None where the format holds no key."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return {}, unlock.signer(_key_from(data, unlock))
    info = _json(data)
    if key_only and not _OF_A_JWK & info.keys():
        raise KeyFileError(
            "This is a JSON key file, which holds more than a key.", code="key_file_kind",
            hint="Open it with ServiceAccountCredentials.from_file(path), or from_info(mapping).",
        )  # fmt: skip
    return _opened_info(info, unlock)


def _json(data: bytes) -> dict[str, Any]:
    info = None
    try:
        # Not strict: whoever pastes a PEM into JSON by hand leaves its line ends as they are, and means the same.
        info = json.loads(utf8(data), strict=False)
    except (ValueError, RecursionError):
        pass
    if not isinstance(info, dict):
        raise KeyFileError(
            "The key file begins like JSON but is none.", code="key_file_not_json",
            hint="It may be cut short: copy or download it again.",
        )  # fmt: skip
    return info


def _opened_info(info: Mapping[str, Any], unlock: Unlock) -> tuple[dict[str, Any], Signer | None]:
    """The arguments of a JSON key file without its key, and the key as a signer; None where the format holds none."""
    if _OF_A_JWK & info.keys():
        key = keys.from_jwk(info, certificate=unlock.certificate, validate_key=unlock.validate_key)
        return {}, unlock.signer(key)
    arguments = _recognised(info, unlock.provider)
    used = {name: arguments.pop(name, None) for name in ("key", "certificate", "key_id", "algorithm", "password")}
    if used["key"] is None:
        return arguments, None
    chosen = Unlock(
        unlock.password if unlock.password is not None else used["password"],
        unlock.certificate if unlock.certificate is not None else used["certificate"],
        unlock.key_id, unlock.algorithm or used["algorithm"], unlock.validate_key,
    )  # fmt: skip
    return arguments, chosen.signer(_key_from(encoded(used["key"]), chosen), used["key_id"])


def whose(info: Mapping[str, Any]) -> str | None:
    """The provider whose format a parsed JSON key file is; None where nobody knows it."""
    readers = ((name, PROVIDERS[name].key_file) for name in PROVIDERS)
    return next((name for name, reader in readers if reader is not None and reader.recognise(info)), None)


def _recognised(info: Mapping[str, Any], wanted: str | None) -> dict[str, Any]:
    """The arguments in a JSON key file, read by the vendor whose format it is."""
    if wanted is not None:
        PROVIDERS.find(wanted)
    name = whose(info)
    key_file = None if name is None else PROVIDERS[name].key_file
    if name is not None and key_file is not None:
        if key_file.named and wanted is None:
            raise KeyFileError(
                f"A key file of {name} names addresses, files or a command that will be followed.", code="key_file_kind",
                hint=f"Say provider={name!r} in code if you trust where the file came from.",
            )  # fmt: skip
        # Our own format serves every provider; a vendor's serves that vendor alone.
        if wanted not in {None, name} and name != "generic":
            raise KeyFileError(
                f"This is a key file of {name}, not of {wanted}.", code="key_file_kind",
                hint=f"Pass {wanted}'s: {PROVIDERS[str(wanted)].page.file} Or say provider={name!r}, if you meant that.",
            )  # fmt: skip
        return {"provider": name, **key_file.read(info)}
    for sign, what in _OTHER_KINDS.items():
        if sign in info or info.get("type") == sign:
            raise KeyFileError(
                f"This file is {what}, not a service account's key.", code="key_file_kind",
                hint="Make a key for a service account in the provider's console, and pass that file.",
            )  # fmt: skip
    if wanted is not None and (reader := PROVIDERS[wanted].key_file) is not None:
        reader.read(info)  # which says what is missing
    said = info.get("type")
    named = isinstance(said, str) and re.fullmatch(r"[a-z_]{1,40}", said)
    kind = f"is of type {said!r}, which is not known" if named else "is of no known kind"
    known = ", ".join(name for name in sorted(PROVIDERS) if PROVIDERS[name].key_file is not None)
    raise KeyFileError(
        f"This key file {kind}.", code="key_file_kind", hint=f"Known are key files of {known}; PEM, PFX and JWK."
    )


def _key_from(data: bytes, unlock: Unlock) -> keys.Key:
    options: dict[str, Any] = {
        "password": unlock.password, "certificate": unlock.certificate, "validate_key": unlock.validate_key,
    }  # fmt: skip
    if data.lstrip()[:1] == b"{":
        return keys.from_jwk(data, certificate=unlock.certificate, validate_key=unlock.validate_key)
    # A PFX begins with its version, 3; a bare PKCS#8 or PKCS#1 key with 0 or 1 (RFC 7292 section 4).
    if re.match(rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...)\x02\x01\x03", data, re.DOTALL):
        return keys.from_pfx(data, **options)
    return keys.from_pem(data, **options)
