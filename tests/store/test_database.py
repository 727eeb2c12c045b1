"""Database: the dense indexes follow the entries, and a scan returns what is there all the time."""

import random
from collections import Counter

import pytest

from mini_redis.store.database import Database, settle
from mini_redis.store.entry import DEAD, MISSING, Entry
from mini_redis.types.hashes import Hash
from mini_redis.types.limits import EncodingLimits


def add(database, key, value=b"v", expire_ms=None):
    entry = database.entries.setdefault(key, Entry())
    entry.value, entry.expire_ms = value, expire_ms
    settle([(database, key, entry)], [], True)
    return entry


def remove(database, key):
    entry = database.entries[key]
    entry.value, entry.expire_ms = MISSING, None
    settle([(database, key, entry)], [(database, key, entry)], True)
    return entry


def check(database):
    assert database.entries.keys() == set(database.keys) and len(database.keys) == len(database.entries)
    assert all(database.keys[entry.position] == key for key, entry in database.entries.items())
    database.volatile.check()
    assert set(database.volatile.names) == {k for k, e in database.entries.items() if e.expire_ms is not None}


def test_keys_keep_their_positions_through_any_removals():
    source = random.Random(1)
    database, model = Database(), set()
    for _ in range(2000):
        key = b"%d" % source.randrange(40)
        if key in model and source.random() < 0.5:
            entry = remove(database, key)
            assert entry.value is DEAD and entry.position is None
            model.remove(key)
        else:
            add(database, key, expire_ms=source.choice([None, 5]))
            model.add(key)
        assert len(database) == len(model) and set(database.keys) == model
    check(database)


def test_settling_the_same_twice_changes_nothing():
    database = Database()
    entry = add(database, b"a", expire_ms=5)
    database.reindex(b"a", entry, True)
    assert database.counts() == (1, 1, 0)
    check(database)


def test_a_key_enters_and_leaves_the_index_of_what_can_expire():
    database = Database()
    entry = add(database, b"a")
    assert database.counts() == (1, 0, 0)
    for expire_ms, expected in ((7, 1), (None, 0), (9, 1)):
        entry.expire_ms = expire_ms
        database.reindex(b"a", entry, True)
        assert database.counts() == (1, expected, 0)
    remove(database, b"a")
    assert database.counts() == (0, 0, 0)


def test_a_hash_with_expiring_fields_has_an_index_of_its_own():
    database = Database()
    value = Hash(EncodingLimits())
    value.set(b"f", b"v")
    entry = add(database, b"h", value)
    assert database.counts() == (1, 0, 0)
    value.set_expire(b"f", 5)
    database.reindex(b"h", entry, True)
    assert database.counts() == (1, 0, 1)
    entry.value = b"a string now"
    database.reindex(b"h", entry, True)
    assert database.counts() == (1, 0, 0)


def test_a_placeholder_that_leaves_was_never_in_the_index():
    database = Database()
    add(database, b"a")
    placeholder = database.entries[b"b"] = Entry()
    settle([], [(database, b"b", placeholder)], False)
    assert placeholder.value is DEAD and list(database.entries) == [b"a"]
    check(database)


def test_settling_two_databases_at_once():
    first, second = Database(), Database()
    source = add(first, b"k")
    target = second.entries[b"k"] = Entry()
    target.value, source.value = source.value, MISSING
    settle([(first, b"k", source), (second, b"k", target)], [(first, b"k", source)], False)
    assert (len(first), len(second)) == (0, 1)
    check(first)
    check(second)


def test_clear():
    database = Database()
    add(database, b"a", expire_ms=1)
    database.clear()
    assert database.counts() == (0, 0, 0) and database.entries == {} and database.random_key(random.Random(1)) is None


def test_each_random_key_is_as_likely():
    database, source = Database(), random.Random(1)
    for number in range(4):
        add(database, b"%d" % number)
    counts = Counter(database.random_key(source) for _ in range(4000))
    assert len(counts) == 4 and all(850 < count < 1150 for count in counts.values())


def scan(database, count, between=lambda: None):
    cursor, seen, calls = 0, [], 0
    while True:
        cursor, keys = database.scan(cursor, count)
        seen += keys
        calls += 1
        if cursor == 0:
            return seen, calls
        between()


@pytest.mark.parametrize("count", [1, 3, 10, 1000])
def test_a_scan_at_rest_returns_each_key_once(count):
    database = Database()
    for number in range(50):
        add(database, b"%d" % number)
    seen, calls = scan(database, count)
    assert sorted(seen) == sorted(database.keys) and calls == -(-50 // count)


def test_a_scan_of_nothing_and_a_cursor_beyond_everything():
    database = Database()
    assert database.scan(0, 10) == (0, [])
    add(database, b"a")
    assert database.scan(2**63, 10) == (0, [b"a"])


@pytest.mark.parametrize("seed", range(20))
def test_a_scan_under_churn_ends_and_returns_what_is_there_all_the_time(seed):
    source, database = random.Random(seed), Database()
    stable = {b"stable %d" % number for number in range(40)}
    everything = [*stable, *(b"churn %d" % number for number in range(40))]
    source.shuffle(everything)
    for key in everything:
        add(database, key)

    def churn():
        for _ in range(source.randrange(8)):
            key = b"churn %d" % source.randrange(200)
            (remove if key in database.entries else add)(database, key)

    seen, calls = scan(database, 5, churn)
    assert stable <= set(seen)
    assert calls <= 80 // 5 + 1


def test_the_sample_of_what_can_expire_walks_hashes_and_keys():
    database = Database()
    value = Hash(EncodingLimits())
    value.set(b"f", b"v")
    value.set_expire(b"f", 5)
    add(database, b"h", value)
    for number in range(10):
        add(database, b"%d" % number, expire_ms=5 if number % 2 else None)
    cursor, seen = 0, []
    while True:
        cursor, keys = database.sample_volatile(cursor, 2)
        seen += keys
        if cursor == 0:
            break
    assert sorted(seen) == [b"1", b"3", b"5", b"7", b"9", b"h"]
