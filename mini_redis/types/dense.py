"""The dense form that large sets and hashes share: a dict from name to position, and the names in one array.

A Python dict alone cannot answer SRANDMEMBER or resume an SSCAN without walking from its start. With the names in an
array as well, a random one is an index, and removal fills the hole with the last one (swap-remove), all O(1). It
costs 59 bytes a name and doubles the 0.6 us of an insertion.

A scan walks the array *downwards*, and its cursor is how many names are still to come. A removal moves only the last
name, and to a lower position: from the visited part into either part, or within what is to come, never out of it. So
a name that is there all the time is visited, at times twice; one added meanwhile may be missed, as Redis allows.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

_SMALLEST_DICT_TO_SHRINK = 4096
_SHRINK_WHEN_A = 8  # a dict keeps its size whatever is deleted, so it is rebuilt when it is an eighth full
_SAMPLE = 16


class DenseNames:
    """Distinct names in an array, with their positions.

    Not thread-safe: the caller holds the key's lock. Costs O(1) unless noted. `names` and `positions` are read by
    the owners directly, for speed; they change them only through these methods.

    Invariants, tested by `check()`: names[positions[name]] == name for every name, and nothing else is in either.
    """

    __slots__ = ("_dict_size", "names", "positions")

    def __init__(self, names: Iterable[bytes] = ()) -> None:
        """Take over distinct names in order. O(N)."""
        self.names = list(names)
        self.positions: dict[bytes, int] = {}
        self._dict_size = 0
        self._rebuild()

    def add(self, name: bytes) -> bool:
        """Append `name` unless it is there; return whether it was new."""
        positions = self.positions
        if name in positions:
            return False
        positions[name] = len(self.names)
        self.names.append(name)
        return True

    def remove(self, name: bytes) -> int | None:
        """Remove `name`, move the last name to its position, and return that position; None if it was not there."""
        position = self.positions.pop(name, None)
        if position is None:
            return None
        names = self.names
        last = names.pop()
        if position < len(names):
            names[position] = last
            self.positions[last] = position
        if len(names) * _SHRINK_WHEN_A < self._dict_size:
            self._rebuild()
        elif len(names) > self._dict_size:
            self._dict_size = len(names)
        return position

    def copy(self) -> DenseNames:
        """Return an independent copy. O(N)."""
        return DenseNames(self.names)

    def memory_usage(self) -> int:
        """Estimate the bytes used, from a sample of the names."""
        count = len(self.names)
        per_position = 32 if count > 256 else 0  # Python shares the small integers
        tables = self.positions.__sizeof__() + self.names.__sizeof__()
        return tables + round(count * (mean_size(self.names) + per_position))

    def check(self) -> None:
        """Assert the invariants of the class. O(N)."""
        assert len(self.names) == len(self.positions), "names and positions differ in number"
        for position, name in enumerate(self.names):
            assert self.positions.get(name) == position, "a name is not at its position"

    def _rebuild(self) -> None:
        self.positions = {name: position for position, name in enumerate(self.names)}
        self._dict_size = max(len(self.names), _SMALLEST_DICT_TO_SHRINK)


def mean_size(elements: list[bytes]) -> float:
    """Estimate the bytes of one of `elements`, from a sample spread over them. O(1)."""
    if not elements:
        return 0.0
    sample = elements[:: len(elements) // _SAMPLE + 1]
    return sum(element.__sizeof__() for element in sample) / len(sample)


def scan_window(length: int, cursor: int, count: int) -> tuple[int, int]:
    """Return the half-open part of an array of `length` that a scan visits next; its begin is the next cursor.

    Cursor 0 begins at the top, one beyond the array is as good as the top.
    """
    end = min(cursor, length) if cursor > 0 else length
    return max(end - max(count, 1), 0), end


def random_position(length: int, rng: random.Random) -> int:
    """Return a random position below `length`; length < 2**53. 0.1 us, a third of randrange()."""
    return int(rng.random() * length)


def random_positions(length: int, count: int, rng: random.Random) -> list[int]:
    """Return min(count, length) distinct positions in random order. O(count)."""
    return rng.sample(range(length), min(count, length))
