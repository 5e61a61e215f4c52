"""Keys whose file is replaced while the process runs."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import KeyFileError
from sa_auth.keys import from_pem
from sa_auth.signers import Signer
from sa_auth.signers.local import LocalSigner
from sa_auth.signers.watched import WatchedSigner
from sa_auth.testing import Authority, ManualClock, google_key_file, new_key

ISSUER = "robot@example.test"
OLD, OLD_PUBLIC = new_key("p256")
NEW, NEW_PUBLIC = new_key("p256")
LIFE = 3600.0


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority that knows the old key and the new one."""
    made = Authority(clock=sa_clock, token_lifetime=LIFE)
    made.register(ISSUER, OLD_PUBLIC, key_id="old")
    made.register(ISSUER, NEW_PUBLIC, key_id="new")
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The key file, with the old key in it."""
    place = tmp_path / "key.json"
    place.touch(0o600)
    place.write_text(content())
    return place


@pytest.fixture
def creds(authority: Authority, path: Path) -> ServiceAccountCredentials:
    """Credentials of that file."""
    return ServiceAccountCredentials.from_file(
        path, token_endpoint=authority.token_endpoint, transport=authority.transport(), clock=authority.clock,
        cache=MemoryCache(),
    )  # fmt: skip


def content(key: str = OLD, key_id: str = "old", **changes: Any) -> str:
    """A key file's text."""
    endpoint = "https://as.example/token"
    fields = {"type": "sa_auth", "key": key, "key_id": key_id, "issuer": ISSUER, "token_endpoint": endpoint}
    return json.dumps({**fields, **changes})


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Puts another file in its place, as deployments do."""
    other = path.with_name("other")
    other.write_text(text)
    other.chmod(mode)
    os.replace(other, path)


def used(authority: Authority) -> str:
    """The key id of the newest request."""
    return str(authority.requests[-1].header["kid"])


def test_replaced_file(
    creds: ServiceAccountCredentials, authority: Authority, path: Path, sa_clock: ManualClock
) -> None:
    """A key file that was replaced is picked up at the next exchange, and at none before."""
    token = creds.token()
    replace(path, content(NEW, "new"))
    assert creds.token() is token
    sa_clock.advance(LIFE)
    assert creds.token() is not token
    assert [record.header["kid"] for record in authority.requests] == ["old", "new"]
    authority.register(ISSUER, OLD_PUBLIC, key_id="new")  # who signed it shows in the signature
    sa_clock.advance(LIFE)
    authority.register(ISSUER, NEW_PUBLIC, key_id="new")
    assert creds.token()


def test_replacement_reaches_all_of_the_key(creds: ServiceAccountCredentials, authority: Authority, path: Path) -> None:
    """Credentials made by replace() share the key, and with it the new one."""
    other = creds.replace(subject="ann")
    replace(path, content(NEW, "new"))
    other.token()
    creds.token()
    assert [record.header["kid"] for record in authority.requests] == ["new", "new"]


GOOGLE_STRANGER = google_key_file(private_key_pem=new_key("rsa2048")[0], email=ISSUER)

UNUSABLE: dict[str, Callable[[Path], None]] = {
    "half written": lambda path: replace(path, content(NEW, "new")[:200]),
    "empty": lambda path: replace(path, ""),
    "another issuer": lambda path: replace(path, content(NEW, "new", issuer="somebody@else.test")),
    "another endpoint": lambda path: replace(path, content(NEW, "new", token_endpoint="https://evil.example/token")),
    "no endpoint any more": lambda path: replace(
        path, json.dumps({"type": "sa_auth", "key": NEW, "key_id": "new", "issuer": ISSUER})
    ),
    "a bare key": lambda path: replace(path, NEW),
    "another vendor's": lambda path: replace(path, json.dumps(GOOGLE_STRANGER)),
    "a public key": lambda path: replace(path, content(NEW_PUBLIC, "new")),
    "writable by others": lambda path: replace(path, content(NEW, "new"), 0o666),
    "unknown": lambda path: replace(path, "{}"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_replacement(
    name: str, creds: ServiceAccountCredentials, authority: Authority, path: Path, sa_clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A file that is half written, or of another issuer or endpoint, leaves the old key in use, with one log line."""
    creds.token()
    UNUSABLE[name](path)
    with caplog.at_level(logging.WARNING, "sa_auth"):
        for _ in range(3):
            sa_clock.advance(LIFE)
            assert creds.token()
            assert used(authority) == "old"
    assert [record.message for record in caplog.records] == [caplog.records[0].message]
    assert "old key stays" in caplog.text
    assert not any(line in caplog.text for line in NEW.splitlines()[1:-1])
    replace(path, content(NEW, "new"))
    sa_clock.advance(LIFE)
    creds.token()
    assert used(authority) == "new", "a good file after a bad one is used"


