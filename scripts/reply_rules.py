"""When two replies to the same command count as equal.

Most must be equal to the byte. RULES names the commands whose replies may differ between two correct servers, and
what of them still has to agree. KNOWN names the differences that are accepted, each with its reason; there is no
other place that hides one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from command_generator import Command

from tests.resp import Error, Map, SimpleString, Verbatim

TOLERANCE_S = 5
MOST_ELEMENTS_OF_TWO_NODES = 8  # half of the largest count that is set here as list-max-listpack-size


@dataclass
class Pair:
    """A command with the replies of the reference and of the server under test; `probe` holds the replies of both to
    the probe that was sent just before it, `version` and `is_valkey` are the reference's."""

    command: Command
    expected: Any
    got: Any
    probe: tuple[Any, Any] = (None, None)
    version: tuple[int, ...] = (7, 4)
    is_valkey: bool = False

    @property
    def fails_there_alone(self) -> bool:
        """Whether the reference refuses what we take."""
        return isinstance(self.expected, Error) and not isinstance(self.got, Error)

    @property
    def argv(self) -> list[bytes]:
        return self.command.argv


Rule = Callable[[Pair], bool]


def is_equal(pair: Pair) -> bool:
    """Whether the replies agree as far as they have to."""
    rule = RULES.get(pair.command.label)
    if rule is None or isinstance(pair.expected, Error) or isinstance(pair.got, Error):
        return type(pair.expected) is type(pair.got) and pair.expected == pair.got
    return type(pair.expected) is type(pair.got) and rule(pair)


def find_known(pair: Pair) -> Known | None:
    """The accepted difference that explains this pair."""
    return next((known for known in KNOWN if known.applies(pair)), None)


# Order


def as_pairs(reply: Any) -> list[Any]:
    """Fields with values, from RESP3's map, RESP2's flat list or a list of pairs."""
    if isinstance(reply, Map) or (reply and isinstance(reply[0], list)):
        return [tuple(item) for item in reply]
    return list(zip(reply[::2], reply[1::2]))


def _same_members(pair: Pair) -> bool:
    return sorted(pair.expected) == sorted(pair.got)


def _same_pairs(pair: Pair) -> bool:
    return sorted(as_pairs(pair.expected)) == sorted(as_pairs(pair.got))


def _ordered_while_listpack(unordered: Rule) -> Rule:
    """A small hash keeps the order in which its fields came; a hash table has none."""

    def rule(pair: Pair) -> bool:
        if pair.probe == (b"listpack", b"listpack"):
            return pair.expected == pair.got
        return unordered(pair)

    return rule


def _scan(pair: Pair) -> bool:
    """One step of a scan: all of a small collection, or some of a large one. `Comparison.check_scans` walks to
    the end and compares what came."""
    (expected_cursor, expected), (cursor, got) = pair.expected, pair.got
    if not cursor.isdigit() or type(expected) is not type(got):
        return False
    asked = pair.argv[1 if pair.command.label == "SCAN" else 2]
    is_small = all(encoding in (b"listpack", b"listpackex", b"intset") for encoding in pair.probe)
    if expected_cursor == cursor == b"0" and (asked == b"0" or is_small):
        return sorted(expected) == sorted(got) if pair.command.label != "HSCAN" else _same_scanned_fields(pair)
    return not is_small


def _same_scanned_fields(pair: Pair) -> bool:
    expected, got = pair.expected[1], pair.got[1]
    if b"NOVALUES" in [argument.upper() for argument in pair.argv[3:]]:
        return sorted(expected) == sorted(got)
    return sorted(as_pairs(expected)) == sorted(as_pairs(got))


# Random choice


def _chosen(pair: Pair) -> bool:
    """SPOP, SRANDMEMBER and HRANDFIELD: both chose from what was there, as many, and not one twice unless asked."""
    if pair.expected is None or pair.got is None:
        return pair.expected is pair.got
    there = pair.probe[1] if pair.command.label != "HRANDFIELD" else [item for item, _ in as_pairs(pair.probe[1])]
    if isinstance(pair.got, bytes):
        return pair.got in there
    chosen = list(pair.got)
    if len(pair.argv) > 3 and chosen:
        all_pairs, chosen_pairs = set(as_pairs(pair.probe[1])), as_pairs(chosen)
        if not all_pairs.issuperset(chosen_pairs):
            return False
        chosen = [item for item, _ in chosen_pairs]
    repeats_allowed = pair.argv[2].startswith(b"-")
    distinct = len(set(chosen)) == len(chosen)
    return len(pair.got) == len(pair.expected) and set(chosen) <= set(there) and (distinct or repeats_allowed)


