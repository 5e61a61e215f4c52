"""The token that the webhook of Azure Workload Identity projects into a pod.

Rule: the variable is read for every exchange, and so is the file it names. Stands under client authentication.
Source: azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..token import NOTHING
from .from_environment import variable
from .from_file import FromFile
from .handed import HandedOver

_VARIABLE = "AZURE_FEDERATED_TOKEN_FILE"


class AzureWorkloadIdentity(HandedOver):
    """Reads the file that AZURE_FEDERATED_TOKEN_FILE names.

    Example:
        >>> AzureWorkloadIdentity().fingerprint()
        ('azure_workload_identity',)
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(f"the file that {_VARIABLE} names")

    def read(self) -> str | bytes:
        """What is in the file now."""
        return FromFile(variable(_VARIABLE)).read()

    def advice(self) -> str:
        """What makes the webhook set the variable."""
        return (
            'Label the pod `azure.workload.identity/use: "true"` and give it a service account that is annotated with '
            "`azure.workload.identity/client-id`; the webhook then sets the variable and mounts the file."
        )

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """Nothing: the other process has its own variable."""
        return (), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """Its name: a pod has one such token."""
        return ("azure_workload_identity",)

    def __repr__(self) -> str:
        return "AzureWorkloadIdentity()"
