"""Generic commands: whatever works on keys of any type."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from mini_redis.commands.arguments import Arguments, expire_at_ms, integer
from mini_redis.commands.connection import database_number
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at, keys_from
from mini_redis.commands.scanning import parse_scan
from mini_redis.commands.slices import in_slices
from mini_redis.commands.table import command as declare
from mini_redis.errors import CommandError, NoSuchKey, SameObject, SyntaxFault, quotable
from mini_redis.protocol.replies import OK, SimpleString
from mini_redis.store.entry import DEAD, MISSING
from mini_redis.text import Glob, parse_integer
from mini_redis.types import values

command = partial(declare, group="generic")

SUMMED = ("request_policy:multi_shard", "response_policy:agg_sum")
"""How a proxy may split the command over shards: ask each for its keys, add the replies up."""
RANDOM_KEY_TRIES = 100
FIRST_SHARED_INTEGERS = 10_000
"""Integers below this are one shared object in Redis, whose reference count it shows as 2^31 - 1."""


# --- existence


@command("DEL", arity=-2, keys=keys_from(1, "RM DELETE"), flags="write", since="1.0.0",
         complexity="O(N) where N is the number of keys", tips=SUMMED)
def del_(ctx: Context, *keys: bytes) -> int:
    """Deletes keys.

    Reply: how many there were.
    Source: redis.io/commands/del
    """
    return _delete(ctx, keys)


@command("UNLINK", arity=-2, keys=keys_from(1, "RM DELETE"), flags="write fast", since="4.0.0",
         complexity="O(1) a key", tips=SUMMED)
def unlink(ctx: Context, *keys: bytes) -> int:
    """Deletes keys; for values too big to be freed at once.

    Source: redis.io/commands/unlink
    """
    return _delete(ctx, keys)


def _delete(ctx: Context, keys: Iterable[bytes]) -> int:
    deleted = 0
    for key in keys:
        if ctx.remove(key):
            ctx.modified(key, "del")
            deleted += 1
    return deleted


@command("EXISTS", arity=-2, keys=keys_from(1, "RO"), flags="readonly fast", since="1.0.0",
         complexity="O(N) where N is the number of keys", tips=SUMMED)
def exists(ctx: Context, *keys: bytes) -> int:
    """Counts how many of the keys exist; one named twice counts twice.

    Source: redis.io/commands/exists
    """
    return sum(ctx.peek(key) is not None for key in keys)


@command("TOUCH", arity=-2, keys=keys_from(1, "RO"), flags="readonly fast", since="3.2.1",
         complexity="O(N) where N is the number of keys", tips=SUMMED)
def touch(ctx: Context, *keys: bytes) -> int:
    """Marks keys as used now and counts those that exist.

    Source: redis.io/commands/touch
    """
    touched = 0
    for key in keys:
        entry = ctx.find(key)
        if entry.value is not MISSING:
            entry.access_s = ctx.clock.access_s
            touched += 1
    return touched


@command("TYPE", arity=2, keys=key_at(1, "RO"), flags="readonly fast", since="1.0.0", complexity="O(1)")
def type_(ctx: Context, key: bytes) -> SimpleString:
    """Returns the type of the value at a key, ``none`` if there is no key.

    Source: redis.io/commands/type
    """
    value = ctx.peek(key)
    return SimpleString(b"none" if value is None else values.type_name(value).encode())


# --- time to live


def _declare_expire(name: str, since: str, unit_ms: int, is_absolute: bool) -> Any:
    """EXPIRE and its three siblings differ in the unit, and in whether the time is absolute."""
    @command(name, arity=-3, keys=key_at(1, "RW UPDATE"), flags="write fast", since=since, complexity="O(1)")
    def expire_family(ctx: Context, key: bytes, time: bytes, *options: bytes) -> int:
        """Sets when a key expires; a time that is over deletes it.

        Options: NX (only without a TTL), XX (only with one), GT, LT (only to a later, an earlier time).
        Reply: 1 if it was set, 0 if not or if there is no key.
        Errors: contradicting options, NotAnInteger, InvalidExpire.
        Source: redis.io/commands/expire
        """
        conditions = _parse_conditions(options)
        expire_ms = expire_at_ms(integer(time), unit_ms, 0 if is_absolute else ctx.now_ms(), name.lower())
        return _expire(ctx, key, expire_ms, conditions)
    return expire_family


expire = _declare_expire("EXPIRE", "1.0.0", 1000, False)
pexpire = _declare_expire("PEXPIRE", "2.6.0", 1, False)
expireat = _declare_expire("EXPIREAT", "1.2.0", 1000, True)
pexpireat = _declare_expire("PEXPIREAT", "2.6.0", 1, True)


def _parse_conditions(options: tuple[bytes, ...]) -> set[bytes]:
    conditions = set()
    for option in options:
        word = option.upper()
        if word not in (b"NX", b"XX", b"GT", b"LT"):
            raise CommandError(f"Unsupported option {quotable(option)}")
        conditions.add(word)
    if b"NX" in conditions and len(conditions) > 1:
        raise CommandError("NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= conditions:
        raise CommandError("GT and LT options at the same time are not compatible")
    return conditions


def _expire(ctx: Context, key: bytes, expire_ms: int, conditions: set[bytes]) -> int:
    """A key without a TTL counts as one that expires never: later than any time."""
    if ctx.peek(key) is None:
        return 0
    current = ctx.expire_ms(key)
    if ((b"NX" in conditions and current is not None)
            or (b"XX" in conditions and current is None)
            or (b"GT" in conditions and (current is None or expire_ms <= current))
            or (b"LT" in conditions and current is not None and expire_ms >= current)):
        return 0
    if expire_ms <= ctx.now_ms():
        ctx.remove(key)
        ctx.modified(key, "del")
        ctx.propagate_as([b"DEL", key])
    else:
        ctx.set_expire(key, expire_ms)
        ctx.modified(key, "expire")
        ctx.propagate_as([b"PEXPIREAT", key, b"%d" % expire_ms])
    return 1


@command("PERSIST", arity=2, keys=key_at(1, "RW UPDATE"), flags="write fast", since="2.2.0", complexity="O(1)")
def persist(ctx: Context, key: bytes) -> int:
    """Takes a key's time to live away.

    Reply: 1 if it had one.
    Source: redis.io/commands/persist
    """
    if ctx.expire_ms(key) is None:
        return 0
    ctx.set_expire(key, None)
    ctx.modified(key, "persist")
    return 1


def _declare_ttl(name: str, since: str, unit_ms: int, is_absolute: bool, summary: str) -> Any:
    def ttl_family(ctx: Context, key: bytes) -> int:
        if ctx.peek(key) is None:
            return -2
        expire_ms = ctx.expire_ms(key)
        if expire_ms is None:
            return -1
        rest_ms = expire_ms if is_absolute else max(0, expire_ms - ctx.now_ms())
        return (rest_ms + unit_ms // 2) // unit_ms

    ttl_family.__doc__ = f"""{summary}

    Reply: -1 if the key has no TTL, -2 if there is no key; seconds are rounded to the nearest.
    Source: redis.io/commands/{name.lower()}
    """
    tips = () if is_absolute else ("nondeterministic_output",)
    return command(name, arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since=since, complexity="O(1)",
                   tips=tips)(ttl_family)


ttl = _declare_ttl("TTL", "1.0.0", 1000, False, "Returns how many seconds a key has left to live.")
pttl = _declare_ttl("PTTL", "2.6.0", 1, False, "Returns how many milliseconds a key has left to live.")
expiretime = _declare_ttl("EXPIRETIME", "7.0.0", 1000, True, "Returns when a key expires, in Unix seconds.")
pexpiretime = _declare_ttl("PEXPIRETIME", "7.0.0", 1, True, "Returns when a key expires, in Unix milliseconds.")


# --- walking the keyspace


@command("KEYS", arity=2, flags="readonly", since="1.0.0", categories="keyspace dangerous",
         complexity="O(N) where N is the number of keys in the database",
         tips=("request_policy:all_shards", "nondeterministic_output_order"))
def keys_(ctx: Context, pattern: bytes) -> list[bytes]:
    """Returns all keys that match a pattern.

    The gate is closed only to copy the names; the matching is done beside other clients, in slices.
    Source: redis.io/commands/keys
    """
    names, dead = ctx.exclusively(lambda: _copy_names(ctx))
    if pattern != b"*":
        glob = Glob(pattern)
        names = [name for part in in_slices(names) for name in part if glob.matches(name)]
    return [name for part in in_slices(names) for name in part if name not in dead] if dead else names


def _copy_names(ctx: Context) -> tuple[list[bytes], set[bytes]]:
    """The keys of the database, and those of them whose time has come, of the one moment in which the gate is closed.

    10 ms a million keys, and 100 ms a million keys with a TTL. The database is looked up here: which one is ours may
    have changed while the gate was let go.
    """
    database, now_ms = ctx.database, ctx.now_ms()
    entries = database.entries
    dead = {name for name in database.volatile.names if entries[name].expire_ms <= now_ms}  # type: ignore[operator]
    return list(database.keys), dead


@command("RANDOMKEY", arity=1, flags="readonly", since="1.0.0", complexity="O(1)",
         tips=("request_policy:all_shards", "response_policy:special", "nondeterministic_output"))
def randomkey(ctx: Context) -> bytes | None:
    """Returns any key of the database, nil if it is empty.

    Source: redis.io/commands/randomkey
    """
    key = None
    for _ in range(RANDOM_KEY_TRIES):  # as Redis gives up on a database whose keys are all expired
        key = ctx.database.random_key(ctx.random)
        if key is None or not _is_expired(ctx, ctx.database, key):
            break
    return key


@command("SCAN", arity=-2, flags="readonly", since="2.8.0", categories="keyspace",
         complexity="O(1) a call, O(N) for a whole iteration",
         tips=("nondeterministic_output", "request_policy:special", "response_policy:special"))
def scan(ctx: Context, cursor: bytes, *options: bytes) -> list[Any]:
    """Returns some keys and a cursor to go on with; 0 begins and ends.

    Options: MATCH pattern, COUNT n, TYPE name. A key that is there all the time is returned; a scan ends.
    Source: redis.io/commands/scan
    """
    request = parse_scan(cursor, options, "scan")
    following, names = ctx.database.scan(request.cursor, request.count)
    if request.glob is not None:
        names = [name for name in names if request.glob.matches(name)]
    names = [name for name in names if not _is_expired(ctx, ctx.database, name)]
    if request.type_name is not None:
        names = [name for name in names if _has_type(ctx, name, request.type_name)]
    return [b"%d" % following, names]


def _is_expired(ctx: Context, database: Any, key: bytes) -> bool:
    """Looks without the key's lock, as a walk does: one attribute of an entry that may be about to change."""
    entry = database.entries.get(key)
    expire_ms = None if entry is None else entry.expire_ms
    return expire_ms is not None and expire_ms <= ctx.now_ms()


