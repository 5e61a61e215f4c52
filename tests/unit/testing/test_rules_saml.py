"""Every rule for SAML assertions has one that keeps it and one that breaks it alone, in both roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

pytest.importorskip("signxml", reason="signxml is missing: pip install --group test")

from lxml import etree
from signxml import XMLSigner

from sa_auth.testing.rules import RULES
from sa_auth.wire import Request
from tests.unit.testing.kit import (
    JWT_CLIENT,
    SAML_CLIENT,
    URN,
    Forge,
    Judged,
    Kit,
    Pair,
    b64,
    cases,
    certificate,
    repeated,
)

ISSUER = "https://idp.test"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
Change = Callable[[str], str]


def at(kit: Kit, seconds: float) -> str:
    """A time as SAML writes it."""
    return dt.datetime.fromtimestamp(kit.now + seconds, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def xml(kit: Kit, change: Change = str, ends: float = 60, begins: float = -10, subject: str = "ann") -> str:
    """An assertion as text, not yet signed, and changed as text."""
    kit.serial = getattr(kit, "serial", 0) + 1
    here = kit.authority.token_endpoint
    return change(
        f'<saml:Assertion xmlns:saml="{SAML}" ID="_{kit.serial}" Version="2.0" IssueInstant="{at(kit, 0)}">'
        f"<saml:Issuer>{ISSUER}</saml:Issuer>"
        f"<saml:Subject><saml:NameID>{subject}</saml:NameID>"
        f'<saml:SubjectConfirmation Method="{BEARER}">'
        f'<saml:SubjectConfirmationData Recipient="{here}" NotOnOrAfter="{at(kit, ends)}"/>'
        f"</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{at(kit, begins)}" NotOnOrAfter="{at(kit, ends)}"><saml:AudienceRestriction>'
        f"<saml:Audience>{here}</saml:Audience></saml:AudienceRestriction></saml:Conditions></saml:Assertion>"
    )


def signed(text: str, signer: str = "idp") -> bytes:
    """The assertion with an enveloped signature."""
    cert, key = certificate(signer)
    root = etree.fromstring(text.encode())
    signer_of = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
    made: Any = signer_of.sign(root, key=key.encode(), cert=cert, reference_uri=root.get("ID"))
    return bytes(etree.tostring(made))


def granted(text: str, **fields: str) -> Forge:
    """A request with this for an assertion."""
    return lambda kit: kit.post(grant_type=f"{URN}:grant-type:saml2-bearer", assertion=text, **fields)


def asserted(change: Change = str, signer: str = "idp", **settings: Any) -> Forge:
    """A request with an assertion that was changed before it was signed."""
    return lambda kit: granted(b64(signed(xml(kit, change, **settings), signer)))(kit)


def altered(change: Callable[[bytes], bytes]) -> Forge:
    """A request with an assertion that was changed after it was signed."""
    return lambda kit: granted(b64(change(signed(xml(kit)))))(kit)


def swapped(old: str, new: str) -> Change:
    """Replaces a text, which has to be there."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def wrapped(data: bytes) -> bytes:
    """Puts the signed assertion inside of another one, which nobody signed."""
    inner = data.decode()
    outer = inner[: inner.index("<ds:Signature")] + inner[inner.index("</ds:Signature>") + len("</ds:Signature>") :]
    outer = outer.replace(">ann<", ">eve<").replace('ID="_', 'ID="_9')
    return outer.replace("</saml:Assertion>", f"<saml:Advice>{inner}</saml:Advice></saml:Assertion>").encode()


def trusting(kit: Kit) -> None:
    """Makes the issuer known, and its subject "app" a client that it vouches for."""
    kit.authority.trust_saml(ISSUER, certificate("idp")[0])


def padded(kit: Kit) -> Request:
    """A request whose assertion is padded."""
    text = b64(signed(xml(kit)))
    return granted(text + "=" * (-len(text) % 4 or 2))(kit)


def lined(kit: Kit) -> Request:
    """A request whose assertion is broken into lines."""
    text = b64(signed(xml(kit)))
    return granted(f"{text[:76]}\n{text[76:]}")(kit)


