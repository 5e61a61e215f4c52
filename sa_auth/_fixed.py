"""A value that does not change: what decides where secrets go, or signs for it.

Rule: set as it is made and never again; a copy is the thing itself. Stands under grants, client authentication,
assertions and signers. Source: FAULTS lines 35 and 37 in docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from typing_extensions import Self


class Fixed:
    """Base of such values. It travels as what it holds, and not at all where one of that is a secret.

    Example:
        >>> class Point(Fixed):
        ...     __slots__ = ("x",)
        >>> point = Point()
        >>> point.x = 1
        Traceback (most recent call last):
        AttributeError: Point does not change; make another
    """

    __slots__ = ()

    def _fix(self, **fields: object) -> None:
        """Sets what it holds; for constructors, and for what it notes of itself."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _with(self, **changes: object) -> Self:
        """Makes another that differs in these alone."""
        made: Self = _revive(type(self), {**self._held(), **changes})
        return made

    def _held(self) -> dict[str, Any]:
        slots = (name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ()))
        return {**getattr(self, "__dict__", {}), **{name: getattr(self, name) for name in slots}}

    def _told(self) -> str:
        """What its repr shows between the brackets; no secret."""
        return ""

    def __repr__(self) -> str:
        told = "..."
        try:
            told = self._told()
        except AttributeError:  # not made yet: a debugger looks at the frame that refuses an argument
            pass
        return f"{type(self).__name__}({told})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change; make another")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change; make another")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self._held())


def _revive(cls: type[Any], held: Mapping[str, Any]) -> Any:
    value = object.__new__(cls)
    for name, one in held.items():
        object.__setattr__(value, name, one)
    return value
