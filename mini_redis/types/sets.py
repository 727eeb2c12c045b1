"""Set: the value of a set key, in the three forms that Redis shows as its encodings.

- intset: a sorted array of 64-bit integers, while every member is one; 8 bytes a member against 120;
- listpack: a dict that keeps the order of insertion, while members are few and short;
- hashtable: a dict and a dense array, see `dense.py`.

A set that changes only ever moves down this list. Source: redis.io/commands/object-encoding; the rules of transition
are observed on Redis 8.2, and the tests hold the rows.

Set algebra yields lists of up to 4096 members, so that a caller can let others run in between.

Times are of CPython 3.11.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import filterfalse, islice

from mini_redis.text import parse_integer
from mini_redis.types.dense import DenseNames, mean_size, random_position, random_positions, scan_window
from mini_redis.types.limits import EncodingLimits

_CHUNK = 4096
_EMPTY_BYTES = 64


class Set:
    """A set of bytes. Not thread-safe: the caller holds the key's lock.

    Invariants, tested by `check()`: exactly one of the three forms is present; the integers ascend strictly; the
    compact forms were within their limits when they last grew; the dense form is consistent.

    In the costs below N is the cardinality. Compact forms are bounded by their limits (512 integers or 128 members by
    default), so what is linear in them counts as O(1).
    """

    __slots__ = ("_compact", "_dense", "_integers", "_limits")

    type_name = "set"

    def __init__(self, limits: EncodingLimits) -> None:
        self._limits = limits
        self._integers: array[int] | None = array("q")
        self._compact: dict[bytes, None] | None = None
        self._dense: DenseNames | None = None

    def __len__(self) -> int:
        if self._dense is not None:
            return len(self._dense.names)
        return len(self._integers) if self._integers is not None else len(self._compact or ())

    def __contains__(self, member: bytes) -> bool:
        """O(1); 0.1 us in a hashtable, 0.6 in an intset of 512."""
        if self._dense is not None:
            return member in self._dense.positions
        return self.membership_test()(member)

    def __iter__(self) -> Iterator[bytes]:
        """Iterate in the order of `members()`. The set must not change meanwhile."""
        for chunk in self.chunks():
            yield from chunk

    @property
    def encoding(self) -> str:
        """What OBJECT ENCODING shows: "intset", "listpack" or "hashtable"."""
        if self._dense is not None:
            return "hashtable"
        return "intset" if self._integers is not None else "listpack"

    # Changes

    def reserve(self, count: int, first_member: bytes) -> None:
        """Prepare for adding `count` members, as SADD does with its arguments before it adds the first.

        The number given decides, even if they turn out to be the same member. An empty set chooses the form that
        holds them all; another becomes a hashtable if they alone exceed the limit of its form. O(N).
        """
        limits = self._limits
        if self._integers is not None:
            if count <= limits.set_max_intset_entries and (self._integers or parse_integer(first_member) is not None):
                return
            if count <= limits.set_max_listpack_entries and not self._integers:
                self._become_compact()
            else:
                self._become_dense()
        elif self._compact is not None and count > limits.set_max_listpack_entries:
            self._become_dense()

    def add(self, member: bytes) -> bool:
        """Add `member`; return whether it was new. O(1); 0.4 us on the way to 1,000,000 (a Python set: 0.15)."""
        if self._dense is not None:
            return self._dense.add(member)
        if self._integers is not None:
            value = parse_integer(member)
            if value is not None:
                return self._add_integer(value)
            self._leave_intset(member)
            return self.add(member)
        compact = self._compact
        assert compact is not None
        if member in compact:
            return False
        if len(compact) >= self._limits.set_max_listpack_entries or len(member) > self._limits.set_max_listpack_value:
            return self._become_dense().add(member)
        compact[member] = None
        return True

    def discard(self, member: bytes) -> bool:
        """Remove `member`; return whether it was there. O(1)."""
        if self._dense is not None:
            return self._dense.remove(member) is not None
        if self._compact is not None:
            if member not in self._compact:
                return False
            del self._compact[member]
            return True
        assert self._integers is not None
        value = parse_integer(member)
        index = -1 if value is None else _index_of(self._integers, value)
        if index < 0:
            return False
        del self._integers[index]
        return True

    def pop_random(self, rng: random.Random) -> bytes:
        """Remove and return a random member; IndexError if there is none. O(1); 2 us of 1,000,000."""
        member = self.random_member(rng)
        self.discard(member)
        return member

    def pop_random_many(self, count: int, rng: random.Random) -> list[bytes]:
        """Remove and return up to `count` random members. O(count)."""
        popped = self.random_distinct(count, rng)
        if len(popped) == len(self):
            self._clear()
        else:
            for member in popped:
                self.discard(member)
        return popped

    def pack_integers(self) -> None:
        """Become an intset if all members are integers and it may hold so many, as the result of SINTERSTORE. O(1),
        as the limit of an intset bounds it."""
        if self._integers is not None or len(self) > self._limits.set_max_intset_entries:
            return
        values = []
        for member in self._names():
            value = parse_integer(member)
            if value is None:
                return
            values.append(value)
        self._integers = array("q", sorted(values))
        self._compact = self._dense = None

    # Reading

    def members(self) -> list[bytes]:
        """Return all members; integers ascend, a listpack keeps the order of insertion. O(N)."""
        if self._integers is not None:
            return [b"%d" % value for value in self._integers]
        return list(self._names())

    def chunks(self) -> Iterator[list[bytes]]:
        """Yield the members in lists of up to 4096. The set must not change meanwhile. O(N)."""
        if self._dense is None:
            if len(self):
                yield self.members()
            return
        names = self._dense.names
        for begin in range(0, len(names), _CHUNK):
            yield names[begin : begin + _CHUNK]

    def membership_test(self) -> Callable[[bytes], bool]:
        """Return the fastest function that tells whether a member is here; valid until the next change."""
        if self._integers is not None:
            return self._has_integer
        return self._dense.positions.__contains__ if self._dense is not None else self._names().__contains__

    def random_member(self, rng: random.Random) -> bytes:
        """Return a random member; IndexError if there is none. O(1); 0.3 us in a hashtable, 1 in a listpack of 100."""
        if self._dense is not None and self._dense.names:
            names = self._dense.names
            return names[random_position(len(names), rng)]
        length = len(self)
        if not length:
            raise IndexError("random member of an empty set")
        return self._member_at(random_position(length, rng))

    def random_distinct(self, count: int, rng: random.Random) -> list[bytes]:
        """Return up to `count` distinct random members; all of them, in order, if there are no more. O(count)."""
        if count >= len(self):
            return self.members()
        names = self._dense.names if self._dense is not None else self.members()
        return [names[position] for position in random_positions(len(names), count, rng)]

    def random_repeated(self, count: int, rng: random.Random) -> list[bytes]:
        """Return `count` random members, repeats among them; IndexError if there are no members. O(count)."""
        return rng.choices(self._dense.names if self._dense is not None else self.members(), k=count)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor, 0 at the end, and about `count` members; compact forms return all. O(count)."""
        if self._dense is None:
            return 0, self.members()
        begin, end = scan_window(len(self._dense.names), cursor, count)
        return begin, self._dense.names[begin:end]

    def copy(self) -> Set:
        """Return an independent set of the same members and encoding. O(N)."""
        other = Set(self._limits)
        other._integers = None if self._integers is None else self._integers[:]
        other._compact = None if self._compact is None else self._compact.copy()
        other._dense = None if self._dense is None else self._dense.copy()
        return other

    def memory_usage(self) -> int:
        """Estimate the bytes used, from a sample of the members. O(1)."""
        if self._dense is not None:
            return _EMPTY_BYTES + self._dense.memory_usage()
        if self._integers is not None:
            return _EMPTY_BYTES + self._integers.__sizeof__()
        compact = self._names()
        return _EMPTY_BYTES + compact.__sizeof__() + round(mean_size(list(islice(compact, 16))) * len(compact))

    def check(self) -> None:
        """Assert the invariants of the class. O(N)."""
        forms = (self._integers, self._compact, self._dense)
        assert sum(form is not None for form in forms) == 1, "not exactly one form"
        if self._dense is not None:
            self._dense.check()
        elif self._integers is not None:
            assert all(left < right for left, right in zip(self._integers, self._integers[1:])), "integers not sorted"
            assert len(self._integers) <= self._limits.set_max_intset_entries, "too many integers"
        else:
            assert len(self._names()) <= self._limits.set_max_listpack_entries, "too many members"

    # Forms

    def _names(self) -> dict[bytes, None] | dict[bytes, int]:
        """The dict of a set that is not an intset."""
        if self._dense is not None:
            return self._dense.positions
        assert self._compact is not None
        return self._compact

    def _member_at(self, position: int) -> bytes:
        if self._integers is not None:
            return b"%d" % self._integers[position]
        return list(self._names())[position]

    def _has_integer(self, member: bytes) -> bool:
        value = parse_integer(member)
        return value is not None and self._integers is not None and _index_of(self._integers, value) >= 0

    def _add_integer(self, value: int) -> bool:
        integers = self._integers
        assert integers is not None
        index = bisect_left(integers, value)
        if index < len(integers) and integers[index] == value:
            return False
        integers.insert(index, value)
        if len(integers) > self._limits.set_max_intset_entries:
            self._become_dense()
        return True

    def _leave_intset(self, member: bytes) -> None:
        """Choose the form in which `member`, which is no integer, can join the integers."""
        limits = self._limits
        longest = max([len(member), *map(len, self.members())]) if len(self) <= limits.set_max_listpack_entries else 0
        if len(self) < limits.set_max_listpack_entries and longest <= limits.set_max_listpack_value:
            self._become_compact()
        else:
            self._become_dense()

    def _become_compact(self) -> None:
        self._compact = dict.fromkeys(self.members())
        self._integers = None

    def _become_dense(self) -> DenseNames:
        self._dense = DenseNames(self.members())
        self._integers = self._compact = None
        return self._dense

    def _clear(self) -> None:
        """Remove all members and keep the encoding."""
        if self._dense is not None:
            self._dense = DenseNames()
        elif self._integers is not None:
            self._integers = array("q")
        else:
            self._compact = {}


def intersection(sets: Sequence[Set]) -> Iterator[list[bytes]]:
    """Yield, in lists of up to 4096, the members that all of `sets` have. O(N * number of sets), N the smallest."""
    smallest, *others = sorted(sets, key=len)
    tests = [other.membership_test() for other in others]
    for chunk in smallest.chunks():
        for test in tests:
            chunk = list(filter(test, chunk))
        yield chunk


def union(sets: Sequence[Set]) -> Iterator[list[bytes]]:
    """Yield, in lists of up to 4096, the members of any of `sets`, each once. O(sum of N)."""
    seen: set[bytes] = set()
    for each in sets:
        for chunk in each.chunks():
            new = [member for member in chunk if member not in seen]
            seen.update(new)
            yield new


def difference(first: Set, others: Sequence[Set]) -> Iterator[list[bytes]]:
    """Yield, in lists of up to 4096, the members of `first` that none of `others` has. O(N * number of sets)."""
    tests = [other.membership_test() for other in others]
    for chunk in first.chunks():
        for test in tests:
            chunk = list(filterfalse(test, chunk))
        yield chunk


def _index_of(integers: array[int], value: int) -> int:
    index = bisect_left(integers, value)
    return index if index < len(integers) and integers[index] == value else -1
