"""githubkit: a token of an installation for the app's key, asked for when the first call wants one."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording
from tests.vectors.capture.github import ANSWER


def capture() -> dict[str, Any]:
    """What githubkit sends for a token."""
    from githubkit import AppInstallationAuthStrategy, GitHub

    material = MATERIAL["rsa2048"]
    # The whole of what an answer has to hold, since it is checked there.
    answer = {**ANSWER, "permissions": {"contents": "read"}}
    with recording(answer, status=201) as server:
        auth = AppInstallationAuthStrategy("Iv23liCLIENTID", material.pair[0], 12345)
        with GitHub(auth, base_url=f"{server.url}/") as client:
            client.request("GET", "/installation/repositories")
        seen = read(server.requests[0], material.known)
    return {"sdk": {"name": "githubkit", "version": version("githubkit")}, "seen": seen}
