"""An assertion that a token service hands over, wherever it is read: what all such sources share.

Rule: read and looked at for every exchange, and nothing of it kept but what a hint may say; frozen; no lock. Stands under
the sources, one file each, above `shape`. Source: RFC 7521 section 3, the picture with a token service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from ..errors import SaAuthError
from ..token import NOTHING
from . import shape


class HandedOver:
    """A source of assertions that others issue. A subclass says where it reads, and reads.

    Attributes:
        where: Whence an assertion comes, for messages: "the file '/run/token'".
        rotates: Whether another assertion takes its place now and then.
    """

    __slots__ = ("_facts", "_said", "where")

    rotates: ClassVar[bool] = True

    where: str
    _said: str
    _facts: Mapping[str, str]

    def __init__(self, where: str, **fields: object) -> None:
        for name, value in {"where": where, "_said": "", "_facts": NOTHING, **fields}.items():
            object.__setattr__(self, name, value)

    def read(self) -> str | bytes:
        """Reads what is there now.

        Raises:
            SaAuthError: it cannot be had.
        """
        raise NotImplementedError

    def advice(self) -> str:
        """What to do where there is none; begins the hint."""
        return ""

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The arguments that make another such source, in another process as well.

        Raises:
            ConfigError: it holds what does not travel.
        """
        raise NotImplementedError

    def fingerprint(self) -> tuple[str, ...]:
        """The kind of source and its name, since what it gives rotates."""
        raise NotImplementedError

    def mint(self, now: float) -> str:
        """Gives the assertion that is there now, once it is known to be whole and alive.

        Args:
            now: Unix seconds.

        Raises:
            ConfigError: it is missing, empty, cut short, expired, or no assertion; `retryable` where that may pass.
            TransportError, ResponseError: the token service could not be reached, or gave none.
        """
        failure: SaAuthError
        try:
            text = shape.check(self.read(), now, self.where, rotates=self.rotates)
            object.__setattr__(self, "_said", shape.summary(text))
            object.__setattr__(self, "_facts", shape.facts(text))
            return text
        except SaAuthError as error:
            failure = error.copy()
        if failure.code in {"assertion_missing", "assertion_empty"}:
            failure.hint = f"{self.advice()} {failure.hint}".strip()
        # Raised out here, as a copy: the frames that looked at the text hold it.
        raise failure

    def facts(self) -> dict[str, str]:
        """What the last one said by name, where it was a JWT."""
        return dict(self._facts)

    def whose(self, now: float) -> tuple[str, ...] | None:
        """Whose the assertion is that is there now, for what is shared between machines.

        Args:
            now: Unix seconds.

        Returns:
            Issuer, subject and audience of a JWT; nothing where the fingerprint says it all; None: it cannot be told.

        Raises:
            SaAuthError: as for `mint`.
        """
        if not self.rotates:
            return ()
        said = shape.claims(self.mint(now))
        parts = [said.get(name) for name in ("iss", "sub", "aud")]
        return tuple(json.dumps(part) for part in parts) if parts[0] and parts[1] else None

    def describe(self) -> str:
        """What the last one said, and whence it came."""
        return f"{self._said or 'an assertion'} from {self.where}"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a source of assertions does not change; make another")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a source of assertions does not change; make another")

    def __copy__(self) -> HandedOver:
        return self

    def __deepcopy__(self, _memo: object) -> HandedOver:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        arguments, named = self.recipe()
        return _revive, (type(self), arguments, dict(named))


def _revive(cls: type[HandedOver], arguments: tuple[Any, ...], named: Mapping[str, Any] = NOTHING) -> HandedOver:
    return cls(*arguments, **named)
