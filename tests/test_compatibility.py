"""What docs/compatibility.md says is different from Redis 7.4: that the page is complete, and the rows of it that no
other test shows. A transcript cannot hold them, because transcripts run against a real Redis as well."""

import fnmatch
import importlib
import re
import sys
from pathlib import Path

import pytest

from mini_redis.commands.registry import make_table
from mini_redis.config import Config
from mini_redis.directives import MEANINGFUL, NOT_BUILT, WITHOUT_EFFECT
from tests import resp
from tests.resp import OK, Error
from tests.transcripts import runner

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
FLAT_PAGE = " ".join(PAGE.split())

sys.path.insert(0, str(ROOT / "scripts"))
reply_rules = importlib.import_module("reply_rules")


def section(title):
    return re.split(r"^## ", PAGE.partition(f"## {title}\n")[2], flags=re.M)[0]


# --- the page


def test_every_accepted_difference_is_explained():
    """Each KNOWN of the comparison stands on the page, in the same words, and no other."""
    listed = re.findall(r"^- \*(.+?)\*", section("What the comparison accepts").replace("\n  ", " "), flags=re.M)
    assert sorted(listed) == sorted(known.reason for known in reply_rules.KNOWN)


def test_every_reference_leads_somewhere():
    """Tests and transcripts that the page names exist."""
    tests = re.findall(r"`(\w+\.py)::(\w+)`", PAGE)
    assert len(tests) > 30
    for file, name in tests:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"), flags=re.M), name
    cases = re.findall(r"`(\w+)\.transcript`: \*(.+?)\*", FLAT_PAGE)
    assert len(cases) > 10
    for stem, title in cases:
        text = (runner.FOLDER / f"{stem}.transcript").read_text(encoding="utf-8")
        assert title in [case.title for case in runner.read_cases(text)], title


def test_every_row_is_shown_by_something():
    """No difference without a test: the last column of every table is a reference."""
    tables = [section(title) for title in ("Start and configuration", "Connections", "Commands")]
    rows = [line for text in tables for line in text.splitlines() if line.startswith("| ") and "Shown by" not in line]
    assert len(rows) > 25
    assert [row for row in rows if not re.search(r"\| `\w+\.(py::|transcript`: )[^|]* \|$", row)] == []


def test_what_is_called_missing_is_missing():
    """When a command is built, it leaves the section."""
    table = make_table()
    commands = section("What is not built").partition("\n\n| What")[0]
    named = re.findall(r"`([A-Z][A-Z -]+)`", commands)
    assert len(named) > 50
    built = {"ACL", "MODULE", "CLUSTER INFO", "WHOAMI", "LIST", "HELP"}  # of the first three, parts
    for name in sorted(set(named) - built):
        container, _, subcommand = name.encode().partition(b" ")
        spec = table.resolve(container)
        assert spec is None or (subcommand and subcommand.lower() not in spec.subcommands), name


def is_named(name, text):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in re.findall(r"`([a-z*-]+)", text))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in (*WITHOUT_EFFECT, *NOT_BUILT)])
def test_every_directive_without_meaning_is_named(row):
    text = section("Start and configuration" if row in WITHOUT_EFFECT else "What is not built")
    assert is_named(row.name.replace("_", "-"), text)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in MEANINGFUL])
def test_no_directive_is_called_meaningless_that_is_not(row):
    lists = section("Start and configuration").partition("These are accepted")[2]
    assert not is_named(row.name, "".join(re.findall(r"^(?:- | {2}).*\n", lists, flags=re.M)))


# --- start and configuration


def test_defaults_of_our_own():
    config = Config()
    assert config["bind"] == ["127.0.0.1", "-::1"]
    assert config["save"] == []
    assert config["protected-mode"] is True


def test_listeners_do_not_move(client):
    for name in ("port", "bind"):
        reply = client.execute("CONFIG", "SET", name, "7777")
        assert isinstance(reply, Error) and reply.endswith(b"can't set immutable config")


def test_directives_of_our_own(client):
    assert client.execute("CONFIG", "GET", "switch-interval", "one-cpu") == [
        b"switch-interval", b"0.005", b"one-cpu", b"yes"
    ]  # fmt: skip
    assert client.execute("CONFIG", "GET", "hide-user-data-from-log", "aof-disable-auto-gc") == []


def test_a_value_with_a_nul_byte_is_refused(client):
    assert isinstance(client.execute("CONFIG", "SET", "hash-max-listpack-value", b"1\0x"), Error)
    assert isinstance(client.execute("CONFIG", "SET", "lazyfree-lazy-expire", b"yes\0"), Error)


def test_command_list_takes_no_filter(client):
    reply = client.execute("COMMAND", "LIST", "FILTERBY", "ACLCAT", "read")
    assert reply == Error(b"ERR wrong number of arguments for 'command|list' command")


# --- commands


