#!/usr/bin/env python3
"""Measure mini_redis over TCP beside the null server, Redis and fakeredis; print ratios, write JSON.

    scripts/bench.py                     all cases, 5 rounds, about twenty minutes
    scripts/bench.py --only 'set_*'      the cases whose name matches
    scripts/bench.py --quick             one short round: does it run, roughly how fast
    scripts/bench.py --json docs/benchmarks/server.json

How it measures. Every server of a case is started afresh, warmed up, and then they take turns: round by round each
gets the same load for about `--seconds`, starting from the same data. The number of requests follows from the
warm-up, so that a slow server is not waited for all day. Each figure is the median over rounds; a ratio is that of
the medians, with the median of the ratios round by round beside it, which is steadier on a machine whose speed
drifts. CPU per command is the server's own user and system time. A round in which somebody else used the machine is
marked, for its figures mean little.

The load comes from redis-benchmark, or from a small client of our own where that is not installed. What may be
compared with what is explained in docs/benchmarks.md.
"""

from __future__ import annotations

import abc
import argparse
import fnmatch
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import benchlib
from benchlib import BenchmarkError, Connection, Load, RunningServer, ServerKind, Stopwatch

ALL = ("null", "null1", "mini", "redis", "fakeredis")
REAL = ("mini", "redis", "fakeredis")  # those that execute commands; the null server only says +OK
WITHOUT_FAKEREDIS = ("null", "null1", "mini", "redis")
KEYS = 10_000
SMALL_VALUE = b"xxx"  # redis-benchmark's default data size, 3 bytes
BIG_VALUE = b"x" * 100 * 1024
WARM_UP_SHARE = 0.25  # of a round's length
IDLE_CONNECTIONS = 500
BURST_CONNECTIONS = 500
BURST_TIMEOUT_S = 20

BASIC = ("set", "get", "incr", "lpush")
GOALS = (  # case, ratio or figure, goal, the least that will do; docs/benchmarks.md has them with their reasons
    ("set_c1_p1", "mini/null", 0.95, 0.88),
    ("set_c50_p1", "mini/null", 0.75, 0.72),
    ("set_c500_p1", "mini/null", 0.60, 0.55),
    *((f"{name}_c50_p16", "mini/fakeredis", 15, 13) for name in BASIC),
    *((f"{name}_c50_p16", "mini/redis", 0.25, 0.25) for name in BASIC),
    *((f"{name}_c50_p1", "mini/fakeredis", 4.5, 4.5) for name in BASIC),
    ("memory_per_key", "bytes_per_key", 300, 300),
    ("connect_burst", "seconds", 1.5, 1.5),
)


@dataclass(frozen=True)
class Options:
    """What the command line settled for all cases."""

    rounds: int
    seconds: float
    keys: int
    small_client: bool
    redis_py_python: str | None  # an interpreter that has redis-py


# ---- cases

class Case(abc.ABC):
    """One thing to measure on several servers; `metric` names the figure of a sample that counts."""

    name: str
    metric = "rps"
    servers: tuple[str, ...] = ALL
    max_rounds = 1_000  # a case that takes minutes or hardly varies limits itself

    def describe(self) -> dict:
        """What the JSON says about the case itself."""
        return {"metric": self.metric}

    def warm_up(self, server: RunningServer, options: Options) -> None:  # noqa: B027  (a hook)
        """Bring a server just started into the state that is to be measured."""

    @abc.abstractmethod
    def measure(self, server: RunningServer, options: Options) -> dict:
        """One round on one server: a sample, that is figures by name."""


