"""Google Distributed Cloud: a service identity signs in by its key file.

Source: google-auth's `google.oauth2.gdch_credentials`.
"""

from __future__ import annotations

import json
import pickle
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import KeyFileError, TokenEndpointError, TransportError
from sa_auth.policy import Retry
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.transports import RequestsTransport
from tests.unit.providers.serving import EC, EC_PUBLIC, RSA, Served, serving

NAME, AUDIENCE = "google_gdch", "https://objectstorage.gdch.example/"
IDENTITY = "system:serviceaccount:demo:robot"
OTHER_EC = new_key("p256", fresh=True)[0]
FILE = {
    "type": "gdch_service_account", "format_version": "1", "project": "demo", "name": "robot", "private_key_id": "k1",
    "private_key": EC, "token_uri": "https://service-identity.gdch.example/authenticate",
}  # fmt: skip


@pytest.fixture
def gdch(sa_clock: ManualClock) -> Iterator[Served]:
    """The cloud, and the identity's key."""
    with serving(
        NAME, sa_clock, key=EC, key_id="k1", issuer=IDENTITY, audience=AUDIENCE, token_endpoint="<url>/authenticate"
    ) as it:
        it.authority.register(IDENTITY, EC_PUBLIC, key_id="k1")
        yield it


def opened(change: dict[str, Any] | None = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials of the file, with changes; None leaves a field out."""
    info = {name: value for name, value in {**FILE, **(change or {})}.items() if value is not None}
    given = {"provider": NAME, "audience": AUDIENCE, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials.from_info(info, **given)


def test_the_assertion(gdch: Served) -> None:
    """Issuer and subject are the identity, the audience is the endpoint, and from iat to exp is an hour."""
    record = gdch.sign_in()
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {"iss": IDENTITY, "sub": IDENTITY, "aud": f"{gdch.url}/authenticate"}
    assert record.header == {"alg": "ES256", "typ": "JWT", "kid": "k1"}


def test_the_file(gdch: Served, tmp_path: Path) -> None:
    """The file says who signs in, and where; its audience is said in code."""
    path = tmp_path / "gdch.json"
    path.write_text(json.dumps(FILE))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(
        path, provider=NAME, audience=AUDIENCE, token_endpoint=f"{gdch.url}/authenticate", clock=gdch.clock,
        cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().access_token
    assert f"issuer={IDENTITY!r}" in repr(creds)
    other = creds.replace(audience="https://logs.gdch.example/")
    assert other.token().access_token != creds.token().access_token


def test_its_own_authority(tmp_path: Path) -> None:
    """A cloud with an authority of its own is trusted by the certificate that the file names, and by nothing else."""
    own, bundle = trustme.CA(), tmp_path / "ca.pem"
    own.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(context)
    authority = Authority(ManualClock(), dialect=NAME)
    authority.register(IDENTITY, EC_PUBLIC, key_id="k1")
    with authority.serve(ssl_context=context) as server:
        change = {"token_uri": f"{server.url}/authenticate"}
        with opened({**change, "ca_cert_path": str(bundle)}, clock=authority.clock) as creds:
            assert creds.token().access_token
        with opened(change, clock=authority.clock, retry=Retry(attempts=1)) as creds, pytest.raises(TransportError):
            creds.token()
        # What code says goes before the file.
        trusting = RequestsTransport(verify=bundle)
        with opened(change, clock=authority.clock, transport=trusting) as creds:
            assert creds.token().access_token


@pytest.mark.parametrize(
    "change", [{"key": OTHER_EC}, {"issuer": "system:serviceaccount:demo:other"}, {"key_id": "gone"}]
)
def test_its_no(change: dict[str, Any], gdch: Served) -> None:
    """A refusal arrives with what was sent."""
    refusal = gdch.refused(**change)
    assert isinstance(refusal, TokenEndpointError)
    assert "system:serviceaccount:demo" in refusal.hint


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audience": None}, "no_audience"),
        ({"scope": "a"}, "bad_argument"),
        ({"grant": "jwt_bearer"}, "bad_argument"),
        ({"subject": "ann"}, "bad_subject"),
        ({"key": RSA}, "bad_algorithm"),
        ({"key": None, "key_id": None}, "no_key"),
        ({"key_id": None}, "no_key_id"),
        ({"issuer": None}, "no_issuer"),
        ({"lifetime": 3601}, "bad_lifetime"),
        ({"token_endpoint": None}, "no_token_endpoint"),
    ],
)
def test_what_cannot_work(changes: dict[str, Any], code: str, gdch: Served) -> None:
    """What GDCH does not take is refused at construction."""
    assert gdch.bad(**changes).code == code


@pytest.mark.parametrize("name", ["format_version", "project", "name", "private_key_id", "private_key", "token_uri"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_half_a_file(name: str, value: Any) -> None:
    """A file without one of its fields is refused by the field's name, and without the key."""
    with pytest.raises(KeyFileError) as caught:
        opened({name: value})
    assert name in caught.value.message
    assert EC.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/ca.pem", 5])
def test_no_authority(path: Any) -> None:
    """A certificate that is not there is found out when the file is opened."""
    with pytest.raises(KeyFileError) as caught:
        opened({"ca_cert_path": path})
    assert "ca_cert_path" in caught.value.message


def test_it_has_to_be_named() -> None:
    """The file names an address and whom to trust, so code says that it is trusted; and it is no other vendor's."""
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info(FILE, audience=AUDIENCE)
    assert NAME in caught.value.hint
    with pytest.raises(ConfigError):
        opened(provider="google")


def test_another_vendors_file(gdch: Served) -> None:
    """Google's own service-account file is another."""
    assert "google" in gdch.foreign_file().message


def test_in_another_process(tmp_path: Path) -> None:
    """Credentials of a file travel by its path, its certificate too."""
    bundle, path = tmp_path / "ca.pem", tmp_path / "gdch.json"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    path.write_text(json.dumps({**FILE, "ca_cert_path": str(bundle)}))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, provider=NAME, audience=AUDIENCE)
    text = pickle.dumps(creds)
    assert EC.splitlines()[1].encode() not in text
    assert pickle.loads(text).identity == creds.identity  # noqa: S301 - our own
