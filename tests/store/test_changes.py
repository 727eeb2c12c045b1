"""Changes: who is told, in which order, and when nobody is."""

import pytest

from mini_redis.store.changes import ROLES, Changes
from tests.support_concurrency import run_threads


@pytest.fixture
def changes():
    return Changes()


def attach_all(changes, heard):
    for role in reversed(ROLES):
        changes.attach(role, lambda number, key, event, role=role: heard.append((role, number, key, event)))


def test_listeners_run_in_the_order_of_roles(changes):
    heard = []
    attach_all(changes, heard)
    for role in ("ready", "watch", "memory", "notify", "tracking"):
        changes.adjust_interest(role, 1)
    changes.modified(3, b"k", "set")
    assert heard == [(role, 3, b"k", "set") for role in ROLES]


def test_nobody_is_told_without_interest(changes):
    heard = []
    attach_all(changes, heard)
    assert not changes.any
    changes.modified(0, b"k", "set")
    assert heard == []


def test_interest_is_counted(changes):
    attach_all(changes, [])
    for by, expected in ((1, True), (1, True), (-1, True), (-1, False)):
        changes.adjust_interest("watch", by)
        assert changes.any is expected


def test_interest_before_its_listener(changes):
    changes.adjust_interest("watch", 1)
    assert not changes.any
    changes.attach("watch", lambda *change: None)
    assert changes.any


def test_an_unknown_role(changes):
    with pytest.raises(KeyError):
        changes.attach("nobody", print)
    with pytest.raises(KeyError):
        changes.adjust_interest("nobody", 1)


def test_counters_of_many_threads_do_not_lose_anything(changes):
    attach_all(changes, [])

    def work():
        for _ in range(500):
            changes.adjust_interest("watch", 1)
            assert changes.any
            changes.adjust_interest("watch", -1)

    run_threads(*[work] * 4)
    assert not changes.any
