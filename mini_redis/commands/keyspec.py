"""Where a command's keys stand in its arguments, declared once.

One declaration serves locking, COMMAND INFO, COMMAND GETKEYS and, later, ACL and Cluster. Positions count from the
command's name at 0; for a subcommand the container is 0. Flags are Redis's key-spec flags: RO RW OW RM, and ACCESS
UPDATE INSERT DELETE for what happens to the value. Source: redis.io/docs/reference/key-specs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mini_redis.protocol.replies import FlatMap, Members, SimpleString
from mini_redis.text import parse_integer


@dataclass(frozen=True)
class KeySpec:
    """Keys from ``begin`` on. ``last``: 0 only that one, -1 to the last argument, n > 0 n further on, in ``step``s;
    or ``numkeys``: the argument at ``begin`` counts the keys behind it; or ``unknown``: only the command itself knows.
    """

    begin: int
    flags: tuple[str, ...]
    last: int = 0
    step: int = 1
    numkeys: bool = False
    unknown: bool = False

    def find(self, argv: list[bytes]) -> list[bytes]:
        """The keys that stand in ``argv``; those that are missing because the command is malformed are left out."""
        if self.unknown:
            return []
        if self.numkeys:
            count = _leading_integer(argv[self.begin]) if self.begin < len(argv) else 0
            if count < 1 or self.begin + count >= len(argv):
                return []
            return argv[self.begin + 1:self.begin + 1 + count]
        if self.last == 0:
            return argv[self.begin:self.begin + 1]
        end = len(argv) if self.last == -1 else self.begin + self.last + 1
        return argv[self.begin:end:self.step]

    def describe(self) -> FlatMap:
        """This key spec as COMMAND INFO shows it."""
        flags = Members([SimpleString(flag.encode() if len(flag) == 2 else flag.lower().encode())
                         for flag in self.flags])
        if self.unknown:
            search = find = _step(b"unknown", [])
        else:
            search = _step(b"index", [b"index", self.begin])
            if self.numkeys:
                find = _step(b"keynum", [b"keynumidx", 0, b"firstkey", 1, b"keystep", self.step])
            else:
                find = _step(b"range", [b"lastkey", self.last, b"keystep", self.step, b"limit", 0])
        return FlatMap([b"flags", flags, b"begin_search", search, b"find_keys", find])


_LEADING_DIGITS = re.compile(rb"[ \t-\r]*\+?0*([0-9]{0,20})")


def _leading_integer(data: bytes) -> int:
    """A count as C's atoi reads it, whatever follows the digits: the command itself will refuse such a number, but
    COMMAND GETKEYS does not run it. A negative one is 0 here."""
    count = parse_integer(data)
    if count is None:
        match = _LEADING_DIGITS.match(data)
        count = int(match[1] or 0) if match else 0
    return count


def _step(kind: bytes, spec: list[Any]) -> FlatMap:
    return FlatMap([b"type", kind, b"spec", FlatMap(spec)])


def key_at(position: int, flags: str) -> KeySpec:
    """One key: ``GET key``."""
    return KeySpec(position, tuple(flags.split()))


def keys_from(position: int, flags: str, step: int = 1) -> KeySpec:
    """All arguments from here on, or each ``step``-th of them: ``DEL key ...``, ``MSET key value ...``."""
    return KeySpec(position, tuple(flags.split()), last=-1, step=step)


def key_range(first: int, last: int, flags: str) -> KeySpec:
    """The keys from one position to another: ``LCS key1 key2``."""
    return KeySpec(first, tuple(flags.split()), last=last - first)


def numkeys_at(position: int, flags: str) -> KeySpec:
    """A count and then so many keys: ``LMPOP numkeys key ...``."""
    return KeySpec(position, tuple(flags.split()), numkeys=True)


def unknown_keys(flags: str) -> KeySpec:
    """Keys that no rule finds: the key of SORT's STORE, patterns of BY and GET."""
    return KeySpec(0, tuple(flags.split()), unknown=True)
