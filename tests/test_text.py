"""Redis's rules for numbers and globs: rows observed on Redis 8.2 and 7.0, and properties against naive models."""

import math
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_redis.text import (
    Glob,
    add_long_double,
    add_long_doubles,
    format_float,
    format_long_double,
    glob_match,
    parse_float,
    parse_integer,
    parse_long_double,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"0", 0),
        (b"7", 7),
        (b"-7", -7),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"100000000000000000", 10**17),
    ],
)
def test_canonical_integers_are_read(data, value):
    assert parse_integer(data) == value


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"-", b"-0", b"00", b"007", b"-07", b"+5", b" 5", b"5 ", b"5\r", b"1_000", b"1.0", b"1e3", b"0x10"),
        *(b"--1", b"- 1"),
        *(b"9223372036854775808", b"-9223372036854775809", b"99999999999999999999", b"1" * 21, b"1" * 400_000),
        *("\u0661".encode(), "\uff11".encode(), b"1\x00", b"-1_0"),
    ],
)
def test_other_spellings_of_integers_are_refused(data):
    assert parse_integer(data) is None


@given(st.integers(-(2**64), 2**64))
def test_integers_round_trip_within_64_bits(value):
    expected = value if -(2**63) <= value < 2**63 else None
    assert parse_integer(b"%d" % value) == expected


@given(st.text("0123456789-+ _.", max_size=24).map(str.encode))
def test_integers_are_exactly_what_redis_would_print(data):
    value = parse_integer(data)
    assert value is None or b"%d" % value == data


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"1", 1.0),
        (b"+5", 5.0),
        (b"-.5e3", -500.0),
        (b"5.", 5.0),
        (b"1e+20", 1e20),
        (b"0x10", 16.0),
        (b"0X1p4", 16.0),
        (b"-0x1.8p-2", -0.375),
        (b"0x.8", 0.5),
        (b"0x1.p-1", 0.5),
        (b"0x1e5", 485.0),
        (b"0x1.8p+0001", 3.0),
        (b"inf", math.inf),
        (b"+INF", math.inf),
        (b"-Infinity", -math.inf),
        (b"4e-324", 5e-324),
        (b"0e9999999999", 0.0),
        (b"0x0p9999999999", 0.0),
        (b"0" * 2000 + b"1", 1.0),
        (b"1e" + b"0" * 200 + b"5", 100000.0),
    ],
)
def test_floats_that_strtod_reads(data, value):
    assert parse_float(data) == value


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" 1", b"1 ", b"\t1", b"1\x00", b".", b"e5", b"1e", b"1e+", b"+-1", b"--1", b"1e5.5", b"1_0", b"1p5"),
        *(b"nan", b"-nan", b"nan(1)", b"infin", b"infinit", b"0x", b"0xg", b"0xp1", b"0x.p1", b"0x1p", b"0x1p+"),
        *(b"1e309", b"-1e309", b"1e1000000000000", b"1e-400", b"2e-324", b"0x1p1024", b"0x1p-1080"),
        *("\uff11".encode(), b"1" * 100_000),
    ],
)
def test_floats_that_are_refused(data):
    assert parse_float(data) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0"),
        (-0.0, b"-0"),
        (3.0, b"3"),
        (0.1, b"0.1"),
        (-1.5, b"-1.5"),
        (3.0000000000000004, b"3.0000000000000004"),
        (1e17, b"100000000000000000"),
        (1e18, b"1000000000000000000"),
        (1e19, b"1e+19"),
        (1e21, b"1e+21"),
        (2.0**62, b"4611686018427387904"),
        (2.0**63, b"9223372036854776000"),
        (1234567890123456789.0, b"1234567890123456768"),
        (1e-5, b"0.00001"),
        (1e-7, b"1e-7"),
        (1.23456789e-5, b"1.23456789e-5"),
        (1e-310, b"1e-310"),
        (1e308, b"1e+308"),
        (float("1" * 200), b"1.1111111111111111e+199"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
        (math.nan, b"nan"),
    ],
)
def test_floats_are_printed_as_redis_does(value, text):
    assert format_float(value) == text


