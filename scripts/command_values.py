"""The arguments that command_generator.py puts into commands: few enough to meet again, odd enough to find trouble.

Expiry times are such that a reply does not depend on the speed of a server: far in the future and never equal, in the
past, or 1 ms followed by a pause.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable

KEYS = [b"k1", b"k2", b"k3", b"k4", b"k5", b"k6", b"", b"k\r\n\xff"]
DATABASES = 4
KEY_PAUSE_MS = 4

INTEGERS = [b"0", b"1", b"-1", b"5", b"10", b"-7", b"255", b"65536", b"-2147483649"]
HUGE = [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775806", b"4611686018427387904"]
NO_NUMBER = [
    *(b"", b"abc", b"1.5x", b" 1", b"1 ", b"+1", b"01", b"-0", b"0x10", b"1e3", b"--1", b"nan", b"\x00", b"1\x00"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"99999999999999999999999"),
]
FLOATS = [b"0.5", b"-1.25", b"3", b"1e3", b"100.001", b"-0.1", b"0.3", b"1e-5", b"12345678.25", b"5.0e3", b"1000000"]
BAD_FLOATS = [b"inf", b"-inf", b"nan", b"1e400", b"abc", b"", b" 1", b"1.5.2", b"1e17000"]
TEXTS = [b"", b"a", b"b", b"c", b"hello world", b"\x00\xff\r\n", b"x" * 44, b"y" * 45, b"z" * 65, b"key", b"FIELDS"]
NUMERIC_TEXTS = [b"1", b"2", b"3", b"10", b"-3", b"2.5", b"100", b"007", b"1e2", *HUGE[:2], b"32767", b"32768"]
PATTERNS = [b"*", b"k*", b"k?", b"[ab]*", b"[^a]", b"k[1-3]", b"\\*", b"", b"f*", b"*1*", b"a", b"[", b"k\\1", b"**"]
FIELDS = [b"f%d" % number for number in range(6)] + [b"", b"1", b"\x00", b"long" * 20]
BY_PATTERNS = [b"k*", b"nosort", b"k*->f1", b"*", b"w", b"k*->", b"f*->1", b"\xff*"]
GET_PATTERNS = [b"#", b"k*", b"k*->f1", b"*", b"none", b"k*->f2", b"k*->"]
DIRECTIVES = {  # name: (since, values; the first is the default)
    b"hash-max-listpack-entries": ((7, 0), [b"512", b"4", b"0", b"16"]),
    b"hash-max-listpack-value": ((7, 0), [b"64", b"8"]),
    b"list-max-listpack-size": ((7, 0), [b"-2", b"4", b"1", b"-1", b"16"]),
    b"list-compress-depth": ((7, 0), [b"0", b"1"]),
    b"set-max-intset-entries": ((7, 0), [b"512", b"3", b"0"]),
    b"set-max-listpack-entries": ((7, 2), [b"128", b"4", b"0"]),
    b"set-max-listpack-value": ((7, 2), [b"64", b"8"]),
    b"lazyfree-lazy-user-del": ((7, 0), [b"no", b"yes"]),
}


class Values:
    """Makes arguments. `bad_numbers` and `wanted_type` are set per command; `pause_ms` is read after it."""

    def __init__(self, rng: random.Random, now_s: int, version: tuple[int, ...], commands: list[str]) -> None:
        self.rng = rng
        self.now_s = now_s
        self.directives = [name for name, (since, _) in DIRECTIVES.items() if version >= since]
        self.commands = commands
        self.types: dict[bytes, str] = {}  # what each key is thought to hold
        self.bad_numbers = False
        self.wanted_type: str | None = None
        self.pause_ms = 0
        self._unique = itertools.count(rng.randrange(100_000))
        self.command_line: Callable[[], list[bytes]] = list

    def make(self, kind: str) -> list[bytes]:
        """One or more arguments of a kind named in the grammar."""
        made = getattr(self, kind)()
        return made if isinstance(made, list) else [made]

    def key(self) -> bytes:
        wanted = self.wanted_type
        fitting = [key for key in KEYS if self.types.get(key) == wanted] if wanted else []
        return self.rng.choice(fitting) if fitting and self.rng.random() < 0.85 else self.rng.choice(KEYS)

    def value(self) -> bytes:
        return self.rng.choice(self.rng.choice([TEXTS, NUMERIC_TEXTS]))

    element = member = value

    def field(self) -> bytes:
        return self.rng.choice(FIELDS)

    def _number(self, usual: list[bytes], rare: Iterable[bytes] = (), rare_share: float = 0.06) -> bytes:
        draw = self.rng.random()
        if self.bad_numbers and draw < 0.7:
            return self.rng.choice(NO_NUMBER)
        if draw > 1 - rare_share:
            return self.rng.choice([*rare, *HUGE] if rare_share else usual)
        return self.rng.choice(usual)

    def integer(self) -> bytes:
        return self._number(INTEGERS)

    def float(self) -> bytes:
        return self.rng.choice(BAD_FLOATS + NO_NUMBER if self.bad_numbers else FLOATS)

    def index(self) -> bytes:
        return self._number([b"0", b"1", b"2", b"3", b"-1", b"-2", b"-3", b"5", b"100", b"-100"])

    def rank(self) -> bytes:
        return self._number([b"1", b"1", b"2", b"-1", b"-2", b"0", b"3"])

    def count(self) -> bytes:
        return self._number([b"0", b"1", b"2", b"3", b"10"], [b"-1", b"-5"])

    def random_count(self) -> bytes:
        usual = [b"0", b"1", b"2", b"5", b"20", b"-1", b"-3", b"-20"]
        return self.rng.choice(NO_NUMBER + HUGE[:2]) if self.bad_numbers else self.rng.choice(usual)

    def scan_count(self) -> bytes:
        return self._number([b"1", b"5", b"10", b"100", b"1000000"], [b"0", b"-1"], 0.06 if self.bad_numbers else 0)

    def offset(self) -> bytes:
        return self._number([b"0", b"1", b"3", b"10", b"60"], [b"-1", b"536870912"])

    def seconds(self) -> bytes:
        return self._number([b"%d" % (1000 + 10 * (next(self._unique) * 7919 % 100_003))], [b"0", b"-1", b"-100"])

    def ms(self) -> bytes:
        if self.rng.random() < 0.04:
            self.pause_ms = KEY_PAUSE_MS
            return b"1"
        # Whole seconds, so that two servers round PTTL to the same TTL but for the moment of the reading.
        return self._number([b"%d000" % (1000 + 10 * (next(self._unique) * 7919 % 100_003))], [b"0", b"-1"])

    def unix_s(self) -> bytes:
        times = [b"%d" % (self.now_s + 2_000_000 + 1000 * step) for step in range(4)]
        return self._number([*times, *times, b"1"], [b"0", b"-1"])

    def unix_ms(self) -> bytes:
        return self.unix_s() + (b"000" if self.rng.random() < 0.95 else b"")

    def numkeys_and_keys(self) -> list[bytes]:
        return self._counted(self.key)

    def numfields_and_fields(self) -> list[bytes]:
        return self._counted(self.field)

    def _counted(self, make: Callable[[], bytes]) -> list[bytes]:
        items = [make() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        count = b"%d" % len(items)
        if self.bad_numbers:
            count = self.rng.choice([*NO_NUMBER, b"0", b"-1", b"%d" % (len(items) + 1), b"1"])
        return [count, *items]

    def cursor(self) -> bytes:
        return self.rng.choice(NO_NUMBER) if self.bad_numbers and self.rng.random() < 0.5 else b"0"

    def pattern(self) -> bytes:
        return self.rng.choice(PATTERNS)

    def db(self) -> bytes:
        return self._number([b"%d" % number for number in range(DATABASES)], [b"-1", b"16", b"100"])

    def type(self) -> bytes:
        return self.rng.choice([b"string", b"list", b"SET", b"hash", b"zset", b"stream", b"nonsense"])

    def by(self) -> bytes:
        return self.rng.choice(BY_PATTERNS)

    def get(self) -> bytes:
        return self.rng.choice(GET_PATTERNS)

    def word(self) -> bytes:
        return self.rng.choice([b"default", b"name", b"default", b"1.2.3", b"with space", b"", b"new\nline"])

    def client_id(self) -> bytes:
        return self.rng.choice([b"abc", b"0", b"999999999", b"-1"])

    def protocol(self) -> bytes:
        return self.rng.choice([b"abc", b"1", b"4", b""] if self.bad_numbers else [b"2", b"3"])

    def command(self) -> bytes:
        return self.rng.choice([*(name.split()[0] for name in self.commands), "nosuchcommand"]).lower().encode()

    def directive(self) -> bytes:
        return self.rng.choice([*self.directives, b"hash-max-listpack-*", b"nosuch", b"databases", b"LIST-*-size"])

    def setting(self) -> list[bytes]:
        name = self.rng.choice(self.directives)
        value = self.rng.choice(DIRECTIVES[name][1])
        if self.bad_numbers:
            return self.rng.choice([[name, b"abc"], [b"nosuch", b"1"], [name, b""], [b"databases", b"5"]])
        return [name, value]

    def flag(self) -> bytes:
        return self.rng.choice([b"0", b"1"])

    def zero(self) -> bytes:
        return self.rng.choice([b"0", b"0.0001"])

    def section(self) -> bytes:
        return self.rng.choice([b"keyspace", b"server", b"clients", b"Memory", b"nosuch", b"all", b"default"])
