"""Key files: which are taken, which are refused, and what a refusal says."""

from __future__ import annotations

import base64
import json
import os
import secrets
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from sa_auth import (
    ConfigError,
    KeyFileError,
    KeyFileWarning,
    KeyLoadError,
    SaAuthError,
    ServiceAccountCredentials,
    keyfile,
)
from sa_auth.keyfile import Unlock, open_info
from sa_auth.keys import from_jwk, from_pem, from_pfx
from sa_auth.testing import Authority, InProcessTransport, google_key_file, new_key

ISSUER = "robot@example-project.iam.gserviceaccount.com"
PASSWORD = "canary-correct-horse-4711"
PRIVATE, PUBLIC = new_key("p256")
RSA_PRIVATE, RSA_PUBLIC = new_key("rsa2048")


@pytest.fixture
def authority(sa_authority: Authority) -> Authority:
    """An authority that knows both keys."""
    sa_authority.register(ISSUER, PUBLIC)
    sa_authority.register(ISSUER, RSA_PUBLIC, key_id="k1")
    return sa_authority


@pytest.fixture
def transport(authority: Authority) -> InProcessTransport:
    """The way to it, which counts."""
    return authority.transport()


@pytest.fixture
def reach(authority: Authority, transport: InProcessTransport) -> dict[str, Any]:
    """Arguments that lead to the authority."""
    return {"token_endpoint": authority.token_endpoint, "transport": transport}


def write(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    """Writes a file with these rights under any umask."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def google(**changes: Any) -> dict[str, Any]:
    """A key file of Google's."""
    return google_key_file(private_key_pem=RSA_PRIVATE, email=ISSUER, key_id="k1", changes=changes)


def generic(**changes: Any) -> dict[str, Any]:
    """A key file of our own."""
    fields = {"type": "sa_auth", "key": PRIVATE, "issuer": ISSUER, "token_endpoint": "https://as.example/token"}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def refusal(make: Callable[[], object], *canaries: str) -> SaAuthError:
    """The error of a call that is refused before anything is sent: with advice, and without what it was given."""
    with pytest.raises(ConfigError) as caught:
        make()
    error = caught.value
    assert error.code
    assert error.hint
    assert (error.attempts, error.retryable, error.status) == (0, False, None)
    assert error.__cause__ is None
    assert error.__context__ is None
    for canary in (PASSWORD, *canaries):
        assert canary not in f"{error}{error!r}{vars(error)}"
    return error


def key_lines(pem: str) -> list[str]:
    """The lines of a PEM that no error may repeat."""
    return [line for line in pem.splitlines() if not line.startswith("-----")]


def pem_of(key: Any, password: str | None = None) -> str:
    """Writes a key as PKCS#8 PEM."""
    sealed = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    text: str = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed).decode()
    return text


def pfx_of(pem: str, password: str | None) -> bytes:
    """Writes a key as PFX, without a certificate."""
    sealed = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        b"privatekey", load_pem_private_key(pem.encode(), None), None, None, sealed
    )


