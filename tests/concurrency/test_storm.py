"""Eight clients for seconds: nothing is lost or made twice, sums stay, the log replays to the same data."""

import random
import time

from tests.support_concurrency import (
    SOAK_SECONDS,
    LogCopy,
    Switching,
    Talker,
    check_replay,
    check_store,
    make_server,
    run_threads,
)

CLIENTS = 8
SECONDS = max(3.0, SOAK_SECONDS / 5)


def run_storm(server, work, seconds=SECONDS, switching_share=0.01):
    """``work(talker, source, number)`` again and again in each of CLIENTS threads. Gives the replies' number."""
    seed = time.time_ns()
    deadline = time.monotonic() + seconds
    counts = [0] * CLIENTS

    def client(number):
        source, talker = random.Random(f"{seed} {number}"), Talker(server)
        while time.monotonic() < deadline:
            counts[number] += work(talker, source, number)
        talker.close()

    print(f"seed {seed}")
    run_threads(*[lambda number=number: client(number) for number in range(CLIENTS)],
                switching=Switching(seed, switching_share), seconds=seconds + 30)
    print(f"{sum(counts)} operations")
    return sum(counts)


def digest(server):
    talker = Talker(server)
    reply = talker("DEBUG", "DIGEST")
    talker.close()
    return reply


def check_after(server, log):
    check_store(server)
    check_replay(server, log)
    assert digest(server) == digest(log.replay())


def test_elements_are_neither_lost_nor_doubled():
    """Each element is pushed once; it wanders between lists that are renamed, copied away and popped."""
    server = make_server()
    log = LogCopy(server)
    pushed, popped = [[] for _ in range(CLIENTS)], [[] for _ in range(CLIENTS)]
    lists = [b"l%d" % number for number in range(4)]

    def work(talker, source, number):
        new = [b"%d-%d" % (number, len(pushed[number]) + at) for at in range(3)]
        one, two = source.sample(lists, 2)
        batch = [("LPUSH", one, *new), ("LMOVE", one, two, "RIGHT", "LEFT"), ("RPOPLPUSH", two, one),
                 ("RENAMENX", one, two), ("LRANGE", two, "0", "-1"), ("RPOP", one), ("LPOP", two, "2"),
                 ("EXISTS", *lists), ("OBJECT", "ENCODING", one)]
        source.shuffle(batch)
        for command, reply in zip(batch, talker.batch(batch)):
            if command[0] == "LPUSH":
                pushed[number] += new
            elif command[0] == "RPOP" and reply is not None:
                popped[number].append(reply)
            elif command[0] == "LPOP" and isinstance(reply, list):
                popped[number] += reply
        return len(batch)

    run_storm(server, work)
    check_after(server, log)
    talker = Talker(server)
    left = [element for key in lists for element in talker("LRANGE", key, "0", "-1")]
    assert sorted(left + sum(popped, [])) == sorted(sum(pushed, []))


def test_sums_and_tokens_stay():
    """MSET of two parts of 100, INCRBY and DECRBY in pairs, and tokens that only change their names and databases."""
    server = make_server()
    log = LogCopy(server)
    setup = Talker(server)
    setup.batch([("MSET", "x", "50", "y", "50"), *[("SET", f"t{number}", "token") for number in range(5)]])
    setup.close()
    names = [b"t%d" % number for number in range(10)]
    added = [0] * CLIENTS

    def work(talker, source, number):
        part, more = source.randrange(101), source.randrange(1, 50)
        batch = [("MSET", "x", part, "y", 100 - part), ("MGET", "y", "x"), ("MGET", "x", "y"), ("INCRBY", "n", more),
                 ("DECRBY", "n", more - 1), ("RENAMENX", *source.sample(names, 2)), ("EXISTS", "x", "y"),
                 ("APPEND", "log", "."), ("SETRANGE", f"own{number}", "3", "x"),
                 ("MSETNX", "once", "1", "twice", "2"), ("DEL", "once", "twice")]
        source.shuffle(batch)
        for command, reply in zip(batch, talker.batch(batch)):
            if command[0] == "MGET":
                assert sum(map(int, reply)) == 100, reply
            elif command[0] == "EXISTS":
                assert reply == 2
        added[number] += 1
        return len(batch)

    run_storm(server, work)
    check_after(server, log)
    talker = Talker(server)
    assert int(talker("GET", "n")) == talker("STRLEN", "log") == sum(added)
    assert talker("EXISTS", *names) == 5


def test_whole_keyspace_commands_amid_writers():
    """FLUSHALL, SWAPDB, KEYS, SORT and expiry beside writers in two databases; then log and memory are compared."""
    server = make_server()
    log = LogCopy(server)
    keys = [b"k%d" % number for number in range(8)]

    def work(talker, source, number):
        if number == 0:
            server.clock.advance(1)
            server.expiry.cycle()
        one, two, three = source.sample(keys, 3)
        batch = [("SELECT", source.choice("01")), ("SET", one, source.randrange(1000)), ("DEL", two, three),
                 ("MOVE", one, "0"), ("MSET", one, "1", two, "2"), ("SET", two, "v", "PX", source.randrange(1, 5)),
                 ("COPY", one, two, "DB", "1"), ("LPUSH", "l", *source.sample("012345", 2)), ("PERSIST", two),
                 ("SORT", "l", "BY", "k*", "STORE", three), ("SCAN", "0"), ("DBSIZE",), ("RANDOMKEY",),
                 ("RENAME", two, one), ("GETDEL", one), ("LTRIM", "l", "0", "5"),
                 source.choice([("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1"), ("KEYS", "*"), ("DBSIZE",)])]
        source.shuffle(batch)
        talker.batch(batch[:10])
        return 10

    run_storm(server, work)
    check_store(server)
    check_replay(server, log)


def test_a_busy_key_makes_no_difference():
    """Everybody on one key, and on all keys at once in every order: the way of retries and of giving up."""
    server = make_server()
    log = LogCopy(server)
    keys = [b"a", b"b", b"c", b"d"]

    def work(talker, source, number):
        order = source.sample(keys, 4)
        talker.batch([("INCR", "n"), ("MSET", *[word for key in order for word in (key, number)]), ("MGET", *order),
                      ("DEL", *order[:2])])
        return 4

    operations = run_storm(server, work, seconds=SECONDS / 2, switching_share=0.1)
    check_after(server, log)
    talker = Talker(server)
    assert int(talker("GET", "n")) * 4 == operations
