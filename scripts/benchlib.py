"""What the benchmark scripts share: statistics, the machine, servers under test, and the load put on them.

Run as a program it is the small load client that stands in where redis-benchmark is not installed; it takes
the same options and prints the same CSV, so that one function reads both.

Everything about CPU and memory is read from Linux's /proc. Elsewhere those figures are None and shown as `-`;
throughput and latency do not need it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import resource
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "docs" / "benchmarks"
CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
RANDOM_MARK = b"__rand_int__"  # replaced by twelve random digits, as redis-benchmark does
START_TIMEOUT_S = 30


class BenchmarkError(Exception):
    """A server or a load client did not do what the benchmark needs; the text says what."""


# ---- statistics and files

def summarize(samples: Sequence[dict]) -> dict:
    """The median of each figure in `samples`, None where no sample has it."""
    names = {name for sample in samples for name in sample}
    values = {name: [sample[name] for sample in samples if sample.get(name) is not None] for name in sorted(names)}
    return {name: statistics.median(found) if found else None for name, found in values.items()}


def compare(ours: Sequence[dict], theirs: Sequence[dict], metric: str) -> dict | None:
    """How many times `theirs` ours is: the ratio of medians, and the median of the ratios round by round.

    The second is the better one on a machine whose speed drifts, since both halves of each ratio were measured
    within seconds of each other.
    """
    pairs = [(a[metric], b[metric]) for a, b in zip(ours, theirs) if a.get(metric) and b.get(metric)]
    if not pairs:
        return None
    first, second = zip(*pairs)
    return {
        "of_medians": statistics.median(first) / statistics.median(second),
        "of_rounds": statistics.median(a / b for a, b in pairs),
    }


def write_json(path: str | Path, document: dict) -> None:
    """Write `document` so that a diff of two results is readable; `-` is standard output."""
    text = json.dumps(document, indent=1, default=str) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)


# ---- the machine

def describe_machine(python: str = sys.executable) -> dict:
    """Processor, cores, kernel and the interpreter that runs the servers: what a figure needs beside it."""
    code = (
        "import json,platform,sys,sysconfig;print(json.dumps([platform.python_implementation(),"
        "platform.python_version(),bool(sysconfig.get_config_var('Py_GIL_DISABLED')),sys.version]))"
    )
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    implementation, version, free_threaded, build = json.loads(found.stdout)
    return {
        "processor": _processor_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{implementation} {version}" + (" free-threaded" if free_threaded else ""),
        "python_build": build,
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def machine_line(machine: dict) -> str:
    """The machine in one line, for headings."""
    return f"{machine['python']}, {machine['cores']} cores of {machine['processor']}, {machine['system']}"


def process_cpu_s(pid: int) -> float | None:
    """User and system time that a process has used, its finished threads included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S  # utime and stime


def process_rss_bytes(pid: int) -> int | None:
    """Memory of a process that is in RAM now."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _machine_busy_s() -> float | None:
    """CPU time spent by all processes, and time the hypervisor took away.

    Interrupt time is left out: on the loopback device it is the load's own, charged to no process.
    """
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, steal = (int(fields[place]) for place in (1, 2, 3, 8))
    return (user + nice + system + steal) / CLOCK_TICKS_PER_S


def _own_cpu_s() -> float:
    """CPU time of this process and of the load clients that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Stopwatch:
    """Measures a stretch of work on one server: `with Stopwatch(pid) as watch: ...`.

    Afterwards: `wall_s`; `server_cpu_s`, what the server used; `others_cores`, how many cores went to anything
    but this server and the load on it, which ought to be 0.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.wall_s = 0.0
        self.server_cpu_s: float | None = None
        self.others_cores: float | None = None

    def __enter__(self) -> Stopwatch:
        self._before = self._read()
        return self

    def __exit__(self, *exc_info: object) -> None:
        wall, server, own, machine = self._read()
        wall_before, server_before, own_before, machine_before = self._before
        self.wall_s = wall - wall_before
        if server is not None and server_before is not None:
            self.server_cpu_s = server - server_before
        if self.server_cpu_s is not None and machine is not None and machine_before is not None:
            others_s = machine - machine_before - self.server_cpu_s - (own - own_before)
            self.others_cores = max(0.0, others_s / self.wall_s)

    def _read(self) -> tuple[float, float | None, float, float | None]:
        return time.perf_counter(), process_cpu_s(self.pid), _own_cpu_s(), _machine_busy_s()

    def figures(self, commands: int) -> dict:
        """What a sample keeps of this: CPU per command, and the presence of others."""
        per_command = None if self.server_cpu_s is None else self.server_cpu_s / commands * 1e6
        return {"cpu_us": per_command, "others_cores": self.others_cores, "wall_s": self.wall_s}

    def was_disturbed(self) -> bool:
        """True if others used more of the machine than its own clock, ticking at 10 ms, can mistake."""
        return self.others_cores is not None and self.others_cores > max(0.1, 0.04 / self.wall_s)


def allow_many_sockets(wanted: int = 4096) -> None:
    """Raise this process's limit of open files, which the servers started from it inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted and (hard == resource.RLIM_INFINITY or hard > soft):
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