def _has_type(ctx: Context, key: bytes, type_name: str) -> bool:
    entry = ctx.database.entries.get(key)
    value = MISSING if entry is None else entry.value
    return value is not MISSING and value is not DEAD and values.type_name(value) == type_name


# --- moving values


@command("RENAME", arity=3, keys=(key_at(1, "RW ACCESS DELETE"), key_at(2, "OW UPDATE")), flags="write", since="1.0.0",
         complexity="O(1)")
def rename(ctx: Context, source: bytes, destination: bytes) -> Any:
    """Gives a key another name; whatever had that name is gone.

    Errors: no such key.
    Source: redis.io/commands/rename
    """
    _rename(ctx, source, destination, False)
    return OK


@command("RENAMENX", arity=3, keys=(key_at(1, "RW ACCESS DELETE"), key_at(2, "OW INSERT")), flags="write fast",
         since="1.0.0", complexity="O(1)")
def renamenx(ctx: Context, source: bytes, destination: bytes) -> int:
    """Gives a key another name, but only if there is no key of that name.

    Reply: 1 if it was renamed. Errors: no such key.
    Source: redis.io/commands/renamenx
    """
    return _rename(ctx, source, destination, True)


def _rename(ctx: Context, source: bytes, destination: bytes, only_new: bool) -> int:
    value = ctx.peek(source)
    if value is None:
        raise NoSuchKey()
    if only_new and ctx.peek(destination) is not None:
        return 0
    if source == destination:
        return 1
    ctx.put(destination, value, ctx.expire_ms(source))
    ctx.remove(source)
    ctx.modified(source, "rename_from")
    ctx.modified(destination, "rename_to")
    return 1


