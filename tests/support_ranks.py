"""Locks that check the rank table: a thread may take a lock only if all that it holds rank lower.

`install` puts them in the place of the product's locks, for every server made afterwards. A breach is raised in the
thread that commits it and noted in the list that `install` returns, as the product may turn exceptions into replies.
"""

from __future__ import annotations

import sys
import threading

from mini_redis.store import locking, ranks
from mini_redis.store.entry import Entry

ENTRY, TURN = (ranks.RANKS["entry"], "entry"), (ranks.RANKS["turn"], "turn")
WITH_EQUALS = {ENTRY, (ranks.RANKS["index"], "index")}
"""Of these a thread may hold several: all keys of a unit; the indexes of several databases."""


class RankBroken(Exception):
    pass


class Checker:
    """Notes what each thread holds. `breaches`: what was done wrong; `taken`: names of locks taken at least once."""

    def __init__(self):
        self.breaches: list[str] = []
        self.taken: set[str] = set()
        self._local = threading.local()

    @property
    def held(self):
        """[(rank, name)] of this thread, in the order in which the locks were taken."""
        if not hasattr(self._local, "held"):
            self._local.held = []
        return self._local.held

    def before(self, item):
        """Raise unless this thread may take a lock of this (rank, name)."""
        held = self.held
        self.taken.add(item[1])
        if all(item == other and item in WITH_EQUALS for other in held if other[0] >= item[0]):
            return
        # The turn holder, with keys or without, takes the members in `close`: they wait for nothing that it holds.
        if TURN in held and item[1] in ("closed", "member"):
            return
        self.breaches.append(f"{item} is taken while holding {held}")
        raise RankBroken(self.breaches[-1])

    def lock(self, name):
        """What `make_lock` gives."""
        return CheckedLock(self, ranks.RANKS[name], name)

    def entry_class(self):
        checker = self

        class CheckedEntry(Entry):
            """An entry that takes part in the check; taking it once more in the same thread is no matter."""

            __slots__ = ()

            def acquire(self, blocking=True, timeout=-1):
                if not self._is_owned():
                    checker.before(ENTRY)
                if super().acquire(blocking, timeout):
                    checker.held.append(ENTRY)
                    return True
                return False

            def release(self):
                super().release()
                checker.held.remove(ENTRY)

        return CheckedEntry


class CheckedLock:
    """A plain lock with a rank."""

    def __init__(self, checker, rank, name):
        self._checker, self._item = checker, (rank, name)
        self._lock = threading.Lock()

    def acquire(self, blocking=True, timeout=-1):
        self._checker.before(self._item)
        if self._lock.acquire(blocking, timeout):
            self._checker.held.append(self._item)
            return True
        return False

    def release(self):
        self._checker.held.remove(self._item)  # ValueError: another thread took it
        self._lock.release()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()


def install(monkeypatch):
    """Have all locks made from now on checked; gives the `Checker`."""
    checker, original = Checker(), ranks.make_lock
    for name, module in list(sys.modules.items()):
        if name.startswith("mini_redis") and getattr(module, "make_lock", None) is original:
            monkeypatch.setattr(module, "make_lock", checker.lock)
    monkeypatch.setattr(locking, "Entry", checker.entry_class())
    return checker
