"""The directives of redis.conf, each described once: its name, its kind, its default, and what becomes of it here.

Three tables of rows stand below. ``MEANINGFUL`` directives do what Redis's documentation says.
``WITHOUT_EFFECT`` are accepted because ignoring them harms no one; the server names those in use once at the start.
``NOT_BUILT`` promise something that does not exist here yet: any value but the one that asks for nothing is refused,
at the start and by CONFIG SET. When a promise is kept, move its row to ``MEANINGFUL``.

A row's *kind* reads the words of one line into a typed value and prints the value as CONFIG GET shows it. Defaults
are written as in redis.conf and read by the row's own kind. Names, defaults and ranges are those of Redis 7.4
(observed on 7.0 and 8.2, without what only 8.x knows); docs/compatibility.md lists the differences. How files,
arguments and CONFIG SET reach these kinds is the business of ``config.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mini_redis.text import parse_float, parse_integer

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
MEMORY_UNITS = {
    "": 1, "b": 1,
    "k": 10**3, "m": 10**6, "g": 10**9,
    "kb": 2**10, "mb": 2**20, "gb": 2**30,
}  # fmt: skip


def _integer(word: str) -> int | None:
    return parse_integer(word.encode("utf-8", "surrogateescape"))


def _memory(word: str) -> int | None:
    """The bytes that ``64mb``, ``100k`` or ``7`` stand for; None for anything else, a sign or a fraction included.

    No digits are 0, as in Redis.
    """
    match = re.fullmatch(r"([0-9]{0,127})([a-z]{0,2})", word.lower())
    if match is None or match[2] not in MEMORY_UNITS:
        return None
    return int(match[1] or 0) * MEMORY_UNITS[match[2]]


def _check_range(value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"argument must be between {low} and {high} inclusive")


# --- kinds


class Kind:
    """How the value of a directive is read and printed. Kinds are immutable and shared by rows and servers.

    ``parse`` raises ValueError with the reason, in Redis's words where Redis has any.
    """

    takes_several_words = False

    def parse(self, words: list[str], current: Any) -> Any:
        """The value that ``words`` give; ``current`` is what a cumulative directive adds to."""
        if len(words) != 1:
            raise ValueError("wrong number of arguments")
        return self.parse_word(words[0])

    def parse_word(self, word: str) -> Any:
        """The value of a directive that takes one word."""
        return word

    def format(self, value: Any) -> str:
        """The text that CONFIG GET shows."""
        return str(value)

    def objection(self, value: Any) -> str | None:
        """Why a well-formed value cannot be used; asked last, when a later line might have replaced it."""
        return None


class Text(Kind):
    """Any text; one that a file cannot hold, such as a NUL byte, is for the user of the value to refuse."""


class Switch(Kind):
    """``yes`` or ``no``: a bool."""

    def parse_word(self, word: str) -> bool:
        if word.lower() not in ("yes", "no"):
            raise ValueError("argument must be 'yes' or 'no'")
        return word.lower() == "yes"

    def format(self, value: bool) -> str:
        return "yes" if value else "no"


class Integer(Kind):
    """A whole number of a range."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def parse_word(self, word: str) -> int:
        value = _integer(word)
        if value is None:
            raise ValueError("argument couldn't be parsed into an integer")
        _check_range(value, self.low, self.high)
        return value


class Count(Integer):
    """A number of things: Redis words its lower bound differently."""

    def __init__(self, low: int = 0, high: int = LONG_MAX) -> None:
        super().__init__(low, high)

    def parse_word(self, word: str) -> int:
        if (_integer(word) or 0) < 0:
            raise ValueError("argument must be greater or equal to 0")
        return super().parse_word(word)


class Clamped(Integer):
    """A number moved to the nearer bound when it lies outside (``hz``)."""

    def __init__(self, lowest: int, highest: int) -> None:
        super().__init__(0, INT_MAX)
        self.lowest, self.highest = lowest, highest

    def parse_word(self, word: str) -> int:
        return min(max(super().parse_word(word), self.lowest), self.highest)


