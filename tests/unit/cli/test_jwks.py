"""`sa-auth jwks`: the public half, and never a private member."""

from __future__ import annotations

import io
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sa_auth.keys.facts import certificate_pem
from sa_auth.keys.making import KINDS, generate, private_pem, self_signed_certificate
from sa_auth.testing import google_key_file, new_key

SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
SLOW = {"rsa3072", "rsa4096"}


@pytest.fixture
def pem(tmp_path):
    """Writes a key, with a certificate where one is wanted, and gives its path."""

    def write(kind="p256", *, certified=False):
        key = generate(kind)
        text = private_pem(key)
        if certified:
            text += certificate_pem([self_signed_certificate(key, "robot", 10)])
        path = tmp_path / f"{kind}.pem"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
@pytest.mark.parametrize("form", ["jwks", "pem", "cert"])
def test_nothing_private(command, pem, kind, form):
    """Of no kind of key, in no form, anything private is printed."""
    path = pem(kind, certified=True)
    done = command("jwks", path, "--format", form)
    assert (done.code, done.err) == (0, "")
    assert "PRIVATE" not in done.out
    secret = "".join(path.read_text().splitlines()[1:4])
    assert secret[20:60] not in done.out.replace("\n", "")
    if form == "jwks":
        (jwk,) = done.json["keys"]
        assert not SECRET_MEMBERS & jwk.keys()
        assert {"kid", "alg", "use", "x5c", "x5t#S256"} <= jwk.keys()


def test_a_private_jwk(command, tmp_path):
    """Of a JWK the private members stay, and kid and alg come along."""
    from sa_auth._encoding import b64url

    key = generate("ed25519")
    jwk = {**key.public_jwk(), "d": b64url(key.private_key.private_bytes_raw()), "kid": "mine", "alg": "EdDSA"}
    path = tmp_path / "key.jwk"
    path.write_text(json.dumps(jwk))
    (public,) = command("jwks", path).json["keys"]
    assert public == {**key.public_jwk(), "kid": "mine", "alg": "EdDSA", "use": "sig"}


def test_without_a_certificate(command, pem):
    """A key alone has no x5c, and says so where the certificate is asked for."""
    path = pem()
    (jwk,) = command("jwks", path).json["keys"]
    assert "x5c" not in jwk
    done = command("jwks", path, "--format", "cert")
    assert done.code == 2
    assert "--certificate FILE" in done.err


def test_the_kid_of_a_key_file(command, keyfile):
    """Of a vendor's file the kid is the file's own; another is taken from the option."""
    (jwk,) = command("jwks", keyfile).json["keys"]
    assert jwk["kid"] == json.loads(keyfile.read_text())["private_key_id"]
    (jwk,) = command("jwks", keyfile, "--key-id", "other").json["keys"]
    assert jwk["kid"] == "other"


def test_the_alg_is_the_providers(command, pem):
    """The alg is what the provider takes first, or what is asked for."""
    path = pem("rsa2048")
    assert command("jwks", path, "-p", "smart").json["keys"][0]["alg"] == "RS384"
    assert command("jwks", path, "--algorithm", "PS512").json["keys"][0]["alg"] == "PS512"
    assert command("jwks", path, "--algorithm", "ES256").code == 2


def test_pem_is_the_public_key(command, keyfile):
    """The PEM is the public key that was registered."""
    shown = load_pem_public_key(command("jwks", keyfile, "--format", "pem").out.encode())
    assert shown == load_pem_public_key(new_key("rsa2048")[1].encode())
    assert "BEGIN PUBLIC KEY" in command("jwks", keyfile, "--format", "pem", "--json").json["pem"]


def test_from_a_pipe(command, monkeypatch):
    """A key may come by standard input."""
    info = google_key_file(
        None, email="a@b", private_key_pem=new_key()[0], token_uri="https://oauth2.googleapis.com/token"
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(info).encode())))
    assert command("jwks", "-").json["keys"][0]["alg"] == "RS256"


def test_no_key(command, tmp_path):
    """A file that names no key has no public half."""
    path = tmp_path / "public.pem"
    path.write_text(new_key()[1])
    done = command("jwks", path)
    assert (done.code, done.out) == (2, "")
