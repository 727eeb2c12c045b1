"""A small blocking client for RESP2 and RESP3, for tests and scripts.

It shares no code with mini_redis, so that a mistake in the server's encoder cannot hide behind the same
mistake in the reader. Every kind of reply has a class of its own, and values of different kinds never
compare equal: a status `OK` is not the bulk string "OK", and a null array is not a null bulk string.

    >>> parse_reply(b"*2\\r\\n:1\\r\\n$1\\r\\na\\r\\n")
    [1, b'a']
    >>> print(format_like_redis_cli([1, [b"a", None]]))
    1) (integer) 1
    2) 1) "a"
       2) (nil)
"""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Iterable
from typing import Any, BinaryIO

Argument = bytes | str | int | float


class _Text(bytes):
    """Bytes that equal only values of their own class."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bytes.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), bytes(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({bytes(self)!r})"

    @property
    def text(self) -> str:
        """The content, decoded for messages."""
        return self.decode("utf-8", "backslashreplace")


class SimpleString(_Text):
    """`+OK`"""


class Error(_Text):
    """`-ERR ...` (or RESP3's `!`), without the leading mark."""


class Double(_Text):
    """RESP3 `,1.5`: the text as sent; `float(reply)` gives the number."""


class BigNumber(_Text):
    """RESP3 `(123...`: the text as sent; `int(reply)` gives the number."""


class Verbatim(_Text):
    """RESP3 `=`: a three-letter format, a colon and the text, as sent."""


class _Items(list):
    """A list that equals only lists of its own class."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and list.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list.__repr__(self)})"


class Map(_Items):
    """RESP3 `%`: (key, value) tuples in the order sent; `dict(reply)` gives the mapping."""


class Set(_Items):
    """RESP3 `~`: members in the order sent."""


class Push(_Items):
    """RESP3 `>`: data that answers no command."""


class NullArray:
    """The class of NULL_ARRAY, RESP2's `*-1`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL_ARRAY"


OK = SimpleString(b"OK")
NULL_ARRAY = NullArray()


def read_reply(stream: BinaryIO) -> Any:
    """The next reply of a binary stream, any kind; ConnectionError at its end, ValueError if it is not RESP."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError(f"the stream ended within a reply: {line!r}" if line else "the connection was closed")
    kind, rest = line[:1], line[1:-2]
    if kind == b"$":
        return None if rest == b"-1" else _read_exactly(stream, int(rest))
    if kind == b":":
        return int(rest)
    if kind == b"*":
        return NULL_ARRAY if rest == b"-1" else _read_items(stream, int(rest))
    if kind in _LINE_KINDS:
        return _LINE_KINDS[kind](rest)
    if kind in _SIZED_KINDS:
        return _SIZED_KINDS[kind](_read_exactly(stream, int(rest)))
    if kind in _ITEM_KINDS:
        return _ITEM_KINDS[kind](_read_items(stream, int(rest)))
    if kind == b"%":
        items = _read_items(stream, 2 * int(rest))
        return Map(zip(items[::2], items[1::2]))
    if line in (b"_\r\n", b"#t\r\n", b"#f\r\n"):
        return {b"": None, b"t": True, b"f": False}[rest]
    raise ValueError(f"not a RESP reply: {line!r}")


_LINE_KINDS = {b"+": SimpleString, b"-": Error, b",": Double, b"(": BigNumber}
_SIZED_KINDS = {b"=": Verbatim, b"!": Error}
_ITEM_KINDS = {b"~": Set, b">": Push}


def _read_items(stream: BinaryIO, count: int) -> list[Any]:
    return [read_reply(stream) for _ in range(count)]


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size + 2)
    if len(data) != size + 2:
        raise ConnectionError("the stream ended within a bulk string")
    if not data.endswith(b"\r\n"):
        raise ValueError(f"a bulk string of {size} bytes is followed by {data[-2:]!r}")
    return data[:-2]


def parse_reply(data: bytes) -> Any:
    """The one reply that `data` holds; ValueError if anything follows it."""
    stream = io.BytesIO(data)
    reply = read_reply(stream)
    if rest := stream.read():
        raise ValueError(f"bytes after the reply: {rest!r}")
    return reply


def encode_command(args: Iterable[Argument]) -> bytes:
    """A command as clients send it: an array of bulk strings. str is sent as UTF-8, numbers as their text.

    >>> encode_command(["GET", "k"])
    b'*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\nk\\r\\n'
    """
    argv = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
    return b"*%d\r\n" % len(argv) + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in argv])


class Client:
    """One connection. Not thread-safe. Pushes that arrive while a reply is awaited gather in `pushes`."""

    def __init__(self, host: str, port: int, timeout_s: float = 20.0) -> None:
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pushes: list[Push] = []
        self._stream = self.socket.makefile("rb", buffering=1 << 16)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; once more does no harm."""
        self._stream.close()
        self.socket.close()

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are: inline commands, broken frames, half a command."""
        self.socket.sendall(data)

    def read(self) -> Any:
        """The next reply of any kind, pushes included."""
        return read_reply(self._stream)

    def read_rest(self) -> bytes:
        """All bytes until the server closes the connection."""
        return self._stream.read()

    def read_answer(self) -> Any:
        """The next reply that is no push."""
        while isinstance(reply := self.read(), Push):
            self.pushes.append(reply)
        return reply

    def execute(self, *args: Argument) -> Any:
        """Send one command and return its reply; an error reply is returned, not raised."""
        self.send_raw(encode_command(args))
        return self.read_answer()

    def pipeline(self, commands: Iterable[Iterable[Argument]]) -> list[Any]:
        """Send all commands at once, then read all replies, in order."""
        frames = [encode_command(args) for args in commands]
        self.send_raw(b"".join(frames))
        return [self.read_answer() for _ in frames]


def connect(host: str, port: int, timeout_s: float = 20.0) -> Client:
    """Open a connection; every wait on it ends after `timeout_s` with TimeoutError."""
    return Client(host, port, timeout_s)


_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
_ESCAPES.update({byte: f"\\x{byte:02x}" for byte in range(256) if not 32 <= byte < 127 and byte not in _ESCAPES})


def quote(data: bytes) -> str:
    """Bytes in double quotes with escapes, as redis-cli prints them and takes them back.

    >>> print(quote(b'say "hi"\\n'))
    "say \\"hi\\"\\n"
    """
    return '"' + data.decode("latin-1").translate(_ESCAPES) + '"'


_WORD = re.compile(rb"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))(?=\s|$)""", re.DOTALL)
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_UNESCAPE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_command(line: str | bytes) -> list[bytes]:
    """The arguments of a line typed into redis-cli; ValueError if its quotes do not balance.

    >>> split_command('SET k "a b\\\\x00"')
    [b'SET', b'k', b'a b\\x00']
    """
    data = line.encode() if isinstance(line, str) else line
    data = data.strip()
    argv, position = [], 0
    while position < len(data):
        match = _WORD.match(data, position)
        if match is None:
            raise ValueError(f"unbalanced quotes in {data!r}")
        double_quoted, single_quoted, bare = match.groups()
        if double_quoted is not None:
            argv.append(_ESCAPED.sub(_unescape, double_quoted))
        else:
            argv.append(bare if bare is not None else single_quoted.replace(b"\\'", b"'"))
        position = match.end()
    return argv


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    return bytes([int(code[1:], 16)]) if len(code) == 3 else _UNESCAPE.get(code, code)


