"""A claim about us: self-issued and minted afresh each time, or handed over by a token service (RFC 7521 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._registry import Registry
from .base import Assertion
from .self_issued import SelfIssued

if TYPE_CHECKING:
    from .aws_caller_identity import AWSCallerIdentity
    from .azure_workload_identity import AzureWorkloadIdentity
    from .from_callable import FromCallable
    from .from_credentials import FromCredentials
    from .from_environment import FromEnvironment
    from .from_executable import FromExecutable
    from .from_file import FromFile
    from .from_url import FromURL
    from .github_actions import GitHubActions
    from .gitlab import GitLab
    from .given import Given, source_of
    from .kubernetes import Kubernetes

__all__ = [
    "ASSERTIONS",
    "AWSCallerIdentity",
    "Assertion",
    "AzureWorkloadIdentity",
    "FromCallable",
    "FromCredentials",
    "FromEnvironment",
    "FromExecutable",
    "FromFile",
    "FromURL",
    "GitHubActions",
    "GitLab",
    "Given",
    "Kubernetes",
    "SelfIssued",
    "source_of",
]

# Token services that are known by where the program runs. One is one file here and one line.
ASSERTIONS = Registry(
    "token service",
    {
        "azure_workload_identity": "sa_auth.assertions.azure_workload_identity:AzureWorkloadIdentity",
        "github_actions": "sa_auth.assertions.github_actions:GitHubActions",
        "gitlab": "sa_auth.assertions.gitlab:GitLab",
        "kubernetes": "sa_auth.assertions.kubernetes:Kubernetes",
    },
)

# Most programs hand over no assertion, or one kind of it: the others stay unread.
_LATE = Registry(
    "assertion",
    {
        "AWSCallerIdentity": "sa_auth.assertions.aws_caller_identity:AWSCallerIdentity",
        "AzureWorkloadIdentity": "sa_auth.assertions.azure_workload_identity:AzureWorkloadIdentity",
        "FromCallable": "sa_auth.assertions.from_callable:FromCallable",
        "FromCredentials": "sa_auth.assertions.from_credentials:FromCredentials",
        "FromEnvironment": "sa_auth.assertions.from_environment:FromEnvironment",
        "FromExecutable": "sa_auth.assertions.from_executable:FromExecutable",
        "FromFile": "sa_auth.assertions.from_file:FromFile",
        "FromURL": "sa_auth.assertions.from_url:FromURL",
        "GitHubActions": "sa_auth.assertions.github_actions:GitHubActions",
        "GitLab": "sa_auth.assertions.gitlab:GitLab",
        "Given": "sa_auth.assertions.given:Given",
        "Kubernetes": "sa_auth.assertions.kubernetes:Kubernetes",
        "source_of": "sa_auth.assertions.given:source_of",
    },
)


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return _LATE[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
