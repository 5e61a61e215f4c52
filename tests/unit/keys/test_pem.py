"""Tests of `sa_auth.keys.pem`: every form of private key in text, every reason to refuse one."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sa_auth.errors import ConfigError, KeyLoadError, MissingExtra, SaAuthError
from sa_auth.keys import Key, from_pem

KINDS = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
LEGACY = ("-provider", "legacy", "-provider", "default")
V1_CIPHERS = (
    "PBE-MD5-DES", "PBE-MD5-RC2-64", "PBE-SHA1-DES", "PBE-SHA1-RC2-64", "PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40",
    "PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40",
)  # fmt: skip
V2_CIPHERS = (
    "aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3", "des-cbc", "rc2-cbc", "rc2-40-cbc", "rc2-64-cbc",
    "camellia-256-cbc", "bf-cbc", "cast5-cbc",
)  # fmt: skip
PRFS = ("hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512", "hmacWithMD5")

Files = dict[str, Path]
OpenSSL = Callable[..., Path]


def same(key: Key, path: Path) -> bool:
    """Whether a loaded key is the one in an unencrypted file."""
    return key.secret() == from_pem(path.read_bytes()).secret()


@pytest.mark.parametrize("kind", KINDS)
def test_pkcs8(openssl_keys: Files, kind: str) -> None:
    """An unencrypted PKCS#8 key of each supported kind is read, with the algorithm that follows from it."""
    key = from_pem(openssl_keys[kind].read_text())
    key.ensure_valid()
    assert key.algorithm == KINDS[kind]
    assert key.certificates == ()


def test_pkcs1(openssl: OpenSSL, openssl_keys: Files) -> None:
    """An RSA key in the traditional form (PKCS#1) is read."""
    text = openssl("rsa", "-traditional", "-in", openssl_keys["RSA"]).read_text()
    assert "BEGIN RSA PRIVATE KEY" in text
    assert same(from_pem(text), openssl_keys["RSA"])


def test_sec1_with_parameters(openssl: OpenSSL) -> None:
    """An EC key in the traditional form (SEC1) is read, also behind its EC PARAMETERS block."""
    text = openssl("ecparam", "-name", "prime256v1", "-genkey").read_text()
    assert "BEGIN EC PARAMETERS" in text
    assert "BEGIN EC PRIVATE KEY" in text
    assert from_pem(text).algorithm == "ES256"


@pytest.mark.parametrize("cipher", V1_CIPHERS)
def test_encrypted_pkcs8_v1(openssl: OpenSSL, openssl_keys: Files, password: str, cipher: str) -> None:
    """PKCS#8 encrypted under each PKCS#5 v1.5 and PKCS#12 scheme that openssl writes is read."""
    source = openssl_keys["RSA"]
    path = openssl("pkcs8", "-topk8", "-in", source, "-v1", cipher, "-passout", f"pass:{password}", *LEGACY)
    assert same(from_pem(path.read_text(), password=password), source)


@pytest.mark.parametrize("cipher", V2_CIPHERS)
def test_encrypted_pkcs8_v2(openssl: OpenSSL, openssl_keys: Files, password: str, cipher: str) -> None:
    """PKCS#8 encrypted under each PKCS#5 v2 cipher that openssl writes is read."""
    source = openssl_keys["RSA"]
    path = openssl("pkcs8", "-topk8", "-in", source, "-v2", cipher, "-passout", f"pass:{password}", *LEGACY)
    assert same(from_pem(path.read_text(), password=password), source)


@pytest.mark.parametrize("prf", PRFS)
def test_encrypted_pkcs8_hash(openssl: OpenSSL, openssl_keys: Files, password: str, prf: str) -> None:
    """PKCS#8 whose password went through any of openssl's hashes is read."""
    arguments = ("-v2", "aes-256-cbc", "-v2prf", prf, "-passout", f"pass:{password}")
    path = openssl("pkcs8", "-topk8", "-in", openssl_keys["P-256"], *arguments)
    assert same(from_pem(path.read_text(), password=password), openssl_keys["P-256"])


def test_encrypted_pkcs8_scrypt(openssl: OpenSSL, openssl_keys: Files, password: str) -> None:
    """PKCS#8 whose password went through scrypt is read."""
    path = openssl("pkcs8", "-topk8", "-in", openssl_keys["Ed25519"], "-scrypt", "-passout", f"pass:{password}")
    assert same(from_pem(path.read_text(), password=password), openssl_keys["Ed25519"])


