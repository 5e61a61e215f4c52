"""What a key can suffer from, in words, and how a loader leaves.

Rule: one class, `KeyLoadError`, told apart by `code`; a message is a constant and never repeats what was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import KeyLoadError, SaAuthError

Loaded = TypeVar("Loaded")

_WORDS: dict[str, tuple[str, str]] = {
    "certificate_damaged": (
        "The certificate cannot be read.",
        "Give it as PEM, from '-----BEGIN CERTIFICATE-----' to the line that begins with '-----END'.",
    ),
    "certificate_mismatch": (
        "No certificate given belongs to the private key.",
        "Compare `openssl x509 -pubkey -noout -in cert.pem` with `openssl pkey -pubout -in key.pem`.",
    ),
    "certificate_only": (
        "There is a certificate but no private key.",
        "Give the private key's file, and this one as certificate=.",
    ),
    "key_damaged": (
        "The private key is damaged: it cannot be read, or its numbers do not fit together.",
        "Copy it again from where it was issued, every line of it; if that does not help, issue a new key.",
    ),
    "key_too_small": (
        "The RSA key is shorter than 2048 bits.",
        "Issue a new one: `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`.",
    ),
    "key_unsupported": (
        "The private key is of a kind that is not supported.",
        "Use RSA (2048 to 16384 bits), P-256, P-384, P-521 or Ed25519.",
    ),
    "password_missing": (
        "The private key is encrypted and no password was given.",
        "Give password=, as text or as a callable that returns it.",
    ),
    "password_not_needed": (
        "A password was given but the private key needs none.",
        "Leave password= out, or make sure that this is the file you meant.",
    ),
    "public_key_only": (
        "This is a public key; nothing can be signed with it.",
        "Give the private key that belongs to it.",
    ),
    "several_keys": (
        "There is more than one private key.",
        "Give a file that holds only the one to sign with.",
    ),
    "too_large": (
        "The input is larger than 1 MiB.",
        "A key file is a few kilobytes; make sure that this is the file you meant.",
    ),
    "unreadable": (
        "The file cannot be read.",
        "Make sure that it exists, is a regular file, and may be read by this process.",
    ),
    "wrong_password": (
        "The password is wrong, or the encrypted key is damaged.",
        "Try it with `openssl pkey -noout -in FILE`, or for a PFX `openssl pkcs12 -noout -in FILE`.",
    ),
}


def fault(code: str, message: str = "", *, hint: str = "") -> KeyLoadError:
    """Makes the error of a code.

    Args:
        code: One of the words above.
        message: Instead of the code's own, where more is known; a constant or a type's name, never input.
        hint: Instead of the code's own.

    Returns:
        The error, to be raised outside of any `except` block.

    Example:
        >>> fault("several_keys").code
        'several_keys'
    """
    words, advice = _WORDS[code]
    return KeyLoadError(message or words, code=code, hint=hint or advice)


def attempt(load: Callable[..., Loaded], *arguments: object) -> Loaded | SaAuthError:
    """Loads, or gives the error without the frames that saw the key.

    A traceback keeps the locals of every frame it went through. The loader deletes its own arguments and raises the
    copy, so a crash reporter that prints locals finds neither key nor password below the caller's own frame.

    Args:
        load: What may raise.
        arguments: Handed to it.

    Returns:
        What it returned, or a fresh error. Anything that is not ours is a damaged key: no parser's own exception
        leaves the library.
    """
    try:
        return load(*arguments)
    except SaAuthError as error:
        return error.copy()
    except Exception:  # noqa: BLE001 - a parser's text may quote its input, so nothing of it is kept
        return fault("key_damaged")
    except BaseException as error:
        # A panic of cryptography's Rust, which derives from no Exception: what it stumbled over is no key.
        if type(error).__name__ != "PanicException":
            raise
    return fault("key_damaged")
