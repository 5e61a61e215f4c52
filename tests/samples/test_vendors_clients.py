"""The samples for the clients of vendors run as they stand, each in a process of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from sa_auth.testing import Authority, Server, google_key_file, new_key
from sa_auth.wire import Request, Response
from tests.docs.vendors import write
from tests.flow.test_vendor_bridges import Account, Org, replied
from tests.samples.test_samples import EMAIL, run, self_signed
from tests.servers import storage_emulator

PRIVATE, PUBLIC = new_key("rsa2048")
TENANT, APP = "contoso.onmicrosoft.com", "11111111-2222-3333-4444-555555555555"


def test_google_cloud_storage(tmp_path: Path) -> None:
    """A file arrives in the bucket, by one exchange."""
    (tmp_path / "report.csv").write_text("a,b\n")
    authority = Authority(dialect="google")
    authority.register(EMAIL, PUBLIC)
    with authority.serve() as server, storage_emulator(authority, "my-bucket") as api:
        google_key_file(tmp_path / "key.json", email=EMAIL, private_key_pem=PRIVATE, token_uri=server.token_endpoint)
        shown = run("google_cloud_storage.py", str(tmp_path / "key.json"), "demo", "my-bucket", str(tmp_path / "report.csv"),
                    "--api", api, "--token-endpoint", server.token_endpoint)  # fmt: skip
    assert shown == "report.csv 4\n"
    assert authority.exchanges == 1


@pytest.mark.parametrize("refused", [0, 1])
def test_azure_core(refused: int, tmp_path: Path) -> None:
    """A PFX signs azure-core in; a token that is refused costs one exchange more."""
    key = load_pem_private_key(PRIVATE.encode(), None)
    write(tmp_path / "robot.pfx", serialize_key_and_certificates(
        b"robot", key, self_signed(key), None, BestAvailableEncryption(b"pw")))  # fmt: skip
    authority = Authority(dialect="entra")
    authority.register(APP, PUBLIC)
    authority.api.refuse_next(refused)
    with authority.serve() as server:
        shown = run("azure_core.py", TENANT, APP, str(tmp_path / "robot.pfx"), f"{server.api_url}/subscriptions", "--plain-http",
                    AZURE_AUTHORITY_HOST=f"{server.url}/", PFX_PASSWORD="pw")  # fmt: skip
    assert shown == "200\n"
    assert (authority.exchanges, authority.api.calls, authority.api.refused) == (1 + refused, 1, refused)
    assert not authority.requests[-1].broken


def test_salesforce_client(tmp_path: Path) -> None:
    """simple-salesforce reads a page of an org that has its own address."""
    authority = Authority(dialect="salesforce")
    authority.register("CONSUMER_KEY", PUBLIC, subjects="robot@acme.example")
    write(tmp_path / "server.key", PRIVATE)
    with authority.serve() as server, contextlib.closing(Org(authority, tmp_path)) as org:
        org.records = [{"Name": "Acme"}]
        shown = run("salesforce_client.py", str(tmp_path / "server.key"), "CONSUMER_KEY", "robot@acme.example",
                    "SELECT Name FROM Account", "--server", server.url, "--instance", org.server.url,
                    REQUESTS_CA_BUNDLE=org.ca)  # fmt: skip
    assert shown == "Acme\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)


def test_github_client(tmp_path: Path) -> None:
    """PyGithub reads an issue as the installation."""
    authority = Authority(dialect="github")
    authority.register("Iv23liCLIENTID", PUBLIC)
    write(tmp_path / "app.pem", PRIVATE)
    seen = []

    def issue(request: Request) -> Response:
        seen.append(authority.api.handle(request).status)
        return replied({"number": 7, "title": "It is broken"})

    with Server(authority, routes={"/repos/acme/things/issues/7": issue}) as server:
        shown = run("github_client.py", str(tmp_path / "app.pem"), "Iv23liCLIENTID", "12345", "acme/things", "7",
                    "--server", server.url)  # fmt: skip
    assert (shown, seen) == ("#7 It is broken\n", [200])


def test_snowflake_connector(tmp_path: Path) -> None:
    """The connector opens a session by a token of another server."""
    authority = Authority()
    authority.register("CLIENT-ID", PUBLIC)
    write(tmp_path / "robot.pem", PRIVATE)
    with Account(authority).server as server:
        shown = run("snowflake_connector.py", str(tmp_path / "robot.pem"), "CLIENT-ID", server.token_endpoint,
                    "myorg-myaccount", "robot", "--host", server.url.partition("://")[2])  # fmt: skip
    assert shown == "session 1\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)
