"""Salesforce: the documented request, the audience of each kind of org, what its refusals mean, and SAML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from sa_auth import ConfigError, InvalidClient, InvalidGrant, RefreshPolicy, ServiceAccountCredentials, grants
from sa_auth.assertions import FromCallable
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import UnauthorizedClient
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Request, Response
from tests.flow.servers.saml import TokenService
from tests.vectors.capture import jwt_of

from .serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

APP, USER = "3MVG9.CONSUMER_KEY", "robot@acme.example"
LOGIN, TEST = "https://login.salesforce.com", "https://test.salesforce.com"
SAML = '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>'


@pytest.fixture
def served(sa_clock: ManualClock) -> Iterator[Served]:
    """Salesforce, which knows the app and the user that approved it."""
    with serving("salesforce", sa_clock, key=RSA, issuer=APP, subject=USER, server="<url>") as salesforce:
        salesforce.authority.register(APP, RSA_PUBLIC, subjects=USER)
        yield salesforce


def made(**changes: Any) -> ServiceAccountCredentials:
    """Credentials with changes, without a server."""
    given = {"key": RSA, "provider": "salesforce", "issuer": APP, "subject": USER, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


def test_the_request(served: Served) -> None:
    """Claims and form are the documentation's: four claims, beside iat and jti, and three minutes."""
    record = served.sign_in()
    now = int(served.clock.now().wall)
    assert (record.method, record.path) == ("POST", "/services/oauth2/token")
    assert record.header == {"alg": "RS256", "typ": "JWT"}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims == {"iss": APP, "sub": USER, "aud": served.url, "iat": now - 10, "exp": now + 180}
    assert set(record.form) == {"grant_type", "assertion"}


def test_the_answer(served: Served) -> None:
    """The token says where the API is, and lives as long as the shortest session, unless the caller knows better."""
    token = served.credentials().token()
    assert token.extra["instance_url"] == "https://acme.my.salesforce.com"
    assert token.expires_at - token.issued_at == 900
    longer = served.credentials(refresh=RefreshPolicy(default_life=7200)).token()
    assert longer.expires_at - longer.issued_at == 7200


def test_a_session_that_ended(served: Served) -> None:
    """The session may end before it was thought to: the API's 401 renews it, once."""
    with served.credentials() as creds, requests.Session() as session:
        session.auth = creds
        assert session.get(f"{served.url}/api/limits", timeout=10).status_code == 200
        served.authority.revoke_all()
        assert session.get(f"{served.url}/api/limits", timeout=10).status_code == 200
    assert served.authority.exchanges == 2


@pytest.mark.parametrize(
    ("server", "audience"),
    [
        (None, LOGIN),
        (LOGIN, LOGIN),
        (f"{LOGIN}/", LOGIN),
        (TEST, TEST),
        ("https://gs1.salesforce.com", "https://gs1.salesforce.com"),
        ("https://acme.my.salesforce.com", LOGIN),
        ("https://acme.gs1.my.salesforce.com", "https://gs1.salesforce.com"),
        ("https://acme-dev-ed.develop.my.salesforce.com", LOGIN),
        ("https://acme--dev.sandbox.my.salesforce.com", TEST),
        ("https://acme--dev.my.salesforce.com", TEST),
        ("https://acme.scratch.my.salesforce.com", TEST),
        ("https://acme.my.site.com/customers", "https://acme.my.site.com/customers"),
    ],
)
def test_the_audience(server: str | None, audience: str, sa_clock: ManualClock) -> None:
    """A My Domain is asked by its own address, for the login address of its kind of org; a site is its own audience."""
    base = (server or LOGIN).rstrip("/")
    authority = Authority(sa_clock, issuer=base, dialect="salesforce")
    authority.register(APP, RSA_PUBLIC)
    for given in ({"server": server}, {"token_endpoint": f"{base}/services/oauth2/token"}):
        made(**given, transport=authority.transport(), clock=sa_clock).token()
        record = authority.requests[-1]
        assert record.claims["aud"] == audience
        assert not record.broken


def test_an_audience_of_ones_own(sa_clock: ManualClock) -> None:
    """What a vendor's rule cannot know is said by audience=."""
    china = {"server": "https://acme.my.sfcrmproducts.cn", "audience": "https://login.sfcrmproducts.cn"}
    authority = Authority(sa_clock, issuer=china["server"], dialect="salesforce")
    authority.register(APP, RSA_PUBLIC)
    with pytest.raises(InvalidGrant):
        made(**china, transport=authority.transport(), clock=sa_clock).token()
    assert authority.requests[-1].claims["aud"] == china["audience"]


def test_not_approved(served: Served) -> None:
    """The hint names the address that the user opens, with the consumer key in it, and the administrator's way."""
    refusal = served.refused(subject="bob@acme.example")
    assert isinstance(refusal, InvalidGrant)
    assert f"{served.url}/services/oauth2/authorize?response_type=code&client_id={APP}" in refusal.hint
    assert "pre-authorized" in refusal.hint
    assert "bob@acme.example" in refusal.hint


def test_not_approved_by_the_administrator(served: Served) -> None:
    """The hint says what the administrator adds."""
    words = {"error": "invalid_app_access", "error_description": "user is not admin approved to access this app"}
    refusal = served.said(words)
    assert isinstance(refusal, UnauthorizedClient)
    assert "permission set" in refusal.hint