@dataclass
class LoadCase(Case):
    """The same command sent over and over.

    `preload` gives the commands that fill an emptied server before each round. `max_requests` is for commands
    that use up what was loaded.
    """

    name: str
    load: Load
    servers: tuple[str, ...] = REAL
    preload: Callable[[], Iterable[Sequence[bytes]]] = list
    max_requests: int = 10_000_000
    _requests: dict[str, int] = field(default_factory=dict)

    def describe(self) -> dict:
        """The command, big values abbreviated, and how it is sent."""
        words = [word if len(word) < 40 else b"<%d bytes>" % len(word) for word in self.load.words]
        return {
            "metric": self.metric,
            "command": b" ".join(words[:9]).decode() + (" ..." if len(words) > 9 else ""),
            "clients": self.load.clients,
            "pipeline": self.load.pipeline,
            "value_bytes": max(map(len, self.load.words[2:]), default=0),
            "keyspace": self.load.keyspace,
        }

    def warm_up(self, server: RunningServer, options: Options) -> None:
        """Check that the command succeeds, then find out how many requests fill a round."""
        self._fill(server)
        self._check_reply(server)
        requests = max(200, 4 * self.load.clients * self.load.pipeline)
        for seconds in (options.seconds * WARM_UP_SHARE, options.seconds):
            figures = self._send(server, min(requests, self.max_requests), options)
            requests = self._in_whole_pipelines(figures["rps"] * seconds)
        self._requests[server.name] = min(requests, self.max_requests)

    def measure(self, server: RunningServer, options: Options) -> dict:
        """One round: empty, fill, load."""
        self._fill(server)
        requests = self._requests[server.name]
        with Stopwatch(server.pid) as watch:
            figures = self._send(server, requests, options)
        return {**figures, "requests": requests, **watch.figures(requests), "disturbed": watch.was_disturbed()}

    def _fill(self, server: RunningServer) -> None:
        with Connection(server.port) as connection:
            connection.ask_all([[b"FLUSHALL"], *self.preload()])

    def _check_reply(self, server: RunningServer) -> None:
        """Refuse to measure how fast a server fails: redis-benchmark counts errors and nils as replies."""
        words = [word.replace(benchlib.RANDOM_MARK, b"%012d" % 0) for word in self.load.words]
        with Connection(server.port) as connection:
            reply = connection.ask(*words)
        if reply.startswith((b"-", b"$-1", b"*0", b"_")):
            raise BenchmarkError(f"answered {reply[:80]!r} to {words[0].decode()}")

    def _send(self, server: RunningServer, requests: int, options: Options) -> dict:
        return benchlib.run_load(server.port, self.load, requests, 30 + 20 * options.seconds, options.small_client)

    def _in_whole_pipelines(self, requests: float) -> int:
        step = self.load.clients * self.load.pipeline
        return max(2, round(requests / step)) * step


@dataclass
class RedisPyCase(Case):
    """What a Python program sees that sends its writes through redis-py in pipelines of 100."""

    name: str = "redis_py_pipeline_100"
    servers: tuple[str, ...] = REAL

    PROGRAM = """
import sys, time, redis
client = redis.Redis(port=int(sys.argv[1])); stop = time.perf_counter() + float(sys.argv[2]); sent = 0
client.ping(); started = time.perf_counter()
while time.perf_counter() < stop:
    pipeline = client.pipeline(transaction=False)
    for number in range(100):
        pipeline.set("key:%012d" % ((sent + number) % 10000), "xxx")
    pipeline.execute(); sent += 100
print(sent, time.perf_counter() - started)
"""

    def warm_up(self, server: RunningServer, options: Options) -> None:
        """A short run of the same."""
        self._run(server, options, options.seconds * WARM_UP_SHARE)

    def measure(self, server: RunningServer, options: Options) -> dict:
        """SETs a second that one redis-py client gets through."""
        with Stopwatch(server.pid) as watch:
            sent, seconds = self._run(server, options, options.seconds)
        return {"rps": sent / seconds, **watch.figures(sent), "disturbed": watch.was_disturbed()}

    def _run(self, server: RunningServer, options: Options, seconds: float) -> tuple[int, float]:
        if options.redis_py_python is None:
            raise BenchmarkError("redis-py is not installed (see --fakeredis-python)")
        arguments = [options.redis_py_python, "-c", self.PROGRAM, str(server.port), str(seconds)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60 + 10 * seconds)
        if done.returncode:
            raise BenchmarkError(f"redis-py: {done.stderr.strip()[-300:]}")
        sent, taken = done.stdout.split()
        return int(sent), float(taken)


