"""Both pictures of RFC 7521 section 3, each in both of its uses, as samples that run as they stand."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest

from sa_auth.testing import Authority, new_key
from tests.samples.test_samples import run

PRIVATE, PUBLIC = new_key("p256")
STS_PRIVATE, STS_PUBLIC = new_key("p256")
STS = "https://sts.example"


@pytest.fixture
def served():
    """A served authority that knows one client, by its own key and by a token service."""
    authority = Authority()
    authority.register("my-client", PUBLIC)
    authority.trust_issuer(STS, STS_PUBLIC, subjects={"system:robot": "my-client"})
    with authority.serve() as server:
        yield server


@pytest.mark.parametrize("use", ["client", "grant"])
def test_self_issued(use: str, served, tmp_path: Path) -> None:
    """The client's own key signs the assertion; the token that comes of it opens the API and is revoked."""
    path = tmp_path / "robot.pem"
    path.write_text(PRIVATE)
    path.chmod(0o600)
    shown = run("self_issued.py", str(path), "my-client", served.url, f"{served.api_url}/orders", "--as", use)
    assert shown == "200\n"
    assert served.authority.exchanges == 1
    field = "client_assertion" if use == "client" else "assertion"
    asked = next(record for record in served.authority.requests if record.path == "/token")
    assert jwt.decode(asked.form[field], options={"verify_signature": False})["iss"] == "my-client"
    assert served.authority.revocations == [("access_token", True)]


@pytest.mark.parametrize("use", ["client", "grant"])
def test_token_service(use: str, served, tmp_path: Path) -> None:
    """A token service signs the assertion, and what is sent is what stands in its file."""
    now = int(time.time())
    claims = {"iss": STS, "sub": "system:robot", "aud": served.url, "iat": now, "exp": now + 300, "jti": f"{use}-1"}
    assertion = jwt.encode(claims, STS_PRIVATE, algorithm="ES256")
    (tmp_path / "token").write_text(assertion + "\n")
    named = ["--client-id", "my-client"] if use == "client" else []
    shown = run(
        "token_service.py", str(tmp_path / "token"), served.url, f"{served.api_url}/orders", "--as", use, *named
    )
    assert shown == "200\n"
    field = "client_assertion" if use == "client" else "assertion"
    asked = next(record for record in served.authority.requests if record.path == "/token")
    assert asked.form[field] == assertion
