"""Two identities never share a token: whatever they are asked by, and however their clients name themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sa_auth._clock import Instant
from sa_auth.assertions import FromFile, SelfIssued
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import Seal
from sa_auth.client_auth import (
    CLIENT_AUTH,
    Client,
    ClientAssertion,
    ClientId,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    MutualTLS,
    PrivateKeyJWT,
)
from sa_auth.exchange import Exchange
from sa_auth.grants import (
    GRANTS,
    AuthorizationCode,
    ClientCredentials,
    JWTBearer,
    RefreshToken,
    RestExchange,
    SAML2Bearer,
    SelfSigned,
    TokenExchange,
)
from sa_auth.keys import from_pem
from sa_auth.policy import Held
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, new_key
from sa_auth.token import Token

KEY = from_pem(new_key("p256")[0])
TRANSPORT = Authority().transport()
HELD = Held(Token("t", expires_at=4e9, refresh_at=3.9e9, issued_at=1e9), 0.0)
# Few letters, so that a boundary that moves meets the same ones on both sides.
TEXT = st.text("ab", min_size=1, max_size=4)


class Kind(NamedTuple):
    """A grant or a method: which texts it is made of, in the order in which they stand, and how."""

    fields: tuple[str, ...]
    make: Callable[..., Any]


def _signed(
    issuer: str, subject: str, audience: str, scope: str, key_id: str, claim: str, value: str, header: str
) -> Any:
    return SelfIssued(
        LocalSigner(KEY, key_id=key_id), issuer=issuer, subject=subject, audience=audience, scope=scope,
        claims={f"x{claim}": value}, headers={"x-own": header},
    )  # fmt: skip


SIGNED = ("issuer", "subject", "audience", "scope", "key_id", "claim", "value", "header")
GRANT_KINDS: dict[str, Kind] = {
    "jwt_bearer": Kind((*SIGNED, "words"), lambda words, **said: JWTBearer(_signed(**said), words)),
    "jwt_bearer, handed over": Kind(("path", "words"), lambda path, words: JWTBearer(FromFile(f"/run/{path}"), words)),
    "saml2_bearer": Kind(("path",), lambda path: SAML2Bearer(FromFile(f"/run/{path}"))),
    "authorization_code": Kind(
        ("code", "redirect", "verifier"),
        lambda code, redirect, verifier: AuthorizationCode(
            code, f"https://app.example/{redirect}", verifier + "v" * 43
        ),
    ),
    "refresh_token": Kind(("refresh_token",), RefreshToken),
    "client_credentials": Kind((), ClientCredentials),
    "token_exchange": Kind(
        ("subject", "actor", "audience"),
        lambda subject, actor, audience: TokenExchange(
            FromFile(f"/run/{subject}"), actor_token=FromFile(f"/run/{actor}"), audience=audience
        ),
    ),
    "self_signed": Kind(SIGNED, lambda **said: SelfSigned(_signed(**said))),
    "rest_exchange": Kind(
        (*SIGNED, "field", "name", "content", "own"),
        lambda field, name, content, own, **said: RestExchange(
            _signed(**said), field=field, body={f"x{name}": content}, headers={"X-Own": own}
        ),
    ),
}
SERVER = "https://as.example"
METHOD_KINDS: dict[str, Kind] = {
    "none": Kind((), lambda: None),
    "client_id": Kind(("client_id",), ClientId),
    "client_secret_basic": Kind(("client_id", "client_secret"), ClientSecretBasic),
    "client_secret_post": Kind(("client_id", "client_secret"), ClientSecretPost),
    "client_secret_jwt": Kind(
        ("client_id", "secret", "audience"),
        lambda client_id, secret, audience: ClientSecretJWT(
            client_id, secret + "s" * 40, audience=f"{SERVER}/{audience}"
        ),
    ),
    "private_key_jwt": Kind(
        ("client_id", "claim", "value"),
        lambda client_id, claim, value: PrivateKeyJWT(claims={f"x{claim}": value}).completed(
            Client(client_id, LocalSigner(KEY), SERVER)
        ),
    ),
    "client_assertion": Kind(
        ("client_id", "path"),
        lambda client_id, path: ClientAssertion(FromFile(f"/run/{path}"), client_id=client_id),
    ),
    "tls_client_auth": Kind(
        ("client_id", "thumbprint"),
        lambda client_id, thumbprint: MutualTLS().completed(Client(client_id, None, None, thumbprint)),
    ),
}
METHOD_KINDS["self_signed_tls_client_auth"] = METHOD_KINDS["tls_client_auth"]
REQUEST = ("endpoint", "scope", "form_name", "form_value")


def test_the_tables_are_whole() -> None:
    """Every grant and every method of client authentication takes part."""
    assert {name.partition(",")[0] for name in GRANT_KINDS} == set(GRANTS)
    assert set(METHOD_KINDS) - {"none"} == set(CLIENT_AUTH)


def exchange(grant: Kind, method: Kind, said: dict[str, str]) -> Exchange:
    """The exchange that these texts make; each text is named by part and field."""
    made = {
        part: {name.partition(" ")[2]: text for name, text in said.items() if name.startswith(f"{part} ")}
        for part in ("grant", "method", "request")
    }
    request = made["request"]
    return Exchange(
        endpoint=f"https://as.example/{request['endpoint']}", grant=grant.make(**made["grant"]),
        client_auth=method.make(**made["method"]), scope=request["scope"],
        form=((request["form_name"], request["form_value"]),), transport=TRANSPORT,
    )  # fmt: skip


def check(one: Exchange, other: Exchange) -> None:
    """Neither has the other's token, be it in memory or in a cache that both may read and write."""
    assert one.identity != other.identity
    seals = [Seal(b"s" * 32, made.identity) for made in (one, other)]
    assert seals[0].name != seals[1].name
    with pytest.raises(CacheFault):
        seals[1].open(seals[0].close(HELD, boot_id=""), Instant(1e9, 0.0), left=None, boot_id="")


