"""Hash commands, and those that give the fields of a hash a time to live.

Every handler reaches its hash by ``ctx.read_hash`` (or ``ctx.create``, which uses it), so fields whose time has come
are gone before it looks. The database keeps an index of the hashes with expiring fields; it follows at the end of the
unit if :func:`_note_expiries` says so.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mini_redis.commands.arguments import (
    INT64_MAX,
    INT64_MIN,
    add_long_doubles,
    integer,
    integer_in,
    negatable,
)
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at
from mini_redis.commands.scanning import parse_cursor, parse_scan
from mini_redis.commands.slices import draw_repeatedly
from mini_redis.commands.table import command as declare
from mini_redis.errors import (
    CommandError,
    FieldCountMismatch,
    FieldCountNotPositive,
    FieldsMissing,
    HashValueNotFloat,
    HashValueNotInteger,
    IncrementOverflow,
    InvalidExpire,
    MustBeGreaterThanZero,
    NegativeExpire,
    NotAFloat,
    NotFinite,
    OutOfRange,
    SyntaxFault,
    WrongArity,
)
from mini_redis.protocol.replies import OK, FlatMap
from mini_redis.store.locking import EXPIRY
from mini_redis.text import parse_integer, parse_long_double
from mini_redis.types.hashes import Hash

command = partial(declare, group="hash")

ANY_ORDER = ("nondeterministic_output_order",)
ANY_OUTPUT = ("nondeterministic_output",)

MAX_FIELD_EXPIRE_MS = 2**46 - 1
"""The latest time at which Redis lets a field expire, in the year 4199."""
NO_FIELD, UNMET, SET, DELETED = -2, 0, 1, 2
"""What the HEXPIRE family replies for a field."""
NO_TTL, PERSISTED = -1, 1
"""What HTTL and HPERSIST reply for a field that does not expire, and HPERSIST for one that did."""


# --- setting


@command("HSET", arity=-4, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="2.0.0",
         complexity="O(1) a field")
def hset(ctx: Context, key: bytes, *pairs: bytes) -> int:
    """Sets fields of a hash to values; makes the hash if there is none. A field that is set loses its time to live.

    Reply: how many fields are new. Errors: WrongArity for a field without a value, WRONGTYPE.
    Source: redis.io/commands/hset
    """
    return _set_all(ctx, key, pairs, "hset")


@command("HMSET", arity=-4, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="2.0.0",
         complexity="O(1) a field", deprecated="4.0.0")
def hmset(ctx: Context, key: bytes, *pairs: bytes) -> Any:
    """Sets fields of a hash to values; the old form of HSET.

    Reply: OK. Errors: as HSET.
    Source: redis.io/commands/hmset
    """
    _set_all(ctx, key, pairs, "hmset")
    return OK


def _set_all(ctx: Context, key: bytes, pairs: tuple[bytes, ...], name: str) -> int:
    if len(pairs) % 2:
        raise WrongArity(name)
    value = _writable(ctx, key)
    if len(pairs) == 2:
        added = int(value.set(pairs[0], pairs[1]))
    else:
        value.reserve(len(pairs) // 2)
        added = sum(map(value.set, pairs[::2], pairs[1::2]))
    ctx.modified(key, "hset")
    return added


def _writable(ctx: Context, key: bytes) -> Hash:
    """The hash at ``key``, made if there is none, about to be changed. Errors: WRONGTYPE."""
    value: Hash = ctx.create(key, Hash)
    _note_expiries(ctx, value)
    return value


def _note_expiries(ctx: Context, value: Hash) -> None:
    """Before a change, or after a field got a TTL: have the database's index look again if any field expires."""
    if value.next_expire_ms is not None:
        ctx.unsettled = EXPIRY


@command("HSETNX", arity=4, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="2.0.0", complexity="O(1)")
def hsetnx(ctx: Context, key: bytes, field: bytes, value: bytes) -> int:
    """Sets a field of a hash only when the field does not exist.

    Reply: 1 if it was set, else 0. Errors: WRONGTYPE.
    Source: redis.io/commands/hsetnx
    """
    if field in (ctx.read_hash(key) or ()):
        return 0
    _writable(ctx, key).set(field, value)
    ctx.modified(key, "hset")
    return 1


@command("HDEL", arity=-3, keys=key_at(1, "RW DELETE"), flags="write fast", since="2.0.0", complexity="O(1) a field")
def hdel(ctx: Context, key: bytes, *fields: bytes) -> int:
    """Deletes fields of a hash.

    Reply: how many there were. Errors: WRONGTYPE.
    Source: redis.io/commands/hdel
    """
    value = ctx.read_hash(key)
    if value is None:
        return 0
    _note_expiries(ctx, value)
    deleted = sum(map(value.delete, fields))
    if deleted:
        ctx.shrunk(key, value, "hdel")
    return deleted


