"""What every signer promises, wherever its key is.

A new key service is a file in `key_services/`: how it runs or is faked, and how it fails.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

import sa_auth
from sa_auth import ServiceAccountCredentials
from sa_auth.assertions import SelfIssued
from sa_auth.errors import ConfigError, SigningError
from sa_auth.signers import SIGNERS, Signer
from sa_auth.testing import Authority
from tests.contract.key_services.base import World
from tests.contract.key_services.children import in_a_child, within
from tests.contract.material import Material

NAMES = [*sorted(SIGNERS), "callable", "local"]
BYTES = {"ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64}
# Fault -> the error's code, whether it may pass by itself.
FAULTS = {
    "down": ({"no_answer", "signing_unavailable"}, True),
    "throttled": ({"signing_throttled"}, True),
    "denied": ({"signing_denied"}, False),
    "not_found": ({"key_not_found"}, False),
    "wrong_version": ({"key_version"}, False),
    "garbled": ({"signature_mismatch", "signing"}, False),
}
_RUNNING: dict[str, World | BaseException] = {}
_STACK = contextlib.ExitStack()


def kind(name: str) -> type[World]:
    """The world of a service, by its scheme."""
    found: type[World] = importlib.import_module(f"tests.contract.key_services.{name}").World
    return found


CASES = [(name, algorithm) for name in NAMES for algorithm in kind(name).algorithms]
REMOTE = [name for name in NAMES if name != "local"]


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    """All that ran is ended after the last test."""
    yield
    _RUNNING.clear()
    _STACK.close()


def running(name: str) -> World:
    """The service, started with the first test that asks for it; what it lacks to start skips each of them."""
    if name not in _RUNNING:
        try:
            _RUNNING[name] = _STACK.enter_context(kind(name)())
        except pytest.skip.Exception as skipped:
            _RUNNING[name] = skipped
    found = _RUNNING[name]
    if isinstance(found, BaseException):
        raise found
    return found


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The service of this case."""
    found = running(request.param)
    with found.environment():
        yield found


def refused(signer: Signer, *, seconds: float = 5.0) -> SigningError:
    """The error of a signature that was not made."""
    with within(seconds), pytest.raises(SigningError) as caught:
        signer.sign(b"data")
    assert caught.value.__context__ is caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(("world", "algorithm"), CASES, indirect=["world"])
def test_signature(world: World, algorithm: str) -> None:
    """Another library verifies an assertion by the public key, which the service's owner knows; ECDSA is r and s."""
    signer = world.signer(algorithm)
    text = SelfIssued(signer, issuer="robot", audience="https://as.example/token").mint(time.time())
    public: Any = load_pem_public_key(world.public_pem(algorithm).encode())
    claims = jwt.decode(text, public, algorithms=[algorithm], audience="https://as.example/token")
    assert claims["iss"] == "robot"
    assert len(jwt.utils.base64url_decode(text.split(".")[2])) == BYTES.get(algorithm, 256)
    for number in range(8):  # r or s is short in one of 128
        data = b"%d" % number
        assert jwt.get_algorithm_by_name(algorithm).verify(data, public, signer.sign(data))


@pytest.mark.parametrize(("world", "algorithm"), CASES, indirect=["world"])
def test_what_it_states(world: World, algorithm: str) -> None:
    """It is a Signer that names its key as a local one would, and has nothing to derive a secret from."""
    signer = world.signer(algorithm, key_id="one")
    assert isinstance(signer, Signer)
    assert (signer.algorithm, signer.key_id) == (algorithm, "one")
    public: Any = load_pem_public_key(world.public_pem(algorithm).encode())
    expected = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    said = {name: value for name, value in expected.items() if name in {"kty", "crv", "n", "e", "x", "y"}}
    assert dict(signer.public_jwk()) == said
    assert len(signer.thumbprint) == 43
    with pytest.raises(ConfigError):
        signer.certificate_field("x5t")
    if world.scheme != "local":
        assert signer.secret() is None


@pytest.mark.parametrize(("world", "algorithm"), CASES, indirect=["world"])
def test_another_algorithm(world: World, algorithm: str) -> None:
    """An algorithm that the key or the service does not do is refused before anybody is asked to sign."""
    signer: Any = world.signer(algorithm)
    for other in {"HS256", "none", "EdDSA", "RS256" if algorithm.startswith("ES") else "ES256"} - {algorithm}:
        with pytest.raises(ConfigError) as caught:
            type(signer)(signer.key, algorithm=other) if world.scheme == "local" else signer.by(other).sign(b"data")
        assert caught.value.code == "bad_algorithm"


