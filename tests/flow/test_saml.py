"""SAML 2.0 assertions from every kind of source, as grant and as the client's proof, at a server that verifies them.

They arrive as the token service signed them, byte for byte; what is no assertion is refused before anything is sent.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import ConfigError, InvalidClient, InvalidGrant, SaAuthError, ServiceAccountCredentials
from sa_auth.assertions import FromCallable
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import ClientAssertion
from sa_auth.grants import SAML2Bearer
from sa_auth.testing import Authority, ManualClock
from tests.flow.servers.held import ODD, SOURCES, address, file, folded
from tests.flow.servers.saml import GRANT, PROOF, SamlServer, TokenService
from tests.unit.assertions.texts import everything_of

USER = "Zoë Müller-山田 & <friends>"
CLIENT = "app"
ANEW = 1_000_000  # no token lives as long
SERVICE, STRANGER = TokenService(), TokenService()


@pytest.fixture
def server() -> Iterator[SamlServer]:
    """The server, which trusts the token service."""
    made = SamlServer({SERVICE.issuer: SERVICE.certificate}, {CLIENT})
    yield made
    made.close()


@pytest.fixture
def make(server: SamlServer) -> Iterator[Callable[..., ServiceAccountCredentials]]:
    """Makes credentials that have no key: a source of assertions for the grant, for the client, or for each."""
    made = []

    def credentials(grant: Any = None, client: Any = None, **changes: Any) -> ServiceAccountCredentials:
        given = {
            "grant": "client_credentials" if grant is None else SAML2Bearer(grant),
            "client_auth": None if client is None else ClientAssertion(client),
            "token_endpoint": server.token_endpoint, "cache": MemoryCache(), "clock": ManualClock(time.time()),
        }  # fmt: skip
        made.append(ServiceAccountCredentials(**{**given, **changes}))
        return made[-1]

    yield credentials
    for one in made:
        one.close()


def issued(server: SamlServer, subject: str = USER, service: TokenService = SERVICE, **changes: Any) -> bytes:
    """An assertion for the server."""
    return service.assertion(subject, **{"audience": server.name, "recipient": server.token_endpoint, **changes})


def whose(server: SamlServer, creds: ServiceAccountCredentials) -> dict[str, str | None]:
    """What the API says of the token that a session of requests brings it."""
    with requests.Session() as session:
        session.auth = creds
        answer = session.get(server.api, timeout=10)
    assert answer.status_code == 200, answer.text
    told: dict[str, str | None] = answer.json()
    return told


def refused(creds: ServiceAccountCredentials, kind: type[SaAuthError], status: int = 400) -> SaAuthError:
    """The error that a caller gets, after one request."""
    with pytest.raises(kind) as caught:
        creds.token()
    assert (caught.value.status, caught.value.retryable, caught.value.attempts) == (status, False, 1)
    return caught.value


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("source", SOURCES)
def test_untouched(
    source: str, odd: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """From every source the grant arrives byte for byte as it was held, and its signature holds."""
    held = ODD[odd](issued(server))
    assert whose(server, make(SOURCES[source](server, held, tmp_path))) == {"user": USER, "client": None}
    assert server.arrived == [held]
    (form,) = server.forms
    assert form == {"grant_type": GRANT, "assertion": base64.urlsafe_b64encode(held).rstrip(b"=").decode()}


@pytest.mark.parametrize("source", SOURCES)
def test_as_proof(
    source: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """From every source it proves the client as well, alone, byte for byte."""
    held = ODD["comments"](ODD["CRLF"](issued(server, CLIENT)))
    assert whose(server, make(client=SOURCES[source](server, held, tmp_path))) == {"user": None, "client": CLIENT}
    assert server.arrived == [held]
    (form,) = server.forms
    assert form == {
        "grant_type": "client_credentials", "client_assertion_type": PROOF,
        "client_assertion": base64.urlsafe_b64encode(held).rstrip(b"=").decode(),
    }  # fmt: skip


def test_two_at_once(server: SamlServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """One request carries a user's assertion as grant and another that proves the client."""
    grant, proof = issued(server), issued(server, CLIENT)
    creds = make(grant=grant, client=proof, issuer=CLIENT)
    assert whose(server, creds) == {"user": USER, "client": CLIENT}
    assert server.arrived == [proof, grant]
    assert server.forms[0]["client_id"] == CLIENT


