"""What there is to say of a key file: whose it is, what is in it, what is wrong, what is missing and where that is had.

Rule: no network, and no secret in what comes out; all that is missing is listed, by the vendor's own data. Stands between
`keysource`, which reads, and the commands, which print.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import SYSTEM
from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.grants import GRANTS
from sa_auth.keys import Key
from sa_auth.keys.facts import CertificateFacts, certificate_facts, certificates_of, key_name, public_fingerprint
from sa_auth.opened import Opened
from sa_auth.providers import Provider
from sa_auth.wire import endpoint

from . import keysource
from .steps import file

_DAY_S = 86_400.0
_SOON_DAYS = 30
_NO_KEY = {"certificate_only": "a certificate without its private key", "public_key_only": "a public key alone"}


class Lack(NamedTuple):
    """Something that a sign-in needs and the file does not say.

    Attributes:
        option: How it is given at the command line; empty where it cannot be.
    """

    what: str
    option: str
    hint: str


class Remark(NamedTuple):
    """Something that is wrong, or will be soon."""

    code: str
    message: str
    hint: str


class Inspection(NamedTuple):
    """What there is to say.

    Attributes:
        provider: Whose it is; None where the file does not say it and nobody else did.
        what: The kind of file, in words.
        mode: Its rights as in `ls`; None for standard input.
        arguments: What the file says to the face.
        key: The private key; None where there is none.
        fingerprint: Of the public key; None where there is neither key nor certificate.
        chain: What its certificates say, leaf first.
        faults: What is wrong.
        warnings: What will be wrong soon, or is for other programs.
    """

    path: str
    provider: Provider | None
    what: str
    mode: str | None
    arguments: Mapping[str, Any]
    key: Key | None
    key_id: str | None
    fingerprint: str | None
    chain: tuple[CertificateFacts, ...]
    faults: tuple[Remark, ...]
    warnings: tuple[Remark, ...]
    missing: tuple[Lack, ...]

    @property
    def token_endpoint(self) -> str | None:
        """Where tokens would be asked for, as far as it is known without asking."""
        said = self.arguments.get("token_endpoint")
        return said or (None if self.provider is None else _endpoint(self.provider, self.arguments))


def look(
    path: str, *, provider: str | None = None, password_env: str | None = None, certificate: str | None = None
) -> Inspection:
    """Looks into a key file.

    Args:
        path: Where it is; "-" for standard input.
        provider: Whose it is, where the file does not say.
        password_env: The variable that holds its password.
        certificate: The path of a certificate that is not in it.

    Raises:
        ConfigError: it cannot be read, or is no key file.
    """
    source = keysource.read(path)
    chain: Any = ()
    what, found = "", Opened(None)
    try:
        found = keysource.opened(source, provider=provider, password_env=password_env, certificate=certificate)
    except KeyLoadError as error:
        if error.code not in _NO_KEY:
            raise
        what = _NO_KEY[error.code]
    key: Key | None = getattr(found.signer, "key", None)
    if key is not None:
        chain = key.certificates
    elif what == _NO_KEY["certificate_only"]:
        chain = _certificates(source)
    vendor = keysource.provider_of(found, provider)
    owner = key if key is not None else chain[0] if chain else None
    facts = tuple(certificate_facts(one) for one in chain)
    mode, rights = _rights(path, secret=not what)
    wrong, soon = _dates(facts, vendor, SYSTEM.wall())
    looked = Inspection(
        path=path, provider=vendor, what=what or _what(source, found, vendor), mode=mode, arguments=found.arguments, key=key,
        key_id=None if found.signer is None else found.signer.key_id,
        fingerprint=None if owner is None else public_fingerprint(owner), chain=facts,
        faults=(*rights, *wrong, *_kind(vendor, key), *_address(found)), warnings=(*soon, *_line_ends(source)), missing=(),
    )  # fmt: skip
    missing = tuple(_missing(looked)) or tuple(_refusal(looked, found))
    return looked._replace(missing=(*_trust(looked, provider), *missing))


def _certificates(source: keysource.Source) -> tuple[Any, ...]:
    try:
        return certificates_of(source.data)
    except KeyLoadError:  # those of a PFX without a key lie within
        return ()


def _what(source: keysource.Source, found: Opened, vendor: Provider | None) -> str:
    if source.format == "JSON":
        named = vendor.page.title if vendor is not None and vendor.name != "generic" else "our own format"
        return f"a JSON key file of {named}" if named != "our own format" else "a JSON key file of our own format"
    if source.format == "JWK":
        return "a JWK with its private part"
    key = getattr(found.signer, "key", None)
    beside = " and its certificate" if key is not None and key.certificates else ""
    return f"a private key{beside} ({source.format if source.format == 'PEM' else 'PFX or DER'})"


def _rights(path: str, *, secret: bool) -> tuple[str | None, tuple[Remark, ...]]:
    if path == "-" or os.name != "posix":
        return None, ()
    found = os.stat(path)
    mode = stat.S_IMODE(found.st_mode)
    if not secret:
        return f"{mode:04o}", ()
    wrong = []
    hint = f"Run: chmod 600 {path}"
    if found.st_uid not in {os.geteuid(), 0}:
        hint = "Whoever owns it could swap the key: chown it to the user that the program runs as."
        wrong.append(Remark("key_file_rights", "The file belongs to another user.", hint))
    if mode & 0o022:
        wrong.append(Remark("key_file_rights", "The file may be changed by others: it is refused.", hint))
    elif mode & 0o044:
        wrong.append(Remark("key_file_rights", "The file may be read by others.", hint))
    return f"{mode:04o}", tuple(wrong)


def _dates(
    chain: tuple[CertificateFacts, ...], vendor: Provider | None, now: float
) -> tuple[tuple[Remark, ...], tuple[Remark, ...]]:
    """What is wrong with the dates of the key's own certificate, and what will be soon."""
    if not chain:
        return (), ()
    left_days = (chain[0].not_after - now) / _DAY_S
    made_here = vendor is None or vendor.page.upload
    renew = "Make another (`sa-auth keygen`) and upload it" if made_here else "Have the vendor make another key"
    renew += ", and replace the file."
    if left_days < 0:
        ago = _days(-left_days)
        return (Remark("certificate_expired", f"The certificate expired {ago} ago.", renew),), ()
    if chain[0].not_before > now:
        hint = "Check it, and this machine's clock."
        return (Remark("certificate_not_yet_valid", "The certificate is not valid yet.", hint),), ()
    if left_days < _SOON_DAYS:
        return (), (Remark("certificate_expires", f"The certificate expires in {_days(left_days)}.", renew),)
    return (), ()


