"""Server commands: INFO, CONFIG, the whole-keyspace commands, DEBUG; and the truth about what is not built."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from mini_redis.commands.arguments import floating, integer
from mini_redis.commands.connection import database_number
from mini_redis.commands.context import Context
from mini_redis.commands.table import EXCLUSIVE, FREE
from mini_redis.commands.table import command as declare
from mini_redis.errors import (
    ClusterDisabled,
    CommandError,
    DebugNotAllowed,
    InvalidDatabase,
    NoSuchKey,
    NotBuilt,
    SubcommandSyntax,
    SyntaxFault,
    quotable,
)
from mini_redis.protocol.replies import NO_REPLY, OK, FlatMap, SimpleString, Verbatim
from mini_redis.store.digest import dataset_digest, value_digest
from mini_redis.store.entry import MISSING
from mini_redis.text import parse_integer
from mini_redis.types import values

command = partial(declare, group="server")


# --- telling


@command("INFO", arity=-1, flags="loading stale", since="1.0.0", complexity="O(1)", categories="dangerous",
         tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"))
def info(ctx: Context, *sections: bytes) -> Verbatim:
    """Returns figures about the server, in sections.

    Reply: text, ``field:value`` lines; sections as in ``observe/info.py``.
    Source: redis.io/commands/info
    """
    return Verbatim(ctx.server.info([name.decode("latin-1") for name in sections]).encode("utf-8"))


@command("TIME", arity=1, flags="loading stale fast", since="2.6.0", complexity="O(1)",
         tips=("nondeterministic_output",))
def time_(ctx: Context) -> list[bytes]:
    """Returns the server's time: Unix seconds and the microseconds of the current second.

    Source: redis.io/commands/time
    """
    seconds, microseconds = divmod(ctx.clock.now_us(), 1_000_000)
    return [b"%d" % seconds, b"%d" % microseconds]


@command("DBSIZE", arity=1, flags="readonly fast", since="1.0.0", complexity="O(1)", categories="keyspace",
         tips=("request_policy:all_shards", "response_policy:agg_sum"))
def dbsize(ctx: Context) -> int:
    """Returns the number of keys in the database, expired ones that nobody has met yet included.

    Source: redis.io/commands/dbsize
    """
    return len(ctx.database)


@command("ROLE", arity=1, flags="noscript loading stale fast", since="2.8.12", complexity="O(1)",
         categories="admin dangerous")
def role(ctx: Context) -> list[Any]:
    """Returns the replication role: always a master without replicas, as replication is not built.

    Source: redis.io/commands/role
    """
    return [b"master", 0, []]


# --- configuration


@command("CONFIG|GET", arity=-3, flags="admin noscript loading stale", since="2.0.0",
         complexity="O(N) where N is the number of directives")
def config_get(ctx: Context, *patterns: bytes) -> FlatMap:
    """Returns the directives that match any of the patterns, with their values.

    Source: redis.io/commands/config-get
    """
    found = ctx.server.config.get_text(*patterns)
    return FlatMap([part.encode("utf-8", "surrogateescape") for item in found.items() for part in item])


@command("CONFIG|SET", arity=-4, flags="admin noscript loading stale", gate=EXCLUSIVE, since="2.0.0",
         complexity="O(N) where N is the number of directives",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"))
def config_set(ctx: Context, *pairs: bytes) -> Any:
    """Sets directives, all of them or, if one cannot be, none.

    Source: redis.io/commands/config-set
    """
    if len(pairs) % 2:
        raise SyntaxFault()
    texts = [word.decode("utf-8", "surrogateescape") for word in pairs]
    ctx.server.config.set_many(list(zip(texts[::2], texts[1::2])), ctx.client.is_local)
    return OK


@command("CONFIG|RESETSTAT", arity=2, flags="admin noscript loading stale", gate=EXCLUSIVE, since="2.0.0",
         complexity="O(1)", tips=("request_policy:all_nodes", "response_policy:all_succeeded"))
def config_resetstat(ctx: Context) -> Any:
    """Sets the counters of INFO back to 0.

    Source: redis.io/commands/config-resetstat
    """
    ctx.server.stats.reset()
    return OK


# --- the whole keyspace


@command("FLUSHALL", arity=-1, flags="write", gate=EXCLUSIVE, since="1.0.0", categories="keyspace dangerous",
         complexity="O(N) where N is the number of keys in all databases",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"))
def flushall(ctx: Context, *mode: bytes) -> Any:
    """Removes all keys of all databases.

    Options: ASYNC or SYNC; both return at once, the values are freed as they are let go.
    Source: redis.io/commands/flushall
    """
    return _flush(ctx, mode, range(len(ctx.store.databases)))


@command("FLUSHDB", arity=-1, flags="write", gate=EXCLUSIVE, since="1.0.0", categories="keyspace dangerous",
         complexity="O(N) where N is the number of keys in the database",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"))
def flushdb(ctx: Context, *mode: bytes) -> Any:
    """Removes all keys of the current database.

    Source: redis.io/commands/flushdb
    """
    return _flush(ctx, mode, (ctx.number,))


def _flush(ctx: Context, mode: tuple[bytes, ...], numbers: Any) -> Any:
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"ASYNC", b"SYNC")):
        raise SyntaxFault()
    ctx.flush_databases(numbers)
    return OK


@command("SWAPDB", arity=3, flags="write fast", gate=EXCLUSIVE, since="4.0.0", categories="keyspace dangerous",
         complexity="O(1)")
def swapdb(ctx: Context, first: bytes, second: bytes) -> Any:
    """Lets two databases change places; clients that use one see the other's keys at once.

    Source: redis.io/commands/swapdb
    """
    numbers = []
    for which, data in ((b"first", first), (b"second", second)):
        number = parse_integer(data)
        if number is None or not -(2**31) <= number < 2**31:
            raise InvalidDatabase(f"invalid {which.decode()} DB index")
        numbers.append(number)
    if not all(0 <= number < len(ctx.store.databases) for number in numbers):
        database_number(ctx, b"-1")
    ctx.swap_databases(*numbers)
    return OK


@command("SHUTDOWN", arity=-1, flags="admin noscript loading stale no_multi allow_busy", gate=FREE, since="1.0.0",
         complexity="O(1)")
def shutdown(ctx: Context, *options: bytes) -> Any:
    """Stops the server; nothing is saved, as there is no persistence.

    Options: NOSAVE, NOW, FORCE. Errors: SAVE, which cannot be kept; ABORT, as no shutdown is waiting.
    Source: redis.io/commands/shutdown
    """
    words = [word.upper() for word in options]
    if words == [b"ABORT"]:
        raise CommandError("No shutdown in progress.")
    if any(word not in (b"NOSAVE", b"SAVE", b"NOW", b"FORCE") for word in words) or {b"SAVE", b"NOSAVE"} <= set(words):
        raise SyntaxFault()
    if b"SAVE" in words:
        raise NotBuilt("SHUTDOWN SAVE")
    ctx.client.is_closing = True
    ctx.server.request_stop()
    return NO_REPLY


# --- DEBUG


@command("DEBUG", arity=-2, flags="admin noscript loading stale", gate=EXCLUSIVE, since="1.0.0",
         complexity="Depends on subcommand.")
def debug(ctx: Context, subcommand: bytes, *arguments: bytes) -> Any:
    """Looks into the server, for tests; see enable-debug-command.

    Subcommands: SLEEP, SET-ACTIVE-EXPIRE, OBJECT, DIGEST, DIGEST-VALUE.
    Source: redis.io/commands/debug; observed on Redis 7.0 and 8.2
    """
    allowed = ctx.server.config["enable-debug-command"]
    if allowed == "no" or (allowed == "local" and not ctx.client.is_local):
        raise DebugNotAllowed()
    known = DEBUG_SUBCOMMANDS.get(subcommand.upper())
    if known is None:
        raise SubcommandSyntax("DEBUG", subcommand)
    action, least, most = known
    if not least <= len(arguments) <= most or (action is _debug_object and arguments[1:] not in ((), (b"fast",))):
        raise SubcommandSyntax("DEBUG", subcommand)
    return action(ctx, *arguments)


def _debug_sleep(ctx: Context, seconds: bytes) -> Any:
    """Keep the whole server standing still, as Redis's one thread would."""
    time.sleep(max(0.0, floating(seconds)))
    return OK


