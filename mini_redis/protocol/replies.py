"""What a handler may return beside plain Python values.

Plain values have one meaning each: ``bytes`` is a bulk string, ``int`` an integer, ``float`` a double, ``None`` the
null bulk string, ``bool`` a boolean, ``list`` an array, ``dict`` a map, ``set`` a set. The classes here say what
those cannot.
"""

from __future__ import annotations


class SimpleString:
    """A status such as ``+OK``; its wire form is made once."""

    __slots__ = ("text", "wire")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.wire = b"+%b\r\n" % text


OK = SimpleString(b"OK")
PONG = SimpleString(b"PONG")


class Marker:
    """A reply that is known by identity, not by value."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NULL_ARRAY = Marker("NULL_ARRAY")
"""``*-1`` in RESP2, where ``None`` would be ``$-1``; both are ``_`` in RESP3."""

NO_REPLY = Marker("NO_REPLY")
"""Nothing is sent: the handler has seen to it, or the protocol wants silence."""


class FlatMap(list):
    """A map given as ``[field, value, field, value ...]``: ``%n`` in RESP3, the same flat array in RESP2."""

    __slots__ = ()


class Members(list):
    """A set given as a list without repeats: ``~n`` in RESP3, an array in RESP2."""

    __slots__ = ()


class Push(list):
    """An out-of-band message: ``>n`` in RESP3, an array in RESP2."""

    __slots__ = ()


class Verbatim:
    """Text for people: ``=n txt:`` in RESP3, a bulk string in RESP2."""

    __slots__ = ("text", "format")

    def __init__(self, text: bytes, format: bytes = b"txt") -> None:
        self.text = text
        self.format = format
