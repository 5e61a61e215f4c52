"""What every method of client authentication keeps to, over all of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth._secret import Secret
from sa_auth.assertions import FromFile
from sa_auth.client_auth import (
    CLIENT_AUTH,
    Client,
    ClientAssertion,
    ClientAuth,
    ClientId,
    ClientSecretJWT,
    MutualTLS,
    PrivateKeyJWT,
    TokenRequest,
)
from sa_auth.client_auth.base import Incomplete
from sa_auth.errors import ConfigError
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.signers.shared_secret import SharedSecretSigner
from sa_auth.testing import new_key
from tests.unit.assertions.texts import CANARY, NOW, everything_of, token

SIGNER, OTHER = (LocalSigner(from_pem(new_key("p256")[0])) for _ in range(2))
SERVER = "https://as.example"
SECRET = f"{CANARY}-{'s' * 64}"
FILE = FromFile("/run/token")
KNOWN = Client("app", SIGNER, SERVER, "thumbprint")

NAMED: dict[str, Callable[[], Any]] = {
    "client_id": ClientId,
    "client_assertion": lambda: ClientAssertion(FILE),
    "client_secret_jwt": lambda: ClientSecretJWT("app", SECRET),
    "private_key_jwt": lambda: PrivateKeyJWT(claims={"a": [1]}, headers={"h": "x"}, lifetime=60),
    "tls_client_auth": MutualTLS,
}
SECRETS: dict[str, Callable[[], Any]] = {
    "client_assertion": lambda: ClientAssertion(token(), client_id="app"),
    "client_secret_jwt": lambda: ClientSecretJWT("app", SECRET),
    "client_secret_jwt, whole": lambda: ClientSecretJWT("app", SECRET, audience=SERVER),
    "private_key_jwt, key": lambda: PrivateKeyJWT(signer=SIGNER),
}
TRAVELS = {name: make for name, make in NAMED.items() if name != "client_secret_jwt"}
WHOLE = {name: make().completed(KNOWN) for name, make in NAMED.items()}
ALL: dict[str, Callable[[], Any]] = {**NAMED, **{f"{name}, secret": make for name, make in SECRETS.items()},
                                     **{f"{name}, completed": (lambda whole=whole: whole) for name, whole in WHOLE.items()}}  # fmt: skip


def refused(act: Callable[[], Any]) -> ConfigError:
    """The error, once it is known to have a code and advice, and neither in it nor in our frames a secret."""
    with pytest.raises(ConfigError) as caught:
        act()
    assert caught.value.code
    assert caught.value.hint
    shown = everything_of(caught.value)
    assert CANARY not in shown
    assert token().split(".")[2] not in shown
    return caught.value


# --- the port


@pytest.mark.parametrize("name", WHOLE)
def test_the_port(name: str) -> None:
    """It is a ClientAuth under its registered name, and gives a new request with what was asked before its own fields."""
    method, before = WHOLE[name], TokenRequest((("grant_type", "x"),), {"Accept": "a"})
    assert isinstance(method, ClientAuth)
    assert isinstance(method, Incomplete)
    assert type(method) is CLIENT_AUTH[name]
    assert method.fingerprint()[0] == name
    assert method.fingerprint()[1] == "app"
    assert all(isinstance(part, str) for part in method.fingerprint())
    if name != "client_assertion":
        after = method.apply(before, NOW)
        assert after.fields[0] == ("grant_type", "x")
        assert len(after.fields) > 1
        assert after.headers == {"Accept": "a"}
    assert before == TokenRequest((("grant_type", "x"),), {"Accept": "a"})


def test_both_kinds_of_certificate() -> None:
    """A certificate of an authority and one of the client's own are one method to the client."""
    assert CLIENT_AUTH["tls_client_auth"] is CLIENT_AUTH["self_signed_tls_client_auth"] is MutualTLS


# --- completion


@pytest.mark.parametrize("name", NAMED)
def test_completed(name: str) -> None:
    """What is named without its key, client id or server gets it from the face; a second completion changes nothing."""
    method = NAMED[name]()
    whole = method.completed(KNOWN)
    assert whole.fingerprint() == NAMED[name]().completed(KNOWN).fingerprint()
    elsewhere = Client("another", OTHER, "https://other.example", "other thumbprint")
    assert whole.completed(KNOWN) is whole
    assert whole.completed(elsewhere) is whole
    assert whole.completed(Client()) is whole


@pytest.mark.parametrize("name", ["client_id", "tls_client_auth", "client_secret_jwt", "private_key_jwt"])
def test_used_before_it_is_complete(name: str) -> None:
    """One that was never completed says so in place of proving nothing."""
    method = NAMED[name]()
    acts = [lambda: method.apply(TokenRequest(), NOW)]
    acts += [method.fingerprint, method.describe] if hasattr(method, "describe") else []
    for act in acts:
        error = refused(act)
        assert error.code == "bad_argument"
        assert "ServiceAccountCredentials(client_auth=...)" in error.hint


