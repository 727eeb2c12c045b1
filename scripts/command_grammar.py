"""What compare_with_redis.py may send: the syntax of every command, one line each.

    WORD            stands for itself (an option or a subcommand)
    name            an argument; its values come from command_generator.py
    [ ... ]         may be left out
    ( a | b )       one of these; also inside [ ]
    ...             the argument or group before it, once or more
    @7.2            an option with this mark in its brackets, or a command with it at the end, is newer than that

A name is written `kind` or `kind:hint`, where the hint only tells the reader what it means. The first word of a line
is the command; `/set` after it names the type its keys should hold for the command to succeed, `/-` that the type
does not matter. Sorted by group, as in Redis's documentation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

STRING = """
APPEND/string key value
DECR/string key
DECRBY/string key integer
GET/string key
GETDEL/string key
GETEX/string key [ EX seconds | PX ms | EXAT unix_s | PXAT unix_ms | PERSIST ]
GETRANGE/string key index:start index:end
GETSET/string key value
INCR/string key
INCRBY/string key integer
INCRBYFLOAT/string key float
LCS/string key key [ LEN ] [ IDX ] [ MINMATCHLEN count:length ] [ WITHMATCHLEN ]
MGET/- key ...
MSET/- ( key value ) ...
MSETNX/- ( key value ) ...
PSETEX/- key ms value
SET/string key value [ NX | XX ] [ GET ] [ EX seconds | PX ms | EXAT unix_s | PXAT unix_ms | KEEPTTL ]
SETEX/- key seconds value
SETNX/- key value
SETRANGE/string key offset value
STRLEN/string key
SUBSTR/string key index:start index:end
"""

LIST = """
LINDEX/list key index
LINSERT/list key ( BEFORE | AFTER ) element:pivot element
LLEN/list key
LMOVE/list key key ( LEFT | RIGHT ) ( LEFT | RIGHT )
LMPOP/list numkeys_and_keys ( LEFT | RIGHT ) [ COUNT count ]
LPOP/list key [ count ]
LPOS/list key element [ RANK rank ] [ COUNT count ] [ MAXLEN count ]
LPUSH/list key element ...
LPUSHX/list key element ...
LRANGE/list key index:start index:stop
LREM/list key rank:count element
LSET/list key index element
LTRIM/list key index:start index:stop
RPOP/list key [ count ]
RPOPLPUSH/list key key
RPUSH/list key element ...
RPUSHX/list key element ...
"""

SET = """
SADD/set key member ...
SCARD/set key
SDIFF/set key ...
SDIFFSTORE/set key:destination key ...
SINTER/set key ...
SINTERCARD/set numkeys_and_keys [ LIMIT count ]
SINTERSTORE/set key:destination key ...
SISMEMBER/set key member
SMEMBERS/set key
SMISMEMBER/set key member ...
SMOVE/set key key member
SPOP/set key [ count ]
SRANDMEMBER/set key [ random_count ]
SREM/set key member ...
SSCAN/set key cursor [ MATCH pattern ] [ COUNT scan_count ]
SUNION/set key ...
SUNIONSTORE/set key:destination key ...
"""

HASH = """
HDEL/hash key field ...
HEXISTS/hash key field
HEXPIRE/hash key seconds [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HEXPIREAT/hash key unix_s [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HEXPIRETIME/hash key FIELDS numfields_and_fields @7.4
HGET/hash key field
HGETALL/hash key
HINCRBY/hash key field integer
HINCRBYFLOAT/hash key field float
HKEYS/hash key
HLEN/hash key
HMGET/hash key field ...
HMSET/hash key ( field value ) ...
HPERSIST/hash key FIELDS numfields_and_fields @7.4
HPEXPIRE/hash key ms [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HPEXPIREAT/hash key unix_ms [ NX | XX | GT | LT ] FIELDS numfields_and_fields @7.4
HPEXPIRETIME/hash key FIELDS numfields_and_fields @7.4
HPTTL/hash key FIELDS numfields_and_fields @7.4
HRANDFIELD/hash key [ random_count [ WITHVALUES ] ]
HSCAN/hash key cursor [ MATCH pattern ] [ COUNT scan_count ] [ NOVALUES @7.4 ]
HSET/hash key ( field value ) ...
HSETNX/hash key field value
HSTRLEN/hash key field
HTTL/hash key FIELDS numfields_and_fields @7.4
HVALS/hash key
"""

GENERIC = """
COPY/- key key [ DB db ] [ REPLACE ]
DEL/- key ...
EXISTS/- key ...
EXPIRE/- key seconds [ NX | XX | GT | LT ]
EXPIREAT/- key unix_s [ NX | XX | GT | LT ]
EXPIRETIME/- key
KEYS/- pattern
MOVE/- key db
OBJECT/- ENCODING key
OBJECT/- FREQ key
OBJECT/- IDLETIME key
OBJECT/- REFCOUNT key
PERSIST/- key
PEXPIRE/- key ms [ NX | XX | GT | LT ]
PEXPIREAT/- key unix_ms [ NX | XX | GT | LT ]
PEXPIRETIME/- key
PTTL/- key
RANDOMKEY/-
RENAME/- key key
RENAMENX/- key key
SCAN/- cursor [ MATCH pattern ] [ COUNT scan_count ] [ TYPE type ]
SORT/sortable key [ BY by ] [ LIMIT index index ] [ ( GET get ) ... ] [ ASC | DESC ] [ ALPHA ] [ STORE key ]
SORT_RO/sortable key [ BY by ] [ LIMIT index index ] [ ( GET get ) ... ] [ ASC | DESC ] [ ALPHA ]
TOUCH/- key ...
TTL/- key
TYPE/- key
UNLINK/- key ...
"""

CONNECTION = """
AUTH/- [ word:user ] word:password
CLIENT/- GETNAME
CLIENT/- ID
CLIENT/- INFO
CLIENT/- LIST [ TYPE ( NORMAL | MASTER | REPLICA | PUBSUB ) | ID client_id ]
CLIENT/- SETINFO ( LIB-NAME | LIB-VER ) word @7.2
CLIENT/- SETNAME word
ECHO/- value
HELLO/- [ protocol [ AUTH word word ] [ SETNAME word ] ]
PING/- [ value ]
QUIT/-
RESET/-
SELECT/- db
"""

SERVER = """
COMMAND/- COUNT
COMMAND/- GETKEYS command_line
COMMAND/- INFO command
CONFIG/- GET directive ...
CONFIG/- SET ( setting ) ...
DBSIZE/-
DEBUG/- DIGEST
DEBUG/- DIGEST-VALUE key ...
DEBUG/- OBJECT key
DEBUG/- SET-ACTIVE-EXPIRE flag
DEBUG/- SLEEP zero
FLUSHALL/- [ ASYNC | SYNC ]
FLUSHDB/- [ ASYNC | SYNC ]
INFO/- [ section ... ]
SWAPDB/- db db
TIME/-
"""

GROUPS = {
    "string": STRING,
    "list": LIST,
    "set": SET,
    "hash": HASH,
    "generic": GENERIC,
    "connection": CONNECTION,
    "server": SERVER,
}


@dataclass(frozen=True)
class Node:
    """A piece of syntax. `kind` is word, argument, sequence, choice, optional or repeated; `text` is a word or an
    argument's kind; `words` are the options anywhere inside."""

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()
    since: tuple[int, ...] = (0,)

    @property
    def words(self) -> frozenset[str]:
        inside = [part.words for part in self.parts]
        inside.append(frozenset(self.wordless))
        return frozenset([self.text] if self.kind == "word" else []).union(*inside)

    @property
    def wordless(self) -> list[str]:
        """The name, in brackets, of an optional argument that no word introduces, such as LPOP's count."""
        first = self.parts[0].parts[0] if self.kind == "optional" and self.parts[0].parts else None
        return [f"[{first.text}]"] if first is not None and first.kind == "argument" else []


@dataclass(frozen=True)
class Syntax:
    """One line of the grammar: `label` is the command with its subcommand, `type_name` what its keys should hold."""

    group: str
    label: str
    type_name: str
    body: Node
    since: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.label.split()[0]


class _Parser:
    """Reads one line of the grammar by recursive descent."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def sequence(self, closing: str | None = None) -> Node:
        """Everything up to the closing bracket, as a sequence or a choice of sequences."""
        branches: list[list[Node]] = [[]]
        since = (0,)
        while self.tokens and self.tokens[0] != closing:
            token = self.tokens.pop(0)
            if token == "|":
                branches.append([])
            elif token == "...":
                branches[-1].append(Node("repeated", parts=(branches[-1].pop(),)))
            elif token.startswith("@"):
                since = parse_version(token[1:])
            else:
                branches[-1].append(self._item(token))
        if closing:
            self.tokens.pop(0)
        sequences = tuple(Node("sequence", parts=tuple(branch)) for branch in branches)
        body = sequences[0] if len(sequences) == 1 else Node("choice", parts=sequences)
        return Node(body.kind, parts=body.parts, since=since)

    def _item(self, token: str) -> Node:
        if token == "(":
            return self.sequence(")")
        if token == "[":
            inside = self.sequence("]")
            return Node("optional", parts=(inside,), since=inside.since)
        if token.isupper() or token.isdigit():
            return Node("word", token)
        return Node("argument", token.partition(":")[0])


def parse_version(text: str) -> tuple[int, ...]:
    """Major and minor version: `7.4.1` is (7, 4)."""
    return tuple(int(part) for part in text.split(".")[:2])


def read_grammar(version: tuple[int, ...], has_command: Callable[[str], bool] = lambda name: True) -> list[Syntax]:
    """The syntax of every command that a server of this version has."""
    result = []
    for group, text in GROUPS.items():
        for line in text.strip().splitlines():
            head, *tokens = line.split()
            name, type_name = head.split("/")
            body = _Parser(tokens).sequence()
            leading = list(itertools.takewhile(lambda node: node.kind == "word", body.parts))
            label = " ".join([name, *(node.text for node in leading)])
            body = Node("sequence", parts=body.parts[len(leading) :], since=body.since)
            if version >= body.since and has_command(name):
                result.append(Syntax(group, label, type_name, _without_newer(body, version), body.since))
    return result


def _without_newer(node: Node, version: tuple[int, ...]) -> Node:
    parts = tuple(_without_newer(part, version) for part in node.parts if part.since <= version)
    return Node(node.kind, node.text, parts, node.since)