class Memory(Kind):
    """A number of bytes, with a unit: ``1k`` is 1000, ``1kb`` 1024."""

    def __init__(self, low: int = 0) -> None:
        self.low = low

    def parse_word(self, word: str) -> int:
        value = _memory(word)
        if value is None:
            raise ValueError("argument must be a memory value")
        if value > LONG_MAX:
            raise ValueError("argument must be greater or equal to 0")
        _check_range(value, self.low, LONG_MAX)
        return value


class MemoryOrPercent(Kind):
    """Bytes, or a share of ``maxmemory`` kept as a negative number."""

    def parse_word(self, word: str) -> int:
        percent = _integer(word[:-1]) if word.endswith("%") else None
        value = _memory(word) if percent is None else -percent
        if value is None or (percent is not None and percent < 0):
            raise ValueError("argument must be a memory or percent value")
        if value < -100:
            raise ValueError("percentage argument must be less or equal to 100")
        return value

    def format(self, value: int) -> str:
        return f"{-value}%" if value < 0 else str(value)


class Octal(Kind):
    """File permissions."""

    def parse_word(self, word: str) -> int:
        if not re.fullmatch("[0-7]+", word):
            raise ValueError("argument couldn't be parsed as an octal number")
        if int(word, 8) > 0o777:
            raise ValueError("argument must be between 0 and 777 inclusive")
        return int(word, 8)

    def format(self, value: int) -> str:
        return f"{value:o}"


class Seconds(Kind):
    """A positive time in seconds, fractions allowed."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def parse_word(self, word: str) -> float:
        value = parse_float(word.encode("utf-8", "surrogateescape"))
        if value is None or not self.low <= value <= self.high:
            raise ValueError(f"argument must be a time between {self.low} and {self.high} seconds")
        return value


class Choice(Kind):
    """One of some words, in any case; printed as the table spells it."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def parse_word(self, word: str) -> str:
        if word.lower() not in self.words:
            raise ValueError("argument(s) must be one of the following: " + ", ".join(self.words))
        return word.lower()


class Choices(Choice):
    """Several of some words; printed in the table's order, separated by spaces."""

    takes_several_words = True

    def parse(self, words: list[str], current: Any) -> str:
        chosen = {self.parse_word(word) for word in words} or {self.words[0]}
        if {"save", "nosave"} <= chosen:
            raise ValueError("shutdown options SAVE and NOSAVE can't be used simultaneously")
        return " ".join(word for word in self.words if word in chosen)


class FileName(Kind):
    """The name of a file in ``dir``."""

    def __init__(self, directive: str) -> None:
        self.directive = directive

    def parse_word(self, word: str) -> str:
        if "/" in word:
            raise ValueError(f"{self.directive} can't be a path, just a filename")
        return word


class Directory(Kind):
    """A directory, kept as an absolute path: a later change of the working directory moves nothing."""

    def parse_word(self, word: str) -> str:
        try:
            return os.path.abspath(word)
        except FileNotFoundError:  # the working directory itself is gone
            return word

    def objection(self, value: str) -> str | None:
        if not os.path.exists(value):
            return "No such file or directory"
        return None if os.path.isdir(value) else "Not a directory"


class TitleTemplate(Kind):
    """Text with ``{variables}`` of a known set."""

    VARIABLES = ("title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file")

    def parse_word(self, word: str) -> str:
        rest = re.sub(r"\{([^{}]*)\}", lambda found: "" if found[1] in self.VARIABLES else "{", word)
        if "{" in rest or "}" in rest:
            raise ValueError("template format is invalid or contains unknown variables")
        return word


class Addresses(Kind):
    """The addresses to listen on, a list of text; ``-`` in front allows an address to be missing."""

    takes_several_words = True
    MOST = 16

    def parse(self, words: list[str], current: Any) -> list[str]:
        if len(words) > self.MOST:
            raise ValueError("Too many bind addresses specified.")
        return [] if words == [""] else list(words)

    def format(self, value: list[str]) -> str:
        return " ".join(value)


class SavePoints(Kind):
    """Pairs of seconds and changes; ``save ""`` empties the list, lines of a file add to it."""

    takes_several_words = True

    def parse(self, words: list[str], current: Any) -> list[tuple[int, int]]:
        if not words or words == [""]:
            return []
        numbers = [_integer(word) for word in words]
        if len(numbers) % 2:
            raise ValueError("Invalid save parameters")
        points = []
        for seconds, changes in zip(numbers[::2], numbers[1::2]):
            if seconds is None or changes is None or seconds < 1 or changes < 0:
                raise ValueError("Invalid save parameters")
            points.append((seconds, changes))
        return [*current, *points]

    def format(self, value: list[tuple[int, int]]) -> str:
        return " ".join(f"{seconds} {changes}" for seconds, changes in value)


