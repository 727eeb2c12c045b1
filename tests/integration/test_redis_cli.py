"""The real redis-cli against this server, as people and scripts use it."""

import os
import pty
import re
import select
import shutil
import socket
import subprocess
import time

import pytest

from mini_redis import Server

PROGRAM = shutil.which("redis-cli")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-cli is not installed")
LIMIT_S = 30


@pytest.fixture
def cli(server):
    """Runs redis-cli with these arguments; gives what it printed. With status 0 it must not complain."""
    def run(*arguments, stdin="", status=0):
        result = subprocess.run([PROGRAM, "-p", str(server.port), *map(str, arguments)], input=stdin, text=True,
                                capture_output=True, timeout=LIMIT_S)
        assert result.returncode == status and (status or not result.stderr), result
        return result.stdout + result.stderr
    return run


def test_one_command_at_a_time(cli):
    assert cli("PING") == "PONG\n"
    assert cli("SET", "k", "a b") == "OK\n"
    assert cli("GET", "k") == "a b\n"
    assert cli("GET", "none") == "\n"
    assert cli("RPUSH", "l", "a", "b", "c") == "3\n"
    assert cli("LRANGE", "l", 0, -1) == "a\nb\nc\n"
    assert cli("--no-raw", "LRANGE", "l", 0, 1) == '1) "a"\n2) "b"\n'
    assert cli("--no-raw", "GET", "none") == "(nil)\n"
    assert cli("--no-raw", "LPUSH", "k", "x").startswith("(error) WRONGTYPE ")
    assert cli("--csv", "LRANGE", "l", 0, -1) == '"a","b","c"\n'
    assert cli("-r", 3, "INCR", "n") == "1\n2\n3\n"
    assert "ERR unknown command" in cli("-e", "NONSENSE", status=1)


def test_commands_from_standard_input(cli):
    script = 'SET k "a\\x00b\\n"\nSTRLEN k\nSADD s 1 2 3\nSCARD s\nNONSENSE\nHSET h f v\nHGETALL h\n'
    lines = cli(stdin=script).splitlines()
    assert lines[:4] == ["OK", "4", "3", "3"]
    assert lines[4].startswith("ERR unknown command 'NONSENSE'")
    assert lines[-3:] == ["1", "f", "v"]


def test_a_value_from_standard_input(cli):
    assert cli("-x", "SET", "k", stdin="line 1\nline 2\n") == "OK\n"
    assert cli("GET", "k") == "line 1\nline 2\n\n"


def test_resp3(cli):
    cli("HSET", "h", "f", "1")
    cli("SADD", "s", "m")
    assert cli("-3", "--no-raw", "HGETALL", "h") == '1# "f" => "1"\n'
    assert cli("-3", "--no-raw", "SMEMBERS", "s") == '1~ "m"\n'
    assert cli("-3", "--no-raw", "GET", "none") == "(nil)\n"
    assert "redis_version:7.4." in cli("-3", "INFO", "server")


def test_json(cli):
    if "--json" not in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True).stdout:
        pytest.skip("this redis-cli has no --json")
    cli("HSET", "h", "f", "1")
    cli("RPUSH", "l", "a", "b")
    assert cli("--json", "HGETALL", "h") == '{"f":"1"}\n'
    assert cli("--json", "LRANGE", "l", 0, -1) == '["a","b"]\n'
    assert cli("--json", "EXISTS", "l") == "1\n"


def test_another_database(cli):
    assert cli("-n", 2, "SET", "k", "v") == "OK\n"
    assert cli("EXISTS", "k") == "0\n"
    assert cli("-n", 2, "EXISTS", "k") == "1\n"
    assert cli("-n", 2, "DBSIZE") == "1\n"


def test_pipe(cli):
    commands = "".join(f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n$1\r\nv\r\n"
                       for key in (f"key:{number}" for number in range(20_000)))
    out = cli("--pipe", stdin=commands)
    assert "errors: 0, replies: 20000" in out
    assert cli("DBSIZE") == "20000\n"
    assert "errors: 1, replies: 2" in cli("--pipe", stdin="SET k v\r\nINCR k\r\n", status=1)


def test_scan(cli):
    cli("MSET", *[word for number in range(500) for word in (f"a:{number}", "v")])
    cli("SET", "other", "v")
    names = cli("--scan", "--pattern", "a:*").splitlines()
    assert sorted(names) == sorted(f"a:{number}" for number in range(500))
    assert len(cli("--scan").splitlines()) == 501


def test_bigkeys(cli):
    cli("SET", "text", "x" * 500)
    cli("RPUSH", "list", *range(20))
    cli("SADD", "set", *range(30))
    cli("HSET", "hash", *range(40))
    out = cli("--bigkeys")
    assert re.search(r"Biggest string found .*text.* has 500 bytes", out)
    assert re.search(r"Biggest\s+list found .*list.* has 20 items", out)
    assert re.search(r"Biggest\s+set found .*set.* has 30 members", out)
    assert re.search(r"Biggest\s+hash found .*hash.* has 20 fields", out)
    assert "Sampled 4 keys in the keyspace" in out


def test_a_password():
    with Server(port=0, requirepass="secret") as server:
        base = [PROGRAM, "-p", str(server.port)]
        options = {"capture_output": True, "text": True, "timeout": LIMIT_S}
        assert subprocess.run([*base, "PING"], **options).stdout == "NOAUTH Authentication required.\n\n"
        assert subprocess.run([*base, "--no-auth-warning", "-a", "secret", "PING"], **options).stdout == "PONG\n"
        named = [*base, "--no-auth-warning", "--user", "default", "--pass", "secret", "-3"]
        assert subprocess.run([*named, "PING"], **options).stdout == "PONG\n"
        wrong = subprocess.run([*base, "--no-auth-warning", "-a", "wrong", "PING"], **options)
        assert "WRONGPASS invalid username-password pair" in wrong.stderr


def test_a_unix_socket(tmp_path):
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no Unix sockets here")
    path = str(tmp_path / "s")
    with Server(port=0, unixsocket=path):
        assert subprocess.run([PROGRAM, "-s", path, "PING"], capture_output=True, text=True).stdout == "PONG\n"


def test_a_session_at_a_terminal(server):
    """At a terminal redis-cli asks for COMMAND DOCS, to give hints, and shows replies with their types."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen([PROGRAM, "-p", str(server.port)], stdin=terminal, stdout=terminal, stderr=terminal,
                               env={**os.environ, "TERM": "dumb", "HOME": "/nonexistent"}, start_new_session=True)
    os.close(terminal)
    shown = ""

    def read_until(text):
        nonlocal shown
        deadline = time.monotonic() + LIMIT_S
        while text not in shown:
            assert time.monotonic() < deadline and select.select([controller], [], [], LIMIT_S)[0], shown
            shown += os.read(controller, 65536).decode(errors="replace")
        before, _, shown = shown.partition(text)
        return before

    try:
        prompt = f"127.0.0.1:{server.port}> "
        read_until(prompt)
        for line, reply in (("SET k v", "OK"), ("INCR n", "(integer) 1"), ("GET k", '"v"'), ("GET none", "(nil)"),
                            ("LPOP k", "(error) WRONGTYPE"), ("HELP GET", "Returns the string value of a key."),
                                ("SELECT 3", "OK")):
            os.write(controller, line.encode() + b"\n")
            read_until(reply)
        read_until(f"127.0.0.1:{server.port}[3]> ")
        os.write(controller, b"exit\n")
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
