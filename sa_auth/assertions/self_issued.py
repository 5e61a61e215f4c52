"""A JWT that this process signs about itself.

Rule: minted anew for every attempt, with integers for times and 128 random bits for `jti`; `reuse=` is the exception, and
no attempt repeats what another of the same exchange sent. Stands between a grant
(or client authentication) and the signer. Source: RFC 7523 section 3; RFC 7515 section 7.1 for the three joined parts.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from .._encoding import b64url, compact_json
from .._fixed import Fixed
from .._loading import load
from ..errors import ConfigError
from ..policy import positive
from ..signers.base import Signer
from ..wire import Conversation, conversation

# What an argument decides, a claim or header field may not decide a second time.
_CLAIMS_BY_ARGUMENT = {
    "iss": "issuer", "sub": "subject", "aud": "audience", "exp": "lifetime", "iat": "backdate", "scope": "scope",
    "jti": "",
}  # fmt: skip
_HEADERS_BY_ARGUMENT = {"alg": "algorithm", "kid": "key_id"}
_LEFT = 30  # seconds of its life that an assertion has at least, when it is sent again
_FROM_CERTIFICATE = ("x5t", "x5t#S256", "x5c")


class SelfIssued(Fixed):
    """Mints JWTs of the general form of RFC 7523, and with it Google's.

    Args:
        signer: Signs them.
        issuer: `iss`.
        audience: `aud`, exactly as the server writes it; None: no aud.
        subject: `sub`; None: none.
        scope: The `scope` claim, space separated; None: no such claim.
        lifetime: Seconds from now to `exp`.
        backdate: Seconds that `iat` lies before now, so that a clock slightly ahead is forgiven.
        longest: Seconds that the server allows from `iat` to `exp`; the backdate gives way to it.
        claims: Extra claims. `{"nbf": True}` asks for an `nbf` equal to `iat`; a `scope` that is a list stands here.
        headers: Extra JOSE header fields. True for "x5t", "x5t#S256" or "x5c" takes it from the certificate.
        type: `typ` of the header; None: none.
        issuer_suffix: What `iss` ends with where it names the key: {fingerprint} in it is the SHA-256 of the key that
            signs, as DER SubjectPublicKeyInfo, in standard base64.
        reuse: Seconds for which a signed JWT is sent again, by a later exchange and never by another attempt of the same,
            for a signer whose signatures cost money or are rationed. It then has no `jti`, which says that it goes once:
            only for a server that allows that. 0: never.

    Raises:
        ConfigError: an argument is of the wrong kind, or a claim restates an argument.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.signers.local import LocalSigner
        >>> from sa_auth.testing import new_key
        >>> signer = LocalSigner(from_pem(new_key("p256")[0]))
        >>> SelfIssued(signer, issuer="robot", audience="https://as.example/token").mint(1_700_000_000).count(".")
        2
    """

    __slots__ = (
        "_backdate",
        "_claims",
        "_headers",
        "_kept",
        "_lifetime",
        "_longest",
        "_reuse",
        "_suffix",
        "audience",
        "issuer",
        "scope",
        "signer",
        "subject",
    )

    signer: Signer
    issuer: str
    audience: str | None
    subject: str | None
    scope: str | None
    _lifetime: int
    _backdate: int
    _longest: int | None
    _claims: Mapping[str, Any]
    _headers: Mapping[str, Any]
    _suffix: str
    _reuse: float
    _kept: list[_Kept]

    def __init__(
        self,
        signer: Signer,
        *,
        issuer: str,
        audience: str | None,
        subject: str | None = None,
        scope: str | None = None,
        lifetime: int = 300,
        backdate: int = 10,
        longest: int | None = None,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        type: str | None = "JWT",  # noqa: A002 - the header's own word
        issuer_suffix: str = "",
        reuse: float = 0,
    ) -> None:
        positive(lifetime, "lifetime")
        _check_reuse(reuse, lifetime)
        given = frozen_json(headers, "headers", _HEADERS_BY_ARGUMENT)
        # No argument says a scope that is a list.
        listed = scope is None and isinstance(claims, Mapping) and isinstance(claims.get("scope"), list)
        taken = {name: why for name, why in _CLAIMS_BY_ARGUMENT.items() if not (listed and name == "scope")}
        self._fix(
            signer=signer, issuer=issuer, audience=audience, subject=subject, scope=scope,
            _reuse=reuse, _kept=[], _lifetime=math.floor(lifetime) or 1, _backdate=backdate, _longest=longest, _suffix=issuer_suffix,
            _claims=frozen_json(claims, "claims", taken),
            _headers=given if type is None else MappingProxyType({"typ": type, **given}),
        )  # fmt: skip
        for name in _FROM_CERTIFICATE:
            if self._headers.get(name) is True:
                signer.certificate_field(name)

    def mint(self, now: float) -> str:
        """Signs one JWT.

        Args:
            now: Unix seconds.

        Raises:
            SigningError: the key or its service could not sign.
        """
        # One key for header and signature, even if the key's file is replaced in between.
        signer = getattr(self.signer, "current", self.signer)
        under_way = conversation()
        for kept in self._kept:  # one at most
            # A second attempt of one exchange is made because of how the first one went: it gets another.
            again = under_way is None or kept.within is not under_way
            if again and kept.signer is signer and 0 <= now - kept.minted_at < self._reuse:
                self._kept[:] = [kept._replace(within=under_way)]
                return kept.text
        payload = {**self._payload(now), "iss": self._named(signer)}
        content = f"{b64url(compact_json(self._header(signer)))}.{b64url(compact_json(payload))}"
        text = f"{content}.{b64url(signer.sign(content.encode('ascii')))}"
        if self._reuse:
            self._kept[:] = [_Kept(text, now, signer, under_way)]
        return text

    def bound(self, signer: Signer, claims: Mapping[str, Any], headers: Mapping[str, Any]) -> SelfIssued:
        """Gives one that says these beside the rest, for a single call.

        Args:
            signer: Its own, as it is now.
            claims: JSON, by name; they go before the rest.
            headers: JOSE header fields, likewise.
        """
        return self._with(
            signer=signer, _claims={**self._claims, **claims}, _headers={**self._headers, **headers}, _reuse=0, _kept=[]
        )

    def _header(self, signer: Signer) -> dict[str, Any]:
        header: dict[str, Any] = {"alg": signer.algorithm}
        if signer.key_id is not None:
            header["kid"] = signer.key_id
        for name, value in self._headers.items():
            header[name] = signer.certificate_field(name) if value is True and name in _FROM_CERTIFICATE else value
        return header

    def _named(self, signer: Signer) -> str:
        """`iss`, which follows the key where it names it."""
        if not self._suffix:
            return self.issuer
        # Late: it needs cryptography, and only some issuers name their key.
        fingerprint = load("sa_auth.keys.spki").fingerprint_of(signer.public_jwk())
        return self.issuer + self._suffix.format(fingerprint=fingerprint)

    def _payload(self, now: float) -> dict[str, Any]:
        expires = math.floor(now) + self._lifetime
        issued = math.floor(now) - self._backdate
        if self._longest is not None:
            issued = max(issued, expires - self._longest)
        named = {"iss": self.issuer, "sub": self.subject, "scope": self.scope, "aud": self.audience}
        payload: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        payload.update(iat=issued, exp=expires, **({} if self._reuse else {"jti": b64url(os.urandom(16))}))
        return {**payload, **self._claims, **({"nbf": issued} if self._claims.get("nbf") is True else {})}

    def fingerprint(self) -> tuple[str, ...]:
        """Everything that makes a token this identity's: who, for whom, for what, by which key, with which extras."""
        scope = None if self.scope is None else " ".join(sorted(self.scope.split()))
        parts = (self.issuer + self._suffix, self.subject, self.audience, scope, self.signer.key_id)
        extras = (json.dumps(dict(fields), sort_keys=True) for fields in (self._claims, self._headers))
        told = (text for part in parts for text in (("0", "") if part is None else ("1", part)))
        return ("self_issued", *told, *extras, self.signer.thumbprint)

    def _told(self) -> str:
        return self.describe()

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "An assertion is not pickled: its key stays here.", code="not_picklable",
            hint="Build the credentials from a path or an environment variable; those travel by name.",
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """What the assertion says by name, and its certificate's thumbprints where it has one; no secret."""
        told = {"iss": self._named(self.signer), "sub": self.subject, "aud": self.audience, "kid": self.signer.key_id,
                "alg": self.signer.algorithm, "scope": self.scope}  # fmt: skip
        found = {name: value for name, value in told.items() if value is not None}
        try:
            fields = {
                "x5t": self.signer.certificate_field("x5t"),
                "x5t_s256": self.signer.certificate_field("x5t#S256"),
            }
        except ConfigError:
            return found
        return {**found, **fields}

    def describe(self) -> str:
        """What the assertion says, for a refusal's hint."""
        told = (
            ("iss", self._named(self.signer)),
            ("sub", self.subject),
            ("aud", self.audience),
            ("kid", self.signer.key_id),
        )
        return ", ".join(f"{name} {value!r}" for name, value in told if value is not None)


