"""How the client names itself, by the face's arguments: the default of each grant, one proof at a time, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import (
    ClientAssertion,
    ClientId,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    MutualTLS,
    PrivateKeyJWT,
)
from sa_auth.grants import AuthorizationCode, JWTBearer, RefreshToken, RestExchange, SAML2Bearer, TokenExchange
from sa_auth.testing import Authority, ManualClock, new_key
from tests.unit.assertions.texts import CANARY, assertion, token

PRIVATE, PUBLIC = new_key("p256")
SERVER, ENDPOINT = "https://as.example", "https://as.example/token"
XML = assertion()


def make(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {"issuer": "app", "server": SERVER, "token_endpoint": ENDPOINT, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def method(creds: ServiceAccountCredentials) -> Any:
    """How they name themselves."""
    return creds._source._exchange.client_auth


def refused(*arguments: Any, **changes: Any) -> ConfigError:
    """The error, once it is known to have advice and to tell no secret."""
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **changes)
    assert caught.value.hint
    assert CANARY not in str(caught.value)
    assert (caught.value.attempts, caught.value.__context__) == (0, None)
    return caught.value


# --- the default

SENT: dict[str, Any] = {
    "client_credentials": "client_credentials",
    "code": AuthorizationCode("abc"),
    "refresh token": RefreshToken("abc"),
    "token exchange": TokenExchange("abc", "access_token"),
    "saml": SAML2Bearer(XML),
    "a jwt handed over": JWTBearer(token()),
    "rest, handed over": RestExchange(token(), field="jwt"),
}
SIGNED = ["jwt_bearer", "token_exchange", "rest_exchange", JWTBearer(), TokenExchange(actor_token=token())]


@pytest.mark.parametrize("name", SENT)
def test_the_key_proves_the_client(name: str) -> None:
    """Where the key signs no grant, it proves the client (RFC 7523 section 2.2)."""
    assert isinstance(method(make(grant=SENT[name])), PrivateKeyJWT)


@pytest.mark.parametrize("grant", SIGNED)
def test_the_grant_is_proof_enough(grant: Any) -> None:
    """Where the key signs the grant, no client is named beside it (RFC 7521 section 4.1 leaves it out)."""
    assert method(make(grant=grant)) is None


@pytest.mark.parametrize("name", [name for name in SENT if name != "client_credentials"])
def test_without_a_key(name: str) -> None:
    """Without a key the client names itself by its id where there is one, and not at all where there is none."""
    known = method(make(None, grant=SENT[name]))
    assert isinstance(known, ClientId)
    assert known.client_id == "app"
    assert method(make(None, grant=SENT[name], issuer=None)) is None


def test_a_client_in_its_own_name_proves_itself() -> None:
    """RFC 6749 section 4.4: client_credentials is for confidential clients alone; without a proof it is refused."""
    assert refused(None, grant="client_credentials").code == "no_client_auth"
    assert refused(None, grant="client_credentials", form={"client_id": "app"}).code == "no_client_auth"
    assert method(make(None, grant="client_credentials", client_auth=ClientSecretBasic("app", CANARY)))
    assert make(None, grant="client_credentials", form={"client_secret": CANARY})


@pytest.mark.parametrize("grant", ["jwt_bearer", "token_exchange", "rest_exchange", "self_signed"])
def test_a_grant_without_its_assertion(grant: str) -> None:
    """A grant that is named alone needs a key that signs its assertion."""
    assert refused(None, grant=grant, audience="https://api.example/").code == "no_key"


@pytest.mark.parametrize("grant", ["saml2_bearer", "authorization_code", "refresh_token"])
def test_a_grant_that_needs_more_than_its_name(grant: str) -> None:
    """A grant that nobody else can complete is asked for by its class."""
    error = refused(grant=grant)
    assert error.code == "bad_argument"
    assert "grants." in error.hint


# --- by name, by object


@pytest.mark.parametrize(
    ("name", "kind"), [("client_secret_basic", ClientSecretBasic), ("client_secret_post", ClientSecretPost),
                       ("client_secret_jwt", ClientSecretJWT), ("client_assertion", ClientAssertion)],
)  # fmt: skip
def test_a_name_that_is_not_enough(name: str, kind: type) -> None:
    """A method with a secret or an assertion of its own is asked for by its class, which is named."""
    error = refused(grant="client_credentials", client_auth=name)
    assert error.code == "bad_argument"
    assert f"client_auth.{kind.__name__}(" in error.hint


@pytest.mark.parametrize(("name", "kind"), [("private_key_jwt", PrivateKeyJWT), ("client_id", ClientId)])
def test_a_name_that_is_enough(name: str, kind: type) -> None:
    """The face says the rest of what a name leaves open; as an object it is the same identity."""
    named, made = (make(grant="client_credentials", client_auth=one) for one in (name, kind()))
    assert isinstance(method(named), kind)
    assert named.identity == made.identity


def test_none_at_all() -> None:
    """The name "none" leaves the client out."""
    assert method(make(grant=SENT["refresh token"], client_auth="none")) is None


@pytest.mark.parametrize("value", [5, b"client_id", [ClientId("app"), ClientSecretBasic("app", CANARY)], (ClientId("app"),),
                                   {"client_id": "app"}, ClientId, PrivateKeyJWT, object(), True])  # fmt: skip
def test_what_is_no_method(value: Any) -> None:
    """A list, a class in place of its object, and anything else is refused: a client proves itself in one way."""
    assert refused(grant="client_credentials", client_auth=value).code == "bad_argument"


@pytest.mark.parametrize("value", ["", "private_key", "PRIVATE_KEY_JWT", "client_sekret"])
def test_a_name_that_is_none(value: str) -> None:
    """A mistyped name is answered with those there are."""
    error = refused(grant="client_credentials", client_auth=value)
    assert error.code == "unknown_name"
    assert "private_key_jwt" in error.hint


# --- one proof at a time


@pytest.mark.parametrize("chosen", [ClientSecretBasic("app", "s"), "private_key_jwt", "client_id", PrivateKeyJWT()])
def test_two_ways_at_once(chosen: Any) -> None:
    """RFC 6749 section 2.3: the client MUST NOT use more than one authentication method in each request."""
    error = refused(grant="client_credentials", client_auth=chosen, form={"client_secret": CANARY})
    assert error.code == "two_client_auth"


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type", "grant_type", "assertion", "scope"])
def test_fields_that_other_arguments_decide(name: str) -> None:
    """No extra field sets what another argument decides."""
    assert refused(form={name: CANARY}).code == "bad_argument"


@pytest.mark.parametrize("chosen", ["private_key_jwt", "client_id", ClientSecretBasic("app", CANARY), MutualTLS()])
def test_a_self_signed_token_names_no_client(chosen: Any) -> None:
    """Where no request is made, nobody can prove himself in it."""
    error = refused(grant="self_signed", audience="https://api.example/", client_auth=chosen)
    assert error.code == "bad_argument"
    assert method(make(grant="self_signed", audience="https://api.example/", client_auth="none")) is None


def test_mutual_tls_needs_a_certificate() -> None:
    """A key without a certificate presents none."""
    for chosen in ("tls_client_auth", "self_signed_tls_client_auth", MutualTLS("app")):
        assert refused(grant="client_credentials", client_auth=chosen).code == "no_certificate"
        assert refused(None, grant="client_credentials", client_auth=chosen).code == "no_certificate"


# --- what the face's key, client id and server complete


def test_what_is_missing() -> None:
    """A proof by the key needs the client id and the server's issuer identifier."""
    given: dict[str, Any] = {"grant": "client_credentials", "issuer": None}
    assert refused(**given).code == "no_issuer"
    assert refused(grant="client_credentials", server=None).code == "no_server"
    assert refused(None, grant="client_credentials", client_auth=PrivateKeyJWT()).code == "no_key"
    named = PrivateKeyJWT(audience=ENDPOINT, client_id="app")
    assert method(make(issuer=None, server=None, grant="client_credentials", client_auth=named))


