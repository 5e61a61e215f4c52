"""An assertion in a file: rotation, rights, and what is no file."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

from sa_auth.assertions import FromFile
from sa_auth.errors import ConfigError

from .texts import NOW, assertion, everything_of, token


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a JWT that is alive, readable by all as a cluster projects it."""
    path = tmp_path / "token"
    path.write_text(token() + "\n")
    path.chmod(0o644)
    return path


def refused(path: Any) -> ConfigError:
    """How a file is refused."""
    with pytest.raises(ConfigError) as caught:
        FromFile(path).mint(NOW)
    assert caught.value.hint
    assert str(path) in caught.value.message
    everything_of(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_a_path(kind: Any, file: Path) -> None:
    """A path is a str, bytes or a Path, and is known by where it is."""
    source = FromFile(kind(str(file)))
    assert source.mint(NOW) == token()
    assert source.fingerprint() == ("from_file", str(file))
    assert repr(source) == f"FromFile({str(file)!r})"


def test_a_relative_path_stays_where_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is taken from where the program was, wherever it goes afterwards."""
    monkeypatch.chdir(file.parent)
    source = FromFile("token")
    monkeypatch.chdir("/")
    assert source.mint(NOW) == token()
    assert source.fingerprint() == ("from_file", str(file))


def test_rotation(file: Path) -> None:
    """A replaced file is seen by the next exchange, without a timer and without a cache."""
    source = FromFile(file)
    before = source.fingerprint()
    for number in range(3):
        text = token(sub=f"robot-{number}")
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(file)
        assert source.mint(NOW) == text
        assert f"robot-{number}" in source.describe()
    assert source.fingerprint() == before


def test_rotation_by_a_symlink(tmp_path: Path) -> None:
    """A projected token is a link to a file in a folder that is a link itself, and the folder's link is what changes."""
    for number in (1, 2):
        (tmp_path / f"..data_{number}").mkdir()
        (tmp_path / f"..data_{number}" / "token").write_text(token(sub=f"robot-{number}"))
    (tmp_path / "..data").symlink_to("..data_1")
    (tmp_path / "token").symlink_to("..data/token")
    source = FromFile(tmp_path / "token")
    assert source.mint(NOW) == token(sub="robot-1")
    (tmp_path / "..data_tmp").symlink_to("..data_2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    assert source.mint(NOW) == token(sub="robot-2")


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "assertion_empty"), (token()[:60], "assertion_truncated"), (token(exp=NOW), "assertion_expired")],
)  # fmt: skip
def test_a_rotation_under_way(text: str, code: str, file: Path) -> None:
    """One that is written at this moment may be whole at the next; the error says so, and the next call has it."""
    file.write_text(text)
    source = FromFile(file)
    with pytest.raises(ConfigError) as caught:
        source.mint(NOW)
    assert (caught.value.code, caught.value.retryable) == (code, True)
    file.write_text(token())
    assert source.mint(NOW) == token()


def test_missing(tmp_path: Path) -> None:
    """A file that is not there may come, but a folder in its place or a path that cannot be will not go away."""
    error = refused(tmp_path / "token")
    assert (error.code, error.retryable) == ("assertion_missing", True)
    (tmp_path / "file").write_text("")
    error = refused(tmp_path / "file" / "token")
    assert (error.code, error.retryable) == ("assertion_missing", False)


def test_saml_is_read_to_the_last_byte(file: Path) -> None:
    """A SAML assertion keeps its line ends and the white space after it."""
    data = assertion().replace("\n", "\r\n").encode() + b"\n \n"
    file.write_bytes(data)
    assert FromFile(file).mint(NOW).encode() == data


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640, 0o644, 0o444])
def test_others_may_read(mode: int, file: Path) -> None:
    """A token that group or others may read is used without a word, as clusters project it so."""
    file.chmod(mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert FromFile(file).mint(NOW)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o664])
def test_others_may_not_write(mode: int, file: Path) -> None:
    """A file that others may write is refused, with the chmod that keeps its readers."""
    file.chmod(mode)
    error = refused(file)
    assert (error.code, error.retryable) == ("assertion_rights", False)
    assert f"chmod go-w {file}" in error.hint


def test_foreign_owner(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user is refused, one of root's is not."""
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    if os.stat(file).st_uid == 0:
        assert FromFile(file).mint(NOW)
    real = os.fstat

    def foreign(handle: int) -> os.stat_result:
        found = real(handle)
        return os.stat_result((*found[:4], 54_321, *found[5:]))

    monkeypatch.setattr(os, "fstat", foreign)
    assert refused(file).code == "assertion_rights"


def test_a_folder(tmp_path: Path) -> None:
    """A folder is no file."""
    error = refused(tmp_path)
    assert (error.code, error.retryable) == ("assertion_missing", False)


def test_a_pipe(tmp_path: Path) -> None:
    """A FIFO that nobody writes to is refused at once, not waited for, with what to do instead."""
    os.mkfifo(tmp_path / "pipe")
    error = refused(tmp_path / "pipe")
    assert error.code == "assertion_missing"
    assert "FromCallable" in error.hint


def test_a_device() -> None:
    """So is a device without end."""
    assert refused("/dev/zero").code == "assertion_missing"


def test_huge(file: Path) -> None:
    """A file of a gigabyte is refused by its size, before anything is read."""
    with file.open("r+b") as handle:
        handle.truncate(1 << 30)
    error = refused(file)
    assert (error.code, error.retryable) == ("assertion_too_large", False)
    file.write_text(assertion(more="x" * 1_000_000))
    assert refused(file).code == "assertion_too_large"


@pytest.mark.parametrize("path", [None, 5, ["token"], token(), "<Assertion/>", "", "  ", "a\0b", b"\0"])
def test_no_path(path: Any) -> None:
    """What is no path, an assertion's own text among it, is refused at once and not repeated."""
    with pytest.raises(ConfigError) as caught:
        FromFile(path)
    assert caught.value.code == "bad_argument"
    assert caught.value.hint
    assert token()[:20] not in str(caught.value)


def test_what_may_be_no_path_is_not_repeated() -> None:
    """A bare word may be an opaque token that was mistaken for a path, so no message shows it."""
    with pytest.raises(ConfigError) as caught:
        FromFile("opaque-secret-0815").mint(NOW)
    assert "opaque-secret-0815" not in str(caught.value)
    assert "opaque-secret-0815" not in FromFile("opaque-secret-0815").describe()


def test_a_field_of_json(tmp_path: Path) -> None:
    """Where the file is JSON one field of it is the assertion; a file without it is refused and not repeated."""
    path = tmp_path / "token.json"
    path.write_text('{"access_token": "opaque"}')
    path.chmod(0o600)
    source = FromFile(path, field="access_token")
    assert source.mint(NOW) == "opaque"
    assert pickle.loads(pickle.dumps(source)).fingerprint() == source.fingerprint()  # noqa: S301 - our own
    assert source.fingerprint() != FromFile(path).fingerprint()
    for text in ('{"other": "canary"}', "canary", '{"access_token": 5}'):
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            source.mint(NOW)
        assert caught.value.code == "assertion_missing"
        assert "canary" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(ConfigError):
        FromFile(path, field="")
