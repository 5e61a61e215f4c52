"""Vault's JWT login: a JWT handed over or signed, the role, the answer, and what each of its refusals means."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from sa_auth import ConfigError, InvalidGrant, InvalidRequest, ServiceAccountCredentials, TokenEndpointError
from sa_auth.assertions import FromFile
from sa_auth.caches.memory import MemoryCache
from sa_auth.explanation import known_of
from sa_auth.grants import ClientCredentials, JWTBearer, RestExchange
from sa_auth.providers import PROVIDERS
from sa_auth.testing import Authority, ManualClock, new_key

PRIVATE, PUBLIC = new_key("rsa2048")
OTHER = new_key("rsa2048", fresh=True)[0]
STS = "https://sts.example"


def authority(**options: Any) -> Authority:
    """Vault, which trusts a token service and a robot's own key."""
    made = Authority(dialect="vault", **options)
    made.trust_issuer(STS, PUBLIC, subjects={"robot": "robot"})
    made.register("robot.example", PUBLIC, key_id="k1", subjects=["robot", "robot.example"])
    return made


def handed(folder: Path, key: str = PRIVATE, **claims: Any) -> FromFile:
    """What a token service put into a file."""
    now = int(time.time())
    said = {"iss": STS, "sub": "robot", "aud": "vault", "iat": now, "exp": now + 300, **claims}
    path = folder / "token.jwt"
    path.write_text(
        jwt.encode({name: value for name, value in said.items() if value is not None}, key, algorithm="RS256")
    )
    return FromFile(path)


