"""README and docs are true: every command in the README is run, every transcript compared, every example executed.

A fenced block's language says what becomes of it: ``sh`` lines are commands; ``console`` is ``$ command`` and what it
prints; ``python`` is executed, and ``# prints ...`` behind a print says what; ``ini`` is a systemd unit whose command
is run. Whatever names port 6379 gets a free port.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from mini_redis import Server, __version__
from mini_redis.clock import ManualClock
from mini_redis.commands import lists, registry
from mini_redis.store.ranks import RANKS
from tests.test_architecture import MAY_IMPORT
from tests.transcripts import runner

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "mini_redis"
LIMIT_S = 30
READY = "Ready to accept connections on "
PAGES = ["README.md", "CHANGELOG.md", "docs/tour.md", "docs/architecture.md", "docs/concurrency.md", "docs/glossary.md"]
COLLEAGUES_PAGES = {"docs/compatibility.md", "docs/benchmarks.md", "docs/commands.md"}
SERVE = "python3 -m mini_redis"


def read(page):
    return (CHECKOUT / page).read_text("utf-8")


def blocks(page, language=None):
    """(language, text) of every fenced block, or the texts of one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language] if language else found


def table_rows(page, heading):
    """The cells of each row of the table whose header row begins with ``heading``."""
    table = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", read(page), re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


# --- the README's commands


@contextlib.contextmanager
def serving(command, folder):
    """A process that runs ``python3 -m mini_redis ...`` on a free port; gives (port, lines until it is ready)."""
    words = shlex.split(command)
    assert words[1:3] == ["-m", "mini_redis"]
    is_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    interpreter = [sys.executable, *([] if is_enabled() else ["-X", "gil=0"])]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen([*interpreter, *words[1:], "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=folder,
                               stderr=subprocess.PIPE, env=environment)
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if READY in line:
                break
        else:
            pytest.fail(f"{command}: no server: {process.communicate()[1]}")
        yield int(re.search(r":(\d+)$", lines[-1].partition(READY)[2].split(", ")[0])[1]), lines
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with serving(SERVE, tmp_path_factory.mktemp("server")) as (number, _):
        yield number


SHELL_LINES = [line for text in blocks("README.md", "sh") for line in text.splitlines()]
SERVERS = [line for line in SHELL_LINES if line.startswith(SERVE) and "--help" not in line]
CONSOLES = {text.splitlines()[0][2:].split()[0]: text.splitlines() for text in blocks("README.md", "console")
            if text.splitlines()[0] != "$ " + SERVE and "| nc " not in text}
NC_SESSION = next(text.splitlines() for text in blocks("README.md", "console") if "| nc " in text)


def test_there_are_two_commands_and_no_block_is_left_out():
    assert blocks("README.md", "sh")[0].splitlines() == [SERVE, "scripts/test"]
    assert {language for language, _ in blocks("README.md")} == {"sh", "console", "python", "ini"}
    assert set(SHELL_LINES) == {*SERVERS, "scripts/test", SERVE + " --help"}
    assert set(CONSOLES) == {"redis-cli"} and len(blocks("README.md", "console")) == 3


@pytest.mark.parametrize("command", SERVERS)
def test_a_command_that_serves(command, tmp_path):
    (tmp_path / "my.conf").write_text("maxclients 100\n")
    with serving(command, tmp_path):
        pass


def test_the_help():
    command = [sys.executable, "-m", "mini_redis", "--help"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 0 and result.stdout.startswith("Usage: mini-redis ") and not result.stderr


def test_scripts_test_can_be_run():
    """It is what runs this test, so it is only asked for its help."""
    assert os.access(CHECKOUT / "scripts/test", os.X_OK)
    need("bash")
    result = subprocess.run(["scripts/test", "--help"], cwd=CHECKOUT, capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 0 and result.stdout.startswith("Usage: scripts/test ")


def test_the_banner_is_what_is_printed(tmp_path):
    """But for pid, time, version of Python, port, and the IPv6 address, which not every machine has."""
    def without_accidents(line):
        line = re.sub(r"^\d+:M \d\d \w{3} \d{4} [\d:.]+ ", "", line)
        line = re.sub(r", \[::1\]:\d+$", "", line)
        return re.sub(r"(?<=Python )[\w.+]+|(?<=pid )\d+$|(?<=127\.0\.0\.1:)\d+$", "N", line)

    shown = next(text.splitlines() for text in blocks("README.md", "console") if text.startswith("$ " + SERVE + "\n"))
    assert f"mini_redis {__version__} on" in shown[1]
    with serving(SERVE, tmp_path) as (_, lines):
        assert list(map(without_accidents, lines)) == list(map(without_accidents, shown[1:]))


def test_the_session_with_redis_cli(port):
    need("redis-cli")
    prompt = "127.0.0.1:6379> "
    shown = CONSOLES["redis-cli"]
    assert shown[0] == "$ redis-cli"
    printed = shown[:1]
    for line in shown[1:]:
        if line.startswith(prompt):
            result = subprocess.run(["redis-cli", "-p", str(port), "--no-raw"], input=line.removeprefix(prompt) + "\n",
                                    capture_output=True, text=True, timeout=LIMIT_S)
            printed += [line, *result.stdout.rstrip("\n").splitlines()]
    assert printed == shown


def test_the_session_with_nc(port):
    need("nc")
    need("bash")
    command, *shown = NC_SESSION
    assert command.startswith("$ ") and command.endswith(" 6379")
    command = command[2:].replace("6379", str(port))
    result = subprocess.run(["bash", "-c", command], capture_output=True, timeout=LIMIT_S)
    assert result.stdout.decode().replace("\r\n", "\n").splitlines() == shown


@pytest.mark.parametrize("text", blocks("README.md", "python"), ids=["with a client", "in process"])
def test_python_examples(text):
    if "import redis" in text:
        pytest.importorskip("redis")
    expected = re.findall(r"# prints (.*)", text)
    assert expected and len(expected) == text.count("print(")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "README.md", "exec"), {})
    assert out.getvalue().splitlines() == expected


def test_the_service(tmp_path):
    (text,) = blocks("README.md", "ini")
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1]
    with serving(command, tmp_path):
        pass
    if shutil.which("systemd-analyze") is None:
        pytest.skip("its command runs; systemd-analyze is not installed, so the unit's other lines are not checked")
    unit = tmp_path / "mini_redis.service"
    unit.write_text(text.replace("/opt/mini_redis", str(CHECKOUT)).replace("/usr/bin/python3", sys.executable))
    result = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=LIMIT_S)
    assert "mini_redis.service:" not in result.stderr


