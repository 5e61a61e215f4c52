"""The folder of a file cache and the files in it: how they are made, and what is said of those that cannot be used."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sa_auth.caches.base import CacheFault
from sa_auth.caches.own_folder import fault, judge_folder, open_or_make, open_there
from sa_auth.caches.record import LARGEST


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


def test_only_what_is_missing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried with the folders that are there."""
    make, made = os.mkdir, []

    def seen(path: str, mode: int) -> None:
        made.append((path, mode))
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", seen)
    assert judge_folder(f"{tmp_path}/a/b", make=True)
    assert made == [(f"{tmp_path}/a", 0o700), (f"{tmp_path}/a/b", 0o700)]


def test_the_rights_of_what_is_read_stay(tmp_path: Path) -> None:
    """A file that nobody may read is not opened up for being looked at."""
    place = tmp_path / "file"
    place.touch()
    place.chmod(0)
    with contextlib.suppress(CacheFault):  # root alone may read it
        handle = open_there(str(place), "its record")
        assert handle is not None
        os.close(handle)
    assert mode(place) == 0


@pytest.mark.parametrize("act", [open_there, open_or_make])
def test_the_largest_file(tmp_path: Path, act: Callable[[str, str], int | None]) -> None:
    """A file of the largest size that a record may have is taken, and one byte more is too large."""
    place = tmp_path / "file"
    place.touch(0o600)
    os.truncate(place, LARGEST)
    handle = act(str(place), "its record")
    assert handle is not None
    os.close(handle)
    os.truncate(place, LARGEST + 1)
    with pytest.raises(CacheFault) as caught:
        act(str(place), "its record")
    assert (caught.value.code, str(caught.value)) == (
        "too_large", f"its record {place} is larger than any that this library writes",
    )  # fmt: skip


def test_the_codes_of_faults(tmp_path: Path) -> None:
    """Each reason has a word for programs."""
    for make, word in ((os.mkfifo, "no_file"), (_readable, "rights")):
        place = tmp_path / word
        make(place)
        with pytest.raises(CacheFault) as caught:
            open_there(str(place), "its record")
        assert caught.value.code == word
    for at, word in ((_link, "symlink"), (_file, "no_folder"), (_open_to_others, "rights")):
        below = tmp_path / f"for {word}"
        below.mkdir()
        with pytest.raises(CacheFault) as caught:
            judge_folder(str(at(below)), make=True)
        assert caught.value.code == word


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_belongs_to_another(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or file of another user's is not used, whoever that is and whatever its rights are."""
    place = tmp_path / what
    place.mkdir(0o700) if what == "folder" else place.touch(0o600)
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with pytest.raises(CacheFault) as caught:
        judge_folder(str(place), make=False) if what == "folder" else open_there(str(place), "its file")
    assert (caught.value.code, str(caught.value)) == ("owner", f"its {what} {place} belongs to another user")
