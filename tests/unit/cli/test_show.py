"""The words that a person sees."""

from __future__ import annotations

import pytest

from sa_auth.cli.show import printable, prose, spoken


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("Pass token_endpoint=, or server=.", "Pass --token-endpoint, or --server."),
        ("For example scope='bot'.", "For example --scope bot."),
        ("Use scope='read write', or server=\"https://a.test\".", "Use --scope 'read write', or --server https://a.test."),
        ("The person is claims={'pid': ...}.", "The person is --claim pid=...."),
        ("Give password=, as text or as a callable that returns it.",
         "Give --password-env NAME, the variable that holds it; at a terminal it is asked for."),
        ("PrivateKeyJWT(audience=..., typ='JWT')", "PrivateKeyJWT(audience=..., typ='JWT')"),
        ("the `kid` in it is `key_id=`.", "the `kid` in it is `--key-id`."),
        ("name the CA bundle: transport=RequestsTransport(verify=PATH), or", "name the CA bundle: --ca FILE, or"),
    ],
)  # fmt: skip
def test_spoken(hint, said):
    """An argument of Python's is an option here, and a call of Python's stays one."""
    assert spoken(hint) == said


def test_prose():
    """Backticks become colour, and what stands in them is spoken of as well."""
    text = prose("Pass `key_id=` to `client_auth.PrivateKeyJWT(audience=...)`.")
    assert text.plain == "Pass --key-id to client_auth.PrivateKeyJWT(audience=...)."
    assert len(text.spans) == 2


@pytest.mark.parametrize("bad", ["\x1b[31m", "\x9b31m", "\u202e", "\r", "\x00"])
def test_printable(bad):
    """Nothing that a terminal acts on is left of a stranger's text, and letters are."""
    assert printable(f"bjørn{bad}").isprintable()
    assert printable("bjørn 東京") == "bjørn 東京"
