"""Break the rule, see the test fail.

Each row of RULES names a rule of docs/concurrency.md, a way to break it in the running product, and a check. The check
passes on the product as it is and must fail on the broken one: else it proves nothing. Checks are random histories
(`support_histories`) where chance finds the fault at once, and fixed schedules where it would be too rare.

A break replaces methods of the product with wrong ones. Alone, a client does not notice it: that is tested too.

Rules whose feature is not built yet:

    MULTI block in pieces; db kept per batch; settled entries of queued commands      MULTI/EXEC
    mark after watch.lock is let go; flag cleared by "my table is empty"              WATCH
    waiter registered after unlocking, claimed without its mutex, first waiter only,
      no peek, serving at the push, no closure, lazy expiry without closure,
      wake or push before the append, wake before index, late waiter and `wake`       blocking commands
    close() twice, close() without settling what the script did, absent key read
      in a script without a placeholder, declared keys                                EVAL
    outbox not looked at again, confirmation sent late, tracking reply outside it     pub/sub, client tracking
    snapshot without the gate, the walker beside the hook                             snapshots
    a drain that does not end; nobody drains after a busy one; newcomers that queue
      behind the turn (slow scripts)                                                  append-only file, EVAL
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mini_redis.commands import generic, sorting, strings
from mini_redis.commands.context import Context
from mini_redis.commands.table import CommandSpec
from mini_redis.dispatch import Session
from mini_redis.errors import WrongType
from mini_redis.store import locking
from mini_redis.store.changes import Changes
from mini_redis.store.entry import DEAD, MISSING
from mini_redis.store.gate import Gate
from mini_redis.store.locking import ABSENT, SETTLED, KeyOutsideUnit, Unit
from mini_redis.types.lists import LinkedList
from mini_redis.write_log import WriteLog, _Renderer
from tests.support_concurrency import (
    LogCopy,
    Talker,
    check_store,
    fails_within,
    in_background,
    make_server,
    run_threads,
)
from tests.support_histories import check_history

SECONDS = 20.0
"""How long a break may stay unseen; the slowest takes a second or two."""


# --- checks by histories


def histories(mix, seeds="all"):
    """A check: one random history of the mix an attempt. ``seeds="odd"``: always with the log on."""
    def check(attempt):
        seed = time.time_ns()
        check_history(mix, seed | 1 if seeds == "odd" else seed, seconds=3.0)
    check.mix = mix
    return check


# --- checks by fixed schedules


def wait_until(condition, seconds=5.0):
    """Polls: no event tells that a thread has begun to wait."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def call_in_background(talker, *argv):
    """(event of the end, list that then holds the reply)."""
    replies = []
    return in_background(lambda: replies.append(talker(*argv))), replies


def find_entry(server, key, number=0):
    return server.store.databases[number].entries[key]


def given_up(server):
    """An event that is set when some unit has given up its keys to wait for one."""
    event, original = threading.Event(), Unit._give_up

    def give_up(unit):
        original(unit)
        event.set()
    return event, give_up


def waiting_leaves_nothing_behind(attempt, monkeypatch):
    """MGET a b, while b is taken: the placeholder of a is gone as long as the client waits."""
    server = make_server()
    talker = Talker(server)
    talker("SET", "b", "1")
    busy = find_entry(server, b"b")
    event, give_up = given_up(server)
    monkeypatch.setattr(Unit, "_give_up", give_up)
    busy.acquire()
    try:
        done, replies = call_in_background(talker, "MGET", "a", "b")
        assert event.wait(5)
        assert b"a" not in server.store.databases[0].entries, "a placeholder is left behind"
    finally:
        busy.release()
    assert done.wait(5) and replies == [[None, b"1"]]
    talker.close()
    check_store(server)


