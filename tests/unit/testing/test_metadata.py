"""What the authority says of itself, and where."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import pytest

from sa_auth.testing import Authority
from sa_auth.wire import Request

OAUTH, OIDC = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


def read(authority: Authority, url: str) -> dict[str, Any] | int:
    """The document at a URL, or the status of what is no document."""
    response = authority.handle(Request(url, method="GET"))
    return json.loads(response.body) if response.status == 200 else response.status


@pytest.mark.parametrize("path", [OAUTH, OIDC])
def test_both_documents_tell_the_truth(path: str) -> None:
    """The issuer is exact, and the endpoints are those that answer."""
    authority = Authority(issuer="https://as.test")
    fields = read(authority, f"https://as.test{path}")
    assert isinstance(fields, dict)
    assert fields["issuer"] == "https://as.test"
    assert fields["token_endpoint"] == authority.token_endpoint
    assert fields["revocation_endpoint"] == "https://as.test/revoke"
    assert {"private_key_jwt", "client_secret_jwt"} <= set(fields["token_endpoint_auth_methods_supported"])
    assert {"client_credentials", "authorization_code"} <= set(fields["grant_types_supported"])
    assert "ES256" in fields["dpop_signing_alg_values_supported"]
    assert "mtls_endpoint_aliases" not in fields
    assert authority.metadata_reads == 1


def test_a_path_of_the_issuer_goes_where_each_rfc_puts_it() -> None:
    """RFC 8414 section 3.1 inserts the well-known part before the path, OpenID Connect appends it."""
    authority = Authority(issuer="https://as.test/one")
    for url in (f"https://as.test{OAUTH}/one", f"https://as.test/one{OIDC}"):
        fields = read(authority, url)
        assert isinstance(fields, dict)
        assert (fields["issuer"], fields["token_endpoint"]) == ("https://as.test/one", authority.token_endpoint)
    for url in (f"https://as.test/one{OAUTH}", f"https://as.test{OIDC}/one", f"https://as.test{OAUTH}"):
        assert read(authority, url) == 404
    assert authority.handle(Request(authority.token_endpoint)).status == 400


@pytest.mark.parametrize(("style", "found"), [("both", [200, 200]), ("oauth", [200, 404]), ("oidc", [404, 200])])
def test_one_of_them_can_be_missing(style: str, found: list[int]) -> None:
    """A server may have one of the two; the other is not found, and not counted."""
    authority = Authority()
    authority.metadata_style = style
    statuses = [authority.handle(Request(authority.issuer + path, method="GET")).status for path in (OAUTH, OIDC)]
    assert statuses == found
    assert authority.metadata_reads == found.count(200)


def test_fields_can_be_played() -> None:
    """A test may replace a field, or remove it."""
    authority = Authority()
    authority.metadata_changes = {"issuer": "https://evil.test", "revocation_endpoint": None}
    fields = read(authority, authority.issuer + OAUTH)
    assert isinstance(fields, dict)
    assert fields["issuer"] == "https://evil.test"
    assert "revocation_endpoint" not in fields


def test_it_is_read_by_get() -> None:
    """A POST is not a read."""
    authority = Authority()
    response = authority.handle(Request(authority.issuer + OAUTH))
    assert (response.status, response.headers["allow"]) == (405, "GET")
    assert authority.metadata_reads == 0


def test_behind_a_server_the_issuer_is_its_url() -> None:
    """Whoever reads over HTTP, by either name of this machine, is told the server's URL."""
    authority = Authority()
    with authority.serve() as server:
        for base in (server.url, server.url.replace("127.0.0.1", "localhost")):
            with urlopen(base + OAUTH, timeout=10) as answer:
                fields = json.loads(answer.read())
            assert (fields["issuer"], fields["token_endpoint"]) == (server.issuer, server.token_endpoint)
    assert authority.metadata_reads == 2
