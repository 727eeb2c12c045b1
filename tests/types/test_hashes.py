"""Hash against a Python dict, and its encoding against what Redis 8.2 was observed to show."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mini_redis.types.hashes import Hash
from mini_redis.types.limits import EncodingLimits


def pairs(count):
    return [(b"f%d" % index, b"%d" % index) for index in range(count)]


def make_hash(*calls, entries=512, value=64):
    """A hash after one HSET for each of `calls`, a list of (field, value)."""
    limits = EncodingLimits()
    limits.hash_max_listpack_entries, limits.hash_max_listpack_value = entries, value
    result = Hash(limits)
    for items in calls:
        result.reserve(len(items))
        for field, new_value in items:
            result.set(field, new_value)
    result.check()
    return result


@pytest.mark.parametrize(
    ("calls", "encoding"),
    [
        ([pairs(512)], "listpack"),
        ([pairs(513)], "hashtable"),
        ([pairs(512), [(b"x", b"1")]], "hashtable"),
        ([pairs(512), [(b"f1", b"x")]], "listpack"),
        ([[(b"f", b"1")] * 513], "hashtable"),
        ([pairs(1), [(b"f", b"1")] * 513], "hashtable"),
        ([[(b"a", b"x" * 64)]], "listpack"),
        ([[(b"a", b"x" * 65)]], "hashtable"),
        ([[(b"x" * 65, b"a")]], "hashtable"),
        ([pairs(3), [(b"f1", b"x" * 65)]], "hashtable"),
    ],
)
def test_encoding(calls, encoding):
    assert make_hash(*calls).encoding == encoding


def test_a_ttl_makes_a_listpackex_for_good():
    items = make_hash(pairs(3))
    items.set_expire(b"f1", 1000)
    assert items.encoding == "listpackex"
    assert items.persist(b"f1") and not items.persist(b"f1")
    assert items.encoding == items.copy().encoding == "listpackex"
    items.reserve(513)
    assert items.encoding == "hashtable"


def test_setting_a_field_forgets_its_ttl_unless_told_otherwise():
    items = make_hash(pairs(3))
    items.set_expire(b"f1", 1000)
    assert not items.set(b"f1", b"9", keep_expire=True)
    assert items.expire_ms(b"f1") == 1000
    assert not items.set(b"f1", b"10")
    assert items.expire_ms(b"f1") is None and items.next_expire_ms is None


def test_only_an_existing_field_can_expire():
    with pytest.raises(KeyError):
        make_hash(pairs(3)).set_expire(b"absent", 1000)


@pytest.mark.parametrize("count", [10, 1000], ids=["listpack", "hashtable"])
def test_fields_expire_earliest_first(count):
    items = make_hash(pairs(count))
    for field, expire_ms in ((b"f1", 300), (b"f2", 100), (b"f3", 200), (b"f4", 200), (b"f5", 900)):
        items.set_expire(field, expire_ms)
    items.set_expire(b"f5", 150)
    items.set_expire(b"f1", 999)
    items.delete(b"f4")
    assert items.next_expire_ms == 100
    assert items.pop_expired(99) == []
    assert items.pop_expired(500, limit=1) == [b"f2"]
    assert items.pop_expired(500) == [b"f5", b"f3"]
    assert items.next_expire_ms == 999 and len(items) == count - 4
    items.check()


def test_stale_expiry_times_do_not_pile_up():
    items = make_hash(pairs(2))
    for expire_ms in range(10_000):
        items.set_expire(b"f0", expire_ms)
        items.check()
    items.persist(b"f0")
    items.check()
    assert items.next_expire_ms is None


def test_items_are_flat_or_in_pairs():
    for items in (make_hash(pairs(3)), make_hash(pairs(3), entries=0)):
        assert items.flat_items() == [b"f0", b"0", b"f1", b"1", b"f2", b"2"]
        assert items.items() == pairs(3) and dict(zip(items.fields(), items.values())) == dict(pairs(3))


@pytest.mark.parametrize("count", [4, 1000], ids=["listpack", "hashtable"])
def test_random_fields(count):
    items, rng = make_hash(pairs(count)), random.Random(1)
    assert {items.random_field(rng) for _ in range(20 * count)} == set(items.fields())
    assert len(set(items.random_distinct(3, rng))) == 3
    assert sorted(items.random_distinct(5000, rng)) == sorted(items.fields())
    with pytest.raises(IndexError):
        make_hash().random_field(rng)


def test_scan_finds_all_fields_that_stay():
    items, rng = make_hash(pairs(1000)), random.Random(2)
    seen, deleted, cursor = {}, set(), 0
    while True:
        cursor, found = items.scan(cursor, 10)
        seen.update(found)
        if not cursor:
            break
        for field in items.random_distinct(3, rng):
            items.delete(field)
            deleted.add(field)
    assert {field: value for field, value in pairs(1000) if field not in deleted}.items() <= seen.items()
    assert make_hash(pairs(3)).scan(9, 1) == (0, pairs(3))


def test_memory_usage_follows_the_content():
    assert 200 < make_hash(pairs(1)).memory_usage() < 500
    assert 150_000 < make_hash(pairs(1000)).memory_usage() < 250_000


FIELDS = st.sampled_from([b"", b"a", b"b", b"c", b"d", b"e", b"long field"])
VALUES = st.sampled_from([b"", b"1", b"two", b"a long value"])
TIMES = st.integers(1, 50)


class HashMachine(RuleBasedStateMachine):
    """Every operation on a Hash with small limits and on two dicts, values and expiry times."""

    def __init__(self):
        super().__init__()
        self.items = make_hash()
        self.model = {}
        self.expiries = {}

    @initialize(entries=st.integers(0, 8), value=st.integers(0, 12))
    def choose_limits(self, entries, value):
        self.items = make_hash(entries=entries, value=value)

    @rule(field=FIELDS, value=VALUES, keep_expire=st.booleans())
    def set(self, field, value, keep_expire):
        assert self.items.set(field, value, keep_expire) is (field not in self.model)
        self.model[field] = value
        if not keep_expire:
            self.expiries.pop(field, None)

    @rule(field=FIELDS)
    def delete(self, field):
        assert self.items.delete(field) is (field in self.model)
        self.model.pop(field, None)
        self.expiries.pop(field, None)

    @rule(field=FIELDS, expire_ms=TIMES)
    def set_expire(self, field, expire_ms):
        if field in self.model:
            self.items.set_expire(field, expire_ms)
            self.expiries[field] = expire_ms

    @rule(field=FIELDS)
    def persist(self, field):
        assert self.items.persist(field) is (self.expiries.pop(field, None) is not None)

    @rule(now_ms=TIMES)
    def pop_expired(self, now_ms):
        due = sorted((expire_ms, field) for field, expire_ms in self.expiries.items() if expire_ms <= now_ms)
        assert self.items.pop_expired(now_ms) == [field for _, field in due]
        for _, field in due:
            del self.model[field], self.expiries[field]

    @rule(count=st.integers(1, 4))
    def scan(self, count):
        cursor, seen = self.items.scan(0, count)
        while cursor:
            cursor, found = self.items.scan(cursor, count)
            seen += found
        assert sorted(seen) == sorted(self.model.items())

    @rule(field=FIELDS, count=st.integers(1, 10))
    def copy_and_reserve(self, field, count):
        encoding = self.items.encoding
        copied = self.items.copy()
        self.items.delete(field)
        self.items = copied
        assert copied.encoding == encoding
        copied.reserve(count)

    @invariant()
    def same_as_the_model(self):
        self.items.check()
        assert len(self.items) == len(self.model)
        assert dict(self.items.items()) == self.model
        assert {field: self.items.get(field) for field in self.items} == self.model
        assert all(self.items.expire_ms(field) == self.expiries.get(field) for field in self.model)
        assert self.items.next_expire_ms == min(self.expiries.values(), default=None)
        assert b"absent" not in self.items and self.items.get(b"absent") is None
        assert self.items.memory_usage() > 0


HashMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestHashMachine = HashMachine.TestCase
