"""Set against a Python set, and its encoding against what Redis 8.2 was observed to show."""

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mini_redis.text import parse_integer
from mini_redis.types.limits import EncodingLimits
from mini_redis.types.sets import Set, difference, intersection, union


def numbers(count):
    return [b"%d" % index for index in range(count)]


def names(count):
    return [b"m%d" % index for index in range(count)]


def make_set(*calls, **limits):
    """A set after one SADD for each of `calls`, a list of members."""
    encoding_limits = EncodingLimits()
    for name, limit in limits.items():
        setattr(encoding_limits, name, limit)
    result = Set(encoding_limits)
    for members in calls:
        result.reserve(len(members), members[0])
        for member in members:
            result.add(member)
    result.check()
    return result


SMALL = {"set_max_intset_entries": 3, "set_max_listpack_entries": 5}
SHORT = {**SMALL, "set_max_listpack_value": 3}


@pytest.mark.parametrize(
    ("calls", "limits", "encoding"),
    [
        ([numbers(512)], {}, "intset"),
        ([numbers(513)], {}, "hashtable"),
        ([numbers(512), [b"600"]], {}, "hashtable"),
        ([numbers(512), [b"5"]], {}, "intset"),
        ([numbers(10), [b"a"]], {}, "listpack"),
        ([numbers(127), [b"a"]], {}, "listpack"),
        ([numbers(128), [b"a"]], {}, "hashtable"),
        ([[b"a", *numbers(10)]], {}, "listpack"),
        ([[b"1", b"a"]], {}, "listpack"),
        ([names(128)], {}, "listpack"),
        ([names(129)], {}, "hashtable"),
        ([names(128), [b"x"]], {}, "hashtable"),
        ([[b"x" * 64]], {}, "listpack"),
        ([[b"x" * 65]], {}, "hashtable"),
        ([[b"1"], [b"x" * 65]], {}, "hashtable"),
        ([[b"a"] * 200], {}, "hashtable"),
        ([[b"1"] * 200], {}, "intset"),
        ([[b"1"] * 600], {}, "hashtable"),
        ([numbers(200), [b"a"]], {}, "hashtable"),
        ([numbers(100), [b"a"] * 200], {}, "listpack"),
        ([[b"a"], [b"b"] * 200], {}, "hashtable"),
        ([[b"12345678901234567890123"]], {}, "listpack"),
        ([[b"9223372036854775807"]], {}, "intset"),
        ([[b"9223372036854775808"]], {}, "listpack"),
        ([[b"007"]], {}, "listpack"),
        ([[b"-0"]], {}, "listpack"),
        ([numbers(3)], SMALL, "intset"),
        ([numbers(4)], SMALL, "listpack"),
        ([numbers(3), [b"9"]], SMALL, "hashtable"),
        ([numbers(6)], SMALL, "hashtable"),
        ([[b"1"] * 5], SMALL, "listpack"),
        ([[b"12345"], [b"a"]], SHORT, "hashtable"),
        ([[b"123"], [b"a"]], SHORT, "listpack"),
        ([[b"1234567", b"2", b"3", b"4"]], SHORT, "hashtable"),
        ([[b"abcd"]], SHORT, "hashtable"),
    ],
)
def test_encoding(calls, limits, encoding):
    assert make_set(*calls, **limits).encoding == encoding


def test_no_encoding_goes_back():
    for members, encoding in ((numbers(600), "hashtable"), ([*numbers(5), b"a"], "listpack")):
        items = make_set(members)
        for member in members[2:]:
            assert items.discard(member)
        assert items.encoding == encoding and items.members() == [b"0", b"1"]


def test_order_of_members():
    assert make_set([b"3", b"-1", b"20"]).members() == [b"-1", b"3", b"20"]
    assert make_set([b"3", b"1"], [b"z"], [b"2"]).members() == [b"1", b"3", b"z", b"2"]


def test_only_canonical_integers_are_in_an_intset():
    items = make_set([b"1", b"2"])
    assert b"1" in items and b"01" not in items and b"+1" not in items and b"" not in items
    assert not items.discard(b"01")


@pytest.mark.parametrize("members", [numbers(4), names(4), names(1000)], ids=["intset", "listpack", "hashtable"])
def test_random_members_are_distinct_and_all_come_up(members):
    items = make_set(members)
    rng = random.Random(1)
    assert items.random_distinct(3, rng) != items.random_distinct(3, rng) or len(members) == 4
    assert len(set(items.random_distinct(3, rng))) == 3
    assert sorted(items.random_distinct(5000, rng)) == sorted(members)
    drawn = Counter(items.random_member(rng) for _ in range(20 * len(members)))
    assert set(drawn) == set(members)
    popped = [items.pop_random(rng) for _ in range(2)] + items.pop_random_many(len(members), rng)
    assert sorted(popped) == sorted(members) and len(items) == 0
    with pytest.raises(IndexError):
        items.random_member(rng)
    items.check()


