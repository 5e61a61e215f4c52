"""What reads bytes from outside, held against any bytes: under atheris (`make fuzz`) and under hypothesis (`make test`).

Rule: a target is one file with `judge(data)`, which asserts what must hold whatever the bytes are, and `seeds()`, good and
nearly good bytes, made anew in each run: no key of anybody's lies here. `TARGETS` is the list.
"""

from __future__ import annotations

TARGETS = ("answers", "key_files", "pem", "pfx", "jwk", "cache_records")
