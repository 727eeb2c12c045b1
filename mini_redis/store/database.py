"""One numbered keyspace: key -> Entry, and the dense indexes that SCAN, RANDOMKEY and expiry walk.

Why an array beside the dict: a dict has no random access, and a cursor into it would be state in the server. The array
gives a random key in O(1), and SCAN walks it *downwards*: a removal moves the last key into the hole, so a key that was
not visited yet can only move further down. An element that is there all the time is therefore returned, and a scan
ends under any churn.
"""

from __future__ import annotations

import random

from mini_redis.store.entry import DEAD, MISSING, Entry
from mini_redis.store.ranks import make_lock
from mini_redis.types.dense import DenseNames, scan_window
from mini_redis.types.hashes import Hash


class Database:
    """One numbered database.

    ``entries`` may be read by anyone in the gate (``dict.get`` is one atomic step); a key is put in by ``setdefault``
    and taken out by whoever holds its lock. ``index_lock`` guards everything else here.
    """

    __slots__ = ("entries", "keys", "volatile", "volatile_hashes", "index_lock")

    def __init__(self) -> None:
        self.index_lock = make_lock("index")
        self.clear()

    def clear(self) -> None:
        """Become empty. The caller holds the gate exclusively. O(1); the old values go when nobody refers to them."""
        self.entries: dict[bytes, Entry] = {}
        self.keys: list[bytes] = []  # every key that holds a value; its place is Entry.position
        self.volatile = DenseNames()  # keys with a TTL
        self.volatile_hashes = DenseNames()  # hashes with a TTL on some field

    def reindex(self, key: bytes, entry: Entry, with_expiry: bool) -> None:
        """Bring the indexes in step with ``entry``. O(1). The caller holds the entry and the index lock.

        ``with_expiry``: the indexes of what can expire may be out of step too.
        """
        alive = entry.value is not MISSING
        if alive:
            if entry.position is None:
                entry.position = len(self.keys)
                self.keys.append(key)
        elif entry.position is not None:
            last = self.keys.pop()
            if last != key:
                self.keys[entry.position] = last
                self.entries[last].position = entry.position
            entry.position = None
        if with_expiry:
            value = entry.value
            _keep(self.volatile, key, alive and entry.expire_ms is not None)
            _keep(self.volatile_hashes, key, type(value) is Hash and value.next_expire_ms is not None)

    def __len__(self) -> int:
        """Keys that hold a value, the expired ones among them that nobody has met yet."""
        with self.index_lock:
            return len(self.keys)

    def random_key(self, source: random.Random) -> bytes | None:
        """Any key, each as likely as the other. O(1)."""
        with self.index_lock:
            return self.keys[int(source.random() * len(self.keys))] if self.keys else None

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Up to ``count`` keys below ``cursor`` (0: from the top) and the next cursor, 0 at the end. O(count)."""
        with self.index_lock:
            bottom, top = scan_window(len(self.keys), cursor, count)
            return bottom, self.keys[bottom:top]

    def sample_volatile(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """The same walk over the keys that can expire, hashes with expiring fields first."""
        with self.index_lock:
            hashes, keys = self.volatile_hashes.names, self.volatile.names
            bottom, top = scan_window(len(hashes) + len(keys), cursor, count)
            taken = keys[max(0, bottom - len(hashes)):max(0, top - len(hashes))]
            return bottom, hashes[bottom:top] + taken

    def counts(self) -> tuple[int, int, int]:
        """(keys, keys with a TTL, hashes with a field TTL), all of one moment."""
        with self.index_lock:
            return len(self.keys), len(self.volatile.names), len(self.volatile_hashes.names)


def _keep(index: DenseNames, key: bytes, wanted: bool) -> None:
    if wanted:
        index.add(key)
    else:
        index.remove(key)


Place = tuple[Database, bytes, Entry]


def settle(changed: list[Place], leaving: list[Place], with_expiry: bool) -> None:
    """Let indexes and dicts follow what a unit did to entries it still holds: rule 2.5.

    All index changes happen under one hold of the index locks (of several databases in one order for every thread), so
    that nobody counts half of an MSET. Then the placeholders in ``leaving`` are DEAD and leave their dict.
    """
    if changed:
        databases = sorted({database for database, _, _ in changed}, key=id)
        for database in databases:
            database.index_lock.acquire()
        try:
            for database, key, entry in changed:
                database.reindex(key, entry, with_expiry)
        finally:
            for database in databases:
                database.index_lock.release()
    for database, key, entry in leaving:
        entry.value = DEAD
        del database.entries[key]