@command("HINCRBY", arity=4, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="2.0.0",
         complexity="O(1)")
def hincrby(ctx: Context, key: bytes, field: bytes, increment: bytes) -> int:
    """Adds an integer to the integer value of a field; a missing field counts as 0. Its time to live stays.

    Errors: NotAnInteger, WRONGTYPE, HashValueNotInteger, IncrementOverflow.
    Source: redis.io/commands/hincrby
    """
    number = integer(increment)
    current = _field(ctx, key, field)
    old = 0 if current is None else parse_integer(current)
    if old is None:
        raise HashValueNotInteger()
    total = old + number
    if not INT64_MIN <= total <= INT64_MAX:
        raise IncrementOverflow()
    _writable(ctx, key).set(field, b"%d" % total, keep_expire=True)
    ctx.modified(key, "hincrby")
    return total


@command("HINCRBYFLOAT", arity=4, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="2.6.0",
         complexity="O(1)")
def hincrbyfloat(ctx: Context, key: bytes, field: bytes, increment: bytes) -> bytes:
    """Adds a floating-point number to the number in a field; computed as Redis does, with 64-bit mantissas.

    A missing field counts as 0; the time to live of the field stays.
    Errors: NotAFloat, NotFinite, WRONGTYPE, HashValueNotFloat, NanOrInfinity.
    Source: redis.io/commands/hincrbyfloat
    """
    number = parse_long_double(increment)
    if number is None:
        raise NotAFloat()
    if number.is_infinite:
        raise NotFinite()
    current = _field(ctx, key, field)
    total = add_long_doubles(b"0" if current is None else current, increment, HashValueNotFloat())
    value = _writable(ctx, key)
    value.set(field, total, keep_expire=True)
    ctx.modified(key, "hincrbyfloat")
    effects = [[b"HSET", key, field, total]]
    expire_ms = value.expire_ms(field)
    if expire_ms is not None:  # HSET takes it away
        effects.append(_expire_effect(key, expire_ms, [field]))
    ctx.propagate_as(*effects)
    return total


# --- one field


def _field(ctx: Context, key: bytes, field: bytes) -> bytes | None:
    """The value of a field, None if there is no such key or field. Errors: WRONGTYPE."""
    value = ctx.read_hash(key)
    return None if value is None else value.get(field)


@command("HGET", arity=3, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="2.0.0", complexity="O(1)")
def hget(ctx: Context, key: bytes, field: bytes) -> bytes | None:
    """Returns the value of a field of a hash.

    Reply: the value, nil if there is no such key or field. Errors: WRONGTYPE.
    Source: redis.io/commands/hget
    """
    return _field(ctx, key, field)


@command("HMGET", arity=-3, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="2.0.0",
         complexity="O(N) where N is the number of fields asked for")
def hmget(ctx: Context, key: bytes, *fields: bytes) -> list[bytes | None]:
    """Returns the values of several fields of a hash.

    Reply: array; nil where there is no such field. Errors: WRONGTYPE.
    Source: redis.io/commands/hmget
    """
    value = ctx.read_hash(key)
    return [None] * len(fields) if value is None else list(map(value.get, fields))


@command("HEXISTS", arity=3, keys=key_at(1, "RO"), flags="readonly fast", since="2.0.0", complexity="O(1)")
def hexists(ctx: Context, key: bytes, field: bytes) -> int:
    """Tells whether a hash has a field.

    Reply: 1 or 0. Errors: WRONGTYPE.
    Source: redis.io/commands/hexists
    """
    return int(field in (ctx.read_hash(key) or ()))


@command("HSTRLEN", arity=3, keys=key_at(1, "RO"), flags="readonly fast", since="3.2.0", complexity="O(1)")
def hstrlen(ctx: Context, key: bytes, field: bytes) -> int:
    """Returns the length of the value of a field in bytes; 0 if there is no such key or field.

    Errors: WRONGTYPE.
    Source: redis.io/commands/hstrlen
    """
    return len(_field(ctx, key, field) or b"")


# --- all fields


@command("HLEN", arity=2, keys=key_at(1, "RO"), flags="readonly fast", since="2.0.0", complexity="O(1)")
def hlen(ctx: Context, key: bytes) -> int:
    """Returns the number of fields of a hash; 0 if there is none.

    Errors: WRONGTYPE.
    Source: redis.io/commands/hlen
    """
    return len(ctx.read_hash(key) or ())


