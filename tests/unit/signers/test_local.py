"""Private keys in this process: signatures that others verify, and keys that do not leave."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import import_key

import sa_auth
from sa_auth._encoding import b64url
from sa_auth.errors import ConfigError, KeyLoadError, SigningError
from sa_auth.keys import Key, from_jwk, from_pem
from sa_auth.signers import Signer
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SIGNED = [name for name, vector in VECTORS.items() if "signature" in vector]


def verify(compact: str, signer: Signer) -> None:
    """Has another library verify a JWS."""
    public: Any = dict(signer.public_jwk())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls the name EdDSA old
        jws.deserialize_compact(compact, import_key(public), algorithms=[signer.algorithm])


@pytest.mark.parametrize("name", SIGNED)
def test_vectors(name: str) -> None:
    """RS256 and EdDSA give the very bytes that the RFC prints; PS and ES signatures verify with another library."""
    vector = VECTORS[name]
    signer = LocalSigner(from_jwk(vector["jwk"]), algorithm=vector["alg"])
    signature = b64url(signer.sign(vector["signing_input"].encode("ascii")))
    verify(f"{vector['signing_input']}.{signature}", signer)
    verify(vector["compact"], signer)
    assert len(signature) == len(vector["signature"])
    if vector["reproducible"]:
        assert signature == vector["signature"]


def test_vectors_cover_every_family() -> None:
    """Among the vectors are two that are reproducible by rule, RS256 and EdDSA, and both that are not."""
    found = {VECTORS[name]["alg"]: VECTORS[name]["reproducible"] for name in SIGNED}
    assert found == {"RS256": True, "ES256": False, "ES512": False, "PS384": False, "EdDSA": True}


ALGORITHMS = {
    "rsa2048": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], "p256": ["ES256"], "p384": ["ES384"],
    "p521": ["ES512"], "ed25519": ["EdDSA"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "algorithm"), [(kind, each) for kind, several in ALGORITHMS.items() for each in several]
)
def test_every_algorithm(kind: str, algorithm: str) -> None:
    """Each algorithm that fits a key signs what PyJWT verifies with its public half."""
    private, public = new_key(kind)
    signer = LocalSigner(from_pem(private), algorithm=algorithm, key_id="k")
    assert isinstance(signer, Signer)
    header = b64url(json.dumps({"alg": algorithm, "kid": "k"}).encode())
    content = f"{header}.{b64url(b'{}')}"
    assert jwt.decode(f"{content}.{b64url(signer.sign(content.encode()))}", public, algorithms=[algorithm]) == {}
    assert (signer.algorithm, signer.key_id) == (algorithm, "k")


@pytest.mark.parametrize("kind", ALGORITHMS)
@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "RS1", "ES256K", "EdDSA ", "", "dir"])
def test_algorithm_that_does_not_fit(kind: str, algorithm: str) -> None:
    """none, HS* and every other name that does not fit are refused, and those that do are listed."""
    with pytest.raises(ConfigError) as caught:
        LocalSigner(from_pem(new_key(kind)[0]), algorithm=algorithm)
    assert caught.value.code == "bad_algorithm"
    assert ALGORITHMS[kind][0] in caught.value.hint


def test_default_algorithm_and_key_id() -> None:
    """Without words of the caller the key's own alg and kid are taken, and the caller's go before them."""
    jwk = {**VECTORS["rfc7520_4_1_rs256"]["jwk"], "alg": "PS512"}
    assert LocalSigner(from_jwk(jwk)).algorithm == "PS512"
    assert LocalSigner(from_jwk(jwk)).key_id == jwk["kid"]
    given = LocalSigner(from_jwk(jwk), algorithm="RS384", key_id="mine")
    assert (given.algorithm, given.key_id) == ("RS384", "mine")


# --- validation


def damaged(mode: str) -> Key:
    """A key one of whose numbers is altered."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d, numbers.dmp1 + 2, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    return Key(wrong.private_key(unsafe_skip_rsa_key_validation=True), validate_key=mode)


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_damaged_key(mode: str) -> None:
    """A key whose numbers do not fit never signs: a signature by it could give the key away."""
    signer = LocalSigner(damaged(mode))
    for _ in range(2):
        with pytest.raises(KeyLoadError) as caught:
            signer.sign(b"data")
        assert (caught.value.code, caught.value.__context__) == ("key_damaged", None)


