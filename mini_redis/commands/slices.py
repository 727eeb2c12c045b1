"""Long work in slices: between two of them the GIL is let go, so that no client waits for another's million elements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

SLICE_ELEMENTS = 20_000
"""About 2-5 ms of Python work."""


def in_slices(items: list[T]) -> Iterator[list[T]]:
    """Parts of a list, in order; other threads run between them. Allowed under key locks: ``sleep(0)`` waits for none."""
    if len(items) <= SLICE_ELEMENTS:
        yield items
        return
    for begin in range(0, len(items), SLICE_ELEMENTS):
        yield items[begin:begin + SLICE_ELEMENTS]
        time.sleep(0)
