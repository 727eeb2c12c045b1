"""Reply values to bytes: a table for both protocols, and a round trip through the reader of the tests' client."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_redis.errors import CommandError, WrongType
from mini_redis.protocol.encoder import TABLE_SIZE, encode, encode_command
from mini_redis.protocol.replies import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    PONG,
    FlatMap,
    Marker,
    Members,
    Push,
    SimpleString,
    Verbatim,
)
from tests import resp

LONG = b"x" * 5000
BOTH = [
    (b"", b"$0\r\n\r\n"),
    (b"abc", b"$3\r\nabc\r\n"),
    (b"a\r\nb\x00\xff", b"$6\r\na\r\nb\x00\xff\r\n"),
    (b"x" * 1023, b"$1023\r\n" + b"x" * 1023 + b"\r\n"),
    (b"x" * 1024, b"$1024\r\n" + b"x" * 1024 + b"\r\n"),
    (LONG, b"$5000\r\n" + LONG + b"\r\n"),
    (0, b":0\r\n"),
    (1023, b":1023\r\n"),
    (1024, b":1024\r\n"),
    (-1, b":-1\r\n"),
    (2**63 - 1, b":9223372036854775807\r\n"),
    (-(2**63), b":-9223372036854775808\r\n"),
    (OK, b"+OK\r\n"),
    (PONG, b"+PONG\r\n"),
    (SimpleString(b"string"), b"+string\r\n"),
    (NO_REPLY, b""),
    (CommandError(), b"-ERR error\r\n"),
    (CommandError("no way", "CODE"), b"-CODE no way\r\n"),
    (CommandError("\udcff\u20ac"), b"-ERR \xff\xe2\x82\xac\r\n"),
    (WrongType(), b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    ([], b"*0\r\n"),
    ((), b"*0\r\n"),
    ([b"a"], b"*1\r\n$1\r\na\r\n"),
    ((b"a", 1), b"*2\r\n$1\r\na\r\n:1\r\n"),
    ([b"a", b"", LONG], b"*3\r\n$1\r\na\r\n$0\r\n\r\n$5000\r\n" + LONG + b"\r\n"),
    ([1, 2000, -3], b"*3\r\n:1\r\n:2000\r\n:-3\r\n"),
    ([b"0", [b"a", [], b"b"]], b"*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n*0\r\n$1\r\nb\r\n"),
    ([OK, CommandError("no"), 1], b"*3\r\n+OK\r\n-ERR no\r\n:1\r\n"),
    ([[[]], [[1], b"a"]], b"*2\r\n*1\r\n*0\r\n*2\r\n*1\r\n:1\r\n$1\r\na\r\n"),
]
APART = [
    # value, RESP2, RESP3
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (3.0, b"$1\r\n3\r\n", b",3\r\n"),
    (-0.1, b"$4\r\n-0.1\r\n", b",-0.1\r\n"),
    (math.inf, b"$3\r\ninf\r\n", b",inf\r\n"),
    (-math.inf, b"$4\r\n-inf\r\n", b",-inf\r\n"),
    (Verbatim(b"text"), b"$4\r\ntext\r\n", b"=8\r\ntxt:text\r\n"),
    (Verbatim(b"# h", b"mkd"), b"$3\r\n# h\r\n", b"=7\r\nmkd:# h\r\n"),
    (Verbatim(b""), b"$0\r\n\r\n", b"=4\r\ntxt:\r\n"),
    ({}, b"*0\r\n", b"%0\r\n"),
    ({b"a": 1, b"b": None}, b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$-1\r\n", b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n_\r\n"),
    ({b"a": b"1"}, b"*2\r\n$1\r\na\r\n$1\r\n1\r\n", b"%1\r\n$1\r\na\r\n$1\r\n1\r\n"),
    (FlatMap([b"a", b"1", b"b", b"2"]), b"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n",
     b"%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"),
    (FlatMap([b"a", []]), b"*2\r\n$1\r\na\r\n*0\r\n", b"%1\r\n$1\r\na\r\n*0\r\n"),
    (FlatMap(), b"*0\r\n", b"%0\r\n"),
    (set(), b"*0\r\n", b"~0\r\n"),
    ({b"a"}, b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
    (frozenset([7]), b"*1\r\n:7\r\n", b"~1\r\n:7\r\n"),
    (Members([b"b", b"a"]), b"*2\r\n$1\r\nb\r\n$1\r\na\r\n", b"~2\r\n$1\r\nb\r\n$1\r\na\r\n"),
    (Members(), b"*0\r\n", b"~0\r\n"),
    (Push([b"message", b"c", b"m"]), b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
     b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"),
    ([b"a", None], b"*2\r\n$1\r\na\r\n$-1\r\n", b"*2\r\n$1\r\na\r\n_\r\n"),
    ([None, NULL_ARRAY, True, 0.5], b"*4\r\n$-1\r\n*-1\r\n:1\r\n$3\r\n0.5\r\n", b"*4\r\n_\r\n_\r\n#t\r\n,0.5\r\n"),
    ([{b"a": {b"b"}}], b"*1\r\n*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n", b"*1\r\n%1\r\n$1\r\na\r\n~1\r\n$1\r\nb\r\n"),
    ([Members([FlatMap([1, [2]])]), b"end"], b"*2\r\n*1\r\n*2\r\n:1\r\n*1\r\n:2\r\n$3\r\nend\r\n",
     b"*2\r\n~1\r\n%1\r\n:1\r\n*1\r\n:2\r\n$3\r\nend\r\n"),
]


@pytest.mark.parametrize("value, resp2, resp3", [*((value, wire, wire) for value, wire in BOTH), *APART])
def test_the_form_of_each_reply(value, resp2, resp3):
    assert encode(value) == encode(value, 2) == resp2
    assert encode(value, 3) == resp3
    # ... and the same among others, which takes another way through the encoder
    assert encode([value, [b"x"]], 2) == b"*2\r\n" + resp2 + b"*1\r\n$1\r\nx\r\n"
    assert encode([b"x", value], 3) == b"*2\r\n$1\r\nx\r\n" + resp3


@pytest.mark.parametrize("size", [TABLE_SIZE - 1, TABLE_SIZE, TABLE_SIZE + 1])
@pytest.mark.parametrize("kind", [list, tuple, Members, FlatMap, Push])
def test_sizes_around_that_of_the_tables(size, kind):
    item = b"i" * size
    assert encode(kind([item, item])).endswith(2 * (b"$%d\r\n%b\r\n" % (size, item)))
    assert encode(kind([item] * size)) .startswith(b"*%d\r\n$%d\r\n" % (size, size))


@pytest.mark.parametrize("value", ["text", object(), 1j, Marker("UNKNOWN"), bytearray(b"a"), [b"a", "text"],
                                   {b"a": "text"}])
def test_what_no_reply_is_made_of(value):
    for version in (2, 3):
        with pytest.raises(TypeError):
            encode(value, version)


@pytest.mark.parametrize("kind, head", [(list, b"*1\r\n"), (Members, b"~1\r\n"), (Push, b">1\r\n")])
def test_depth_costs_no_recursion(kind, head):
    value = b"deep"
    for _ in range(10_000):
        value = kind([value])
    assert encode(value, 3) == head * 10_000 + b"$4\r\ndeep\r\n"
    assert encode(value, 2) == b"*1\r\n" * 10_000 + b"$4\r\ndeep\r\n"


def test_a_subclass_takes_the_form_of_its_base():
    class Answer(bytes):
        pass

    class Answers(Members):
        pass

    assert encode(Answer(b"a")) == b"$1\r\na\r\n"
    assert encode(Answers([Answer(b"a"), 1]), 3) == b"~2\r\n$1\r\na\r\n:1\r\n"


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_a_request_for_the_log(argv):
    assert encode_command(argv) == resp.encode_command(argv)


def test_a_request_with_a_long_argument():
    assert encode_command([b"SET", LONG]) == b"*2\r\n$3\r\nSET\r\n$5000\r\n" + LONG + b"\r\n"


# --- there and back

plain_text = st.text("abc xyz-_.", max_size=10).map(str.encode)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=20), st.just(NULL_ARRAY),
    st.floats(allow_nan=False), plain_text.map(SimpleString), st.binary(max_size=8).map(Verbatim),
    st.builds(CommandError, plain_text.filter(bool).map(bytes.decode), st.just("ERR")),
)


def containers(values):
    return st.one_of(
        st.lists(values, max_size=5), st.lists(values, max_size=4).map(tuple),
        st.lists(values, max_size=4).map(Members), st.lists(values, max_size=4).map(Push),
        st.dictionaries(st.binary(max_size=5), values, max_size=4),
        st.lists(st.tuples(values, values), max_size=3).map(lambda pairs: FlatMap([x for pair in pairs for x in pair])),
        st.sets(st.binary(max_size=5), max_size=4),
    )


def decoded(value, version):
    """What the reader should make of `value`: an independent statement of the two protocols."""
    if isinstance(value, SimpleString):
        return resp.SimpleString(value.text)
    if isinstance(value, CommandError):
        return resp.Error(f"{value.code} {value.text}".encode())
    if isinstance(value, Verbatim):
        return resp.Verbatim(b"txt:" + value.text) if version == 3 else value.text
    if value is NULL_ARRAY:
        return None if version == 3 else resp.NULL_ARRAY
    if isinstance(value, bool):
        return value if version == 3 else int(value)
    if isinstance(value, dict):
        value = FlatMap([part for pair in value.items() for part in pair])
    if isinstance(value, (list, tuple, set)):
        items = [decoded(item, version) for item in value]
        if version == 2:
            return items
        if isinstance(value, FlatMap):
            return resp.Map(zip(items[::2], items[1::2]))
        kinds = ((Push, resp.Push), ((Members, set), resp.Set))
        return next((kind for types, kind in kinds if isinstance(value, types)), list)(items)
    return value


def equal(found, wanted):
    """Equality that takes a double for its text: how many digits it has is tested with `text.format_float`."""
    if isinstance(wanted, float):
        return float(found) == wanted and isinstance(found, bytes)
    if isinstance(wanted, (list, tuple)):
        return type(found) is type(wanted) and len(found) == len(wanted) and all(map(equal, found, wanted))
    return type(found) is type(wanted) and found == wanted


@settings(max_examples=300, deadline=None)
@given(st.recursive(scalars, containers, max_leaves=20))
def test_there_and_back(value):
    for version in (2, 3):
        assert equal(resp.parse_reply(encode(value, version)), decoded(value, version))
