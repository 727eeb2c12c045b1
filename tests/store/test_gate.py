"""Gate: shared by members, closed by one; what is waited for and what is not. See also tests/concurrency."""

import pytest

from mini_redis.store.gate import EXCLUSIVE, Gate, Member
from tests.support_concurrency import in_background, run_threads


@pytest.fixture
def gate():
    return Gate()


def member_of(gate):
    member = Member()
    gate.register(member)
    return member


def test_members_share(gate):
    members = [member_of(gate) for _ in range(3)]
    run_threads(*[lambda member=member: gate.enter(member) for member in members])
    assert all(member.lock.locked() for member in members)


def test_closing_waits_for_who_is_inside_and_keeps_all_others_out(gate):
    inside, outside = member_of(gate), member_of(gate)
    gate.enter(inside)
    taken = in_background(gate.take)
    assert not taken.wait(0.02) and gate.stop == EXCLUSIVE
    gate.leave(inside)
    assert taken.wait(5)
    entered = in_background(lambda: gate.enter(outside))
    assert not entered.wait(0.02)
    gate.give(True)
    assert entered.wait(5) and gate.stop == 0
    assert not inside.lock.locked() and outside.lock.locked()


def test_one_turn_at_a_time(gate):
    gate.take()
    second = in_background(gate.take)
    assert not second.wait(0.02)
    gate.give(True)
    assert second.wait(5) and gate.stop == EXCLUSIVE
    gate.give(True)
    assert not gate.turn.locked()


def test_the_turn_alone_stops_nobody(gate):
    member = member_of(gate)
    gate.turn.acquire()
    gate.enter(member)
    assert gate.stop == 0
    gate.leave(member)
    gate.give(False)
    assert not gate.turn.locked()


def test_giving_clears_only_its_own_reason(gate):
    paused = 8
    gate.stop |= paused
    gate.take()
    gate.give(True)
    assert gate.stop == paused


def test_who_has_left_the_members_is_not_waited_for(gate):
    member = member_of(gate)
    gate.enter(member)
    gate.unregister(member)
    gate.unregister(member)  # once more does no harm
    taken = in_background(gate.take)
    assert taken.wait(5)
    gate.give(True)


def test_members_that_come_and_go_while_the_gate_opens_and_closes(gate):
    """A unit inside sees no exclusive one, and the other way round."""
    inside, failures = [0], []

    def exclusive():
        for _ in range(200):
            gate.take()
            before = list(inside)
            if before != inside or inside[0]:
                failures.append(before)
            gate.give(True)

    def newcomers():
        for _ in range(200):
            member = member_of(gate)
            gate.enter(member)
            inside[0] += 1
            inside[0] -= 1
            gate.leave(member)
            gate.unregister(member)

    run_threads(newcomers, exclusive, exclusive)
    assert failures == [] and gate._members == {} and gate.stop == 0
