#!/usr/bin/env python3
"""Compares mini_redis with a real Redis: the transcripts, then generated command sequences.

    scripts/compare_with_redis.py                              redis-server from the PATH
    scripts/compare_with_redis.py --redis-server /path/to/it --commands 100000 --seed 7 --coverage
    scripts/compare_with_redis.py --seed 7 --block 12          one block again, after a difference

Both servers are started here, on free ports, unless --redis or --ours names a running one; **its data is deleted**.
The sequences come in blocks of 1,000 commands. A block starts with empty servers and depends on nothing but the seed
and its number. Every chunk of some 100 commands is sent to both servers in one write, and followed by TYPE of every
key and DEBUG DIGEST; every block ends with digest, TTL and encoding of every key, and complete scans. Replies are
compared by the rules of reply_rules.py. After a difference the commands that lead to it are found by leaving out
others, both servers are emptied, and the comparison goes on.

Exit status: 0 if all is equal and explained, 1 for a difference or too little coverage, 2 if it could not run.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from command_generator import Command, Coverage, Generator, mentions  # noqa: E402
from command_grammar import Syntax, read_grammar  # noqa: E402
from command_values import DATABASES, KEYS  # noqa: E402
from compared_servers import NO_REPLY, SetupError, Target, running, started  # noqa: E402
from reply_rules import Pair, describe_kind, find_known, is_equal  # noqa: E402

from tests import resp  # noqa: E402
from tests.transcripts import runner  # noqa: E402

BLOCK, CHUNK = 1000, 100
FULL_RUN, QUOTA = 100_000, 50  # in so many commands every command and option must occur so many times
SHRINK_S = 5.0  # the time spent on finding the commands behind one difference


# Comparison


@dataclass
class Difference:
    """The first reply that differs in a chunk, and the commands sent since the servers were last empty."""

    block: int
    pair: Pair
    history: list[Command]
    count: int = 1


@dataclass
class Comparison:
    """Sends the same commands to both servers and judges the replies."""

    reference: Target
    ours: Target
    seed: int
    syntaxes: list[Syntax]
    now_s: int = field(default_factory=lambda: int(time.time()))
    coverage: Coverage = field(default_factory=Coverage)
    differences: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    explained: Counter[str] = field(default_factory=Counter)
    commands: int = 0

    def run_block(self, number: int) -> None:
        """One block of generated commands, then the checks of every key."""
        generator = Generator(f"{self.seed}/{number}", self.syntaxes, self.reference.version, self.now_s)
        self._reset()
        history: list[Command] = []
        done = 0
        while done < BLOCK:
            chunk = generator.commands(CHUNK)
            done += len(chunk)
            equal = self._run_chunk(number, chunk, history, count=True)
            if equal and self._run_chunk(number, _closing(chunk), history):
                generator.note_types(self._types)
            else:
                self._reset()
                history.clear()
                generator.note_types({})
        self.commands += done
        if self._run_chunk(number, _checkpoint(), history):
            self.check_scans(number, history)

    def _run_chunk(self, block: int, commands: list[Command], history: list[Command], count: bool = False) -> bool:
        """Whether both servers answered all the commands alike, or with known differences that change no data."""
        pairs = self.exchange(commands)
        for position, pair in enumerate(pairs):
            if count and not pair.command.probe:
                self.coverage.note(pair.command, isinstance(pair.expected, resp.Error))
            if is_equal(pair):
                continue
            known = find_known(pair)
            if known is None:
                end = len(commands) if _is_lost(pair) else position + 1
                self._report(Difference(block, pair, history + commands[:end]))
                return False
            self.explained[known.reason] += 1
            if known.diverges:
                return False
        history += commands
        typed = [pair for pair in pairs if pair.command.label == "TYPE" and not isinstance(pair.expected, resp.Error)]
        self._types = {pair.argv[1]: pair.expected.text for pair in typed}
        return True

    def exchange(self, commands: list[Command]) -> list[Pair]:
        """Send the commands to both servers at the same time and pair their replies."""
        expected, got = [], []
        for batch in _batches(commands):
            frames = b"".join(resp.encode_command(command.argv) for command in batch)
            self.reference.send(frames)
            self.ours.send(frames)
            expected += self.reference.read(len(batch))
            got += self.ours.read(len(batch))
            if batch[-1].pause_ms:
                time.sleep(batch[-1].pause_ms / 1000)
            if batch[-1].label == "QUIT":
                self.reference.connect()
                self.ours.connect()
        pairs, probe = [], (None, None)
        for command, *replies in zip(commands, expected, got):
            pairs.append(Pair(command, *replies, probe, self.reference.version, self.reference.is_valkey))
            probe = (replies[0], replies[1]) if command.probe else (None, None)
        return pairs

    def check_scans(self, block: int, history: list[Command]) -> None:
        """Walk SCAN, SSCAN and HSCAN to their ends on both servers; they must return the same."""
        for prefix in [[b"SCAN"], *([name, key] for name in (b"SSCAN", b"HSCAN") for key in KEYS)]:
            expected, got = (scan_fully(target.client, prefix) for target in (self.reference, self.ours))
            if expected != got:
                command = Command([*prefix, b"0", b"COUNT", b"3"], prefix[0].decode())
                self._report(Difference(block, Pair(command, expected, got), [*history, command]))

    def _reset(self) -> None:
        self.reference.reset()
        self.ours.reset()
        self._types: dict[bytes, str] = {}

    def _report(self, difference: Difference) -> None:
        """Count the difference, and show it if it is the first of its sort."""
        pair = difference.pair
        sort = (pair.command.label, describe_kind(pair.expected), describe_kind(pair.got))
        if sort in self.differences:
            self.differences[sort].count += 1
            return
        self.differences[sort] = difference
        if self._still_differs(difference.history, difference):
            difference.history = self._shrink(difference)
        else:
            difference.history[-40:-40] = [Command([b"(sent again, they do not differ; these came last)"], "")]
        print(self.describe(difference), flush=True)

    def describe(self, difference: Difference) -> str:
        """The difference for people: how to get it again, the commands that lead to it, both replies."""
        names = [f"{target.name} {'.'.join(map(str, target.version))}" for target in (self.reference, self.ours)]
        replies = [_brief(resp.format_like_redis_cli(r)) for r in (difference.pair.expected, difference.pair.got)]
        lines = [f"DIFFERENCE in {difference.pair.command.label} (--seed {self.seed} --block {difference.block})"]
        lines += ["  > " + _brief(" ".join(map(resp.quote, command.argv))) for command in difference.history[-41:]]
        lines += [f"  {name:<18} {reply}" for name, reply in zip(names, replies)]
        return "\n".join(lines) + "\n"

    def _shrink(self, difference: Difference) -> list[Command]:
        """A short sequence that still ends in a difference: first only commands about the same keys, then pieces of
        falling size left out while the rest still shows it."""
        history, deadline = difference.history, time.monotonic() + SHRINK_S
        tail = 0 if _is_lost(difference.pair) else 2 if len(history) > 1 and history[-2].probe else 1
        before, last = history[: len(history) - tail], history[len(history) - tail :]
        keys = set(difference.pair.argv[1:]).intersection(KEYS) if tail else set()
        related = [command for command in before if mentions(command, keys)]
        if keys and self._still_differs(related + last, difference):
            before = related
        size = len(before)
        while size and time.monotonic() < deadline:
            start = 0
            while start < len(before) and time.monotonic() < deadline:
                fewer = before[:start] + before[start + size :]
                if self._still_differs(fewer + last, difference):
                    before = fewer
                else:
                    start += size
            size //= 2
        return before + last

    def _still_differs(self, commands: list[Command], difference: Difference) -> bool:
        """Whether the last reply to these commands differs; or any is missing, if that was the difference."""
        self._reset()
        if not commands:
            return False
        pairs = self.exchange(commands)
        if _is_lost(difference.pair):
            return any(map(_is_lost, pairs))
        return not is_equal(pairs[-1]) and find_known(pairs[-1]) is None


def _is_lost(pair: Pair) -> bool:
    """Whether our server closed the connection or hung. The command to blame may then be any later one: a server
    that fails may take replies along that it had not sent yet."""
    return isinstance(pair.got, resp.Error) and pair.got.startswith(NO_REPLY)


def _batches(commands: list[Command]) -> Iterator[list[Command]]:
    """Commands that can be sent in one write: up to those that need a pause or end the connection. A login begins a
    new one, because Redis 8.2 loses the error of a failed login if replies before it are still unsent."""
    batch: list[Command] = []
    for command in commands:
        if command.label in ("AUTH", "HELLO") and batch:
            yield batch
            batch = []
        batch.append(command)
        if command.pause_ms or command.label == "QUIT":
            yield batch
            batch = []
    if batch:
        yield batch


def _closing(chunk: list[Command]) -> list[Command]:
    """What follows every chunk. TYPE makes keys that have expired go, in the database used last as well."""
    types = [Command([b"TYPE", key], "TYPE") for key in KEYS]
    back = [Command([b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1"], "DEBUG"), Command([b"SELECT", b"0"], "SELECT")]
    digest = [Command([b"DEBUG", b"DIGEST"], "DEBUG DIGEST")]
    return (types if chunk[-1].pause_ms else []) + back + types + digest


def _checkpoint() -> list[Command]:
    """What ends every block: all that can be asked about every key of every database."""
    questions = ["TYPE", "DEBUG DIGEST-VALUE", "PTTL", "LLEN", "OBJECT ENCODING"]
    result = []
    for number in reversed(range(DATABASES)):
        result += [Command([b"SELECT", b"%d" % number], "SELECT"), Command([b"DBSIZE"], "DBSIZE")]
        for key, label in itertools.product(KEYS, questions):
            result.append(Command([*label.encode().split(), key], label, probe=label == "LLEN"))
    return result


def scan_fully(client: resp.Client, prefix: list[bytes]) -> Any:
    """The sorted set of all that a scan returns until its cursor is 0 again; an error as it is."""
    cursor, seen = b"0", set()
    while True:
        reply = client.execute(*prefix, cursor, b"COUNT", b"3")
        if isinstance(reply, resp.Error):
            return reply
        cursor, items = reply
        seen.update(items)
        if cursor == b"0":
            return sorted(seen)


def _brief(text: str) -> str:
    return text if len(text) < 700 else f"{text[:600]} ... ({len(text)} characters)"


# The whole run


def supported(reference: Target, ours: Target) -> list[Syntax]:
    """The grammar as far as the reference knows it. What ours lacks is not left out: that is a difference."""
    syntaxes = read_grammar(reference.version)
    names = sorted({syntax.name for syntax in syntaxes})
    known = reference.connect().execute("COMMAND", "INFO", *names)
    return [syntax for syntax in syntaxes if known[names.index(syntax.name)] not in (None, resp.NULL_ARRAY)]


def run_transcripts(target: Target) -> int:
    """Run every transcript against one server. Returns how many cases differ."""
    problems = [p for path in runner.transcript_paths() for p in runner.run_file(path, target.host, target.port)]
    for problem in problems:
        print(f"TRANSCRIPT on {target.name}: {problem}\n")
    return len(problems)


def print_coverage(coverage: Coverage, syntaxes: list[Syntax]) -> None:
    """The table of commands and options with how often each gave a reply and an error."""
    print(f"{'group':<12}{'command':<24}{'option':<18}{'replies':>9}{'errors':>9}")
    for group, label, option, successes, errors in coverage.rows(syntaxes):
        print(f"{group:<12}{label:<24}{option:<18}{successes:>9}{errors:>9}")


def find_gaps(coverage: Coverage, syntaxes: list[Syntax], commands: int) -> list[str]:
    """After a run of full length: targets that occurred too seldom, or never with one of success and error."""
    if commands < FULL_RUN:
        return []
    rows = [(f"{label} {option}".strip(), s, e) for _, label, option, s, e in coverage.rows(syntaxes)]
    return [
        f"{name}: {successes} replies, {errors} errors"
        for name, successes, errors in rows
        if successes + errors < QUOTA
        or (not successes and name not in NEVER_SUCCEED)
        or (not errors and name not in NEVER_FAIL)
    ]


NEVER_SUCCEED = {"OBJECT FREQ"}  # without an LFU policy
NEVER_FAIL = {"QUIT", "INFO", "INFO [section]", "COMMAND INFO", "DEBUG DIGEST-VALUE"}  # any arguments will do


def compare(reference: Target, ours: Target, options: argparse.Namespace) -> int:
    """One comparison, as the command line asks for it. Returns the number of problems."""
    problems = 0
    if options.transcripts and options.block is None:
        problems += sum(run_transcripts(target) for target in (reference, ours) if not target.is_valkey)
    comparison = Comparison(reference, ours, options.seed, supported(reference, ours))
    blocks = range(-(-options.commands // BLOCK)) if options.block is None else [options.block]
    start_s = time.monotonic()
    for block in blocks:
        comparison.run_block(block)
        if len(comparison.differences) >= options.max_differences:
            print(f"stopped after {len(comparison.differences)} sorts of differences")
            break
    for target in (reference, ours):
        target.reset()
    return problems + summarise(comparison, options, time.monotonic() - start_s)


def summarise(comparison: Comparison, options: argparse.Namespace, seconds: float) -> int:
    """Print what came of it. Returns the number of problems."""
    if options.coverage:
        print_coverage(comparison.coverage, comparison.syntaxes)
    gaps = [] if options.block is not None else find_gaps(comparison.coverage, comparison.syntaxes, comparison.commands)
    for gap in gaps:
        print(f"TOO LITTLE COVERAGE of {gap}")
    for reason, count in comparison.explained.most_common():
        print(f"explained, {count} times: {reason}")
    found = sum(difference.count for difference in comparison.differences.values())
    print(
        f"{comparison.reference.name} and {comparison.ours.name}: {comparison.commands} commands, "
        f"{comparison.commands / seconds:.0f} a second; {found} differences of {len(comparison.differences)} sorts"
    )
    return len(comparison.differences) + len(gaps)


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare mini_redis with a real Redis server.")
    parser.add_argument("--redis-server", action="append", default=[], metavar="PATH", help="start this server")
    parser.add_argument("--redis", action="append", default=[], metavar="HOST:PORT", help="use this; deletes its data")
    parser.add_argument("--ours", metavar="HOST:PORT", help="in place of starting mini_redis; deletes its data")
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--block", type=int, help="only this block of the seed")
    parser.add_argument("--coverage", action="store_true", help="print the table of commands and options")
    parser.add_argument("--no-transcripts", dest="transcripts", action="store_false")
    parser.add_argument("--max-differences", type=int, default=30, metavar="N", help="stop after so many sorts")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Compare with every reference in turn."""
    options = parse_options(arguments)
    if not options.redis_server and not options.redis:
        options.redis_server = [shutil.which("redis-server") or "redis-server"]
    problems = 0
    try:
        with ExitStack() as stack:
            ours = (
                running("ours", options.ours)
                if options.ours
                else stack.enter_context(started("mini_redis", [sys.executable, "-m", "mini_redis"]))
            )
            references = [running("redis", address) for address in options.redis]
            references += [stack.enter_context(started("redis", [path])) for path in options.redis_server]
            problems = sum(compare(reference, ours, options) for reference in references)
    except (SetupError, OSError) as problem:
        print(f"cannot compare: {problem}", file=sys.stderr)
        return 2
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
