"""The frame that every key service is called through."""

from __future__ import annotations

import contextvars
import logging
import pickle
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sa_auth import Retry, ServiceAccountCredentials
from sa_auth.errors import ConfigError, KeyLoadError, SaAuthError, SigningError
from sa_auth.keys import from_pem
from sa_auth.signers import FromCallable, KeyService, LocalSigner, RemoteSigner
from sa_auth.signers import service as words
from sa_auth.testing import Authority, ManualClock, new_key
from tests.contract.key_services.children import within

CANARY = "remote-canary"
PRIVATE, PUBLIC = new_key("p256")
KEY: Any = load_pem_private_key(PRIVATE.encode(), None)


class Service(KeyService):
    """Does what it is told."""

    service: ClassVar[str] = "the test's service"

    def __init__(self, sign: Callable[[str, bytes, bytes], bytes], *, public: str = PUBLIC, der: bool = True) -> None:
        self.act, self.public, self.der = sign, public, der
        self.timeouts: list[float] = []

    def public_key(self, timeout: float) -> bytes:
        """As it is."""
        self.timeouts.append(timeout)
        return self.public.encode()

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:
        """As it is told."""
        self.timeouts.append(timeout)
        return self.act(algorithm, data, digest)


def der(_algorithm: str, data: bytes, _digest: bytes) -> bytes:
    """As most services give it."""
    return bytes(KEY.sign(data, ec.ECDSA(hashes.SHA256())))


def raising(error: BaseException) -> Callable[[str, bytes, bytes], bytes]:
    """What a library does."""

    def act(*_: object) -> bytes:
        raise error

    return act


def failure(signer: Any) -> SaAuthError:
    """How it does not sign."""
    with pytest.raises(SaAuthError) as caught:
        signer.sign(b"data")
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert CANARY not in f"{caught.value!s}{vars(caught.value)}"
    return caught.value


@pytest.mark.parametrize("answer", [b"", b"\x30", b"\x30\x06\x02\x01\x01\x02\x01\x01\x00", b"\x01" * 64, b"\x30\x80"])
def test_no_der(answer: bytes) -> None:
    """What is no signature in DER is told, whatever it is; one that is another's, too."""
    assert failure(RemoteSigner(Service(lambda *_: answer))).code in {"signing", "signature_mismatch"}


@pytest.mark.parametrize("answer", [b"", b"\x01" * 63, b"\x01" * 65])
def test_no_raw(answer: bytes) -> None:
    """The two numbers have their length, each."""
    assert failure(RemoteSigner(Service(lambda *_: answer, der=False))).code == "signing"


@pytest.mark.parametrize("answer", [None, 5, "text", 2**70])
def test_no_bytes(answer: Any) -> None:
    """A service that gives no bytes is one that failed."""
    assert failure(RemoteSigner(Service(lambda *_: answer))).code in {"signing", "signature_mismatch"}


def test_only_the_first_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is proven once for each algorithm: later signatures cost no check."""
    checked: list[str] = []
    real = RemoteSigner._prove
    monkeypatch.setattr(RemoteSigner, "_prove", lambda self, *a: (checked.append(a[0]), real(self, *a))[1])
    signer = RemoteSigner(Service(der))
    for _ in range(3):
        signer.sign(b"data")
    assert checked == ["ES256"]


def test_a_bad_first_one_proves_nothing() -> None:
    """Until a signature was good, each is checked."""
    answers = [lambda *_: KEY.sign(b"other", ec.ECDSA(hashes.SHA256()))] * 2 + [der]
    signer = RemoteSigner(
        Service(
            lambda *a: answers.pop(0)(*a)  # noqa: PLW0108 - another each time
        )
    )
    assert [failure(signer).code for _ in range(2)] == ["signature_mismatch"] * 2
    assert signer.sign(b"data")


def test_the_time_of_the_exchange() -> None:
    """A call has what is left of the exchange, 10 s outside of one, and is not begun when nothing is left."""
    service = Service(der)
    signer = RemoteSigner(service)
    signer.sign(b"data")
    assert service.timeouts == [10.0, 10.0]
    with within(3.0):
        signer.sign(b"data")
    assert 2.5 < service.timeouts[-1] <= 3.0
    with within(-1.0):
        error = failure(signer)
    assert (error.code, error.retryable, len(service.timeouts)) == ("no_answer", True, 3)


def test_few_calls_hang() -> None:
    """Calls that do not return are left, eight of them; the ninth is told at once, and they are forgotten when they return."""
    over = threading.Event()
    signer = RemoteSigner(Service(lambda *a: der(*a) if over.wait(30) else b""))
    _ = signer.thumbprint
    before = threading.active_count()
    with within(0.05):
        for _ in range(12):
            with within(0.05):
                assert failure(signer).code == "no_answer"
        began = time.monotonic()
        with within(5.0):
            failure(signer)
        assert time.monotonic() - began < 1.0
    assert threading.active_count() - before <= 8
    over.set()
    time.sleep(0.1)
    assert signer.sign(b"data")


@pytest.mark.parametrize("error", [ValueError(CANARY), OSError(CANARY), RuntimeError(CANARY), KeyError(CANARY)])
def test_what_a_library_raises(error: Exception) -> None:
    """Its class is told, and nothing of its text."""
    told = failure(RemoteSigner(Service(raising(error))))
    assert (told.code, type(error).__name__ in told.message) == ("signing", True)


def test_an_explanation_that_fails() -> None:
    """An error that the service's own file does not understand is told by its class."""

    class Confused(Service):
        def explain(self, error: Exception, act: str) -> SigningError:
            raise AttributeError(CANARY)

    assert "ValueError" in failure(RemoteSigner(Confused(raising(ValueError())))).message


