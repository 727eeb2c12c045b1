"""DEBUG DIGEST: one number for a whole dataset, computed as Redis computes it, so that two servers can be compared.

Every key gives 20 bytes; unordered things are joined by xor, ordered ones by hashing along. Two steps make it all:
*xor in* SHA-1 of some bytes, and *mix*: xor them in, then take SHA-1 of the result. Source: observed on Redis 7.0 and
8.2, value by value.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import Any

from mini_redis.store.entry import MISSING, Entry
from mini_redis.store.store import Store
from mini_redis.types import strings
from mini_redis.types.hashes import Hash
from mini_redis.types.lists import LinkedList
from mini_redis.types.sets import Set

EMPTY = bytes(20)
STRING, LIST, SET, _SORTED_SET, HASH = range(5)


def dataset_digest(store: Store, now_ms: int) -> bytes:
    """The digest of all databases; zeros if they are empty. O(all data). The caller holds the gate exclusively."""
    digest = EMPTY
    for number, database in enumerate(store.databases):
        if not database.keys:
            continue
        digest = _mix(digest, struct.pack(">I", number))
        for key in database.keys:
            digest = _xor(digest, _xor_value(_mix(EMPTY, key), database.entries[key], now_ms))
    return digest


def value_digest(entry: Entry, now_ms: int) -> bytes:
    """The digest of one value, without its key; zeros if there is none. O(size)."""
    return EMPTY if entry.value is MISSING else _value(EMPTY, entry, now_ms)


def _xor_value(digest: bytes, entry: Entry, now_ms: int) -> bytes:
    """What a key adds to the dataset's digest: xor takes the SHA-1 of the value's own."""
    return hashlib.sha1(_value(digest, entry, now_ms)).digest()


def _value(digest: bytes, entry: Entry, now_ms: int) -> bytes:
    value: Any = entry.value
    if type(value) in strings.KINDS:
        digest = _mix(_mix(digest, _type(STRING)), strings.to_bytes(value))
    elif isinstance(value, LinkedList):
        digest = _mix(digest, _type(LIST))
        for element in value:
            digest = _mix(digest, element)
    elif isinstance(value, Set):
        digest = _xor_all(_mix(digest, _type(SET)), value)
    elif isinstance(value, Hash):
        digest = _mix(digest, _type(HASH))
        digest = _xor_all(digest, (_field(value, field, content) for field, content in value.items()))
    if entry.expire_ms is not None:
        digest = _xor(digest, hashlib.sha1(b"!!expire!!").digest())
    return digest


def _field(value: Hash, field: bytes, content: bytes) -> bytes:
    digest = _mix(_mix(EMPTY, field), content)
    return digest if value.expire_ms(field) is None else _xor(digest, hashlib.sha1(b"!!hexpire!!").digest())


def _type(number: int) -> bytes:
    return struct.pack(">I", number)


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(20, "big")


def _mix(digest: bytes, data: bytes) -> bytes:
    return hashlib.sha1(_xor(digest, hashlib.sha1(data).digest())).digest()


def _xor_all(digest: bytes, items: Iterable[bytes]) -> bytes:
    total = int.from_bytes(digest, "big")
    for item in items:
        total ^= int.from_bytes(hashlib.sha1(item).digest(), "big")
    return total.to_bytes(20, "big")
