"""One token request under judgement: what each rule may look at.

Rule: reading only. A part that cannot be read raises `Unjudged`, so a rule speaks of its own matter alone and stays
silent where another rule has already said what is wrong.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_plus

from sa_auth._encoding import b64url, b64url_decode
from sa_auth.testing.record import Form
from sa_auth.testing.registration import Registration, VerifyKey
from sa_auth.testing.replays import Replays

_MOST_FIELDS = 100
_PARTS = 3
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Unjudged(Exception):  # noqa: N818 - not an error: a rule that has nothing to look at
    """What a rule looks at is missing; the text says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the authority was told to demand.

    Attributes:
        audiences: The strings that name it.
        leeway: Seconds by which the clocks may differ.
        max_lifetime: Seconds that an assertion may live at most.
        require_jti: Whether every assertion needs a `jti`.
        require_subject: Whether every assertion needs a `sub`.
    """

    audiences: tuple[str, ...]
    leeway: float = 30.0
    max_lifetime: float = 3600.0
    require_jti: bool = False
    require_subject: bool = False


@dataclass(frozen=True)
class Case:
    """A request, and what it is judged by.

    Attributes:
        method: The HTTP method.
        path: The path of the URL.
        query: What follows the question mark in it.
        headers: HTTP header fields, names in lower case.
        body: The bytes of the body.
        now: Unix seconds by the authority's clock.
        settings: What is demanded.
        issuers: Who is registered, by `iss`.
        replays: The assertions seen before.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    now: float
    settings: Settings
    issuers: Mapping[str, Registration]
    replays: Replays

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Every field of the form in order. A field without a value counts as left out (RFC 6749 section 3.2)."""
        return [(name, value) for name, value in read_form(self.body) if value]

    @cached_property
    def form(self) -> Form:
        """The fields by name."""
        return Form(self.pairs)

    @cached_property
    def assertion(self) -> str:
        """The assertion as it was sent."""
        return self.form["assertion"] if "assertion" in self.form else _miss("There is no assertion.")

    @cached_property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Header, claims and signature of the assertion, decoded."""
        return split_jws(self.assertion)

    @cached_property
    def header(self) -> dict[str, Any]:
        """The JOSE header."""
        return json_object(self.parts[0], "header")

    @cached_property
    def claims(self) -> dict[str, Any]:
        """The claims, before anything vouches for them."""
        return json_object(self.parts[1], "claims")

    @cached_property
    def registration(self) -> Registration:
        """The issuer that the claims name."""
        issuer = self.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self.issuers:
            raise Unjudged("The issuer is not known.")
        return self.issuers[issuer]

    @cached_property
    def keys(self) -> tuple[VerifyKey, ...]:
        """The keys that the assertion may have been signed by."""
        keys = self.registration.candidates(self.header.get("kid"))
        return keys or _miss("No key is registered by this kid.")

    @cached_property
    def fitting_keys(self) -> tuple[VerifyKey, ...]:
        """Those of them that may be used with the header's algorithm."""
        alg = self.header.get("alg")
        return tuple(key for key in self.keys if alg in key.algorithms) or _miss("No key fits the alg.")

    @cached_property
    def signature_holds(self) -> bool:
        """Whether one of the fitting keys made the signature."""
        # Late: the table of rules can be read, and the plug-in loaded, without PyJWT and cryptography.
        import jwt

        keys = self.fitting_keys
        algorithm = jwt.get_algorithm_by_name(self.header["alg"])
        signed = self.assertion.rpartition(".")[0].encode("ascii")
        return any(algorithm.verify(signed, key.key, self.parts[2]) for key in keys)

    @cached_property
    def basic(self) -> tuple[str, str] | None:
        """Client id and secret of the Authorization header; None where there is no such header."""
        value = self.headers.get("authorization")
        if value is None:
            return None
        scheme, _, encoded = value.partition(" ")
        try:
            user, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
        except ValueError:
            user = colon = secret = ""
        if scheme.lower() != "basic" or not colon or not user:
            raise Unjudged("The Authorization header is not a Basic one with client id and secret.")
        # RFC 6749 section 2.3.1: both were form-encoded before base64, which clients forget until a secret has a "+".
        return unquote_plus(user), unquote_plus(secret)

    @cached_property
    def presented(self) -> tuple[str, str] | None:
        """The client id and secret that were sent, in whichever way; None where none were."""
        if self.basic is not None:
            return self.basic
        if "client_secret" in self.form:
            return self.form.get("client_id", ""), self.form["client_secret"]
        return None


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Reads a form, leaving nothing out that it does not understand."""
    if not body:
        return []
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        reason = "The body is not a form of name=value pairs in percent-encoded UTF-8."
    raise Unjudged(reason)


def split_jws(text: str) -> tuple[bytes, bytes, bytes]:
    """Takes a JWS apart (RFC 7515 section 7.1)."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise Unjudged(f"The assertion has {len(parts)} parts, not three.")
    header, claims, signature = (strict_b64url(part) for part in parts)
    return header, claims, signature


def strict_b64url(part: str) -> bytes:
    """Decodes base64url as RFC 7515 section 2 has it: no padding, no other characters, one spelling only."""
    if _BASE64URL.fullmatch(part):
        try:
            data = b64url_decode(part)
        except ValueError:
            data = None
        if data is not None and b64url(data) == part:
            return data
    raise Unjudged("A part of the assertion is not base64url without padding.")


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """Reads one JSON object in UTF-8 whose names are unique."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unjudged(f"The {what} cannot be read as one JSON object with unique names.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is repeated")
    return fields


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _miss(reason: str) -> NoReturn:
    raise Unjudged(reason)
