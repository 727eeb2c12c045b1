"""The ranks of all locks, and the one place where plain locks are made.

A thread may take a lock only if every lock that it holds ranks lower (``docs/concurrency.md`` has the table with the
reasons; two exceptions are named there). Tests put a checking lock in the place of :func:`make_lock`.
"""

from __future__ import annotations

import _thread
import threading

RANKS = {
    "turn": 0.0, "closed": 0.5,
    "member": 1.0, "drain": 1.5, "send": 1.5,
    "entry": 2.0,
    "waiter": 3.0,
    "index": 4.0, "members": 4.0, "stats": 4.0, "clients": 4.0,
    "interest": 5.0,
}


def make_lock(name: str) -> threading.Lock:
    """A plain lock of the rank that goes by ``name`` in :data:`RANKS`."""
    if name not in RANKS:
        raise KeyError(name)
    return _thread.allocate_lock()
