"""One thread per client: socket <-> session. Reads, has the session execute, sends.

The thread sends its own replies. While a send would block because the client does not read, the thread goes on taking
in what the client sends, and executes nothing of it: a client that sends a million commands before it reads a reply is
then served, and one that never reads costs no more than it sent, up to ``client-query-buffer-limit``.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections import deque

from mini_redis.clients.client import Client
from mini_redis.commands.context import ServerParts
from mini_redis.dispatch import Session

RECV_BYTES = 64 * 1024
EXACT_BYTES = 4096
"""From so many missing bytes of an argument on, they are waited for in one call."""
MAX_RECV_BYTES = 1024 * 1024
"""One step of reading a big argument: never allocate on the word of a header more than this ahead of the bytes."""
STRANGER_BACKLOG_BYTES = 1024 * 1024
EAGER_TRIES = 40
DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
WAITALL = getattr(socket, "MSG_WAITALL", 0)


class Connection:
    """A connected socket and the session that it speaks to. Belongs to its thread; others may only :meth:`end` it."""

    def __init__(self, server: ServerParts, sock: socket.socket, client: Client) -> None:
        self.socket = sock
        self.client = client
        self.session = Session(server, client, self._send_rest)
        self._server = server
        self._backlog: deque[bytes] = deque()  # read while a send was blocked, not executed yet
        self._backlog_bytes = 0
        self._at_end = False  # the client has said its last byte

    def run(self) -> None:
        """Serve until either side ends the connection. Raises OSError when the link breaks."""
        receive, send, execute = self.socket.recv, self.socket.send, self.session.execute
        is_eager, clients = self._server.is_eager, self._server.clients
        client, clock, parser, counters = self.client, self._server.clock, self.session.parser, self.session.counters
        while not client.is_closing:
            if parser.needs_care or self._backlog:
                data = self._receive()
            elif is_eager and clients.is_single:
                data = self._receive_eagerly()
            else:
                data = receive(RECV_BYTES)
            if not data:
                return
            counters.input_bytes += len(data)
            client.active_s = clock.access_s
            out = execute(data)
            if out:
                try:
                    sent = send(out, DONTWAIT)
                except BlockingIOError:
                    sent = 0
                counters.output_bytes += sent
                if sent < len(out):
                    self._send_rest(out, sent)

    def end(self) -> None:
        """Have the connection's thread leave its wait and clean up. From any thread."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free what the connection holds. By its own thread, last."""
        self.session.close()
        self.socket.close()

    def _receive(self) -> bytes:
        if self._backlog:
            data = self._backlog.popleft()
            self._backlog_bytes -= len(data)
            return data
        if self._at_end:
            return b""
        parser = self.session.parser
        missing = parser.missing_bytes
        self._limit(parser.buffered_bytes)
        self.client.query_bytes = parser.buffered_bytes
        if missing < EXACT_BYTES:
            data = self.socket.recv(RECV_BYTES)
        else:
            data = self.socket.recv(min(missing, MAX_RECV_BYTES), WAITALL)
        self.client.query_bytes = 0
        return data

    def _receive_eagerly(self) -> bytes:
        """Ask for bytes a few times before sleeping for them.

        A lone client often answers sooner than a sleeping thread, and the CPU it slept on, wake up: 18,000 instead of
        9,500 commands a second without pipeline, on two cores of a virtual machine. It takes up to 50 us of CPU a
        request, so it is for a server that has its process, and a lone client, for themselves.
        """
        receive = self.socket.recv
        for _ in range(EAGER_TRIES):
            try:
                return receive(RECV_BYTES, DONTWAIT)
            except BlockingIOError:
                pass
        return receive(RECV_BYTES)

    def _limit(self, held_bytes: int) -> None:
        """OSError if the client makes us hold more than it may: of a command that does not end, or by not reading."""
        authenticated = self.client.authenticated
        if held_bytes > (self._server.config["client-query-buffer-limit"] if authenticated else STRANGER_BACKLOG_BYTES):
            raise OSError("the client sent more than client-query-buffer-limit that cannot be executed yet")

    def _send_rest(self, data: bytes, sent: int = 0) -> None:
        """Send when there is room, and read meanwhile. OSError if the client is gone or sent beyond the limit."""
        with memoryview(data) as view, selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_WRITE | (0 if self._at_end else selectors.EVENT_READ))
            while sent < len(view):
                for _, events in selector.select():
                    if events & selectors.EVENT_READ and not self._read_ahead():
                        selector.modify(self.socket, selectors.EVENT_WRITE)
                    if events & selectors.EVENT_WRITE:
                        with contextlib.suppress(BlockingIOError), view[sent:] as rest:
                            count = self.socket.send(rest, DONTWAIT)
                            sent += count
                            self.session.counters.output_bytes += count

    def _read_ahead(self) -> bool:
        """Take in what has come; False at the end of what the client has to say."""
        try:
            data = self.socket.recv(RECV_BYTES, DONTWAIT)
        except BlockingIOError:
            return True
        if not data:
            self._at_end = True
            return False
        self._backlog.append(data)
        self._backlog_bytes += len(data)
        self._limit(self._backlog_bytes + self.session.parser.buffered_bytes)
        return True
