"""Makes command sequences from the syntax in command_grammar.py, seeded: the same seed gives the same commands.

Every command, and every option of each, is a *target*. The generator draws targets, then writes a command that uses
the target, meant to succeed (a key of the right type, sane numbers) or to fail (wrong type, wrong arity, bad numbers,
options that conflict). What really came of it is counted by whoever runs the commands; see `Coverage`.

All commands act on the same few keys (command_values.py), so that types collide.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from command_grammar import Node, Syntax
from command_values import KEYS, Values

TYPES = ["string", "list", "set", "hash"]


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
HASH_PAUSE_MS = 120  # a field that has expired is there until the server's next round finds it
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
}
# Redis's SORT takes an ERANGE that an earlier command left in errno for a fault of its own numbers. Reading a cursor
# of 64 bits sets errno to 0 first.
_RESET_ERRNO = [b"SSCAN", b"no such key", b"18446744073709551615"]


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
    if command.label in ("OBJECT ENCODING", "DEBUG OBJECT"):
        return [[b"LLEN", argument] for argument in command.argv[2:3]]
    if command.label in ("SORT", "SORT_RO"):
        return [_RESET_ERRNO, [b"TYPE", command.argv[1]]]
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
