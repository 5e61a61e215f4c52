"""A key of Google Cloud KMS: what the contract does not ask of every key service. See `key_services/gcpkms.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError
from sa_auth.signers import RemoteSigner
from sa_auth.signers.gcp_kms import GoogleKey
from tests.contract.key_services.cloud import Asked, Reply, certificate, failure, pair
from tests.contract.key_services.gcpkms import KINDS, RING, World, crc, said


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    """The fake, once for all tests here."""
    with World() as world:
        yield world


@pytest.fixture(scope="module")
def used(running: World) -> Any:
    """A signer that has signed."""
    with running.environment():
        signer = running.signer("RS256")
        signer.sign(b"data")
    return signer


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """It, with nothing asked yet."""
    running.asked.clear()
    with running.environment():
        yield running


@pytest.mark.parametrize("algorithm", KINDS)
def test_one_algorithm(world: World, algorithm: str) -> None:
    """A key signs by what it was made for: that is the default, and another is refused before anybody is asked."""
    signer = RemoteSigner(GoogleKey(world.uri(algorithm)))
    assert signer.algorithm == algorithm
    assert signer.algorithms == (algorithm,)
    if algorithm in {"RS256", "PS256"}:
        with pytest.raises(ConfigError) as caught:
            signer.by("PS256" if algorithm == "RS256" else "RS256").sign(b"data")
        assert caught.value.code == "bad_algorithm"
    assert len(world.asked) == 1


def test_another_kind_of_key(world: World) -> None:
    """A key whose algorithm no JWS has signs nothing."""

    def answer(asked: Asked) -> Reply:
        reply = world.answer(asked)
        reply.body["algorithm"] = "RSA_DECRYPT_OAEP_2048_SHA256"
        return reply

    with world.doing(answer):
        assert failure(RemoteSigner(GoogleKey(world.uri("RS256")))).code == "bad_algorithm"


@pytest.mark.parametrize(
    ("version", "algorithm", "digest", "code"),
    [(1, "RS256", bytes(31), "bad_algorithm"), (1, "ES256", bytes(33), "bad_algorithm"),
     (1, "RS512", bytes(64), "bad_algorithm"), (2, "RS256", bytes(32), "key_version"), (9, "RS256", bytes(32), "key_version")],
)  # fmt: skip
def test_what_the_service_refuses(world: World, version: int, algorithm: str, digest: bytes, code: str) -> None:
    """A digest of another length or hash, a disabled version and one that is not there are refused, and told apart."""
    key = GoogleKey(world.uri("ES256" if algorithm == "ES256" else "RS256", version))
    with pytest.raises(Exception) as caught:
        key.sign(algorithm, b"data", digest, 5.0)
    assert key.explain(caught.value, "sign").code == code


@pytest.mark.parametrize("field", ["signatureCrc32c", "verifiedDigestCrc32c", "name", "signature", "pemCrc32c"])
def test_damaged_on_the_way(world: World, field: str) -> None:
    """A checksum that does not fit, or was not looked at, and another key's name, are an answer to ask for again."""
    wrong: dict[str, Any] = {
        "verifiedDigestCrc32c": False,
        "name": f"{RING}/other/cryptoKeyVersions/1",
        "signature": "AAAA",
    }

    def answer(asked: Asked) -> Reply:
        reply = world.answer(asked)
        if field in reply.body:
            reply.body[field] = wrong.get(field, crc(b"other"))
        return reply

    with world.doing(answer):
        error = failure(world.signer("RS256"))
    assert (error.code, error.retryable) == ("signing_unavailable", True)
    assert world.signer("RS256").sign(b"data")


