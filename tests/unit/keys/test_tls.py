"""A key's certificate in an SSL context: what is presented, and what of the key is ever on disk."""

from __future__ import annotations

import errno
import os
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from sa_auth import keys
from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.keys import Key, tls
from sa_auth.keys.tls import load_into


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, which is as empty at the end as it was."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tls.tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.fixture
def key(ec_key: ec.EllipticCurvePrivateKey, certify: Callable[..., x509.Certificate]) -> Key:
    """A P-256 key with a certificate."""
    return Key(ec_key, certificates=[certify(ec_key)])


def client() -> ssl.SSLContext:
    """A client's context, which looks at no server's certificate here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def presented(context: ssl.SSLContext, trusted: str) -> bytes | None:
    """The certificate, in DER, that a server sees which trusts these authorities (PEM)."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("server.test").configure_cert(server)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=trusted)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = context.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[1].getpeercert(binary_form=True)


class Watching(ssl.SSLContext):
    """A context that looks at the file it is given before it reads it."""

    looks: list[tuple[int, int, bytes]]

    def load_cert_chain(self, certfile: Any, *arguments: Any, **options: Any) -> None:
        folder, file = os.stat(os.path.dirname(certfile)), os.stat(certfile)
        self.looks = [(stat.S_IMODE(folder.st_mode), stat.S_IMODE(file.st_mode), Path(certfile).read_bytes())]
        super().load_cert_chain(certfile, *arguments, **options)


def watching() -> Watching:
    """One of these, of a client."""
    return Watching(ssl.PROTOCOL_TLS_CLIENT)


# what is presented


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
def test_every_kind_of_key(kind: str, certify: Callable[..., x509.Certificate]) -> None:
    """Whatever kind of key signs assertions also proves itself in TLS."""
    made: dict[str, Callable[[], Any]] = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    private = made[kind]()
    leaf = certify(private)
    context = client()
    load_into(context, Key(private, certificates=[leaf]))
    assert presented(context, leaf.public_bytes(Encoding.PEM).decode()) == leaf.public_bytes(Encoding.DER)


def test_the_chain_goes_along() -> None:
    """A server that knows the root alone is given the authorities in between (RFC 8446 section 4.4.2)."""
    root = trustme.CA()
    leaf = root.create_child_ca().issue_cert("robot.test")
    assert len(leaf.cert_chain_pems) == 2
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
    context = client()
    load_into(context, keys.from_pem(leaf.private_key_pem.bytes(), certificate=chain))
    assert presented(context, root.cert_pem.bytes().decode()) is not None


def test_a_context_without_is_refused() -> None:
    """The server of these tests wants a certificate: without one, its handshake fails."""
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        presented(client(), trustme.CA().cert_pem.bytes().decode())


def test_trust_is_left_alone(key: Key) -> None:
    """Presenting a certificate changes nothing of whom the context trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_into(context, key)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509"] == 0


# what is on disk


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_rights_under_any_umask(key: Key, umask: int) -> None:
    """The file is its owner's alone, in a folder that is its owner's alone, whatever the umask gives or takes."""
    context = watching()
    before = os.umask(umask)
    try:
        load_into(context, key)
    finally:
        os.umask(before)
    assert [look[:2] for look in context.looks] == [(0o700, 0o600)]


def test_the_key_is_sealed(key: Key) -> None:
    """What lies on disk is an encrypted key and the certificates; without its password it is none."""
    context = watching()
    load_into(context, key)
    content = context.looks[0][2]
    assert content.count(b"PRIVATE KEY-----") == content.count(b"ENCRYPTED PRIVATE KEY-----") == 2
    assert content.count(b"-----BEGIN CERTIFICATE-----") == 1
    for password in (None, b"", b"password"):
        with pytest.raises((TypeError, ValueError)):
            load_pem_private_key(content, password)


def test_each_password_is_new(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two files are sealed with the same password, and each has 256 bits."""
    passwords: list[bytes] = []
    sealed = tls._sealed

    def noting(of: Key, password: bytes) -> bytes:
        passwords.append(password)
        return sealed(of, password)

    monkeypatch.setattr(tls, "_sealed", noting)
    for _ in range(3):
        load_into(client(), key)
    assert len(set(passwords)) == 3
    assert all(len(bytes.fromhex(password.decode())) == 32 for password in passwords)