def _debug_set_active_expire(ctx: Context, flag: bytes) -> Any:
    ctx.server.expiry.enabled = integer(flag) != 0
    return OK


def _debug_object(ctx: Context, key: bytes, *_: bytes) -> Any:
    ctx.lock([(ctx.number, key)])
    value = ctx.find(key).value
    if value is MISSING:
        raise NoSuchKey()
    idle_s = ctx.clock.access_s - ctx.find(key).access_s
    return SimpleString(f"Value at:{id(value):#x} refcount:1 encoding:{values.encoding(value)} "
                        f"serializedlength:{values.memory_usage(value)} lru:{ctx.find(key).access_s & 0xFFFFFF} "
                        f"lru_seconds_idle:{idle_s}".encode())


def _debug_digest(ctx: Context) -> Any:
    return SimpleString(dataset_digest(ctx.store, ctx.clock.now_ms()).hex().encode())


def _debug_digest_value(ctx: Context, *keys: bytes) -> list[SimpleString]:
    ctx.lock([(ctx.number, key) for key in keys])
    return [SimpleString(value_digest(ctx.find(key), ctx.now_ms()).hex().encode()) for key in keys]


DEBUG_SUBCOMMANDS: dict[bytes, tuple[Callable[..., Any], int, int]] = {
    b"SLEEP": (_debug_sleep, 1, 1),
    b"SET-ACTIVE-EXPIRE": (_debug_set_active_expire, 1, 1),
    b"OBJECT": (_debug_object, 1, 2),
    b"DIGEST": (_debug_digest, 0, 0),
    b"DIGEST-VALUE": (_debug_digest_value, 0, 1 << 20),
}