def _random_key(pair: Pair) -> bool:
    return pair.got in pair.probe[1] if pair.expected is not None else pair.got is None


def _sort(pair: Pair) -> bool:
    """SORT: equal, but where its order is open: ALPHA by weights may tie, ALPHA without STORE compares up to the
    first zero byte, and `BY nosort` leaves a set in its own order. Then with LIMIT only the length is compared."""
    if pair.expected == pair.got or not isinstance(pair.expected, list):
        return pair.expected == pair.got
    words = [argument.upper() for argument in pair.argv]
    places = [place for place, word in enumerate(words[:-1]) if word == b"BY"]
    weighted = bool(places)
    if any(b"*" not in words[place + 1] for place in places):
        is_open = pair.probe[0] == SimpleString(b"set")
    else:
        shown = [item for item in [*pair.expected, *pair.got] if item is not None]
        zero_bytes = b"GET" in words or any(b"\0" in item for item in shown)
        is_open = b"ALPHA" in words and (weighted or zero_bytes)
    if not is_open or len(pair.expected) != len(pair.got):
        return False
    return b"LIMIT" in words or sorted(map(repr, pair.expected)) == sorted(map(repr, pair.got))


# Time


def _near(unit_per_s: int) -> Rule:
    """Times may be apart by what passes between two servers; the answers below zero, which mean something, may not."""
    tolerance = TOLERANCE_S * unit_per_s

    def near(expected: Any, got: Any) -> bool:
        if isinstance(expected, list):
            return isinstance(got, list) and len(expected) == len(got) and all(map(near, expected, got))
        if not isinstance(expected, int) or not isinstance(got, int) or min(expected, got) < 0:
            return expected == got
        return abs(expected - got) <= tolerance

    return lambda pair: near(pair.expected, pair.got)


def _time(pair: Pair) -> bool:
    """TIME: two strings of digits, seconds close to each other and microseconds below a million."""
    if len(pair.got) != 2 or not all(part.isdigit() for part in pair.got):
        return False
    return abs(int(pair.got[0]) - int(pair.expected[0])) <= TOLERANCE_S and int(pair.got[1]) < 1_000_000


# What describes the server itself

_CLIENT_FIELDS = ["name", "db", "sub", "psub", "multi", "flags", "cmd", "user", "resp", "lib-name", "lib-ver"]


def _client_lines(reply: bytes) -> list[list[tuple[str, str]]]:
    """Of each client that is just asking for CLIENT INFO or LIST the fields that no server may differ in."""
    text = reply[4:] if isinstance(reply, Verbatim) else bytes(reply)
    result = []
    for line in text.decode("latin-1").splitlines():
        values = dict(word.partition("=")[::2] for word in line.split(" "))
        if values.get("cmd", "").startswith("client|"):
            result.append([(name, values.get(name, "missing")) for name in _CLIENT_FIELDS])
    return result


def _client_info(pair: Pair) -> bool:
    if pair.version < (7, 2):
        return type(pair.expected) is type(pair.got)
    return _client_lines(pair.expected) == _client_lines(pair.got)


def _info(pair: Pair) -> bool:
    """INFO: the sections that were named, and the same number of keys and of keys with a TTL. Which sections there
    are in all depends on the version."""
    texts = [bytes(reply).decode("latin-1").lower() for reply in (pair.expected, pair.got)]
    keyspaces = [re.findall(r"db\d+:keys=\d+,expires=\d+", text) for text in texts]
    headers = [set(re.findall(r"# (\w+)", text)) for text in texts]
    named = {argument.lower() for argument in pair.argv[1:]}
    if not named or named & {b"all", b"default", b"everything"}:
        headers = [found & {"server", "clients", "memory", "stats", "keyspace"} for found in headers]
    return keyspaces[0] == keyspaces[1] and headers[0] == headers[1]


def _hello(pair: Pair) -> bool:
    names = [b"server", b"proto", b"mode", b"role"]
    expected, got = dict(as_pairs(pair.expected)), dict(as_pairs(pair.got))
    same_names = list(expected) == list(got)
    return same_names and all(expected[name] == got[name] for name in names)


def _debug_object(pair: Pair) -> bool:
    encodings = [re.findall(rb"encoding:\w+", reply) for reply in (pair.expected, pair.got)]
    return encodings[0] == encodings[1]


def _command_info(pair: Pair) -> bool:
    """COMMAND INFO: name, arity and the places of the keys."""

    if len(pair.argv) == 2:  # every command there is
        return True
    return list(map(_command_entry, pair.expected)) == list(map(_command_entry, pair.got))


def _command_entry(entry: Any) -> Any:
    return entry and [entry[0], entry[1], *entry[3:6]]