@pytest.mark.parametrize(
    ("name", "known", "code"),
    [
        ("client_id", Client(), "no_issuer"),
        ("private_key_jwt", KNOWN._replace(client_id=None), "no_issuer"),
        ("private_key_jwt", KNOWN._replace(signer=None), "no_key"),
        ("private_key_jwt", KNOWN._replace(audience=None), "no_server"),
        ("client_secret_jwt", KNOWN._replace(audience=None), "no_server"),
        ("tls_client_auth", KNOWN._replace(client_id=None), "no_issuer"),
        ("tls_client_auth", KNOWN._replace(certificate_thumbprint=""), "no_certificate"),
    ],
)
def test_what_nobody_knows(name: str, known: Client, code: str) -> None:
    """What the face does not know either is asked for, by the argument that gives it."""
    assert refused(lambda: NAMED[name]().completed(known)).code == code


# --- frozen and silent


@pytest.mark.parametrize("name", ALL)
def test_it_does_not_change(name: str) -> None:
    """Nothing that decides where a proof goes can be set afterwards; a copy is the thing itself."""
    method = ALL[name]()
    for attribute in (*type(method).__slots__, "name", "presents_certificate", "anything"):
        with pytest.raises(AttributeError):
            setattr(method, attribute, "x")
        with pytest.raises(AttributeError):
            delattr(method, attribute)
    assert copy.copy(method) is copy.deepcopy(method) is method
    assert not hasattr(method, "__dict__")


@pytest.mark.parametrize("name", ALL)
def test_it_shows_no_secret(name: str) -> None:
    """Its repr shows its class; neither that nor its part of the identity shows a secret."""
    method = ALL[name]()
    assert repr(method).startswith(f"{type(method).__name__}(")
    shown = f"{method!r}{method}"
    if name.endswith("completed"):
        shown += "".join(method.fingerprint()) + (method.describe() if hasattr(method, "describe") else "")
    assert CANARY not in shown
    assert token().split(".")[2] not in shown


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", TRAVELS)
def test_it_travels(name: str, protocol: int) -> None:
    """What holds no secret travels, and is completed to the same in another process."""
    again = pickle.loads(pickle.dumps(TRAVELS[name](), protocol))
    assert again.completed(KNOWN).fingerprint() == WHOLE[name].fingerprint()


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", SECRETS)
def test_what_does_not_travel_says_so(name: str, protocol: int) -> None:
    """What holds a secret or a key is refused by an error of ours, with what to do instead."""
    assert refused(lambda: pickle.dumps(SECRETS[name](), protocol)).code == "not_picklable"


# --- bad arguments

NO_TEXT: list[Any] = [5, b"", b"x", "", ["x"], {"x": "x"}, object(), str, True, "\ud800"]
NO_LIFE: list[Any] = [0, -1, "60", b"60", float("nan"), float("inf"), True, [60], int]
NO_JSON: list[Any] = [5, b"x", "x", "", [], [("a", 1)], {5: 1}, {"a": b"b"}, {"a": float("nan")}, str, True]
NO_SIGNER: list[Any] = [
    5,
    "x",
    "",
    b"x",
    object(),
    LocalSigner,
    from_pem(new_key("p256")[0]),
    SharedSecretSigner(Secret(SECRET)),
]
BAD: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "ClientId(client_id)": (ClientId, NO_TEXT),
    "MutualTLS(client_id)": (MutualTLS, NO_TEXT),
    "ClientAssertion(source)": (
        ClientAssertion,
        [None, 5, "", b"", [CANARY], {CANARY: CANARY}, object(), str, FromFile, f"{CANARY} {CANARY}", f"<{CANARY}", "eyJ" + CANARY],
    ),
    "ClientAssertion(client_id)": (lambda value: ClientAssertion(token(), client_id=value), NO_TEXT),
    "ClientSecretJWT(client_id)": (lambda value: ClientSecretJWT(value, SECRET), [None, *NO_TEXT]),
    "ClientSecretJWT(client_secret)": (
        lambda value: ClientSecretJWT("app", value, audience=SERVER),
        [None, *NO_TEXT, SECRET.encode(), [SECRET], Secret, CANARY, Secret(CANARY), f"{SECRET}\ud800"],
    ),
    "ClientSecretJWT(audience)": (lambda value: ClientSecretJWT("app", SECRET, audience=value), NO_TEXT),
    "ClientSecretJWT(typ)": (lambda value: ClientSecretJWT("app", SECRET, typ=value), NO_TEXT),
    "ClientSecretJWT(lifetime)": (lambda value: ClientSecretJWT("app", SECRET, lifetime=value), [None, *NO_LIFE]),
    "ClientSecretJWT(algorithm)": (
        lambda value: ClientSecretJWT("app", SECRET, algorithm=value),
        [None, *NO_TEXT, "none", "RS256", "ES256", "EdDSA", "PS512", "hs256", "HS1", "HS256 "],
    ),
    "PrivateKeyJWT(audience)": (lambda value: PrivateKeyJWT(audience=value), NO_TEXT),
    "PrivateKeyJWT(typ)": (lambda value: PrivateKeyJWT(typ=value), NO_TEXT),
    "PrivateKeyJWT(client_id)": (lambda value: PrivateKeyJWT(client_id=value), NO_TEXT),
    "PrivateKeyJWT(signer)": (lambda value: PrivateKeyJWT(signer=value), NO_SIGNER),
    "PrivateKeyJWT(lifetime)": (lambda value: PrivateKeyJWT(lifetime=value), NO_LIFE),
    "PrivateKeyJWT(claims)": (lambda value: PrivateKeyJWT(claims=value), NO_JSON),
    "PrivateKeyJWT(headers)": (lambda value: PrivateKeyJWT(headers=value), NO_JSON),
    "PrivateKeyJWT(with_client_id)": (lambda value: PrivateKeyJWT(with_client_id=value), [None, 5, "", "no", b"x", 1, bool]),
}  # fmt: skip
CASES = [
    pytest.param(make, value, id=f"{name}-{ascii(value).partition(' at 0x')[0]:.30}")
    for name, (make, values) in BAD.items()
    for value in values
]


