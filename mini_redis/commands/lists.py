"""List commands. A list key holds a :class:`LinkedList`; the commands that may block stand in a module of their own."""

from __future__ import annotations

from functools import partial
from typing import Any

from mini_redis.commands.arguments import (
    INT64_MAX,
    Arguments,
    half_open,
    integer,
    integer_in,
    negatable,
    positive,
)
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at, numkeys_at
from mini_redis.commands.table import command as declare
from mini_redis.errors import (
    IndexOutOfRange,
    MustBeGreaterThanZero,
    MustNotBeNegative,
    NoSuchKey,
    RankIsZero,
    SyntaxFault,
    WrongArity,
)
from mini_redis.protocol.replies import NULL_ARRAY, OK
from mini_redis.types.lists import LinkedList

command = partial(declare, group="list")

LEFT, RIGHT = "left", "right"
PUSH_EVENTS = {LEFT: "lpush", RIGHT: "rpush"}
POP_EVENTS = {LEFT: "lpop", RIGHT: "rpop"}
ENDS = {b"LEFT": LEFT, b"RIGHT": RIGHT}


# --- pushing


@command("LPUSH", arity=-3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1) an element")
def lpush(ctx: Context, key: bytes, *elements: bytes) -> int:
    """Prepends elements to a list, one after the other; makes the list if there is none.

    Reply: the length afterwards. Errors: WRONGTYPE.
    Source: redis.io/commands/lpush
    """
    return _push(ctx, key, elements, LEFT)


@command("RPUSH", arity=-3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1) an element")
def rpush(ctx: Context, key: bytes, *elements: bytes) -> int:
    """Appends elements to a list; makes the list if there is none.

    Reply: the length afterwards. Errors: WRONGTYPE.
    Source: redis.io/commands/rpush
    """
    return _push(ctx, key, elements, RIGHT)


@command("LPUSHX", arity=-3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="2.2.0",
         complexity="O(1) an element")
def lpushx(ctx: Context, key: bytes, *elements: bytes) -> int:
    """Prepends elements to a list, but only if the list exists.

    Reply: the length afterwards; 0 if there is no list. Errors: WRONGTYPE.
    Source: redis.io/commands/lpushx
    """
    return 0 if ctx.read(key, LinkedList) is None else _push(ctx, key, elements, LEFT)


@command("RPUSHX", arity=-3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="2.2.0",
         complexity="O(1) an element")
def rpushx(ctx: Context, key: bytes, *elements: bytes) -> int:
    """Appends elements to a list, but only if the list exists.

    Reply: the length afterwards; 0 if there is no list. Errors: WRONGTYPE.
    Source: redis.io/commands/rpushx
    """
    return 0 if ctx.read(key, LinkedList) is None else _push(ctx, key, elements, RIGHT)


def _push(ctx: Context, key: bytes, elements: tuple[bytes, ...], end: str) -> int:
    items = ctx.create(key, LinkedList)
    if end is LEFT:
        for element in elements:
            items.push_left(element)
    elif len(elements) == 1:
        items.push_right(elements[0])
    else:
        items.extend_right(list(elements))
    ctx.modified(key, PUSH_EVENTS[end])
    return len(items)


@command("LINSERT", arity=5, keys=key_at(1, "RW INSERT"), flags="write denyoom", since="2.2.0",
         complexity="O(N) where N is the number of elements up to the pivot")
def linsert(ctx: Context, key: bytes, where: bytes, pivot: bytes, element: bytes) -> int:
    """Inserts an element before or after the first one that equals the pivot.

    Options: BEFORE | AFTER.
    Reply: the length afterwards; -1 if the pivot is not there, 0 if there is no list.
    Errors: syntax, WRONGTYPE.
    Source: redis.io/commands/linsert
    """
    where = where.upper()
    if where not in (b"BEFORE", b"AFTER"):
        raise SyntaxFault()
    items = ctx.read(key, LinkedList)
    if items is None:
        return 0
    index = items.index_of(pivot)
    if index is None:
        return -1
    items.insert(index if where == b"BEFORE" else index + 1, element)
    ctx.modified(key, "linsert")
    return len(items)


# --- popping


@command("LPOP", arity=-2, keys=key_at(1, "RW ACCESS DELETE"), flags="write fast", since="1.0.0",
         complexity="O(N) where N is the number of popped elements")
def lpop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Removes the first element of a list, or the first ones, and returns them.

    Reply: the element, nil if there is no list; with a count an array, or nil.
    Errors: WrongArity, MustBePositive, WRONGTYPE.
    Source: redis.io/commands/lpop
    """
    return _pop(ctx, key, count, LEFT)


@command("RPOP", arity=-2, keys=key_at(1, "RW ACCESS DELETE"), flags="write fast", since="1.0.0",
         complexity="O(N) where N is the number of popped elements")
def rpop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Removes the last element of a list, or the last ones, and returns them.

    Reply: the element, nil if there is no list; with a count an array that begins with the last, or nil.
    Errors: as LPOP.
    Source: redis.io/commands/rpop
    """
    return _pop(ctx, key, count, RIGHT)