def test_ctrl_c_of_a_library() -> None:
    """What is no Exception goes through."""
    with pytest.raises(KeyboardInterrupt):
        RemoteSigner(Service(raising(KeyboardInterrupt()))).sign(b"data")


def test_the_callers_context() -> None:
    """A call sees the context of its caller: traces go on in it."""
    trace = contextvars.ContextVar("trace", default="none")
    seen: list[str] = []

    def sign(*arguments: Any) -> bytes:
        seen.append(trace.get())
        return der(*arguments)

    trace.set("mine")
    RemoteSigner(Service(sign)).sign(b"data")
    assert seen == ["mine"]


def test_public_key_that_is_none() -> None:
    """What is no public key, or one that nobody signs by, is a key that cannot be loaded."""
    for public, code in (("nothing", "key_damaged"), (CANARY, "key_damaged")):
        with pytest.raises(KeyLoadError) as caught:
            _ = RemoteSigner(Service(der, public=public)).thumbprint
        assert caught.value.code == code


def test_one_read_for_many_threads() -> None:
    """Threads that come at once make one question of it."""
    service = Service(der)
    signer = RemoteSigner(service)
    threads = [threading.Thread(target=lambda: signer.thumbprint) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(service.timeouts) == 1


def test_algorithms() -> None:
    """The default is the first that fits the key and the service does; what the service does not do is refused."""

    class Few(Service):
        algorithms: ClassVar[tuple[str, ...]] = ("PS256", "RS512")

    rsa = new_key("rsa2048")[1]
    assert RemoteSigner(Few(der, public=rsa)).algorithm == "RS512"
    assert RemoteSigner(Few(der, public=rsa)).algorithms == ("RS512", "PS256")
    for signer in (RemoteSigner(Few(der, public=rsa), algorithm="RS256"), RemoteSigner(Few(der))):
        with pytest.raises(ConfigError) as caught:
            _ = signer.algorithm
        assert caught.value.code == "bad_algorithm"


def test_it_does_not_change_nor_travel() -> None:
    """It is a value; credentials of a URI travel, and a signer does not."""
    signer = RemoteSigner(Service(der), key_id="k")
    assert repr(signer) == "RemoteSigner(Service(...), key_id='k')"
    with pytest.raises(AttributeError):
        signer.key_id = "other"
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(signer)
    assert caught.value.code == "not_picklable"


@pytest.mark.parametrize("repeats", [1, 2])
def test_throttled_and_then_not(sa_clock: ManualClock, repeats: int) -> None:
    """The exchange tries again, after the pause that the service asked for, and mints anew each time."""
    refusals = [words.throttled("It", retry_after=2.0) for _ in range(repeats)]
    seen: list[bytes] = []

    def sign(*arguments: Any) -> bytes:
        seen.append(arguments[1])
        if refusals:
            raise refusals.pop()
        return der(*arguments)

    authority = Authority(clock=sa_clock)
    authority.register("robot", PUBLIC)
    began = sa_clock.now().boot
    creds = ServiceAccountCredentials(
        RemoteSigner(Service(sign)), issuer="robot", token_endpoint=authority.token_endpoint,
        transport=authority.transport(), clock=sa_clock, retry=Retry(attempts=4),
    )  # fmt: skip
    assert creds.token()
    assert sa_clock.now().boot - began >= 2.0 * repeats
    assert len(set(seen)) == len(seen) == repeats + 1
    assert len(authority.requests) == 1


def test_denied_is_not_tried_again(sa_clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """What does not pass is told after one attempt, with the permission."""
    seen: list[int] = []

    def sign(*_: object) -> bytes:
        seen.append(1)
        raise words.denied("It", "kms:Sign")

    authority = Authority(clock=sa_clock)
    creds = ServiceAccountCredentials(
        RemoteSigner(Service(sign)), issuer="robot", token_endpoint=authority.token_endpoint,
        transport=authority.transport(), clock=sa_clock,
    )  # fmt: skip
    with caplog.at_level(logging.DEBUG), pytest.raises(SigningError) as caught:
        creds.token()
    assert (caught.value.code, "kms:Sign" in caught.value.hint, len(seen)) == ("signing_denied", True, 1)
    assert not authority.requests


@pytest.mark.parametrize("data", ["x", None, 5])
def test_from_callable_of_the_wrong_kind(data: Any) -> None:
    """Its arguments are a function and a public key; a mistake shows as it is made."""
    with pytest.raises(ConfigError):
        FromCallable(data, PUBLIC)
    with pytest.raises(ConfigError):
        FromCallable(lambda data: data, data)


def test_from_callable() -> None:
    """A function that gives no bytes, is wrong, or does not answer, is told as a service would be."""
    local = LocalSigner(from_pem(PRIVATE))
    assert FromCallable(lambda data: KEY.sign(data, ec.ECDSA(hashes.SHA256())), PUBLIC.encode(), der=True).sign(b"data")
    assert FromCallable(local.sign, PUBLIC, algorithm="ES256", key_id="k").key_id == "k"
    assert "gave str" in failure(FromCallable(lambda _: CANARY, PUBLIC)).message  # type: ignore[arg-type, return-value]
    assert "der=True" in failure(FromCallable(lambda data: KEY.sign(data, ec.ECDSA(hashes.SHA256())), PUBLIC)).hint
    assert "not their digest" in failure(FromCallable(lambda _: local.sign(b"other"), PUBLIC)).hint
    assert "by itself" in failure(FromCallable(lambda _: raising(KeyError())("", b"", b""), PUBLIC)).hint
    error = failure(FromCallable(lambda _: raising(TimeoutError())("", b"", b""), PUBLIC))
    assert (error.code, error.retryable) == ("no_answer", True)
    with pytest.raises(ConfigError) as caught:
        FromCallable(local.sign, PUBLIC, algorithm="RS256")
    assert caught.value.code == "bad_algorithm"


def test_words_of_all_services() -> None:
    """Each thing that a service can say has one code, whoever says it."""
    said = {
        words.throttled("X"): ("signing_throttled", True), words.denied("X", "p"): ("signing_denied", False),
        words.no_login("X", "h"): ("signing_login", False), words.not_found("X", "h"): ("key_not_found", False),
        words.wrong_version("X", "h"): ("key_version", False), words.unfit("X", "RS256", "h"): ("bad_algorithm", False),
        words.unavailable("X"): ("signing_unavailable", True), words.no_answer("X"): ("no_answer", True),
        words.failed("X", ValueError(CANARY), "public_key"): ("signing", False),
    }  # fmt: skip
    for error, expected in said.items():
        assert (error.code, error.retryable) == expected
        assert "X" in error.message
        assert CANARY not in str(error)


@pytest.mark.parametrize("uri", ["x:", "x:?a=1", "x:key?b=1", "x:key?a=1&a=2", "x:key#part", "x:key?a"])
def test_parts_that_are_none(uri: str) -> None:
    """A URI that is not of the form is refused with one that is."""
    with pytest.raises(ConfigError) as caught:
        path, values = words.parts(uri, {"a": "of something"}, "x:key?a=1")
        assert values == {"a": ""}, path  # an empty value is the service's to judge
        raise ConfigError("", code="bad_key_uri", hint="x:key?a=1")
    assert (caught.value.code, "x:key?a=1" in caught.value.hint) == ("bad_key_uri", True)
