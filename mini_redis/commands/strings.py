"""String commands. A string key holds one of the four types of ``types/strings.py``; handlers see its text as bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from mini_redis.commands.arguments import (
    INT64_MAX,
    INT64_MIN,
    Arguments,
    add_long_doubles,
    expire_at_ms,
    integer,
)
from mini_redis.commands.context import Context
from mini_redis.commands.keyspec import key_at, key_range, keys_from
from mini_redis.commands.table import command as declare
from mini_redis.errors import (
    CommandError,
    DecrementOverflow,
    IncrementOverflow,
    InvalidExpire,
    NotAnInteger,
    OffsetOutOfRange,
    StringTooLong,
    SyntaxFault,
    WrongArity,
    WrongType,
)
from mini_redis.protocol.replies import OK
from mini_redis.store.entry import MISSING
from mini_redis.text import parse_integer
from mini_redis.types import strings
from mini_redis.types.lcs import longest_common_subsequence

command = partial(declare, group="string")

TIME_UNITS = {b"EX": (1000, False), b"PX": (1, False), b"EXAT": (1000, True), b"PXAT": (1, True)}
"""Option -> (milliseconds a unit, whether the time is absolute)."""


# --- set and get


@command("SET", arity=-3, keys=key_at(1, "RW ACCESS UPDATE VARIABLE_FLAGS"), flags="write denyoom", since="1.0.0",
         complexity="O(1)")
def set_(ctx: Context, key: bytes, value: bytes, *options: bytes) -> Any:
    """Sets the string value of a key, whatever it held; makes the key if there is none.

    Options: NX | XX (only if the key is missing | exists), GET (reply the old value), one of EX PX EXAT PXAT KEEPTTL.
    Reply: OK; nil if NX or XX forbade it; with GET the old string or nil.
    Errors: syntax, InvalidExpire, NotAnInteger; WRONGTYPE with GET.
    Source: redis.io/commands/set
    """
    if not options:
        ctx.put(key, value)
        ctx.modified(key, "set")
        return OK
    return _set_with_options(ctx, key, value, options)


def _set_with_options(ctx: Context, key: bytes, value: bytes, options: tuple[bytes, ...]) -> Any:
    condition = lifetime = None
    wants_old = False
    time = b""
    at, count = 0, len(options)
    while at < count:  # not an Arguments cursor: SET with EX or NX is hot, and this takes half the time
        word = options[at].upper()
        at += 1
        if word in TIME_UNITS and (lifetime is None or lifetime == word) and at < count:
            lifetime, time = word, options[at]
            at += 1
        elif (word == b"NX" or word == b"XX") and (condition is None or condition == word):
            condition = word
        elif word == b"GET":
            wants_old = True
        elif word == b"KEEPTTL" and (lifetime is None or lifetime == word):
            lifetime = word
        else:
            raise SyntaxFault()
    expire_ms = None if lifetime is None or lifetime == b"KEEPTTL" else _expiry(ctx, lifetime, time, "set")
    old = ctx.read_string(key) if wants_old else None
    if condition is not None and (ctx.peek(key) is None) is (condition == b"XX"):
        return old
    if lifetime == b"KEEPTTL":
        expire_ms = ctx.expire_ms(key)
    _store(ctx, key, value, expire_ms)
    if expire_ms is not None and lifetime != b"KEEPTTL":
        ctx.propagate_as([b"SET", key, value, b"PXAT", b"%d" % expire_ms])
    return old if wants_old else OK


def _expiry(ctx: Context, unit: bytes | None, time: bytes, name: str) -> int:
    """The absolute expiry that an option of TIME_UNITS asks for. Errors: NotAnInteger, InvalidExpire."""
    unit_ms, is_absolute = TIME_UNITS[unit or b""]
    number = integer(time)
    if number <= 0:
        raise InvalidExpire(name)
    return expire_at_ms(number, unit_ms, 0 if is_absolute else ctx.now_ms(), name)


def _store(ctx: Context, key: bytes, value: bytes, expire_ms: int | None) -> None:
    """Set a value with its TTL; one whose time is over already deletes the key, as Redis's next look would."""
    ctx.put(key, value, expire_ms)
    ctx.modified(key, "set")
    if expire_ms is not None:
        ctx.modified(key, "expire")