def waiting_beside_sort_ends(attempt, monkeypatch):
    """SORT holds z and wants w1; MSET has w1 and wants z. It must let w1 go."""
    server = make_server()
    sorter, setter = Talker(server), Talker(server)
    sorter("RPUSH", "z", "1")
    at_weight, go = threading.Event(), threading.Event()
    look_up = sorting._look_up

    def slow_look_up(*arguments):
        at_weight.set()
        assert go.wait(5)
        return look_up(*arguments)

    monkeypatch.setattr(sorting, "_look_up", slow_look_up)
    sorted_, replies = call_in_background(sorter, "SORT", "z", "BY", "w*")
    assert at_weight.wait(5)
    set_, _ = call_in_background(setter, "MSET", "w1", "5", "z", "5")
    time.sleep(0.05)  # for MSET to take w1 and to find z taken: nothing tells when it waits
    go.set()
    assert sorted_.wait(2), "SORT and MSET wait for each other"
    assert replies == [[b"1"]] and set_.wait(2)


def an_exclusive_command_ends(attempt, monkeypatch):
    talker = Talker(make_server())
    done, replies = call_in_background(talker, "FLUSHALL")
    assert done.wait(2), "the gate waits for its own thread"


def newcomers_wait_for_the_gate(attempt, monkeypatch):
    """Who becomes a member while the gate is closed is not in the list of those that were stopped."""
    server = make_server()
    gate = server.store.gate
    gate.take()
    done, _ = call_in_background(Talker(server), "SET", "k", "v")
    try:
        assert not done.wait(0.05), "a newcomer ran beside an exclusive unit"
    finally:
        gate.give(True)
    assert done.wait(5)


def what_sort_settled_is_looked_up_anew(attempt, monkeypatch):
    """SORT has to close the gate for a busy weight, when it has a placeholder of its destination in its set."""
    server = make_server()
    talker = Talker(server)
    talker.batch([("RPUSH", "z", "1"), ("SET", "w1", "5")])
    busy = find_entry(server, b"w1")
    busy.acquire()
    try:
        done, replies = call_in_background(talker, "SORT", "z", "BY", "w*", "STORE", "s")
        wait_until(lambda: server.store.gate.stop)
        time.sleep(0.01)  # for what follows upon closing
    finally:
        busy.release()
    assert done.wait(5) and replies == [1]
    assert talker("LRANGE", "s", "0", "-1") == [b"1"], "the result went into a dead entry"
    talker.close()
    check_store(server)


def interest_raised_under_the_key_lock_counts(attempt, monkeypatch):
    """As WATCH does it: while it holds the key, a writer is under way. The writer must see the interest."""
    server = make_server()
    setter = Talker(server)
    setter("SET", "k", "1")
    heard = []
    server.store.changes.attach("watch", lambda *change: heard.append(change))
    busy = find_entry(server, b"k")
    event, give_up = given_up(server)
    monkeypatch.setattr(Unit, "_give_up", give_up)
    busy.acquire()
    done, _ = call_in_background(setter, "SET", "k", "2")
    assert event.wait(5)
    server.store.changes.adjust_interest("watch", 1)
    busy.release()
    assert done.wait(5)
    assert heard == [(0, b"k", "set")], "the change was missed"


def the_hook_sees_values_before_they_change(attempt, monkeypatch):
    """A snapshot must get the value that was: by the short way, the general way, expiry by clients and by itself."""
    server = make_server()
    talker = Talker(server)
    talker.batch([("SET", "a", "1"), ("SET", "b", "2"), ("SET", "dead", "3", "PX", "5"),
                  ("SET", "read", "4", "PX", "5"), ("SET", "idle", "5", "PX", "5"), ("RPUSH", "l", "x"),
                  ("RPUSH", "m", "y")])
    seen = {}

    def hook(number, key, value):
        seen.setdefault(key, None if value is MISSING else value if isinstance(value, bytes) else list(value))

    server.store.changes.before_change = hook
    talker.batch([("APPEND", "a", "x"), ("RPUSH", "l", "z"), ("SET", "new", "1")])
    assert seen == {b"a": b"1", b"l": [b"x"], b"new": None}
    talker.batch([("MSET", "b", "9", "new2", "1"), ("LMOVE", "l", "m", "LEFT", "LEFT")])
    assert (seen[b"b"], seen[b"new2"], seen[b"m"]) == (b"2", None, [b"y"])
    server.clock.advance(10)
    talker.batch([("SET", "dead", "new"), ("GET", "read")])
    assert (seen.get(b"dead"), seen.get(b"read")) == (b"3", b"4")
    server.expiry.cycle()
    assert seen[b"idle"] == b"5"


# --- breaks


