"""A key of Azure Key Vault: what the contract does not ask of every key service. See `key_services/azurekv.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError
from sa_auth.signers import RemoteSigner
from sa_auth.signers.azure_key_vault import AzureKey
from tests.contract.key_services.azurekv import DISABLED, HOST, TOKEN, VERSION, Login, World, said
from tests.contract.key_services.cloud import Asked, Reply, certificate, failure, pair
from tests.contract.material import Material


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
    from azure.keyvault.keys._shared import http_challenge_cache

    http_challenge_cache.clear()
    running.asked.clear()
    with running.environment():
        yield running


def test_newest_version_is_kept(world: World) -> None:
    """A URI without a version means the one whose public key was read, whatever becomes the newest."""
    signer = world.signer("ES384")
    assert signer.sign(b"data")
    assert "/keys/ES384/?" in world.asked[1].path
    assert f"/keys/ES384/{VERSION}/sign?" in world.asked[-1].path
    assert repr(signer).startswith(f"RemoteSigner(AzureKey('https://{HOST}:{world.server.port}', 'ES384', '{VERSION}')")


def test_challenge(world: World) -> None:
    """The vault says where its token comes from; nothing is sent there before that but the question."""
    assert world.signer("RS256").sign(b"data")
    first = world.asked[0]
    assert (first.headers.get("Authorization"), first.body) == (None, b"")
    assert all(each.headers["Authorization"] == f"Bearer {TOKEN}" for each in world.asked[1:])


def test_no_token_for_another_resource(world: World) -> None:
    """A vault that asks for the token of something else gets none."""
    challenge = (
        'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://graph.microsoft.com"'
    )
    with world.doing(lambda _: said(401, "Unauthorized", headers={"WWW-Authenticate": challenge})):
        assert failure(world.signer("RS256")).code == "signing"
    assert not any("Authorization" in each.headers for each in world.asked)


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("RS256", bytes(31)), ("RS256", bytes(20)), ("ES256", bytes(48)), ("ES384", bytes(32))]
)
def test_digest_of_another_length(world: World, algorithm: str, digest: bytes) -> None:
    """The service refuses it."""
    key = AzureKey(world.uri(algorithm))
    with pytest.raises(Exception) as caught:
        key.sign(algorithm, b"data", digest, 5.0)
    assert key.explain(caught.value, "sign").code == "bad_algorithm"


def test_versions(world: World) -> None:
    """A disabled version and one that is not there are told apart."""
    material = Material("rsa2048")
    for version, code in ((DISABLED, "key_version"), ("1" * 32, "key_not_found")):
        key = AzureKey(world.uri("RS256", version))
        assert failure(RemoteSigner(key, certificate=material.certificate)).code == code


def test_curve_that_no_jws_has(world: World) -> None:
    """A key on secp256k1 signs nothing."""

    def answer(asked: Asked) -> Reply:
        reply = world.answer(asked)
        if reply.status == 200:
            reply.body["key"]["crv"] = "P-256K"
        return reply

    with world.doing(answer):
        assert failure(world.signer("ES256")).code == "bad_algorithm"


@pytest.mark.parametrize(
    "uri",
    [
        "azurekv:", f"azurekv://{HOST}", f"azurekv://{HOST}/secrets/robot", f"azurekv://{HOST}/keys/robot/1/2",
        f"azurekv://user@{HOST}/keys/robot", f"azurekv:https://{HOST}/keys/robot", f"azurekv://{HOST}/keys/robot?api=hush",
        f"azurekv://{HOST}/keys/../robot", f"azurekv://{HOST}/keys/robot#1",
    ],
)  # fmt: skip
def test_bad_uri(uri: str) -> None:
    """What names no key of a vault is refused as credentials are made; the URI is not repeated."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(uri, issuer="robot", token_endpoint="https://as.example/token")
    assert caught.value.code == "bad_key_uri"
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "code", "retryable", "retry_after"),
    [
        (said(429, "Throttled", headers={"Retry-After": "7"}), "signing_throttled", True, 7.0),
        (said(429, "Throttled", headers={"Retry-After": "soon"}), "signing_throttled", True, None),
        (said(403, "Forbidden", "ForbiddenByRbac"), "signing_denied", False, None),
        (said(403, "Forbidden", "ForbiddenByFirewall"), "signing_denied", False, None),
        (said(403, "Forbidden", "KeyDisabled"), "key_version", False, None),
        (said(403, "Forbidden", "KeyExpired"), "key_version", False, None),
        (said(403, "Forbidden", "KeyOperationForbidden"), "bad_algorithm", False, None),
        (said(404, "KeyNotFound"), "key_not_found", False, None),
        (said(400, "BadParameter"), "bad_algorithm", False, None),
        (said(401, "Unauthorized"), "signing_login", False, None),
        (said(500, "InternalServerError"), "signing_unavailable", True, None),
        (said(503, "ServiceUnavailable", headers={"Retry-After": "3"}), "signing_unavailable", True, 3.0),
        (said(409, "Conflict"), "signing", False, None),
        (Reply(502, b"<html>"), "signing_unavailable", True, None),
        (
            Reply(403, {"error": {"code": "Forbidden", "message": "", "innererror": "odd"}}),
            "signing_denied",
            False,
            None,
        ),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), "signing", False, None),
        (Reply(0), "no_answer", True, None),
    ],
)
def test_refusal(
    world: World, used: RemoteSigner, reply: Reply, code: str, retryable: bool, retry_after: float | None
) -> None:
    """Each of its words has one of ours, and is heard after one request: the SDK neither tries again nor goes elsewhere."""
    with world.doing(lambda _: reply):
        error = failure(used)
    assert (error.code, error.retryable, error.retry_after) == (code, retryable, retry_after)
    assert len(world.asked) == 1


def test_permissions(world: World) -> None:
    """Each act names its own permission."""
    with world.denied():
        assert "keys/get" in failure(world.signer("RS256")).hint


def test_login(world: World) -> None:
    """A function gives the credential to sign in with, and what it cannot give is said."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError

    asked: list[Any] = []

    class Mine(Login):
        error: Exception | None = None

        def get_token(self, *scopes: str, **more: Any) -> Any:
            asked.append(scopes)
            if self.error is not None:
                raise self.error
            return super().get_token(*scopes, **more)

    login = Mine()
    assert RemoteSigner(AzureKey(world.uri("ES256"), login=lambda: login)).sign(b"data")
    assert asked
    for error in (CredentialUnavailableError("none"), ClientAuthenticationError("no")):
        login.error = error
        found = failure(RemoteSigner(AzureKey(world.uri("ES256"), login=lambda: login)))
        assert (found.code, found.retryable) == ("signing_login", False)


def test_certificate_spares_a_permission(world: World) -> None:
    """With the key's certificate the public key is not asked for, or in vain: the right to sign is enough."""

    def answer(asked: Asked) -> Reply:
        return (
            world.faults["denied"]
            if asked.method == "GET" and "Authorization" in asked.headers
            else world.answer(asked)
        )

    with world.doing(answer):
        signer = world.signer("ES256", certificate=certificate(pair("ES256")[0]))
        assert signer.sign(b"data")
        assert signer.certificate_field("x5t#S256")
        assert failure(world.signer("ES256")).code == "signing_denied"