def test_a_file_that_rotates(
    server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """A file that was replaced between two renewals is read anew; one that was not is a replay, and told so."""
    first, second = issued(server), issued(server)
    creds = make(file(server, first, tmp_path))
    before = creds.token()
    (tmp_path / "next.xml").write_bytes(second)
    os.replace(tmp_path / "next.xml", tmp_path / "assertion.xml")
    assert creds.token(min_ttl=ANEW).access_token != before.access_token
    assert server.arrived == [first, second]
    error = refused(make(file(server, second, tmp_path)), InvalidGrant)
    assert "has seen this assertion before" in error.hint


@pytest.mark.parametrize("source", ["callable", "address"])
def test_asked_anew(
    source: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """A callable and an address are asked once for every renewal, and their new assertion is sent."""
    given = [issued(server) for _ in range(3)]
    rest = iter(given)
    creds = make(FromCallable(lambda: next(rest)) if source == "callable" else address(server, b"", tmp_path))
    for one in given:
        server.held = one
        creds.token(min_ttl=ANEW)
    assert server.arrived == given
    assert server.held_was_asked == (3 if source == "address" else 0)


# What is wrong, how the assertion is made so, and a word of the advice.
REFUSALS = {
    "The Audience is another.": ({"audience": "https://elsewhere.example.test"}, "audience"),
    "The Recipient is another.": ({"recipient": "https://elsewhere.example.test/token"}, ""),
    "The Issuer is not known.": ({"issuer": "https://stranger.example.test"}, "issuer"),
    "The signature does not hold.": ({"service": STRANGER}, "signature"),
    "There is no confirmation by bearer.": ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, ""),
    "The confirmation has expired.": ({"confirmed_for": -5}, "clock"),
    "The assertion is not yet valid.": ({"begins_in": 600}, "clock"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused_by_the_server(reason: str, server: SamlServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """What the server alone can know is InvalidGrant of a grant and InvalidClient of a proof, and told in its words."""
    changes, word = REFUSALS[reason]
    said = reason.rstrip(".")
    for kind, status, creds in (
        (InvalidGrant, 400, make(issued(server, **changes))),
        (InvalidClient, 401, make(client=issued(server, CLIENT, **changes))),
    ):
        error = refused(creds, kind, status)
        assert said in str(error)
        assert word in error.hint.partition(" Sent: ")[0]


def test_a_changed_assertion(server: SamlServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A change under the signature is found out; that it is not ours to find is why nothing of it is touched."""
    changed = issued(server).replace("Zoë".encode(), "Zoé".encode())
    assert "public key" in refused(make(changed), InvalidGrant).hint
    assert server.arrived == [changed]


def test_a_stranger_as_client(server: SamlServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """An assertion about somebody who is no client proves none, and the grant beside it is not looked at."""
    refused(make(issued(server), issued(server, "stranger")), InvalidClient, 401)
    assert len(server.arrived) == 1


def response(xml: bytes) -> bytes:
    """A Response around it, as a browser would post it."""
    protocol = b'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0">'
    return protocol + xml + b"</samlp:Response>"


BAD = {
    "a megabyte": ("too_large", lambda xml: xml + b"<!--" + b"x" * 1_000_000 + b"-->"),
    "a Response": ("not_saml", response),
    "a Response in base64": ("not_saml", lambda xml: base64.b64encode(response(xml))),
    "a document type": ("not_saml", lambda xml: b"<!DOCTYPE saml:Assertion>" + xml),
    "an entity": (
        "not_saml",
        lambda xml: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + xml.replace(b"Zo", b"&x;"),
    ),
    "an entity of nobody's": ("not_saml", lambda xml: xml.replace(b"Zo", b"&x;")),
    "cut short": ("truncated", lambda xml: xml[: len(xml) // 2]),
    "base64 cut short": ("truncated", lambda xml: base64.b64encode(xml)[:-101]),
    "empty": ("empty", lambda _: b" \r\n"),
    "opaque": ("not_saml", lambda _: b"opaque-token-of-something-else"),
    "a JWT": ("not_saml", lambda _: b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJyb2JvdCJ9.c2ln"),
    "two of them": ("not_saml", lambda xml: xml + xml),
    "two, with a space": ("not_text", lambda _: b"opaque opaque"),
}  # fmt: skip


@pytest.mark.parametrize("source", ["text", "bytes", "callable", "file", "address"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input(
    case: str, source: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """What is no assertion is a clear error before any request, from every source, and gives nothing of it away."""
    code, spoil = BAD[case]
    bad = spoil(issued(server))
    with pytest.raises(SaAuthError) as caught:
        make(SOURCES[source](server, bad, tmp_path)).token()
    error = caught.value
    # Of an address the transport tells what is too large.
    assert error.code.removeprefix("assertion_") == code
    assert error.hint
    assert server.forms == []
    assert not re.search("Zo|passwd|opaque-token", everything_of(error))


@pytest.mark.parametrize("source", ["bytes", "callable", "file", "address"])
def test_another_encoding(
    source: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """Bytes that are no UTF-8 are not guessed at; in base64 they arrive as they are."""
    held = b'<?xml version="1.0" encoding="iso-8859-1"?>' + issued(server, "Zoë").decode().encode("iso-8859-1")
    with pytest.raises(ConfigError) as caught:
        make(SOURCES[source](server, held, tmp_path)).token()
    assert (caught.value.code, server.forms) == ("assertion_not_text", [])
    assert whose(server, make(folded(server, held, tmp_path)))["user"] == "Zoë"
    assert server.arrived == [held]


@pytest.mark.parametrize("source", SOURCES)
def test_over(source: str, server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]) -> None:
    """An assertion whose time is over is not sent, as a grant or as a proof."""
    over = issued(server, ends_in=-60)
    for given in (
        {"grant": SOURCES[source](server, over, tmp_path)},
        {"client": SOURCES[source](server, over, tmp_path)},
    ):
        with pytest.raises(SaAuthError) as caught:
            make(**given).token()
        assert caught.value.code == "assertion_expired"
        assert caught.value.retryable == (source not in {"text", "bytes"})
    assert server.forms == []


def test_base64_that_begins_with_a_letter_of_ones_own(
    server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """Base64 of XML is XML, whatever its comment begins with."""
    make(folded(server, "<!-- é -->".encode() + issued(server), tmp_path)).token()


@pytest.mark.parametrize("method", [SAML2Bearer, ClientAssertion])
def test_text_that_no_file_can_hold(method: Any) -> None:
    """A str that is no Unicode, as os.fsdecode makes it, is an error of ours."""
    with pytest.raises(ConfigError) as caught:
        method("<a>\udcff</a>")
    assert caught.value.code == "assertion_not_text"


@pytest.mark.parametrize(
    "changes", [{"audience": "https://elsewhere.example.test"}, {"issuer": "https://x.example.test"}]
)
def test_advice_that_can_be_followed(
    changes: dict[str, Any], server: SamlServer, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """The advice names no argument that would be refused here, since the token service writes the assertion."""
    hint = refused(make(issued(server, **changes)), InvalidGrant).hint
    assert not re.search("(audience|subject|issuer)=", hint)


def test_advice_on_what_is_too_large(
    server: SamlServer, tmp_path: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """What is too large at the token service's address is no matter of the token endpoint."""
    with pytest.raises(SaAuthError) as caught:
        make(address(server, b"<" * 1_000_000, tmp_path)).token()
    assert "token endpoint" not in caught.value.hint


@pytest.fixture
def authority() -> Authority:
    """The library's own authority, which trusts the token service."""
    made = Authority()
    made.saml_audience = SamlServer.name
    made.trust_saml(SERVICE.issuer, SERVICE.certificate)
    return made


def test_at_our_own_authority(authority: Authority) -> None:
    """The strict authority of the library takes the same assertions, both at once and odd ones, once each."""
    with authority.serve() as here:
        authority.register(CLIENT)
        given = {"audience": SamlServer.name, "recipient": here.token_endpoint}
        grant, proof = (ODD["comments"](SERVICE.assertion(who, **given)) for who in (USER, CLIENT))
        asked = {
            "token_endpoint": here.token_endpoint,
            "grant": SAML2Bearer(grant),
            "client_auth": ClientAssertion(proof),
        }
        assert ServiceAccountCredentials(**asked, cache=MemoryCache()).token().access_token
        assert not authority.requests[-1].broken
        with pytest.raises(InvalidClient):
            ServiceAccountCredentials(**asked, cache=MemoryCache()).token()
        other = SERVICE.assertion(USER, **{**given, "audience": "https://elsewhere.example.test"})
        with pytest.raises(InvalidGrant):
            ServiceAccountCredentials(
                token_endpoint=here.token_endpoint, grant=SAML2Bearer(other), cache=MemoryCache()
            ).token()
