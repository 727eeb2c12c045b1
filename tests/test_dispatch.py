"""From bytes to replies: the short way against the general way, authentication, failures, and what a client cannot do.

Sessions are in process unless a test is about sockets.
"""

import copy
import logging
import random
import re
import socket
import threading
import time

import pytest

from mini_redis import Server
from mini_redis.clients.client import Client
from mini_redis.clock import ManualClock
from mini_redis.commands.table import CommandSpec
from mini_redis.connection import STRANGER_BACKLOG_BYTES
from mini_redis.dispatch import Session
from tests import resp
from tests.resp import Error, SimpleString, encode_command

OK = resp.OK
NOAUTH = Error(b"NOAUTH Authentication required.")
INTERNAL = Error(b"ERR internal error")


def replies_in(data):
    """All replies in some bytes."""
    stream = resp.io.BytesIO(data)
    found = []
    while stream.tell() < len(data):
        found.append(resp.read_reply(stream))
    return found


class Talk:
    """A session in process that takes commands as a shell would and gives replies as values."""

    def __init__(self, server):
        self.session = server.new_session()

    def send(self, *commands):
        """Send all at once: text is an inline command, bytes are sent as they are."""
        return replies_in(self.session.execute(b"".join(
            line if isinstance(line, bytes) else line.encode() + b"\r\n" for line in commands)))

    def ask(self, *argv):
        """One command as an array."""
        return replies_in(self.session.execute(encode_command(argv)))[0]


@pytest.fixture
def open_talk():
    """Makes sessions, each on a new server that listens nowhere or on the one given."""
    opened = []

    def open_one(server=None, **directives):
        server = server or Server(port=0, enable_debug_command="yes", **directives)
        opened.append((Talk(server), server))
        return opened[-1][0]

    yield open_one
    for talk, server in opened:
        talk.session.close()
        server.stop()


@pytest.fixture
def talk(open_talk):
    return open_talk()


def locked_entries(server):
    """Entries whose lock another thread cannot have."""
    found = []

    def look():
        for database in server.store.databases:
            for key, entry in list(database.entries.items()):
                if entry.acquire(False):
                    entry.release()
                else:
                    found.append(key)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


# --- the short way and the general way


def without_short_way(server):
    """Take the short way from every command of this server, and of this server alone."""
    for name, spec in server.table.spellings.items():
        spec = server.table.spellings[name] = copy.copy(spec)
        spec.short_min, spec.short_max = 1, 0
    return server


KEYS = [b"a", b"b", b"c", b"d"]
WORDS = [b"0", b"1", b"-1", b"2", b"10", b"abc", b"", b"1.5", b"a", b"b", b"x", b"9223372036854775807", b"1700000000",
         b"100", b"\r\n", b"y" * 1100]
OPTIONS = [b"NX", b"XX", b"GT", b"EX", b"PX", b"GET", b"KEEPTTL", b"LEFT", b"BEFORE", b"COUNT", b"RANK", b"FIELDS",
           b"WITHVALUES", b"PERSIST", b"MATCH", b"*"]


