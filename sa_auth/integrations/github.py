"""The auth of a PyGithub client: a token for each request, renewed once on a 401.

Rule: PyGithub asks for the header at each request and shows its auth no answer, so that what takes the answers is put into
its connections. Source: https://pygithub.readthedocs.io/en/stable/utilities.html#authentication
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .awaiting import Source
from .bearer import bearing
from .extra import needed
from .requests import RequestsAuth

needed("github", ("github",), "PyGithub", named="PyGithub")

from github import Auth as auth  # noqa: E402, N813 - a module; whoever lacks it was told so
from github.Requester import WithRequester  # noqa: E402

if TYPE_CHECKING:
    from github.Requester import Requester

_CONNECTIONS = "_Requester__connectionClass"


class Auth(auth.Auth, WithRequester["Auth"]):
    """What `github.Github(auth=)` takes.

    The header comes from the source at each request, and the token goes over https alone. PyGithub lets nobody see its
    answers but the session in each of its connections; that is reached by a name of its own, which a later version may
    change: then a 401 is handed to the caller, as PyGithub does with it.

    Args:
        source: Gives tokens: the credentials object, or anything with its `token`, `poll` and `discard`.

    Raises:
        ConfigError: `not_bearer`, a proof goes with each call.

    Example:
        >>> import github
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("rsa2048")
        >>> authority = Authority(dialect="github")
        >>> _ = authority.register("Iv23liCLIENTID", public)
        >>> with authority.serve() as server:
        ...     creds = ServiceAccountCredentials(
        ...         private, provider="github", issuer="Iv23liCLIENTID", subject="12345", server=server.url)
        ...     with github.Github(auth=Auth(creds), base_url=server.api_url) as client:
        ...         client.requester.requestJsonAndCheck("GET", "/installation/repositories")[1]["ok"]
        True
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = bearing(source)
        self._session_auth = source if isinstance(source, RequestsAuth) else RequestsAuth(source)  # type: ignore[arg-type]

    @property
    def token_type(self) -> str:
        """How the token is sent."""
        return self._source.token().token_type

    @property
    def token(self) -> str:
        """A token that lives.

        Raises:
            SaAuthError: there is none to be had.
        """
        return self._source.token().access_token

    def authentication(self, headers: dict[str, Any]) -> None:
        """Sets the header, of one token whole."""
        headers["Authorization"] = self._source.token().authorization

    def withRequester(self, requester: Requester) -> Auth:  # noqa: N802 - PyGithub's name
        """Is told by PyGithub who sends the requests, and sees to it that each connection renews on a 401."""
        super().withRequester(requester)
        connection = getattr(requester, _CONNECTIONS, None)
        if connection is not None:
            setattr(requester, _CONNECTIONS, _Connect(connection, self._session_auth))
        return self


class _Connect:
    """Makes PyGithub's connections, with an auth in the session of each."""

    def __init__(self, connection: Any, session_auth: Any) -> None:
        self._connection, self._session_auth = connection, session_auth

    def __call__(self, *args: Any, **options: Any) -> Any:
        made = self._connection(*args, **options)
        session = getattr(made, "session", None)
        if session is not None:
            session.auth = self._session_auth
        return made
