"""The samples for Salesforce, GitHub and Box run as they stand, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sa_auth.testing import Authority, new_key
from tests.docs.vendors import box, write
from tests.samples.test_samples import SAMPLES, run

PRIVATE, PUBLIC = new_key("rsa2048")
APP, USER = "CONSUMER_KEY", "robot@acme.example"


def ended(name: str, *arguments: str) -> str:
    """Runs a sample that does not succeed, and gives what it said of that."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SAMPLES / name), *arguments], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def key_file(folder: Path) -> str:
    """A key as PEM."""
    write(folder / "robot.pem", PRIVATE)
    return str(folder / "robot.pem")


def test_a_query_at_salesforce(tmp_path: Path) -> None:
    """One exchange, and one call to where the API is."""
    authority = Authority(dialect="salesforce")
    authority.register(APP, PUBLIC, subjects=USER)
    with authority.serve() as server:
        shown = run("salesforce.py", key_file(tmp_path), APP, USER, "SELECT Name FROM Account", "--server", server.url,
                    "--instance", server.api_url)  # fmt: skip
    assert "'path': '/api/services/data/v62.0/query'" in shown
    assert (authority.exchanges, authority.api.calls) == (1, 1)
    assert not authority.requests[0].broken


def test_a_user_who_did_not_approve(tmp_path: Path) -> None:
    """Without approval it ends with the address that the user opens."""
    authority = Authority(dialect="salesforce")
    authority.register(APP, PUBLIC, subjects="nobody")
    with authority.serve() as server:
        shown = ended(
            "salesforce.py", key_file(tmp_path), APP, USER, "SELECT Name FROM Account", "--server", server.url
        )
    assert f"/services/oauth2/authorize?response_type=code&client_id={APP}" in shown


def test_an_installations_repositories(tmp_path: Path) -> None:
    """One exchange at the installation's address, and one call."""
    authority = Authority(dialect="github")
    authority.register("Iv23liCLIENTID", PUBLIC)
    with authority.serve() as server:
        shown = run("github_app.py", key_file(tmp_path), "Iv23liCLIENTID", "12345", "--server", server.url, "--api",
                    server.api_url)  # fmt: skip
    assert shown == "200\n"
    assert authority.requests[0].path == "/app/installations/12345/access_tokens"
    assert (authority.exchanges, authority.api.calls) == (1, 1)


def test_a_token_of_less(tmp_path: Path) -> None:
    """At an own server, for one repository and one permission."""
    authority = Authority(dialect="github")
    authority.register("42", PUBLIC)
    with authority.serve() as server:
        shown = run("github_app.py", key_file(tmp_path), "42", "7", "--server", f"{server.url}/api/v3", "--api",
                    server.api_url, "--repository", "one", "--permission", "contents=read")  # fmt: skip
    assert shown == "200\n"
    assert authority.requests[0].path == "/api/v3/app/installations/7/access_tokens"
    assert not authority.requests[0].broken


def test_an_unknown_app(tmp_path: Path) -> None:
    """An app that GitHub does not know ends in GitHub's words and what to change."""
    with Authority(dialect="github").serve() as server:
        shown = ended("github_app.py", key_file(tmp_path), "42", "7", "--server", server.url)
    assert "Integration not found" in shown
    assert "There is no app 42" in shown


def test_a_box_app_and_two_users(tmp_path: Path) -> None:
    """The service account and each user are a token each, from one file."""
    box.make(tmp_path, PRIVATE)
    authority = Authority(dialect="box")
    authority.register("app1", PUBLIC, key_id="ab12cd34", client_id="app1", client_secret="app1-secret")
    with authority.serve() as server:
        shown = run("box.py", str(tmp_path / "box_config.json"), "456", "789", "--api", f"{server.api_url}/2.0",
                    "--token-endpoint", f"{server.url}/oauth2/token")  # fmt: skip
    assert shown == "service account 200 \n456 200\n789 200\n"
    kinds = [(record.claims["sub"], record.claims["box_sub_type"]) for record in authority.requests]
    assert kinds == [("123", "enterprise"), ("456", "user"), ("789", "user")]
    assert (authority.exchanges, authority.api.calls) == (3, 3)
