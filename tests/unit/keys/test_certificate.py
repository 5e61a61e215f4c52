"""Tests of `sa_auth.keys.certificate`: reading, ordering, dates."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PublicFormat, pkcs12
from joserfc.jwk import RSAKey

from sa_auth.errors import KeyLoadError
from sa_auth.keys import CertificateWarning, Key, from_jwk, from_pem, from_pfx
from sa_auth.keys.certificate import arrange, read_certificates

Certify = Callable[..., x509.Certificate]


def spki(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_every_order(rsa_key: rsa.RSAPrivateKey, chain: list[x509.Certificate]) -> None:
    """A chain comes out leaf first from every order it is given in, repeated certificates included."""
    for order in itertools.permutations([*chain, chain[1]]):
        assert list(arrange(order, spki(rsa_key))) == chain


def test_none(rsa_key: rsa.RSAPrivateKey) -> None:
    """No certificates make an empty chain."""
    assert arrange([], spki(rsa_key)) == ()
    assert read_certificates(None) == []


def test_gap(rsa_key: rsa.RSAPrivateKey, chain: list[x509.Certificate]) -> None:
    """Where a link is missing the chain ends."""
    assert list(arrange([chain[2], chain[0]], spki(rsa_key))) == [chain[0]]


def test_same_name_other_key(rsa_key: rsa.RSAPrivateKey, certify: Certify) -> None:
    """An issuer is known by its signature and not by its name alone."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    twins = [certify(key, "authority") for key in keys]
    leaf = certify(rsa_key, "leaf", issuer=twins[1], issuer_key=keys[1])
    assert list(arrange([*twins, leaf], spki(rsa_key))) == [leaf, twins[1]]


def test_renewed(rsa_key: rsa.RSAPrivateKey, certify: Certify) -> None:
    """Of two certificates over the key, the one that lasts longer is the leaf."""
    old, new = certify(rsa_key, "old", days=(-30, 1)), certify(rsa_key, "new", days=(-1, 90))
    assert arrange([old, new], spki(rsa_key)) == (new,)
    assert arrange([new, old], spki(rsa_key)) == (new,)


def test_stranger_with_unusual_key(rsa_key: rsa.RSAPrivateKey, certify: Certify) -> None:
    """A stranger's certificate may hold a key of any kind."""
    stranger = certify(ed448.Ed448PrivateKey.generate(), "stranger", issuer_key=rsa_key)
    leaf = certify(rsa_key)
    assert arrange([stranger, leaf], spki(rsa_key)) == (leaf,)
    with pytest.raises(KeyLoadError) as caught:
        arrange([stranger], spki(rsa_key))
    assert caught.value.code == "certificate_mismatch"


def test_long_chain_is_cut(certify: Certify) -> None:
    """A chain is followed for ten certificates at most."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificates = [certify(key, "0")]
    for number in range(1, 15):
        certificates.append(certify(key, str(number), issuer=certificates[-1], issuer_key=key))
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf = certify(leaf_key, "leaf", issuer=certificates[-1], issuer_key=key)
    assert len(arrange([*certificates, leaf], spki(leaf_key))) == 10


@pytest.mark.parametrize("source", [
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    "-----BEGIN CERTIFICATE-----",
    b"AAAA",
    b"",
    b"\x30\x00",
    b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
])  # fmt: skip
def test_damaged(source: str | bytes) -> None:
    """What is given as a certificate and is none is damaged."""
    with pytest.raises(KeyLoadError) as caught:
        read_certificates(source)
    assert caught.value.code in {"certificate_damaged", "key_damaged"}


def test_too_many(rsa_key: rsa.RSAPrivateKey, chain: list[x509.Certificate]) -> None:
    """More than 200 certificates are refused: ordering them costs signatures."""
    assert list(arrange(chain[1:] * 99 + chain[:2], spki(rsa_key))) == chain
    with pytest.raises(KeyLoadError) as caught:
        arrange(chain * 67, spki(rsa_key))
    assert caught.value.code == "certificate_damaged"


def test_path_is_not_repeated(tmp_path: Path) -> None:
    """A path that cannot be read is not repeated in the error."""
    for wrong in (tmp_path / "canary", str(tmp_path / "canary"), "canary"):
        with pytest.raises(KeyLoadError) as caught:
            read_certificates(wrong)
        assert caught.value.code == "unreadable"
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("days", "word"), [((-30, -1), "expired"), ((2, 30), "not valid before")])
def test_dates_warn_once(
    rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], certify: Certify, days: tuple[int, int], word: str
) -> None:
    """A leaf out of its dates warns once, names the caller's line, and is no error."""
    text = pem(rsa_key) + certify(rsa_key, days=days).public_bytes(Encoding.PEM).decode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        key = from_pem(text)
        key.ensure_valid()
    assert [word in str(warning.message) for warning in caught] == [True]
    assert caught[0].category is CertificateWarning
    assert caught[0].filename == __file__
    assert issubclass(CertificateWarning, UserWarning)


def test_dates_are_judged_by_the_argument(
    rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], certify: Certify
) -> None:
    """`now` takes the place of the clock, in both directions."""
    certificate = certify(rsa_key, days=(-1, 30))
    text = pem(rsa_key) + certificate.public_bytes(Encoding.PEM).decode()
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_pem(text, now=starts.timestamp())
        from_pem(text, now=ends.timestamp())
        from_pem(text)
    for moment in (starts - timedelta(seconds=1), ends + timedelta(seconds=1)):
        with pytest.warns(CertificateWarning):
            from_pem(text, now=moment.timestamp())


def test_only_the_leaf_is_looked_at(rsa_key: rsa.RSAPrivateKey, certify: Certify) -> None:
    """An issuer out of its dates does not warn: whether the chain is good is the server's to judge."""
    issuer_key = ec.generate_private_key(ec.SECP256R1())
    issuer = certify(issuer_key, "old", days=(-30, -1))
    leaf = certify(rsa_key, "leaf", issuer=issuer, issuer_key=issuer_key)
    assert Key(rsa_key, certificates=[issuer, leaf]).certificates == (leaf, issuer)


def test_jwk_and_pfx_warn_too(rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], certify: Certify) -> None:
    """The other loaders warn as well."""
    old = certify(rsa_key, days=(-30, -1))
    with pytest.warns(CertificateWarning):
        from_jwk(RSAKey.import_key(pem(rsa_key)).as_dict(private=True), certificate=old.public_bytes(Encoding.DER))
    with pytest.warns(CertificateWarning):
        from_pfx(pkcs12.serialize_key_and_certificates(None, rsa_key, old, None, NoEncryption()))
