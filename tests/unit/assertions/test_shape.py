"""What the text of an assertion is, and whether it can be sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sa_auth.assertions.shape import (
    LARGEST,
    check,
    claims,
    is_saml2,
    kind_of,
    require_jwt,
    saml2_base64url,
    summary,
)
from sa_auth.errors import ConfigError, SaAuthError

from .texts import CANARY, NOW, assertion, b64url, token

WHERE = "the file '/run/token'"
JWT, SAML = token(), assertion()
FOLDED = base64.encodebytes(SAML.encode()).decode()


def refused(text: Any, **options: Any) -> ConfigError:
    """How a text is refused."""
    with pytest.raises(ConfigError) as caught:
        check(text, NOW, WHERE, **options)
    error = caught.value
    assert error.hint
    assert WHERE in error.message
    assert CANARY not in f"{error}{error!r}{vars(error)}"
    assert (error.__cause__, error.__context__) == (None, None)
    return error


# what can be sent


@pytest.mark.parametrize("around", ["{}", "{}\n", " \t{}\r\n\n", "\ufeff{}"])
@pytest.mark.parametrize("text", [JWT, "opaque-token", token(exp=None), token(exp="soon"), token(exp=True)])
def test_the_text_without_what_stands_around_it(text: str, around: str) -> None:
    """White space and a last newline around a JWT or an opaque token are none of it."""
    assert check(around.format(text), NOW, WHERE) == text
    assert check(around.format(text).encode(), NOW, WHERE) == text


@pytest.mark.parametrize(
    "text", [SAML, SAML + "\n\n", " \n" + SAML, '<?xml version="1.0"?>\r\n' + SAML, "\ufeff" + SAML]
)
def test_saml_is_sent_untouched(text: str) -> None:
    """Of XML not a byte is changed, since a signature may stand over it; base64url of it is not padded or folded."""
    assert check(text, NOW, WHERE) == text
    sent = saml2_base64url(check(text, NOW, WHERE), WHERE)
    assert sent == b64url(text.encode())
    assert base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)) == text.encode()


@pytest.mark.parametrize(
    "text", [FOLDED, b64url(SAML.encode()), base64.urlsafe_b64encode(SAML.encode()).decode() + "\n"]
)
def test_saml_as_base64(text: str) -> None:
    """A SAML assertion may come as base64 or base64url, folded or padded or neither, and goes out the same."""
    assert saml2_base64url(check(text, NOW, WHERE), WHERE) == b64url(SAML.encode())


def test_an_encrypted_jwt() -> None:
    """A JWT of five parts is encrypted: its claims are for the server alone, and it is sent."""
    text = ".".join([b64url({"alg": "ECDH-ES", "enc": "A256GCM"}), "", b64url(b"iv"), b64url(b"body"), b64url(b"tag")])
    assert check(text, NOW, WHERE) == text
    assert (claims(text), summary(text)) == ({}, "a JWT")


# what cannot


@pytest.mark.parametrize("text", ["", "\n", " \t\r\n", "\ufeff", b"", b"\n"])
def test_empty(text: Any) -> None:
    """Nothing, or white space alone, is refused; it may be there in a moment."""
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_empty", True)


HEAD, BODY, SIGNATURE = JWT.split(".")


@pytest.mark.parametrize(
    "text",
    ["eyJ", HEAD, f"{HEAD}.", f"{HEAD}.{BODY}", f"{HEAD}.{BODY}.", f"{HEAD}.{BODY[:-7]}.{SIGNATURE}", f"{HEAD[:-7]}.{BODY}.{SIGNATURE}",
     f"{HEAD}..{SIGNATURE}", f"{JWT}.more", f"{JWT}.{JWT}", f"{HEAD}.{b64url(b'[1]')}.{SIGNATURE}", f"{HEAD}.{BODY}.a b", f"{JWT}\n{JWT}",
     f"{HEAD}.{BODY}.a+b", f"{HEAD}.{b64url(bytes([255, 254]))}.{SIGNATURE}", f"{HEAD}.{b64url(b'[' * 50_000)}.{SIGNATURE}",
     f"{HEAD}.a.b.c.d"],
)  # fmt: skip
def test_truncated(text: str) -> None:
    """A JWT of too few or too many parts, or whose header or payload is no JSON object, is one half written."""
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_truncated", True)


def test_every_beginning_of_a_jwt_is_truncated_until_its_signature_begins() -> None:
    """Wherever the writing of a JWT stopped before its signature, it is known to be half of one."""
    for length in range(3, len(f"{HEAD}.{BODY}.") + 1):
        assert refused(JWT[:length]).code == "assertion_truncated"


@pytest.mark.parametrize("ended", [0, 1, 3600, 1e300])
def test_expired(ended: float) -> None:
    """A JWT whose exp is now or has passed is refused with how long ago; another one may be on its way."""
    error = refused(token(exp=int(NOW) - ended))
    assert (error.code, error.retryable) == ("assertion_expired", True)
    assert "clock" in error.hint


@pytest.mark.parametrize("exp", [NOW + 0.5, NOW + 1, 1e300, 10**400])
def test_alive(exp: float) -> None:
    """One whose exp is ahead is sent, be it by half a second, or by as long as nobody lives."""
    assert check(token(exp=exp), NOW, WHERE)


@pytest.mark.parametrize(
    "text",
    ["two words", "Bearer " + JWT, "a\nb", "tökén", "a\x00b", "a\x7f", b"\xff\xfe\x00", "\ud800", JWT.encode("utf-16"), "token=\u00e4"],
)  # fmt: skip
def test_no_text(text: Any) -> None:
    """What has spaces in it, is no ASCII or not even text is no assertion."""
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_not_text", False)


@pytest.mark.parametrize(
    "text", [assertion(more="x" * 1_000_000), "a" * (LARGEST + 1), "\n" * 1_000_000, b"<" * 300_000, "ä" * (LARGEST // 2 + 1)],
    ids=["saml", "opaque", "lines", "bytes", "utf-8"],
)  # fmt: skip
def test_too_large(text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 256 KiB are refused before anything is parsed."""
    monkeypatch.setattr("sa_auth.assertions.saml.read", None)
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_too_large", False)


