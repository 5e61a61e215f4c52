"""The client proves itself by its certificate: RFC 8705 section 2."""

from __future__ import annotations

from sa_auth.client_auth import Client, MutualTLS, TokenRequest


def test_client_id_is_in_the_request() -> None:
    """All requests hold client_id (section 2), and nothing else is added: the proof is the connection's."""
    before = TokenRequest((("grant_type", "x"),), {"Accept": "a"})
    for method in (MutualTLS("app"), MutualTLS().completed(Client("app", certificate_thumbprint="t"))):
        after = method.apply(before, 0)
        assert after.fields == (("grant_type", "x"), ("client_id", "app"))
        assert after.headers == before.headers


def test_its_own_client_id_goes_first() -> None:
    """The client id of the method stands in place of the face's."""
    whole = MutualTLS("own").completed(Client("face", certificate_thumbprint="t"))
    assert whole.fingerprint() == ("tls_client_auth", "own", "t")


def test_the_transport_is_told() -> None:
    """It says that the connection has to present the certificate."""
    assert MutualTLS.presents_certificate is True
    assert repr(MutualTLS("app")) == "MutualTLS('app')"