def get_without_the_lock(monkeypatch):
    def get(ctx, key):
        entry = ctx.database.entries.get(key)
        value = MISSING if entry is None else entry.value
        if isinstance(value, LinkedList):
            raise WrongType()
        return None if value is MISSING or value is DEAD else value

    spec = strings.get.command_specs[0]
    for name, wrong in (("handler", get), ("keys", ()), ("short_max", 0)):
        monkeypatch.setattr(spec, name, wrong)

    def slow_put(*arguments, **named):
        put(*arguments, **named)
        time.sleep(0.0001)  # to be found soon

    put = Unit.put
    monkeypatch.setattr(Unit, "put", slow_put)


def mget_key_by_key(monkeypatch):
    spec = strings.mget.command_specs[0]

    def mget(ctx, *keys):
        values = []
        for key in keys:
            ctx.lock([(ctx.number, key)])
            values.append(ctx.peek(key))
            ctx._give_up()
        return values

    monkeypatch.setattr(spec, "keys", ())
    monkeypatch.setattr(spec, "handler", mget)


def absent_keys_of_mget_not_locked(monkeypatch):
    pairs, find = CommandSpec.pairs, Unit.find

    def some_pairs(spec, *arguments):
        found = pairs(spec, *arguments)
        return [pair for pair in found if pair[1] in table(pair[0])] if spec.name == "mget" else found

    def find_or_absent(unit, key, number=None):
        try:
            return find(unit, key, number)
        except KeyOutsideUnit:
            return ABSENT

    def table(number):
        return stores[-1].databases[number].entries

    stores, init = [], Unit.__init__

    def note_store(unit, store, member):
        stores.append(store)
        init(unit, store, member)

    monkeypatch.setattr(Unit, "__init__", note_store)
    monkeypatch.setattr(CommandSpec, "pairs", some_pairs)
    monkeypatch.setattr(Unit, "find", find_or_absent)


def entries_leave_in_mid_unit(monkeypatch):
    def remove(unit, key, number=None):
        entry = unit.find(key, number)
        if entry.value is MISSING:
            return False
        number = unit.number if number is None else number
        database = unit.store.databases[number]
        unit._clear(entry)
        with database.index_lock:
            database.reindex(key, entry, True)
        entry.value = DEAD
        del database.entries[key]
        unit.entries.pop((number, key), None)
        if key is unit.key:
            unit.unsettled = SETTLED
        time.sleep(0.0001)  # to be found soon
        return True

    monkeypatch.setattr(Unit, "remove", remove)


def leaving_entries_not_marked_dead(monkeypatch):
    """So that nobody who waited for one can tell that it has left the dict."""
    def settle(changed, leaving, with_expiry):
        index_entries_at_once(changed, with_expiry)
        for database, key, _ in leaving:
            del database.entries[key]

    monkeypatch.setattr(locking, "settle", settle)
    monkeypatch.setattr(Unit, "settle_single", settle_single_by(settle))


def append_after_unlocking(monkeypatch):
    """At the end of the batch, when all keys are free again."""
    late = threading.local()

    class LateQueue(list):
        def append(self, record):
            if not hasattr(late, "records"):
                late.records = []
            late.records.append(record)

    def make_log(log):
        init(log)
        log.queue = LateQueue()

    def append_and_drain(log):
        log.queue += getattr(late, "records", [])
        late.records = []
        drain(log)

    init, drain = WriteLog.__init__, WriteLog.drain
    monkeypatch.setattr(WriteLog, "__init__", make_log)
    monkeypatch.setattr(WriteLog, "drain", append_and_drain)


def select_apart_from_its_command(monkeypatch):
    """Logged when the client selects, and not by the drainer where the database of the stream changes."""
    select = Context.select

    def logged_select(ctx, number):
        select(ctx, number)
        if ctx.log.on:
            ctx.log.queue.append((None, [b"SELECT", b"%d" % number], number))

    monkeypatch.setattr(Context, "select", logged_select)
    monkeypatch.setattr(_Renderer, "write", lambda self, commands: self._sink(b"".join([data for _, data in commands])))


