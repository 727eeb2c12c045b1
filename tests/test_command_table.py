"""The command table: every declaration complete and true to its handler, equal to a real Redis's, and docs/commands.md
fresh."""

import inspect
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mini_redis import Server
from mini_redis.commands import registry, strings
from mini_redis.commands.keyspec import KeySpec, key_at, key_range, keys_from, numkeys_at, unknown_keys
from mini_redis.commands.table import CATEGORY_ORDER, FLAG_ORDER, CommandSpec, CommandTable
from mini_redis.commands.table import command as declare
from mini_redis.version import REDIS_VERSION
from tests import resp

CHECKOUT = Path(__file__).resolve().parent.parent
TABLE = registry.make_table()
SPECS = {spec.name: spec for parent in TABLE.all_specs() for spec in (parent, *(parent.subcommands or {}).values())}
HANDLED = {name: spec for name, spec in SPECS.items() if not spec.subcommands or spec.accepts(1)}
GROUPS = {"string", "list", "set", "hash", "generic", "connection", "server", "cluster"}
KEY_FLAGS = {"RO", "RW", "OW", "RM"}
VALUE_FLAGS = {"ACCESS", "UPDATE", "INSERT", "DELETE", "VARIABLE_FLAGS"}


def version(text):
    return tuple(map(int, text.split(".")))


# --- each declaration by itself


def test_what_there_is():
    """The groups that are promised whole, and how many commands they have in Redis 7.4 without the blocking lists."""
    counts = {group: sum(spec.group == group and not spec.container for spec in SPECS.values()) for group in GROUPS}
    assert {group: counts[group] for group in ("string", "list", "set", "hash")} == {
        "string": 22, "list": 17, "set": 17, "hash": 25}
    generic = ["del", "unlink", "exists", "type", "ttl", "pttl", "expire", "pexpire", "expireat", "pexpireat",
               "expiretime", "pexpiretime", "persist", "keys", "scan", "randomkey", "rename", "renamenx", "copy",
               "move", "touch", "object", "sort", "sort_ro"]
    assert set(generic) <= set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_metadata_is_complete(name):
    spec = SPECS[name]
    assert spec.name == name == name.lower()
    assert spec.group in GROUPS
    assert re.fullmatch(r"\d+\.\d+\.\d+", spec.since) and version(spec.since) <= version(REDIS_VERSION)
    assert not spec.deprecated or version(spec.since) < version(spec.deprecated) <= version(REDIS_VERSION)
    assert spec.complexity == "Depends on subcommand." or spec.complexity.startswith("O(")
    assert spec.summary and spec.summary.endswith(".") and spec.summary[0].isupper() and len(spec.summary) <= 110
    assert spec.flags <= set(FLAG_ORDER)
    assert set(spec.categories) <= set(CATEGORY_ORDER)
    assert ("fast" in spec.categories) != ("slow" in spec.categories)
    assert not {"write", "readonly"} <= spec.flags
    if spec.container:
        assert SPECS[spec.container].subcommands[name.partition("|")[2].encode()] is spec


@pytest.mark.parametrize("name", HANDLED)
def test_the_arity_is_that_of_the_handler(name):
    """A number of words that the arity admits must never be a TypeError in the handler."""
    spec = HANDLED[name]
    signature = inspect.signature(spec.handler)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    assert list(signature.parameters)[0] == "ctx"
    most = spec.max_words if spec.arity > 0 else spec.min_words + 300
    for words in {spec.min_words, spec.min_words + 1, most}:
        if words <= most:
            signature.bind("ctx", *[b""] * (words - spec.first_argument))
    if name != "command":  # COMMAND alone and COMMAND INFO have one handler
        required = sum(parameter.default is parameter.empty and parameter.kind != parameter.VAR_POSITIONAL
                       for parameter in signature.parameters.values()) - 1  # ctx
        assert required <= spec.min_words - spec.first_argument
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        assert spec.arity > 0


@pytest.mark.parametrize("name", HANDLED)
def test_the_docstring_says_what_the_signature_cannot(name):
    """One line of summary, an empty one, and at the end where the behaviour is from."""
    text = inspect.getdoc(HANDLED[name].handler)
    lines = text.split("\n")
    assert lines[0].endswith(".") and (len(lines) == 1 or lines[1] == "")
    if HANDLED[name].handler.__name__ != "refuse":
        assert re.search(r"^Source: \S", text, re.MULTILINE)