def test_as_large_as_allowed() -> None:
    """256 KiB to the byte are sent."""
    assert len(check("a" * LARGEST, NOW, WHERE)) == LARGEST


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + SAML, "document type"),
        ("<!doctype html><html><body>Sign in</body></html>", "document type|not well-formed"),
        ("<html><body>Sign in</body></html>", "root is 'html'"),
        (SAML.replace("robot", "&undefined;").replace("</saml:Issuer>", "&undefined;</saml:Issuer>"), "not well-formed"),
        (SAML + "<more/>", "not well-formed"),
        (SAML.replace("</saml:Issuer>", "</saml:Other>"), "not well-formed"),
        ("<Assertion/>", "root is 'Assertion'"),
        (SAML.replace("SAML:2.0", "SAML:1.0"), "root is 'Assertion'"),
        (assertion(root="EncryptedAssertion"), "root is 'EncryptedAssertion'"),
        ("< not xml", "not well-formed"),
        ('<?xml version="1.0" encoding="klingon"?>' + SAML, "not well-formed"),
    ],
)  # fmt: skip
def test_not_saml(text: str, says: str) -> None:
    """XML with a document type or entities, of another root, or no XML at all is refused by name."""
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_not_saml", False)
    assert any(one in error.message for one in says.split("|"))


def test_a_response_around_it() -> None:
    """Whoever hands over a whole Response is told to cut the Assertion out of it."""
    response = f'<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol">{SAML}</p:Response>'
    error = refused(response)
    assert error.code == "assertion_not_saml"
    assert "Assertion inside the Response" in error.hint


def test_no_entity_is_expanded(tmp_path: Any) -> None:
    """A document type that would grow a thousandfold, or fetch a file, is refused where it begins."""
    grows = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + SAML.replace("https://idp", "&b;")
    fetches = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{tmp_path}/x">]>' + SAML.replace("https://idp", "&a;")
    for text in (grows, fetches, base64.b64encode(grows.encode()).decode()):
        assert "document type" in refused(text).message