@command("HGETALL", arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.0.0",
         complexity="O(N) where N is the number of fields", tips=ANY_ORDER)
def hgetall(ctx: Context, key: bytes) -> FlatMap:
    """Returns all fields of a hash with their values.

    Reply: map; in RESP2 an array of field, value, field, value ... Errors: WRONGTYPE.
    Source: redis.io/commands/hgetall
    """
    value = ctx.read_hash(key)
    return FlatMap() if value is None else FlatMap(value.flat_items())


@command("HKEYS", arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.0.0",
         complexity="O(N) where N is the number of fields", tips=ANY_ORDER)
def hkeys(ctx: Context, key: bytes) -> list[bytes]:
    """Returns all fields of a hash.

    Errors: WRONGTYPE.
    Source: redis.io/commands/hkeys
    """
    value = ctx.read_hash(key)
    return [] if value is None else value.fields()


@command("HVALS", arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.0.0",
         complexity="O(N) where N is the number of fields", tips=ANY_ORDER)
def hvals(ctx: Context, key: bytes) -> list[bytes]:
    """Returns all values of a hash.

    Errors: WRONGTYPE.
    Source: redis.io/commands/hvals
    """
    value = ctx.read_hash(key)
    return [] if value is None else value.values()


@command("HSCAN", arity=-3, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.8.0",
         complexity="O(1) a call, O(N) for a whole iteration", tips=ANY_OUTPUT)
def hscan(ctx: Context, key: bytes, cursor: bytes, *options: bytes) -> list[Any]:
    """Returns some fields of a hash with their values and a cursor to go on with; 0 begins and ends.

    Options: MATCH pattern (of fields), COUNT n, NOVALUES (only fields).
    Errors: invalid cursor, WRONGTYPE; then those of the options, unless there is no hash.
    Source: redis.io/commands/hscan
    """
    parse_cursor(cursor)
    value = ctx.read_hash(key)
    if value is None:
        return [b"0", []]
    request = parse_scan(cursor, options, "hscan")
    following, pairs = value.scan(request.cursor, request.count)
    if request.glob is not None:
        matches = request.glob.matches
        pairs = [pair for pair in pairs if matches(pair[0])]
    return [b"%d" % following, _flat(pairs) if request.wants_values else [field for field, _ in pairs]]


def _flat(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in pairs for part in pair]


@command("HRANDFIELD", arity=-2, keys=key_at(1, "RO ACCESS"), flags="readonly", since="6.2.0",
         complexity="O(N) where N is the number of returned fields", tips=ANY_OUTPUT)
def hrandfield(ctx: Context, key: bytes, *options: bytes) -> Any:
    """Returns one random field of a hash, or several.

    Options: a count (negative: exactly so many, which may repeat), and behind it WITHVALUES.
    Reply: a field, nil if there is no hash; with a count an array; with values of pairs, which RESP2 flattens.
    Errors: NotAnInteger, OutOfBounds, syntax, OutOfRange; WRONGTYPE; OutOfRange for a reply that would not fit.
    Source: redis.io/commands/hrandfield
    """
    if not options:
        value = ctx.read_hash(key)
        return None if value is None else value.random_field(ctx.random)
    count = negatable(options[0])
    if len(options) > 1:
        return _random_pairs(ctx, key, count, options[1:])
    value = ctx.read_hash(key)
    if value is None or not count:
        return []
    if count > 0:
        return value.random_distinct(count, ctx.random)
    return draw_repeatedly(lambda number: value.random_repeated(number, ctx.random), -count, len)


def _random_pairs(ctx: Context, key: bytes, count: int, options: tuple[bytes, ...]) -> list[Any]:
    if len(options) > 1 or options[0].upper() != b"WITHVALUES":
        raise SyntaxFault()
    if abs(count) > INT64_MAX // 2:  # two replies an element
        raise OutOfRange()
    value = ctx.read_hash(key)
    if value is None or not count:
        return []

    def with_values(fields: list[bytes]) -> list[tuple[bytes, bytes]]:
        return [(field, value.get(field) or b"") for field in fields]

    if count > 0:
        pairs = with_values(value.random_distinct(count, ctx.random))
    else:
        pairs = draw_repeatedly(lambda number: with_values(value.random_repeated(number, ctx.random)), -count,
                                lambda pair: len(pair[0]) + len(pair[1]))
    return pairs if ctx.client.resp == 3 else _flat(pairs)


# --- fields that expire


