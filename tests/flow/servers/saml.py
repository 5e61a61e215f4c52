"""A token service that issues SAML 2.0 assertions, and an authorization server that takes them, as grant and as proof.

Rule: signxml verifies, and nothing is read but what it says was signed; the demands are RFC 7522's. Nothing of the
library stands here. Source: RFC 7522 sections 2.1, 2.2 and 3; SAML 2.0 core sections 2.3 to 2.5.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from datetime import datetime, timezone
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from flask import Flask, Response, jsonify, request
from lxml import etree
from signxml import InvalidInput, InvalidSignature, SignatureConfiguration, XMLSigner, XMLVerifier
from signxml.algorithms import CanonicalizationMethod

from sa_auth.testing import new_key
from tests.flow.oidc_provider.driver import self_signed
from tests.flow.servers.listening import Listening

NAMESPACE = "urn:oasis:names:tc:SAML:2.0:assertion"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"
PROOF = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
_NAMES = {"saml": NAMESPACE}


class TokenService:
    """Issues assertions.

    Attributes:
        issuer: Its name.
        certificate: What its signatures are verified with, as PEM.
    """

    issuer = "https://sts.example.test"

    def __init__(self) -> None:
        self._private = new_key("rsa2048", fresh=True)[0]
        self.certificate = self_signed(self._private)[0]

    def assertion(
        self, subject: str, audience: str, recipient: str, *, issuer: str | None = None, method: str = BEARER,
        begins_in: float = -10, ends_in: float = 300, confirmed_for: float = 300,
    ) -> bytes:  # fmt: skip
        """A signed assertion, as UTF-8 without a declaration.

        Args:
            subject: Whom it is about.
            audience: Whom it is for.
            recipient: The token endpoint that it goes to.
            issuer: Another than the service.
            method: How the subject is confirmed.
            begins_in: Seconds from now to its NotBefore.
            ends_in: Seconds from now to the NotOnOrAfter of its conditions.
            confirmed_for: Seconds from now to the NotOnOrAfter of its confirmation.
        """
        name = f"_{secrets.token_hex(16)}"
        xml = f"""<saml:Assertion xmlns:saml="{NAMESPACE}" ID="{name}" Version="2.0" IssueInstant="{date(0)}">
  <saml:Issuer>{escape(issuer or self.issuer)}</saml:Issuer>
  <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>
  <saml:Subject>
    <saml:NameID>{escape(subject)}</saml:NameID>
    <saml:SubjectConfirmation Method={quoteattr(method)}>
      <saml:SubjectConfirmationData Recipient={quoteattr(recipient)} NotOnOrAfter="{date(confirmed_for)}"/>
    </saml:SubjectConfirmation>
  </saml:Subject>
  <saml:Conditions NotBefore="{date(begins_in)}" NotOnOrAfter="{date(ends_in)}">
    <saml:AudienceRestriction><saml:Audience>{escape(audience)}</saml:Audience></saml:AudienceRestriction>
  </saml:Conditions>
  <saml:AuthnStatement AuthnInstant="{date(0)}"/>