@pytest.mark.parametrize(
    "text", [SAML[: len(SAML) // 2], SAML[:-3], "<", FOLDED[:200], FOLDED[:201], FOLDED[:300] + "!" + FOLDED[301:]]
)
def test_truncated_saml(text: str) -> None:
    """A SAML assertion that ends too early, as XML or as base64, is one half written."""
    error = refused(text)
    assert (error.code, error.retryable) == ("assertion_truncated", True)


@pytest.mark.parametrize(
    "ends",
    ["2023-11-14T22:13:20Z", "2023-11-14T22:13:19.999Z", "2023-11-14T23:13:20+01:00", "2023-11-14T21:13:20-01:00", "2023-11-14T22:13:20",
     "0001-01-01T00:00:00Z"],
)  # fmt: skip
def test_expired_saml(ends: str) -> None:
    """A NotOnOrAfter of the Conditions that is now or has passed ends it, in whatever zone it is written."""
    for text in (assertion(f'NotOnOrAfter="{ends}"'), b64url(assertion(f'NotOnOrAfter="{ends}"').encode())):
        error = refused(text)
        assert (error.code, error.retryable) == ("assertion_expired", True)


@pytest.mark.parametrize(
    "ends", ["2023-11-14T22:13:21Z", "9999-12-31T23:59:59Z", "tomorrow", "2023-13-45T99:99:99Z", ""]
)
def test_saml_that_may_be_alive(ends: str) -> None:
    """One whose end is ahead is sent, and one whose end cannot be read is the server's to judge."""
    assert check(assertion(f'NotOnOrAfter="{ends}"'), NOW, WHERE)


def test_the_end_of_another_is_not_its_end() -> None:
    """A NotOnOrAfter elsewhere in the document does not end it: not an advice's, not an extension's."""
    old = assertion('NotOnOrAfter="2001-01-01T00:00:00Z"')
    other = '<x:Conditions xmlns:x="urn:x" NotOnOrAfter="2001-01-01T00:00:00Z"/>'
    assert check(assertion(more=f"<saml:Advice>{old}</saml:Advice>{other}"), NOW, WHERE)


def test_what_does_not_rotate_is_not_tried_again() -> None:
    """Where no other assertion will follow, the same call will not succeed later."""
    for text in ("", HEAD, token(exp=1), SAML[:-3], FOLDED[:201], assertion('NotOnOrAfter="2001-01-01T00:00:00Z"')):
        assert refused(text, rotates=False).retryable is False


# what it is


@pytest.mark.parametrize(
    ("text", "kind"),
    [(JWT, "jwt"), (" " + JWT, "jwt"), (SAML, "saml2"), (FOLDED, "saml2"), ("\n<a/>", "saml2"), ("opaque", "opaque"), ("", "opaque"),
     ("PHA", "opaque"), ("PD94bWwAAAAAAAAAAAAAAAAA", "opaque"), ("P" * 500, "opaque"), ("pk.123", "opaque")],
)  # fmt: skip
def test_kind(text: str, kind: str) -> None:
    """A JWT begins with eyJ, SAML is XML or base64 of what begins like XML, all else is opaque."""
    assert kind_of(text) == kind
    assert is_saml2(text) is (kind == "saml2")


def test_require_jwt() -> None:
    """A grant that needs a JWT gets it back, or an error that says which grant takes what is there."""
    assert require_jwt(JWT, WHERE) == JWT
    for text, hint in ((SAML, "saml2_bearer"), (FOLDED, "saml2_bearer"), ("opaque", "ID token")):
        with pytest.raises(ConfigError, match="a JWT is needed") as caught:
            require_jwt(text, WHERE)
        assert caught.value.code == "assertion_not_jwt"
        assert hint in caught.value.hint
        assert WHERE in caught.value.message


def test_require_saml() -> None:
    """A grant that needs SAML refuses a JWT and an opaque token, each with what to do."""
    for text, hint in ((JWT, "jwt_bearer"), ("opaque", "base64")):
        with pytest.raises(ConfigError, match="a SAML 2.0 one is needed") as caught:
            saml2_base64url(text, WHERE)
        assert caught.value.code == "assertion_not_saml"
        assert hint in caught.value.hint


def test_summary() -> None:
    """A hint may say who issued it, about whom and for whom, and by which key; no signature and no person."""
    assert summary(JWT) == "iss 'https://sts.example', sub 'robot', aud 'api', kid 'k1'"
    assert summary(SAML) == summary(FOLDED) == "Issuer 'https://idp.example', Audience 'https://as.example'"
    assert summary("opaque") == "an opaque token"
    assert (
        summary(token(aud=["a", "b", 5], sub={"x": 1}, iss="i" * 1000))
        == f"iss {'i' * 100!r}, aud 'a' and 'b', kid 'k1'"
    )
    assert CANARY not in summary(SAML)
    assert "\n" not in summary(token(sub="a\nb\x1b[31m"))


def test_claims() -> None:
    """The claims of a JWT can be looked at; of anything else there are none."""
    assert claims(JWT)["sub"] == "robot"
    assert claims(SAML) == claims("opaque") == claims(HEAD) == claims(f"{HEAD}.!.x") == {}


TEXTS = (
    st.text()
    | st.binary()
    | st.text("eyJ.-_abc{}\"'=: \n")
    | st.text("<>/saml:Assertion xmlns='\"&;![]?-").map("<".__add__)
)
MANGLED = st.builds(
    lambda text, cut, put, at: text[: at % len(text)] + put + text[at % len(text) + cut :],
    st.sampled_from([JWT, SAML, FOLDED]), st.integers(0, 50), st.text(max_size=5), st.integers(0, 10_000),
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(text=TEXTS | MANGLED, now=st.floats(allow_nan=False))
@example(text='<a xmlns="urn:oasis:names:tc:SAML:2.0:assertion Assertion"/>', now=0.0)
def test_any_text(text: Any, now: float) -> None:
    """Whatever is handed over, it is sent as text that was in it, or refused by an error of ours; all else goes on."""
    try:
        sent = check(text, now, WHERE)
    except SaAuthError as error:
        assert error.code.startswith("assertion_")
        assert error.hint
    else:
        whole = text if isinstance(text, str) else text.decode()
        assert sent in whole or "".join(whole.split()).strip("\ufeff") == sent
        assert summary(sent)
        assert isinstance(claims(sent), dict)
        assert require_jwt(sent, WHERE) == sent if kind_of(sent) == "jwt" else True
        assert saml2_base64url(sent, WHERE).isascii() if is_saml2(sent) else True


@settings(deadline=None)
@given(text=st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    """Looking at what nobody checked raises nothing."""
    assert summary(text)
    assert kind_of(text) in {"jwt", "saml2", "opaque"}
    assert isinstance(claims(text), dict)