def _days(days: float) -> str:
    whole = int(days)
    return f"{whole} day{'' if whole == 1 else 's'}" if whole else "less than a day"


def _line_ends(source: keysource.Source) -> tuple[Remark, ...]:
    """Whether a PEM's are written as a backslash and an n, which this library reads and others may not."""
    if not file.escaped(source.data):
        return ()
    hint = "This library reads it all the same; other programs may not."
    if source.path != "-":
        hint += f" This writes it anew: `{file.mended(source.data, source.path)}`"
    return (Remark("escaped_newlines", "The key's line ends are written as \\n.", hint),)


def _kind(provider: Provider | None, key: Key | None) -> tuple[Remark, ...]:
    """Whether the vendor takes such a key."""
    if provider is None or key is None:
        return ()
    message = f"{provider.page.title} does not take a key of this kind ({key_name(key)})."
    if provider.algorithms and not set(provider.algorithms) & set(key.algorithms):
        return (Remark("bad_algorithm", message, f"It takes {', '.join(provider.algorithms)}: see `sa-auth keygen`."),)
    if getattr(key.private_key, "key_size", provider.rsa_bits) < provider.rsa_bits and "RS256" in key.algorithms:
        return (Remark("key_too_small", message, f"An RSA key has to have {provider.rsa_bits} bits or more."),)
    return ()


def _address(found: Opened) -> tuple[Remark, ...]:
    """Whether the addresses in the file may be spoken to."""
    failure = None
    for name in ("token_endpoint", "server"):
        said = found.arguments.get(name)
        try:
            if said is not None:
                endpoint(said, name, by_caller=False)
        except ConfigError as error:
            failure = Remark(error.code, error.message, error.hint)
    return () if failure is None else (failure,)


