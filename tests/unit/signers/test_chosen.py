"""A key that signs by what a server takes, whichever key its file holds by now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sa_auth import ConfigError, KeyLoadError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.keys import from_pem
from sa_auth.signers.chosen import ChosenAlgorithm
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import ManualClock, new_key
from tests.unit.providers.serving import EC, RSA, RSA_PUBLIC, serving


def test_the_first_that_fits() -> None:
    """Of a server's algorithms the first that the key can is used."""
    signer = LocalSigner(from_pem(EC), key_id="k1")
    chosen = ChosenAlgorithm(signer, ["RS384", "ES256"])
    assert (chosen.algorithm, chosen.key_id) == ("ES256", "k1")


def test_none_fits() -> None:
    """A key that can none of them is refused."""
    with pytest.raises((ConfigError, KeyLoadError)):
        ChosenAlgorithm(LocalSigner(from_pem(EC)), ["RS256"])


def test_a_key_of_another_kind_in_the_file(tmp_path: Path, sa_clock: ManualClock) -> None:
    """A new key that the vendor would not take is not used: the old one signs on, until one comes that it takes."""
    path = tmp_path / "robot.pem"
    later = new_key("rsa2048", fresh=True)

    def put(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").chmod(0o600)
        os.replace(tmp_path / "new", path)

    put(RSA)
    with serving("salesforce", sa_clock) as served:
        creds = ServiceAccountCredentials.from_file(
            path, provider="salesforce", issuer="app", subject="robot@acme.example", clock=sa_clock, cache=MemoryCache(),
            token_endpoint=f"{served.url}/services/oauth2/token",
        )  # fmt: skip
        algorithms = []
        for text, public in ((RSA, RSA_PUBLIC), (EC, RSA_PUBLIC), later):
            served.authority.register("app", public, subjects="robot@acme.example")
            put(text)
            creds.token()
            algorithms.append(served.authority.requests[-1].header["alg"])
            sa_clock.advance(3600)
    assert algorithms == ["RS256", "RS256", "RS256"]
    assert served.authority.exchanges == 3