@pytest.mark.parametrize("kind", ["RSA", "P-384"])
@pytest.mark.parametrize("cipher", ["-aes128", "-aes192", "-aes256", "-des3"])
def test_encrypted_traditional(openssl: OpenSSL, openssl_keys: Files, password: str, kind: str, cipher: str) -> None:
    """A traditional key with "Proc-Type: 4,ENCRYPTED" is read, folded into one line as well."""
    command = ("rsa", "-traditional") if kind == "RSA" else ("ec",)
    text = openssl(*command, "-in", openssl_keys[kind], cipher, "-passout", f"pass:{password}").read_text()
    assert "Proc-Type: 4,ENCRYPTED" in text
    assert same(from_pem(text, password=password), openssl_keys[kind])
    assert same(from_pem(" ".join(text.split()), password=password), openssl_keys[kind])
    with pytest.raises(KeyLoadError) as caught:
        from_pem(text, password="not the one")
    assert caught.value.code == "wrong_password"


@pytest.mark.parametrize("cipher", ["AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC"])
@pytest.mark.parametrize("octets", [1, 7, 12, 24])
def test_traditional_with_a_cut_head(cipher: str, octets: int) -> None:
    """Where the second header line was cut short, the key is damaged, whatever the parser makes of it."""
    head = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},{'AB' * octets}\n\n"
    with pytest.raises(KeyLoadError) as caught:
        from_pem(f"-----BEGIN EC PRIVATE KEY-----\n{head}{'A' * 64}\n-----END EC PRIVATE KEY-----\n", password="x")
    assert caught.value.code in {"key_damaged", "wrong_password", "key_unsupported"}


def test_traditional_with_unknown_cipher(openssl: OpenSSL, openssl_keys: Files, password: str) -> None:
    """A traditional key under a cipher that is not read is unsupported, with the command that converts it."""
    arguments = ("-traditional", "-camellia256", "-passout", f"pass:{password}")
    path = openssl("rsa", "-in", openssl_keys["RSA"], *arguments)
    try:
        # Older releases of cryptography read this one; newer ones do not.
        assert same(from_pem(path.read_text(), password=password), openssl_keys["RSA"])
    except KeyLoadError as error:
        assert error.code == "key_unsupported"
        assert "openssl pkcs8 -topk8" in error.hint


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_openssh(request: pytest.FixtureRequest, password: str, kind: str, encrypted: bool) -> None:
    """An OpenSSH key is read, encrypted or not."""
    made = request.getfixturevalue(f"{kind}_key")
    sealing = BestAvailableEncryption(password.encode()) if encrypted else NoEncryption()
    text = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, sealing)
    key = from_pem(text, password=password if encrypted else None)
    assert key.secret() == Key(made).secret()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_openssh_by_ssh_keygen(tmp_path: Path, password: str, kind: str) -> None:
    """What ssh-keygen writes is read with its password and refused without."""
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("the ssh-keygen command is not installed: `make system` as root brings it")
    path = tmp_path / "key"
    subprocess.run([program, "-q", "-t", kind, "-N", password, "-f", str(path)], check=True, timeout=60)
    from_pem(path.read_bytes(), password=password).ensure_valid()
    with pytest.raises(KeyLoadError) as caught:
        from_pem(path.read_bytes())
    assert caught.value.code == "password_missing"
    with pytest.raises(KeyLoadError) as caught:
        from_pem(path.read_bytes(), password="not the one")
    assert caught.value.code == "wrong_password"


