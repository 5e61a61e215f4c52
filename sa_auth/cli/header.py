"""`sa-auth header`: prints the header fields of a call, for curl and its like.

Rule: a field per line, as `curl -H @-` reads them: so no token stands in the list of processes.
"""

from __future__ import annotations

from typing import Annotated

import requests
import typer

from .show import Json, say, say_json
from .sign_in import SignIn, takes_sign_in
from .token import MinTTL

URL = Annotated[
    str, typer.Option("--url", help="What is called, where the token is for one call alone, or the host matters.")
]
Method = Annotated[str, typer.Option("--method", "-X", help="By what method.")]
_ANYWHERE = "https://api.invalid/"


@takes_sign_in
def header(
    sign_in: SignIn, *, url: URL = _ANYWHERE, method: Method = "GET", min_ttl: MinTTL = 0.0, as_json: Json = False
) -> None:
    """Prints the Authorization header of a call: sa-auth header key.json | curl -H @- URL.

    A vendor's other header fields stand beside it, a line each.
    """
    call = requests.Request(method, url).prepare()
    usual = set(call.headers)
    with sign_in.credentials() as creds:
        if min_ttl:
            creds.token(min_ttl)
        creds(call)
    fields = {name: str(value) for name, value in call.headers.items() if name not in usual}
    if as_json:
        say_json({"headers": fields})
    else:
        for name, value in fields.items():
            say(f"{name}: {value}")
