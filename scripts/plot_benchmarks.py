#!/usr/bin/env python3
"""Draw docs/benchmarks/*.svg anew from the committed JSON, and the tables of docs/benchmarks.md.

    scripts/plot_benchmarks.py                draw the charts (needs matplotlib)
    scripts/plot_benchmarks.py --tables       print the tables as Markdown
    scripts/plot_benchmarks.py --update-docs  put the tables into docs/benchmarks.md, between its marks

Figures in the document are generated, never typed. `server.json` comes from bench.py, `core.json` from bench_core.py;
further files of either kind (`server-3.13.json`, say) get their own tables, but no charts.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchlib import CHECKOUT, RESULTS, machine_line

try:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
BEGIN_MARK = "<!-- tables: written by scripts/plot_benchmarks.py --update-docs -->"
END_MARK = "<!-- end of tables -->"
NO_MATPLOTLIB = "matplotlib is missing: python3 -m pip install '.[bench]' installs it (Python 3.11 or later)"

TITLES = {"null": "null server", "null1": "null server, one CPU", "mini": "mini_redis", "redis": "Redis",
          "fakeredis": "fakeredis"}
COLORS = {"null": "#8c8c8c", "null1": "#c0c0c0", "mini": "#0072b2", "redis": "#d55e00",
          "fakeredis": "#009e73"}  # told apart by all eyes
BY_CLIENTS = re.compile(r"set_c(\d+)_p1$")  # the cases that differ in nothing but the number of clients


# ---- charts

def draw_charts(server: dict | None, core: dict | None, folder: Path) -> list[Path]:
    """Draw what the results allow, return the files written."""
    charts: list[tuple[str, Callable[[dict], Any], dict | None]] = [
        ("throughput_by_clients", draw_throughput, server),
        ("p99_by_clients", draw_p99, server),
        ("ratios", draw_ratios, server),
        ("memory_per_key", draw_memory, server),
        ("cost_by_size", draw_growth, core),
    ]
    # The same figures must give the same file: without these, every file holds its date and random identifiers.
    pyplot.rcParams.update({"svg.hashsalt": "mini_redis", "font.size": 10, "axes.spines.top": False,
                            "axes.spines.right": False, "figure.constrained_layout.use": True})
    written = []
    for name, draw, document in charts:
        figure = draw(document) if document else None
        if figure is None:
            continue
        figure.suptitle(machine_line(document["machine"]), fontsize=8, color="#555555")
        written.append(folder / f"{name}.svg")
        figure.savefig(written[-1], metadata={"Date": None})
        pyplot.close(figure)
    return written


def draw_throughput(server: dict) -> Any:
    """Lines: commands a second by number of clients."""
    return _draw_by_clients(server, "rps", "commands per second", "SET without pipeline")


def draw_p99(server: dict) -> Any:
    """Lines: the latency that 99 % of the commands stay under."""
    return _draw_by_clients(server, "p99_ms", "p99, milliseconds (log)", "Latency of SET without pipeline", "log")


def _draw_by_clients(server: dict, figure_name: str, label: str, title: str, scale: str = "linear") -> Any:
    lines = lines_by_clients(server["cases"], figure_name)
    if not lines:
        return None
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, points in lines.items():
        axes.plot(*zip(*points), marker="o", color=COLORS[name], label=TITLES[name])
    axes.set(xscale="log", yscale=scale, xlabel="clients (log)", ylabel=label, title=title)
    if scale == "linear":
        axes.set_ylim(bottom=0)
    counts = sorted({x for points in lines.values() for x, _ in points})
    axes.set_xticks(counts, [str(count) for count in counts], minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False)
    return figure


def lines_by_clients(cases: Iterable[dict], figure_name: str) -> dict[str, list[tuple[int, float]]]:
    """Per server, the median of a figure at each number of clients."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for case in cases:
        if BY_CLIENTS.match(case["name"]):
            for name, medians in case["medians"].items():
                lines.setdefault(name, []).append((case["clients"], medians[figure_name]))
    return {name: sorted(points) for name, points in lines.items()}


