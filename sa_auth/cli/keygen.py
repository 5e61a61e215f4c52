"""`sa-auth keygen`: makes a key of a kind that a provider takes, and says which half goes where.

Rule: the private half is written once, for its owner alone, over nothing that is there; the public half stands beside it in
the form that the vendor takes.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from sa_auth.errors import ConfigError
from sa_auth.keys import Key
from sa_auth.keys.facts import certificate_facts, certificate_pem, jwk_set, key_name, public_fingerprint
from sa_auth.keys.making import generate, kinds_for, private_pem, self_signed_certificate
from sa_auth.providers import PROVIDERS, Provider

from .jwks import algorithm_for
from .show import Json, console, prose, say_json, show_rows
from .sign_in import provider_names, variable_of

_ENDINGS = {"pem": "public.pem", "certificate": "certificate.pem", "jwks": "jwks.json"}
_WORDS = {"pem": "the public key", "certificate": "the certificate", "jwks": "the JWK set"}

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="Whom the key is for: a name that `sa-auth providers` lists.",
                                     autocompletion=provider_names)]  # fmt: skip
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="FILE|DIR", show_default=False,
                                         help="Where the private half goes; default PROVIDER.pem, here.")]  # fmt: skip
Kind = Annotated[str | None, typer.Option("--kind", show_default=False, help="rsa2048, rsa3072, rsa4096, p256, p384, p521 or "
                                          "ed25519; default what the provider takes first.")]  # fmt: skip
Encrypt = Annotated[
    bool, typer.Option("--encrypt", help="Asks for a password, twice, to encrypt the private half with.")
]
PasswordFrom = Annotated[str | None, typer.Option("--password-env", metavar="NAME", help="The variable that holds the password "
                                                  "to encrypt with.")]  # fmt: skip
Days = Annotated[int, typer.Option("--days", help="How long a certificate is valid.")]
Subject = Annotated[str | None, typer.Option("--subject", metavar="CN", show_default=False, help="The common name in a "
                                             "certificate; default sa-auth and the provider.")]  # fmt: skip


class Made(NamedTuple):
    """A key that was made and written."""

    provider: Provider
    key: Key
    private: str
    public: str
    encrypted: bool


def keygen(
    provider: Name, *, out: Out = None, kind: Kind = None, encrypt: Encrypt = False, password_env: PasswordFrom = None,
    days: Days = 730, subject: Subject = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Makes a key, and a certificate where the provider wants one; says which half to upload, and where.

    The file is for its owner alone (0600). Nothing is overwritten.
    """
    vendor: Provider = PROVIDERS.find(provider)
    form = vendor.page.upload
    if not form:
        raise ConfigError(
            f"{vendor.page.title} takes no key that was made elsewhere.", code="usage",
            hint=f"It comes from there: {vendor.page.console or vendor.page.file}",
        )  # fmt: skip
    private, public = _places(vendor, form, out)
    password = _password(encrypt=encrypt, variable=password_env)
    key = generate(_kind(vendor, kind))
    text = private_pem(key, password)
    if form == "certificate":
        certificate = self_signed_certificate(key, subject or f"sa-auth {vendor.name}", days)
        key = Key(key.private_key, certificates=[certificate], validated=True)
        # Both in one file, which then opens without another argument.
        text += certificate_pem(key.certificates)
    _write(private, text, public, _public(key, form, vendor))
    made = Made(vendor, key, private, public, bool(password))
    if as_json:
        say_json(_told(made))
    else:
        _print(made)


def _kind(vendor: Provider, said: str | None) -> str:
    takes = kinds_for(vendor.algorithms, vendor.rsa_bits)
    if said is not None and said not in takes:
        raise ConfigError(
            f"{vendor.page.title} takes no key of the kind {said[:20]!r}.", code="bad_algorithm",
            hint=f"It takes {', '.join(takes)}.",
        )  # fmt: skip
    # Where any is taken, what every server can check.
    return said or ("rsa2048" if not vendor.algorithms else takes[0])