def _same_kind(pair: Pair) -> bool:
    return True  # is_equal has compared the classes of the two replies


RULES: dict[str, Rule] = {
    **dict.fromkeys(["SMEMBERS", "SDIFF", "SINTER", "SUNION", "KEYS"], _same_members),
    **dict.fromkeys(["HKEYS", "HVALS"], _ordered_while_listpack(_same_members)),
    "unordered HGETALL": _same_pairs,
    "HGETALL": _ordered_while_listpack(_same_pairs),
    "CONFIG GET": _same_pairs,
    **dict.fromkeys(["SCAN", "SSCAN", "HSCAN"], _scan),
    **dict.fromkeys(["SPOP", "SRANDMEMBER", "HRANDFIELD"], _chosen),
    "RANDOMKEY": _random_key,
    **dict.fromkeys(["SORT", "SORT_RO"], _sort),
    **dict.fromkeys(["TTL", "EXPIRETIME", "HTTL", "HEXPIRETIME", "OBJECT IDLETIME"], _near(1)),
    **dict.fromkeys(["PTTL", "PEXPIRETIME", "HPTTL", "HPEXPIRETIME"], _near(1000)),
    "TIME": _time,
    **dict.fromkeys(["CLIENT INFO", "CLIENT LIST"], _client_info),
    **dict.fromkeys(["CLIENT ID", "COMMAND COUNT"], _same_kind),
    "INFO": _info,
    "HELLO": _hello,
    "DEBUG OBJECT": _debug_object,
    "COMMAND INFO": _command_info,
}


@dataclass(frozen=True)
class Known:
    """A difference that is accepted. `diverges` says that it leaves the data different, so that both servers are
    emptied before the comparison goes on."""

    reason: str
    applies: Callable[[Pair], bool]
    diverges: bool = False


def _encodings(pair: Pair) -> tuple[bytes, bytes]:
    """Of OBJECT ENCODING and DEBUG OBJECT: the encodings that the two servers name."""
    if pair.command.label not in ("OBJECT ENCODING", "DEBUG OBJECT") or pair.expected is None or pair.got is None:
        return b"", b""
    found = [re.search(rb"encoding:(\w+)", bytes(reply)) for reply in (pair.expected, pair.got)]
    return tuple(match.group(1) if match else bytes(r) for match, r in zip(found, (pair.expected, pair.got)))


def _compact_encodings(pair: Pair) -> bool:
    pairs = [(b"quicklist", b"listpack"), (b"hashtable", b"listpack"), (b"hashtable", b"intset")]
    return pair.version < (7, 2) and _encodings(pair) in pairs


def _presized_hash(pair: Pair) -> bool:
    return pair.version < (7, 2) and _encodings(pair) == (b"listpack", b"hashtable")


def _two_nodes(pair: Pair) -> bool:
    is_list = isinstance(pair.probe[0], int) and 0 < pair.probe[0] <= MOST_ELEMENTS_OF_TWO_NODES
    return is_list and _encodings(pair) == (b"quicklist", b"listpack")


def _stored_integers(pair: Pair) -> bool:
    pairs = [(b"intset", b"listpack"), (b"intset", b"hashtable")]
    return pair.version < (7, 2) and _encodings(pair) in pairs


def _embedded_with_key(pair: Pair) -> bool:
    return (pair.version >= (8, 2) or pair.is_valkey) and set(_encodings(pair)) == {b"embstr", b"raw"}


def _shared_integers(pair: Pair) -> bool:
    is_newer = pair.version >= (8, 0) or pair.is_valkey
    return pair.command.label == "OBJECT REFCOUNT" and is_newer and pair.expected == 1


def _shared_access_time(pair: Pair) -> bool:
    return pair.command.label == "OBJECT IDLETIME" and pair.version < (8, 0) and isinstance(pair.expected, int)


_SMALLEST = b"-9223372036854775808"


def _smallest_rank(pair: Pair) -> bool:
    if pair.version >= (7, 2) or pair.command.label != "LPOS":
        return False
    return _SMALLEST in pair.argv and isinstance(pair.got, Error) and b"value is out of range" in pair.got


def _smallest_count(pair: Pair) -> bool:
    is_refused = isinstance(pair.expected, Error) and b"value must between" in pair.expected
    return pair.command.label == "LREM" and pair.argv[2] == _SMALLEST and is_refused


def _far_index(pair: Pair) -> bool:
    digits = pair.argv[2].lstrip(b"-") if len(pair.argv) == 4 else b""
    return pair.command.label == "LSET" and digits.isdigit() and int(digits) >= 1 << 31