def wait_holding_keys(monkeypatch):
    lock_pairs, wait_holding = Unit._lock_pairs, Unit._wait_holding
    monkeypatch.setattr(Unit, "_lock_pairs", lambda unit, pairs, may_wait: lock_pairs(unit, pairs, True))
    monkeypatch.setattr(Unit, "_wait_holding",
                        lambda unit, entry: wait_holding(unit, entry) if unit.turn else entry.acquire())


def own_member_lock_kept(monkeypatch):
    def take_turn(unit):
        unit.gate.turn.acquire()
        unit.turn = True
        unit.rebind()

    monkeypatch.setattr(Unit, "take_turn", take_turn)


def newcomers_do_not_look(monkeypatch):
    monkeypatch.setattr(Gate, "enter", lambda gate, member: member.lock.acquire())


def giving_up_leaves_placeholders(monkeypatch):
    monkeypatch.setattr(Unit, "_give_up", lambda unit: unit._release())


def settled_entries_kept(monkeypatch):
    monkeypatch.setattr(Unit, "_settle_and_forget", lambda unit: unit.settle())


def dict_before_index(monkeypatch):
    def settle(changed, leaving, with_expiry):
        for database, key, _ in leaving:
            del database.entries[key]
        index_entries_at_once(changed, with_expiry)
        for _, _, entry in leaving:
            entry.value = DEAD

    monkeypatch.setattr(locking, "settle", settle)
    monkeypatch.setattr(Unit, "settle_single", settle_single_by(settle))


def settle_single_by(settle):
    def settle_single(unit):
        place = unit.database, unit.key, unit.entry
        settle([place], [place] if unit.entry.value is MISSING else [], True)
        unit.unsettled = SETTLED

    return settle_single


def index_entries_at_once(changed, with_expiry):
    databases = sorted({database for database, _, _ in changed}, key=id)
    for database in databases:
        database.index_lock.acquire()
    try:
        for database, key, entry in changed:
            database.reindex(key, entry, with_expiry)
    finally:
        for database in databases:
            database.index_lock.release()


def index_key_by_key(monkeypatch):
    def settle(changed, leaving, with_expiry):
        for place in changed:
            index_entries_at_once([place], with_expiry)
            time.sleep(0.0001)  # to be found soon
        for database, key, entry in leaving:
            entry.value = DEAD
            del database.entries[key]

    monkeypatch.setattr(locking, "settle", settle)


def keys_without_the_gate(monkeypatch):
    monkeypatch.setattr(Unit, "exclusively", lambda unit, action: action())


def look_ups_kept_across_the_gate(monkeypatch):
    """For a batch, or until the client itself selects, empties or swaps databases."""
    kept, run, rebind = {}, Session._run, Unit.rebind

    def run_batch(session, *arguments):
        kept.pop(session.ctx, None)
        run(session, *arguments)

    def rebind_once(unit):
        if unit.closed or kept.get(unit, (None,))[0] != unit.number:
            kept[unit] = None if unit.closed else unit.number, rebind(unit), unit.database
        _, find, unit.database = kept[unit]
        return find

    monkeypatch.setattr(Session, "_run", run_batch)
    monkeypatch.setattr(Unit, "rebind", rebind_once)


def interest_read_before_the_lock(monkeypatch):
    """Once per batch, as it would be fastest."""
    flags, run = {}, Session._run

    def note_flag(session, *arguments):
        flags[session.ctx] = session.ctx.changes.any
        run(session, *arguments)

    def modified(unit, key, event, number=None):
        unit.dirty += 1
        if flags[unit]:
            unit.changes.modified(unit.number if number is None else number, key, event)

    monkeypatch.setattr(Session, "_run", note_flag)
    monkeypatch.setattr(Unit, "modified", modified)


def time_read_before_the_locks(monkeypatch):
    lock = Unit.lock

    def lock_late(unit, pairs):
        unit.now_ms()
        lock(unit, pairs)

    monkeypatch.setattr(Unit, "lock", lock_late)


def copy_hook_after_the_change(monkeypatch):
    """In `modified`, where it is too late."""
    modified = Unit.modified

    def modified_then_shown(unit, key, event, number=None):
        modified(unit, key, event, number)
        if unit.changes.before_change is None and late:
            late[-1](unit.number if number is None else number, key, unit.find(key, number).value)

    late = []

    class LateChanges(Changes):
        __slots__ = ()

        @property
        def before_change(self):
            return None

        @before_change.setter
        def before_change(self, hook):
            if hook is not None:
                late.append(hook)

    monkeypatch.setattr(Unit, "modified", modified_then_shown)
    monkeypatch.setattr("mini_redis.store.store.Changes", LateChanges)


