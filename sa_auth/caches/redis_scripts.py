"""What is decided inside Redis, in one step each.

Rule: one key a script, so that any of a cluster's servers can run it; what ends earlier is judged by Redis's own clock,
since those of the machines may differ. Stands under the Redis cache. Source: FAULTS line 28 in docs/faults.md.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from .record import LARGEST


class Script(NamedTuple):
    """A script, and the name by which Redis knows it once it has seen it."""

    text: bytes
    sha: bytes


def _script(text: str) -> Script:
    told = text.replace("LARGEST", str(LARGEST)).strip().encode("ascii")
    return Script(told, hashlib.sha1(told, usedforsecurity=False).hexdigest().encode("ascii"))


GET = _script("""
if redis.call('STRLEN', KEYS[1]) > LARGEST then return 0 end
local there = redis.call('GET', KEYS[1])
if not there then return false end
return {there, redis.call('PTTL', KEYS[1])}
""")
"""The record and the milliseconds until it is forgotten; zero: it is too large to be one; nil: there is none."""

PUT = _script("""
local there = redis.call('GET', KEYS[1])
local version, ends, kept = string.match(there or '', '^sa_auth (%d+) (%d+) (%d+)\\n')
if version and #version <= 4 and #ends <= 16 and #kept <= 8 then
  if tonumber(version) > tonumber(ARGV[4]) then return 0 end
  local left = redis.call('PTTL', KEYS[1])
  if there ~= ARGV[3] and left >= 0 and #there <= LARGEST
    and left - tonumber(kept) * 1000 >= tonumber(ARGV[2]) - tonumber(ARGV[5]) * 1000 then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")
"""Puts a record: it, its milliseconds, what it replaces (or nothing), its version, the seconds beyond its token's end.

One: it is there. Zero: what was there ends later, or is of a later version, and stays. What is no record, is too large
for one or would stay for ever gives way.
"""

TAKE = _script("""
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('PTTL', KEYS[1]) ~= -1 or redis.call('STRLEN', KEYS[1]) < 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")
"""Takes a lock: its holder's nonce, its milliseconds. One: it is had. Zero: another has it.

One that would stay for ever is nobody's, for none of this library's lacks an end. STRLEN says no to what is no string.
"""

REMOVE = _script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")
"""Removes a record, or a lock, if it is this very one."""
