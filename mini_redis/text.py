"""Redis's rules for numbers and glob patterns in client input.

Python's own readers are too lax here: `int()` takes `+5`, `007`, `1_000` and ` 5 `, `float()` takes `1_0` and
`nan`, `fnmatch` spells a negated set `[!x]`. Nothing in this module trusts a length: every function bounds its work
before it starts, and none of them recurses.

Three groups, none of which knows commands or error texts:

- integers and doubles: `parse_integer`, `parse_float`, `format_float`;
- long doubles, the 80-bit floats in which INCRBYFLOAT and HINCRBYFLOAT calculate, done exactly with integers;
- globs: `Glob` for a pattern used on many texts, `glob_match` for one.

"Observed" below means compared with Redis 8.2 and 7.0 on x86-64; the tests hold the cases.
"""

import re
from typing import NamedTuple

# Integers and doubles

_MAX_INTEGER_LENGTH = 20  # "-9223372036854775808"
_MAX_FLOAT_LENGTH = 65536
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INTEGER_PRINTED_IN_FULL = 2.0**62

_FLOAT_CHARACTERS = b"0123456789.eE+-"
_INFINITIES = {
    sign + name: value
    for sign, value in ((b"", float("inf")), (b"+", float("inf")), (b"-", float("-inf")))
    for name in (b"inf", b"infinity")
}
_NON_ZERO_DIGIT = re.compile(rb"[+-]?[0.]*[1-9]")


def parse_integer(data: bytes) -> int | None:
    """Return the signed 64-bit integer that `data` spells canonically, else None.

    Canonical is `0` or `-?[1-9][0-9]*`: what Redis would print for the number, so text and number can stand for each
    other. 0.2 us for short input (CPython 3.11).
    """
    if data.isdigit():  # ASCII digits only, for bytes
        if len(data) < 19:
            return int(data) if data[0] != 0x30 or len(data) == 1 else None
    elif data[:1] != b"-":
        return None
    if len(data) > _MAX_INTEGER_LENGTH:
        return None
    try:
        value = int(data)
    except ValueError:
        return None
    return value if b"%d" % value == data and _INT64_MIN <= value <= _INT64_MAX else None


def parse_float(data: bytes) -> float | None:
    """Return the double that C's strtod() reads from all of `data`, else None.

    Decimal and hexadecimal (`0x1.8p3`) spelling, and `inf` or `infinity` in any case. None for nan, surrounding
    space, a magnitude too large for a double, one so small that it becomes 0, and more than 65536 bytes (our bound,
    Redis has none). 0.25 us for short input, linear in its length.
    """
    if len(data) > _MAX_FLOAT_LENGTH:
        return None
    if data.translate(None, _FLOAT_CHARACTERS):
        return _parse_unusual_float(data)
    try:
        value = float(data)
    except ValueError:
        return None
    if value == 0.0:
        return None if _NON_ZERO_DIGIT.match(data) else value
    return value if value - value == 0.0 else None


def _parse_unusual_float(data: bytes) -> float | None:
    infinity = _INFINITIES.get(data.lower())
    if infinity is not None:
        return infinity
    match = _HEXADECIMAL.fullmatch(data)
    exact = match and _exact_hexadecimal(match)
    if not exact:
        return None
    try:
        value = exact.numerator / exact.denominator  # int / int rounds correctly
    except OverflowError:
        return None
    if value == 0.0 and exact.numerator:
        return None
    return -value if exact.is_negative else value


def format_float(value: float) -> bytes:
    """Return `value` as Redis 7.2 and later prints doubles: the shortest digits that read back as the same double.

    Integers up to 2^62 in full, `1e+20`, `1e-7`, `0.00001`, `inf`, `-0`, `nan`. Redis's digit generator is not
    always exact: in under 1 % of random doubles it ends in a neighbouring digit, or has a digit more. Ours does not.
    Redis before 7.2 prints 17 digits. 1 us, 0.3 for integers.
    """
    if value - value != 0.0:
        return b"inf" if value > 0 else b"-inf" if value < 0 else b"nan"
    if value == 0.0:
        return b"-0" if str(value)[0] == "-" else b"0"
    if -_INTEGER_PRINTED_IN_FULL <= value <= _INTEGER_PRINTED_IN_FULL and value == int(value):
        return b"%d" % value
    return _lay_out_digits(repr(value)).encode()


