"""Long work in slices: between two of them the GIL is let go, so that no client waits for a million elements."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mini_redis.errors import OutOfRange

T = TypeVar("T")

SLICE_ELEMENTS = 20_000
"""About 2-5 ms of Python work."""


def in_slices(items: list[T]) -> Iterator[list[T]]:
    """Parts of a list in order; others run between them. Allowed under key locks: ``sleep(0)`` waits for none."""
    if len(items) <= SLICE_ELEMENTS:
        yield items
        return
    for begin in range(0, len(items), SLICE_ELEMENTS):
        yield items[begin:begin + SLICE_ELEMENTS]
        time.sleep(0)


def giving_way(chunks: Iterable[list[T]]) -> Iterator[list[T]]:
    """The chunks that set algebra yields; other threads run after each slice's worth. Small results pay nothing."""
    since = 0
    for chunk in chunks:
        yield chunk
        since += len(chunk)
        if since >= SLICE_ELEMENTS:
            since = 0
            time.sleep(0)


MAX_DRAWN_BYTES = 1 << 30
BYTES_PER_DRAWN = 32
"""References and headers, beside its own bytes, that an element of a reply takes on its way out."""


def draw_repeatedly(draw: Callable[[int], list[T]], count: int, size: Callable[[T], int]) -> list[T]:
    """``count`` random elements, with repeats, drawn in slices; ``draw`` gives so many, ``size`` an element's bytes.

    A client may ask for 2^63 of them. Errors: OutOfRange if they would not fit in 1 GB (Redis only tries).
    """
    if count * BYTES_PER_DRAWN > MAX_DRAWN_BYTES:
        raise OutOfRange()
    drawn: list[T] = []
    drawn_bytes = 0
    while len(drawn) < count:
        if drawn:
            time.sleep(0)
        part = draw(min(SLICE_ELEMENTS, count - len(drawn)))
        drawn += part
        drawn_bytes += sum(map(size, part)) + BYTES_PER_DRAWN * len(part)
        if drawn_bytes * count > MAX_DRAWN_BYTES * len(drawn):  # at this rate; at the end, exactly
            raise OutOfRange()
    return drawn
