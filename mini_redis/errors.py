"""Every error reply that a client can see, each text exactly once.

A handler raises; ``dispatch`` catches in one place and sends ``-CODE text``. The texts are Redis's, to the letter:
clients match on them. A text that a client's own bytes went into is cleaned by :func:`quotable` first, or a client
could forge replies with CR and LF.
"""

from __future__ import annotations


def quotable(data: bytes, limit: int = 128) -> str:
    """``data`` fit to stand in an error line: up to ``limit`` bytes and a NUL, with CR and LF made spaces."""
    return data[:limit].split(b"\0")[0].replace(b"\r", b" ").replace(b"\n", b" ").decode("utf-8", "surrogateescape")


class CommandError(Exception):
    """An error reply: ``-{code} {text}``. The connection stays open and nothing was changed."""

    code = "ERR"
    text = "error"

    def __init__(self, text: str | None = None, code: str | None = None) -> None:
        super().__init__(text or self.text)
        if text is not None:
            self.text = text
        if code is not None:
            self.code = code

    @property
    def wire(self) -> bytes:
        """The reply as it is sent, in RESP2 and RESP3 alike."""
        return f"-{self.code} {self.text}\r\n".encode("utf-8", "surrogateescape")


class ProtocolError(CommandError):
    """What arrived is not RESP and no inline command: one error reply, then the connection closes."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Protocol error: {what}")


# --- the command as a whole


class UnknownCommand(CommandError):
    def __init__(self, argv: list[bytes]) -> None:
        shown = ""
        for argument in argv[1:]:
            if len(shown) >= 128:
                break
            shown += f"'{quotable(argument, 128 - len(shown))}' "
        super().__init__(f"unknown command '{quotable(argv[0])}', with args beginning with: {shown}")


class UnknownSubcommand(CommandError):
    def __init__(self, container: str, subcommand: bytes) -> None:
        super().__init__(f"unknown subcommand '{quotable(subcommand)}'. Try {container} HELP.")


class SubcommandSyntax(CommandError):
    """A subcommand known by name, but not with these arguments."""

    def __init__(self, container: str, subcommand: bytes) -> None:
        super().__init__(f"unknown subcommand or wrong number of arguments for '{quotable(subcommand)}'. "
                         f"Try {container} HELP.")


class WrongArity(CommandError):
    def __init__(self, name: str) -> None:
        super().__init__(f"wrong number of arguments for '{name}' command")


class NoAuth(CommandError):
    code, text = "NOAUTH", "Authentication required."


class NoAuthHello(CommandError):
    code = "NOAUTH"
    text = ("HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
            "<pass> option can be used to authenticate the client and select the RESP protocol version at the "
            "same time")


class WrongPassword(CommandError):
    code, text = "WRONGPASS", "invalid username-password pair or user is disabled."


class NoPasswordSet(CommandError):
    text = ("AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?")


class NoProtocol(CommandError):
    code, text = "NOPROTO", "unsupported protocol version"


class NotEnoughMemory(CommandError):
    """Python could not allocate what the command needs; nothing was changed."""

    code, text = "OOM", "not enough memory to run this command"


class InternalError(CommandError):
    """A bug: the traceback is in the log, the connection stays."""

    text = "internal error"


class NotBuilt(CommandError):
    """A thing that Redis has and this server refuses by name, rather than to answer OK."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by mini_redis")


class ClusterDisabled(CommandError):
    text = "This instance has cluster support disabled"


class DebugNotAllowed(CommandError):
    text = ('DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
            'local connection, otherwise you need to set this option in the configuration file, and then restart the '
            'server.')


# --- types and keys


class WrongType(CommandError):
    code, text = "WRONGTYPE", "Operation against a key holding the wrong kind of value"


class NoSuchKey(CommandError):
    text = "no such key"


class SameObject(CommandError):
    text = "source and destination objects are the same"


class IndexOutOfRange(CommandError):
    text = "index out of range"


# --- arguments


class SyntaxFault(CommandError):
    text = "syntax error"


class NotAnInteger(CommandError):
    text = "value is not an integer or out of range"


class NotAFloat(CommandError):
    text = "value is not a valid float"


class OutOfRange(CommandError):
    text = "value is out of range"


class MustBePositive(CommandError):
    text = "value is out of range, must be positive"


class IncrementOverflow(CommandError):
    text = "increment or decrement would overflow"


class DecrementOverflow(CommandError):
    text = "decrement would overflow"


class NanOrInfinity(CommandError):
    text = "increment would produce NaN or Infinity"


class OffsetOutOfRange(CommandError):
    text = "offset is out of range"


class StringTooLong(CommandError):
    text = "string exceeds maximum allowed size (proto-max-bulk-len)"


class InvalidExpire(CommandError):
    def __init__(self, command: str) -> None:
        super().__init__(f"invalid expire time in '{command}' command")


class InvalidCursor(CommandError):
    text = "invalid cursor"


class InvalidDatabase(CommandError):
    text = "invalid DB index"


class DatabaseOutOfRange(CommandError):
    text = "DB index is out of range"


class HashValueNotInteger(CommandError):
    text = "hash value is not an integer"


class HashValueNotFloat(CommandError):
    text = "hash value is not a float"


class NotADouble(CommandError):
    text = "One or more scores can't be converted into double"


class NotFinite(CommandError):
    text = "value is NaN or Infinity"


class OutOfBounds(OutOfRange):
    def __init__(self, low: int, high: int) -> None:
        super().__init__(f"value is out of range, value must between {low} and {high}")


class MustBeGreaterThanZero(CommandError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} should be greater than 0")


class MustNotBeNegative(CommandError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} can't be negative")


class TooManyKeysAnnounced(CommandError):
    text = "Number of keys can't be greater than number of args"


class RankIsZero(CommandError):
    text = ("RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
            "from the end of the list")


class NegativeExpire(CommandError):
    text = "invalid expire time, must be >= 0"


class FieldsMissing(CommandError):
    text = "Mandatory argument FIELDS is missing or not at the right position"


class FieldCountNotPositive(CommandError):
    text = "Number of fields must be a positive integer"


class FieldCountMismatch(CommandError):
    text = "The `numfields` parameter must match the number of arguments"


# --- connections


class TooManyClients(CommandError):
    text = "max number of clients reached"


class ProtectedMode(CommandError):
    code = "DENIED"
    text = ("mini_redis is running in protected mode because protected mode is enabled and no password is set: only "
            "connections from this machine are accepted. To be reached from elsewhere, set a password with "
            "'requirepass', or turn protection off with 'protected-mode no'.")