def _lay_out_digits(shortest: str) -> str:
    """Arrange the digits of a repr() in Redis's choice of plain or exponent notation."""
    sign = "-" if shortest[0] == "-" else ""
    mantissa, _, exponent = shortest.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    scale = int(exponent or 0) - len(fraction)
    digits = (whole + fraction).lstrip("0")
    trimmed = digits.rstrip("0")
    scale += len(digits) - len(trimmed)  # now value = trimmed * 10**scale
    leading = scale + len(trimmed) - 1  # power of ten of the first digit
    if scale >= 0 and leading < len(trimmed) + 7:
        return sign + trimmed + "0" * scale
    if scale < 0 and (scale > -7 or -4 < leading < 4):
        if leading < 0:
            return f"{sign}0.{'0' * (-leading - 1)}{trimmed}"
        return f"{sign}{trimmed[: leading + 1]}.{trimmed[leading + 1 :]}"
    rest = "." + trimmed[1:] if len(trimmed) > 1 else ""
    return f"{sign}{trimmed[0]}{rest}e{leading:+d}"


# Long doubles

_MAX_LONG_DOUBLE_LENGTH = 5119
_MANTISSA_BITS = 64
_SMALLEST_EXPONENT = -16445  # of the last bit of a denormal
_OVERFLOW_EXPONENT = 16384  # 2**16384 is too large
_INFINITE_EXPONENT = 1 << 20  # marks an infinity; no finite value has it
_PRINTED_FRACTION_DIGITS = 17
_POWER_OF_FRACTION = 10**_PRINTED_FRACTION_DIGITS
_DIGITS_PER_CONVERSION = 4000  # Python refuses int <-> str above 4300 digits
_MAX_DECIMAL_MAGNITUDE = 5000  # outside 10**+-5000 lies neither type
_MAX_BINARY_MAGNITUDE = 20000

_DECIMAL = re.compile(rb"([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?")
_HEXADECIMAL = re.compile(rb"([+-]?)0[xX](?=\.?[0-9a-fA-F])([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?[0-9]+))?")


class LongDouble(NamedTuple):
    """The number mantissa * 2**exponent, as x87 long double holds it: |mantissa| <= 2**64."""

    mantissa: int
    exponent: int

    @property
    def is_infinite(self) -> bool:
        """Whether this is +inf or -inf."""
        return self.exponent == _INFINITE_EXPONENT


class _Ratio(NamedTuple):
    is_negative: bool
    numerator: int
    denominator: int


def parse_long_double(data: bytes) -> LongDouble | None:
    """Return the long double that C's strtold() reads from all of `data`, else None.

    Takes what `parse_float` takes, in the wider range (`1e4932`, not `1e4933`; what becomes 0 is refused), and at
    most 5119 bytes, as Redis does. 3 us for short input, under 1 ms for the worst.
    """
    if len(data) > _MAX_LONG_DOUBLE_LENGTH:
        return None
    infinity = _INFINITIES.get(data.lower())
    if infinity is not None:
        return LongDouble(1 if infinity > 0 else -1, _INFINITE_EXPONENT)
    match = _DECIMAL.fullmatch(data)
    if match:
        exact = _exact_decimal(match)
    else:
        match = _HEXADECIMAL.fullmatch(data)
        exact = match and _exact_hexadecimal(match)
    if not exact:
        return None
    value = _round_to_long_double(exact.numerator, exact.denominator)
    if value.is_infinite or (exact.numerator and not value.mantissa):
        return None
    return LongDouble(-value.mantissa, value.exponent) if exact.is_negative else value


