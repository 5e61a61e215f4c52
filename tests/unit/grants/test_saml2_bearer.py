"""A SAML 2.0 assertion as authorization grant: RFC 7522 section 2.1."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.assertions import FromCallable, FromFile
from sa_auth.errors import ConfigError
from sa_auth.grants import SAML2Bearer
from tests.unit.assertions.texts import NOW, assertion, token


def sent(grant: SAML2Bearer) -> str:
    """The assertion of its form, once the form is known to hold nothing else."""
    (first, kind), (second, text) = grant.form(NOW)
    assert (first, kind, second) == ("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer", "assertion")
    return text


def decoded(text: str) -> bytes:
    """What the server reads."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)  # no padding, no line end, no other alphabet
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    "xml",
    [assertion(), f"\n  {assertion()}\n\n", assertion().replace("\n", "\r\n"), f'<?xml version="1.0"?>\n{assertion()}',
     assertion(more="<!-- a comment --><x a='1'   b=\"2\"/>&#xE9;é€𝄞")],
)  # fmt: skip
@pytest.mark.parametrize("as_bytes", [False, True])
def test_untouched(xml: str, as_bytes: bool) -> None:
    """The server reads the assertion as it was made, to the last byte: white space, line ends, order, comments."""
    assert decoded(sent(SAML2Bearer(xml.encode() if as_bytes else xml))) == xml.encode()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="<&"), max_size=200))
def test_untouched_of_any_length(more: str) -> None:
    """Whatever stands in it and whatever its length, nothing is added and nothing lost."""
    xml = assertion(more=f"<x>{more}</x>")
    assert decoded(sent(SAML2Bearer(xml))) == xml.encode()


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_base64_is_made_base64url(encode: Any) -> None:
    """What a token service gives as base64, padded or folded, is sent as base64url of the very same bytes."""
    xml = assertion(more="<x>??>>~~</x>")
    assert decoded(sent(SAML2Bearer(encode(xml.encode())))) == xml.encode()


def test_asked_for_each_request() -> None:
    """Every form has the assertion that is there now."""
    texts = [assertion(more=f"<x>{number}</x>") for number in range(3)]
    left = iter(texts)
    grant = SAML2Bearer(FromCallable(lambda: next(left)))
    assert [decoded(sent(grant)) for _ in texts] == [text.encode() for text in texts]


@pytest.mark.parametrize(("text", "word"), [(token(), "jwt_bearer"), ("canary", "Assertion")], ids=["jwt", "opaque"])
def test_another_kind(text: str, word: str, tmp_path: Path) -> None:
    """A JWT or an opaque token is refused before it is sent, with what it goes with."""
    (tmp_path / "token").write_text(text)
    for grant in (SAML2Bearer(text), SAML2Bearer(FromFile(tmp_path / "token"))):
        with pytest.raises(ConfigError) as caught:
            grant.form(NOW)
        assert caught.value.code == "assertion_not_saml"
        assert word in caught.value.hint
        assert text not in str(caught.value)


def test_what_it_says() -> None:
    """A refusal's hint names issuer and audience, and not whom the assertion is about."""
    grant = SAML2Bearer(assertion())
    grant.form(NOW)
    assert grant.describe() == "Issuer 'https://idp.example', Audience 'https://as.example' from the text handed over"
