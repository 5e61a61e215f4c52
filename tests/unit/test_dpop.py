"""Proofs of a key, judged by PyJWT: what they say, for whom, by which key, and who may see that key."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import requests

from sa_auth import ConfigError, ServiceAccountCredentials, SigningError
from sa_auth._secret import Secret
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.dpop import DPoP, Proofs, origin
from sa_auth.integrations.requests import _prove
from sa_auth.keys import from_pem
from sa_auth.server_clock import ServerClock
from sa_auth.signers import LocalSigner
from sa_auth.signers.shared_secret import SharedSecretSigner
from sa_auth.signers.watched import WatchedSigner
from sa_auth.testing import Authority, ManualClock, new_key

URL, NOW = "https://api.example/files", 1_700_000_000.9
PRIVATE, PUBLIC = new_key("p256")


def dpop_of(private: str = PRIVATE) -> DPoP:
    """Proofs by a key."""
    return DPoP(LocalSigner(from_pem(private)))


def read(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, after PyJWT has checked the signature by the key in the header."""
    header = jwt.get_unverified_header(proof)
    found = jwt.decode(
        proof, jwt.PyJWK.from_dict(header["jwk"]).key, algorithms=[header["alg"]], options={"verify_iat": False}
    )
    return header, found


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638, by hand."""
    named = {"EC": "crv kty x y", "RSA": "e kty n", "OKP": "crv kty x"}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in named.split()}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


# --- what a proof says


@pytest.mark.parametrize(
    ("kind", "alg"),
    [("rsa2048", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA")],
)
def test_every_kind_of_key(kind: str, alg: str) -> None:
    """The header has the type, the algorithm and the public half of the key, and nothing of the private one."""
    dpop = dpop_of(new_key(kind)[0])
    header, _ = read(dpop.proof("GET", URL, NOW))
    assert (header["typ"], header["alg"], set(header)) == ("dpop+jwt", alg, {"typ", "alg", "jwk"})
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(header["jwk"])
    assert thumbprint(header["jwk"]) == dpop.thumbprint


def test_claims() -> None:
    """At the token endpoint: jti, htm, htu, iat and nothing else; iat is whole seconds."""
    _, found = read(dpop_of().proof("POST", URL, NOW))
    assert found.pop("jti")
    assert found == {"htm": "POST", "htu": URL, "iat": 1_700_000_000}


def test_jti() -> None:
    """Each proof has 96 random bits at least, anew (RFC 9449 section 4.2)."""
    dpop = dpop_of()
    seen = {read(dpop.proof("GET", URL, NOW))[1]["jti"] for _ in range(100)}
    assert len(seen) == 100
    assert min(len(base64.urlsafe_b64decode(jti + "==")) for jti in seen) >= 12


@pytest.mark.parametrize(
    ("url", "htu"),
    [
        (f"{URL}?page=2", URL), (f"{URL}#part", URL), (f"{URL}?a=1#b?c", URL), (f"{URL}#b?c", URL), (f"{URL}?", URL),
        ("https://api.example:8443/a%2Fb?x", "https://api.example:8443/a%2Fb"), ("https://api.example/", "https://api.example/"),
    ],
)  # fmt: skip
def test_htu(url: str, htu: str) -> None:
    """The address is told without query and fragment, and otherwise as it is sent."""
    assert read(dpop_of().proof("GET", url, NOW))[1]["htu"] == htu


def test_ath() -> None:
    """At an API it names the token by its hash; the pair is of RFC 9449 section 7.1."""
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert (
        read(dpop_of().proof("GET", URL, NOW, token=token))[1]["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    )


# --- nonces


def test_nonce_of_each_origin() -> None:
    """The newest nonce of an origin is in the proofs for it, and in those for no other origin."""
    dpop = dpop_of()
    assert dpop.learn(URL, {"dpop-nonce": "one"})
    assert dpop.learn("https://API.example:443/other", {"dpop-nonce": "two"})
    assert dpop.learn("https://as.example/token", {"dpop-nonce": "three"})
    assert not dpop.learn(URL, {})
    told = [read(dpop.proof("GET", url, NOW))[1].get("nonce") for url in
            (URL, "https://as.example/x", "https://api.example:8443/files", "http://api.example/files")]  # fmt: skip
    assert told == ["two", "three", None, None]


@pytest.mark.parametrize("nonce", ["", "a b", 'a"b', "a\\b", "a\nb", "ü", "x" * 4097, "a\x7f", None, 7])
def test_junk_nonce(nonce: Any) -> None:
    """What is no nonce by RFC 9449 section 8.1, or longer than any, is not taken; the one before stays."""
    dpop = dpop_of()
    dpop.learn(URL, {"dpop-nonce": "good"})
    assert not dpop.learn(URL, {"dpop-nonce": nonce})
    assert read(dpop.proof("GET", URL, NOW))[1]["nonce"] == "good"


def test_nonces_are_bounded() -> None:
    """A client of ever new origins does not keep a nonce of each for ever."""
    dpop = dpop_of()
    for number in range(5000):
        dpop.learn(f"https://h{number}.example/", {"dpop-nonce": "n"})
    assert len(dpop._nonces) <= 1000
    assert read(dpop.proof("GET", "https://h4999.example/", NOW))[1]["nonce"] == "n"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "HTTPS://A.EXAMPLE:443/y?z", True), ("http://a.example", "http://a.example:80/", True),
        ("https://a.example", "https://a.example:444", False), ("https://a.example", "http://a.example:443", False),
        ("https://a.example", "https://b.example", False), ("http://[::1]:8080/", "http://[::1]:8080/x", True),
    ],
)  # fmt: skip
def test_origin(one: str, other: str, same: bool) -> None:
    """An origin is scheme, host and port, however they are written."""
    assert (origin(one) == origin(other)) is same


# --- the time, and the key


def test_time_of_the_server(sa_clock: ManualClock) -> None:
    """Proofs for API calls are made by the server's clock as far as it is known."""
    known = ServerClock()
    proofs = Proofs(dpop_of(), sa_clock, known)
    assert read(proofs.proof("GET", URL, "abc"))[1]["iat"] == 1_700_000_000
    known.learn(300.0, sa_clock.now())
    assert read(proofs.proof("GET", URL, "abc"))[1]["iat"] == 1_700_000_300


