"""A value that does not change once it is made."""

from __future__ import annotations

import copy
import pickle

import pytest

from sa_auth._fixed import Fixed
from sa_auth._secret import Secret
from sa_auth.errors import ConfigError


class Place(Fixed):
    """Holds two things."""

    __slots__ = ("_secret", "x")

    x: int
    _secret: object

    def __init__(self, x: int, secret: object = None) -> None:
        self._fix(x=x, _secret=secret)

    def _told(self) -> str:
        return repr(self.x)


class Named(Place):
    """A subclass of somebody who writes no slots."""

    def __init__(self, x: int, name: str) -> None:
        super().__init__(x)
        self._fix(name=name)


@pytest.mark.parametrize("value", [Place(1), Named(1, "a")])
def test_it_does_not_change(value: Place) -> None:
    """Nothing is set or deleted, not even what was not there; a copy is the thing itself."""
    for name in ("x", "_secret", "name", "__class__", "anything"):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(value, name, 2)
        with pytest.raises(AttributeError, match="does not change"):
            delattr(value, name)
    assert value.x == 1
    assert copy.copy(value) is copy.deepcopy(value) is value


def test_another_with_changes() -> None:
    """Another differs in what is named alone, is of the same class, and leaves the first as it was."""
    first = Named(1, "a")
    second = first._with(x=2)
    assert type(second) is Named
    assert (second.x, second.name, first.x) == (2, "a", 1)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_travels(protocol: int) -> None:
    """It travels with what it holds, unless that is a secret; what arrives does not change either."""
    again = pickle.loads(pickle.dumps(Named(1, "a"), protocol))
    assert (type(again), again.x, again.name) == (Named, 1, "a")
    with pytest.raises(AttributeError):
        again.x = 2
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(Place(1, Secret("canary")), protocol)
    assert (caught.value.code, "canary" in str(caught.value)) == ("not_picklable", False)


def test_repr() -> None:
    """It shows what it tells of itself, and has a repr even before it is made, in the frame of an error."""
    assert repr(Place(1)) == "Place(1)"
    assert repr(object.__new__(Place)) == "Place(...)"
    assert repr(Fixed()) == "Fixed()"
