"""A Google workload identity pool that trusts one issuer, and the file for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import SaAuthError
from sa_auth.policy import Retry
from tests.unit.providers.serving import RSA, RSA_PUBLIC, Served

NAME, SCOPE = "google_workload_identity", "https://www.googleapis.com/auth/cloud-platform"
POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/idp"
JWT = "urn:ietf:params:oauth:token-type:jwt"


class Pool:
    """A pool whose provider trusts one issuer, and the file for it."""

    def __init__(self, google: Served, folder: Path) -> None:
        self.google, self.folder = google, folder
        google.authority.register("https://idp.example", RSA_PUBLIC)

    def token(self, *, key: str = RSA, **changes: Any) -> str:
        """A token of that issuer."""
        now = int(self.google.clock.now().wall)
        claims = {"iss": "https://idp.example", "sub": "job", "aud": f"https:{POOL}", "iat": now, "exp": now + 300}
        return jwt.encode({**claims, **changes}, key, algorithm="RS256")

    def file(self, text: str | None = None) -> str:
        """The path of a file that holds the token."""
        path = self.folder / "token"
        path.write_text(self.token() if text is None else text)
        path.chmod(0o600)
        return str(path)

    def info(self, source: Any = None, **changes: Any) -> dict[str, Any]:
        """The configuration, with changes; None leaves a field out."""
        info = {
            "type": "external_account", "audience": POOL, "subject_token_type": JWT,
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": self.file()} if source is None else source, **changes,
        }  # fmt: skip
        return {name: value for name, value in info.items() if value is not None}

    def opened(self, info: Any = None, **changes: Any) -> ServiceAccountCredentials:
        """Credentials of it, for where it is served."""
        given = {
            "provider": NAME, "scope": SCOPE, "clock": self.google.clock, "cache": MemoryCache(),
            "token_endpoint": f"{self.google.url}/v1/token", "retry": Retry(attempts=1), **changes,
        }  # fmt: skip
        return ServiceAccountCredentials.from_info(self.info() if info is None else info, **given)

    def refused(self, info: Any = None, **changes: Any) -> SaAuthError:
        """The refusal of a sign-in."""
        with self.opened(info, **changes) as creds, pytest.raises(SaAuthError) as caught:
            creds.token()
        assert caught.value.hint
        return caught.value
