"""A request as it came: its endpoint, header fields, form and JSON.

Rule: reading only. A part that cannot be read raises `Unjudged`; what decides whether a rule has a say (`is_...`,
`at_...`, `has...`) never raises.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from sa_auth.testing.directory import Directory
from sa_auth.testing.record import Form, Verdict
from sa_auth.testing.world import World

from .proof import Proof
from .reading import Unjudged, json_object, miss, read_form
from .settings import Settings
from .uris import JWT_BEARER


@dataclass(frozen=True)
class Asked:
    """A request, and what it is judged by.

    Attributes:
        endpoint: Where it came to: "token", "revoke", "exchange" or "api".
        method: The HTTP method.
        url: The absolute URL.
        path: The path of the URL.
        query: What follows the question mark in it.
        headers: HTTP header fields, names in lower case.
        body: The bytes of the body.
        now: Unix seconds by the authority's clock.
        settings: What is demanded.
        directory: Who is known.
        world: What was seen and given out.
        so_far: The verdicts of the rules before the one that is judging.
    """

    endpoint: str
    method: str
    url: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    now: float
    settings: Settings
    directory: Directory
    world: World
    so_far: list[Verdict] = field(default_factory=list)

    @cached_property
    def at_token(self) -> bool:
        """Whether this is a token request."""
        return self.endpoint == "token"

    @cached_property
    def at_api(self) -> bool:
        """Whether this is a call of the API."""
        return self.endpoint == "api"

    @cached_property
    def is_form(self) -> bool:
        """Whether this came to an endpoint that takes forms."""
        return self.endpoint in {"token", "revoke"}

    @property
    def spotless(self) -> bool:
        """Whether every rule so far was kept."""
        return all(verdict.ok for verdict in self.so_far)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Every field of the form in order. A field without a value counts as left out (RFC 6749 section 3.2)."""
        return [(name, value) for name, value in read_form(self.body) if value]

    @cached_property
    def form(self) -> Form:
        """The fields by name."""
        return Form(self.pairs if self.is_form else [])

    @cached_property
    def _fields(self) -> dict[str, str]:
        try:
            return dict(self.form)
        except Unjudged:
            return {}

    @cached_property
    def _grant_type(self) -> str | None:
        return self.has("grant_type") if self.at_token else None

    def has(self, name: str) -> str:
        """The value of a form field; empty where there is none, or no form."""
        # From a dict of its own: a hundred rules ask this of every request.
        return self._fields.get(name, "")

    def grants(self, *grant_types: str) -> bool:
        """Whether this is a token request by one of these grant types."""
        return self._grant_type in grant_types

    @cached_property
    def is_unnamed_grant(self) -> bool:
        """Whether a token request names no grant; it is then judged as one by a JWT."""
        return self.grants(JWT_BEARER, "")

    @cached_property
    def resources(self) -> list[str]:
        """The resources that a token is asked for, all of them."""
        return [value for name, value in self.form.pairs if name == "resource"] if self.has("resource") else []

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        return json_object(self.body, "body")

    # The Authorization header, the DPoP proof and the connection's certificate.

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
    def scheme(self) -> str:
        """The scheme of the Authorization header, in lower case."""
        return self.headers.get("authorization", "").partition(" ")[0].lower()

    @cached_property
    def bearer(self) -> str:
        """What follows the scheme."""
        return self.headers.get("authorization", "").partition(" ")[2].strip()

    @cached_property
    def has_proof(self) -> bool:
        """Whether a DPoP proof came, to where one is looked at."""
        return "dpop" in self.headers and (self.at_token or self.at_api)

    @cached_property
    def proof(self) -> Proof:
        """The DPoP proof."""
        return Proof(self.headers.get("dpop") or miss("There is no DPoP proof."))

    @cached_property
    def certificate(self) -> bytes | None:
        """The DER form of the connection's client certificate (RFC 9440 section 2.2); None where there is none."""
        value = self.headers.get("client-cert", "")
        try:
            return base64.b64decode(value.strip(":"), validate=True) or None
        except ValueError:
            return None