def format_like_redis_cli(value: Any, indent: str = "") -> str:
    """A reply as redis-cli prints it on a terminal, without the last newline."""
    if isinstance(value, bool):
        return "(true)" if value else "(false)"
    if isinstance(value, int):
        return f"(integer) {value}"
    if value is None or value is NULL_ARRAY:
        return "(nil)"
    if isinstance(value, list):
        return _format_items(value, indent)
    if isinstance(value, Error):
        return f"(error) {value.text}"
    if isinstance(value, Double):
        return f"(double) {value.text}"
    if isinstance(value, Verbatim):
        return value.text[4:]
    return value.text if isinstance(value, (SimpleString, BigNumber)) else quote(value)


_ITEM_MARKS = {Map: ("#", "hash"), Set: ("~", "set"), Push: (")", "push")}


def _format_items(items: list[Any], indent: str) -> str:
    mark, name = _ITEM_MARKS.get(type(items), (")", "array"))
    if not items:
        return f"(empty {name})"
    width = len(str(len(items)))
    deeper = indent + " " * (width + 2)
    lines = []
    for number, item in enumerate(items, 1):
        if isinstance(items, Map):
            key, value = item
            starts_line = isinstance(value, list) and len(value) > 1
            text = format_like_redis_cli(key, deeper) + " => " + (f"\n{deeper}" if starts_line else "")
            text += format_like_redis_cli(value, deeper)
        else:
            text = format_like_redis_cli(item, deeper)
        lines.append(f"{number:>{width}}{mark} {text}")
    return f"\n{indent}".join(lines)
