"""The code that a person's sign-in left behind, for a client that proves itself by an assertion.

Rule: a code is sent once; what follows is the refresh token's business.
Source: RFC 6749 section 4.1.3; RFC 7636 sections 4.1 and 4.5 for the verifier; RFC 7521 section 6.1.
"""

from __future__ import annotations

import re

from .._encoding import digest
from .._fixed import Fixed
from .._secret import Secret
from ..errors import ConfigError

_CODE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.11
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ANOTHER = "A code is good for one sign-in: let the person sign in again, and make new credentials of the new code."


class AuthorizationCode(Fixed):
    """Asks with a code. The refresh token that comes with the token gets the next one.

    Args:
        code: From the authorization endpoint.
        redirect_uri: As it was sent there; None: it was not.
        code_verifier: The PKCE secret behind the challenge that was sent there; None: none was.

    Raises:
        ConfigError: one of them is not what its RFC says.

    Example:
        >>> AuthorizationCode("abc", redirect_uri="https://app.example/cb").form(0)[1:]
        [('code', 'abc'), ('redirect_uri', 'https://app.example/cb')]
    """

    __slots__ = ("_code", "_unused", "_verifier", "redirect_uri")

    cause, advice = "authorization_code", _ANOTHER

    redirect_uri: str | None
    _code: Secret
    _verifier: Secret | None
    _unused: list[None]

    def __init__(self, code: str, redirect_uri: str | None = None, code_verifier: str | None = None) -> None:
        sealed = Secret(code) if isinstance(code, str) and code.strip() and _CODE.fullmatch(code) else None
        verifier = None
        if isinstance(code_verifier, str) and _VERIFIER.fullmatch(code_verifier):
            verifier = Secret(code_verifier)
        misread = code_verifier is not None and verifier is None
        del code, code_verifier  # or the frame of an error would hold them
        if sealed is None:
            raise ConfigError(
                "AuthorizationCode(code) is not a non-empty str of ASCII's characters.", code="bad_argument",
                hint="It is the code of the redirect back from the authorization endpoint, without a line end.",
            )  # fmt: skip
        if redirect_uri is not None and not (isinstance(redirect_uri, str) and _is_uri(redirect_uri)):
            raise ConfigError(
                "AuthorizationCode(redirect_uri=) is no URI.", code="bad_argument",
                hint="It is the one that was sent to the authorization endpoint.",
            )  # fmt: skip
        if misread:
            raise ConfigError(
                "AuthorizationCode(code_verifier=) is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~.",
                code="bad_argument", hint="It is the verifier itself, not the challenge that was made of it.",
            )  # fmt: skip
        self._fix(_code=sealed, _verifier=verifier, redirect_uri=redirect_uri, _unused=[None])

    @property
    def repeatable(self) -> bool:
        """No: a second use may cost the first one's tokens (RFC 6749 section 4.1.2)."""
        return False

    def restore(self) -> None:
        """Notes that no server has looked at the code: it is as good as before."""
        if not self._unused:
            self._unused.append(None)

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """grant_type, the code, and what binds it: once, unless it is restored.

        Raises:
            ConfigError: the code was sent before.
        """
        try:
            self._unused.pop()  # in one step: of two threads, one sends the code
            spent = False
        except IndexError:
            spent = True
        if spent:
            raise ConfigError("The authorization code was sent once already.", code="code_used", hint=_ANOTHER)
        fields = [("grant_type", "authorization_code"), ("code", self._code.reveal().decode())]
        if self.redirect_uri is not None:
            fields.append(("redirect_uri", self.redirect_uri))
        if self._verifier is not None:
            fields.append(("code_verifier", self._verifier.reveal().decode()))
        return fields

    def fingerprint(self) -> tuple[str, ...]:
        """Hashes of the code and of what binds it."""
        verifier = digest(self._verifier.reveal()).hex() if self._verifier is not None else ""
        return ("authorization_code", digest(self._code.reveal()).hex(), self.redirect_uri or "", verifier)

    def describe(self) -> str:
        """What binds the code."""
        told = f" for redirect_uri {self.redirect_uri!r}" if self.redirect_uri is not None else ""
        return f"an authorization code{told}, {'with' if self._verifier is not None else 'without'} a code_verifier"

    def _told(self) -> str:
        return f"redirect_uri={self.redirect_uri!r}"


def _is_uri(text: str) -> bool:
    return ":" in text and text.isprintable() and " " not in text