@given(st.sampled_from(sorted(GRANT_KINDS)), st.sampled_from(sorted(METHOD_KINDS)), st.data())
def test_never_the_same(grant_name: str, method_name: str, data: Any) -> None:
    """A change in one field, or of where one field ends and the next begins, makes another identity; none makes the same."""
    grant, method = GRANT_KINDS[grant_name], METHOD_KINDS[method_name]
    names = [
        *(f"request {name}" for name in REQUEST), *(f"grant {name}" for name in grant.fields),
        *(f"method {name}" for name in method.fields),
    ]  # fmt: skip
    said = {name: data.draw(TEXT, name) for name in names}
    assert exchange(grant, method, said).identity == exchange(grant, method, dict(said)).identity
    at = data.draw(st.integers(0, len(names) - 1), "at")
    changed = dict(said)
    if data.draw(st.booleans(), "boundary") and at + 1 < len(names):
        first, second = names[at], names[at + 1]
        assume(len(said[second]) > 1)
        changed[first], changed[second] = said[first] + said[second][0], said[second][1:]
    else:
        changed[names[at]] = data.draw(TEXT, "changed")
        assume(changed[names[at]] != said[names[at]])
    check(exchange(grant, method, said), exchange(grant, method, changed))


@given(st.data())
def test_no_two_kinds(data: Any) -> None:
    """Two grants, or two methods, never have the same identity, whatever they are made of."""
    pairs = st.tuples(st.sampled_from(sorted(GRANT_KINDS)), st.sampled_from(sorted(METHOD_KINDS)))
    one, other = data.draw(pairs), data.draw(pairs)
    assume(one != other)
    # Both kinds of mutual TLS are one to the client: the server knows which certificate it trusts.
    assume(not (one[0] == other[0] and {one[1], other[1]} <= {"tls_client_auth", "self_signed_tls_client_auth"}))
    text = data.draw(TEXT)
    made = []
    for grant_name, method_name in (one, other):
        grant, method = GRANT_KINDS[grant_name], METHOD_KINDS[method_name]
        names = [
            *(f"request {name}" for name in REQUEST), *(f"grant {name}" for name in grant.fields),
            *(f"method {name}" for name in method.fields),
        ]  # fmt: skip
        made.append(exchange(grant, method, dict.fromkeys(names, text)))
    check(made[0], made[1])
