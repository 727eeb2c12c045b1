"""Time: one object gives the wall clock, for what is stored, and the monotonic one, for what is waited for.

Expiry is stored in wall-clock milliseconds, as in Redis's files; a wall clock may jump, so waits and latencies never
use it. Tests hand the server a :class:`ManualClock` and advance it instead of sleeping.
"""

from __future__ import annotations

import time


class Clock:
    """The system's clocks.

    ``access_s`` is a coarse clock for OBJECT IDLETIME: every key that is used takes a reference to it, so it is one
    shared int that :meth:`tick` replaces a few times a second, not a reading per command.
    """

    __slots__ = ("access_s",)

    def __init__(self) -> None:
        self.access_s = int(self.monotonic())

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def now_us(self) -> int:
        """Wall clock, microseconds since the epoch."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        """Seconds that never run backwards, from an arbitrary start."""
        return time.monotonic()

    def tick(self) -> None:
        """Bring ``access_s`` up to date."""
        seconds = int(self.monotonic())
        if seconds != self.access_s:
            self.access_s = seconds


class ManualClock(Clock):
    """A clock that stands still until a test moves it."""

    __slots__ = ("_now_us",)

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_us = now_ms * 1000
        super().__init__()

    def now_ms(self) -> int:
        return self._now_us // 1000

    def now_us(self) -> int:
        return self._now_us

    def monotonic(self) -> float:
        return self._now_us / 1_000_000

    def advance(self, milliseconds: int) -> None:
        """Move all clocks forward."""
        self._now_us += milliseconds * 1000
        self.tick()
