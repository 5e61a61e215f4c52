"""Makes a key, and the certificate that some vendors want of it.

Rule: a key is made here and written nowhere; whoever asked keeps it. The certificate is signed by its own key: a vendor
pins it, nobody derives trust from it. Source: RFC 5280 section 4.1 for the certificate, RFC 5958 for the encrypted form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from .._clock import SYSTEM
from .._loading import load
from ..errors import ConfigError
from .key import Key

if TYPE_CHECKING:
    from cryptography import x509

_MAKERS: dict[str, Callable[[], Any]] = {
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
KINDS = tuple(_MAKERS)
_LONGEST_NAME = 64  # RFC 5280 appendix A.1, ub-common-name
_LONGEST_DAYS = 36_500
_BACKDATE_S = 300  # so that a server whose clock is a little behind takes it at once


def generate(kind: str) -> Key:
    """Makes a key.

    Args:
        kind: "rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521" or "ed25519".

    Raises:
        ConfigError: there is no such kind.

    Example:
        >>> generate("p256").algorithm
        'ES256'
    """
    if kind not in _MAKERS:
        raise ConfigError("There is no such kind of key.", code="unknown_name", hint=f"Known: {', '.join(KINDS)}.")
    return Key(_MAKERS[kind](), validated=True)


def kinds_for(algorithms: tuple[str, ...], rsa_bits: int = 2048) -> tuple[str, ...]:
    """The kinds that sign by one of these algorithms, the best first; all, where none is named.

    Args:
        algorithms: JOSE names, the best first.
        rsa_bits: How long an RSA key has to be.

    Example:
        >>> kinds_for(("ES384", "RS256"))
        ('p384', 'rsa2048', 'rsa3072', 'rsa4096')
    """
    families = {"ES256": ("p256",), "ES384": ("p384",), "ES512": ("p521",), "EdDSA": ("ed25519",)}
    # Who wants the longest hash alone wants a key that is as strong.
    rsa_kinds = ("rsa4096", "rsa3072", "rsa2048") if set(algorithms) == {"RS512"} else ("rsa2048", "rsa3072", "rsa4096")
    found = [kind for name in algorithms for kind in families.get(name, rsa_kinds)] or KINDS
    long_enough = (kind for kind in found if not kind.startswith("rsa") or int(kind[3:]) >= rsa_bits)
    return tuple(dict.fromkeys(long_enough))


def self_signed_certificate(key: Key, subject: str, days: int, *, now: float | None = None) -> x509.Certificate:
    """Makes a certificate of a key, signed by that key.

    Args:
        key: The key.
        subject: Its common name.
        days: How long it is valid.
        now: Unix seconds from which on; None for the system's clock.

    Raises:
        ConfigError: the name or the number of days is not usable.

    Example:
        >>> made = self_signed_certificate(generate("p256"), "robot", 365)
        >>> made.subject.rfc4514_string(), made.issuer == made.subject
        ('CN=robot', True)
    """
    from datetime import datetime, timedelta, timezone

    if not subject.strip() or len(subject) > _LONGEST_NAME or not subject.isprintable():
        raise ConfigError(
            f"A certificate's subject is a name of 1 to {_LONGEST_NAME} characters.", code="bad_argument",
            hint="For example the name of the robot or of its machine.",
        )  # fmt: skip
    if not 1 <= days <= _LONGEST_DAYS:
        raise ConfigError(
            f"A certificate is valid for 1 to {_LONGEST_DAYS} days.", code="bad_argument",
            hint="Two years, 730 days, is what most vendors allow.",
        )  # fmt: skip
    reader: Any = load("cryptography.x509")
    name = reader.Name([reader.NameAttribute(reader.NameOID.COMMON_NAME, subject)])
    began = datetime.fromtimestamp(SYSTEM.now().wall if now is None else now, timezone.utc).replace(microsecond=0)
    private = key.private_key
    builder = (
        reader.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(reader.random_serial_number())
        .not_valid_before(began - timedelta(seconds=_BACKDATE_S))
        .not_valid_after(began + timedelta(days=days))
        .add_extension(reader.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    made: x509.Certificate = builder.sign(private, None if key.algorithm == "EdDSA" else hashes.SHA256())
    return made


def private_pem(key: Key, password: str | None = None) -> str:
    """The private key as PKCS#8 PEM.

    Args:
        key: The key.
        password: What it is encrypted with; None or empty: not at all.
    """
    how: KeySerializationEncryption = NoEncryption()
    if password:
        how = BestAvailableEncryption(password.encode("utf-8"))
    return key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode("ascii")
