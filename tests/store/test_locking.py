"""Unit: the lock set, what a unit does to the store, and its end. Waiting is tested in tests/concurrency."""

import pytest

from mini_redis.errors import WrongType
from mini_redis.store.entry import DEAD, MISSING, Entry
from mini_redis.store.gate import Member
from mini_redis.store.locking import EXPIRY, SETTLED, KeyBusy, KeyOutsideUnit, Unit
from mini_redis.types.lists import LinkedList
from tests.support_concurrency import LogCopy, check_store, make_server, run_threads


@pytest.fixture
def server():
    return make_server()


@pytest.fixture
def unit(server):
    unit = make_unit(server)
    yield unit
    unit.gate.leave(unit.member)
    unit.gate.unregister(unit.member)
    check_store(server)


def make_unit(server):
    """A unit inside the gate."""
    member = Member()
    server.store.gate.register(member)
    server.store.gate.enter(member)
    return Unit(server.store, member)


def set_keys(unit, *keys, value=b"v", expire_ms=None):
    unit.lock([(0, key) for key in keys])
    for key in keys:
        unit.put(key, value, expire_ms)
    unit.end(None, [])


def entries(unit):
    return unit.store.databases[0].entries


def is_free(entry):
    out = []
    run_threads(lambda: out.append(entry.acquire(False) and (entry.release() or True)))
    return out == [True]


def test_the_lock_set_is_held_until_the_end(unit):
    set_keys(unit, b"a")
    unit.lock([(0, b"a"), (0, b"b"), (0, b"a"), (1, b"c")])
    assert list(unit.entries) == [(0, b"a"), (0, b"b"), (1, b"c")] and len(unit.held) == 3
    assert not any(map(is_free, unit.held))
    placeholder = entries(unit)[b"b"]
    assert placeholder.value is MISSING and unit.peek(b"b") is None
    unit.end(None, [])
    assert placeholder.value is DEAD and is_free(entries(unit)[b"a"]) and list(entries(unit)) == [b"a"]
    assert unit.held == [] and unit.entries == {} and unit.unsettled == SETTLED


def test_a_deleted_key_leaves_at_the_end_and_not_before(unit):
    set_keys(unit, b"a", b"b")
    unit.lock([(0, b"a")])
    assert unit.remove(b"a") and not unit.remove(b"a")
    assert b"a" in entries(unit) and len(unit.store.databases[0]) == 2
    unit.end(None, [])
    assert b"a" not in entries(unit) and unit.store.databases[0].keys == [b"b"]


def test_deleted_and_made_again_in_one_unit(unit):
    set_keys(unit, b"a", expire_ms=2**60)
    entry = entries(unit)[b"a"]
    unit.lock([(0, b"a")])
    unit.remove(b"a")
    unit.put(b"a", b"new")
    unit.end(None, [])
    assert entries(unit)[b"a"] is entry and entry.value == b"new" and unit.store.databases[0].counts() == (1, 0, 0)


def test_another_key_than_the_lock_set_is_refused(unit):
    unit.lock([(0, b"a")])
    with pytest.raises(KeyOutsideUnit):
        unit.find(b"b")
    with pytest.raises(KeyOutsideUnit):
        unit.find(b"a", 1)
    unit.end(None, [])


def test_the_turn_holder_adds_keys_while_it_runs(unit):
    unit.take_turn()
    assert unit.find(b"a").value is MISSING and unit.find(b"a", 3) is unit.entries[3, b"a"]
    unit.end(None, [])
    assert not unit.turn and entries(unit) == {} and not unit.gate.turn.locked()


def test_reading_checks_the_type(unit):
    set_keys(unit, b"a")
    unit.lock([(0, b"a"), (0, b"b")])
    assert unit.read(b"a", bytes) == b"v" and unit.read(b"b", bytes) is None
    with pytest.raises(WrongType):
        unit.read(b"a", LinkedList)
    unit.end(None, [])


def test_trying_a_key_never_waits(unit):
    set_keys(unit, b"a")
    assert unit.try_lock((0, b"nothing")) is None and entries(unit).keys() == {b"a"}
    entry = entries(unit)[b"a"]
    results = []
    entry.acquire()
    other = make_unit_of(unit)
    run_threads(lambda: results.append(other.try_lock((0, b"a"))))
    entry.release()
    assert results == [None] and other.held == []
    assert unit.try_lock((0, b"a")) is entry
    unit.end(None, [])


def make_unit_of(unit):
    return Unit(unit.store, Member())


def test_trying_a_key_that_has_just_left(unit):
    dead = entries(unit)[b"a"] = Entry()
    dead.value = DEAD
    assert unit.try_lock((0, b"a")) is None and is_free(dead)
    del entries(unit)[b"a"]


