"""What a string key may hold, and its encodings.

A string is one of four Python types, so that the common case, a value set whole, costs nothing extra:

* ``bytes``: as it was set;
* ``int``: left by INCR and its family, which then need not parse it again;
* ``bytearray``: changed in place by APPEND, SETRANGE or SETBIT, which makes appending O(1) per byte;
* :class:`Embedded`: bytes that OBJECT ENCODING must not call ``int`` although they may look so (INCRBYFLOAT's result).

Source for the encodings: redis.io/commands/object-encoding and observation of Redis 7.4.
"""

from __future__ import annotations

import sys

from mini_redis.text import parse_integer

EMBEDDED_MAX_BYTES = 44


class Embedded(bytes):
    """A string whose encoding is never ``int``."""

    __slots__ = ()


StringValue = bytes | int | bytearray
KINDS = frozenset((bytes, int, bytearray, Embedded))


def to_bytes(value: StringValue) -> bytes:
    """The text of a string value of any of the four types. O(length); O(1) for bytes."""
    if type(value) is bytes:
        return value
    return b"%d" % value if isinstance(value, int) else bytes(value)


def length(value: StringValue) -> int:
    """Bytes of the text. O(1)."""
    return len(b"%d" % value if isinstance(value, int) else value)


def encoding(value: StringValue) -> str:
    """The name that OBJECT ENCODING gives. O(1)."""
    if type(value) is bytearray:
        return "raw"
    if type(value) is int or (type(value) is bytes and parse_integer(value) is not None):
        return "int"
    return "embstr" if length(value) <= EMBEDDED_MAX_BYTES else "raw"


def memory_usage(value: StringValue) -> int:
    """Bytes that the value takes. O(1)."""
    return sys.getsizeof(value)
