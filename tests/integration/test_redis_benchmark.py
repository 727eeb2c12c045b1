"""redis-benchmark runs to its end: all of its tests that these types allow, with and without pipelining."""

import shutil
import subprocess

import pytest

PROGRAM = shutil.which("redis-benchmark")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-benchmark is not installed")
TESTS = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,lrange,mset"
LINES = 18  # ping counts for two, lrange for four and an LPUSH to have something to read


@pytest.mark.parametrize("options", [["-P", "1"], ["-P", "16"], ["-P", "16", "-r", "100", "-d", "100"]])
def test_all_tests_run_to_their_end(server, options):
    result = subprocess.run([PROGRAM, "-p", str(server.port), "-t", TESTS, "-n", "1600", "-c", "10", "-q", *options],
                            capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stderr) == (0, "")
    finished = [line for line in result.stdout.replace("\r", "\n").splitlines() if "requests per second" in line]
    assert len(finished) == LINES
    assert "error" not in result.stdout.lower()


def test_many_clients_and_any_command(server):
    result = subprocess.run([PROGRAM, "-p", str(server.port), "-n", "3000", "-c", "200", "-q", "-r", "50", "SETEX",
                             "key:__rand_int__", "100", "v"], capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stderr) == (0, "")
    assert 1 <= len(server.store.databases[0]) <= 50
