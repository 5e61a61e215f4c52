"""What simple-salesforce is made with: a session that keeps itself signed in, and where the org is.

Rule: that library reads the session id once, so its session puts the newest token in the place of that one, wherever a
header field has it. Source: `simple_salesforce.Salesforce` and its `bulk`, which send "Authorization" and "X-SFDC-Session".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from ..errors import ConfigError
from .awaiting import Source
from .bearer import bearing
from .extra import needed
from .requests import RequestsAuth
from .where import check

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_BULK = "X-SFDC-Session"


def arguments(source: Source, *, instance_url: str | None = None, adapter: HTTPAdapter | None = None) -> dict[str, Any]:
    """Gives the arguments of `simple_salesforce.Salesforce` that sign it in: `session_id`, `instance_url`, `session`.

    The token goes to that org alone. It is renewed ahead, and once on a 401, in every call of the REST, tooling, Apex and
    both bulk APIs; not in `mdapi`, whose SOAP messages hold the first token: after that one's life make another Salesforce.

    Args:
        source: Gives tokens: the credentials object, or anything with its `token`, `poll` and `discard`.
        instance_url: Where the org is; None: as Salesforce says beside the token, which is asked for now.
        adapter: Carries the calls in place of a new one of `requests`: its retries and pool are kept.

    Raises:
        ConfigError: `no_instance_url`, Salesforce did not say; or the token may not go there.
        MissingExtra: simple-salesforce is not installed.
        SaAuthError: there is no token to be had.

    Example:
        >>> from simple_salesforce import Salesforce
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("rsa2048")
        >>> authority = Authority(dialect="salesforce")
        >>> _ = authority.register("CONSUMER_KEY", public, subjects="robot@acme.example")
        >>> with authority.serve() as server:
        ...     creds = ServiceAccountCredentials(
        ...         private, provider="salesforce", issuer="CONSUMER_KEY", subject="robot@acme.example", server=server.url)
        ...     Salesforce(**arguments(creds)).sf_instance
        'acme.my.salesforce.com'
    """
    needed("salesforce", ("simple_salesforce",), "simple-salesforce", named="simple-salesforce")
    if instance_url is not None and not (isinstance(instance_url, str) and urlsplit(instance_url).hostname):
        raise ConfigError(
            "instance_url is no address.", code="bad_argument",
            hint="It begins with https://: 'https://MY-DOMAIN.my.salesforce.com'.",
        )  # fmt: skip
    token = bearing(source).token()
    home = instance_url or token.extra.get("instance_url")
    if not isinstance(home, str) or not urlsplit(home).hostname:
        raise ConfigError(
            "Salesforce did not say where the org is.", code="no_instance_url",
            hint="Pass instance_url='https://MY-DOMAIN.my.salesforce.com'.",
        )  # fmt: skip
    check(home, getattr(source, "allowed_hosts", None))
    session = requests.Session()
    session.mount("https://", _Newest(adapter or HTTPAdapter()))
    session.auth = RequestsAuth(source, (urlsplit(home).hostname or "",))  # type: ignore[arg-type]
    return {"session_id": token.access_token, "instance_url": home, "session": session}


class _Newest(HTTPAdapter):
    """Carries what another adapter carries, with the token of the one field in the other; also on the way again."""

    def __init__(self, inner: HTTPAdapter) -> None:
        super().__init__()
        self._inner = inner

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Sends a request, whose Authorization is the newest."""
        if _BULK in request.headers:
            request.headers[_BULK] = request.headers["Authorization"].partition(" ")[2]
        response = self._inner.send(request, *args, **options)
        response.connection = self  # which a request that goes again is sent by
        return response

    def close(self) -> None:
        """Closes its connections."""
        self._inner.close()
