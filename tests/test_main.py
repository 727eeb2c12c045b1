"""The command line: what is printed, the exit status, and what happens to the process. Real processes, free ports."""

import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import mini_redis.__main__ as main_module
from mini_redis import __version__
from mini_redis.config import Config

CHECKOUT = Path(__file__).resolve().parent.parent
READY = "Ready to accept connections on "
LIMIT_S = 30
LOG_LINE = re.compile(r"\d+:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.\-*#] .+")


def command(*arguments):
    return [sys.executable, *gil_option(), "-W", "error", "-m", "mini_redis", *map(str, arguments)]


def gil_option():
    """What keeps a child of a free-threaded interpreter free of the GIL as well."""
    is_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    return [] if is_enabled() else ["-X", "gil=0"]


def run(*arguments, **options):
    """A process that is expected to end by itself."""
    options = {"capture_output": True, "text": True, "timeout": LIMIT_S, "cwd": CHECKOUT, **options}
    return subprocess.run(command(*arguments), **options)


class Running:
    """A server process that is ready; ``log`` holds what it has printed so far."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        **{"cwd": CHECKOUT, **options})
        self.log = []
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            if READY in line:
                break
        else:
            pytest.fail(f"no server: {self.process.communicate()[1]}")
        self.addresses = self.log[-1].partition(READY)[2].split(", ")
        self.port = int(self.addresses[0].rpartition(":")[2]) if ":" in self.addresses[0] else 0

    def ask(self, *lines, address=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with socket.socket(family) as client:
            client.settimeout(LIMIT_S)
            client.connect(address or ("127.0.0.1", self.port))
            client.sendall("".join(f"{line}\r\n" for line in lines).encode())
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def end(self, number=signal.SIGTERM):
        """Stop it by a signal; the exit status."""
        self.process.send_signal(number)
        out, self.errors = self.process.communicate(timeout=LIMIT_S)
        self.log += out.splitlines()
        return self.process.returncode


@pytest.fixture
def start():
    """Starts servers that do not outlive the test."""
    running = []

    def start_one(*arguments, **options):
        running.append(Running(*arguments, **options))
        return running[-1]

    yield start_one
    for server in running:
        server.process.kill()
        server.process.communicate()


# --- what ends at once


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(option):
    result = run(option)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Usage: mini-redis [file.conf] [--directive value ...] [-]" in result.stdout
    assert "Exit status: 0" in result.stdout


@pytest.mark.parametrize("option", ["-v", "--version"])
def test_version_is_one_line(option):
    result = run(option)
    assert result.returncode == 0
    assert re.fullmatch(rf"mini_redis v={re.escape(__version__)} python=\S+ bits=64\n", result.stdout)


def assert_refused(result, *parts):
    """Exit status 1, and on stderr one or two lines with the parts, but no traceback."""
    assert result.returncode == 1
    assert result.stderr.startswith("mini_redis: ") and len(result.stderr.splitlines()) <= 2
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize("arguments, part", [
    (("--foo", "1"), "command line: '--foo 1': Bad directive"),
    (("--port", "abc"), "'--port abc': argument couldn't be parsed into an integer"),
    (("nothing.conf",), "nothing.conf': No such file or directory"),
    (("--dir", "/no/such/place"), "'--dir /no/such/place': No such file or directory"),
    (("--daemonize", "yes"), "systemd"),
    (("--appendonly", "yes"), "no append-only file yet"),
    (("--save", "60", "1"), "does not save to disk yet"),
    (("--replicaof", "10.0.0.1", "6379"), "does not replicate yet"),
    (("--logfile", "/no/such/place/log"), "correct --logfile"),
    (("--port", "0", "--bind", "192.0.2.1"), "is no address of this machine"),
    (("--port", "0", "--bind", "no.such.host.invalid"), "is no address of this machine"),
    (("--port", "0", "--bind", ""), "nothing to listen on"),
    (("--port", "0", "--unixsocket", "/no/such/place/s"), "/no/such/place/s is in a directory that does not exist"),
])  # fmt: skip
def test_what_keeps_it_from_starting_is_said_in_a_sentence(arguments, part):
    assert_refused(run(*arguments), part)


def test_a_bad_line_is_named_with_its_file_and_number(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("# comment\nport 0\nmaxclients none\n")
    assert_refused(run(path), f"{path}, line 3: 'maxclients none'", "couldn't be parsed")


def test_standard_input_can_hold_directives():
    assert_refused(run("-", input="port x\n"), "standard input, line 1: 'port x'")


def test_a_taken_port_is_said_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_refused(run("--port", port, "--bind", "127.0.0.1"), f"127.0.0.1:{port} is taken", "--port")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_said(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("port 0\n")
    path.chmod(0)
    assert_refused(run(path), "Permission denied")


def test_a_python_too_old_is_one_sentence():
    program = "import sys, runpy; sys.version_info = (3, 9, 1); runpy.run_module('mini_redis', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT,
                            timeout=LIMIT_S)
    assert result.returncode == 1
    assert result.stderr == "mini_redis needs Python 3.10 or newer, this is 3.9: use a newer python3\n"


def test_the_file_that_old_pythons_read_holds_no_new_syntax():
    text = (CHECKOUT / "mini_redis" / "__init__.py").read_text()
    assert text.isascii()
    assert not re.search(r"->|\bf\"|:=|^from __future__", text, re.MULTILINE)


# --- start and stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(start, number):
    server = start("--port", "0")
    assert server.ask("PING") == b"+PONG\r\n"
    assert server.end(number) == 0
    assert server.errors == ""
    assert "bye bye" in server.log[-1]


def test_a_connected_client_does_not_delay_the_end(start):
    server = start("--port", "0")
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
        assert server.end() == 0
        assert client.recv(100) == b""


def test_a_hangup_does_not_stop_it(start):
    server = start("--port", "0")
    server.process.send_signal(signal.SIGHUP)
    assert server.ask("PING") == b"+PONG\r\n"
    assert server.end() == 0


def test_the_command_shutdown_ends_it_with_status_0(start):
    server = start("--port", "0")
    server.ask("SHUTDOWN NOSAVE")
    assert server.process.wait(LIMIT_S) == 0


def test_the_banner_says_address_pid_and_where_data_goes(start, tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("port 0\nrdbcompression yes\ndatabases 4\n")
    server = start(path)
    text = "\n".join(server.log)
    assert all(LOG_LINE.fullmatch(line) for line in server.log)
    assert f"mini_redis {__version__} on Python " in text
    assert f"pid {server.process.pid}" in text
    assert f"Configuration: {path}" in text
    assert "4 databases, empty at the start; nothing is saved to disk" in text
    assert "Accepted, but without effect here: rdbcompression" in text
    assert f"{READY}127.0.0.1:{server.port}" in text
    assert len(server.log) <= 6


def test_the_configuration_of_this_machine_starts(start, tmp_path):
    path = Path("/etc/redis/redis.conf")
    if not path.exists() or not os.access(path, os.R_OK):
        pytest.skip("Debian's redis-server is not installed")
    server = start(path, "--dir", tmp_path, "--logfile", "", "--pidfile", tmp_path / "pid", "--daemonize", "no",
                   "--port", "0", "--save", "")
    assert (tmp_path / "pid").read_text() == f"{server.process.pid}\n"
    assert server.ask("PING") == b"+PONG\r\n"
    assert server.end() == 0
    assert not (tmp_path / "pid").exists()


def test_the_log_goes_to_a_file_below_dir(start, tmp_path):
    log = tmp_path / "own.log"
    process = subprocess.Popen(command("--port", "0", "--dir", tmp_path, "--logfile", "own.log"), cwd=CHECKOUT,
                               stdout=subprocess.PIPE)
    try:
        for _ in range(LIMIT_S * 20):  # a file can only be looked at again and again
            if log.exists() and READY in log.read_text():
                break
            time.sleep(0.05)
        process.terminate()
        assert process.communicate(timeout=LIMIT_S) == (b"", None)
    finally:
        process.kill()
        process.wait()
    lines = log.read_text().splitlines()
    assert all(LOG_LINE.fullmatch(line) for line in lines)
    assert READY in "".join(lines) and "bye bye" in lines[-1]


def test_the_log_level_holds_and_can_be_changed(start):
    server = start("--port", "0")
    server.ask("CONFIG SET loglevel warning")
    assert server.end() == 0
    assert READY in server.log[-1]


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_unix_socket_beside_two_addresses(start, tmp_path):
    path = str(tmp_path / "s")
    port = find_free_port()
    server = start("--port", str(port), "--bind", "127.0.0.1", "127.0.0.2",
                   "--unixsocket", path, "--unixsocketperm", "700")
    assert path in server.addresses and len(server.addresses) == 3
    assert os.stat(path).st_mode & 0o777 == 0o700
    assert server.ask("PING", address=path) == b"+PONG\r\n"
    assert server.ask("PING", address=("127.0.0.2", port)) == b"+PONG\r\n"
    assert server.end() == 0
    assert not os.path.exists(path)


def test_maxclients_is_lowered_to_what_the_system_grants(start):
    def lower_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    server = start("--port", "0", "--maxclients", "5000", preexec_fn=lower_limit)
    reply = server.ask("CONFIG GET maxclients")
    if b"\r\n5000\r\n" not in reply:  # with enough rights it raises the hard limit and keeps the number
        assert b"\r\n68\r\n" in reply
        assert "maxclients lowered from 5000 to 68" in "\n".join(server.log)


def test_a_server_in_process_leaves_the_process_alone():
    program = textwrap.dedent("""\
        import gc, resource, signal, sys, threading, logging
        def settings():
            return (sys.getswitchinterval(), gc.get_threshold(), gc.get_freeze_count(), threading.stack_size(),
                    resource.getrlimit(resource.RLIMIT_NOFILE), logging.getLogger("mini_redis").handlers,
                    [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)])
        before = settings()
        import mini_redis
        with mini_redis.Server(port=0):
            assert settings() == before
        assert settings() == before
    """)
    result = subprocess.run([sys.executable, *gil_option(), "-c", program], capture_output=True, text=True,
                            cwd=CHECKOUT, timeout=LIMIT_S)
    assert (result.returncode, result.stderr) == (0, "")


# --- parts


@pytest.mark.parametrize("level, mark", [
    (logging.DEBUG, "."), (main_module.VERBOSE, "-"), (logging.INFO, "*"), (logging.WARNING, "#"), (logging.ERROR, "#"),
])  # fmt: skip
def test_log_lines_look_as_those_of_redis(level, mark):
    record = logging.LogRecord("mini_redis", level, "file", 1, "hello %s", ("you",), None)
    line = main_module.LogFormatter().format(record)
    assert LOG_LINE.fullmatch(line) and line.endswith(f" {mark} hello you")


@pytest.mark.parametrize("error, sentence", [
    (OSError(98, "Address already in use", "127.0.0.1:6379"),
     "127.0.0.1:6379 is taken: stop what listens there, or choose another with --port or --unixsocket"),
    (OSError(13, "Permission denied"),
     "port 6379 on 127.0.0.1 -::1 may not be used by this user: choose a port above 1023, or a directory that you may "
     "write to"),
    (OSError(24, "Too many open files", "::1"), "cannot listen on ::1: Too many open files"),
    (OSError("odd"), "cannot listen on port 6379 on 127.0.0.1 -::1: odd"),
])  # fmt: skip
def test_each_trouble_at_the_start_has_its_sentence(error, sentence):
    assert main_module.explain(error, Config()) == sentence
