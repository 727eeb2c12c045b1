"""The composition root: builds every part of one server, starts them, and stops them in order.

Threads of a server: one per listening address that accepts, one per client, and one for the periodic work ("cron").
Nothing here is process-wide; two servers in one process share no state. Signals, the switch interval, gc and resource
limits belong to ``__main__``.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import hashlib
import ipaddress
import logging
import os
import random
import secrets
import socket
import socketserver
import threading
import time
from collections.abc import Iterable
from typing import Any

from mini_redis import __version__
from mini_redis.clients.client import Client, ClientTable
from mini_redis.clock import Clock
from mini_redis.commands.registry import make_table
from mini_redis.config import Config
from mini_redis.connection import Connection
from mini_redis.dispatch import Session
from mini_redis.errors import ProtectedMode, TooManyClients
from mini_redis.observe.info import info
from mini_redis.observe.stats import Counters, Stats
from mini_redis.store.expiry import ActiveExpiry
from mini_redis.store.store import Store
from mini_redis.write_log import WriteLog

logger = logging.getLogger("mini_redis")

TICK_SECONDS = 0.1
STOP_SECONDS = 10.0
"""How long clients may delay the end of the server."""
NO_DESCRIPTORS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Listener(socketserver.ThreadingTCPServer):
    """One listening address, TCP or Unix; a thread per client that is started the cheapest way.

    socketserver's own defaults would lose most of 500 simultaneous connects (backlog 5) and wait for ever for one idle
    client at the end (block_on_close). A raw thread start serves 1.66 times as many connects a second as a Thread.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, server: Server, family: int, address: Any) -> None:
        self.owner = server
        self.address_family = family
        self.request_queue_size = server.config["tcp-backlog"]
        super().__init__(address, socketserver.BaseRequestHandler, bind_and_activate=False)
        try:
            if family == getattr(socket, "AF_INET6", None):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.server_bind()
            self.server_activate()
        except OSError:
            self.server_close()
            raise

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in NO_DESCRIPTORS:
                self.owner.note_no_descriptor(error)
                time.sleep(0.1)  # the waiting connection stays readable: without a pause this would spin
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            client_id = self.owner.clients.next_id()  # here, so that ids follow the order of connecting
            _thread.start_new_thread(self.owner.serve_client, (request, client_address, client_id))
        except RuntimeError:
            self.owner.note_no_thread()
            self.shutdown_request(request)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.owner.admits(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.exception("A connection could not be served")

    def end(self) -> None:
        """Stop accepting and free the address."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the accept thread at once where the system allows
        self.shutdown()
        self.server_close()
        if self.address_family == getattr(socket, "AF_UNIX", None):
            with contextlib.suppress(OSError):
                os.unlink(self.server_address)  # type: ignore[arg-type]  # a path here

    def __str__(self) -> str:
        if isinstance(self.server_address, (str, bytes)):
            return os.fsdecode(self.server_address)
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Server:
    """A server that can be started and stopped in process::

        with Server(port=0, requirepass="secret") as server:
            connect(server.port)

    Keyword arguments are directives with ``_`` for ``-``; port 0 takes a free one. ``clock`` and ``random`` are for
    tests that want to control them; ``is_eager`` is for a process with nothing else to do (``connection.py`` says why).
    A server is started at most once.
    """

    def __init__(self, config: Config | None = None, *, clock: Clock | None = None,
                 random_source: random.Random | None = None, is_eager: bool = False, **directives: Any) -> None:
        if config is not None and directives:
            raise TypeError("give either a config or directives")
        self.config = config if config is not None else Config.from_keywords(**directives)
        self.clock = clock or Clock()
        self.random = random_source or random.Random()
        self.stats = Stats()
        self.clients = ClientTable()
        self.write_log = WriteLog()
        self.store = Store(self.config["databases"], self.write_log, self.clock, self.config.limits)
        self.expiry = ActiveExpiry(self.store)
        self.stats.open(Counters(self.expiry.unit))
        self.table = make_table()
        self.run_id = secrets.token_hex(20)
        self.is_eager = is_eager
        self.version = __version__
        self.started_s = self.clock.monotonic()
        self.started_at_s = self.clock.now_ms() // 1000
        self.commands_per_second = 0
        self.exit_status = 0
        self._listeners: list[Listener] = []
        self._threads: list[threading.Thread] = []
        self._admitted = 0  # sockets let in and not closed yet, those whose thread has not begun included
        self._connections: dict[int, Connection] = {}
        self._all_gone = threading.Condition()  # guards the two above; notified when the last connection ends
        self._stopping = threading.Event()
        self._stopped = False
        self._stop_asked = _thread.allocate_lock()  # held until somebody asks the server to stop
        self._stop_asked.acquire()
        self._is_impatient = False
        self._last_complaint_s = -1.0

    # --- life

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Bind every address and begin to serve. Raises OSError with ``filename`` set if an address cannot be had."""
        try:
            for family, address in self._wanted_addresses():
                self._listen(family, address)
        except OSError:
            self.stop()
            raise
        for listener in self._listeners:
            self._start_thread(f"accept {listener}", listener.serve_forever)
        self._start_thread("cron", self._run_cron)

    def request_stop(self) -> None:
        """Have :meth:`wait` return; asked again, no longer wait for clients. From any thread and from signal handlers,
        so it only lets go of a lock: an Event's own lock may be held by the very thread that the signal interrupts."""
        try:
            self._stop_asked.release()
        except RuntimeError:  # it was asked before
            self._is_impatient = True

    def wait(self) -> None:
        """Block until somebody asks the server to stop."""
        self._stop_asked.acquire()
        self._stop_asked.release()

    def stop(self) -> None:
        """Stop accepting, end all connections, wait for their threads. Idempotent; at most about 10 s."""
        if self._stopped:
            return
        self._stopped = True
        self._stopping.set()
        for listener in self._listeners:
            if self._threads:
                listener.end()
            else:
                listener.server_close()
        with self._all_gone:
            for connection in self._connections.values():
                connection.end()
            deadline = time.monotonic() + STOP_SECONDS
            while self._admitted and time.monotonic() < deadline and not self._is_impatient:
                self._all_gone.wait(0.1)
            if self._admitted:
                logger.warning("%d connections had not ended when the server stopped", self._admitted)
        for thread in self._threads:
            thread.join()
        self.write_log.flush()

    @property
    def port(self) -> int:
        """The TCP port in use, of the first address; 0 without one."""
        for listener in self._listeners:
            if not isinstance(listener.server_address, (str, bytes)):
                return int(listener.server_address[1])
        return 0

    @property
    def addresses(self) -> list[str]:
        """Where clients can connect: ``host:port`` or the path of the Unix socket."""
        return [str(listener) for listener in self._listeners]

    def new_session(self, client: Client | None = None) -> Session:
        """A conversation in process, without a socket: ``session.execute(bytes) -> bytes``. Close it at the end."""
        return Session(self, client or self._make_client(self.clients.next_id()), None)

    def info(self, names: Iterable[str] = ()) -> str:
        """The text of INFO; see ``observe/info.py``."""
        return info(self, names)

    def describe_default_user(self) -> bytes:
        """The one user there is, as ACL LIST shows it."""
        password: str = self.config["requirepass"]
        digest = hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()
        secret = f"#{digest}" if password else "nopass"
        return f"user default on {secret} sanitize-payload ~* &* +@all".encode()

    # --- addresses

    def _wanted_addresses(self) -> list[tuple[int, Any]]:
        """(family, address) of every listener that the configuration asks for.

        Port 0 means no TCP, as in Redis, if there is a Unix socket; without one it takes a free port, because a server
        that nobody can reach is no use.
        """
        wanted: list[tuple[int, Any]] = []
        port = self.config["port"]
        if port or not self.config["unixsocket"]:
            for name in self.config["bind"]:
                wanted += self._resolve(name, port)
        if self.config["unixsocket"]:
            wanted.append((socket.AF_UNIX, self.config["unixsocket"]))
        return wanted

    def _resolve(self, name: str, port: int) -> list[tuple[int, Any]]:
        """Addresses of one ``bind`` word: ``*`` and ``::*`` are all of a family, ``-`` in front makes it optional."""
        host = {"*": "0.0.0.0", "::*": "::"}.get(name.removeprefix("-"), name.removeprefix("-"))
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            if name.startswith("-"):
                return []
            raise OSError(errno.EADDRNOTAVAIL, error.strerror, f"{name}:{port}") from None
        family, _, _, _, address = found[0]
        return [(family, (name, *address[1:]) if name.startswith("-") else address)]

    def _listen(self, family: int, address: Any) -> None:
        optional = isinstance(address, tuple) and address[0].startswith("-")
        if optional:
            address = (address[0].removeprefix("-"), *address[1:])
        if isinstance(address, str):
            _remove_dead_socket(address)
        elif self.port and not address[1]:
            address = (address[0], self.port, *address[2:])  # port 0: the same free port on every address
        try:
            listener = Listener(self, family, address)
        except OSError as error:
            if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
                return
            name = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
            raise OSError(error.errno, error.strerror, name) from None
        self._listeners.append(listener)
        if isinstance(address, str) and self.config["unixsocketperm"]:
            os.chmod(address, self.config["unixsocketperm"])

    # --- clients

    def admits(self, sock: socket.socket, address: Any) -> bool:
        """Whether a new connection is served; if not it is told why. In the accept thread, so never waits.

        One that is takes its place among ``maxclients`` here: in a rush connects come faster than threads begin.
        """
        is_protected = self.config["protected-mode"] and not self.config["requirepass"] and not _is_local(address)
        with self._all_gone:
            is_full = self._admitted >= self.config["maxclients"]
            if not is_full and not is_protected:
                self._admitted += 1
                return True
        refusal = (TooManyClients() if is_full else ProtectedMode()).wire
        self.stats.add("rejected_connections")
        with contextlib.suppress(OSError):
            sock.send(refusal, getattr(socket, "MSG_DONTWAIT", 0))
        return False

    def serve_client(self, sock: socket.socket, address: Any, client_id: int) -> None:
        """The whole life of one connection, in its own thread."""
        connection: Connection | None = None
        try:
            self._set_socket_options(sock)
            connection = Connection(self, sock, self._make_client(client_id, sock, address))
            with self._all_gone:
                if self._stopping.is_set():
                    return
                self._connections[connection.client.id] = connection
            self.stats.add("connections_received")
            connection.run()
        except OSError:
            pass  # the link is gone: nothing to say to anybody
        except Exception:
            logger.exception("A connection ended by a bug")
        finally:
            self._bury(connection, sock)

    def _bury(self, connection: Connection | None, sock: socket.socket) -> None:
        if connection is None:
            sock.close()
        else:
            connection.close()
        with self._all_gone:
            self._admitted -= 1
            if connection is not None:
                self._connections.pop(connection.client.id, None)
            if not self._admitted:
                self._all_gone.notify_all()

    def _set_socket_options(self, sock: socket.socket) -> None:
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.config["tcp-keepalive"]:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if hasattr(socket, "TCP_KEEPIDLE"):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, self.config["tcp-keepalive"])

    def _make_client(self, client_id: int, sock: socket.socket | None = None, address: Any = None) -> Client:
        local = sock.getsockname() if sock is not None else None
        return Client(client_id, address=_address_text(address, local),
                      local_address=_address_text(local, local), descriptor=sock.fileno() if sock else -1,
                      now_s=self.clock.monotonic(), authenticated=not self.config["requirepass"],
                      is_local=_is_local(address))

    def note_no_thread(self) -> None:
        """Count a connection that was let in and that no thread could be started for."""
        self.stats.add("rejected_connections")
        with self._all_gone:
            self._admitted -= 1

    def note_no_descriptor(self, error: OSError) -> None:
        """Count a connection that could not be accepted; one log line a second at most."""
        self.stats.add("rejected_connections")
        now_s = time.monotonic()
        if now_s - self._last_complaint_s >= 1.0:
            self._last_complaint_s = now_s
            logger.warning("Cannot accept connections: %s", error.strerror)

    # --- periodic work

    def _start_thread(self, name: str, work: Any) -> None:
        thread = threading.Thread(target=work, name=f"mini_redis {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run_cron(self) -> None:
        last_count, last_s = 0, self.clock.monotonic()
        while not self._stopping.wait(TICK_SECONDS):
            try:
                self.clock.tick()
                now_s = self.clock.monotonic()
                if now_s - last_s >= 1.0:
                    count = self.stats.snapshot()[0]["commands_processed"]
                    self.commands_per_second = int((count - last_count) / (now_s - last_s))
                    last_count, last_s = count, now_s
                    self._end_idle_connections(now_s)
                self.expiry.cycle()
                self.write_log.drain()
            except Exception:
                logger.exception("The periodic work failed")

    def _end_idle_connections(self, now_s: float) -> None:
        """``timeout``: end connections that have sent nothing for so many seconds; 0 is never."""
        limit_s = self.config["timeout"]
        if not limit_s:
            return
        with self._all_gone:
            for connection in self._connections.values():
                if now_s - connection.client.active_s > limit_s:
                    connection.end()


def _is_local(address: Any) -> bool:
    """Whether a peer is this machine: loopback, a Unix socket, or no socket at all."""
    if not isinstance(address, tuple):
        return True
    peer = ipaddress.ip_address(address[0].partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None)
    return bool((mapped or peer).is_loopback)


def _address_text(address: Any, local: Any) -> str:
    if isinstance(address, tuple):
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
    return f"{os.fsdecode(local)}:0" if local else ""


def _remove_dead_socket(path: str) -> None:
    """Remove the socket that a killed server left behind; one that somebody listens on stays."""
    with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
