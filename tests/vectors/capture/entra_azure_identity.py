"""azure-identity: an application in its own name by its certificate, without asyncio: it has msal sign there.

Rule: its transports are told to bring every request to the recorder, whatever host it is for.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import Recorder, read, recording
from tests.vectors.capture.entra import CLIENT, SCOPE, SERVER, TENANT, answers, names

MATERIAL_KIND = "rsa2048"


def capture() -> dict[str, Any]:
    """What azure-identity sends without asyncio."""
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import CertificateCredential

    class Diverted(RequestsTransport):
        def send(self, request: Any, **kwargs: Any) -> Any:
            return super().send(to_recorder(request, server), **kwargs)

    with recording(answers(SERVER)) as server:
        CertificateCredential(
            TENANT, CLIENT, certificate_data=certificate(), disable_instance_discovery=True,
            transport=Diverted(use_env_settings=False),
        ).get_token(SCOPE)  # fmt: skip
        return {"sdk": sdk(), "seen": token_request(server)}


def to_recorder(request: Any, server: Recorder) -> Any:
    """The same request to the recorder's address."""
    request.url = f"{server.url}/{request.url.split('://', 1)[1].partition('/')[2]}"
    return request


def certificate() -> bytes:
    """Key and certificate in one PEM."""
    material = MATERIAL[MATERIAL_KIND]
    return material.pair[0].encode() + material.certificate


def token_request(server: Recorder) -> dict[str, Any]:
    """The token request among those that came."""
    return read(next(got for got in server.requests if got.method == "POST"), names(MATERIAL[MATERIAL_KIND]))


def sdk() -> dict[str, str]:
    """Which library, and which release of it."""
    return {"name": "azure-identity", "version": version("azure-identity")}