def make(key: Any = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {"provider": "vault", "form": {"role": "ci"}, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def signing(**changes: Any) -> ServiceAccountCredentials:
    """Credentials whose key signs the JWT."""
    given = {"key": PRIVATE, "issuer": "robot.example", "subject": "robot", "audience": "vault", "key_id": "k1"}
    return make(**{**given, **changes})


def test_handed_over(tmp_path: Path) -> None:
    """A file's JWT goes as it is, with the role beside it; the token and its life are those of `auth`."""
    vault, source = authority(), handed(tmp_path)
    with vault.serve() as server:
        token = make(server=server.url, grant=JWTBearer(source)).token()
    record = vault.requests[-1]
    assert (record.status, record.path) == (200, "/v1/auth/jwt/login")
    assert record.claims["iss"] == STS
    assert token.expires_at - token.issued_at == 3600
    assert "auth" not in token.extra
    # The same JWT again is taken: Vault keeps no list of them.
    with vault.serve() as server:
        assert make(server=server.url, grant=JWTBearer(source)).token()


def test_body(sa_clock: ManualClock) -> None:
    """The body is the JWT and the role, as JSON, and nothing else; the JWT is signed for the role's audience."""
    import json

    from sa_auth.wire import Response

    seen: list[Any] = []

    class Keeping:
        def send(self, request: Any, deadline: Any) -> Response:
            seen.append(request)
            return Response(200, {}, b'{"lease_duration": 0, "auth": {"client_token": "hvs.x", "lease_duration": 60}}')

    token = signing(server="https://vault.example:8200", transport=Keeping(), clock=sa_clock).token()
    assert seen[0].url == "https://vault.example:8200/v1/auth/jwt/login"
    body = json.loads(seen[0].body)
    assert set(body) == {"jwt", "role"}
    claims = jwt.decode(body["jwt"], options={"verify_signature": False})
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("robot.example", "robot", "vault")
    assert (token.access_token, token.expires_at) == ("hvs.x", sa_clock.now().wall + 60)


def test_another_mount() -> None:
    """A mount of another name is its login address."""
    vault = authority()
    with vault.serve() as server:
        assert signing(token_endpoint=f"{server.url}/v1/auth/robots/login").token()
    assert vault.requests[-1].path == "/v1/auth/robots/login"


def test_no_audience() -> None:
    """For a role that is bound to no audience there is no aud, and a JWT without a subject speaks for its issuer."""
    vault = authority()
    with vault.serve() as server:
        assert signing(server=server.url, audience=None, subject=None, form={"role": "open"}).token()
    claims = vault.requests[-1].claims
    assert "aud" not in claims
    assert claims["sub"] == "robot.example"


def test_a_rest_exchange_of_ones_own(tmp_path: Path) -> None:
    """Whoever builds the exchange himself gets what he built."""
    vault = authority()
    grant = RestExchange(handed(tmp_path), field="jwt", body={"role": "ci"}, token="auth.client_token")
    with vault.serve() as server:
        assert make(server=server.url, grant=grant, form=None).token()


REFUSALS: list[tuple[dict[str, Any], type, str]] = [
    ({"form": None}, InvalidRequest, "form={'role'"),
    ({"form": {"role": "nope"}}, InvalidRequest, "no such role"),
    ({"audience": "other"}, InvalidGrant, "bound_audiences"),
    ({"audience": None}, InvalidGrant, "bound_audiences"),
    ({"form": {"role": "open"}}, InvalidGrant, "bound_audiences to it"),
    ({"issuer": "nobody"}, InvalidGrant, "bound_issuer"),
    ({"subject": "ann"}, InvalidGrant, "bound_subject"),
    ({"key": OTHER}, InvalidGrant, "jwt_validation_pubkeys"),
    ({"key_id": "k2"}, InvalidGrant, "'k2'"),
]


@pytest.mark.parametrize(("change", "kind", "words"), REFUSALS, ids=lambda value: str(value)[:30])
def test_its_no(change: dict[str, Any], kind: type[TokenEndpointError], words: str) -> None:
    """Each refusal arrives as its class, with what to set where, and what was sent."""
    vault = authority()
    with vault.serve() as server, pytest.raises(kind) as caught:
        signing(**{"server": server.url, **change}).token()
    assert words in caught.value.hint
    assert caught.value.status == 400


def test_a_jwt_that_is_over(tmp_path: Path) -> None:
    """Of a JWT that the clock of Vault calls over, the clock or the token service is the cause."""
    vault, source = authority(), handed(tmp_path)
    vault.skew = 4000
    with vault.serve() as server, pytest.raises(InvalidGrant) as caught:
        make(server=server.url, grant=JWTBearer(source)).token()
    assert "over" in caught.value.hint


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ('role "dev" could not be found', "vault list"),
        ("role with oidc role_type is not allowed", "role_type=jwt"),
        ('claim "email" not found in token', "user_claim"),
        ('error validating claims: claim "sub" does not match any associated bound claim values', "bound_claims"),
        ('error validating claims: claim "x" is missing', "bound_claims"),
        ("error validating token: invalid algorithm (alg) header parameter: x", "jwt_supported_algs"),
        ("error validating token: no key set found with kid k", "jwks_url"),
        ("error validating token: invalid not before (nbf) claim: token not yet valid", "clock"),
        ("permission denied", "token_bound_cidrs"),
        ('no handler for route "auth/x/login". route entry not found.', "mount"),
    ],
)
def test_its_words(words: str, hint: str) -> None:
    """Every word of the plugin's source has its meaning."""
    meaning = known_of(TokenEndpointError(f"The token endpoint answered 400 ({words})."), PROVIDERS["vault"].known)
    assert meaning is not None
    assert hint in meaning.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "no_token_endpoint"),
        ({"server": "https://vault.example/v1/auth/jwt"}, "bad_server"),
        ({"server": "https://vault.example", "scope": "read"}, "bad_argument"),
        ({"server": "https://vault.example", "issuer": None}, "no_issuer"),
        ({"server": "https://vault.example", "key": None}, "no_key"),
        ({"server": "https://vault.example", "grant": ClientCredentials()}, "bad_argument"),
        ({"server": "https://vault.example", "grant": "self_signed"}, "bad_argument"),
        ({"server": "https://vault.example", "grant": [1]}, "bad_argument"),
        ({"server": "http://vault.example"}, "bad_endpoint"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Vault does not take is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        signing(**change)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("change", [{"key": PRIVATE}, {"issuer": "x"}, {"subject": "x"}, {"audience": "x"}, {"lifetime": 60}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_nothing_beside_a_jwt_that_is_handed_over(change: dict[str, Any], tmp_path: Path) -> None:
    """What would be lost beside a handed-over JWT is refused."""
    with pytest.raises(ConfigError) as caught:
        make(**{"server": "https://vault.example", "grant": JWTBearer(handed(tmp_path)), **change})
    assert caught.value.code == "bad_argument"


def test_another_vendors_key_file() -> None:
    """A Google key file is none of Vault's."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="vault")
    assert "google" in caught.value.message
