"""What SCAN, SSCAN and HSCAN share: the cursor, and the options MATCH, COUNT, TYPE and NOVALUES."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mini_redis.commands.arguments import Arguments, integer
from mini_redis.errors import CommandError, InvalidCursor, SyntaxFault
from mini_redis.text import Glob, parse_integer

DEFAULT_COUNT = 10
UNSIGNED_64 = 1 << 64
_UNSIGNED = re.compile(rb"([ \t-\r]*[+-]?)0*([0-9]{1,20})")


@dataclass
class ScanRequest:
    """``cursor``: 0 to begin. ``count``: elements to look at, not to return. ``glob``: None matches all."""

    cursor: int
    count: int = DEFAULT_COUNT
    glob: Glob | None = None
    type_name: str | None = None
    wants_values: bool = True


def parse_scan(cursor: bytes, options: tuple[bytes, ...], command: str) -> ScanRequest:
    """Errors, in this order: invalid cursor, then those of the options as they come."""
    request = ScanRequest(parse_cursor(cursor))
    words = Arguments(options)
    while words:
        word = words.word()
        if word == b"COUNT" and words:
            request.count = integer(words.value())
            if request.count < 1:
                raise SyntaxFault()
        elif word == b"MATCH" and words:
            pattern = words.value()
            request.glob = None if pattern == b"*" else Glob(pattern)
        elif word == b"TYPE" and words and command == "scan":
            request.type_name = words.value().lower().decode("latin-1")
        elif word == b"NOVALUES":
            if command != "hscan":
                raise CommandError("NOVALUES option can only be used in HSCAN")
            request.wants_values = False
        else:
            raise SyntaxFault()
    return request


def parse_cursor(data: bytes) -> int:
    """A cursor as Redis reads it: up to a NUL, a plain integer that is not negative; or what else C's strtoull takes,
    where white space and a sign may stand in front, and a negative number wraps. Errors: InvalidCursor."""
    spelled = _UNSIGNED.fullmatch(data.split(b"\0")[0])
    number = int(spelled[2]) if spelled else UNSIGNED_64
    if spelled is None or number >= UNSIGNED_64:
        raise InvalidCursor()
    if not spelled[1].endswith(b"-"):
        return number
    if parse_integer(spelled[0]) is not None:
        raise InvalidCursor()
    return -number % UNSIGNED_64
