"""One JWT under judgement, and the role it is sent in: as the grant, or as a client's proof.

Rule: reading only; what cannot be read raises `Unjudged`. The roles differ in data alone.

Source: RFC 7523 section 3, which judges both roles by one list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sa_auth.testing.registration import Registration, VerifyKey
from sa_auth.testing.replays import Replays

from .reading import Jws, Unjudged, is_whole, miss, split_jws

GRANT_TYPES = frozenset({"jwt", "application/jwt", "authorization-grant+jwt"})
CLIENT_TYPES = frozenset({"jwt", "application/jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Role:
    """What is demanded of a JWT by what it is sent as.

    Attributes:
        purpose: What it is for, as messages say it.
        types: The `typ` values it may have, in lower case.
        audiences: The strings that name this server to it.
        leeway: Seconds by which the clocks may differ.
        max_lifetime: Seconds that it may live at most.
        sole_audience: Whether `aud` has to be one string and nothing else.
        require_subject: Whether there must be a `sub`.
        require_jti: Whether there must be a `jti`.
        macs: Whether a MAC made with the client's secret will do.
        reusable: Whether it may come more than once.
    """

    purpose: str
    types: frozenset[str]
    audiences: tuple[str, ...]
    leeway: float
    max_lifetime: float
    sole_audience: bool = False
    require_subject: bool = False
    require_jti: bool = False
    macs: bool = False
    reusable: bool = False


@dataclass(frozen=True)
class Signed(Jws):
    """A JWT as it was sent.

    Attributes:
        role: What it was sent as.
        issuers: Who may have issued it, by `iss`.
        now: Unix seconds by the authority's clock.
        replays: The ones seen before.
    """

    role: Role
    issuers: Mapping[str, Registration]
    now: float
    replays: Replays

    @cached_property
    def registration(self) -> Registration:
        """The issuer that the claims name."""
        issuer = self.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self.issuers:
            raise Unjudged("The issuer is not known.")
        return self.issuers[issuer]

    @cached_property
    def keys(self) -> tuple[VerifyKey, ...]:
        """The keys that it may have been signed by."""
        keys = self.registration.candidates(self.header.get("kid"))
        return keys or miss("No key is registered by this kid.")

    @cached_property
    def fitting_keys(self) -> tuple[VerifyKey, ...]:
        """Those of them that may be used with the header's algorithm."""
        alg = self.header.get("alg")
        return tuple(key for key in self.keys if alg in key.algorithms) or miss("No key fits the alg.")

    @cached_property
    def signed_by(self) -> VerifyKey | None:
        """The fitting key that made the signature; None: none of them did."""
        return next((key for key in self.fitting_keys if verifies(self.text, self.header["alg"], key.key)), None)

    @property
    def signature_holds(self) -> bool:
        """Whether one of the fitting keys made the signature."""
        return self.signed_by is not None

    @property
    def checked_with(self) -> tuple[VerifyKey, ...]:
        """The key that made the signature; where none did, all that were tried."""
        return self.fitting_keys if self.signed_by is None else (self.signed_by,)

    @property
    def audiences(self) -> list[str]:
        """The audiences as a list; empty where the claim is missing or of another type."""
        value = self.claims.get("aud")
        found: list[Any] = value if isinstance(value, list) else [value]
        return found if all(isinstance(one, str) and one for one in found) else []

    def date(self, name: str) -> int:
        """A date of the claims, in Unix seconds."""
        if not is_whole(self.claims.get(name)):
            raise Unjudged(f"There is no {name} that is a whole number.")
        return int(self.claims[name])


def verifies(text: str, alg: str, key: Any) -> bool:
    """Whether a key made the signature of a JWS in its compact form."""
    # Late: the table of rules can be read, and the plug-in loaded, without PyJWT and cryptography.
    import jwt

    algorithm = jwt.get_algorithm_by_name(alg)
    return bool(algorithm.verify(text.rpartition(".")[0].encode("ascii"), key, split_jws(text)[2]))
