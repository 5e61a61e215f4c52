"""The ID token of a GitHub Actions job.

Rule: the job's two variables are read for every exchange; the token that they ask with is never kept. Stands under the
grants. Source: docs.github.com/en/actions/reference/security/oidc, "Methods for requesting the OIDC token"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..errors import ConfigError
from ..token import NOTHING
from .from_environment import variable
from .from_url import FromURL
from .handed import HandedOver

_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


class GitHubActions(HandedOver):
    """Asks GitHub for an ID token of this job.

    Args:
        audience: The token's `aud`; None: GitHub's default, the address of the repository's owner.

    Raises:
        ConfigError: the audience is no text.

    Example:
        >>> GitHubActions("api://AzureADTokenExchange").fingerprint()
        ('github_actions', 'api://AzureADTokenExchange')
    """

    __slots__ = ("audience",)

    audience: str | None

    def __init__(self, audience: str | None = None) -> None:
        if audience is not None and (not isinstance(audience, str) or not audience.strip()):
            raise ConfigError(
                "The audience is no text.", code="bad_argument", hint="It is what the other side expects as aud."
            )
        super().__init__("GitHub Actions", audience=audience)

    def read(self) -> str | bytes:
        """The ID token that GitHub gives now."""
        url, query = variable(_URL), "" if self.audience is None else urlencode({"audience": self.audience})
        asked = f"{url}{'&' if '?' in url else '?'}{query}" if query else url
        # The variable is asked by the header's callable, so that no frame holds what stands in it.
        return FromURL(asked, headers={"Authorization": _bearer}, field="value").read()

    def advice(self) -> str:
        """The permission without which the variables are not set."""
        return (
            "In a job of GitHub Actions, give the workflow or the job the permission: `permissions: id-token: write`."
        )

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The audience; the other process has its own variables."""
        return (self.audience,), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """Its name and the audience: a job has one identity."""
        return ("github_actions", self.audience or "")

    def __repr__(self) -> str:
        return f"GitHubActions({self.audience!r})"


def _bearer() -> str:
    return f"Bearer {variable(_TOKEN)}"
