#!/usr/bin/env python3
"""Measure mini_redis in process, without sockets: the command path, and how the cost of operations grows.

    scripts/bench_core.py                  everything, a few minutes, mostly for filling the big structures
    scripts/bench_core.py --only 'path*'   only the command path; names are structures: path, list, set, hash, keyspace,
                                           expiry
    scripts/bench_core.py --check          exit 1 where 1,000,000 elements cost over 3 times what 1,000 do
    scripts/bench_core.py --json docs/benchmarks/core.json

*The command path*: ns per command for batches of 1 and of 16, through the parser alone and through parsing, execution
and encoding as a connection does it.

*Growth*: each operation at 1e3 to 1e6 elements. The same 200 elements, spread over the structure, are used in every
round, so that they are in the processor's cache at every size: what shows is the algorithm, not the memory it runs on.
An operation whose cost is documented as growing with the size is named in its `Operation` with that cost, and exempt
from the check.

Figures are the best of rounds in which all sizes and commands take turns: what disturbs a measurement only ever adds.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchlib import CHECKOUT, describe_machine, encode_command, machine_line, write_json

sys.path.insert(0, str(CHECKOUT))

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SAMPLE = 200  # operations in one timing; few enough that 1,000 elements can lose them all and stay 1,000 roughly
GROWTH_LIMIT = 3.0
VALUE = b"xxx"
Executor = Callable[[bytes], bytes]  # one received batch -> the replies that are sent
Work = Callable[[], Any]
Rename = Callable[[bytes], Sequence[bytes]]  # a name -> the command for it


# ---- the adapter: the only place that knows how mini_redis is entered

def make_executor() -> tuple[Executor, Any]:
    """A session on a server that was never started, and that server."""
    import mini_redis

    server = mini_redis.Server(port=0)
    return server.new_session().execute, server


def make_parser() -> Callable[[bytes], list]:
    """The parser as a connection uses it: what one `recv` brought -> the commands in it."""
    from mini_redis.protocol.parser import RequestParser

    return RequestParser().feed


def make_active_expiry(server: Any) -> Work:
    """One cycle of a background expiry that begins its walk anew; a server not started runs none by itself."""
    from mini_redis.store.expiry import ActiveExpiry

    return ActiveExpiry(server.store).cycle


# ---- timing

def time_in_turns(works: Sequence[tuple[Work, Work | None]], operations: int, rounds: int) -> list[list[float]]:
    """ns per operation for each work in each round; the works take turns, each followed by what undoes it, untimed."""
    found: list[list[float]] = [[] for _ in works]
    clock = time.perf_counter_ns
    gc.collect()
    gc.freeze()  # a collection that walks a million elements would land in one work's time by chance
    try:
        for number in range(rounds + 1):
            for times, (work, undo) in zip(found, works):
                started = clock()
                work()
                taken = clock() - started
                if undo:
                    undo()
                if number:  # the first round warms up
                    times.append(taken / operations)
    finally:
        gc.unfreeze()
    return found


# ---- the command path

PATH_KEYS = 1_000
PATH_COMMANDS = 256 * 16  # per round, whatever the size of a batch
PATH_WORDS: dict[str, tuple[bytes, ...]] = {
    "SET": (b"SET", b"key:%012d", VALUE),
    "GET": (b"GET", b"key:%012d"),
    "INCR": (b"INCR", b"counter:%012d"),
    "LPUSH": (b"LPUSH", b"mylist", VALUE),
    "HSET": (b"HSET", b"myhash", b"element:%012d", VALUE),
}


def make_batches(words: Sequence[bytes], pipeline: int, seed: int = 0) -> list[bytes]:
    """PATH_COMMANDS commands in batches; `%012d` in a word becomes a random number of a key."""
    draw = random.Random(seed).randrange
    commands = [
        encode_command(word % draw(PATH_KEYS) if b"%" in word else word for word in words) for _ in range(PATH_COMMANDS)
    ]
    return [b"".join(commands[begin : begin + pipeline]) for begin in range(0, PATH_COMMANDS, pipeline)]


def measure_path(rounds: int, names: Iterable[str] = tuple(PATH_WORDS)) -> list[dict]:
    """ns per command for every command at pipeline 1 and 16: parsing alone, and the whole path."""
    execute, _server = make_executor()
    execute(b"".join(encode_command([b"SET", b"key:%012d" % number, VALUE]) for number in range(PATH_KEYS)))
    forget_list = encode_command([b"DEL", b"mylist"])

    def through(function: Callable[[bytes], Any], batches: list[bytes]) -> Work:
        def work() -> None:
            for batch in batches:
                function(batch)

        return work

    rows, works = [], []
    for name in names:
        for pipeline in (1, 16):
            batches = make_batches(PATH_WORDS[name], pipeline)
            _refuse_errors(name, execute(batches[0]))
            works.append((through(make_parser(), batches), None))
            works.append((through(execute, batches), lambda: execute(forget_list)))
            rows.append({"command": name, "pipeline": pipeline})
    times = time_in_turns(works, PATH_COMMANDS, rounds)
    for row, parse, total in zip(rows, times[::2], times[1::2]):
        row.update(parse_ns=min(parse), total_ns=min(total), total_median_ns=statistics.median(total))
    return rows


def _refuse_errors(name: str, replies: bytes) -> None:
    """Failing may be faster than succeeding; do not measure it."""
    if replies.startswith(b"-") or b"\r\n-" in replies:
        raise SystemExit(f"{name} was answered by {replies[:100]!r}")


# ---- growth

@dataclass(frozen=True)
class Operation:
    """One operation of a structure.

    `bind(subject, size)` returns the work, SAMPLE operations, and what undoes it (None if nothing is changed).
    `cost` is what the docstring of the operation says; `linear` exempts from the check what is said to grow.
    """

    name: str
    cost: str
    bind: Callable[[Any, int], tuple[Work, Work | None]]
    linear: bool = False


@dataclass(frozen=True)
class Structure:
    """A subject of measurement: how to fill one with `size` elements, and the operations on it."""

    name: str
    fill: Callable[[int], Any]
    operations: tuple[Operation, ...]


def measure_growth(structures: Iterable[Structure], sizes: Sequence[int], rounds: int) -> list[dict]:
    """The best ns per operation at each size, for every operation, as rows for the report and the JSON."""
    rows = []
    for structure in structures:
        subjects = [(size, structure.fill(size)) for size in sizes]
        for operation in structure.operations:
            works = [operation.bind(subject, size) for size, subject in subjects]
            times = time_in_turns(works, SAMPLE, rounds)
            best = {size: min(found) for size, found in zip(sizes, times)}
            row = {"structure": structure.name, "operation": operation.name, "cost": operation.cost}
            row.update(linear=operation.linear, ns=best, growth=best[sizes[-1]] / best[sizes[0]])
            rows.append(row)
            report_growth(row)
    return rows


def find_too_steep(rows: Iterable[dict], limit: float = GROWTH_LIMIT) -> list[dict]:
    """The rows whose cost grew by more than `limit` although it was not declared to grow."""
    return [row for row in rows if not row["linear"] and row["growth"] > limit]


def spread(size: int, prefix: bytes = b"element:") -> list[bytes]:
    """SAMPLE of the names 0..size-1, evenly spread, in an order that no cache line profits from."""
    names = [prefix + b"%012d" % (number * size // SAMPLE) for number in range(SAMPLE)]
    random.Random(0).shuffle(names)
    return names


def _names(size: int, prefix: bytes = b"element:") -> Iterable[bytes]:
    return (prefix + b"%012d" % number for number in range(size))


def _places(size: int) -> list[int]:
    draw = random.Random(0)
    return [draw.randrange(size) for _ in range(SAMPLE)]


def repeat(call: Callable[[], Any]) -> Work:
    """SAMPLE times the same call."""

    def work() -> None:
        for _ in range(SAMPLE):
            call()

    return work


def each(call: Callable[[Any], Any], arguments: Sequence[Any]) -> Work:
    """One call for each argument."""

    def work() -> None:
        for argument in arguments:
            call(argument)

    return work


# ---- lists

def list_structure() -> Structure:
    """LinkedList: a chain of blocks of B elements, so that finding a place takes a step per block."""
    from mini_redis.types.limits import EncodingLimits
    from mini_redis.types.lists import LinkedList

    def fill(size: int) -> Any:
        items = LinkedList(EncodingLimits())
        for name in _names(size):
            items.push_right(name)
        return items

    def push_left(items: Any, size: int) -> tuple[Work, Work]:
        return each(items.push_left, spread(size)), repeat(items.pop_left)

    def push_right(items: Any, size: int) -> tuple[Work, Work]:
        return each(items.push_right, spread(size)), repeat(items.pop_right)

    def pop_left(items: Any, size: int) -> tuple[Work, Work]:
        taken: list[bytes] = []
        return repeat(lambda: taken.append(items.pop_left())), lambda: _put_back(items.push_left, taken)

    def index_ends(items: Any, size: int) -> tuple[Work, None]:
        return each(items.get, [0, size - 1] * (SAMPLE // 2)), None

    def index_anywhere(items: Any, size: int) -> tuple[Work, None]:
        return each(items.get, _places(size)), None

    def range_middle(items: Any, size: int) -> tuple[Work, None]:
        begin = size // 2 - 50
        return repeat(lambda: items.slice(begin, begin + 100)), None

    def range_left(items: Any, size: int) -> tuple[Work, None]:
        return repeat(lambda: items.slice(0, 100)), None

    def insert_middle(items: Any, size: int) -> tuple[Work, Work]:
        return repeat(lambda: items.insert(size // 2, b"inserted")), lambda: items.remove(b"inserted", 0)

    return Structure("list", fill, (
        Operation("LPUSH", "O(1)", push_left),
        Operation("RPUSH", "O(1)", push_right),
        Operation("LPOP", "O(1)", pop_left),
        Operation("LINDEX at the ends", "O(1)", index_ends),
        Operation("LINDEX anywhere", "O(N/B)", index_anywhere, linear=True),
        Operation("LRANGE 0 99", "O(range)", range_left),
        Operation("LRANGE 100 in the middle", "O(N/B + range)", range_middle, linear=True),
        Operation("LINSERT in the middle", "O(N/B + B)", insert_middle, linear=True),
    ))


def _put_back(put: Callable[[Any], Any], taken: list) -> None:
    while taken:
        put(taken.pop())


# ---- sets

def set_structure() -> Structure:
    """Set: a dict with a dense array beside it, which makes a random member O(1)."""
    from mini_redis.types.limits import EncodingLimits
    from mini_redis.types.sets import Set

    def fill(size: int) -> Any:
        members = Set(EncodingLimits())
        for name in _names(size):
            members.add(name)
        return members

    def add_new(members: Any, size: int) -> tuple[Work, Work]:
        new = spread(size, b"new:")
        return each(members.add, new), each(members.discard, new)

    def remove(members: Any, size: int) -> tuple[Work, Work]:
        old = spread(size)
        return each(members.discard, old), each(members.add, old)

    def is_member(members: Any, size: int) -> tuple[Work, None]:
        return each(members.__contains__, spread(size)), None

    def pop(members: Any, size: int) -> tuple[Work, Work]:
        taken: list[bytes] = []
        source = random.Random(0)

        def put_back() -> None:
            _put_back(members.add, taken)
            source.seed(0)  # the same places in every round, like the same names elsewhere

        return repeat(lambda: taken.append(members.pop_random(source))), put_back

    def random_member(members: Any, size: int) -> tuple[Work, Work]:
        source = random.Random(0)
        return repeat(lambda: members.random_member(source)), lambda: source.seed(0)

    def scan(members: Any, size: int) -> tuple[Work, None]:
        return each(lambda cursor: members.scan(cursor, 10), _cursors(size)), None

    return Structure("set", fill, (
        Operation("SADD a new member", "O(1)", add_new),
        Operation("SREM", "O(1)", remove),
        Operation("SISMEMBER", "O(1)", is_member),
        Operation("SPOP", "O(1)", pop),
        Operation("SRANDMEMBER", "O(1)", random_member),
        Operation("SSCAN COUNT 10", "O(count)", scan),
    ))


def _cursors(size: int) -> list[int]:
    """Cursors as a scan meets them: a cursor is a place in the dense array, walked downwards."""
    return [max(10, place) for place in _places(size)]


# ---- hashes

def hash_structure() -> Structure:
    """Hash: as a set, with a value to each field."""
    from mini_redis.types.hashes import Hash
    from mini_redis.types.limits import EncodingLimits

    def fill(size: int) -> Any:
        fields = Hash(EncodingLimits())
        for name in _names(size):
            fields.set(name, VALUE)
        return fields

    def set_new(fields: Any, size: int) -> tuple[Work, Work]:
        new = spread(size, b"new:")
        return each(lambda name: fields.set(name, VALUE), new), each(fields.delete, new)

    def set_old(fields: Any, size: int) -> tuple[Work, None]:
        return each(lambda name: fields.set(name, VALUE), spread(size)), None

    def get(fields: Any, size: int) -> tuple[Work, None]:
        return each(fields.get, spread(size)), None

    def delete(fields: Any, size: int) -> tuple[Work, Work]:
        old = spread(size)
        return each(fields.delete, old), each(lambda name: fields.set(name, VALUE), old)

    def scan(fields: Any, size: int) -> tuple[Work, None]:
        return each(lambda cursor: fields.scan(cursor, 10), _cursors(size)), None

    return Structure("hash", fill, (
        Operation("HSET a new field", "O(1)", set_new),
        Operation("HSET an old field", "O(1)", set_old),
        Operation("HGET", "O(1)", get),
        Operation("HDEL", "O(1)", delete),
        Operation("HSCAN COUNT 10", "O(count)", scan),
    ))


# ---- the keyspace, by commands

FILL_BATCH = 1_000


def fill_keyspace(size: int, *options: bytes) -> tuple[Executor, Any]:
    """A server with `size` keys, each made by SET with these options; the way into it, and itself."""
    execute, server = make_executor()
    names = list(_names(size))
    for begin in range(0, size, FILL_BATCH):
        commands = ((b"SET", name, VALUE, *options) for name in names[begin : begin + FILL_BATCH])
        _refuse_errors("SET", execute(b"".join(map(encode_command, commands))))
    return execute, server


def keyspace_structure() -> Structure:
    """The keyspace, entered through commands in batches of SAMPLE: entries, indexes and locks have a part in each."""

    def batch(execute: Executor, commands: Iterable[Sequence[bytes]]) -> Work:
        data = b"".join(map(encode_command, commands))
        return lambda: execute(data)

    def changing(do: Rename, undo: Rename | None = None) -> Callable[[Any, int], tuple[Work, Work | None]]:
        """Bind to a batch that runs a command for each name of the sample, undone by another command for each."""

        def bind(subject: tuple[Executor, Any], size: int) -> tuple[Work, Work | None]:
            names, execute = spread(size), subject[0]
            return batch(execute, map(do, names)), batch(execute, map(undo, names)) if undo else None

        return bind

    def scan(subject: tuple[Executor, Any], size: int) -> tuple[Work, None]:
        return batch(subject[0], ((b"SCAN", b"%d" % cursor, b"COUNT", b"10") for cursor in _cursors(size))), None

    return Structure("keyspace", fill_keyspace, (
        Operation("GET", "O(1)", changing(lambda name: (b"GET", name))),
        Operation("SET a new key", "O(1)", changing(lambda name: (b"SET", b"new:" + name, VALUE),
                                                   lambda name: (b"DEL", b"new:" + name))),
        Operation("DEL", "O(1)", changing(lambda name: (b"DEL", name), lambda name: (b"SET", name, VALUE))),
        Operation("EXPIRE", "O(1)", changing(lambda name: (b"EXPIRE", name, b"10000"),
                                             lambda name: (b"PERSIST", name))),
        Operation("RANDOMKEY", "O(1)", changing(lambda name: (b"RANDOMKEY",))),
        Operation("SCAN COUNT 10", "O(count)", scan),
    ))


def expiry_structure() -> Structure:
    """The background expiry in a keyspace where every key has a TTL far away."""

    def idle_cycle(subject: tuple[Executor, Any], size: int) -> tuple[Work, None]:
        return repeat(make_active_expiry(subject[1])), None

    def expire_due(subject: tuple[Executor, Any], size: int) -> tuple[Work, Work]:
        """SAMPLE keys are due, the last that were made, which is where a new walk begins."""
        execute, server = subject
        set_due = b"".join(encode_command([b"SET", name, VALUE, b"PX", b"1"]) for name in spread(size, b"due:"))
        cycles: list[Work] = []

        def make_due() -> None:
            execute(set_due)
            cycles[:] = [make_active_expiry(server)]
            time.sleep(0.003)

        make_due()
        return lambda: cycles[0](), make_due

    return Structure("expiry", lambda size: fill_keyspace(size, b"EX", b"100000"), (
        Operation("a cycle with nothing due", "O(keys looked at)", idle_cycle),
        Operation("expiring a due key", "O(1)", expire_due),
    ))


STRUCTURES: dict[str, Callable[[], Structure]] = {
    "list": list_structure,
    "set": set_structure,
    "hash": hash_structure,
    "keyspace": keyspace_structure,
    "expiry": expiry_structure,
}


# ---- reporting and the command line

def report_path(rows: Iterable[dict]) -> None:
    """Print the command path as a table."""
    print(f"{'command':<10}{'pipeline':>9}{'parse ns':>10}{'whole ns':>10}{'median':>10}")
    for row in rows:
        figures = "".join(f"{row[name]:>10,.0f}" for name in ("parse_ns", "total_ns", "total_median_ns"))
        print(f"{row['command']:<10}{row['pipeline']:>9}{figures}")


def report_growth(row: dict) -> None:
    """Print one operation: ns at each size."""
    figures = "  ".join(f"{size:.0e}:{ns:>9,.0f}".replace("e+0", "e") for size, ns in row["ns"].items())
    note = "  (declared: " + row["cost"] + ")" if row["linear"] else ""
    print(f"{row['structure']:<9} {row['operation']:<26} {figures}   x{row['growth']:.2f}{note}", flush=True)


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="measure the core of mini_redis in process")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help=f"parts by name: path, {', '.join(STRUCTURES)}")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of elements, smallest first")
    parser.add_argument("--check", action="store_true", help="exit 1 if an operation costs too much more at the end")
    parser.add_argument("--limit", type=float, default=GROWTH_LIMIT, help="how much more is too much (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    arguments = parser.parse_args(words)
    arguments.sizes = sorted(int(size) for size in arguments.sizes.split(","))
    return arguments


def main(words: Sequence[str] | None = None) -> int:
    """Measure the parts selected; 1 if the check failed, 2 if nothing was selected."""
    arguments = parse_arguments(words)
    wanted = [name for name in ("path", *STRUCTURES)
              if not arguments.only or any(fnmatch.fnmatch(name, pattern) for pattern in arguments.only)]
    if not wanted:
        print("no part has such a name", file=sys.stderr)
        return 2
    machine = describe_machine()
    print(machine_line(machine))
    path = measure_path(arguments.rounds) if "path" in wanted else []
    if path:
        report_path(path)
    structures = (STRUCTURES[name]() for name in wanted if name != "path")
    growth = measure_growth(structures, arguments.sizes, arguments.rounds)
    if arguments.json:
        settings = {"rounds": arguments.rounds, "sizes": arguments.sizes, "sample": SAMPLE}
        write_json(arguments.json, {"kind": "core", "machine": machine, "settings": settings, "path": path,
                                    "growth": growth})
    too_steep = find_too_steep(growth, arguments.limit) if arguments.check else []
    for row in too_steep:
        print(f"TOO STEEP: {row['structure']} {row['operation']} costs {row['growth']:.2f} times as much at "
              f"{arguments.sizes[-1]:,} elements as at {arguments.sizes[0]:,}, said to be {row['cost']}")
    return 1 if too_steep else 0


if __name__ == "__main__":
    sys.exit(main())