def _move_pairs(number: int, databases: int, argv: list[bytes]) -> list[tuple[int, bytes]]:
    """The key here, and in the database it moves to if there is one of that number."""
    return [(number, argv[1]), *_pair_there(argv[2], databases, argv[1])]


def _copy_pairs(number: int, databases: int, argv: list[bytes]) -> list[tuple[int, bytes]]:
    """The source here, and the destination in the database that DB names."""
    target = b"%d" % number
    for at in range(3, len(argv) - 1):
        if argv[at].upper() == b"DB":
            target = argv[at + 1]
    return [(number, argv[1]), *_pair_there(target, databases, argv[2])]


def _pair_there(target: bytes, databases: int, key: bytes) -> list[tuple[int, bytes]]:
    number = parse_integer(target)
    return [(number, key)] if number is not None and 0 <= number < databases else []


@command("MOVE", arity=3, keys=key_at(1, "RW ACCESS UPDATE"), find_pairs=_move_pairs, flags="write fast", since="1.0.0",
         complexity="O(1)")
def move(ctx: Context, key: bytes, target: bytes) -> int:
    """Moves a key to another database.

    Reply: 1 if it was moved, 0 if there is none here or one there.
    Errors: NotAnInteger, DatabaseOutOfRange, SameObject.
    Source: redis.io/commands/move
    """
    number = database_number(ctx, target)
    if number == ctx.number:
        raise SameObject()
    value = ctx.peek(key)
    if value is None or ctx.peek(key, number) is not None:
        return 0
    ctx.put(key, value, ctx.expire_ms(key), number)
    ctx.remove(key)
    ctx.modified(key, "move_from")
    ctx.modified(key, "move_to", number)
    return 1