def _hello_before_7_2(pair: Pair) -> bool:
    return pair.version < (7, 2) and pair.command.label == "HELLO" and Error in (type(pair.expected), type(pair.got))


def _getkeys_before_7_2(pair: Pair) -> bool:
    both_fail = isinstance(pair.expected, Error) and isinstance(pair.got, Error)
    return pair.version < (7, 2) and pair.command.label == "COMMAND GETKEYS" and both_fail


def _odd_cursor(pair: Pair) -> bool:
    if pair.version >= (7, 2) or pair.command.label not in ("SCAN", "SSCAN", "HSCAN"):
        return False
    place = 1 if pair.command.label == "SCAN" else 2
    is_odd = len(pair.argv) > place and not pair.argv[place].isdigit()
    return is_odd and Error in (type(pair.expected), type(pair.got))


def _not_built(pair: Pair) -> bool:
    if pair.command.label != "COMMAND INFO" or isinstance(pair.got, Error):
        return False
    return all(ours is None or _command_entry(entry) == _command_entry(ours)
               for entry, ours in zip(pair.expected, pair.got))  # fmt: skip


def _valkey(*labels: str) -> Callable[[Pair], bool]:
    return lambda pair: pair.is_valkey and pair.command.label in labels


def _valkey_hello(pair: Pair) -> bool:
    if not _valkey("HELLO")(pair) or Error in (type(pair.expected), type(pair.got)):
        return False
    expected, got = dict(as_pairs(pair.expected)), dict(as_pairs(pair.got))
    return expected[b"server"] == b"valkey" and all(expected[name] == got[name] for name in (b"proto", b"role"))


def _valkey_sort(pair: Pair) -> bool:
    is_refused = pair.fails_there_alone and b"can't be converted into double" in pair.expected
    return _valkey("SORT", "SORT_RO")(pair) and is_refused


def _valkey_type(pair: Pair) -> bool:
    return _valkey("SCAN")(pair) and isinstance(pair.expected, Error) and b"unknown type name" in pair.expected


def _valkey_object(pair: Pair) -> bool:
    return _valkey("DEBUG OBJECT")(pair) and len(pair.argv) > 3


def _valkey_getex(pair: Pair) -> bool:
    return _valkey("GETEX")(pair) and isinstance(pair.expected, Error) and b"WRONGTYPE" not in pair.expected


KNOWN = [
    Known("lists and small sets are listpacks since 7.2; 7.0 names them quicklist and hashtable", _compact_encodings),
    Known("HSET with more fields than a listpack may hold makes a hash table at once since 7.2", _presized_hash),
    Known("a short list that still has two nodes is a quicklist; ours has no nodes to look at", _two_nodes),
    Known("SINTERSTORE makes an intset only of intsets since 7.2; in 7.0 of any integers", _stored_integers),
    Known("8.2 and Valkey store a string within its key, whose length then matters for embstr", _embedded_with_key),
    Known("8.0 and Valkey share no integer objects, so OBJECT REFCOUNT says 1", _shared_integers),
    Known("LPOS refuses the smallest integer as a rank, which 7.0 takes", _smallest_rank),
    Known("LREM takes the smallest integer for a count, which 8.x and Valkey refuse", _smallest_count, diverges=True),
    Known("LSET on a listpack cuts an index beyond 32 bits and changes another element", _far_index, diverges=True),
    Known("a shared integer has one access time for all keys that hold it", _shared_access_time),
    Known("HELLO checks all its options before it acts; 7.0 acts as it reads", _hello_before_7_2, diverges=True),
    Known("COMMAND GETKEYS of a command without arguments is another error in 7.0", _getkeys_before_7_2),
    Known("7.0 takes other odd spellings of a cursor: an empty one and a negative one, but no space", _odd_cursor),
    Known("COMMAND INFO is nil for a command that is not built", _not_built),
    Known("Valkey names itself in HELLO", _valkey_hello),
    Known("Valkey's CLIENT LIST has more filters, and checks each as it reads", _valkey("CLIENT LIST")),
    Known("Valkey's SORT refuses an element that has no digits, not even none at all", _valkey_sort, diverges=True),
    Known("Valkey's SCAN refuses a TYPE that it does not know", _valkey_type),
    Known("Valkey's DEBUG OBJECT takes anything for a third argument", _valkey_object),
    Known("Valkey's GETEX checks its time before the key", _valkey_getex),
]


def describe_kind(reply: Any) -> str:
    """What sort of reply this is, so that differences of one cause can be counted together."""
    if isinstance(reply, (Error, SimpleString)):
        return re.sub(r"'.*'|Value at.*|[0-9a-f]{40}|\d+", "_", reply.text)[:40]
    return type(reply).__name__