@command("SETNX", arity=3, keys=key_at(1, "OW INSERT"), flags="write denyoom fast", since="1.0.0", complexity="O(1)",
         deprecated="2.6.12")
def setnx(ctx: Context, key: bytes, value: bytes) -> int:
    """Sets the string value of a key only when the key does not exist.

    Reply: 1 if it was set, else 0.
    Source: redis.io/commands/setnx
    """
    if ctx.peek(key) is not None:
        return 0
    _store(ctx, key, value, None)
    return 1


@command("SETEX", arity=4, keys=key_at(1, "OW UPDATE"), flags="write denyoom", since="2.0.0", complexity="O(1)",
         deprecated="2.6.12")
def setex(ctx: Context, key: bytes, seconds: bytes, value: bytes) -> Any:
    """Sets the string value and the time to live of a key, in seconds.

    Errors: NotAnInteger, InvalidExpire.
    Source: redis.io/commands/setex
    """
    return _set_for(ctx, key, b"EX", seconds, value, "setex")


@command("PSETEX", arity=4, keys=key_at(1, "OW UPDATE"), flags="write denyoom", since="2.6.0", complexity="O(1)",
         deprecated="2.6.12")
def psetex(ctx: Context, key: bytes, milliseconds: bytes, value: bytes) -> Any:
    """Sets the string value and the time to live of a key, in milliseconds.

    Source: redis.io/commands/psetex
    """
    return _set_for(ctx, key, b"PX", milliseconds, value, "psetex")


def _set_for(ctx: Context, key: bytes, unit: bytes, time: bytes, value: bytes, name: str) -> Any:
    expire_ms = _expiry(ctx, unit, time, name)
    _store(ctx, key, value, expire_ms)
    ctx.propagate_as([b"SET", key, value, b"PXAT", b"%d" % expire_ms])
    return OK


@command("GET", arity=2, keys=key_at(1, "RO ACCESS"), flags="readonly fast", since="1.0.0", complexity="O(1)")
def get(ctx: Context, key: bytes) -> bytes | None:
    """Returns the string value of a key.

    Reply: the string, nil if there is no key. Errors: WRONGTYPE.
    Source: redis.io/commands/get
    """
    return ctx.read_string(key)


@command("GETSET", arity=3, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1)", deprecated="6.2.0")
def getset(ctx: Context, key: bytes, value: bytes) -> bytes | None:
    """Sets a key's string value and returns what it held before.

    Errors: WRONGTYPE.
    Source: redis.io/commands/getset
    """
    old = ctx.read_string(key)
    _store(ctx, key, value, None)
    ctx.propagate_as([b"SET", key, value])
    return old


@command("GETDEL", arity=2, keys=key_at(1, "RW ACCESS DELETE"), flags="write fast", since="6.2.0", complexity="O(1)")
def getdel(ctx: Context, key: bytes) -> bytes | None:
    """Returns the string value of a key and deletes the key.

    Errors: WRONGTYPE.
    Source: redis.io/commands/getdel
    """
    value = ctx.read_string(key)
    if value is not None:
        ctx.remove(key)
        ctx.modified(key, "del")
        ctx.propagate_as([b"DEL", key])
    return value