plain = asserted()
BAD = "invalid_grant"
DOCTYPE = b'<!DOCTYPE x [<!ENTITY e "x">]>'
CONFIRMED = swapped(BEARER, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
PAIRS: dict[str, list[Pair]] = {
    name: [Pair(good, bad, BAD, prepare=trusting) for good, bad in pairs]
    for name, pairs in {
        "saml_encoded": [(plain, padded), (plain, lined)],
        "saml_one": [
            (plain, altered(lambda data: b"<a>" + data + b"</a>")),
            (plain, altered(lambda data: data + data)),
            (plain, altered(lambda data: DOCTYPE + data)),
            (plain, altered(lambda data: data[:-1])),
        ],
        "saml_issuer_known": [
            (plain, asserted(swapped(ISSUER, "https://other.test"))),
            (plain, asserted(swapped(f"<saml:Issuer>{ISSUER}</saml:Issuer>", ""))),
        ],
        "saml_signature_valid": [
            (plain, asserted(signer="box")),
            (plain, altered(lambda data: data.replace(b">ann<", b">eve<"))),
            (plain, lambda kit: granted(b64(xml(kit).encode()))(kit)),
            (plain, altered(wrapped)),
        ],
        "saml_audience": [
            (plain, asserted(swapped("/token</saml:Audience>", "/token/</saml:Audience>"))),
            (plain, asserted(swapped("saml:AudienceRestriction>", "saml:OneTimeUse>"))),
        ],
        "saml_subject": [(plain, asserted(swapped("<saml:NameID>ann</saml:NameID>", "")))],
        "saml_expires": [(plain, asserted(lambda text: text.replace("NotOnOrAfter", "Nothing")))],
        "saml_not_over": [(asserted(ends=-29), asserted(ends=-30))],
        "saml_end_near": [(asserted(ends=3630), asserted(ends=3631))],
        "saml_begun": [(asserted(begins=30), asserted(begins=31))],
        "saml_bearer": [(plain, asserted(CONFIRMED))],
        "saml_recipient": [
            (plain, asserted(swapped('/token" NotOnOrAfter', '/tokens" NotOnOrAfter'))),
            (plain, asserted(swapped("Recipient=", "Address="))),
        ],
        "saml_id_fresh": [(plain, repeated(plain))],
    }.items()
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out, and each is there in both roles."""
    named = {rule.name for rule in RULES if "saml_" in rule.name}
    assert named == set(PAIRS) | {f"client_{name}" for name in PAIRS}


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


@pytest.mark.parametrize(("name", "pair"), cases(PAIRS))
def test_the_same_holds_for_a_client(name: str, pair: Pair, kit: Kit) -> None:
    """As a client's proof the same assertion is judged by the same rules, and refused as an invalid client."""
    pair.prepare(kit)
    kit.authority.register("ann")
    kit.authority.register("eve")

    def as_client(request: Request) -> Request:
        (text,) = parse_qs(request.body.decode())["assertion"]
        return kit.credentials(client_assertion=text, client_assertion_type=SAML_CLIENT)

    if name == "saml_id_fresh":
        request = as_client(plain(kit))
        kit.authority.handle(request)
    else:
        assert "access_token" in kit.send(as_client(pair.good(kit))), kit.authority.explain()
        assert (kit.authority.requests[-1].client, kit.authority.requests[-1].client_method) == ("ann", "saml2-bearer")
        request = as_client(pair.bad(kit))
    assert kit.authority.handle(request).status == 401
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == [f"client_{name}"]


def test_the_token_acts_for_the_subject(kit: Kit) -> None:
    """The record shows what the assertion says, and the answer has the scope that was asked for."""
    trusting(kit)
    answer = kit.send(granted(b64(signed(xml(kit))), scope="a b")(kit))
    assert answer["scope"] == "a b"
    assert kit.authority.requests[-1].claims["NameID"] == "ann"


def test_another_audience_can_be_named(kit: Kit) -> None:
    """A server may have a SAML entity id beside its token endpoint."""
    trusting(kit)
    kit.authority.saml_audience = "https://entity.test"
    named = swapped(f"<saml:Audience>{kit.authority.token_endpoint}", "<saml:Audience>https://entity.test")
    assert "access_token" in kit.send(asserted(named)(kit)), kit.authority.explain()


def test_a_second_certificate_serves_beside_the_first(kit: Kit) -> None:
    """While one certificate replaces another, both are good; an issuer that is forgotten is not."""
    trusting(kit)
    kit.authority.trust_saml(ISSUER, certificate("box")[0])
    assert "access_token" in kit.send(plain(kit))
    assert "access_token" in kit.send(asserted(signer="box")(kit))
    kit.authority.unregister(ISSUER)
    assert kit.send(plain(kit))["error"] == "invalid_grant"


def test_it_is_exchanged_as_well(kit: Kit) -> None:
    """Token exchange takes it as a subject token, and calls what is wrong an invalid request."""
    trusting(kit)

    def send(text: str) -> dict[str, Any]:
        kind = {"subject_token": text, "subject_token_type": f"{URN}:token-type:saml2"}
        return kit.send(kit.post(grant_type=f"{URN}:grant-type:token-exchange", **kind, **kit.client()))

    assert "issued_token_type" in send(b64(signed(xml(kit))))
    assert send(b64(signed(xml(kit), "box")))["error"] == "invalid_request"


def test_a_jwt_is_no_saml(kit: Kit) -> None:
    """An assertion under the type of the other kind is not read as what it is not."""
    trusting(kit)
    text = b64(signed(xml(kit)))
    assert (
        kit.send(kit.credentials(client_assertion=text, client_assertion_type=JWT_CLIENT))["error"] == "invalid_client"
    )
    proof = kit.client()["client_assertion"]
    answer = kit.send(kit.credentials(client_assertion=proof, client_assertion_type=SAML_CLIENT))
    assert answer["error"] == "invalid_client"
