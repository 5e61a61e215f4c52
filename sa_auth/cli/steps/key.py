"""The key and its certificate, as the library opens them, validated in full.

Rule: the library's own reader judges; what it repairs in silence is told here, with the command that mends it. Of a key
its kind, its id and its public half's thumbprint are told, and nothing else.
"""

from __future__ import annotations

import os
import shlex
from typing import Any, NamedTuple

from sa_auth import keyfile
from sa_auth._clock import SYSTEM
from sa_auth._secret import fingerprint
from sa_auth.errors import ConfigError, KeyFileError, KeyLoadError, SaAuthError
from sa_auth.opened import Opened

from . import file
from .step import FAIL, OK, SKIPPED, WARN, Step, failed
from .words import date, duration

_NO_KEY = "Name the file that the provider issued: a key's text has a line '-----BEGIN ... PRIVATE KEY-----', or is JSON or a PFX."
_OF_THE_CERTIFICATE = ("certificate_damaged", "certificate_mismatch")
_SOON = 30 * 86400  # seconds

# The library's remedies name arguments of Python; who sits at a shell has commands.
_COMMANDS = {
    "wrong_password": "openssl pkey -noout -in {path}",
    "key_damaged": "openssl pkey -noout -check -in {path}",
    "certificate_mismatch": "openssl pkey -pubout -in {path}",
    "key_too_small": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
}
_REMEDIES = {
    "password_missing": "Put the password into a variable and name it: --password-env NAME; at a terminal it is asked for.",
    "password_not_needed": "Leave --password-env out, or make sure that this is the file you meant.",
    "wrong_password": "See that the variable of --password-env holds this key's password; the command asks openssl.",
    "certificate_only": "Give the private key's file, and this one by --certificate.",
    "key_damaged": "Copy or download it again from where it was issued, every line of it; if that does not help, issue a new key.",
    "certificate_mismatch": "Take the certificate that was issued for this key: the command prints the key's public half, and "
    "`openssl x509 -pubkey -noout -in CERTIFICATE` the certificate's; the two are to be the same.",
}


class OpenedKey(NamedTuple):
    """What came of opening a key.

    Attributes:
        steps: What was seen of key and certificate; or of the file, where that is to blame.
        opened: The key, ready to sign; None where it cannot be had.
    """

    steps: tuple[Step, ...]
    opened: Opened | None = None


def open_key(keyfile_given: str | None, found: file.Found, arguments: dict[str, Any]) -> OpenedKey:
    """Opens the key, and looks at it.

    Args:
        keyfile_given: The path on the command line; None: the environment's.
        found: What was seen of the file.
        arguments: Of the face, as the options say them.
    """
    if found.step.verdict == SKIPPED:
        none = Step("key", SKIPPED, "none is given: a token service or a secret is to prove who signs in")
        return OpenedKey((none, Step("certificate", SKIPPED, "there is no key that it could belong to")), Opened(None))
    unlock = keyfile.Unlock.part({**arguments, "validate_key": "now"})
    failure: SaAuthError | None = None
    try:
        opened = (
            keyfile.open_env("SA_AUTH_KEY", unlock)
            if keyfile_given is None
            else keyfile.open_file(keyfile_given, unlock)
        )
        return OpenedKey((_key(opened, found), _certificate(opened, found)), opened)
    except ConfigError as error:
        failure = error.copy()
    return OpenedKey((_fault(failure, found),))


def _fault(failure: SaAuthError, found: file.Found) -> Step:
    code = failure.code
    by_class = (
        "file" if isinstance(failure, KeyFileError) else "key" if isinstance(failure, KeyLoadError) else "arguments"
    )
    name = "certificate" if code in _OF_THE_CERTIFICATE else by_class
    path = shlex.quote(found.path) if found.path else "FILE"
    # An encryption or a kind of key that stands in JSON is nothing that openssl reads.
    plain = found.data is not None and b"{" not in found.data[:200]
    command = _COMMANDS.get(code, "").format(path=path) if plain else ""
    if "no private key in the text" in failure.message:
        return failed(name, failure, remedy=_NO_KEY)
    return failed(name, failure, command=command, remedy=_REMEDIES.get(code, ""))


def _key(opened: Opened, found: file.Found) -> Step:
    key = getattr(opened.signer, "key", None)
    if opened.signer is None or key is None:
        return Step("key", SKIPPED, "the file holds none, and says where an assertion comes from")
    told = repr(key).removeprefix("Key(").partition(",")[0]
    kid = f", kid {opened.signer.key_id}" if opened.signer.key_id else ""
    seen = f"{told}, sound, private{kid}; SHA-256 of its public half {fingerprint(key.thumbprint)}..."
    if found.data is None or not file.escaped(found.data):
        return Step("key", OK, seen)
    where = found.path or "the variable"
    return Step(
        "key", WARN, f"{seen}; its line ends are written as \\n",
        ("this library reads it all the same; other programs may not",),
        "The key's line ends are written as a backslash and an n, as if it was copied out of JSON or a variable.",
        f"Write {'it' if found.path else where} anew with true line ends; the command makes a new file." if found.path else
        "Let the variable hold true line ends, or the path of a file.",
        file.mended(found.data, found.path) if found.path else "",
    )  # fmt: skip


def _certificate(opened: Opened, found: file.Found) -> Step:
    chain = getattr(getattr(opened.signer, "key", None), "certificates", ())
    if not chain:
        return Step("certificate", SKIPPED, "none is given")
    leaf, now = chain[0], SYSTEM.wall()
    subject = leaf.subject.rfc4514_string() or "(no subject)"
    starts, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    seen = f"{subject}, fits the key, ends {date(ends)}"
    more = (f"SHA-1 {opened.signer.key.x5t}, SHA-256 {opened.signer.key.x5t_s256} (as x5t and x5t#S256 have them)",)  # type: ignore[union-attr]
    if now > ends:
        return Step(
            "certificate", FAIL, f"{subject}, fits the key, ended {date(ends)}", more,
            f"The key's certificate expired {duration(now - ends)} ago, on {date(ends)}.",
            "Have a new one issued for this key, register it with the provider, and put it in the old one's place.",
            _request(found),
        )  # fmt: skip
    if now < starts:
        return Step(
            "certificate", FAIL, f"{subject}, fits the key, begins {date(starts)}", more,
            f"The key's certificate is not valid before {date(starts)}.",
            "Wait, or set this machine's clock right if it is behind.",
        )  # fmt: skip
    if ends - now < _SOON:
        return Step(
            "certificate", WARN, seen, more, f"The key's certificate expires in {duration(ends - now)}.",
            "Have a new one issued for this key, and register it with the provider before.", _request(found),
        )  # fmt: skip
    return Step("certificate", OK, seen, more)


def _request(found: file.Found) -> str:
    """The command that asks an authority for another certificate of the same key."""
    if found.path is None or found.data is None or b"-----BEGIN" not in found.data[:200]:
        return ""
    root, _ = os.path.splitext(found.path)
    return f"openssl req -new -key {shlex.quote(found.path)} -out {shlex.quote(f'{root}.csr')}"
