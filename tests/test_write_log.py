"""The write log: what a sink gets for what clients do, with the log's grouping, SELECTs and spelling."""

import threading

import pytest

from mini_redis.protocol.encoder import encode_command
from mini_redis.write_log import WriteLog
from tests.support_concurrency import LogCopy, Talker, in_background, make_server, run_threads


@pytest.fixture
def server():
    return make_server()


@pytest.fixture
def talker(server):
    return Talker(server)


def logged(log):
    return [b" ".join(argv).decode() for argv in log.commands()]


@pytest.mark.parametrize("commands, expected", [
    (["SET k v"], ["SELECT 0", "SET k v"]),
    (["GET k", "SET k v", "GET k", "DBSIZE", "DEL none"], ["SELECT 0", "SET k v"]),
    (["SET k v", "SELECT 1", "SET k v", "SELECT 2", "SELECT 1", "DEL k"],
     ["SELECT 0", "SET k v", "SELECT 1", "SET k v", "DEL k"]),
    (["SELECT 5", "PING"], []),
    (["set k v", "InCr n"], ["SELECT 0", "set k v", "InCr n"]),
    (["SET k v PX 100"], ["SELECT 0", "SET k v PXAT 1700000000100"]),
    (["SET k v", "EXPIRE k 1", "PEXPIREAT k 1"], ["SELECT 0", "SET k v", "PEXPIREAT k 1700000001000", "DEL k"]),
    (["INCR s", "LPUSH s x", "SETNX s 1"], ["SELECT 0", "INCR s"]),
    (["SET k v", "FLUSHDB", "SELECT 1", "FLUSHALL", "SWAPDB 0 1"],
     ["SELECT 0", "SET k v", "FLUSHDB", "SELECT 1", "FLUSHALL", "SWAPDB 0 1"]),
    (["SET k v", "MOVE k 1", "COPY k k DB 1"], ["SELECT 0", "SET k v", "MOVE k 1"]),
])  # fmt: skip
def test_what_is_logged(server, talker, commands, expected):
    log = LogCopy(server)
    batch = [line.split() for line in commands]
    talker.batch(batch)
    assert logged(log) == expected
    other = make_server()
    one_by_one, other_log = Talker(other), LogCopy(other)
    for argv in batch:
        one_by_one(*argv)
    assert other_log.data == log.data


def test_an_expired_key_and_the_command_are_one_group(server, talker):
    talker.batch([("SET", "n", "5", "PX", "10"), ("SET", "m", "5", "PX", "10")])
    log = LogCopy(server)
    server.clock.advance(10)
    talker.batch([("INCR", "n"), ("GET", "m"), ("SET", "x", "1")])
    assert logged(log) == ["MULTI", "SELECT 0", "DEL n", "INCR n", "EXEC", "DEL m", "SET x 1"]


def test_bytes_go_through_unchanged(server, talker):
    log = LogCopy(server)
    talker("SET", "first", "1")
    wire = b"".join([encode_command([b"SET", b"k%d" % number, b"\0 \xff" * number]) for number in range(10)])
    talker.session.execute(wire)
    assert log.data.endswith(wire)


def test_what_came_inline_or_in_pieces_is_written_as_arrays(server, talker):
    log = LogCopy(server)
    execute = talker.session.execute
    execute(b"SET a 1\r\n")
    execute(b'set "b" "\\x00"\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r')
    execute(b"\n$3\r\na\r\n\r\n" + encode_command([b"SET", b"d", b"4"]))
    assert log.commands() == [[b"SELECT", b"0"], [b"SET", b"a", b"1"], [b"set", b"b", b"\0"], [b"SET", b"c", b"a\r\n"],
                              [b"SET", b"d", b"4"]]


def test_a_sink_gets_what_comes_after_it(server, talker):
    early = LogCopy(server)
    talker.batch([("SELECT", "3"), ("SET", "a", "1")])
    late = LogCopy(server)
    talker("SET", "b", "2")
    assert logged(early) == ["SELECT 3", "SET a 1", "SET b 2"]
    assert logged(late) == ["SELECT 3", "SET b 2"]


def test_nothing_is_kept_while_nobody_listens(server, talker):
    talker.batch([("SET", "k", "v"), ("FLUSHALL",)])
    assert server.write_log.queue == []


def test_a_batch_is_written_before_its_replies(server, talker):
    log = LogCopy(server)
    talker("SET", "k", "v")
    assert log.chunks and server.write_log.queue == []


def test_one_drainer_at_a_time_and_it_takes_once():
    """Records that come while a slow sink writes wait for the next drain; nobody waits for the sink but `flush`."""
    log = WriteLog()
    writing, go_on, got = threading.Event(), threading.Event(), []

    def slow_sink(data):
        got.append(data)
        writing.set()
        assert go_on.wait(5)

    log.attach(slow_sink)
    first, second = [b"SET", b"a", b"1"], [b"SET", b"a", b"2"]
    log.queue.append((None, first, 0))
    drained = in_background(log.drain)
    assert writing.wait(5)
    log.queue.append((None, second, 0))
    log.drain()
    assert len(log.queue) == 1
    flushed = in_background(log.flush)
    assert not flushed.wait(0.02)
    go_on.set()
    assert drained.wait(5) and flushed.wait(5)
    assert got == [encode_command([b"SELECT", b"0"]) + encode_command(first), encode_command(second)]


def test_a_sink_that_fails_does_not_keep_the_log():
    log = WriteLog()

    def failing_sink(data):
        raise OSError("no space")

    log.attach(failing_sink)
    log.queue.append((None, [b"SET", b"a", b"1"], 0))
    with pytest.raises(OSError):
        log.drain()
    assert not log._drain.locked()


def test_groups_are_not_torn_and_keep_the_order_of_their_producer():
    log, got = WriteLog(), []
    log.attach(got.append)

    def producer(number):
        for at in range(500):
            log.queue.append([[(number, [b"A", b"%d" % at]), (number, [b"B", b"%d" % at])]])
            log.drain()

    run_threads(*[lambda number=number: producer(number) for number in range(3)])
    log.flush()
    expected = {number: b"".join([encode_command([name, b"%d" % at]) for at in range(500) for name in (b"A", b"B")])
                for number in range(3)}
    streams = {number: b"" for number in range(3)}
    blocks = b"".join(got).split(encode_command([b"MULTI"]))[1:]
    number = None
    for block in blocks:
        body, end, rest = block.partition(encode_command([b"EXEC"]))
        assert end and not rest.strip() or rest.startswith(b"*2\r\n$6\r\nSELECT")
        for candidate in range(3):
            select = encode_command([b"SELECT", b"%d" % candidate])
            if body.startswith(select):
                number, body = candidate, body[len(select):]
        streams[number] += body
    assert streams == expected