class OutputLimits(Kind):
    """Client class -> (hard limit in bytes, soft limit in bytes, seconds over the soft one). Classes not named stay."""

    takes_several_words = True
    CLASSES = {"normal": "normal", "replica": "slave", "slave": "slave", "pubsub": "pubsub"}

    def parse(self, words: list[str], current: Any) -> dict[str, tuple[int, int, int]]:
        if not words or len(words) % 4:
            raise ValueError("Wrong number of arguments in buffer limit configuration.")
        limits = dict(current or {})
        for index in range(0, len(words), 4):
            name = self.CLASSES.get(words[index].lower())
            if name is None:
                raise ValueError("Invalid client class specified in buffer limit configuration.")
            limits[name] = self._one_limit(words[index + 1 : index + 4])
        return limits

    @staticmethod
    def _one_limit(words: list[str]) -> tuple[int, int, int]:
        hard, soft, seconds = _memory(words[0]), _memory(words[1]), _integer(words[2])
        if hard is None or soft is None or seconds is None or seconds < 0:
            raise ValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        return hard, soft, seconds

    def format(self, value: dict[str, tuple[int, int, int]]) -> str:
        return " ".join(f"{name} {hard} {soft} {seconds}" for name, (hard, soft, seconds) in value.items())


class Percentiles(Kind):
    """Numbers from 0 to 100."""

    takes_several_words = True

    def parse(self, words: list[str], current: Any) -> list[float]:
        numbers = []
        for word in words if words != [""] else []:
            number = parse_float(word.encode("utf-8", "surrogateescape"))
            if number is None:
                raise ValueError("Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= number <= 100.0:
                raise ValueError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            numbers.append(number)
        return numbers

    def format(self, value: list[float]) -> str:
        return " ".join(f"{number:.17g}" if number != round(number, 6) else f"{number:g}" for number in value)


class OomScores(Kind):
    """Three numbers: for the master, for a replica, for a saving child."""

    takes_several_words = True

    def parse(self, words: list[str], current: Any) -> tuple[int, ...]:
        if len(words) != 3:
            raise ValueError("wrong number of arguments")
        numbers = [_integer(word) for word in words]
        scores = tuple(number for number in numbers if number is not None and -2000 <= number <= 2000)
        if len(scores) != 3:
            raise ValueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return scores

    def format(self, value: tuple[int, ...]) -> str:
        return " ".join(map(str, value))


class EventClasses(Kind):
    """The letters of notify-keyspace-events, in Redis's order; ``A`` stands for all of ``ALL``, and hides ``n``."""

    ALL = "g$lshzxetd"

    def parse_word(self, word: str) -> str:
        if set(word) - set("AKEmn" + self.ALL):
            raise ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        letters = set(word) | (set(self.ALL) if "A" in word else set())
        has_all = letters >= set(self.ALL)
        classes = "A" if has_all else "".join(letter for letter in self.ALL + "n" if letter in letters)
        return classes + "".join(letter for letter in "KEm" if letter in letters)


class Words(Kind):
    """Anything at all, for what is refused anyway; ``no one`` is nothing."""

    takes_several_words = True

    def parse(self, words: list[str], current: Any) -> str:
        return "" if [word.lower() for word in words] == ["no", "one"] else " ".join(words)


# --- rows


@dataclass(frozen=True)
class Directive:
    """One row: all that is known about one directive.

    ``aliases`` are older names, listed by CONFIG GET beside the name. ``is_settable``: CONFIG SET may change it.
    ``is_protected``: only if ``enable-protected-configs`` allows. ``has_effect`` is False where the value is merely
    kept. ``allowed`` are, for what is not built, the printed values that ask for nothing; None means that any value
    will do. ``is_hidden`` keeps it out of CONFIG GET: it is not a value but an order.
    """

    name: str
    kind: Kind
    default: str
    aliases: tuple[str, ...] = ()
    is_settable: bool = True
    is_protected: bool = False
    has_effect: bool = True
    allowed: tuple[str, ...] | None = None
    remedy: str = ""
    is_hidden: bool = False

    def parse(self, words: list[str], current: Any) -> Any:
        """The typed value of ``words``; a single word may hold several, as in ``--bind "127.0.0.1 ::1"``."""
        if self.kind.takes_several_words and len(words) == 1 and words != [""]:
            words = words[0].split()
        return self.kind.parse(words, current)

    def refusal(self, value: Any) -> str | None:
        """Why ``value`` is refused, or None: what is not built never answers OK."""
        objection = self.kind.objection(value)
        if objection or self.allowed is None or self.kind.format(value) in self.allowed:
            return objection
        return self.remedy or f"mini_redis does not support this yet, only '{self.allowed[0]}'"


def _fixed(name: str, kind: Kind, default: str, *aliases: str, **more: Any) -> Directive:
    """A row that CONFIG SET may not change."""
    return Directive(name, kind, default, aliases, is_settable=False, **more)


def _free(name: str, kind: Kind, default: str, *aliases: str, **more: Any) -> Directive:
    """A row that CONFIG SET may change."""
    return Directive(name, kind, default, aliases, **more)


def _idle(row: Directive) -> Directive:
    """The same row, without effect."""
    return Directive(**{**vars(row), "has_effect": False})


def _off(row: Directive, *allowed: str, remedy: str = "") -> Directive:
    """The same row, refused unless it keeps its default or one of the ``allowed`` values."""
    return Directive(**{**vars(row), "allowed": (row.default, *allowed), "remedy": remedy})


def _order(name: str, remedy: str) -> Directive:
    """A line of redis.conf that is not a value but an order, refused whatever it says."""
    return _fixed(name, Words(), "", allowed=(), remedy=remedy, is_hidden=True)


YES_NO = Switch()
TEXT = Text()
PORT = Integer(0, 65535)
NATURAL = Integer(0, INT_MAX)
POSITIVE = Integer(1, INT_MAX)
LONG = Integer(0, LONG_MAX)
COUNT = Count()
BYTES = Memory()
SHUTDOWN_WORDS = Choices("default", "save", "nosave", "now", "force")
LOCAL_SWITCH = Choice("no", "yes", "local")

# Redis can move its listeners at run time; here port and bind are fixed, and CONFIG SET says so.
MEANINGFUL = (
    _fixed("bind", Addresses(), "127.0.0.1 -::1"),  # Redis without a file: every address, then protected mode
    _fixed("port", PORT, "6379"),
    _fixed("tcp-backlog", NATURAL, "511"),
    _fixed("unixsocket", TEXT, ""),
    _fixed("unixsocketperm", Octal(), "0"),
    _free("protected-mode", YES_NO, "yes"),
    _free("requirepass", TEXT, ""),
    _free("timeout", NATURAL, "0"),
    _free("tcp-keepalive", NATURAL, "300"),
    _free("maxclients", Integer(1, 2**32 - 1), "10000"),
    _free("client-query-buffer-limit", Memory(2**20), "1gb"),
    _free("proto-max-bulk-len", Memory(2**20), "512mb"),
    _fixed("databases", POSITIVE, "16"),
    _free("list-max-listpack-size", Integer(-INT_MAX - 1, INT_MAX), "-2", "list-max-ziplist-size"),
    _free("set-max-intset-entries", COUNT, "512"),
    _free("set-max-listpack-entries", COUNT, "128"),
    _free("set-max-listpack-value", COUNT, "64"),
    _free("hash-max-listpack-entries", COUNT, "512", "hash-max-ziplist-entries"),
    _free("hash-max-listpack-value", BYTES, "64", "hash-max-ziplist-value"),
    _free("dir", Directory(), ".", is_protected=True),
    _fixed("logfile", TEXT, ""),
    _free("loglevel", Choice("debug", "verbose", "notice", "warning", "nothing"), "notice"),
    _fixed("pidfile", TEXT, ""),
    _fixed("enable-debug-command", LOCAL_SWITCH, "no"),
    _fixed("enable-protected-configs", LOCAL_SWITCH, "no"),
    # Our own: how long a thread computes before another may, in seconds.
    _fixed("switch-interval", Seconds(0.00001, 1.0), "0.005"),
    # Our own: whether the process keeps to one CPU at a time (affinity.py has the figures).
    _fixed("one-cpu", YES_NO, "yes"),
)

# The types, logs and files named here come with later issues; until then nothing in the server asks for these.
WITHOUT_EFFECT = tuple(map(_idle, (
    _free("client-output-buffer-limit", OutputLimits(), "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60"),
    _free("hz", Clamped(1, 500), "10"),
    _free("active-expire-effort", Integer(1, 10), "1"),
    _free("list-compress-depth", NATURAL, "0"),
    _free("zset-max-listpack-entries", COUNT, "128", "zset-max-ziplist-entries"),
    _free("zset-max-listpack-value", BYTES, "64", "zset-max-ziplist-value"),
    _free("hll-sparse-max-bytes", BYTES, "3000"),
    _free("stream-node-max-bytes", BYTES, "4096"),
    _free("stream-node-max-entries", LONG, "100"),
    _free("activerehashing", YES_NO, "yes"),
    _free("dynamic-hz", YES_NO, "yes"),
    _free("lazyfree-lazy-eviction", YES_NO, "no"),
    _free("lazyfree-lazy-expire", YES_NO, "no"),
    _free("lazyfree-lazy-server-del", YES_NO, "no"),
    _free("lazyfree-lazy-user-del", YES_NO, "no"),
    _free("lazyfree-lazy-user-flush", YES_NO, "no"),
    _free("replica-lazy-flush", YES_NO, "no", "slave-lazy-flush"),
    _free("maxmemory-policy", Choice("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru",
                                     "allkeys-lfu", "allkeys-random", "noeviction"), "noeviction"),
    _free("maxmemory-samples", Integer(1, 64), "5"),
    _free("maxmemory-eviction-tenacity", Integer(0, 100), "10"),
    _free("lfu-log-factor", NATURAL, "10"),
    _free("lfu-decay-time", NATURAL, "1"),
    _free("active-defrag-cycle-min", Integer(1, 99), "1"),
    _free("active-defrag-cycle-max", Integer(1, 99), "25"),
    _free("active-defrag-ignore-bytes", Memory(1), "100mb"),
    _free("active-defrag-max-scan-fields", Integer(1, LONG_MAX), "1000"),
    _free("active-defrag-threshold-lower", Integer(0, 1000), "10"),
    _free("active-defrag-threshold-upper", Integer(0, 1000), "100"),
    _free("jemalloc-bg-thread", YES_NO, "yes"),
    _fixed("io-threads", Integer(1, 128), "1"),
    _fixed("io-threads-do-reads", YES_NO, "no"),
    _free("max-new-connections-per-cycle", Count(1, 1000), "10"),
    _free("max-new-tls-connections-per-cycle", Count(1, 1000), "1"),
    _fixed("server-cpulist", TEXT, "", "server_cpulist"),
    _fixed("bio-cpulist", TEXT, "", "bio_cpulist"),
    _fixed("aof-rewrite-cpulist", TEXT, "", "aof_rewrite_cpulist"),
    _fixed("bgsave-cpulist", TEXT, "", "bgsave_cpulist"),
    _fixed("socket-mark-id", Integer(0, 2**32 - 1), "0"),
    _free("oom-score-adj-values", OomScores(), "0 200 800"),
    _fixed("disable-thp", YES_NO, "yes"),
    _free("crash-log-enabled", YES_NO, "yes"),
    _free("crash-memcheck-enabled", YES_NO, "yes"),
    _fixed("always-show-logo", YES_NO, "no"),
    _fixed("set-proc-title", YES_NO, "yes"),
    _free("proc-title-template", TitleTemplate(), "{title} {listen-addr} {server-mode}"),
    _fixed("syslog-ident", TEXT, "redis"),
    _fixed("syslog-facility", Choice("user", *(f"local{number}" for number in range(8))), "local0"),
    _free("ignore-warnings", TEXT, ""),
    _free("shutdown-timeout", NATURAL, "10"),
    _free("slowlog-log-slower-than", Integer(-1, LONG_MAX), "10000"),
    _free("slowlog-max-len", LONG, "128"),
    _free("latency-monitor-threshold", LONG, "0"),
    _free("latency-tracking", YES_NO, "yes"),
    _free("latency-tracking-info-percentiles", Percentiles(), "50 99 99.9"),
    _free("tracking-table-max-keys", COUNT, "1000000"),
    _free("busy-reply-threshold", LONG, "5000", "lua-time-limit"),
    _free("acllog-max-len", LONG, "128"),
    _free("acl-pubsub-default", Choice("allchannels", "resetchannels"), "resetchannels"),
    _free("sanitize-dump-payload", Choice("no", "yes", "clients"), "no"),
    _free("propagation-error-behavior", Choice("ignore", "panic", "panic-on-replicas"), "ignore"),
    # persistence, while appendonly and save are refused
    _free("dbfilename", FileName("dbfilename"), "dump.rdb", is_protected=True),
    _free("rdbcompression", YES_NO, "yes"),
    _fixed("rdbchecksum", YES_NO, "yes"),
    _free("rdb-del-sync-files", YES_NO, "no"),
    _free("rdb-save-incremental-fsync", YES_NO, "yes"),
    _free("stop-writes-on-bgsave-error", YES_NO, "yes"),
    _fixed("appendfilename", FileName("appendfilename"), "appendonly.aof"),
    _fixed("appenddirname", FileName("appenddirname"), "appendonlydir"),
    _free("appendfsync", Choice("everysec", "always", "no"), "everysec"),
    _free("no-appendfsync-on-rewrite", YES_NO, "no"),
    _free("auto-aof-rewrite-percentage", NATURAL, "100"),
    _free("auto-aof-rewrite-min-size", BYTES, "64mb"),
    _free("aof-load-truncated", YES_NO, "yes"),
    _free("aof-use-rdb-preamble", YES_NO, "yes"),
    _free("aof-rewrite-incremental-fsync", YES_NO, "yes"),
    _free("aof-timestamp-enabled", YES_NO, "no"),
    # replication, while replicaof is refused
    _free("masterauth", TEXT, ""),
    _free("masteruser", TEXT, ""),
    _free("replica-serve-stale-data", YES_NO, "yes", "slave-serve-stale-data"),
    _free("replica-read-only", YES_NO, "yes", "slave-read-only"),
    _free("replica-ignore-maxmemory", YES_NO, "yes", "slave-ignore-maxmemory"),
    _free("replica-ignore-disk-write-errors", YES_NO, "no"),
    _free("replica-priority", NATURAL, "100", "slave-priority"),
    _free("replica-announced", YES_NO, "yes"),
    _free("replica-announce-ip", TEXT, "", "slave-announce-ip"),
    _free("replica-announce-port", PORT, "0", "slave-announce-port"),
    _free("min-replicas-max-lag", NATURAL, "10", "min-slaves-max-lag"),
    _free("repl-diskless-sync", YES_NO, "yes"),
    _free("repl-diskless-sync-delay", NATURAL, "5"),
    _free("repl-diskless-sync-max-replicas", NATURAL, "0"),
    _free("repl-diskless-load", Choice("disabled", "on-empty-db", "swapdb"), "disabled"),
    _free("repl-disable-tcp-nodelay", YES_NO, "no"),
    _free("repl-ping-replica-period", POSITIVE, "10", "repl-ping-slave-period"),
    _free("repl-timeout", POSITIVE, "60"),
    _free("repl-backlog-size", Memory(1), "1mb"),
    _free("repl-backlog-ttl", LONG, "3600"),
    # cluster, while cluster-enabled is refused
    _fixed("cluster-config-file", TEXT, "nodes.conf"),
    _fixed("cluster-port", PORT, "0"),
    _free("cluster-node-timeout", LONG, "15000"),
    _free("cluster-replica-validity-factor", NATURAL, "10", "cluster-slave-validity-factor"),
    _free("cluster-replica-no-failover", YES_NO, "no", "cluster-slave-no-failover"),
    _free("cluster-migration-barrier", NATURAL, "1"),
    _free("cluster-allow-replica-migration", YES_NO, "yes"),
    _free("cluster-require-full-coverage", YES_NO, "yes"),
    _free("cluster-allow-reads-when-down", YES_NO, "no"),
    _free("cluster-allow-pubsubshard-when-down", YES_NO, "yes"),
    _free("cluster-link-sendbuf-limit", BYTES, "0"),
    _free("cluster-preferred-endpoint-type", Choice("ip", "hostname", "unknown-endpoint"), "ip"),
    _free("cluster-announce-ip", TEXT, ""),
    _free("cluster-announce-hostname", TEXT, ""),
    _free("cluster-announce-human-nodename", TEXT, ""),
    _free("cluster-announce-port", PORT, "0"),
    _free("cluster-announce-tls-port", PORT, "0"),
    _free("cluster-announce-bus-port", PORT, "0"),
)))  # fmt: skip

NOT_BUILT = (
    _off(_fixed("daemonize", YES_NO, "no"),
         remedy="mini_redis stays in the foreground: let systemd or another supervisor run it, with 'daemonize no'"),
    _off(_fixed("supervised", Choice("no", "systemd", "upstart", "auto"), "no"), "auto"),
    _off(_fixed("syslog-enabled", YES_NO, "no")),
    _off(_free("oom-score-adj", Choice("no", "yes", "relative", "absolute"), "no")),
    _off(_free("activedefrag", YES_NO, "no")),
    _off(_free("locale-collate", TEXT, ""), "C", "POSIX"),
    _off(_free("bind-source-addr", TEXT, "")),
    _off(_free("shutdown-on-sigint", SHUTDOWN_WORDS, "default"),
         "nosave", "now", "force", "nosave now", "nosave force", "now force", "nosave now force"),
    _off(_free("shutdown-on-sigterm", SHUTDOWN_WORDS, "default"),
         "nosave", "now", "force", "nosave now", "nosave force", "now force", "nosave now force"),
    _off(_free("save", SavePoints(), ""), remedy="mini_redis does not save to disk yet, only 'save \"\"' is possible"),
    _off(_free("appendonly", YES_NO, "no"), remedy="mini_redis has no append-only file yet, only 'no' is possible"),
    _off(_free("maxmemory", BYTES, "0"), remedy="mini_redis does not limit its memory yet, only '0' is possible"),
    _off(_free("maxmemory-clients", MemoryOrPercent(), "0")),
    _off(_free("notify-keyspace-events", EventClasses(), "")),
    _off(_fixed("replicaof", Words(), "", "slaveof"), remedy="mini_redis does not replicate yet"),
    _off(_free("min-replicas-to-write", NATURAL, "0", "min-slaves-to-write")),
    _off(_fixed("cluster-enabled", YES_NO, "no")),
    _off(_fixed("aclfile", TEXT, "")),
    _order("user", "mini_redis has no ACL users yet, only 'requirepass'"),
    _off(_fixed("enable-module-command", LOCAL_SWITCH, "no")),
    _order("loadmodule", "mini_redis cannot load Redis modules"),
    _order("rename-command", "mini_redis does not rename commands yet"),
    _off(_free("tls-port", PORT, "0"), remedy="mini_redis does not speak TLS yet, only '0' is possible"),
    *(_off(_free(f"tls-{name}", TEXT, ""))
      for name in ("cert-file", "key-file", "key-file-pass", "client-cert-file", "client-key-file",
                   "client-key-file-pass", "ca-cert-file", "ca-cert-dir", "dh-params-file", "protocols", "ciphers",
                   "ciphersuites")),
    _off(_free("tls-auth-clients", Choice("no", "yes", "optional"), "yes")),
    _off(_free("tls-cluster", YES_NO, "no")),
    _off(_free("tls-replication", YES_NO, "no")),
    _off(_free("tls-prefer-server-ciphers", YES_NO, "no")),
    _off(_free("tls-session-caching", YES_NO, "yes")),
    _off(_free("tls-session-cache-size", NATURAL, "20480")),
    _off(_free("tls-session-cache-timeout", NATURAL, "300")),
)  # fmt: skip


def _by_name(rows: Iterable[Directive]) -> dict[str, Directive]:
    """Each row under its name and each of its aliases; a name given twice is a mistake in the tables."""
    found: dict[str, Directive] = {}
    for row in rows:
        for name in (row.name, *row.aliases):
            if name in found:
                raise ValueError(f"two rows describe '{name}'")
            found[name] = row
    return found


DIRECTIVES = _by_name((*MEANINGFUL, *WITHOUT_EFFECT, *NOT_BUILT))
