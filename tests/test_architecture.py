"""The shape of the code, read with ``ast``: who imports whom, the standard library only, no shared mutable state.

Each check takes the folder of a package and returns its problems as sentences. The checks are run on ``mini_redis``,
where there must be none, and on small broken packages, where each must find what it is for.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "mini_redis"

# Who may import whom, lowest layer first. A unit is a file or a folder of the package; inside a folder everyone may
# import everyone. Where a row is a list of single units, each may import those that stand before it in the row.
BASE = {"errors", "text", "clock", "version"}
VALUES = {"protocol", "types"}
SERVICES = ("directives", "config", "write_log", "observe", "clients", "persistence", "replication", "lua")
UP_TO_STORE = BASE | VALUES | {"store"}
UP_TO_SERVICES = UP_TO_STORE | set(SERVICES)
UP_TO_COMMANDS = UP_TO_SERVICES | {"commands", "commands.context"}
TOP = {"affinity", "connection", "server", "extensions", "__main__", "__init__"}

MAY_IMPORT = {
    **{unit: set() for unit in BASE},
    **{unit: BASE for unit in VALUES},
    "store": BASE | {"types"},
    **{unit: UP_TO_STORE | set(SERVICES[:place]) for place, unit in enumerate(SERVICES)},
    # Handlers reach the services through ctx, at call time; ctx itself names their classes.
    "commands": UP_TO_STORE | {"commands.context"},
    "commands.context": UP_TO_SERVICES | {"commands"},
    "api": UP_TO_COMMANDS,
    "dispatch": UP_TO_COMMANDS,
    **{unit: UP_TO_COMMANDS | {"dispatch", "api"} | TOP for unit in TOP},
}

# These load modules by name, which is their task.
MAY_LOAD_BY_NAME = {"__init__", "extensions"}

CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*|__\w+__")
MUTABLE_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_TYPES = {"list", "dict", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "ChainMap"}
STATEFUL_TYPES = {
    "deque", "count", "cycle", "local", "Lock", "RLock", "Condition", "Event", "Semaphore", "Thread", "Queue",
    "SimpleQueue", "WeakSet", "WeakKeyDictionary", "WeakValueDictionary", "Random", "BytesIO", "socket",
}  # fmt: skip
MUTATING_METHODS = {
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear", "sort",
    "reverse", "appendleft", "popleft",
}  # fmt: skip


class Module:
    """One file: its dotted name without the package's, its text and its tree."""

    def __init__(self, root: Path, path: Path) -> None:
        parts = path.relative_to(root).with_suffix("").parts
        is_package_file = len(parts) > 1 and parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if is_package_file else parts)
        self.folder = (root.name, *parts[:-1])
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    @property
    def unit(self) -> str:
        return self.name if self.name in MAY_IMPORT else self.name.split(".")[0]

    def imports(self):
        """(line, absolute dotted name) of every import; ``from a import b`` gives a.b."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = self.folder[: len(self.folder) - node.level + 1] if node.level else ()
                base = ".".join((*start, node.module) if node.module else start)
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def read_package(root: Path) -> dict[str, Module]:
    modules = [Module(root, path) for path in sorted(root.rglob("*.py"))]
    return {module.name: module for module in modules}


def own_target(modules: dict[str, Module], package: str, dotted: str) -> str | None:
    """The module of the package that an import of ``dotted`` loads, None for other packages."""
    first, _, rest = dotted.partition(".")
    if first != package:
        return None
    while rest and rest not in modules:
        rest = rest.rpartition(".")[0]
    return rest or "__init__"


def find_layer_breaks(root: Path) -> list[str]:
    modules = read_package(root)
    problems = [f"{module.name}: no place in the table of layers"
                for module in modules.values() if module.unit not in MAY_IMPORT]
    for module in modules.values():
        for line, dotted in module.imports():
            target = own_target(modules, root.name, dotted)
            if target is None or module.unit not in MAY_IMPORT:
                continue
            unit = modules[target].unit if target in modules else target
            if dotted in (root.name, f"{root.name}.__version__"):
                continue  # everyone may know the version; any other name comes from a layer
            if unit != module.unit and unit not in MAY_IMPORT[module.unit]:
                problems.append(f"{module.name}:{line} imports {target}, which stands above it")
    return problems


def find_foreign_imports(root: Path) -> list[str]:
    allowed = sys.stdlib_module_names | {root.name}
    return [f"{module.name}:{line} imports {dotted}"
            for module in read_package(root).values()
            for line, dotted in module.imports() if dotted.split(".")[0] not in allowed]


def find_cycles(root: Path) -> list[str]:
    """Each module that can be reached from itself; imports for annotations only (TYPE_CHECKING) load nothing."""
    modules = read_package(root)
    graph = {}
    for module in modules.values():
        skipped = lines_for_annotations(module.tree)
        targets = {own_target(modules, root.name, dotted) for line, dotted in module.imports() if line not in skipped}
        graph[module.name] = targets - {None, "__init__", module.name}
    return [f"{name} imports itself by way of others" for name in graph if name in reachable(graph, name)]


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    pending = list(graph[start])
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(graph.get(name, ()))
    return seen


def lines_for_annotations(tree: ast.Module) -> set[int]:
    blocks = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or 0) + 1)}


def find_hidden_imports(root: Path) -> list[str]:
    """Imports inside functions, and modules loaded by name: both hide a dependency from the table."""
    problems = []
    for module in read_package(root).values():
        for function in ast.walk(module.tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                problems += [f"{module.name}:{node.lineno} imports inside a function"
                             for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
        if module.name not in MAY_LOAD_BY_NAME:
            problems += [f"{module.name}:{node.lineno} loads a module by name"
                         for node in ast.walk(module.tree)
                         if isinstance(node, ast.Call) and called_name(node) in ("__import__", "import_module")]
    return problems


def called_name(call: ast.expr | None) -> str:
    """``deque`` for ``collections.deque(...)`` and for ``deque(...)``, "" for what is no call of a name."""
    if not isinstance(call, ast.Call):
        return ""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def find_shared_state(root: Path) -> list[str]:
    """What two servers in one process would share.

    A table may stand at module or class level if its name is UPPER_CASE (or a dunder) and nothing in the module
    changes it. A lock, queue, counter or generator of random numbers may not, whatever its name. ``global`` never.
    """
    return [problem for module in read_package(root).values() for problem in shared_state_of(module)]


def shared_state_of(module: Module) -> list[str]:
    problems = []
    bodies = [module.tree, *(node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))]
    tables = set()
    for body in bodies:
        for name, value, line in assignments(body):
            is_table = isinstance(value, MUTABLE_DISPLAYS) or called_name(value) in MUTABLE_TYPES
            if called_name(value) in STATEFUL_TYPES or (is_table and not CONSTANT.fullmatch(name)):
                problems.append(f"{module.name}:{line} '{name}' is mutable and shared by all servers")
            elif is_table:
                tables.add(name)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            problems.append(f"{module.name}:{node.lineno} uses 'global'")
        elif changed_name(node) in tables:
            problems.append(f"{module.name}:{node.lineno} changes the table '{changed_name(node)}'")
    return problems


def assignments(body: ast.Module | ast.ClassDef):
    for node in body.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value, node.lineno) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value, node.lineno


def changed_name(node: ast.AST) -> str:
    """The name whose value ``NAME[...] = x``, ``del NAME[...]`` or ``NAME.append(...)`` changes, else ""."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return last_name(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATING_METHODS:
        return last_name(node.func.value)
    return ""


