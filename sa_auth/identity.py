"""Which token this is: everything that decides what is issued, hashed.

Rule: 32 bytes that are this token's and no other's. A grant, a method and an assertion state their own part by
`fingerprint()`. Stands under the exchange. Source: FAULTS line 30 in docs/faults.md.
"""

from __future__ import annotations

from ._encoding import digest
from .client_auth.base import ClientAuth
from .dpop import DPoP
from .grants.base import Grant


def identity_of(
    endpoint: str,
    grant: Grant,
    client_auth: ClientAuth | None,
    *,
    scope: str = "",
    form: tuple[tuple[str, str], ...] = (),
    dpop: DPoP | None = None,
    certificate_thumbprint: str = "",
) -> bytes:
    """Hashes what makes a token this one.

    Args:
        endpoint: Who issues it.
        grant: What is asked by.
        client_auth: How the client names itself.
        scope: What is asked for, in any order.
        form: Extra fields, in any order.
        dpop: By which key the token is used.
        certificate_thumbprint: By which certificate.
    """
    auth = client_auth.fingerprint() if client_auth is not None else ("none",)
    extra = tuple(text for pair in sorted(form) for text in pair)
    scopes = " ".join(sorted(set(scope.split())))
    bound = (dpop.thumbprint if dpop is not None else "", certificate_thumbprint)
    parts = (digest(*grant.fingerprint()), digest(*auth), digest(*extra), digest(*bound))
    return digest("sa_auth identity 2", endpoint, scopes, *parts)


def whose(grant: Grant, client_auth: ClientAuth | None, now: float) -> tuple[str, ...] | None:
    """Whose the assertions are that others hand over just now: two machines may find two accounts in one place.

    Args:
        grant: What is asked by.
        client_auth: How the client names itself.
        now: Unix seconds.

    Returns:
        None: of one of them that cannot be told.

    Raises:
        SaAuthError: one of them cannot be had.
    """
    told: list[str] = []
    for part in (grant, client_auth):
        for source in getattr(part, "sources", ()):
            says = source.whose(now) if hasattr(source, "whose") else ()
            if says is None:
                return None
            told += [str(len(says)), *says]
    return tuple(told)