@pytest.mark.parametrize("name", SPECS)
def test_key_specs_are_consistent(name):
    spec = SPECS[name]
    kinds = [next(iter(KEY_FLAGS & set(keys.flags))) for keys in spec.keys]
    for keys in spec.keys:
        assert set(keys.flags) <= KEY_FLAGS | VALUE_FLAGS and len(KEY_FLAGS & set(keys.flags)) == 1
        assert len({"UPDATE", "INSERT", "DELETE"} & set(keys.flags)) <= 1
        assert keys.unknown or 1 <= keys.begin < spec.min_words
        assert keys.step >= 1 and (keys.last in (0, -1) or keys.begin + keys.last < spec.min_words)
    if spec.keys and spec.handler:
        is_writing = any(kind != "RO" for kind in kinds)
        assert is_writing == ("write" in spec.flags)
        assert (not is_writing) == ("readonly" in spec.flags) or name.startswith("object|")
    needs_search = any(keys.numkeys or keys.unknown for keys in spec.keys)
    assert needs_search == ("movablekeys" in spec.flags)
    if spec.short_max:
        assert len(spec.keys) == 1 and spec.keys[0].begin == 1 and spec.find_pairs is None and spec.gate == "shared"


def test_keys_are_found_by_their_specs():
    words = b"CMD a b c d e".split()
    assert key_at(1, "RO").find(words) == [b"a"]
    assert keys_from(1, "RO").find(words) == [b"a", b"b", b"c", b"d", b"e"]
    assert keys_from(1, "OW", step=2).find(words) == [b"a", b"c", b"e"]
    assert key_range(1, 2, "RO").find(words) == [b"a", b"b"]
    assert key_at(9, "RO").find(words) == []
    assert unknown_keys("RO").find(words) == []
    for count, keys in ((b"2", [b"a", b"b"]), (b"5", [b"a", b"b", b"c", b"d", b"e"]), (b"6", []), (b"0", []),
                        (b"-1", []), (b"x", []), (b"9" * 30, []), (b" +01x", [b"a"]), (b"", [])):
        assert numkeys_at(1, "RO").find([b"CMD", count, b"a", b"b", b"c", b"d", b"e"]) == keys


# --- the table


def test_names_are_found_in_any_case():
    for name in (b"get", b"GET", b"gEt", b"GeT"):
        assert TABLE.resolve(name) is SPECS["get"]
    for name in (b"", b"ge", b"gett", b"get ", b"get\0", b"\xff", b"g" * 1000, b"object|encoding"):
        assert TABLE.resolve(name) is None


def test_odd_spellings_do_not_pile_up():
    table = registry.make_table()
    letters = b"pexpiretime"
    for number in range(2 ** len(letters)):
        name = bytes(letter - 32 if number >> place & 1 else letter for place, letter in enumerate(letters))
        assert table.resolve(name).name == "pexpiretime"
    for number in range(5 * table.MAX_SPELLINGS):
        assert table.resolve(b"no%d" % number) is None
    assert len(table.spellings) <= table.MAX_SPELLINGS


def test_a_command_declared_twice_is_refused():
    with pytest.raises(ValueError, match="command [a-z]+ is declared twice"):
        CommandTable([strings, strings], [])


def test_a_function_may_be_several_commands():
    @declare("ONE", arity=1, group="string")
    @declare("TWO", arity=-1, group="string")
    def handler(ctx, *words):
        """Does nothing.

        Not even this.
        """

    module = type(sys)("module")
    module.handler = handler
    table = CommandTable([module], [CommandSpec("BOX", None, arity=-2)])
    assert {spec.name: spec.arity for spec in table.all_specs()} == {"box": -2, "two": -1, "one": 1}
    assert table.by_name["one"].summary == "Does nothing."


def test_one_declaration_serves_servers_that_share_nothing_else():
    one, two = registry.make_table(), registry.make_table()
    one.resolve(b"gEt")
    assert b"gEt" not in two.spellings
    assert one.by_name is not two.by_name


# --- what clients are told


@pytest.fixture(scope="module")
def ours():
    with Server(port=0) as server, resp.connect("127.0.0.1", server.port) as client:
        yield client


def test_command_count_list_and_docs_agree(ours):
    names = ours.execute("COMMAND", "LIST")
    assert len(names) == len(set(names)) == ours.execute("COMMAND", "COUNT") == len(TABLE.all_specs())
    assert [row[0] for row in ours.execute("COMMAND")] == names
    docs = ours.execute("COMMAND", "DOCS")
    assert docs[::2] == names
    for name, text in zip(docs[::2], docs[1::2]):
        spec = SPECS[name.decode()]
        fields = dict(zip(text[::2], text[1::2]))
        assert fields[b"summary"].decode() == spec.summary and fields[b"since"].decode() == spec.since
        assert fields[b"group"].decode() == spec.group and fields[b"complexity"].decode() == spec.complexity
        assert len(fields.get(b"subcommands", [])) == 2 * len(spec.subcommands or {})


