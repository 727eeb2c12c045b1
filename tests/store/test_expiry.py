"""Expiry, by whoever meets a dead key and by the active cycle. The clock stands still until a test moves it."""

import pytest

from mini_redis.store import expiry
from tests.support_concurrency import LogCopy, Talker, check_replay, check_store, in_background, make_server


@pytest.fixture(autouse=True)
def enough_time(monkeypatch):
    """A slow machine must not end a cycle early."""
    monkeypatch.setattr(expiry, "CYCLE_SECONDS", 60.0)
    monkeypatch.setattr(expiry, "SLICE_SECONDS", 60.0)


@pytest.fixture
def server():
    return make_server()


@pytest.fixture
def talker(server):
    return Talker(server)


def keys_left(server, number=0):
    return sorted(server.store.databases[number].entries)


def test_a_key_dies_in_the_very_millisecond(server, talker):
    talker("SET", "k", "v", "PX", "50")
    server.clock.advance(49)
    assert talker("GET", "k") == b"v"
    server.clock.advance(1)
    assert talker("GET", "k") is None and keys_left(server) == []


@pytest.mark.parametrize("argv", [
    ("GET", "k1"), ("STRLEN", "k1"), ("MGET", "k1", "x"), ("EXISTS", "k1"), ("SETNX", "k1", "1"), ("INCR", "k1"),
    ("RENAMENX", "k1", "new"), ("COPY", "x", "k1"), ("SORT", "l", "BY", "k*"), ("SORT_RO", "l", "GET", "k*"),
    ("DEL", "k1"),
])  # fmt: skip
def test_every_way_deletes_it_and_logs_the_del(server, talker, argv):
    talker.batch([("SET", "k1", "5", "PX", "50"), ("RPUSH", "l", "1")])
    log = LogCopy(server)
    server.clock.advance(50)
    before = talker.session.ctx.expired_total
    talker(*argv)
    assert [argv for argv in log.commands() if argv[0] == b"DEL"][0] == [b"DEL", b"k1"]
    assert talker.session.ctx.expired_total - before == 1
    talker.close()
    check_store(server)


def test_walks_skip_dead_keys_and_leave_them(server, talker):
    talker.batch([("SET", "dead", "1", "PX", "1"), ("SET", "alive", "1")])
    server.clock.advance(1)
    assert talker("KEYS", "*") == [b"alive"] and talker("SCAN", "0") == [b"0", [b"alive"]]
    assert talker("RANDOMKEY") == b"alive" and talker("DBSIZE") == 2
    assert keys_left(server) == [b"alive", b"dead"]


def test_time_stands_still_in_a_command_and_not_in_a_batch(server, talker, monkeypatch):
    spec = server.table.by_name["debug"]
    monkeypatch.setattr(spec, "handler", lambda ctx, *_: server.clock.advance(100) or 1)
    replies = talker.batch([("SET", "k", "v", "PX", "50"), ("GET", "k"), ("DEBUG", "X"), ("GET", "k")])
    assert replies[1::2] == [b"v", None]


def test_the_active_cycle_deletes_what_nobody_meets(server, talker):
    talker.batch([("SELECT", "3"), *[("SET", f"k{number}", "v", "PX", 1 + number % 2) for number in range(500)],
                  ("SET", "alive", "1")])
    log = LogCopy(server)
    server.clock.advance(1)
    server.expiry.cycle()
    assert talker("DBSIZE") == 251 and server.expiry.unit.expired_total == 250
    assert log.commands()[0] == [b"SELECT", b"3"] and len(log.commands()) == 251
    server.clock.advance(1)
    server.expiry.cycle()
    assert keys_left(server, 3) == [b"alive"]
    talker.close()
    check_store(server)


