"""The key file as the disk has it: found, whose, for whose eyes, of what kind.

Rule: what the library refuses is refused in its words; nothing of the content is repeated but names of fields.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from typing import NamedTuple

from sa_auth._encoding import utf8
from sa_auth._secretfile import read_secret
from sa_auth.errors import SaAuthError
from sa_auth.providers import PROVIDERS

from .step import FAIL, OK, SKIPPED, WARN, Step, failed

_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_ESCAPED = re.compile(rb"(?<!\\)\\n")


class Found(NamedTuple):
    """A key file's content, and what was seen of the file.

    Attributes:
        step: What was seen.
        data: The content; None where there is none to look at.
        path: Where it is; None where the environment holds the text.
    """

    step: Step
    data: bytes | None = None
    path: str | None = None


def look(given: str | None) -> Found:
    """Looks at what the command line or SA_AUTH_KEY names.

    Args:
        given: The path on the command line; None: SA_AUTH_KEY holds a path or a key file's text.
    """
    value = (os.environ.get("SA_AUTH_KEY", "") if given is None else given).strip().strip("'\"")
    source = "named by SA_AUTH_KEY, " if given is None else ""
    if given is None and not value:
        return Found(Step("file", SKIPPED, "none is given"))
    if given is None and ("-----BEGIN" in value or value.startswith("{")):
        data = os.environb[b"SA_AUTH_KEY"] if hasattr(os, "environb") else value.encode()
        return Found(Step("file", OK, f"the text in SA_AUTH_KEY, {_size(len(data))}, {kind_of(data)}"), data)
    if given is None and not os.path.lexists(value):
        return Found(Step("file", OK, "what SA_AUTH_KEY holds is no path here; read as a text"))
    return _at(value, source)


def _at(path: str, source: str) -> Found:
    place, failure, data = os.path.abspath(path), None, b""
    try:
        data = read_secret(place, path, "warn")
    except SaAuthError as error:
        failure = error.copy()
    if failure is not None:
        step = failed("file", failure, more=_seen(place), command=_mending(failure, place), remedy=_elsewhere(place))
        return Found(step, path=path)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} and _json_like(data):
        return Found(_as_utf16(path), data, path)
    broken = _json_fault(data, path)
    if broken is not None:
        return Found(broken._replace(more=(*_seen(place), *broken.more)), data, path)
    found = f"{source}{kind_of(data)}, {_size(len(data))}"
    mode = stat.S_IMODE(os.stat(place).st_mode)
    if os.name == "posix" and mode & 0o044:
        return Found(Step(
            "file", WARN, f"{found}, may be read by others ({mode:04o})", (*_seen(place), *_oddities(data)),
            "The key file may be read by other users of this machine.", "Let its owner alone read it.",
            f"chmod 600 {shlex.quote(path)}",
        ), data, path)  # fmt: skip
    return Found(Step("file", OK, f"{found}, {_eyes(mode)}", (*_seen(place), *_oddities(data))), data, path)


def kind_of(data: bytes) -> str:
    """What a key file is, by a look at it: for people, no judgement."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] == b"{":
        return _kind_of_json(text)
    label = _PEM_LABEL.search(data)
    if label is not None:
        return f"PEM ({label[1].decode('ascii').lower()})"
    if data[:1] == b"\x30":
        return (
            "PFX" if re.match(rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...)\x02\x01\x03", data, re.DOTALL) else "DER"
        )
    return "of no kind that a look tells"


def escaped(data: bytes) -> bool:
    """Whether a PEM has line ends that are written as backslash and n."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] != b"{":
        return b"-----BEGIN" in data and _ESCAPED.search(data) is not None
    info = _parsed(text)
    return any("-----BEGIN" in value and "\\n" in value for value in _texts(info))


def mended(data: bytes, path: str) -> str:
    """The command that writes the file anew with true line ends; the file itself stays as it is."""
    root, ending = os.path.splitext(path)
    json_like = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    wrong, right = (r'r"\\n"', r'r"\n"') if json_like else (r'r"\n"', "chr(10)")
    act = f"import sys; sys.stdout.write(open(sys.argv[1]).read().replace({wrong}, {right}))"
    new = shlex.quote(f"{root}.mended{ending}")
    return f"(umask 077; python3 -c {shlex.quote(act)} {shlex.quote(path)} > {new})"


def _kind_of_json(text: bytes) -> str:
    info = _parsed(text)
    if not isinstance(info, dict):
        return "JSON, or the beginning of it"
    if {"kty", "keys"} & info.keys():
        return "JWK"
    for name in PROVIDERS:
        reader = PROVIDERS[name].key_file
        if reader is not None and reader.recognise(info):
            return f"a key file of {PROVIDERS[name].page.title or name}"
    return "JSON of no known format"


def _parsed(text: bytes) -> object:
    try:
        found: object = json.loads(utf8(text), strict=False)
    except (ValueError, RecursionError):
        return None
    return found


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _json_fault(data: bytes, path: str) -> Step | None:
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] != b"{":
        return None
    line, at_end = 0, False
    try:
        json.loads(utf8(text), strict=False)
        return None
    except json.JSONDecodeError as error:
        # A text that was begun and not ended is reported where it begins.
        line, at_end = error.lineno, error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    except (ValueError, RecursionError):
        pass
    cause = "The key file begins like JSON and is cut short" if at_end else "The key file begins like JSON and is none"
    where = f" (line {line})" if line else ""
    return Step(
        "file", FAIL, f"JSON that cannot be read{where}", (), f"{cause}{where}.",
        "Download it again from where it was issued, whole; an editor or a copy has damaged it.",
        f"python3 -m json.tool {shlex.quote(path)} /dev/null",
    )  # fmt: skip


def _json_like(data: bytes) -> bool:
    return data.decode("utf-16", "replace").lstrip("\ufeff \t\r\n").startswith("{")


def _as_utf16(path: str) -> Step:
    root, ending = os.path.splitext(path)
    return Step(
        "file", FAIL, "JSON in UTF-16", (), "The key file is written in UTF-16, as PowerShell's > does, and JSON is UTF-8.",
        "Write it anew in UTF-8.",
        f"(umask 077; iconv -f UTF-16 -t UTF-8 {shlex.quote(path)} > {shlex.quote(f'{root}.mended{ending}')})",
    )  # fmt: skip


def _mending(failure: SaAuthError, place: str) -> str:
    if failure.code != "key_file_rights":
        return ""
    if "another user" in failure.message:
        return f'sudo chown "$(id -un)" {shlex.quote(place)}'
    return f"chmod 600 {shlex.quote(place)}"


def _elsewhere(place: str) -> str:
    """What to do where there is no such file; empty where there is one."""
    if os.path.lexists(place):
        return ""
    from difflib import get_close_matches  # for a mistake alone

    folder, name = os.path.split(place)
    if not os.path.isdir(folder):
        return f"Check the path: there is no folder {folder}."
    close = get_close_matches(name, os.listdir(folder), 1)
    return f"Check the path: in {folder} there is no such file{f', but a {close[0]!r}' if close else ''}."


def _seen(place: str) -> tuple[str, ...]:
    return (f"a symbolic link to {os.path.realpath(place)}",) if os.path.islink(place) else ()


def _oddities(data: bytes) -> tuple[str, ...]:
    told = []
    if data.startswith(b"\xef\xbb\xbf"):
        told.append("begins with a byte order mark, which does no harm here")
    if b"\r\n" in data and data[:1] != b"\x30":
        told.append("has the line ends of Windows, which do no harm here")
    return tuple(told)


def _eyes(mode: int) -> str:
    return f"for its owner's eyes ({mode:04o})" if os.name == "posix" else "rights are not looked at on this system"


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count // 1024} KiB"
