"""A vendor's dialect served over HTTP, for the tests of a vendor: signing in there, and being refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import TokenEndpointError
from sa_auth.policy import Retry
from sa_auth.testing import Authority, ManualClock, google_key_file, new_key
from sa_auth.testing.record import Record

RSA, RSA_PUBLIC = new_key("rsa2048")
OTHER_RSA, OTHER_RSA_PUBLIC = new_key("rsa2048", fresh=True)
EC, EC_PUBLIC = new_key("p256")


class Served:
    """An authority that plays a dialect.

    Args:
        authority: It.
        url: Where it listens.
        clock: The time of both sides.
        given: Arguments of the credentials, "<url>" in a text stands for where it listens.
    """

    def __init__(self, authority: Authority, url: str, clock: ManualClock, given: Mapping[str, Any]) -> None:
        self.authority, self.url, self.clock, self.given = authority, url, clock, given

    def credentials(self, **changes: Any) -> ServiceAccountCredentials:
        """Credentials for it, with changes; None leaves an argument out."""
        given = {"clock": self.clock, "cache": MemoryCache(), **self.given, **changes}
        filled = {name: value.replace("<url>", self.url) if isinstance(value, str) else value
                  for name, value in given.items() if value is not None}  # fmt: skip
        return ServiceAccountCredentials(**filled)

    def sign_in(self, **changes: Any) -> Record:
        """Signs in, and gives the request as it was judged."""
        with self.credentials(**changes) as creds:
            token = creds.token()
            assert token.access_token
        record = self.authority.requests[-1]
        assert not record.broken
        return record

    def refused(self, **changes: Any) -> TokenEndpointError:
        """The refusal of a sign-in, once it is known to have advice and to have come at the first request."""
        with (
            self.credentials(**{"retry": Retry(attempts=1), **changes}) as creds,
            pytest.raises(TokenEndpointError) as caught,
        ):
            creds.token()
        assert caught.value.hint
        return caught.value

    def said(self, body: Mapping[str, Any], status: int = 400, **changes: Any) -> TokenEndpointError:
        """What becomes of a refusal in these words."""
        with self.authority.answer(status, body):
            return self.refused(**changes)

    def bad(self, **changes: Any) -> ConfigError:
        """The error at construction; nothing was sent."""
        before = len(self.authority.requests)
        with pytest.raises(ConfigError) as caught:
            self.credentials(**changes)
        assert caught.value.hint
        assert len(self.authority.requests) == before
        return caught.value

    def foreign_file(self) -> ConfigError:
        """The error of another vendor's key file."""
        info = google_key_file(email="robot@demo.iam.gserviceaccount.com", private_key_pem=RSA)
        given = {name: value for name, value in self.given.items() if name not in {"key", "key_id"}}
        with pytest.raises(ConfigError) as caught:
            ServiceAccountCredentials.from_info(info, **given)
        assert caught.value.hint
        return caught.value


@contextmanager
def serving(dialect: str, clock: ManualClock, **given: Any) -> Iterator[Served]:
    """Serves a dialect.

    Args:
        dialect: Its name.
        clock: The time of both sides.
        **given: Arguments of the credentials.
    """
    authority = Authority(clock, dialect=dialect)
    with authority.serve() as server:
        yield Served(authority, server.url, clock, {"provider": dialect, **given})
