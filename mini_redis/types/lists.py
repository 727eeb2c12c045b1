"""LinkedList: the value of a list key, and its encoding.

The elements stand in a chain of blocks, see `blocks.py`. This module adds what changes a list, and keeps account of
whether Redis would call it a listpack or a quicklist; the structure is the same for both.

Redis compares the exact bytes of the listpack with a limit on every push. To measure an element costs more than to
push it, so a list that counts as a listpack adds up length + 4, never less than the truth for elements under 4096
bytes, and the exact measure is taken only when that sum passes a bound, which then moves on by what is really left.
A quicklist counts nothing; it is measured when it has so few elements that it may be half the limit. These bounds hold
for the limit that they were computed for; whatever changes a list looks whether the limit is still the same.
"""

from __future__ import annotations

from mini_redis.types.blocks import BLOCK_SIZE, BlockChain
from mini_redis.types.limits import LISTPACK_BASE_BYTES, MIN_ENTRY_BYTES, EncodingLimits, listpack_entry_bytes

_MAX_OVERHEAD = 4  # bytes that a listpack adds to an element under 4096 bytes
_MUCH_SMALLER = 512  # bytes that make LSET worth a look whether the list is a listpack again

_EMPTY_BYTES = 120  # a LinkedList
_BLOCK_BYTES = 100  # a Block, without the references in it
_BYTES_OF_REFERENCE = 9  # 8, and what append() keeps in reserve


