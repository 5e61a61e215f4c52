"""A vendor's dialect as data: where it differs from the RFCs, its own rules, its answers and its words for a no.

Rule: taken from the vendor's pages; `source` names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import Rule


class Refusal(NamedTuple):
    """How the vendor says no.

    Attributes:
        status: The HTTP status.
        body: The fields of the JSON body; "{detail}" in a text is what the rule found wrong.
    """

    status: int
    body: Mapping[str, Any]


class Dialect(NamedTuple):
    """What a vendor's token endpoint demands and answers.

    Attributes:
        name: Its name in the table.
        source: The vendor's pages that it was written from.
        path: A regular expression for the path of the token endpoint.
        rest: Whether that is a JWT to a REST endpoint, and no form.
        own_bearer: Whether that REST endpoint takes a token of the authority's own as the bearer, and no JWT.
        json: Whether its form comes as one JSON object.
        self_signed: Whether there is no exchange: a JWT is itself the token at the API, for one of `audiences`, if any.
        audiences: What `aud` may be: constants, or "{endpoint}", "{home}", "{host}" of where the request came to. Empty:
            as without a dialect.
        max_lifetime: Seconds that an assertion may live at most; None: as without a dialect.
        without: Names of the RFCs' rules that the vendor does not keep.
        rules: Its own rules; `section` names the page.
        refusals: By the name of a rule: how a request that breaks it is refused. "": any other rule.
        answer: Makes the answer with a token, of the case, the token and its life in seconds; None: as without a dialect.
        status: The HTTP status of that answer.
    """

    name: str
    source: tuple[str, ...]
    path: str = "/token"
    rest: bool = False
    own_bearer: bool = False
    json: bool = False
    self_signed: bool = False
    audiences: tuple[str, ...] = ()
    max_lifetime: float | None = None
    without: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    refusals: Mapping[str, Refusal] = {}
    answer: Callable[[Case, str, float], dict[str, Any]] | None = None
    status: int = 200
