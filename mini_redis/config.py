"""Where the values of the directives live, and the three ways in: redis.conf with arguments, keywords, CONFIG SET.

A directive itself (its kind, its default, what it means here) is a row of ``directives.py``; this module knows none
by name but ``include``. Reading goes in three steps: files and arguments become lines (``_Line``: words, and where
they stood), lines become values, and when all are read the values are judged, so that a later ``save ""`` takes back
what an earlier line asked for.

Values are typed as their kind says: ``config["port"]`` is an int, ``config["bind"]`` a list of str. Text that is not
UTF-8 survives as surrogate escapes.

Threads: reading is one dict look-up and safe anywhere. CONFIG SET changes several values and calls subscribers; the
server runs it with the gate closed, so no other command sees half of it.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from mini_redis.directives import DIRECTIVES, Directive
from mini_redis.errors import CommandError, quotable
from mini_redis.protocol.parser import split_quoted
from mini_redis.text import glob_match
from mini_redis.types.limits import EncodingLimits

MAX_CONFIG_BYTES = 16 * 2**20
UNKNOWN = "Bad directive or wrong number of arguments"


class ConfigError(CommandError):
    """A directive that cannot be: an error reply of CONFIG SET, or the reason why the server does not start."""


@dataclass(frozen=True)
class _Line:
    """One directive as written: ``where`` is "file, line n" or "command line"."""

    where: str
    text: str
    words: list[str]

    def error(self, reason: str) -> ConfigError:
        return ConfigError(f"{self.where}: '{self.text}': {reason}")


class Config:
    """The values of all directives of one server.

    Invariants: every row of the tables has a value, under its name and never under an alias; ``limits`` holds the
    same thresholds as the directives of the same names.
    """

    def __init__(self) -> None:
        self.limits = EncodingLimits()
        self.file = ""  # the absolute path of the configuration file, "" without one
        self.without_effect: list[str] = []  # given by file, argument or keyword, and accepted without meaning
        self._subscribers: dict[str, list[Callable[[Any], None]]] = {}
        self._values: dict[str, Any] = {}
        for row in set(DIRECTIVES.values()):
            self._assign(row, row.parse(_default_words(row), None))

    @classmethod
    def from_arguments(cls, argv: Sequence[str], stdin: BinaryIO | None = None) -> Config:
        """What ``[file.conf] [--directive value ...] [-]`` configures; ``argv`` is without the program's name.

        ``-``, first or last, reads ``stdin``. Later lines win over earlier ones: file, ``stdin``, arguments.
        Errors: ConfigError with file, line and reason.
        """
        config = cls()
        rest = list(argv)
        lines: list[Iterator[_Line]] = []
        if rest and not rest[0].startswith("-"):
            config.file = os.path.abspath(rest.pop(0))
            lines.append(_read_file(config.file, ()))
        if "-" in (rest[:1] + rest[-1:]) and stdin is not None:
            rest.pop(0 if rest[0] == "-" else -1)
            lines.append(_read_lines(stdin.read(MAX_CONFIG_BYTES), "standard input", ()))
        lines.append(_read_arguments(rest))
        config._load(line for part in lines for line in part)
        return config

    @classmethod
    def from_keywords(cls, **directives: Any) -> Config:
        """What ``Server(port=0, hash_max_listpack_entries=4)`` configures: underscores stand for dashes.

        Values are Python's (True, 5, ["127.0.0.1", "::1"], None for empty) or text as in redis.conf.
        """
        config = cls()
        config._load(
            _Line("argument", f"{name}={value!r}", [name.replace("_", "-"), *_words_of(value)])
            for name, value in directives.items()
        )
        return config

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def get_text(self, *patterns: bytes) -> dict[str, str]:
        """What CONFIG GET shows: name -> value, for every name and alias that a pattern matches.

        A name without glob characters is found in any case and answered as the client spelled it; no directive is
        shown twice. Observed on Redis 8.2. O(patterns x directives).
        """
        shown: dict[str, str] = {}
        seen: set[str] = set()
        for pattern in patterns:
            for name, row in self._matching(pattern):
                if not row.is_hidden and name.lower() not in seen:
                    seen.add(name.lower())
                    shown[name] = row.kind.format(self._values[row.name])
        return shown

    def _matching(self, pattern: bytes) -> list[tuple[str, Directive]]:
        if not any(character in pattern for character in b"*?["):
            name = pattern.decode("utf-8", "surrogateescape")
            row = DIRECTIVES.get(name.lower())
            return [(name, row)] if row else []
        return [(name, row) for name, row in DIRECTIVES.items() if glob_match(pattern, name.encode(), ignore_case=True)]

    def set_many(self, pairs: Sequence[tuple[str, str]], is_local: bool = False) -> None:
        """CONFIG SET: all pairs or none. ``is_local``: the client came over loopback or the Unix socket.

        The caller lets no other command run meanwhile. Errors: ConfigError with Redis's text, in Redis's order:
        names, immutable, protected, duplicate (pair by pair), then the values, then the subscribers.
        """
        rows = self._rows_to_set(pairs, is_local)
        before = {row.name: self._values[row.name] for row in rows}
        try:
            for (name, text), row in zip(pairs, rows):
                with _blaming(name):
                    self._assign(row, self._value_to_set(row, text))
            for (name, _), row in zip(pairs, rows):
                with _blaming(name):
                    self._tell(row)
        except Exception:
            for row in rows:
                self._assign(row, before[row.name])
            for row in rows:
                self._tell(row, quietly=True)
            raise

    def on_change(self, name: str, callback: Callable[[Any], None]) -> None:
        """Call ``callback(value)`` after each CONFIG SET of ``name``.

        A callback that raises ConfigError(reason) undoes the whole command: every value is as before and the callbacks
        of all its directives are called again with the old values, errors then ignored.
        """
        self._subscribers.setdefault(DIRECTIVES[name].name, []).append(callback)

    def _rows_to_set(self, pairs: Sequence[tuple[str, str]], is_local: bool) -> list[Directive]:
        rows: dict[str, Directive] = {}
        for name, _ in pairs:
            row = DIRECTIVES.get(name.lower())
            if row is None or row.is_hidden:
                raise ConfigError(f"Unknown option or number of arguments for CONFIG SET - '{_quotable(name)}'")
            if not row.is_settable:
                raise _set_error(name, "can't set immutable config")
            if row.is_protected and not self._allows_protected(is_local):
                raise _set_error(name, "can't set protected config")
            if name.lower() in rows:
                raise _set_error(name, "duplicate parameter")
            rows[name.lower()] = row
        return list(rows.values())

    def _allows_protected(self, is_local: bool) -> bool:
        allowed = self["enable-protected-configs"]
        return allowed == "yes" or (allowed == "local" and is_local)

    def _value_to_set(self, row: Directive, text: str) -> Any:
        """The value of one CONFIG SET pair; it replaces a list, but output limits of other classes stay."""
        current = self._values[row.name]
        value = row.parse([text], [] if isinstance(current, list) else current)
        refusal = row.refusal(value)
        if refusal:
            raise ValueError(refusal)
        return value

    def _assign(self, row: Directive, value: Any) -> None:
        self._values[row.name] = value
        attribute = row.name.replace("-", "_")
        if hasattr(self.limits, attribute):
            setattr(self.limits, attribute, value)

    def _tell(self, row: Directive, quietly: bool = False) -> None:
        for callback in self._subscribers.get(row.name, ()):
            try:
                callback(self._values[row.name])
            except ConfigError:
                if not quietly:
                    raise

    def _load(self, lines: Iterable[_Line]) -> None:
        """Take the values of all lines, then judge what they amount to."""
        given: dict[str, _Line] = {}
        for line in lines:
            row = DIRECTIVES.get(line.words[0].lower())
            if row is None:
                raise line.error(UNKNOWN)
            # The first line of a list replaces the default, further ones add to it (save) or replace it (bind).
            current = self._values[row.name]
            if row.name not in given and isinstance(current, list):
                current = []
            try:
                self._assign(row, row.parse(line.words[1:], current))
            except ValueError as error:
                raise line.error(str(error)) from None
            given[row.name] = line
        for name, line in given.items():
            refusal = DIRECTIVES[name].refusal(self._values[name])
            if refusal:
                raise line.error(refusal)
        self.without_effect = sorted(name for name in given if not DIRECTIVES[name].has_effect)


def _default_words(row: Directive) -> list[str]:
    return row.default.split() if row.kind.takes_several_words and row.default else [row.default]


def _words_of(value: Any) -> list[str]:
    """The words of a keyword's value."""
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in _words_of(item)] or [""]
    if value is None or isinstance(value, bool):
        return ["" if value is None else "yes" if value else "no"]
    return [os.fsdecode(value) if isinstance(value, (bytes, os.PathLike)) else str(value)]


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Turn what a kind or a subscriber says into the error of CONFIG SET for the directive ``name``."""
    try:
        yield
    except (ValueError, ConfigError) as error:
        raise _set_error(name, str(error)) from None


def _set_error(name: str, reason: str) -> ConfigError:
    return ConfigError(f"CONFIG SET failed (possibly related to argument '{_quotable(name)}') - {reason}")


def _quotable(name: str) -> str:
    """A name that a client gave, fit to stand in an error line; of any length, as in Redis."""
    data = name.encode("utf-8", "surrogateescape")
    return quotable(data, len(data))


# --- lines


def _read_file(path: str, parents: tuple[str, ...]) -> Iterator[_Line]:
    """The lines of a file and of what it includes; ``parents`` are the files that include it."""
    if os.path.abspath(path) in parents:
        raise ConfigError(f"{path}: includes itself, directly or by way of another file")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_CONFIG_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"can't open config file '{path}': {reason}") from None
    return _read_lines(data, path, (*parents, os.path.abspath(path)))


def _read_lines(data: bytes, source: str, parents: tuple[str, ...]) -> Iterator[_Line]:
    for number, raw in enumerate(data.split(b"\n"), 1):
        stripped = raw.strip(b" \t\r\n")
        if not stripped or stripped.startswith(b"#"):
            continue
        line = _Line(f"{source}, line {number}", os.fsdecode(stripped), [])
        words = split_quoted(stripped)
        if words is None:
            raise line.error("Unbalanced quotes in configuration line")
        line.words.extend(word.decode("utf-8", "surrogateescape") for word in words)
        yield from _follow(line, parents)


def _read_arguments(argv: Sequence[str]) -> Iterator[_Line]:
    """``--name value ...``: a word that begins with ``--`` is the next name, unless a name still lacks its value.

    So ``--requirepass --x`` sets a password; ``--save --port 0`` does not, because ``--save`` may stand alone. One
    argument may hold name and value: ``"--port 7000"``. Observed on Redis 8.2.
    """
    position = 0
    while position < len(argv):
        name, *values = argv[position].split(None, 1) or [""]
        begin = position
        position += 1
        if not name.startswith("--") or len(name) < 3:
            raise ConfigError(f"command line: '{argv[begin]}': expected --directive value, see --help")
        while position < len(argv) and (
            not argv[position].startswith("--") or (not values and name.lower() != "--save")
        ):
            values.append(argv[position])
            position += 1
        if name.lower() == "--save" and not values:
            values = [""]
        yield from _follow(_Line("command line", " ".join(argv[begin:position]), [name[2:], *values]), ())


def _follow(line: _Line, parents: tuple[str, ...]) -> Iterator[_Line]:
    """The line itself, or the lines of the files it includes: one path, or all that fit a pattern, by name.

    Relative paths are relative to the working directory, as in Redis. A pattern that fits nothing is no error.
    """
    if line.words[0].lower() != "include":
        yield line
        return
    if len(line.words) != 2:
        raise line.error("wrong number of arguments")
    path = line.words[1]
    for included in sorted(glob.glob(path)) if glob.has_magic(path) else [path]:
        try:
            yield from _read_file(included, parents)
        except ConfigError as error:
            raise error if error.text.startswith(included) else line.error(error.text) from None