# ---- a connection that speaks just enough RESP

def encode_command(words: Iterable[bytes]) -> bytes:
    """One command as a RESP array."""
    words = list(words)
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def find_reply_end(data: bytes | bytearray, begin: int) -> int:
    """Position after the RESP2 reply that starts at `begin`, or -1 if it is not all there."""
    wanted = 1  # replies still to pass: an array adds its elements
    while wanted:
        line_end = data.find(b"\r\n", begin)
        if line_end < 0:
            return -1
        kind, rest = data[begin], data[begin + 1 : line_end]
        begin = line_end + 2
        if kind == ord("*"):
            wanted += max(0, int(rest))
        elif kind == ord("$") and int(rest) >= 0:
            begin += int(rest) + 2
            if begin > len(data):
                return -1
        wanted -= 1
    return begin


class Connection:
    """A blocking connection for preparing and checking; the measured load does not go through it."""

    def __init__(self, port: int, timeout_s: float = 60) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = bytearray()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def ask(self, *words: bytes) -> bytes:
        """Send one command, return its reply as it came."""
        self.socket.sendall(encode_command(words))
        return self._read_reply()

    def ask_all(self, commands: Iterable[Sequence[bytes]], batch: int = 20) -> None:
        """Send commands in small pipelines; raises BenchmarkError if one is answered by an error."""
        commands = list(commands)
        for begin in range(0, len(commands), batch):
            part = commands[begin : begin + batch]
            self.socket.sendall(b"".join(map(encode_command, part)))
            for words in part:
                reply = self._read_reply()
                if reply.startswith(b"-"):
                    raise BenchmarkError(f"{words[0].decode()} was answered by {reply.decode(errors='replace')}")

    def _read_reply(self) -> bytes:
        while (end := find_reply_end(self._unread, 0)) < 0:
            received = self.socket.recv(1 << 18)
            if not received:
                raise BenchmarkError("the server closed the connection")
            self._unread += received
        reply = bytes(self._unread[:end])
        del self._unread[:end]
        return reply


# ---- servers under test

FAKEREDIS_MAIN = """
import sys
from fakeredis import TcpFakeServer
TcpFakeServer.request_queue_size = 511
TcpFakeServer.daemon_threads = True
TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_type="redis").serve_forever()
"""  # its own backlog of 5 would make 50 connecting clients wait for seconds, and its throughput a matter of luck


@dataclass(frozen=True)
class ServerKind:
    """How to start one of the servers: `{port}` stands in `arguments` where its port belongs."""

    name: str
    arguments: tuple[str, ...]
    version: str


