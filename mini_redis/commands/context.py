"""``ctx``: what a handler may do.

It is the unit (``store/locking.py``: read, put, modified, propagate_as ...) and beside it the client, the server's
parts by name, and a few conveniences that many handlers share. A handler gets nothing else: it holds the locks of its
keys, never waits, never sends, and returns a plain value.
"""

from __future__ import annotations

import random
from typing import Any, Protocol

from mini_redis.clients.client import Client, ClientTable
from mini_redis.clock import Clock
from mini_redis.commands.table import CommandTable
from mini_redis.config import Config
from mini_redis.errors import WrongType
from mini_redis.observe.stats import Stats
from mini_redis.store.entry import MISSING
from mini_redis.store.expiry import ActiveExpiry
from mini_redis.store.gate import Member
from mini_redis.store.locking import Unit
from mini_redis.store.store import Store
from mini_redis.types import strings
from mini_redis.types.hashes import Hash


class ServerParts(Protocol):
    """What commands may use of the server; ``server.Server`` has it."""

    store: Store
    stats: Stats
    clients: ClientTable
    clock: Clock
    config: Config
    table: CommandTable
    random: random.Random
    expiry: ActiveExpiry
    is_eager: bool

    def request_stop(self) -> None: ...

    def info(self, names: list[str]) -> str: ...

    def describe_default_user(self) -> bytes: ...


class Context(Unit):
    """The unit of one client's thread, with its client and server. Made once a connection."""

    __slots__ = ("server", "client", "argv", "random")

    def __init__(self, server: ServerParts, member: Member, client: Client) -> None:
        super().__init__(server.store, member)
        self.server = server
        self.client = client
        self.argv: list[bytes] = []  # of the command that runs the general way
        self.random = server.random

    def select(self, number: int) -> None:
        """Let the client work on another database from its next command on."""
        self.client.number = self.number = number

    def read_string(self, key: bytes) -> bytes | None:
        """The text of a string key, None if there is no such key. Raises WrongType. O(length) unless it is bytes."""
        entry = self.entry if key is self.key else self.find(key)
        value = entry.value
        if type(value) is bytes:
            entry.access_s = self.clock.access_s
            return value
        value = self.read_string_value(key)
        return None if value is None else strings.to_bytes(value)

    def read_string_value(self, key: bytes) -> strings.StringValue | None:
        """The value of a string key in whichever of its four types, None if there is no such key. Raises WrongType."""
        entry = self.find(key)
        value = entry.value
        if value is MISSING:
            return None
        if type(value) not in strings.KINDS:
            raise WrongType()
        entry.access_s = self.clock.access_s
        return value

    def read_hash(self, key: bytes) -> Hash | None:
        """The hash at ``key`` without fields whose time has come, None if there is none. Raises WrongType."""
        value = self.read(key, Hash)
        if value is not None and value.next_expire_ms is not None:
            self.purge_fields(self.number, key, self.find(key))
            value = self.read(key, Hash)
        return value

    def create(self, key: bytes, kind: type) -> Any:
        """The collection at ``key``, a new empty one if there is none. Raises WrongType."""
        entry = self.entry if key is self.key else self.find(key)
        value = entry.value
        if type(value) is kind and kind is not Hash:
            entry.access_s = self.clock.access_s
            return value
        value = self.read_hash(key) if kind is Hash else self.read(key, kind)
        if value is None:
            value = kind(self.limits)
            self.update(key, value)
        return value
