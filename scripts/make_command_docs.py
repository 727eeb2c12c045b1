#!/usr/bin/env python3
"""Writes docs/commands.md from the command table: what each command does, since when, at what cost, with which flags.

    scripts/make_command_docs.py            write the page
    scripts/make_command_docs.py --check    say whether it is fresh: exit status 1 if it is not

All of it stands in the declarations, `@command` and the first line of the docstring; to change the page, change those.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mini_redis.commands.registry import make_table  # noqa: E402
from mini_redis.commands.table import FLAG_ORDER, CommandSpec  # noqa: E402
from mini_redis.version import REDIS_VERSION  # noqa: E402

PAGE = ROOT / "docs" / "commands.md"
INTRODUCTION = """\
# Commands

Written by `scripts/make_command_docs.py` from the declarations in `mini_redis/commands/`; a test compares the two.
Names, arguments, replies and errors are those of Redis {version}: its pages at <https://redis.io/commands> hold for
what is listed here, but for the differences in [compatibility.md](compatibility.md). *Since* is the version of Redis
that brought the command, the cost is that of this server, and the flags are those of `COMMAND INFO`.

{total} commands, {subcommands} of them subcommands.
"""


def render() -> str:
    """The whole page."""
    specs = sorted(_flatten(make_table().all_specs()), key=lambda spec: spec.name)
    groups: dict[str, list[CommandSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.group, []).append(spec)
    subcommands = sum(bool(spec.container) for spec in specs)
    parts = [INTRODUCTION.format(version=REDIS_VERSION, total=len(specs), subcommands=subcommands)]
    parts += [_render_group(group, groups[group]) for group in sorted(groups)]
    return "\n".join(parts)


def _flatten(specs: list[CommandSpec]) -> Iterator[CommandSpec]:
    """Commands and subcommands, without the containers that are no command by themselves."""
    for spec in specs:
        if not spec.subcommands or spec.accepts(1):
            yield spec
        yield from (spec.subcommands or {}).values()


def _render_group(group: str, specs: list[CommandSpec]) -> str:
    rows = [f"## {group.capitalize()}", ""]
    rows += ["| Command | What it does | Since | Cost | Flags |", "|---|---|---|---|---|"]
    rows += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(spec)) + " |" for spec in specs]
    return "\n".join(rows) + "\n"


def _cells(spec: CommandSpec) -> tuple[str, ...]:
    name = f"**{spec.name.replace('|', ' ').upper()}**"
    summary = spec.summary + (f" Deprecated since {spec.deprecated}." if spec.deprecated else "")
    return name, summary, spec.since, spec.complexity, " ".join(flag for flag in FLAG_ORDER if flag in spec.flags)


def main() -> int:
    """Write or check the page; the result is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare the page with the declarations")
    text = render()
    if parser.parse_args().check:
        is_fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        if not is_fresh:
            print(f"{PAGE.relative_to(ROOT)} is not what the declarations say: run scripts/make_command_docs.py")
        return 0 if is_fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
