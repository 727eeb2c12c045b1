"""The commands that rebuild a value make an equal one."""

import pytest

from mini_redis.store.entry import MISSING
from mini_redis.store.rebuild import CHUNK, rebuild
from tests.support_concurrency import Talker, contents, make_server

MANY = [str(number) for number in range(2 * CHUNK + 1)]


@pytest.mark.parametrize("commands, count", [
    ([("SET", "k", "v")], 1),
    ([("SET", "k", "12345")], 1),
    ([("APPEND", "k", "raw")], 1),
    ([("SET", "k", b"\0\r\n\xff")], 1),
    ([("SET", "k", "v", "PX", "1000")], 2),
    ([("RPUSH", "k", "b", "a", "b")], 1),
    ([("RPUSH", "k", *MANY)], 3),
    ([("SADD", "k", "1", "2", "3")], 1),
    ([("SADD", "k", "a", "b")], 1),
    ([("SADD", "k", *MANY), ("PEXPIRE", "k", "70")], 4),
    ([("HSET", "k", "f", "v", "g", "w")], 1),
    ([("HSET", "k", *MANY, "last")], 3),
])  # fmt: skip
def test_the_same_value_comes_back(commands, count):
    original, copy = make_server(), make_server()
    Talker(original).batch(commands)
    entry = original.store.databases[0].entries[b"k"]
    rebuilding = rebuild(b"k", entry.value, entry.expire_ms)
    Talker(copy).batch(rebuilding)
    assert contents(copy) == contents(original) != {}
    assert len(rebuilding) == count and all(len(argv) <= 2 * CHUNK + 2 for argv in rebuilding)


def test_nothing_rebuilds_nothing():
    assert rebuild(b"k", MISSING, None) == []


def test_times_of_fields():
    server = make_server()
    Talker(server)("HSET", "k", "f", "v", "g", "w")
    value = server.store.databases[0].entries[b"k"].value
    value.set_expire(b"g", 2**50)
    assert rebuild(b"k", value, None)[1:] == [[b"HPEXPIREAT", b"k", b"%d" % 2**50, b"FIELDS", b"1", b"g"]]
