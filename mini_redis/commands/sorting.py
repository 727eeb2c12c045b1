"""SORT and SORT_RO.

The keys that BY and GET name are found while the command runs, so it holds the turn (``docs/concurrency.md``) and adds
them to its lock set one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mini_redis.commands.arguments import Arguments, integer
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at, unknown_keys
from mini_redis.commands.table import TURN
from mini_redis.commands.table import command as declare
from mini_redis.errors import NotADouble, SyntaxFault, WrongType
from mini_redis.text import parse_float
from mini_redis.types import strings
from mini_redis.types.hashes import Hash
from mini_redis.types.lists import LinkedList
from mini_redis.types.sets import Set

command = partial(declare, group="generic", categories="set sortedset list dangerous", gate=TURN,
                  complexity="O(N+M*log(M)) where N is the number of elements and M the number of returned ones")


@dataclass
class SortRequest:
    """``get``: patterns, ``#`` for the element itself. ``count`` -1: all. ``leaves_order``: a BY pattern without a
    star, which names no key of any element, is Redis's way to ask for no sorting, even if another BY follows."""

    by: bytes | None = None
    offset: int = 0
    count: int = -1
    get: list[bytes] = field(default_factory=list)
    descending: bool = False
    alpha: bool = False
    store: bytes | None = None
    leaves_order: bool = False


def _sort_pairs(number: int, databases: int, argv: list[bytes]) -> list[tuple[int, bytes]]:
    """The key, and the key behind the last STORE; options with values are stepped over as the parser does."""
    pairs = [(number, argv[1])]
    at = 2
    while at < len(argv):
        word = argv[at].upper()
        if word == b"STORE" and at + 1 < len(argv):
            pairs[1:] = [(number, argv[at + 1])]
        at += {b"LIMIT": 3, b"STORE": 2, b"BY": 2, b"GET": 2}.get(word, 1)
    return pairs


@command("SORT", arity=-2, keys=(key_at(1, "RO ACCESS"), unknown_keys("RO ACCESS"), unknown_keys("OW UPDATE")),
         find_pairs=_sort_pairs, flags="write denyoom movablekeys", since="1.0.0")
def sort(ctx: Context, key: bytes, *options: bytes) -> Any:
    """Sorts the elements of a list, set or sorted set, and may store the result in a list.

    Options: BY pattern, LIMIT offset count, GET pattern ..., ASC | DESC, ALPHA, STORE destination.
    Reply: array, or with STORE the number of elements.
    Errors: syntax, NotAnInteger, WRONGTYPE, NotADouble.
    Source: redis.io/commands/sort
    """
    request = _parse(options, may_store=True)
    result = _sorted_result(ctx, key, request)
    if request.store is None:
        return result
    if result:
        stored = LinkedList(ctx.limits)
        stored.extend_right([b"" if item is None else item for item in result])
        ctx.put(request.store, stored)
        ctx.modified(request.store, "sortstore")
    elif ctx.remove(request.store):
        ctx.modified(request.store, "del")
    return len(result)


def _sort_ro_pairs(number: int, databases: int, argv: list[bytes]) -> list[tuple[int, bytes]]:
    return [(number, argv[1])]


@command("SORT_RO", arity=-2, keys=(key_at(1, "RO ACCESS"), unknown_keys("RO ACCESS")), find_pairs=_sort_ro_pairs,
         flags="readonly movablekeys", since="7.0.0")
def sort_ro(ctx: Context, key: bytes, *options: bytes) -> list[bytes | None]:
    """Sorts the elements of a list, set or sorted set and returns them; never stores.

    Source: redis.io/commands/sort_ro
    """
    return _sorted_result(ctx, key, _parse(options, may_store=False))


def _parse(options: tuple[bytes, ...], may_store: bool) -> SortRequest:
    request = SortRequest()
    words = Arguments(options)
    while words:
        word = words.word()
        if word in (b"ASC", b"DESC"):
            request.descending = word == b"DESC"
        elif word == b"ALPHA":
            request.alpha = True
        elif word == b"LIMIT" and words.left >= 2:
            request.offset, request.count = integer(words.value()), integer(words.value())
        elif word == b"BY" and words:
            request.by = words.value()
            request.leaves_order |= _find_star(request.by) < 0
        elif word == b"GET" and words:
            request.get.append(words.value())
        elif word == b"STORE" and words and may_store:
            request.store = words.value()
        else:
            raise SyntaxFault()
    return request


def _sorted_result(ctx: Context, key: bytes, request: SortRequest) -> list[bytes | None]:
    value = ctx.peek(key)
    if value is None:
        return []
    if not isinstance(value, (LinkedList, Set)):
        raise WrongType()
    elements = list(value)
    if request.leaves_order and isinstance(value, Set) and request.store is not None:
        # a stored order must not hang on how the set lies in memory
        request.leaves_order, request.by, request.alpha = False, None, True
    if request.leaves_order:
        if request.descending and isinstance(value, LinkedList):
            elements.reverse()
    else:
        elements.sort(key=_sort_key(ctx, request, elements), reverse=request.descending)
    elements = _limit(elements, request)
    if not request.get:
        return list(elements)
    return [_look_up(ctx, pattern, element) for element in elements for pattern in request.get]


def _limit(elements: list[bytes], request: SortRequest) -> list[bytes]:
    begin = max(request.offset, 0)
    return elements[begin:] if request.count < 0 else elements[begin:begin + request.count]


def _sort_key(ctx: Context, request: SortRequest, elements: list[bytes]) -> Any:
    """Element -> what it is sorted by. All are computed first, so that an error comes before anything is done."""
    if request.by is None:
        weights = {element: element for element in elements}
    else:
        weights = {element: _look_up(ctx, request.by, element) for element in set(elements)}  # type: ignore[misc]
    if request.alpha:
        if request.by is None:
            return None
        return lambda element: (weights[element] is not None, weights[element] or b"")
    numbers = {element: (_number(weight), element) for element, weight in weights.items()}
    return numbers.__getitem__


def _number(weight: bytes | None) -> float:
    """A weight as C's strtod reads it: up to a NUL, after white space; no text at all is 0. Errors: NotADouble."""
    if weight is None:
        return 0.0
    weight = weight.split(b"\0")[0]
    if not weight:
        return 0.0
    text = weight.lstrip(b" \t\n\v\f\r")
    number = parse_float(text)
    if number is None:
        raise NotADouble()
    return number


def _find_star(pattern: bytes) -> int:
    """Where the element's name goes; -1 if nowhere. What Redis looks for in a pattern, it looks for up to a NUL."""
    return pattern.split(b"\0")[0].find(b"*")


def _look_up(ctx: Context, pattern: bytes, element: bytes) -> bytes | None:
    """What BY or GET asks for: ``#``, a string key, or ``key->field`` of a hash; None where there is none."""
    if pattern == b"#":
        return element
    star = _find_star(pattern)
    if star < 0:
        return None
    head, tail = pattern[:star], pattern[star + 1:]
    middle, arrow, field_name = tail.partition(b"->")
    if arrow and field_name[:1] not in (b"", b"\0") and b"\0" not in middle:
        key = head + element + middle
        value = ctx.peek(key)
        if not isinstance(value, Hash):
            return None
        ctx.purge_fields(ctx.number, key, ctx.find(key))
        return value.get(field_name)
    value = ctx.peek(head + element + tail)
    return strings.to_bytes(value) if type(value) in strings.KINDS else None