def _pop(ctx: Context, key: bytes, count: tuple[bytes, ...], end: str) -> Any:
    if not count:
        items = ctx.read(key, LinkedList)
        if items is None:
            return None
        element = items.pop_left() if end is LEFT else items.pop_right()
        ctx.shrunk(key, items, POP_EVENTS[end])
        return element
    if len(count) > 1:
        raise WrongArity(POP_EVENTS[end])
    wanted = positive(count[0])
    items = ctx.read(key, LinkedList)
    if items is None:
        return NULL_ARRAY
    return _take(ctx, key, items, wanted, end) if wanted else []


def _take(ctx: Context, key: bytes, items: LinkedList, count: int, end: str) -> list[bytes]:
    """Pop up to ``count`` > 0 elements, the one at the end first."""
    elements = items.pop_left_many(count) if end is LEFT else items.pop_right_many(count)
    ctx.shrunk(key, items, POP_EVENTS[end])
    return elements


@command("LMPOP", arity=-4, keys=numkeys_at(1, "RW ACCESS DELETE"), flags="write movablekeys", since="7.0.0",
         complexity="O(N+M) where N is the number of keys and M of popped elements")
def lmpop(ctx: Context, numkeys: bytes, *arguments: bytes) -> Any:
    """Pops elements from the first of several lists that is not empty.

    Options: LEFT | RIGHT, and COUNT n (1 if not given).
    Reply: array of the key and the array of elements, nil if all lists are empty.
    Errors: MustBeGreaterThanZero for numkeys, syntax, the same for COUNT; WRONGTYPE of a key before the first list.
    Source: redis.io/commands/lmpop
    """
    keys, end, count = _parse_lmpop(numkeys, arguments)
    for key in keys:
        items = ctx.read(key, LinkedList)
        if items is not None:
            elements = _take(ctx, key, items, count, end)
            ctx.propagate_as([POP_EVENTS[end].upper().encode(), key, b"%d" % len(elements)])
            return [key, elements]
    return NULL_ARRAY


def _parse_lmpop(numkeys: bytes, arguments: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], str, int]:
    """(keys, end, count) of ``numkeys key ... LEFT|RIGHT [COUNT n]``."""
    number = integer_in(numkeys, 1, INT64_MAX, MustBeGreaterThanZero("numkeys"))
    words = Arguments(arguments, start=min(number, len(arguments)))
    end = _end(words.word())
    count = None
    while words:
        if words.word() != b"COUNT" or not words or count is not None:
            raise SyntaxFault()
        count = integer_in(words.value(), 1, INT64_MAX, MustBeGreaterThanZero("count"))
    return arguments[:number], end, count or 1


def _end(word: bytes) -> str:
    """LEFT or RIGHT. Errors: syntax."""
    end = ENDS.get(word.upper())
    if end is None:
        raise SyntaxFault()
    return end


@command("LMOVE", arity=5, keys=(key_at(1, "RW ACCESS DELETE"), key_at(2, "RW INSERT")), flags="write denyoom",
         since="6.2.0", complexity="O(1)")
