"""Set commands. A set key holds a :class:`Set`; the algebra itself is in ``types/sets.py`` and run here in slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from mini_redis.commands.arguments import INT64_MAX, Arguments, integer_in, negatable, positive
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at, keys_from, numkeys_at
from mini_redis.commands.scanning import parse_cursor, parse_scan
from mini_redis.commands.slices import draw_repeatedly, giving_way
from mini_redis.commands.table import command as declare
from mini_redis.errors import MustBeGreaterThanZero, MustNotBeNegative, SyntaxFault, TooManyKeysAnnounced
from mini_redis.protocol.replies import Members
from mini_redis.types.sets import Set, difference, intersection, union

command = partial(declare, group="set")

ANY_ORDER = ("nondeterministic_output_order",)
ANY_OUTPUT = ("nondeterministic_output",)


# --- members


@command("SADD", arity=-3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1) a member")
def sadd(ctx: Context, key: bytes, *members: bytes) -> int:
    """Adds members to a set; makes the set if there is none.

    Reply: how many were new. Errors: WRONGTYPE.
    Source: redis.io/commands/sadd
    """
    value = ctx.create(key, Set)
    value.reserve(len(members), members[0])
    added = sum(map(value.add, members))
    if added:
        ctx.modified(key, "sadd")
    return added


@command("SREM", arity=-3, keys=key_at(1, "RW DELETE"), flags="write fast", since="1.0.0", complexity="O(1) a member")
def srem(ctx: Context, key: bytes, *members: bytes) -> int:
    """Removes members from a set.

    Reply: how many were there. Errors: WRONGTYPE.
    Source: redis.io/commands/srem
    """
    value = ctx.read(key, Set)
    removed = 0 if value is None else sum(map(value.discard, members))
    if removed:
        ctx.shrunk(key, value, "srem")
    return removed


@command("SMOVE", arity=4, keys=(key_at(1, "RW ACCESS DELETE"), key_at(2, "RW INSERT")), flags="write fast",
         since="1.0.0", complexity="O(1)")
def smove(ctx: Context, source: bytes, destination: bytes, member: bytes) -> int:
    """Moves a member from one set to another.

    Reply: 1 if it was moved, 0 if the source has no such member.
    Errors: WRONGTYPE of either, but none if there is no source.
    Source: redis.io/commands/smove
    """
    value = ctx.read(source, Set)
    if value is None:
        return 0
    target = ctx.read(destination, Set)
    if target is value:
        return int(member in value)
    if not value.discard(member):
        return 0
    ctx.shrunk(source, value, "srem")
    if ctx.create(destination, Set).add(member):
        ctx.modified(destination, "sadd")
    return 1


@command("SCARD", arity=2, keys=key_at(1, "RO"), flags="readonly fast", since="1.0.0", complexity="O(1)")
def scard(ctx: Context, key: bytes) -> int:
    """Returns the number of members of a set; 0 if there is none.

    Errors: WRONGTYPE.
    Source: redis.io/commands/scard
    """
    return len(ctx.read(key, Set) or ())


@command("SISMEMBER", arity=3, keys=key_at(1, "RO"), flags="readonly fast", since="1.0.0", complexity="O(1)")
def sismember(ctx: Context, key: bytes, member: bytes) -> int:
    """Tells whether a set has a member.

    Reply: 1 or 0. Errors: WRONGTYPE.
    Source: redis.io/commands/sismember
    """
    return int(member in (ctx.read(key, Set) or ()))


@command("SMISMEMBER", arity=-3, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="6.2.0",
         complexity="O(N) where N is the number of members asked for")
def smismember(ctx: Context, key: bytes, *members: bytes) -> list[int]:
    """Tells of several members whether a set has them.

    Reply: array of 1 and 0. Errors: WRONGTYPE.
    Source: redis.io/commands/smismember
    """
    value = ctx.read(key, Set)
    if value is None:
        return [0] * len(members)
    return list(map(int, map(value.membership_test(), members)))


@command("SMEMBERS", arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N) where N is the number of members", tips=ANY_ORDER)
def smembers(ctx: Context, key: bytes) -> Members:
    """Returns all members of a set.

    Errors: WRONGTYPE.
    Source: redis.io/commands/smembers
    """
    value = ctx.read(key, Set)
    return Members() if value is None else Members(value.members())


@command("SSCAN", arity=-3, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.8.0",
         complexity="O(1) a call, O(N) for a whole iteration", tips=ANY_OUTPUT)
def sscan(ctx: Context, key: bytes, cursor: bytes, *options: bytes) -> list[Any]:
    """Returns some members of a set and a cursor to go on with; 0 begins and ends.

    Options: MATCH pattern, COUNT n.
    Errors: invalid cursor, WRONGTYPE; then those of the options, unless there is no set.
    Source: redis.io/commands/sscan
    """
    parse_cursor(cursor)
    value = ctx.read(key, Set)
    if value is None:
        return [b"0", []]
    request = parse_scan(cursor, options, "sscan")
    following, members = value.scan(request.cursor, request.count)
    if request.glob is not None:
        members = list(filter(request.glob.matches, members))
    return [b"%d" % following, members]


# --- chance


@command("SPOP", arity=-2, keys=key_at(1, "RW ACCESS DELETE"), flags="write fast", since="1.0.0",
         complexity="O(N) where N is the number of popped members", tips=ANY_OUTPUT)
def spop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Removes one random member of a set, or several, and returns them.

    Reply: the member, nil if there is no set; with a count a set.
    Errors: syntax, MustBePositive, WRONGTYPE.
    Source: redis.io/commands/spop
    """
    if count:
        return _pop_many(ctx, key, count)
    value = ctx.read(key, Set)
    if value is None:
        return None
    member = value.pop_random(ctx.random)
    ctx.shrunk(key, value, "spop")
    ctx.propagate_as([b"SREM", key, member])
    return member


