"""Short random histories, and a search for the order that explains one.

A *history* is what a few clients asked and were answered, with the moments of both. It is *linearizable* if there is
one order of all commands, keeping what was over before something else began, in which a single-threaded server gives
the same answers and ends with the same data. Three clients with four commands on two keys find more than long runs, as
everything collides; and all orders can be tried, with a memo of what was seen.

`Model` is the single-threaded server: a dict, and a few lines a command.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests import resp
from tests.support_concurrency import (
    LogCopy,
    Switching,
    Talker,
    check_replay,
    check_store,
    contents,
    make_server,
    run_threads,
)

WRONGTYPE, NO_KEY, NOT_AN_INTEGER = "-WRONGTYPE", "-ERR no such key", "-ERR value is not an integer or out of range"
START_MS = 1_700_000_000_000


class Model:
    """``data``: {(database, key): (value, expire_ms)}; a value is bytes, or a tuple for a list. Nothing is expired."""

    def __init__(self, data=(), now_ms=START_MS):
        self.data = dict(data)
        self.now_ms = now_ms

    def state(self):
        return frozenset(self.data.items()), self.now_ms

    def run(self, number, argv):
        return getattr(self, argv[0].decode().lower())(number, *argv[1:])

    # what commands are made of

    def value(self, number, key):
        return self.data.get((number, key), (None, None))[0]

    def expire_ms(self, number, key):
        return self.data.get((number, key), (None, None))[1]

    def put(self, number, key, value, expire_ms=None):
        if not value and isinstance(value, tuple):
            self.data.pop((number, key), None)
        else:
            self.data[number, key] = value, expire_ms

    # time

    def tick(self, number, milliseconds):
        self.now_ms += int(milliseconds)
        self.data = {pair: item for pair, item in self.data.items() if item[1] is None or item[1] > self.now_ms}
        return "OK"

    def pexpireat(self, number, key, when):
        value = self.value(number, key)
        if value is None:
            return 0
        if int(when) <= self.now_ms:
            del self.data[number, key]
        else:
            self.put(number, key, value, int(when))
        return 1

    def pexpire(self, number, key, milliseconds):
        return self.pexpireat(number, key, self.now_ms + int(milliseconds))

    def persist(self, number, key):
        if self.expire_ms(number, key) is None:
            return 0
        self.put(number, key, self.value(number, key))
        return 1

    # strings

    def get(self, number, key):
        value = self.value(number, key)
        return WRONGTYPE if isinstance(value, tuple) else value

    def set(self, number, key, value, *px):
        self.put(number, key, value, self.now_ms + int(px[1]) if px else None)
        return "OK"

    def setnx(self, number, key, value):
        if (number, key) in self.data:
            return 0
        self.put(number, key, value)
        return 1

    def getdel(self, number, key):
        value = self.get(number, key)
        if isinstance(value, bytes):
            del self.data[number, key]
        return value

    def mget(self, number, *keys):
        values = [self.value(number, key) for key in keys]
        return tuple([None if isinstance(value, tuple) else value for value in values])

    def mset(self, number, *pairs):
        for key, value in zip(pairs[::2], pairs[1::2]):
            self.put(number, key, value)
        return "OK"

    def incr(self, number, key):
        value = self.value(number, key)
        if isinstance(value, tuple):
            return WRONGTYPE
        if value is not None and not value.isdigit():
            return NOT_AN_INTEGER
        new = int(value or b"0") + 1
        self.put(number, key, b"%d" % new, self.expire_ms(number, key))
        return new

    def append(self, number, key, more):
        value = self.value(number, key)
        if isinstance(value, tuple):
            return WRONGTYPE
        self.put(number, key, (value or b"") + more, self.expire_ms(number, key))
        return len(value or b"") + len(more)

    # lists

    def lpush(self, number, key, *elements):
        value = self.value(number, key)
        if isinstance(value, bytes):
            return WRONGTYPE
        self.put(number, key, elements[::-1] + (value or ()), self.expire_ms(number, key))
        return len(self.value(number, key))

    def rpop(self, number, key):
        value = self.value(number, key)
        if not isinstance(value, tuple):
            return value if value is None else WRONGTYPE
        self.put(number, key, value[:-1], self.expire_ms(number, key))
        return value[-1]

    def lmove(self, number, source, destination, *_right_left):
        value, target = self.value(number, source), self.value(number, destination)
        if value is None:
            return None
        if isinstance(value, bytes) or isinstance(target, bytes):
            return WRONGTYPE
        element = self.rpop(number, source)
        self.lpush(number, destination, element)
        return element

    def llen(self, number, key):
        value = self.value(number, key)
        return WRONGTYPE if isinstance(value, bytes) else len(value or ())

    def lrange(self, number, key, *_all):
        value = self.value(number, key)
        return WRONGTYPE if isinstance(value, bytes) else value or ()

    def sort(self, number, key, _by, pattern, _get, _pattern, *store):
        elements = self.value(number, key) or ()
        if isinstance(elements, bytes):
            return WRONGTYPE
        found = {element: self.value(number, pattern.replace(b"*", element)) for element in elements}
        result = tuple([found[element] for element in sorted(elements, key=lambda e: (int(found[e] or 0), e))])
        if not store:
            return result
        self.put(number, store[1], tuple([item or b"" for item in result]))
        return len(result)

    # any type

    def del_(self, number, *keys):
        return sum(self.data.pop((number, key), None) is not None for key in keys)

    def exists(self, number, *keys):
        return sum((number, key) in self.data for key in keys)

    def rename(self, number, source, destination):
        if (number, source) not in self.data:
            return NO_KEY
        self.data[number, destination] = self.data.pop((number, source))
        return "OK"

    def renamenx(self, number, source, destination):
        if (number, source) not in self.data:
            return NO_KEY
        return 0 if (number, destination) in self.data else int(self.rename(number, source, destination) == "OK")

    def move(self, number, key, target):
        there = int(target), key
        if (number, key) not in self.data or there in self.data:
            return 0
        self.data[there] = self.data.pop((number, key))
        return 1

    def copy(self, number, source, destination, *options):
        there = int(options[1]) if options[:1] == (b"DB",) else number, destination
        if (number, source) not in self.data or (there in self.data and options[-1:] != (b"REPLACE",)):
            return 0
        self.data[there] = self.data[number, source]
        return 1

    # the keyspace

    def dbsize(self, number):
        return sum(where == number for where, _ in self.data)

    def keys(self, number, _pattern):
        return tuple(sorted(key for where, key in self.data if where == number))

    def flushall(self, number):
        self.data.clear()
        return "OK"

    def flushdb(self, number):
        self.data = {pair: item for pair, item in self.data.items() if pair[0] != number}
        return "OK"

    def swapdb(self, number, first, second):
        other = {int(first): int(second), int(second): int(first)}
        self.data = {(other.get(where, where), key): item for (where, key), item in self.data.items()}
        return "OK"


setattr(Model, "del", Model.del_)


def simplified(argv, reply):
    """A reply as the model gives it."""
    if isinstance(reply, resp.Error):
        return "-" + reply.text.partition(" ")[0] if reply.startswith(b"WRONGTYPE") else "-" + reply.text
    if isinstance(reply, resp.SimpleString):
        return reply.text
    if isinstance(reply, list):
        return tuple(sorted(reply) if argv[0] == b"KEYS" else reply)
    return reply


# --- what clients ask

MIXES = {
    "strings": "GET SET MGET MSET DEL DEL2 RENAME INCR EXISTS APPEND SETNX GETDEL FLUSHALL",
    "index": "GET SET MSET DEL DEL2 DBSIZE DBSIZE KEYS RENAME RENAMENX EXISTS FLUSHDB",
    "absent": "GET GET SET DEL DBSIZE DBSIZE GETDEL",
    "both": "MGET MGET MSET DEL2 SET RENAME EXISTS",
    "reads": "GET GET GET MSET RENAME",
    "walks": "KEYS KEYS DBSIZE MSET DEL2 SET",
    "names": "SET SET RENAME RENAME GET GETDEL",
    "lists": "LPUSH LPUSH RPOP LMOVE LMOVE LLEN LRANGE DEL RENAME GET",
    "databases": "SET MOVE MOVE MOVEBACK COPY COPYDB DBSIZE DBSIZE GET SELECT SWAPDB FLUSHDB KEYS",
    "exclusive": "SET GET MSET FLUSHALL DBSIZE SWAPDB DEL KEYS SELECT INCR",
    "expiry": "SETPX SETPX GET TICK MGET SET PEXPIREAT PEXPIRE PERSIST DEL KEYS KEYS INCR RENAME COPY",
    "time": "SETPX SETPX TICK MGET MGET GET",
    "sort": "SORT SORT SORTSTORE MSETW MSETW DELW RENAMEW RANGES RENAMES DELS",
}
SETUP = {"sort": [(b"LPUSH", b"l", b"1", b"2")]}
WITH_ACTIVE_EXPIRY = {"expiry"}


class Writer:
    """Makes commands; each value is written once, so that a reader's answer says whose it saw."""

    def __init__(self, source):
        self.source = source
        self.last = 100

    def fresh(self):
        self.last += 1
        return b"%d" % self.last

    def make(self, word, number):
        """One command of a mix, for a client in database ``number``."""
        choose, fresh = self.source.choice, self.fresh
        key, other = choose([(b"a", b"b"), (b"b", b"a")])
        there, when = b"%d" % (1 - number), b"%d" % (START_MS + choose([50, 100]))
        special = {
            "GET": (key,), "SET": (key, fresh()), "SETNX": (key, fresh()), "MGET": (b"a", b"b"), "DEL": (key,),
            "MSET": (b"a", fresh(), b"b", fresh()), "RENAME": (key, other), "RENAMENX": (key, other),
            "EXISTS": (b"a", b"b"), "APPEND": (key, b"x"), "KEYS": (b"*",), "SWAPDB": (b"0", b"1"),
            "LPUSH": (key, fresh(), fresh()), "LMOVE": (key, choose([key, other]), b"RIGHT", b"LEFT"),
            "LRANGE": (key, b"0", b"-1"), "MOVE": (key, there), "COPY": (key, other, b"REPLACE"),
            "SELECT": (there,), "PEXPIREAT": (key, when), "PEXPIRE": (key, b"60"), "TICK": (b"50",),
        }
        named = {
            "DEL2": (b"DEL", b"a", b"b"), "MOVEBACK": (b"MOVE", key, there),
            "COPYDB": (b"COPY", key, key, b"DB", there),
            "SETPX": (b"SET", key, fresh(), b"PX", choose([b"50", b"100"])),
            "SORT": (b"SORT", b"l", b"BY", b"w*", b"GET", b"w*"),
            "SORTSTORE": (b"SORT", b"l", b"BY", b"w*", b"GET", b"w*", b"STORE", b"s"),
            "MSETW": (b"MSET", b"w1", fresh(), b"w2", fresh()), "DELW": (b"DEL", choose([b"w1", b"w2"])),
            "RENAMEW": (b"RENAME", b"w1", b"w2"), "RANGES": (b"LRANGE", b"s", b"0", b"-1"),
            "RENAMES": (b"RENAME", b"s", b"l"), "DELS": (b"DEL", b"s"),
        }
        plain = () if word in ("DBSIZE", "FLUSHALL", "FLUSHDB") else (key,)
        return named.get(word) or (word.encode(), *special.get(word, plain))


