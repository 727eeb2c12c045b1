#!/usr/bin/env python3
"""The ceiling that mini_redis is measured against: all that a server does, except being Redis.

It accepts, starts a thread and receives exactly as mini_redis does, then answers `+OK` once per command
received, without parsing. What this server reaches is the most that a thread per client can reach on this
CPython and this machine; the ratio of mini_redis to it says what parsing, locking and executing cost, and is
steadier between machines than any absolute figure.

Commands are counted by their `*`: a RESP array starts with one, and the load that the benchmark sends to this
server holds no other. Start it by hand with `null_server.py --port 7000`; `bench.py` starts it by itself.
"""

from __future__ import annotations

import argparse
import socket
import socketserver
import sys
import threading
from _thread import start_new_thread
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mini_redis import affinity  # noqa: E402  (the checkout's own)

RECEIVE_BYTES = 65536
LISTEN_BACKLOG = 511
OK_REPLY = b"+OK\r\n"


class NullServer(socketserver.ThreadingTCPServer):
    """ThreadingTCPServer with the backlog and the cheap thread start that mini_redis has."""

    allow_reuse_address = True
    request_queue_size = LISTEN_BACKLOG

    def process_request(self, request: socket.socket, client_address: tuple) -> None:
        """Start the connection's thread raw: `threading.Thread` waits until the new thread has run."""
        start_new_thread(self.process_request_thread, (request, client_address))

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """Stay quiet: the benchmark's clients often leave with replies unread."""


def answer(connection: socket.socket, client_address: tuple, server: NullServer) -> None:
    """Answer one client until it leaves (the request handler, called in the client's own thread)."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    receive, send = connection.recv, connection.sendall
    while data := receive(RECEIVE_BYTES):
        if commands := data.count(b"*"):
            send(OK_REPLY * commands)


def main() -> int:
    """Serve until interrupted or terminated."""
    options = argparse.ArgumentParser(description="answer +OK to every command, to find the ceiling of a server")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--switch-interval", type=float, metavar="SECONDS", help="as sys.setswitchinterval takes it")
    options.add_argument("--one-cpu", action="store_true", help="keep to one CPU, as mini_redis does")
    options.add_argument("--stack-bytes", type=int, default=0, help="stack of a client's thread, 0 for the default")
    arguments = options.parse_args()
    if arguments.switch_interval:
        sys.setswitchinterval(arguments.switch_interval)
    if arguments.one_cpu and affinity.is_useful():
        affinity.start()
    if arguments.stack_bytes:
        threading.stack_size(arguments.stack_bytes)
    with NullServer(("127.0.0.1", arguments.port), answer) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