@dataclass
class MemoryCase(Case):
    """Growth of the resident size while small keys are loaded, divided by their number."""

    name: str = "memory_per_key"
    metric: str = "bytes_per_key"
    servers: tuple[str, ...] = REAL
    max_rounds: int = 1

    def measure(self, server: RunningServer, options: Options) -> dict:
        """Load 16-byte keys with 3-byte values, 100 to an MSET; fakeredis, being slow, gets a tenth of them."""
        keys = max(options.keys // 10, min(options.keys, 20_000)) if server.name == "fakeredis" else options.keys
        with Connection(server.port) as connection:
            connection.ask_all([[b"MSET", b"a", b"b"], [b"FLUSHALL"]])
            before = _need_rss_bytes(server)
            with Stopwatch(server.pid) as watch:
                connection.ask_all(mset_commands(range(keys)))
            grown = _need_rss_bytes(server) - before
        return {"bytes_per_key": grown / keys, "keys": keys, "keys_per_s": keys / watch.wall_s}


@dataclass
class IdleCase(Case):
    """Growth of the resident size by a connection that has been used once and then waits."""

    name: str = "idle_connection"
    metric: str = "bytes_per_connection"
    max_rounds: int = 1

    def measure(self, server: RunningServer, options: Options) -> dict:
        """Connect, ping, and keep them open."""
        before = _need_rss_bytes(server)
        connections = []
        try:
            for _ in range(IDLE_CONNECTIONS):
                connections.append(Connection(server.port))
                connections[-1].ask(b"PING")
            grown = _need_rss_bytes(server) - before
        finally:
            for connection in connections:
                connection.socket.close()
        return {"bytes_per_connection": grown / IDLE_CONNECTIONS, "connections": IDLE_CONNECTIONS}


@dataclass
class ConnectCase(Case):
    """Connections a second: one client that connects, pings and leaves, again and again."""

    name: str = "connects"
    metric: str = "connects_per_s"

    def measure(self, server: RunningServer, options: Options) -> dict:
        """For as long as a round lasts, but never so many that the system runs out of ports."""
        made = 0
        with Stopwatch(server.pid) as watch:
            deadline = time.perf_counter() + options.seconds
            while time.perf_counter() < deadline and made < 2000:
                with Connection(server.port) as connection:
                    connection.ask(b"PING")
                made += 1
        figures = watch.figures(made)
        return {"connects_per_s": made / watch.wall_s, **figures, "disturbed": watch.was_disturbed()}


@dataclass
class BurstCase(Case):
    """All clients of a restarted application at once: how long until each of 500 got its PONG."""

    name: str = "connect_burst"
    metric: str = "seconds"

    def measure(self, server: RunningServer, options: Options) -> dict:
        """Connect them all without waiting, ping as each gets through; the slowest decides."""
        started_s = time.perf_counter()
        served = _ping_all_at_once(server.port, started_s + BURST_TIMEOUT_S)
        seconds = time.perf_counter() - started_s
        # All must be gone before the next round connects as many again.
        time.sleep(0.2)
        return {"seconds": seconds, "connections": BURST_CONNECTIONS, "served": served}


def _ping_all_at_once(port: int, deadline_s: float) -> int:
    """Open BURST_CONNECTIONS at once, return how many were answered before the deadline."""
    served = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(BURST_CONNECTIONS):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            selector.register(client, selectors.EVENT_WRITE)
        while selector.get_map() and time.perf_counter() < deadline_s:
            for key, events in selector.select(timeout=0.5):
                client = key.fileobj
                if events & selectors.EVENT_WRITE:
                    client.send(b"*1\r\n$4\r\nPING\r\n")
                    selector.modify(client, selectors.EVENT_READ)
                    continue
                served += client.recv(100).startswith(b"+")
                selector.unregister(client)
                client.close()
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return served


def _need_rss_bytes(server: RunningServer) -> int:
    """Resident size once it has come to rest (a thread may still be starting)."""
    time.sleep(0.2)
    found = benchlib.process_rss_bytes(server.pid)
    if found is None:
        raise BenchmarkError("memory can only be read from Linux's /proc")
    return found


def mset_commands(numbers: range) -> Iterable[list[bytes]]:
    """MSET commands of 100 small keys each, named as redis-benchmark names them."""
    for begin in range(0, len(numbers), 100):
        pairs = ([b"key:%012d" % number, SMALL_VALUE] for number in numbers[begin : begin + 100])
        yield [b"MSET", *[word for pair in pairs for word in pair]]


def _small_keys() -> Iterable[list[bytes]]:
    return mset_commands(range(KEYS))


def _big_keys() -> Iterable[list[bytes]]:
    return ([b"SET", b"big:%012d" % number, BIG_VALUE] for number in range(100))


def _list_of_100() -> Iterable[list[bytes]]:
    return [[b"RPUSH", b"mylist", *([SMALL_VALUE] * 100)]]


SPOP_MEMBERS = 60_000


def _big_set() -> Iterable[list[bytes]]:
    members = [b"element:%012d" % number for number in range(SPOP_MEMBERS)]
    return ([b"SADD", b"myset", *members[begin : begin + 500]] for begin in range(0, SPOP_MEMBERS, 500))


def make_cases() -> list[Case]:
    """All cases, in the order they run."""
    set_words = (b"SET", b"key:__rand_int__", SMALL_VALUE)
    basic = {
        "get": ((b"GET", b"key:__rand_int__"), _small_keys),
        "incr": ((b"INCR", b"counter:__rand_int__"), list),
        "lpush": ((b"LPUSH", b"mylist", SMALL_VALUE), list),
    }
    others = {
        "hset": ((b"HSET", b"myhash", b"element:__rand_int__", SMALL_VALUE), list, 10_000_000),
        "sadd": ((b"SADD", b"myset", b"element:__rand_int__"), list, 10_000_000),
        "lrange_100": ((b"LRANGE", b"mylist", b"0", b"99"), _list_of_100, 10_000_000),
        "mset_10": ((b"MSET", *((b"key:__rand_int__", SMALL_VALUE) * 10)), list, 10_000_000),
        "spop": ((b"SPOP", b"myset"), _big_set, SPOP_MEMBERS - 1000),
    }
    cases: list[Case] = []
    for clients in (1, 10, 50, 100, 200, 500):
        servers = ALL if clients <= 50 else WITHOUT_FAKEREDIS  # fakeredis does not finish with 500
        cases.append(LoadCase(f"set_c{clients}_p1", Load(set_words, clients), servers))
    for name, (words, preload) in basic.items():
        cases.append(LoadCase(f"{name}_c50_p1", Load(words), REAL, preload))
    for pipeline in (16, 100):
        cases.append(LoadCase(f"set_c50_p{pipeline}", Load(set_words, 50, pipeline), ALL))
        for name, (words, preload) in basic.items():
            cases.append(LoadCase(f"{name}_c50_p{pipeline}", Load(words, 50, pipeline), REAL, preload))
    for name, (words, preload, most) in others.items():
        cases.append(LoadCase(f"{name}_c50_p16", Load(words, 50, 16), REAL, preload, most))
    for name, words in {"set": (b"SET", b"big:__rand_int__", BIG_VALUE), "get": (b"GET", b"big:__rand_int__")}.items():
        load = Load(words, 10, 1, keyspace=100)
        cases.append(LoadCase(f"{name}_100kb_c10_p1", load, REAL, _big_keys))
    return cases + [RedisPyCase(), ConnectCase(), BurstCase(), IdleCase(), MemoryCase()]


# ---- running them

def run_case(case: Case, kinds: dict[str, ServerKind], options: Options) -> dict:
    """Start the case's servers, let them take turns, stop them; a server that fails only loses its own column."""
    servers, failures = _start_all([kinds[name] for name in case.servers if name in kinds])
    samples: dict[str, list[dict]] = {server.name: [] for server in servers}
    try:
        for server in list(servers):
            _attempt(case.warm_up, server, options, servers, failures)
        for number in range(min(options.rounds, case.max_rounds)):
            turn = number % max(1, len(servers))
            for server in servers[turn:] + servers[:turn]:  # nobody always goes first
                sample = _attempt(case.measure, server, options, servers, failures)
                if sample:
                    samples[server.name].append(sample)
    finally:
        for server in servers:
            server.stop()
    samples = {name: samples[name] for name in case.servers if samples.get(name)}
    return {
        "name": case.name,
        **case.describe(),
        "samples": samples,
        "medians": {name: benchlib.summarize(found) for name, found in samples.items()},
        "ratios": _ratios(samples, case.metric),
        "failures": failures,
    }


def _start_all(kinds: Iterable[ServerKind]) -> tuple[list[RunningServer], dict[str, str]]:
    starting = [RunningServer(kind) for kind in kinds]
    servers, failures = [], {}
    for server in starting:
        try:
            server.wait_until_ready()
            servers.append(server)
        except BenchmarkError as error:
            failures[server.name] = str(error)
    return servers, failures


def _attempt(
    step: Callable, server: RunningServer, options: Options, servers: list[RunningServer], failures: dict[str, str]
) -> dict | None:
    """Run a step on a server; one that fails is stopped, left out from then on, and reported."""
    try:
        return step(server, options)
    except (BenchmarkError, OSError, subprocess.TimeoutExpired) as error:
        failures[server.name] = str(error) or type(error).__name__
        servers.remove(server)
        server.stop()
        return None


def _ratios(samples: dict[str, list[dict]], metric: str) -> dict:
    compared = {f"mini/{name}": benchlib.compare(samples.get("mini", []), samples[name], metric) for name in samples}
    return {name: ratio for name, ratio in compared.items() if ratio and name != "mini/mini"}


def read_switch_interval(kind: ServerKind) -> float | None:
    """The switch interval mini_redis runs with, in seconds, so that the null server can run with the same."""
    server = RunningServer(kind)
    try:
        server.wait_until_ready()
        with Connection(server.port) as connection:
            lines = connection.ask(b"CONFIG", b"GET", b"*switch-interval*").split(b"\r\n")
    except (BenchmarkError, OSError):
        return None
    finally:
        server.stop()
    if len(lines) < 5:
        return None
    name, value = lines[2], float(lines[4])
    return value / (1e6 if name.endswith(b"us") else 1e3 if name.endswith(b"ms") else 1)


# ---- reporting

def report_case(result: dict) -> None:
    """Print a case as soon as it is done: servers below each other, then the ratios, then what went wrong."""
    metric = result["metric"]
    print(f"\n{result['name']}" + (f"   {result['command']}" if "command" in result else ""))
    heads = f"{'server':<10}{'median':>12}{'best':>12}{'worst':>12} {metric:<22}"
    print(f"  {heads}{'p50 ms':>8}{'p99 ms':>9}{'CPU us':>9}")
    for name, samples in result["samples"].items():
        values = sorted(sample[metric] for sample in samples)
        worst, best = (values[0], values[-1]) if _is_rate(metric) else (values[-1], values[0])
        medians = result["medians"][name]
        figures = f"{_number(medians[metric]):>12}{_number(best):>12}{_number(worst):>12}"
        extras = [(medians.get(key), width) for key, width in (("p50_ms", 8), ("p99_ms", 9), ("cpu_us", 9))]
        print(f"  {name:<10}{figures} {'':<22}" + "".join(f"{_number(value):>{width}}" for value, width in extras))
    note = "" if _is_rate(metric) else f" times the {metric}: less is better"
    for name, ratio in result["ratios"].items():
        print(f"  {name} {ratio['of_medians']:.3f} (by rounds {ratio['of_rounds']:.3f}){note}")
    for name, text in result["failures"].items():
        print(f"  {name}: FAILED: {text}")
    _warn_if_disturbed(result)
    sys.stdout.flush()


def _is_rate(metric: str) -> bool:
    """Is more of it better?"""
    return metric.endswith(("rps", "_per_s"))


def _warn_if_disturbed(result: dict) -> None:
    for name, samples in result["samples"].items():
        disturbed = [sample["others_cores"] for sample in samples if sample.get("disturbed")]
        if disturbed:
            cores = max(disturbed)
            print(f"  WARNING: {name} was not alone in {len(disturbed)} of {len(samples)} rounds: "
                  f"others used up to {cores:.2f} cores")
    short = [name for name, found in result["samples"].items() if min(s.get("served", 500) for s in found) < 500]
    if short:
        print(f"  WARNING: not every connection was served by {', '.join(short)}")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def report_goals(results: Sequence[dict]) -> None:
    """Say which goals of the project the measured cases met."""
    found = {result["name"]: result for result in results}
    lines = []
    for name, figure, goal, least in GOALS:
        is_ratio = "/" in figure
        result = found.get(name, {"ratios": {}, "medians": {}})
        source = result["ratios"] if is_ratio else result["medians"]
        value = source.get(figure if is_ratio else "mini", {}).get("of_rounds" if is_ratio else figure)
        if value is None:
            continue
        sign = 1 if is_ratio else -1  # of ratios more is better, of bytes and seconds less
        met = "met" if sign * value >= sign * goal else "nearly" if sign * value >= sign * least else "MISSED"
        bound = f"{'>=' if is_ratio else '<='} {goal}"
        lines.append(f"  {name:<18}{figure:<16}{_number(value):>8}   goal {bound:<8} {met}")
    if lines:
        print("\nGoals", *lines, sep="\n")


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="measure mini_redis beside a null server, Redis and fakeredis", epilog="see docs/benchmarks.md"
    )
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="cases by name, * and ? allowed")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round on one server (default 1)")
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys loaded to measure memory")
    parser.add_argument("--quick", action="store_true", help="1 round of 0.2 seconds, 20,000 keys")
    parser.add_argument("--servers", default=",".join(ALL), help=f"which of {','.join(ALL)} (default all)")
    parser.add_argument("--python", default=sys.executable, help="interpreter for the null server and mini_redis")
    parser.add_argument("--fakeredis-python", default=sys.executable, help="one that has fakeredis and redis-py")
    parser.add_argument("--small-client", action="store_true", help="do without redis-benchmark")
    parser.add_argument("--json", metavar="FILE", help="write all samples there")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.keys = 1, 0.2, min(arguments.keys, 20_000)
    return arguments


