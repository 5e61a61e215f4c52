"""Tests of `sa_auth.keys.pfx`: every PFX that the openssl command writes, every reason to refuse one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    load_pem_private_key,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sa_auth.errors import ConfigError, KeyLoadError, SaAuthError
from sa_auth.keys import Key, from_pem, from_pfx

Files = dict[str, Path]
OpenSSL = Callable[..., Path]

SEALS = {
    "default": (),
    "legacy": ("-legacy",),
    **{
        cipher: ("-legacy", "-certpbe", cipher, "-keypbe", cipher)
        for cipher in (
            "AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC", "DES-CBC", "CAMELLIA-256-CBC", "ARIA-256-CBC",
            "RC2-CBC", "BF-CBC", "CAST5-CBC", "SEED-CBC",
            "PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40",
            "PBE-SHA1-RC4-128", "PBE-MD5-DES", "PBE-SHA1-DES", "PBE-MD5-RC2-64", "PBE-SHA1-RC2-64",
        )
    },
    "certificates in the clear": ("-certpbe", "NONE"),
    "key in the clear": ("-keypbe", "NONE"),
    "all in the clear under a MAC": ("-certpbe", "NONE", "-keypbe", "NONE"),
    "no MAC": ("-nomac",),
    "no MAC, legacy": ("-nomac", "-legacy"),
    **{f"MAC {name}": ("-macalg", name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
    "one iteration": ("-noiter", "-nomaciter"),
    "many iterations": ("-iter", "50000"),
    "Microsoft's attributes": ("-name", "a friendly name", "-CSP", "a provider", "-LMK"),
}  # fmt: skip


@pytest.fixture(scope="session")
def leaf(openssl: OpenSSL, openssl_keys: Files) -> Path:
    """A certificate over the RSA key of `openssl_keys`."""
    return openssl("req", "-x509", "-new", "-key", openssl_keys["RSA"], "-subj", "/CN=leaf", "-days", "30")


@pytest.fixture(scope="session")
def export(openssl: OpenSSL, openssl_keys: Files, leaf: Path) -> Callable[..., Path]:
    """Writes the RSA key and its certificate as a PFX with a password and more options."""

    def write(password: str, *options: str | Path) -> Path:
        command = ("pkcs12", "-export", "-inkey", openssl_keys["RSA"], "-in", leaf)
        return openssl(*command, "-passout", f"pass:{password}", *options)

    return write


@pytest.mark.parametrize("seal", SEALS)
def test_every_seal(export: Callable[..., Path], openssl_keys: Files, password: str, seal: str) -> None:
    """Whatever openssl seals a PFX with: the right password opens it, none and a wrong one are told apart."""
    path = export(password, *SEALS[seal])
    key = from_pfx(path, password=password)
    assert key.secret() == from_pem(openssl_keys["RSA"].read_bytes()).secret()
    assert len(key.certificates) == 1
    for given_password, code in ((None, "password_missing"), ("not the one", "wrong_password")):
        with pytest.raises(KeyLoadError) as caught:
            from_pfx(path, password=given_password)
        assert caught.value.code == code


@pytest.mark.parametrize("options", [
    (), ("-nomac",), ("-legacy",), ("-keypbe", "NONE", "-certpbe", "NONE"),
    ("-keypbe", "NONE", "-certpbe", "NONE", "-nomac"),
])  # fmt: skip
def test_empty_password(export: Callable[..., Path], options: tuple[str, ...]) -> None:
    """A PFX without a password opens with None and with an empty one, and refuses any other as not needed."""
    path = export("", *options)
    for nothing in (None, "", b"", lambda: None):
        assert from_pfx(path, password=nothing).algorithm == "RS256"
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(path, password="superfluous")
    assert caught.value.code == "password_not_needed"


def test_google_password_is_in_the_hint(export: Callable[..., Path]) -> None:
    """Where a password is missing, the hint names the one of Google's old files."""
    path = export("notasecret", "-legacy")
    with pytest.raises(KeyLoadError, match="notasecret") as caught:
        from_pfx(path)
    assert caught.value.code == "password_missing"
    assert from_pfx(path, password="notasecret").algorithm == "RS256"


def test_password_beyond_ascii(export: Callable[..., Path]) -> None:
    """A password with any letters opens, as text and as UTF-8 bytes."""
    path = export("p\u00e4ssw\u00f6rd\u20ac")
    assert from_pfx(path, password="p\u00e4ssw\u00f6rd\u20ac").algorithm == "RS256"
    assert from_pfx(path, password="p\u00e4ssw\u00f6rd\u20ac".encode()).algorithm == "RS256"