@given(st.floats(allow_nan=False))
def test_printed_floats_read_back(value):
    assert parse_float(format_float(value)) == value


@pytest.mark.parametrize(
    ("current", "increment", "total"),
    [
        (b"0", b"10.50", b"10.5"),
        (b"10.5", b"0.1", b"10.6"),
        (b"5.0e3", b"2.0e2", b"5200"),
        (b"0", b"0x10", b"16"),
        (b"0", b"-0", b"0"),
        (b"0", b"-1e-300", b"0"),
        (b"0", b"5e-18", b"0"),
        (b"0", b"1.5e-17", b"0.00000000000000002"),
        (b"0", b"2.5e-17", b"0.00000000000000002"),
        (b"0", b"-0.00001", b"-0.00001"),
        (b"9223372036854775807", b"1", b"9223372036854775808"),
        (b"0", b"1e-4950", b"0"),
        (b"0", b"2e-4951", b"0"),
        (b"0", b"0." + b"1" * 5117, b"0.11111111111111111"),
        (b"0", b"0" * 5119, b"0"),
        (b"inf", b"1", None),
        (b"inf", b"-inf", None),
        (b"1.18e4932", b"1.18e4932", None),
    ],
)
def test_long_double_sums(current, increment, total):
    assert add_long_double(current, increment) == total


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"abc", b"nan", b" 1", b"1e4933", b"1.2e4932", b"1.8e-4951", b"1e-5000"),
        *(b"0x1p16384", b"0x1p-16446", b"0" * 5120),
    ],
)
def test_what_is_no_long_double(data):
    assert parse_long_double(data) is None
    with pytest.raises(ValueError):
        add_long_double(b"0", data)


def test_the_largest_long_doubles_are_printed_in_full():
    text = add_long_double(b"0", b"1e4932")
    assert text is not None and len(text) == 4933
    assert text.startswith(b"10000000000000000000060189493879638913")
    assert text.endswith(b"63141086538418113791886622720")
    assert add_long_double(b"0", b"1" * 4000 + b".5") == add_long_double(b"0", b"1" * 4000)


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=6))
def test_long_doubles_are_printed_to_64_bits(number):
    value = parse_long_double(b"%f" % number)
    assert value is not None
    error = abs(Fraction(format_long_double(value).decode()) - Fraction(number))
    assert error <= abs(Fraction(number)) / 2**64 + Fraction(1, 10**17)


@given(st.integers(-(2**63), 2**63), st.integers(-(2**63), 2**63))
def test_long_double_sums_of_64_bit_integers_are_rounded_to_64_bits(left, right):
    total = left + right
    expected = total if abs(total) <= 2**64 else total // 2 * 2
    a, b = parse_long_double(b"%d" % left), parse_long_double(b"%d" % right)
    assert a is not None and b is not None
    result = add_long_doubles(a, b)
    assert result is not None and int(format_long_double(result)) == expected