def test_the_installed_command_is_declared():
    assert "mini-redis = mini_redis.__main__:run" in read("setup.cfg")


def test_what_is_not_there_is_refused():
    section = read("README.md").partition("## What is not there yet")[2].partition("\n## ")[0]
    names = {word for word in code_words(section) if word.replace(" ", "").isupper()}
    assert len(names) > 15
    session = Server().new_session()
    for name in names:
        assert session.execute(name.encode() + b" a b c\r\n").startswith(b"-ERR unknown "), name
    assert session.execute(b"CONFIG SET maxmemory 1mb\r\n").startswith(b"-ERR ")
    session.close()


# --- the tour


STOPS = table_rows("docs/tour.md", "Stop")


def lines_of(cell):
    return sum(len((PACKAGE / name).read_text("utf-8").splitlines()) for name in code_words(cell))


@pytest.mark.parametrize("stop, files, shown", STOPS, ids=[row[0] for row in STOPS])
def test_the_lines_of_a_stop(stop, files, shown):
    """Within a tenth: change docs/tour.md when a file has grown more."""
    assert abs(lines_of(files) - int(shown)) <= max(20, int(shown) / 10), lines_of(files)


def test_the_lines_of_the_core():
    shown = int(re.search(r"about ([\d,]+) lines", read("docs/tour.md"))[1].replace(",", ""))
    total = sum(lines_of(files) for _, files, _ in STOPS)
    assert total < 4000
    assert abs(total - shown) <= 150, total