def certificate_of(pem: str) -> str:
    """A self-signed certificate over a key."""
    key: Any = load_pem_private_key(pem.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    today = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(today - timedelta(days=1))
    return (
        builder.not_valid_after(today + timedelta(days=30))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


# --- files that are no key files


def missing(_path: Path) -> None:
    """Writes nothing."""


def huge(path: Path) -> None:
    """A sparse file of 50 MB."""
    write(path, b"")
    os.truncate(path, 50_000_000)


def without(name: str) -> Callable[[Path], object]:
    """Google's file without a field."""
    return lambda path: write(path, json.dumps(google(**{name: None})))


SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point
BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (missing, "key_file_missing"),
    "empty": (lambda path: write(path, b""), "key_file_empty"),
    "blank": (lambda path: write(path, b" \r\n\t\n"), "key_file_empty"),
    "folder": (Path.mkdir, "key_file_missing"),
    "fifo": (lambda path: os.mkfifo(path, 0o600), "key_file_missing"),
    "50 MB": (huge, "key_file_too_large"),
    "no key": (lambda path: write(path, "hello"), "key_damaged"),
    "binary": (lambda path: write(path, bytes(range(256))), "key_damaged"),
    "JSON cut short": (lambda path: write(path, json.dumps(google())[:900]), "key_file_not_json"),
    "JSON after a BOM, cut short": (lambda path: write(path, b"\xef\xbb\xbf{"), "key_file_not_json"),
    "JSON not in UTF-8": (lambda path: write(path, '{"type": "é"}'.encode("latin-1")), "key_file_not_json"),
    "JSON without end": (lambda path: write(path, '{"a":' + "[" * 100_000), "key_file_not_json"),
    "JSON array": (lambda path: write(path, "[1, 2]"), "key_damaged"),
    "no client_email": (without("client_email"), "key_file_field"),
    "no private_key": (without("private_key"), "key_file_field"),
    "no type": (without("type"), "key_file_kind"),
    "unknown type": (lambda path: write(path, json.dumps(google(type="authorized_user"))), "key_file_kind"),
    "type of another type": (lambda path: write(path, json.dumps(google(type=["x"]))), "key_file_kind"),
    "empty object": (lambda path: write(path, "{}"), "key_file_kind"),
    "field no text": (lambda path: write(path, json.dumps(google(private_key=5))), "key_file_field"),
    "field empty": (lambda path: write(path, json.dumps(google(client_email=" "))), "key_file_field"),
    "lone surrogate": (lambda path: write(path, json.dumps(google(private_key="\ud800"))), "key_damaged"),
    "http token_uri": (lambda path: write(path, json.dumps(google(token_uri="http://127.0.0.1/token"))), "bad_endpoint"),
    "foreign token_uri": (
        lambda path: write(path, json.dumps(google(token_uri="https://oauth2.googleapis.com.evil.example/token"))),
        "foreign_endpoint",
    ),
    "RSA of 1024 bits": (lambda path: write(path, json.dumps(google(private_key=pem_of(SMALL)))), "key_too_small"),
    "public key only": (lambda path: write(path, json.dumps(google(private_key=PUBLIC))), "public_key_only"),
    "key cut short": (lambda path: write(path, json.dumps(google(private_key=RSA_PRIVATE[:400]))), "key_damaged"),
    "HS256": (lambda path: write(path, json.dumps(generic(algorithm="HS256"))), "bad_algorithm"),
    "alg none": (lambda path: write(path, json.dumps(generic(algorithm="none"))), "bad_algorithm"),
    "shared secret": (lambda path: write(path, json.dumps({"kty": "oct", "k": "c2VjcmV0"})), "key_unsupported"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(name: str, tmp_path: Path, transport: InProcessTransport) -> None:
    """A file that is no usable key file is refused at once, with a code and advice, and nothing is sent."""
    make, code = BAD_FILES[name]
    path = tmp_path / "key.json"
    make(path)
    error = refusal(
        lambda: ServiceAccountCredentials.from_file(path, transport=transport, issuer=ISSUER),
        *key_lines(RSA_PRIVATE), *key_lines(PRIVATE),
    )  # fmt: skip
    assert error.code == code
    assert transport.sends == 0


@pytest.mark.parametrize("name", [name for name, (_, code) in BAD_FILES.items() if code.startswith("key_")])
def test_bad_file_as_key(name: str, tmp_path: Path) -> None:
    """The same holds where the path is the `key` argument."""
    make, _ = BAD_FILES[name]
    path = tmp_path / "key.json"
    make(path)
    refusal(lambda: ServiceAccountCredentials(path, issuer=ISSUER, token_endpoint="https://as.example/token"))


def test_google_file_as_key(tmp_path: Path) -> None:
    """A whole key file given where a key belongs is refused with the name of what opens it."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    error = refusal(lambda: ServiceAccountCredentials(path, issuer=ISSUER))
    assert error.code == "key_file_kind"
    assert "from_file" in error.hint


@pytest.mark.parametrize("given", [None, 5, 5.0, ["key.json"], object()])
def test_no_path(given: Any) -> None:
    """What is no path at all is refused by its type."""
    assert refusal(lambda: ServiceAccountCredentials.from_file(given)).code == "bad_argument"


def test_path_with_nul() -> None:
    """A path that no system takes is refused like one that does not exist."""
    assert refusal(lambda: ServiceAccountCredentials.from_file("key\0.json")).code == "key_file_missing"
    assert "ServiceAccountCredentials(uri)" in refusal(lambda: ServiceAccountCredentials.from_file("vault:robot")).hint


def test_message_names_the_path(tmp_path: Path) -> None:
    """A path that can be nothing else is named in the error."""
    assert "nowhere.json" in str(refusal(lambda: ServiceAccountCredentials.from_file(tmp_path / "nowhere.json")))
    assert "nowhere.json" in str(refusal(lambda: ServiceAccountCredentials.from_file("nowhere.json")))
    assert "nowhere'" in str(refusal(lambda: ServiceAccountCredentials.from_file(f"{tmp_path}/nowhere")))


MISTYPED = {
    "four dashes": PRIVATE.replace("-----BEGIN", "----BEGIN"),
    "one line": " ".join(key_lines(PRIVATE)),
    "no first line": "\n".join(PRIVATE.splitlines()[1:]),
    "dashes of another kind": PRIVATE.replace("-----", "—————"),
    "a dot near the end": "".join(key_lines(PRIVATE))[:240] + "\n.x",
}


@pytest.mark.parametrize("name", MISTYPED)
@pytest.mark.parametrize("way", ["key", "from_file", "path", "from_env"])
def test_mistyped_pem(name: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key's text that is taken for a path is not repeated by the error, by whatever way it came."""
    text = MISTYPED[name]
    monkeypatch.setenv("SA_AUTH_KEY", text)
    calls: dict[str, Callable[[], object]] = {
        "key": lambda: ServiceAccountCredentials(text, issuer=ISSUER, token_endpoint="https://as.example/token"),
        "from_file": lambda: ServiceAccountCredentials.from_file(text),
        "path": lambda: ServiceAccountCredentials.from_file(Path(text)),
        "from_env": ServiceAccountCredentials.from_env,
    }
    pieces = [text[start : start + 12] for start in range(0, len(text) - 12, 12)]
    canaries = [piece for piece in pieces if "BEGIN" not in piece and "PRIVATE" not in piece and "----" not in piece]
    error = refusal(calls[way], *canaries)
    # A variable that holds the bare base64 of a key is understood, and then only the rest is missing.
    understood = way == "from_env" and name == "one line"
    assert error.code == ("no_token_endpoint" if understood else "key_file_missing")


# --- passwords and certificates


SEALED = pem_of(ec.generate_private_key(ec.SECP256R1()), PASSWORD)


@pytest.mark.parametrize(
    ("content", "password", "code"),
    [
        (SEALED, "wrong-canary-1", "wrong_password"),
        (SEALED, None, "password_missing"),
        (SEALED, "", "password_missing"),
        (PRIVATE, PASSWORD, "password_not_needed"),
        (pfx_of(PRIVATE, PASSWORD), "wrong-canary-1", "wrong_password"),
        (pfx_of(PRIVATE, "notasecret"), None, "password_missing"),
    ],
)  # fmt: skip
def test_passwords(content: str | bytes, password: str | None, code: str, tmp_path: Path) -> None:
    """Wrong, missing and needless passwords are told apart, and none is repeated."""
    path = write(tmp_path / "key.p12", content)
    error = refusal(lambda: ServiceAccountCredentials(path, password=password, issuer=ISSUER), "wrong-canary-1")
    assert isinstance(error, KeyLoadError)
    assert error.code == code
    if code == "password_missing" and isinstance(content, bytes):
        assert "notasecret" in error.hint


def test_password_callable_that_fails(tmp_path: Path) -> None:
    """What a password callable raises is named by its class alone."""

    def ask() -> str:
        raise RuntimeError(PASSWORD)

    path = write(tmp_path / "key.pem", SEALED)
    with pytest.raises(ConfigError, match="RuntimeError") as caught:
        ServiceAccountCredentials(path, password=ask, issuer=ISSUER)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__context__ is None


def test_certificate_of_another_key(tmp_path: Path) -> None:
    """A certificate that is not the key's is found at construction."""
    path = write(tmp_path / "key.pem", PRIVATE)
    stranger = write(tmp_path / "cert.pem", certificate_of(new_key("p256")[0]))
    for certificate in (stranger, stranger.read_text()):
        error = refusal(lambda given=certificate: ServiceAccountCredentials(path, certificate=given, issuer=ISSUER))
        assert error.code == "certificate_mismatch"


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "none", "None", "RS256", "ES384", "dir", ""])
def test_algorithm_that_does_not_fit(algorithm: str, tmp_path: Path) -> None:
    """Shared secrets, no signature at all and algorithms of another kind of key are refused by name."""
    path = write(tmp_path / "key.pem", PRIVATE)
    error = refusal(lambda: ServiceAccountCredentials(path, algorithm=algorithm, issuer=ISSUER))
    assert error.code == ("bad_argument" if not algorithm else "bad_algorithm")


# --- rights


def test_private_file_is_taken_in_silence(tmp_path: Path, reach: dict[str, Any]) -> None:
    """A file that its owner alone may read gives no warning, and neither does one without write permission."""
    for mode in (0o600, 0o400):
        path = write(tmp_path / f"{mode}.json", json.dumps(google()), mode)
        ServiceAccountCredentials.from_file(path, **reach)
        ServiceAccountCredentials.from_file(path, rights="strict", **reach)


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604])
def test_readable_file_is_warned_about_once(mode: int, tmp_path: Path, reach: dict[str, Any]) -> None:
    """A file that others may read is taken with one warning that holds the chmod; rights="strict" refuses it."""
    path = write(tmp_path / "key.json", json.dumps(google()), mode)
    with pytest.warns(KeyFileWarning, match=f"chmod 600 {path}") as caught:
        ServiceAccountCredentials.from_file(path, **reach)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ServiceAccountCredentials.from_file(path, **reach)
    error = refusal(lambda: ServiceAccountCredentials.from_file(path, rights="strict", **reach))
    assert (error.code, error.hint) == ("key_file_rights", f"Run: chmod 600 {path}")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o622])