def test_a_replaced_key_file(tmp_path: Path) -> None:
    """A token stays bound to one key: where the key file is replaced, proofs go on by the key they began with."""
    path = tmp_path / "key.pem"
    path.write_text(PRIVATE)
    signer = WatchedSigner(str(path), LocalSigner(from_pem(PRIVATE)), lambda: LocalSigner(from_pem(path.read_text())))
    dpop = DPoP(signer)
    before = dpop.thumbprint
    path.write_text(new_key("p256")[0])
    os.utime(path, (1, 1))
    assert signer.reload(False)
    assert signer.thumbprint != before
    assert dpop.thumbprint == before == thumbprint(read(dpop.proof("GET", URL, NOW))[0]["jwk"])


@pytest.mark.parametrize(
    "wrong", [SharedSecretSigner(Secret("s" * 32)), object(), "key", 7, PRIVATE, SimpleNamespace(algorithm="ES256")]
)
def test_what_is_no_key(wrong: Any) -> None:
    """A shared secret, or what does not sign at all, proves nothing."""
    with pytest.raises(ConfigError) as caught:
        DPoP(wrong)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)
    with pytest.raises(ConfigError):
        ServiceAccountCredentials(PRIVATE, issuer="app", token_endpoint="https://as.example/token", dpop=wrong)


# --- the face


@pytest.fixture
def make(sa_clock: ManualClock) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials at one authority."""
    authority = Authority(clock=sa_clock)
    authority.register("app", PUBLIC, client_secret="s" * 40)
    memory = MemoryCache()

    def credentials(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
        given: dict[str, Any] = {
            "issuer": "app", "token_endpoint": authority.token_endpoint, "transport": authority.transport(),
            "clock": sa_clock, "cache": memory, "client_auth": ClientSecretBasic("app", "s" * 40),
            "grant": "client_credentials",
        }  # fmt: skip
        return ServiceAccountCredentials(key, **{**given, **changes})

    return credentials


def key_of(creds: ServiceAccountCredentials) -> str:
    """The thumbprint of the key that its tokens are bound to."""
    assert creds.proofs is not None
    return thumbprint(read(creds.proofs.proof("GET", URL, creds.token().access_token))[0]["jwk"])


def test_whose_key(make: Callable[..., Any]) -> None:
    """True: one's own key, or a throw-away one where there is none; "ephemeral": a throw-away one; or any other."""
    own, other = from_pem(PRIVATE).thumbprint, from_pem(new_key("ed25519")[0])
    assert key_of(make(dpop=True)) == own
    assert key_of(make(dpop=other)) == key_of(make(dpop=LocalSigner(other))) == other.thumbprint
    thrown = [key_of(make(dpop="ephemeral")), key_of(make(dpop="ephemeral")), key_of(make(None, dpop=True))]
    assert len({own, *thrown}) == 4
    assert make().proofs is None
    assert make(dpop=None).proofs is None


def test_no_token_is_shared(make: Callable[..., Any]) -> None:
    """Bearer tokens, and those bound to different keys, are never one another's, though all else is the same."""
    kinds = [make(), make(dpop=True), make(dpop="ephemeral"), make(dpop=from_pem(new_key("p256")[0]))]
    tokens = [creds.token() for creds in kinds]
    assert len({token.access_token for token in tokens}) == 4
    assert [token.token_type for token in tokens] == ["Bearer", "DPoP", "DPoP", "DPoP"]
    assert make(dpop=True).token() is tokens[1]


