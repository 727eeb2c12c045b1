"""What every value can tell of itself, whichever type it is of: strings are plain objects, the rest are classes."""

from __future__ import annotations

from typing import Any

from mini_redis.types import strings


def type_name(value: Any) -> str:
    """The reply of TYPE."""
    return "string" if type(value) in strings.KINDS else value.type_name


def encoding(value: Any) -> str:
    """The reply of OBJECT ENCODING."""
    return strings.encoding(value) if type(value) in strings.KINDS else value.encoding


def memory_usage(value: Any) -> int:
    """Bytes that the value takes, estimated. O(1)."""
    return strings.memory_usage(value) if type(value) in strings.KINDS else value.memory_usage()


def copy(value: Any) -> Any:
    """An independent copy. O(size); O(1) for immutable strings."""
    if type(value) is bytearray:
        return bytearray(value)
    return value if type(value) in strings.KINDS else value.copy()
