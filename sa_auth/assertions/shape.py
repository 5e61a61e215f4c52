"""What the text of an assertion is: a JWT, a SAML 2.0 assertion, or opaque; and whether it can be sent.

Rule: looked at and never changed, verified or repeated; whoever issued it signed it, and the server judges it. Stands
under everything that hands an assertion over, and beside the grants, which ask for one kind of it.
Source: RFC 7515 section 7.1 (three parts), RFC 7516 section 7.1 (five), RFC 7519 section 4.1, RFC 7522 section 2.1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .._encoding import b64url, b64url_decode
from .._jsonobject import json_object
from .._loading import Late
from ..errors import ConfigError

if TYPE_CHECKING:
    from . import saml
else:
    saml = Late("sa_auth.assertions.saml")  # a JWT needs none of it

LARGEST = 256 * 1024  # bytes; no server reads as much
_AROUND = "\ufeff \t\r\n\v\f"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LONGEST_TOLD = 100  # characters of one claim in a hint


def check(text: str | bytes, now: float, where: str, *, rotates: bool = True) -> str:
    r"""Gives the text to send: a JWT without the white space around it, SAML untouched to the last byte.

    Args:
        text: What was handed over; bytes are UTF-8.
        now: Unix seconds.
        where: Whence it came, for messages: "the file '/run/token'".
        rotates: Whether another one may stand there soon, so that the same call may succeed later.

    Raises:
        ConfigError: it is empty, truncated, expired, too large, or no text of an assertion; it is not repeated.

    Example:
        >>> check("opaque\n", 0, "the file '/run/token'")
        'opaque'
    """
    whole = _text(text, where)
    bare = whole.strip(_AROUND)
    if not bare:
        raise _refused(
            "empty", f"The assertion from {where} is empty.", retryable=rotates,
            hint=f"See that whatever fills {where} has done so; it may be about to.",
        )  # fmt: skip
    kind = kind_of(bare)
    if kind == "saml2":
        _check_saml(_xml(bare, where, rotates=rotates), now, where, rotates=rotates)
        # White space in base64 comes of folding; in XML every byte may be under the signature.
        return whole if bare.startswith("<") else "".join(bare.split())
    if kind == "jwt":
        _check_jwt(bare, now, where, rotates=rotates)
    elif not _VISIBLE.fullmatch(bare):
        raise _refused(
            "not_text", f"What {where} gave is no assertion: it has spaces, or characters other than ASCII's.",
            hint=f"See that {where} holds the assertion alone: no label before it, and not a second one after it.",
        )  # fmt: skip
    return bare


def kind_of(text: str) -> str:
    """Says what an assertion's text looks like: "jwt", "saml2" or "opaque".

    Example:
        >>> kind_of("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"), kind_of("<Assertion/>"), kind_of("opaque")
        ('jwt', 'saml2', 'opaque')
    """
    bare = text.lstrip(_AROUND)
    if bare.startswith("eyJ"):
        return "jwt"
    return "saml2" if bare.startswith("<") or saml.begins(bare) else "opaque"


def is_saml2(text: str) -> bool:
    """Whether an assertion is SAML 2.0, as XML or as base64."""
    return kind_of(text) == "saml2"


def require_jwt(text: str, where: str) -> str:
    """Gives the text back if it is a JWT.

    Raises:
        ConfigError: it is none (`assertion_not_jwt`).
    """
    kind = kind_of(text)
    if kind == "jwt":
        return text
    if kind == "saml2":
        what, hint = "a SAML 2.0 assertion", "That goes with the grant saml2_bearer (RFC 7522)."
    else:
        what, hint = "opaque", f"See that {where} gives an ID token or another JWT, which begins with eyJ."
    raise _refused("not_jwt", f"The assertion from {where} is {what}, and a JWT is needed.", hint=hint)


def saml2_base64url(text: str, where: str) -> str:
    """Gives a SAML 2.0 assertion as RFC 7522 section 2.1 sends it: base64url of its bytes, not padded, not folded.

    Raises:
        ConfigError: it is none (`assertion_not_saml`), or its base64 is damaged.

    Example:
        >>> saml2_base64url("<Assertion/>", "the file '/run/saml'")
        'PEFzc2VydGlvbi8-'
    """
    kind = kind_of(text)
    if kind == "saml2":
        return b64url(_xml(text, where, rotates=True))
    if kind == "jwt":
        what, hint = "a JWT", "That goes with the grant jwt_bearer (RFC 7523)."
    else:
        what, hint = "opaque", f"See that {where} gives the XML of the Assertion, or base64 of it."
    raise _refused("not_saml", f"The assertion from {where} is {what}, and a SAML 2.0 one is needed.", hint=hint)


def claims(text: str) -> dict[str, Any]:
    """The claims of a JWT, not verified; empty where it is none, or encrypted."""
    parts = text.split(".")
    return (_part(parts[1]) or {}) if kind_of(text) == "jwt" and len(parts) == 3 else {}


def facts(text: str) -> dict[str, str]:
    """What a JWT says by name, for a hint to fill in: who issued it, about whom, for whom, and how it was signed.

    Example:
        >>> facts("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJzdHMiLCJhdWQiOlsiYSIsImIiXX0.c2ln")
        {'alg': 'ES256', 'aud': 'a and b', 'iss': 'sts'}
    """
    if kind_of(text) != "jwt":
        return {}
    said, header = claims(text), _part(text.partition(".")[0]) or {}
    named = {
        **{name: header.get(name) for name in ("alg", "kid")},
        **{name: said.get(name) for name in ("aud", "iss", "sub")},
    }
    return {name: " and ".join(words) for name, value in named.items() if (words := _words(value))}


def summary(text: str) -> str:
    """What an assertion says, for an error's hint: who issued it, about whom and for whom; nothing that signs in.

    Example:
        >>> summary("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJzdHMifQ.c2ln")
        "iss 'sts'"
    """
    kind = kind_of(text)
    told: dict[str, Any] = {}
    if kind == "jwt":
        said, header = claims(text), _part(text.partition(".")[0]) or {}
        told = {**{name: said.get(name) for name in ("iss", "sub", "aud")}, "kid": header.get("kid")}
    elif kind == "saml2":
        told = saml.read(_xml_bytes(text) or b"").told
    shown = [f"{name} {' and '.join(map(repr, words))}" for name, value in told.items() if (words := _words(value))]
    silent = {"jwt": "a JWT", "saml2": "a SAML 2.0 assertion", "opaque": "an opaque token"}
    return ", ".join(shown) or silent[kind]


def _words(value: object) -> list[str]:
    """The text or first texts of a claim, cut to what a hint has room for."""
    found = value[:3] if isinstance(value, list) else [value]
    return [item[:_LONGEST_TOLD] for item in found if isinstance(item, str)]


def _refused(code: str, message: str, *, hint: str, retryable: bool = False) -> ConfigError:
    return ConfigError(message, code=f"assertion_{code}", hint=hint, retryable=retryable)


def _text(text: str | bytes, where: str) -> str:
    """The text as str, once it is known to be UTF-8 and of a size that anybody reads."""
    size, whole = len(text), None
    if size <= LARGEST:
        try:
            whole = text if isinstance(text, str) else text.decode("utf-8")
            size = len(whole.encode("utf-8"))
        except UnicodeError:
            whole = None
    if size > LARGEST:
        raise _refused(
            "too_large", f"What {where} gave is larger than 256 KiB, which no assertion is.",
            hint=f"See that {where} is the one you meant; no server would read so much.",
        )  # fmt: skip
    if whole is None:
        raise _refused(
            "not_text", f"What {where} gave is not UTF-8 text.",
            hint="An assertion is text: a JWT, or a SAML assertion as UTF-8 or base64.",
        )  # fmt: skip
    return whole


def _expired(what: str, ago: float, where: str, *, rotates: bool) -> ConfigError:
    renew = f"See that whatever fills {where} still runs" if rotates else "Hand over a fresh one, or a source of them"
    return _refused(
        "expired", f"The {what} from {where} expired {min(ago, 1e9):.0f} s ago.", retryable=rotates,
        hint=f"{renew}; and check that this machine's clock is right.",
    )  # fmt: skip


def _check_jwt(text: str, now: float, where: str, *, rotates: bool) -> None:
    parts = text.split(".")
    header = _part(parts[0])
    encrypted = len(parts) == 5 and header is not None and "enc" in header
    payload = None if encrypted or len(parts) != 3 else _part(parts[1])
    signed = payload is not None and _BASE64URL.fullmatch(parts[2])
    if header is None or not (encrypted or signed):
        folded = "; it has white space inside" if len(text.split()) > 1 else ""
        raise _refused(
            "truncated", f"The JWT from {where} is damaged or cut short{folded}.", retryable=rotates,
            hint=f"A JWT is three parts with full stops between them. Whatever fills {where} should write another file "
            "and rename it, so that nobody reads half of one."
            if rotates
            else "A JWT is three parts with full stops between them: take the whole of it.",
        )  # fmt: skip
    expires = (payload or {}).get("exp")
    if isinstance(expires, int | float) and not isinstance(expires, bool) and expires <= now:
        raise _expired("JWT", now - expires, where, rotates=rotates)


def _part(text: str) -> dict[str, Any] | None:
    try:
        return json_object(b64url_decode(text), ()) if _BASE64URL.fullmatch(text) else None
    except ValueError:
        return None


def _check_saml(data: bytes, now: float, where: str, *, rotates: bool) -> None:
    document = saml.read(data)
    if document.fault == "cut":
        raise _refused(
            "truncated", f"The SAML assertion from {where} is cut short.", retryable=rotates,
            hint=f"See that {where} holds all of it.",
        )  # fmt: skip
    if document.fault or document.root != saml.ASSERTION:
        raise _not_saml(document, where)
    if document.ends_at is not None and document.ends_at <= now:
        raise _expired("SAML assertion", now - document.ends_at, where, rotates=rotates)


def _not_saml(document: saml.Document, where: str) -> ConfigError:
    root = re.sub(r"[^\w.-]", "", document.root.rpartition(" ")[2], flags=re.ASCII)[:40]
    says = {"document_type": "it has a document type", "malformed": "it is not well-formed"}
    hint = f"See that {where} gives the Assertion element, and nothing around it."
    if document.fault or root.lower() == "html":
        hint = f"It may be a web page, of a proxy or a sign-in form. {hint}"
    elif document.root == saml.RESPONSE:
        hint = "Only the Assertion inside the Response is sent: cut it out byte for byte, or its signature breaks."
    why = says.get(document.fault, f"its root is {root!r}")
    return _refused("not_saml", f"The XML from {where} is no SAML 2.0 assertion: {why}.", hint=hint)


def _xml(text: str, where: str, *, rotates: bool) -> bytes:
    data = _xml_bytes(text)
    if data is None:
        raise _refused(
            "truncated", f"The base64 of the SAML assertion from {where} is damaged or cut short.", retryable=rotates,
            hint=f"See that {where} holds all of it, and nothing else.",
        )  # fmt: skip
    return data


def _xml_bytes(text: str) -> bytes | None:
    """The bytes of a SAML assertion that stands there as XML or as base64; None where the base64 is damaged."""
    return text.encode("utf-8", "replace") if "<" in text else saml.unfolded(text.strip(_AROUND))