def draw_ratios(server: dict) -> Any:
    """Bars: mini_redis as a multiple of each other server, for every case that counts commands."""
    cases = [case for case in server["cases"] if case["metric"] == "rps" and case["ratios"]]
    if not cases:
        return None
    others = ("mini/null", "mini/null1", "mini/redis", "mini/fakeredis")
    names = [name for name in others if any(name in case["ratios"] for case in cases)]
    figure, all_axes = pyplot.subplots(1, len(names), figsize=(3.2 * len(names) + 1, 0.25 * len(cases) + 1.2),
                                       sharey=True, squeeze=False)
    for axes, name in zip(all_axes[0], names):
        for place, case in enumerate(cases):
            ratio = case["ratios"].get(name)
            if ratio:
                axes.barh(place, ratio["of_rounds"], color=COLORS[name.partition("/")[2]])
                axes.text(ratio["of_rounds"], place, f" {ratio['of_rounds']:.2f}", va="center", fontsize=7)
        axes.axvline(1, color="black", linewidth=0.7)
        axes.set(xlabel=f"mini_redis / {TITLES[name.partition('/')[2]]}")
        axes.margins(x=0.15)
    all_axes[0][0].set_yticks(range(len(cases)), [case["name"] for case in cases], fontsize=7)
    all_axes[0][0].invert_yaxis()
    return figure


def draw_memory(server: dict) -> Any:
    """Bars: resident bytes for each small key."""
    medians = next((case["medians"] for case in server["cases"] if case["name"] == "memory_per_key"), {})
    if not medians:
        return None
    figure, axes = pyplot.subplots(figsize=(5, 3))
    for name, found in medians.items():
        axes.bar(TITLES[name], found["bytes_per_key"], color=COLORS[name])
        axes.text(TITLES[name], found["bytes_per_key"], f"{found['bytes_per_key']:.0f}", ha="center", va="bottom")
    axes.set(ylabel="bytes", title="Memory for a 16-byte key with a 3-byte value")
    return figure


