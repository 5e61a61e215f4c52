"""A key of AWS KMS: what the contract does not ask of every key service. moto signs; see `key_services/awskms.py`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError, SigningError
from sa_auth.signers import RemoteSigner
from sa_auth.signers.aws_kms import AWSKey
from sa_auth.testing import Authority
from tests.contract.key_services.awskms import World, said
from tests.contract.key_services.cloud import Asked, Reply, certificate, failure

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    """moto, once for all tests here."""
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


def test_whole_or_digest(world: World) -> None:
    """Up to 4096 bytes the message goes there as it is, and beyond its digest of the algorithm's hash."""
    for algorithm in ("RS256", "PS256", "ES256", "ES384"):
        signer = world.signer(algorithm)
        public: Any = load_pem_public_key(world.public_pem(algorithm).encode())
        for size, kind in ((1, "RAW"), (4096, "RAW"), (4097, "DIGEST"), (100_000, "DIGEST")):
            made = signer.sign(b"m" * size)
            assert jwt.get_algorithm_by_name(algorithm).verify(b"m" * size, public, made)
            assert world.asked[-1].json()["MessageType"] == kind


@pytest.mark.parametrize(("algorithm", "size"), [("PS256", 10), ("ES256", 5000)])
def test_another_form_is_noticed(world: World, algorithm: str, size: int) -> None:
    """A service that does otherwise: moto by itself takes another salt for PSS, and the hash of a digest: the first signature shows it."""
    with world.doing(world.by_moto), pytest.raises(SigningError) as caught:
        world.signer(algorithm).sign(b"m" * size)
    assert caught.value.code == "signature_mismatch"


