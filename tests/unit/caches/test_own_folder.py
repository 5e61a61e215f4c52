"""The folder of a file cache and the files in it: how they are made, and what is said of those that cannot be used."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sa_auth.caches.base import CacheFault
from sa_auth.caches.own_folder import fault, judge_folder, open_or_make, open_there


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """A umask, and the old one afterwards."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Who may do what there."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.usefixtures("umask")
def test_the_folders_above(tmp_path: Path) -> None:
    """Folders above that have to be made are their owner's alone under any umask, or others could put another below them."""
    above = tmp_path / "found"
    above.mkdir()
    above.chmod(0o751)
    assert judge_folder(str(above / "a" / "b" / "cache"), make=True)
    assert [mode(above / made) for made in ("a", "a/b", "a/b/cache")] == [0o700] * 3
    assert mode(above) == 0o751


def test_nothing_is_made_unasked(tmp_path: Path) -> None:
    """A folder that is only looked for is not made, nor any above it."""
    assert not judge_folder(str(tmp_path / "a" / "cache"), make=False)
    assert os.listdir(tmp_path) == []


def test_made_by_several_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process makes the same folders in between, they are judged as any that are there."""
    make, path = os.mkdir, str(tmp_path / "a" / "b" / "cache")

    def just_before(one: str, mode: int) -> None:
        make(one, mode)
        make(one, mode)

    monkeypatch.setattr(os, "mkdir", just_before)
    assert judge_folder(path, make=True)
    assert mode(Path(path)) == 0o700


def _dangling(path: Path) -> Path:
    (path / "a").symlink_to(path / "nowhere")
    return path / "a" / "cache"


def _below_a_file(path: Path) -> Path:
    (path / "a").write_text("x")
    return path / "a" / "cache"


def _link(path: Path) -> Path:
    (path / "cache").symlink_to(path)
    return path / "cache"


def _file(path: Path) -> Path:
    (path / "cache").write_text("x")
    return path / "cache"


def _open_to_others(path: Path) -> Path:
    (path / "cache").mkdir()
    (path / "cache").chmod(0o701)
    return path / "cache"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (_dangling, "cannot be made: no such file or directory"),
        (lambda path: Path("/proc/sa_auth/cache"), "cannot be made: no such file or directory"),
        (_below_a_file, "cannot be used: not a directory"),
        (_link, "is a symbolic link; name the folder itself"),
        (_file, "is no folder"),
        (_open_to_others, "is open to others; run: chmod 700 {place}"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_folder(tmp_path: Path, place: Callable[[Path], Path], told: str) -> None:
    """Of a folder that cannot be used the fault names the path, why, and the command that mends it where there is one."""
    folder = place(tmp_path)
    with pytest.raises(CacheFault) as caught:
        judge_folder(str(folder), make=True)
    assert str(caught.value) == f"its folder {folder} {told.format(place=folder)}"


def test_a_folder_that_goes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that somebody removes as soon as it was made is a fault that names it."""
    monkeypatch.setattr(os, "chmod", lambda path, mode: os.rmdir(path))
    with pytest.raises(CacheFault, match=f"^its folder {tmp_path}/cache cannot be made: no such file or directory$"):
        judge_folder(f"{tmp_path}/cache", make=True)


def _a_link(place: Path) -> None:
    place.symlink_to(place.parent / "elsewhere")


def _readable(place: Path) -> None:
    place.touch()
    place.chmod(0o644)


@pytest.mark.parametrize("act", [open_there, open_or_make])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_a_link, "cannot be opened: too many levels of symbolic links"), (os.mkfifo, "is no file"),
        (_readable, "is open to others; run: chmod 600 {place}"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_file(
    tmp_path: Path, make: Callable[[Path], None], told: str, act: Callable[[str, str], int | None]
) -> None:
    """Of a file that cannot be used the fault says what it is, names the path and says why."""
    place = tmp_path / "file"
    make(place)
    with pytest.raises(CacheFault) as caught:
        act(str(place), "its record")
    assert str(caught.value) == f"its record {place} {told.format(place=place)}"


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is none to read; to lock one it is made, unless its folder went as well."""
    place = str(tmp_path / "file")
    assert open_there(place, "its record") is None
    os.close(open_or_make(place, "its lock"))
    assert mode(Path(place)) == 0o600
    with pytest.raises(CacheFault, match="^its lock /proc/sa_auth cannot be opened: no such file or directory$"):
        open_or_make("/proc/sa_auth", "its lock")


def test_an_error_without_words() -> None:
    """An error of the system that brings no words is told by its class."""
    with pytest.raises(CacheFault) as caught:
        fault(TimeoutError(), "its record", "/x", "read")
    assert (str(caught.value), caught.value.code) == ("its record /x cannot be read: timeouterror", "os")
