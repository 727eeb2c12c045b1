"""No thread takes locks against the rank table, whatever the clients do."""

import random
import time

import pytest

from tests.support_concurrency import SOAK_SECONDS, LogCopy, Switching, Talker, make_server, run_threads
from tests.support_ranks import RankBroken, install

THREADS = 8
KEYS = [b"k%d" % number for number in range(6)]


@pytest.fixture
def checker(monkeypatch):
    return install(monkeypatch)


def mixed_command(source):
    """One command of any kind of lock set, often with two or more keys of few."""
    one, two, three = source.sample(KEYS, 3)
    return source.choice([
        ("GET", one), ("SET", one, "1"), ("SET", one, "2", "PX", "1"), ("INCR", one), ("DEL", one, two),
        ("EXPIRE", one, "1"), ("PERSIST", two),
        ("MSET", one, "1", two, "2", three, "3"), ("MGET", three, two, one), ("RENAME", one, two), ("COPY", one, two),
        ("MOVE", one, "1"), ("SELECT", source.choice("01")), ("LPUSH", "l", "0", "1"),
        ("LMOVE", "l", "m", "LEFT", "RIGHT"),
        ("SORT", "l", "BY", "k*", "GET", "k*", "STORE", "m"), ("SORT", "m", "BY", "k*"), ("DBSIZE",), ("RANDOMKEY",),
        ("SCAN", "0"), ("KEYS", "*"), ("FLUSHDB",), ("FLUSHALL",), ("SWAPDB", "0", "1"), ("INFO",), ("CLIENT", "LIST"),
        ("CONFIG", "RESETSTAT"), ("DEBUG", "DIGEST"), ("NOSUCHCOMMAND",), ("HGET", "k", "f"),
        ("OBJECT", "ENCODING", one),
    ])  # fmt: skip


def storm(server, checker, seed, seconds):
    """Threads that run batches of anything, with clients that come and go. Gives the number of commands."""
    deadline = time.monotonic() + seconds
    counts = [0] * THREADS

    def client(number):
        source = random.Random(f"{seed} {number}")
        talker = Talker(server)
        while time.monotonic() < deadline:
            batch = [mixed_command(source) for _ in range(source.randint(1, 5))]
            talker.batch(batch)
            counts[number] += len(batch)
            if source.random() < 0.02:
                talker.close()
                talker = Talker(server)
        talker.close()
        assert checker.held == []

    def expiry():
        while time.monotonic() < deadline:
            server.clock.advance(1)
            server.expiry.cycle()
            time.sleep(0)

    works = [lambda number=number: client(number) for number in range(THREADS)]
    run_threads(*works, expiry, switching=Switching(seed, 0.02), seconds=seconds + 20)
    return sum(counts)


def test_a_storm_of_everything_keeps_the_ranks(checker):
    seed = time.time_ns()
    server = make_server()
    LogCopy(server)
    commands = storm(server, checker, seed, max(2.0, SOAK_SECONDS / 10))
    assert not checker.breaches, f"seed {seed}: {checker.breaches[:3]}"
    assert commands > 500
    assert {"turn", "closed", "member", "entry", "index", "members", "drain", "stats"} <= checker.taken


@pytest.mark.parametrize("first, second", [
    ("index", "entry"), ("entry", "member"), ("entry", "turn"), ("member", "turn"), ("member", "member"),
    ("drain", "member"), ("entry", "drain"), ("stats", "index"), ("interest", "stats"), ("closed", "turn"),
])  # fmt: skip
def test_a_wrong_order_is_reported(checker, first, second):
    entry_class = checker.entry_class()
    outer, inner = (entry_class() if name == "entry" else checker.lock(name) for name in (first, second))
    outer.acquire()
    with pytest.raises(RankBroken):
        inner.acquire()
    outer.release()
    assert len(checker.breaches) == 1


def test_a_right_order_is_not(checker):
    turn, closed, member = map(checker.lock, ("turn", "closed", "member"))
    keys = [checker.entry_class()() for _ in range(2)]
    indexes = [checker.lock("index") for _ in range(2)]
    turn.acquire()
    for key in keys:
        key.acquire()
    closed.acquire()  # the turn holder's exception
    member.acquire()
    keys[0].acquire()  # once more in the same thread
    for index in indexes:
        index.acquire()
    for lock in (*indexes, keys[0], member, closed, *keys, turn):
        lock.release()
    assert checker.breaches == [] and checker.held == []


def test_a_breach_in_the_product_is_seen(checker, monkeypatch):
    """A handler that enters the gate once more, as if it wanted to send under its key's lock."""
    server = make_server()
    talker = Talker(server)
    spec = server.table.by_name["get"]
    monkeypatch.setattr(spec, "handler", lambda ctx, key: ctx.gate.turn.acquire())
    talker("SET", "k", "v")
    assert talker("GET", "k").startswith(b"ERR internal error")
    assert len(checker.breaches) == 1