def test_one_taken_key_is_busy(unit):
    set_keys(unit, b"a")
    entry = entries(unit)[b"a"]
    entry.acquire()
    errors = []

    def try_it():
        with pytest.raises(KeyBusy) as caught:
            make_unit_of(unit).lock_one(b"a")
        errors.append(caught.value.entry)

    run_threads(try_it)
    entry.release()
    assert errors == [entry]


def test_an_expired_key_is_deleted_before_the_handler(server, unit):
    log = LogCopy(server)
    set_keys(unit, b"a", b"b", expire_ms=server.clock.now_ms() + 5)
    server.clock.advance(5)
    unit.lock([(0, b"a"), (0, b"c")])
    assert unit.peek(b"a") is None and unit.expired_total == 1
    unit.put(b"c", b"1")
    unit.modified(b"c", "set")
    unit.end(None, [b"SET", b"c", b"1"])
    assert log.commands() == [[b"MULTI"], [b"SELECT", b"0"], [b"DEL", b"a"], [b"SET", b"c", b"1"], [b"EXEC"]]
    assert unit.store.databases[0].keys == [b"b", b"c"]


def test_time_is_one_per_unit(server, unit):
    unit.lock([(0, b"a")])
    before = unit.now_ms()
    server.clock.advance(10)
    assert unit.now_ms() == before
    unit.end(None, [])
    assert unit.now_ms() == before + 10
    unit.end(None, [])


@pytest.mark.parametrize("old, new, unsettled", [
    ((b"v", None), (b"w", None), SETTLED),
    ((b"v", 2**60), (b"w", 2**61), SETTLED),
    ((b"v", 2**60), (b"w", None), EXPIRY),
    ((b"v", None), (b"w", 2**60), EXPIRY),
])  # fmt: skip
def test_replacing_a_value_touches_the_indexes_only_if_it_must(unit, old, new, unsettled):
    set_keys(unit, b"a", value=old[0], expire_ms=old[1])
    unit.lock([(0, b"a")])
    unit.put(b"a", *new)
    assert unit.unsettled == unsettled
    unit.end(None, [])
    assert unit.store.databases[0].counts() == (1, int(new[1] is not None), 0)


def test_updating_keeps_the_time_to_live(unit):
    set_keys(unit, b"a", expire_ms=2**60)
    unit.lock([(0, b"a")])
    unit.update(b"a", b"w")
    unit.end(None, [])
    assert (entries(unit)[b"a"].value, entries(unit)[b"a"].expire_ms) == (b"w", 2**60)


def test_an_emptied_value_takes_its_key_with_it(server, unit):
    events = []
    unit.changes.attach("notify", lambda *change: events.append(change))
    unit.changes.adjust_interest("notify", 1)
    items = LinkedList(server.config.limits)
    items.push_left(b"x")
    set_keys(unit, b"l", value=items)
    unit.lock([(0, b"l")])
    items.pop_left()
    unit.shrunk(b"l", items, "lpop")
    unit.end(None, [])
    assert events == [(0, b"l", "lpop"), (0, b"l", "del")] and entries(unit) == {}


def test_an_exclusive_unit_settles_as_it_goes(unit):
    unit.become_exclusive()
    assert unit.turn and unit.closed
    unit.close()  # once is enough
    unit.put(b"a", b"1")
    unit.flush_databases([0])
    unit.put(b"a", b"2")
    unit.swap_databases(0, 1)
    assert unit.peek(b"a") is None and unit.peek(b"a", 1) == b"2"
    unit.end(None, [])
    assert unit.store.databases[1].keys == [b"a"] and not unit.closed


def test_acting_exclusively_in_the_middle_of_a_shared_unit(unit):
    assert unit.exclusively(lambda: unit.gate.stop) == 1
    assert unit.gate.stop == 0 and not unit.turn and unit.member.lock.locked()
    with pytest.raises(ZeroDivisionError):
        unit.exclusively(lambda: 1 / 0)
    assert unit.gate.stop == 0 and not unit.turn


def test_what_is_propagated_replaces_the_command(server, unit):
    log = LogCopy(server)
    set_keys(unit, b"a")
    for commands in ([[b"X"]], [[b"X"], [b"Y"]], []):
        unit.lock([(0, b"a")])
        unit.modified(b"a", "set")
        unit.propagate_as(*commands)
        unit.end(None, [b"IGNORED"])
    unit.lock([(0, b"a")])
    unit.propagate_as([b"NEVER"])  # nothing was changed
    unit.end(None, [b"IGNORED"])
    unit.lock([(0, b"a")])
    unit.modified(b"a", "set")
    unit.end(None, [b"AS", b"IT", b"CAME"])
    assert log.commands()[1:] == [[b"X"], [b"MULTI"], [b"X"], [b"Y"], [b"EXEC"], [b"AS", b"IT", b"CAME"]]