@command("GETEX", arity=-2, keys=key_at(1, "RW ACCESS UPDATE"), flags="write fast", since="6.2.0", complexity="O(1)")
def getex(ctx: Context, key: bytes, *options: bytes) -> bytes | None:
    """Returns the string value of a key and sets or removes its time to live.

    Options: one of EX PX EXAT PXAT PERSIST. Errors: syntax, NotAnInteger, InvalidExpire, WRONGTYPE.
    Source: redis.io/commands/getex
    """
    lifetime, time = b"", b""
    words = Arguments(options)
    while words:
        word = words.word()
        if lifetime not in (b"", word) or not (word == b"PERSIST" or (word in TIME_UNITS and words)):
            raise SyntaxFault()
        lifetime, time = word, words.value() if word in TIME_UNITS else b""
    value = ctx.read_string(key)
    if value is None:
        return None
    if lifetime in TIME_UNITS:
        expire_ms = _expiry(ctx, lifetime, time, "getex")
        if expire_ms <= ctx.now_ms():
            ctx.remove(key)
            ctx.modified(key, "del")
            ctx.propagate_as([b"DEL", key])
        else:
            ctx.set_expire(key, expire_ms)
            ctx.modified(key, "expire")
            ctx.propagate_as([b"PEXPIREAT", key, b"%d" % expire_ms])
    elif lifetime and ctx.expire_ms(key) is not None:
        ctx.set_expire(key, None)
        ctx.modified(key, "persist")
        ctx.propagate_as([b"PERSIST", key])
    return value


# --- several keys


@command("MGET", arity=-2, keys=keys_from(1, "RO ACCESS"), flags="readonly fast", since="1.0.0",
         complexity="O(N) where N is the number of keys", tips=("request_policy:multi_shard",))
def mget(ctx: Context, *keys: bytes) -> list[bytes | None]:
    """Returns the string values of several keys, seen at one moment.

    Reply: array; nil where there is no key or no string.
    Source: redis.io/commands/mget
    """
    values = []
    for key in keys:
        value = ctx.find(key).value
        values.append(strings.to_bytes(value) if type(value) in strings.KINDS else None)
    return values


@command("MSET", arity=-3, keys=keys_from(1, "OW UPDATE", step=2), flags="write denyoom", since="1.0.1",
         complexity="O(N) where N is the number of keys",
         tips=("request_policy:multi_shard", "response_policy:all_succeeded"))
def mset(ctx: Context, *pairs: bytes) -> Any:
    """Sets the string values of several keys at once.

    Errors: WrongArity for a key without a value.
    Source: redis.io/commands/mset
    """
    _set_all(ctx, pairs, "mset")
    return OK


@command("MSETNX", arity=-3, keys=keys_from(1, "OW INSERT", step=2), flags="write denyoom", since="1.0.1",
         complexity="O(N) where N is the number of keys")
def msetnx(ctx: Context, *pairs: bytes) -> int:
    """Sets the string values of several keys, but only if none of them exists.

    Reply: 1 if all were set, 0 if none was.
    Source: redis.io/commands/msetnx
    """
    if len(pairs) % 2 == 0 and any(ctx.peek(key) is not None for key in pairs[::2]):
        return 0
    _set_all(ctx, pairs, "msetnx")
    return 1


def _set_all(ctx: Context, pairs: tuple[bytes, ...], name: str) -> None:
    if len(pairs) % 2:
        raise WrongArity(name)
    for key, value in zip(pairs[::2], pairs[1::2]):
        ctx.put(key, value)
        ctx.modified(key, "set")


# --- numbers


@command("INCR", arity=2, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1)")
def incr(ctx: Context, key: bytes) -> int:
    """Adds one to the integer value of a key; a missing key counts as 0.

    Errors: WRONGTYPE, NotAnInteger, IncrementOverflow.
    Source: redis.io/commands/incr
    """
    return _add(ctx, key, 1)


@command("DECR", arity=2, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1)")
def decr(ctx: Context, key: bytes) -> int:
    """Takes one from the integer value of a key; a missing key counts as 0.

    Source: redis.io/commands/decr
    """
    return _add(ctx, key, -1)


@command("INCRBY", arity=3, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1)")
def incrby(ctx: Context, key: bytes, increment: bytes) -> int:
    """Adds an integer to the integer value of a key.

    Source: redis.io/commands/incrby
    """
    return _add(ctx, key, integer(increment))


