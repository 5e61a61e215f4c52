"""What every source of handed-over assertions keeps to, over all of them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import sa_auth.assertions as shelf
from sa_auth.assertions import Assertion
from sa_auth.assertions.handed import HandedOver
from sa_auth.errors import ConfigError

from .texts import CANARY, NOW, everything_of, token


def module_level() -> str:
    """A function that travels by name."""
    return "opaque"


class Reads(HandedOver):
    """Gives whatever it is told."""

    __slots__ = ("told",)

    def __init__(self, told: Any) -> None:
        super().__init__("the test", told=told)

    def read(self) -> str:
        if isinstance(self.told[0], Exception):
            raise self.told[0]
        return self.told[0]

    def advice(self) -> str:
        return "Write the test."


PICKLABLE = {
    "file": lambda: shelf.FromFile("/run/token"),
    "variable": lambda: shelf.FromEnvironment("ID_TOKEN"),
    "function": lambda: shelf.FromCallable(module_level),
    "named function": lambda: shelf.FromCallable(module_level, name="robot"),
    "url": lambda: shelf.FromURL("https://sts.example/token", field="a.b", method="POST"),
    "url with a callable": lambda: shelf.FromURL("https://sts.example/token", headers={"X-Key": module_level}),
    "kubernetes": shelf.Kubernetes,
    "kubernetes elsewhere": lambda: shelf.Kubernetes("/var/run/secrets/tokens/vault"),
    "github": lambda: shelf.GitHubActions("api"),
    "gitlab": lambda: shelf.GitLab("OTHER"),
    "azure": shelf.AzureWorkloadIdentity,
    "program": lambda: shelf.FromExecutable(["/usr/bin/token"], field="a"),
}
SECRET = {
    "text": lambda: shelf.Given(CANARY),
    "header": lambda: shelf.FromURL("https://sts.example/", headers={"Authorization": CANARY}),
    "body": lambda: shelf.FromURL("https://sts.example/", method="POST", body={"secret": CANARY}),
    "program's variables": lambda: shelf.FromExecutable(["/usr/bin/token"], environment={"KEY": CANARY}),
    "lambda": lambda: shelf.FromCallable(lambda: CANARY),
    "named lambda": lambda: shelf.FromCallable(lambda: CANARY, name="other"),
    "header's lambda": lambda: shelf.FromURL("https://sts.example/", headers={"Authorization": lambda: CANARY}),
    "credentials": lambda: shelf.FromCredentials(SimpleNamespace(token=lambda: CANARY, secret=CANARY)),
}
ALL = {**PICKLABLE, **SECRET}


@pytest.mark.parametrize("name", ALL)
def test_the_port(name: str) -> None:
    """It is an Assertion, states whose it is in text, the same every time, and says whence it comes."""
    source = ALL[name]()
    assert isinstance(source, Assertion)
    assert all(isinstance(part, str) for part in source.fingerprint())
    assert source.fingerprint() == source.fingerprint()
    assert source.where in source.describe()


@pytest.mark.parametrize("name", ALL)
def test_it_does_not_change(name: str) -> None:
    """Nothing that decides where a secret goes can be set afterwards; a copy is the thing itself."""
    source = ALL[name]()
    for attribute in ("path", "name", "url", "where", "_headers", "_said", "anything"):
        with pytest.raises(AttributeError):
            setattr(source, attribute, "x")
        with pytest.raises(AttributeError):
            delattr(source, attribute)
    assert copy.copy(source) is copy.deepcopy(source) is source
    assert not hasattr(source, "__dict__")


@pytest.mark.parametrize("name", ALL)
def test_it_shows_no_secret(name: str) -> None:
    """Its repr and its description show what it is, and no secret."""
    source = ALL[name]()
    assert type(source).__name__ in repr(source)
    assert CANARY not in f"{source!r}{source}{source.describe()}"


@pytest.mark.parametrize("name", PICKLABLE)
def test_it_travels(name: str) -> None:
    """What holds no secret travels, and is the same identity in another process."""
    source = PICKLABLE[name]()
    again = pickle.loads(pickle.dumps(source))
    assert type(again) is type(source)
    assert (again.fingerprint(), repr(again)) == (source.fingerprint(), repr(source))


@pytest.mark.parametrize("name", SECRET)
def test_what_does_not_travel_says_so(name: str) -> None:
    """What holds a secret, or a callable without a name, is refused by an error of ours with what to do."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(SECRET[name]())
    assert (caught.value.code, bool(caught.value.hint)) == ("not_picklable", True)
    assert CANARY not in str(caught.value)


def test_all_identities_differ() -> None:
    """No two of these sources share a token."""
    told = [make().fingerprint() for make in ALL.values()]
    assert len(set(told)) == len(told)


def test_it_remembers_what_it_said_and_not_the_text() -> None:
    """The last assertion is described by its claims; nothing of the text itself is kept."""
    source = Reads([token()])
    assert source.describe() == "an assertion from the test"
    text = source.mint(NOW)
    assert source.describe() == "iss 'https://sts.example', sub 'robot', aud 'api', kid 'k1' from the test"
    assert source.facts() == {"alg": "ES256", "aud": "api", "iss": "https://sts.example", "kid": "k1", "sub": "robot"}
    kept = [getattr(source, name) for name in ("where", "_said", "_facts")]
    assert not any(part in str(kept) for part in text.split("."))


def test_one_that_fails_leaves_what_was_said() -> None:
    """A refused one is not described as if it had been sent."""
    told: list[Any] = [token()]
    source = Reads(told)
    source.mint(NOW)
    told[0] = token(iss="https://elsewhere.example", exp=1)
    with pytest.raises(ConfigError):
        source.mint(NOW)
    assert "elsewhere" not in source.describe()


@pytest.mark.parametrize("text", [token(exp=1), token() + "." + token(), f"{CANARY} {CANARY}", f"<{CANARY}"])
def test_no_frame_holds_the_text(text: str) -> None:
    """An error leaves without the frames that looked at the text."""
    source = Reads(_Unseen(text))
    with pytest.raises(ConfigError) as caught:
        source.mint(NOW)
    shown = everything_of(caught.value)
    assert CANARY not in shown
    assert not any(part in shown for part in text.split(".") if len(part) > 20)


class _Unseen:
    """Gives a text and shows it nowhere else."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, _at: int) -> str:
        return self._text


def test_advice_where_there_is_none() -> None:
    """What to do about a missing or empty one begins the hint; other errors have hints of their own."""
    for failing in (Reads([""]), Reads([ConfigError("None.", code="assertion_missing")])):
        with pytest.raises(ConfigError) as caught:
            failing.mint(NOW)
        assert caught.value.hint.startswith("Write the test.")
    with pytest.raises(ConfigError) as caught:
        Reads([token(exp=1)]).mint(NOW)
    assert "Write the test." not in caught.value.hint


def test_the_shelf_is_light() -> None:
    """Importing the shelf reads none of the sources."""
    code = "import sa_auth.assertions, sys; print([m for m in sys.modules if m.startswith('sa_auth.assertions.from_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_unknown_name() -> None:
    """What the shelf does not have is an AttributeError, as for any module."""
    with pytest.raises(AttributeError, match="FromNowhere"):
        _ = shelf.FromNowhere
