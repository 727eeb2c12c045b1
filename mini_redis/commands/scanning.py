"""What SCAN, SSCAN and HSCAN share: the cursor, and the options MATCH, COUNT, TYPE and NOVALUES."""

from __future__ import annotations

from dataclasses import dataclass

from mini_redis.commands.arguments import Arguments, integer
from mini_redis.errors import CommandError, InvalidCursor, SyntaxFault
from mini_redis.text import Glob

DEFAULT_COUNT = 10
UNSIGNED_64 = 1 << 64


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
    """A cursor as C's strtoul reads it: a sign is taken, and wraps. Errors: InvalidCursor."""
    digits = data[1:] if data[:1] in (b"-", b"+") else data
    if data and not (digits.isdigit() and len(digits) <= 20 and int(digits) < UNSIGNED_64):
        raise InvalidCursor()
    return int(data or b"0") % UNSIGNED_64