def test_ed25519_is_signed_whole() -> None:
    """There is no digest of Ed25519 to send: a longer message is refused, and nobody asked."""
    with pytest.raises(Exception, match="4096") as caught:
        AWSKey(f"awskms:{ARN}").sign("EdDSA", b"m" * 4097, b"", 5.0)
    assert caught.value.code == "bad_algorithm"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("uri", "region", "named"),
    [
        (f"awskms:{ARN}", "eu-west-1", ARN),
        (f"awskms:///{ARN}?region=eu-west-1", "eu-west-1", ARN),
        ("awskms:arn:aws-cn:kms:cn-north-1:1:alias/a/b", "cn-north-1", "arn:aws-cn:kms:cn-north-1:1:alias/a/b"),
        ("awskms:///alias/robot?region=eu-west-1", "eu-west-1", "alias/robot"),
        ("awskms:alias%2Frobot", None, "alias/robot"),
        ("awskms:1234abcd-12ab-34cd-56ef-1234567890ab", None, "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ],
)
def test_uri(uri: str, region: str | None, named: str) -> None:
    """A key is named by its ARN, which has the region in it, by an alias, or by its id."""
    key = AWSKey(uri)
    assert (key._region, key._key) == (region, named)
    assert repr(key) == f"AWSKey({named!r})"


@pytest.mark.parametrize(
    "uri",
    [
        "awskms:", "awskms:///", "awskms://localhost:4566/alias/robot", f"awskms:{ARN}?region=us-east-1", f"awskms:{ARN}#1",
        "awskms:alias/robot?region=eu-west-1&region=eu-west-1", "awskms:robot/../x", "awskms:arn:aws:s3:::bucket",
        "awskms:alias/robot?endpoint=http://kms.example", "awskms:alias/robot?key=hush", "awskms:alias/ro bot",
    ],
)  # fmt: skip
def test_bad_uri(uri: str) -> None:
    """What names no key, or says two things, is refused as credentials are made; the URI is not repeated."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(uri, issuer="robot", token_endpoint="https://as.example/token")
    assert caught.value.code in {"bad_key_uri", "bad_endpoint"}
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (said("ThrottlingException"), "signing_throttled", True),
        (said("LimitExceededException"), "signing_throttled", True),
        (said("Whatever", 429), "signing_throttled", True),
        (said("AccessDeniedException"), "signing_denied", False),
        (said("UnrecognizedClientException"), "signing_login", False),
        (said("ExpiredTokenException"), "signing_login", False),
        (said("InvalidSignatureException"), "signing_login", False),
        (said("NotFoundException"), "key_not_found", False),
        (said("DisabledException"), "key_version", False),
        (said("KMSInvalidStateException"), "key_version", False),
        (said("InvalidKeyUsageException"), "bad_algorithm", False),
        (said("KeyUnavailableException"), "signing_unavailable", True),
        (said("DependencyTimeoutException"), "signing_unavailable", True),
        (said("KMSInternalException", 500), "signing_unavailable", True),
        (said("NobodyKnows", 503), "signing_unavailable", True),
        (said("ValidationException"), "signing", False),
        (Reply(502, b"<html>"), "signing_unavailable", True),
        (Reply(0), "no_answer", True),
    ],
)
def test_refusal(world: World, used: RemoteSigner, reply: Reply, code: str, retryable: bool) -> None:
    """Each of its words has one of ours, and is heard after one request: the SDK does not try again."""
    with world.doing(lambda _: reply):
        error = failure(used)
    assert (error.code, error.retryable) == (code, retryable)
    assert len(world.asked) == 1


def test_public_key_denied(world: World) -> None:
    """Who may not read the public key is told that permission, and not the other."""
    with world.denied():
        assert "kms:GetPublicKey" in failure(world.signer("RS256")).hint


def test_nobody_listens(world: World) -> None:
    """An endpoint where nobody is counts as no answer; `endpoint` of the URI goes before the environment's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        key = AWSKey(f"awskms:{ARN}?endpoint=http://127.0.0.1:{taken.getsockname()[1]}")
        assert failure(RemoteSigner(key)).code == "no_answer"
    assert not world.asked


def test_no_login(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials nobody is asked, and the error says where they are looked for."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    error = failure(world.signer("RS256"))
    assert (error.code, error.retryable) == ("signing_login", False)
    assert "AWS_ACCESS_KEY_ID" in error.hint
    assert not world.asked


def test_no_region(world: World) -> None:
    """An alias without a region that anybody knows says what lacks."""
    assert failure(RemoteSigner(AWSKey("awskms:alias/ES256"))).code == "bad_key_uri"


def test_login(world: World) -> None:
    """A function gives the session to sign in with."""
    import boto3

    def login() -> Any:
        return boto3.Session(aws_access_key_id="another", aws_secret_access_key="hush")

    assert RemoteSigner(AWSKey(world.uri("ES256"), login=login)).sign(b"data")
    assert "Credential=another/" in world.asked[-1].headers["Authorization"]

    def broken() -> Any:
        raise ValueError("canary-4711")

    assert failure(RemoteSigner(AWSKey(world.uri("ES256"), login=broken))).code == "signing"


def test_the_exchange_tries_again(world: World) -> None:
    """A throttled signature is made at the exchange's next attempt, and the token comes."""
    authority = Authority()
    authority.register("robot", world.public_pem("RS256"))
    with authority.serve() as served:
        creds = ServiceAccountCredentials(world.uri("RS256"), issuer="robot", token_endpoint=served.token_endpoint)
        replies = [said("ThrottlingException")]
        with world.doing(lambda asked: replies.pop() if replies else world.answer(asked)):
            assert creds.token().access_token
    assert len(world.asked) == 3


def test_certificate_spares_a_permission(world: World) -> None:
    """With the key's certificate the public key is not asked for, or in vain: the right to sign is enough."""

    def answer(asked: Asked) -> Reply:
        return world.faults["denied"] if asked.headers["X-Amz-Target"].endswith("GetPublicKey") else world.answer(asked)

    with world.doing(answer):
        signer = world.signer("ES256", certificate=certificate(world.key(world.uri("ES256").partition(":")[2])))
        assert signer.sign(b"data")
        assert signer.certificate_field("x5t#S256")
        assert failure(world.signer("ES256")).code == "signing_denied"
