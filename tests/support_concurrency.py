"""Tools for tests with threads: switching at every line, hang detection, conversations in process, replay of the log.

A race shows itself only if the threads change places at the one wrong line, which the interpreter seldom does by
itself. `Switching` makes it likely: a trace function lets the interpreter go before a random tenth of the product's
lines. It asks nothing of the product, which has no hooks for tests.
"""

from __future__ import annotations

import io
import os
import random
import sys
import threading
import time
import traceback
from pathlib import Path

from mini_redis import Server
from mini_redis.clock import ManualClock
from mini_redis.store.entry import DEAD, MISSING
from mini_redis.types.hashes import Hash
from tests import resp

PACKAGE = Path(sys.modules["mini_redis"].__file__).parent
SWITCHED = tuple(str(PACKAGE / part) for part in ("store", "dispatch.py", "commands", "write_log.py"))
SOAK_SECONDS = float(os.environ.get("MINI_REDIS_SOAK_SECONDS", "0"))
"""How long each open-ended test runs, for a soak; 0: a few seconds."""


class Hang(Exception):
    """Threads did not end in time. They are daemons and stay behind, so the run goes on."""


class Switching:
    """Called in a thread, makes it give way at random lines of the product. Each thread has its own random source."""

    def __init__(self, seed: object, probability: float = 0.1) -> None:
        self.seed = seed
        self.probability = probability

    def __call__(self, number: int) -> None:
        chance, probability, sleep = random.Random(f"{self.seed} {number}").random, self.probability, time.sleep

        def at_line(frame, event, argument):
            if event == "line" and chance() < probability:
                sleep(0)
            return at_line

        def at_call(frame, event, argument):
            return at_line if frame.f_code.co_filename.startswith(SWITCHED) else None

        sys.settrace(at_call)


def run_threads(*works, switching=None, seconds=20.0):
    """Run functions at the same time, each in a thread of its own. Raises the first error, or Hang."""
    errors = []
    start = threading.Barrier(len(works))

    def run(number, work):
        try:
            start.wait()
            if switching is not None:
                switching(number)
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            sys.settrace(None)

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        while thread.is_alive() and not errors and time.monotonic() < deadline:
            thread.join(0.1)
    if errors:  # the others may wait for ever for the one that failed
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        frames = sys._current_frames()
        raise Hang("".join("".join(traceback.format_stack(frames[thread.ident])[-4:]) + "\n"
                           for thread in threads if thread.ident in frames))


def in_background(work):
    """Start one daemon thread; gives an Event that is set when the work is done (not when it failed)."""
    done = threading.Event()

    def run():
        work()
        done.set()

    threading.Thread(target=run, daemon=True).start()
    return done


class Talker:
    """A client in process: commands in, parsed replies out."""

    def __init__(self, server):
        self.session = server.new_session()

    def __call__(self, *argv):
        return self.batch([argv])[0]

    def batch(self, commands):
        """Replies of one pipeline, parsed."""
        stream = io.BytesIO(self.session.execute(b"".join(map(resp.encode_command, commands))))
        return [resp.read_reply(stream) for _ in commands]

    def close(self):
        self.session.close()


def make_server(**directives):
    """A server that is not started: no port, no periodic thread, and a clock that stands still."""
    clock = directives.pop("clock", None) or ManualClock()
    return Server(port=0, enable_debug_command="yes", clock=clock, random_source=random.Random(1), **directives)


class LogCopy:
    """What a sink of the write log got, and the server that it makes when replayed."""

    def __init__(self, server):
        self.server = server
        self.chunks = []
        server.write_log.attach(self.chunks.append)

    @property
    def data(self):
        self.server.write_log.flush()
        return b"".join(self.chunks)

    def commands(self):
        stream = io.BytesIO(self.data)
        out = []
        while stream.tell() < len(self.data):
            out.append(resp.read_reply(stream))
        return out

    def replay(self):
        """A second server that ran the log at the time at which the first began, so that only logged DELs delete.

        MULTI and EXEC are left out: nothing runs beside the replay.
        """
        replica = make_server()
        talker = Talker(replica)
        for argv in self.commands():
            if argv not in ([b"MULTI"], [b"EXEC"]):
                reply = talker(*argv)
                assert not isinstance(reply, resp.Error), f"replay of {argv} gives {reply}"
        talker.close()
        return replica


def contents(server, now_ms=None):
    """{(database, key): (value, expire_ms)}, plain and comparable, of what is alive at ``now_ms``."""
    now_ms = server.clock.now_ms() if now_ms is None else now_ms
    return {(number, key): (plain(entry.value), entry.expire_ms)
            for number, database in enumerate(server.store.databases)
            for key, entry in database.entries.items()
            if entry.value is not MISSING and (entry.expire_ms is None or entry.expire_ms > now_ms)}


def plain(value):
    """A value of the store as the specification knows it: bytes, a tuple for a list, else a frozenset."""
    if isinstance(value, Hash):
        return frozenset(value.items())
    name = type(value).__name__
    if name == "LinkedList":
        return tuple(value)
    return frozenset(value) if name == "Set" else b"%d" % value if isinstance(value, int) else bytes(value)


def check_replay(server, log):
    """Running the log again must give the same data; raises AssertionError."""
    now_ms = server.clock.now_ms()
    ours, theirs = contents(server, now_ms), contents(log.replay(), now_ms)
    different = sorted(pair for pair in ours.keys() | theirs.keys() if ours.get(pair) != theirs.get(pair))
    assert not different, [(pair, ours.get(pair), theirs.get(pair)) for pair in different[:5]]


def check_store(server):
    """All invariants of a store at rest, with every session closed; raises AssertionError."""
    for database in server.store.databases:
        alive = set()
        for key, entry in database.entries.items():
            assert entry.value is not DEAD, f"{key!r} is DEAD and in the dict"
            assert entry.value is not MISSING, f"a placeholder was left at {key!r}"
            assert database.keys[entry.position] == key, f"{key!r} is not at its position"
            alive.add(key)
        assert len(database.keys) == len(alive), "the index has keys that the dict has not"
        database.volatile.check()
        database.volatile_hashes.check()
        items = database.entries.items()
        assert set(database.volatile.names) == {key for key, entry in items if entry.expire_ms is not None}
        assert set(database.volatile_hashes.names) == {
            key for key, entry in items if isinstance(entry.value, Hash) and entry.value.next_expire_ms is not None}
    assert _all_free(server), "a lock is still held"
    assert server.store.gate.stop == 0, "the gate is not open"
    assert not server.store.gate._members, "somebody is still a member of the gate"


def _all_free(server):
    """Whether another thread gets every lock: one that this thread holds would give way to it."""
    store, free = server.store, []
    locks = [store.gate.turn, store.gate._closed, store.gate._members_lock, server.write_log._drain,
             *(database.index_lock for database in store.databases),
             *(entry for database in store.databases for entry in database.entries.values())]

    def look():
        for lock in locks:
            free.append(lock.acquire(False))
            if free[-1]:
                lock.release()

    run_threads(look)
    return all(free)


def fails_within(check, seconds, expected=(AssertionError, Hang)):
    """Repeat ``check(attempt)`` until it fails; the error, or None if it never did."""
    deadline = time.monotonic() + seconds
    attempt = 0
    while attempt == 0 or time.monotonic() < deadline:
        try:
            check(attempt)
        except expected as error:
            return error
        attempt += 1
    return None