@pytest.mark.parametrize(
    "uri",
    [
        "gcpkms:", f"gcpkms://{RING}/robot", f"gcpkms://{RING}/robot/cryptoKeyVersions/latest", f"gcpkms://{RING}/../x",
        f"gcpkms:///{RING}/robot/cryptoKeyVersions/1", f"gcpkms://{RING}/robot/cryptoKeyVersions/1?endpoint=http://a.example",
        f"gcpkms://{RING}/robot/cryptoKeyVersions/1?version=hush", f"gcpkms://{RING}/robot/cryptoKeyVersions/1/",
    ],
)  # fmt: skip
def test_bad_uri(uri: str) -> None:
    """What names no version of a key is refused as credentials are made; the URI is not repeated."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(uri, issuer="robot", token_endpoint="https://as.example/token")
    assert caught.value.code in {"bad_key_uri", "bad_endpoint"}
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (said(429, "RESOURCE_EXHAUSTED"), "signing_throttled", True),
        (said(403, "PERMISSION_DENIED"), "signing_denied", False),
        (said(404, "NOT_FOUND", "CryptoKey x not found."), "key_not_found", False),
        (said(404, "NOT_FOUND", "CryptoKeyVersion x not found."), "key_version", False),
        (said(400, "FAILED_PRECONDITION"), "key_version", False),
        (said(400, "INVALID_ARGUMENT"), "bad_algorithm", False),
        (said(409, "ABORTED"), "signing_unavailable", True),
        (said(500, "INTERNAL"), "signing_unavailable", True),
        (said(503, "UNAVAILABLE"), "signing_unavailable", True),
        (said(504, "DEADLINE_EXCEEDED"), "no_answer", True),
        (said(501, "UNIMPLEMENTED"), "signing", False),
        (Reply(502, b"<html>"), "signing_unavailable", True),
        (Reply(200, b"<html>"), "signing", False),
        (Reply(0), "no_answer", True),
    ],
)
def test_refusal(world: World, used: RemoteSigner, reply: Reply, code: str, retryable: bool) -> None:
    """Each of its words has one of ours, and is heard after one request: the SDK does not try again."""
    with world.doing(lambda _: reply):
        error = failure(used)
    assert (error.code, error.retryable) == (code, retryable)
    assert len(world.asked) == 1


def test_login_is_not_taken(world: World) -> None:
    """A 401 is the login's."""
    with world.doing(lambda _: said(401, "UNAUTHENTICATED")):
        assert failure(world.signer("RS256")).code == "signing_login"


def test_public_key_denied(world: World) -> None:
    """Who may not read the public key is told that permission, and not the other."""
    with world.denied():
        assert "viewPublicKey" in failure(world.signer("RS256")).hint


def test_no_login(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials nobody is asked, and the error says where they are looked for."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(world.folder / "none.json"))
    error = failure(world.signer("RS256"))
    assert (error.code, error.retryable) == ("signing_login", False)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.hint
    assert not world.asked


def test_login(world: World) -> None:
    """A function gives the credentials to sign in with; a login's own failure is one of the login."""
    from google.auth.exceptions import RefreshError, TransportError
    from google.oauth2.credentials import Credentials

    assert RemoteSigner(GoogleKey(world.uri("ES256"), login=lambda: Credentials("another"))).sign(b"data")
    assert world.asked[-1].headers["Authorization"] == "Bearer another"

    class Failing(Credentials):
        valid = False
        error: Exception

        def refresh(self, request: Any) -> None:
            raise self.error

    for raised, code in ((RefreshError("x"), "signing_login"), (TransportError("x"), "no_answer"),
                         (RefreshError("x", retryable=True), "no_answer")):  # fmt: skip
        login = Failing(None)
        login.error = raised
        assert failure(RemoteSigner(GoogleKey(world.uri("ES256"), login=lambda one=login: one))).code == code


def test_repr(world: World) -> None:
    """It shows which key it is."""
    assert f"{RING}/ES256/cryptoKeyVersions/1" in repr(world.signer("ES256"))


def test_certificate_spares_a_permission(world: World) -> None:
    """With the key's certificate the public key is not asked for, or in vain: the right to sign is enough."""

    def answer(asked: Asked) -> Reply:
        return world.faults["denied"] if asked.method == "GET" else world.answer(asked)

    with world.doing(answer):
        signer = world.signer("ES256", certificate=certificate(pair("ES256")[0]))
        assert signer.sign(b"data")
        assert signer.certificate_field("x5t#S256")
        assert failure(world.signer("ES256")).code == "signing_denied"
