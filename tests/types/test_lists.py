"""LinkedList against a Python list, and its encoding against what Redis 8.2 was observed to show."""

import gc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mini_redis.types.limits import EncodingLimits
from mini_redis.types.lists import LinkedList


def make_list(elements=(), list_max_listpack_size=-2):
    limits = EncodingLimits()
    limits.list_max_listpack_size = list_max_listpack_size
    result = LinkedList(limits)
    for element in elements:
        result.push_right(element)
    return result


def numbers(count):
    return [b"%d" % index for index in range(count)]


def test_both_ends():
    items = make_list()
    items.push_right(b"b")
    items.push_left(b"a")
    items.push_right(b"c")
    assert list(items) == [b"a", b"b", b"c"] and list(reversed(items)) == [b"c", b"b", b"a"]
    assert (items.pop_left(), items.pop_right(), len(items)) == (b"a", b"c", 1)


@pytest.mark.parametrize("pop", [LinkedList.pop_left, LinkedList.pop_right])
def test_pop_from_an_empty_list(pop):
    items = make_list([b"a"])
    pop(items)
    with pytest.raises(IndexError):
        pop(items)


def test_every_index_of_a_long_list():
    items = make_list(numbers(2000))
    assert [items.get(index) for index in range(2000)] == numbers(2000)
    for index in (-1, 2000):
        with pytest.raises(IndexError):
            items.get(index)


@pytest.mark.parametrize(
    ("count", "removed", "kept"),
    [
        (1, 1, b"bacada"),
        (2, 2, b"bcada"),
        (-1, 1, b"abacad"),
        (-3, 3, b"abcd"),
        (0, 4, b"bcd"),
        (9, 4, b"bcd"),
        (-9, 4, b"bcd"),
    ],
)
def test_remove_counts_from_either_end(count, removed, kept):
    items = make_list([bytes([byte]) for byte in b"abacada"])
    assert items.remove(b"a", count) == removed
    assert b"".join(items) == kept


@pytest.mark.parametrize(
    ("rank", "count", "max_length", "found"),
    [
        (1, 1, 0, [2]),
        (2, 1, 0, [6]),
        (1, 0, 0, [2, 6, 7]),
        (-1, 1, 0, [7]),
        (-1, 2, 0, [7, 6]),
        (-2, 0, 0, [6, 2]),
        (4, 0, 0, []),
        (1, 0, 7, [2, 6]),
        (1, 0, 6, [2]),
        (-1, 0, 1, [7]),
        (-1, 0, 2, [7, 6]),
        (1, 0, 99, [2, 6, 7]),
        (2**62, 1, 0, []),
    ],
)
def test_positions_as_lpos_finds_them(rank, count, max_length, found):
    items = make_list([b"a", b"b", b"c", b"1", b"2", b"3", b"c", b"c"])
    assert items.positions(b"c", rank, count, max_length) == found


def test_positions_over_many_blocks():
    items = make_list([b"x", b"y"] * 1000)
    assert items.positions(b"y", 1, 0) == list(range(1, 2000, 2))
    assert items.positions(b"y", -1, 0, 1500) == list(range(1999, 500, -2))


def test_deleting_from_the_middle_merges_blocks():
    items = make_list(numbers(5000))
    for number in range(1000, 4000):
        assert items.remove(b"%d" % number, 1) == 1
        items.check()
    assert list(items) == numbers(1000) + numbers(5000)[4000:]


def test_a_block_emptied_whole_lets_its_neighbours_merge():
    items = make_list(numbers(600) + [b"x"] * 1000 + numbers(600))
    assert items.remove(b"x", 0) == 1000
    items.check()
    assert list(items) == numbers(600) * 2


@pytest.mark.parametrize("drop", [lambda items: items.clear(), lambda items: items.trim(0, 0), lambda items: None])
def test_a_dropped_list_leaves_nothing_to_the_cycle_collector(drop):
    gc.collect()
    gc.disable()
    try:
        items = make_list(numbers(100_000))
        drop(items)
        del items
        assert gc.collect() == 0
    finally:
        gc.enable()


# Rows: list-max-listpack-size, element, the length that first is a quicklist, the length that is a listpack again
ENCODING_ROWS = [
    (128, b"x", 129, 64),
    (10, b"x", 11, 5),
    (3, b"x", 4, 1),
    (100, b"x" * 500, 17, 16),
    (-1, b"x", 1364, 680),
    (-1, b"x" * 10, 341, 170),
    (-1, b"x" * 63, 63, 31),
    (-1, b"x" * 64, 62, 30),
    (-1, b"x" * 100, 40, 19),
    (-1, b"x" * 1000, 5, 2),
    (-1, b"77", 2045, 1020),
    (-1, b"1234", 1363, 680),
    (-1, b"123456789", 682, 340),
    (-1, b"1234567890123456", 409, 204),
    (-2, b"x", 2730, 1363),
    (-2, b"x" * 63, 126, 62),
    (-2, b"x" * 64, 123, 61),
    (-2, b"1234", 2729, 1363),
    (-3, b"x" * 1000, 17, 8),
    (-7, b"x" * 500, 131, 65),
]


@pytest.mark.parametrize(("limit", "element", "grown", "shrunk"), ENCODING_ROWS)
def test_encoding_grows_and_goes_back(limit, element, grown, shrunk):
    items = make_list(list_max_listpack_size=limit)
    while items.encoding == "listpack":
        items.push_right(element)
    assert len(items) == grown
    while items.encoding == "quicklist":
        items.pop_left()
    assert len(items) == shrunk


