"""Makes an SSL context present a key's certificate.

Rule: ssl reads a private key from a file alone, so it gets one that is sealed with a password nobody else has, in a
folder of its own, and gone before anything else happens; the key itself is never on disk.
Source: https://docs.python.org/3/library/ssl.html#ssl.SSLContext.load_cert_chain, RFC 8705 section 2.
"""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from contextlib import suppress

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from ..errors import KeyLoadError
from .key import Key


def load_into(context: ssl.SSLContext, key: Key) -> None:
    """Makes an SSL context present the key's certificate, with its chain, to a server that asks for one.

    Args:
        context: Of a client; whom it trusts is left as it is.
        key: With its certificate. It is validated unless that was done.

    Raises:
        ConfigError: `no_certificate`.
        KeyLoadError: `key_damaged`; `tls_refused`, ssl does not take the certificate or the key; `no_temporary_file`.

    Example:
        >>> from cryptography.hazmat.primitives.asymmetric import ec
        >>> load_into(ssl.create_default_context(), Key(ec.generate_private_key(ec.SECP256R1())))
        Traceback (most recent call last):
        sa_auth.errors.ConfigError: no_certificate: The key has no certificate. Hint: Give it as certificate=, ...
    """
    _ = key.x5c  # which says that the certificate is missing, where it is
    key.ensure_valid()
    failure = _load(context, key)
    if failure is not None:
        raise failure


def _load(context: ssl.SSLContext, key: Key) -> KeyLoadError | None:
    """Loads it, or gives the error: this frame knows the password, so nothing of ours is raised through it."""
    password = secrets.token_hex(32).encode("ascii")
    sealed = _sealed(key, password)
    folder = path = ""
    try:
        folder = tempfile.mkdtemp(prefix="sa_auth-")
        os.chmod(folder, 0o700)  # a umask may have taken even the owner's rights
        path = os.path.join(folder, "sealed.pem")
        with open(path, "xb", opener=_private) as file:
            os.chmod(path, 0o600)
            file.write(sealed)
        context.load_cert_chain(path, password=password)
    except ssl.SSLError as error:
        return _refused(error)
    except OSError as error:
        return _no_file(error)
    finally:
        _remove(path, folder)
    return None


def _sealed(key: Key, password: bytes) -> bytes:
    """The encrypted private key and, in the clear, the chain, leaf first."""
    private = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return private + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in key.certificates)


def _private(path: str, flags: int) -> int:
    # "x" has brought O_EXCL: whatever stands there already, a link for example, is not written through.
    return os.open(path, flags, 0o600)


def _remove(path: str, folder: str) -> None:
    # What was never made is not there; what cannot be removed stays, and says nothing without its password.
    with suppress(OSError):
        os.unlink(path)
    with suppress(OSError):
        os.rmdir(folder)


def _refused(error: ssl.SSLError) -> KeyLoadError:
    return KeyLoadError(
        f"OpenSSL does not take the certificate, or its key, for TLS ({error.reason or 'no reason given'}).",
        code="tls_refused",
        hint="This machine's policy may refuse its signature or the size of its key, or the key's kind is none for "
        "TLS: ask for a certificate over an RSA or P-256 key, signed with SHA-256.",
    )


def _no_file(error: OSError) -> KeyLoadError:
    return KeyLoadError(
        f"There is no room for a temporary file: {error.strerror or type(error).__name__}.", code="no_temporary_file",
        hint="TLS takes a key from a file alone; it is written encrypted, and removed at once. Let TMPDIR name a "
        "folder that this process may write to.",
    )  # fmt: skip
