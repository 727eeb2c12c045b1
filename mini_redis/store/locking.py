"""The unit: what is atomic. Its lock set, its one time, what it changed, and its orderly end.

A unit is one command (later also one EXEC or one script). The rules, in the order in which they bite:

* The locks of all its keys are held while it runs, readers' too; which keys is known before the handler starts.
* Who must wait for a key's lock lets go of everything first, its share of the gate included. So no cycle of waits can
  form, in whatever order locks are asked for. Only the holder of the turn waits while it holds keys.
* Inside a unit nothing leaves the dict: a deleted key's value becomes MISSING. At the end, in this order: one append to
  the log's queue, the indexes, the dict, then the locks. Log after unlocking, and another client's SET of the same key
  stands in the log before your DEL.

``docs/concurrency.md`` has the proofs, and the tests that fail when a rule is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mini_redis.errors import WrongType
from mini_redis.store.database import Database, settle
from mini_redis.store.entry import DEAD, MISSING, Entry
from mini_redis.store.gate import Member
from mini_redis.store.rebuild import rebuild
from mini_redis.store.store import Store
from mini_redis.types.hashes import Hash

Pair = tuple[int, bytes]
"""(database number, key)."""
Effect = tuple[int, list[bytes]]
"""(database number, argv): a command that, run again, gives the same change."""

SETTLED, EXISTENCE, EXPIRY = 0, 1, 3
"""``Unit.unsettled``: indexes and dicts are in step; some entry was made, came to life or died; or what can expire
changed as well."""

RETRIES = 16
TURN_PATIENCE_S = 0.01
"""How long the turn holder waits for a key before it closes the gate to get it."""


class KeyBusy(Exception):
    """Another unit holds this entry."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


class KeyOutsideUnit(Exception):
    """A handler asked for a key that its key specs do not name: a bug of the command's declaration."""


ABSENT = Entry()
"""Shown to a reader of one key that is not there. It is nobody's key, holds MISSING for ever, and needs no lock."""