@command("DECRBY", arity=3, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="1.0.0",
         complexity="O(1)")
def decrby(ctx: Context, key: bytes, decrement: bytes) -> int:
    """Takes an integer from the integer value of a key.

    Errors: as INCRBY; DecrementOverflow for -2^63, which has no negative.
    Source: redis.io/commands/decrby
    """
    number = integer(decrement)
    if number == INT64_MIN:
        raise DecrementOverflow()
    return _add(ctx, key, -number)


def _add(ctx: Context, key: bytes, increment: int) -> int:
    entry = ctx.find(key)
    value = entry.value
    if type(value) is not int:
        if value is MISSING:
            value = 0
        elif type(value) in strings.KINDS:
            value = parse_integer(strings.to_bytes(value))
            if value is None:
                raise NotAnInteger()
        else:
            raise WrongType()
    value += increment
    if not INT64_MIN <= value <= INT64_MAX:
        raise IncrementOverflow()
    ctx.update(key, value)
    ctx.modified(key, "incrby")
    return value


@command("INCRBYFLOAT", arity=3, keys=key_at(1, "RW ACCESS UPDATE"), flags="write denyoom fast", since="2.6.0",
         complexity="O(1)")
def incrbyfloat(ctx: Context, key: bytes, increment: bytes) -> bytes:
    """Adds a floating-point number to the number at a key; computed as Redis does, with 64-bit mantissas.

    Errors: WRONGTYPE, NotAFloat, NanOrInfinity.
    Source: redis.io/commands/incrbyfloat
    """
    old = ctx.read_string(key)
    result = add_long_doubles(b"0" if old is None else old, increment)
    ctx.update(key, strings.Embedded(result))
    ctx.modified(key, "incrbyfloat")
    ctx.propagate_as([b"SET", key, result, b"KEEPTTL"])
    return result


# --- parts of a string


@command("APPEND", arity=3, keys=key_at(1, "RW INSERT"), flags="write denyoom fast", since="2.0.0",
         complexity="O(1) a byte appended")
def append(ctx: Context, key: bytes, value: bytes) -> int:
    """Appends to the string value of a key; a missing key becomes the appended string.

    Reply: the length afterwards. Errors: WRONGTYPE, StringTooLong.
    Source: redis.io/commands/append
    """
    old = ctx.read_string_value(key)
    if old is None:
        ctx.put(key, value)
        length = len(value)
    else:
        _check_length(ctx, strings.length(old) + len(value))
        grown = _writable(ctx, key, old)
        grown += value
        length = len(grown)
    ctx.modified(key, "append")
    return length


@command("STRLEN", arity=2, keys=key_at(1, "RO"), flags="readonly fast", since="2.2.0", complexity="O(1)")
def strlen(ctx: Context, key: bytes) -> int:
    """Returns the length of the string value of a key in bytes; 0 if there is no key.

    Source: redis.io/commands/strlen
    """
    value = ctx.read_string_value(key)
    return 0 if value is None else strings.length(value)


@command("GETRANGE", arity=4, keys=key_at(1, "RO ACCESS"), flags="readonly", since="2.4.0",
         complexity="O(N) where N is the length of the reply")
def getrange(ctx: Context, key: bytes, start: bytes, stop: bytes) -> bytes:
    """Returns the part of a string value between two offsets, both inclusive; negative ones count from the end.

    Errors: NotAnInteger, WRONGTYPE.
    Source: redis.io/commands/getrange
    """
    first, last = integer(start), integer(stop)
    value = ctx.read_string_value(key)
    if value is None or (first < 0 and last < 0 and first > last):
        return b""
    length = strings.length(value)
    begin = max(first + length if first < 0 else first, 0)
    end = max(last + length if last < 0 else last, 0) + 1
    text = value if isinstance(value, (bytes, bytearray)) else strings.to_bytes(value)
    return bytes(text[begin:end])


@command("SUBSTR", arity=4, keys=key_at(1, "RO ACCESS"), flags="readonly", since="1.0.0",
         complexity="O(N) where N is the length of the reply", deprecated="2.0.0")