def test_nothing_readable_at_any_moment(key: Key, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one file that is opened is made exclusively and for its owner alone, and all that goes into it is sealed."""
    opened: list[tuple[str, int, int]] = []
    real = os.open

    def watched(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        opened.append((os.fspath(path), flags, mode))
        return real(path, flags, mode, **options)

    monkeypatch.setattr(os, "open", watched)
    context = watching()
    load_into(context, key)
    assert [(Path(path).parents[1], mode) for path, _, mode in opened] == [(folder, 0o600)]
    assert all(flags & os.O_EXCL and flags & os.O_CREAT for _, flags, _ in opened)
    assert b"BEGIN PRIVATE KEY" not in context.looks[0][2]


def test_it_is_gone_before_anything_else(key: Key, folder: Path) -> None:
    """As soon as ssl has read the file it is removed, also where ssl did not like it."""
    load_into(client(), key)
    assert list(folder.iterdir()) == []
    with pytest.raises(KeyLoadError):
        load_into(strict(), key)
    assert list(folder.iterdir()) == []


def test_a_planted_link_is_not_written_through(
    key: Key, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who could put a link in our file's place would have nothing written at its end."""
    victim = tmp_path / "victim"
    victim.write_text("before")
    real = tls.tempfile.mkdtemp

    def planted(**options: Any) -> str:
        made: str = real(**options)
        (Path(made) / "sealed.pem").symlink_to(victim)
        return made

    monkeypatch.setattr(tls.tempfile, "mkdtemp", planted)
    with pytest.raises(KeyLoadError) as caught:
        load_into(client(), key)
    assert caught.value.code == "no_temporary_file"
    assert victim.read_text() == "before"


# what goes wrong


def strict() -> ssl.SSLContext:
    """A context that takes no key of fewer than 256 bits of security."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("DEFAULT:@SECLEVEL=5")
    return context


def test_without_a_certificate(ec_key: ec.EllipticCurvePrivateKey) -> None:
    """A key alone presents nothing, and the error says how to give the certificate."""
    with pytest.raises(ConfigError, match="certificate=") as caught:
        load_into(client(), Key(ec_key))
    assert caught.value.code == "no_certificate"


def test_damaged_key(
    damaged_rsa: Callable[[str], str], rsa_key: rsa.RSAPrivateKey, certify: Callable[..., x509.Certificate]
) -> None:
    """The key is validated before anything is written (docs/faults.md line 5)."""
    damaged = keys.from_pem(damaged_rsa("d"), certificate=certify(rsa_key).public_bytes(Encoding.PEM))
    context = watching()
    with pytest.raises(KeyLoadError) as caught:
        load_into(context, damaged)
    assert caught.value.code == "key_damaged"
    assert not hasattr(context, "looks")


def test_what_ssl_refuses(key: Key, assert_silent: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or certificate that OpenSSL's policy refuses is our error, in its words and without secrets."""
    canary = "5ea1ed" * 10
    monkeypatch.setattr(tls.secrets, "token_hex", lambda _: canary)
    with pytest.raises(KeyLoadError, match=r"KEY_TOO_SMALL|MD_TOO_WEAK") as caught:
        load_into(strict(), key)
    assert caught.value.code == "tls_refused"
    assert caught.value.hint
    assert_silent(caught.value, canary)


def test_no_room(key: Key, assert_silent: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no temporary file can be written, the error says so and names TMPDIR."""

    def full(**_: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "/canary/path")

    monkeypatch.setattr(tls.tempfile, "mkdtemp", full)
    with pytest.raises(KeyLoadError, match="No space left") as caught:
        load_into(client(), key)
    assert caught.value.code == "no_temporary_file"
    assert "TMPDIR" in caught.value.hint
    assert_silent(caught.value, "/canary/path")
