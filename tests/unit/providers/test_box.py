"""Box: the documented request, the console's key file, service account and users, and what its refusals mean."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sa_auth import InvalidClient, InvalidGrant, KeyFileError, KeyLoadError, ServiceAccountCredentials, client_auth
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import UnauthorizedClient
from sa_auth.testing import ManualClock
from tests.docs.vendors.box import PASSPHRASE, config, make

from .serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

APP, SECRET, KEY_ID = "app1", "app1-secret", "ab12cd34"
AUDIENCE = "https://api.box.com/oauth2/token"
PARTS = {
    "key": RSA, "issuer": APP, "key_id": KEY_ID, "subject": "enterprise:123",
    "client_auth": client_auth.ClientSecretPost(APP, SECRET), "token_endpoint": "<url>/oauth2/token",
}  # fmt: skip


@pytest.fixture
def served(sa_clock: ManualClock) -> Iterator[Served]:
    """Box, which knows the app, its key and its secret, and for whom it may ask."""
    with serving("box", sa_clock, **PARTS) as box:
        box.authority.register(APP, RSA_PUBLIC, key_id=KEY_ID, client_id=APP, client_secret=SECRET, subjects="123 456")
        yield box


def opened(info: dict[str, Any] | None = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials of a parsed key file."""
    return ServiceAccountCredentials.from_info(info or config(RSA), **{"cache": MemoryCache(), **changes})


def without(path: str, value: Any = None) -> dict[str, Any]:
    """A key file with one field, by its dotted path, replaced, or left out for None."""
    info = config(RSA)
    *outer, last = path.split(".")
    place: Any = info
    for step in outer:
        place = place[step]
    place.pop(last)
    if value is not None:
        place[last] = value
    return info


@pytest.mark.parametrize(
    ("subject", "sub", "kind"),
    [
        ("enterprise:123", "123", "enterprise"),
        ("user:456", "456", "user"),
        ("456", "456", "user"),
    ],
)
def test_the_request(served: Served, subject: str, sub: str, kind: str) -> None:
    """Header, claims and form are the documentation's; the subject says of which kind it is."""
    record = served.sign_in(subject=subject)
    now = int(served.clock.now().wall)
    assert (record.method, record.path) == ("POST", "/oauth2/token")
    assert record.header == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
    claims = dict(record.claims)
    assert 16 <= len(claims.pop("jti")) <= 128
    assert claims == {
        "iss": APP, "sub": sub, "box_sub_type": kind, "aud": AUDIENCE, "iat": now - 10, "exp": now + 45,
    }  # fmt: skip
    assert set(record.form) == {"grant_type", "assertion", "client_id", "client_secret"}


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_its_algorithms(served: Served, algorithm: str) -> None:
    """All three of its algorithms are taken."""
    assert served.sign_in(algorithm=algorithm).header["alg"] == algorithm


def test_by_claim(served: Served) -> None:
    """The claim may say the kind as well, as Box's own documentation does."""
    claims = served.sign_in(subject="123", claims={"box_sub_type": "enterprise"}).claims
    assert (claims["sub"], claims["box_sub_type"]) == ("123", "enterprise")


def test_the_key_file(served: Served, tmp_path: Path) -> None:
    """The console's file is all it takes: key, passphrase, app, secret and enterprise."""
    make(tmp_path, RSA)
    creds = ServiceAccountCredentials.from_file(
        tmp_path / "box_config.json",
        token_endpoint=f"{served.url}/oauth2/token",
        clock=served.clock,
        cache=MemoryCache(),
    )
    assert creds.token().access_token
    assert creds.replace(subject="456").token().access_token
    kinds = [(record.claims["sub"], record.claims["box_sub_type"]) for record in served.authority.requests]
    assert kinds == [("123", "enterprise"), ("456", "user")]
    assert not any(record.broken for record in served.authority.requests)


def test_it_travels(tmp_path: Path) -> None:
    """Credentials of a file travel by its path: secret and passphrase stay where they are."""
    make(tmp_path, RSA)
    creds = ServiceAccountCredentials.from_file(tmp_path / "box_config.json")
    for text in (repr(creds), str(pickle.dumps(creds))):
        assert SECRET not in text
        assert PASSPHRASE not in text
    assert repr(pickle.loads(pickle.dumps(creds))) == repr(creds)  # noqa: S301 - our own


def test_a_file_of_a_user(served: Served) -> None:
    """A file without an enterprise names a user; with both, the enterprise counts, as in Box's own client."""
    arguments = {"token_endpoint": f"{served.url}/oauth2/token", "clock": served.clock}
    for changes in ({"enterpriseID": None, "userID": "456"}, {"userID": "456"}):
        opened(config(RSA, **changes), **arguments).token()
    kinds = [record.claims["box_sub_type"] for record in served.authority.requests]
    assert kinds == ["user", "enterprise"]


@pytest.mark.parametrize(
    "path",
    [
        "boxAppSettings.clientID", "boxAppSettings.clientSecret", "boxAppSettings.appAuth",
        "boxAppSettings.appAuth.publicKeyID", "boxAppSettings.appAuth.privateKey", "enterpriseID",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, "", 5])
