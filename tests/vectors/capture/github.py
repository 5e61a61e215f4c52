"""PyGithub: a token of an installation for the app's key."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

ANSWER = {"token": "t", "expires_at": "2999-01-01T00:00:00Z", "permissions": {}, "repository_selection": "all"}


def capture() -> dict[str, Any]:
    """What PyGithub sends."""
    import github

    material = MATERIAL["rsa2048"]
    with recording(ANSWER, status=201) as server:
        auth = github.Auth.AppAuth("Iv23liCLIENTID", material.pair[0])
        with github.GithubIntegration(auth=auth, base_url=server.url) as integration:
            integration.get_access_token(12345)
        seen = read(server.requests[0], material.known)
    return {"sdk": {"name": "PyGithub", "version": version("PyGithub")}, "seen": seen}
