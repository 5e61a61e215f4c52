"""`sa-auth token`: prints a token.

Rule: the token alone stands on standard output, so that `$(sa-auth token key.json)` is it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sa_auth._clock import SYSTEM
from sa_auth.token import Token

from .show import Json, say, say_json
from .sign_in import SignIn, takes_sign_in

MinTTL = Annotated[float, typer.Option("--min-ttl", help="Seconds of life the token shall have left.")]


@takes_sign_in
def token(sign_in: SignIn, *, min_ttl: MinTTL = 0.0, as_json: Json = False) -> None:
    """Prints a token: from the shared cache where one lives, else a new one.

    Whoever sees the output may act as the service account until the token ends.
    """
    with sign_in.credentials() as creds:
        got = creds.token(min_ttl)
    if as_json:
        say_json(told(got))
    else:
        say(got.access_token)


def told(got: Token) -> dict[str, object]:
    """A token for programs, its secret included."""
    return {
        "access_token": got.access_token,
        "token_type": got.token_type,
        "expires_at": got.expires_at,
        "expires_in": round(got.remaining(SYSTEM.wall()), 3),
        "refresh_at": got.refresh_at,
        "issued_at": got.issued_at,
        "scope": got.scope,
        "extra": dict(got.extra),
    }