@pytest.mark.parametrize("dpop", [True, "ephemeral"])
def test_replace_keeps_the_key(dpop: Any, make: Callable[..., Any]) -> None:
    """replace() goes on with the same key, a throw-away one as well."""
    for creds in (make(dpop=dpop), make(None, dpop=dpop)):
        assert key_of(creds.replace(scope="read")) == key_of(creds.replace().replace(timeout=5)) == key_of(creds)


# --- who may see the key


def test_pickles(tmp_path: Path) -> None:
    """With the key of a file credentials travel by name; with a key in memory they do not, and the hint says why."""
    path = tmp_path / "key.pem"
    path.write_text(PRIVATE)
    path.chmod(0o600)
    given: dict[str, Any] = {"issuer": "app", "token_endpoint": "https://as.example/token"}
    pickled = pickle.dumps(ServiceAccountCredentials.from_file(path, dpop=True, **given))
    assert b"PRIVATE" not in pickled
    proofs = pickle.loads(pickled).proofs
    assert thumbprint(read(proofs.proof("GET", URL, "abc"))[0]["jwk"]) == from_pem(PRIVATE).thumbprint
    for dpop in ("ephemeral", from_pem(PRIVATE)):
        with pytest.raises(ConfigError) as caught:
            pickle.dumps(ServiceAccountCredentials.from_file(path, dpop=dpop, **given))
        assert (caught.value.code, "dpop=True" in caught.value.hint) == ("not_picklable", True)


def test_canaries(make: Callable[..., Any]) -> None:
    """No repr, error or refused pickle shows the key; a proof shows its public half alone."""
    creds = make(dpop=True)
    creds.token()
    shown = f"{dpop_of()!r}{DPoP(LocalSigner(from_pem(PRIVATE)), throw_away=True)!r}{creds!r}{creds.proofs!r}"
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(dpop_of())
    shown += f"{caught.value}{vars(caught.value)!r}"
    shown += json.dumps(read(creds.proofs.proof("GET", URL, "abc"))[0])
    number = from_pem(PRIVATE).private_key.private_numbers().private_value
    secret = base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
    for canary in (secret, str(number), *PRIVATE.splitlines()[1:-1]):
        assert canary not in shown


@pytest.mark.parametrize(
    "raised", [SigningError("the service is down"), RuntimeError("canary-token"), OSError()], ids=repr
)
def test_a_proof_that_cannot_be_made(raised: Exception, make: Callable[..., Any]) -> None:
    """An API call whose proof cannot be signed ends in a SigningError, and no frame of it holds the token."""

    def sign(data: bytes) -> bytes:
        if token:
            raise raised
        return signer.sign(data)

    token, signer = "", LocalSigner(from_pem(PRIVATE))
    own = {name: getattr(signer, name) for name in ("algorithm", "thumbprint", "public_jwk", "secret")}
    creds = make(dpop=SimpleNamespace(**own, key_id=None, certificate_field=print, sign=sign))
    token = creds.token().access_token
    call, again = (requests.Request("GET", URL).prepare() for _ in range(2))
    again.headers["Authorization"] = f"DPoP {token}"
    for act in (lambda: creds(call), lambda: _prove(again, creds.proofs)):
        with pytest.raises(SigningError) as caught:
            act()
        assert caught.value.__context__ is None
        frames = [frame.frame.f_locals for frame in caught.traceback if "/sa_auth/" in str(frame.path)]
        assert frames
        assert token not in str([[*map(str, names.values())] for names in frames])


@pytest.mark.parametrize(
    "arguments",
    [
        (b"GET", URL, "abc"), ("\ud800", URL, "abc"), ("GET", None, "abc"), ("GET", URL.encode(), "abc"), ("GET", 5, "abc"),
        ("GET", "https://api.example:99999/", "abc"), ("GET", "https://[::1/", "abc"), ("GET", URL, b"abc"),
        ("GET", URL, "\ud800"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_no_proof_is_made_for(arguments: Any, make: Callable[..., Any]) -> None:
    """Whatever is handed over in place of a method, an address or a token, it is an error of ours."""
    with pytest.raises(SigningError) as caught:
        make(dpop=True).proofs.proof(*arguments)
    assert caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", [5, b"\xff", [], "https://api.example:99999/", "https://[::1/"], ids=repr)
def test_no_nonce_of_nowhere(url: Any, make: Callable[..., Any]) -> None:
    """From what is no address, or without headers, no nonce is learned, and nothing is raised."""
    proofs = make(dpop=True).proofs
    assert not proofs.learn(url, {"dpop-nonce": "n"})
    assert not proofs.learn(URL, None)
    assert proofs.learn(URL, {"dpop-nonce": "n"})
