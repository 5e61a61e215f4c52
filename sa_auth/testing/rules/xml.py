"""One SAML 2.0 assertion under judgement.

Rule: reading only; what cannot be read raises `Unjudged`. Nothing of the XML is looked up or expanded: no entities, no
document type, no network.

Source: RFC 7522 sections 2.1 and 3, SAML 2.0 core sections 2.3 to 2.5.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sa_auth._loading import load
from sa_auth.testing.replays import Replays

from .reading import Unjudged, miss, strict_b64url

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_NAMES = {"saml": SAML}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")


@dataclass(frozen=True)
class Saml:
    """An assertion as it was sent.

    Attributes:
        text: All of it, in base64url.
        issuers: The certificates of those who may have issued it, by Issuer.
        audiences: The strings that name this server.
        endpoints: The URLs of its token endpoint.
        now: Unix seconds by the authority's clock.
        leeway: Seconds by which the clocks may differ.
        max_lifetime: Seconds that it may live at most.
        replays: The ones seen before.
    """

    text: str = field(repr=False)
    issuers: Mapping[str, tuple[str, ...]]
    audiences: tuple[str, ...]
    endpoints: tuple[str, ...]
    now: float
    leeway: float
    max_lifetime: float
    replays: Replays

    @cached_property
    def data(self) -> bytes:
        """The XML."""
        return strict_b64url(self.text)

    @cached_property
    def root(self) -> Any:
        """The Assertion element."""
        data, etree = self.data, load("lxml.etree")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
        if root is None or root.tag != f"{{{SAML}}}Assertion" or root.getroottree().docinfo.doctype:
            raise Unjudged("This is not one SAML 2.0 Assertion as XML.")
        return root

    @cached_property
    def id(self) -> str:
        """Its ID."""
        return str(self.root.get("ID") or miss("The Assertion has no ID."))

    @cached_property
    def issuer(self) -> str:
        """Who issued it."""
        return self._text("saml:Issuer") or miss("There is no Issuer.")

    @cached_property
    def subject(self) -> str:
        """Whom it speaks of."""
        return self._text("saml:Subject/saml:NameID") or miss("There is no Subject with a NameID.")

    @cached_property
    def named(self) -> list[str]:
        """Its audiences."""
        path = "saml:Conditions/saml:AudienceRestriction/saml:Audience"
        return [(each.text or "").strip() for each in self.root.findall(path, _NAMES)]

    @cached_property
    def confirmations(self) -> list[Any]:
        """The data of the confirmations by bearer."""
        found = self.root.findall("saml:Subject/saml:SubjectConfirmation", _NAMES)
        datas = (each.find("saml:SubjectConfirmationData", _NAMES) for each in found if each.get("Method") == BEARER)
        return [data for data in datas if data is not None]

    @cached_property
    def ends(self) -> list[float]:
        """When it ends, in Unix seconds, wherever it says so."""
        places = [*self.root.findall("saml:Conditions", _NAMES), *self.confirmations]
        return [instant(each.get("NotOnOrAfter")) for each in places if each.get("NotOnOrAfter") is not None]

    @cached_property
    def begins(self) -> list[float]:
        """When it begins, in Unix seconds, wherever it says so."""
        places = [*self.root.findall("saml:Conditions", _NAMES), *self.confirmations]
        return [instant(each.get("NotBefore")) for each in places if each.get("NotBefore") is not None]

    @cached_property
    def signature_holds(self) -> bool:
        """Whether a certificate of its issuer vouches for the whole of it."""
        certificates = self.issuers.get(self.issuer) or miss("The issuer is not known.")
        return any(self._signed_by(certificate) for certificate in certificates)

    def _signed_by(self, certificate: str) -> bool:
        signxml = load("signxml")
        config = signxml.SignatureConfiguration(verification_time=_some_time(certificate))
        try:
            found = signxml.XMLVerifier().verify(
                self.data, x509_cert=certificate, id_attribute="ID", expect_config=config
            )
        except Exception:  # noqa: BLE001 - whatever goes wrong in there, the signature does not hold
            return False
        signed = found.signed_xml
        # What was signed has to be this very element: else a signed part could vouch for an unsigned whole.
        return signed is not None and signed.tag == self.root.tag and signed.get("ID") == self.id

    def _text(self, path: str) -> str:
        found = self.root.find(path, _NAMES)
        return (found.text or "").strip() if found is not None else ""

    @property
    def summary(self) -> dict[str, Any]:
        """What it says, for people."""
        return {
            "ID": self.id,
            "Issuer": self.issuer,
            "NameID": self._text("saml:Subject/saml:NameID"),
            "Audience": self.named,
            "Recipient": [data.get("Recipient") for data in self.confirmations],
            "NotOnOrAfter": self.ends,
        }


def _some_time(certificate: str) -> dt.datetime:
    """A time at which a certificate was in force: it stands for its key, and was made by another clock than ours."""
    found = load("cryptography.x509").load_pem_x509_certificate(certificate.encode("ascii"))
    begin: dt.datetime = found.not_valid_before_utc
    return begin


def instant(text: str) -> float:
    """Reads a time of SAML, which is in UTC, as Unix seconds.

    Raises:
        Unjudged: it is of another form.

    Example:
        >>> instant("1970-01-01T00:01:00.5Z")
        60.0
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise Unjudged(f"{text} is no time in UTC.")
    try:
        return dt.datetime.fromisoformat(found[1]).replace(tzinfo=dt.timezone.utc).timestamp()
    except ValueError:
        reason = f"{text} is no time in UTC."
    raise Unjudged(reason)