def test_a_cursor_is_a_place_in_an_array(client):
    """Cursors fall, and one beyond the end begins at the end. A member that is removed behind the cursor makes another
    one take its place: that one has been returned before."""
    client.execute("SADD", "s", *(f"m{number}" for number in range(200)))
    cursor, seen = b"0", []
    while not seen or cursor != b"0":
        following, members = client.execute("SSCAN", "s", cursor, "COUNT", "30")
        assert int(following) < int(cursor) or cursor == b"0"
        cursor = following
        seen += members
        client.execute("SREM", "s", members[0])
    assert {b"m%d" % number for number in range(200)} == set(seen)
    assert client.execute("SSCAN", "s", "18446744073709551615") == client.execute("SSCAN", "s", "0")


def test_expired_fields_are_gone_at_once(manual_server, talk):
    _, clock = manual_server
    assert talk("DEBUG", "SET-ACTIVE-EXPIRE", "0") == OK
    talk("HSET", "h", "a", "1", "b", "2")
    talk("HPEXPIRE", "h", "50", "FIELDS", "1", "a")
    clock.advance(60)
    assert talk("HLEN", "h") == 1
    assert talk("DEBUG", "SET-ACTIVE-EXPIRE", "1") == OK


def test_a_listpackex_keeps_the_order_of_insertion(client):
    client.execute("HSET", "h", "a", "1", "b", "2", "c", "3")
    client.execute("HEXPIRE", "h", "100", "FIELDS", "1", "c")
    assert client.execute("OBJECT", "ENCODING", "h") == b"listpackex"
    assert client.execute("HKEYS", "h") == [b"a", b"b", b"c"]


def test_a_list_at_half_the_limit_is_a_listpack(client):
    client.execute("CONFIG", "SET", "list-max-listpack-size", "4")
    client.execute("RPUSH", "l", "1", "2", "3", "4")
    client.execute("RPUSH", "l", "5")
    assert client.execute("OBJECT", "ENCODING", "l") == b"quicklist"
    client.execute("LPOP", "l", "3")  # in Redis, 4 and 5 stand in two nodes
    assert client.execute("OBJECT", "ENCODING", "l") == b"listpack"


@pytest.mark.parametrize("index", [2**31, 2**32, 2**32 + 1, 2**63 - 1, -(2**32), -(2**63)])
def test_lset_beyond_32_bits_is_out_of_range(client, index):
    client.execute("RPUSH", "l", "a", "b")
    assert client.execute("LSET", "l", str(index), "x") == Error(b"ERR index out of range")
    assert client.execute("LRANGE", "l", "0", "-1") == [b"a", b"b"]


def test_random_members_beyond_memory_are_refused(client):
    client.execute("SADD", "s", "a")
    client.execute("HSET", "h", "f", "v")
    refusal = Error(b"ERR value is out of range")
    assert client.execute("SRANDMEMBER", "s", str(-(2**63) + 1)) == refusal
    assert client.execute("HRANDFIELD", "h", str(-(2**62)), "WITHVALUES") == refusal
    assert client.execute("SRANDMEMBER", "s", "-3") == [b"a"] * 3


def test_sort_alpha_compares_all_bytes(client):
    client.execute("RPUSH", "l", b"\0z", b"", b"\0a")
    assert client.execute("SORT", "l", "ALPHA") == [b"", b"\0a", b"\0z"]
    assert client.execute("SORT", "l", "ALPHA", "DESC") == [b"\0z", b"\0a", b""]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_sort_by_equal_texts_leaves_the_order(client, direction):
    client.execute("RPUSH", "l", "c", "a", "b", "d")
    client.execute("MSET", "w_a", "x", "w_b", "x", "w_c", "x", "w_d", "x")
    assert client.execute("SORT", "l", "BY", "w_*", "ALPHA", direction) == [b"c", b"a", b"b", b"d"]


def test_sort_forgets_what_came_before(client):
    """Either of the two commands before SORT makes it fail in Redis."""
    client.execute("SADD", "s", "22")
    assert isinstance(client.execute("HINCRBYFLOAT", "h", "f", "1e17000"), Error)
    assert client.execute("SORT", "s") == [b"22"]
    assert isinstance(client.execute("SCAN", "99999999999999999999999"), Error)
    assert client.execute("SORT", "s") == [b"22"]


def test_object_freq_has_no_figure(client):
    client.execute("SET", "k", "v")
    assert client.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu") == OK
    assert isinstance(client.execute("OBJECT", "FREQ", "k"), Error)


def test_the_smallest_integer(client):
    client.execute("RPUSH", "l", "a", "b", "a")
    smallest = str(-(2**63))
    assert isinstance(client.execute("LPOS", "l", "a", "RANK", smallest), Error)
    assert client.execute("LREM", "l", smallest, "a") == 2


def test_hello_that_fails_does_nothing(client):
    assert isinstance(client.execute("HELLO", "3", "SETNAME", "me", "NONSENSE"), Error)
    assert client.execute("CLIENT", "GETNAME") is None


@pytest.fixture
def talk(manual_server):
    """Commands to the server whose time stands still."""
    server, _ = manual_server
    with resp.connect("127.0.0.1", server.port) as connection:
        yield connection.execute
        connection.execute("FLUSHALL")
