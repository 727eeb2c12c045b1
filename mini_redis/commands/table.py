"""The command table: ``@command`` declares, :class:`CommandTable` collects.

The decorator only attaches a :class:`CommandSpec` to the function; nothing registers itself on import. The table reads
an explicit list of modules, so which commands a server has can be seen in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from mini_redis.commands.keyspec import KeySpec

SHARED, EXCLUSIVE, TURN, FREE = "shared", "exclusive", "turn", "free"
"""How a command runs: sharing the gate with its keys locked; with the gate closed; as the one holder of the turn that
finds its keys while it runs; or without the gate, because it touches no key and must be answered while it is closed."""

FLAG_ORDER = ("write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale",
              "skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "may_replicate", "no_async_loading",
              "no_multi", "movablekeys", "allow_busy")
CATEGORY_ORDER = ("keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog",
                  "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection",
                  "transaction", "scripting")

Handler = Callable[..., Any]
KeyFinder = Callable[[int, int, list[bytes]], Iterable[tuple[int, bytes]]]
"""(database number of the client, how many databases there are, argv) -> the pairs to lock, for commands whose keys no
key spec can say."""


class CommandSpec:
    """Everything the server knows of one command.

    ``arity`` counts the command's name (of a subcommand both words); negative means "at least". ``short_min`` and
    ``short_max`` bound the number of words for which dispatch may take its short way for one key; 1 and 0 where never.
    """

    __slots__ = ("name", "handler", "arity", "min_words", "max_words", "flags", "keys", "find_pairs", "gate", "since",
                 "group", "complexity", "categories", "tips", "summary", "subcommands", "container", "first_argument",
                 "short_min", "short_max", "writes", "deprecated")

    def __init__(self, name: str, handler: Handler, *, arity: int, flags: str = "",
                 keys: tuple[KeySpec, ...] = (), find_pairs: KeyFinder | None = None, gate: str = SHARED,
                 since: str = "1.0.0", group: str = "", complexity: str = "", categories: str = "",
                 tips: tuple[str, ...] = (), summary: str = "", deprecated: str = "") -> None:
        self.name = name.lower()
        self.handler = handler
        self.arity = arity
        self.min_words = abs(arity)
        self.max_words = arity if arity > 0 else 1 << 31
        self.flags = frozenset(flags.split())
        self.keys = keys
        self.find_pairs = find_pairs
        self.gate = gate
        self.since = since
        self.group = group
        self.complexity = complexity
        self.categories = self._all_categories(categories)
        self.tips = tips
        self.summary = summary
        self.deprecated = deprecated
        self.subcommands: dict[bytes, CommandSpec] | None = None
        self.container = self.name.partition("|")[0] if "|" in self.name else ""
        self.first_argument = 2 if self.container else 1
        self.writes = "write" in self.flags
        self.short_min, self.short_max = self._short_way()

    def _short_way(self) -> tuple[int, int]:
        """With how many words the first argument is the only key: always, if no other key is declared; or while the
        keys that may repeat do not, as in ``DEL key`` and ``MSET key value``."""
        if len(self.keys) != 1 or self.keys[0].begin != 1 or self.find_pairs is not None or self.gate != SHARED:
            return 1, 0
        spec = self.keys[0]
        if spec.numkeys or spec.unknown or spec.last > 0:
            return 1, 0
        return self.min_words, self.max_words if spec.last == 0 else min(self.max_words, 1 + spec.step)

    def _all_categories(self, named: str) -> tuple[str, ...]:
        found = set(named.split())
        if "write" in self.flags:
            found.add("write")
        if "readonly" in self.flags:
            found.add("read")
        found.add("fast" if "fast" in self.flags else "slow")
        if "admin" in self.flags:
            found |= {"admin", "dangerous"}
        if "blocking" in self.flags:
            found.add("blocking")
        if "pubsub" in self.flags:
            found.add("pubsub")
        implied = {"generic": "keyspace", "string": "string", "list": "list", "set": "set", "hash": "hash",
                   "connection": "connection"}.get(self.group)
        if implied and not named:
            found.add(implied)
        return tuple(name for name in CATEGORY_ORDER if name in found)

    def pairs(self, number: int, databases: int, argv: list[bytes]) -> Iterable[tuple[int, bytes]]:
        """The (database, key) pairs that this call touches; for a client in database ``number`` of ``databases``."""
        if self.find_pairs is not None:
            return self.find_pairs(number, databases, argv)
        return [(number, key) for spec in self.keys for key in spec.find(argv)]

    def accepts(self, words: int) -> bool:
        """Whether a call of so many words, the name among them, fits the arity."""
        return self.min_words <= words <= self.max_words

    def __repr__(self) -> str:
        return f"<CommandSpec {self.name}>"


def command(name: str, *, keys: KeySpec | tuple[KeySpec, ...] = (), **declared: Any) -> Callable[[Handler], Handler]:
    """Declare the function below to be command ``name`` (``"CONFIG|GET"`` for a subcommand).

    The first line of its docstring is the summary of COMMAND DOCS. The other arguments are those of CommandSpec;
    a module binds its ``group`` once with :func:`functools.partial`.
    """
    def attach(function: Handler) -> Handler:
        summary = (function.__doc__ or "").strip().partition("\n")[0]
        specs = keys if isinstance(keys, tuple) else (keys,)
        spec = CommandSpec(name, function, keys=specs, summary=summary, **declared)
        function.__dict__.setdefault("command_specs", []).append(spec)
        return function
    return attach


class CommandTable:
    """Name -> CommandSpec for one server.

    ``spellings`` answers the hot loop by the exact bytes that clients send; other spellings are added as they are
    seen, up to a bound. Only :meth:`resolve` writes to it: adding to a dict is one atomic step, and losing a race adds
    the same value twice.
    """

    MAX_SPELLINGS = 4096

    def __init__(self, modules: Iterable[ModuleType], containers: Iterable[CommandSpec]) -> None:
        self.by_name: dict[str, CommandSpec] = {}
        for spec in containers:
            spec.subcommands = {}
            self._add(spec)
        for module in modules:
            for function in vars(module).values():
                for spec in getattr(function, "command_specs", ()):
                    self._add(spec)
        self.spellings: dict[bytes, CommandSpec] = {}
        for name, spec in self.by_name.items():
            self.spellings[name.encode()] = self.spellings[name.upper().encode()] = spec

    def _add(self, spec: CommandSpec) -> None:
        if spec.container:
            parent = self.by_name[spec.container]
            assert parent.subcommands is not None  # declared as a container
            spec.group = spec.group or parent.group
            names: dict[bytes, CommandSpec] = parent.subcommands
            short = spec.name.partition("|")[2].encode()
            if short in names:
                raise ValueError(f"command {spec.name} is declared twice")
            names[short] = spec
        else:
            if spec.name in self.by_name:
                raise ValueError(f"command {spec.name} is declared twice")
            self.by_name[spec.name] = spec

    def resolve(self, name: bytes) -> CommandSpec | None:
        """The command (or container) of this name, in any spelling."""
        spec = self.spellings.get(name)
        if spec is None and len(name) <= 64:
            spec = self.by_name.get(name.lower().decode("latin-1"))
            if spec is not None and len(self.spellings) < self.MAX_SPELLINGS:
                self.spellings[name] = spec
        return spec

    def all_specs(self) -> list[CommandSpec]:
        """Every command and container in the order of declaration, without subcommands."""
        return list(self.by_name.values())
