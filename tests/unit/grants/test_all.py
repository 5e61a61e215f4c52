"""What every grant keeps to, over all of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth.assertions import FromFile, SelfIssued
from sa_auth.grants import (
    GRANTS,
    AuthorizationCode,
    ClientCredentials,
    Grant,
    JWTBearer,
    RefreshToken,
    RestExchange,
    SAML2Bearer,
    SelfSigned,
    TokenExchange,
)
from sa_auth.grants.base import Named, Offline, Shaped, named, offline, shaped
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key
from tests.unit.assertions.texts import CANARY, NOW, assertion, refused, token

SIGNER = LocalSigner(from_pem(new_key("p256")[0]))
VERIFIER = f"{CANARY}-{'v' * 43}"
XML = assertion()
FILE = FromFile("/run/token")

# One of each with nothing secret in it, and one of each with a secret wherever one may stand.
PLAIN: dict[str, Callable[[], Any]] = {
    "jwt_bearer": lambda: JWTBearer(FILE, "read"),
    "saml2_bearer": lambda: SAML2Bearer(FILE),
    "client_credentials": ClientCredentials,
    "token_exchange": lambda: TokenExchange(FILE, actor_token="kubernetes", audience=["a", "b"]),
    "self_signed": lambda: SelfSigned(FILE),
    "rest_exchange": lambda: RestExchange(FILE, field="jwt", token="auth.token", expires_at="auth.until"),
}
SECRET: dict[str, Callable[[], Any]] = {
    "jwt_bearer": lambda: JWTBearer(token()),
    "saml2_bearer": lambda: SAML2Bearer(XML),
    "authorization_code": lambda: AuthorizationCode(CANARY, "https://app.example/cb", VERIFIER),
    "refresh_token": lambda: RefreshToken(CANARY),
    "token_exchange, subject": lambda: TokenExchange(CANARY, "access_token"),
    "token_exchange, actor": lambda: TokenExchange(FILE, actor_token=CANARY, actor_token_type="access_token"),
    "self_signed": lambda: SelfSigned(token()),
    "rest_exchange, assertion": lambda: RestExchange(token(), field="jwt"),
    "rest_exchange, body": lambda: RestExchange(FILE, body={"secret": CANARY}),
    "rest_exchange, header": lambda: RestExchange(FILE, headers={"X-Key": CANARY}),
}
ALL = {**PLAIN, **{f"{name}, secret": make for name, make in SECRET.items()}}
UNNAMED = {
    "jwt_bearer": JWTBearer,
    "token_exchange": TokenExchange,
    "self_signed": SelfSigned,
    "rest_exchange": RestExchange,
}


# --- the port


@pytest.mark.parametrize("name", ALL)
def test_the_port(name: str) -> None:
    """It is a Grant, says the same of itself every time, and says it in text."""
    grant = ALL[name]()
    assert isinstance(grant, Grant)
    assert all(isinstance(part, str) for part in grant.fingerprint())
    assert grant.fingerprint() == grant.fingerprint() == ALL[name]().fingerprint()
    assert isinstance(grant.describe(), str)
    assert grant.describe()


def test_the_table() -> None:
    """Each stands in the table under its RFC's word, which begins its fingerprint as well."""
    made = {name.partition(",")[0]: make() for name, make in {**PLAIN, **SECRET}.items()}
    assert set(made) == set(GRANTS)
    for name, grant in made.items():
        assert type(grant) is GRANTS[name]
        assert grant.fingerprint()[0] == name


def test_what_may_be_repeated() -> None:
    """A code and a refresh token may not be sent again once a server may have seen them; all others are made anew."""
    told = {name: make().repeatable for name, make in ALL.items()}
    assert {name for name, may in told.items() if may is False} == {
        "authorization_code, secret",
        "refresh_token, secret",
    }
    assert {may for may in told.values() if may is not False} == {True}


# --- frozen


@pytest.mark.parametrize("name", ALL)
def test_it_does_not_change(name: str) -> None:
    """Nothing that decides where a secret goes can be set afterwards; a copy is the thing itself."""
    grant = ALL[name]()
    before = grant.fingerprint()
    for attribute in (*type(grant).__slots__, "repeatable", "anything"):
        with pytest.raises(AttributeError):
            setattr(grant, attribute, "x")
        with pytest.raises(AttributeError):
            delattr(grant, attribute)
    assert grant.fingerprint() == before
    assert copy.copy(grant) is copy.deepcopy(grant) is grant
    assert not hasattr(grant, "__dict__")


# --- silence