def test_file_that_is_gone(
    creds: ServiceAccountCredentials, authority: Authority, path: Path, sa_clock: ManualClock
) -> None:
    """A file that was removed leaves the key in use, and one that comes back is read."""
    path.unlink()
    assert creds.token()
    replace(path, content(NEW, "new"))
    sa_clock.advance(LIFE)
    creds.token()
    assert used(authority) == "new"


def test_refusal_reads_the_file_once_more(
    creds: ServiceAccountCredentials, authority: Authority, path: Path, sa_clock: ManualClock
) -> None:
    """After a refusal the file is read although its stat looks unchanged, and the request minted with what is there."""
    creds.token()
    before = path.stat()
    text = content(NEW, "new")
    assert len(text) == before.st_size
    with path.open("r+") as file:
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    authority.unregister(ISSUER)
    authority.register(ISSUER, NEW_PUBLIC, key_id="new")
    sa_clock.advance(LIFE)
    assert creds.token()
    assert [(record.header["kid"], record.status) for record in authority.requests] == [
        ("old", 200), ("old", 400), ("new", 200),
    ]  # fmt: skip


def test_refusal_with_the_same_key_is_final(creds: ServiceAccountCredentials, authority: Authority) -> None:
    """If the file holds the refused key still, the refusal stands after one request."""
    authority.unregister(ISSUER)
    with pytest.raises(Exception, match="invalid_grant"):
        creds.token()
    assert len(authority.requests) == 1


# --- the signer by itself


def signer(private: str = OLD, key_id: str = "old") -> LocalSigner:
    """A local signer."""
    return LocalSigner(from_pem(private), key_id=key_id)


def test_reload_says_whether_the_key_changed(path: Path) -> None:
    """reload() tells whether another key is in use, reads an unchanged file only when forced, and rereads no more."""
    loads = []
    following = [signer(), signer(NEW, "new"), signer(NEW, "newer")]

    def load() -> Signer:
        loads.append(1)
        return following.pop(0)

    watched = WatchedSigner(str(path), signer(), load)
    assert (watched.reload(False), len(loads)) == (False, 0)
    assert (watched.reload(True), len(loads)) == (False, 1)
    replace(path, "other")
    assert (watched.reload(False), len(loads)) == (True, 2)
    assert (watched.reload(False), len(loads)) == (False, 2)
    assert watched.reload(True), "another key id counts as another key: the server chooses by it"
    assert watched.key_id == "newer"


def test_stands_where_a_signer_stands(path: Path) -> None:
    """It speaks for the key that is in use."""
    watched = WatchedSigner(str(path), signer(), lambda: signer(NEW, "new"))
    assert isinstance(watched, Signer)
    for expected in (signer(), signer(NEW, "new")):
        assert (watched.algorithm, watched.key_id, watched.thumbprint) == (
            expected.algorithm, expected.key_id, expected.thumbprint,
        )  # fmt: skip
        assert watched.secret() == expected.secret()
        assert watched.public_jwk() == expected.public_jwk()
        assert len(watched.sign(b"data")) == 64
        watched.reload(True)


def test_trouble_is_logged_once_per_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One bad file is one log line, however often it is looked at; the next bad file is another."""

    def load() -> Signer:
        raise KeyFileError("It is cut short.", code="key_file_not_json")

    watched = WatchedSigner(str(path), signer(), load)
    with caplog.at_level(logging.WARNING, "sa_auth"):
        for text in ("first", "second"):
            replace(path, text * 100)
            for force in (False, True, False):
                assert watched.reload(force) is False
    assert len(caplog.records) == 2