class _Kept(NamedTuple):
    """An assertion that may be sent again.

    Attributes:
        text: The assertion.
        minted_at: Unix seconds.
        signer: Whose signature it has.
        within: The exchange that sent it last; None: none.
    """

    text: str
    minted_at: float
    signer: Signer
    within: Conversation | None

    def __repr__(self) -> str:
        return "_Kept(...)"


def _check_reuse(reuse: object, lifetime: float) -> None:
    if isinstance(reuse, bool) or not isinstance(reuse, int | float) or not 0 <= reuse <= max(lifetime - _LEFT, 0):
        raise ConfigError(
            f"reuse is no number of seconds that leaves {_LEFT} s of the assertion's life.", code="bad_argument",
            hint="For example reuse=120 with a lifetime of 300 s. 0: each assertion goes once.",
        )  # fmt: skip


def frozen_json(fields: Mapping[str, Any] | None, name: str, taken: Mapping[str, str]) -> Mapping[str, Any]:
    """Copies extra fields so that nobody changes them afterwards.

    Raises:
        ConfigError: they are no JSON object, or one of them is decided by an argument.
    """
    if fields is None:
        return MappingProxyType({})
    if not isinstance(fields, Mapping) or not all(isinstance(key, str) for key in fields):
        raise ConfigError(
            f"{name} is not a mapping with str keys.", code="bad_argument", hint="For example {'name': 'value'}."
        )
    for key in fields:
        if key in taken:
            instead = f"Use the argument {taken[key]}=." if taken[key] else "It is made anew for every assertion."
            raise ConfigError(f"{name} may not set {key!r}.", code="bad_argument", hint=instead)
    copied = None
    try:
        copied = json.loads(json.dumps(dict(fields), allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        pass
    if copied is None:
        raise ConfigError(
            f"{name} holds a value that is no JSON.", code="bad_argument",
            hint="Text, finite numbers, True, False, None, and lists and dicts of them.",
        )  # fmt: skip
    return MappingProxyType(copied)