def test_encrypted_openssh_without_bcrypt(
    tmp_path: Path, ed_key: ed25519.Ed25519PrivateKey, python: Callable[..., str]
) -> None:
    """Without bcrypt an encrypted OpenSSH key raises MissingExtra with the pip command."""
    sealed = ed_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"pw"))
    (tmp_path / "key").write_bytes(sealed)
    script = (
        "import sys; sys.modules['bcrypt'] = None\n"
        "from pathlib import Path\n"
        "from sa_auth.keys import from_pem\n"
        "try: from_pem(Path(sys.argv[1]).read_bytes(), password='pw')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    shown = python(script, str(tmp_path / "key"))
    assert shown.startswith("MissingExtra")
    assert 'pip install "sa_auth[ssh]"' in shown
    assert issubclass(MissingExtra, ConfigError)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_der(request: pytest.FixtureRequest, kind: str, form: PrivateFormat) -> None:
    """DER bytes are read, and base64 of them."""
    made = request.getfixturevalue(f"{kind}_key")
    der = made.private_bytes(Encoding.DER, form, NoEncryption())
    assert from_pem(der).secret() == Key(made).secret()
    assert from_pem(base64.b64encode(der)).secret() == Key(made).secret()


def test_encrypted_der(openssl: OpenSSL, openssl_keys: Files, rsa_key: rsa.RSAPrivateKey, password: str) -> None:
    """Encrypted DER is read with its password, under old ciphers too, and refused without or with a wrong one."""
    der = rsa_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    assert from_pem(der, password=password).secret() == Key(rsa_key).secret()
    for given_password, code in ((None, "password_missing"), ("no", "wrong_password")):
        with pytest.raises(KeyLoadError) as caught:
            from_pem(der, password=given_password)
        assert caught.value.code == code
    arguments = ("-outform", "DER", "-v1", "PBE-SHA1-2DES", "-passout", f"pass:{password}")
    old = openssl("pkcs8", "-topk8", "-in", openssl_keys["RSA"], *arguments)
    assert same(from_pem(old.read_bytes(), password=password), openssl_keys["RSA"])


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace("\n", "\\n"),
    lambda text: text.replace("\n", "\\r\\n"),
    lambda text: text.replace("\n", "\\\\n"),
    lambda text: '"' + text.replace("\n", "\\n").replace("/", "\\/").replace("=", "\\u003d") + '"',
    lambda text: text.replace("\n", " "),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", "\r"),
    lambda text: text.replace("\n", "\n\n"),
    lambda text: "\n".join("    " + line for line in text.splitlines()),
    lambda text: "\t" + text.replace("\n", "\n\t  "),
    lambda text: "".join(f'"{line}\\n"\n' for line in text.splitlines()),
    lambda text: f"'{text}'",
    lambda text: "\ufeff" + text,
    lambda text: text.encode("utf-8-sig"),
    lambda text: text.encode("utf-16"),
    lambda text: base64.b64encode(text.encode()),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.encodebytes(text.encode()).decode(),
    lambda text: base64.b64encode(text.replace("\n", "\\n").encode()).decode().rstrip("="),
    lambda text: bytearray(text.encode()),
    lambda text: "Bag Attributes\n    friendlyName: sch\u00f6n\n" + text + "\ntrailing words\n",
    lambda text: text.replace("\n", " ").replace("-----BEGIN PRIVATE KEY----- ", "-----BEGIN PRIVATE KEY-----"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["rsa", "ed"])
def test_repairs(
    request: pytest.FixtureRequest, pem: Callable[..., str], kind: str, spoil: Callable[[str], Any]
) -> None:
    """Escaped, folded, indented, quoted, re-encoded or base64-wrapped text is repaired."""
    made = request.getfixturevalue(f"{kind}_key")
    assert from_pem(spoil(pem(made))).secret() == Key(made).secret()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1), (1, 2, 3, 0)])
def test_certificates_in_any_order(
    rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], chain: list[x509.Certificate], order: tuple[int, ...]
) -> None:
    """Certificates before, after and around the key come out leaf first, then issuer by issuer."""
    parts = [pem(rsa_key), *(certificate.public_bytes(Encoding.PEM).decode() for certificate in chain)]
    key = from_pem("".join(parts[index] for index in order))
    assert list(key.certificates) == chain


def test_certificate_argument(
    tmp_path: Path, rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], chain: list[x509.Certificate]
) -> None:
    """`certificate=` takes PEM text, bytes, DER, and a path as str or PathLike, in place of the text's own."""
    text = "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in reversed(chain))
    path = tmp_path / "chain.pem"
    path.write_text(text)
    for given_certificate in (text, text.encode(), path, str(path), text.replace("\n", "\\n")):
        assert list(from_pem(pem(rsa_key), certificate=given_certificate).certificates) == chain
    der = chain[0].public_bytes(Encoding.DER)
    assert from_pem(pem(rsa_key) + text, certificate=der).certificates == (chain[0],)


def test_strangers_are_dropped(
    rsa_key: rsa.RSAPrivateKey,
    pem: Callable[..., str],
    chain: list[x509.Certificate],
    certify: Callable[..., x509.Certificate],
) -> None:
    """Certificates that do not lead upwards from the leaf are dropped."""
    stranger = certify(ec.generate_private_key(ec.SECP384R1()), "stranger")
    impostor = certify(ec.generate_private_key(ec.SECP256R1()), "middle")
    texts = [item.public_bytes(Encoding.PEM).decode() for item in (stranger, impostor, *chain)]
    assert list(from_pem("".join(texts) + pem(rsa_key)).certificates) == chain