@pytest.mark.parametrize("name", ALL)
def test_it_shows_no_secret(name: str) -> None:
    """Its repr shows its class; neither that nor what it says of itself shows a secret, nor a piece of one."""
    grant = ALL[name]()
    shown = f"{grant!r}{grant}{grant.describe()}{grant.fingerprint()}"
    assert repr(grant).startswith(type(grant).__name__)
    assert CANARY not in shown
    assert token().split(".")[2] not in shown
    assert XML not in shown


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", PLAIN)
def test_it_travels(name: str, protocol: int) -> None:
    """What holds no secret travels and is the same grant in another process."""
    grant = PLAIN[name]()
    again = pickle.loads(pickle.dumps(grant, protocol))
    assert type(again) is type(grant)
    assert (again.fingerprint(), repr(again)) == (grant.fingerprint(), repr(grant))
    with pytest.raises(AttributeError):
        again.assertion = "x"


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", SECRET)
def test_what_does_not_travel_says_so(name: str, protocol: int) -> None:
    """What holds a secret is refused by an error of ours, with what to do instead."""
    assert refused(lambda: pickle.dumps(SECRET[name](), protocol)).code == "not_picklable"


# --- bad arguments

NO_TEXT: list[Any] = [5, b"", b"x", "", ["x"], {"x": "x"}, object(), str, True]
NO_SECRET: list[Any] = [None, *NO_TEXT, "  ", CANARY.encode(), [CANARY], f"{CANARY}\n", f"{CANARY}é", f"{CANARY}\ud800"]
NO_SOURCE: list[Any] = [
    5,
    "",
    b"",
    [CANARY],
    {CANARY: CANARY},
    object(),
    str,
    FromFile,
    f"{CANARY} {CANARY}",
    f"<{CANARY}",
    "eyJ" + CANARY,
]
BAD: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "JWTBearer(assertion)": (JWTBearer, NO_SOURCE),
    "JWTBearer(scope)": (
        lambda value: JWTBearer(token(), value),
        [None, *[one for one in NO_TEXT if one != ""], 'a"b', "a\\b", "a\nb", "é", "\ud800"],
    ),
    "SAML2Bearer(assertion)": (SAML2Bearer, [None, *NO_SOURCE]),
    "SelfSigned(assertion)": (SelfSigned, NO_SOURCE),
    "AuthorizationCode(code)": (
        lambda value: AuthorizationCode(value, "https://app.example/cb", VERIFIER),
        NO_SECRET,
    ),
    "AuthorizationCode(redirect_uri)": (
        lambda value: AuthorizationCode(CANARY, value, VERIFIER),
        [*NO_TEXT, "app", "https://app.example/a b", "https://app.example/\n", "https://\ud800"],
    ),
    "AuthorizationCode(code_verifier)": (
        lambda value: AuthorizationCode(CANARY, "https://app.example/cb", value),
        [*NO_SECRET[1:], CANARY, "v" * 42, "v" * 129, f"{VERIFIER}\n", f"{VERIFIER}=", f"{VERIFIER}+"],
    ),
    "RefreshToken(refresh_token)": (
        RefreshToken, NO_SECRET,
    ),
    "TokenExchange(subject_token)": (TokenExchange, NO_SOURCE),
    "TokenExchange(actor_token)": (lambda value: TokenExchange(token(), actor_token=value), NO_SOURCE),
    "TokenExchange(subject_token_type)": (
        lambda value: TokenExchange(token(), value), [None, *NO_TEXT, "JWT", "password", "urn:a b", "urn:a\n"],
    ),
    "TokenExchange(actor_token_type)": (
        lambda value: TokenExchange(token(), actor_token=token(), actor_token_type=value), [*NO_TEXT, "JWT", "urn:a b"],
    ),
    "TokenExchange(requested_token_type)": (
        lambda value: TokenExchange(token(), requested_token_type=value), [*NO_TEXT, "JWT", "urn:a b"],
    ),
    "TokenExchange(audience)": (
        lambda value: TokenExchange(token(), audience=value),
        [None, 5, b"a", "", [""], ["a", None], ["a", b"b"], {"a": "b"}, object(), str, True, ["a\ud800"]],
    ),
    "RestExchange(assertion)": (RestExchange, NO_SOURCE),
    "RestExchange(field)": (lambda value: RestExchange(token(), field=value), NO_TEXT),
    "RestExchange(token)": (lambda value: RestExchange(token(), token=value), [None, *NO_TEXT, "a.", ".a", "a..b"]),
    "RestExchange(expires_in)": (lambda value: RestExchange(token(), expires_in=value), [None, *NO_TEXT, "a."]),
    "RestExchange(expires_at)": (lambda value: RestExchange(token(), expires_at=value), [*NO_TEXT, "a."]),
    "RestExchange(body)": (
        lambda value: RestExchange(token(), field="jwt", body=value),
        [5, b"a", "a", [("a", 1)], str, {5: "a"}, {"a": b"b"}, {"a": float("nan")}, {"jwt": "a"}],
    ),
    "RestExchange(headers)": (
        lambda value: RestExchange(token(), headers=value),
        [5, b"a", "a", [("a", "b")], str, {5: "a"}, {"X": 5}, {"X": ""}, {"X": "a\r\nb"}, {"X": "a\n"}, {"X": "é"},
         {"": "a"}, {"X Y": "a"}, {"X:": "a"}, {"X\r\nY": "a"}, {"é": "a"}, {"X": "a", "x": "b"},
         {"Authorization": "a"}, {"authorization": "a"}],
    ),
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
    assert error.code == "bad_argument" or error.code.startswith("assertion_")


