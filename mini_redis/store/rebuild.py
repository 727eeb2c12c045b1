"""The commands that rebuild a value from nothing: what a unit that failed half way logs in the place of its own."""

from __future__ import annotations

from typing import Any

from mini_redis.store.entry import MISSING
from mini_redis.types import strings
from mini_redis.types.hashes import Hash
from mini_redis.types.lists import LinkedList

CHUNK = 1000
"""Elements a command; a rebuilt value of a million must not be one command of a million arguments."""


def rebuild(key: bytes, value: Any, expire_ms: int | None) -> list[list[bytes]]:
    """Commands that make ``key`` hold ``value`` where it did not exist; none for MISSING. O(size)."""
    if value is MISSING:
        return []
    if type(value) in strings.KINDS:
        commands = [[b"SET", key, strings.to_bytes(value)]]
    elif isinstance(value, Hash):
        commands = _in_chunks(b"HSET", key, value.flat_items())
        for field in value.fields():
            field_expire_ms = value.expire_ms(field)
            if field_expire_ms is not None:
                commands.append([b"HPEXPIREAT", key, b"%d" % field_expire_ms, b"FIELDS", b"1", field])
    else:
        commands = _in_chunks(b"RPUSH" if isinstance(value, LinkedList) else b"SADD", key, list(value))
    if expire_ms is not None:
        commands.append([b"PEXPIREAT", key, b"%d" % expire_ms])
    return commands


def _in_chunks(name: bytes, key: bytes, elements: list[bytes]) -> list[list[bytes]]:
    return [[name, key, *elements[at:at + CHUNK]] for at in range(0, len(elements), CHUNK)]