def test_the_cycle_can_be_turned_off(server, talker):
    talker.batch([("SET", "k", "v", "PX", "1"), ("DEBUG", "SET-ACTIVE-EXPIRE", "0")])
    server.clock.advance(1)
    server.expiry.cycle()
    assert keys_left(server) == [b"k"]
    talker("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    server.expiry.cycle()
    assert keys_left(server) == []


def test_fields_of_a_hash_expire_and_the_last_takes_the_key(server, talker):
    log = LogCopy(server)
    talker.batch([("HSET", "h", "f", "v", "g", "w"), ("HSET", "one", "f", "v"), ("SET", "k", "v")])
    for key, field in ((b"h", b"f"), (b"one", b"f")):
        entry = server.store.databases[0].entries[key]
        entry.value.set_expire(field, server.clock.now_ms() + 5)
        with server.store.databases[0].index_lock:
            server.store.databases[0].reindex(key, entry, True)
    server.expiry.cycle()
    assert talker("HLEN", "h") == 2
    server.clock.advance(5)
    server.expiry.cycle()
    assert talker("HGETALL", "h") == [b"g", b"w"] and keys_left(server) == [b"h", b"k"]
    assert log.commands()[-2:] == [[b"HDEL", b"one", b"f"], [b"HDEL", b"h", b"f"]] or \
        log.commands()[-2:] == [[b"HDEL", b"h", b"f"], [b"HDEL", b"one", b"f"]]
    check_replay(server, log)
    talker.close()
    check_store(server)


def test_a_taken_key_is_skipped_and_not_waited_for(server, talker):
    talker.batch([("SET", "a", "1", "PX", "1"), ("SET", "b", "1", "PX", "1")])
    server.clock.advance(1)
    busy = server.store.databases[0].entries[b"a"]
    busy.acquire()
    try:
        assert in_background(server.expiry.cycle).wait(5)
        assert keys_left(server) == [b"a"]
    finally:
        busy.release()
    server.expiry.cycle()
    assert keys_left(server) == []


def test_the_gate_is_shared_in_slices(server, talker, monkeypatch):
    """Between two slices of a long cycle others get the gate; each slice looks at SLICE keys and no more."""
    monkeypatch.setattr(expiry, "CYCLE_SECONDS", 60.0)
    monkeypatch.setattr(expiry, "SLICE_SECONDS", 60.0)
    count = 5 * expiry.SLICE
    talker.batch([("SET", f"k{number}", "v", "PX", "1") for number in range(count)])
    server.clock.advance(1)
    entered, gate_class = [], type(server.store.gate)
    enter = gate_class.enter

    def note_enter(gate, member):
        enter(gate, member)
        entered.append(len(server.store.databases[0]))

    monkeypatch.setattr(gate_class, "enter", note_enter)
    server.expiry.cycle()
    assert entered[:6] == list(range(count, -1, -expiry.SLICE)) and keys_left(server) == []


def test_a_cycle_ends_soon_if_few_keys_are_dead(server, talker, monkeypatch):
    talker.batch([("SET", f"k{number}", "v", "EX", "1000") for number in range(10 * expiry.SLICE)])
    slices, original = [], expiry.ActiveExpiry._slice
    monkeypatch.setattr(expiry.ActiveExpiry, "_slice",
                        lambda self, number: slices.append(number) or original(self, number))
    server.expiry.cycle()
    assert slices == list(range(16))


def test_the_cycle_is_no_member_while_it_rests(server):
    server.expiry.cycle()
    assert server.store.gate._members == {}


@pytest.mark.parametrize("limit", ["CYCLE_SECONDS", "SLICE_SECONDS"])
def test_a_cycle_is_bounded_by_time(server, talker, monkeypatch, limit):
    """With no time at all a cycle looks at one slice a database, and a slice at one key."""
    talker.batch([("SET", f"k{number}", "v", "PX", "1") for number in range(300)])
    server.clock.advance(1)
    monkeypatch.setattr(expiry, limit, -1.0)
    server.expiry.cycle()
    assert len(server.store.databases[0]) == (200 if limit == "CYCLE_SECONDS" else 299)