class RunningServer:
    """A server process of our own on a free loopback port, in a directory that goes with it."""

    def __init__(self, kind: ServerKind) -> None:
        self.kind = kind
        self.name = kind.name
        self.port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="bench-")
        self._log_path = Path(self._directory.name, "output.log")
        arguments = [word.replace("{port}", str(self.port)) for word in kind.arguments]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                arguments, cwd=self._directory.name, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.pid = self.process.pid

    def wait_until_ready(self) -> None:
        """Return when it answers PING; raises BenchmarkError with its last words if it does not."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with Connection(self.port, timeout_s=5) as connection:
                    if connection.ask(b"PING").startswith(b"+"):
                        return
            except OSError:
                time.sleep(0.02)
        words = self._log_path.read_text(errors="replace").strip()[-2000:]
        self.stop()
        raise BenchmarkError(f"{self.name} did not start: {words or 'no output'}")

    def stop(self) -> None:
        """End the process, by force if it takes longer than a few seconds, and remove its directory."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._directory.cleanup()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_import(python: str, module: str) -> bool:
    """Does this interpreter have that module?"""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def find_servers(python: str, fakeredis_python: str, null_arguments: Sequence[str] = ()) -> dict[str, ServerKind]:
    """The servers that can be started here, by name; `python` runs the null server and mini_redis alike."""
    null_script = str(CHECKOUT / "scripts" / "null_server.py")
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True
    ).stdout.strip()
    kinds = [
        ServerKind("null", (python, null_script, "--port", "{port}", *null_arguments), f"CPython {version}"),
        ServerKind("null1", (python, null_script, "--port", "{port}", "--one-cpu", *null_arguments),
                   f"CPython {version}"),
        ServerKind("mini", (python, "-m", "mini_redis", "--port", "{port}"), f"CPython {version}"),
    ]
    if redis := shutil.which("redis-server"):
        words = subprocess.run([redis, "--version"], capture_output=True, text=True).stdout.split()
        release = next((word[2:] for word in words if word.startswith("v=")), "unknown")
        arguments = (redis, "--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        kinds.append(ServerKind("redis", arguments, f"Redis {release}"))
    if can_import(fakeredis_python, "fakeredis"):
        code = "from importlib.metadata import version as v; print('fakeredis', v('fakeredis'))"
        release = subprocess.run([fakeredis_python, "-c", code], capture_output=True, text=True).stdout.strip()
        kinds.append(ServerKind("fakeredis", (fakeredis_python, "-c", FAKEREDIS_MAIN, "{port}"), release))
    return {kind.name: kind for kind in kinds}


# ---- load

@dataclass(frozen=True)
class Load:
    """What is put on a server: one command over and over, by so many clients, so many in flight each."""

    words: tuple[bytes, ...]
    clients: int = 50
    pipeline: int = 1
    keyspace: int = 10_000  # how many values the random mark takes


def run_load(port: int, load: Load, requests: int, timeout_s: float, small_client: bool = False) -> dict:
    """Put `requests` of a load on a server, return {rps, p50_ms, p99_ms}; latency is that of a whole pipeline.

    redis-benchmark does it if installed (and not `small_client`), else this file run as a program.
    """
    program = None if small_client else shutil.which("redis-benchmark")
    head = [program] if program else [sys.executable, __file__]
    options = {"-p": port, "-n": requests, "-c": load.clients, "-P": load.pipeline, "-r": load.keyspace}
    arguments = head + [str(part) for option in options.items() for part in option]
    arguments += ["--csv", *[word.decode() for word in load.words]]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"did not finish {requests} commands in {timeout_s:.0f} s") from None
    if done.returncode:
        raise BenchmarkError(f"load client failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return parse_csv(done.stdout)


def parse_csv(text: str) -> dict:
    """Figures of the last row that redis-benchmark --csv (7.0 and later) printed."""
    csv.field_size_limit(1 << 20)  # the row starts with the command, which may hold a big value
    rows = list(csv.reader(text.splitlines()))
    if len(rows) < 2 or "p99_latency_ms" not in rows[0]:
        raise BenchmarkError(f"no figures in the load client's output: {text[-300:]!r}")
    row = dict(zip(rows[0], rows[-1]))
    return {
        "rps": float(row["rps"]),
        "p50_ms": float(row["p50_latency_ms"]),
        "p99_ms": float(row["p99_latency_ms"]),
    }


class SmallClient:
    """One thread and a selector: each connection sends a pipeline, waits for all its replies, sends the next.

    Slower than redis-benchmark (it is Python too, and busy on a core of its own), so figures of the two must
    not be compared with each other; the ratios between servers hold.
    """

    PREPARED_COMMANDS = 4096  # random commands are made beforehand and sent again, to keep the client cheap

    def __init__(self, port: int, load: Load, requests: int) -> None:
        self._load = load
        self._batches_left = max(1, requests // load.pipeline)
        self._batches = self._prepare_batches()
        self._next_batch = 0
        self._selector = selectors.DefaultSelector()
        self._connections = [Connection(port) for _ in range(load.clients)]
        self.latencies_ms: list[float] = []

    def _prepare_batches(self) -> list[bytes]:
        pieces = encode_command(self._load.words).split(RANDOM_MARK)
        draw = random.Random(0).randrange

        def one_batch() -> bytes:
            commands = (
                pieces[0] + b"".join(b"%012d%b" % (draw(self._load.keyspace), piece) for piece in pieces[1:])
                for _ in range(self._load.pipeline)
            )
            return b"".join(commands)

        return [one_batch() for _ in range(max(1, self.PREPARED_COMMANDS // self._load.pipeline))]

    def run(self) -> float:
        """Send everything, return the seconds it took."""
        started_s = time.perf_counter()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, state := _InFlight(connection.socket))
            self._send(state)
        while self._selector.get_map():
            for key, _ in self._selector.select():
                self._receive(key.data)
        return time.perf_counter() - started_s

    def _send(self, state: _InFlight) -> None:
        if not self._batches_left:
            self._selector.unregister(state.socket)
            state.socket.close()
            return
        self._batches_left -= 1
        self._next_batch = (self._next_batch + 1) % len(self._batches)
        state.replies_missing = self._load.pipeline
        state.sent_s = time.perf_counter()
        state.socket.sendall(self._batches[self._next_batch])

    def _receive(self, state: _InFlight) -> None:
        received = state.socket.recv(1 << 18)
        if not received:
            raise BenchmarkError("the server closed the connection")
        state.unread += received
        begin = 0
        while state.replies_missing and (end := find_reply_end(state.unread, begin)) >= 0:
            begin = end
            state.replies_missing -= 1
        del state.unread[:begin]
        if not state.replies_missing:
            self.latencies_ms.append((time.perf_counter() - state.sent_s) * 1000)
            self._send(state)


class _InFlight:
    """One connection of the small client: what was sent when, and what has come back of it."""

    __slots__ = ("socket", "unread", "replies_missing", "sent_s")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.unread = bytearray()
        self.replies_missing = 0
        self.sent_s = 0.0


def main() -> int:
    """Be the small load client: redis-benchmark's options, its CSV."""
    options = argparse.ArgumentParser(description="a small stand-in for redis-benchmark")
    options.add_argument("-p", dest="port", type=int, default=6379)
    options.add_argument("-n", dest="requests", type=int, default=100_000)
    options.add_argument("-c", dest="clients", type=int, default=50)
    options.add_argument("-P", dest="pipeline", type=int, default=1)
    options.add_argument("-r", dest="keyspace", type=int, default=1)
    options.add_argument("--csv", action="store_true", help="the only format there is")
    options.add_argument("words", nargs="+", help="the command; __rand_int__ becomes twelve random digits")
    arguments = options.parse_args()
    words = tuple(word.encode() for word in arguments.words)
    client = SmallClient(
        arguments.port, Load(words, arguments.clients, arguments.pipeline, arguments.keyspace), arguments.requests
    )
    seconds = client.run()
    latencies = sorted(client.latencies_ms)
    sent = len(latencies) * arguments.pipeline
    percentiles = [latencies[int(len(latencies) * share)] for share in (0.5, 0.95, 0.99)]
    print('"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
          '"max_latency_ms"')
    figures = [sent / seconds, statistics.mean(latencies), latencies[0], *percentiles, latencies[-1]]
    print(",".join([f'"{words[0].decode()}"', *(f'"{figure:.3f}"' for figure in figures)]))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