def draw_growth(core: dict) -> Any:
    """Lines, one chart for each structure: nanoseconds an operation by number of elements, both log."""
    structures = list(dict.fromkeys(row["structure"] for row in core["growth"]))
    if not structures:
        return None
    columns = 2
    rows = -(-len(structures) // columns)
    figure, all_axes = pyplot.subplots(rows, columns, figsize=(11, 3 * rows), squeeze=False,
                                       sharex=True, sharey=True)
    for axes, structure in zip(all_axes.flat, structures):
        for row in core["growth"]:
            if row["structure"] == structure:
                points = sorted((int(size), ns) for size, ns in row["ns"].items())
                axes.plot(*zip(*points), marker=".", label=row["operation"], linestyle="--" if row["linear"] else "-")
        axes.set(xscale="log", yscale="log", xlabel="elements", ylabel="ns an operation", title=structure)
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in list(all_axes.flat)[len(structures):]:
        axes.remove()
    return figure


# ---- tables

def make_tables(documents: dict[str, dict]) -> str:
    """All tables as Markdown; `documents` by file name."""
    parts = []
    for name, document in documents.items():
        tables = server_tables if document["kind"] == "server" else core_tables
        machine = document["machine"]
        parts += [f"### {name}: {machine_line(machine)}, {machine['date']}", "", *tables(document)]
    return "\n".join(parts)


def server_tables(document: dict) -> list[str]:
    """Throughput with ratios, then latency and CPU, then everything that is not counted in commands."""
    cases = document["cases"]
    names = [name for name in TITLES if any(name in case["medians"] for case in cases)]
    loads = [case for case in cases if case["metric"] == "rps"]
    settings = document["settings"]
    versions = ", ".join(f"{TITLES[name]}: {document['servers'][name]}" for name in names)
    rounds = f"{settings['rounds']} rounds of {settings['seconds']} s each"
    lines = [f"{rounds}, load by {settings['client']}; {versions}.", ""]
    lines += ["Commands per second, medians; ratios are medians of the ratios round by round.", ""]
    compared = [name for name in names if name != "mini"]
    lines += table(
        ["case", *(TITLES[name] for name in names), *(f"mini / {name}" for name in compared), "disturbed"],
        (
            [case["name"], *(_figure(case, name, "rps") for name in names),
             *(_ratio(case, f"mini/{name}") for name in compared), _disturbed_rounds(case)]
            for case in loads
        ),
    )
    lines += ["Latency of a whole pipeline (p50 / p99, ms) and CPU time of the server per command (us), medians.", ""]
    lines += table(
        ["case", *(f"{TITLES[name]} {what}" for name in names for what in ("p50 / p99", "CPU"))],
        (
            [case["name"], *(cell for name in names for cell in (
                f"{_figure(case, name, 'p50_ms')} / {_figure(case, name, 'p99_ms')}", _figure(case, name, "cpu_us")))]
            for case in loads
        ),
    )
    others = [case for case in cases if case["metric"] != "rps"]
    rows = [[case["name"], case["metric"], *(_figure(case, name, case["metric"]) for name in names)] for case in others]
    lines += table(["case", "figure", *(TITLES[name] for name in names)], rows)
    failed = [(case["name"], TITLES[name], text) for case in cases for name, text in case["failures"].items()]
    failures = [f"- {case}, {name}: {text}" for case, name, text in failed]
    return lines + ([*failures, ""] if failures else [])


def core_tables(document: dict) -> list[str]:
    """The command path, then how the cost of each operation grows."""
    lines = ["The command path in process, ns per command, the best of all rounds.", ""]
    lines += table(
        ["command", "pipeline", "parse alone", "parse, execute, encode"],
        ([row["command"], str(row["pipeline"]), f"{row['parse_ns']:,.0f}", f"{row['total_ns']:,.0f}"]
         for row in document["path"]),
    )
    sizes = sorted({int(size) for row in document["growth"] for size in row["ns"]})
    lines += ["Operations by number of elements, ns, the best of all rounds; growth is from first to last.", ""]
    lines += table(
        ["structure", "operation", "cost", *(f"{size:,}" for size in sizes), "growth"],
        ([row["structure"], row["operation"], row["cost"],
          *(f"{row['ns'][str(size)]:,.0f}" if str(size) in row["ns"] else "-" for size in sizes),
          f"{row['growth']:.2f}"] for row in document["growth"]),
    )
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, an empty one after it; nothing at all if there are no rows."""
    rows = list(rows)
    if not rows:
        return []
    rule = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)] + [""]


def _figure(case: dict, server: str, name: str) -> str:
    value = case["medians"].get(server, {}).get(name)
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(case: dict, name: str) -> str:
    return f"{case['ratios'][name]['of_rounds']:.2f}" if name in case["ratios"] else "-"


def _disturbed_rounds(case: dict) -> str:
    """In how many of a case's measurements somebody else used the machine."""
    samples = [sample for found in case["samples"].values() for sample in found]
    return f"{sum(bool(sample.get('disturbed')) for sample in samples)} of {len(samples)}"


def update_document(path: Path, tables: str) -> None:
    """Replace what stands between the marks in a Markdown file."""
    text = path.read_text()
    head, begin, rest = text.partition(BEGIN_MARK)
    _, end, tail = rest.partition(END_MARK)
    if not begin or not end:
        raise SystemExit(f"{path} lacks the marks {BEGIN_MARK} and {END_MARK}")
    path.write_text(f"{head}{BEGIN_MARK}\n\n{tables.strip()}\n\n{END_MARK}{tail}")


# ---- command line

def load_results(folder: Path) -> dict[str, dict]:
    """Every result in the folder by its name without `.json`; the two main ones first."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (path.stem not in ("server", "core"), path.stem != "server",
                                                            path.stem))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def main(words: Sequence[str] | None = None) -> int:
    """Draw, print or update; 1 if something needed for it is missing."""
    parser = argparse.ArgumentParser(description="charts and tables from the benchmark results")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the JSON is and the charts go")
    parser.add_argument("--tables", action="store_true", help="print the tables as Markdown, draw nothing")
    parser.add_argument("--update-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    arguments = parser.parse_args(words)
    documents = load_results(arguments.folder)
    if not documents:
        print(f"no results in {arguments.folder}; bench.py and bench_core.py write them with --json", file=sys.stderr)
        return 1
    if arguments.tables:
        print(make_tables(documents))
        return 0
    if arguments.update_docs:
        update_document(DOCUMENT, make_tables(documents))
        return 0
    if pyplot is None:
        print(NO_MATPLOTLIB, file=sys.stderr)
        return 1
    for path in draw_charts(documents.get("server"), documents.get("core"), arguments.folder):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
