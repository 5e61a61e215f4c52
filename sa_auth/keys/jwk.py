"""Reads a private key from a JSON Web Key.

Rule: an asymmetric key that may sign, whole: its private and public members must belong together. Shared secrets
(`oct`, HS*) and `none` are refused by name. Source: RFC 7517, RFC 7518 section 6, RFC 8037 section 2.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from .._encoding import b64url_decode, utf8
from ..errors import KeyLoadError, SaAuthError
from .certificate import CertificateSource, from_der, read_certificates, warn_of_dates
from .faults import attempt, fault
from .intake import bounded
from .key import Key
from .kind import RSA_BITS_MOST, check_rsa_size
from .validity import check_mode

if TYPE_CHECKING:
    from cryptography import x509

_CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_CRT_MEMBERS = ("p", "q", "dp", "dq", "qi")
_E_MOST = 1 << 256  # FIPS 186-5 section 5.1; a long one would make the search for the primes take minutes
_BITS_WITHOUT_PRIMES = 4096  # whose primes are found in about a second; those of 16,384 bits in minutes
_WITH_PRIMES = "Write it anew with p, q, dp, dq and qi, as RFC 7518 section 6.3.2 wants it."
_LONGEST_NUMBER = RSA_BITS_MOST // 8 + 1  # bytes; some writers put a zero in front


def from_jwk(
    data: str | bytes | Mapping[str, Any],
    *,
    certificate: CertificateSource = None,
    validate_key: str = "full",
    now: float | None = None,
) -> Key:
    """Loads a private JWK; its `kid`, `alg` and `x5c` come along.

    Args:
        data: JSON text or a mapping: a JWK with `d` (RSA with or without p, q, dp, dq, qi; EC; OKP Ed25519), or a
            set (`keys`) in which exactly one key is private. At most 1 MiB.
        certificate: PEM text, PEM or DER bytes, or a path; used instead of the JWK's `x5c`.
        validate_key: "full" before the first signature, "fast" likewise but by arithmetic alone, "now" at once.
        now: Unix seconds, to judge the certificate's dates by; None for the system's clock.

    Returns:
        The key. A certificate out of its dates is warned about (`CertificateWarning`), not refused.

    Raises:
        KeyLoadError: its `code` says why: public_key_only, key_damaged, key_unsupported, key_too_small,
            certificate_mismatch, certificate_damaged, several_keys, too_large.
        ConfigError: an argument is of the wrong type, or `validate_key` is not known.

    Example:
        >>> key = from_jwk(
        ...     {
        ...         "kty": "OKP",
        ...         "crv": "Ed25519",
        ...         "kid": "one",
        ...         "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        ...         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        ...     }
        ... )
        >>> key.key_id, key.thumbprint
        ('one', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
    """
    outcome = attempt(_load, data, certificate, validate_key)
    del data, certificate
    if isinstance(outcome, SaAuthError):
        raise outcome
    warn_of_dates(outcome.certificates, now)
    return outcome


def _load(data: object, certificate: CertificateSource, validate_key: str) -> Key:
    check_mode(validate_key)
    jwk = _private_one(data if isinstance(data, Mapping) else _parse(bounded(data)))
    _check_use(jwk)
    return Key(
        _private_key(jwk),
        certificates=read_certificates(certificate) or _chain(jwk),
        key_id=_text(jwk, "kid"),
        algorithm=_text(jwk, "alg"),
        validate_key=validate_key,
    )


def _parse(content: bytes) -> Mapping[str, Any]:
    try:
        found: object = json.loads(utf8(content))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise fault("key_damaged", "The JWK is not a JSON object.", hint="PEM text is read by from_pem.")
    return found


def _private_one(jwk: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JWK itself, or the only private one of a set."""
    if "keys" in jwk and "kty" not in jwk:
        keys = jwk["keys"] if isinstance(jwk["keys"], list | tuple) else []
        private = [key for key in keys if isinstance(key, Mapping) and ("d" in key or key.get("kty") == "oct")]
        if len(private) > 1:
            raise fault("several_keys", "There is more than one private key in the JWK set.")
        if not private:
            raise fault("public_key_only", "There is no private key in the JWK set.")
        jwk = private[0]
    kind = jwk.get("kty")
    if kind == "oct":
        raise fault("key_unsupported", "A JWK of type oct is a shared secret; it cannot stand for one party alone.")
    if kind not in ("RSA", "EC", "OKP"):  # a tuple, because a list is a possible value and has no hash
        raise fault(
            "key_unsupported",
            "The JWK has no known key type.",
            hint="`kty` must be RSA, EC or OKP. A vendor's JSON key file is read by ServiceAccountCredentials.from_file.",
        )
    if "d" not in jwk:
        raise fault("public_key_only", "The JWK is a public key: it has no member d.")
    return jwk


def _check_use(jwk: Mapping[str, Any]) -> None:
    operations = jwk.get("key_ops")
    if jwk.get("use", "sig") != "sig" or (isinstance(operations, list | tuple) and "sign" not in operations):
        raise fault(
            "key_unsupported",
            "The JWK says that it is not for signing.",
            hint="Use one with `use` sig and, if it has `key_ops`, with sign among them.",
        )


def _private_key(jwk: Mapping[str, Any]) -> object:
    trouble: KeyLoadError | None = None
    try:
        if jwk["kty"] == "RSA":
            return _rsa(jwk)
        return _ec(jwk) if jwk["kty"] == "EC" else _okp(jwk)
    except KeyLoadError as error:
        trouble = error
    except Exception:  # noqa: BLE001 - what the numbers' readers say may hold the numbers
        trouble = fault("key_damaged")
    raise trouble


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    if "oth" in jwk:
        raise fault("key_unsupported", "The RSA key has more than two primes.")
    n, e, d = _number(jwk, "n"), _number(jwk, "e"), _number(jwk, "d")
    check_rsa_size(n.bit_length())
    if not e < _E_MOST or not d < n:
        raise fault("key_damaged")
    if any(member in jwk for member in _CRT_MEMBERS):
        p, q, dp, dq, qi = (_number(jwk, member) for member in _CRT_MEMBERS)
    elif n.bit_length() > _BITS_WITHOUT_PRIMES:
        raise fault("key_unsupported", "The RSA key is large, and its primes are missing.", hint=_WITH_PRIMES)
    else:
        # One multiplication decides; the search for the primes of a wrong d would go on for half a minute.
        if pow(pow(2, e, n), d, n) != 2:
            raise fault("key_damaged")
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        dp, dq, qi = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))
    # Validation is put off, never left out: Key.ensure_valid() does it before the first signature.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _ec(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    curve = _CURVES.get(str(jwk.get("crv")))
    if curve is None:
        raise fault("key_unsupported", "The curve of the JWK is not supported.")
    key = ec.derive_private_key(_number(jwk, "d"), curve)
    point = key.public_key().public_numbers()
    if (point.x, point.y) != (_number(jwk, "x"), _number(jwk, "y")):
        raise fault("key_damaged", "The private and the public members of the JWK do not belong together.")
    return key


