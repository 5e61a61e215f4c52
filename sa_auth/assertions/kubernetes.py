"""The token that Kubernetes projects into a pod for its service account.

Rule: read for every exchange, since the kubelet replaces it in time. Stands under the grants.
Source: kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/, "Launch a Pod using service account
token projection".
"""

from __future__ import annotations

import os

from .from_file import FromFile


class Kubernetes(FromFile):
    """Reads the service account's token of this pod.

    Args:
        path: Where it is mounted. The default one is for the cluster's own API; for anybody else project one with the
            audience that they expect.

    Example:
        >>> Kubernetes("/var/run/secrets/tokens/vault").describe()
        "an assertion from the file '/var/run/secrets/tokens/vault'"
    """

    __slots__ = ()

    def __init__(
        self, path: str | bytes | os.PathLike[str] = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    ) -> None:
        super().__init__(path)

    def advice(self) -> str:
        """What mounts a token there."""
        return (
            "Does this run in a pod whose spec mounts a token there? "
            "`volumes: [{name: token, projected: {sources: [{serviceAccountToken: {path: token, audience: ...}}]}}]`."
        )
