"""An assertion as client authentication: what all such methods send.

Rule: one assertion per request, minted for it. Source: RFC 7521 section 4.2; RFC 7523 section 2.2; RFC 7522
section 2.2.
"""

from __future__ import annotations

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, taken
from ..assertions.shape import kind_of, require_jwt, saml2_base64url
from .base import Client, ClientAuth, TokenRequest
from .client_id import check_text

JWT_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SAML2_TYPE = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
# draft-ietf-oauth-rfc7523bis: an explicit type, so that no assertion for another purpose passes for this one.
TYP = "client-authentication+jwt"


class ClientAssertion(Fixed):
    """Proves the client by an assertion that a token service hands over: a JWT, or SAML 2.0 for old servers.

    Args:
        source: Gives it: an Assertion, the name of a token service in `assertions.ASSERTIONS`, a callable, or the
            assertion itself.
        client_id: Sent beside it; None: the credentials' issuer, where there is one. RFC 7521 section 4.2 leaves it
            out; servers that map a foreign subject to a client want it.

    Raises:
        ConfigError: the source is none of these.

    Example:
        >>> method = ClientAssertion("eyJhbGciOiJFUzI1NiJ9.e30.AA", client_id="app")
        >>> [name for name, _ in method.apply(TokenRequest(), 0).fields]
        ['client_assertion_type', 'client_assertion', 'client_id']
    """

    __slots__ = ("client_id", "source")

    source: Assertion
    client_id: str | None

    def __init__(self, source: object, *, client_id: str | None = None) -> None:
        found = taken(source)
        del source  # or the frame of an error would hold its text
        if client_id is not None:
            check_text(client_id, "client_id")
        self._fix(source=judged(found), client_id=client_id)

    def completed(self, client: Client) -> ClientAuth:
        """With the face's client id, where it was named without one."""
        if self.client_id is not None or client.client_id is None:
            return self
        return self._with(client_id=client.client_id)

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        """Gives the request with the assertion, and the client id where it is known."""
        text = self.source.mint(now)
        if kind_of(text) == "saml2":
            request = sent(request, SAML2_TYPE, saml2_base64url(text, "the client assertion"))
        else:
            where = getattr(self.source, "where", None)
            request = sent(request, JWT_TYPE, text if where is None else require_jwt(text, where))
        return request if self.client_id is None else request.with_fields(("client_id", self.client_id))

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.source,)

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and the source's part."""
        return ("client_assertion", self.client_id or "", *self.source.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return f"client assertion: {self.source.describe()}"

    def _told(self) -> str:
        return f"{type(self.source).__name__}, client_id={self.client_id!r}"


def sent(request: TokenRequest, kind: str, assertion: str) -> TokenRequest:
    """Gives the request with a client assertion of that type."""
    return request.with_fields(("client_assertion_type", kind), ("client_assertion", assertion))