# --- nothing is lost in silence


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "ann"},
        {"audience": "https://api.example/"},
        {"claims": {"a": 1}},
        {"headers": {"h": "x"}},
        {"lifetime": 60},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("chosen", [ClientSecretBasic("app", CANARY), "none"], ids=["secret", "none"])
def test_what_nobody_would_use(change: dict[str, Any], chosen: Any) -> None:
    """What speaks of an assertion is refused where none is signed, by its name."""
    error = refused(grant=SENT["refresh token"], client_auth=chosen, **change)
    assert error.code == "bad_argument"
    assert error.message.startswith(f"{next(iter(change))}=")


@pytest.mark.parametrize(
    "change", [{"subject": "ann"}, {"audience": "https://api.example/"}], ids=["subject", "audience"]
)
def test_a_proof_speaks_of_the_client_alone(change: dict[str, Any]) -> None:
    """Subject and audience of a client's proof are the client and the server: no argument says otherwise by the way."""
    error = refused(grant="client_credentials", **change)
    assert error.code == "bad_argument"
    assert "server=" in error.hint


def test_what_the_proof_uses() -> None:
    """Lifetime, claims and header fields shape the client's proof where that is what the key signs."""
    creds = make(grant="client_credentials", subject="app", lifetime=60, claims={"a": 1}, headers={"h": "x"})
    told = method(creds)
    assert told._assertion._payload(0)["exp"] == 60
    assert told._assertion._payload(0)["a"] == 1
    assert told._assertion._headers["h"] == "x"


