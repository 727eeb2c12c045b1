"""Sessions without any client: inline commands typed into netcat and telnet."""

import shutil
import subprocess

import pytest

LIMIT_S = 20
SESSION = [
    # what is typed, what is answered
    ("PING", "+PONG"),
    ("SET greeting \"hello world\"", "+OK"),
    ("GET greeting", "$11\r\nhello world"),
    ("get none", "$-1"),
    ("  INCR   n  ", ":1"),
    ("", None),
    ("RPUSH l 'it\\'s' \"\\x41\"", ":2"),
    ("LRANGE l 0 -1", "*2\r\n$4\r\nit's\r\n$1\r\nA"),
    ("HSET h f v", ":1"),
    ("NONSENSE", "-ERR unknown command 'NONSENSE', with args beginning with: "),
    ("QUIT", "+OK"),
]
ANSWERS = "".join(f"{reply}\r\n" for _, reply in SESSION if reply)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_netcat(server, end):
    program = shutil.which("nc")
    if program is None:
        pytest.skip("nc is not installed")
    text = "".join(line + end for line, _ in SESSION)
    result = subprocess.run([program, "127.0.0.1", str(server.port)], input=text.encode(), capture_output=True,
                            timeout=LIMIT_S)
    assert result.stdout.decode() == ANSWERS


def test_netcat_is_told_of_a_mistake_in_quoting(server):
    program = shutil.which("nc")
    if program is None:
        pytest.skip("nc is not installed")
    result = subprocess.run([program, "127.0.0.1", str(server.port)], input=b"PING\nSET k \"v\nPING\n",
                            capture_output=True, timeout=LIMIT_S)
    assert result.stdout == b"+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n"


def test_telnet(server):
    program = shutil.which("telnet")
    if program is None:
        pytest.skip("telnet is not installed")
    process = subprocess.Popen([program, "127.0.0.1", str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    try:
        # telnet leaves at the end of its input without waiting for answers, so that end must not come before QUIT's
        process.stdin.write("".join(f"{line}\n" for line, _ in SESSION).encode())
        shown = b""
        while ANSWERS.replace("\r", "").encode() not in shown.replace(b"\r", b""):
            piece = process.stdout.read(4096)
            assert piece, shown
            shown += piece
    finally:
        process.kill()
        process.communicate()