def _trust(looked: Inspection, said: str | None) -> Iterator[Lack]:
    """That a file which names addresses or a command is followed where the caller says whose it is, and not else."""
    vendor = looked.provider
    if said is None and vendor is not None and vendor.key_file is not None and vendor.key_file.named:
        hint = "Such a file names addresses, files or a command: say it if you trust where the file came from."
        yield Lack("provider", f"--provider {vendor.name}", hint)


def _refusal(looked: Inspection, found: Opened) -> Iterator[Lack]:
    """What else the vendor's own rules want, where its data lack nothing."""
    said = {name: value for name, value in found.arguments.items() if name not in {"token_endpoint", "server"}}
    name = "generic" if looked.provider is None else looked.provider.name
    failure = None
    try:
        ServiceAccountCredentials(found, **{**said, "provider": name})
    except ConfigError as error:
        failure = error
    if failure is not None and failure.code not in {one.code for one in looked.faults}:
        yield Lack("besides", "", f"{failure.message} {failure.hint}")


def _missing(looked: Inspection) -> Iterator[Lack]:
    """All that is missing for a sign-in, in the order in which it is asked for."""
    provider, said = looked.provider, looked.arguments
    keyless = looked.key is None and ("grant" in said or "client_auth" in said)
    if looked.key is None and not keyless:
        yield Lack(
            "private key", "", "It is where the pair was made and leaves that place in no upload; where it is lost, make "
            "another pair: `sa-auth keygen`.",
        )  # fmt: skip
    if provider is None:
        yield Lack("provider", "--provider", "`sa-auth providers` lists them; with it all that is missing is told.")
        return
    if "issuer" not in said and not keyless and "iss" not in provider.claims:
        hint = provider.issuer_hint or "the client id, consumer key or e-mail of the service account"
        yield Lack("issuer", "--issuer", f"It is {hint}.")
    if provider.subject in {"required", "address"} and "subject" not in said:
        yield Lack("subject", "--subject", provider.subject_hint or "It is the user acted for.")
    # Where the claim stands there even if it is empty, credentials may be made without; the server wants it all the same.
    if (provider.scope_needed or provider.scope_claim == "always") and not said.get("scope"):
        yield Lack("scope", "--scope", provider.scope_hint or "It says what is asked for.")
    if looked.key is not None and provider.key_id and looked.key_id is None:
        hint = provider.key_id_hint or "The console shows it beside the public key."
        yield Lack("key id", "--key-id", hint)
    if provider.certificate and not looked.chain:
        hint = f"{provider.page.title} knows the key by its certificate, the one that was uploaded."
        yield Lack("certificate", "--certificate", hint)
    yield from _missing_address(provider, looked)


def _missing_address(provider: Provider, looked: Inspection) -> Iterator[Lack]:
    if looked.token_endpoint is not None or grant_name(provider) == "self_signed":
        return
    if "server" in looked.arguments:
        return  # its metadata lead there
    if provider.token_endpoint is not None and "{server}" in provider.token_endpoint and provider.server is None:
        shape = provider.token_endpoint
        yield Lack("server", "--server", f"Tokens are asked for at {shape}.")
    elif provider.token_endpoint is None:
        hint = "The token endpoint stands in the server's documentation; or --server, whose metadata lead there."
        yield Lack("token endpoint", "--token-endpoint", hint)


def _endpoint(provider: Provider, arguments: Mapping[str, Any]) -> str | None:
    shape, server = provider.token_endpoint, arguments.get("server") or provider.server
    if shape is None or ("{server}" in shape and server is None):
        return None
    filled = shape.replace("{server}", (server or "").rstrip("/"))
    for name in ("issuer", "subject"):
        filled = filled.replace(f"{{{name}}}", arguments.get(name) or name.upper())
    return filled


def grant_name(provider: Provider) -> str:
    """The name of its grant in the table."""
    if isinstance(provider.grant, str):
        return provider.grant
    return next((name for name in GRANTS if GRANTS[name] is type(provider.grant)), type(provider.grant).__name__)