def test_writable_file_is_refused(mode: int, tmp_path: Path) -> None:
    """A file that others may write is refused: they could put their own key in."""
    path = write(tmp_path / "key.json", json.dumps(google()), mode)
    error = refusal(lambda: ServiceAccountCredentials.from_file(path))
    assert (error.code, error.hint) == ("key_file_rights", f"Run: chmod 600 {path}")


def test_foreign_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that belongs to neither the user nor root is refused."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    if os.geteuid() == 0:
        os.chown(path, 54_321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    error = refusal(lambda: ServiceAccountCredentials.from_file(path))
    assert error.code == "key_file_rights"
    assert "chown" in error.hint


def test_symlink_is_judged_by_its_target(tmp_path: Path, reach: dict[str, Any]) -> None:
    """A symbolic link is fine, as Kubernetes mounts secrets so; what it leads to is what is judged."""
    link = tmp_path / "link.json"
    link.symlink_to(write(tmp_path / "key.json", json.dumps(google())))
    assert ServiceAccountCredentials.from_file(link, **reach).token()
    (tmp_path / "key.json").chmod(0o606)
    assert refusal(lambda: ServiceAccountCredentials.from_file(link)).code == "key_file_rights"


@pytest.mark.parametrize("rights", ["lax", "", None, ["strict"], 0])
def test_unknown_rights(rights: Any, tmp_path: Path) -> None:
    """A word for `rights` that is not known is refused, not taken for the laxer one."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    assert refusal(lambda: ServiceAccountCredentials.from_file(path, rights=rights)).code == "bad_argument"


@pytest.mark.parametrize("mode", ["slow", None, ["full"]])
def test_unknown_validation(mode: Any, tmp_path: Path) -> None:
    """So is a word for `validate_key`."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    assert refusal(lambda: ServiceAccountCredentials.from_file(path, validate_key=mode)).code == "validate_key"


# --- key forms through the face


def jwk_text(pem: str, **members: str) -> str:
    """A private JWK, written by hand from the key's numbers."""
    key: Any = load_pem_private_key(pem.encode(), None)
    numbers = key.private_numbers()
    point = numbers.public_numbers
    parts = {"d": numbers.private_value, "x": point.x, "y": point.y}
    coded = {n: base64.urlsafe_b64encode(v.to_bytes(32, "big")).rstrip(b"=").decode() for n, v in parts.items()}
    return json.dumps({"kty": "EC", "crv": "P-256", **coded, **members})


FORMS: dict[str, Callable[[Path], Any]] = {
    "PEM text": lambda _folder: PRIVATE,
    "PEM text, folded": lambda _folder: PRIVATE.replace("\n", "\\n"),
    "JWK text": lambda _folder: jwk_text(PRIVATE),
    "JWK set text": lambda _folder: json.dumps({"keys": [json.loads(jwk_text(PRIVATE))]}),
    "PEM path": lambda folder: write(folder / "key.pem", PRIVATE),
    "PEM path as str": lambda folder: str(write(folder / "key.pem", PRIVATE)),
    "DER path": lambda folder: write(folder / "key.der", base64.b64decode("".join(key_lines(PRIVATE)))),
    "JWK path": lambda folder: write(folder / "key.jwk", jwk_text(PRIVATE)),
    "PFX path": lambda folder: write(folder / "key.pfx", pfx_of(PRIVATE, None)),
    "from_pem": lambda _folder: from_pem(PRIVATE),
    "from_jwk": lambda _folder: from_jwk(jwk_text(PRIVATE)),
    "from_pfx": lambda _folder: from_pfx(pfx_of(PRIVATE, None)),
}


@pytest.mark.parametrize("name", FORMS)
def test_key_forms(name: str, tmp_path: Path, authority: Authority, reach: dict[str, Any]) -> None:
    """A key signs in in whatever form it comes."""
    creds = ServiceAccountCredentials(FORMS[name](tmp_path), issuer=ISSUER, **reach)
    assert creds.token().access_token
    assert authority.requests[-1].header["alg"] == "ES256"


@pytest.mark.parametrize("name", [name for name in FORMS if "path" in name])
def test_key_forms_from_file(name: str, tmp_path: Path, reach: dict[str, Any]) -> None:
    """from_file recognises a bare key's format by its content."""
    path = FORMS[name](tmp_path)
    assert ServiceAccountCredentials.from_file(path, issuer=ISSUER, **reach).token()


def test_key_id_of_a_jwk(authority: Authority, reach: dict[str, Any]) -> None:
    """A JWK's own kid goes into the header, and the caller's goes before it."""
    text = jwk_text(PRIVATE, kid="its-own")
    ServiceAccountCredentials(text, issuer=ISSUER, **reach).token()
    assert authority.requests[-1].header["kid"] == "its-own"
    ServiceAccountCredentials(text, issuer=ISSUER, key_id="given", **reach).token()
    assert authority.requests[-1].header["kid"] == "given"


@pytest.mark.parametrize("password", ["notasecret", b"notasecret", lambda: "notasecret"])
def test_google_p12(password: Any, tmp_path: Path, authority: Authority, reach: dict[str, Any]) -> None:
    """Google's older .p12 signs in with its password and the account's e-mail as issuer."""
    path = write(tmp_path / "key.p12", pfx_of(RSA_PRIVATE, "notasecret"))
    creds = ServiceAccountCredentials(
        path,
        password=password,
        issuer=ISSUER,
        provider="google",
        scope="https://www.googleapis.com/auth/drive",
        **reach,
    )
    assert creds.token().scope == "https://www.googleapis.com/auth/drive"
    claims = authority.requests[-1].claims
    assert (claims["iss"], claims["scope"]) == (ISSUER, "https://www.googleapis.com/auth/drive")
    same = ServiceAccountCredentials.from_file(path, password=password, issuer=ISSUER, provider="google", **reach)
    assert same.token()


GOOGLE_WAYS: dict[str, Callable[[Path, pytest.MonkeyPatch], Callable[..., ServiceAccountCredentials]]] = {
    "from_file": lambda path, _patch: lambda **more: ServiceAccountCredentials.from_file(path, **more),
    "from_info": lambda path, _patch: (
        lambda **more: ServiceAccountCredentials.from_info(json.loads(path.read_text()), **more)
    ),
    "from_env, a path": lambda path, patch: _env(patch, str(path)),
    "from_env, the text": lambda path, patch: _env(patch, path.read_text()),
    "from_env, base64": lambda path, patch: _env(patch, base64.b64encode(path.read_bytes()).decode()),
    "from_env, folded base64": lambda path, patch: _env(patch, base64.encodebytes(path.read_bytes()).decode()),
}


def _env(patch: pytest.MonkeyPatch, value: str) -> Callable[..., ServiceAccountCredentials]:
    patch.setenv("SA_AUTH_KEY", value)
    return ServiceAccountCredentials.from_env


@pytest.mark.parametrize("way", GOOGLE_WAYS)
def test_google_key_file(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority, reach: dict[str, Any]
) -> None:
    """Google's JSON is recognised, and says issuer, key id and provider; arguments in code go before it."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    creds = GOOGLE_WAYS[way](path, monkeypatch)(scope="drive", subject="ann@example.test", **reach)
    creds.token()
    record = authority.requests[-1]
    assert (record.claims["iss"], record.claims["sub"], record.claims["scope"]) == (ISSUER, "ann@example.test", "drive")
    assert (record.header["kid"], record.header["alg"]) == ("k1", "RS256")
    assert "scope" not in record.form
    assert "google" in repr(creds)


def test_named_variable(monkeypatch: pytest.MonkeyPatch, reach: dict[str, Any]) -> None:
    """from_env reads the variable it is told."""
    monkeypatch.setenv("MY_KEY", json.dumps(google()))
    assert ServiceAccountCredentials.from_env("MY_KEY", **reach).token()


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_variable_that_is_not_there(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set, or empty, is named."""
    monkeypatch.delenv("SA_AUTH_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SA_AUTH_KEY", value)
    error = refusal(ServiceAccountCredentials.from_env)
    assert error.code == "key_file_missing"
    assert "SA_AUTH_KEY" in str(error)


def test_variable_of_no_text() -> None:
    """A name that is no text is refused."""
    name: Any = 5
    assert refusal(lambda: ServiceAccountCredentials.from_env(name)).code == "bad_argument"


@pytest.mark.parametrize("value", [json.dumps(google())[:300], base64.b64encode(b'{"type"').decode(), "{\udcff"])
def test_variable_with_damaged_text(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text in a variable that is cut short is refused like a file's, without repeating it."""
    monkeypatch.setenv("SA_AUTH_KEY", value)
    error = refusal(ServiceAccountCredentials.from_env, *key_lines(RSA_PRIVATE)[:2])
    assert error.code == "key_file_not_json"


@pytest.mark.parametrize("info", [None, "text", b"bytes", ["list"], 5])
def test_info_that_is_no_mapping(info: Any) -> None:
    """from_info takes a mapping alone, and says what opens the rest."""
    assert refusal(lambda: ServiceAccountCredentials.from_info(info)).code == "bad_argument"


def test_file_of_another_vendor(tmp_path: Path) -> None:
    """provider= that contradicts the file is refused; one that agrees is fine; an unknown one is named."""
    path = write(tmp_path / "key.json", json.dumps(google()))
    assert refusal(lambda: ServiceAccountCredentials.from_file(path, provider="generic")).code == "key_file_kind"
    assert ServiceAccountCredentials.from_file(path, provider="google")
    error = refusal(lambda: ServiceAccountCredentials.from_file(path, provider="goggle"))
    assert error.code == "unknown_name"
    assert "google" in error.hint


# --- our own format


DATA: dict[str, Any] = {
    "subject": "ann", "scope": "read write", "audience": "https://aud.example", "key_id": "k9", "algorithm": "ES256",
    "lifetime": 120, "claims": {"tenant": "t"}, "headers": {"cty": "x"}, "form": {"account": "a"},
    "resource": ["https://api.example"], "grant": "jwt_bearer", "client_auth": "client_id", "provider": "generic",
    "timeout": 7, "allowed_hosts": ["127.0.0.1"],
}  # fmt: skip


def test_own_format(tmp_path: Path, sa_authority: Authority) -> None:
    """Our own JSON may hold every argument that is data, and each has its effect."""
    sa_authority.register(ISSUER, PUBLIC, key_id="k9")
    sa_authority.audience = ("https://aud.example",)
    info = generic(certificate=certificate_of(PRIVATE), token_endpoint=sa_authority.token_endpoint, **DATA)
    info["headers"] = {"cty": "x", "x5t#S256": True}
    path = write(tmp_path / "key.json", json.dumps(info))
    creds = ServiceAccountCredentials.from_file(path, transport=sa_authority.transport())
    assert creds.token().scope == "read write"
    record = sa_authority.requests[-1]
    claims = record.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, "ann", "https://aud.example")
    assert (claims["scope"], claims["tenant"], claims["exp"] - claims["iat"]) == ("read write", "t", 130)
    assert (record.header["kid"], record.header["cty"]) == ("k9", "x")
    assert len(record.header["x5t#S256"]) == 43
    assert (record.form["account"], record.form["resource"]) == ("a", "https://api.example")
    assert (record.form["scope"], record.form["client_id"]) == ("read write", ISSUER)
    assert creds._source._exchange.timeout == 7
    with pytest.raises(ConfigError, match="allowed_hosts"):
        creds._check("https://elsewhere.example/")


def test_own_format_without_type(reach: dict[str, Any]) -> None:
    """`type` may be left out where a key stands beside an issuer."""
    assert ServiceAccountCredentials.from_info(generic(type=None, token_endpoint=None), **reach).token()


def test_own_format_for_a_vendor(authority: Authority, reach: dict[str, Any]) -> None:
    """Our own format serves any provider, named in the file or in code."""
    info = generic(key=RSA_PRIVATE, key_id="k1", token_endpoint=None)
    for made in (
        ServiceAccountCredentials.from_info({**info, "provider": "google"}, **reach),
        ServiceAccountCredentials.from_info(info, provider="google", **reach),
    ):
        made.token()
        assert authority.requests[-1].claims["scope"] == ""


@pytest.mark.parametrize("name", ["password", "cache", "transport", "refresh", "retry", "clock"])
def test_own_format_refuses_what_code_decides(name: str) -> None:
    """What opens a file, reaches a network or runs code is not taken from a file."""
    error = refusal(lambda: ServiceAccountCredentials.from_info(generic(**{name: "x"})))
    assert error.code == "key_file_field"
    assert name in str(error)


@pytest.mark.parametrize("name", ["key", "certificate"])
@pytest.mark.parametrize("value", ["/etc/ssl/key.pem", "key.pem", "awskms:alias/x", ""])
def test_own_format_follows_no_path(name: str, value: str) -> None:
    """A key or certificate in a key file is text; a path in its place is not followed, nor repeated."""
    error = refusal(lambda: ServiceAccountCredentials.from_info(generic(**{name: value})))
    assert error.code == "key_file_field"
    assert not value or value not in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1}, {"rights": "warn"}, {"validate_key": "fast"}, {"key": None}, {"key": 5}, {"issuer": 5},
        {"token_endpoint": ["https://as.example"]}, {"certificate": {}}, {"scope": 5}, {"lifetime": "300"},
        {"lifetime": True}, {"claims": "text"}, {"headers": [1]}, {"form": {"a": 1}}, {"resource": 5},
        {"allowed_hosts": 5}, {"grant": "password"}, {"client_auth": "sms"}, {"provider": "acme"},
        {"token_endpoint": "http://127.0.0.1:80/token"}, {"token_endpoint": "https://u:p@as.example/token"},
        {"issuer": None, "type": "sa_auth"}, {"claims": {"iss": "x"}}, {"headers": {"alg": "none"}},
    ],
)  # fmt: skip
def test_own_format_with_bad_fields(change: dict[str, Any]) -> None:
    """A field that is unknown, of another type or out of bounds is refused like the argument."""
    refusal(lambda: ServiceAccountCredentials.from_info(generic(**change)), *key_lines(PRIVATE))