def test_scan_finds_all_that_stay_while_others_come_and_go():
    rng = random.Random(2)
    for _ in range(20):
        items = make_set(names(1000))
        stay = set(rng.sample(names(1000), 300))
        seen, cursor = set(), 0
        while True:
            cursor, found = items.scan(cursor, 10)
            seen.update(found)
            if not cursor:
                break
            for member in items.random_distinct(12, rng):
                if member not in stay:
                    items.discard(member)
            items.add(b"new%d" % cursor)
        assert stay <= seen


def test_scan_of_compact_forms_returns_all_at_once():
    assert make_set([b"2", b"1"]).scan(0, 1) == (0, [b"1", b"2"])
    assert make_set([b"b", b"a"]).scan(77, 1) == (0, [b"b", b"a"])


def test_scan_takes_any_cursor():
    items = make_set(names(1000))
    assert items.scan(2**64 - 1, 10) == (990, names(1000)[990:])
    assert items.scan(5, 10) == (0, names(5))
    assert items.scan(0, 2**62)[0] == 0


def test_a_shrunk_hashtable_gives_its_memory_back():
    items = make_set(names(50_000))
    large = items.memory_usage()
    items.pop_random_many(49_990, random.Random(3))
    items.check()
    assert items.memory_usage() < large / 20


@pytest.mark.parametrize("filler", [[], [b"x" * 100]], ids=["compact", "hashtable"])
def test_set_algebra(filler):
    one, two, three = make_set(numbers(6) + filler), make_set([b"4", b"5", b"a"]), make_set([b"5"])

    def joined(chunks):
        return sorted(member for chunk in chunks for member in chunk)

    assert joined(intersection([one, two])) == [b"4", b"5"]
    assert joined(intersection([one, two, three])) == [b"5"]
    assert joined(union([one, two, three])) == sorted([*numbers(6), b"a", *filler])
    assert joined(difference(one, [two, three])) == sorted([*numbers(4), *filler])
    assert joined(difference(one, [])) == sorted(one.members())


def test_set_algebra_comes_in_slices():
    large = make_set(names(10_000))
    assert [len(chunk) for chunk in intersection([large, large.copy()])] == [4096, 4096, 1808]
    assert [len(chunk) for chunk in union([large, large])] == [4096, 4096, 1808, 0, 0, 0]


MEMBERS = st.one_of(st.integers(-9, 9).map(lambda value: b"%d" % value), st.sampled_from([b"a", b"b", b"", b"x" * 9]))


class SetMachine(RuleBasedStateMachine):
    """Every operation on a Set with small limits and on a Python set."""

    def __init__(self):
        super().__init__()
        self.items = make_set()
        self.model = set()

    @initialize(integers=st.integers(1, 8), entries=st.integers(0, 8), value=st.integers(0, 8))
    def choose_limits(self, integers, entries, value):
        self.items = make_set(
            set_max_intset_entries=integers, set_max_listpack_entries=entries, set_max_listpack_value=value
        )

    @rule(members=st.lists(MEMBERS, min_size=1, max_size=6))
    def add(self, members):
        self.items.reserve(len(members), members[0])
        for member in members:
            assert self.items.add(member) is (member not in self.model)
            self.model.add(member)

    @rule(member=MEMBERS)
    def discard(self, member):
        assert self.items.discard(member) is (member in self.model)
        self.model.discard(member)

    @precondition(lambda self: self.model)
    @rule(rng=st.randoms(use_true_random=False))
    def pop_random(self, rng):
        self.model.remove(self.items.pop_random(rng))

    @rule(rng=st.randoms(use_true_random=False), count=st.integers(0, 9))
    def pop_random_many(self, rng, count):
        popped = self.items.pop_random_many(count, rng)
        assert len(set(popped)) == len(popped) == min(count, len(self.model)) and self.model.issuperset(popped)
        self.model.difference_update(popped)

    @rule()
    def pack_integers(self):
        self.items.pack_integers()
        limit = self.items._limits.set_max_intset_entries
        if len(self.model) <= limit and all(parse_integer(member) is not None for member in self.model):
            assert self.items.encoding == "intset"

    @rule(count=st.integers(1, 4))
    def scan(self, count):
        cursor, seen = self.items.scan(0, count)
        while cursor:
            cursor, found = self.items.scan(cursor, count)
            seen += found
        assert sorted(seen) == sorted(self.model)

    @rule(member=MEMBERS)
    def copy(self, member):
        encoding = self.items.encoding
        copied = self.items.copy()
        self.items.add(member)
        self.items = copied
        assert copied.encoding == encoding

    @invariant()
    def same_as_the_model(self):
        self.items.check()
        assert len(self.items) == len(self.model)
        assert sorted(self.items) == sorted(self.items.members()) == sorted(self.model)
        assert all(member in self.items for member in self.model)
        assert b"absent" not in self.items and b"99" not in self.items
        assert self.items.memory_usage() > 0


SetMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSetMachine = SetMachine.TestCase
