"""What the request parser makes of bytes: by tables, and its two ways against each other on generated input.

The tables were observed on Redis 7.0 and 8.2 over raw sockets; where they differ from us a comment says so. A parser
that is given single bytes can never take the fast way, so it stands for the careful one.
"""

import time
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mini_redis.protocol.parser import MAX_LINE_BYTES, RequestParser
from tests.resp import encode_command

PING = b"*1\r\n$4\r\nPING\r\n"


def read(chunks, authenticated=True):
    """(all commands of a stream that comes in these chunks, the text of the error that ends it or None)."""
    parser = RequestParser(authenticated=authenticated)
    commands = []
    for chunk in chunks:
        found = parser.feed(chunk)
        commands += found
        while found and not authenticated:  # a stranger's commands come one by one
            found = parser.feed(b"")
            commands += found
    return commands, parser.error and parser.error.text


def single_bytes(data):
    return [data[i:i + 1] for i in range(len(data))]


def cut(data, places):
    """`data` in pieces, cut at these places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in zip(bounds, bounds[1:])]


# --- what is accepted

LONG = b"x" * 4095
COMMANDS = [
    # arrays of bulk strings
    (PING, [[b"PING"]]),
    (b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", [[b"GET", b"k"]]),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n", [[b"SET", b"k", b"hello"]]),
    (b"*4\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", [[b"MGET", b"a", b"b", b"c"]]),
    (PING * 3, [[b"PING"]] * 3),
    (b"*1\r\n$0\r\n\r\n", [[b""]]),
    (b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [[b"ECHO", b""]]),
    (b"*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n", [[b"ECHO", b"\r\n"]]),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8\r\na\r\nb\r\nc\r\r\n", [[b"SET", b"k", b"a\r\nb\r\nc\r"]]),
    (b"*2\r\n$4\r\nECHO\r\n$5\r\n\x00\xff\r\x01\n\r\n", [[b"ECHO", b"\x00\xff\r\x01\n"]]),
    # an argument that looks like a command is not one
    (b"*2\r\n$4\r\nECHO\r\n$14\r\n" + PING + b"\r\n", [[b"ECHO", PING]]),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n*1\r\n\r\n" + PING, [[b"SET", b"k", b"*1\r\n"], [b"PING"]]),
    # longer than the tables of the fast way
    (b"*2\r\n$4\r\nECHO\r\n$4095\r\n" + LONG + b"\r\n" + PING, [[b"ECHO", LONG], [b"PING"]]),
    (b"*2\r\n$4\r\nECHO\r\n$4096\r\n" + LONG + b"x\r\n" + PING, [[b"ECHO", LONG + b"x"], [b"PING"]]),
    # an array of nothing, and an empty line, say nothing
    (b"*0\r\n" + PING, [[b"PING"]]),
    (b"*-1\r\n" + PING, [[b"PING"]]),
    (b"*-2147483648\r\n*0\r\n\r\n\n" + PING, [[b"PING"]]),
    (b"\r\n\r\nPING\r\n", [[b"PING"]]),
    (b"\n\n PING\n", [[b"PING"]]),
    (b"   \r\n" + PING, [[b"PING"]]),
    (PING + b"\r\n" + PING, [[b"PING"]] * 2),
    # the two bytes behind an argument are skipped unseen, and so is the one behind the CR of a header
    (b"*1\r\n$4\r\nPINGxy" + PING, [[b"PING"]] * 2),
    (b"*1\rx$4\ryPING\rz", [[b"PING"]]),
    # inline commands, alone and among arrays
    (b"PING\r\n", [[b"PING"]]),
    (b"PING\n", [[b"PING"]]),
    (b"PING\r\r\n", [[b"PING"]]),
    (b"\rPING\r\n", [[b"PING"]]),
    (b"SET k v\r\nGET k\r\n", [[b"SET", b"k", b"v"], [b"GET", b"k"]]),
    (PING + b"ECHO a\n" + PING + b"ECHO b\r\n", [[b"PING"], [b"ECHO", b"a"], [b"PING"], [b"ECHO", b"b"]]),
    # kinds of reply are no requests: a line that begins so is an inline command
    (b"$4\r\nPING\r\n", [[b"$4"], [b"PING"]]),
    (b"+PING\r\n:1\r\n%1\r\n_\r\n~1\r\n>1\r\n", [[b"+PING"], [b":1"], [b"%1"], [b"_"], [b"~1"], [b">1"]]),
]


@pytest.mark.parametrize("data, commands", COMMANDS)
class TestCommands:
    def test_whole(self, data, commands):
        assert read([data]) == (commands, None)

    def test_byte_by_byte(self, data, commands):
        assert read(single_bytes(data)) == (commands, None)

    def test_with_bytes_trailing(self, data, commands):
        for rest in (b"*", b"*2\r\n$3\r\nGET\r\n$1", b"PIN", b"*1\r\n$4\r\nPIN"):
            assert read([data + rest]) == (commands, None)
            assert read([data + rest[:1], rest[1:]]) == (commands, None)

    def test_cut_at_each_byte(self, data, commands):
        places = range(len(data)) if len(data) < 200 else (*range(40), *range(len(data) - 40, len(data)))
        for place in places:
            parser = RequestParser()
            early = parser.feed(data[:place])
            assert early == commands[:len(early)]
            assert early + parser.feed(data[place:]) == commands
            assert parser.error is None and parser.buffered_bytes == 0

    def test_for_a_stranger(self, data, commands):
        assert read([data], authenticated=False) == (commands, None)
        assert read(single_bytes(data), authenticated=False) == (commands, None)


@pytest.mark.parametrize("nothing", [b"*0\r\n", b"*-1\r\n", b"*-7\r\n", b"\r\n", b"\n", b" \t \r\n", b"\0\r\n"])
def test_what_says_nothing_leaves_no_trace(nothing):
    for chunks in ([nothing], single_bytes(nothing), [nothing * 50]):
        parser = RequestParser()
        assert [parser.feed(chunk) for chunk in chunks] == [[]] * len(chunks)
        assert (parser.error, parser.buffered_bytes, parser.missing_bytes) == (None, 0, 0)
        assert parser.feed(b"ECHO a\r\n") == [[b"ECHO", b"a"]]
        assert parser.feed(PING) == [[b"PING"]]


def test_an_argument_that_comes_alone_is_not_taken_for_a_command():
    """The header of an argument ends one recv, and the next one begins with what looks like a command."""
    parser = RequestParser()
    assert parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$14\r\n") == []
    assert parser.feed(PING + b"\r\n") == [[b"SET", b"k", PING]]
    assert parser.feed(b"*2\r\n$3\r\nGET\r\n") == []
    assert parser.feed(PING) == []
    assert parser.error.text == "Protocol error: expected '$', got '*'"


# --- inline quoting

WORDS = [
    (rb"a b c", [b"a", b"b", b"c"]),
    (rb"  a   b  ", [b"a", b"b"]),
    (b"a\tb", [b"a", b"b"]),
    (b"a\rb", [b"a", b"b"]),
    (b"a\vb\fc", [b"a\vb\fc"]),  # these two separate words only where one could begin
    (b"a \v\fb", [b"a", b"b"]),
    (b'"a"\vb', [b"a", b"b"]),
    (rb'"a b" c', [b"a b", b"c"]),
    (rb"'a b' c", [b"a b", b"c"]),
    (rb'"" ""', [b"", b""]),
    (rb"''", [b""]),
    (rb'"\x41\x6a\xFf"', [b"Aj\xff"]),
    (rb'"\x414"', [b"A4"]),
    (rb'"\n\r\t\b\a\q\"\\"', b'\n\r\t\b\aq"\\'),
    (rb'"\x4"', [b"x4"]),
    (rb'"\x4g"', [b"x4g"]),
    (rb'"\xzz"', [b"xzz"]),
    (rb'"\X41"', [b"X41"]),
    (rb'"\0"', [b"0"]),
    (rb"'\x41'", [rb"\x41"]),
    (rb"'\n\''", [rb"\n'"]),
    (rb"'it\'s'", [b"it's"]),
    (rb"'\\\''", [rb"\\'"]),
    (rb"""'"' "'" """, [b'"', b"'"]),
    (rb'a"b"', [b"ab"]),
    (rb'a"b c"', [b"ab c"]),
    (rb"a'b c'", [b"ab c"]),
    (rb"a\nb", [rb"a\nb"]),
    (rb"a #b", [b"a", b"#b"]),
    (b'"a\rb"', [b"a\rb"]),
    (b'"a"\r', [b"a"]),
    (b"\xff\xfe '\xff'", [b"\xff\xfe", b"\xff"]),
    (b"\x01 \x7f \x85 \xa0", [b"\x01", b"\x7f", b"\x85", b"\xa0"]),
    # Redis waits for more in a line with NUL, until 64 KB are full; we take NUL for the end of what is said
    (b"a\0b", [b"a"]),
    (b"a \0b", [b"a"]),
]
UNBALANCED = [rb'"a', rb"'a", rb'a"', rb"a'", rb'"a\"', rb"'a\'", rb"'a\\'", rb'"a"b', rb"'c'e", rb'"a""b"',
              rb'a"b c"d', rb'\"a\"', rb'"a\\"b"', rb'a=b "c d"=e', rb'"c d"e', b'"\\', b'"a\\', b'"a\0b"', rb'"']


@pytest.mark.parametrize("line, words", WORDS)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_inline_words(line, words, end):
    words = words if isinstance(words, list) else [words]
    assert read([b"DEL " + line + end]) == ([[b"DEL", *words]], None)
    assert read(single_bytes(b"DEL " + line + end)) == ([[b"DEL", *words]], None)


@pytest.mark.parametrize("line", UNBALANCED)
def test_unbalanced_quotes(line):
    data = PING + b"DEL " + line + b"\r\n" + PING
    for chunks in ([data], single_bytes(data)):
        assert read(chunks) == ([[b"PING"]], "Protocol error: unbalanced quotes in request")


def test_a_first_word_may_be_quoted():
    assert read([b"\"PI\\x4eG\" 'a b'\r\n"]) == ([[b"PING", b"a b"]], None)


# --- what is refused

ARRAY, BULK = "invalid multibulk length", "invalid bulk length"
ERRORS = [
    *((header, ARRAY) for header in (
        b"*\r\n", b"*abc\r\n", b"*2147483648\r\n", b"*9223372036854775808\r\n", b"* 1\r\n", b"*1 \r\n", b"*+1\r\n",
        b"*01\r\n", b"*-0\r\n", b"*1_0\r\n", b"*1.0\r\n", b"*0x1\r\n", b"*\xd9\xa1\r\n", b"*--1\r\n",
        b"*" + b"1" * 5000 + b"\r\n", b"*1\n$4\nPING\nxx\r\n")),
    *((b"*1\r\n" + header, BULK) for header in (
        b"$\r\n", b"$abc\r\n", b"$-1\r\n", b"$-0\r\n", b"$536870913\r\n", b"$9223372036854775808\r\n", b"$+4\r\n",
        b"$04\r\n", b"$ 4\r\n", b"$4 \r\n", b"$4\nPING\r\n", b"$1_0\r\n", b"$" + b"1" * 5000 + b"\r\n")),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$x\r\n", BULK),
    (b"*1\r\n:1\r\n", "expected '$', got ':'"),
    (b"*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
    (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
    (b"*1\r\n%1\r\n", "expected '$', got '%'"),
    (b"*1\r\n\r\n", "expected '$', got ' '"),  # a CR could forge replies
    (b"*1\r\n\n\r\n", "expected '$', got ' '"),
    (b"*1\r\n\xff\r\n", "expected '$', got '\udcff'"),
    (b"*2\r\n$3\r\nGET\r\n" + PING, "expected '$', got '*'"),
]


@pytest.mark.parametrize("data, text", ERRORS)
def test_errors(data, text):
    expected = ([[b"PING"]], f"Protocol error: {text}")
    assert read([PING + data]) == expected
    assert read(single_bytes(PING + data)) == expected
    assert read([PING + data + PING, PING, b"PING\r\n"]) == expected
    assert read([PING, data[:3], data[3:], PING]) == expected


@pytest.mark.parametrize("data, text", [(b"*", "too big mbulk count string"), (b"*1\r\n$", "too big bulk count string"),
                                        (b"*1\r\n", "too big bulk count string"), (b"A", "too big inline request")])
def test_a_line_without_end(data, text):
    kept = data.rpartition(b"\n")[2]
    parser = RequestParser()
    parser.feed(data + b"1" * (MAX_LINE_BYTES - len(kept)))
    assert parser.error is None
    assert parser.buffered_bytes == MAX_LINE_BYTES
    parser.feed(b"1")
    assert parser.error.text == f"Protocol error: {text}"
    assert read([data + b"1" * 70_000])[1] == f"Protocol error: {text}"


def test_a_long_line_that_comes_with_its_end_is_taken():
    assert read([b"ECHO " + b"a" * 70_000 + b"\r\n"]) == ([[b"ECHO", b"a" * 70_000]], None)


@pytest.mark.parametrize("after", [PING, b"PING\r\n", b"\r\n", b"*0\r\n", b""])
@pytest.mark.parametrize("data", [b"*x\r\n", b"*1\r\n:1\r\n", b"PING '\r\n", b"*1\r\n$x\r\n", b"*x\r\nrest"])
@pytest.mark.parametrize("authenticated", [True, False])
def test_nothing_is_read_after_an_error(data, after, authenticated):
    parser = RequestParser(authenticated=authenticated)
    assert parser.feed(data) == []
    error = parser.error
    assert error.wire.startswith(b"-ERR Protocol error: ") and error.wire.count(b"\r\n") == 1
    for _ in range(3):
        assert parser.feed(after) == []
        assert parser.error is error


def test_error_texts_are_bytes_of_one_line():
    for byte in range(256):
        if byte not in b"$":
            wire = RequestParser()
            wire.feed(b"*1\r\n" + bytes([byte]) + b"\r\n")
            shown = {0: b"", 10: b" ", 13: b" "}.get(byte, bytes([byte]))
            assert wire.error.wire == b"-ERR Protocol error: expected '$', got '%b'\r\n" % shown


# --- limits

STRANGERS = [
    (b"*10\r\n" + b"$1\r\nx\r\n" * 10, [[b"x"] * 10], None),
    (b"*11\r\n", [], "unauthenticated multibulk length"),
    (b"*2147483647\r\n", [], "unauthenticated multibulk length"),
    (b"*2147483648\r\n", [], "invalid multibulk length"),
    (encode_command([b"ECHO", b"a" * 16384]), [[b"ECHO", b"a" * 16384]], None),
    (b"*2\r\n$4\r\nECHO\r\n$16385\r\n", [], "unauthenticated bulk length"),
    (b"*1\r\n$536870913\r\n", [], "invalid bulk length"),
    (b"PING " + b"a " * 20 + b"\r\n", [[b"PING"] + [b"a"] * 20], None),  # as in Redis, inline commands are not counted
    (b"PING " + b"a" * 20_000 + b"\r\n", [[b"PING", b"a" * 20_000]], None),
]


@pytest.mark.parametrize("data, commands, text", STRANGERS)
def test_limits_before_auth(data, commands, text):
    error = text and f"Protocol error: {text}"
    assert read([data], authenticated=False) == (commands, error)
    assert read(cut(data, range(0, len(data), 7)), authenticated=False) == (commands, error)


def test_a_strangers_commands_come_one_a_feed_and_the_next_under_new_limits():
    parser = RequestParser(authenticated=False)
    big = encode_command([b"DEL", *[b"k"] * 20])
    assert parser.feed(b"AUTH pw\r\n" + big + PING) == [[b"AUTH", b"pw"]]
    parser.authenticate()
    assert parser.feed(b"") == [[b"DEL", *[b"k"] * 20], [b"PING"]]
    assert parser.feed(big) == [[b"DEL", *[b"k"] * 20]]


def test_the_greatest_counts_that_are_taken():
    assert read([b"*2147483647\r\n"]) == ([], None)
    assert read([b"*1\r\n$536870912\r\n"]) == ([], None)
    parser = RequestParser(max_bulk_bytes=2**20)
    parser.feed(b"*1\r\n$1048576\r\n")
    assert parser.error is None
    parser = RequestParser(max_bulk_bytes=2**20)
    parser.feed(b"*1\r\n$1048577\r\n")
    assert parser.error.text == "Protocol error: invalid bulk length"


@pytest.mark.parametrize("announcement", [b"*1\r\n$536870912\r\n", b"*2147483647\r\n",
                                          b"*2147483647\r\n$536870912\r\nabc"])
def test_memory_stays_flat_where_much_is_announced_and_little_comes(announcement):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        parsers = [RequestParser() for _ in range(200)]
        for parser in parsers:
            assert parser.feed(announcement) == []
            assert parser.feed(b"$") == []
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 200 * 4096


def test_what_is_missing_is_known_for_an_argument_in_progress():
    parser = RequestParser()
    assert parser.missing_bytes == 0
    parser.feed(b"*2\r\n$4\r\nECHO\r\n")
    assert parser.missing_bytes == 0
    parser.feed(b"$100000\r\n")
    assert parser.missing_bytes == 100_002
    parser.feed(b"a" * 99_000)
    assert (parser.missing_bytes, parser.buffered_bytes) == (1002, 99_004)
    assert parser.feed(b"a" * 1000 + b"\r\n") == [[b"ECHO", b"a" * 100_000]]
    assert (parser.missing_bytes, parser.buffered_bytes) == (0, 0)


def test_a_long_pipeline_in_small_pieces():
    """No step may look at all that came before it: 100,000 commands in pieces of 1,000 bytes."""
    data = encode_command([b"SET", b"key", b"a\r\nb"]) * 100_000
    parser = RequestParser()
    count = sum(len(parser.feed(data[at:at + 1000])) for at in range(0, len(data), 1000))
    assert (count, parser.error, parser.buffered_bytes) == (100_000, None, 0)


def test_what_is_held_is_known_without_looking_at_all_of_it():
    """A connection asks after every recv; with a million arguments in progress a sum over them would stop others."""
    data = b"*300000\r\n" + b"$8\r\n12345678\r\n" * 300_000
    parser = RequestParser()
    asked_s = 0.0
    for at in range(0, len(data), 2000):
        parser.feed(data[at:at + 2000])
        begun = time.perf_counter()
        held = parser.buffered_bytes
        asked_s += time.perf_counter() - begun
    assert held == 0 and asked_s < 0.5
    parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\nabc")
    assert parser.buffered_bytes == 7


# --- the two ways against each other

arguments = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"", b"\r\n", b"\r", b"\n", b"$1\r\na\r\n", PING, b"*2\r\n$1\r\n", b"a\r\nb", b"SET", b"k" * 30]),
    st.integers(4090, 4100).map(lambda size: b"v" * size),
)
frames = st.one_of(
    st.lists(arguments, min_size=1, max_size=5).map(encode_command),
    st.lists(st.sampled_from([b"SET", b"k", b"v", b""]), min_size=1, max_size=4).map(encode_command),
    st.sampled_from([
        b"*0\r\n", b"*-1\r\n", b"\r\n", b"\n", b"PING\r\n", b"PING\n", b"SET k 'a b'\r\n", b"ECHO \"\\x00\\r\"\r\n",
        b"*1\r\n$4\r\nPINGab", b"*1\rx$4\ryPINGzz", b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$x\r\n", b"*x\r\n",
        b"*1\r\n:1\r\n", b"ECHO '\r\n", b"*2\r\n$3\r\nGET\r\n", b"*1\r\n$8\r\n", b"*1025\r\n", b"\0\r\n",
        b"*1 \r\n", b"$1\r\na\r\n",
    ]),
)
pieces = st.sampled_from([b"\r", b"\n", b"\r\n", b"$", b"*", b"1", b"-", b"0", b"a", b"'", b"\0"])
changes = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["insert", "delete", "replace"]), pieces),
                   max_size=3)


def mutate(data, steps):
    for place, action, piece in steps:
        place %= len(data) + 1
        rest = data[place:] if action == "insert" else data[place + 1:]
        data = data[:place] + (b"" if action == "delete" else piece) + rest
    return data


streams = st.builds(mutate, st.lists(frames, max_size=8).map(b"".join), changes)


@settings(max_examples=300, deadline=None)
@given(st.one_of(streams, st.binary(max_size=60)), st.lists(st.integers(0, 10_000), max_size=4))
@example(b"*2\r\n$3\r\nGET\r\n*1\r\n$4\r\nPING\r\n", [13])
@example(b"*1\r\n$14\r\n" + PING + b"\r\n", [9])
def test_every_way_to_read_a_stream_gives_the_same(data, places):
    expected = read(single_bytes(data))
    assert read([data]) == expected
    assert read(cut(data, places)) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(arguments, min_size=1, max_size=5), max_size=8), st.lists(st.integers(0, 10_000), max_size=3))
def test_what_is_sent_is_what_is_read(commands, places):
    data = b"".join(map(encode_command, commands))
    assert read([data]) == (commands, None)
    assert read(cut(data, places)) == (commands, None)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), streams), max_size=4), st.booleans())
def test_nothing_but_a_protocol_error_comes_of_any_bytes(chunks, authenticated):
    parser = RequestParser(authenticated=authenticated)
    for chunk in chunks:
        refused = parser.error is not None
        commands = parser.feed(chunk)
        assert all(argv and all(type(word) is bytes for word in argv) for argv in commands)
        assert not (refused and commands)
    assert parser.error is None or parser.error.text.startswith("Protocol error: ")


# --- the spelling of what was read

@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.integers(0, 10_000), max_size=3), st.data())
def test_the_wire_form_of_commands_read_the_fast_way(data, places, draw):
    """Any of a feed's commands, asked for in their order: a span's slice is the command's own bytes."""
    parser = RequestParser()
    parser.keep_wire = True
    for chunk in cut(data, places):
        parser.wire = None
        commands = parser.feed(chunk)
        wire = parser.wire
        chosen = [argv for argv in commands if wire is not None and draw.draw(st.booleans())]
        for argv in chosen:
            span = wire.span(argv)
            if span is None:
                break  # read carefully, and so is all that follows
            assert wire.slice(*span) == encode_command(argv)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=9).map(lambda word: word.replace(b"\r", b"")), min_size=1, max_size=4),
                min_size=1))
def test_spans_follow_each_other_and_join_to_what_came(commands):
    data = b"".join(map(encode_command, commands))
    parser = RequestParser()
    parser.keep_wire = True
    found = parser.feed(data)
    spans = [parser.wire.span(argv) for argv in found]
    assert b"".join([parser.wire.slice(*span) for span in spans]) == data
    assert parser.wire.slice(spans[0][0], spans[-1][1]) == data
    assert [end for _, end in spans[:-1]] == [begin for begin, _ in spans[1:]]


def test_an_equal_command_is_not_taken_for_the_one_that_was_read():
    parser = RequestParser()
    parser.keep_wire = True
    parser.feed(PING)
    assert parser.wire.span([b"PING"]) is None


def test_no_wire_form_is_kept_unless_it_is_asked_for():
    parser = RequestParser()
    parser.feed(PING)
    assert parser.wire is None