def test_own_format_of_ours_is_not_a_callable() -> None:
    """A mapping made in code cannot smuggle a callable in, as a field that is text has to be text."""
    for name in ("key", "issuer", "audience"):
        refusal(lambda name=name: ServiceAccountCredentials.from_info(generic(**{name: lambda: "x"})))


def test_a_file_names_no_server_elsewhere(transport: InProcessTransport) -> None:
    """A vendor's key in a file of ours leads to the vendor alone: not even a token to revoke goes elsewhere."""
    file = generic(provider="google", key=RSA_PRIVATE, token_endpoint=None, server="https://evil.example")
    assert refusal(lambda: ServiceAccountCredentials.from_info(file, transport=transport)).code == "foreign_endpoint"
    said = ServiceAccountCredentials.from_info(file, server="https://accounts.google.example", transport=transport)
    assert said.replace(scope="read").identity != said.identity
    assert ServiceAccountCredentials.from_info({**file, "server": "https://accounts.google.com"}).identity
    assert transport.sends == 0


def test_code_goes_before_the_file(authority: Authority, reach: dict[str, Any]) -> None:
    """An argument in code goes before the same one in the file."""
    creds = ServiceAccountCredentials.from_info(generic(scope="read", key_id="k8"), scope="write", key_id="k7", **reach)
    assert creds.token().scope == "write"
    assert authority.requests[-1].header["kid"] == "k7"