def test_certificate_of_another_key(
    rsa_key: rsa.RSAPrivateKey,
    ec_key: ec.EllipticCurvePrivateKey,
    pem: Callable[..., str],
    certify: Callable[..., x509.Certificate],
) -> None:
    """A certificate that is not the key's is refused at construction, in the text or as an argument."""
    other = certify(ec_key).public_bytes(Encoding.PEM).decode()
    own = certify(rsa_key).public_bytes(Encoding.PEM).decode()
    for text, certificate in ((pem(rsa_key) + other, None), (pem(rsa_key), other), (pem(rsa_key) + own, other)):
        with pytest.raises(KeyLoadError) as caught:
            from_pem(text, certificate=certificate)
        assert caught.value.code == "certificate_mismatch"


@pytest.mark.parametrize("given_password", ["the one", b"the one", lambda: "the one", lambda: b"the one"])
def test_password_forms(ec_key: ec.EllipticCurvePrivateKey, given_password: Any) -> None:
    """A password is text, bytes, or a callable that returns one of them."""
    text = ec_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"the one"))
    assert from_pem(text, password=given_password).algorithm == "ES256"


@pytest.mark.parametrize(("given_password", "code"), [(None, "password_missing"), ("", "password_missing"),
    (lambda: None, "password_missing"), ("no", "wrong_password")])  # fmt: skip
def test_encrypted_and_the_password_is_not_right(
    ec_key: ec.EllipticCurvePrivateKey, given_password: Any, code: str
) -> None:
    """An encrypted key without a password, or with a wrong one, is told apart."""
    text = ec_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"the one"))
    with pytest.raises(KeyLoadError) as caught:
        from_pem(text, password=given_password)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH])
def test_password_not_needed(ec_key: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> None:
    """A password for an unencrypted key is refused: it may be the wrong file. An empty one counts as none."""
    text = ec_key.private_bytes(Encoding.PEM, form, NoEncryption())
    with pytest.raises(KeyLoadError) as caught:
        from_pem(text, password="superfluous")
    assert caught.value.code == "password_not_needed"
    assert from_pem(text, password="").algorithm == "ES256"


def test_public_keys(rsa_key: rsa.RSAPrivateKey, ed_key: ed25519.Ed25519PrivateKey) -> None:
    """A public key in any form is named as one."""
    public = rsa_key.public_key()
    spki, pkcs1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
    forms = [
        public.public_bytes(Encoding.PEM, spki),
        public.public_bytes(Encoding.PEM, pkcs1),
        public.public_bytes(Encoding.DER, spki),
        public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        ed_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    ]
    for text in forms:
        with pytest.raises(KeyLoadError) as caught:
            from_pem(text)
        assert caught.value.code == "public_key_only"


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_certificate_only(chain: list[x509.Certificate], encoding: Encoding) -> None:
    """A certificate without a key is named as one."""
    with pytest.raises(KeyLoadError) as caught:
        from_pem(chain[0].public_bytes(encoding))
    assert caught.value.code == "certificate_only"


@pytest.mark.parametrize("text", ["", "   ", "hello", "/etc/key.pem", b"\x00\x01", b"\x30\x03\x02\x01\x00", "{}"])
def test_not_a_key(text: str | bytes) -> None:
    """What is no key at all is damaged, and the hint says what is expected."""
    with pytest.raises(KeyLoadError) as caught:
        from_pem(text)
    assert caught.value.code == "key_damaged"
    assert caught.value.hint


@pytest.mark.parametrize("spoil", [
    lambda text: text[: len(text) // 2],
    lambda text: text.replace("-----END", "-----EN"),
    lambda text: text.replace("-----BEGIN", "-----BEGIN X"),
    lambda text: text.replace("END PRIVATE KEY", "END RSA PRIVATE KEY"),
    lambda text: text[:200] + "!" + text[201:],
    lambda text: text[:40] + text[90:],
    lambda text: "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    lambda text: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
])  # fmt: skip
def test_damaged_text(rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], spoil: Callable[[str], str]) -> None:
    """A key that is cut short or altered is damaged."""
    with pytest.raises(KeyLoadError) as caught:
        from_pem(spoil(pem(rsa_key)))
    assert caught.value.code == "key_damaged"


@pytest.mark.parametrize("mode", ["full", "fast", "now"])
@pytest.mark.parametrize("number", ["n", "e", "d", "p", "q", "dp", "dq", "qi"])
def test_damaged_numbers(damaged_rsa: Callable[[str], str], number: str, mode: str) -> None:
    """A number of an RSA key that does not fit is caught in every mode before the first signature."""

    def load_and_use() -> None:
        from_pem(damaged_rsa(number), validate_key=mode).ensure_valid()

    with pytest.raises(KeyLoadError) as caught:
        load_and_use()
    assert caught.value.code == "key_damaged"


def test_unsupported_kinds(pem: Callable[..., str]) -> None:
    """DSA, X25519, Ed448 and other curves are refused as unsupported."""
    keys = [
        dsa.generate_private_key(1024),
        x25519.X25519PrivateKey.generate(),
        ed448.Ed448PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
    ]
    for made in keys:
        with pytest.raises(KeyLoadError) as caught:
            from_pem(pem(made))
        assert caught.value.code == "key_unsupported"


@pytest.mark.parametrize("bits", ["1024", "2047"])
def test_small_rsa(openssl: OpenSSL, bits: str) -> None:
    """RSA under 2048 bits is refused when it is loaded."""
    path = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")
    with pytest.raises(KeyLoadError) as caught:
        from_pem(path.read_text())
    assert caught.value.code == "key_too_small"
    assert bits in caught.value.message


def test_putty() -> None:
    """PuTTY's own format is unsupported, with a hint to export."""
    with pytest.raises(KeyLoadError, match="PuTTYgen") as caught:
        from_pem("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n")
    assert caught.value.code == "key_unsupported"


def test_two_keys(rsa_key: rsa.RSAPrivateKey, ed_key: ed25519.Ed25519PrivateKey, pem: Callable[..., str]) -> None:
    """Two private keys in one text are refused: nobody can say which is meant."""
    with pytest.raises(KeyLoadError) as caught:
        from_pem(pem(rsa_key) + pem(ed_key))
    assert caught.value.code == "several_keys"


def test_too_large(rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str]) -> None:
    """More than 1 MiB is refused."""
    with pytest.raises(KeyLoadError) as caught:
        from_pem(pem(rsa_key) + " " * (1 << 20))
    assert caught.value.code == "too_large"


