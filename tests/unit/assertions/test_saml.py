"""What is read of a SAML 2.0 assertion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.assertions import saml

from .texts import CANARY, assertion


def test_what_is_told() -> None:
    """Root, issuer, audience and end are read; whom it is about is not."""
    document = saml.read(assertion().encode())
    assert (document.root, document.fault) == (saml.ASSERTION, "")
    assert document.told == {"Issuer": "https://idp.example", "Audience": "https://as.example"}
    assert document.ends_at == 1_700_003_600.0
    assert CANARY not in repr(vars(document))


def test_text_in_pieces() -> None:
    """A comment inside a name does not shorten it, and a long one is cut."""
    xml = assertion().replace("https://idp.example", "https://<!-- x -->idp.example")
    assert saml.read(xml.encode()).told["Issuer"] == "https://idp.example"
    long = saml.read(assertion().replace("https://idp.example", "i" * 50_000).encode()).told["Issuer"]
    assert len(long) == 1000


def test_any_depth() -> None:
    """Elements nested without end cost no stack."""
    assert saml.read(b"<a>" * 60_000).fault == "cut"
    assert saml.read(b"<a>" * 30_000 + b"</a>" * 30_000).fault == ""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_a_document_type_in_any_encoding(encoding: str) -> None:
    """A document type is seen however it is encoded."""
    said = '<?xml version="1.0" encoding="iso-8859-1"?>' if encoding == "latin-1" else ""
    assert saml.read(f"{said}<!DOCTYPE a><a/>".encode(encoding)).fault == "document_type"


@given(st.binary() | st.text("<>/a b=\"'&;!-[]?").map(str.encode))
def test_any_bytes(data: bytes) -> None:
    """Whatever is read, what is wrong with it is a word."""
    assert saml.read(data).fault in {"", "cut", "malformed", "document_type"}


@given(st.datetimes(allow_imaginary=False))
def test_dates(date: object) -> None:
    """Every date that Python writes is read, with or without zone and parts of a second."""
    from datetime import timezone

    utc = date.replace(tzinfo=timezone.utc)  # type: ignore[attr-defined]
    whole = utc.replace(microsecond=0).timestamp()
    text = utc.isoformat().removesuffix("+00:00")
    assert {saml.unix_seconds(f"{text}{zone}") for zone in ("", "Z", "+00:00", "-00:00")} == {whole}


@given(st.text() | st.text("0123456789-:.TZ+ "))
def test_no_date(text: str) -> None:
    """What is no date is none, and raises nothing."""
    assert isinstance(saml.unix_seconds(text), float | None)