def _okp(jwk: Mapping[str, Any]) -> ed25519.Ed25519PrivateKey:
    if jwk.get("crv") != "Ed25519":
        raise fault("key_unsupported", "The curve of the JWK is not supported.")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(b64url_decode(jwk["d"]))
    if key.public_key().public_bytes_raw() != b64url_decode(jwk["x"]):
        raise fault("key_damaged", "The private and the public members of the JWK do not belong together.")
    return key


def _number(jwk: Mapping[str, Any], member: str) -> int:
    octets = b64url_decode(jwk[member])
    if len(octets) > _LONGEST_NUMBER:
        raise fault("key_unsupported", "A number in the JWK is longer than that of any supported key.")
    return int.from_bytes(octets, "big")


def _text(jwk: Mapping[str, Any], member: str) -> str | None:
    value = jwk.get(member)
    if value is None or isinstance(value, str):
        return value
    raise fault("key_damaged", f"The member {member} of the JWK is not text.")


def _chain(jwk: Mapping[str, Any]) -> list[x509.Certificate]:
    entries = jwk.get("x5c")
    if entries is None:
        return []
    try:
        found = from_der([base64.b64decode(entry, validate=True) for entry in entries])
    except Exception:  # noqa: BLE001 - neither a list nor base64 nor certificates
        found = []
    if not found:
        raise fault("certificate_damaged", "The member x5c of the JWK cannot be read.")
    return found