def test_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is validated before its first signature, and not again."""
    calls = []
    monkeypatch.setattr(Key, "ensure_valid", lambda _key: calls.append(1))
    signer = LocalSigner(from_pem(new_key("p256")[0]))
    assert calls == []
    for _ in range(3):
        signer.sign(b"data")
    assert calls == [1]


class WrongHalf:
    """A private key that signs with another than it shows, as one that skipped validation might."""

    def __init__(self) -> None:
        self._shown, self._used = (from_pem(new_key("p256")[0]).private_key for _ in range(2))

    def sign(self, *arguments: Any) -> bytes:
        return self._used.sign(*arguments)  # type: ignore[union-attr,call-arg,no-any-return]

    def public_key(self) -> Any:
        return self._shown.public_key()

    @property
    def curve(self) -> Any:
        return self._shown.curve  # type: ignore[union-attr]


def test_first_signature_is_verified() -> None:
    """The first signature is checked with the public half, and refused where it does not verify."""
    key = from_pem(new_key("p256")[0])
    object.__setattr__(key, "private_key", WrongHalf())
    with pytest.raises(SigningError):
        LocalSigner(key).sign(b"data")


class Failing:
    """A private key that cannot sign."""

    def sign(self, *_arguments: Any) -> bytes:
        raise RuntimeError("canary: the module says things about the key")


def test_failing_key() -> None:
    """Whatever a key's library raises becomes a SigningError that names its class alone."""
    key = from_pem(new_key("p256")[0])
    signer = LocalSigner(key)
    signer.sign(b"data")
    object.__setattr__(key, "private_key", Failing())
    with pytest.raises(SigningError) as caught:
        signer.sign(b"data")
    error = caught.value
    assert "canary" not in f"{error}{error!r}{vars(error)}"
    assert error.__context__ is None
    assert error.code == "signing"


# --- what it states, shows and lets out


def test_what_names_the_key() -> None:
    """Thumbprint, sealing secret and public half are the key's own, in whatever file it came."""
    vector = VECTORS["rfc8037_a4_eddsa"]
    signer = LocalSigner(from_jwk(vector["jwk"]))
    assert signer.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 appendix A.3
    assert signer.public_jwk() == {name: vector["jwk"][name] for name in ("crv", "kty", "x")}
    secret = signer.secret()
    assert secret is not None
    assert len(secret) == 32
    assert secret != LocalSigner(from_pem(new_key("ed25519")[0])).secret()


def test_shows_and_pickles_nothing() -> None:
    """Its repr names algorithm and key id, and it is not pickled."""
    signer = LocalSigner(from_pem(new_key("p256")[0]), key_id="k")
    assert repr(signer) == "LocalSigner(ES256, key_id='k')"
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(signer)
    assert caught.value.code == "not_picklable"


def test_threads() -> None:
    """Threads that sign with one key at the same moment, its first signature included, all get good ones."""
    private, public = new_key("rsa2048")
    signer = LocalSigner(from_pem(private))
    header = b64url(b'{"alg":"RS256"}')
    barrier, made = threading.Barrier(16), []

    def sign(number: int) -> None:
        barrier.wait(10)
        content = f"{header}.{b64url(json.dumps({'n': number}).encode())}"
        made.append(f"{content}.{b64url(signer.sign(content.encode()))}")

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(jwt.decode(each, public, algorithms=["RS256"])["n"] for each in made) == list(range(16))


def test_fork_while_another_thread_signs() -> None:
    """A fork waits for a signature under way: OpenSSL's own locks would stay shut in the child for ever."""
    script = """
import os, signal, sys, threading, time
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner

signer = LocalSigner(from_pem(sys.argv[1]))
signer.sign(b"data")
key, inside, done = signer._key, threading.Event(), []
real = key.private_key

class Slow:
    curve = real.curve

    def sign(self, *arguments):
        inside.set()
        time.sleep(0.2)
        done.append(1)
        return real.sign(*arguments)

object.__setattr__(key, "private_key", Slow())
thread = threading.Thread(target=signer.sign, args=(b"data",))
thread.start()
inside.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(10)
    signer.sign(b"data")
    os._exit(0 if done == [1, 1] else 1)
thread.join()
print(os.waitpid(pid, 0)[1])
"""
    root = str(Path(sa_auth.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script, new_key("p256")[0]], capture_output=True, timeout=30, check=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert done.stdout.split() == [b"0"]
