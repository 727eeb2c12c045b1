"""The server as a whole, in process: addresses, connections, who is let in, and what is left when it stops.

The command line and signals are the business of test_main.py.
"""

import contextlib
import errno
import gc
import os
import re
import selectors
import socket
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path

import pytest

from mini_redis import Server, __version__
from mini_redis.clock import ManualClock
from mini_redis.config import Config, ConfigError
from tests import resp
from tests.resp import Error, SimpleString

CHECKOUT = Path(__file__).resolve().parent.parent
OK, PONG = resp.OK, SimpleString(b"PONG")
LIMIT_S = 60


def connect(server):
    return resp.connect("127.0.0.1", server.port)


def ask_unix(path, data):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def wait_until(condition, limit_s=10):
    """Threads of connections come and go on their own; the test waits for what it asks for, not for a time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- life


def test_a_hundred_starts_and_stops_leave_nothing():
    """No thread, no descriptor, and under `-X dev -W error` no warning; every second stop finds clients connected."""
    program = textwrap.dedent("""\
        import _thread, gc, os, socket, time
        from mini_redis import Server

        def left():
            return _thread._count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

        before = None
        for number in range(101):
            with Server(port=0) as server:
                clients = []
                for _ in range(3 if number % 2 else 1):
                    client = socket.create_connection(("127.0.0.1", server.port))
                    client.sendall(b"SET k v\\r\\nINCR n\\r\\n")
                    assert client.recv(100).startswith(b"+OK")
                    clients.append(client)
                if not number % 2:
                    clients.pop().close()
            for client in clients:
                assert client.recv(100) in (b"", b":1\\r\\n", b":2\\r\\n", b":3\\r\\n")
                client.close()
            before = before or left()  # the first round has loaded what is loaded late
        deadline = time.monotonic() + 10
        while left() != before and time.monotonic() < deadline:  # the last threads are on their way out
            time.sleep(0.01)
        assert left() == before, (left(), before)
        del server
        gc.collect()
        print("done")
    """)
    without_gil = [] if getattr(sys, "_is_gil_enabled", lambda: True)() else ["-X", "gil=0"]
    result = subprocess.run([sys.executable, *without_gil, "-X", "dev", "-W", "error", "-c", program], cwd=CHECKOUT,
                            capture_output=True, text=True, timeout=LIMIT_S)
    assert (result.stdout, result.stderr, result.returncode) == ("done\n", "", 0)


def test_stop_may_be_called_again_and_before_a_start():
    server = Server(port=0)
    server.stop()
    server.stop()
    with Server(port=0) as started:
        started.stop()


def test_a_stopped_server_frees_its_port():
    with Server(port=0) as server:
        port = server.port
        with connect(server) as client:
            assert client.execute("PING") == PONG
    with Server(port=port) as server, connect(server) as client:
        assert client.execute("PING") == PONG


def test_stop_ends_connections_that_wait_or_do_not_read():
    with Server(port=0) as server:
        idle, deaf = connect(server), connect(server)
        idle.execute("SET", "k", "v" * 1_000_000)
        deaf.send_raw(b"GET k\r\n" * 20)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert idle.read_rest() == b""
    idle.close()
    deaf.close()


def test_two_servers_do_not_touch_each_other():
    with Server(port=0, databases=4) as one, Server(port=0, requirepass="pw", maxclients=5) as two:
        with connect(one) as first, connect(two) as second:
            assert second.execute("AUTH", "pw") == OK
            assert first.execute("SET", "k", "1") == OK
            assert second.execute("GET", "k") is None
            assert second.execute("SET", "k", "2") == OK
            assert first.execute("CONFIG", "SET", "hash-max-listpack-entries", "7", "maxclients", "77") == OK
            assert second.execute("CONFIG", "GET", "maxclients") == [b"maxclients", b"5"]
            assert second.execute("CONFIG", "GET", "hash-max-listpack-entries") != [b"hash-max-listpack-entries", b"7"]
            assert second.execute("CONFIG", "RESETSTAT") == OK
            assert second.execute("FLUSHALL") == OK
            assert first.execute("GET", "k") == b"1"
            assert b"databases" in first.execute("CONFIG", "GET", "databases")
            ids = [first.execute("CLIENT", "ID"), second.execute("CLIENT", "ID")]
            assert ids == [1, 1]
            assert first.execute("SELECT", "4") == Error(b"ERR DB index is out of range")
            assert second.execute("SELECT", "4") == OK
        one.stop()
        with connect(two) as second:
            assert second.execute("AUTH", "pw") == OK


@pytest.mark.parametrize("words", [["NOSAVE"], [], ["NOW"], ["NOSAVE", "FORCE"]])
def test_shutdown_closes_and_has_wait_return(words):
    with Server(port=0) as server, connect(server) as client:
        waiting = threading.Thread(target=server.wait)
        waiting.start()
        client.send_raw(resp.encode_command(["SHUTDOWN", *words]))
        waiting.join(10)
        assert not waiting.is_alive()
        assert client.read_rest() == b""
        assert server.exit_status == 0


def test_shutdown_that_cannot_be_is_an_error():
    with Server(port=0) as server, connect(server) as client:
        assert client.execute("SHUTDOWN", "SAVE") == Error(b"ERR SHUTDOWN SAVE is not supported by mini_redis")
        assert client.execute("SHUTDOWN", "NONSENSE") == Error(b"ERR syntax error")
        assert client.execute("SHUTDOWN", "SAVE", "NOSAVE") == Error(b"ERR syntax error")
        assert client.execute("PING") == PONG


# --- addresses


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def test_several_addresses_share_a_free_port():
    with Server(port=0, bind=["127.0.0.1", "127.0.0.2"]) as server:
        assert server.port and server.addresses == [f"127.0.0.1:{server.port}", f"127.0.0.2:{server.port}"]
        for host in ("127.0.0.1", "127.0.0.2"):
            with resp.connect(host, server.port) as client:
                assert client.execute("PING") == PONG
        with pytest.raises(ConnectionRefusedError):
            resp.connect("127.0.0.3", server.port)


@needs_ipv6
def test_ipv6_beside_ipv4():
    with Server(port=0, bind=["127.0.0.1", "::1"]) as server:
        assert server.addresses == [f"127.0.0.1:{server.port}", f"[::1]:{server.port}"]
        with resp.connect("::1", server.port) as client:
            fields = dict(word.split("=", 1) for word in client.execute("CLIENT", "INFO").decode().split())
            assert fields["addr"].startswith("[::1]:") and fields["laddr"] == f"[::1]:{server.port}"


@needs_ipv6
def test_all_addresses_of_both_families():
    with Server(port=0, bind=["*", "::*"]) as server:
        for host in ("127.0.0.1", "127.0.0.7", "::1"):
            with resp.connect(host, server.port) as client:
                assert client.execute("PING") == PONG


def test_an_address_with_a_dash_may_be_missing():
    with Server(port=0, bind=["127.0.0.1", "-192.0.2.1", "-no.such.host.invalid"]) as server:
        assert server.addresses == [f"127.0.0.1:{server.port}"]
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(OSError) as caught:
            Server(port=0, bind=host).start()
        assert caught.value.errno == errno.EADDRNOTAVAIL and host in str(caught.value.filename)


def test_a_taken_port_is_named():
    with Server(port=0) as server:
        with pytest.raises(OSError) as caught:
            Server(port=server.port).start()
        assert caught.value.errno == errno.EADDRINUSE
        assert caught.value.filename == f"127.0.0.1:{server.port}"
        with connect(server) as client:
            assert client.execute("PING") == PONG


def test_a_start_that_fails_at_the_second_address_frees_the_first():
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError):
            Server(port=port, bind=["127.0.0.1", "127.0.0.2"]).start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


@pytest.mark.parametrize("permission", [0o700, 0o777])
def test_a_unix_socket_alone(tmp_path, permission):
    path = str(tmp_path / "s")
    with Server(port=0, unixsocket=path, unixsocketperm=f"{permission:o}") as server:
        assert (server.port, server.addresses) == (0, [path])
        assert os.stat(path).st_mode & 0o777 == permission
        assert ask_unix(path, b"PING\r\nGET k\r\n") == b"+PONG\r\n$-1\r\n"
        assert f"addr={path}:0 laddr={path}:0".encode() in ask_unix(path, b"CLIENT INFO\r\n")
    assert not os.path.exists(path)


def test_the_socket_of_a_killed_server_is_taken_over_but_not_that_of_a_living_one(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with Server(port=0, unixsocket=path) as server:
        assert ask_unix(path, b"PING\r\n") == b"+PONG\r\n"
        with pytest.raises(OSError) as caught:
            Server(port=0, unixsocket=path).start()
        assert caught.value.errno == errno.EADDRINUSE
        assert ask_unix(path, b"PING\r\n") == b"+PONG\r\n"
        assert server.addresses == [path]


def test_debians_configuration_starts_with_paths_and_daemonize_overridden(tmp_path):
    path = Path("/etc/redis/redis.conf")
    if not os.access(path, os.R_OK):
        pytest.skip("Debian's redis-server is not installed")
    overridden = ["--dir", tmp_path, "--logfile", "", "--pidfile", tmp_path / "pid", "--daemonize", "no"]
    free = ["--port", "0"]  # not for our sake: a real Redis may be running here
    with Server(config=Config.from_arguments(list(map(str, [path, *overridden, *free])))) as server:
        with connect(server) as client:
            assert client.execute("SET", "k", "v") == OK


def test_what_is_not_built_is_refused():
    for directives in ({"appendonly": "yes"}, {"maxmemory": "1gb"}, {"save": "900 1"}):
        with pytest.raises(ConfigError):
            Server(port=0, **directives)
    with Server(port=0) as server, connect(server) as client:
        for words in (["SAVE"], ["BGSAVE"], ["REPLICAOF", "a", "1"], ["SYNC"], ["PSYNC", "?", "-1"], ["BGREWRITEAOF"]):
            reply = client.execute(*words)
            assert reply == Error(f"ERR {words[0]} is not supported by mini_redis".encode())
        assert isinstance(client.execute("CONFIG", "SET", "appendonly", "yes"), Error)
        assert client.execute("CLUSTER", "INFO") == Error(b"ERR This instance has cluster support disabled")
        assert client.execute("ROLE") == [b"master", 0, []]
        assert client.execute("MODULE", "LIST") == []
        assert client.execute("ACL", "WHOAMI") == b"default"


# --- who is let in


def test_above_maxclients():
    with Server(port=0, maxclients=3) as server:
        clients = [connect(server) for _ in range(3)]
        assert [client.execute("PING") for client in clients] == [PONG] * 3
        with connect(server) as refused:
            assert refused.read_rest() == b"-ERR max number of clients reached\r\n"
        assert clients[0].execute("CONFIG", "SET", "maxclients", "4") == OK
        with connect(server) as fourth:
            assert fourth.execute("PING") == PONG
        info = clients[0].execute("INFO", "stats")
        assert b"rejected_connections:1\r\n" in info
        for client in clients:
            client.close()
        wait_until(lambda: len(server.clients) == 0)


def test_maxclients_holds_in_a_rush():
    with Server(port=0, maxclients=10) as server:
        sockets = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(60)]
        answers = []
        for sock in sockets:
            with contextlib.suppress(ConnectionError):
                sock.sendall(b"PING\r\n")
        for sock in sockets:
            try:
                answers.append(sock.recv(100))
            except ConnectionError:
                answers.append(b"reset")
        for sock in sockets:
            sock.close()
    assert answers.count(b"+PONG\r\n") == 10


class Peer:
    """Stands for a socket that is asked to take a refusal."""

    def __init__(self):
        self.sent = b""

    def send(self, data, flags=0):
        self.sent += data
        return len(data)


@pytest.mark.parametrize("address, is_local", [
    (("127.0.0.1", 5000), True), (("127.1.2.3", 5000), True), (("::1", 5000, 0, 0), True), ("", True), (b"", True),
    (("::ffff:127.0.0.1", 5000, 0, 0), True), (("192.0.2.1", 5000), False), (("10.0.0.1", 5000), False),
    (("2001:db8::1", 5000, 0, 0), False), (("fe80::1%eth0", 5000, 0, 2), False), (("::ffff:192.0.2.1", 1, 0, 0), False),
])
def test_protected_mode(address, is_local):
    server, peer = Server(port=0), Peer()  # not started, so there is nothing to stop
    assert server.admits(peer, address) is is_local
    assert (peer.sent == b"") is is_local
    if not is_local:
        assert peer.sent.startswith(b"-DENIED ") and peer.sent.count(b"\r\n") == 1 and peer.sent.endswith(b"\r\n")
        assert server.stats.snapshot()[0]["rejected_connections"] == 1
    for directives in ({"requirepass": "pw"}, {"protected_mode": "no"}):
        assert Server(port=0, **directives).admits(Peer(), address)


def test_a_peer_that_is_gone_already_is_refused_all_the_same():
    class Gone(Peer):
        def send(self, data, flags=0):
            raise BrokenPipeError

    server = Server(port=0)
    assert not server.admits(Gone(), ("192.0.2.1", 5000))
    server.stop()


def test_five_hundred_connect_at_once(server):
    begun = time.monotonic()
    answers = []
    with selectors.DefaultSelector() as selector:
        for _ in range(500):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", server.port))
            selector.register(sock, selectors.EVENT_WRITE)
        while len(answers) < 500:
            assert time.monotonic() - begun < 5, f"{len(answers)} of 500 served"
            for key, events in selector.select(0.2):
                if events & selectors.EVENT_WRITE:
                    key.fileobj.sendall(b"PING\r\n")
                    selector.modify(key.fileobj, selectors.EVENT_READ)
                else:
                    answers.append(key.fileobj.recv(100))
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    assert set(answers) == {b"+PONG\r\n"}
    wait_until(lambda: len(server.clients) == 0)


def test_connections_that_break_off_leave_nothing(server):
    half = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nhalf"
    for data in (b"", b"PING\r\n", half, b"*1\r\n:1\r\n", b"POST / HTTP/1.1\r\n\r\n"):
        for _ in range(20):
            sock = socket.create_connection(("127.0.0.1", server.port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # leave with RST
            sock.sendall(data)
            sock.close()
    wait_until(lambda: len(server.clients) == 0)
    with connect(server) as client:
        assert client.execute("DBSIZE") == 0


def resident_bytes():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")
def test_what_is_announced_costs_nothing_until_it_comes(server):
    """200 clients announce 512 MB each and fall silent."""
    before = resident_bytes()
    clients = [connect(server) for _ in range(200)]
    try:
        for client in clients:
            assert client.execute("PING") == PONG
            client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n")
            client.send_raw(b"begin")
        with connect(server) as other:
            assert other.execute("PING") == PONG
        assert resident_bytes() - before < 100_000_000
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: len(server.clients) == 0)


def test_a_big_value_comes_and_goes_in_pieces(server):
    value = os.urandom(1 << 20) * 8
    with connect(server) as client:
        command = resp.encode_command(["SET", "k", value])
        for at in range(0, len(command), 700_001):
            client.send_raw(command[at:at + 700_001])
        assert client.read() == OK
        assert client.execute("GET", "k") == value
        assert client.execute("STRLEN", "k") == len(value)


# --- what clients ask about


FIELDS = ["id", "addr", "laddr", "fd", "name", "age", "idle", "flags", "db", "sub", "psub", "ssub", "multi", "watch",
          "qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl", "oll", "omem", "tot-mem", "events", "cmd",
          "user", "redir", "resp", "lib-name", "lib-ver"]


def fields_of(line):
    return dict(word.split("=", 1) for word in line.split(" "))


def test_client_info_and_list_are_lines_of_fields(server):
    with connect(server) as one:
        one.execute("CLIENT", "SETNAME", "first")
        one.execute("CLIENT", "SETINFO", "LIB-NAME", "test-lib")
        one.execute("CLIENT", "SETINFO", "lib-ver", "1.2")
        one.execute("SELECT", "3")
        info = one.execute("CLIENT", "INFO").decode()
        assert info.endswith("\n") and info.count("\n") == 1
        fields = fields_of(info[:-1])
        assert list(fields) == FIELDS
        host, port = one.socket.getsockname()
        expected = {"addr": f"{host}:{port}", "laddr": f"127.0.0.1:{server.port}", "name": "first", "db": "3",
                    "resp": "2", "cmd": "client|info", "lib-name": "test-lib", "lib-ver": "1.2", "user": "default"}
        assert {name: fields[name] for name in expected} == expected
        assert int(fields["id"]) == one.execute("CLIENT", "ID")
        numbers = ("fd", "age", "idle", "sub", "qbuf", "tot-mem", "redir")
        assert all(fields[name].lstrip("-").isdigit() for name in numbers)


def test_client_list_shows_all(server):
    with connect(server) as one:
        one.execute("CLIENT", "ID")
        two = connect(server)
        two.execute("HELLO", "3")
        lines = two.execute("CLIENT", "LIST")
        assert lines.startswith(b"txt:")
        rows = [fields_of(line) for line in lines.decode()[4:].splitlines()]
        assert [row["cmd"] for row in rows] == ["client|id", "client|list"]
        assert [row["resp"] for row in rows] == ["2", "3"]
        assert len(one.execute("CLIENT", "LIST", "TYPE", "normal").splitlines()) == 2
        assert one.execute("CLIENT", "LIST", "TYPE", "replica") == b""
        assert len(one.execute("CLIENT", "LIST", "ID", rows[1]["id"], 999).splitlines()) == 1
        two.close()
        wait_until(lambda: len(one.execute("CLIENT", "LIST").splitlines()) == 1)


def test_hello_is_a_map_that_names_redis(server):
    with connect(server) as client:
        reply = client.execute("HELLO", "3", "SETNAME", "me")
        assert isinstance(reply, resp.Map)
        assert [name for name, _ in reply] == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
        fields = dict(reply)
        assert fields[b"server"] == b"redis" and re.fullmatch(rb"7\.4\.\d+", fields[b"version"])
        assert (fields[b"proto"], fields[b"modules"]) == (3, [])
        assert (fields[b"mode"], fields[b"role"]) == (b"standalone", b"master")
        assert client.execute("CLIENT", "GETNAME") == b"me"
        assert client.execute("GET", "k") is None
        flat = client.execute("HELLO", "2")
        assert type(flat) is list and flat[4:6] == [b"proto", 2]
        assert client.execute("HELLO")[4:6] == [b"proto", 2]
        assert client.execute("HELLO", "1") == Error(b"NOPROTO unsupported protocol version")
        assert client.execute("HELLO")[4:6] == [b"proto", 2]


def info_of(client, *sections):
    text = client.execute("INFO", *sections).decode()
    lines = [line for line in text.split("\r\n") if line and not line.startswith("#")]
    return dict(line.split(":", 1) for line in lines)


def test_info_has_the_fields_that_clients_look_for(server):
    with connect(server) as client:
        client.execute("MSET", "a", "1", "b", "2")
        client.execute("EXPIRE", "a", "100")
        client.execute("GET", "a")
        client.execute("GET", "none")
        client.execute("NONSENSE")
        info = info_of(client)
        assert re.fullmatch(r"7\.4\.\d+", info["redis_version"])
        assert info["server_name"] == "mini_redis" and info["mini_redis_version"] == __version__
        expected = {"redis_mode": "standalone", "loading": "0", "role": "master", "connected_clients": "1",
                    "cluster_enabled": "0", "aof_enabled": "0", "maxmemory": "0", "connected_slaves": "0"}
        assert {name: info[name] for name in expected} == expected
        assert (info["tcp_port"], info["process_id"]) == (str(server.port), str(os.getpid()))
        assert re.fullmatch("[0-9a-f]{40}", info["run_id"])
        assert re.fullmatch(r"keys=2,expires=1,avg_ttl=\d+", info["db0"])
        assert (info["keyspace_hits"], info["keyspace_misses"]) == ("1", "1")
        assert info["errorstat_ERR"] == "count=1"
        assert int(info["used_memory"]) > 1_000_000 and info["used_memory_human"][-1] in "MG"
        assert float(info["used_cpu_user"]) > 0
        assert int(info["total_commands_processed"]) >= 4 and int(info["total_net_input_bytes"]) > 50


def test_info_by_sections(server):
    with connect(server) as client:
        client.execute("SET", "k", "v")
        assert set(info_of(client, "keyspace")) == {"db0"}
        assert set(info_of(client, "KEYSPACE", "cluster")) == {"db0", "cluster_enabled"}
        assert "cmdstat_set" not in info_of(client)
        assert info_of(client, "commandstats")["cmdstat_set"].startswith("calls=1,")
        assert {"cmdstat_set", "loading", "role"} <= set(info_of(client, "all"))
        assert info_of(client, "everything").keys() == info_of(client, "all").keys()
        assert client.execute("INFO", "nonsense") == b""


def test_timeout_ends_idle_connections_and_no_others():
    clock = ManualClock()
    with Server(port=0, timeout=10, clock=clock) as server:
        idle, busy = connect(server), connect(server)
        assert idle.execute("PING") == busy.execute("PING") == SimpleString(b"PONG")
        clock.advance(8000)
        assert busy.execute("PING") == SimpleString(b"PONG")
        clock.advance(4000)
        deadline = time.monotonic() + 5
        while len(server.clients) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)  # the sweep runs in the server's own thread
        assert [client.id for client in server.clients.all()] == [2]
        assert busy.execute("PING") == SimpleString(b"PONG")
        idle.close()
        busy.close()


def test_what_a_connection_held_is_freed_without_the_cycle_collector():
    with Server(port=0) as server:
        client = connect(server)
        client.execute("SET", "k", "v")
        client.execute("LPUSH", "k", "wrong type")
        client.execute("NOSUCH")
        (connection,) = server._connections.values()
        held = [weakref.ref(connection), weakref.ref(connection.session)]
        del connection
        gc.collect()
        gc.disable()
        try:
            client.execute("LPUSH", "k", "wrong type")
            client.close()
            deadline = time.monotonic() + 5
            while any(reference() is not None for reference in held) and time.monotonic() < deadline:
                time.sleep(0.01)  # until the connection's thread has ended
            assert [reference() for reference in held] == [None, None]
        finally:
            gc.enable()


def test_an_eager_server_serves_one_client_and_two_and_sleeps_when_idle():
    with Server(port=0, is_eager=True) as server:
        with contextlib.closing(connect(server)) as one:
            assert [one.execute("INCR", "n") for _ in range(100)] == list(range(1, 101))
            with contextlib.closing(connect(server)) as two:
                counts = [client.execute("INCR", "n") for _ in range(50) for client in (one, two)]
                assert counts == list(range(101, 201))
            assert one.execute("GET", "n") == b"200"
            used_s = time.process_time()
            time.sleep(0.5)  # the time in which nothing must be done
            assert time.process_time() - used_s < 0.25
            assert one.execute("GET", "n") == b"200"