# --- identity: what makes a token this one

FINGERPRINTS: dict[str, Any] = {
    "jwt": JWTBearer(FILE, "read write"),
    "jwt, another source": JWTBearer(FromFile("/run/other"), "read write"),
    "jwt, another scope": JWTBearer(FILE, "read"),
    "jwt, scopes run together": JWTBearer(FILE, "readwrite"),
    "jwt, no scope": JWTBearer(FILE),
    "jwt, the text": JWTBearer(token()),
    "jwt, another text": JWTBearer(token(sub="other")),
    "jwt, the key's": JWTBearer(SelfIssued(SIGNER, issuer="a", audience="b")),
    "jwt, of another issuer": JWTBearer(SelfIssued(SIGNER, issuer="ab", audience="")),
    "saml": SAML2Bearer(FILE),
    "saml, another source": SAML2Bearer(FromFile("/run/other")),
    "saml, the text": SAML2Bearer(XML),
    "client": ClientCredentials(),
    "code": AuthorizationCode("abc", "https://app.example/cb", "v" * 43),
    "code, another": AuthorizationCode("abd", "https://app.example/cb", "v" * 43),
    "code, another address": AuthorizationCode("abc", "https://app.example/cc", "v" * 43),
    "code, no address": AuthorizationCode("abc", None, "v" * 43),
    "code, another verifier": AuthorizationCode("abc", "https://app.example/cb", "w" * 43),
    "code, no verifier": AuthorizationCode("abc", "https://app.example/cb"),
    "code, alone": AuthorizationCode("abc"),
    "refresh": RefreshToken("abc"),
    "refresh, another": RefreshToken("abd"),
    "exchange": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token", audience="x"),
    "exchange, another subject": TokenExchange("abd", "access_token", actor_token="def", actor_token_type="access_token", audience="x"),
    "exchange, another actor": TokenExchange("abc", "access_token", actor_token="deg", actor_token_type="access_token", audience="x"),
    "exchange, subject and actor swapped": TokenExchange("def", "access_token", actor_token="abc", actor_token_type="access_token", audience="x"),
    "exchange, no actor": TokenExchange("abc", "access_token", audience="x"),
    "exchange, another subject's kind": TokenExchange("abc", "refresh_token", actor_token="def", actor_token_type="access_token", audience="x"),
    "exchange, another actor's kind": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="refresh_token", audience="x"),
    "exchange, a kind asked for": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token",
                                                requested_token_type="jwt", audience="x"),
    "exchange, another kind asked for": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token",
                                                      requested_token_type="saml2", audience="x"),
    "exchange, another audience": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token", audience="y"),
    "exchange, one audience more": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token", audience=["x", "y"]),
    "exchange, audiences run together": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token", audience="xy"),
    "exchange, audiences with a space": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token", audience="x y"),
    "exchange, no audience": TokenExchange("abc", "access_token", actor_token="def", actor_token_type="access_token"),
    "exchange, a kind for an audience": TokenExchange(
        "abc", "access_token", actor_token="def", actor_token_type="access_token", audience=["urn:ietf:params:oauth:token-type:jwt", "x"]),
    "self": SelfSigned(FILE),
    "self, another source": SelfSigned(FromFile("/run/other")),
    "rest": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, another source": RestExchange(FromFile("/o"), field="jwt", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, another field": RestExchange(FILE, field="jwx", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, no field": RestExchange(FILE, body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, another body": RestExchange(FILE, field="jwt", body={"a": "c"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, a number in the body": RestExchange(FILE, field="jwt", body={"a": 1}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, its text in the body": RestExchange(FILE, field="jwt", body={"a": "1"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, body's boundary moved": RestExchange(FILE, field="jwt", body={"ab": ""}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, no body": RestExchange(FILE, field="jwt", headers={"X": "y"}, token="t", expires_in="i", expires_at="u"),
    "rest, another header": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "z"}, token="t", expires_in="i", expires_at="u"),
    "rest, header's boundary moved": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"Xy": "z"}, token="t", expires_in="i", expires_at="u"),
    "rest, its other boundary": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "yz"}, token="t", expires_in="i", expires_at="u"),
    "rest, no header": RestExchange(FILE, field="jwt", body={"a": "b"}, token="t", expires_in="i", expires_at="u"),
    "rest, a header for the body": RestExchange(FILE, field="jwt", body={"X": "y"}, headers={"a": "b"}, token="t", expires_in="i", expires_at="u"),
    "rest, another token": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="s", expires_in="i", expires_at="u"),
    "rest, another life": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="j", expires_at="u"),
    "rest, another end": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i", expires_at="v"),
    "rest, no end": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="t", expires_in="i"),
    "rest, names swapped": RestExchange(FILE, field="jwt", body={"a": "b"}, headers={"X": "y"}, token="i", expires_in="t", expires_at="u"),
    "rest, field and token swapped": RestExchange(FILE, field="t", body={"a": "b"}, headers={"X": "y"}, token="jwt", expires_in="i", expires_at="u"),
}  # fmt: skip