def random_command(source, specs):
    spec = source.choice(specs)
    least = spec.min_words
    most = min(spec.max_words, least + 4)
    count = source.randint(least, most)
    if source.random() < 0.03:
        count = max(1, count + source.choice((-1, 1)))
    words = [spec.name.upper().encode()]
    for place in range(1, count):
        pool = KEYS if place == 1 else OPTIONS if source.random() < 0.25 else WORDS
        words.append(source.choice(pool))
    return words


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("batch", [1, 16])
def test_both_ways_give_equal_replies_state_and_log(open_talk, seed, batch):
    source = random.Random(seed)
    sides, logs, clocks = [], [], []
    for prepare in (lambda server: server, without_short_way):
        clock = ManualClock()
        server = Server(port=0, clock=clock, random_source=random.Random(seed), enable_debug_command="yes")
        log = []
        server.write_log.attach(log.append)
        sides.append(open_talk(prepare(server)))
        logs.append(log)
        clocks.append(clock)
    short, general = sides
    specs = [spec for spec in short.session.server.table.all_specs() if spec.short_max]
    assert len(specs) > 30
    for _ in range(1600 // batch):
        data = b"".join(encode_command(random_command(source, specs)) for _ in range(batch))
        got, wanted = short.session.execute(data), general.session.execute(data)
        assert got == wanted, data
        if source.random() < 0.02:
            step_ms = source.choice((1, 900, 200_000))
            for clock in clocks:
                clock.advance(step_ms)
        if source.random() < 0.05:
            assert short.ask("DEBUG", "DIGEST") == general.ask("DEBUG", "DIGEST")
    assert b"".join(logs[0]) == b"".join(logs[1]) != b""
    counts = [side.session.server.store.databases[0].counts() for side in sides]
    assert counts[0] == counts[1]
    figures = [side.session.server.stats.snapshot() for side in sides]
    assert figures[0][0] == figures[1][0]
    assert figures[0][2] == figures[1][2]
    calls = [{name: (stats.calls, stats.failed, stats.rejected) for name, stats in commands.items()}
             for _, commands, _ in figures]
    assert calls[0] == calls[1]
    assert locked_entries(short.session.server) == locked_entries(general.session.server) == []


def test_the_short_way_is_taken_at_all(open_talk):
    """Or the test above compares the general way with itself."""
    talk = open_talk()
    talk.session._run_general = None  # to call it would be a TypeError
    assert talk.send("SET k v", "GET k", "GET none", "INCR n", "STRLEN k") == [OK, b"v", None, 1, 1]


# --- errors


def test_errors_do_not_end_the_conversation(talk):
    assert talk.send("GET", "NONSENSE a", "SET k v", "INCR k", "CONFIG NONSENSE", "SET k", "SELECT 99", "PING") == [
        Error(b"ERR wrong number of arguments for 'get' command"),
        Error(b"ERR unknown command 'NONSENSE', with args beginning with: 'a' "),
        OK,
        Error(b"ERR value is not an integer or out of range"),
        Error(b"ERR unknown subcommand 'NONSENSE'. Try CONFIG HELP."),
        Error(b"ERR wrong number of arguments for 'set' command"),
        Error(b"ERR DB index is out of range"),
        SimpleString(b"PONG"),
    ]
    assert not talk.session.client.is_closing


A, B = b"a" * 200, b"b" * 200
UNKNOWN = [
    ([A], b"ERR unknown command '%b', with args beginning with: " % A[:128]),
    ([b"X", A], b"ERR unknown command 'X', with args beginning with: '%b' " % A[:128]),
    ([b"X", A[:100], B], b"ERR unknown command 'X', with args beginning with: '%b' '%b' " % (A[:100], B[:25])),
    ([b"X", b"a\r\nb", b"\r\n+OK\r\n"], b"ERR unknown command 'X', with args beginning with: 'a  b' '  +OK  ' "),
    ([b"X\r\n+OK\r\n"], b"ERR unknown command 'X  +OK  ', with args beginning with: "),
    ([b"X\0Y", b"a\0b"], b"ERR unknown command 'X', with args beginning with: 'a' "),
    ([b"\xff\xfe"], b"ERR unknown command '\xff\xfe', with args beginning with: "),
    ([b""], b"ERR unknown command '', with args beginning with: "),
    ([b"CONFIG", b"a\r\n" + A], b"ERR unknown subcommand 'a  %b'. Try CONFIG HELP." % A[:125]),
    ([b"client", b"MAINT_NOTIFICATIONS", b"ON"], b"ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."),
]


@pytest.mark.parametrize("argv, text", UNKNOWN)
def test_names_in_errors_are_cut_and_cannot_forge_replies(talk, argv, text):
    assert talk.session.execute(encode_command(argv)) == b"-%b\r\n" % text


def test_a_protocol_error_is_answered_once_and_ends_the_conversation(talk):
    assert talk.send("SET k 1", b"*1\r\n:1\r\n", "SET k 2") == [OK, Error(b"ERR Protocol error: expected '$', got ':'")]
    assert talk.session.client.is_closing
    assert talk.session.server.stats.snapshot()[0]["protocol_errors"] == 1


@pytest.mark.parametrize("request_line", [b"POST / HTTP/1.1\r\n", b"post / HTTP/1.1\r\n", b"Host: localhost\r\n",
                                          b"*1\r\n$4\r\nPOST\r\n"])
def test_a_forged_browser_request_runs_nothing_that_follows(talk, request_line):
    assert talk.send("SET k 1", request_line, "SET k 2", "SET other 1") == [OK]
    assert talk.session.client.is_closing
    other = talk.session.server.new_session()
    assert other.execute(b"GET k\r\nDBSIZE\r\n") == b"$1\r\n1\r\n:1\r\n"
    other.close()


def test_quit_runs_nothing_that_follows(talk):
    assert talk.send("QUIT", "SET k v") == [OK]
    assert talk.session.client.is_closing
    assert len(talk.session.server.store.databases[0]) == 0


# --- authentication


@pytest.fixture
def stranger(open_talk):
    return open_talk(requirepass="pw")


NEEDS_HELLO = Error(b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
                    b"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
                    b"version at the same time")
WRONGPASS = Error(b"WRONGPASS invalid username-password pair or user is disabled.")


def test_a_stranger_is_told_so(stranger):
    assert stranger.send("GET k", "SET k v", "PING", "COMMAND", "INFO", "SHUTDOWN", "FLUSHALL") == [NOAUTH] * 7
    # as in Redis, what is wrong with the command itself comes first
    assert stranger.send("GET", "NONSENSE", "CLIENT NONSENSE", "CONFIG") == [
        Error(b"ERR wrong number of arguments for 'get' command"),
        Error(b"ERR unknown command 'NONSENSE', with args beginning with: "),
        Error(b"ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP."),
        Error(b"ERR wrong number of arguments for 'config' command"),
    ]
    assert stranger.send("HELLO", "HELLO 3", "RESET", "QUIT") == [NEEDS_HELLO, NEEDS_HELLO, SimpleString(b"RESET"), OK]
    assert len(stranger.session.server.store.databases[0]) == 0


def test_authentication_in_the_middle_of_a_pipeline(stranger):
    many = encode_command([b"DEL", *[b"k"] * 20])
    big = encode_command([b"SET", b"k", b"v" * 20_000])
    assert stranger.send("SET k 1", "AUTH bad", "GET k", "AUTH pw", "GET k", many, big, "STRLEN k", many) == [
        NOAUTH, WRONGPASS, NOAUTH, OK, None, 0, OK, 20_000, 1]


@pytest.mark.parametrize("data", [encode_command([b"DEL", *[b"k"] * 10]), b"*2\r\n$4\r\nECHO\r\n$16385\r\n"])
def test_limits_for_a_stranger(stranger, data):
    kind = "multibulk" if data.startswith(b"*11") else "bulk"
    assert stranger.send(b"PING\r\n" + data + b"PING\r\n") == [
        NOAUTH, Error(f"ERR Protocol error: unauthenticated {kind} length".encode())]
    assert stranger.session.client.is_closing


@pytest.mark.parametrize("line, reply", [
    ("AUTH pw", OK), ("AUTH default pw", OK), ("auth pw", OK), ("AUTH PW", WRONGPASS), ("AUTH nobody pw", WRONGPASS),
    ("AUTH default bad", WRONGPASS), ('AUTH ""', WRONGPASS), ("AUTH a b c", Error(b"ERR syntax error")),
    ("AUTH", Error(b"ERR wrong number of arguments for 'auth' command")),
    ("HELLO 3 AUTH default bad", WRONGPASS), ("HELLO 2 AUTH nobody pw", WRONGPASS),
    ("HELLO 4 AUTH default pw", Error(b"NOPROTO unsupported protocol version")),
    ("HELLO x", Error(b"ERR Protocol version is not an integer or out of range")),
    ("HELLO 3 AUTH default", Error(b"ERR Syntax error in HELLO option 'AUTH'")),
    ("HELLO 3 NONSENSE", Error(b"ERR Syntax error in HELLO option 'NONSENSE'")),
])
def test_auth_replies(stranger, line, reply):
    assert stranger.send(line) == [reply]
    assert stranger.send("PING") == [SimpleString(b"PONG") if reply == OK else NOAUTH]


def test_reset_makes_a_stranger_again(stranger):
    assert stranger.send("AUTH pw", "SELECT 3", "PING", "RESET", "PING") == [
        OK, OK, SimpleString(b"PONG"), SimpleString(b"RESET"), NOAUTH]


def test_auth_without_a_password_to_know(talk):
    assert talk.send("AUTH pw", "AUTH default anything", "AUTH nobody x") == [
        Error(b"ERR AUTH <password> called without any password configured for the default user. Are you sure your "
              b"configuration is correct?"), OK, WRONGPASS]


# --- failures


def plant(server, name, handler, flags, **declared):
    """Add a command to one server that keeps its keys as SET does."""
    spec = CommandSpec(name, handler, flags=flags, **declared)
    server.table.by_name[name.lower()] = server.table.spellings[name.encode()] = spec
    return spec


@pytest.fixture
def failing(open_talk):
    """A session on a server with commands that fail: `FAIL key how` in the short way, FAIL2 in the general one."""
    talk = open_talk()

    def fail(ctx, key, how):
        if how == b"late":
            ctx.put(key, b"half", None)
            ctx.modified(key, "set")
        raise {b"memory": MemoryError, b"recursion": RecursionError}.get(how, ZeroDivisionError)("planted")

    keys = copy.copy(talk.session.server.table.by_name["set"].keys)
    plant(talk.session.server, "FAIL", fail, "write", arity=3, keys=keys)
    general = plant(talk.session.server, "FAIL2", fail, "write", arity=3, keys=keys)
    general.short_min, general.short_max = 1, 0
    return talk


@pytest.mark.parametrize("name", ["FAIL", "FAIL2"])
@pytest.mark.parametrize("how, reply", [
    ("memory", Error(b"OOM not enough memory to run this command")), ("recursion", INTERNAL),
    ("other", INTERNAL), ("late", INTERNAL)])
def test_a_failing_handler_is_answered_and_leaves_nothing_locked(failing, caplog, name, how, reply):
    caplog.set_level(logging.CRITICAL, "mini_redis")
    secret = "secret-" + how
    assert failing.send("SET k 1", f"{name} k {how}", f"{name} {secret} {how}", "INCR n", "PING") == [
        OK, reply, reply, 1, SimpleString(b"PONG")]
    assert locked_entries(failing.session.server) == []
    totals, commands, errors = failing.session.server.stats.snapshot()
    assert totals["internal_errors"] == (0 if how == "memory" else 2)
    assert commands[name.lower()].failed == 2
    assert errors == {reply.text.split()[0]: 2}
    assert failing.send("FLUSHALL", "DBSIZE") == [OK, 0]  # nobody keeps the gate open either


def test_the_log_names_the_command_and_no_argument(failing, caplog):
    logging.getLogger("mini_redis").propagate = True
    with caplog.at_level(logging.ERROR, "mini_redis"):
        failing.send("FAIL my-secret-key other")
    assert "command fail failed unexpectedly" in caplog.text and "ZeroDivisionError" in caplog.text
    assert "my-secret-key" not in caplog.text


def test_what_failed_half_way_is_logged_as_it_is(failing, caplog):
    """The log must lead to what is in memory, also when a command changed something and then broke."""
    caplog.set_level(logging.CRITICAL, "mini_redis")
    log = []
    failing.session.server.write_log.attach(log.append)
    failing.send("SET k 1", "FAIL k late", "FAIL2 j late")
    other = Server(port=0, enable_debug_command="yes")
    replica = other.new_session()
    replica.execute(b"".join(log))
    assert replies_in(replica.execute(b"DEBUG DIGEST\r\n")) == failing.send("DEBUG DIGEST")
    replica.close()
    other.stop()


def test_a_reply_that_cannot_be_encoded_is_an_error_reply(talk, caplog):
    caplog.set_level(logging.CRITICAL, "mini_redis")
    plant(talk.session.server, "ODD", lambda ctx: ["text"], "", arity=1)
    assert talk.send("ODD", "PING") == [INTERNAL, SimpleString(b"PONG")]


def test_a_handler_that_is_called_with_the_wrong_number_of_words_is_a_bug_that_stays_inside(talk, caplog):
    caplog.set_level(logging.CRITICAL, "mini_redis")
    plant(talk.session.server, "ODD", lambda ctx: OK, "", arity=-1)
    assert talk.send("ODD", "ODD a", "PING")[1:] == [INTERNAL, SimpleString(b"PONG")]


# --- big batches


def test_replies_beyond_a_megabyte_are_sent_before_the_batch_ends():
    server = Server(port=0)
    sent = []
    session = Session(server, Client(server.clients.next_id()), sent.append)
    try:
        session.execute(encode_command([b"SET", b"k", b"v" * 300_000]))
        rest = session.execute(b"GET k\r\n" * 20)
        reply = b"$300000\r\n" + b"v" * 300_000 + b"\r\n"
        assert b"".join(sent) + rest == reply * 20
        assert len(sent) >= 4 and len(rest) < 1_500_000
        assert max(map(len, sent)) < 1_500_000
    finally:
        session.close()
        server.stop()


def test_replies_are_sent_early_without_the_gate():
    """Who is slow to take replies must not hold up a command for the whole keyspace."""
    server = Server(port=0)
    other = server.new_session()
    flushed = []

    def send(data):
        flushed.append(other.execute(b"FLUSHALL\r\n"))

    session = Session(server, Client(server.clients.next_id()), send)
    try:
        session.execute(encode_command([b"SET", b"k", b"v" * 600_000]))
        out = session.execute(b"GET k\r\n" * 4)
        assert flushed == [b"+OK\r\n"]
        assert out == b"$-1\r\n" * 2
    finally:
        session.close()
        other.close()
        server.stop()


PIPELINE = 200_000


def test_a_client_that_reads_nothing_until_the_end_gets_all_replies(server):
    """200,000 commands are sent with no reply read. Server and client would wait for each other for ever if the server
    stopped reading while it cannot send."""
    data = b"".join(b"*2\r\n$4\r\nECHO\r\n$8\r\n%08d\r\n" % number for number in range(PIPELINE))
    expected = b"".join(b"$8\r\n%08d\r\n" % number for number in range(PIPELINE))
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        received = bytearray()
        while piece := client.recv(1 << 20):
            received += piece
    assert received == expected


def test_a_client_that_never_reads_is_closed_at_the_limit():
    with Server(port=0, client_query_buffer_limit="1mb") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(encode_command([b"SET", b"k", b"v" * 100_000]))
            command = encode_command([b"GET", b"k"]) * 1000
            sent = 0
            with pytest.raises((ConnectionError, BrokenPipeError)):
                while sent < 100_000_000:
                    client.sendall(command)
                    sent += len(command)
        # what was sent, and what sockets buffer, but not the 100 KB a command that it asked for
        assert sent < 20_000_000
        wait_until(lambda: len(server.clients) == 0)
        with resp.connect("127.0.0.1", server.port) as client:
            assert client.execute("PING") == SimpleString(b"PONG")


@pytest.mark.parametrize("begin, more", [
    (b"*2\r\n$4\r\nECHO\r\n$100000000\r\n", b"v" * 100_000),
    (b"*2147483647\r\n", b"$10000\r\n%b\r\n" % (b"v" * 10_000) * 10),
])
def test_a_command_that_does_not_end_is_cut_off_at_the_limit(begin, more):
    with Server(port=0) as server, resp.connect("127.0.0.1", server.port) as other:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
            client.sendall(begin + more)
            wait_until(lambda: re.search(rb" qbuf=[1-9]", other.execute("CLIENT", "LIST")))
            assert other.execute("CONFIG", "SET", "client-query-buffer-limit", "1mb") == OK  # holds for all, at once
            sent = 0
            with pytest.raises((ConnectionError, BrokenPipeError)):
                while sent < 50_000_000:
                    client.sendall(more)
                    sent += len(more)
        wait_until(lambda: len(server.clients) == 1)
        assert other.execute("ECHO", "v" * 900_000) == b"v" * 900_000
        assert b" qbuf=0 " in other.execute("CLIENT", "LIST")


def test_a_stranger_that_never_reads_is_closed_sooner():
    with Server(port=0, requirepass="pw") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sent = 0
            with pytest.raises((ConnectionError, BrokenPipeError)):
                while sent < 200_000_000:
                    client.sendall(b"PING\r\n" * 10_000)
                    sent += 60_000
        assert sent > STRANGER_BACKLOG_BYTES
        wait_until(lambda: len(server.clients) == 0)


def test_a_client_that_does_not_read_does_not_hold_up_others(server):
    with resp.connect("127.0.0.1", server.port) as deaf, resp.connect("127.0.0.1", server.port) as other:
        other.execute("SET", "k", "v" * 1_000_000)
        deaf.send_raw(b"GET k\r\n" * 30)
        assert other.execute("FLUSHALL") == OK
        begun = time.monotonic()
        assert other.pipeline([["INCR", "n"]] * 100)[-1] == 100
        assert time.monotonic() - begun < 5


def wait_until(condition, limit_s=10):
    """Threads of connections end on their own; the test waits for that, not for a time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
