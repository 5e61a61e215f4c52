"""The face: what it takes, refuses, makes of it, shows, and sends to other processes."""

from __future__ import annotations

import copy
import json
import os
import pickle
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sa_auth
from sa_auth import ConfigError, RefreshPolicy, Retry, SaAuthError, ServiceAccountCredentials
from sa_auth._secret import Secret
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientId, ClientSecretBasic, ClientSecretPost
from sa_auth.grants import JWTBearer
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, InProcessTransport, ManualClock, Server, google_key_file, new_key

PRIVATE, PUBLIC = new_key("p256")
RSA_PRIVATE, RSA_PUBLIC = new_key("rsa2048")
KEY = from_pem(PRIVATE)
ISSUER = "robot@example.test"
ROBOT = "robot@example-project.iam.gserviceaccount.com"


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority that knows the robot."""
    made = Authority(clock=sa_clock)
    made.register(ISSUER, PUBLIC)
    return made


@pytest.fixture
def transport(authority: Authority) -> InProcessTransport:
    """The way to it, which counts."""
    return authority.transport()


@pytest.fixture
def make(
    authority: Authority, transport: InProcessTransport, sa_clock: ManualClock
) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials that reach it, with any argument changed."""
    cache = MemoryCache()

    def credentials(key: Any = KEY, **changes: Any) -> ServiceAccountCredentials:
        given = {"issuer": ISSUER, "token_endpoint": authority.token_endpoint, "transport": transport}
        return ServiceAccountCredentials(key, **{**given, "clock": sa_clock, "cache": cache, **changes})

    return credentials


def identity(creds: ServiceAccountCredentials) -> bytes:
    """What the token is kept under."""
    return creds._source._exchange.identity


# --- arguments that are refused


BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"issuer": None}, "no_issuer"),
    ({"issuer": ""}, "bad_argument"),
    ({"issuer": "  "}, "bad_argument"),
    ({"issuer": 5}, "bad_argument"),
    ({"subject": ""}, "bad_argument"),
    ({"subject": b"ann"}, "bad_argument"),
    ({"scope": 5}, "bad_argument"),
    ({"scope": b"read"}, "bad_argument"),
    ({"scope": {"read": True}}, "bad_argument"),
    ({"scope": ["read", 5]}, "bad_argument"),
    ({"scope": 're"ad'}, "bad_argument"),
    ({"scope": "re\\ad"}, "bad_argument"),
    ({"scope": ["read write"]}, "bad_argument"),
    ({"audience": 5}, "bad_argument"),
    ({"audience": ["https://as.example"]}, "bad_argument"),
    ({"audience": ""}, "bad_argument"),
    ({"key_id": 5}, "bad_argument"),
    ({"key_id": ""}, "bad_argument"),
    ({"algorithm": "HS256"}, "bad_algorithm"),
    ({"algorithm": "none"}, "bad_algorithm"),
    ({"algorithm": "RS256"}, "bad_algorithm"),
    ({"algorithm": 5}, "bad_argument"),
    ({"lifetime": 0}, "bad_argument"),
    ({"lifetime": -300}, "bad_argument"),
    ({"lifetime": float("nan")}, "bad_argument"),
    ({"lifetime": float("inf")}, "bad_argument"),
    ({"lifetime": True}, "bad_argument"),
    ({"lifetime": "300"}, "bad_argument"),
    ({"claims": {"iss": "x"}}, "bad_argument"),
    ({"claims": {"sub": "x"}}, "bad_argument"),
    ({"claims": {"aud": "x"}}, "bad_argument"),
    ({"claims": {"exp": 1}}, "bad_argument"),
    ({"claims": {"iat": 1}}, "bad_argument"),
    ({"claims": {"scope": "x"}}, "bad_argument"),
    ({"claims": {"a": {1, 2}}}, "bad_argument"),
    ({"claims": {"a": float("nan")}}, "bad_argument"),
    ({"claims": {"a": b"bytes"}}, "bad_argument"),
    ({"claims": {5: "a"}}, "bad_argument"),
    ({"claims": "text"}, "bad_argument"),
    ({"claims": []}, "bad_argument"),
    ({"headers": {"alg": "none"}}, "bad_argument"),
    ({"headers": {"kid": "x"}}, "bad_argument"),
    ({"headers": {"x": object()}}, "bad_argument"),
    ({"headers": "text"}, "bad_argument"),
    ({"headers": {"x5t": True}}, "no_certificate"),
    ({"form": {"assertion": "x"}}, "bad_argument"),
    ({"form": {"a": 1}}, "bad_argument"),
    ({"resource": 5}, "bad_argument"),
    ({"provider": "goggle"}, "unknown_name"),
    ({"provider": None}, "unknown_name"),
    ({"provider": 5}, "unknown_name"),
    ({"grant": "jwt_barer"}, "unknown_name"),
    ({"grant": 5}, "bad_argument"),
    ({"grant": JWTBearer}, "bad_argument"),
    ({"client_auth": "client_sekret"}, "unknown_name"),
    ({"client_auth": "client_secret_basic"}, "bad_argument"),
    ({"client_auth": 5}, "bad_argument"),
    ({"client_auth": ClientId}, "bad_argument"),
    ({"token_endpoint": None}, "no_token_endpoint"),
    ({"token_endpoint": None, "audience": "https://as.example"}, "no_token_endpoint"),
    ({"token_endpoint": None, "audience": "https://as.example/"}, "no_token_endpoint"),
    ({"token_endpoint": None, "audience": "http://127.0.0.1/token"}, "no_token_endpoint"),
    ({"token_endpoint": ""}, "bad_argument"),
    ({"token_endpoint": 5}, "bad_argument"),
    ({"token_endpoint": "http://as.example/token"}, "bad_endpoint"),
    ({"token_endpoint": "https://robot:secret@as.example/token"}, "bad_endpoint"),
    ({"token_endpoint": "https://as.example/token#x"}, "bad_endpoint"),
    ({"token_endpoint": "http://localhost.evil.example/token"}, "bad_endpoint"),
    ({"token_endpoint": "http://127.0.0.1.evil.example/token"}, "bad_endpoint"),
    ({"token_endpoint": "http://127.1@evil"}, "bad_endpoint"),
    ({"key": None}, "no_key"),
    ({"key": 5}, "bad_argument"),
    ({"key": [PRIVATE]}, "bad_argument"),
    ({"cache": "files"}, "bad_argument"),
    ({"cache": "http://cache.example/0"}, "bad_argument"),
    ({"cache": "file:///tmp"}, "bad_argument"),
    ({"cache": {}}, "bad_argument"),
    ({"allowed_hosts": 5}, "bad_argument"),
    ({"allowed_hosts": [None]}, "bad_argument"),
    ({"provider": "google"}, "bad_algorithm"),
    ({"provider": "google", "key": RSA_PRIVATE, "lifetime": 3601}, "bad_lifetime"),
    ({"certificate": "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----", "key": PRIVATE},
     "certificate_damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), BAD_ARGUMENTS, ids=lambda value: str(value).partition(" at 0x")[0][:50])
def test_bad_argument(
    change: dict[str, Any], code: str, make: Callable[..., ServiceAccountCredentials], transport: InProcessTransport
) -> None:
    """An argument that cannot be right is refused at construction, with code and advice, and nothing is sent."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    error = caught.value
    assert error.code == code
    assert error.hint
    assert error.__context__ is None
    assert (error.attempts, error.retryable) == (0, False)
    assert transport.sends == 0
    for line in PRIVATE.splitlines()[1:-1]:
        assert line not in str(error)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "10", None])
def test_bad_timeout(timeout: Any, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A deadline is a positive number of seconds."""
    with pytest.raises(ConfigError, match="timeout"):
        make(timeout=timeout)


def test_unknown_names_are_listed(make: Callable[..., ServiceAccountCredentials]) -> None:
    """A mistyped name is answered with those there are."""
    for argument, known in (("provider", "google"), ("grant", "jwt_bearer"), ("client_auth", "client_secret_basic")):
        with pytest.raises(ConfigError) as caught:
            make(**{argument: "mistyped"})
        assert known in caught.value.hint
        assert "mistyped" in str(caught.value)


def test_restated_claim_names_the_argument(make: Callable[..., ServiceAccountCredentials]) -> None:
    """A claim that an argument decides is refused with that argument's name."""
    with pytest.raises(ConfigError) as caught:
        make(claims={"aud": "x"})
    assert "audience=" in caught.value.hint


# --- arguments that are taken


def test_arguments_reach_the_server(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """Every argument has its effect on what is sent."""
    authority.audience = ("aud-x",)
    creds = make(
        subject="ann", scope=["read", "write"], audience="aud-x", key_id="k1", lifetime=60, claims={"tenant": [1, None]},
        headers={"cty": "x"}, form={"account": "a"}, resource=["https://r1.example", "https://r2.example"],
        client_auth="client_id",
    )  # fmt: skip
    assert creds.token().scope == "read write"
    record = authority.requests[-1]
    claims, form = record.claims, record.form
    assert (claims["iss"], claims["sub"], claims["aud"], claims["scope"]) == (ISSUER, "ann", "aud-x", "read write")
    assert (claims["exp"] - claims["iat"], claims["tenant"]) == (70, [1, None])
    assert (record.header["kid"], record.header["cty"], record.header["alg"]) == ("k1", "x", "ES256")
    assert (form["scope"], form["account"], form["client_id"]) == ("read write", "a", ISSUER)
    assert [value for name, value in form.pairs if name == "resource"] == ["https://r1.example", "https://r2.example"]


def test_audience_is_the_endpoint_as_written(
    make: Callable[..., ServiceAccountCredentials], authority: Authority
) -> None:
    """Without audience= the `aud` is the token endpoint, to the letter."""
    make().token()
    assert authority.requests[-1].claims["aud"] == authority.token_endpoint


def test_endpoint_from_the_audience(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """An https audience with a path serves as token endpoint where none is given."""
    creds = make(token_endpoint=None, audience=authority.token_endpoint)
    creds.token()
    assert authority.requests[-1].claims["aud"] == authority.token_endpoint


@pytest.mark.parametrize("method", [ClientSecretBasic(ISSUER, "s3 cr:et"), ClientSecretPost(ISSUER, "s3 cr:et")])
def test_client_auth_object(method: Any, make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """A client authentication goes along with the grant."""
    authority.register(ISSUER, PUBLIC, client_secret="s3 cr:et")
    assert make(client_auth=method).token()
    with pytest.raises(SaAuthError, match="invalid_client"):
        make(client_auth=type(method)(ISSUER, "wrong")).token()


def test_signer_as_key(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """A Signer of the caller's own is taken as it is."""
    assert make(LocalSigner(KEY, key_id="mine")).token()
    assert authority.requests[-1].header["kid"] == "mine"


def test_policy_and_retry(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """refresh= and retry= are what the exchange goes by."""
    authority.down()
    with pytest.raises(SaAuthError) as caught:
        make(retry=Retry(attempts=2)).token()
    assert caught.value.attempts == 2
    authority.up()
    token = make(refresh=RefreshPolicy(lead=600), subject="x").token()
    assert token.expires_at - token.refresh_at == 600


# --- replace, immutability, closing


def test_replace(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """replace() makes credentials of the same key, endpoint, transport and cache, and leaves the first as they were."""
    first = make(scope="read", subject="ann")
    second = first.replace(
        scope="write", subject="bob", lifetime=60, claims={"a": 1}, audience=authority.token_endpoint
    )
    assert (first.token().scope, second.token().scope) == ("read", "write")
    assert [record.claims["sub"] for record in authority.requests] == ["ann", "bob"]
    assert first.replace().token() is first.token()
    assert first.replace(scope="write").replace(scope="read").token() is first.token()


@pytest.mark.parametrize(
    "name",
    ["key", "issuer", "token_endpoint", "certificate", "password", "key_id", "algorithm", "provider", "grant",
     "client_auth", "cache", "transport", "clock", "_source", "surprise"],
)  # fmt: skip
def test_replace_with_what_is_fixed(name: str, make: Callable[..., ServiceAccountCredentials]) -> None:
    """What decides where the key's proof goes cannot be replaced, and the error says what can."""
    with pytest.raises(ConfigError) as caught:
        make().replace(**{name: "x"})
    assert name in caught.value.message
    assert "scope" in caught.value.hint


@pytest.mark.parametrize("change", [{"scope": 'a"b'}, {"lifetime": 0}, {"claims": {"iss": "x"}}, {"subject": ""}])
def test_replace_with_what_is_wrong(change: dict[str, Any], make: Callable[..., ServiceAccountCredentials]) -> None:
    """replace() checks like the constructor."""
    with pytest.raises(ConfigError):
        make().replace(**change)


@pytest.mark.parametrize("name", ["issuer", "token_endpoint", "key", "_given", "_source", "anything"])
def test_nothing_can_be_set(name: str, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Credentials do not change under whoever holds them."""
    creds = make()
    with pytest.raises(AttributeError):
        setattr(creds, name, "x")
    with pytest.raises((AttributeError, TypeError)):
        delattr(creds, name)


def test_changing_what_was_handed_over(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """Changing a dict or list after it was handed over changes nothing."""
    claims: dict[str, Any] = {"tenant": {"id": "one"}}
    scope, form = ["read"], {"account": "one"}
    creds = make(claims=claims, scope=scope, form=form)
    claims["tenant"]["id"] = "two"
    claims["iss"] = "somebody else"
    scope.append("write")
    form["account"] = "two"
    assert creds.token().scope == "read"
    record = authority.requests[-1]
    assert (record.claims["tenant"], record.claims["iss"], record.form["account"]) == ({"id": "one"}, ISSUER, "one")


def test_with_block(make: Callable[..., ServiceAccountCredentials]) -> None:
    """close() ends connections and revokes nothing: a later call is served."""
    with make() as creds:
        token = creds.token()
    assert creds.token() is token
    creds.close()
    creds.discard(token)
    assert creds.token() is not token


# --- what it shows


def test_nothing_secret_is_shown(
    make: Callable[..., ServiceAccountCredentials], authority: Authority, tmp_path: Path
) -> None:
    """A repr or str of anything at hand shows no key, password, secret or token."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_text(PRIVATE)
    authority.register(ISSUER, PUBLIC, client_secret="canary-secret")
    creds = make(path, client_auth=ClientSecretPost(ISSUER, "canary-secret"), claims={"c": "canary-claim"})
    token = creds.token()
    exchange = creds._source._exchange
    request = exchange.build(0)
    things = [
        creds, token, creds._source, exchange, exchange.grant, exchange.client_auth, exchange.transport, request,
        creds._source._slot, creds._source._slot.held, creds._given["key"], creds._given["key"].signer, Secret("canary"),
        creds.poll(), creds._given["cache"], KEY,
    ]  # fmt: skip
    secrets_ = [token.access_token, "canary", request.body.decode(), *PRIVATE.splitlines()[1:-1]]
    for thing in things:
        for shown in (repr(thing), str(thing), f"{thing}"):
            assert not any(secret in shown for secret in secrets_), type(thing)


def test_repr(make: Callable[..., ServiceAccountCredentials]) -> None:
    """A repr says whose credentials they are and for what."""
    shown = repr(make(subject="ann", scope="read"))
    assert shown == (f"ServiceAccountCredentials(provider='generic', issuer='{ISSUER}', subject='ann', scope='read')")


# --- pickles


@pytest.fixture
def live() -> Iterator[Server]:
    """An authority by the real clock, for other processes."""
    authority = Authority()
    authority.register(ISSUER, PUBLIC)
    authority.register(ROBOT, RSA_PUBLIC)
    with authority.serve() as server:
        yield server


def in_another_process(pickled: bytes, **environment: str) -> str:
    """Unpickles there, signs in, and gives what it printed."""
    script = """
import pickle, sys
creds = pickle.load(sys.stdin.buffer)
print(creds.token().scope, repr(creds), creds._source._exchange.timeout)
"""
    root = str(Path(sa_auth.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script], input=pickled, capture_output=True, timeout=30, check=False,
        env={**os.environ, "PYTHONPATH": root, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def check_no_secret(pickled: bytes, *secrets_: str) -> None:
    """Searches a pickle for what must not be in it."""
    for secret in (*secrets_, *PRIVATE.splitlines()[1:-1], *RSA_PRIVATE.splitlines()[1:-1]):
        assert secret.encode() not in pickled


def test_pickle_of_a_file(live: Server, tmp_path: Path) -> None:
    """Credentials of a file travel as its path and their settings, and sign in in a process that can read it."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_text(PRIVATE)
    for make in (ServiceAccountCredentials, ServiceAccountCredentials.from_file):
        creds = make(
            path, issuer=ISSUER, token_endpoint=live.token_endpoint, scope="read", subject=secrets.token_hex(4),
            timeout=7.5,
        )  # fmt: skip
        token = creds.token()
        pickled = pickle.dumps(creds)
        check_no_secret(pickled, token.access_token)
        said = in_another_process(pickled)
        assert said.startswith("read ServiceAccountCredentials(provider='generic'")
        assert said.endswith(" 7.5\n")
        assert pickle.loads(pickled).token() is token, "in the same process the token is shared"
    assert live.authority.exchanges == 4


def test_pickle_of_an_address_said_in_code(tmp_path: Path) -> None:
    """An address that stands in code is trusted in another process as it is here, though the file says it too."""
    for endpoint in ("http://127.0.0.1:8080/token", "https://login.example/token"):
        path = tmp_path / "key.json"
        google_key_file(path, private_key_pem=RSA_PRIVATE, token_uri=endpoint)
        creds = ServiceAccountCredentials.from_file(path, token_endpoint=endpoint, scope="read")
        for one in (creds, creds.replace(scope="mail")):
            again = pickle.loads(pickle.dumps(one))
            assert again.identity == one.identity
            assert pickle.loads(pickle.dumps(again)).identity == one.identity


def test_pickle_of_a_vendors_file(live: Server, tmp_path: Path) -> None:
    """What stands in the key file is read there again, and not from the pickle."""
    path = tmp_path / "key.json"
    google_key_file(path, private_key_pem=RSA_PRIVATE, email=ROBOT)
    creds = ServiceAccountCredentials.from_file(path, token_endpoint=live.token_endpoint, scope="drive")
    pickled = pickle.dumps(creds.replace(scope="mail"))
    check_no_secret(pickled)
    assert ROBOT.encode() not in pickled
    assert in_another_process(pickled).startswith("mail ServiceAccountCredentials(provider='google'")


def test_pickle_of_a_variable(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of an environment variable travel as its name."""
    text = json.dumps({"type": "sa_auth", "key": PRIVATE, "issuer": ISSUER})
    monkeypatch.setenv("MY_KEY", text)
    creds = ServiceAccountCredentials.from_env("MY_KEY", token_endpoint=live.token_endpoint, scope="read")
    token = creds.token()
    pickled = pickle.dumps(creds)
    check_no_secret(pickled, token.access_token)
    assert in_another_process(pickled, MY_KEY=text).startswith("read ")


def test_pickle_keeps_its_demands(tmp_path: Path) -> None:
    """What was demanded of the file's rights is demanded again where it is unpickled."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_text(PRIVATE)
    creds = ServiceAccountCredentials.from_file(
        path, rights="strict", issuer=ISSUER, token_endpoint="https://as.example/token"
    )
    pickled = pickle.dumps(creds)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        pickle.loads(pickled)


def test_what_is_not_pickled(make: Callable[..., ServiceAccountCredentials], tmp_path: Path) -> None:
    """Keys in memory, passwords, client secrets, signers and tokens are not pickled, with a hint."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_text(PRIVATE)
    endpoint: dict[str, Any] = {"issuer": ISSUER, "token_endpoint": "https://as.example/token"}
    secret = ClientSecretPost("app", "canary-secret")
    token = make().token()
    things = [
        ServiceAccountCredentials(PRIVATE, **endpoint), ServiceAccountCredentials(KEY, **endpoint),
        ServiceAccountCredentials.from_info({"key": PRIVATE, **endpoint}),
        ServiceAccountCredentials(path, client_auth=secret, **endpoint),
        LocalSigner(KEY), KEY, token, secret, Secret("canary"), {"nested": [token]},
    ]  # fmt: skip
    for thing in things:
        with pytest.raises(ConfigError) as caught:
            pickle.dumps(thing)
        assert (caught.value.code, bool(caught.value.hint)) == ("not_picklable", True)
        assert "canary" not in str(caught.value)


def test_password_is_not_pickled(tmp_path: Path) -> None:
    """A password as text is refused; one that is asked for by a function travels as that function's name."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    path = tmp_path / "key.pem"
    path.touch(0o600)
    sealed = KEY.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"canary"))
    path.write_bytes(sealed)
    endpoint: dict[str, Any] = {"issuer": ISSUER, "token_endpoint": "https://as.example/token"}
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(ServiceAccountCredentials(path, password="canary", **endpoint))
    assert caught.value.code == "not_picklable"
    asked = ServiceAccountCredentials(path, password=_ask, **endpoint)
    pickled = pickle.dumps(asked)
    assert b"canary" not in pickled
    assert isinstance(pickle.loads(pickled), ServiceAccountCredentials)


def _ask() -> str:
    return "canary"


def test_copies_of_values(make: Callable[..., ServiceAccountCredentials]) -> None:
    """Copying a token or key gives the same object, since neither changes."""
    token = make().token()
    assert copy.copy(token) is token
    assert copy.deepcopy([token])[0] is token
    assert copy.deepcopy(KEY) is KEY


# --- identity


BASE: dict[str, Any] = {
    "issuer": "ab", "subject": "cd", "scope": "r w", "audience": "https://aud.example/", "resource": ["https://r.example"],
    "form": {"f": "1"}, "claims": {"c": "1"}, "headers": {"h": "1"}, "key_id": "k",
    "client_auth": ClientSecretPost("app", "secret"), "token_endpoint": "https://as.example/token",
}  # fmt: skip
OTHER_KEY = from_pem(new_key("p256")[0])

CHANGES: dict[str, dict[str, Any]] = {
    "endpoint": {"token_endpoint": "https://as.example/token2"},
    "endpoint's case": {"token_endpoint": "https://as.example/Token"},
    "issuer": {"issuer": "ac"},
    "subject": {"subject": "ce"},
    "no subject": {"subject": None},
    "issuer and subject, boundary moved": {"issuer": "abc", "subject": "d"},
    "issuer and subject, swapped": {"issuer": "cd", "subject": "ab"},
    "audience": {"audience": "https://aud.example"},
    "no audience": {"audience": None},
    "one scope more": {"scope": "r w x"},
    "one scope less": {"scope": "r"},
    "another scope": {"scope": "r W"},
    "scopes, boundary moved": {"scope": "rw"},
    "no scope": {"scope": ()},
    "resource": {"resource": ["https://s.example"]},
    "one resource more": {"resource": ["https://r.example", "https://s.example"]},
    "resources, boundary moved": {"resource": ["https://r.", "e:xample"]},
    "no resource": {"resource": ()},
    "form value": {"form": {"f": "2"}},
    "form name": {"form": {"g": "1"}},
    "form, boundary moved": {"form": {"f1": ""}},
    "no form": {"form": None},
    "claim value": {"claims": {"c": "2"}},
    "claim type": {"claims": {"c": 1}},
    "claim name": {"claims": {"d": "1"}},
    "claim more": {"claims": {"c": "1", "d": None}},
    "no claims": {"claims": None},
    "header value": {"headers": {"h": "2"}},
    "header name": {"headers": {"i": "1"}},
    "no headers": {"headers": None},
    "typ": {"headers": {"h": "1", "typ": "x"}},
    "claims and headers, swapped": {"claims": {"h": "1"}, "headers": {"c": "1"}},
    "key": {"key": OTHER_KEY},
    "key id": {"key_id": "l"},
    "no key id": {"key_id": None},
    "client id": {"client_auth": ClientSecretPost("apq", "secret")},
    "client secret": {"client_auth": ClientSecretPost("app", "secreu")},
    "client id and secret, boundary moved": {"client_auth": ClientSecretPost("apps", "ecret")},
    "client method": {"client_auth": ClientSecretBasic("app", "secret")},
    "client without secret": {"client_auth": ClientId("app")},
    "no client": {"client_auth": None},
}  # fmt: skip


class AnotherGrant:
    """A grant that says the same of itself as the usual one, but for its name."""

    repeatable = True

    def __init__(self, inner: JWTBearer) -> None:
        self.inner = inner

    def form(self, now: float) -> list[tuple[str, str]]:
        return self.inner.form(now)

    def fingerprint(self) -> tuple[str, ...]:
        return ("another", *self.inner.fingerprint()[1:])

    def describe(self) -> str:
        return ""


def made_of(**changes: Any) -> ServiceAccountCredentials:
    """Credentials of the base with a change."""
    return ServiceAccountCredentials(changes.pop("key", KEY), **{**BASE, **changes})


@pytest.mark.parametrize("name", CHANGES)
def test_identities_differ(name: str) -> None:
    """A change in any one field that decides what is issued makes another identity."""
    assert identity(made_of(**CHANGES[name])) != identity(made_of())


def test_all_identities_differ() -> None:
    """No two of the changes give the same identity either."""
    found = [identity(made_of(**change)) for change in CHANGES.values()]
    grant = made_of()._source._exchange.grant
    assert isinstance(grant, JWTBearer)
    # Of a grant that signs nothing by the face's key, no argument may speak of an assertion.
    silent = dict.fromkeys(("subject", "audience", "claims", "headers", "lifetime"))
    found += [identity(made_of(grant=AnotherGrant(grant), **silent)), identity(made_of())]
    assert len(set(found)) == len(found)


SAME: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the order of scopes": {"scope": "w r"},
    "scopes as a list": {"scope": ["w", "r", "r"]},
    "the order of claims": {"claims": {"c": "1"}},
    "what says when and how": {"timeout": 5, "retry": Retry(attempts=1), "refresh": RefreshPolicy(lead=10)},
    "where the token may go": {"allowed_hosts": ["api.example"]},
    "the assertion's lifetime": {"lifetime": 60},
    "the same key read again": {"key": PRIVATE},
}


@pytest.mark.parametrize("name", SAME)
def test_identities_agree(name: str) -> None:
    """What does not decide what is issued leaves the identity alone."""
    assert identity(made_of(**SAME[name])) == identity(made_of())


def test_identity_says_nothing() -> None:
    """The identity is 32 bytes of a hash, the same in every process."""
    script = "import sys; from sa_auth import ServiceAccountCredentials as C\n"
    script += "print(C(sys.argv[1], issuer='i', scope={'c', 'b', 'a'}, token_endpoint='https://as.example/t')"
    script += "._source._exchange.identity.hex())"
    root = str(Path(sa_auth.__file__).parents[1])
    found = {
        subprocess.run(
            [sys.executable, "-c", script, PRIVATE], capture_output=True, timeout=30, check=True,
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
    assert len(bytes.fromhex(found.pop().decode())) == 32


def test_one_identity_one_token(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """Two credentials of one identity share a token, another identity gets its own, a cache apart as well."""
    assert make(scope="a b").token() is make(scope=["b", "a"]).token()
    assert authority.exchanges == 1
    assert make(scope="a").token() is not make(scope="b").token()
    assert authority.exchanges == 3
    assert make(scope="a b", cache=MemoryCache()).token() is not make(scope="a b").token()
    assert authority.exchanges == 4


def test_token_outlives_the_object(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """A credentials object that is made, used and dropped per request leaves its token to the next."""
    tokens = {make().token().access_token for _ in range(10)}
    assert len(tokens) == 1
    assert authority.exchanges == 1


def test_process_wide_cache(authority: Authority, transport: InProcessTransport) -> None:
    """Without cache= all credentials of the process share."""
    given: dict[str, Any] = {"issuer": ISSUER, "token_endpoint": authority.token_endpoint, "transport": transport}
    first, second = (ServiceAccountCredentials(KEY, clock=authority.clock, **given) for _ in range(2))
    assert first.token() is second.token()


def test_the_endpoint_stays_where_it_is() -> None:
    """Another audience moves no endpoint, not even where the audience once stood for it."""
    creds = ServiceAccountCredentials(PRIVATE, issuer="robot", audience="https://as.example/token")
    moved = creds.replace(audience="https://other.example/token")
    assert moved._source._exchange.endpoint == "https://as.example/token"


def test_claims_of_the_caller_stay_the_callers() -> None:
    """What the caller does to its dicts afterwards reaches neither these credentials nor those made of them."""
    claims = {"tenant": {"name": "a"}}
    creds = ServiceAccountCredentials(PRIVATE, issuer="robot", token_endpoint="https://as.example/token", claims=claims)
    claims["tenant"]["name"] = "b"
    assert creds.replace()._source._exchange.identity == creds._source._exchange.identity


@pytest.mark.parametrize(
    "wrong", [{"refresh": 5}, {"retry": None}, {"transport": 5}, {"clock": None}, {"timeout": 1e10}, {"cache": "x"}]
)
def test_parts_of_the_wrong_kind(wrong: dict[str, object]) -> None:
    """A part that is no such part is refused at construction, with what it should be."""
    with pytest.raises(ConfigError) as refusal:
        ServiceAccountCredentials(PRIVATE, issuer="robot", token_endpoint="https://as.example/token", **wrong)
    assert refusal.value.hint


def test_discard_of_what_is_no_token() -> None:
    """discard() takes a token and nothing else."""
    creds = ServiceAccountCredentials(PRIVATE, issuer="robot", token_endpoint="https://as.example/token")
    with pytest.raises(ConfigError):
        creds.discard(None)


def test_a_copy_is_the_same() -> None:
    """What never changes need not be copied."""
    import copy

    creds = ServiceAccountCredentials(PRIVATE, issuer="robot", token_endpoint="https://as.example/token")
    assert copy.copy(creds) is creds
    assert copy.deepcopy(creds) is creds
    with pytest.raises(AttributeError):
        del creds._given