class Unit:
    """One member's unit in progress; the object is used again for the next one.

    Invariants: ``held`` are exactly the entry locks that this thread holds (but for the one in ``entry`` while
    ``dispatch`` runs a command of one key); ``entries`` maps the pairs of the lock set to them. ``turn`` says that the
    thread holds the gate's turn, ``closed`` that it also closed the gate, and then it has no share of it.
    """

    __slots__ = ("store", "gate", "log", "changes", "clock", "limits", "member", "number", "database",
                 "key", "entry", "entries", "held", "now", "dirty", "before", "own", "unsettled",
                 "turn", "closed", "changed_total", "expired_total")

    def __init__(self, store: Store, member: Member) -> None:
        self.store = store
        self.gate = store.gate
        self.log = store.log
        self.changes = store.changes
        self.clock = store.clock
        self.limits = store.limits
        self.member = member
        self.number = 0
        self.database: Database = store.databases[0]
        self.key: bytes | None = None  # a unit of one key, run by dispatch's short way: the key and its entry
        self.entry: Entry = ABSENT
        self.entries: dict[Pair, Entry] = {}
        self.held: list[Entry] = []
        self.now = 0  # the unit's time, 0 while nobody asked
        self.dirty = 0  # changes by the command itself
        self.before: list[Effect] = []  # what expired on the way; logged ahead of the command
        self.own: list[Effect] | None = None  # what is logged in the place of the command; None: the command as it came
        self.unsettled = SETTLED
        self.turn = False
        self.closed = False
        self.changed_total = 0  # since the last fold into the statistics
        self.expired_total = 0

    # --- locks

    def lock(self, pairs: Iterable[Pair]) -> None:
        """Take the lock set. Called in the gate and holding no key; returns so, unless it had to become exclusive.

        Cost: 1.0 us for two keys, 2.6 for ten. Before the handler starts, what is expired is deleted and a running
        snapshot is shown what may change.
        """
        ordered = sorted(set(pairs))
        for _ in range(RETRIES):
            try:
                self._lock_pairs(ordered, self.turn)
                break
            except KeyBusy as busy:
                self._give_up()
                self.gate.leave(self.member)
                busy.entry.acquire()
                busy.entry.release()
                self.gate.enter(self.member)
                self.rebind()
        else:
            self.become_exclusive()
            self._lock_pairs(ordered, True)
        before_change = self.changes.before_change
        for pair, entry in self.entries.items():
            if entry.expire_ms is not None or before_change is not None:
                self.prepare(pair[0], pair[1], entry)

    def lock_one(self, key: bytes) -> Entry:
        """The locked entry of a key that the short way found absent: a placeholder, or whoever came first.

        Raises KeyBusy, holding nothing, if that one is taken.
        """
        return self._acquire(self.database, key, False)

    def try_lock(self, pair: Pair) -> Entry | None:
        """The locked entry of an existing key, or None if it is taken or not there: for expiry, which never waits."""
        entry = self.store.databases[pair[0]].entries.get(pair[1])
        if entry is None or not entry.acquire(False):
            return None
        if entry.value is DEAD:
            entry.release()
            return None
        self.held.append(entry)
        self.entries[pair] = entry
        return entry

    def _lock_pairs(self, pairs: list[Pair], may_wait: bool) -> None:
        databases, entries, held = self.store.databases, self.entries, self.held
        for pair in pairs:
            number, key = pair
            database = databases[number]
            entry = database.entries.get(key)
            if entry is None or not entry.acquire(False):
                entry = self._acquire(database, key, may_wait)
            elif entry.value is DEAD:
                entry.release()
                entry = self._acquire(database, key, may_wait)
            held.append(entry)
            entries[pair] = entry

    def _acquire(self, database: Database, key: bytes, may_wait: bool) -> Entry:
        while True:
            entry = database.entries.get(key)
            if entry is None:
                fresh = Entry()
                fresh.acquire()
                entry = database.entries.setdefault(key, fresh)
                if entry is fresh:
                    self.unsettled |= EXISTENCE
                    return entry
                fresh.release()
            if not entry.acquire(False):
                if not may_wait:
                    raise KeyBusy(entry)
                self._wait_holding(entry)
            if entry.value is not DEAD:
                return entry
            entry.release()

    def _wait_holding(self, entry: Entry) -> None:
        """The turn holder's right. All others wait holding nothing, so this ends; past 10 ms no newcomer is let in."""
        if not self.closed:
            if entry.acquire(timeout=TURN_PATIENCE_S):
                return
            self.close()
        entry.acquire()

    def _give_up(self) -> None:
        if self.unsettled:
            self.settle()
        self._release()

    def _release(self) -> None:
        held, self.held = self.held, []
        for entry in held:
            entry.release()
        self.entries.clear()

    # --- turn and gate

    def take_turn(self) -> None:
        """Leave the gate, wait for the turn. From now on the unit may add keys to its set while it runs."""
        self.gate.leave(self.member)
        self.gate.turn.acquire()
        self.turn = True
        self.rebind()

    def close(self) -> None:
        """The turn holder makes the unit exclusive, in its middle if need be; what it did so far is settled."""
        if not self.closed:
            self.gate.close()
            self.closed = True
            self._settle_and_forget()
            self.rebind()

    def become_exclusive(self) -> None:
        """Leave the gate and close it for all others. Holding no key."""
        self.take_turn()
        self.close()

    def exclusively(self, action: Callable[[], Any]) -> Any:
        """Run ``action`` with the gate closed and share it again; a unit with the turn keeps it closed to its end.

        A unit without the turn must hold no key, and nothing that it looked up in the gate holds inside ``action``.
        """
        if self.turn:
            self.close()
            return action()
        self.become_exclusive()
        try:
            return action()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        self.gate.give(self.closed)
        self.turn = self.closed = False
        self.gate.enter(self.member)
        self.rebind()

    def rebind(self) -> Any:
        """Look the database up anew, after the gate was entered or a database selected; gives its ``dict.get``."""
        self.database = self.store.databases[self.number]
        return self.database.entries.get

    # --- the lock set, seen by handlers

    def find(self, key: bytes, number: int | None = None) -> Entry:
        """The entry of a key in the lock set; its value may be MISSING. Only the turn holder may add to the set."""
        if key is self.key and (number is None or number == self.number):
            return self.entry
        pair = (self.number if number is None else number, key)
        entry = self.entries.get(pair)
        if entry is not None:
            return entry
        if pair == (self.number, self.key):
            return self.entry
        if not self.turn:
            raise KeyOutsideUnit(pair)
        self._lock_pairs([pair], True)
        entry = self.entries[pair]
        self.prepare(pair[0], pair[1], entry)
        return entry

    def read(self, key: bytes, kind: type, number: int | None = None) -> Any:
        """The value of a key as a ``kind``, None if there is no such key. Raises WrongType."""
        entry = self.entry if key is self.key and number is None else self.find(key, number)
        value = entry.value
        if type(value) is kind:
            entry.access_s = self.clock.access_s
            return value
        if value is MISSING:
            return None
        raise WrongType()

    def peek(self, key: bytes, number: int | None = None) -> Any:
        """The value of a key of any type, None if there is none; does not count as a use of it."""
        value = self.find(key, number).value
        return None if value is MISSING else value

    def put(self, key: bytes, value: Any, expire_ms: int | None = None, number: int | None = None) -> None:
        """Give ``key`` a new value, whatever it held; its TTL becomes ``expire_ms`` (None: it lives on)."""
        entry = self.entry if key is self.key and number is None else self.find(key, number)
        if (entry.expire_ms is None) is not (expire_ms is None) or type(entry.value) is Hash or type(value) is Hash:
            self.unsettled = EXPIRY  # in or out of the index of keys, or of hashes with fields, that can expire
        elif entry.position is None:
            self.unsettled |= EXISTENCE
        entry.expire_ms = expire_ms
        entry.value = value
        entry.access_s = self.clock.access_s

    def update(self, key: bytes, value: Any) -> None:
        """Replace the value of an existing or new key and leave its TTL alone."""
        entry = self.entry if key is self.key else self.find(key)
        if entry.position is None:
            self.unsettled |= EXISTENCE
        entry.value = value
        entry.access_s = self.clock.access_s

    def remove(self, key: bytes, number: int | None = None) -> bool:
        """Delete a key; False if there was none. It leaves dict and index at the end of the unit."""
        entry = self.find(key, number)
        if entry.value is MISSING:
            return False
        self._clear(entry)
        return True

    def _clear(self, entry: Entry) -> None:
        self.unsettled |= EXPIRY if entry.expire_ms is not None or type(entry.value) is Hash else EXISTENCE
        entry.value = MISSING
        entry.expire_ms = None

    def expire_ms(self, key: bytes, number: int | None = None) -> int | None:
        """When the key dies, wall-clock milliseconds; None if never, or if there is no such key."""
        return self.find(key, number).expire_ms

    def set_expire(self, key: bytes, expire_ms: int | None) -> None:
        """Give an existing key a TTL or take it away."""
        self.find(key).expire_ms = expire_ms
        self.unsettled = EXPIRY

    def now_ms(self) -> int:
        """The unit's one time: read once, after its locks, and the same for all that it does."""
        if not self.now:
            self.now = self.clock.now_ms()
        return self.now

    # --- changes and their record

    def modified(self, key: bytes, event: str, number: int | None = None) -> None:
        """Say that the command changed ``key``, once per event; ``event`` is the notification's name."""
        self.dirty += 1
        if self.changes.any:
            self.changes.modified(self.number if number is None else number, key, event)

    def shrunk(self, key: bytes, value: Any, event: str) -> None:
        """``modified`` for what takes elements away: the last one takes the key with it."""
        self.modified(key, event)
        if not len(value):
            self.remove(key)
            self.modified(key, "del")

    def propagate_as(self, *commands: list[bytes]) -> None:
        """Have these commands logged instead of the one that came; none at all means that nothing is logged."""
        if self.log.on:
            self.own = [(self.number, argv) for argv in commands]

    def expire_due(self, number: int, key: bytes, entry: Entry) -> bool:
        """Delete a key of the lock set whose time has come, with its consequences; the DEL is logged first."""
        if entry.expire_ms is None or entry.expire_ms > self.now_ms():
            return False
        self._clear(entry)
        self.expired_total += 1
        self._note_before(number, [b"DEL", key], "expired")
        return True

    def purge_fields(self, number: int, key: bytes, entry: Entry) -> None:
        """Delete the fields of a hash whose time has come; the last one takes the key with it."""
        value = entry.value
        if value.next_expire_ms is None or value.next_expire_ms > self.now_ms():
            return
        fields = value.pop_expired(self.now_ms())
        for field in fields:
            self._note_before(number, [b"HDEL", key, field], None)
        self.unsettled = EXPIRY
        if fields and self.changes.any:
            self.changes.modified(number, key, "hexpired")
        if not len(value):
            self._clear(entry)
            if self.changes.any:
                self.changes.modified(number, key, "del")

    def _note_before(self, number: int, argv: list[bytes], event: str | None) -> None:
        self.before.append((number, argv))
        if event and self.changes.any:
            self.changes.modified(number, argv[1], event)

    def prepare(self, number: int, key: bytes, entry: Entry) -> None:
        """Before the handler: a running snapshot sees the old value, then what is expired goes."""
        if self.changes.before_change is not None:
            self.changes.before_change(number, key, entry.value)
        if entry.expire_ms is not None:
            self.expire_due(number, key, entry)

    # --- the end

    def end(self, wire: Any, argv: list[bytes]) -> None:
        """Log, settle, unlock, and give back turn and gate; afterwards the unit is empty and in the gate again."""
        self.record(wire, argv)
        if self.unsettled:
            self.settle()
        if self.held:
            self._release()
        self.now = 0
        if self.turn:
            self._give_back()

    def record(self, wire: Any, argv: list[bytes]) -> None:
        """One append to the log's queue with all that the unit did, while its keys are still held."""
        if not self.dirty and not self.before:
            self.own = None
            return
        if self.log.on:
            if self.own is None and not self.before:
                self.log.queue.append((wire, argv, self.number))
            else:
                own = [(self.number, argv)] if self.own is None else self.own
                group = self.before + (own if self.dirty else [])
                if group:
                    self.log.queue.append([group])
        self.changed_total += self.dirty + len(self.before)
        self.dirty = 0
        self.own = None
        if self.before:
            self.before = []

    def log_present_state(self) -> None:
        """After a failure in mid-command: log and memory must not part, so the unit's keys are logged as they are."""
        held = dict(self.entries)
        if self.key is not None and self.entry is not ABSENT:
            held[self.number, self.key] = self.entry
        if self.log.on:
            self.own = [(number, argv) for (number, key), entry in sorted(held.items())
                        for argv in [[b"DEL", key], *rebuild(key, entry.value, entry.expire_ms)]]
        for number, key in held:
            self.modified(key, "del", number)

    def settle(self) -> None:
        """Indexes and dicts follow the unit's changes."""
        with_expiry = self.unsettled == EXPIRY
        databases = self.store.databases
        places = [(databases[number], key, entry) for (number, key), entry in self.entries.items()]
        settle([place for place in places
                if with_expiry or (place[2].value is MISSING) is (place[2].position is not None)],
               [place for place in places if place[2].value is MISSING], with_expiry)
        self.unsettled = SETTLED

    def settle_single(self) -> None:
        """The same for dispatch's short way, where the lock set is one key."""
        entry, database, key = self.entry, self.database, self.key
        if self.unsettled == EXPIRY or (entry.value is MISSING) is (entry.position is not None):
            with database.index_lock:
                database.reindex(key, entry, self.unsettled == EXPIRY)  # type: ignore[arg-type]  # there is a key
        if entry.value is MISSING:
            entry.value = DEAD
            del database.entries[key]  # type: ignore[arg-type]
        self.unsettled = SETTLED

    def _settle_and_forget(self) -> None:
        """Inside an exclusive unit dict and index follow each command; settled keys are looked up anew. Locks stay."""
        if self.unsettled:
            self.settle()
        self.entries.clear()

    def flush_databases(self, numbers: Iterable[int]) -> None:
        """Empty databases. Exclusive units only; what the unit did so far is settled before its dicts go."""
        self._settle_and_forget()
        for number in numbers:
            self.store.databases[number].clear()
        self.dirty += 1

    def swap_databases(self, first: int, second: int) -> None:
        """Let two databases change places. Exclusive units only."""
        self._settle_and_forget()
        databases = self.store.databases
        databases[first], databases[second] = databases[second], databases[first]
        self.dirty += 1
        self.rebind()