@dataclass
class Rule:
    """``check(attempt)`` or, for a fixed schedule, ``check(attempt, monkeypatch)`` raises if the rule is broken."""

    break_it: Callable
    check: Callable
    is_schedule: bool = field(init=False)

    def __post_init__(self):
        self.is_schedule = not hasattr(self.check, "mix")


RULES = [
    Rule(get_without_the_lock, histories("reads")),
    Rule(mget_key_by_key, histories("both")),
    Rule(absent_keys_of_mget_not_locked, histories("both")),
    Rule(entries_leave_in_mid_unit, histories("names")),
    Rule(leaving_entries_not_marked_dead, histories("absent")),
    Rule(append_after_unlocking, histories("strings", "odd")),
    Rule(select_apart_from_its_command, histories("databases", "odd")),
    Rule(wait_holding_keys, waiting_beside_sort_ends),
    Rule(own_member_lock_kept, an_exclusive_command_ends),
    Rule(newcomers_do_not_look, newcomers_wait_for_the_gate),
    Rule(giving_up_leaves_placeholders, waiting_leaves_nothing_behind),
    Rule(settled_entries_kept, what_sort_settled_is_looked_up_anew),
    Rule(dict_before_index, histories("index")),
    Rule(index_key_by_key, histories("walks")),
    Rule(keys_without_the_gate, histories("walks")),
    Rule(look_ups_kept_across_the_gate, histories("exclusive")),
    Rule(interest_read_before_the_lock, interest_raised_under_the_key_lock_counts),
    Rule(time_read_before_the_locks, histories("time")),
    Rule(copy_hook_after_the_change, the_hook_sees_values_before_they_change),
]
SCHEDULES = {rule.check.__name__: rule.check for rule in RULES if rule.is_schedule}


@pytest.mark.parametrize("check", SCHEDULES.values(), ids=SCHEDULES)
def test_the_rule_is_kept(check, monkeypatch):
    check(0, monkeypatch)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.break_it.__name__)
def test_breaking_it_is_seen(rule, monkeypatch):
    rule.break_it(monkeypatch)
    if rule.is_schedule:
        with pytest.raises(AssertionError):
            rule.check(0, monkeypatch)
        return
    for seed in range(10):
        check_history(rule.check.mix, seed, clients=1)  # one client alone does not notice, or the break proves nothing
    error = fails_within(rule.check, SECONDS, Exception)
    assert error is not None, "nothing noticed"


# --- the rest of what a waiting client must and must not do


def test_a_taken_key_stops_only_those_who_want_it():
    server = make_server()
    talker, other = Talker(server), Talker(server)
    talker.batch([("SET", "a", "1"), ("SET", "b", "2")])
    busy = find_entry(server, b"a")
    busy.acquire()
    waiting = [call_in_background(Talker(server), *argv)
               for argv in (("GET", "a"), ("SET", "a", "3"), ("MGET", "b", "a"), ("SORT", "a"))]
    replies = []
    batch = [("GET", "b"), ("SET", "b", "3"), ("DBSIZE",), ("SCAN", "0"), ("GET", "c")]
    run_threads(lambda: replies.extend(other.batch(batch)))
    assert replies[0] == b"2" and replies[2] == 2
    assert not any(done.is_set() for done, _ in waiting)
    busy.release()
    assert all(done.wait(5) for done, _ in waiting)


def test_flushall_waits_for_nobody_who_waits():
    """A client that waits for a key has left the gate."""
    server = make_server()
    talker, other = Talker(server), Talker(server)
    talker("SET", "a", "1")
    busy = find_entry(server, b"a")
    busy.acquire()
    done, replies = call_in_background(talker, "GET", "a")
    run_threads(lambda: other("FLUSHALL"), seconds=5)
    busy.release()
    assert done.wait(5) and replies == [None]


