"""The write log: effects in a queue, one drainer, any number of sinks (an append-only file, a replication stream).

Units append to ``queue`` while they hold their keys, so the order in the queue is the order of execution for every
key. A record is a *reference*: ``(wire, argv, db)`` names a command as it came, ``[group, ...]`` lists effects that
replace it, each group ``[(db, argv), ...]`` being atomic. Bytes are made later, by the drainer, under ``_drain`` and
with no key held: 77 ns a write, against 168 for joining at the append.

SELECT stands wherever the database differs from the last one *of that sink*; a group of two or more stands between
MULTI and EXEC. See ``docs/concurrency.md``, section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_redis.protocol.encoder import encode_command
from mini_redis.protocol.parser import Wire
from mini_redis.store.ranks import make_lock

Sink = Callable[[bytes], None]
"""Takes the next bytes of the log; called by one thread at a time."""

MULTI = b"*1\r\n$5\r\nMULTI\r\n"
EXEC = b"*1\r\n$4\r\nEXEC\r\n"


class WriteLog:
    """See the module. ``on`` and the sinks change only under the closed gate; ``_drain`` guards what sinks have got.

    ``queue`` has no lock: producers only append, and the one drainer takes from the front; both are single list
    operations that CPython makes atomic, with the GIL and without.
    """

    __slots__ = ("on", "queue", "_drain", "_sinks")

    def __init__(self) -> None:
        self.on = False
        self.queue: list[Any] = []
        self._drain = make_lock("drain")
        self._sinks: list[_Renderer] = []

    def attach(self, sink: Sink) -> None:
        """Let ``sink`` have everything from now on. Under the closed gate."""
        self.flush()
        self._sinks.append(_Renderer(sink))
        self.on = True

    def drain(self) -> None:
        """Write what is queued, unless another thread is just doing so. One take, not until the queue is empty: with
        slow sinks one client would drain for all others and never get its reply."""
        if self.queue and self._drain.acquire(False):
            try:
                self._write(self._take())
            finally:
                self._drain.release()

    def flush(self) -> None:
        """Write all that was queued before the call; waits for a drainer at work."""
        with self._drain:
            self._write(self._take())

    def _take(self) -> list[Any]:
        count = len(self.queue)
        taken = self.queue[:count]
        del self.queue[:count]
        return taken

    def _write(self, records: list[Any]) -> None:
        if records:
            commands = list(_merged(records))
            for renderer in self._sinks:
                renderer.write(commands)


def _merged(records: list[Any]) -> list[tuple[int | None, bytes]]:
    """Records -> (database or None for "whatever it is", bytes), neighbouring slices of one batch joined."""
    out: list[tuple[int | None, bytes]] = []
    open_wire: Wire | None = None
    begin = end = number = 0
    for record in records:
        if type(record) is tuple:
            wire, argv, db = record
            span = wire.span(argv) if wire is not None else None
            if span is not None and wire is open_wire and span[0] == end and db == number:
                end = span[1]
                continue
            if open_wire is not None:
                out.append((number, open_wire.slice(begin, end)))
                open_wire = None
            if span is None:
                out.append((db, encode_command(argv)))
            else:
                open_wire, (begin, end), number = wire, span, db
            continue
        if open_wire is not None:
            out.append((number, open_wire.slice(begin, end)))
            open_wire = None
        for group in record:
            effects = [(db, encode_command(argv)) for db, argv in group]
            out += effects if len(effects) == 1 else [(None, MULTI), *effects, (None, EXEC)]
    if open_wire is not None:
        out.append((number, open_wire.slice(begin, end)))
    return out


class _Renderer:
    """One sink and the database that its reader is in."""

    __slots__ = ("_sink", "_number")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._number = -1

    def write(self, commands: list[tuple[int | None, bytes]]) -> None:
        pieces: list[bytes] = []
        for number, data in commands:
            if number is not None and number != self._number:
                pieces.append(encode_command([b"SELECT", b"%d" % number]))
                self._number = number
            pieces.append(data)
        self._sink(b"".join(pieces))
