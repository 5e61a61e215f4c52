"""What the authority saw and how it judged: one record per request that was judged.

Rule: plain values; a repr shows no secret. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .registration import VerifyKey

# Whoever has one of these can act as the client, if only for the next minutes.
_SECRET = frozenset({"assertion", "client_assertion", "client_secret", "refresh_token", "code", "code_verifier",
                     "subject_token", "actor_token", "password", "token"})  # fmt: skip


class Form(Mapping[str, str]):
    """The fields of a form, each by its first value. The values of secret fields are left out of the repr.

    Example:
        >>> Form([("grant_type", "x"), ("client_secret", "hush")])
        Form({'grant_type': 'x', 'client_secret': '(4 characters)'})
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        shown = {name: f"({len(value)} characters)" if name in _SECRET else value for name, value in self.items()}
        return f"Form({shown!r})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one rule judged one request.

    Attributes:
        rule: The rule's name.
        section: Where it stands, for example "RFC 7523 section 3, 4".
        ok: True: kept; False: broken; None: could not be judged, since what it looks at is missing.
        detail: What is wrong, or why it could not be judged; empty where it was kept.
    """

    rule: str
    section: str
    ok: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API.

    Attributes:
        at: Unix seconds by the authority's own clock.
        token: The fingerprint of the token it brought; empty where it brought none.
        status: The HTTP status of the answer.
    """

    at: float
    token: str
    status: int


@dataclass(frozen=True, slots=True)
class Record:
    """One request, as it came and as it was judged.

    Attributes:
        number: 1 for the first request of this authority.
        at: Unix seconds by the authority's own clock, skew included.
        method: The HTTP method.
        path: The path of the URL.
        form: The form's fields, each by its first value; `form.pairs` has them all.
        header: The assertion's JOSE header; empty where it could not be read.
        claims: The assertion's claims; empty where they could not be read.
        verdicts: One per rule that has a say in such a request, in the order of the rules.
        status: The HTTP status of the answer.
        error: The `error` of the answer; None for a token, or where a fault was played.
        http_headers: The HTTP header fields, names in lower case.
        endpoint: Where it came to: "token", "revoke", "exchange" (the REST exchange) or "api".
        client: The id of the client, where it proved itself or has nothing to prove itself with; else None.
        client_method: How it proved itself, for example "private_key_jwt" (RFC 8414 section 2; "none": by its id alone).
        client_header: The client assertion's JOSE header; empty where there was none that could be read.
        client_claims: The client assertion's claims, likewise.
        dpop_header: The DPoP proof's JOSE header, likewise.
        dpop_claims: The DPoP proof's claims, likewise.
        keys: The key that made the grant's signature; where none did, all that it was checked with.
        client_keys: Likewise for the client assertion.
        planned: Whether the answer was a fault, played in place of the honest one.
        token: The fingerprint of the token that was given out; empty where none was.
        token_until: When it ends, in Unix seconds by the authority's clock; 0: it has no end, or there is none.
        scope: What it may do, space separated.
    """

    number: int
    at: float
    method: str
    path: str
    form: Form
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    status: int
    error: str | None
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    endpoint: str = "token"
    client: str | None = None
    client_method: str | None = None
    client_header: Mapping[str, Any] = field(default_factory=dict)
    client_claims: Mapping[str, Any] = field(default_factory=dict)
    dpop_header: Mapping[str, Any] = field(default_factory=dict)
    dpop_claims: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[VerifyKey, ...] = field(default=(), repr=False)
    client_keys: tuple[VerifyKey, ...] = field(default=(), repr=False)
    planned: bool = False
    token: str = ""
    token_until: float = 0.0
    scope: str = ""

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The verdicts of the rules that were broken."""
        return tuple(verdict for verdict in self.verdicts if verdict.ok is False)


_MARKS = {True: "ok", False: "BROKEN", None: "-"}


def explain(record: Record) -> str:
    """Tells people how a request was judged, as a table of one line per rule.

    Example:
        >>> verdict = Verdict("aud_present", "RFC 7523 section 3, 3", ok=False, detail="There is no aud.")
        >>> record = Record(1, 0.0, "POST", "/token", Form([]), {}, {}, (verdict,), 400, "invalid_grant")
        >>> print(explain(record))
        Request 1: POST /token -> 400 invalid_grant
        rule         kept    section
        aud_present  BROKEN  RFC 7523 section 3, 3  There is no aud.
    """
    head = f"Request {record.number}: {record.method} {record.path} -> {record.status} {record.error or ''}".rstrip()
    if record.client is not None:
        head = f"{head} (client {record.client}, {record.client_method})"
    rows = [("rule", "kept", "section", "")]
    rows += [(verdict.rule, _MARKS[verdict.ok], verdict.section, verdict.detail) for verdict in record.verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] + [row[3]]) for row in rows
    ]
    return "\n".join([head, *(line.rstrip() for line in lines)])