def test_keys_shows_the_database_of_the_moment_in_which_the_gate_is_closed(monkeypatch):
    """While KEYS waits for the gate, SWAPDB puts another database in the place of the client's."""
    server = make_server()
    talker, other = Talker(server), Talker(server)
    other.batch([("SET", "old", "1"), ("SELECT", "1"), ("SET", "new", "1")])
    become_exclusive = Unit.become_exclusive

    def swapped_before(unit):
        if unit is talker.session.ctx and not swapped:
            swapped.append(True)
            unit.gate.leave(unit.member)
            run_threads(lambda: other("SWAPDB", "0", "1"), seconds=5)
            unit.gate.enter(unit.member)
        become_exclusive(unit)

    swapped = []
    monkeypatch.setattr(Unit, "become_exclusive", swapped_before)
    assert talker("KEYS", "*") == [b"new"]


def test_a_command_that_finds_its_keys_taken_again_and_again_gets_them_exclusively(monkeypatch):
    server = make_server()
    talker = Talker(server)
    talker.batch([("SET", "a", "1"), ("SET", "b", "2")])
    unit = talker.session.ctx
    lock_pairs, tries = Unit._lock_pairs, []

    def always_busy(self, pairs, may_wait):
        tries.append(may_wait)
        if self is unit and not may_wait:
            raise locking.KeyBusy(find_entry(server, b"a"))
        lock_pairs(self, pairs, may_wait)

    monkeypatch.setattr(Unit, "_lock_pairs", always_busy)
    assert talker("MGET", "a", "b") == [b"1", b"2"]
    assert tries == [False] * locking.RETRIES + [True]
    assert server.store.gate.stop == 0 and not unit.turn and talker("DBSIZE") == 2
    talker.close()
    check_store(server)


# --- a handler that fails half way


def broken_append(ctx, key, value):
    ctx.update(key, b"half")
    ctx.modified(key, "append")
    raise ZeroDivisionError


def broken_append_before_it_says_so(ctx, key, value):
    ctx.update(key, b"half")
    raise ZeroDivisionError


def broken_append_without_memory(ctx, key, value):
    ctx.update(key, b"half")
    ctx.modified(key, "append")
    raise MemoryError


@pytest.mark.parametrize("handler", [broken_append, broken_append_before_it_says_so, broken_append_without_memory])
@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("exists", [True, False])
def test_a_handler_that_fails_after_a_change_leaves_log_and_memory_alike(monkeypatch, handler, short, exists):
    server = make_server()
    log = LogCopy(server)
    talker = Talker(server)
    if exists:
        talker.batch([("SET", "k", "whole", "PX", "1000")])
    spec = strings.append.command_specs[0]
    monkeypatch.setattr(spec, "handler", handler)
    if not short:
        monkeypatch.setattr(spec, "short_max", 0)
    assert talker("APPEND", "k", "x").startswith(b"ERR internal error")
    assert log.commands()[-4:][:1] != [[b"APPEND", b"k", b"x"]]
    assert talker("GET", "k") == b"half"
    talker.close()
    check_store(server)
    assert Talker(log.replay()).batch([("GET", "k"), ("PEXPIRETIME", "k")]) == Talker(server).batch(
        [("GET", "k"), ("PEXPIRETIME", "k")])


def test_a_failed_rename_is_logged_as_both_keys_are(monkeypatch):
    server = make_server()
    log = LogCopy(server)
    talker = Talker(server)
    talker.batch([("RPUSH", "a", *map(str, range(2500))), ("SET", "b", "1")])

    def broken_rename(ctx, source, destination):
        ctx.put(destination, ctx.peek(source))
        ctx.remove(source)
        ctx.modified(source, "rename_from")
        raise ZeroDivisionError

    monkeypatch.setattr(generic.rename.command_specs[0], "handler", broken_rename)
    assert talker("RENAME", "a", "b").startswith(b"ERR internal error")
    commands = log.commands()[3:]
    assert [argv[:2] for argv in commands] == [
        [b"MULTI"], [b"DEL", b"a"], [b"DEL", b"b"], [b"RPUSH", b"b"], [b"RPUSH", b"b"], [b"RPUSH", b"b"], [b"EXEC"]]
    assert Talker(log.replay())("LLEN", "b") == talker("LLEN", "b") == 2500