@dataclass
class Operation:
    client: int
    number: int  # of the client's database
    argv: tuple
    asked: int = 0
    answered: int = 0
    reply: Any = None

    def __str__(self):
        words = b" ".join(self.argv).decode()
        return f"client {self.client} db{self.number} {self.asked:>9}..{self.answered:<9} {words} -> {self.reply}"


@dataclass
class History:
    clients: list[list[Operation]]
    before: list[Operation]  # ran before the clients began
    final: dict  # what was alive at the end, as of `contents`
    mix: str

    def __str__(self):
        operations = sorted((op for client in self.clients for op in client), key=lambda op: op.asked)
        return "\n".join([self.mix, *map(str, operations), f"final: {self.final}"])


def make_programs(mix, source, clients=3, length=4):
    """For each client a list of batches of operations."""
    writer, words, programs = Writer(source), MIXES[mix].split(), []
    for client in range(clients):
        number, batches = 0, []
        if "SELECT" in words and client == 0:
            number, batches = 1, [[Operation(client, 0, (b"SELECT", b"1"))]]
        for _ in range(length):
            operation = Operation(client, number, writer.make(source.choice(words), number))
            if operation.argv[0] == b"SELECT":
                number = int(operation.argv[1])
            if batches and source.random() < 0.3 and b"TICK" not in (operation.argv[0], batches[-1][-1].argv[0]):
                batches[-1].append(operation)
            else:
                batches.append([operation])
        programs.append(batches)
    return programs


