"""COMMAND: the command table told to clients."""

from __future__ import annotations

from functools import partial
from typing import Any

from mini_redis.commands.context import Context
from mini_redis.commands.table import FLAG_ORDER, CommandSpec
from mini_redis.commands.table import command as declare
from mini_redis.errors import CommandError, WrongArity
from mini_redis.protocol.replies import FlatMap, Members, SimpleString

command = partial(declare, group="server", categories="connection", flags="loading stale")


def describe(spec: CommandSpec) -> list[Any]:
    """A command as COMMAND INFO shows it: ten fields, the subcommands in the last."""
    first = spec.keys[0] if spec.keys and not spec.keys[0].unknown else None
    return [
        spec.name.encode(),
        spec.arity,
        Members([SimpleString(name.encode()) for name in FLAG_ORDER if name in spec.flags]),
        first.begin if first is not None and not first.numkeys else 0,
        _last_key(spec),
        first.step if first is not None and not first.numkeys else 0,
        Members([SimpleString(b"@" + name.encode()) for name in spec.categories]),
        Members([tip.encode() for tip in spec.tips]),
        Members([key_spec.describe() for key_spec in spec.keys]),
        Members([describe(child) for child in (spec.subcommands or {}).values()]),
    ]


def _last_key(spec: CommandSpec) -> int:
    """The old-style position of the last key: negative counts from the end of the arguments."""
    ranges = [key_spec for key_spec in spec.keys if not key_spec.unknown and not key_spec.numkeys]
    if not ranges:
        return 0
    last = ranges[-1]
    if last.last < 0:
        return last.last if last.step == 1 else -1
    return last.begin + last.last


def document(spec: CommandSpec) -> FlatMap:
    """A command as COMMAND DOCS shows it."""
    fields: list[Any] = [b"summary", spec.summary.encode(), b"since", spec.since.encode(), b"group",
                         spec.group.encode(), b"complexity", spec.complexity.encode()]
    if spec.deprecated:
        fields += [b"doc_flags", Members([SimpleString(b"deprecated")]), b"deprecated_since", spec.deprecated.encode()]
    if spec.subcommands:
        fields += [b"subcommands", FlatMap([part for child in spec.subcommands.values()
                                            for part in (child.name.encode(), document(child))])]
    return FlatMap(fields)


@command("COMMAND|COUNT", arity=2, since="2.8.13", complexity="O(1)")
def command_count(ctx: Context) -> int:
    """Returns how many commands there are.

    Source: redis.io/commands/command-count
    """
    return len(ctx.server.table.all_specs())


@command("COMMAND|INFO", arity=-2, since="2.8.13", complexity="O(N) where N is the number of commands to look up",
         tips=("nondeterministic_output_order",))
def command_info(ctx: Context, *names: bytes) -> list[Any]:
    """Returns arity, flags, key positions and more of some commands, or of all.

    Source: redis.io/commands/command-info
    """
    if not names:
        return [describe(spec) for spec in ctx.server.table.all_specs()]
    found = (_find(ctx, name) for name in names)
    return [None if spec is None else describe(spec) for spec in found]


@command("COMMAND|DOCS", arity=-2, since="7.0.0", complexity="O(N) where N is the number of commands to look up",
         tips=("nondeterministic_output_order",))
def command_docs(ctx: Context, *names: bytes) -> FlatMap:
    """Returns the documentation of some commands, or of all.

    Source: redis.io/commands/command-docs
    """
    specs = [_find(ctx, name) for name in names] if names else ctx.server.table.all_specs()
    return FlatMap([part for spec in specs if spec is not None for part in (spec.name.encode(), document(spec))])


@command("COMMAND|GETKEYS", arity=-3, since="2.8.13", complexity="O(N) where N is the number of arguments")
def command_getkeys(ctx: Context, *argv: bytes) -> list[bytes]:
    """Returns the keys that stand in a full command.

    Errors: no such command, wrong number of arguments, no keys.
    Source: redis.io/commands/command-getkeys
    """
    spec = ctx.server.table.resolve(argv[0])
    if spec is not None and spec.subcommands and len(argv) > 1:
        spec = spec.subcommands.get(argv[1].lower())
    if spec is None:
        raise CommandError("Invalid command specified")
    if not spec.keys:
        raise CommandError("The command has no key arguments")
    if not spec.accepts(len(argv)):
        raise CommandError("Invalid number of arguments specified for command")
    if any(key_spec.unknown for key_spec in spec.keys):
        keys = [key for _, key in spec.pairs(0, 1 << 31, list(argv))]
    else:
        keys = [key for key_spec in spec.keys for key in key_spec.find(list(argv))]
    if not keys:
        raise CommandError("Invalid arguments specified for command")
    return keys


@command("COMMAND|LIST", arity=-2, since="7.0.0", complexity="O(N) where N is the number of commands",
         tips=("nondeterministic_output_order",))
def command_list(ctx: Context, *filters: bytes) -> list[bytes]:
    """Returns the names of all commands.

    Errors: wrong number of arguments, as filters are not built yet.
    Source: redis.io/commands/command-list
    """
    if filters:
        raise WrongArity("command|list")
    return [name.encode() for name in ctx.server.table.by_name]


def _find(ctx: Context, name: bytes) -> CommandSpec | None:
    """A command by its name, ``container|subcommand`` included."""
    head, bar, tail = name.lower().partition(b"|")
    spec: CommandSpec | None = ctx.server.table.resolve(head)
    if bar and spec is not None:
        return (spec.subcommands or {}).get(tail)
    return spec