def test_half_a_key_file(path: str, value: Any) -> None:
    """A file without one of its fields, as it is downloaded without a key pair, is refused by the field's name."""
    with pytest.raises(KeyFileError) as caught:
        opened(without(path, value))
    assert repr(path) in caught.value.message
    assert "Keypair" in caught.value.hint
    assert SECRET not in str(caught.value)


def test_the_passphrase() -> None:
    """A wrong passphrase, or none, is told; a key without one needs none; the caller's own goes first."""
    for info in (without("boxAppSettings.appAuth.passphrase", "wrong"), without("boxAppSettings.appAuth.passphrase")):
        with pytest.raises(KeyLoadError):
            opened(info)
        assert opened(info, password=PASSPHRASE)
    bare = without("boxAppSettings.appAuth.privateKey", RSA)
    bare["boxAppSettings"]["appAuth"]["passphrase"] = ""
    assert opened(bare)


def test_another_vendors_file(served: Served) -> None:
    """A file of Box serves Box alone, and no other vendor's serves Box."""
    with pytest.raises(KeyFileError) as caught:
        opened(provider="google")
    assert "key file of box" in caught.value.message
    assert served.foreign_file().code == "key_file_kind"
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info(json.loads('{"boxAppSettings": []}'))


@pytest.mark.parametrize(
    ("changes", "cls", "told"),
    [
        ({"subject": "789"}, InvalidGrant, "no such subject 789"),
        (
            {"issuer": "gone", "client_auth": client_auth.ClientSecretPost("gone", SECRET)},
            InvalidClient,
            "no app gone",
        ),
        ({"audience": "https://api.box.com"}, InvalidGrant, "got https://api.box.com"),
        ({"key": OTHER_RSA}, InvalidGrant, f"key {KEY_ID}"),
        ({"key_id": "other"}, InvalidGrant, "key other"),
        ({"client_auth": client_auth.ClientSecretPost(APP, "wrong")}, InvalidClient, "secret is another"),
    ],
    ids=["subject", "app", "audience", "key", "key id", "secret"],
)
def test_its_no(served: Served, changes: dict[str, Any], cls: type[Exception], told: str) -> None:
    """A refusal says what was sent, and what to change."""
    refusal = served.refused(**changes)
    assert isinstance(refusal, cls)
    assert told in refusal.hint


@pytest.mark.parametrize(
    ("error", "description", "cls", "told"),
    [
        ("unauthorized_client", "This app is not authorized by the enterprise admin", UnauthorizedClient, "Platform Apps"),
        ("invalid_request", "Cannot obtain user token based on the enterprise configuration for your app",
         UnauthorizedClient, "Generate user access tokens"),
        ("invalid_request", "The grant type is unauthorized for this client_id", UnauthorizedClient, "Server Auth"),
        ("invalid_grant", "Please check the 'jti' claim. A unique 'jti' value is required.", InvalidGrant, "twice"),
        ("invalid_grant", "Please check the 'iss' claim.", InvalidGrant, "client id app1"),
        ("invalid_grant", "Please check the 'exp' claim.", InvalidGrant, "60 s"),
    ],
)  # fmt: skip
def test_its_words(served: Served, error: str, description: str, cls: type[Exception], told: str) -> None:
    """Other words of Box arrive as what they mean, with what to do."""
    refusal = served.said({"error": error, "error_description": description})
    assert isinstance(refusal, cls)
    assert told in refusal.hint


@pytest.mark.parametrize("skew", [-300, 300])
def test_a_clock_that_is_off(served: Served, skew: float) -> None:
    """A minute is short: a clock that is off is mended by Box's Date."""
    served.authority.skew = skew
    assert served.credentials().token()
    assert len(served.authority.requests) == 2


@pytest.mark.parametrize("lifetime", [1, 59, 60])
def test_a_minute(served: Served, lifetime: int) -> None:
    """From iat to exp is a minute at most, whatever the lifetime."""
    claims = served.sign_in(lifetime=lifetime).claims
    assert claims["exp"] - claims["iat"] == min(lifetime + 10, 60)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"subject": "ann@example.com"}, "bad_subject"),
        ({"subject": "group:123"}, "bad_subject"),
        ({"key_id": None}, "no_key_id"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None, "key_id": None}, "no_key"),
        ({"key": EC}, "bad_algorithm"),
        ({"algorithm": "PS256"}, "bad_algorithm"),
        ({"lifetime": 61}, "bad_lifetime"),
        ({"scope": "root_readwrite"}, "bad_argument"),
        ({"client_auth": None}, "no_client_auth"),
        ({"client_auth": client_auth.ClientSecretBasic(APP, SECRET)}, "no_client_auth"),
        ({"client_auth": client_auth.ClientSecretPost("other", SECRET)}, "bad_argument"),
        ({"claims": {"box_sub_type": "user"}}, "bad_argument"),
        ({"subject": "1", "claims": {"box_sub_type": "group"}}, "bad_argument"),
        ({"claims": {"jti": "short"}}, "bad_argument"),
    ],
)
def test_what_cannot_work(served: Served, changes: dict[str, Any], code: str) -> None:
    """What Box does not take is refused at construction."""
    error = served.bad(**changes)
    assert error.code == code
    assert SECRET not in str(error)


def test_a_secret_in_the_form(served: Served) -> None:
    """The two fields may come by form= too."""
    form = {"client_id": APP, "client_secret": SECRET}
    assert served.sign_in(client_auth=None, form=form)
