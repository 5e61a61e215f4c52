"""Fuzz target: key files of all formats. Any bytes become credentials, or a `ConfigError` without a secret of the file.

The bytes: one that chooses the provider that code names, if any, and what else it says; then the file. Nothing is asked
of a network, and no program is run.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import SaAuthError
from sa_auth.providers import PROVIDERS
from sa_auth.testing import google_key_file

from . import laws, material

FIRST = (
    None,
    "google_workload_identity",
    "google_gdch",
    "generic",
    "google",
    "box",
    "yandex",
    "sap_xsuaa",
    "coinbase_cdp",
)
NAMED = (*FIRST, *(name for name in PROVIDERS if name not in FIRST))
BESIDE: tuple[dict[str, Any], ...] = (
    {},
    {"scope": "read", "audience": "https://api.example/"},
    {"token_endpoint": "https://as.example/token", "issuer": "robot", "subject": "someone", "key_id": "k1"},
)
_SECRETS = {
    "key", "private_key", "privateKey", "passphrase", "clientSecret", "clientsecret", "client_secret", "password",
    "d", "p", "q", "dp", "dq", "qi", "k",
}  # fmt: skip


def judge(data: bytes) -> None:
    """The file becomes credentials that show nothing, or is refused in words that repeat no secret of it."""
    way, content = data[0] if data else 0, data[1:]
    provider, given = NAMED[way % len(NAMED)], BESIDE[way // len(NAMED) % len(BESIDE)]
    if provider is not None:
        given = {**given, "provider": provider}
    place = _place()
    place.write_bytes(content)
    secrets = list(_secrets_of(content))
    with laws.alone():
        try:
            credentials = ServiceAccountCredentials.from_file(place, validate_key="fast", **given)
        except SaAuthError as error:
            laws.refused(error, *secrets)
        else:
            assert repr(credentials).isprintable() and len(credentials.identity) == 32
            assert not any(piece in repr(credentials) for secret in secrets for piece in laws.pieces(secret))
            credentials.close()


@cache
def _place() -> Path:
    folder = tempfile.mkdtemp(prefix="sa_auth_fuzz_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = Path(folder) / "key.json"
    place.touch(0o600)
    os.chmod(place, 0o600)
    return place


def _secrets_of(content: bytes) -> Iterator[str]:
    """The texts in a JSON file that nobody may see; of any other file the whole."""
    try:
        found = json.loads(content.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        yield content.decode("latin-1")
        return
    todo: list[tuple[str, Any]] = [("", found)]
    secrets, others = [], []
    while todo:
        name, node = todo.pop()
        if isinstance(node, dict):
            todo += node.items()
            others += node
        elif isinstance(node, list):
            todo += ((name, part) for part in node)
        elif isinstance(node, str):
            (secrets if name in _SECRETS else others).append(node)
    # What stands in the open as well is none.
    shown = "\n".join("".join(text.split()) for text in others)
    yield from (text for text in secrets if not any(piece in shown for piece in (*laws.pieces(text), laws.SECRET)))


def seeds() -> dict[str, bytes]:
    """A file of each format, each as code names its provider and as it does not."""
    rsa, p256, secret = material.pem("rsa"), material.pem("p256"), f"{laws.SECRET}-client"
    sealed = material.made()["rsa"].private_bytes(
        *(material.Encoding.PEM, material.PrivateFormat.PKCS8),
        material.serialization.BestAvailableEncryption(material.PASSWORD.encode()),
    )
    app = {
        "clientID": "id", "clientSecret": secret,
        "appAuth": {"publicKeyID": "k1", "privateKey": sealed.decode(), "passphrase": material.PASSWORD},
    }  # fmt: skip
    external = {
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/x", "token_url": "https://sts.googleapis.com/v1/token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }  # fmt: skip
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.example:generateAccessToken"
    sources: tuple[dict[str, Any], ...] = (
        {"file": "/run/token"},
        {
            "url": "https://x.example/t",
            "headers": {"a": "b"},
            "format": {"type": "json", "subject_token_field_name": "t"},
        },
        {"executable": {"command": "/bin/true -x", "timeout_millis": 5000}},
        {
            "environment_id": "aws1",
            "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity",
        },
    )
    own = {"type": "sa_auth", "key": p256, "issuer": "robot", "token_endpoint": "https://as.example/token"}
    files: dict[str, tuple[int, Any]] = {
        "google": (0, google_key_file(private_key_pem=rsa, key_id="k1")),
        "universe": (0, google_key_file(private_key_pem=rsa, key_id="k1", universe_domain="other.example")),
        "box": (0, {"boxAppSettings": app, "enterpriseID": "123"}),
        "yandex": (0, {"id": "k1", "service_account_id": "a", "key_algorithm": "RSA_2048", "private_key": rsa}),
        "coinbase": (0, {"name": "organizations/o/apiKeys/k", "privateKey": p256}),
        "sap": (0, {"clientid": "c", "certurl": "https://z.authentication.cert.eu10.hana.ondemand.com", "key": rsa,
                    "certificate": material.certificate_pem("rsa"), "uaadomain": "authentication.eu10.hana.ondemand.com"}),
        "sap_secret": (0, {"uaa": {"clientid": "c", "clientsecret": secret, "uaadomain": "d",
                                   "url": "https://z.authentication.eu10.hana.ondemand.com"}}),
        "gdch": (2, {"type": "gdch_service_account", "format_version": "1", "project": "p", "name": "n", "private_key_id": "k",
                     "private_key": p256, "token_uri": "https://gdch.example/authenticate", "ca_cert_path": ""}),
        "own": (0, own),
        "own_with_all": (0, {**own, "scope": "a b", "claims": {"a": 1}, "headers": {"x": "y"}, "form": {"a": "b"}, "dpop": True,
                             "lifetime": 60, "audience": "https://as.example", "subject": "s", "key_id": "k1", "timeout": 5,
                             "grant": "client_credentials", "server": "https://as.example", "resource": ["https://r.example"],
                             "client_auth": "private_key_jwt", "allowed_hosts": ["api.example"], "algorithm": "ES256"}),
        "jwk": (0, material.jwk("p256")),
        "person": (0, {"type": "authorized_user", "client_secret": secret}),
    }  # fmt: skip
    for number, source in enumerate(sources):
        files[f"external_{number}"] = (
            1,
            {**external, "credential_source": source, "service_account_impersonation_url": url},
        )
        files[f"client_{number}"] = (
            1,
            {**external, "credential_source": source, "client_id": "c", "client_secret": secret},
        )
    found = {name: bytes([number]) + json.dumps(value).encode() for name, (number, value) in files.items()}
    for number, name in enumerate(NAMED):
        if name is not None:
            found[f"own_for_{name}"] = bytes([number]) + json.dumps({**own, "key": rsa, "key_id": "k1"}).encode()
    for name, (number, _) in files.items():
        found[f"{name}_with_scope"] = bytes([number + len(NAMED)]) + found[name][1:]
    by_code = bytes([2 * len(NAMED)])
    found["pem"] = by_code + p256.encode()
    found["jwk_by_code"] = by_code + found["jwk"][1:]
    found["pfx"] = by_code + material.pfx("p256", material.serialization.NoEncryption())
    return found
