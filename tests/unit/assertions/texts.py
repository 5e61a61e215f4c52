"""Assertions to hand over, and what an error gives away."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth.errors import ConfigError, SaAuthError

NOW = 1_700_000_000.0
CANARY = "canary-7c41f0"


def b64url(data: bytes | dict[str, Any]) -> str:
    """Base64url without padding, of bytes or of JSON."""
    raw = json.dumps(data).encode() if isinstance(data, dict) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A JWT of these claims, alive unless `exp` says otherwise; its signature is a canary."""
    said = {"iss": "https://sts.example", "sub": "robot", "aud": "api", "exp": NOW + 60, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return f"{b64url({'alg': 'ES256', 'kid': 'k1', **(header or {})})}.{b64url(said)}.{b64url(CANARY.encode())}"


def assertion(
    conditions: str = 'NotOnOrAfter="2023-11-14T23:13:20Z"', *, root: str = "Assertion", more: str = ""
) -> str:
    """A SAML 2.0 assertion, an hour from its end; about a canary."""
    return (
        f'<saml:{root} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0">\n'
        f"  <saml:Issuer>https://idp.example</saml:Issuer>\n"
        f"  <saml:Subject><saml:NameID>{CANARY}</saml:NameID></saml:Subject>\n"
        f"  <saml:Conditions {conditions}><saml:AudienceRestriction><saml:Audience>https://as.example</saml:Audience>"
        f"</saml:AudienceRestriction></saml:Conditions>{more}\n"
        f"</saml:{root}>\n"
    )


def everything_of(error: SaAuthError) -> str:
    """All that a log, a debugger or a crash reporter could take from an error: our frames' locals as well."""
    assert (error.__cause__, error.__context__) == (None, None)
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [repr(frame.locals) for frame in whole.stack if "/sa_auth/" in frame.filename]
    return "\n".join([str(error), repr(error), repr(error.args), repr(vars(error)), *frames])


def refused(act: Callable[[], Any]) -> ConfigError:
    """The error, once it is known to have a code and advice, and neither in it nor in our frames a secret."""
    with pytest.raises(ConfigError) as caught:
        act()
    assert caught.value.code
    assert caught.value.hint
    shown = everything_of(caught.value)
    assert CANARY not in shown
    assert b64url(CANARY.encode()) not in shown
    return caught.value