@command("HEXPIRE", arity=-6, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hexpire(ctx: Context, key: bytes, seconds: bytes, *arguments: bytes) -> list[int]:
    """Sets the time to live of fields of a hash, in seconds.

    Options: one of NX XX GT LT, then FIELDS n field ...; a field without a time counts as one that never expires.
    Reply: array; for each field -2 if there is none, 0 if the condition forbids it, 1 if the time was set, 2 if the
    field was deleted because the time is over.
    Errors: WRONGTYPE, NotAnInteger, NegativeExpire, InvalidExpire, FieldsMissing, MustBeGreaterThanZero for
    numFields, FieldCountMismatch.
    Source: redis.io/commands/hexpire
    """
    return _expire_fields(ctx, key, seconds, 1000, True, arguments, "hexpire")


@command("HPEXPIRE", arity=-6, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hpexpire(ctx: Context, key: bytes, milliseconds: bytes, *arguments: bytes) -> list[int]:
    """Sets the time to live of fields of a hash, in milliseconds.

    Options, reply and errors: as HEXPIRE.
    Source: redis.io/commands/hpexpire
    """
    return _expire_fields(ctx, key, milliseconds, 1, True, arguments, "hpexpire")


@command("HEXPIREAT", arity=-6, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hexpireat(ctx: Context, key: bytes, seconds: bytes, *arguments: bytes) -> list[int]:
    """Sets when fields of a hash expire, in seconds since the epoch.

    Options, reply and errors: as HEXPIRE.
    Source: redis.io/commands/hexpireat
    """
    return _expire_fields(ctx, key, seconds, 1000, False, arguments, "hexpireat")


@command("HPEXPIREAT", arity=-6, keys=key_at(1, "RW UPDATE"), flags="write denyoom fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hpexpireat(ctx: Context, key: bytes, milliseconds: bytes, *arguments: bytes) -> list[int]:
    """Sets when fields of a hash expire, in milliseconds since the epoch.

    Options, reply and errors: as HEXPIRE.
    Source: redis.io/commands/hpexpireat
    """
    return _expire_fields(ctx, key, milliseconds, 1, False, arguments, "hpexpireat")


def _expire_fields(ctx: Context, key: bytes, time: bytes, unit_ms: int, is_relative: bool,
                   arguments: tuple[bytes, ...], name: str) -> list[int]:
    value = ctx.read_hash(key)
    expire_ms = _field_expire_ms(time, unit_ms, ctx.now_ms() if is_relative else 0, name)
    condition = arguments[0].upper()
    has_condition = condition in (b"NX", b"XX", b"GT", b"LT")
    fields = _fields(arguments[1:] if has_condition else arguments, MustBeGreaterThanZero("Parameter `numFields`"))
    if value is None:
        return [NO_FIELD] * len(fields)
    return _apply_expiry(ctx, key, value, expire_ms, condition, fields)


def _field_expire_ms(time: bytes, unit_ms: int, base_ms: int, name: str) -> int:
    """The absolute expiry of a field. Errors: NotAnInteger, NegativeExpire, InvalidExpire."""
    number = integer(time)
    if number < 0:
        raise NegativeExpire()
    expire_ms = number * unit_ms + base_ms
    if expire_ms > MAX_FIELD_EXPIRE_MS:
        raise InvalidExpire(name)
    return expire_ms


def _fields(arguments: tuple[bytes, ...], not_positive: CommandError) -> tuple[bytes, ...]:
    """The fields of ``FIELDS n field ...``. Errors: FieldsMissing, ``not_positive``, FieldCountMismatch."""
    if len(arguments) < 2 or arguments[0].upper() != b"FIELDS":
        raise FieldsMissing()
    if integer_in(arguments[1], 1, INT64_MAX, not_positive) != len(arguments) - 2:
        raise FieldCountMismatch()
    return arguments[2:]


def _apply_expiry(ctx: Context, key: bytes, value: Hash, expire_ms: int, condition: bytes,
                  fields: tuple[bytes, ...]) -> list[int]:
    """Give fields their expiry, or delete them all if it is over; log only what was done, without the condition."""
    is_over = expire_ms <= ctx.now_ms()
    _note_expiries(ctx, value)
    value.expect_expiries()
    results = []
    changed = []
    for field in fields:
        if field not in value:
            results.append(NO_FIELD)
        elif not _may_expire(condition, value.expire_ms(field), expire_ms):
            results.append(UNMET)
        else:
            if is_over:
                value.delete(field)
            else:
                value.set_expire(field, expire_ms)
            results.append(DELETED if is_over else SET)
            changed.append(field)
    if changed and is_over:
        ctx.shrunk(key, value, "hdel")
        ctx.propagate_as([b"HDEL", key, *changed])
    elif changed:
        _note_expiries(ctx, value)
        ctx.modified(key, "hexpire")
        ctx.propagate_as(_expire_effect(key, expire_ms, changed))
    return results


def _may_expire(condition: bytes, current_ms: int | None, expire_ms: int) -> bool:
    """Whether NX, XX, GT or LT, or no condition at all, lets a new expiry take the place of the current one."""
    if condition == b"NX":
        return current_ms is None
    if condition == b"XX":
        return current_ms is not None
    if condition == b"GT":
        return current_ms is not None and expire_ms > current_ms
    if condition == b"LT":
        return current_ms is None or expire_ms < current_ms
    return True


def _expire_effect(key: bytes, expire_ms: int, fields: list[bytes]) -> list[bytes]:
    """The command that, run again, gives fields this expiry."""
    return [b"HPEXPIREAT", key, b"%d" % expire_ms, b"FIELDS", b"%d" % len(fields), *fields]


@command("HPERSIST", arity=-5, keys=key_at(1, "RW UPDATE"), flags="write fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hpersist(ctx: Context, key: bytes, *arguments: bytes) -> list[int]:
    """Takes the time to live of fields of a hash away.

    Options: FIELDS n field ...
    Reply: array; for each field -2 if there is none, -1 if it had no time to live, 1 if it had.
    Errors: WRONGTYPE, FieldsMissing, FieldCountNotPositive, FieldCountMismatch.
    Source: redis.io/commands/hpersist
    """
    value = ctx.read_hash(key)
    fields = _fields(arguments, FieldCountNotPositive())
    if value is None:
        return [NO_FIELD] * len(fields)
    _note_expiries(ctx, value)
    results = []
    for field in fields:
        if field not in value:
            results.append(NO_FIELD)
        else:
            results.append(PERSISTED if value.persist(field) else NO_TTL)
    if PERSISTED in results:
        ctx.modified(key, "hpersist")
    return results


@command("HTTL", arity=-5, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="7.4.0",
         complexity="O(N) where N is the number of fields", tips=ANY_OUTPUT)
def httl(ctx: Context, key: bytes, *arguments: bytes) -> list[int]:
    """Returns the time to live of fields of a hash, in seconds, rounded up.

    Options: FIELDS n field ...
    Reply: array; for each field -2 if there is none, -1 if it does not expire.
    Errors: WRONGTYPE, FieldsMissing, FieldCountNotPositive, FieldCountMismatch.
    Source: redis.io/commands/httl
    """
    return _expiries(ctx, key, arguments, 1000, True)


@command("HPTTL", arity=-5, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="7.4.0",
         complexity="O(N) where N is the number of fields", tips=ANY_OUTPUT)
def hpttl(ctx: Context, key: bytes, *arguments: bytes) -> list[int]:
    """Returns the time to live of fields of a hash, in milliseconds.

    Options, reply and errors: as HTTL.
    Source: redis.io/commands/hpttl
    """
    return _expiries(ctx, key, arguments, 1, True)


@command("HEXPIRETIME", arity=-5, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hexpiretime(ctx: Context, key: bytes, *arguments: bytes) -> list[int]:
    """Returns when fields of a hash expire, in seconds since the epoch, rounded up.

    Options, reply and errors: as HTTL.
    Source: redis.io/commands/hexpiretime
    """
    return _expiries(ctx, key, arguments, 1000, False)


@command("HPEXPIRETIME", arity=-5, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="7.4.0",
         complexity="O(N) where N is the number of fields")
def hpexpiretime(ctx: Context, key: bytes, *arguments: bytes) -> list[int]:
    """Returns when fields of a hash expire, in milliseconds since the epoch.

    Options, reply and errors: as HTTL.
    Source: redis.io/commands/hpexpiretime
    """
    return _expiries(ctx, key, arguments, 1, False)


def _expiries(ctx: Context, key: bytes, arguments: tuple[bytes, ...], unit_ms: int, is_relative: bool) -> list[int]:
    """What is left of each field's time, or when it is over, in units rounded up."""
    value = ctx.read_hash(key)
    fields = _fields(arguments, FieldCountNotPositive())
    if value is None:
        return [NO_FIELD] * len(fields)
    base_ms = ctx.now_ms() if is_relative else 0
    results = []
    for field in fields:
        expire_ms = value.expire_ms(field)
        if expire_ms is None:
            results.append(NO_TTL if field in value else NO_FIELD)
        else:
            results.append(-(-(expire_ms - base_ms) // unit_ms))
    return results