def lmove(ctx: Context, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> bytes | None:
    """Takes an element from one end of a list and puts it to one end of another, or of the same.

    Reply: the element, nil if there is no source.
    Errors: syntax; WRONGTYPE of the source, then, if there is a source, of the destination.
    Source: redis.io/commands/lmove
    """
    return _move(ctx, source, destination, _end(wherefrom), _end(whereto))


@command("RPOPLPUSH", arity=3, keys=(key_at(1, "RW ACCESS DELETE"), key_at(2, "RW INSERT")), flags="write denyoom",
         since="1.2.0", complexity="O(1)", deprecated="6.2.0")
def rpoplpush(ctx: Context, source: bytes, destination: bytes) -> bytes | None:
    """Takes the last element of a list and prepends it to another, or to the same.

    Reply and errors: as LMOVE.
    Source: redis.io/commands/rpoplpush
    """
    return _move(ctx, source, destination, RIGHT, LEFT)


def _move(ctx: Context, source: bytes, destination: bytes, from_end: str, to_end: str) -> bytes | None:
    items = ctx.read(source, LinkedList)
    if items is None:
        return None
    target = ctx.create(destination, LinkedList)
    element = items.pop_left() if from_end is LEFT else items.pop_right()
    if to_end is LEFT:
        target.push_left(element)
    else:
        target.push_right(element)
    ctx.modified(destination, PUSH_EVENTS[to_end])
    ctx.shrunk(source, items, POP_EVENTS[from_end])
    return element


# --- reading


@command("LLEN", arity=2, keys=key_at(1, "RO"), flags="readonly fast", since="1.0.0", complexity="O(1)")
def llen(ctx: Context, key: bytes) -> int:
    """Returns the length of a list; 0 if there is none.

    Errors: WRONGTYPE.
    Source: redis.io/commands/llen
    """
    return len(ctx.read(key, LinkedList) or ())


@command("LINDEX", arity=3, keys=key_at(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N) where N is the distance to the nearer end, counted by blocks")
def lindex(ctx: Context, key: bytes, index: bytes) -> bytes | None:
    """Returns the element at an index; negative ones count from the end.

    Reply: the element; nil if there is no list, whatever the index, or none at the index.
    Errors: WRONGTYPE, NotAnInteger.
    Source: redis.io/commands/lindex
    """
    items = ctx.read(key, LinkedList)
    if items is None:
        return None
    position = _position(items, integer(index))
    return None if position is None else items.get(position)


def _position(items: LinkedList, index: int) -> int | None:
    """An index from the wire as one from the left, None if no element is there."""
    position = index + len(items) if index < 0 else index
    return position if 0 <= position < len(items) else None


@command("LRANGE", arity=4, keys=key_at(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(S+N) where S is the distance to the range by blocks and N its length")
def lrange(ctx: Context, key: bytes, start: bytes, stop: bytes) -> list[bytes]:
    """Returns the elements between two indexes, both inclusive; negative ones count from the end.

    Errors: NotAnInteger, WRONGTYPE.
    Source: redis.io/commands/lrange
    """
    first, last = integer(start), integer(stop)
    items = ctx.read(key, LinkedList)
    return [] if items is None else items.slice(*half_open(first, last, len(items)))


@command("LPOS", arity=-3, keys=key_at(1, "RO ACCESS"), flags="readonly", since="6.0.6",
         complexity="O(N) where N is the number of compared elements")
def lpos(ctx: Context, key: bytes, element: bytes, *options: bytes) -> Any:
    """Returns the index of an element in a list, or several indexes.

    Options: RANK n (begin with the n-th match; negative: look from the end), COUNT n (so many matches, 0: all),
    MAXLEN n (compare so many elements, 0: all).
    Reply: an index or nil; with COUNT an array.
    Errors: syntax, NotAnInteger, OutOfBounds, RankIsZero, MustNotBeNegative; then WRONGTYPE.
    Source: redis.io/commands/lpos
    """
    rank, count, max_length = _parse_lpos(options)
    items = ctx.read(key, LinkedList)
    found = [] if items is None else items.positions(element, rank, 1 if count is None else count, max_length)
    if count is not None:
        return found
    return found[0] if found else None


def _parse_lpos(options: tuple[bytes, ...]) -> tuple[int, int | None, int]:
    """(rank, count or None, max_length)."""
    rank, count, max_length = 1, None, 0
    words = Arguments(options)
    while words:
        word = words.word()
        if word == b"RANK" and words:
            rank = negatable(words.value())
            if rank == 0:
                raise RankIsZero()
        elif word == b"COUNT" and words:
            count = integer_in(words.value(), 0, INT64_MAX, MustNotBeNegative("COUNT"))
        elif word == b"MAXLEN" and words:
            max_length = integer_in(words.value(), 0, INT64_MAX, MustNotBeNegative("MAXLEN"))
        else:
            raise SyntaxFault()
    return rank, count, max_length


# --- changing in the middle


@command("LSET", arity=4, keys=key_at(1, "RW UPDATE"), flags="write denyoom", since="1.0.0",
         complexity="O(N) where N is the distance to the nearer end, counted by blocks")
def lset(ctx: Context, key: bytes, index: bytes, element: bytes) -> Any:
    """Replaces the element at an index; negative ones count from the end.

    Errors: NoSuchKey, WRONGTYPE, NotAnInteger, IndexOutOfRange.
    Source: redis.io/commands/lset
    """
    items = ctx.read(key, LinkedList)
    if items is None:
        raise NoSuchKey()
    position = _position(items, integer(index))
    if position is None:
        raise IndexOutOfRange()
    items.set(position, element)
    ctx.modified(key, "lset")
    return OK


@command("LREM", arity=4, keys=key_at(1, "RW DELETE"), flags="write", since="1.0.0",
         complexity="O(N) where N is the length of the list")
def lrem(ctx: Context, key: bytes, count: bytes, element: bytes) -> int:
    """Removes elements that equal the given one.

    Options: the first ``count`` of them; the last -``count`` if it is negative; all if it is 0.
    Reply: how many were removed. Errors: NotAnInteger, WRONGTYPE.
    Source: redis.io/commands/lrem
    """
    number = integer(count)
    items = ctx.read(key, LinkedList)
    removed = 0 if items is None else items.remove(element, number)
    if removed:
        ctx.shrunk(key, items, "lrem")
    return removed


@command("LTRIM", arity=4, keys=key_at(1, "RW DELETE"), flags="write", since="1.0.0",
         complexity="O(N) where N is the number of removed elements")
def ltrim(ctx: Context, key: bytes, start: bytes, stop: bytes) -> Any:
    """Removes the elements outside of a range; its ends are inclusive, negative ones count from the end.

    Errors: NotAnInteger, WRONGTYPE.
    Source: redis.io/commands/ltrim
    """
    first, last = integer(start), integer(stop)
    items = ctx.read(key, LinkedList)
    if items is not None:
        length = len(items)
        items.trim(*half_open(first, last, length))
        ctx.shrunk(key, items, "ltrim")
        if len(items) == length:
            ctx.propagate_as()  # Redis notifies and fails WATCH even so, but logs nothing
    return OK