def add_long_doubles(left: LongDouble, right: LongDouble) -> LongDouble | None:
    """Return the rounded sum, or None where it would be NaN or infinite."""
    if left.is_infinite or right.is_infinite:
        return None
    exponent = min(left.exponent, right.exponent)
    total = (left.mantissa << left.exponent - exponent) + (right.mantissa << right.exponent - exponent)
    if exponent < 0:
        value = _round_to_long_double(abs(total), 1 << -exponent)
    else:
        value = _round_to_long_double(abs(total) << exponent, 1)
    if value.is_infinite:
        return None
    return LongDouble(-value.mantissa, value.exponent) if total < 0 else value


def format_long_double(value: LongDouble) -> bytes:
    """Return a finite `value` with 17 digits after the point, rounded half to even, without trailing zeros.

    Never an exponent: the largest number has 4933 digits. `-0` is printed as `0`.
    """
    scaled = abs(value.mantissa) * _POWER_OF_FRACTION
    if value.exponent >= 0:
        scaled <<= value.exponent
    else:
        scaled = _divide_half_even(scaled, 1 << -value.exponent)
    whole, fraction = divmod(scaled, _POWER_OF_FRACTION)
    text = _digits(whole)
    if fraction:
        text += (b".%017d" % fraction).rstrip(b"0")
    return b"-" + text if value.mantissa < 0 and scaled else text


def add_long_double(current: bytes, increment: bytes) -> bytes | None:
    """Return the text of `current` + `increment` as INCRBYFLOAT stores it; None where the sum is NaN or infinite.

    Errors: ValueError if either is no long double. Use the three functions above where it matters which.
    9 us for short input.
    """
    left = parse_long_double(current)
    right = parse_long_double(increment)
    if left is None or right is None:
        raise ValueError("not a valid float")
    total = add_long_doubles(left, right)
    return None if total is None else format_long_double(total)


def _exact_decimal(match: re.Match[bytes]) -> _Ratio | None:
    """Return the number a decimal spelling stands for, or None if its magnitude is beyond every float."""
    sign, whole, fraction, exponent_text = match.groups()
    digits = (whole + fraction).lstrip(b"0")
    if not digits:
        return _Ratio(sign == b"-", 0, 1)
    exponent = _bounded_exponent(exponent_text) - len(fraction)
    if not -_MAX_DECIMAL_MAGNITUDE < exponent + len(digits) < _MAX_DECIMAL_MAGNITUDE:
        return None
    number = int(digits[:_DIGITS_PER_CONVERSION])
    rest = digits[_DIGITS_PER_CONVERSION:]
    if rest:
        number = number * 10 ** len(rest) + int(rest)
    if exponent < 0:
        return _Ratio(sign == b"-", number, 10**-exponent)
    return _Ratio(sign == b"-", number * 10**exponent, 1)


def _exact_hexadecimal(match: re.Match[bytes]) -> _Ratio | None:
    """Like `_exact_decimal`, for `0x` digits with an optional power of two."""
    sign, whole, fraction, exponent_text = match.groups()
    number = int(whole + fraction, 16)
    exponent = _bounded_exponent(exponent_text) - 4 * len(fraction)
    if number and not -_MAX_BINARY_MAGNITUDE < exponent + number.bit_length() < _MAX_BINARY_MAGNITUDE:
        return None
    if not number:
        return _Ratio(sign == b"-", 0, 1)
    if exponent < 0:
        return _Ratio(sign == b"-", number, 1 << -exponent)
    return _Ratio(sign == b"-", number << exponent, 1)


def _bounded_exponent(text: bytes | None) -> int:
    """Return the exponent, or one of its sign that no mantissa of allowed length can bring back into range."""
    if not text:
        return 0
    digits = text.lstrip(b"+-").lstrip(b"0")
    value = int(digits or b"0") if len(digits) < 10 else 10**10
    return -value if text[:1] == b"-" else value