@pytest.mark.parametrize("world", NAMES, indirect=True)
def test_threads(world: World) -> None:
    """Sixteen threads sign at once, and each gets the signature of its own bytes."""
    algorithm = world.algorithms[-1]
    signer, made = world.signer(algorithm), {}
    threads = [
        threading.Thread(target=lambda n=n: made.update({n: signer.sign(b"%d" % n)})) for n in range(16)  # type: ignore[misc]
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    public: Any = load_pem_public_key(world.public_pem(algorithm).encode())
    assert len(made) == 16
    assert all(jwt.get_algorithm_by_name(algorithm).verify(b"%d" % n, public, each) for n, each in made.items())


@pytest.mark.parametrize("world", NAMES, indirect=True)
def test_fork(world: World) -> None:
    """A child signs by a signer that its parent has used, and so does the parent afterwards."""
    signer = world.signer(world.algorithms[0])
    signer.sign(b"data")
    assert in_a_child(lambda: signer.sign(b"data")) == 0
    assert signer.sign(b"data")


@pytest.mark.parametrize("world", sorted(SIGNERS), indirect=True)
def test_public_key_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it signs, the service is asked for the public key once."""
    kind_of: Any = type(world.signer(world.algorithms[0]).service)  # type: ignore[attr-defined]
    asked, real = [], kind_of.public_key
    monkeypatch.setattr(kind_of, "public_key", lambda self, timeout: (asked.append(1), real(self, timeout))[1])
    signer: Any = world.signer(world.algorithms[0])
    for _ in range(3):
        signer.sign(b"data")
    assert signer.thumbprint == signer.by(signer.algorithm).thumbprint
    assert asked == [1]


@pytest.mark.parametrize("world", REMOTE, indirect=True)
def test_first_signature_is_checked(world: World) -> None:
    """A key that is not the certificate's is noticed before anything is sent; and its certificate spares a question."""
    algorithm = world.algorithms[0]
    stranger = Material("rsa2048" if algorithm[:2] in {"RS", "PS"} else "p256")
    assert stranger.pair[1] != world.public_pem(algorithm)
    if world.scheme == "callable":
        with pytest.raises(ConfigError) as caught:
            world.signer(algorithm, certificate=stranger.certificate)
        assert caught.value.code == "certificate_mismatch"
        return
    signer = world.signer(algorithm, certificate=stranger.certificate)
    assert signer.certificate_field("x5c")
    assert refused(signer).code == "signature_mismatch"


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("world", REMOTE, indirect=True)
def test_fault(world: World, name: str) -> None:
    """What goes wrong has a code of its own, says whether it may pass, and passes when it is over."""
    if name in world.without:
        assert world.without[name], "the reason"
        return
    codes, retryable = FAULTS[name]
    algorithm = world.algorithms[0]
    signer = world.signer(algorithm)
    _ = signer.thumbprint
    with getattr(world, name)():
        error = refused(signer)
        assert (error.code in codes, error.retryable) == (True, retryable), error
        if name == "denied":
            assert world.permission in error.hint
        assert refused(world.signer(algorithm)).retryable == retryable
    assert signer.sign(b"data")


@pytest.mark.parametrize("world", REMOTE, indirect=True)
def test_slow(world: World) -> None:
    """A service that does not answer is not waited for longer than the exchange has time."""
    signer = world.signer(world.algorithms[0])
    signer.sign(b"data")
    with world.slow():
        began = time.monotonic()
        error = refused(signer, seconds=0.4)
        assert time.monotonic() - began < 1.5
        assert (error.code, error.retryable) == ("no_answer", True)
    assert signer.sign(b"data")


@pytest.mark.parametrize("world", sorted(SIGNERS), indirect=True)
def test_credentials(world: World, tmp_path: Path) -> None:
    """Credentials are made of the URI alone, sign in, and travel by it to where they sign in as well."""
    algorithm = world.algorithms[0]
    authority = Authority()
    authority.register("robot", world.public_pem(algorithm))
    with authority.serve() as served:
        creds = ServiceAccountCredentials(
            world.uri(algorithm), issuer="robot", algorithm=algorithm, password=world.password,
            token_endpoint=served.token_endpoint,
        )  # fmt: skip
        assert creds.token().access_token
        assert "robot" in repr(creds)
        if world.password is None or callable(world.password):
            other = pickle.loads(pickle.dumps(creds))
            assert other.identity == creds.identity
            assert other.token().access_token
        with pytest.raises(ConfigError):
            ServiceAccountCredentials(
                world.uri(algorithm), issuer="robot", algorithm=algorithm, password=world.password, cache="file",
                token_endpoint=served.token_endpoint,
            )  # fmt: skip


@pytest.mark.parametrize("name", [name for name in SIGNERS if kind(name).library])
def test_absent_library(name: str) -> None:
    """Without its extra there is one sentence, with the pip command; nothing else is missed."""
    code = f"""
import sys
sys.modules[{kind(name).library!r}] = None
from sa_auth import ServiceAccountCredentials
from sa_auth.errors import MissingExtra
try:
    ServiceAccountCredentials({name + ":anything"!r}, issuer="robot", token_endpoint="https://as.example/token")
except MissingExtra as error:
    print(error)
"""
    root = str(Path(sa_auth.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert done.stdout.count("\n") == 1
    assert f'pip install "sa_auth[{kind(name).extra or name}]"' in done.stdout


def test_every_service_is_tried() -> None:
    """Each row has a world, and each world is a row or one of the two that are none."""
    files = {path.stem for path in Path(__file__).with_name("key_services").glob("*.py")} - {"base"}
    helpers = {
        path for path in files if not hasattr(importlib.import_module(f"tests.contract.key_services.{path}"), "World")
    }
    assert files - helpers == set(NAMES)
