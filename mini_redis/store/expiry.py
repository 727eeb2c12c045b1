"""Active expiry: bounds the memory that dead keys hold, without stopping clients.

A key whose time has come is deleted by whoever meets it; this is for the ones that nobody meets. Each cycle walks the
keys with a TTL in slices, a slice per share of the gate and at most 1 ms of work each, for a quarter of the time at
most; it goes on as long as a slice finds more than a tenth dead. A key that is taken is skipped, never waited for.
"""

from __future__ import annotations

import time

from mini_redis.store.gate import Member
from mini_redis.store.locking import Unit
from mini_redis.store.store import Store
from mini_redis.types.hashes import Hash

SLICE = 100
"""Keys looked at per share of the gate; about 0.1 ms if all are dead."""
SLICE_SECONDS = 0.001
CYCLE_SECONDS = 0.025
"""Work per cycle of 0.1 s."""


class ActiveExpiry:
    """One thread's walk over the volatile keys of all databases; ``enabled`` is DEBUG SET-ACTIVE-EXPIRE."""

    def __init__(self, store: Store) -> None:
        self.enabled = True
        self._store = store
        self._member = Member()
        self.unit = Unit(store, self._member)
        self._cursors = [0] * len(store.databases)

    def cycle(self) -> None:
        """Walk every database for a while. What it deleted is counted in ``unit``."""
        if not self.enabled:
            return
        deadline = time.monotonic() + CYCLE_SECONDS
        gate = self._store.gate
        gate.register(self._member)
        try:
            for number in range(len(self._cursors)):
                while self._slice(number) and time.monotonic() < deadline:
                    pass
        finally:
            gate.unregister(self._member)

    def _slice(self, number: int) -> bool:
        """One share of the gate; True if it is worth while to go on with this database at once."""
        gate = self._store.gate
        gate.enter(self._member)
        try:
            self._cursors[number], keys = self._store.databases[number].sample_volatile(self._cursors[number], SLICE)
            deadline = time.monotonic() + SLICE_SECONDS
            dead = 0
            for key in keys:
                dead += self._expire(number, key)
                if time.monotonic() > deadline:
                    break
            return dead * 10 > len(keys)
        finally:
            gate.leave(self._member)

    def _expire(self, number: int, key: bytes) -> bool:
        """Delete one key, or fields of it, if their time has come."""
        unit = self.unit
        entry = unit.try_lock((number, key))
        if entry is None:
            return False
        try:
            unit.prepare(number, key, entry)
            if type(entry.value) is Hash:
                unit.purge_fields(number, key, entry)
            return bool(unit.before)
        finally:
            unit.end(None, [])