@pytest.mark.parametrize("line, reply", [
    ("GET k", [b"k"]), ("MSET a 1 b 2", [b"a", b"b"]), ("DEL a b c", [b"a", b"b", b"c"]), ("RENAME a b", [b"a", b"b"]),
    ("OBJECT ENCODING k", [b"k"]), ("LMPOP 2 a b LEFT", [b"a", b"b"]), ("SINTERCARD 1 a", [b"a"]),
    ("SINTERSTORE d a b", [b"d", b"a", b"b"]), ("SORT k BY x STORE d", [b"k", b"d"]), ("LCS a b", [b"a", b"b"]),
    ("PING", resp.Error(b"ERR The command has no key arguments")),
    ("NONSENSE k", resp.Error(b"ERR Invalid command specified")),
    ("GET", resp.Error(b"ERR Invalid number of arguments specified for command")),
    ("GET a b", resp.Error(b"ERR Invalid number of arguments specified for command")),
    ("LMPOP 9 a LEFT", resp.Error(b"ERR Invalid arguments specified for command")),
])
def test_command_getkeys(ours, line, reply):
    assert ours.execute("COMMAND", "GETKEYS", *line.split()) == reply


# --- beside a real Redis

ACCEPTED = {
    # (command, field) -> why 7.4 is right and the server at hand is older or newer
    ("command|getkeys", "arity"): "7.0 asks for one argument more than it uses; observed to be -3 on 8.2",
    ("sinterstore", "keys"): "7.0 says RW for the destination, which is overwritten; OW on 8.2",
    **{(name, "flags"): "7.4 declares denyoom, 8.2 no longer does"
       for name in ("hexpire", "hpexpire", "hexpireat", "hpexpireat")},
}
FIELDS = ("arity", "flags", "first, last and step", "categories", "keys")


def facts(row):
    """The fields of one COMMAND INFO row that are compared, in a form that does not depend on order."""
    keys = []
    for key_spec in row[8]:
        parts = dict(zip(key_spec[::2], key_spec[1::2]))
        keys.append((sorted(map(bytes, parts[b"flags"])), parts[b"begin_search"], parts[b"find_keys"]))
    return dict(zip(FIELDS, (row[1], sorted(map(bytes, row[2])), row[3:6], sorted(map(bytes, row[6])), keys)))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A connection to a real redis-server of its own, and its version."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                client = resp.connect("127.0.0.1", port)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
        with client:
            info = client.execute("INFO", "server").decode()
            yield client, re.search(r"redis_version:(\S+)", info).group(1)
    finally:
        process.terminate()
        process.wait(10)


def test_command_info_is_that_of_a_real_redis(ours, real):
    client, real_version = real
    known = [name for name, spec in SPECS.items() if version(spec.since) <= version(real_version)]
    rows = [connection.execute("COMMAND", "INFO", *known) for connection in (ours, client)]
    different, seen = {}, set()
    for name, mine, theirs in zip(known, *rows):
        assert theirs is not None and theirs is not resp.NULL_ARRAY, f"Redis {real_version} has no {name}"
        assert mine[0] == theirs[0] == name.encode()
        mine, theirs = facts(mine), facts(theirs)
        for field in FIELDS:
            if mine[field] != theirs[field]:
                seen.add((name, field))
                if (name, field) not in ACCEPTED:
                    different[f"{name}: {field}"] = (mine[field], theirs[field])
    assert different == {}
    if real_version.startswith("7.0."):  # a reason that no longer holds is to be removed
        assert seen == {key for key in ACCEPTED if key[0] in known}


def test_command_info_of_what_is_not_there(ours):
    assert ours.execute("COMMAND", "INFO", "nonsense", "get", "config|nonsense", "get|x")[::2] == [None, None]
    assert ours.execute("COMMAND", "INFO", "gEt")[0][0] == b"get"


# --- the page


def test_the_page_of_commands_is_fresh():
    result = subprocess.run([sys.executable, "scripts/make_command_docs.py", "--check"], cwd=CHECKOUT,
                            capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_page_names_every_command():
    page = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in HANDLED:
        assert f"| **{name.replace('|', ' ').upper()}** |" in page


def test_a_spec_is_named_in_messages():
    assert repr(SPECS["get"]) == "<CommandSpec get>"
    assert KeySpec(1, ("RO",)) == key_at(1, "RO")