def record_history(mix, seed, switching=None, server=None, clients=3, length=4, seconds=10.0):
    """Let clients run random programs at the same time. Gives the history and the server, all sessions closed."""
    source = random.Random(f"{mix} {seed}")
    server = server or make_server()
    programs = make_programs(mix, source, clients, length)
    ticking = threading.Lock()
    before = [Operation(-1, 0, argv) for argv in SETUP.get(mix, ())]
    setup = Talker(server)
    for operation in before:
        operation.reply = simplified(operation.argv, setup(*operation.argv))
    setup.close()
    talkers = [Talker(server) for _ in programs]

    def run(talker, batches):
        for batch in batches:
            asked = time.perf_counter_ns()
            if batch[0].argv[0] == b"TICK":
                with ticking:
                    server.clock.advance(int(batch[0].argv[1]))
                replies = [resp.OK]
            else:
                replies = talker.batch([operation.argv for operation in batch])
            answered = time.perf_counter_ns()
            for operation, reply in zip(batch, replies):
                operation.asked, operation.answered = asked, answered
                operation.reply = simplified(operation.argv, reply)

    works = [lambda pair=pair: run(*pair) for pair in zip(talkers, programs)]
    if mix in WITH_ACTIVE_EXPIRY:
        works.append(lambda: [server.expiry.cycle() for _ in range(3)])
    run_threads(*works, switching=switching, seconds=seconds)
    for talker in talkers:
        talker.close()
    operations = [[op for batch in batches for op in batch if op.argv[0] != b"SELECT"] for batches in programs]
    return History(operations, before, contents(server), mix), server


