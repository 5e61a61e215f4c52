"""A SAML 2.0 assertion as authorization grant.

Rule: the assertion is sent as the token service made it, to the last byte: a changed one has no valid signature.
Source: RFC 7522 sections 2.1 and 3.
"""

from __future__ import annotations

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, saml2_of, taken

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"


class SAML2Bearer(Fixed):
    """Asks with a SAML 2.0 assertion of a token service.

    Args:
        assertion: Gives its XML: an Assertion, a callable, or the XML itself.

    Raises:
        ConfigError: the assertion is none of these.

    Example:
        >>> xml = '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>'
        >>> SAML2Bearer(xml).form(0)[1][1][:12]
        'PEFzc2VydGlv'
    """

    __slots__ = ("assertion",)

    assertion: Assertion

    def __init__(self, assertion: object) -> None:
        source = taken(assertion)
        del assertion  # or the frame of an error would hold its text
        self._fix(assertion=judged(source))

    @property
    def repeatable(self) -> bool:
        """Yes: the source is asked again for every attempt."""
        return True

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.assertion,)

    def form(self, now: float) -> list[tuple[str, str]]:
        """grant_type and the assertion in base64url, without padding or line ends."""
        return [("grant_type", GRANT_TYPE), ("assertion", saml2_of(self.assertion, now))]

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part."""
        return ("saml2_bearer", *self.assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return self.assertion.describe()

    def _told(self) -> str:
        return type(self.assertion).__name__
