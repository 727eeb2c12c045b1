"""One client as the commands see it: who it is and what it has agreed on. No socket here.

Its own thread writes the fields; CLIENT LIST reads them from other threads, single attributes that are replaced whole.
"""

from __future__ import annotations

from mini_redis.store.ranks import make_lock


class Client:
    """State of one connection. ``plain`` says that nothing stands between a command and its execution (authenticated,
    later also: not in MULTI, not subscribed), so that dispatch may take its short way."""

    __slots__ = ("id", "address", "local_address", "descriptor", "name", "number", "resp", "authenticated", "plain",
                 "created_s", "active_s", "last_command", "library_name", "library_version", "is_closing",
                 "is_local", "query_bytes")

    def __init__(self, id: int, *, address: str = "", local_address: str = "", descriptor: int = -1,
                 now_s: float = 0.0, authenticated: bool = True, is_local: bool = True) -> None:
        self.id = id
        self.address = address
        self.local_address = local_address
        self.descriptor = descriptor
        self.name = b""
        self.number = 0  # of the selected database
        self.resp = 2
        self.authenticated = authenticated
        self.plain = authenticated
        self.created_s = now_s
        self.active_s = now_s
        self.last_command = "NULL"
        self.library_name = b""
        self.library_version = b""
        self.is_closing = False  # close after the replies so far are sent; nothing more is executed
        self.is_local = is_local
        self.query_bytes = 0  # held for a command that is not complete

    def describe(self, now_s: float) -> str:
        """The line of CLIENT LIST. Fields of what is not built yet hold what Redis shows for an idle feature."""
        fields = {
            "id": self.id, "addr": self.address, "laddr": self.local_address, "fd": self.descriptor,
            "name": self.name.decode("latin-1"), "age": int(now_s - self.created_s),
            "idle": int(now_s - self.active_s), "flags": "N", "db": self.number, "sub": 0, "psub": 0, "ssub": 0,
            "multi": -1, "watch": 0, "qbuf": self.query_bytes, "qbuf-free": 0, "argv-mem": 0, "multi-mem": 0, "rbs": 0,
            "rbp": 0, "obl": 0, "oll": 0, "omem": 0, "tot-mem": self.query_bytes, "events": "r",
            "cmd": self.last_command, "user": "default" if self.authenticated else "(superuser)", "redir": -1,
            "resp": self.resp, "lib-name": self.library_name.decode("latin-1"),
            "lib-ver": self.library_version.decode("latin-1"),
        }
        return " ".join(f"{name}={value}" for name, value in fields.items())


class ClientTable:
    """All connected clients by id. ``_lock`` guards the dict and the counter."""

    def __init__(self) -> None:
        self._lock = make_lock("clients")
        self._clients: dict[int, Client] = {}
        self._last_id = 0
        self.is_single = True  # whether there is one client at most; read without the lock, as a hint

    def next_id(self) -> int:
        """Ids rise and are never used twice."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def add(self, client: Client) -> None:
        with self._lock:
            self._clients[client.id] = client
            self.is_single = len(self._clients) < 2

    def remove(self, client: Client) -> None:
        with self._lock:
            self._clients.pop(client.id, None)
            self.is_single = len(self._clients) < 2

    def all(self) -> list[Client]:
        """The clients of this moment, in order of their ids."""
        with self._lock:
            return [self._clients[id] for id in sorted(self._clients)]

    def __len__(self) -> int:
        with self._lock:
            return len(self._clients)