def test_errors_are_key_file_errors(tmp_path: Path) -> None:
    """What is wrong with the file is a KeyFileError, what is wrong with its key a KeyLoadError."""
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_file(tmp_path / "nowhere.json")
    with pytest.raises(KeyLoadError):
        ServiceAccountCredentials.from_file(write(tmp_path / "key.pem", PUBLIC))


def test_working_directory_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is refused, and nothing else raised, where the working directory was removed."""
    gone = tmp_path / secrets.token_hex(4)
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert refusal(lambda: ServiceAccountCredentials.from_file("key.json")).code == "key_file_missing"


# what people type by mistake


def test_text_in_place_of_a_variable_name() -> None:
    """from_env() that is given the value in place of the name repeats none of it, and says where it belongs."""
    for text in (PRIVATE, json.dumps(google())):
        error = refusal(lambda text=text: ServiceAccountCredentials.from_env(text, issuer=ISSUER), *key_lines(PRIVATE))
        assert "from_info" in error.hint


def test_text_in_place_of_a_path() -> None:
    """from_file() that is given a key's text says that it is one."""
    for text in (PRIVATE, json.dumps(google())):
        error = refusal(lambda text=text: ServiceAccountCredentials.from_file(text, issuer=ISSUER), *key_lines(PRIVATE))
        assert "path" in error.message
        assert "ServiceAccountCredentials(text)" in error.hint