</saml:Assertion>"""
        signer = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
        signed = signer.sign(
            etree.fromstring(xml), key=self._private, cert=self.certificate, reference_uri=name, id_attribute="ID"
        )
        return etree.tostring(signed, encoding="unicode").encode()


def date(seconds: float) -> str:
    """A moment that is so many seconds from now, as SAML writes it."""
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class RefusedError(Exception):
    """Why an assertion is not taken."""


class SamlServer(Listening):
    """An authorization server and its API.

    Attributes:
        name: What it is called as audience.
        forms: The fields of every token request, oldest first.
        arrived: Every assertion that was sent, decoded, oldest first.
        held: What its token service's address gives: its bytes, and as base64 in JSON.
        held_was_asked: How often.
    """

    name = "https://as.example.test"

    def __init__(self, issuers: dict[str, str], clients: set[str]) -> None:
        self.issuers, self.clients = issuers, clients
        self.forms: list[dict[str, str]] = []
        self.arrived: list[bytes] = []
        self.held = b""
        self.held_was_asked = 0
        self._used: set[tuple[str, str]] = set()
        self._tokens: dict[str, dict[str, str | None]] = {}
        app = Flask("saml-server")
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        app.add_url_rule("/api/me", "me", self.me)
        app.add_url_rule("/held", "held", self.give)
        super().__init__(app)

    def token(self) -> Any:
        """The token endpoint: a SAML grant, or client_credentials; a client's proof beside either."""
        form = request.form.to_dict()
        self.forms.append(form)
        client = user = None
        try:
            if form.get("client_assertion_type") == PROOF:
                client = self.judged(form.get("client_assertion", ""))
                if client not in self.clients:
                    raise RefusedError("The subject is no client.")
        except RefusedError as no:
            return jsonify(error="invalid_client", error_description=str(no)), 401
        try:
            if form.get("grant_type") == GRANT:
                user = self.judged(form.get("assertion", ""))
            elif client is None:
                return jsonify(error="unauthorized_client"), 400
        except RefusedError as no:
            return jsonify(error="invalid_grant", error_description=str(no)), 400
        text = secrets.token_urlsafe()
        self._tokens[text] = {"user": user, "client": client}
        return jsonify(access_token=text, token_type="Bearer", expires_in=3600)

    def me(self) -> Any:
        """The API: whose token it is."""
        granted = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(granted) if granted is not None else ("", 401)

    def give(self) -> Response:
        """The token service's address."""
        self.held_was_asked += 1
        if request.accept_mimetypes.best == "application/json":
            return jsonify(data={"saml": base64.encodebytes(self.held).decode()})
        return Response(self.held, content_type="application/samlassertion+xml")

    def judged(self, text: str) -> str:
        """The subject of an assertion, by RFC 7522 section 3.

        Raises:
            RefusedError: it is not to be taken.
        """
        demand(re.fullmatch(r"[A-Za-z0-9_-]+", text), "The assertion is not base64url.")
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        self.arrived.append(data)
        said = self._signed(data)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # such dates sort as text
        audiences = said.findall("saml:Conditions/saml:AudienceRestriction/saml:Audience", _NAMES)
        demand(self.name in [one.text for one in audiences], "The Audience is another.")
        conditions = said.find("saml:Conditions", _NAMES)
        demand(conditions.get("NotBefore", "") <= now, "The assertion is not yet valid.")
        demand(now < conditions.get("NotOnOrAfter", ""), "The assertion has expired.")
        subject = said.findtext("saml:Subject/saml:NameID", "", _NAMES)
        demand(subject, "There is no Subject.")
        self._confirm(said, now)
        seen = (said.findtext("saml:Issuer", "", _NAMES), said.get("ID", ""))
        demand(seen not in self._used, "The ID is a replay.")
        self._used.add(seen)
        return str(subject)

    def _signed(self, data: bytes) -> Any:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = None
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError:
            pass
        one = root is not None and root.tag == f"{{{NAMESPACE}}}Assertion" and not root.getroottree().docinfo.doctype
        demand(one, "This is not one Assertion.")
        certificate = self.issuers.get(root.findtext("saml:Issuer", "", _NAMES))
        demand(certificate, "The Issuer is not known.")
        said = None
        try:
            expected = SignatureConfiguration(location="./")
            said = (
                XMLVerifier().verify(data, x509_cert=certificate, id_attribute="ID", expect_config=expected).signed_xml
            )
        except (InvalidSignature, InvalidInput):
            pass
        whole = said is not None and (said.tag, said.get("ID")) == (root.tag, root.get("ID"))
        demand(whole, "The signature does not hold.")
        return said

    def _confirm(self, said: Any, now: str) -> None:
        found = said.findall(f"saml:Subject/saml:SubjectConfirmation[@Method='{BEARER}']", _NAMES)
        datas = [data for one in found for data in one.findall("saml:SubjectConfirmationData", _NAMES)]
        demand(datas, "There is no confirmation by bearer.")
        here = [data for data in datas if data.get("Recipient") == self.token_endpoint]
        demand(here, "The Recipient is another.")
        demand(any(now < data.get("NotOnOrAfter", "") for data in here), "The confirmation has expired.")


def demand(met: object, reason: str) -> None:
    """Refuses where a demand is not met.

    Raises:
        RefusedError: it is not.
    """
    if not met:
        raise RefusedError(reason)