# --- what is not built tells the truth


@command("CLUSTER|INFO", arity=2, flags="stale", since="3.0.0", complexity="O(1)", group="cluster",
         tips=("nondeterministic_output",))
def cluster_info(ctx: Context) -> Any:
    """Would describe the cluster; says that there is none.

    Source: redis.io/commands/cluster-info
    """
    raise ClusterDisabled()


@command("ACL|WHOAMI", arity=2, flags="noscript loading stale", since="6.0.0", complexity="O(1)")
def acl_whoami(ctx: Context) -> bytes:
    """Returns the name of the connection's user: there is only ``default``.

    Source: redis.io/commands/acl-whoami
    """
    return b"default"


@command("ACL|LIST", arity=2, flags="admin noscript loading stale", since="6.0.0", complexity="O(1)")
def acl_list(ctx: Context) -> list[bytes]:
    """Returns the one rule there is: ``default`` may do everything, with the password if one is set.

    Source: redis.io/commands/acl-list
    """
    return [ctx.server.describe_default_user()]


@command("MODULE|LIST", arity=2, flags="admin noscript", since="4.0.0", complexity="O(1)",
         tips=("nondeterministic_output_order",))
def module_list(ctx: Context) -> list[Any]:
    """Returns the loaded modules: none, as modules are C libraries.

    Source: redis.io/commands/module-list
    """
    return []


def _refuse(name: str, arity: int, since: str, flags: str, deprecated: str = "") -> Any:
    """A command that clients know and that must not answer OK: refused by name."""
    @command(name, arity=arity, flags=flags, since=since, complexity="O(1)", deprecated=deprecated)
    def refuse(ctx: Context, *_: bytes) -> Any:
        """Refused by name: what it promises is not built yet."""
        raise NotBuilt(quotable(name.encode()))
    return refuse


replicaof = _refuse("REPLICAOF", 3, "5.0.0", "admin noscript stale no_async_loading")
slaveof = _refuse("SLAVEOF", 3, "1.0.0", "admin noscript stale no_async_loading", "5.0.0")
sync = _refuse("SYNC", 1, "1.0.0", "admin noscript no_async_loading no_multi")
psync = _refuse("PSYNC", -3, "2.8.0", "admin noscript no_async_loading no_multi")
save = _refuse("SAVE", 1, "1.0.0", "admin noscript no_async_loading no_multi")
bgsave = _refuse("BGSAVE", -1, "1.0.0", "admin noscript no_async_loading")
bgrewriteaof = _refuse("BGREWRITEAOF", 1, "1.0.0", "admin noscript no_async_loading")
