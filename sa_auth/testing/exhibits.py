"""Shows a record as JSON: the request, each verdict with the sentence behind it, and the keys it was checked with.

Rule: nothing leaves here that `redaction` has not seen.

Source: RFC 7638 for the thumbprint of a key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping
from typing import Any

from . import redaction
from .record import Record
from .registration import VerifyKey
from .rules import RULES, Rule

# RFC 7638 section 3.2: the members that are required, and nothing else.
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
# What curl writes by itself.
_ITS_OWN = frozenset({"content-length", "connection", "accept-encoding", "expect", "transfer-encoding"})
_KEPT = {True: "kept", False: "broken", None: "unjudged"}


def summary(record: Record) -> dict[str, Any]:
    """What the list shows of a record."""
    return {
        "number": record.number,
        "at": record.at,
        "method": record.method,
        "path": redaction.text(record.path),
        "endpoint": record.endpoint,
        "status": record.status,
        "error": record.error,
        "planned": record.planned,
        "who": redaction.text(_who(record)),
        "grant": redaction.text(record.form.get("grant_type", "").rpartition(":")[2]),
        "scope": redaction.text(record.scope or record.form.get("scope", "")),
        "token": record.token,
        "broken": [verdict.rule for verdict in record.broken],
    }


def detail(record: Record, own: tuple[Rule, ...] = ()) -> dict[str, Any]:
    """All that the page shows of a record.

    Args:
        record: The record.
        own: The rules of the authority's dialect.
    """
    rules = {(each.name, each.section): each for each in (*RULES, *own)}
    return {
        **summary(record),
        "headers": redaction.headers(record.http_headers),
        "form": redaction.form(record.form.pairs),
        "parts": [
            {"title": title, "header": redaction.values(header), "claims": redaction.values(claims)}
            for title, header, claims in (
                ("The assertion", record.header, record.claims),
                ("The client's assertion", record.client_header, record.client_claims),
                ("The DPoP proof", record.dpop_header, record.dpop_claims),
            )
            if header or claims
        ],
        "client": record.client,
        "client_method": record.client_method,
        "token_until": record.token_until,
        "verdicts": [
            {
                "rule": verdict.rule,
                "section": verdict.section,
                "result": _KEPT[verdict.ok],
                "detail": redaction.text(verdict.detail),
                "sentence": _sentence(rules.get((verdict.rule, verdict.section))),
            }
            for verdict in record.verdicts
        ],
        "keys": _keys(record),
        "curl": curl(record),
    }


def curl(record: Record) -> str:
    """The request as a command for a shell, its secrets left out; the host is the one that the request named."""
    fields = dict(redaction.headers(record.http_headers))
    host = fields.pop("host", "127.0.0.1")
    method = [] if record.method == ("POST" if record.form.pairs else "GET") else ["-X", record.method]
    lines = [["curl", *method, f"http://{host}{redaction.text(record.path)}"]]
    lines += [["-H", f"{name}: {value}"] for name, value in fields.items() if name not in _ITS_OWN]
    lines += [["--data-urlencode", f"{name}={value}"] for name, value in redaction.form(record.form.pairs)]
    return " \\\n  ".join(shlex.join(line) for line in lines)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a public key.

    Example:
        >>> thumbprint({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
        'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    members = {name: jwk[name] for name in _REQUIRED[jwk["kty"]]}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _who(record: Record) -> str:
    """Who asked, as far as the request says so."""
    said = record.claims.get("iss") or record.client or record.client_claims.get("iss") or record.form.get("client_id")
    return said if isinstance(said, str) else ""


def _sentence(rule: Rule | None) -> str:
    return "" if rule is None else rule.sentence


def _keys(record: Record) -> list[dict[str, Any]]:
    verdicts = {verdict.rule: verdict.ok for verdict in record.verdicts}
    found = []
    for purpose, keys, rule in (
        ("the assertion", record.keys, "signature_valid"),
        ("the client's assertion", record.client_keys, "client_signature_valid"),
    ):
        found += [{"purpose": purpose, "signed": bool(verdicts.get(rule)), **_key(key)} for key in keys]
    return found


def _key(key: VerifyKey) -> dict[str, Any]:
    """A public key in both its forms; of a client's secret no more than that it is one."""
    shown: dict[str, Any] = {"kid": key.key_id, "algorithms": list(key.algorithms)}
    if isinstance(key.key, bytes):
        return {**shown, "secret": True}
    import jwt  # late, with cryptography: only an opened request needs them
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    jwk = json.loads(jwt.get_algorithm_by_name(key.algorithms[0]).to_jwk(key.key))
    jwk.pop("key_ops", None)
    pem = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    return {**shown, "secret": False, "thumbprint": thumbprint(jwk), "jwk": jwk, "pem": pem}