def last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def find_unfinished(root: Path) -> list[str]:
    words = re.compile(r"\b(?:TODO|FIXME)\b")
    return [f"{module.name}: says {found[0]}; open an issue instead"
            for module in read_package(root).values() for found in words.finditer(module.text)]


CHECKS = (find_layer_breaks, find_foreign_imports, find_cycles, find_hidden_imports, find_shared_state, find_unfinished)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_keeps_the_rule(check):
    assert check(PACKAGE) == []


# --- the checks themselves


@pytest.fixture
def build(tmp_path):
    """Writes a package of the given files: ``build(errors="import os", store__entry="")``."""

    def build_package(**files):
        root = tmp_path / "mini_redis"
        for name, text in {"__init__": "", **files}.items():
            path = root / (name.replace("__", "/") if not name.startswith("__") else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(path.name + ".py").write_text(text)
        return root

    return build_package


@pytest.mark.parametrize("files, problem", [
    ({"errors": "from mini_redis.text import x", "text": ""}, "errors:1 imports text, which stands above it"),
    ({"types__lists": "import mini_redis.protocol.parser", "protocol__parser": ""},
     "types.lists:1 imports protocol.parser, which stands above it"),
    ({"store__entry": "from mini_redis.protocol import parser", "protocol__parser": ""},
     "store.entry:1 imports protocol.parser, which stands above it"),
    ({"config": "from mini_redis.clients.client import x", "clients__client": ""},
     "config:1 imports clients.client, which stands above it"),
    ({"commands__lists": "from mini_redis.config import x", "config": ""},
     "commands.lists:1 imports config, which stands above it"),
    ({"types__lists": "def f():\n    from mini_redis.server import x", "server": ""},
     "types.lists:2 imports server, which stands above it"),
    ({"types__lists": "from ..server import x", "server": ""},
     "types.lists:1 imports server, which stands above it"),
    ({"types__lists": "from mini_redis import Server"}, "types.lists:1 imports __init__, which stands above it"),
    ({"newcomer": ""}, "newcomer: no place in the table of layers"),
])  # fmt: skip
def test_a_broken_layer_is_found(build, files, problem):
    assert find_layer_breaks(build(**files)) == [problem]


def test_what_the_layers_allow(build):
    root = build(
        errors="import os",
        text="",
        types__lists="from mini_redis.text import x",
        types__sets="from . import lists",
        store__entry="from mini_redis import __version__",
        directives="",
        config="from mini_redis.directives import x",
        clients__client="from ..config import x",
        commands__context="from mini_redis.clients.client import x",
        commands__lists="from mini_redis.commands.context import x",
        dispatch="from mini_redis.commands import lists",
        connection="from mini_redis.dispatch import x",
        server="from mini_redis import connection",
    )
    assert find_layer_breaks(root) == []


@pytest.mark.parametrize("line", ["import redis", "from hypothesis import given", "import tests.resp as resp"])
def test_a_foreign_import_is_found(build, line):
    fine = "import os.path\nfrom mini_redis import errors\nfrom . import errors\nfrom .errors import x"
    assert len(find_foreign_imports(build(errors=line, text=fine))) == 1


def test_a_cycle_is_found(build):
    files = {
        "types__a": "from mini_redis.types.b import x",
        "types__b": "from mini_redis.types import c",
        "types__c": "import mini_redis.types.a",
        "types__d": "from mini_redis.types.a import x",
    }
    assert [problem.split()[0] for problem in find_cycles(build(**files))] == ["types.a", "types.b", "types.c"]
    files["types__c"] = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mini_redis.types.a"
    assert find_cycles(build(**files)) == []


@pytest.mark.parametrize("text", [
    "def f():\n    import os",
    "class C:\n    def f(self):\n        from os import path",
    "import importlib\nx = importlib.import_module('os')",
    "x = __import__('os')",
])  # fmt: skip
def test_a_hidden_import_is_found(build, text):
    assert len(find_hidden_imports(build(errors=text))) == 1


@pytest.mark.parametrize("text", [
    "clients = []", "clients: dict = {}", "names = set()", "seen = {x for x in ()}",
    "from collections import deque\nQUEUE = deque()", "import threading\nLOCK = threading.Lock()",
    "import itertools\n_ids = itertools.count()", "class C:\n    members = []", "class C:\n    lock = RLock()",
    "TABLE = {}\ndef f():\n    TABLE['a'] = 1", "TABLE = []\ndef f():\n    TABLE.append(1)",
    "class C:\n    TABLE = {}\n    def f(self):\n        del self.TABLE['a']", "n = 0\ndef f():\n    global n",
])  # fmt: skip
def test_shared_mutable_state_is_found(build, text):
    assert len(find_shared_state(build(errors=text))) == 1


def test_what_is_no_shared_state(build):
    text = "TABLE = {'a': 1}\n_LIST: list = [1]\n__all__ = ['f']\nnames = ('a',)\nsizes = frozenset()\nn = 1\n" \
           "class C:\n    __slots__ = ['x']\n    def f(self):\n        seen = []\n        seen.append(TABLE['a'])\n"
    assert find_shared_state(build(errors=text)) == []


@pytest.mark.parametrize("text", ["# TODO later", "'''FIXME'''"])
def test_unfinished_work_is_found(build, text):
    assert len(find_unfinished(build(errors=text, text="# nothing left to do"))) == 1