def test_elements_pushed_together_count_with_their_plain_lengths():
    strings, integers = make_list(list_max_listpack_size=-1), make_list(list_max_listpack_size=-1)
    strings.extend_right([b"x"] * 1364)  # one by one the last would not fit
    integers.extend_right([b"1234567890123456"] * 300)  # one by one they would
    assert (strings.encoding, integers.encoding) == ("listpack", "quicklist")


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_of_one_element_never_goes_back(limit):
    items = make_list([b"a"], limit)
    assert items.encoding == "listpack"
    items.push_left(b"b")
    items.pop_left()
    assert items.encoding == "quicklist"


def test_one_large_element_makes_a_quicklist_and_replacing_it_a_listpack():
    items = make_list([b"a", b"b"])
    items.set(0, b"x" * 9000)
    assert items.encoding == "quicklist"
    items.set(0, b"x")
    assert items.encoding == "listpack"


def test_memory_usage_follows_the_content():
    small, long, wide = make_list([b"a"]), make_list(numbers(10_000)), make_list([b"x" * 1000] * 100)
    assert 200 < small.memory_usage() < 400
    assert 400_000 < long.memory_usage() < 700_000  # without the GIL an object is 16 bytes larger
    assert 100_000 < wide.memory_usage() < 110_000


ELEMENTS = st.sampled_from([b"", b"a", b"b", b"7", b"-300", b"x" * 70])


class ListMachine(RuleBasedStateMachine):
    """Every operation on a LinkedList and on a Python list; runs of elements make it span many blocks."""

    def __init__(self):
        super().__init__()
        self.items = make_list(list_max_listpack_size=-1)
        self.model = []

    @rule(element=ELEMENTS, count=st.sampled_from([1, 2, 300]))
    def push_left(self, element, count):
        for _ in range(count):
            self.items.push_left(element)
        self.model[:0] = [element] * count

    @rule(element=ELEMENTS)
    def push_right(self, element):
        self.items.push_right(element)
        self.model.append(element)

    @rule(elements=st.lists(ELEMENTS, max_size=5), times=st.sampled_from([1, 150]))
    def extend_right(self, elements, times):
        self.items.extend_right(elements * times)
        self.model += elements * times

    @precondition(lambda self: self.model)
    @rule()
    def pop_left(self):
        assert self.items.pop_left() == self.model.pop(0)

    @precondition(lambda self: self.model)
    @rule()
    def pop_right(self):
        assert self.items.pop_right() == self.model.pop()

    @rule(count=st.integers(0, 400))
    def pop_left_many(self, count):
        assert self.items.pop_left_many(count) == self.model[:count]
        del self.model[:count]

    @rule(count=st.integers(0, 400))
    def pop_right_many(self, count):
        kept = max(len(self.model) - count, 0)
        assert self.items.pop_right_many(count) == self.model[kept:][::-1]
        del self.model[kept:]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), element=ELEMENTS)
    def set(self, data, element):
        index = data.draw(st.integers(0, len(self.model) - 1))
        self.items.set(index, element)
        self.model[index] = element
        assert self.items.get(index) == element

    @rule(data=st.data(), element=ELEMENTS, count=st.sampled_from([1, 200]))
    def insert(self, data, element, count):
        index = data.draw(st.integers(0, len(self.model)))
        for _ in range(count):
            self.items.insert(index, element)
        self.model[index:index] = [element] * count

    @rule(data=st.data())
    def slice_and_trim(self, data):
        begin = data.draw(st.integers(0, len(self.model)))
        end = data.draw(st.integers(begin, len(self.model)))
        assert self.items.slice(begin, end) == self.model[begin:end]
        if data.draw(st.booleans()):
            self.items.trim(begin, end)
            self.model = self.model[begin:end]

    @rule(element=ELEMENTS, count=st.integers(-300, 300))
    def remove(self, element, count):
        indexes = [index for index, other in enumerate(self.model) if other == element]
        indexes = indexes[count:] if count < 0 else indexes[:count] if count else indexes
        assert self.items.remove(element, count) == len(indexes)
        for index in reversed(indexes):
            del self.model[index]

    @rule(element=ELEMENTS, rank=st.integers(1, 300), count=st.integers(0, 3), max_length=st.integers(0, 900))
    def find(self, element, rank, count, max_length):
        indexes = [index for index, other in enumerate(self.model) if other == element]
        assert self.items.index_of(element) == (indexes[0] if indexes else None)
        compared = max_length or len(self.model)
        from_left = [index for index in indexes if index < compared][rank - 1 :]
        from_right = [index for index in indexes[::-1] if index >= len(self.model) - compared][rank - 1 :]
        assert self.items.positions(element, rank, count, max_length) == from_left[: count or None]
        assert self.items.positions(element, -rank, count, max_length) == from_right[: count or None]

    @rule()
    def copy(self):
        copied = self.items.copy()
        self.items.clear()
        self.items = copied

    @invariant()
    def same_as_the_model(self):
        self.items.check()
        assert len(self.items) == len(self.model)
        assert list(self.items) == self.model
        assert list(reversed(self.items)) == self.model[::-1]
        assert self.items.memory_usage() > 0


ListMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestListMachine = ListMachine.TestCase
