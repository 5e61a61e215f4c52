"""`sa-auth providers`: the providers there are, and what is known of one.

Rule: nothing stands here that is not in a provider's own data.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from sa_auth.providers import PROVIDERS, Provider

from .inspection import grant_name
from .show import Json, console, prose, say, say_json, show_rows, spoken
from .sign_in import provider_names

Name = Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Of one, all that is known.",
                                            autocompletion=provider_names)]  # fmt: skip
_UPLOADS = {
    "pem": "public key (PEM)",
    "certificate": "certificate",
    "jwks": "JWK set",
    "": "nothing",
}
_NARROW = 90  # columns; below, the table leaves out what the page of one provider says
_SUBJECTS = {
    "optional": "the user acted for, if any", "required": "required: the user acted for", "none": "none",
    "default": "the issuer where nobody is named", "issuer": "always the issuer", "address": "required: it stands in the address",
}  # fmt: skip


def providers(name: Name = None, *, as_json: Json = False) -> None:
    """Lists the providers; with a NAME, says what is needed from its console, its limits, and how it is used."""
    if name is not None:
        provider: Provider = PROVIDERS.find(name)
        if as_json:
            say_json(told(provider))
        else:
            _page(provider)
        return
    rows = [PROVIDERS[one] for one in sorted(PROVIDERS)]
    if as_json:
        say_json({"providers": [told(one) for one in rows]})
    else:
        _table(rows)


def told(provider: Provider) -> dict[str, Any]:
    """A provider for programs."""
    return {
        "name": provider.name,
        **{field: value for field, value in provider.page._asdict().items() if field != "sources"},
        "sources": list(provider.page.sources),
        "grant": grant_name(provider),
        "token_endpoint": provider.token_endpoint,
        "server": provider.server,
        "audience": provider.audience,
        "subject": provider.subject,
        "algorithms": list(provider.algorithms),
        "key_id": provider.key_id,
        "certificate": provider.certificate,
        "scope_needed": provider.scope_needed,
        "lifetime": provider.lifetime,
        "longest": provider.longest,
        "refusals": {one.pattern: spoken(_unbraced(one.hint)) for one in provider.known},
    }


def _table(rows: list[Provider]) -> None:
    out = console()
    if not out.is_terminal:
        width = max(len(one.name) for one in rows)
        for one in rows:
            say(f"{one.name:<{width}}  {one.page.title}")
        return
    wide = out.width >= _NARROW
    table = Table(show_edge=False, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("name", "what it is", *(("signed by", "you upload") if wide else ())):
        table.add_column(heading, no_wrap=heading == "name", style="cyan" if heading == "name" else "")
    for one in rows:
        more = (_families(one), _UPLOADS[one.page.upload]) if wide else ()
        table.add_row(one.name, one.page.title, *more)
    out.print(table)
    out.print(Text("\nsa-auth providers NAME says what each one wants.", "dim"))


def _families(provider: Provider) -> str:
    """The kinds of key it takes, in a word or two."""
    kinds = {"R": "RSA", "P": "RSA", "E": "EC"}
    found = ["Ed25519" if name == "EdDSA" else kinds[name[0]] for name in provider.algorithms]
    return ", ".join(dict.fromkeys(found)) or "any"


def _page(provider: Provider) -> None:
    told_of, out = provider.page, console()
    out.print(Text.assemble((told_of.title, "bold"), f"  --provider {provider.name}\n"))
    longest = f", at most {provider.longest} s from iat" if provider.longest else ""
    may_want = {"a scope": provider.scope_needed, "a key id": provider.key_id, "a certificate": provider.certificate}
    wants = [word for word, wanted in may_want.items() if wanted]
    show_rows([
        ("token endpoint", provider.token_endpoint or _no_endpoint(provider)),
        ("grant", grant_name(provider)),
        ("subject", _SUBJECTS[provider.subject]),
        ("wants", ", ".join(wants)),
        ("algorithms", ", ".join(provider.algorithms) or "any"),
        ("lifetime", f"{provider.lifetime} s{longest}"),
        ("you upload", _UPLOADS[told_of.upload]),
    ])  # fmt: skip
    for heading, text in (
        ("From the console", told_of.console), ("Key file", told_of.file), ("Limits", told_of.limits),
        ("Not known", told_of.unknown),
    ):  # fmt: skip
        if text:
            out.print(Text.assemble((f"\n{heading}: ", "bold"), prose(text)))
    if provider.known:
        out.print(Text("\nWhat its refusals mean:", "bold"))
        for one in provider.known:
            out.print(Text(f"  {one.pattern}", "cyan"), soft_wrap=True)
            meaning = prose(_unbraced(one.hint))
            out.print(Padding(meaning, (0, 0, 0, 4)) if out.is_terminal else Text.assemble("    ", meaning))
    out.print(Text("\nIn Python:", "bold"))
    # Not folded, so that it can be copied.
    code = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(told_of.example)
    out.print(code, soft_wrap=True, end="")
    out.print(Text.assemble(("\nProven: ", "bold"), prose(f"{told_of.proven}.")))
    out.print(Text("Sources:", "bold"))
    for source in told_of.sources:
        out.print(Text(f"  {source}"), soft_wrap=True)


def _unbraced(hint: str) -> str:
    return hint.replace("{{", "{").replace("}}", "}")


def _no_endpoint(provider: Provider) -> str:
    if grant_name(provider) == "self_signed":
        return "none: the signed JWT is the token"
    return "--token-endpoint, the key file's, or by --server"
