"""`sa-auth jwks`: the public half of a key, in the form that a server or a console takes.

Rule: nothing private is printed, whatever the file holds.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from sa_auth.errors import ConfigError
from sa_auth.keys import Key
from sa_auth.keys.facts import certificate_pem, jwk_set
from sa_auth.providers import Provider

from . import keysource
from .show import Json, say, say_json
from .sign_in import CertificateFile, KeyFileArgument, PasswordEnv, ProviderName


class Form(str, Enum):
    """In what form."""

    JWKS = "jwks"
    PEM = "pem"
    CERT = "cert"


Format = Annotated[Form, typer.Option("--format", "-f", help="A JWK set, PEM, or the certificates as PEM.")]
KeyId = Annotated[str | None, typer.Option(help="The kid; default the file's, else the key's thumbprint.")]
Algorithm = Annotated[str | None, typer.Option(help="The alg; default what the key and provider say.")]


def jwks(
    keyfile: KeyFileArgument, *, form: Format = Form.JWKS, key_id: KeyId = None, algorithm: Algorithm = None,
    provider: ProviderName = None, password_env: PasswordEnv = None, certificate: CertificateFile = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Prints the public half of a key: as a JWK set, PEM or certificate, to be uploaded or served.

    The kid is the one that sign-ins send: pass it there as --key-id where it is the thumbprint.
    """
    found = keysource.opened(
        keysource.read(keyfile), provider=provider, password_env=password_env, certificate=certificate, key_id=key_id
    )
    key = keysource.key_of(found, keyfile)
    chosen = algorithm_for(keysource.provider_of(found, provider), key, algorithm)
    known = found.signer.key_id if found.signer is not None else None
    made = jwk_set(key, key_id=known or key.thumbprint, algorithm=chosen)
    if form is Form.JWKS:
        say_json(made)
        return
    text = key.public_pem() if form is Form.PEM else _certificates(key, keyfile)
    if as_json:
        say_json({form.value: text})
    else:
        say(text.rstrip())


def algorithm_for(provider: Provider | None, key: Key, said: str | None = None) -> str:
    """What the key would sign by.

    Raises:
        ConfigError: it cannot sign by what was said.
    """
    if said is not None and said not in key.algorithms:
        raise ConfigError(
            f"The key cannot sign by {said[:20]!r}.",
            code="bad_algorithm",
            hint=f"It can by {', '.join(key.algorithms)}.",
        )
    takes = () if provider is None else provider.algorithms
    return said or next((one for one in takes if one in key.algorithms), key.algorithm)


def _certificates(key: Key, path: str) -> str:
    if not key.certificates:
        raise ConfigError(
            "There is no certificate beside the key.", code="no_certificate",
            hint="Pass --certificate FILE; or `sa-auth keygen` makes a key with one.",
        ).at(keysource.named(path))  # fmt: skip
    return certificate_pem(key.certificates)
