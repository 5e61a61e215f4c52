"""google-auth once more, with the renewal on a thread that `with_non_blocking_refresh()` asks for."""

from __future__ import annotations

from . import google_auth

name = "google-auth, non-blocking"
distribution, own = google_auth.distribution, google_auth.own
caveat = "As google-auth; `with_non_blocking_refresh()` is an option that few of its readers know."
imports, due, cannot = google_auth.imports, google_auth.due, google_auth.cannot
load_key, minter = google_auth.load_key, google_auth.minter


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> google_auth.Client:  # noqa: A001 - as there
    credentials = google_auth.credentials(token_endpoint, private_key_pem)
    credentials.with_non_blocking_refresh()  # in spite of its name it changes the object and returns nothing
    return google_auth.Client(credentials, google_auth.request(timeout))
