"""What an authorization server says of itself: where its endpoints are.

Rule: asked only where the caller named the server, and believed only if it says the very same name. Never an
audience. Stands under the exchange. Source: RFC 8414 sections 3 and 3.3; OpenID Connect Discovery 1.0 section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ._clock import Instant
from ._fixed import Fixed
from ._jsonobject import json_object
from .errors import ConfigError, ResponseError, SaAuthError, TokenEndpointError
from .refusal import check, unreadable
from .wire import Conversation, Request, endpoint, is_loopback

_PEER = "metadata address"
_OAUTH, _OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


class Metadata(Fixed):
    """The metadata of one server, read once and when it is forgotten.

    Args:
        issuer: The server's issuer identifier, exactly as it writes it.

    Raises:
        ConfigError: it is no https URL (http: to loopback), or has a query or fragment.

    Example:
        >>> for address in Metadata("https://as.example/tenant").addresses:
        ...     print(address)
        https://as.example/.well-known/oauth-authorization-server/tenant
        https://as.example/tenant/.well-known/openid-configuration
        https://as.example/.well-known/openid-configuration/tenant
    """

    __slots__ = ("_fields", "issuer")

    issuer: str
    _fields: Mapping[str, Any] | None

    def __init__(self, issuer: str) -> None:
        if "?" in endpoint(issuer, "server", by_caller=True):
            raise ConfigError(
                "server= has a query.", code="bad_endpoint",
                hint="It is the issuer identifier, exactly as the server's metadata has it (RFC 8414 section 2).",
            )  # fmt: skip
        self._fix(issuer=issuer, _fields=None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it may stand: RFC 8414 puts its name between host and path, OpenID behind the path."""
        parts = urlsplit(self.issuer)
        path = parts.path.rstrip("/")
        inserted = (f"{known}{path}" for known in (_OAUTH, _OPENID))
        oauth, openid = (urlunsplit((parts.scheme, parts.netloc, where, "", "")) for where in inserted)
        appended = f"{self.issuer.rstrip('/')}{_OPENID}"
        return tuple(dict.fromkeys((oauth, appended, openid)))

    def forget(self) -> None:
        """Has it read anew: an endpoint may have moved."""
        self._fix(_fields=None)

    def endpoint(self, name: str, within: Conversation, now: Instant, *, mutual_tls: bool) -> str | None:
        """The address of an endpoint; None where the server has none.

        Args:
            name: "token_endpoint", "revocation_endpoint".
            within: Carries the question.
            now: The instant before it is asked.
            mutual_tls: Whether the client presents a certificate: there may be another address for that (RFC 8705
                section 5).

        Raises:
            ResponseError: the metadata is another server's, or none.
            TransportError: it cannot be read.
        """
        fields = self._fields
        if fields is None:
            fields = self._read(within, now)
            self._fix(_fields=fields)
        aliases = fields.get("mtls_endpoint_aliases")
        said = aliases.get(name) if mutual_tls and isinstance(aliases, dict) else None
        said = fields.get(name) if said is None else said
        if said is None:
            return None
        # A server on this machine may be spoken to in the clear; what it says of others may not.
        plain = is_loopback(urlsplit(self.issuer).hostname or "")
        return endpoint(said, f"{name} in the metadata of {self._host()}", by_caller=plain)

    def _read(self, within: Conversation, now: Instant) -> Mapping[str, Any]:
        absent: SaAuthError | None = None
        telling: SaAuthError | None = None
        for address in self.addresses:
            try:
                return self._judged(within, address, now)
            except (TokenEndpointError, ResponseError) as error:
                absent = error.copy()
            # A server that has one of them answers the others with 404 or thereabouts, or shows everybody its home page;
            # anything else is no absence.
            page = absent.code in {"not_json", "redirect"}
            telling = absent if page else telling
            if not page and (absent.retryable or absent.status not in {400, 403, 404, 405, 406, 410}):
                break
        if telling is None and isinstance(absent, ResponseError):
            telling = absent
        if telling is not None:
            raise telling
        retryable = absent is not None and absent.retryable
        raise ResponseError(
            f"No metadata of the server {self.issuer} was found.", code="no_metadata", retryable=retryable,
            status=absent.status if absent is not None else None,
            retry_after=absent.retry_after if absent is not None else None,
            hint="The server is busy or down; the same call may succeed later." if retryable else
            "Check server=, the issuer identifier; or pass token_endpoint=, and nothing is looked up.",
        )  # fmt: skip

    def _judged(self, within: Conversation, address: str, now: Instant) -> Mapping[str, Any]:
        response = within.send(Request(address, headers={"Accept": "application/json"}, method="GET", peer=_PEER))
        fields = json_object(response.body, ("issuer", "token_endpoint", "revocation_endpoint"), status=response.status)
        check(response, fields, now, peer=_PEER)
        if fields is None:
            failure = unreadable(response, _PEER)
            failure.hint = f"Check server=, {self.issuer}: its metadata were looked for there. {failure.hint}"
            raise failure
        said = fields.get("issuer")
        if said != self.issuer:
            shown = f"{said[:200]!r}" if isinstance(said, str) and said.isprintable() else "no text"
            raise ResponseError(
                f"The metadata at {self._host()} is of the issuer {shown}, not of {self.issuer!r}.", code="foreign_issuer",
                status=response.status,
                hint="Nothing was signed or sent. RFC 8414 section 3.3 wants both to be the same to the last character: "
                "check server=, down to a slash at its end.",
            )  # fmt: skip
        return fields

    def _host(self) -> str:
        return urlsplit(self.issuer).hostname or ""

    def _told(self) -> str:
        return repr(self.issuer)

    def __reduce__(self) -> tuple[type[Metadata], tuple[str]]:
        return Metadata, (self.issuer,)
