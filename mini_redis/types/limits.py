"""How large a collection may grow before it leaves its compact encoding."""

from __future__ import annotations

from mini_redis.text import parse_integer

LISTPACK_BASE_BYTES = 7  # its header and end mark
MIN_ENTRY_BYTES = 2

_BYTES_OF_SIZE_CLASS = (4096, 8192, 16384, 32768, 65536)
_SAFE_BYTES = 8192  # where list-max-listpack-size is a count, the bytes are bounded as well
_UNBOUNDED = 2**63


class EncodingLimits:
    """The thresholds behind OBJECT ENCODING, one attribute per directive, with Redis's defaults.

    A server has one instance; every collection keeps a reference to it. CONFIG SET assigns to it: a collection takes
    notice when it next changes, never before. Entries are counts, values are lengths in bytes.
    """

    __slots__ = (
        "hash_max_listpack_entries",
        "hash_max_listpack_value",
        "list_max_listpack_size",
        "set_max_intset_entries",
        "set_max_listpack_entries",
        "set_max_listpack_value",
    )

    def __init__(self) -> None:
        self.hash_max_listpack_entries = 512
        self.hash_max_listpack_value = 64
        self.list_max_listpack_size = -2  # -1 to -5: 4 to 64 KB; positive: elements
        self.set_max_intset_entries = 512
        self.set_max_listpack_entries = 128
        self.set_max_listpack_value = 64

    def list_capacity(self) -> tuple[int, int]:
        """Return how many (elements, bytes) a list may hold as a listpack."""
        limit = self.list_max_listpack_size
        if limit < 0:
            return _UNBOUNDED, _BYTES_OF_SIZE_CLASS[min(-limit, 5) - 1]
        return max(limit, 1), _SAFE_BYTES

    def list_capacity_to_return(self) -> tuple[int, int]:
        """Return to how many (elements, bytes) a quicklist must shrink to become a listpack again: half."""
        limit = self.list_max_listpack_size
        if limit < 0:
            return _UNBOUNDED, self.list_capacity()[1] // 2
        return limit // 2, _SAFE_BYTES


def listpack_entry_bytes(element: bytes) -> int:
    """Return the bytes of one element in a listpack: header, data, and their length once more for the way back.

    Integers are packed by size: 1 byte of header and data together up to 127, 2 up to 13 bits, then 3, 4, 5 or 9.
    """
    length = len(element)
    value = parse_integer(element) if length <= 20 else None
    if value is not None:
        if 0 <= value <= 127:
            return 2
        bits = (value if value >= 0 else ~value).bit_length() + 1
        return 3 if bits <= 13 else 4 if bits <= 16 else 5 if bits <= 24 else 6 if bits <= 32 else 10
    size = length + (1 if length < 64 else 2 if length < 4096 else 5)
    return size + (1 if size < 128 else 2 if size < 16384 else 3 if size < 2097152 else 4 if size < 268435456 else 5)