@pytest.mark.parametrize(("kind", "algorithm"), [("P-256", "ES256"), ("P-521", "ES512"), ("Ed25519", "EdDSA")])
def test_other_kinds(openssl: OpenSSL, openssl_keys: Files, password: str, kind: str, algorithm: str) -> None:
    """EC and Ed25519 keys are read as RSA keys are."""
    source = openssl_keys[kind]
    leaf = openssl("req", "-x509", "-new", "-key", source, "-subj", "/CN=leaf")
    path = openssl("pkcs12", "-export", "-inkey", source, "-in", leaf, "-passout", f"pass:{password}")
    key = from_pfx(path.read_bytes(), password=password)
    assert key.algorithm == algorithm
    assert key.secret() == from_pem(source.read_bytes()).secret()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_chain_in_any_order(
    tmp_path: Path,
    openssl: OpenSSL,
    pem: Callable[..., str],
    rsa_key: rsa.RSAPrivateKey,
    chain: list[x509.Certificate],
    order: tuple[int, ...],
) -> None:
    """The chain of a PFX comes out leaf first, in whatever order it was put in."""
    (tmp_path / "key").write_text(pem(rsa_key))
    (tmp_path / "chain").write_bytes(b"".join(chain[index].public_bytes(Encoding.PEM) for index in order))
    command = ("pkcs12", "-export", "-inkey", tmp_path / "key", "-in", tmp_path / "chain", "-passout", "pass:pw")
    assert list(from_pfx(openssl(*command), password="pw").certificates) == chain


def test_without_certificate(export: Callable[..., Path], leaf: Path) -> None:
    """A PFX may hold the key alone; `certificate=` then gives the rest."""
    path = export("pw", "-nocerts")
    assert from_pfx(path, password="pw").certificates == ()
    assert len(from_pfx(path, password="pw", certificate=leaf).certificates) == 1


def test_certificate_of_another_key(
    ec_key: ec.EllipticCurvePrivateKey, export: Callable[..., Path], certify: Any
) -> None:
    """A certificate that is not the key's is refused."""
    other = certify(ec_key).public_bytes(Encoding.PEM)
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(export("pw"), password="pw", certificate=other)
    assert caught.value.code == "certificate_mismatch"


def test_certificate_only(openssl: OpenSSL, leaf: Path) -> None:
    """A PFX without a private key is named as one."""
    path = openssl("pkcs12", "-export", "-nokeys", "-in", leaf, "-passout", "pass:pw")
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(path, password="pw")
    assert caught.value.code == "certificate_only"


def test_several_keys(rsa_key: rsa.RSAPrivateKey) -> None:
    """A PFX with two private keys is refused: nobody can say which is meant."""
    bag = bytes.fromhex("060b2a864886f70d010c0a0102")
    content = pkcs12.serialize_key_and_certificates(None, rsa_key, None, None, BestAvailableEncryption(b"pw"))
    assert content.count(bag) == 1
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(content + bag, password="pw")
    assert caught.value.code == "several_keys"


def test_base64(export: Callable[..., Path]) -> None:
    """The bytes may come in base64, with line ends, as an environment variable has them."""
    content = export("pw").read_bytes()
    assert from_pfx(base64.b64encode(content), password="pw").algorithm == "RS256"
    assert from_pfx(base64.encodebytes(content), password="pw").algorithm == "RS256"


def test_path_forms(export: Callable[..., Path], tmp_path: Path) -> None:
    """A path is str or PathLike; one that cannot be read is told with the system's word and without the path."""
    path = export("pw")
    assert from_pfx(str(path), password="pw").algorithm == "RS256"
    for wrong in (tmp_path / "canary-none", tmp_path, "canary\0", "canary" * 2000):
        with pytest.raises(KeyLoadError) as caught:
            from_pfx(wrong)
        assert caught.value.code == "unreadable"
        assert "canary" not in str(caught.value)


