"""How much work it is to try a password on a file, which the file itself says.

Rule: looked at before a parser is let at it, and bounded: whoever writes a file could else have each process that opens it
count for minutes, or fill its memory. Stands under the readers of PEM and PFX. Source: RFC 8018 appendix A (PBKDF2, PBES1),
RFC 7914 section 7 (scrypt), RFC 7292 section 4 and appendix C (MAC, ciphers), OpenSSH's PROTOCOL.key (bcrypt).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .faults import fault

_MOST_ROUNDS = 5_000_000  # one or two seconds; OpenSSL's own are 2,048, careful people's a million
_MOST_SCRYPT = 1 << 22  # N times r times p: a second, and half a gigabyte; OpenSSL's own is 2 ** 17
_MOST_BCRYPT = 1000  # six seconds; ssh-keygen's own are 24

# Object identifiers in DER, behind which stand a salt and a number of rounds.
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_ROUNDS = re.compile(
    rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05[\x01\x03\x04\x06\x0a\x0b\x0c]"
    rb"|\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01[\x01-\x06]|" + re.escape(_SCRYPT)
)
# Those of hashes; behind one, where it is a PFX's MAC, stand the digest, the salt and the number.
_HASH = re.compile(
    rb"(?:\x06\x05\x2b\x0e\x03\x02\x1a|\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02[\x01-\x0a]"
    rb"|\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02[\x02-\x05])(?:\x05\x00)?"
)
_BCRYPT = re.compile(rb"\x00\x00\x00\x06bcrypt....(....)", re.DOTALL)
_SEQUENCE, _OCTETS, _INTEGER, _ENDLESS = 0x30, 0x04, 0x02, 0x80


def check_work(data: bytes) -> None:
    """Refuses a file that asks for too much.

    Args:
        data: PKCS#8, PFX or OpenSSH, without armour; damaged or not.

    Raises:
        KeyLoadError: `key_unsupported`.
    """
    if any(_too_much(data, found) for found in _ROUNDS.finditer(data)) or _mac(data) or _openssh(data):
        raise fault(
            "key_unsupported",
            "To try a password on the key takes more rounds than any usual key wants.",
            hint="Write it anew with fewer: `openssl pkcs8 -topk8 -iter 1000000 -in OLD -out NEW`, or `ssh-keygen -p -a 100 -f FILE`.",
        )


def _too_much(data: bytes, found: re.Match[bytes]) -> bool:
    tag, inside = next(_things(data, found.end()), (0, b""))
    parts = list(_things(inside, 0))[:4] if tag == _SEQUENCE else []
    numbers = [int.from_bytes(content, "big") for tag, content in parts[1:] if tag == _INTEGER]
    if not numbers or parts[0][0] != _OCTETS:
        return True  # what is not understood here might be in OpenSSL
    if found[0] != _SCRYPT:
        return numbers[0] > _MOST_ROUNDS
    cost = 1
    for number in numbers:
        cost *= max(number, 1)
    return cost > _MOST_SCRYPT


def _mac(data: bytes) -> bool:
    for found in _HASH.finditer(data):
        tags = list(_things(data, found.end()))[:3]
        if [tag for tag, _ in tags] == [_OCTETS, _OCTETS, _INTEGER] and int.from_bytes(
            tags[2][1], "big"
        ) > _MOST_ROUNDS:
            return True
    return False


def _openssh(data: bytes) -> bool:
    found = _BCRYPT.search(data[:200])
    at = 0 if found is None else found.end() + int.from_bytes(found[1], "big")
    return found is not None and int.from_bytes(data[at : at + 4], "big") > _MOST_BCRYPT


def _things(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Tags and contents from there on, one after the other, at most four; BER's endless length reaches to the end."""
    for _ in range(4):
        if at + 2 > len(data):
            return
        tag, size, at = data[at], data[at + 1], at + 2
        if size == _ENDLESS:
            size = len(data) - at
        elif size > _ENDLESS:
            octets = size - _ENDLESS
            size, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        yield tag, data[at : at + size]
        at += size
