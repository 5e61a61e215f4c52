"""Tests of `sa_auth.keys.work`: what a password may cost."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from sa_auth.errors import KeyLoadError
from sa_auth.keys import from_pem, from_pfx
from sa_auth.keys.work import check_work

OpenSSL = Callable[..., Path]
PBKDF2 = "06092a864886f70d01050c"
HUGE, ENOUGH = "02040fffffff", "02030f4240"  # 268 million, and one million


def endless(make: Callable[[], object]) -> None:
    """It is refused before any work is done."""
    began = time.process_time()
    with pytest.raises(KeyLoadError, match="more rounds") as caught:
        make()
    assert caught.value.code == "key_unsupported"
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        (f"{PBKDF2} 300b 0403616161 {ENOUGH}", False),
        (f"{PBKDF2} 300b 0403616161 {HUGE}", True),
        (f"{PBKDF2} 3080 0403616161 {HUGE} 0000", True),  # BER
        (f"{PBKDF2} 300c 048103616161 {HUGE}", True),
        (f"{PBKDF2} 30819f 0403616161 {HUGE}", True),  # cut short
        (f"{PBKDF2} 300b 24070403616161 {HUGE}", True),  # a salt in parts, which is not looked into
        (f"{PBKDF2}", True),
        (f"060a2a864886f70d010c0103 300b 0403616161 {HUGE}", True),
        (f"06092a864886f70d01050a 300b 0403616161 {HUGE}", True),
        ("06092b06010401da47040b 300f 0403616161 02024000 020108 020101", False),
        ("06092b06010401da47040b 3010 0403616161 0203400000 020108 020101", True),
        ("06092b06010401da47040b 3010 0403616161 02024000 020108 02021000", True),
        (f"06052b0e03021a 0500 0403616161 0403616161 {HUGE}", True),
        (f"0609608648016503040201 0403616161 0403616161 {HUGE}", True),
        (f"0609608648016503040201 0403616161 0403616161 {ENOUGH}", False),
        (f"0609608648016503040201 0403616161 {HUGE}", False),  # no MAC
        ("00000006626372797074 00000018 00000010 00112233445566778899aabbccddeeff 00000018", False),
        ("00000006626372797074 00000018 00000010 00112233445566778899aabbccddeeff 7fffffff", True),
        ("", False),
    ],
)
def test_what_it_says(told: str, refused: bool) -> None:
    """The number of rounds is found wherever it stands, and what cannot be read is refused."""
    data = bytes.fromhex(told)
    if refused:
        endless(lambda: check_work(data))
    else:
        check_work(data)


def test_pem(openssl: OpenSSL, openssl_keys: dict[str, Path], password: str) -> None:
    """An encrypted key that asks for 268 million rounds is refused at once, and one of a usual number is read."""
    command = ("pkcs8", "-topk8", "-in", openssl_keys["P-256"], "-outform", "DER", "-passout", f"pass:{password}")
    data = openssl(*command, "-iter", "1000000").read_bytes()
    assert from_pem(data, password=password).algorithm == "ES256"
    assert data.count(bytes.fromhex(ENOUGH)) == 1
    changed = longer(data, bytes.fromhex(ENOUGH), bytes.fromhex(HUGE))
    endless(lambda: from_pem(changed, password=password))
    text = base64.encodebytes(changed).decode()
    armoured = f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}-----END ENCRYPTED PRIVATE KEY-----\n"
    endless(lambda: from_pem(armoured, password=password))


@pytest.mark.parametrize("given", ["the password", "another", None])
def test_pfx(given: str | None) -> None:
    """So is a PFX, with whatever password."""
    how = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1_000_000).build(b"the password")
    key = ec.generate_private_key(ec.SECP256R1())
    data = pkcs12.serialize_key_and_certificates(None, key, None, None, how)
    changed = longer(data, bytes.fromhex(ENOUGH), bytes.fromhex(HUGE))
    endless(lambda: from_pfx(changed, password=given))


def longer(data: bytes, old: bytes, new: bytes) -> bytes:
    """DER in which bytes were replaced by more of them, with the lengths around them made to fit."""
    if data == old:
        return new
    found, at = b"", 0
    parts: list[Any] = []
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size > 0x80:
            start += size - 0x80
            size = int.from_bytes(data[at + 2 : start], "big")
        content, whole = data[start : start + size], data[at : start + size]
        parts.append((tag, content, whole))
        at = start + size
    for tag, content, whole in parts:
        if whole == old:
            found += new
        elif old in content:
            inner = longer(content, old, new)
            found += bytes([tag, 0x82]) + len(inner).to_bytes(2, "big") + inner
        else:
            found += whole
    return found