def select_cases(patterns: Sequence[str]) -> list[Case]:
    """The cases that match any of the patterns, all of them if there is none."""
    return [case for case in make_cases() if not patterns or any(fnmatch.fnmatch(case.name, p) for p in patterns)]


def choose_servers(arguments: argparse.Namespace) -> dict[str, ServerKind]:
    """The servers asked for and found; the null server with the switch interval of mini_redis."""
    wanted = set(arguments.servers.split(","))
    if unknown := wanted - set(ALL):
        raise BenchmarkError(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    kinds = benchlib.find_servers(arguments.python, arguments.fakeredis_python)
    for name in sorted(wanted - set(kinds)):
        print(f"{name} is not installed; its columns will be missing")
    if {"mini", "null"} <= wanted and (interval := read_switch_interval(kinds["mini"])):
        null_arguments = ("--switch-interval", str(interval))
        kinds = benchlib.find_servers(arguments.python, arguments.fakeredis_python, null_arguments)
    return {name: kind for name, kind in kinds.items() if name in wanted}


def main(words: Sequence[str] | None = None) -> int:
    """Run the selected cases; 0 if every server managed each of its own, 1 if one failed, 2 for wrong usage."""
    arguments = parse_arguments(words)
    cases = select_cases(arguments.only)
    if arguments.list:
        print(*[case.name for case in cases], sep="\n")
        return 0
    if not cases:
        print("no case has such a name; --list shows them", file=sys.stderr)
        return 2
    benchlib.allow_many_sockets()
    try:
        kinds = choose_servers(arguments)
    except (BenchmarkError, OSError) as error:  # an interpreter that cannot be run among them
        print(error, file=sys.stderr)
        return 2
    small_client = arguments.small_client or not shutil.which("redis-benchmark")
    pythons = [path for path in (arguments.fakeredis_python, sys.executable) if benchlib.can_import(path, "redis")]
    redis_py = pythons[0] if pythons else None
    options = Options(arguments.rounds, arguments.seconds, arguments.keys, small_client, redis_py)
    machine = benchlib.describe_machine(arguments.python)
    client = "small client" if small_client else "redis-benchmark"
    print(f"{benchlib.machine_line(machine)}; load by {client}; values of {len(SMALL_VALUE)} bytes but where said")
    results = []
    for case in cases:
        results.append(run_case(case, kinds, options))
        report_case(results[-1])
    report_goals(results)
    if arguments.json:
        settings = {"rounds": options.rounds, "seconds": options.seconds, "keys": options.keys, "client": client}
        versions = {name: kind.version for name, kind in kinds.items()}
        document = {"kind": "server", "machine": machine, "settings": settings, "servers": versions, "cases": results}
        benchlib.write_json(arguments.json, document)
    return 1 if any(result["failures"] for result in results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
