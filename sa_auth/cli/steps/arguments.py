"""What the provider still needs, all of it at once.

Rule: the library's own rules judge; where one thing is missing, something stands in for it so that the next can be told.
What stands in is asked of nobody: nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sa_auth import ServiceAccountCredentials
from sa_auth.cli.show import spoken
from sa_auth.errors import ConfigError, SaAuthError
from sa_auth.providers import PROVIDERS

from .step import FAIL, OK, WARN, Step, failed

# The code of an error -> the argument that is missing, and what stands in for it.
_MISSING: dict[str, tuple[str, Any]] = {
    "no_audience": ("audience", "https://missing.invalid/"),
    "no_issuer": ("issuer", "missing"),
    "no_key_id": ("key_id", "missing"),
    "no_scope": ("scope", "missing"),
    "no_server": ("server", "https://missing.invalid"),
    "no_subject": ("subject", "missing"),
    "no_token_endpoint": ("token_endpoint", "https://missing.invalid/token"),
}
_OF_THE_CERTIFICATE = ("no_certificate",)
_OF_THE_KEY = ("bad_algorithm", "no_key", "no_public_key")


def look(
    make: Callable[..., ServiceAccountCredentials], arguments: dict[str, Any]
) -> tuple[Step, ServiceAccountCredentials | None]:
    """Makes the credentials, or tells all that is missing for them.

    Args:
        make: Makes them of the arguments, with changes.
        arguments: What was given.
    """
    errors: list[SaAuthError] = []
    standing: dict[str, Any] = {}
    while True:
        failure: SaAuthError | None = None
        try:
            made = make(**standing)
            if not errors:
                return _made(arguments), made
            break
        except ConfigError as error:
            failure = error.copy()
        errors.append(failure)
        name, value = _MISSING.get(failure.code, ("", None))
        if not name or name in standing:
            break
        standing[name] = value
    # What stands in may be no good in some other way, which tells nobody anything.
    told = [error for error in errors if error.code in _MISSING] or errors[:1]
    return _lacking(told, arguments), None


def _made(arguments: dict[str, Any]) -> Step:
    vendor = PROVIDERS.find(arguments.get("provider") or "generic")
    asks = arguments.get("scope") or arguments.get("grant") or "target_audience" in (arguments.get("claims") or {})
    if vendor.scope_claim != "always" or asks:
        return Step("arguments", OK, _described(arguments))
    # Credentials may be made without, as others are made of them by replace(); this one sign-in will be refused.
    return Step("arguments", WARN, _described(arguments), cause=spoken(vendor.scope_hint), remedy="Pass --scope.")


def _lacking(errors: list[SaAuthError], arguments: dict[str, Any]) -> Step:
    first = errors[0]
    name = "certificate" if first.code in _OF_THE_CERTIFICATE else "key" if first.code in _OF_THE_KEY else "arguments"
    if len(errors) == 1:
        return failed(name, first, remedy=_for_a_shell(first, arguments))
    options = ", ".join(f"--{_MISSING[error.code][0].replace('_', '-')}" for error in errors)
    return Step(
        "arguments", FAIL, f"{len(errors)} things are missing: {options}",
        tuple(f"{error.message} {spoken(error.hint)}" for error in errors),
        f"The sign-in lacks {options}.", " ".join(spoken(error.hint) for error in errors),
        page=str(getattr(first, "page", "") or ""),
    )  # fmt: skip


def _for_a_shell(error: SaAuthError, arguments: dict[str, Any]) -> str:
    """What to do, where the library's own words are for code."""
    if error.code in {"no_token_endpoint", "bad_endpoint"} and "provider" not in arguments:
        return f"Say whose sign-in it is, --provider NAME, or where tokens are asked for: {spoken(error.hint)}"
    if error.code == "no_key":
        return "Give the key file as the first argument: sa-auth doctor KEYFILE."
    return ""


def _described(arguments: dict[str, Any]) -> str:
    """What the sign-in is made of, as the options and the key file say it."""
    provider, scope = arguments.get("provider") or "generic", arguments.get("scope") or ""
    told = [f"provider {provider}"]
    names = ("issuer", "subject", "audience", "server", "token_endpoint", "grant", "client_auth")
    told += [f"{name.replace('_', ' ')} {arguments[name]}" for name in names if isinstance(arguments.get(name), str)]
    wanted = scope if isinstance(scope, str) else " ".join(scope)
    return ", ".join([*told, f"scope {wanted}" if wanted else "no scope"])
