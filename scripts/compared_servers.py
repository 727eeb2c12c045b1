"""The servers that compare_with_redis.py compares: started here on a free port, or running already."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_grammar import parse_version
from command_values import DIRECTIVES

from tests import resp
from tests.transcripts import runner

ROOT = Path(__file__).resolve().parent.parent
NO_REPLY = b"(no reply"  # how the error begins that stands for a reply that did not come


@dataclass
class Target:
    """A server to compare: its address, and a connection that is replaced by `reset`. A Valkey calls itself by the
    version of the Redis that it came from."""

    name: str
    host: str
    port: int
    client: Any = None
    version: tuple[int, ...] = (0,)
    is_valkey: bool = False

    def connect(self) -> resp.Client:
        """A fresh connection in place of the old one."""
        if self.client is not None:
            self.client.close()
        self.client = resp.connect(self.host, self.port, timeout_s=60)
        return self.client

    def send(self, frames: bytes) -> None:
        """Send commands. That the server is gone is left to `read` to notice."""
        with suppress(OSError):
            self.client.send_raw(frames)

    def read(self, count: int) -> list[Any]:
        """The next replies; in place of those that do not come, an error that says why."""
        replies: list[Any] = []
        try:
            while len(replies) < count:
                replies.append(self.client.read_answer())
        except (OSError, ValueError) as problem:
            replies += [resp.Error(NO_REPLY + f": {problem})".encode())] * (count - len(replies))
            self.connect()
        return replies

    def reset(self) -> None:
        """Empty the server, set every directive used here to its default, and reconnect."""
        client = self.connect()
        defaults = [
            part for name, (since, values) in DIRECTIVES.items() if self.version >= since for part in (name, values[0])
        ]
        commands = [["FLUSHALL"], ["CONFIG", "SET", *defaults], ["DEBUG", "SET-ACTIVE-EXPIRE", "1"]]
        for command, reply in zip(commands, client.pipeline(commands)):
            if reply != resp.OK:
                raise SetupError(f"{self.name}: {command}: {reply}")


class SetupError(Exception):
    """The comparison cannot run."""


def find_free_port() -> int:
    """A TCP port on the loopback interface that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def started(name: str, command: list[str]) -> Iterator[Target]:
    """A server process on a free port, stopped at the end. `command` ends where the directives begin."""
    port = find_free_port()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        arguments = ["--port", str(port), "--save", "", "--enable-debug-command", "yes", "--dir", folder, "--hz", "100"]
        environment = {**os.environ, "LC_ALL": "C"}
        process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log, cwd=ROOT, env=environment)
        try:
            yield wait_for(Target(name, "127.0.0.1", port), process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(target: Target, process: subprocess.Popen[bytes] | None = None, log: Any = None) -> Target:
    """The target, once it answers. Fills in its version."""
    for _ in range(200):
        if process is not None and process.poll() is not None:
            log.seek(0)
            raise SetupError(f"{target.name} stopped: {log.read().decode(errors='replace').strip()[-500:]}")
        try:
            target.connect()
        except OSError:
            time.sleep(0.05)
            continue
        target.version = parse_version(runner.read_version(target.host, target.port))
        target.is_valkey = b"server_name:valkey" in target.client.execute("INFO", "server")
        return target
    raise SetupError(f"{target.name} does not answer on {target.host}:{target.port}")


def running(name: str, address: str) -> Target:
    """A server that runs already."""
    host, _, port = address.rpartition(":")
    return wait_for(Target(name, host or "127.0.0.1", int(port)))
