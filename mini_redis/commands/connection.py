"""Connection commands: greetings, authentication, the protocol version, and CLIENT."""

from __future__ import annotations

import hashlib
import hmac
from functools import partial
from typing import Any

from mini_redis.commands.arguments import Arguments, int32
from mini_redis.commands.context import Context
from mini_redis.commands.table import FREE
from mini_redis.commands.table import command as declare
from mini_redis.errors import (
    CommandError,
    DatabaseOutOfRange,
    NoAuthHello,
    NoPasswordSet,
    NoProtocol,
    SyntaxFault,
    WrongArity,
    WrongPassword,
    quotable,
)
from mini_redis.protocol.replies import OK, PONG, FlatMap, SimpleString, Verbatim
from mini_redis.text import parse_integer
from mini_redis.version import REDIS_VERSION

command = partial(declare, group="connection")

CLIENT_FLAGS = "noscript loading stale"
CLIENT_TYPES = (b"normal", b"master", b"replica", b"slave", b"pubsub")


@command("PING", arity=-1, flags="fast", since="1.0.0", complexity="O(1)",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"))
def ping(ctx: Context, *message: bytes) -> Any:
    """Answers PONG, or the message it was given.

    Source: redis.io/commands/ping
    """
    if len(message) > 1:
        raise WrongArity("ping")
    return message[0] if message else PONG


@command("ECHO", arity=2, flags="fast loading stale", since="1.0.0", complexity="O(1)")
def echo(ctx: Context, message: bytes) -> bytes:
    """Returns the message it was given.

    Source: redis.io/commands/echo
    """
    return message


@command("SELECT", arity=2, flags="loading stale fast", since="1.0.0", complexity="O(1)")
def select(ctx: Context, index: bytes) -> Any:
    """Changes the database that this connection works on.

    Errors: invalid DB index, DB index is out of range.
    Source: redis.io/commands/select
    """
    ctx.select(database_number(ctx, index))
    return OK


def database_number(ctx: Context, data: bytes) -> int:
    """A database's number as SELECT takes it. Errors: NotAnInteger, DatabaseOutOfRange."""
    number = int32(data)
    if not 0 <= number < len(ctx.store.databases):
        raise DatabaseOutOfRange()
    return number


@command("QUIT", arity=-1, flags="noscript loading stale fast no_auth allow_busy", gate=FREE, since="1.0.0",
         complexity="O(1)", deprecated="7.2.0")
def quit_(ctx: Context, *_: bytes) -> Any:
    """Closes the connection after the replies to what came before.

    Source: redis.io/commands/quit
    """
    ctx.client.is_closing = True
    return OK


@command("RESET", arity=1, flags="noscript loading stale fast no_auth allow_busy", gate=FREE, since="6.2.0",
         complexity="O(1)")
def reset(ctx: Context) -> Any:
    """Puts the connection back to what it was when it began: RESP2, database 0, no name, not authenticated.

    Source: redis.io/commands/reset
    """
    client = ctx.client
    ctx.select(0)
    client.resp = 2
    client.name = b""
    client.authenticated = client.plain = not ctx.server.config["requirepass"]
    return SimpleString(b"RESET")


# --- authentication and protocol


@command("AUTH", arity=-2, flags="noscript loading stale fast no_auth allow_busy", gate=FREE, since="1.0.0",
         complexity="O(N) where N is the number of passwords defined for the user")
def auth(ctx: Context, *credentials: bytes) -> Any:
    """Authenticates the connection with a password, or a user name and a password.

    Errors: WRONGPASS; no password configured; syntax for more than two words.
    Source: redis.io/commands/auth
    """
    if len(credentials) > 2:
        raise SyntaxFault()
    if len(credentials) == 1 and not ctx.server.config["requirepass"]:
        raise NoPasswordSet()
    user = credentials[0] if len(credentials) == 2 else b"default"
    _authenticate(ctx, user, credentials[-1])
    return OK


def _authenticate(ctx: Context, user: bytes, password: bytes) -> None:
    """Compare digests, not texts, and for unknown users too, so that the time tells nothing. Errors: WRONGPASS."""
    wanted: str = ctx.server.config["requirepass"]
    wanted_digest = hashlib.sha256(wanted.encode("utf-8", "surrogateescape")).digest()
    given_digest = hashlib.sha256(password).digest()
    is_same = hmac.compare_digest(wanted_digest, given_digest)
    if user != b"default" or (wanted and not is_same):
        raise WrongPassword()
    ctx.client.authenticated = ctx.client.plain = True


@command("HELLO", arity=-1, flags="noscript loading stale fast no_auth allow_busy", gate=FREE, since="6.0.0",
         complexity="O(1)")
def hello(ctx: Context, *arguments: bytes) -> Any:
    """Agrees on the protocol version, may authenticate and name the connection, and tells about the server.

    Options: protover (2 or 3), then AUTH user password and SETNAME name.
    Reply: map. Errors: NOPROTO, NOAUTH, WRONGPASS, syntax.
    Source: redis.io/commands/hello
    """
    resp = 0
    name: bytes | None = None
    credentials: tuple[bytes, bytes] | None = None
    if arguments:
        number = parse_integer(arguments[0])
        if number is None:
            raise CommandError("Protocol version is not an integer or out of range")
        if number not in (2, 3):
            raise NoProtocol()
        resp = number
        words = Arguments(arguments, 1)
        while words:
            word = words.word()
            if word == b"AUTH" and words.left >= 2:
                credentials = (words.value(), words.value())
            elif word == b"SETNAME" and words:
                name = _checked(words.value(), "Client names cannot contain spaces, newlines or special characters.")
            else:
                raise CommandError(f"Syntax error in HELLO option '{quotable(arguments[-words.left - 1])}'")
    client = ctx.client
    if credentials is not None:
        _authenticate(ctx, *credentials)
    if not client.authenticated:
        raise NoAuthHello()
    client.name = client.name if name is None else name
    client.resp = resp or client.resp
    return FlatMap([b"server", b"redis", b"version", REDIS_VERSION.encode(), b"proto", client.resp, b"id", client.id,
                    b"mode", b"standalone", b"role", b"master", b"modules", []])


# --- CLIENT


@command("CLIENT|ID", arity=2, flags=CLIENT_FLAGS, gate=FREE, since="5.0.0", complexity="O(1)")
def client_id(ctx: Context) -> int:
    """Returns the connection's number, which no other connection of this server ever had.

    Source: redis.io/commands/client-id
    """
    return ctx.client.id


@command("CLIENT|GETNAME", arity=2, flags=CLIENT_FLAGS, gate=FREE, since="2.6.9", complexity="O(1)")
def client_getname(ctx: Context) -> bytes | None:
    """Returns the name of the connection, nil if it has none.

    Source: redis.io/commands/client-getname
    """
    return ctx.client.name or None


@command("CLIENT|SETNAME", arity=3, flags=CLIENT_FLAGS, gate=FREE, since="2.6.9", complexity="O(1)",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"))
def client_setname(ctx: Context, name: bytes) -> Any:
    """Gives the connection a name, or with an empty one takes it away.

    Source: redis.io/commands/client-setname
    """
    ctx.client.name = _checked(name, "Client names cannot contain spaces, newlines or special characters.")
    return OK


@command("CLIENT|SETINFO", arity=4, flags=CLIENT_FLAGS, gate=FREE, since="7.2.0", complexity="O(1)",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"))
def client_setinfo(ctx: Context, attribute: bytes, value: bytes) -> Any:
    """Tells the name (LIB-NAME) or the version (LIB-VER) of the client's library.

    Source: redis.io/commands/client-setinfo
    """
    field = attribute.lower()
    if field not in (b"lib-name", b"lib-ver"):
        raise CommandError(f"Unrecognized option '{quotable(attribute)}'")
    _checked(value, f"{quotable(attribute)} cannot contain spaces, newlines or special characters.")
    if field == b"lib-name":
        ctx.client.library_name = value
    else:
        ctx.client.library_version = value
    return OK


def _checked(text: bytes, refusal: str) -> bytes:
    """Text that may stand in the space-separated fields of CLIENT LIST: printable ASCII without spaces."""
    if any(not 0x21 <= byte <= 0x7E for byte in text):
        raise CommandError(refusal)
    return text


@command("CLIENT|INFO", arity=2, flags=CLIENT_FLAGS, gate=FREE, since="6.2.0", complexity="O(1)",
         tips=("nondeterministic_output",))
def client_info(ctx: Context) -> Verbatim:
    """Describes this connection in one line of field=value.

    Source: redis.io/commands/client-info
    """
    ctx.client.last_command = "client|info"
    return Verbatim(ctx.client.describe(ctx.clock.monotonic()).encode("latin-1") + b"\n")


@command("CLIENT|LIST", arity=-2, flags="admin noscript loading stale", gate=FREE, since="2.4.0",
         complexity="O(N) where N is the number of client connections", tips=("nondeterministic_output",))
def client_list(ctx: Context, *filters: bytes) -> Verbatim:
    """Describes the connections, a line each.

    Options: TYPE normal|master|replica|pubsub, ID id ....
    Source: redis.io/commands/client-list
    """
    clients = ctx.server.clients.all()
    if filters:
        option = filters[0].upper()
        if option == b"TYPE" and len(filters) == 2:
            if filters[1].lower() not in CLIENT_TYPES:
                raise CommandError(f"Unknown client type '{quotable(filters[1])}'")
            clients = clients if filters[1].lower() == b"normal" else []
        elif option == b"ID" and len(filters) > 1:
            wanted = {_client_id(item) for item in filters[1:]}
            clients = [client for client in clients if client.id in wanted]
        else:
            raise SyntaxFault()
    ctx.client.last_command = "client|list"
    now_s = ctx.clock.monotonic()
    return Verbatim("".join(client.describe(now_s) + "\n" for client in clients).encode("latin-1"))


def _client_id(data: bytes) -> int:
    """A client's id; it need not be one that exists. Errors: Invalid client ID."""
    number = parse_integer(data)
    if number is None:
        raise CommandError("Invalid client ID")
    return number
