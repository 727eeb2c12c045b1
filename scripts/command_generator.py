"""Makes command sequences from the syntax in command_grammar.py, seeded: the same seed gives the same commands.

Every command, and every option of each, is a *target*. The generator draws targets, then writes a command that uses
the target, meant to succeed (a key of the right type, sane numbers) or to fail (wrong type, wrong arity, bad numbers,
options that conflict). What really came of it is counted by whoever runs the commands; see `Coverage`.

All commands act on KEYS, so that types collide. Expiry times are chosen so that a reply does not depend on the
speed of a server: far in the future and never equal, in the past, or 1 ms followed by a pause.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from command_grammar import GROUPS

KEYS = [b"k1", b"k2", b"k3", b"k4", b"k5", b"k6", b"", b"k\r\n\xff"]
TYPES = ["string", "list", "set", "hash"]
DATABASES = 4


# Syntax


@dataclass(frozen=True)
class Node:
    """A piece of syntax. `kind` is word, argument, sequence, choice, optional or repeated; `text` is a word or an
    argument's kind; `words` are the options anywhere inside."""

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()
    since: tuple[int, ...] = (0,)

    @property
    def words(self) -> frozenset[str]:
        inside = [part.words for part in self.parts]
        inside.append(frozenset(self.wordless))
        return frozenset([self.text] if self.kind == "word" else []).union(*inside)

    @property
    def wordless(self) -> list[str]:
        """The name, in brackets, of an optional argument that no word introduces, such as LPOP's count."""
        first = self.parts[0].parts[0] if self.kind == "optional" and self.parts[0].parts else None
        return [f"[{first.text}]"] if first is not None and first.kind == "argument" else []


@dataclass(frozen=True)
class Syntax:
    """One line of the grammar: `label` is the command with its subcommand, `type_name` what its keys should hold."""

    group: str
    label: str
    type_name: str
    body: Node
    since: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.label.split()[0]