@pytest.mark.parametrize(
    ("changes", "cls", "told"),
    [
        ({"audience": TEST}, InvalidGrant, TEST),
        ({"issuer": "gone"}, InvalidClient, "consumer key gone"),
        ({"key": OTHER_RSA}, InvalidGrant, "certificate uploaded"),
    ],
    ids=["audience", "app", "key"],
)
def test_its_no(served: Served, changes: dict[str, Any], cls: type[Exception], told: str) -> None:
    """A refusal says what was sent, and what to change."""
    refusal = served.refused(**changes)
    assert isinstance(refusal, cls)
    assert told in refusal.hint


@pytest.mark.parametrize(
    ("description", "told"), [("audience is invalid", "server="), ("Inactive User", "deactivated")]
)
def test_other_words(served: Served, description: str, told: str) -> None:
    """Other words of Salesforce have their hints too."""
    assert told in served.said({"error": "invalid_grant", "error_description": description}).hint


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None}, "no_key"),
        ({"key": EC}, "bad_algorithm"),
        ({"algorithm": "PS256"}, "bad_algorithm"),
        ({"scope": "api"}, "bad_argument"),
        ({"server": "https://acme.lightning.force.com"}, "bad_argument"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(served: Served, changes: dict[str, Any], code: str) -> None:
    """What Salesforce does not take is refused at construction."""
    assert served.bad(**changes).code == code


def test_a_file_of_another_vendor(served: Served) -> None:
    """Another vendor's key file is no key for Salesforce."""
    assert served.foreign_file().code == "key_file_kind"


class Catching:
    """A transport that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def send(self, request: Request, deadline: Any) -> Response:
        """Keeps it."""
        self.sent.append(request)
        return Response(200, {}, b'{"access_token": "t", "token_type": "Bearer"}')


@pytest.mark.parametrize("path", ["{x}", "{0}", "{", "{subject}"])
def test_braces_in_an_address(path: str) -> None:
    """An address is no template: the audience has it to the letter."""
    transport = Catching()
    ServiceAccountCredentials(
        RSA, provider="salesforce", issuer=APP, subject=USER, server=f"https://h.example/{path}", transport=transport,
        clock=ManualClock(), cache=MemoryCache(),
    ).token()  # fmt: skip
    text = dict(parse_qsl((transport.sent[0].body or b"").decode()))["assertion"]
    assert jwt_of(text)["claims"]["aud"] == f"https://h.example/{path}"


def test_an_endpoint_from_a_file() -> None:
    """A key file from outside sends the assertion to Salesforce alone."""
    info = {"type": "sa_auth", "provider": "salesforce", "issuer": APP, "subject": USER, "key": RSA}
    with pytest.raises(ConfigError, match="foreign_endpoint"):
        ServiceAccountCredentials.from_info({**info, "token_endpoint": "https://evil.example/services/oauth2/token"})


@pytest.mark.parametrize("server", [LOGIN, "https://acme.my.salesforce.com"])
def test_saml(server: str) -> None:
    """By SAML the assertion alone is sent, to the same endpoint: it names app and user."""
    sent: list[Request] = []

    class Keeping:
        def send(self, request: Request, deadline: Any) -> Response:
            sent.append(request)
            return Response(200, {}, b'{"access_token": "t", "instance_url": "https://acme.my.salesforce.com"}')

    creds = made(
        key=None, issuer=None, subject=None, server=server, grant=grants.SAML2Bearer(SAML), transport=Keeping()
    )
    assert creds.token().extra["instance_url"]
    assert sent[0].url == f"{server}/services/oauth2/token"
    assert sent[0].body.startswith(b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer&assertion=")
    with pytest.raises(ConfigError):
        made(key=None, grant=grants.SAML2Bearer(SAML))


def test_saml_over_http() -> None:
    """A signed assertion of a token service, for the login address and to this endpoint, is taken; another is not."""
    service, authority = TokenService(), Authority(dialect="salesforce")
    authority.trust_saml(service.issuer, service.certificate)
    authority.saml_audience = LOGIN
    with authority.serve() as server:
        endpoint = f"{server.url}/services/oauth2/token"

        def signed_in(recipient: str) -> ServiceAccountCredentials:
            source = FromCallable(lambda: service.assertion(USER, LOGIN, recipient))
            return made(key=None, issuer=None, subject=None, server=server.url, grant=grants.SAML2Bearer(source))

        assert signed_in(endpoint).token().access_token
        with pytest.raises(InvalidGrant):
            signed_in(f"{LOGIN}/services/oauth2/token").token()
    assert authority.exchanges == 1


@pytest.mark.parametrize("domain", ["login", "test"])
def test_as_simple_salesforce(domain: str) -> None:
    """simple-salesforce, asked here and now, sends what the vector holds; its exp is text."""
    pytest.importorskip("simple_salesforce")
    from tests.vectors.capture.salesforce import asked

    seen = asked(domain)
    vector = json.loads((Path(__file__).parents[2] / "vectors" / "providers" / "salesforce.json").read_text())["seen"]
    vector["jwts"]["assertion"]["claims"]["aud"] = f"https://{domain}.salesforce.com"
    assert seen == vector
    claims = seen["jwts"]["assertion"]["claims"]
    assert set(claims) == {"iss", "sub", "aud", "exp"}
    assert claims["aud"] == f"https://{domain}.salesforce.com"
    assert claims["exp"].endswith("as str")
    assert seen["path"] == "/services/oauth2/token"
