"""Which text is a key URI, and what is made of it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import jwt
import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.errors import ConfigError, KeyFileError, SigningError
from sa_auth.keys import from_pem
from sa_auth.keyuri import scheme_of
from sa_auth.signers import SIGNERS, KeyService, LocalSigner
from sa_auth.testing import Authority
from tests.contract.material import Material

EC, RSA = Material("p256"), Material("rsa2048")
ENDPOINT = "https://as.example/token"


class Service(KeyService):
    """A service in this process, whose URI names the key."""

    service: ClassVar[str] = "the test's service"
    der = False
    asked: ClassVar[list[str]] = []
    down: ClassVar[bool] = False

    def __init__(self, uri: str) -> None:
        self.key = {"memory:ec": EC, "memory:rsa": RSA}[uri]

    def public_key(self, timeout: float) -> bytes:
        """As it is."""
        self.asked.append("public_key")
        if self.down:
            raise ConnectionError
        return self.key.pair[1].encode()

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:
        """By a local key."""
        self.asked.append(algorithm)
        return LocalSigner(from_pem(self.key.pair[0]), algorithm=algorithm).sign(data)


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the table."""
    monkeypatch.setitem(SIGNERS._rows, "memory", f"{__name__}:Service")
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, SimpleNamespace(Service=Service)))
    Service.asked.clear()


def creds(key: str = "memory:ec", authority: Authority | None = None, **arguments: Any) -> ServiceAccountCredentials:
    """Credentials of a URI."""
    where: dict[str, Any] = {"token_endpoint": ENDPOINT}
    if authority is not None:
        where = {"token_endpoint": authority.token_endpoint, "transport": authority.transport()}
    return ServiceAccountCredentials(key, **{"issuer": "robot", "cache": MemoryCache(), **where, **arguments})


@pytest.mark.parametrize(
    "path", ["C:\\keys\\robot.pem", "c:/keys/robot.pem", "/keys/a:b.pem", "./memory:ec", "keys/memory:ec", "robot.pem",
             "robot.pem:old", "", ":", "1a:b", "~/vault:x"]
)  # fmt: skip
def test_paths(path: str) -> None:
    """A drive's letter, and a colon behind a folder or a dot, are a path's."""
    assert scheme_of(path) is None


@pytest.mark.parametrize("uri", ["memory:ec", "MEMORY:ec", "pkcs11:object=a", "vault:robot", "vault:"])
def test_uris(uri: str) -> None:
    """A scheme of the table is one in whatever case."""
    assert scheme_of(uri) == uri.partition(":")[0].lower()


def test_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has a colon in its name and is there is read; what is not there is told with the schemes there are."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "keys:prod"
    place.touch(0o600)
    place.write_text(EC.pair[0])
    assert creds("keys:prod").identity == creds(str(place)).identity
    with pytest.raises(ConfigError) as caught:
        creds("vaullt:alias")
    error = caught.value
    assert (error.code, "mean vault:?" in error.hint, "pkcs11" in error.hint) == ("unknown_name", True, True)
    for secret in ("hunter2:hunter3", "client:secret"):
        with pytest.raises(ConfigError) as caught:
            creds(secret)
        assert not any(part in str(caught.value) for part in secret.split(":"))


def test_the_scheme_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes a service's place by a file in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memory:ec").touch(0o600)
    (tmp_path / "memory:ec").write_text(RSA.pair[0])
    assert creds().identity != creds(str(tmp_path / "memory:ec")).identity
    assert Service.asked == ["public_key"]


def test_no_file_names_a_uri(tmp_path: Path) -> None:
    """A key file from outside does not choose a service: no file decides what only code may."""
    info = {"type": "sa_auth", "key": "memory:ec", "issuer": "robot", "token_endpoint": ENDPOINT}
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info(info)
    assert (caught.value.code, Service.asked) == ("key_file_field", [])


