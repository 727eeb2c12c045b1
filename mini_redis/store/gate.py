"""The gate: every batch shares it, whoever needs the whole keyspace closes it.

Each member (a thread that touches the keyspace) owns a plain lock and holds it while a unit of its may be in flight.
Closing the gate means taking all of them: 3-4 us with 50 connections. A readers-writer lock on a Condition would cost
every batch twelve times as much. Why no deadlock: a member lock is waited for only by :meth:`Gate.close`, and its
holder waits for nothing of lower rank; see ``docs/concurrency.md``.
"""

from __future__ import annotations

from mini_redis.store.ranks import make_lock

EXCLUSIVE = 1
"""Reason for ``Gate.stop``: the turn holder has closed the gate or is about to."""


class Member:
    """One thread that touches the keyspace. ``lock`` says "a unit may be in flight here"."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = make_lock("member")


class Gate:
    """Shared by all units, exclusive for a few.

    ``stop`` is a set of reasons, looked at between any two commands of a batch; it changes only under
    ``_members_lock``. ``turn`` is the right to be exclusive or to add keys to a lock set while running.
    """

    __slots__ = ("turn", "stop", "_closed", "_members", "_members_lock", "_taken")

    def __init__(self) -> None:
        self.turn = make_lock("turn")
        self.stop = 0
        self._closed = make_lock("closed")
        self._members: dict[int, Member] = {}
        self._members_lock = make_lock("members")
        self._taken: list[Member] = []

    def register(self, member: Member) -> None:
        """Make ``member`` one of those that :meth:`close` waits for. By its own thread, before it enters."""
        with self._members_lock:
            self._members[id(member)] = member

    def unregister(self, member: Member) -> None:
        with self._members_lock:
            self._members.pop(id(member), None)

    def enter(self, member: Member) -> None:
        """Share the gate; waits, holding nothing, while it is closed. 60-90 ns, once per batch."""
        member.lock.acquire()
        if self.stop:
            member.lock.release()
            # Not the turn: that one queues behind scripts. Whoever gets `_closed` finds the gate open, so the next line
            # cannot wait for the one who closed it.
            with self._closed:
                member.lock.acquire()

    def leave(self, member: Member) -> None:
        member.lock.release()

    def take(self) -> None:
        """Get the turn and close the gate. The caller holds nothing, its own member lock neither."""
        self.turn.acquire()
        self.close()

    def close(self) -> None:
        """Stop all members; the turn holder's right, with or without key locks held. 62 ns a connection."""
        self._closed.acquire()
        with self._members_lock:
            self.stop |= EXCLUSIVE  # first this, then the list: a newcomer that is not in the list sees it
        with self._members_lock:
            members = list(self._members.values())
        for member in members:
            member.lock.acquire()
        self._taken = members

    def give(self, closed: bool) -> None:
        """Open the gate, if this turn had closed it, and give the turn on."""
        if closed:
            with self._members_lock:
                self.stop &= ~EXCLUSIVE
            taken, self._taken = self._taken, []
            for member in taken:
                member.lock.release()
            self._closed.release()
        self.turn.release()