def test_no_two_are_alike() -> None:
    """Every field of every grant is part of its identity, and no boundary between two can be moved unseen."""
    told: dict[tuple[str, ...], str] = {}
    for name, grant in FINGERPRINTS.items():
        assert told.setdefault(grant.fingerprint(), name) == name
    assert len(told) == len(FINGERPRINTS)


def test_what_makes_no_other_token() -> None:
    """The order of scopes, audiences, header fields and body fields, and how an assertion is written, change nothing."""
    assert JWTBearer(FILE, "b a").fingerprint() == JWTBearer(FILE, "a  b").fingerprint()
    several = ["c", "a", "b"]
    assert (
        TokenExchange(FILE, audience=several).fingerprint()
        == TokenExchange(FILE, audience=sorted(several)).fingerprint()
    )
    one = RestExchange(FILE, body={"a": 1, "b": 2}, headers={"X": "1", "Y": "2"})
    other = RestExchange(FILE, body={"b": 2, "a": 1}, headers={"Y": "2", "X": "1"})
    assert one.fingerprint() == other.fingerprint()
    assert JWTBearer(token()).fingerprint() == JWTBearer(token().encode()).fingerprint()


# --- named without its assertion


@pytest.mark.parametrize("name", UNNAMED)
def test_completed(name: str) -> None:
    """What is named without an assertion is completed by the key's; a second completion changes nothing."""
    named, made = GRANTS[name](), SelfIssued(SIGNER, issuer="robot", audience="https://as.example")
    whole = named.completed(lambda: made)
    assert whole is not named
    assert isinstance(whole, Grant)
    assert whole.describe().endswith("iss 'robot', aud 'https://as.example'")
    assert whole.completed(lambda: pytest.fail("asked for another")) is whole
    error = refused(named.fingerprint)
    assert error.code == "bad_argument"


@pytest.mark.parametrize("name", UNNAMED)
def test_used_before_it_is_complete(name: str) -> None:
    """One that was never completed says what it lacks in place of sending anything."""
    named = GRANTS[name]()
    acts = {"jwt_bearer": "form", "token_exchange": "form", "rest_exchange": "request"}
    act = (lambda: named.token(NOW, NOW)) if name == "self_signed" else (lambda: getattr(named, acts[name])(NOW))
    for each in (act, named.describe, named.fingerprint):
        error = refused(each)
        assert error.code == "bad_argument"
        assert "ServiceAccountCredentials(grant=...)" in error.hint


def test_completion_keeps_the_rest() -> None:
    """What was said beside the assertion stays as it was."""
    made = SelfIssued(SIGNER, issuer="robot", audience="https://as.example")
    assert isinstance(whole := JWTBearer(scope="read").completed(lambda: made), JWTBearer)
    assert (whole.assertion, whole.scope) == (made, "read")
    rest = RestExchange(field="jwt", body={"a": [1]}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u")
    again = RestExchange(
        made, field="jwt", body={"a": [1]}, headers={"X": "y"}, token="t", expires_in="i", expires_at="u"
    )
    assert rest.completed(lambda: made).fingerprint() == again.fingerprint()
    exchange = {"actor_token": FILE, "actor_token_type": "id_token", "requested_token_type": "jwt", "audience": ("a",)}
    named, whole = TokenExchange(**exchange), TokenExchange(made, **exchange)
    assert named.completed(lambda: made).fingerprint() == whole.fingerprint()


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_what_it_offers(make: Callable[[], Any]) -> None:
    """What a renewal asks of a grant is answered as by the protocols, and quicker."""
    grant = make()
    asked = (offline(grant), named(grant), shaped(grant))
    assert asked == (isinstance(grant, Offline), isinstance(grant, Named), isinstance(grant, Shaped))