@pytest.mark.parametrize(
    "resource", ["api", "/api", "//api.example/", "https:", "https://api.example/a b", ["https://api.example/", "x"], [""],
                 "1:x", "https://api.example/ü", "https://api.example/\n"],
)  # fmt: skip
def test_resource_that_is_no_absolute_uri(resource: Any) -> None:
    """RFC 8707 section 2: its value MUST be an absolute URI."""
    assert refused(resource=resource).code == "bad_argument"


@pytest.mark.parametrize("resource", ["https://api.example/#x", "https://api.example/#", "urn:example:api#x"])
def test_resource_with_a_fragment(resource: str) -> None:
    """RFC 8707 section 2: the URI MUST NOT include a fragment component."""
    assert refused(resource=resource).code == "bad_argument"


@pytest.mark.parametrize("resource", ["https://api.example", "https://api.example/a?b=c", "urn:example:api", "x:y"])
def test_good_resources(resource: str) -> None:
    """Any absolute URI is sent as it is written, once for each."""
    assert make(resource=[resource, "https://other.example/"])._source._exchange.form == (
        ("resource", resource), ("resource", "https://other.example/"),
    )  # fmt: skip


# --- both at once


def test_grant_and_client_assertion(sa_clock: ManualClock) -> None:
    """RFC 7521 section 4: used together they are two assertions, each with its own jti, aud and typ."""
    authority = Authority(sa_clock)
    authority.register("app", PUBLIC)
    creds = ServiceAccountCredentials(
        PRIVATE, issuer="app", subject="ann", scope="read", claims={"a": 1}, server=authority.issuer,
        token_endpoint=authority.token_endpoint, client_auth="private_key_jwt", transport=authority.transport(),
        clock=sa_clock, cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().scope == "read"
    record = authority.requests[-1]
    assert not record.broken
    grant, client = record.claims, record.client_claims
    assert (grant["aud"], client["aud"]) == (authority.token_endpoint, authority.issuer)
    assert (record.header["typ"], record.client_header["typ"]) == ("JWT", "client-authentication+jwt")
    assert grant["jti"] != client["jti"]
    assert (grant["iss"], grant["sub"], grant["a"]) == ("app", "ann", 1)
    # What the arguments say of the assertion belongs to the grant's.
    assert (client["iss"], client["sub"], "a" in client) == ("app", "app", False)
    creds.discard(creds.token())
    creds.token()
    again = authority.requests[-1]
    assert len({grant["jti"], client["jti"], again.claims["jti"], again.client_claims["jti"]}) == 4