def _places(vendor: Provider, form: str, out: str | None) -> tuple[str, str]:
    """Where the private and the public half go."""
    private = out or f"{vendor.name}.pem"
    if os.path.isdir(private):
        private = os.path.join(private, f"{vendor.name}.pem")
    return private, f"{os.path.splitext(private)[0]}.{_ENDINGS[form]}"


def _password(*, encrypt: bool, variable: str | None) -> str | None:
    if variable is not None:
        return variable_of(variable, "--password-env")
    if not encrypt:
        return None
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigError(
            "There is no terminal to ask for a password at.", code="usage",
            hint="Pass --password-env NAME, the variable that holds it.",
        )  # fmt: skip
    return str(typer.prompt("Password for the new key", hide_input=True, confirmation_prompt="Once more", err=True))


def _public(key: Key, form: str, vendor: Provider) -> str:
    if form == "pem":
        return key.public_pem()
    if form == "certificate":
        return certificate_pem(key.certificates)
    made = jwk_set(key, key_id=key.thumbprint, algorithm=algorithm_for(vendor, key))
    return f"{json.dumps(made, indent=2)}\n"


def _write(private: str, secret: str, public: str, shown: str) -> None:
    """Writes both halves, or neither."""
    written: list[str] = []
    failure, path = None, public
    try:
        for path, text, mode in ((public, shown, 0o644), (private, secret, 0o600)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
            written.append(path)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if isinstance(error, FileExistsError):
            failure = ConfigError(
                f"{path} is there already, and nothing is overwritten.", code="unwritable", hint="Pass another --out."
            )
        else:
            reason = (error.strerror or type(error).__name__).lower()
            failure = ConfigError(f"{path} cannot be written: {reason}.", code="unwritable", hint="Pass another --out.")
    if failure is not None:
        for path in written:
            os.unlink(path)
        raise failure


def _next(made: Made) -> str:
    """The command that the key is tried with, as far as it is known."""
    vendor = made.provider
    parts = [f"sa-auth doctor {made.private} --provider {vendor.name}"]
    if vendor.page.upload == "jwks":
        parts.append(f"--key-id {made.key.thumbprint}")
    parts.append("--issuer ...")
    if vendor.subject in {"required", "address"}:
        parts.append("--subject ...")
    if vendor.scope_needed:
        parts.append("--scope ...")
    return " ".join(parts)


def _told(made: Made) -> dict[str, Any]:
    form = made.provider.page.upload
    return {
        "provider": made.provider.name,
        "private": made.private,
        "public": made.public,
        "form": form,
        "kind": key_name(made.key),
        "encrypted": made.encrypted,
        "key_id": made.key.thumbprint if form == "jwks" else None,
        "fingerprint": f"SHA256:{public_fingerprint(made.key)}",
        "certificate": certificate_facts(made.key.certificates[0])._asdict() if made.key.certificates else None,
        "console": made.provider.page.console,
        "next": _next(made),
    }


def _print(made: Made) -> None:
    page, key = made.provider.page, made.key
    kept = "encrypted, " if made.encrypted else ""
    beside = " with its certificate" if key.certificates else ""
    show_rows([
        ("made", f"{key_name(key)}, for {page.title}"),
        ("keep", f"{made.private} (the private key{beside}; {kept}0600)"),
        ("upload", f"{made.public} ({_WORDS[page.upload]})"),
        ("key id", key.thumbprint if page.upload == "jwks" else None),
        ("fingerprint", f"SHA256:{public_fingerprint(key)}"),
        ("x5t", key.x5t if key.certificates else None),
        ("x5t#S256", key.x5t_s256 if key.certificates else None),
    ])  # fmt: skip
    out = console()
    if page.console:
        out.print(Text.assemble(("\nWhere: ", "bold"), prose(page.console)))
    out.print(Text.assemble(("Then: ", "bold"), (_next(made), "cyan")), soft_wrap=True)
