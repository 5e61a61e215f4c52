"""What can go wrong, as classes with advice.

Rule: nothing but `SaAuthError` leaves the library for anything a server, file, key or network does. Every error
carries plain fields only, so it can be pickled, logged and shown without giving a secret away. Its page in the
documentation is named by its cause or its code, and no file is looked at for that.

Source: RFC 6749 section 5.2 for the words of a token endpoint, RFC 8707 section 2 for `invalid_target`.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "ConfigError",
    "InvalidClient",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidScope",
    "InvalidTarget",
    "KeyFileError",
    "KeyFileWarning",
    "KeyLoadError",
    "MissingExtra",
    "ResponseError",
    "SaAuthError",
    "SigningError",
    "TokenEndpointError",
    "TransportError",
    "UnauthorizedClient",
    "UnsupportedGrantType",
]

# What servers call their refusals (RFC 6749 section 5.2, RFC 7009, RFC 8707, RFC 9449); any other word is one's own.
_SERVERS_WORDS = frozenset({
    "invalid_client", "invalid_dpop_proof", "invalid_grant", "invalid_request", "invalid_scope", "invalid_target",
    "unauthorized_client", "unsupported_grant_type", "unsupported_token_type", "use_dpop_nonce",
})  # fmt: skip


class SaAuthError(Exception):
    """The root of every error of this library.

    Args:
        message: What happened, in one sentence without secrets.
        code: A short word for programs; the server's `error` where it gave one. Default: the class's own.
        hint: What to do about it; empty where there is nothing to add.
        retryable: Whether the same call may succeed later without a change.
        status: The HTTP status of the answer; None where there was none.
        retry_after: Seconds to wait before asking again; None where nobody said.
        attempts: How many requests were sent before giving up; 0 where none was.

    Attributes:
        elsewhere: Whether another process met it, and left it in the shared cache.

    Example:
        >>> error = SaAuthError("The clock is wrong.", code="clock", hint="Run an NTP client.")
        >>> str(error)
        'clock: The clock is wrong. Hint: Run an NTP client. More: docs/errors/clock.md.'
    """

    default_code: ClassVar[str] = "error"
    elsewhere: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        retryable: bool = False,
        status: int | None = None,
        retry_after: float | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else self.default_code
        self.hint = hint
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after
        self.attempts = attempts

    def __str__(self) -> str:
        advice = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.code}: {self.message}{advice} More: {self.page}."

    @property
    def page(self) -> str:
        """The page of the documentation that tells more, from the root of the source tree.

        Example:
            >>> SaAuthError("The clock is wrong.", code="clock").page
            'docs/errors/clock.md'
        """
        return f"docs/errors/{self._topic()}.md"

    def _topic(self) -> str:
        # A code that is no word of ours came from outside: http_403 of a token service, say.
        ours = self.code.isidentifier() and self.code.islower() and not self.code.startswith("http_")
        return self.code if ours else self.default_code

    def copy(self) -> SaAuthError:
        """Gives an equal error without traceback or context, so that each waiter raises one of its own."""
        return self.but()

    def but(self, **fields: Any) -> SaAuthError:
        """Gives an equal error that differs in these fields alone, without traceback or context."""
        return _rebuild(type(self), {**vars(self), **fields})

    def at(self, where: str) -> SaAuthError:
        """Gives an equal error whose message says where, for example in which file."""
        return self.but(message=f"{self.message.rstrip('.')}, {where}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(vars(self)))


def _rebuild(cls: type[SaAuthError], fields: dict[str, Any]) -> SaAuthError:
    """Makes an error from its fields; used by copies and pickles."""
    error = cls(fields["message"])
    vars(error).update({name: value for name, value in fields.items() if name != "__notes__"})
    return error


class ConfigError(SaAuthError):
    """An argument, key or file is not usable; raised before anything is sent."""

    default_code = "config"


class KeyFileError(ConfigError):
    """A key file cannot be read, is of an unknown kind, or lacks a field."""

    default_code = "key_file"


class KeyFileWarning(UserWarning):
    """A key file may be read by others than its owner."""


class KeyLoadError(ConfigError):
    """A private key or certificate cannot be loaded: wrong password, damaged, unsupported, not matching."""

    default_code = "key_load"


class MissingExtra(ConfigError):  # noqa: N818 - the public name says what is missing, as the documentation does
    """A part needs an optional package; the message names the pip command."""

    default_code = "missing_extra"


class SigningError(SaAuthError):
    """The key or key service could not sign."""

    default_code = "signing"


class TransportError(SaAuthError):
    """No answer was had: name look-up, connection, TLS, time-out, a reply cut short or too large.

    `connected` tells whether a connection to the server was made, after which a request may have been seen.
    """

    default_code = "transport"

    def __init__(self, message: str, *, connected: bool = True, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.connected = connected


class ResponseError(SaAuthError):
    """An answer was had but cannot be trusted as a token response."""

    default_code = "response"


class TokenEndpointError(SaAuthError):
    """The token endpoint said no (RFC 6749 section 5.2).

    `skew` is how many seconds this machine's clock is behind the server's (negative: ahead), where the refusal's Date
    shows more than half a minute; else None. `cause` is what the server's words give away of why, in a word, for
    example "clock" or "consent"; empty where they give away nothing.
    """

    default_code = "token_endpoint"
    skew: float | None = None
    cause: str = ""

    def _topic(self) -> str:
        # The code is the server's, which may use a word of ours in another sense.
        return self.cause or (self.code if self.code in _SERVERS_WORDS else self.default_code)


class InvalidRequest(TokenEndpointError):  # noqa: N818 - the RFC's own words, as for its five neighbours
    """`invalid_request`: a parameter is missing, repeated or malformed."""

    default_code = "invalid_request"


class InvalidClient(TokenEndpointError):  # noqa: N818
    """`invalid_client`: the client could not be authenticated."""

    default_code = "invalid_client"


class InvalidGrant(TokenEndpointError):  # noqa: N818
    """`invalid_grant`: the assertion was not accepted."""

    default_code = "invalid_grant"


class UnauthorizedClient(TokenEndpointError):  # noqa: N818
    """`unauthorized_client`: this client may not use this grant."""

    default_code = "unauthorized_client"


class UnsupportedGrantType(TokenEndpointError):  # noqa: N818
    """`unsupported_grant_type`: the server does not know this grant."""

    default_code = "unsupported_grant_type"


class InvalidScope(TokenEndpointError):  # noqa: N818
    """`invalid_scope`: a scope is unknown, malformed or not granted."""

    default_code = "invalid_scope"


class InvalidTarget(TokenEndpointError):  # noqa: N818
    """`invalid_target` (RFC 8707 section 2): the resource is unknown or not allowed."""

    default_code = "invalid_target"
