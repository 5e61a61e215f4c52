"""The samples for Entra ID and Okta run as they stand, each in a process of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from sa_auth.testing import Authority, new_key
from tests.docs.vendors import write
from tests.docs.vendors.okta import jwk_of
from tests.samples.test_samples import run, self_signed

APP, TENANT = "11112222-bbbb-3333-cccc-4444dddd5555", "contoso.onmicrosoft.com"


def test_entra_by_a_certificate(tmp_path: Path) -> None:
    """A PFX signs in: one exchange and one call."""
    private, public = new_key("rsa2048")
    key = load_pem_private_key(private.encode(), None)
    write(tmp_path / "robot.pfx", serialize_key_and_certificates(
        b"robot", key, self_signed(key), None, BestAvailableEncryption(b"pw")))  # fmt: skip
    authority = Authority(dialect="entra")
    authority.register(APP, public)
    with authority.serve() as server:
        shown = run("entra.py", TENANT, APP, f"{server.api_url}/users", str(tmp_path / "robot.pfx"),
                    AZURE_AUTHORITY_HOST=f"{server.url}/", PFX_PASSWORD="pw")  # fmt: skip
    assert shown == "200\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)
    assert authority.requests[0].path == f"/{TENANT}/oauth2/v2.0/token"
    assert authority.requests[0].client_header["alg"] == "PS256"


def test_entra_in_a_pod(tmp_path: Path) -> None:
    """The token of the cluster signs in, from a file that ends with a line end."""
    private, public = new_key("p256")
    now = int(time.time())
    claims = {"iss": "https://cluster.example", "sub": "system:serviceaccount:a:b", "aud": "api://AzureADTokenExchange",
              "iat": now, "exp": now + 600}  # fmt: skip
    (tmp_path / "token").write_text(jwt.encode(claims, private, algorithm="ES256") + "\n")
    authority = Authority(dialect="entra")
    authority.register(APP)
    authority.trust_issuer("https://cluster.example", public, subjects={"system:serviceaccount:a:b": APP})
    with authority.serve() as server:
        shown = run("entra.py", TENANT, APP, f"{server.api_url}/users", AZURE_AUTHORITY_HOST=server.url,
                    AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "token"))  # fmt: skip
    assert shown == "200\n"
    assert authority.exchanges == 1


@pytest.mark.parametrize("bound", [False, True])
def test_okta(bound: bool, tmp_path: Path) -> None:
    """The console's key signs in, by DPoP where the application demands it."""
    private, public = new_key("rsa2048")
    write(tmp_path / "okta-key.json", json.dumps(jwk_of(private, "k1")))
    authority = Authority(dialect="okta")
    authority.register("0oar95zt9zIpYuz6A0h7", public, key_id="k1", dpop_bound=bound)
    authority.dpop_nonce = bound
    with authority.serve() as server:
        shown = run("okta.py", str(tmp_path / "okta-key.json"), "0oar95zt9zIpYuz6A0h7", server.url,
                    "--url", f"{server.api_url}/users", *(["--dpop"] if bound else []))  # fmt: skip
    assert shown == "200\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)
    assert [record.status for record in authority.requests if record.endpoint == "token"] == (
        [400, 200] if bound else [200]
    )