def _pop_many(ctx: Context, key: bytes, count: tuple[bytes, ...]) -> Members:
    if len(count) > 1:
        raise SyntaxFault()
    wanted = positive(count[0])
    value = ctx.read(key, Set)
    if value is None or not wanted:
        return Members()
    popped = value.pop_random_many(wanted, ctx.random)
    ctx.shrunk(key, value, "spop")
    ctx.propagate_as([b"SREM", key, *popped] if len(value) else [b"DEL", key])
    return Members(popped)


@command("SRANDMEMBER", arity=-2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N) where N is the number of returned members", tips=ANY_OUTPUT)
def srandmember(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Returns one random member of a set, or several.

    Reply: a member, nil if there is no set; with a count an array: up to so many different members, or with a
    negative one exactly so many, which may repeat.
    Errors: syntax, NotAnInteger, OutOfBounds, WRONGTYPE, OutOfRange for a reply that would not fit.
    Source: redis.io/commands/srandmember
    """
    if len(count) > 1:
        raise SyntaxFault()
    wanted = negatable(count[0]) if count else None
    value = ctx.read(key, Set)
    if wanted is None:
        return None if value is None else value.random_member(ctx.random)
    if value is None or not wanted:
        return []
    if wanted > 0:
        return value.random_distinct(wanted, ctx.random)
    return draw_repeatedly(lambda number: value.random_repeated(number, ctx.random), -wanted, len)


# --- algebra


@command("SINTER", arity=-2, keys=keys_from(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N*M) where N is the size of the smallest set and M the number of sets", tips=ANY_ORDER)
def sinter(ctx: Context, *keys: bytes) -> Members:
    """Returns the members that all of several sets have.

    Errors: WRONGTYPE, also of keys after a missing one.
    Source: redis.io/commands/sinter
    """
    return _members(_intersection(ctx, keys))


@command("SUNION", arity=-2, keys=keys_from(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N) where N is the number of members of all sets", tips=ANY_ORDER)
def sunion(ctx: Context, *keys: bytes) -> Members:
    """Returns the members that any of several sets has.

    Errors: WRONGTYPE.
    Source: redis.io/commands/sunion
    """
    return _members(_union(ctx, keys))


@command("SDIFF", arity=-2, keys=keys_from(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N*M) where N is the size of the first set and M the number of sets", tips=ANY_ORDER)
def sdiff(ctx: Context, *keys: bytes) -> Members:
    """Returns the members of the first set that no other set has.

    Errors: WRONGTYPE.
    Source: redis.io/commands/sdiff
    """
    return _members(_difference(ctx, keys))


@command("SINTERSTORE", arity=-3, keys=(key_at(1, "OW UPDATE"), keys_from(2, "RO ACCESS")), flags="write denyoom",
         since="1.0.0", complexity="O(N*M) where N is the size of the smallest set and M the number of sets")
def sinterstore(ctx: Context, destination: bytes, *keys: bytes) -> int:
    """Stores the members that all of several sets have, whatever the destination held.

    Reply: how many; if none, the destination is deleted. Errors: WRONGTYPE of a source.
    Source: redis.io/commands/sinterstore
    """
    result = Set(ctx.limits)
    sets = _present(_sets(ctx, keys))
    if sets and min(sets, key=len).encoding != "intset":
        result.reserve(1, b"no integer")  # as Redis, which packs integers afterwards: too many remain a listpack
    return _store(ctx, destination, _intersection(ctx, keys), "sinterstore", result)


@command("SUNIONSTORE", arity=-3, keys=(key_at(1, "OW UPDATE"), keys_from(2, "RO ACCESS")), flags="write denyoom",
         since="1.0.0", complexity="O(N) where N is the number of members of all sets")
def sunionstore(ctx: Context, destination: bytes, *keys: bytes) -> int:
    """Stores the members that any of several sets has, whatever the destination held.

    Reply and errors: as SINTERSTORE.
    Source: redis.io/commands/sunionstore
    """
    return _store(ctx, destination, _union(ctx, keys), "sunionstore", Set(ctx.limits))


@command("SDIFFSTORE", arity=-3, keys=(key_at(1, "OW UPDATE"), keys_from(2, "RO ACCESS")), flags="write denyoom",
         since="1.0.0", complexity="O(N*M) where N is the size of the first set and M the number of sets")
def sdiffstore(ctx: Context, destination: bytes, *keys: bytes) -> int:
    """Stores the members of the first set that no other set has, whatever the destination held.

    Reply and errors: as SINTERSTORE.
    Source: redis.io/commands/sdiffstore
    """
    return _store(ctx, destination, _difference(ctx, keys), "sdiffstore", Set(ctx.limits))


@command("SINTERCARD", arity=-3, keys=numkeys_at(1, "RO ACCESS"), flags="readonly movablekeys", since="7.0.0",
         complexity="O(N*M) where N is the size of the smallest set and M the number of sets")
def sintercard(ctx: Context, numkeys: bytes, *arguments: bytes) -> int:
    """Returns how many members all of several sets have.

    Options: LIMIT n (stop counting there; 0: do not).
    Errors: MustBeGreaterThanZero for numkeys, TooManyKeysAnnounced, MustNotBeNegative for LIMIT, syntax; WRONGTYPE.
    Source: redis.io/commands/sintercard
    """
    number = integer_in(numkeys, 1, INT64_MAX, MustBeGreaterThanZero("numkeys"))
    if number > len(arguments):
        raise TooManyKeysAnnounced()
    limit = 0
    words = Arguments(arguments, start=number)
    while words:
        if words.word() != b"LIMIT" or not words:
            raise SyntaxFault()
        limit = integer_in(words.value(), 0, INT64_MAX, MustNotBeNegative("LIMIT"))
    found = 0
    for chunk in giving_way(_intersection(ctx, arguments[:number])):
        found += len(chunk)
        if limit and found >= limit:
            return limit
    return found


def _sets(ctx: Context, keys: tuple[bytes, ...]) -> list[Set | None]:
    """The sets at all keys, None where there is none. Errors: WRONGTYPE of any key."""
    return [ctx.read(key, Set) for key in keys]


def _present(values: list[Set | None]) -> list[Set]:
    return [value for value in values if value is not None]


def _intersection(ctx: Context, keys: tuple[bytes, ...]) -> Iterator[list[bytes]]:
    values = _sets(ctx, keys)
    return iter(()) if None in values else intersection(_present(values))


def _union(ctx: Context, keys: tuple[bytes, ...]) -> Iterator[list[bytes]]:
    return union(_present(_sets(ctx, keys)))


def _difference(ctx: Context, keys: tuple[bytes, ...]) -> Iterator[list[bytes]]:
    first, *others = _sets(ctx, keys)
    return iter(()) if first is None else difference(first, _present(others))


def _members(chunks: Iterable[list[bytes]]) -> Members:
    members = Members()
    for chunk in giving_way(chunks):
        members += chunk
    return members


def _store(ctx: Context, destination: bytes, chunks: Iterable[list[bytes]], event: str, result: Set) -> int:
    """Fill ``result`` and store it. It is complete before the destination, which may be a source, is touched."""
    for chunk in giving_way(chunks):
        for member in chunk:
            result.add(member)
    result.pack_integers()
    if len(result):
        ctx.put(destination, result)
        ctx.modified(destination, event)
    elif ctx.remove(destination):
        ctx.modified(destination, "del")
    return len(result)
