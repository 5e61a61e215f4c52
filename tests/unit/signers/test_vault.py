"""A key of Vault's: what the contract does not ask of every key service."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError, SaAuthError
from sa_auth.signers import RemoteSigner
from sa_auth.signers.vault import VaultKey
from sa_auth.testing import Authority, new_key
from tests.contract.key_services.vault_server import TOKEN, VaultServer
from tests.contract.material import Material

KEYS = [new_key("p256") for _ in range(3)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultServer]:
    """A Vault with three versions of one key."""
    made = VaultServer()
    made.keys["robot"] = [load_pem_private_key(private.encode(), None) for private, _ in KEYS]
    monkeypatch.setenv("VAULT_ADDR", made.url)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    yield made
    made.close()


def signer(rest: str = "robot", password: Any = None, **arguments: Any) -> RemoteSigner:
    """A signer by the rest of a URI."""
    return RemoteSigner(VaultKey(f"vault:{rest}", password=password), **arguments)


def failure(made: RemoteSigner) -> SaAuthError:
    """How it does not sign."""
    with pytest.raises(SaAuthError) as caught:
        made.sign(b"data")
    assert TOKEN not in f"{caught.value!s}{vars(caught.value)}"
    return caught.value


def test_only_the_digest_leaves(server: VaultServer) -> None:
    """Vault is sent the digest, with the version whose public key was read, and never the message."""
    assert signer().sign(b"a message that is nobody's business")
    _, fields, _ = server.asked[-1]
    assert (len(base64.b64decode(fields["input"])), fields["prehashed"], fields["key_version"]) == (32, True, 3)


def test_rotation(server: VaultServer) -> None:
    """A key that is rotated meanwhile signs by the version that was read, until that is signed with no more."""
    made = signer()
    thumbprint = made.thumbprint
    server.keys["robot"].append(load_pem_private_key(new_key("p256")[0].encode(), None))
    assert made.sign(b"data")
    assert made.thumbprint == thumbprint != signer().thumbprint
    server.least = 4
    assert failure(made).code == "key_version"
    assert signer().sign(b"data")


def test_version(server: VaultServer) -> None:
    """A URI may name the version; one that is not there is told, with those there are."""
    assert signer("robot?version=1").thumbprint != signer("robot?version=2").thumbprint
    error = failure(signer("robot?version=7"))
    assert (error.code, "1, 2, 3" in error.hint) == ("key_version", True)


@pytest.mark.parametrize(
    ("status", "word", "code", "retryable"),
    [
        (503, "Vault is sealed", "signing_unavailable", True),
        (500, "internal error", "signing_unavailable", True),
        (502, "bad gateway", "signing_unavailable", True),
        (429, "rate limit quota exceeded", "signing_throttled", True),
        (403, "permission denied", "signing_denied", False),
        (400, "encryption key not found", "key_not_found", False),
        (400, "key type aes256-gcm96 does not support signing", "bad_algorithm", False),
        (500, "requested version for signing is higher than the latest key version", "key_version", False),
        (418, "short and stout", "signing", False),
    ],
)
def test_refusals(server: VaultServer, status: int, word: str, code: str, retryable: bool) -> None:
    """What Vault answers has a code, and says whether it may pass; its words are not repeated."""
    made = signer()
    _ = made.thumbprint
    server.refuse = (status, word)
    error = failure(made)
    assert (error.code, error.retryable) == (code, retryable), error
    assert word not in str(error)


def test_sealed_is_tried_again(server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Vault that is sealed for a moment is asked again by the exchange, and by nobody else."""
    authority = Authority()
    authority.register("robot", KEYS[2][1])
    creds = ServiceAccountCredentials(
        "vault:robot", issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport()
    )
    before = len(server.asked)
    server.refuse = (503, "Vault is sealed")
    real = server.does

    def mended(*arguments: Any) -> Any:
        try:
            return real(*arguments)
        finally:
            server.refuse = None

    monkeypatch.setattr(server, "does", mended)
    assert creds.token().access_token
    assert len(server.asked) == before + 2


def test_token(server: VaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The token is a variable's, a file's or a function's; it is read for each call, and shown by nobody."""
    tokens = ["wrong", TOKEN]
    made = signer(password=lambda: tokens[0])
    assert failure(made).code == "signing_denied"
    tokens.pop(0)
    assert made.sign(b"data")
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    before = len(server.asked)
    error = failure(signer())
    assert len(server.asked) == before, "nobody is asked without a token"
    assert (error.code, "vault login" in error.hint) == ("signing_login", True)
    (tmp_path / ".vault-token").write_text(TOKEN)
    assert signer().sign(b"data")
    assert failure(signer(password="a\nb")).code == "signing_login"
    assert repr(signer(password=TOKEN)) == "RemoteSigner(VaultKey('robot', mount='transit', version=None), key_id=None)"


def test_namespace(server: VaultServer) -> None:
    """A namespace is a header field of each request."""
    signer("robot?namespace=team/a").sign(b"data")
    assert {headers["X-Vault-Namespace"] for _, _, headers in server.asked} == {"team/a"}


def test_address(server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is a variable's or the URI's; never plain http to another machine, where the token would be read."""
    monkeypatch.delenv("VAULT_ADDR")
    assert failure(signer()).code == "signing_login"
    assert signer(f"robot?address={server.url}").sign(b"data")
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example:8200")
    assert failure(signer()).code == "bad_endpoint"
    with pytest.raises(ConfigError):
        signer("robot?address=http://vault.example")


def test_redirect(server: VaultServer) -> None:
    """A standby node's redirect is not followed: it would take the token to another host."""
    other = VaultServer()
    server.refuse, server.elsewhere = (307, ""), other.url
    for made in (signer(), signer(certificate=Material("p256").certificate)):
        error = failure(made)
        assert (error.code, "VAULT_ADDR" in error.hint) == ("signing_unavailable", True)
    assert other.asked == []
    other.close()


def test_untrusted_certificate(server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Vault that does not speak TLS where https was said is no answer, and its certificate is a thing to look at."""
    monkeypatch.setenv("VAULT_ADDR", server.url.replace("http:", "https:"))
    error = failure(signer())
    assert (error.code, "VAULT_CACERT" in error.hint) == ("no_answer", True)


@pytest.mark.parametrize(
    "rest", ["", "?version=1", "robot?version=0", "robot?version=x", "robot?colour=red", "robot?version=1&version=2", "../sys/seal", "a b", "robot?mount=..", "robot#1"]
)  # fmt: skip
def test_bad_uri(rest: str) -> None:
    """A URI that is not of the form is refused with one that is."""
    with pytest.raises(ConfigError) as caught:
        VaultKey(f"vault:{rest}")
    assert (caught.value.code, "vault:robot?mount=transit" in caught.value.hint) == ("bad_key_uri", True)


def test_password_does_not_travel(server: VaultServer) -> None:
    """A token that is text stays where it is."""
    creds = ServiceAccountCredentials(
        "vault:robot", issuer="robot", password=TOKEN, token_endpoint="https://as.example/t"
    )
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(creds)
    assert caught.value.code == "not_picklable"