def test_wrong_arguments(rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str]) -> None:
    """A wrong type or an unknown `validate_key` is a ConfigError."""
    with pytest.raises(ConfigError):
        from_pem(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="validate_key"):
        from_pem(pem(rsa_key), validate_key="never")
    with pytest.raises(ConfigError, match="password"):
        from_pem(pem(rsa_key), password=7)  # type: ignore[arg-type]


def test_errors_are_silent(
    damaged_rsa: Callable[[str], str],
    rsa_key: rsa.RSAPrivateKey,
    pem: Callable[..., str],
    password: str,
    assert_silent: Callable[..., None],
) -> None:
    """Neither key, password nor a parser's exception is found in any error, its chain or the locals of our frames."""
    sealed = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"other")).decode()
    plain = pem(rsa_key)
    text = damaged_rsa("d")
    calls: list[tuple[str, dict[str, Any]]] = [
        (sealed, {"password": password}),
        (sealed, {}),
        (sealed, {"password": lambda: password}),
        (plain, {"password": password}),
        (plain, {"certificate": plain}),
        (plain, {"certificate": plain.replace("-----BEGIN", "")}),
        (plain[:400], {"password": password}),
        (plain.replace("A", "B"), {}),
        (text, {"validate_key": "now"}),
        (plain + plain, {}),
    ]
    for given_text, arguments in calls:
        with pytest.raises(SaAuthError) as caught:
            from_pem(given_text, **arguments)
        assert_silent(caught.value, password, sealed, plain, text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_else_is_raised(
    ed_key: ed25519.Ed25519PrivateKey, pem: Callable[..., str], data: st.DataObject
) -> None:
    """Whatever bytes are altered, nothing but a SaAuthError leaves."""
    content = bytearray(pem(ed_key).encode())
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        from_pem(bytes(content), validate_key="now")
    except SaAuthError as error:
        assert error.hint


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300), password=st.none() | st.text(max_size=5))
def test_junk(content: bytes, password: str | None) -> None:
    """Random bytes are refused with a KeyLoadError."""
    with pytest.raises(KeyLoadError):
        from_pem(content, password=password)


def test_no_descriptor_stays_open(tmp_path: Path, rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str]) -> None:
    """A certificate's path that is a FIFO is refused without opening it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(KeyLoadError) as caught:
        from_pem(pem(rsa_key), certificate=fifo)
    assert caught.value.code == "unreadable"