GLOB_ROWS = [
    (b"h?llo", b"hello", True),
    (b"h*llo", b"heeeello", True),
    (b"h[ae]llo", b"hillo", False),
    (b"h[^e]llo", b"hello", False),
    (b"", b"", True),
    (b"", b"a", False),
    (b"*", b"", False),
    (b"**", b"", False),
    (b"a*", b"a", True),
    (b"*a*", b"a", True),
    (b"a*a", b"a", False),
    (b"[]", b"a", False),
    (b"[^]", b"a", True),
    (b"[]a]", b"a]", False),
    (b"[", b"a", False),
    (b"[a", b"a", True),
    (b"[^a", b"b", True),
    (b"[^", b"b", True),
    (b"[a-", b"a", True),
    (b"[a-", b"-", True),
    (b"[a-]", b"a", True),
    (b"[a-]", b"-", False),
    (b"[a-]", b"^", True),
    (b"[z-a]", b"m", True),
    (b"a\\", b"a\\", True),
    (b"\\*", b"*", True),
    (b"\\*", b"a", False),
    (b"[\\]]", b"]", True),
    (b"[\\", b"\\", True),
    (b"[a-\xff]", b"b", False),
    (b"[a-\xff]", b"0", True),
    (b"[a-\xff]", b"\xff", True),
    (b"[a-\xff]", b"\x80", False),
    (b"[\x80-\xff]", b"\x90", True),
    (b"[a-\\]]", b"a]", True),
    (b"[*]", b"*", True),
    (b"[*]", b"a", False),
    (b"[^^]", b"^", False),
    (b"[a^]", b"^", True),
    (b"[-a]", b"-", True),
    (b"[a-c-e]", b"-", True),
    (b"[a-c-e]", b"d", False),
    (b"[!a]", b"!", True),
    (b"*[", b"a", False),
    (b"[*", b"*", True),
    (b"?", b"\xc3\xa9", False),
    (b"a[^", b"a", False),
]


@pytest.mark.parametrize(("pattern", "text", "is_match"), GLOB_ROWS)
def test_glob_rows(pattern, text, is_match):
    assert glob_match(pattern, text) is is_match


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        (b"MAX*", True),
        (b"[M]axmemory", True),
        (b"[\\M]axmemory", False),
        (b"[\\m]axmemory", True),
        (b"[L-N]axmemory", True),
        (b"[l-N]axmemory", False),
        (b"[K-n]axmemory", True),
        (b"[^M]axmemory", False),
        (b"*X[M]E*", True),
    ],
)
def test_globs_that_ignore_case(pattern, is_match):
    assert glob_match(pattern, b"maxmemory", ignore_case=True) is is_match


def _naive_glob(tokens: list, text: bytes) -> bool:
    """The textbook matcher: tokens are "*" or a set of bytes."""
    if not tokens or not text:
        return not text and all(token == "*" for token in tokens)
    if tokens[0] == "*":
        return _naive_glob(tokens[1:], text) or _naive_glob(tokens, text[1:])
    return text[0] in tokens[0] and _naive_glob(tokens[1:], text[1:])


_TOKENS = st.sampled_from(
    [
        (b"*", "*"),
        (b"?", frozenset(range(256))),
        (b"a", frozenset(b"a")),
        (b"b", frozenset(b"b")),
        (b"[ab]", frozenset(b"ab")),
        (b"[^a]", frozenset(set(range(256)) - set(b"a"))),
        (b"[b-d]", frozenset(b"bcd")),
        (b"\\*", frozenset(b"*")),
    ]
)


@given(st.lists(_TOKENS, max_size=8), st.text("abc*", min_size=1, max_size=12).map(str.encode))
def test_globs_agree_with_the_textbook_matcher(tokens, text):
    pattern = b"".join(spelling for spelling, _ in tokens)
    assert glob_match(pattern, text) is _naive_glob([meaning for _, meaning in tokens], text)


@given(st.binary(max_size=30), st.binary(max_size=30), st.booleans())
def test_any_bytes_are_a_pattern(pattern, text, ignore_case):
    glob_match(pattern, text, ignore_case)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (b"*a" * 32768 + b"b", b"a" * 65536),
        (b"*a" * 16384 + b"*b*", b"a" * 65536),
        (b"*" + b"[ab]" * 16000 + b"c*", b"a" * 65536),
        (b"*" + b"?" * 30000 + b"b*", b"a" * 65536),
        (b"*[ab]" * 13000 + b"c", b"a" * 65536),
        (b"[" + b"a-z" * 21000 + b"]*c", b"a" * 65536),
    ],
)
def test_hostile_patterns_end_soon(pattern, text):
    begin = time.perf_counter()
    assert not Glob(pattern).matches(text)
    assert time.perf_counter() - begin < 1
