"""Short random histories of three clients are linearizable, leave a sound store, and their log gives the same data."""

import random
import time

import pytest

from tests import support_histories
from tests.support_concurrency import SOAK_SECONDS, check_store
from tests.support_histories import MIXES, History, Model, Operation, check_history, is_linearizable, record_history

SECONDS = 1.5
"""For each mix."""


@pytest.mark.parametrize("mix", MIXES)
def test_histories(mix):
    deadline = time.monotonic() + max(SECONDS, SOAK_SECONDS / len(MIXES))
    seed = time.time_ns() // 1000
    histories = operations = 0
    while time.monotonic() < deadline:
        operations += check_history(mix, seed + histories)
        histories += 1
    print(f"{mix}: {histories} histories, {operations} operations")
    assert histories >= 10


# --- the checker itself


def history_of(*clients, final=None, before=()):
    """Each client: a list of (asked, answered, reply, command)."""
    operations = [[Operation(client, 0, tuple(command.encode().split()), asked, answered, reply)
                   for asked, answered, reply, command in rows] for client, rows in enumerate(clients)]
    return History(operations, list(before), final or {}, "by hand")


ONE = {(0, b"a"): (b"1", None)}


@pytest.mark.parametrize("clients, final, expected", [
    ([[(1, 2, "OK", "SET a 1"), (3, 4, b"1", "GET a")]], ONE, True),
    ([[(1, 2, "OK", "SET a 1"), (3, 4, None, "GET a")]], ONE, False),
    ([[(1, 5, "OK", "SET a 1")], [(2, 3, None, "GET a")]], ONE, True),
    ([[(1, 5, "OK", "SET a 1")], [(2, 3, b"1", "GET a")]], ONE, True),
    ([[(1, 2, "OK", "SET a 1")], [(3, 4, None, "GET a")]], ONE, False),
    ([[(1, 5, "OK", "SET a 1")], [(2, 3, b"1", "GET a"), (4, 6, None, "GET a")]], ONE, False),
    ([[(1, 9, "OK", "MSET a 1 b 2")], [(2, 3, b"1", "GET a"), (4, 5, None, "GET b")]],
     {**ONE, (0, b"b"): (b"2", None)}, False),
    ([[(1, 2, "OK", "SET a 1")]], {}, False),
    ([[(1, 2, "OK", "SET a 1 PX 50"), (3, 4, "OK", "TICK 50"), (5, 6, None, "GET a")]], {}, True),
    ([[(1, 2, "OK", "SET a 1 PX 50"), (3, 4, "OK", "TICK 49"), (5, 6, None, "GET a")]], {}, False),
])  # fmt: skip
def test_the_search_knows_good_from_bad(clients, final, expected):
    assert is_linearizable(history_of(*clients, final=final)) is expected


@pytest.mark.parametrize("mix", MIXES)
def test_one_client_agrees_with_the_model(mix):
    """A long program of a single client: model and server must not differ, or the search would prove nothing."""
    for seed in range(8):
        history, server = record_history(mix, seed, clients=1, length=200)
        check_store(server)
        assert is_linearizable(history), first_difference(history)


def first_difference(history):
    model = Model()
    for operation in [*history.before, *history.clients[0]]:
        expected = model.run(operation.number, operation.argv)
        if expected != operation.reply:
            return f"{operation}, the model says {expected}"
    return f"final {history.final}, the model says {model.data}"


def test_every_command_of_the_mixes_is_in_the_model():
    writer = support_histories.Writer(random.Random(1))
    for words in MIXES.values():
        for word in set(words.split()) - {"SELECT"}:
            assert hasattr(Model, writer.make(word, 0)[0].decode().lower()), word
