"""`sa-auth inspect`: says what a key file is, before anything is asked of anybody.

Rule: no network, and nothing secret on the screen.
"""

from __future__ import annotations

import time
from typing import Any

from rich.text import Text

from sa_auth._clock import SYSTEM
from sa_auth.keys.facts import CertificateFacts, key_name

from .inspection import Inspection, look
from .show import Json, console, prose, say_json, show_rows, spoken
from .sign_in import CertificateFile, KeyFileArgument, PasswordEnv, ProviderName


def inspect(
    keyfile: KeyFileArgument, *, provider: ProviderName = None, password_env: PasswordEnv = None,
    certificate: CertificateFile = None, as_json: Json = False,
) -> int:  # fmt: skip
    """Says what a file is: vendor, key, certificate; what is wrong with it, what is missing and where to get it.

    Nothing is sent. The code is 1 where something is wrong: rights, an expired certificate, a key that the vendor does not
    take.
    """
    looked = look(keyfile, provider=provider, password_env=password_env, certificate=certificate)
    if as_json:
        say_json(told(looked))
    else:
        _print(looked)
    return 1 if looked.faults else 0


def told(looked: Inspection) -> dict[str, Any]:
    """An inspection for programs."""
    key, vendor = looked.key, looked.provider
    return {
        "file": looked.path,
        "what": looked.what,
        "mode": looked.mode,
        "provider": vendor and vendor.name,
        **{name: looked.arguments.get(name) for name in ("issuer", "subject", "scope", "server")},
        "token_endpoint": looked.token_endpoint,
        "key": key and {"kind": key_name(key), "algorithms": list(key.algorithms), "thumbprint": key.thumbprint},
        "key_id": looked.key_id,
        "fingerprint": looked.fingerprint and f"SHA256:{looked.fingerprint}",
        "certificates": [one._asdict() for one in looked.chain],
        "faults": [{**one._asdict(), "hint": spoken(one.hint)} for one in looked.faults],
        "warnings": [one._asdict() for one in looked.warnings],
        "missing": [{**one._asdict(), "hint": spoken(one.hint)} for one in looked.missing],
        "console": (vendor and vendor.page.console) or None,
    }


def _print(looked: Inspection) -> None:
    vendor, key = looked.provider, looked.key
    said = looked.arguments
    scope = said.get("scope")
    show_rows([
        ("file", f"{looked.path}: {looked.what}"),
        ("rights", looked.mode),
        ("provider", vendor and f"{vendor.page.title} ({vendor.name})"),
        ("issuer", said.get("issuer")),
        ("subject", said.get("subject")),
        ("scope", scope if isinstance(scope, str) else " ".join(scope or ())),
        ("server", said.get("server")),
        ("token endpoint", looked.token_endpoint),
        ("key", f"{key_name(key)}, signs by {', '.join(key.algorithms)}" if key else None),
        ("key id", looked.key_id),
        ("thumbprint", key.thumbprint if key else None),
        ("fingerprint", looked.fingerprint and f"SHA256:{looked.fingerprint}"),
        *_certificate_rows(looked.chain),
    ])  # fmt: skip
    out = console()
    for style, word, remarks in (("bold red", "Wrong", looked.faults), ("bold yellow", "Note", looked.warnings)):
        for one in remarks:
            out.print(Text.assemble((f"{word}: ", style), one.message, " ", prose(one.hint)))
    if not looked.missing:
        out.print(Text("Nothing is missing for a sign-in.", "green"))
        return
    out.print(Text("\nStill missing for a sign-in:", "bold"))
    show_rows((f"  {one.what}", _lack(one.option, one.hint)) for one in looked.missing)
    if vendor is not None and vendor.page.console:
        out.print(Text.assemble(("\nWhere to get it: ", "bold"), prose(vendor.page.console)))


def _lack(option: str, hint: str) -> Text:
    return Text.assemble((f"{option}  " if option else "", "cyan"), prose(hint))


def _certificate_rows(chain: tuple[CertificateFacts, ...]) -> list[tuple[str, str | Text | None]]:
    if not chain:
        return []
    leaf, now = chain[0], SYSTEM.wall()
    style = "bold red" if leaf.not_after < now else "yellow" if leaf.not_after < now + 30 * 86_400 else ""
    return [
        ("certificate", leaf.subject),
        ("  issued by", "itself" if leaf.issuer == leaf.subject else leaf.issuer),
        ("  valid", Text.assemble(f"{_date(leaf.not_before)} to ", (_date(leaf.not_after), style))),
        ("  x5t", leaf.x5t),
        ("  x5t#S256", leaf.x5t_s256),
        *(("  above it", one.subject) for one in chain[1:]),
    ]


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