def test_damaged(export: Callable[..., Path]) -> None:
    """A PFX that is cut short, or is none, is damaged; one with a changed byte fails its MAC."""
    content = export("pw").read_bytes()
    for wrong in (content[:-40], content[:60], b"", b"hello", b"-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(KeyLoadError) as caught:
            from_pfx(wrong, password="pw")
        assert caught.value.code == "key_damaged"
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(bytes(changed), password="pw")
    assert caught.value.code == "wrong_password"


@pytest.mark.parametrize("mode", ["full", "fast", "now"])
@pytest.mark.parametrize("number", ["d", "p"])
def test_damaged_numbers(damaged_rsa: Callable[[str], str], number: str, mode: str) -> None:
    """The key in a PFX is validated as the file is opened, in every mode."""
    made = load_pem_private_key(damaged_rsa(number).encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(made, rsa.RSAPrivateKey)
    content = pkcs12.serialize_key_and_certificates(None, made, None, None, BestAvailableEncryption(b"pw"))
    with pytest.raises(KeyLoadError) as caught:
        from_pfx(content, password="pw", validate_key=mode)
    assert caught.value.code == "key_damaged"


def test_validated_once(export: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key from a PFX is not validated a second time."""
    key = from_pfx(export("pw"), password="pw")
    monkeypatch.setattr("sa_auth.keys.key.sound", lambda *_: pytest.fail("validated again"))
    key.ensure_valid()


def test_unsupported_kinds() -> None:
    """Keys too small or of other kinds are refused as in any form."""
    made: dict[str, Any] = {
        "key_too_small": rsa.generate_private_key(65537, 1024),
        "key_unsupported": ec.generate_private_key(ec.SECP256K1()),
    }
    for code, key in made.items():
        content = pkcs12.serialize_key_and_certificates(None, key, None, None, NoEncryption())
        with pytest.raises(KeyLoadError) as caught:
            from_pfx(content)
        assert caught.value.code == code


def test_too_large_and_wrong_arguments(tmp_path: Path, ec_key: ec.EllipticCurvePrivateKey) -> None:
    """More than 1 MiB, a wrong type and an unknown `validate_key` are refused."""
    (tmp_path / "big").write_bytes(b"0" * ((1 << 20) + 1))
    for big in (b"0" * ((1 << 20) + 1), tmp_path / "big"):
        with pytest.raises(KeyLoadError) as caught:
            from_pfx(big)
        assert caught.value.code == "too_large"
    with pytest.raises(ConfigError):
        from_pfx(7)  # type: ignore[arg-type]
    content = pkcs12.serialize_key_and_certificates(None, ec_key, None, None, NoEncryption())
    with pytest.raises(ConfigError):
        from_pfx(content, validate_key="never")


def test_old_ciphers_absent(export: Callable[..., Path], python: Callable[..., str]) -> None:
    """Where OpenSSL has no RC2 and RC4, the error says so and how to convert; it does not blame the password."""
    script = (
        "import sys\nfrom sa_auth.keys import from_pfx\n"
        "try: print(from_pfx(sys.argv[1], password='pw'))\n"
        "except Exception as error: print(error)\n"
    )
    shown = python(script, str(export("pw", "-legacy")), CRYPTOGRAPHY_OPENSSL_NO_LEGACY="1")
    assert shown.startswith("key_unsupported")
    assert "openssl pkcs12 -legacy" in shown


def test_errors_are_silent(
    export: Callable[..., Path], password: str, assert_silent: Callable[..., None], openssl_keys: Files
) -> None:
    """Neither key nor password is found in any error, its chain or the locals of our frames."""
    content = export("pw").read_bytes()
    key_text = openssl_keys["RSA"].read_text()
    calls: list[tuple[Any, dict[str, Any]]] = [
        (content, {"password": password}),
        (base64.b64encode(content)[:-8], {"password": password}),
        (content, {"password": "pw", "certificate": key_text}),
        (key_text, {"password": password}),
        (key_text.encode(), {"password": password}),
        (export("").read_bytes(), {"password": password}),
    ]
    for data, arguments in calls:
        with pytest.raises(SaAuthError) as caught:
            from_pfx(data, **arguments)
        assert_silent(caught.value, password, key_text, base64.b64encode(content))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_nothing_else_is_raised(ed_key: ed25519.Ed25519PrivateKey, data: st.DataObject) -> None:
    """Whatever bytes are altered, nothing but a SaAuthError leaves."""
    content = bytearray(pkcs12.serialize_key_and_certificates(b"n", ed_key, None, None, NoEncryption()))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(from_pfx(bytes(content)), Key)
    except SaAuthError as error:
        assert error.hint
