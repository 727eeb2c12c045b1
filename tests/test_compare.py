"""A short run of scripts/compare_with_redis.py against a real Redis; and proof that it would find a difference."""

import contextlib
import importlib
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
compare_with_redis = importlib.import_module("compare_with_redis")

REDIS_SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(REDIS_SERVER is None, reason="no redis-server on the PATH to compare with")


def run(capsys, *arguments):
    """The exit status and the output of one comparison without transcripts (test_transcripts.py has them)."""
    status = compare_with_redis.main(["--redis-server", REDIS_SERVER, "--no-transcripts", *arguments])
    return status, capsys.readouterr().out


def test_mini_redis_answers_as_redis_does(capsys):
    """Two thousand generated commands, no difference but those explained."""
    status, output = run(capsys, "--commands", "2000", "--seed", "7")
    assert status == 0, output


def test_redis_answers_as_itself(capsys):
    """Two real servers agree: no rule mistakes chance, time or order for a difference."""
    with compare_with_redis.started("other", [REDIS_SERVER]) as other:
        status, output = run(capsys, "--commands", "3000", "--ours", f"127.0.0.1:{other.port}")
    assert status == 0, output
    assert "0 differences" in output


def test_a_wrong_reply_is_found_and_shrunk(capsys):
    """A server that says 4 where it should say 3 is caught, and the report is short."""
    with compare_with_redis.started("other", [REDIS_SERVER]) as other, miscounting_proxy(other.port) as port:
        status, output = run(capsys, "--block", "1", "--max-differences", "1", "--ours", f"127.0.0.1:{port}")
    assert status == 1
    report = output[output.index("DIFFERENCE") :].split("\n\n")[0].splitlines()
    assert "--seed 1 --block 1" in report[0]
    assert len([line for line in report if line.startswith("  > ")]) <= 4, output


@contextlib.contextmanager
def miscounting_proxy(target_port):
    """A port that passes everything on to `target_port` and its replies back, with each :3 made :4."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, target_port), daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener, target_port):
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", target_port))
            threading.Thread(target=_pump, args=(client, server, bytes), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, _miscount), daemon=True).start()


def _miscount(data):
    return data.replace(b"\r\n:3\r\n", b"\r\n:4\r\n")


def _pump(source, sink, change):
    with source, contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(change(data))
        sink.shutdown(socket.SHUT_WR)
