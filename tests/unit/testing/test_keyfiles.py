"""Fresh keys and key files as Google's console makes them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sa_auth.testing import google_key_file, new_key


@pytest.mark.parametrize(
    ("kind", "private_type"),
    [
        ("rsa2048", rsa.RSAPrivateKey),
        ("p256", ec.EllipticCurvePrivateKey),
        ("p384", ec.EllipticCurvePrivateKey),
        ("p521", ec.EllipticCurvePrivateKey),
        ("ed25519", ed25519.Ed25519PrivateKey),
    ],
)
def test_each_kind_is_a_pair_that_belongs_together(kind: str, private_type: type) -> None:
    """Both halves are PEM, of the kind asked for, and the public one is that of the private one."""
    private_pem, public_pem = new_key(kind)
    private = serialization.load_pem_private_key(private_pem.encode(), None)
    assert isinstance(private, private_type)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public.decode() == public_pem


def test_rsa_keys_are_made_once_per_process() -> None:
    """Two calls give the same RSA key, unless a fresh one is asked for."""
    assert new_key("rsa2048") == new_key("rsa2048")
    assert new_key("rsa2048", fresh=True) != new_key("rsa2048")


def test_an_unknown_kind_is_refused_by_name() -> None:
    """The error names the kind and those there are."""
    with pytest.raises(ValueError, match=r"dsa.*rsa2048"):
        new_key("dsa")


def test_the_fields_are_those_of_googles_console() -> None:
    """A key file has exactly the eleven fields that Google's has."""
    info = google_key_file(private_key_pem="PEM", email="robot@p.test", token_uri="http://127.0.0.1:1/token")
    assert list(info) == [
        "type",
        "project_id",
        "private_key_id",
        "private_key",
        "client_email",
        "client_id",
        "auth_uri",
        "token_uri",
        "auth_provider_x509_cert_url",
        "client_x509_cert_url",
        "universe_domain",
    ]
    assert (info["client_email"], info["token_uri"]) == ("robot@p.test", "http://127.0.0.1:1/token")
    assert info["client_x509_cert_url"].endswith("/robot%40p.test")
    assert len(info["private_key_id"]) == 40


def test_fields_can_be_replaced_and_removed() -> None:
    """Changes replace or add a field; None removes one."""
    info = google_key_file(private_key_pem="PEM", changes={"type": "other", "project_id": None, "more": 1})
    assert (info["type"], info["more"], "project_id" in info) == ("other", 1, False)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_file_is_private_under_any_umask_and_over_an_open_one(tmp_path: Path) -> None:
    """The file is readable by its owner alone, also where one with wider rights stood before."""
    path = tmp_path / "key.json"
    path.write_text("x" * 10_000)
    path.chmod(0o666)
    before = os.umask(0)
    try:
        info = google_key_file(path, private_key_pem="PEM")
        google_key_file(tmp_path / "new.json", private_key_pem="PEM")
    finally:
        os.umask(before)
    assert json.loads(path.read_text()) == info
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o600
