"""Writes docs/providers.md, and the table in the README, from the data of the providers.

Rule: the page holds nothing that is not in the data; `python -m tests.docs.providers` rewrites it.
"""

from __future__ import annotations

import re
from pathlib import Path

from sa_auth.grants import GRANTS
from sa_auth.providers import PROVIDERS, Provider

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "providers.md", ROOT / "README.md"
BEGIN, END = "<!-- providers:begin -->", "<!-- providers:end -->"

HEAD = """# Providers

One page for each provider in `sa_auth.providers.PROVIDERS`, made from its data by `python -m tests.docs.providers`. The
code runs in the tests. "Proven" says by what: the vendor's own library, whose request ours was compared with field by
field, a real server, or the vendor's documentation only. The words of a refusal are a regular expression, looked for in
what the server says; `{iss}` and the like in its meaning are filled with what was sent. A lifetime is counted from now; `iat` lies a few seconds
back, so that a clock slightly ahead is forgiven, and gives way at the limit.

ServiceNow, Workday, Oracle identity domains and some others have no preset, since something it needs could not be
confirmed: [docs/unconfirmed.md](unconfirmed.md) says what, with a recipe for each.
"""

SUBJECTS = {
    "optional": "the user acted for, if any", "required": "required: the user acted for", "none": "none",
    "default": "the issuer where nobody is named", "issuer": "always the issuer", "address": "required: it stands in the address",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    contents = [f"- [{PROVIDERS[name].page.title}](#{anchor(name)})" for name in order()]
    parts = [HEAD, *contents, "", *(section(PROVIDERS[name]) for name in order())]
    return "\n".join(parts)


def order() -> list[str]:
    """By title, with the general one last."""
    return sorted(PROVIDERS, key=lambda name: (name == "generic", PROVIDERS[name].page.title.casefold()))


def anchor(name: str) -> str:
    """Where a provider's section begins, as GitHub names it."""
    return re.sub(r"[^\w\- ]", "", PROVIDERS[name].page.title.lower()).replace(" ", "-")


def section(provider: Provider) -> str:
    """One provider."""
    told = provider.page
    rows = [
        ("token endpoint", endpoint(provider)),
        ("grant", f"`{grant_name(provider)}`"),
        ("audience", "none" if provider.audience == "" else f"`{provider.audience}`" if provider.audience else "`audience=`, or the rule of RFC 7523"),
        ("subject", SUBJECTS[provider.subject]),
        ("algorithms", ", ".join(provider.algorithms) or "any"),
        ("lifetime", f"{provider.lifetime} s" + (f", at most {provider.longest} s from iat" if provider.longest else "")),
    ]  # fmt: skip
    lines = [f"\n## {told.title}\n", f'`provider="{provider.name}"`\n']
    lines += [f"**From the console.** {told.console}\n"] if told.console else []
    lines += [f"**Key file.** {told.file}\n"] if told.file else []
    lines += [
        "```python",
        told.example,
        "```\n",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
    ]
    lines += [f"**Limits.** {told.limits}\n"] if told.limits else []
    if provider.known:
        lines += ["**What its refusals mean.**\n", "| words | meaning and remedy |", "|---|---|"]
        lines += [
            f"| `{known.pattern.replace('|', chr(92) + '|')}` | {_shown(known.hint)} |" for known in provider.known
        ]
        lines += [""]
    lines += [f"**Not known.** {told.unknown}\n"] if told.unknown else []
    lines += [f"**Proven.** {told.proven}. Sources: {'; '.join(told.sources)}.\n"]
    return "\n".join(lines)


def endpoint(provider: Provider) -> str:
    """Where its tokens come from."""
    if grant_name(provider) == "self_signed":
        return "none: the signed JWT is the token"
    return (
        f"`{provider.token_endpoint}`"
        if provider.token_endpoint
        else "`token_endpoint=`, the key file's, or by `server=`"
    )


def grant_name(provider: Provider) -> str:
    """The name of its grant in `grants.GRANTS`."""
    if isinstance(provider.grant, str):
        return provider.grant
    return next(name for name in GRANTS if GRANTS[name] is type(provider.grant))


def _shown(hint: str) -> str:
    return hint.replace("{{", "{").replace("}}", "}").replace("|", "\\|")


def table() -> str:
    """The README's table."""
    pages = [(name, PROVIDERS[name].page) for name in order()]
    rows = [f"| `{name}` | [{told.title}](docs/providers.md#{anchor(name)}) | {told.proven} |" for name, told in pages]
    return "\n".join(["| provider | what it is | proven by |", "|---|---|---|", *rows])


def readme(text: str) -> str:
    """The README with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
