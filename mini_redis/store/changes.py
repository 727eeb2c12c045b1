"""``modified``: the one place where a change has consequences.

Handlers, expiry and (later) eviction call :meth:`Changes.modified` once per changed key and event, while they hold
the key's lock. If nobody is interested it costs one flag test at the caller. Else the listeners run in the order of
:data:`ROLES`, which is the order in which the consequences must stand.
"""

from __future__ import annotations

from collections.abc import Callable

from mini_redis.store.ranks import make_lock

ROLES = ("watch", "tracking", "notify", "ready", "memory")
"""Marking of watching clients; invalidation of cached keys; keyspace notification; waiters; memory accounting."""

Listener = Callable[[int, bytes, str], None]
"""Called with (database number, key, event) under the key's lock: a few dict operations, no other key, no I/O."""


class Changes:
    """Who wants to know of changes.

    ``any`` is what hot paths test; it is read after the key's lock is taken, never kept for a batch. Interest is a
    counter per role, raised before the role's table is entered and lowered after it is left, so that no flag is
    cleared by one client under the feet of another. ``_lock`` guards counters and the recomputing of the flags.
    """

    __slots__ = ("any", "before_change", "_listeners", "_active", "_interest", "_lock")

    def __init__(self) -> None:
        self.any = False
        self.before_change: Callable[[int, bytes, object], None] | None = None
        """What a running threaded snapshot wants to see of each entry of a write unit, before the handler runs: called
        with (database number, key, value). Set and cleared under the closed gate."""
        self._listeners: dict[str, Listener] = {}
        self._active: tuple[Listener, ...] = ()
        self._interest = dict.fromkeys(ROLES, 0)
        self._lock = make_lock("interest")

    def attach(self, role: str, listener: Listener) -> None:
        """Name the one listener of a role; it is called while somebody has interest in the role."""
        if role not in self._interest:
            raise KeyError(role)
        with self._lock:
            self._listeners[role] = listener
            self._recompute()

    def adjust_interest(self, role: str, by: int) -> None:
        """Raise (before entering the role's table) or lower (after leaving it) the interest in a role."""
        with self._lock:
            self._interest[role] += by
            self._recompute()

    def _recompute(self) -> None:
        self._active = tuple(self._listeners[role] for role in ROLES
                             if self._interest[role] > 0 and role in self._listeners)
        self.any = bool(self._active)

    def modified(self, number: int, key: bytes, event: str) -> None:
        """Tell every interested listener, in the order of ROLES. The caller holds the key's lock."""
        for listener in self._active:
            listener(number, key, event)
