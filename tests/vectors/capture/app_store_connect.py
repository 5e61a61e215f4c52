"""app-store-server-library: the JWT of Apple's own client for the App Store Server API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

ISSUER, KEY, BUNDLE = "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34", "com.example.app"


def capture() -> dict[str, Any]:
    """What it sends with a call; the JWT alone is compared."""
    from appstoreserverlibrary.api_client import AppStoreServerAPIClient
    from appstoreserverlibrary.models.Environment import Environment

    private = MATERIAL["p256"].pair[0].encode()
    with recording({"testNotificationToken": "t"}) as server:
        client = AppStoreServerAPIClient(private, KEY, ISSUER, BUNDLE, Environment.SANDBOX)
        client._base_url = server.url
        client.request_test_notification()
        token = read(server.requests[0])["jwts"]["bearer"]
    name = "app-store-server-library"
    return {"sdk": {"name": name, "version": version(name)}, "seen": {"jwts": {"token": token}}}
