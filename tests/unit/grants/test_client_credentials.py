"""The client in its own name: RFC 6749 section 4.4.2."""

from __future__ import annotations

from sa_auth.grants import ClientCredentials
from sa_auth.grants.base import Advised


def test_form() -> None:
    """The form is grant_type alone: the scope and the client's proof are others' fields."""
    assert ClientCredentials().form(0) == [("grant_type", "client_credentials")]


def test_all_are_one() -> None:
    """Who asks is not its part of the identity; two are one."""
    assert ClientCredentials().fingerprint() == ClientCredentials().fingerprint() == ("client_credentials",)
    assert repr(ClientCredentials()) == "ClientCredentials()"
    assert isinstance(ClientCredentials(), Advised)
    assert ClientCredentials().describe() == "grant client_credentials"