@pytest.mark.parametrize(("make", "value"), CASES)
def test_bad_argument(make: Callable[[Any], Any], value: Any) -> None:
    """Whatever is no good is refused at once, with code and advice; no secret beside it or in it is told."""
    error = refused(lambda: make(value))
    assert error.code in {"bad_argument", "bad_algorithm", "secret_too_short"} or error.code.startswith("assertion_")


# --- identity: what makes a token this one


def key(client_id: str | None = None, **given: Any) -> PrivateKeyJWT:
    """A whole method of the key."""
    whole = PrivateKeyJWT(client_id=client_id, **{"claims": {"a": "b"}, "headers": {"h": "i"}, **given}).completed(
        KNOWN
    )
    assert isinstance(whole, PrivateKeyJWT)
    return whole


def mac(client_id: str = "app", secret: str = SECRET, **given: Any) -> ClientSecretJWT:
    """A whole method of the secret."""
    return ClientSecretJWT(client_id, secret, **{"audience": SERVER, **given})


FINGERPRINTS: dict[str, Any] = {
    "id": ClientId("app"),
    "id, another": ClientId("apq"),
    "tls": MutualTLS("app").completed(KNOWN),
    "tls, another client": MutualTLS("apq").completed(KNOWN),
    "tls, another certificate": MutualTLS("app").completed(KNOWN._replace(certificate_thumbprint="other")),
    "tls, boundary moved": MutualTLS("appthumb").completed(KNOWN._replace(certificate_thumbprint="print")),
    "assertion": ClientAssertion(FILE, client_id="app"),
    "assertion, another client": ClientAssertion(FILE, client_id="apq"),
    "assertion, no client": ClientAssertion(FILE),
    "assertion, another source": ClientAssertion(FromFile("/run/other"), client_id="app"),
    "assertion, its source's word for a client": ClientAssertion(FILE, client_id="from_file"),
    "assertion, the text": ClientAssertion(token(), client_id="app"),
    "assertion, another text": ClientAssertion(token(sub="other"), client_id="app"),
    "key": key(),
    "key, another client": key("apq"),
    "key, another audience": key(audience="https://as.example/token"),
    "key, boundary moved": key("apphttps://", audience="as.example"),
    "key, another typ": key(typ="JWT"),
    "key, no typ": key(typ=None),
    "key, another key": key(signer=OTHER),
    "key, another key id": key(signer=LocalSigner(from_pem(new_key("p256")[0]), key_id="k")),
    "key, another claim": key(claims={"a": "c"}),
    "key, no claim": key(claims={}),
    "key, another header": key(headers={"h": "j"}),
    "key, no header": key(headers={}),
    "key, claims and headers swapped": key(claims={"h": "i"}, headers={"a": "b"}),
    "key, client id beside it": key(with_client_id=True),
    "mac": mac(),
    "mac, another client": mac("apq"),
    "mac, another secret": mac(secret=SECRET + "x"),
    "mac, another audience": mac(audience="https://as.example/token"),
    "mac, another typ": mac(typ="JWT"),
    "mac, no typ": mac(typ=None),
    "mac, HS384": mac(algorithm="HS384"),
    "mac, HS512": mac(algorithm="HS512"),
}


def test_no_two_are_alike() -> None:
    """Every field of every method is part of its identity, and no boundary between two can be moved unseen."""
    told: dict[tuple[str, ...], str] = {}
    for name, method in FINGERPRINTS.items():
        assert told.setdefault(method.fingerprint(), name) == name
    assert len(told) == len(FINGERPRINTS)


def test_what_makes_no_other_token() -> None:
    """How long a proof lives changes no token, nor whether client id and audience were named or completed."""
    assert key(lifetime=60).fingerprint() == key().fingerprint() == key("app", audience=SERVER).fingerprint()
    assert key(signer=SIGNER).fingerprint() == key().fingerprint()
    assert mac(lifetime=60).fingerprint() == mac().fingerprint()
    assert ClientSecretJWT("app", Secret(SECRET)).completed(KNOWN).fingerprint() == mac().fingerprint()
    assert ClientAssertion(FILE).completed(KNOWN).fingerprint() == FINGERPRINTS["assertion"].fingerprint()
