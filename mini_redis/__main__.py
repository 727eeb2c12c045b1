"""The command line: arguments to Config to Server, and all that concerns the whole process.

Only here are signals, resource limits, the switch interval, the garbage collector, the stack size of threads and
logging set: a ``Server`` in somebody's program leaves them alone.

Exit statuses: 0 after an orderly stop (SIGTERM, SIGINT and Ctrl-C, SHUTDOWN); 1 if the configuration is wrong or the
server cannot start; 2 if a data file is damaged (reserved until there are data files). A reason is one or two
sentences on stderr.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import gc
import logging
import logging.handlers
import os
import platform
import signal
import sys
import threading
from collections.abc import Sequence

from mini_redis import __version__, affinity
from mini_redis.config import Config, ConfigError
from mini_redis.server import Server

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

EXIT_OK, EXIT_CANNOT_START = 0, 1
OWN_DESCRIPTORS = 32  # for listeners, files and logs, beside one for each client
STACK_BYTES = 256 * 1024  # 8 MB, the default, times 10,000 threads is more address space than some machines grant
# Generation 2 is collected rarely: with 1,000,000 keys one pass stops every client for about a second.
GC_THRESHOLDS = (50_000, 50, 1000)

LOG = logging.getLogger("mini_redis")
VERBOSE = (logging.DEBUG + logging.INFO) // 2
LOG_LEVELS = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}
LOG_MARKS = ((logging.WARNING, "#"), (logging.INFO, "*"), (VERBOSE, "-"), (0, "."))

HELP = """\
Usage: mini-redis [file.conf] [--directive value ...] [-]

A Redis-compatible server. Without arguments it serves 127.0.0.1:6379.

  file.conf            a redis.conf; its directives can be given as arguments too, and those win
  -                    read more directives from standard input, before the arguments
  --directive value    for example --port 7000, --bind 127.0.0.1 ::1, --maxclients 500
  -h, --help           this text
  -v, --version        name and version