def test_empty_path() -> None:
    """An empty path, as an unset variable gives it, is called empty."""
    assert "empty" in refusal(lambda: ServiceAccountCredentials.from_file("", issuer=ISSUER)).message


def test_quoted_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with the quotes of an .env file around its text is read without them."""
    monkeypatch.setenv("SA_AUTH_KEY", f"'{json.dumps(google())}'")
    assert "provider='google'" in repr(ServiceAccountCredentials.from_env())


def test_errors_name_file_and_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five key files the error names the one, and of five variables too."""
    path = tmp_path / "third.json"
    write(path, json.dumps(google(type="unknown")))
    assert "third.json" in refusal(lambda: ServiceAccountCredentials.from_file(path)).message
    monkeypatch.setenv("THIRD_KEY", str(tmp_path / "absent.json"))
    assert "THIRD_KEY" in refusal(lambda: ServiceAccountCredentials.from_env("THIRD_KEY")).message


@pytest.mark.parametrize("info", [{"installed": {}}, {"web": {}}, {"type": "authorized_user"}])
def test_other_kinds_of_file(info: dict[str, object]) -> None:
    """What is often mistaken for a service account's key is called by its name."""
    error = refusal(lambda: ServiceAccountCredentials.from_info(info))
    assert "not a service account's key" in error.message