def test_the_command_that_the_tour_adds(monkeypatch):
    """The code runs with what commands/lists.py has imported, and the cases of the transcript pass."""
    (code,), (cases,) = blocks("docs/tour.md", "python"), blocks("docs/tour.md", "transcript")
    module = types.ModuleType("added")
    namespace = {**vars(lists), "__name__": "added"}
    before = set(namespace)
    exec(compile("from __future__ import annotations\n" + code, "docs/tour.md", "exec"), namespace)
    vars(module).update({name: namespace[name] for name in set(namespace) - before})
    monkeypatch.setattr(registry, "MODULES", (*registry.MODULES, module))
    clock, chunks = ManualClock(), []
    with Server(port=0, clock=clock) as server:
        server.write_log.attach(chunks.append)
        for case in runner.read_cases(cases):
            runner.check_case(case, runner.Session("127.0.0.1", server.port, clock.advance))
        server.write_log.flush()
    log = b"".join(chunks)
    assert b"$9\r\nRPOPLPUSH\r\n$1\r\nk\r\n$1\r\nk\r\n" in log and b"LROTATE" not in log


# --- what the pages say of the code


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_exist(page):
    text = read(page)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        path = (CHECKOUT / page).parent / target
        assert path.exists() or path.resolve().relative_to(CHECKOUT).as_posix() in COLLEAGUES_PAGES, target
    for name in re.findall(r"`([\w/]+/[\w/]*\w\.(?:py|md|transcript))`", text):
        assert (CHECKOUT / name).exists() or (PACKAGE / name).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_names_of_the_code_exist(page):
    """`Class.method` and `_name`, where they are all of a word set as code."""
    sources = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    for name in re.findall(r"`((?:[A-Z]\w*\.)?\w+)`", read(page)):
        if "." in name or name.startswith("_"):
            for part in name.split("."):
                assert re.search(rf"\b{part}\b", sources), name


def test_the_table_of_layers_is_the_one_that_is_checked():
    rows = table_rows("docs/architecture.md", "Layer")
    layers = [code_words(units) for _, units, _ in rows]
    assert {unit for units in layers for unit in units} == set(MAY_IMPORT) - {"commands.context"}
    for number, units in enumerate(layers):
        above = {unit for later in layers[number + 1:] for unit in later}
        for unit in units:
            assert not MAY_IMPORT[unit] & above, f"{unit} may import what the page puts above it"


def test_the_kinds_of_commands():
    kinds = {}
    for spec in registry.make_table().all_specs():
        for one in (spec, *(spec.subcommands or {}).values()):
            kinds.setdefault(one.gate, set()).add(one.name.upper().replace("|", " "))
    for kind, _, shown in table_rows("docs/architecture.md", "Kind (`gate=`)"):
        if shown != "nearly all":
            names = {re.sub("^CLIENT .*", "CLIENT", name) for name in kinds[kind.strip("`").lower()]}
            assert names == set(shown.split(", "))


def test_the_table_of_locks_is_that_of_the_code():
    rows = table_rows("docs/concurrency.md", "Rank")
    assert {name: float(rank) for rank, names, *_ in rows for name in code_words(names)} == RANKS


def test_each_rule_names_tests_that_exist():
    """And each way of breaking a rule that is tested stands in the table."""
    files = {path.name: path.read_text("utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py")}
    named = {word for _, tests in table_rows("docs/concurrency.md", "Rule") for word in code_words(tests)}
    defined = {name for text in files.values() for name in re.findall(r"^def (\w+)", text, re.MULTILINE)}
    assert named <= defined, named - defined
    broken = set(re.findall(r"^    Rule\((\w+),", files["test_broken_rules.py"], re.MULTILINE))
    assert broken <= named, "add these to the table of rules in docs/concurrency.md"


def test_the_glossary_is_in_order():
    words = [word.casefold() for word, _ in table_rows("docs/glossary.md", "Word")]
    assert words == sorted(words) and len(words) == len(set(words))
