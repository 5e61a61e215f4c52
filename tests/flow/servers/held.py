"""Where a SAML 2.0 assertion may be held until it is sent, and what its bytes may look like.

Rule: a form here changes bytes and leaves the signature whole. Source: XML 1.0 section 2.11 and Exclusive XML
Canonicalization 1.0, for what does not count under a signature.
"""

from __future__ import annotations

import base64
from pathlib import Path

from sa_auth.assertions import FromCallable, FromFile, FromURL
from tests.flow.servers.saml import SamlServer


def file(server: SamlServer, held: bytes, folder: Path) -> FromFile:
    """A file that holds it."""
    path = folder / "assertion.xml"
    path.write_bytes(held)
    return FromFile(path)


def folded(server: SamlServer, held: bytes, folder: Path) -> FromFile:
    """A file that holds its base64, in lines."""
    return file(server, base64.encodebytes(held), folder)


def address(server: SamlServer, held: bytes, folder: Path) -> FromURL:
    """An address that gives it."""
    server.held = held
    return FromURL(f"{server.url}/held")


def json(server: SamlServer, held: bytes, folder: Path) -> FromURL:
    """An address that gives its base64 in JSON."""
    server.held = held
    return FromURL(f"{server.url}/held", field="data.saml")


SOURCES = {
    "text": lambda server, held, folder: held.decode(errors="surrogateescape"),
    "bytes": lambda server, held, folder: held,
    "callable": lambda server, held, folder: FromCallable(lambda: held),
    "file": file, "base64 in a file": folded, "address": address, "base64 at an address": json,
}  # fmt: skip
ODD = {
    "as it was signed": lambda xml: xml,
    "CRLF": lambda xml: xml.replace(b"\n", b"\r\n"),
    "white space around": lambda xml: b" \t\r\n\n" + xml + b"\n\r\n \t",
    "white space in tags": lambda xml: xml.replace(b' Version="2.0"', b"\r\n\t  Version = '2.0'\n"),
    "comments": lambda xml: b"<!-- written by hand: \xc3\xa9 -->\n" + xml.replace(b"<saml:Subject>", b"<saml:Subject><!-- <x/> -->"),
    "a declaration": lambda xml: b"<?xml version='1.0' encoding='UTF-8'  ?>\r\n" + xml,
    "a byte order mark": lambda xml: b"\xef\xbb\xbf" + xml,
}  # fmt: skip