def test_line_ends_inside_json() -> None:
    """A PEM pasted into JSON with its line ends as they are is read."""
    text = json.dumps(google()).replace("\\n", "\n")
    assert "provider='google'" in repr(ServiceAccountCredentials.from_info(json.loads(text, strict=False)))


def test_a_google_file_without_an_endpoint() -> None:
    """A key file that names no endpoint signs in at Google's."""
    info = {name: value for name, value in google().items() if name != "token_uri"}
    creds = ServiceAccountCredentials.from_info(info)
    assert creds._source._exchange.endpoint == "https://oauth2.googleapis.com/token"


def test_bytes_are_a_key() -> None:
    """A key may come as the bytes that were read."""
    creds = ServiceAccountCredentials(PRIVATE.encode(), issuer=ISSUER, token_endpoint="https://as.example/token")
    assert "robot" in repr(creds)


def test_a_jwk_that_was_parsed() -> None:
    """A parsed JWK is a key, as the same JWK in a file is."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
           "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k1"}  # fmt: skip
    opened = open_info(jwk, Unlock())
    assert opened.signer is not None
    assert (opened.signer.algorithm, opened.signer.key_id) == ("EdDSA", "k1")


def test_half_a_file_of_the_named_vendor() -> None:
    """Where code says whose file it is, the error says what that vendor's file lacks, not that it is unknown."""
    with pytest.raises(KeyFileError, match="service_account_id") as caught:
        open_info({"id": "a", "private_key": "b"}, Unlock(provider="yandex"))
    assert caught.value.code == "key_file_field"


def test_the_file_of_another_vendor() -> None:
    """The error says what the named vendor takes, and whose file this is."""
    info = {"type": "service_account", "client_email": "a", "private_key": "b"}
    with pytest.raises(KeyFileError, match="of google, not of salesforce") as caught:
        open_info(info, Unlock(provider="salesforce"))
    assert "PEM" in caught.value.hint
    assert "provider='google'" in caught.value.hint


def test_content_that_was_read_already():
    """A key file's content opens as the file does, its name counting where the key's id stands there."""
    private, _ = new_key("p256")
    opened = keyfile.open_content(private.encode(), keyfile.Unlock(), "AuthKey_2X9R4HXF34.p8")
    assert opened.signer.key_id == "2X9R4HXF34"
    assert keyfile.open_content(private.encode(), keyfile.Unlock()).signer.key_id is None


def test_whose_file_it_is():
    """The provider whose format a file is of is told, and that nobody knows it."""
    assert keyfile.whose({"type": "gdch_service_account"}) == "google_gdch"
    assert keyfile.whose({"type": "nobody's"}) is None
