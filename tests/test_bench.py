"""The benchmark scripts: that they run, measure what they say, and that their check can fail."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

import bench  # noqa: E402  # found by the line above
import bench_core  # noqa: E402
import benchlib  # noqa: E402
import plot_benchmarks  # noqa: E402

on_linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="CPU and memory are read from /proc")


@pytest.fixture
def null_server():
    """A running null server."""
    server = benchlib.RunningServer(benchlib.find_servers(sys.executable, sys.executable)["null"])
    server.wait_until_ready()
    yield server
    server.stop()


# --- statistics

def test_the_median_of_round_ratios_survives_a_drifting_machine():
    ours, theirs = [{"rps": 50}, {"rps": 100}, {"rps": 300}], [{"rps": 100}, {"rps": 200}, {"rps": 500}]
    assert benchlib.compare(ours, theirs, "rps") == {"of_medians": 0.5, "of_rounds": 0.5}


def test_a_figure_that_one_side_lacks_gives_no_ratio():
    assert benchlib.compare([{"rps": 1}], [], "rps") is None
    assert benchlib.compare([{"rps": None}], [{"rps": 2}], "rps") is None


def test_a_summary_skips_what_was_not_measured():
    assert benchlib.summarize([{"cpu_us": None, "rps": 1}, {"cpu_us": 4, "rps": 3}]) == {"cpu_us": 4, "rps": 2}


# --- the small client

@pytest.mark.parametrize("reply", [b"+OK\r\n", b"-ERR no\r\n", b":12\r\n", b"$3\r\nabc\r\n", b"$0\r\n\r\n", b"$-1\r\n",
                                   b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", b"*0\r\n", b"*-1\r\n", b"$4\r\na\r\nb\r\n"])
def test_a_reply_ends_where_its_last_byte_is_and_not_before(reply):
    assert benchlib.find_reply_end(reply + b"+next\r\n", 0) == len(reply)
    for cut in range(len(reply)):
        assert benchlib.find_reply_end(reply[:cut], 0) == -1


def test_the_small_client_prints_what_redis_benchmark_prints(null_server):
    load = benchlib.Load((b"SET", b"key:__rand_int__", b"xxx"), clients=3, pipeline=5, keyspace=10)
    figures = benchlib.run_load(null_server.port, load, 300, timeout_s=30, small_client=True)
    assert figures["rps"] > 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_the_small_client_sends_random_keys_within_the_keyspace(null_server):
    load = benchlib.Load((b"SET", b"key:__rand_int__", b"xxx"), clients=1, keyspace=2)
    client = benchlib.SmallClient(null_server.port, load, 10)
    client.run()
    keys = {batch.split(b"\r\n")[4] for batch in client._batches}
    assert keys == {b"key:000000000000", b"key:000000000001"}
    assert len(client.latencies_ms) == 10


@pytest.mark.skipif(not shutil.which("redis-benchmark"), reason="redis-benchmark is not installed")
def test_redis_benchmark_is_used_where_installed(null_server):
    load = benchlib.Load((b"SET", b"key:__rand_int__", b"xxx"), clients=2)
    assert benchlib.run_load(null_server.port, load, 200, timeout_s=30)["rps"] > 0


# --- servers

def test_the_null_server_answers_each_command_once(null_server):
    with benchlib.Connection(null_server.port) as connection:
        connection.socket.sendall(benchlib.encode_command([b"SET", b"k", b"v"]) * 3)
        assert [connection._read_reply() for _ in range(3)] == [b"+OK\r\n"] * 3


def test_a_server_that_ends_at_once_is_reported_with_its_last_words():
    kind = benchlib.ServerKind("broken", (sys.executable, "-c", "raise SystemExit('no such luck')"), "0")
    with pytest.raises(benchlib.BenchmarkError, match="broken did not start: no such luck"):
        benchlib.RunningServer(kind).wait_until_ready()


@on_linux
def test_somebody_else_at_work_is_noticed(null_server):
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with benchlib.Stopwatch(null_server.pid) as watch:
            with contextlib.suppress(subprocess.TimeoutExpired):
                other.wait(0.5)
        assert watch.was_disturbed()
    finally:
        other.kill()
        other.wait()


# --- the whole script

def run_bench(*words: str) -> tuple[int, str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = bench.main([*words, "--rounds", "2", "--seconds", "0.05"])
    return status, printed.getvalue()


def test_bench_measures_and_writes_json(tmp_path):
    path = tmp_path / "server.json"
    status, printed = run_bench("--servers", "null", "--only", "set_c10_p1", "--only", "connects", "--json", str(path))
    assert status == 0
    document = json.loads(path.read_text())
    assert [case["name"] for case in document["cases"]] == ["set_c10_p1", "connects"]
    assert len(document["cases"][0]["samples"]["null"]) == 2
    assert document["machine"]["python"].split()[1] in printed


def test_bench_measures_mini_redis_against_its_ceiling():
    status, printed = run_bench("--servers", "null,mini", "--only", "set_c10_p1")
    assert status == 0
    assert "mini/null" in printed


def test_a_command_that_fails_is_not_measured(null_server):
    case = bench.LoadCase("wrong", benchlib.Load((b"GET", b"missing")))
    answers = {b"GET": b"$-1\r\n", b"FLUSHALL": b"+OK\r\n"}

    class Missing(benchlib.Connection):
        def ask(self, *words: bytes) -> bytes:
            return answers[words[0]]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(benchlib.BenchmarkError, match="GET"):
        patch.setattr(bench, "Connection", Missing)
        case.warm_up(null_server, bench.Options(1, 0.05, 10, True, None))


def test_every_goal_names_a_case():
    assert {name for name, *_ in bench.GOALS} <= {case.name for case in bench.make_cases()}


def test_goals_are_judged_by_ratios_and_by_figures(capsys):
    bench.report_goals([
        {"name": "set_c1_p1", "ratios": {"mini/null": {"of_rounds": 0.9}}, "medians": {}},
        {"name": "connect_burst", "ratios": {}, "medians": {"mini": {"seconds": 0.5}}},
        {"name": "memory_per_key", "ratios": {}, "medians": {"mini": {"bytes_per_key": 301}}},
    ])
    verdicts = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert verdicts == ["nearly", "MISSED", "met"]


def test_wrong_usage_is_told_from_failure(capsys):
    assert bench.main(["--only", "nonsense"]) == 2
    assert bench.main(["--servers", "nonsense"]) == 2
    assert bench.main(["--python", "/nowhere/python"]) == 2


# --- in process

SMALL = ["--sizes", "1000,2000", "--rounds", "2"]


def linear_structure() -> bench_core.Structure:
    """Membership in a Python list, which is what the check is there to find."""

    def contains(items: list[int], size: int):
        return bench_core.repeat(lambda: -1 in items), None

    return bench_core.Structure("list", lambda size: list(range(size)), (
        bench_core.Operation("in", "O(1)", contains),
        bench_core.Operation("in, declared", "O(N)", contains, linear=True),
    ))


def test_the_check_fails_for_an_operation_that_grows_and_was_not_declared():
    rows = bench_core.measure_growth([linear_structure()], [1_000, 20_000], rounds=3)
    assert [row["operation"] for row in bench_core.find_too_steep(rows)] == ["in"]


def test_bench_core_exits_1_if_the_check_fails(monkeypatch, capsys):
    monkeypatch.setattr(bench_core, "STRUCTURES", {"list": linear_structure})
    words = ["--only", "list", "--sizes", "1000,20000", "--rounds", "3"]
    assert bench_core.main([*words, "--check"]) == 1
    assert "TOO STEEP: list in costs" in capsys.readouterr().out
    assert bench_core.main(words) == 0


@pytest.mark.parametrize("part", bench_core.STRUCTURES)
def test_each_structure_is_the_same_after_its_measurements(part):
    """Work and undoing cancel out; else later rounds would measure another size than they say."""
    structure = bench_core.STRUCTURES[part]()
    subject = structure.fill(1000)
    for operation in structure.operations:
        work, undo = operation.bind(subject, 1000)
        for _ in range(3):
            work()
            if undo:
                undo()
        assert count_elements(subject) == 1000, operation.name


def count_elements(subject) -> int:
    """Length of a structure, or keys of a server without the due ones; a busy machine may cut a cycle short."""
    if not isinstance(subject, tuple):
        return len(subject)
    execute, server = subject
    for _ in range(20):
        bench_core.make_active_expiry(server)()
    return int(execute(benchlib.encode_command([b"DBSIZE"]))[1:])


def test_bench_core_measures_the_command_path(tmp_path, capsys):
    path = tmp_path / "core.json"
    assert bench_core.main(["--only", "path", "--json", str(path), *SMALL]) == 0
    rows = json.loads(path.read_text())["path"]
    assert len(rows) == 2 * len(bench_core.PATH_WORDS)
    assert all(0 < row["parse_ns"] < row["total_ns"] for row in rows)


# --- charts and tables

@pytest.fixture
def results(tmp_path):
    """A folder with a small result of either script."""
    path = tmp_path / "server.json"
    run_bench("--servers", "null", "--only", "set_c1_p1", "--only", "set_c10_p1", "--json", str(path))
    rows = bench_core.measure_growth([linear_structure()], [1_000, 2_000], rounds=2)
    document = {"kind": "core", "machine": benchlib.describe_machine(), "settings": {}, "path": [], "growth": rows}
    benchlib.write_json(tmp_path / "core.json", document)
    return tmp_path


def test_tables_are_made_from_the_json(results, capsys):
    assert plot_benchmarks.main(["--folder", str(results), "--tables"]) == 0
    printed = capsys.readouterr().out
    assert "| set_c10_p1 | " in printed
    assert "| list | in, declared | O(N) | " in printed


def test_the_same_json_gives_the_same_charts(results):
    if plot_benchmarks.pyplot is None:
        pytest.skip("matplotlib is not installed")
    charts = []
    for _ in range(2):
        assert plot_benchmarks.main(["--folder", str(results)]) == 0
        charts.append({path.name: path.read_bytes() for path in results.glob("*.svg")})
    assert charts[0] == charts[1]
    assert set(charts[0]) == {"throughput_by_clients.svg", "p99_by_clients.svg", "cost_by_size.svg"}


def test_what_to_install_for_charts_is_said(results, monkeypatch, capsys):
    monkeypatch.setattr(plot_benchmarks, "pyplot", None)
    assert plot_benchmarks.main(["--folder", str(results)]) == 1
    assert "[bench]" in capsys.readouterr().err


def test_tables_replace_only_what_stands_between_the_marks(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"before\n{plot_benchmarks.BEGIN_MARK}\nold\n{plot_benchmarks.END_MARK}\nafter\n")
    for _ in range(2):
        plot_benchmarks.update_document(path, "| new |\n")
    begin, end = plot_benchmarks.BEGIN_MARK, plot_benchmarks.END_MARK
    assert path.read_text() == f"before\n{begin}\n\n| new |\n\n{end}\nafter\n"


def test_the_tables_in_the_documentation_are_those_of_the_json():
    documents = plot_benchmarks.load_results(benchlib.RESULTS)
    if not documents:
        pytest.skip("no results are committed yet")
    assert plot_benchmarks.make_tables(documents).strip() in plot_benchmarks.DOCUMENT.read_text()