class _Parser:
    """Reads one line of the grammar by recursive descent."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def sequence(self, closing: str | None = None) -> Node:
        """Everything up to the closing bracket, as a sequence or a choice of sequences."""
        branches: list[list[Node]] = [[]]
        since = (0,)
        while self.tokens and self.tokens[0] != closing:
            token = self.tokens.pop(0)
            if token == "|":
                branches.append([])
            elif token == "...":
                branches[-1].append(Node("repeated", parts=(branches[-1].pop(),)))
            elif token.startswith("@"):
                since = parse_version(token[1:])
            else:
                branches[-1].append(self._item(token))
        if closing:
            self.tokens.pop(0)
        sequences = tuple(Node("sequence", parts=tuple(branch)) for branch in branches)
        body = sequences[0] if len(sequences) == 1 else Node("choice", parts=sequences)
        return Node(body.kind, parts=body.parts, since=since)

    def _item(self, token: str) -> Node:
        if token == "(":
            return self.sequence(")")
        if token == "[":
            inside = self.sequence("]")
            return Node("optional", parts=(inside,), since=inside.since)
        if token.isupper() or token.isdigit():
            return Node("word", token)
        return Node("argument", token.partition(":")[0])


def parse_version(text: str) -> tuple[int, ...]:
    """Major and minor version: `7.4.1` is (7, 4)."""
    return tuple(int(part) for part in text.split(".")[:2])


def read_grammar(version: tuple[int, ...], has_command: Callable[[str], bool] = lambda name: True) -> list[Syntax]:
    """The syntax of every command that a server of this version has."""
    result = []
    for group, text in GROUPS.items():
        for line in text.strip().splitlines():
            head, *tokens = line.split()
            name, type_name = head.split("/")
            body = _Parser(tokens).sequence()
            leading = list(itertools.takewhile(lambda node: node.kind == "word", body.parts))
            label = " ".join([name, *(node.text for node in leading)])
            body = Node("sequence", parts=body.parts[len(leading) :], since=body.since)
            if version >= body.since and has_command(name):
                result.append(Syntax(group, label, type_name, _without_newer(body, version), body.since))
    return result


def _without_newer(node: Node, version: tuple[int, ...]) -> Node:
    parts = tuple(_without_newer(part, version) for part in node.parts if part.since <= version)
    return Node(node.kind, node.text, parts, node.since)


# Values

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
    b"hash-max-listpack-entries": ((7, 0), [b"128", b"4", b"0", b"16"]),
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


# Sequences


@dataclass
class Command:
    """One generated command. `options` are the grammar's options in it; `probe` marks a command that was put in
    only to judge the next one by; `pause_ms` is to be waited after its reply."""

    argv: list[bytes]
    label: str
    options: frozenset[str] = frozenset()
    probe: bool = False
    pause_ms: int = 0


RARE = {"FLUSHALL": 0.3, "FLUSHDB": 0.3, "SWAPDB": 0.5, "QUIT": 0.3, "RESET": 0.3, "SELECT": 0.5, "DEBUG SLEEP": 0.4}
CREATE = {"string": b"SET", "list": b"RPUSH", "set": b"SADD", "hash": b"HSET"}
KEY_PAUSE_MS, HASH_PAUSE_MS = 4, 120  # a field that has expired is there until the server's next round finds it
FAULTS = ["wrong_type", "arity", "bad_numbers", "bad_numbers", "junk", "conflict"]


class Generator:
    """Commands for one block, from its own seed. `note_types` may tell it what the keys hold by now."""

    def __init__(self, seed: str, syntaxes: list[Syntax], version: tuple[int, ...], now_s: int) -> None:
        self.rng = random.Random(seed)
        self.syntaxes = syntaxes
        self.version = version
        self.values = Values(self.rng, now_s, version, [syntax.label for syntax in syntaxes])
        self.values.command_line = self._any_command  # type: ignore[method-assign]
        self.targets = targets(syntaxes)
        self._weights = list(itertools.accumulate(RARE.get(syntax.label, 1.0) for syntax, _ in self.targets))
        self._words = sorted({word for syntax in syntaxes for word in syntax.body.words if word.isupper()})
        self._options: set[str] = set()

    def note_types(self, types: dict[bytes, str]) -> None:
        """Take over what the keys of the current database hold."""
        self.values.types = types

    def commands(self, count: int) -> list[Command]:
        """The next `count` commands or a few more: what prepares and probes for a command stays with it."""
        result: list[Command] = []
        while len(result) < count:
            result += self._next()
            if result[-1].pause_ms or result[-1].label == "QUIT":
                break
        return result

    def _next(self) -> list[Command]:
        syntax, option = self.rng.choices(self.targets, cum_weights=self._weights)[0]
        fault = self.rng.choice(FAULTS) if self.rng.random() < 0.4 else None
        before = self._prepare(syntax.type_name) if fault is None or self.rng.random() < 0.3 else []
        command = self._one(syntax, option, fault)
        self._guess(command)
        probes = [Command(argv, _label(argv), probe=True) for argv in _probes(command)]
        return [*before, *probes, command, *_aligning(command, self.version)]

    def _one(self, syntax: Syntax, option: str | None, fault: str | None) -> Command:
        values = self.values
        values.bad_numbers = fault == "bad_numbers"
        wanted = self._type_of(syntax.type_name)
        values.wanted_type = self._another_type(wanted) if fault == "wrong_type" else wanted
        values.pause_ms = 0
        self._options = set()
        arguments = self._expand(syntax.body, option)
        if fault in ("arity", "junk", "conflict"):
            arguments = getattr(self, "_with_" + fault)(syntax, arguments)
        head = [self._spell(word) for word in syntax.label.split()]
        present = {argument.upper().decode("latin-1") for argument in arguments}
        options = frozenset(word for word in self._options if word in present or word.startswith("["))
        pause_ms = HASH_PAUSE_MS if values.pause_ms and syntax.type_name == "hash" else values.pause_ms
        command = Command(head + arguments, syntax.label, options, pause_ms=pause_ms)
        _tame(command)
        return command

    def _expand(self, node: Node, option: str | None) -> list[bytes]:
        if node.kind == "word":
            self._options.add(node.text)
            return [self._spell(node.text)]
        if node.kind == "argument":
            return self.values.make(node.text)
        if node.kind == "choice":
            wanted = [part for part in node.parts if option in part.words]
            return self._expand(self.rng.choice(wanted or list(node.parts)), option)
        if node.kind == "optional":
            wanted_here = option in node.words
            if not wanted_here and self.rng.random() > 0.3:
                return []
            self._options.update(node.wordless)
        times = self.rng.choice([1, 1, 2, 3, 5]) if node.kind == "repeated" else 1
        return [argument for _ in range(times) for part in node.parts for argument in self._expand(part, option)]

    def _with_arity(self, syntax: Syntax, arguments: list[bytes]) -> list[bytes]:
        if arguments and self.rng.random() < 0.6:
            return arguments[: self.rng.randrange(len(arguments))]
        return [*arguments, *(self.values.value() for _ in range(self.rng.choice([1, 1, 2])))]

    def _with_junk(self, syntax: Syntax, arguments: list[bytes]) -> list[bytes]:
        place = self.rng.randint(min(1, len(arguments)), len(arguments))
        return [*arguments[:place], self._spell(self.rng.choice(self._words)), *arguments[place:]]

    def _with_conflict(self, syntax: Syntax, arguments: list[bytes]) -> list[bytes]:
        optional = [part for part in syntax.body.parts if part.kind == "optional"]
        if not optional:
            return self._with_junk(syntax, arguments)
        inside = self.rng.choice(optional).parts[0]
        return arguments + self._expand(inside, None)

    def _spell(self, word: str) -> bytes:
        return (word.lower() if self.rng.random() < 0.2 else word).encode()

    def _type_of(self, type_name: str) -> str | None:
        if type_name == "sortable":
            return self.rng.choice(["list", "set"])
        return None if type_name == "-" else type_name

    def _another_type(self, type_name: str | None) -> str | None:
        return self.rng.choice([name for name in TYPES if name != type_name])

    def _prepare(self, type_name: str) -> list[Command]:
        """Commands that make a key hold the type, if too few do."""
        wanted = self._type_of(type_name) or self.rng.choice(TYPES)
        have = sum(1 for name in self.values.types.values() if name == wanted)
        if self.rng.random() > (0.9, 0.3, 0.05)[min(have, 2)]:
            return []
        key = self.rng.choice(KEYS)
        self.values.types[key] = wanted
        create = Command([CREATE[wanted], key, *self._content(wanted)], CREATE[wanted].decode())
        return [Command([b"DEL", key], "DEL"), create]

    def _content(self, type_name: str) -> list[bytes]:
        size = self.rng.choice([1, 3, 3, 6, 6, 20, 140])
        numeric = self.rng.random() < 0.5
        items = [b"%d" % self.rng.randrange(300) if numeric else self.values.value() for _ in range(size)]
        if type_name == "string":
            return items[:1]
        if type_name == "hash":
            names = [self.values.field() if self.rng.random() < 0.5 else b"f%d" % number for number in range(size)]
            return [part for pair in zip(names, items) for part in pair]
        return items

    def _any_command(self) -> list[bytes]:
        """The words of some command, for COMMAND GETKEYS."""
        syntax = self.rng.choice([syntax for syntax in self.syntaxes if "GETKEYS" not in syntax.label])
        bad_numbers, options = self.values.bad_numbers, set(self._options)
        argv = [word.encode() for word in syntax.label.split()] + self._expand(syntax.body, None)
        self.values.bad_numbers, self._options, self.values.pause_ms = bad_numbers, options, 0
        return argv

    def _guess(self, command: Command) -> None:
        if command.label in ("FLUSHALL", "FLUSHDB", "SELECT", "SWAPDB", "RESET"):
            self.values.types = {}
        elif command.label in ("DEL", "UNLINK", "GETDEL", "RENAME", "MOVE"):
            for key in command.argv[1:]:
                self.values.types.pop(key, None)


def _tame(command: Command) -> None:
    """Change what no two servers need agree on: SORT ALPHA BY weights may leave ties, whose order would be stored."""
    words = [argument.upper() for argument in command.argv]
    if command.label == "SORT" and b"ALPHA" in words and b"BY" in words and b"STORE" in words:
        command.argv = [argument for argument in command.argv if argument.upper() != b"ALPHA"]
        command.options -= {"ALPHA"}


_ENCODING_MATTERS = {"HGETALL", "HKEYS", "HVALS", "HSCAN", "SSCAN"}
_PROBES = {
    **dict.fromkeys(["SPOP", "SRANDMEMBER"], b"SMEMBERS"),
    "HRANDFIELD": b"HGETALL",
    **dict.fromkeys(["SORT", "SORT_RO"], b"TYPE"),
}


def _probes(command: Command) -> list[list[bytes]]:
    """Commands whose replies are needed to judge the reply of this one; and what lets fields expire in its pause."""
    if command.pause_ms:
        return [[b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1"]]
    if command.label == "RANDOMKEY":
        return [[b"KEYS", b"*"]]
    if len(command.argv) < 2:
        return []
    if command.label in _ENCODING_MATTERS:
        return [[b"OBJECT", b"ENCODING", command.argv[1]]]
    return [[_PROBES[command.label], command.argv[1]]] if command.label in _PROBES else []


def _label(argv: list[bytes]) -> str:
    """The label of a probe. Replies to HGETALL are in any order here: there is no probe to tell the encoding."""
    if argv[0] == b"HGETALL":
        return "unordered HGETALL"
    return b" ".join(argv[: 2 if argv[0] in (b"OBJECT", b"DEBUG") else 1]).decode()


def _aligning(command: Command, version: tuple[int, ...]) -> list[Command]:
    """What makes two servers equal again: after a random choice; after SET with a time in the past, which leaves a
    dead key that DBSIZE counts until someone notices; and after HELLO, which before 7.2 sets a name and then fails."""
    names: list[bytes] = []
    if command.label == "HELLO" and version < (7, 2):
        return [Command([b"CLIENT", b"SETNAME", b""], "CLIENT SETNAME", probe=True)]
    if command.label == "SPOP":
        names = [b"SCARD", b"DEL"]
    elif command.options & {"EXAT", "PXAT"}:
        names = [b"EXISTS"]
    return [Command([name, command.argv[1]], name.decode(), probe=True) for name in names if len(command.argv) > 1]


def targets(syntaxes: list[Syntax]) -> list[tuple[Syntax, str | None]]:
    """Each command on its own, then with each of its options."""
    return [(syntax, option) for syntax in syntaxes for option in [None, *sorted(syntax.body.words)]]


@dataclass
class Coverage:
    """How often each command and each option occurred, with a reply and with an error."""

    successes: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, command: Command, is_error: bool) -> None:
        """Count one command."""
        counter = self.errors if is_error else self.successes
        counter[command.label, ""] += 1
        for option in command.options:
            counter[command.label, option] += 1

    def rows(self, syntaxes: list[Syntax]) -> list[tuple[str, str, str, int, int]]:
        """(group, command, option, successes, errors) of every target."""
        return [
            (syntax.group, syntax.label, option or "", *self._counts(syntax.label, option or ""))
            for syntax, option in targets(syntaxes)
        ]

    def _counts(self, label: str, option: str) -> tuple[int, int]:
        return self.successes[label, option], self.errors[label, option]


def mentions(command: Command, keys: Iterable[bytes]) -> bool:
    """Whether a command may have something to do with any of these keys: names one, or is about all keys."""
    whole = re.match(r"FLUSH|SWAPDB|SELECT|CONFIG SET|HELLO|RESET|QUIT|SORT", command.label)
    return bool(whole) or not set(keys).isdisjoint(command.argv[1:])
