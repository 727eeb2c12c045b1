"""Counters: what INFO tells of commands, errors and connections.

``x += 1`` from several threads loses counts on a CPython without the GIL, and a lock per command would cost the hot
loop a tenth of its time. So every session counts for itself in :class:`Counters`, which only its thread writes; INFO
adds them up, and a session that ends folds its own into the totals. Rare events are counted under the one leaf lock.
"""

from __future__ import annotations

from typing import Protocol

from mini_redis.store.ranks import make_lock


class ChangeCounts(Protocol):
    """What a unit counts (``store/locking.py``)."""

    changed_total: int
    expired_total: int


class CommandFacts(Protocol):
    """What is counted by (``commands/table.py``)."""

    name: str
    writes: bool
    short_max: int


class Counters:
    """What one session counted. Written by its thread; others read single values, each right at some moment.

    ``commands``: command -> [calls, nanoseconds]. ``lookups``: keys that reading commands of several keys asked for (a
    reading command of one key is a look-up by its call); ``misses``: those that were not there.
    """

    __slots__ = ("unit", "commands", "lookups", "misses", "input_bytes", "output_bytes")

    def __init__(self, unit: ChangeCounts) -> None:
        self.unit = unit
        self.clear()

    def clear(self) -> None:
        """Start again from 0; what the unit changed is not CONFIG RESETSTAT's business."""
        self.commands: dict[CommandFacts, list[int]] = {}
        self.lookups = self.misses = self.input_bytes = self.output_bytes = 0


class CommandStats:
    """Figures of one command. ``rejected``: refused before it ran; ``failed``: answered with an error."""

    __slots__ = ("calls", "nanoseconds", "rejected", "failed")

    def __init__(self) -> None:
        self.calls = self.nanoseconds = self.rejected = self.failed = 0


class Stats:
    """All figures of one server. ``_lock`` guards every field but the sessions' own counters."""

    NAMES = ("connections_received", "rejected_connections", "input_bytes", "output_bytes", "expired_keys",
             "lookups", "misses", "protocol_errors", "internal_errors", "dirty")

    def __init__(self) -> None:
        self._lock = make_lock("stats")
        self._totals = dict.fromkeys(self.NAMES, 0)
        self._commands: dict[str, CommandStats] = {}
        self._errors: dict[str, int] = {}
        self._live: dict[int, Counters] = {}

    def add(self, name: str, by: int = 1) -> None:
        """Raise one total."""
        with self._lock:
            self._totals[name] += by

    def open(self, counters: Counters) -> None:
        """Let a session's counters be part of every sum from now on."""
        with self._lock:
            self._live[id(counters)] = counters

    def close(self, counters: Counters) -> None:
        """Fold in the counters of a session that ends."""
        with self._lock:
            if self._live.pop(id(counters), None) is not None:
                _fold(counters, self._totals, self._commands)

    def add_error(self, name: str, code: str, rejected: bool) -> None:
        """Count an error reply of command ``name`` ("" if there is none such)."""
        with self._lock:
            self._errors[code] = self._errors.get(code, 0) + 1
            if name:
                stats = self._commands.setdefault(name, CommandStats())
                if rejected:
                    stats.rejected += 1
                else:
                    stats.failed += 1

    def snapshot(self) -> tuple[dict[str, int], dict[str, CommandStats], dict[str, int]]:
        """(totals, figures by command, error replies by code), everything that was counted up to now. O(sessions)."""
        with self._lock:
            totals = dict(self._totals)
            commands: dict[str, CommandStats] = {}
            for name, stats in self._commands.items():
                copy = commands[name] = CommandStats()
                for field in CommandStats.__slots__:
                    setattr(copy, field, getattr(stats, field))
            for counters in self._live.values():
                _fold(counters, totals, commands)
            totals["commands_processed"] = sum(stats.calls for stats in commands.values())
            return totals, commands, dict(self._errors)

    def reset(self) -> None:
        """CONFIG RESETSTAT; with the gate closed, so that no session is counting."""
        with self._lock:
            for name in self._totals:
                if name != "dirty":
                    self._totals[name] = 0
            self._commands.clear()
            self._errors.clear()
            for counters in self._live.values():
                counters.clear()


def _fold(counters: Counters, totals: dict[str, int], commands: dict[str, CommandStats]) -> None:
    totals["dirty"] += counters.unit.changed_total
    totals["expired_keys"] += counters.unit.expired_total
    for name in ("lookups", "misses", "input_bytes", "output_bytes"):
        totals[name] += getattr(counters, name)
    for spec, (calls, nanoseconds) in _rows(counters):
        stats = commands.setdefault(spec.name, CommandStats())
        if spec.short_max and not spec.writes:
            totals["lookups"] += calls
        stats.calls += calls
        stats.nanoseconds += nanoseconds


def _rows(counters: Counters) -> list[tuple[CommandFacts, list[int]]]:
    """The command rows of a session that may be adding one this very moment."""
    while True:
        try:
            return list(counters.commands.items())
        except RuntimeError:  # it grew meanwhile, which it does once per kind of command
            continue