# --- the search

def is_linearizable(history):
    """Whether some order of all operations explains every reply and the final data. All orders are tried."""
    model = Model()
    for operation in history.before:
        model.run(operation.number, operation.argv)
    clients = history.clients
    seen = set()
    pending = [((0,) * len(clients), model.data, model.now_ms)]
    while pending:
        positions, data, now_ms = pending.pop()
        if (state := (positions, Model(data, now_ms).state())) in seen:
            continue
        seen.add(state)
        heads = [ops[at] if at < len(ops) else None for ops, at in zip(clients, positions)]
        first_answer = min((op.answered for op in heads if op is not None), default=None)
        if first_answer is None:
            if data == history.final:
                return True
            continue
        for client, operation in enumerate(heads):
            if operation is None or operation.asked > first_answer:
                continue  # another one was over before this began
            after = Model(data, now_ms)
            if after.run(operation.number, operation.argv) == operation.reply:
                following = positions[:client] + (positions[client] + 1,) + positions[client + 1:]
                pending.append((following, after.data, after.now_ms))
    return False


def check_history(mix, seed, clients=3, seconds=10.0):
    """One history with all its checks; the log is on in every second one. The seed makes the same programs again."""
    log = None
    server = make_server()
    if seed % 2:
        log = LogCopy(server)
    switching = Switching(seed, random.Random(seed).choice([0.01, 0.03, 0.1]))
    history, server = record_history(mix, seed, switching, server, clients, seconds=seconds)
    where = f"seed {seed}\n{history}"
    assert is_linearizable(history), where
    try:
        check_store(server)
        if log is not None:
            check_replay(server, log)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{where}") from None
    return sum(map(len, history.clients))
