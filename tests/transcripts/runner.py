"""Replays transcripts: sessions as redis-cli would show them, in files that a person can read and write.

    # LPUSHX leaves a missing key missing
    > LPUSHX nokey a
    (integer) 0

A case is a title, settings, and commands each followed by its reply. It starts with every database empty and
on a fresh connection. Text before the first case is the file's introduction. The marks:

    > GET k            a command, quoted as in redis-cli
    >b GET k           the same from a second client (any letter)
    >3 HGETALL h       over RESP3; HELLO is sent first where needed
    ~> SMEMBERS s      the order of the reply's strings does not matter; also ~>b and so on
    @ +1500ms          time passes
    !config name value a directive, set before the case and set back after it
    !since 7.4         the case is left out on servers older than this version
    !until 8.0         and this on servers of that version or newer

In an expected reply `<int>` stands for any whole number, `<any>` for any text within a line, and a line `...` for
any number of lines.

    python -m tests.transcripts.runner --redis HOST:PORT [--record] [NAME ...]

runs them against a running server, whose data it deletes; `--record` writes the server's replies into the
files wherever they differ from what stands there.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import resp

FOLDER = Path(__file__).parent
_COMMAND = re.compile(r"(~?)>([a-z]?)(3?) (.*)")


@dataclass
class Step:
    """One command with its marks and the lines expected; or, with `advance_ms`, time passing."""

    line: str
    expected: list[str] = field(default_factory=list)
    advance_ms: int = 0


@dataclass
class Case:
    """One titled case of a transcript."""

    title: str
    settings: list[list[str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def runs_on(self, version: str) -> bool:
        """Whether `!since` and `!until` admit a server of this version."""
        bounds = {"since": True, "until": False}
        number = _version(version)
        return all((number >= _version(s[1])) is bounds[s[0]] for s in self.settings if s[0] in bounds)


def read_cases(text: str) -> list[Case]:
    """The cases of a transcript file; ValueError for a line that belongs to none."""
    cases: list[Case] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            cases.append(Case(line[2:]))
        elif not cases:
            continue
        elif line.startswith("!"):
            cases[-1].settings.append(line[1:].split(maxsplit=2))
        elif match := re.fullmatch(r"@ \+(\d+)ms", line):
            cases[-1].steps.append(Step(line, advance_ms=int(match.group(1))))
        elif _COMMAND.fullmatch(line):
            cases[-1].steps.append(Step(line))
        elif line and not cases[-1].steps:
            raise ValueError(f"line {number}: a reply without a command: {line}")
        elif line:
            cases[-1].steps[-1].expected.append(line)
    return cases


def write_cases(introduction: str, cases: list[Case]) -> str:
    """The text of a transcript file, as `read_cases` takes it."""
    blocks = [introduction.rstrip()] if introduction.strip() else []
    for case in cases:
        lines = [f"# {case.title}", *("!" + " ".join(setting) for setting in case.settings)]
        for step in case.steps:
            lines += [step.line, *(line.rstrip() for line in step.expected)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


class Session:
    """The clients of one case. `advance` makes time pass; against a real server that is a real sleep."""

    def __init__(self, host: str, port: int, advance: Callable[[int], None] | None = None) -> None:
        self.address = (host, port)
        self.advance = advance or (lambda milliseconds: time.sleep(milliseconds / 1000))
        self.control = resp.connect(host, port)
        self.clients: dict[str, resp.Client] = {}
        self.protocols: dict[str, str] = {}

    def play(self, case: Case) -> Iterator[tuple[Step, list[str]]]:
        """Each command step of the case with the lines of its reply. Closes every connection at the end."""
        undo = []
        try:
            self.control.execute("FLUSHALL")
            for _, name, value in (setting for setting in case.settings if setting[0] == "config"):
                undo.append((name, self.control.execute("CONFIG", "GET", name)[1]))
                reply = self.control.execute("CONFIG", "SET", name, value.strip('"'))
                assert reply == resp.OK, f"CONFIG SET {name} {value}: {reply}"
            for step in case.steps:
                if step.advance_ms:
                    self.advance(step.advance_ms)
                else:
                    yield step, [text for text in self._run(step.line).splitlines() if text]
        finally:
            for name, value in reversed(undo):
                self.control.execute("CONFIG", "SET", name, value)
            for client in [self.control, *self.clients.values()]:
                client.close()

    def _run(self, line: str) -> str:
        unordered, letter, protocol, command = _COMMAND.fullmatch(line).groups()  # type: ignore[union-attr]
        argv = resp.split_command(command)
        if letter not in self.clients:
            self.clients[letter] = resp.connect(*self.address)
        client, name = self.clients[letter], argv[0].upper()
        if protocol and self.protocols.get(letter, "2") == "2":
            client.execute("HELLO", "3")
            self.protocols[letter] = "3"
        try:
            reply = client.execute(*argv)
        except ConnectionError:
            del self.clients[letter]
            return "(connection closed)"
        if name == b"RESET":
            self.protocols[letter] = "2"
        elif name == b"HELLO" and len(argv) > 1 and not isinstance(reply, resp.Error):
            self.protocols[letter] = argv[1].decode()
        pushes = [resp.format_like_redis_cli(push) for push in client.pushes]
        client.pushes.clear()
        return "\n".join([resp.format_like_redis_cli(_sorted(reply) if unordered else reply), *pushes])


def _sorted(reply: object) -> object:
    """The reply with every list of nothing but strings in sorted order."""
    if not isinstance(reply, list):
        return reply
    if all(type(item) is bytes for item in reply):
        return type(reply)(sorted(reply))
    if isinstance(reply, resp.Map):
        return resp.Map(sorted(reply))
    return type(reply)(_sorted(item) for item in reply)


def matches(expected: list[str], lines: list[str]) -> bool:
    """Whether the lines are those expected, placeholders considered and spaces at their ends not."""
    lines = [line.rstrip() for line in lines]
    pattern = "".join("(?:.*\n)*" if line == "..." else re.escape(line.rstrip()) + "\n" for line in expected)
    pattern = pattern.replace("<int>", r"-?\d+").replace("<any>", ".*")
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines)) is not None


def check_case(case: Case, session: Session) -> None:
    """Play a case; AssertionError at the first reply that is not the expected one."""
    for step, lines in session.play(case):
        assert matches(step.expected, lines), (
            f"{case.title}\n{step.line}\nexpected:\n" + "\n".join(step.expected) + "\ngot:\n" + "\n".join(lines)
        )


def transcript_paths(names: list[str] | None = None) -> list[Path]:
    """The transcript files, or those with the given stems."""
    paths = sorted(FOLDER.glob("*.transcript"))
    return [path for path in paths if not names or path.stem in names]


def read_version(host: str, port: int) -> str:
    """The redis_version of a running server, such as 7.4.1."""
    with resp.connect(host, port) as client:
        match = re.search(rb"redis_version:(\S+)", client.execute("INFO", "server"))
    return match.group(1).decode() if match else "0"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def run_file(path: Path, host: str, port: int, record: bool = False) -> list[str]:
    """Run the cases of a file against a server. Returns a description of each that differs."""
    text, version, problems = path.read_text(encoding="utf-8"), read_version(host, port), []
    cases = read_cases(text)
    for case in (case for case in cases if case.runs_on(version)):
        if record:
            for step, lines in Session(host, port).play(case):
                step.expected = step.expected if matches(step.expected, lines) else lines
            continue
        try:
            check_case(case, Session(host, port))
        except AssertionError as problem:
            problems.append(f"{path.name}: {problem}")
    if record:
        introduction = text[: text.index("# " + cases[0].title)]
        path.write_text(write_cases(introduction, cases), encoding="utf-8")
    return problems


def main() -> int:
    """The command line; exit status 1 if any case differs."""
    parser = argparse.ArgumentParser(description="Run transcripts against a running server (its data is deleted).")
    parser.add_argument("--redis", required=True, metavar="HOST:PORT")
    parser.add_argument("--record", action="store_true", help="write the server's replies into the files")
    parser.add_argument("names", nargs="*", help="file stems, such as lists; default: all")
    options = parser.parse_args()
    host, _, port = options.redis.rpartition(":")
    problems = [p for path in transcript_paths(options.names) for p in run_file(path, host, int(port), options.record)]
    print("\n\n".join([*problems, f"{len(problems)} cases differ"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
