"""The port to whoever keeps a private key: a cloud's key service, a vault, an HSM.

Rule: a service's file knows its library and says what that library's errors mean; it neither waits, tries again, checks a
signature nor changes its form: `RemoteSigner` does, for all of them. Stands under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..errors import ConfigError, SigningError


class KeyService:
    """One key of one service. A subclass is a row of `SIGNERS`, and made of a key URI.

    Its constructor talks to nobody. Its acts may be called by many threads at once, and after a fork: a client that does
    not survive one is kept in `PerProcess`. What its library raises goes through `explain`; a SigningError of its own
    passes as it is.

    Attributes:
        service: What it is called in messages: "AWS KMS".
        algorithms: The JOSE names that it signs by, whatever the key, or by that key, once the public key was read. One that
            it would do wrong is left out.
        der: Whether it gives ECDSA signatures in DER (most do), or as a JWS has them.
        takes_password: Whether `password=` beside the URI is its business.
        form_hint: What to do where it answered with what is no signature.
        mismatch_hint: What to do where its first signature does not verify.
        asks_for_public_key: False: it can give none, and the caller has to pass a certificate.

    Example:
        >>> class Nowhere(KeyService):
        ...     service = "the example"
        >>> Nowhere().public_key(1.0)
        Traceback (most recent call last):
        NotImplementedError
    """

    service: ClassVar[str] = ""
    algorithms: tuple[str, ...] = (
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
    )
    der: bool = True
    takes_password: ClassVar[bool] = False
    form_hint: str = ""
    mismatch_hint: str = (
        "The key is not the one whose public half was read or given: it may have been changed since. Name its version in the "
        "URI, or pass the certificate that belongs to it."
    )

    def prepare(self) -> None:
        """Asks what only the caller can tell, a PIN say: on the caller's own thread, and however long a person takes."""

    def public_key(self, timeout: float) -> bytes:
        """The public key, as PEM or DER SubjectPublicKeyInfo.

        Args:
            timeout: Seconds that the call may take. Whoever exceeds it is not waited for.
        """
        raise NotImplementedError

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:
        """Signs once, without an attempt of its own after a failed one.

        Args:
            algorithm: JOSE name.
            data: The whole message, for a service that makes the digest itself.
            digest: Its digest by the algorithm's hash, for one that wants that; empty for EdDSA, which has none.
            timeout: Seconds that the call may take.
        """
        raise NotImplementedError

    def explain(self, error: Exception, act: str) -> SigningError:
        """Says what an error of the service's library means. Pure: it does not raise.

        Args:
            error: What was raised.
            act: "sign" or "public_key".
        """
        return failed(self.service, error, act)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


# What such a service can answer, in words and codes that are the same for all of them.


def failed(service: str, error: Exception, act: str) -> SigningError:
    """Nobody knows what it was; its class is told and its text is not, which may hold what is secret."""
    return SigningError(f"{_acting(service, act)} failed: {type(error).__name__}.")


def throttled(service: str, *, retry_after: float | None = None, status: int | None = None) -> SigningError:
    """It had too many calls."""
    return SigningError(
        f"{service} takes no more calls for now.", code="signing_throttled", retryable=True, retry_after=retry_after,
        status=status, hint="Share tokens between processes (cache=), or have the quota raised.",
    )  # fmt: skip


def denied(service: str, permission: str, act: str = "sign", *, status: int | None = None) -> SigningError:
    """The caller may not do that.

    Args:
        service: Whose answer it is.
        permission: What lacks, by the name that the service's console has for it.
        act: "sign" or "public_key".
        status: Of the answer.
    """
    return SigningError(
        f"{_acting(service, act)} is not allowed.", code="signing_denied", status=status, hint=f"Grant {permission}."
    )


def no_login(service: str, hint: str) -> SigningError:
    """There is nothing to sign in to the service with, or it is not taken.

    Args:
        service: Whose answer it is.
        hint: Where its login comes from.
    """
    return SigningError(f"There is no login that {service} takes.", code="signing_login", hint=hint)


def not_found(service: str, hint: str, *, status: int | None = None) -> SigningError:
    """There is no such key."""
    return SigningError(f"{service} has no such key.", code="key_not_found", status=status, hint=hint)


def wrong_version(service: str, hint: str, *, status: int | None = None) -> SigningError:
    """There is no such version of the key, or it is disabled or destroyed."""
    return SigningError(
        f"{service} has no such version of the key, or does not sign with it.",
        code="key_version",
        status=status,
        hint=hint,
    )


def unfit(service: str, algorithm: str, hint: str, *, status: int | None = None) -> SigningError:
    """The key does not sign by that algorithm, or is for another use."""
    return SigningError(
        f"The key of {service} does not sign by {algorithm}.", code="bad_algorithm", status=status, hint=hint
    )


def unavailable(
    service: str, *, status: int | None = None, retry_after: float | None = None, hint: str = ""
) -> SigningError:
    """It answered that it cannot, for now."""
    return SigningError(
        f"{service} is not available.", code="signing_unavailable", retryable=True, status=status,
        retry_after=retry_after, hint=hint,
    )  # fmt: skip


def no_answer(service: str, hint: str = "") -> SigningError:
    """It was not reached, or did not answer in time."""
    return SigningError(
        f"{service} did not answer.", code="no_answer", retryable=True,
        hint=hint or "Look at the network between this machine and it, and at the service's own state.",
    )  # fmt: skip


def _acting(service: str, act: str) -> str:
    return f"Reading the public key from {service}" if act == "public_key" else f"Signing with {service}"


# Reading a key URI.


def parts(uri: str, names: Mapping[str, str], example: str) -> tuple[str, dict[str, str]]:
    """Takes a key URI `scheme:path?name=value&name=value` apart.

    Args:
        uri: The URI.
        names: The names that may stand behind the question mark, each with what it is.
        example: A URI as it should be, for the error.

    Returns:
        The path, percent-decoded, and the values by name.

    Raises:
        ConfigError: the path is empty, or a name is unknown or there twice. The URI is not repeated.

    Example:
        >>> parts("vault:robot?version=3", {"version": "of the key"}, "vault:KEY")
        ('robot', {'version': '3'})
    """
    from urllib.parse import parse_qsl, unquote  # with a key URI alone

    scheme, _, rest = uri.partition(":")
    path, _, query = rest.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    unknown = [name for name in values if name not in names]
    if unknown or len(values) != len(pairs) or not path or "#" in uri:
        known = f" It takes {', '.join(f'{name} ({what})' for name, what in names.items())}." if names else ""
        what = f"has {unknown[0][:20]!r} in it" if unknown else "is incomplete, or says something twice"
        raise ConfigError(f"The key URI {scheme}: {what}.", code="bad_key_uri", hint=f"For example {example!r}.{known}")
    return unquote(path), values
