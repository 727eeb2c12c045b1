"""Hash: the value of a hash key, in the forms that Redis shows as its encodings.

- listpack: one dict from field to value, in the order of insertion, while fields are few and short; it is called
  listpackex once a field has had a TTL;
- hashtable: fields in a dense array (see `dense.py`) and their values in a second one at the same positions.

A hash never goes back. Source: redis.io/commands/object-encoding and redis.io/commands/hpexpire; the rules of
transition are observed on Redis 8.2, and the tests hold the rows. Redis shows the fields of a listpackex in the order
of their expiry; ours stay in the order of insertion.

Expiry times of fields stand in a dict, and in a heap whose top is the next to expire. A change leaves the old heap
item behind; it is skipped when it comes to the top, and the heap is rebuilt when over half of it is stale. Computing a
minimum anew would be linear for every field that expires, quadratic for a hash whose fields all do.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import islice

from mini_redis.types.dense import DenseNames, mean_size, random_position, random_positions, scan_window
from mini_redis.types.limits import EncodingLimits

_EMPTY_BYTES = 88
_BYTES_PER_EXPIRY = 250  # dict slot, int, heap tuple
_STALE_ITEMS_ALLOWED = 64


class Hash:
    """A mapping of bytes to bytes whose fields may expire. Not thread-safe: the caller holds the key's lock.

    Nothing expires by itself: reading shows what `pop_expired()` has not yet removed.

    Invariants, tested by `check()`: exactly one form is present; the dense form is consistent and has a value for
    each field; every field with an expiry time exists and has its item in the heap.

    In the costs below N is the number of fields, E of those with an expiry time. The compact form is bounded by its
    limits (512 fields by default), so what is linear in it counts as O(1).
    """

    __slots__ = ("_compact", "_dense", "_expiries", "_expiry_heap", "_limits", "_values")

    type_name = "hash"

    def __init__(self, limits: EncodingLimits) -> None:
        self._limits = limits
        self._compact: dict[bytes, bytes] | None = {}
        self._dense: DenseNames | None = None
        self._values: list[bytes] = []  # of the dense form
        self._expiries: dict[bytes, int] | None = None  # None until a field has had a TTL
        self._expiry_heap: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._compact if self._compact is not None else self._values)

    def __contains__(self, field: bytes) -> bool:
        """O(1)."""
        return field in self._index()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the fields. The hash must not change meanwhile."""
        return iter(self._dense.names if self._dense is not None else self._index())

    @property
    def encoding(self) -> str:
        """What OBJECT ENCODING shows: "listpack", "listpackex" or "hashtable"."""
        if self._dense is not None:
            return "hashtable"
        return "listpack" if self._expiries is None else "listpackex"

    # Fields

    def reserve(self, count: int) -> None:
        """Prepare for setting `count` fields, as HSET does before the first; equal fields count too. O(N)."""
        if self._compact is not None and count > self._limits.hash_max_listpack_entries:
            self._become_dense()

    def get(self, field: bytes) -> bytes | None:
        """Return the value of `field`, or None. O(1); 0.2 us of 1,000,000 (CPython 3.11)."""
        if self._compact is not None:
            return self._compact.get(field)
        assert self._dense is not None
        position = self._dense.positions.get(field)
        return None if position is None else self._values[position]

    def set(self, field: bytes, value: bytes, keep_expire: bool = False) -> bool:
        """Set `field` and return whether it is new. O(1); 0.2 us in a listpack, 0.5 on the way to 1,000,000.

        A field set loses its TTL, as by HSET, unless `keep_expire`: HINCRBY and HINCRBYFLOAT keep it.
        """
        if self._expiries and not keep_expire:
            self._forget_expiry(field)
        compact = self._compact
        if compact is not None:
            limits = self._limits
            longest = limits.hash_max_listpack_value
            if len(field) <= longest and len(value) <= longest:
                is_new = field not in compact
                if len(compact) + is_new <= limits.hash_max_listpack_entries:
                    compact[field] = value
                    return is_new
            self._become_dense()
        dense = self._dense
        assert dense is not None
        if dense.add(field):
            self._values.append(value)
            return True
        self._values[dense.positions[field]] = value
        return False

    def delete(self, field: bytes) -> bool:
        """Remove `field` and return whether it was there. O(1)."""
        if self._compact is not None:
            if self._compact.pop(field, None) is None:
                return False
        else:
            assert self._dense is not None
            position = self._dense.remove(field)
            if position is None:
                return False
            last = self._values.pop()
            if position < len(self._values):
                self._values[position] = last
        if self._expiries:
            self._forget_expiry(field)
        return True

    def fields(self) -> list[bytes]:
        """Return all fields. O(N)."""
        return list(self)

    def values(self) -> list[bytes]:
        """Return all values, in the order of `fields()`. O(N)."""
        return self._values[:] if self._compact is None else list(self._compact.values())

    def flat_items(self) -> list[bytes]:
        """Return field, value, field, value ... O(N), by slice assignment, 0.04 us a field."""
        items: list[bytes] = [b""] * (2 * len(self))
        items[::2] = self
        items[1::2] = self.values()
        return items

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return (field, value) of each field. O(N)."""
        return list(zip(self, self.values()))

    def random_field(self, rng: random.Random) -> bytes:
        """Return a random field; IndexError if there is none. O(1)."""
        if not len(self):
            raise IndexError("random field of an empty hash")
        names = self._dense.names if self._dense is not None else self.fields()
        return names[random_position(len(names), rng)]

    def random_distinct(self, count: int, rng: random.Random) -> list[bytes]:
        """Return up to `count` distinct random fields; all of them, in order, if there are no more. O(count)."""
        if count >= len(self):
            return self.fields()
        names = self._dense.names if self._dense is not None else self.fields()
        return [names[position] for position in random_positions(len(names), count, rng)]

    def random_repeated(self, count: int, rng: random.Random) -> list[bytes]:
        """Return `count` random fields, repeats among them; IndexError if there are no fields. O(count)."""
        return rng.choices(self._dense.names if self._dense is not None else self.fields(), k=count)

    def scan(self, cursor: int, count: int) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Return the next cursor, 0 at the end, and about `count` (field, value); a listpack returns all. O(count)."""
        if self._dense is None:
            return 0, self.items()
        begin, end = scan_window(len(self._values), cursor, count)
        return begin, list(zip(self._dense.names[begin:end], self._values[begin:end]))

    # Expiry of fields, in ms since the epoch

    @property
    def next_expire_ms(self) -> int | None:
        """When the next field expires, None if none does. O(1), amortized O(log E) after changes."""
        heap, expiries = self._expiry_heap, self._expiries
        while heap:
            expire_ms, field = heap[0]
            if expiries is not None and expiries.get(field) == expire_ms:
                return expire_ms
            heapq.heappop(heap)
        return None

    def expire_ms(self, field: bytes) -> int | None:
        """Return when `field` expires, None if it does not or is not there. O(1)."""
        return None if self._expiries is None else self._expiries.get(field)

    def set_expire(self, field: bytes, expire_ms: int) -> None:
        """Let `field` expire; KeyError if there is none. O(log E)."""
        if field not in self:
            raise KeyError(field)
        if self._expiries is None:
            self._expiries = {}
        self._expiries[field] = expire_ms
        heapq.heappush(self._expiry_heap, (expire_ms, field))
        self._keep_heap_small()

    def expect_expiries(self) -> None:
        """Become a listpackex if this is a listpack, as HEXPIRE does before it looks at the first field. O(1)."""
        if self._expiries is None:
            self._expiries = {}

    def persist(self, field: bytes) -> bool:
        """Let `field` stay; return whether it would have expired. O(1)."""
        return bool(self._expiries) and self._forget_expiry(field)

    def pop_expired(self, now_ms: int, limit: int | None = None) -> list[bytes]:
        """Remove the fields due at `now_ms`, at most `limit`, and return them, earliest first. O(log E) each."""
        removed: list[bytes] = []
        while limit is None or len(removed) < limit:
            expire_ms = self.next_expire_ms
            if expire_ms is None or expire_ms > now_ms:
                break
            field = heapq.heappop(self._expiry_heap)[1]
            self.delete(field)
            removed.append(field)
        return removed

    # Whole

    def copy(self) -> Hash:
        """Return an independent hash with the same fields, expiry times and encoding. O(N)."""
        other = Hash(self._limits)
        other._compact = None if self._compact is None else self._compact.copy()
        other._dense = None if self._dense is None else self._dense.copy()
        other._values = self._values[:]
        other._expiries = None if self._expiries is None else self._expiries.copy()
        other._expiry_heap = self._expiry_heap[:]
        return other

    def memory_usage(self) -> int:
        """Estimate the bytes used, from a sample of the content. O(1)."""
        used = _EMPTY_BYTES + _BYTES_PER_EXPIRY * len(self._expiries or ())
        if self._dense is not None:
            values = self._values
            return used + self._dense.memory_usage() + values.__sizeof__() + round(mean_size(values) * len(values))
        compact = self._compact
        assert compact is not None
        contents = mean_size(list(islice(compact, 16))) + mean_size(list(islice(compact.values(), 16)))
        return used + compact.__sizeof__() + round(contents * len(compact))

    def check(self) -> None:
        """Assert the invariants of the class. O(N)."""
        assert (self._compact is None) != (self._dense is None), "not exactly one form"
        if self._dense is not None:
            self._dense.check()
            assert len(self._values) == len(self._dense.names), "fields and values differ in number"
        else:
            assert not self._values, "values of a dense form that is not there"
            assert len(self) <= self._limits.hash_max_listpack_entries, "too many fields"
        items = set(self._expiry_heap)
        stale_allowed = len(self._expiries or ()) + _STALE_ITEMS_ALLOWED
        assert len(self._expiry_heap) <= len(self._expiries or ()) + stale_allowed, "too many stale items in the heap"
        for field, expire_ms in (self._expiries or {}).items():
            assert field in self, "an expiry time without its field"
            assert (expire_ms, field) in items, "an expiry time that is not in the heap"

    def _index(self) -> dict[bytes, bytes] | dict[bytes, int]:
        """The dict that has the fields as its keys."""
        if self._dense is not None:
            return self._dense.positions
        assert self._compact is not None
        return self._compact

    def _become_dense(self) -> None:
        compact = self._compact
        assert compact is not None
        self._dense = DenseNames(compact)
        self._values = list(compact.values())
        self._compact = None

    def _forget_expiry(self, field: bytes) -> bool:
        assert self._expiries is not None
        if self._expiries.pop(field, None) is None:
            return False
        self._keep_heap_small()
        return True

    def _keep_heap_small(self) -> None:
        expiries = self._expiries or {}
        if len(self._expiry_heap) > 2 * len(expiries) + _STALE_ITEMS_ALLOWED:
            self._expiry_heap = [(expire_ms, field) for field, expire_ms in expiries.items()]
            heapq.heapify(self._expiry_heap)
