"""Reply value -> bytes, for RESP2 and RESP3.

``encode`` is the whole truth; :data:`INTEGERS` and :data:`BULK_HEADS` are tables that it and the hot loop of
``dispatch`` share, because a table look-up costs 11 ns where formatting costs 200. Containers are walked with a stack
of iterators, not by recursion, so that no value is too deep to send.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mini_redis.errors import CommandError
from mini_redis.protocol.replies import (
    NO_REPLY,
    NULL_ARRAY,
    FlatMap,
    Members,
    Push,
    SimpleString,
    Verbatim,
)
from mini_redis.text import format_float

CRLF = b"\r\n"
NULL_BULK = {2: b"$-1\r\n", 3: b"_\r\n"}
NULL_ARRAYS = {2: b"*-1\r\n", 3: b"_\r\n"}

TABLE_SIZE = 1024
INTEGERS = tuple(b":%d\r\n" % number for number in range(TABLE_SIZE))
"""Wire form of the integers 0..1023."""
BULK_HEADS = tuple(b"$%d\r\n" % number for number in range(TABLE_SIZE))
"""Header of a bulk string by its length in bytes."""
_INNER_HEADS = tuple(b"\r\n$%d\r\n" % number for number in range(TABLE_SIZE))


def encode(value: Any, resp: int = 2) -> bytes:
    """The bytes of one reply. Cost: O(size); about 45 ns an element for a list of bulk strings.

    ``resp`` is 2 or 3. Raises TypeError for a value that no reply is made of, which is a bug of the handler.
    """
    kind = type(value)
    if kind is bytes:
        return b"$%d\r\n%b\r\n" % (len(value), value)
    if kind is int:
        return b":%d\r\n" % value
    out: list[bytes] = []
    if kind is list and _encode_flat(value, NULL_BULK[resp], out):
        return b"".join(out)
    out.clear()
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        for item in stack[-1]:
            inner = _encode_one(item, resp, out)
            if inner is not None:
                stack.append(inner)
                break
        else:
            stack.pop()
    return b"".join(out)


def _encode_flat(items: list[Any], null: bytes, out: list[bytes]) -> bool:
    """Append an array whose items are bulk strings, integers and nulls; False, with junk in ``out``, for any other."""
    out.append(b"*%d\r\n" % len(items))
    for item in items:
        kind = type(item)
        if kind is bytes:
            length = len(item)
            out += (BULK_HEADS[length] if length < TABLE_SIZE else b"$%d\r\n" % length, item, CRLF)
        elif kind is int:
            out.append(b":%d\r\n" % item)
        elif item is None:
            out.append(null)
        else:
            return False
    return True


def encode_command(argv: list[bytes]) -> bytes:
    """A request as clients send it: an array of bulk strings, here for the write log."""
    return b"".join((b"*%d" % len(argv), _bulks(argv)))


def _encode_one(value: Any, resp: int, out: list[bytes]) -> Iterator[Any] | None:
    """Append ``value``; of a container only the head, and return the iterator over what follows."""
    kind = type(value)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        out.append(scalar(value, resp))
        return None
    head = _HEADS.get(kind)
    if head is None:
        raise TypeError(f"no reply is made of {kind.__name__}")
    sign, per_item = head
    if kind is dict:
        items: list[Any] = [part for pair in value.items() for part in pair]
    else:
        items = value if isinstance(value, list) else list(value)
    count = len(items)
    prefix = b"%b%d" % (sign, count // per_item) if resp == 3 else b"*%d" % count
    if count and all(type(item) is bytes for item in items):
        out += (prefix, _bulks(items))
        return None
    out += (prefix, CRLF)
    return iter(items)


def _bulks(items: list[bytes]) -> bytes:
    """CRLF, then every item as a bulk string: the part of an array after its head's number."""
    pieces: list[bytes] = [CRLF] * (2 * len(items) + 1)
    try:
        pieces[0:-1:2] = [_INNER_HEADS[len(item)] for item in items]
    except IndexError:  # a long item: no table has its head
        pieces[0:-1:2] = [b"\r\n$%d\r\n" % len(item) for item in items]
    pieces[1::2] = items
    return b"".join(pieces)


def _bulk(value: bytes, resp: int) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def _integer(value: int, resp: int) -> bytes:
    return b":%d\r\n" % value


def _double(value: float, resp: int) -> bytes:
    return b",%b\r\n" % format_float(value) if resp == 3 else _bulk(format_float(value), resp)


def _boolean(value: bool, resp: int) -> bytes:
    if resp == 3:
        return b"#t\r\n" if value else b"#f\r\n"
    return b":1\r\n" if value else b":0\r\n"


def _null(value: None, resp: int) -> bytes:
    return NULL_BULK[resp]


def _status(value: SimpleString, resp: int) -> bytes:
    return value.wire


def _marker(value: Any, resp: int) -> bytes:
    if value is NULL_ARRAY:
        return NULL_ARRAYS[resp]
    if value is NO_REPLY:
        return b""
    raise TypeError(f"{value!r} is no reply")


def _verbatim(value: Verbatim, resp: int) -> bytes:
    if resp == 3:
        return b"=%d\r\n%b:%b\r\n" % (len(value.text) + 4, value.format, value.text)
    return _bulk(value.text, resp)


def _error(value: CommandError, resp: int) -> bytes:
    return value.wire


class _ByClass(dict):
    """Type -> how to encode it; a subclass is looked up once by its bases and then remembered."""

    def get(self, kind: type, default: Any = None) -> Any:
        if kind in self:
            return self[kind]
        for base in kind.__mro__[1:]:
            if base in self:
                return self[base]
        return default


_SCALARS = _ByClass({
    bytes: _bulk, int: _integer, float: _double, bool: _boolean, type(None): _null, SimpleString: _status,
    type(NULL_ARRAY): _marker, Verbatim: _verbatim, CommandError: _error,
})
_HEADS = _ByClass({
    list: (b"*", 1), tuple: (b"*", 1), dict: (b"%", 2), set: (b"~", 1), frozenset: (b"~", 1),
    FlatMap: (b"%", 2), Members: (b"~", 1), Push: (b">", 1),
})
