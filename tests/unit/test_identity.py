"""Which token this is: a change in any one part is another, and what decides nothing is none."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.client_auth import ClientId, ClientSecretBasic, ClientSecretPost
from sa_auth.dpop import DPoP
from sa_auth.grants import ClientCredentials, RefreshToken
from sa_auth.identity import identity_of
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key

ONE, OTHER = (DPoP(LocalSigner(from_pem(new_key("p256")[0]))) for _ in range(2))
TEXT = st.text("ab ", max_size=3)


class Says:
    """A grant, or a method, that says anything of itself."""

    repeatable = True

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def form(self, now: float) -> list[tuple[str, str]]:
        return []

    def fingerprint(self) -> tuple[str, ...]:
        return self.parts

    def describe(self) -> str:
        return ""


BASE: dict[str, Any] = {
    "endpoint": "https://as.example/token", "grant": RefreshToken("abc"), "client_auth": ClientSecretBasic("app", "secret"),
    "scope": "read write", "form": (("a", "b"), ("resource", "x:1"), ("resource", "x:2")), "dpop": ONE,
    "certificate_thumbprint": "thumb",
}  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "endpoint": {"endpoint": "https://as.example/token2"},
    "grant": {"grant": RefreshToken("abd")},
    "another grant": {"grant": ClientCredentials()},
    "secret": {"client_auth": ClientSecretBasic("app", "secreu")},
    "client": {"client_auth": ClientSecretBasic("apq", "secret")},
    "method": {"client_auth": ClientSecretPost("app", "secret")},
    "no secret": {"client_auth": ClientId("app")},
    "no client": {"client_auth": None},
    "scope": {"scope": "read"},
    "scopes run together": {"scope": "readwrite"},
    "no scope": {"scope": ""},
    "field's value": {"form": (("a", "c"), ("resource", "x:1"), ("resource", "x:2"))},
    "field's name": {"form": (("b", "b"), ("resource", "x:1"), ("resource", "x:2"))},
    "field's boundary moved": {"form": (("ab", ""), ("resource", "x:1"), ("resource", "x:2"))},
    "one resource less": {"form": (("a", "b"), ("resource", "x:1"))},
    "no form": {"form": ()},
    "proof's key": {"dpop": OTHER},
    "no proof": {"dpop": None},
    "certificate": {"certificate_thumbprint": "other"},
    "no certificate": {"certificate_thumbprint": ""},
    "a certificate for a key": {"dpop": None, "certificate_thumbprint": ONE.thumbprint},
    "a key for a certificate": {"dpop": ONE, "certificate_thumbprint": ""},
}


def identity(**changes: Any) -> bytes:
    """The identity of the base with a change."""
    given = {**BASE, **changes}
    return identity_of(given.pop("endpoint"), given.pop("grant"), given.pop("client_auth"), **given)


@pytest.mark.parametrize("name", CHANGES)
def test_identities_differ(name: str) -> None:
    """A change in any one part makes another identity."""
    assert identity(**CHANGES[name]) != identity()


def test_no_two_are_alike() -> None:
    """No two of the changes give the same identity either, and each is 32 bytes."""
    found = [identity(), *(identity(**change) for name, change in CHANGES.items() if name != "a key for a certificate")]
    assert len(set(found)) == len(found)
    assert {len(one) for one in found} == {32}


def test_identities_agree() -> None:
    """The order of scopes and fields, and a scope that stands twice, decide nothing."""
    assert identity(scope="write  read read") == identity()
    for form in itertools.permutations(BASE["form"]):
        assert identity(form=form) == identity()


@given(st.lists(st.tuples(TEXT, TEXT), max_size=3), st.lists(st.tuples(TEXT, TEXT), max_size=3))
def test_fields(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    """Two lists of fields share an identity where they are the same fields, and nowhere else."""
    alike = identity(form=tuple(one)) == identity(form=tuple(other))
    assert alike is (sorted(one) == sorted(other))


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4), st.integers(0, 8))
def test_boundaries(grant: list[str], method: list[str], at: int) -> None:
    """Whatever a grant and a method say of themselves, no boundary within or between them can be moved unseen."""
    said = [*grant, *method]
    moved = identity(grant=Says(*said[:at]), client_auth=Says(*said[at:]))
    alike = identity(grant=Says(*grant), client_auth=Says(*method)) == moved
    assert alike is ((said[:at], said[at:]) == (grant, method))
    joined = identity(grant=Says("".join(grant)), client_auth=Says(*method))
    assert (joined == identity(grant=Says(*grant), client_auth=Says(*method))) is (len(grant) == 1)


def test_it_says_nothing() -> None:
    """It is a hash of hashes: nothing of a secret stands in it."""
    assert b"abc" not in identity()
    assert b"secret" not in identity()
