"""azure-identity with asyncio: it signs by itself there, and not by msal."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.vectors.capture import recording
from tests.vectors.capture.entra import CLIENT, SCOPE, SERVER, TENANT, answers
from tests.vectors.capture.entra_azure_identity import certificate, sdk, to_recorder, token_request


def capture() -> dict[str, Any]:
    """What azure-identity sends with asyncio."""
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity.aio import CertificateCredential

    class Diverted(AsyncioRequestsTransport):
        async def send(self, request: Any, **kwargs: Any) -> Any:
            return await super().send(to_recorder(request, server), **kwargs)

    async def ask() -> None:
        credential = CertificateCredential(
            TENANT, CLIENT, certificate_data=certificate(), disable_instance_discovery=True,
            transport=Diverted(use_env_settings=False),
        )  # fmt: skip
        async with credential:
            await credential.get_token(SCOPE)

    with recording(answers(SERVER)) as server:
        asyncio.run(ask())
        return {"sdk": sdk(), "seen": token_request(server)}
