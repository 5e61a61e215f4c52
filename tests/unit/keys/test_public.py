"""The public half of a key that is elsewhere."""

from __future__ import annotations

import copy
import datetime
import pickle
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509.oid import NameOID

from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.keys import from_pem
from sa_auth.keys.public import PublicKey
from sa_auth.testing import new_key

KINDS = ["rsa2048", "p256", "p384", "p521", "ed25519"]


def pem(public: Any) -> bytes:
    """A public key as PEM."""
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("kind", KINDS)
def test_as_the_private_key_has_it(kind: str) -> None:
    """It states what its private key states, from PEM and from DER, and after a pickle."""
    private, public = new_key(kind)
    key = from_pem(private)
    der = load_pem_public_key(public.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for made in (PublicKey(public.encode()), PublicKey(der), pickle.loads(pickle.dumps(PublicKey(der)))):
        assert (made.thumbprint, made.jwk(), made.algorithms) == (key.thumbprint, key.public_jwk(), key.algorithms)
        assert copy.deepcopy(made) is made


def test_pkcs1() -> None:
    """An HSM's library gives RSA keys as PKCS #1."""
    public: Any = load_pem_public_key(new_key("rsa2048")[1].encode())
    assert PublicKey(public.public_bytes(Encoding.DER, PublicFormat.PKCS1)).algorithms[0] == "RS256"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "key_damaged"), (b"nothing", "key_damaged"), (b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----", "key_damaged"),
        (pem(rsa.generate_private_key(65537, 1024).public_key()), "key_too_small"),
        (pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "key_unsupported"),
        (pem(x25519.X25519PrivateKey.generate().public_key()), "key_unsupported"),
        (None, "key_damaged"),
    ],
)  # fmt: skip
def test_refused(data: bytes | None, code: str) -> None:
    """A key that nobody signs by here is refused as a private one is."""
    with pytest.raises(KeyLoadError) as caught:
        PublicKey(data)
    assert caught.value.code == code


def chain() -> tuple[Any, list[bytes]]:
    """A key, its certificate and its issuer's, in the wrong order."""
    issuer, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("issuer", "leaf")]
    day = datetime.datetime(2020, 1, 1)
    made = []
    for subject, public in ((names[0], issuer.public_key()), (names[1], leaf.public_key())):
        builder = x509.CertificateBuilder(names[0], subject, public, 1, day, day + datetime.timedelta(days=36500))
        made.append(builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.PEM))
    return leaf, made


def test_of_a_certificate() -> None:
    """Without a key it is the certificate's that issued none of the others, in whatever order they stand."""
    leaf, certificates = chain()
    for order in (certificates, certificates[::-1], certificates[1:]):
        made = PublicKey(None, b"".join(order))
        assert made.thumbprint == PublicKey(pem(leaf.public_key())).thumbprint
        assert len(made.certificate_field("x5c")) == len(order)
    own = PublicKey(None, certificates[0])  # of itself, by itself
    assert own.certificate_field("x5t") != made.certificate_field("x5t")
    again = pickle.loads(pickle.dumps(PublicKey(None, b"".join(certificates))))
    assert len(again.certificates) == 2


def test_of_another_certificate() -> None:
    """A certificate that is not the key's is refused; without one there are no header fields."""
    _, certificates = chain()
    with pytest.raises(KeyLoadError) as caught:
        PublicKey(new_key("p256")[1].encode(), certificates[1])
    assert caught.value.code == "certificate_mismatch"
    with pytest.raises(ConfigError) as refused:
        PublicKey(new_key("p256")[1].encode()).certificate_field("x5t#S256")
    assert refused.value.code == "no_certificate"


@pytest.mark.parametrize(("kind", "width"), [("p256", 32), ("p384", 48), ("p521", 66)])
def test_form_of_a_signature(kind: str, width: int) -> None:
    """Both numbers have their width, however short they are; one that is too long is none."""
    key = PublicKey(new_key(kind)[1].encode())
    assert key.jws_form(encode_dss_signature(1, 2), der=True) == bytes([*bytes(width - 1), 1, *bytes(width - 1), 2])
    with pytest.raises(OverflowError):
        key.jws_form(encode_dss_signature(1 << (8 * width), 2), der=True)
    with pytest.raises(ValueError):
        key.jws_form(b"\x01" * (2 * width - 1), der=False)


def test_form_of_another_signature() -> None:
    """Those of RSA and Ed25519 are as they come."""
    for kind in ("rsa2048", "ed25519"):
        assert PublicKey(new_key(kind)[1].encode()).jws_form(b"any", der=True) == b"any"
