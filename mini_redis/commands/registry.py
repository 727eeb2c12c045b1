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


DEPENDS = "Depends on subcommand."


def _container(*_: object) -> None:
    """Never called: without a subcommand the arity of a container does not fit."""


def make_table() -> CommandTable:
    """A new command table with all built-in commands."""
    return CommandTable(MODULES, [
        CommandSpec("CLIENT", _container, arity=-2, since="2.4.0", group="connection", complexity=DEPENDS,
                    categories="slow", summary="A container for client connection commands."),
        CommandSpec("CONFIG", _container, arity=-2, since="2.0.0", group="server", complexity=DEPENDS,
                    summary="A container for server configuration commands."),
        CommandSpec("COMMAND", introspection.command_info, arity=-1, flags="loading stale", since="2.8.13",
                    group="server", complexity="O(N) where N is the total number of commands", categories="connection",
                    tips=("nondeterministic_output_order",), summary="Detailed information about all commands."),
        CommandSpec("OBJECT", _container, arity=-2, since="2.2.3", group="generic", complexity=DEPENDS,
                    categories="slow", summary="A container for object introspection commands."),
        CommandSpec("CLUSTER", _container, arity=-2, since="3.0.0", group="cluster", complexity=DEPENDS,
                    summary="A container for Redis Cluster commands."),
        CommandSpec("ACL", _container, arity=-2, since="6.0.0", group="server", complexity=DEPENDS,
                    summary="A container for access list control commands."),
        CommandSpec("MODULE", _container, arity=-2, since="4.0.0", group="server", complexity=DEPENDS,
                    summary="A container for module commands."),
    ])
