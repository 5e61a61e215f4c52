"""The `credential_source` of a Google external-account file, as what gives the subject token.

Rule: read once, and what cannot work is refused; a program is run only where the environment allows it. Stands under
`google_workload_identity`. Source: https://google.aip.dev/auth/4117; google-auth's `google.auth.identity_pool`,
`google.auth.pluggable` and `google.auth.aws`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from .._jsonobject import json_object
from .._secretfile import read_token
from ..assertions.aws_caller_identity import AWSCallerIdentity
from ..assertions.base import Assertion
from ..assertions.from_executable import FromExecutable
from ..assertions.from_file import FromFile
from ..assertions.from_url import FromURL
from ..errors import ConfigError, KeyFileError

ALLOWED = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_TYPES = "urn:ietf:params:oauth:token-type:"
_FIELD = {f"{_TYPES}jwt": "id_token", f"{_TYPES}id_token": "id_token", f"{_TYPES}saml2": "saml_response"}
_SHORTEST, _USUAL, _LONGEST = 5_000, 30_000, 120_000  # milliseconds


class GoogleExecutable(FromExecutable):
    """A program that answers as Google wants it: JSON with version, success, token_type and the token.

    Args:
        command: The program and its arguments.
        **how: As of `FromExecutable`.
    """

    __slots__ = ()

    def read(self) -> str:
        """The token of the answer.

        Raises:
            ConfigError: programs are not allowed here, or the answer is none.
        """
        check_allowed()
        written = self.run()
        place = self._environment.get("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE")
        if not written.strip() and place:
            written = read_token(os.path.abspath(place), " of the program's output")
        answer = json_object(written, {"id_token", "saml_response", "success", "token_type"})
        del written  # or the frame of an error would hold it
        token, said = _token_of(answer), _said(answer)
        answer = None
        if token is None:
            raise ConfigError(
                f"{self.where[0].upper()}{self.where[1:]} gave no token{said}.", code="assertion_missing", retryable=True,
                hint="It writes one JSON object: version 1, success true, token_type (...:jwt, ...:id_token or ...:saml2), and "
                "id_token or saml_response.",
            )  # fmt: skip
        return token


def _token_of(answer: Mapping[str, Any] | None) -> str | None:
    if answer is None or answer.get("version") != 1 or answer.get("success") is not True:
        return None
    token = answer.get(_FIELD.get(str(answer.get("token_type")), ""))
    return token if isinstance(token, str) and token else None


def _said(answer: Mapping[str, Any] | None) -> str:
    """The code that a program gives for its failure; its message may hold anything."""
    code = answer.get("code") if answer is not None else None
    return f" (code {code})" if isinstance(code, str | int) and str(code).isalnum() and len(str(code)) < 40 else ""


def check_allowed() -> None:
    """Refuses to run a program that a file names, unless the environment allows it.

    Raises:
        ConfigError: it does not.
    """
    if os.environ.get(ALLOWED) != "1":
        raise ConfigError(
            "The key file names a program to run, and that is not allowed here.", code="executables_not_allowed",
            hint=f"Look at its command; if it is yours, set {ALLOWED}=1.",
        )  # fmt: skip


def source_of(info: Mapping[str, Any]) -> tuple[Assertion, float]:
    """What gives the subject token, and the seconds that it may take beside the exchange.

    Args:
        info: The whole file.

    Raises:
        KeyFileError: it names no source, or one that cannot be used.
        ConfigError: it names a program, and programs are not allowed here.
    """
    source = info.get("credential_source")
    if not isinstance(source, Mapping):
        raise _bad("has no object 'credential_source'")
    if "environment_id" in source:
        return _aws(info, source), 0.0
    kinds = [name for name in ("file", "url", "executable", "certificate") if name in source]
    if len(kinds) != 1 or kinds == ["certificate"]:
        raise _bad(f"has a credential_source of {' and '.join(kinds) or 'no known kind'}")
    if kinds == ["executable"]:
        return _executable(info, source["executable"])
    where = source[kinds[0]]
    if not isinstance(where, str) or not where.strip():
        raise _bad(f"has a credential_source.{kinds[0]} that is no text")
    field = _field(source.get("format"))
    return (FromFile(where, field=field) if kinds == ["file"] else FromURL(
        where, headers=_texts(source.get("headers"), "headers"), field=field)), 0.0  # fmt: skip


def _field(form: Any) -> str | None:
    """The field of JSON; None for text."""
    if form is None or form == {} or (isinstance(form, Mapping) and form.get("type", "text") == "text"):
        return None
    field = form.get("subject_token_field_name") if isinstance(form, Mapping) and form.get("type") == "json" else None
    if not isinstance(field, str) or not field:
        raise _bad("has a credential_source.format that is neither text, nor json with a subject_token_field_name")
    return field


def _aws(info: Mapping[str, Any], source: Mapping[str, Any]) -> Assertion:
    url = source.get("regional_cred_verification_url")
    if source["environment_id"] != "aws1" or not isinstance(url, str):
        raise _bad("is of an environment_id that is not 'aws1', or has no regional_cred_verification_url")
    return AWSCallerIdentity({"x-goog-cloud-target-resource": str(info["audience"])}, url=url)


def _executable(info: Mapping[str, Any], said: Any) -> tuple[Assertion, float]:
    given = said if isinstance(said, Mapping) else {}
    command, limit, place = (given.get(name) for name in ("command", "timeout_millis", "output_file"))
    parts = None
    try:
        parts = shlex.split(command) if isinstance(command, str) else None
    except ValueError:  # a quotation mark stands alone
        pass
    if not parts:
        raise _bad("has a credential_source.executable without a command")
    limit = _USUAL if limit is None else limit
    if not isinstance(limit, int) or not _SHORTEST <= limit <= _LONGEST:
        raise _bad("has a timeout_millis that is not from 5000 to 120000")
    check_allowed()
    target = str(info.get("service_account_impersonation_url", "")).rpartition("/")[2].partition(":")[0]
    told = {
        "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": str(info["audience"]),
        "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE": str(info["subject_token_type"]),
        "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE": "0", "GOOGLE_EXTERNAL_ACCOUNT_REVOKE": "0",
        **({"GOOGLE_EXTERNAL_ACCOUNT_ID": target, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL": target} if target else {}),
        **({"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE": place} if isinstance(place, str) and place else {}),
    }  # fmt: skip
    return GoogleExecutable(parts, timeout=limit / 1000, environment=told), limit / 1000


def _texts(value: Any, name: str) -> Mapping[str, str] | None:
    if value is not None and not (isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())):
        raise _bad(f"has a credential_source.{name} that is no object of texts")
    return value


def _bad(what: str) -> KeyFileError:
    return KeyFileError(
        f"The key file {what}.", code="key_file_field",
        hint="Sources are a file, a url, an executable, or AWS by its environment variables. Make the file anew: gcloud iam "
        "workload-identity-pools create-cred-config.",
    )  # fmt: skip
