"""Arguments of commands: numbers with Redis's errors, and a cursor over options.

Handlers convert in their bodies, in Redis's order, because the order shows: on a missing key ``LINDEX k abc`` replies
nil while ``LRANGE k abc 0`` is an error.
"""

from __future__ import annotations

from mini_redis import text
from mini_redis.errors import (
    CommandError,
    InvalidExpire,
    MustBePositive,
    NanOrInfinity,
    NotAFloat,
    NotAnInteger,
    OutOfBounds,
    SyntaxFault,
)
from mini_redis.text import format_long_double, parse_float, parse_integer, parse_long_double

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


def integer(data: bytes) -> int:
    """A 64-bit integer. Errors: NotAnInteger."""
    value = parse_integer(data)
    if value is None:
        raise NotAnInteger()
    return value


def integer_in(data: bytes, low: int, high: int, error: CommandError | None = None) -> int:
    """An integer between ``low`` and ``high``. Errors: NotAnInteger, or ``error``, which stands for both faults."""
    value = parse_integer(data)
    if value is None or not low <= value <= high:
        raise error or NotAnInteger()
    return value


def int32(data: bytes) -> int:
    """An integer that fits 32 bits. Errors: NotAnInteger, OutOfBounds."""
    value = integer(data)
    if not -(2**31) <= value < 2**31:
        raise OutOfBounds(-(2**31), 2**31 - 1)
    return value


def negatable(data: bytes) -> int:
    """A 64-bit integer that has a negative, for ranks and counts of either sign. Errors: NotAnInteger, OutOfBounds."""
    value = integer(data)
    if value == INT64_MIN:
        raise OutOfBounds(-INT64_MAX, INT64_MAX)
    return value


def half_open(start: int, stop: int, length: int) -> tuple[int, int]:
    """(begin, end) in 0..``length`` of an inclusive range as it comes from the wire, negative from the end.

    ``begin`` >= ``end`` if the range is empty. O(1).
    """
    begin = max(start + length if start < 0 else start, 0)
    end = min((stop + length if stop < 0 else stop) + 1, length)
    return begin, end


def positive(data: bytes) -> int:
    """An integer that is not negative, for counts. Errors: MustBePositive, for what is no number too."""
    return integer_in(data, 0, INT64_MAX, MustBePositive())


def floating(data: bytes) -> float:
    """A double, inf included. Errors: NotAFloat."""
    value = parse_float(data)
    if value is None:
        raise NotAFloat()
    return value


def add_long_doubles(current: bytes, increment: bytes, not_a_float: CommandError | None = None) -> bytes:
    """The text of the sum of two numbers, computed in 80-bit floats as Redis computes INCRBYFLOAT.

    Errors: NotAFloat, or ``not_a_float`` for a bad ``current``; NanOrInfinity.
    """
    left, right = parse_long_double(current), parse_long_double(increment)
    if left is None:
        raise not_a_float or NotAFloat()
    if right is None:
        raise NotAFloat()
    total = text.add_long_doubles(left, right)
    if total is None or total.is_infinite:
        raise NanOrInfinity()
    return format_long_double(total)


def expire_at_ms(number: int, unit_ms: int, base_ms: int, command: str) -> int:
    """The absolute expiry for a relative (``base_ms`` is now) or absolute (0) time. Errors: InvalidExpire."""
    if not INT64_MIN // unit_ms <= number <= INT64_MAX // unit_ms:
        raise InvalidExpire(command)
    result = number * unit_ms + base_ms
    if result > INT64_MAX:
        raise InvalidExpire(command)
    return result


class Arguments:
    """A cursor over options such as ``EX 10 NX COUNT 5``, which come in any order and any case.

    >>> options = Arguments((b"count", b"5", b"XX"))
    >>> while options:
    ...     word = options.word()
    """

    __slots__ = ("_items", "_at")

    def __init__(self, items: tuple[bytes, ...] | list[bytes], start: int = 0) -> None:
        self._items = items
        self._at = start

    def __bool__(self) -> bool:
        return self._at < len(self._items)

    @property
    def left(self) -> int:
        """How many arguments have not been taken."""
        return len(self._items) - self._at

    def word(self) -> bytes:
        """Take the next argument as an option's name, in upper case."""
        return self.value().upper()

    def value(self) -> bytes:
        """Take the next argument as it is. Errors: SyntaxFault if there is none."""
        if self._at >= len(self._items):
            raise SyntaxFault()
        self._at += 1
        return self._items[self._at - 1]

    def rest(self) -> list[bytes]:
        """Take all that is left."""
        taken = list(self._items[self._at:])
        self._at = len(self._items)
        return taken