class LinkedList(BlockChain):
    """A list of bytes with cheap ends. Not thread-safe: the caller holds the key's lock.

    In the costs below N is the length, B the block size of 256; reaching an index costs O(N/B), at most half way.
    Iteration, get(), slice(), index_of() and positions() are those of `BlockChain`.

    Invariants, tested by `check()`: those of `BlockChain`, and `_bytes` is the sum of length + 4 over the elements
    while the list is a listpack.
    """

    __slots__ = ("_bytes", "_grown_bytes", "_grown_length", "_is_listpack", "_limit", "_limits", "_shrunk_length")

    type_name = "list"

    def __init__(self, limits: EncodingLimits) -> None:
        super().__init__()
        self._limits = limits
        self._become_listpack()

    # Ends; 0.12 to 0.2 us each, 0.03 more while the list is a listpack (CPython 3.11)

    def push_left(self, element: bytes) -> None:
        """Insert `element` before the first one. O(1)."""
        block = self._head
        if block is None or len(block) >= BLOCK_SIZE:
            block = self._link([], None, block)
        block.insert(0, element)
        self._length += 1
        if self._is_listpack:
            self._note_added(element)

    def push_right(self, element: bytes) -> None:
        """Insert `element` after the last one. O(1)."""
        block = self._tail
        if block is None or len(block) >= BLOCK_SIZE:
            block = self._link([], block, None)
        block.append(element)
        self._length += 1
        if self._is_listpack:
            self._note_added(element)

    def extend_right(self, elements: list[bytes]) -> None:
        """Append `elements` in order. O(1) each, by blocks."""
        self._append(elements)
        self._length += len(elements)
        if self._is_listpack:
            self._bytes += sum(map(len, elements)) + _MAX_OVERHEAD * len(elements)
            if (self._bytes > self._grown_bytes or self._length > self._grown_length
                    or self._limits.list_max_listpack_size != self._limit):  # fmt: skip
                self._check_grown(elements)

    def pop_left(self) -> bytes:
        """Remove and return the first element; IndexError if there is none. O(1)."""
        block = self._head
        if block is None:
            raise IndexError("pop from an empty list")
        element = block.pop(0)
        if not block:
            self._unlink(block)
        self._length -= 1
        if self._is_listpack:
            self._bytes -= len(element) + _MAX_OVERHEAD
        elif self._length <= self._shrunk_length or self._limits.list_max_listpack_size != self._limit:
            self._check_shrunk()
        return element

    def pop_right(self) -> bytes:
        """Remove and return the last element; IndexError if there is none. O(1)."""
        block = self._tail
        if block is None:
            raise IndexError("pop from an empty list")
        element = block.pop()
        if not block:
            self._unlink(block)
        self._length -= 1
        if self._is_listpack:
            self._bytes -= len(element) + _MAX_OVERHEAD
        elif self._length <= self._shrunk_length or self._limits.list_max_listpack_size != self._limit:
            self._check_shrunk()
        return element

    def pop_left_many(self, count: int) -> list[bytes]:
        """Remove and return up to `count` elements, first to last. O(count), by blocks."""
        count = min(max(count, 0), self._length)
        popped = self.slice(0, count)
        self.trim(count, self._length)
        return popped

    def pop_right_many(self, count: int) -> list[bytes]:
        """Remove and return up to `count` elements, last to first. O(count), by blocks."""
        kept = self._length - min(max(count, 0), self._length)
        popped = self.slice(kept, self._length)
        popped.reverse()
        self.trim(0, kept)
        return popped

    # By index: callers have turned negative indexes into positive ones and checked the range

    def set(self, index: int, element: bytes) -> None:
        """Replace the element at 0 <= `index` < N. O(N/B)."""
        block, offset = self._locate(index)
        old, block[offset] = block[offset], element
        if self._is_listpack:
            self._bytes -= len(old) + _MAX_OVERHEAD
            self._note_added(element)
        elif len(old) - len(element) > _MUCH_SMALLER:
            self._check_shrunk()
        else:
            self._note_removed()

    def insert(self, index: int, element: bytes) -> None:
        """Insert `element` before the one at 0 <= `index` <= N. O(N/B + B)."""
        if index == 0:
            return self.push_left(element)
        if index == self._length:
            return self.push_right(element)
        block, offset = self._locate(index)
        block.insert(offset, element)
        if len(block) > BLOCK_SIZE:
            self._split(block)
        self._length += 1
        if self._is_listpack:
            self._note_added(element)
        return None

    def trim(self, begin: int, end: int) -> None:
        """Keep the elements at 0 <= `begin` <= index < `end` <= N. O(removed), by blocks."""
        if begin >= end:
            return self.clear()
        self._cut_left(begin)
        self._cut_right(self._length - (end - begin))
        if self._is_listpack:
            self._bytes = self._estimated_bytes()
        else:
            self._note_removed()
        return None

    def clear(self) -> None:
        """Remove everything. O(N)."""
        self._unlink_all()
        self._length = 0
        self._become_listpack()

    # By value

    def remove(self, element: bytes, count: int) -> int:
        """Remove `element` as LREM does and return how often.

        The first `count` occurrences; the last -`count` if it is negative; all if it is 0. O(N).
        """
        wanted = abs(count) or self._length
        removed = 0
        changed = []
        block = self._tail if count < 0 else self._head
        while block is not None and removed < wanted:
            if element in block:
                size = len(block)
                block[:] = _without(block, element, wanted - removed, count < 0)
                removed += size - len(block)
                changed.append(block)
            block = block.left if count < 0 else block.right
        if removed:
            self._tidy(changed)
            self._length -= removed
            if self._is_listpack:
                self._bytes -= removed * (len(element) + _MAX_OVERHEAD)
            else:
                self._note_removed()
        return removed

    def positions(self, element: bytes, rank: int = 1, count: int = 1, max_length: int = 0) -> list[int]:
        """Return the indexes of `element` in the order LPOS finds them.

        `rank` 1 starts at the first match from the left, 2 at the second, -1 at the first from the right. At most
        `count` matches, all if 0; compares at most `max_length` elements, all if 0. O(N).
        """
        to_compare = min(max_length, self._length) if max_length else self._length
        wanted = count or self._length
        to_skip = abs(rank) - 1
        found: list[int] = []
        matches = self._matches_from_right(element, to_compare) if rank < 0 else self._matches(element, to_compare)
        for index in matches:
            if to_skip:
                to_skip -= 1
                continue
            found.append(index)
            if len(found) == wanted:
                break
        return found

    # Whole

    def copy(self) -> LinkedList:
        """Return an independent list of the same elements and encoding. O(N), by blocks."""
        other = LinkedList(self._limits)
        block = self._head
        while block is not None:
            other._link(block, other._tail, None)
            block = block.right
        other._length = self._length
        other._is_listpack, other._bytes = self._is_listpack, self._bytes
        other._grown_bytes, other._grown_length = self._grown_bytes, self._grown_length
        other._shrunk_length, other._limit = self._shrunk_length, self._limit
        return other

    @property
    def encoding(self) -> str:
        """What OBJECT ENCODING shows: "listpack" until the list outgrows list-max-listpack-size, then "quicklist".

        It goes back when the list has shrunk to half of that. Where Redis's quicklist still has two nodes at that
        size it stays a quicklist; ours does not look at nodes.
        """
        return "listpack" if self._is_listpack else "quicklist"

    def memory_usage(self) -> int:
        """Estimate the bytes used, from the sizes of the elements at both ends. O(1)."""
        head, tail = self._head, self._tail
        if head is None or tail is None:
            return _EMPTY_BYTES
        sample = head[:8] + tail[-8:]
        per_element = sum(element.__sizeof__() for element in sample) / len(sample) + _BYTES_OF_REFERENCE
        blocks = 1 if head is tail else self._length / (BLOCK_SIZE * 0.75)  # from half full to full
        return _EMPTY_BYTES + round(blocks * _BLOCK_BYTES + per_element * self._length)

    def check(self) -> None:
        """Assert the invariants of the class. O(N)."""
        super().check()
        assert not self._is_listpack or self._bytes == self._estimated_bytes(), "the byte count is wrong"

    # Encoding

    def _become_listpack(self) -> None:
        self._is_listpack = True
        self._bytes = self._estimated_bytes()
        self._shrunk_length = self._limit = 0
        self._grown_length = self._grown_bytes = 0  # look at the next push

    def _note_added(self, element: bytes) -> None:
        self._bytes += len(element) + _MAX_OVERHEAD
        if (self._bytes > self._grown_bytes or self._length > self._grown_length
                or self._limits.list_max_listpack_size != self._limit):  # fmt: skip
            self._check_grown([element])

    def _note_removed(self) -> None:
        if self._length <= self._shrunk_length or self._limits.list_max_listpack_size != self._limit:
            self._check_shrunk()

    def _check_grown(self, added: list[bytes]) -> None:
        """Become a quicklist if the last elements `added` did not fit.

        Observed: Redis adds their plain lengths to the size of the listpack before, once for all arguments of a push.
        """
        self._limit = self._limits.list_max_listpack_size
        max_length, max_bytes = self._limits.list_capacity()
        if self._length <= max_length:
            exact_bytes = LISTPACK_BASE_BYTES + sum(map(listpack_entry_bytes, self))
            packed = sum(map(listpack_entry_bytes, added))
            if exact_bytes - packed + sum(map(len, added)) <= max_bytes:
                self._grown_length = max_length
                self._grown_bytes = self._bytes + max_bytes - exact_bytes
                return
        self._is_listpack = False
        self._bytes = 0
        self._shrunk_length = self._longest_listpack()

    def _check_shrunk(self) -> None:
        """Become a listpack again if the list is small enough, else settle when to look again."""
        self._limit = self._limits.list_max_listpack_size
        self._shrunk_length = self._longest_listpack()
        if self._length > self._shrunk_length:
            return
        max_bytes = self._limits.list_capacity_to_return()[1]
        sizes = list(map(listpack_entry_bytes, self))
        excess = LISTPACK_BASE_BYTES + sum(sizes) - max_bytes
        if excess <= 0:
            self._become_listpack()
        else:
            self._shrunk_length = self._length - max(-(-excess // max(sizes)), self._length // 32)

    def _longest_listpack(self) -> int:
        """Return the length above which a quicklist certainly stays one."""
        max_length, max_bytes = self._limits.list_capacity_to_return()
        return min(max_length, (max_bytes - LISTPACK_BASE_BYTES) // MIN_ENTRY_BYTES)

    def _estimated_bytes(self) -> int:
        return sum(map(len, self)) + _MAX_OVERHEAD * self._length


def _without(elements: list[bytes], element: bytes, count: int, from_right: bool) -> list[bytes]:
    """Return `elements` without the first (or last) `count` occurrences of `element`."""
    if count >= len(elements):
        return [other for other in elements if other != element]
    kept = []
    for other in reversed(elements) if from_right else elements:
        if count and other == element:
            count -= 1
        else:
            kept.append(other)
    if from_right:
        kept.reverse()
    return kept
