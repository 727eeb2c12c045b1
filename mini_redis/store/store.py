"""All databases of a server, and what their units share: gate, changes, log, clock, limits."""

from __future__ import annotations

from typing import Any, Protocol

from mini_redis.clock import Clock
from mini_redis.store.changes import Changes
from mini_redis.store.database import Database
from mini_redis.store.gate import Gate
from mini_redis.types.limits import EncodingLimits


class Log(Protocol):
    """What a unit needs of the write log: whether anybody listens, and the queue it appends to."""

    on: bool
    queue: list[Any]

    def drain(self) -> None:
        """Write what is queued, unless another thread is just doing so."""


class Store:
    """The keyspace of one server.

    ``databases`` is replaced in place by SWAPDB and emptied by FLUSHALL, both under the closed gate; so a database
    looked up inside the gate stays right until the gate is left.
    """

    __slots__ = ("databases", "gate", "changes", "log", "clock", "limits")

    def __init__(self, count: int, log: Log, clock: Clock, limits: EncodingLimits) -> None:
        self.databases = [Database() for _ in range(count)]
        self.gate = Gate()
        self.changes = Changes()
        self.log = log
        self.clock = clock
        self.limits = limits