def substr(ctx: Context, key: bytes, start: bytes, stop: bytes) -> bytes:
    """Returns a part of a string value; the old name of GETRANGE.

    Source: redis.io/commands/substr
    """
    return getrange(ctx, key, start, stop)


@command("SETRANGE", arity=4, keys=key_at(1, "RW UPDATE"), flags="write denyoom", since="2.2.0",
         complexity="O(1) a byte written, and O(N) once to make a string of N bytes writable")
def setrange(ctx: Context, key: bytes, offset: bytes, value: bytes) -> int:
    """Overwrites a part of a string value from an offset on, padding it with zero bytes to get there.

    Reply: the length afterwards. Errors: NotAnInteger, OffsetOutOfRange, WRONGTYPE, StringTooLong.
    Source: redis.io/commands/setrange
    """
    begin = integer(offset)
    if begin < 0:
        raise OffsetOutOfRange()
    old = ctx.read_string_value(key)
    if not value:
        return 0 if old is None else strings.length(old)
    _check_length(ctx, begin + len(value))
    grown = _writable(ctx, key, old)
    if len(grown) < begin:
        grown.extend(bytes(begin - len(grown)))
    grown[begin:begin + len(value)] = value
    ctx.modified(key, "setrange")
    return len(grown)


def _check_length(ctx: Context, length: int) -> None:
    """Before a value grows: nothing larger than proto-max-bulk-len can be read back."""
    if length > ctx.server.config["proto-max-bulk-len"]:
        raise StringTooLong()


def _writable(ctx: Context, key: bytes, value: strings.StringValue | None) -> bytearray:
    """The value of ``key`` as a bytearray that can be changed in place, made one if it is not."""
    if type(value) is not bytearray:
        value = bytearray(b"" if value is None else strings.to_bytes(value))
        ctx.update(key, value)
    return value


# --- comparing


@command("LCS", arity=-3, keys=key_range(1, 2, "RO ACCESS"), flags="readonly", since="7.0.0",
         complexity="O(N*M) where N and M are the lengths of the two strings")
def lcs(ctx: Context, first: bytes, second: bytes, *options: bytes) -> Any:
    """Finds the longest common subsequence of two strings.

    Options: LEN (only its length), IDX (where its pieces stand), MINMATCHLEN n, WITHMATCHLEN.
    Reply: the subsequence; with LEN an integer; with IDX a map of ``matches`` and ``len``.
    Errors: not strings, syntax, LEN with IDX, too long.
    Source: redis.io/commands/lcs
    """
    texts = [ctx.peek(key) for key in (first, second)]
    if any(text is not None and type(text) not in strings.KINDS for text in texts):
        raise CommandError("The specified keys must contain string values")
    wants_length = wants_indexes = wants_match_lengths = False
    least = 0
    words = Arguments(options)
    while words:
        word = words.word()
        if word == b"IDX":
            wants_indexes = True
        elif word == b"LEN":
            wants_length = True
        elif word == b"WITHMATCHLEN":
            wants_match_lengths = True
        elif word == b"MINMATCHLEN" and words:
            least = max(integer(words.value()), 0)
        else:
            raise SyntaxFault()
    if wants_length and wants_indexes:
        raise CommandError("If you want both the length and indexes, please just use IDX.")
    first_text, second_text = (b"" if text is None else strings.to_bytes(text) for text in texts)
    if (len(first_text) + 1) * (len(second_text) + 1) * 4 > ctx.server.config["proto-max-bulk-len"]:
        raise CommandError("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    result = longest_common_subsequence(first_text, second_text)
    if wants_indexes:
        matches = [[list(a), list(b), *([a[1] - a[0] + 1] if wants_match_lengths else [])]
                   for a, b in result.matches if a[1] - a[0] + 1 >= least]
        return {b"matches": matches, b"len": len(result.text)}
    return len(result.text) if wants_length else result.text
