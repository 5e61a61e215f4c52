"""What bridges share says what is missing, and what will not do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sa_auth import ConfigError, MissingExtra
from sa_auth.integrations.bearer import bearing, needed, replaced


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part.of_it"])
@pytest.mark.parametrize(
    ("extra", "command"), [(None, "pip install such"), ("thing", 'pip install "sa_auth[thing]"')], ids=["own", "extra"]
)
def test_missing(module: str, extra: str | None, command: str) -> None:
    """A package that is not installed is named with the command that installs it; nothing else hangs on the error."""
    with pytest.raises(MissingExtra) as caught:
        needed(module, "such", extra)
    assert caught.value.hint == f"Install it with: {command}"
    assert caught.value.__context__ is None


def test_what_is_missing_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is there and lacks one of its own says so itself."""
    (tmp_path / "there_but_broken.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        needed("there_but_broken", "there", "extra")


def test_no_source() -> None:
    """What lacks an act of a source is refused with the act's name; so is one whose tokens take a proof."""
    acts = {"token": print, "poll": print, "discard": print}
    assert bearing(SimpleNamespace(**acts)).token is print  # type: ignore[arg-type]
    for changes, code in (
        ({"poll": None}, "bad_argument"),
        ({"proofs": object()}, "not_bearer"),
        ({"per_call": True}, "not_bearer"),
    ):
        with pytest.raises(ConfigError) as caught:
            bearing(SimpleNamespace(**{**acts, **changes}))  # type: ignore[arg-type]
        assert caught.value.code == code


def test_replaced() -> None:
    """Another source is made by `replace`, where there is one."""
    assert replaced(SimpleNamespace(replace=dict), scope="a") == {"scope": "a"}
    with pytest.raises(ConfigError) as caught:
        replaced(SimpleNamespace(), scope="a")
    assert caught.value.code == "no_replace"
