"""Which commands a server has: the explicit list of modules, and the containers with subcommands."""

from __future__ import annotations

from mini_redis.commands import (
    connection,
    generic,
    hashes,
    introspection,
    lists,
    server,
    sets,
    sorting,
    strings,
)
from mini_redis.commands.table import CommandSpec, CommandTable

MODULES = (strings, lists, sets, hashes, generic, sorting, connection, server, introspection)


def make_table() -> CommandTable:
    """A new command table with all built-in commands."""
    return CommandTable(MODULES, [
        CommandSpec("CLIENT", None, arity=-2, since="2.4.0", group="connection", complexity="Depends on subcommand.",
                    categories="slow", summary="A container for client connection commands."),
        CommandSpec("CONFIG", None, arity=-2, since="2.0.0", group="server", complexity="Depends on subcommand.",
                    summary="A container for server configuration commands."),
        CommandSpec("COMMAND", introspection.command_info, arity=-1, flags="loading stale", since="2.8.13", group="server",
                    complexity="O(N) where N is the total number of commands", categories="connection",
                    tips=("nondeterministic_output_order",), summary="Detailed information about all commands."),
        CommandSpec("OBJECT", None, arity=-2, since="2.2.3", group="generic", complexity="Depends on subcommand.",
                    categories="slow", summary="A container for object introspection commands."),
        CommandSpec("CLUSTER", None, arity=-2, since="3.0.0", group="cluster", complexity="Depends on subcommand.",
                    summary="A container for Redis Cluster commands."),
        CommandSpec("ACL", None, arity=-2, since="6.0.0", group="server", complexity="Depends on subcommand.",
                    summary="A container for access list control commands."),
        CommandSpec("MODULE", None, arity=-2, since="4.0.0", group="server", complexity="Depends on subcommand.",
                    summary="A container for module commands."),
    ])