Exit status: 0 after an orderly stop (SIGTERM, SIGINT, Ctrl-C, SHUTDOWN), 1 if the configuration is wrong or the
server cannot start, 2 if a data file is damaged (reserved).
"""

REMEDIES = {
    errno.EADDRINUSE: "is taken: stop what listens there, or choose another with --port or --unixsocket",
    errno.EACCES: "may not be used by this user: choose a port above 1023, or a directory that you may write to",
    errno.EPERM: "may not be used by this user: choose a port above 1023, or a directory that you may write to",
    errno.EADDRNOTAVAIL: "is no address of this machine: correct --bind, or put '-' before the address",
    errno.ENOENT: "is in a directory that does not exist: create it, or correct --unixsocket",
}


class LogFormatter(logging.Formatter):
    """One line an event, as Redis writes it: ``12:M 23 Nov 2026 12:00:00.000 * text``."""

    def __init__(self) -> None:
        super().__init__("%(process)d:M %(asctime)s.%(msecs)03d %(mark)s %(message)s", "%d %b %Y %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.mark = next(mark for level, mark in LOG_MARKS if record.levelno >= level)
        return super().format(record)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is asked to stop; the result is the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in ("-h", "--help"):
        print(HELP, end="")
        return EXIT_OK
    if arguments and arguments[0] in ("-v", "--version"):
        print(f"mini_redis v={__version__} python={platform.python_version()} bits={sys.maxsize.bit_length() + 1}")
        return EXIT_OK
    try:
        config = Config.from_arguments(arguments, sys.stdin.buffer if sys.stdin else None)
        set_up_logging(config)
    except (ConfigError, OSError) as error:
        return _complain(str(error))
    set_up_process(config)
    try:
        return serve(config)
    except KeyboardInterrupt:  # Ctrl-C before the signals are ours
        return EXIT_OK


def serve(config: Config) -> int:
    """Start the server of ``config`` and wait for its end."""
    server = Server(config=config, is_eager=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.request_stop())
    try:
        server.start()
    except (ConfigError, OSError) as error:
        server.stop()
        return _complain(explain(error, config))
    if not server.addresses:
        server.stop()
        return _complain("there is nothing to listen on: give --bind and --port, or --unixsocket")
    has_pid_file = _write_pid_file(config["pidfile"])
    _log_banner(server, config)
    try:
        server.wait()
        LOG.info("Asked to stop")
        server.stop()
    finally:
        if has_pid_file:
            _remove(config["pidfile"])
    LOG.info("mini_redis is now ready to exit, bye bye...")
    return server.exit_status


def explain(error: Exception, config: Config) -> str:
    """One sentence on why the server cannot start, with what to do."""
    if not isinstance(error, OSError):
        return str(error)
    place = error.filename or f"port {config['port']} on {' '.join(config['bind'])}"
    remedy = REMEDIES.get(error.errno or 0)
    return f"{place} {remedy}" if remedy else f"cannot listen on {place}: {error.strerror or error}"


def set_up_process(config: Config) -> None:
    """All settings that hold for the whole process, but signals that stop the server and logging."""
    faulthandler.enable()
    sys.setswitchinterval(config["switch-interval"])
    threading.stack_size(STACK_BYTES)
    for name in ("SIGHUP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _raise_descriptor_limit(config)
    if config["one-cpu"] and affinity.is_useful():
        affinity.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _raise_descriptor_limit(config: Config) -> None:
    """Make room for ``maxclients`` sockets, or lower ``maxclients`` to what the system grants."""
    if resource is None:
        return
    wanted = config["maxclients"] + OWN_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    for limits in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            break
        except (ValueError, OSError):
            continue
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft < wanted:
        possible = max(soft - OWN_DESCRIPTORS, 1)
        LOG.warning("maxclients lowered from %d to %d: the limit of open files is %d ('ulimit -n', LimitNOFILE=)",
                    config["maxclients"], possible, soft)
        config.set_many([("maxclients", str(possible))])


def set_up_logging(config: Config) -> None:
    """Log to stdout, or to ``logfile``, which may be moved away at any time. Errors: OSError with a full sentence."""
    if config["logfile"]:
        path = os.path.join(config["dir"], config["logfile"])
        try:
            handler: logging.Handler = logging.handlers.WatchedFileHandler(
                path, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OSError(f"cannot write the log file '{path}' ({error.strerror}): correct --logfile") from None
    else:
        handler = logging.StreamHandler(sys.stdout)
    logging.addLevelName(VERBOSE, "VERBOSE")
    logging.raiseExceptions = False  # a log that cannot be written must not become noise on stderr
    handler.setFormatter(LogFormatter())
    LOG.addHandler(handler)
    LOG.propagate = False
    LOG.setLevel(LOG_LEVELS[config["loglevel"]])
    config.on_change("loglevel", lambda level: LOG.setLevel(LOG_LEVELS[level]))


def _log_banner(server: Server, config: Config) -> None:
    LOG.info("mini_redis %s on Python %s, pid %d", __version__, platform.python_version(), os.getpid())
    LOG.info("Configuration: %s", config.file or "defaults and arguments, no file")
    if config.without_effect:
        LOG.warning("Accepted, but without effect here: %s", " ".join(config.without_effect))
    LOG.info("%d databases, empty at the start; nothing is saved to disk", config["databases"])
    LOG.info("Ready to accept connections on %s", ", ".join(map(str, server.addresses)) or "no address")


def _write_pid_file(path: str) -> bool:
    """Whether there is now a file with our pid at ``path``; failing is worth a warning, not the end."""
    if not path:
        return False
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        LOG.warning("Cannot write the pid file '%s': %s", path, error.strerror)
        return False
    return True


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        LOG.warning("Cannot remove the file '%s': %s", path, error.strerror)


def _complain(sentence: str) -> int:
    """Say on stderr why there is no server."""
    print(f"mini_redis: {sentence}", file=sys.stderr)
    return EXIT_CANNOT_START


def run() -> None:
    """The program: ``main``, and then out at once.

    All that must be done at the end is done by then. The interpreter's own end would take apart the modules under
    threads that are just leaving; without the GIL, CPython 3.13.0rc2 was seen to hang there.
    """
    status = main()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, broken, or not there
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