def _round_to_long_double(numerator: int, denominator: int) -> LongDouble:
    """Return the long double nearest to a non-negative ratio, ties to even; an infinity on overflow."""
    bits = numerator.bit_length() - denominator.bit_length()  # the quotient has this many bits, or one more
    exponent = max(bits - _MANTISSA_BITS, _SMALLEST_EXPONENT)
    mantissa = _divide_scaled(numerator, denominator, exponent)
    if mantissa >> _MANTISSA_BITS:
        exponent += 1
        mantissa = _divide_scaled(numerator, denominator, exponent)
    if exponent + mantissa.bit_length() > _OVERFLOW_EXPONENT:
        return LongDouble(1, _INFINITE_EXPONENT)
    return LongDouble(mantissa, exponent)


def _divide_scaled(numerator: int, denominator: int, exponent: int) -> int:
    if exponent < 0:
        return _divide_half_even(numerator << -exponent, denominator)
    return _divide_half_even(numerator, denominator << exponent)


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient & 1))


def _digits(number: int) -> bytes:
    if number.bit_length() < 3 * _DIGITS_PER_CONVERSION:
        return b"%d" % number
    high, low = divmod(number, 10 ** (_DIGITS_PER_CONVERSION // 2))
    return b"%d%0*d" % (high, _DIGITS_PER_CONVERSION // 2, low)


# Globs

_ANY_BYTE = (1 << 256) - 1
_UPPER_CASE = (1 << 26) - 1 << 65
_LOWER_CASE = _UPPER_CASE << 32
_Segment = bytes | tuple[int, ...]  # literal text, or for each position the set of bytes allowed there


class Glob:
    """A compiled pattern: `*`, `?`, `[a-z]`, `[^a-z]` and `\\` as Redis reads them.

    The pattern is cut at its stars. The first and last segment are compared in place; each other segment is looked
    for from where the one before it ended, and its leftmost occurrence is taken: it leaves the most room for the
    rest, so no choice is ever undone. Literal segments are found by bytes.find(); the others by a bit-parallel
    automaton (one integer whose bit i says "the last i+1 bytes fit the first i+1 positions").

    Time is linear in len(text) per segment: at most O(len(pattern) * len(text)) bit operations.

    Corners, all observed: a range may be reversed; an unclosed set ends with the pattern; a set closes at its first
    `]`, so `[]` matches nothing and `[^]` any byte; a range compares bytes as signed; an escape outside a set may
    end the pattern and is then a backslash. The empty text matches the empty pattern only, not `*`: KEYS and SCAN,
    which find an empty key with `*`, take that pattern for no pattern at all. With `ignore_case` an escape inside a
    set still asks for its exact byte, and a range is put in order before its ends are folded, so `[l-N]` is empty.
    """

    __slots__ = ("_ignore_case", "_segments", "_shortest_text")

    def __init__(self, pattern: bytes, ignore_case: bool = False) -> None:
        self._ignore_case = ignore_case
        self._segments = _compile_segments(pattern, ignore_case)
        self._shortest_text = sum(map(len, self._segments))

    def matches(self, text: bytes) -> bool:
        """Return whether the whole of `text` fits. 0.2 us for a short literal pattern, 0.5 for `prefix*`."""
        segments = self._segments
        if len(segments) == 1:
            return len(text) == self._shortest_text and self._fits(segments[0], text, 0)
        begin, end = len(segments[0]), len(text) - len(segments[-1])
        if not text or len(text) < self._shortest_text:
            return False
        if not (self._fits(segments[0], text, 0) and self._fits(segments[-1], text, end)):
            return False
        folded = text.lower() if self._ignore_case else text
        for segment in segments[1:-1]:
            if isinstance(segment, bytes):
                begin = folded.find(segment, begin, end)
                if begin < 0:
                    return False
                begin += len(segment)
            else:
                begin = _find_end(segment, text, begin, end)
                if begin < 0:
                    return False
        return True

    def _fits(self, segment: _Segment, text: bytes, begin: int) -> bool:
        part = text[begin : begin + len(segment)]
        if isinstance(segment, bytes):
            return segment == (part.lower() if self._ignore_case else part)
        return all(allowed >> byte & 1 for allowed, byte in zip(segment, part))


def glob_match(pattern: bytes, text: bytes, ignore_case: bool = False) -> bool:
    """Return whether `text` fits the glob `pattern`; for many texts compile one `Glob`."""
    return Glob(pattern, ignore_case).matches(text)


def _find_end(segment: tuple[int, ...], text: bytes, begin: int, end: int) -> int:
    """Return where the leftmost occurrence of `segment` in text[begin:end] ends, or -1.

    Shift-and: each byte of text shifts the state one position on, lets a new attempt in at bit 0, and keeps the
    attempts whose next position allows that byte.
    """
    accepting = 1 << (len(segment) - 1)
    positions_allowing: dict[int, int] = {}
    state = 0
    for index in range(begin, end):
        byte = text[index]
        allowing = positions_allowing.get(byte)
        if allowing is None:
            bits = "".join(["1" if allowed >> byte & 1 else "0" for allowed in reversed(segment)])
            allowing = positions_allowing[byte] = int(bits, 2)
        state = (state << 1 | 1) & allowing
        if state & accepting:
            return index + 1
    return -1


def _compile_segments(pattern: bytes, ignore_case: bool) -> list[_Segment]:
    segments: list[_Segment] = []
    literal = bytearray()
    sets: list[int] = []
    is_literal = True
    index, end = 0, len(pattern)
    while index < end:
        byte = pattern[index]
        if byte == 0x2A:  # *
            segments.append(bytes(literal) if is_literal else tuple(sets))
            literal, sets, is_literal = bytearray(), [], True
            index += 1
            while index < end and pattern[index] == 0x2A:
                index += 1
            continue
        if byte == 0x3F:  # ?
            allowed, index, is_literal = _ANY_BYTE, index + 1, False
        elif byte == 0x5B:  # [
            allowed, index = _compile_set(pattern, index + 1, ignore_case)
            is_literal = False
        else:
            index += byte == 0x5C and index + 1 < end  # \
            byte = _lower(pattern[index]) if ignore_case else pattern[index]
            literal.append(byte)
            allowed = _both_cases(byte) if ignore_case else 1 << byte
            index += 1
        sets.append(allowed)
    segments.append(bytes(literal) if is_literal else tuple(sets))
    return segments


def _compile_set(pattern: bytes, index: int, ignore_case: bool) -> tuple[int, int]:
    """Read a set from behind its `[`; return its bytes as bits, and the index behind its `]`."""
    end = len(pattern)
    is_negated = index < end and pattern[index] == 0x5E  # ^
    index += is_negated
    allowed = 0
    while index < end and pattern[index] != 0x5D:  # ]
        byte = pattern[index]
        if byte == 0x5C and index + 1 < end:  # \
            allowed |= 1 << pattern[index + 1]
            index += 2
        elif index + 2 < end and pattern[index + 1] == 0x2D:  # -
            allowed |= _compile_range(byte, pattern[index + 2], ignore_case)
            index += 3
        else:
            allowed |= _both_cases(byte) if ignore_case else 1 << byte
            index += 1
    return (_ANY_BYTE ^ allowed if is_negated else allowed), index + 1


def _compile_range(first: int, last: int, ignore_case: bool) -> int:
    low, high = sorted((_signed(first), _signed(last)))
    if ignore_case:
        low, high = _lower(low), _lower(high)
    allowed = _bits(max(low, 0), high) | _bits(low + 256, min(high, -1) + 256)
    if ignore_case:  # keep what is in the range when folded, then add its other case
        allowed &= ~_UPPER_CASE
        allowed |= (allowed & _LOWER_CASE) >> 32
    return allowed


def _bits(low: int, high: int) -> int:
    return (1 << (high - low + 1)) - 1 << low if low <= high else 0


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


def _both_cases(byte: int) -> int:
    byte = _lower(byte)
    return 1 << byte | (1 << (byte - 32) if 97 <= byte <= 122 else 0)
