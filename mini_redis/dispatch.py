"""One command from argv to reply: look-up, checks, locks, call, log, encoding. For all of a batch, in one loop.

A :class:`Session` is one client's conversation without its socket: bytes in, bytes out. The loop in
:meth:`Session._run_batch` is the hottest code of the server. It holds the *short way*, for commands whose only key is
their first argument and that nothing stands in the way of; everything else (several keys, no key, containers, wrong
arity, a busy key, a client that is not authenticated) takes the *general way* below it. Both give the same results: the
short way is the general one with its steps written out, and tests run the same commands through both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from mini_redis import errors
from mini_redis.clients.client import Client
from mini_redis.commands.context import Context, ServerParts
from mini_redis.commands.table import EXCLUSIVE, FREE, SHARED, CommandSpec
from mini_redis.errors import CommandError
from mini_redis.observe.stats import Counters
from mini_redis.protocol.encoder import BULK_HEADS, CRLF, INTEGERS, NULL_BULK, TABLE_SIZE, encode
from mini_redis.protocol.parser import Argv, RequestParser, Wire
from mini_redis.protocol.replies import OK
from mini_redis.store.entry import DEAD, MISSING
from mini_redis.store.gate import Member
from mini_redis.store.locking import ABSENT, KeyBusy

logger = logging.getLogger("mini_redis")

MAX_REPLY_BYTES = 1024 * 1024
"""Replies of a batch beyond this are sent before the batch goes on."""
HTTP_VERBS = frozenset((b"post", b"host:"))

Sender = Callable[[bytes], None]


class Session:
    """One client's conversation. Belongs to one thread, which is the member ``member`` of the gate.

    ``send`` takes replies of a batch that grow past 1 MB; without one they are kept until the batch ends. ``close``
    must be called at the end.
    """

    def __init__(self, server: ServerParts, client: Client, send: Sender | None = None) -> None:
        self.server = server
        self.client = client
        self.parser = RequestParser(server.config["proto-max-bulk-len"], client.authenticated)
        self.member = Member()
        self.ctx = Context(server, self.member, client)
        self.counters = Counters(self.ctx)
        self._send = send
        self._out: list[bytes] = []  # replies of the batch; always this very list
        self._big_bytes = 0  # of replies in `_out` that are not small
        self._bugs: list[tuple[str, Exception]] = []  # (command, what it raised), to be logged
        self._inside = True  # whether this thread has its share of the gate while it runs a command
        self._find_spec: Callable[[bytes], Any] = server.table.spellings.get
        self._enter, self._leave = self.member.lock.acquire, self.member.lock.release
        # what the loop needs in local names, unpacked in one step: a batch of one command would pay for six look-ups
        self._hot = (self.ctx, client, self.ctx.gate, self._out, self._find_spec, self.counters)
        server.store.gate.register(self.member)
        server.stats.open(self.counters)
        server.clients.add(client)

    def close(self) -> None:
        """Leave the gate's members and the table of clients."""
        self._send = None  # whoever gave it holds this session: no cycle is left behind
        self.server.store.gate.unregister(self.member)
        self.server.stats.close(self.counters)
        self.server.clients.remove(self.client)

    def execute(self, data: bytes) -> bytes:
        """Feed what arrived, run every command that is complete, give the replies.

        After a protocol error the last reply says so and ``client.is_closing`` is set.
        """
        commands = self.parser.feed(data)
        if commands:
            self._run(commands)
        if self.parser.needs_care:
            self._finish_carefully()
        reply = b"".join(self._out)
        self._out.clear()
        self._big_bytes = 0
        return reply

    def _finish_carefully(self) -> None:
        """Read on what a stranger sent, command by command, as long as it stays in order; answer a protocol error."""
        parser, client = self.parser, self.client
        commands = [[b""]]
        while commands and not parser.authenticated and not client.is_closing:
            if client.authenticated:
                parser.authenticate()
            commands = parser.feed(b"")
            if commands:
                self._run(commands)
        if parser.error is not None and not client.is_closing:
            self._out.append(parser.error.wire)
            self.server.stats.add("protocol_errors")
            client.is_closing = True

    # --- the batch

    def _run(self, commands: list[Argv]) -> None:
        """Run a batch; replies go to ``_out``. Enters the gate once, after commands at its front that need none."""
        spec = self._find_spec(commands[0][0])
        if spec is None or not spec.short_max:
            commands = self._run_without_gate(commands)
            if not commands:
                return
        log = self.ctx.log
        wire = self._take_wire() if log.on else None
        self._enter()  # the gate, without a look at gate.stop: the loop looks before every command
        try:
            self._run_batch(commands, wire)
        finally:
            self._leave()
            self.ctx.key, self.ctx.entry = None, ABSENT
            if self._bugs:
                self._log_bugs()
        if log.on:
            log.drain()

    def _log_bugs(self) -> None:
        """Say which commands failed by a bug, with the traceback and without arguments: those are the client's."""
        bugs, self._bugs = self._bugs, []
        for name, error in bugs:
            logger.error("command %s failed unexpectedly", name, exc_info=error)

    def _run_batch(self, commands: list[Argv], wire: Wire | None) -> None:  # noqa: C901  (written out for speed)
        """The hot loop: steps are written out here that have methods elsewhere."""
        ctx, client, gate, out, find_spec, counters = self._hot
        log = ctx.log
        find_entry = ctx.rebind()
        running: Any = None  # the CommandSpec of the run that is being timed
        begun = calls = 0
        for argv in commands:
            if gate.stop:  # somebody wants the whole keyspace: give way between two commands
                self._leave()
                gate.enter(self.member)
                find_entry = ctx.rebind()
            spec: Any = find_spec(argv[0])
            words = len(argv)
            entry = None
            if spec is not None and client.plain and spec.short_min <= words <= spec.short_max:
                key = argv[1]
                entry = find_entry(key)
                if entry is None:
                    entry = ABSENT if not spec.writes else self._placeholder(key)
                elif not entry.acquire(False):
                    entry = None
                elif entry.value is DEAD:
                    entry.release()
                    entry = None
            if entry is None:  # the general way
                if running is not None:
                    self._count(running, calls, begun, perf_counter_ns())
                    running = None
                if self._run_general(argv, spec, wire):
                    return
                find_entry = ctx.rebind()
                continue
            if spec is not running:  # from here on the short way; `entry` is locked, unless it is ABSENT
                now = perf_counter_ns()
                if running is not None:
                    self._count(running, calls, begun, now)
                running, calls, begun = spec, 0, now
            calls += 1
            ctx.key = key
            ctx.entry = entry
            try:
                if entry.expire_ms is not None or ctx.changes.before_change is not None:
                    ctx.prepare(ctx.number, key, entry)
                    if entry.value is MISSING and entry is not ABSENT and not spec.writes:
                        counters.misses += 1
                if words == 2:
                    reply = spec.handler(ctx, key)
                elif words == 3:
                    reply = spec.handler(ctx, key, argv[2])
                else:
                    reply = spec.handler(ctx, *argv[1:])
            except Exception as error:  # every failure becomes a reply; connection and locks are kept in order
                reply = self._failed(error, spec.name, spec.writes)
            if log.on or ctx.before:
                ctx.record(wire, argv)
            else:
                ctx.changed_total += ctx.dirty
                ctx.dirty = 0
            if ctx.unsettled:
                ctx.settle_single()
            if entry is not ABSENT:
                entry.release()
            else:
                counters.misses += 1
            ctx.now = 0
            kind = type(reply)
            if kind is bytes and len(reply) < TABLE_SIZE:
                out += (BULK_HEADS[len(reply)], reply, CRLF)
            elif reply is OK:
                out.append(OK.wire)
            elif kind is int:
                out.append(INTEGERS[reply] if 0 <= reply < TABLE_SIZE else b":%d\r\n" % reply)
            elif reply is None:
                out.append(NULL_BULK[client.resp])
            else:
                self._append_encoded(reply)
                find_entry = ctx.rebind()  # it may have sent them, and left the gate for that
        if running is not None:
            self._count(running, calls, begun, perf_counter_ns())

    def _take_wire(self) -> Wire | None:
        """The spelling of the batch, if the log wants it; says whether it shall be kept of the next."""
        parser = self.parser
        wire, parser.wire, parser.keep_wire = parser.wire, None, self.ctx.log.on
        return wire

    def _run_without_gate(self, commands: list[Argv]) -> list[Argv]:
        """Run what may run while the gate is closed, from the front; gives the rest, none if the connection closes."""
        self._inside = False
        try:
            for number, argv in enumerate(commands):
                spec = self.server.table.resolve(argv[0])
                if spec is not None and spec.subcommands and len(argv) > 1:
                    spec = spec.subcommands.get(argv[1].lower())
                if spec is None or spec.gate != FREE:
                    return commands[number:]
                if self._run_general(argv, None, None):
                    return []
            return []
        finally:
            self._inside = True
            if self._bugs:
                self._log_bugs()

    def _placeholder(self, key: bytes) -> Any:
        """The locked entry of a key that was absent; None if somebody else has just made and taken it."""
        try:
            return self.ctx.lock_one(key)
        except KeyBusy:
            return None

    # --- the general way

    def _run_general(self, argv: Argv, spec: CommandSpec | None, wire: Wire | None) -> bool:
        """Run one command with every check and any kind of lock set. True if the connection is to be closed now."""
        ctx = self.ctx
        ctx.key, ctx.entry = None, ABSENT
        begun = perf_counter_ns()
        try:
            admitted = self._admit(argv, spec)
            reply = self._call(admitted, argv, wire)
            self._count(admitted, 1, begun, perf_counter_ns())
        except CommandError as error:
            if self.client.is_closing:
                return True
            error.__traceback__ = None
            reply = error
            self.server.stats.add_error(spec.name if spec else "", error.code, True)
        except Exception as error:  # a bug before the handler or after it; `end` has put the locks in order
            reply = self._failed(error, spec.name if spec else "", False)
        self._append_encoded(reply)
        return self.client.is_closing

    def _admit(self, argv: Argv, spec: CommandSpec | None) -> CommandSpec:
        """What stands between a client and a command, in Redis's order; gives the spec of the (sub)command."""
        if spec is None:
            spec = self.server.table.resolve(argv[0])
            if spec is None:
                if argv[0].lower() in HTTP_VERBS:  # a browser's forged request: nothing more is run or answered
                    self.server.stats.add("protocol_errors")
                    self.client.is_closing = True
                raise errors.UnknownCommand(argv)
        if spec.subcommands is not None and len(argv) > 1:
            subcommand = spec.subcommands.get(argv[1].lower())
            if subcommand is None:
                raise errors.UnknownSubcommand(spec.name.upper(), argv[1])
            spec = subcommand
        if not spec.accepts(len(argv)):
            raise errors.WrongArity(spec.name)
        if not self.client.authenticated and "no_auth" not in spec.flags:
            raise errors.NoAuth()
        return spec

    def _call(self, spec: CommandSpec, argv: Argv, wire: Wire | None) -> Any:
        """Get what the command needs to hold, run it, end the unit."""
        ctx = self.ctx
        if spec.gate == FREE:
            return self._guarded(spec, argv)
        if spec.gate != SHARED:
            (ctx.become_exclusive if spec.gate == EXCLUSIVE else ctx.take_turn)()
        try:
            if spec.keys:
                ctx.lock(spec.pairs(ctx.number, len(ctx.store.databases), argv))
                if not spec.writes:
                    self.counters.lookups += len(ctx.entries) - (spec.short_max > 0)
                    self.counters.misses += sum([entry.value is MISSING for entry in ctx.entries.values()])
            return self._guarded(spec, argv)
        finally:
            ctx.end(wire, argv)

    def _guarded(self, spec: CommandSpec, argv: Argv) -> Any:
        try:
            return spec.handler(self.ctx, *argv[spec.first_argument:])
        except Exception as error:  # as in the short way
            return self._failed(error, spec.name, spec.writes)

    def _failed(self, error: Exception, name: str, writes: bool) -> CommandError:
        """Turn what a handler raised into its reply. A bug goes to the log when no key is held any more."""
        ctx = self.ctx
        if isinstance(error, CommandError):
            error.__traceback__ = None  # it leads to frames that hold this very reply, and the entry
            reply = error
        else:
            is_memory = isinstance(error, MemoryError) and not ctx.dirty
            reply = errors.NotEnoughMemory() if is_memory else errors.InternalError()
            if not is_memory:
                self._bugs.append((name, error))
                self.server.stats.add("internal_errors")
            if writes:
                self._log_present_state()
        self.server.stats.add_error(name, reply.code, False)
        return reply

    def _log_present_state(self) -> None:
        """The command may have failed between a change and saying so: the log gets its keys as they are now."""
        try:
            self.ctx.log_present_state()
        except MemoryError as error:
            self._bugs.append(("(log of what a failed command left behind)", error))

    # --- replies and figures

    def _append_encoded(self, reply: Any) -> None:
        try:
            data = encode(reply, self.client.resp)
        except (TypeError, MemoryError) as error:  # a handler's bug, or a reply too big: the change itself stands
            self._bugs.append(("(encoding of a reply)", error))
            self.server.stats.add("internal_errors")
            data = errors.InternalError().wire
        self._out.append(data)
        self._big_bytes += len(data)
        if self._big_bytes > MAX_REPLY_BYTES and self._send is not None and self._inside:
            self._send_early(self._send)

    def _send_early(self, send: Sender) -> None:
        """Let go of the gate, send what there is, come back: a batch must not pile up replies without bound."""
        data = b"".join(self._out)
        self._out.clear()
        self._big_bytes = 0
        ctx = self.ctx
        ctx.gate.leave(self.member)
        try:
            ctx.log.drain()
            send(data)
        finally:
            ctx.gate.enter(self.member)

    def _count(self, spec: CommandSpec, calls: int, begun_ns: int, now_ns: int) -> None:
        """Count a run of one command."""
        row = self.counters.commands.get(spec)
        if row is None:
            row = self.counters.commands[spec] = [0, 0]
        row[0] += calls
        row[1] += now_ns - begun_ns
        self.client.last_command = spec.name
