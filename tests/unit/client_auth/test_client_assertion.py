"""An assertion of a token service as client authentication: RFC 7521 section 4.2, RFC 7522 and RFC 7523 section 2.2."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sa_auth.assertions import FromCallable, FromFile, Kubernetes
from sa_auth.client_auth import Client, ClientAssertion, TokenRequest
from sa_auth.errors import ConfigError
from tests.unit.assertions.texts import NOW, assertion, token

TYPE = "urn:ietf:params:oauth:client-assertion-type:"
BEFORE = TokenRequest((("grant_type", "client_credentials"),), {"Accept": "a"})


def test_jwt() -> None:
    """A JWT is sent as it is under its type, after what is asked, and client_id only where somebody named it."""
    after = ClientAssertion(token()).apply(BEFORE, NOW)
    assert after.fields[1:] == (("client_assertion_type", f"{TYPE}jwt-bearer"), ("client_assertion", token()))
    assert after.headers == BEFORE.headers
    after = ClientAssertion(token(), client_id="app").apply(BEFORE, NOW)
    assert after.fields[3:] == (("client_id", "app"),)


@pytest.mark.parametrize(
    "text", [assertion(), f"\n{assertion()}\n", assertion().encode(), base64.encodebytes(assertion().encode())]
)
def test_saml(text: str | bytes) -> None:
    """A SAML 2.0 assertion is sent under its own type, in base64url without padding or line ends, untouched."""
    sent = dict(ClientAssertion(text).apply(BEFORE, NOW).fields)
    assert sent["client_assertion_type"] == f"{TYPE}saml2-bearer"
    coded = sent["client_assertion"]
    assert not set(coded) & set("=+/\r\n ")
    given = text.encode() if isinstance(text, str) else text
    xml = given if b"<" in given else assertion().encode()
    assert base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)) == xml


def test_opaque(tmp_path: Path) -> None:
    """An opaque text proves nothing of a client: it is refused before anything is sent, and not repeated."""
    (tmp_path / "token").write_text("canary-text")
    for source in ("canary-text", lambda: "canary-text", FromFile(tmp_path / "token")):
        with pytest.raises(ConfigError) as caught:
            ClientAssertion(source).apply(BEFORE, NOW)
        assert (caught.value.code, bool(caught.value.hint)) == ("assertion_not_jwt", True)
        assert "canary-text" not in str(caught.value)


def test_asked_for_each_request() -> None:
    """Every request has the assertion that is there now, of whatever kind it is now."""
    texts = iter([token(sub="a"), assertion(), token(sub="b")])
    method = ClientAssertion(FromCallable(lambda: next(texts)))
    kinds = [dict(method.apply(BEFORE, NOW).fields)["client_assertion_type"].rpartition(":")[2] for _ in range(3)]
    assert kinds == ["jwt-bearer", "saml2-bearer", "jwt-bearer"]


def test_its_own_client_id_goes_first() -> None:
    """The face's client id stands in where none was named, and changes none that was."""
    assert ClientAssertion(token()).completed(Client("face")).client_id == "face"  # type: ignore[attr-defined]
    assert ClientAssertion(token(), client_id="own").completed(Client("face")).client_id == "own"  # type: ignore[attr-defined]
    nobody = ClientAssertion(token())
    assert nobody.completed(Client()) is nobody


def test_whatever_stands_for_an_assertion() -> None:
    """The name of a token service does, and an object of the caller's own, whose text is taken as it is."""

    class Own:
        def mint(self, now: float) -> str:
            return f"minted at {now:.0f}"

        def fingerprint(self) -> tuple[str, ...]:
            return ("own",)

        def describe(self) -> str:
            return "what it says"

    assert isinstance(ClientAssertion("kubernetes").source, Kubernetes)
    method = ClientAssertion(Own())
    assert dict(method.apply(BEFORE, 5).fields)["client_assertion"] == "minted at 5"
    assert method.describe() == "client assertion: what it says"
    assert repr(method) == "ClientAssertion(Own, client_id=None)"