def test_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable may hold a URI; it travels by the variable's name."""
    monkeypatch.setenv("SA_AUTH_KEY", "memory:ec")
    made = ServiceAccountCredentials.from_env(issuer="robot", token_endpoint=ENDPOINT)
    monkeypatch.setenv("SA_AUTH_KEY", "memory:rsa")
    assert pickle.loads(pickle.dumps(made)).identity != made.identity
    monkeypatch.setenv("SA_AUTH_KEY", "memroy:rsa")
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_env(issuer="robot", token_endpoint=ENDPOINT)
    assert "from the environment variable SA_AUTH_KEY" in caught.value.message


def test_a_password_that_is_nobodys() -> None:
    """A password beside the URI of a service that takes none is refused."""
    with pytest.raises(ConfigError) as caught:
        creds(password="secret")
    assert caught.value.code == "password_not_needed"


def test_they_travel_by_the_uri() -> None:
    """A pickle holds the URI; the public key is read again where it arrives."""
    authority = Authority()
    authority.register("robot", EC.pair[1], key_id="k1")
    made = creds(authority=authority, key_id="k1", algorithm="ES256", transport=None)
    data = pickle.dumps(made)
    assert b"memory:ec" in data
    other = pickle.loads(data)
    assert other.identity == made.identity
    assert repr(other) == repr(made)


def test_replace_asks_nobody() -> None:
    """replace() goes on with the same signer."""
    made = creds()
    made.replace(subject="ann").replace(scope="read")
    assert Service.asked == ["public_key"]


def test_identity_is_the_keys() -> None:
    """It is that of the same key in a file: a token is the same token."""
    assert creds().identity == creds(EC.pair[0]).identity != creds("memory:rsa").identity


def test_certificate_beside_the_uri() -> None:
    """With a certificate nobody is asked for the public key, and its header fields are there, by what the vendor wants."""
    made = creds(
        "memory:rsa", provider="entra", server="https://login.microsoftonline.com/acme.example/v2.0",
        certificate=RSA.certificate.decode(), token_endpoint=None, scope="https://graph.microsoft.com/.default",
    )  # fmt: skip
    assert Service.asked == []
    request = made._source._exchange.build(1_700_000_000, url=ENDPOINT)
    body = dict(parse_qsl(request.body.decode()))
    header = jwt.get_unverified_header(body["client_assertion"])
    assert header["alg"] == "PS256"
    assert header["x5t#S256"]
    assert Service.asked == ["PS256"]


def test_vendor_that_takes_another_kind() -> None:
    """A key whose algorithms the vendor does not take is refused before it signs."""
    with pytest.raises(ConfigError) as caught:
        creds(provider="github", subject="7", token_endpoint=None)
    assert (caught.value.code, Service.asked) == ("bad_algorithm", ["public_key"])


def test_service_that_is_down_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The making fails, once, with an error that says what it was; nothing waits, and the next making may succeed."""
    monkeypatch.setattr(Service, "down", True)
    with pytest.raises(SigningError) as caught:
        creds()
    assert "ConnectionError" in caught.value.message
    assert Service.asked == ["public_key"]
    monkeypatch.setattr(Service, "down", False)
    assert creds()


def test_shared_cache_wants_a_key() -> None:
    """There is no key in the process to seal tokens with: a shared cache says so at construction."""
    with pytest.raises(ConfigError) as caught:
        creds(cache="file")
    assert caught.value.code == "no_cache_key"


def test_mutual_tls_is_not_had() -> None:
    """A connection cannot present the certificate of a key that is elsewhere, and the error says so."""
    with pytest.raises(ConfigError):
        creds("memory:rsa", grant="client_credentials", client_auth="mutual_tls", certificate=RSA.certificate.decode())


def test_proofs_by_it() -> None:
    """DPoP's proofs are signed by it too."""
    authority = Authority()
    authority.register("robot", EC.pair[1])
    assert creds(authority=authority, dpop=True).token().token_type == "DPoP"
    assert Service.asked.count("ES256") == 2