@command("COPY", arity=-3, keys=(key_at(1, "RO ACCESS"), key_at(2, "OW UPDATE")), find_pairs=_copy_pairs,
         flags="write denyoom", since="6.2.0", complexity="O(N) where N is the number of elements")
def copy(ctx: Context, source: bytes, destination: bytes, *options: bytes) -> int:
    """Copies the value and the time to live of a key to another key.

    Options: DB number, REPLACE. Reply: 1 if it was copied.
    Errors: syntax, NotAnInteger, DatabaseOutOfRange, SameObject.
    Source: redis.io/commands/copy
    """
    number, replaces = ctx.number, False
    words = Arguments(options)
    while words:
        word = words.word()
        if word == b"REPLACE":
            replaces = True
        elif word == b"DB" and words:
            number = database_number(ctx, words.value())
        else:
            raise SyntaxFault()
    if source == destination and number == ctx.number:
        raise SameObject()
    value = ctx.peek(source)
    if value is None or (not replaces and ctx.peek(destination, number) is not None):
        return 0
    ctx.put(destination, values.copy(value), ctx.expire_ms(source), number)
    ctx.modified(destination, "copy_to", number)
    return 1


# --- OBJECT


OBJECT_FLAGS = "readonly"


@command("OBJECT|ENCODING", arity=3, keys=key_at(2, "RO"), flags=OBJECT_FLAGS, since="2.2.3", complexity="O(1)",
         tips=("nondeterministic_output",))
def object_encoding(ctx: Context, key: bytes) -> bytes | None:
    """Returns the name of the form in which a value is held.

    Source: redis.io/commands/object-encoding
    """
    value = ctx.peek(key)
    return None if value is None else values.encoding(value).encode()


@command("OBJECT|REFCOUNT", arity=3, keys=key_at(2, "RO"), flags=OBJECT_FLAGS, since="2.2.3", complexity="O(1)",
         tips=("nondeterministic_output",))
def object_refcount(ctx: Context, key: bytes) -> int | None:
    """Returns how many times Redis would refer to the value: 1, or 2^31 - 1 for the small integers that it shares.

    Source: redis.io/commands/object-refcount
    """
    value = ctx.peek(key)
    if value is None:
        return None
    number = None
    if values.encoding(value) == "int":
        number = value if type(value) is int else parse_integer(value)
    return 2**31 - 1 if number is not None and 0 <= number < FIRST_SHARED_INTEGERS else 1


@command("OBJECT|IDLETIME", arity=3, keys=key_at(2, "RO"), flags=OBJECT_FLAGS, since="2.2.3", complexity="O(1)",
         tips=("nondeterministic_output",))
def object_idletime(ctx: Context, key: bytes) -> int | None:
    """Returns how many seconds ago a key was last used.

    Errors: an LFU policy is set, under which Redis keeps no idle time.
    Source: redis.io/commands/object-idletime
    """
    entry = ctx.find(key)
    if entry.value is MISSING:
        return None
    if "lfu" in ctx.server.config["maxmemory-policy"]:
        raise CommandError("An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
                           "switching between policies at runtime LRU and LFU data will take some time to adjust.")
    return max(0, ctx.clock.access_s - entry.access_s)


@command("OBJECT|FREQ", arity=3, keys=key_at(2, "RO"), flags=OBJECT_FLAGS, since="4.0.0", complexity="O(1)",
         tips=("nondeterministic_output",))
def object_freq(ctx: Context, key: bytes) -> None:
    """Returns how often a key is used, which only an LFU policy keeps count of.

    Source: redis.io/commands/object-freq
    """
    if ctx.peek(key) is None:
        return None
    raise CommandError("An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
                       "switching between policies at runtime LRU and LFU data will take some time to adjust.")
