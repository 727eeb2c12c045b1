"""Keep the whole process on one CPU at a time.

With the GIL one thread runs Python at a time, wherever it is. Let loose on two CPUs the threads of 50 busy clients hand
the GIL from core to core at every system call, and most of the time goes into waking up: measured on two cores of a
virtual machine with CPython 3.11, SET without pipeline, 50 clients 25,000-36,000 commands a second on two CPUs and
66,000-71,000 on one; 500 clients 15,000-18,000 and 32,000-44,000; pipeline 16, 50 clients 202,000-226,000 and
292,000-316,000. So the process keeps to one CPU, and because that one may have other work too, it looks every second
whether another would be better and moves there.

For Linux, and for builds with the GIL; elsewhere nothing is done. Process-wide, so only ``__main__`` uses it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

PERIOD_SECONDS = 1.0
CROWDED = 0.2
"""Share of a CPU taken by others from which on it is worth while to look for a better one."""


def is_useful() -> bool:
    """Whether there is a choice of CPUs and a GIL that makes more than one of them a burden."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return has_gil and hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


def start() -> None:
    """Move this process to one of its CPUs; from now on a daemon thread keeps it on the one with the most room.

    Threads that are started later inherit the choice, so call this before there are any.
    """
    allowed = sorted(os.sched_getaffinity(0))
    here = allowed[os.getpid() % len(allowed)]  # several servers started together do not all take the same
    os.sched_setaffinity(0, {here})
    threading.Thread(target=_watch, args=(allowed, here), name="mini_redis affinity", daemon=True).start()


def _watch(allowed: list[int], here: int) -> None:
    busy, own = _busy_seconds(), time.process_time()
    while True:
        time.sleep(PERIOD_SECONDS)
        last_busy, last_own = busy, own
        busy, own = _busy_seconds(), time.process_time()
        spent = {cpu: busy.get(cpu, 0.0) - last_busy.get(cpu, 0.0) for cpu in allowed}
        spent[here] -= own - last_own
        best = min(allowed, key=lambda cpu: spent[cpu])
        if spent[here] > CROWDED * PERIOD_SECONDS and spent[best] < spent[here] / 2:
            here = best
            _move(here)


def _move(cpu: int) -> None:
    """Move every thread, also those that others start meanwhile; one that ends meanwhile needs it no more."""
    moved: set[str] = set()
    while names := set(os.listdir("/proc/self/task")) - moved:
        for name in names:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(name), {cpu})
        moved |= names


def _busy_seconds() -> dict[int, float]:
    """Seconds that each CPU has worked since the system started; empty where /proc does not tell."""
    ticks = os.sysconf("SC_CLK_TCK")
    busy: dict[int, float] = {}
    with contextlib.suppress(OSError, ValueError), open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(" ")
            if name.startswith("cpu") and name != "cpu":
                user, nice, system, _, _, interrupt, soft, *_ = map(int, rest.split())
                busy[int(name[3:])] = (user + nice + system + interrupt + soft) / ticks
    return busy
