"""Directives and their ways in: redis.conf, arguments, keywords, CONFIG SET; and CONFIG GET as the way out.

Error texts and the order of checks are those observed on Redis 8.2 and 7.0.
"""

import io
import textwrap
from pathlib import Path

import pytest

from mini_redis import directives
from mini_redis.config import Config, ConfigError
from mini_redis.directives import DIRECTIVES, MEANINGFUL, NOT_BUILT, WITHOUT_EFFECT


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a configuration file into an empty working directory; the result is its path."""
    monkeypatch.chdir(tmp_path)

    def write_file(text, name="redis.conf"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return str(path)

    return write_file


def read(*argv, stdin=None):
    return Config.from_arguments(argv, stdin and io.BytesIO(stdin))


def reason(*argv, stdin=None):
    with pytest.raises(ConfigError) as caught:
        read(*argv, stdin=stdin)
    return str(caught.value)


def set_error(config, *words, **options):
    """The text of the error that CONFIG SET answers."""
    with pytest.raises(ConfigError) as caught:
        config.set_many(list(zip(words[::2], words[1::2])), **options)
    return str(caught.value)


def blame(name, text):
    return f"CONFIG SET failed (possibly related to argument '{name}') - {text}"


# --- the tables


@pytest.mark.parametrize("row", [*MEANINGFUL, *WITHOUT_EFFECT, *NOT_BUILT], ids=lambda row: row.name)
def test_every_default_is_read_printed_and_read_again(row):
    config = Config()
    printed = row.kind.format(config[row.name])
    assert row.parse([printed], config[row.name]) == config[row.name]
    assert row.is_hidden or row.refusal(config[row.name]) is None


def test_a_name_described_twice_is_a_mistake():
    with pytest.raises(ValueError, match="two rows describe 'port'"):
        directives._by_name([DIRECTIVES["port"], DIRECTIVES["port"]])


@pytest.mark.parametrize("name, value", [
    ("port", 6379), ("bind", ["127.0.0.1", "-::1"]), ("save", []), ("protected-mode", True), ("appendonly", False),
    ("maxclients", 10000), ("proto-max-bulk-len", 512 * 2**20), ("client-query-buffer-limit", 2**30),
    ("unixsocketperm", 0), ("switch-interval", 0.005), ("databases", 16),
    ("client-output-buffer-limit",
     {"normal": (0, 0, 0), "slave": (256 * 2**20, 64 * 2**20, 60), "pubsub": (32 * 2**20, 8 * 2**20, 60)}),
])  # fmt: skip
def test_defaults_are_typed(name, value):
    assert Config()[name] == value


@pytest.mark.parametrize("words, value", [
    ("100", 100), ("1b", 1), ("1k", 1000), ("1kb", 1024), ("2M", 2_000_000), ("2Mb", 2 * 2**20), ("1G", 10**9),
    ("1gb", 2**30), ("0", 0), ("007", 7), ("", 0), ("kb", 0),
])  # fmt: skip
def test_sizes_have_units(words, value):
    assert directives.Memory().parse([words], None) == value


@pytest.mark.parametrize("word", ["1.5gb", "-1", "+1", "1 kb", "1tb", "1kbb", "0x10", "1_000", "٣"])
def test_what_is_no_size(word):
    with pytest.raises(ValueError, match="argument must be a memory value"):
        directives.Memory().parse([word], None)


@pytest.mark.parametrize("word", ["", " 5", "5 ", "+5", "007", "0x10", "1.5", "1_0", "abc", "9223372036854775808"])
def test_what_is_no_integer(word):
    with pytest.raises(ValueError, match="argument couldn't be parsed into an integer"):
        directives.Integer(0, 100).parse([word], None)


@pytest.mark.parametrize("kind, word, value, printed", [
    (directives.MemoryOrPercent(), "5%", -5, "5%"),
    (directives.MemoryOrPercent(), "0%", 0, "0"),
    (directives.MemoryOrPercent(), "1mb", 2**20, "1048576"),
    (directives.Clamped(1, 500), "0", 1, "1"),
    (directives.Clamped(1, 500), "501", 500, "500"),
    (directives.Octal(), "770", 0o770, "770"),
    (directives.Choice("no", "always"), "ALWAYS", "always", "always"),
    (directives.Switch(), "YES", True, "yes"),
    (directives.Choices("default", "save", "nosave", "now", "force"), "force now", "now force", "now force"),
    (directives.Percentiles(), "50.10 99.999 3", [50.1, 99.999, 3.0], "50.1 99.999 3"),
    (directives.Percentiles(), "", [], ""),
    (directives.OomScores(), "0 200 -2000", (0, 200, -2000), "0 200 -2000"),
    (directives.EventClasses(), "KEA", "AKE", "AKE"),
    (directives.EventClasses(), "nmKEdtexzhsl$g", "AKEm", "AKEm"),
    (directives.EventClasses(), "xgE", "gxE", "gxE"),
    (directives.SavePoints(), "10 1 5 2", [(10, 1), (5, 2)], "10 1 5 2"),
    (directives.Words(), "NO one", "", ""),
])  # fmt: skip
def test_kinds(kind, word, value, printed):
    row = directives.Directive("example", kind, "")
    parsed = row.parse([word], [] if isinstance(kind, directives.SavePoints) else None)
    assert (parsed, kind.format(parsed)) == (value, printed)


# --- redis.conf


def test_a_file_with_all_of_the_syntax(write):
    path = write(b"""\
# a comment
   # another, indented
\r
port 7000\r
\t LogLevel   verbose
requirepass "a b\\x41\\n\\\\\\""
masterauth 'it\\'s \\n'
masteruser plain#text
pidfile ""
unixsocketperm 700
client-query-buffer-limit 2mb
bind 127.0.0.1
bind 127.0.0.2 ::1
""")
    config = read(path)
    assert config.file == path
    assert config["port"] == 7000
    assert config["loglevel"] == "verbose"
    assert config["requirepass"] == 'a bA\n\\"'
    assert config["masterauth"] == "it's \\n"
    assert config["masteruser"] == "plain#text"
    assert config["pidfile"] == ""
    assert config["unixsocketperm"] == 0o700
    assert config["client-query-buffer-limit"] == 2 * 2**20
    assert config["bind"] == ["127.0.0.2", "::1"]


def test_bytes_that_are_not_utf8_survive(write):
    config = read(write(b'requirepass "\\xff\\x00"\nmasterauth \xfe\n'))
    assert config["requirepass"].encode("utf-8", "surrogateescape") == b"\xff\0"
    assert config["masterauth"].encode("utf-8", "surrogateescape") == b"\xfe"


def test_output_limits_of_several_lines_add_up(write):
    config = read(write("""\
        client-output-buffer-limit normal 1kb 2 3
        client-output-buffer-limit replica 4 5 6
        """))
    assert config.get_text(b"client-output*") == {
        "client-output-buffer-limit": "normal 1024 2 3 slave 4 5 6 pubsub 33554432 8388608 60"
    }


def test_a_later_line_may_take_back_what_is_not_built(write):
    path = write("save 900 1\nsave 300 10\nappendonly yes\nappendonly no\n")
    assert reason(path) == (
        f"{path}, line 2: 'save 300 10': mini_redis does not save to disk yet, only 'save \"\"' is possible"
    )
    assert read(path, "--save", "")["save"] == []


@pytest.mark.parametrize("line, text", [
    ("foo bar", "Bad directive or wrong number of arguments"),
    ("port", "wrong number of arguments"),
    ("port 1 2", "wrong number of arguments"),
    ('port "1', "Unbalanced quotes in configuration line"),
    ('port "1"2', "Unbalanced quotes in configuration line"),
    ("port abc", "argument couldn't be parsed into an integer"),
    ("port 65536", "argument must be between 0 and 65535 inclusive"),
    ("databases 0", "argument must be between 1 and 2147483647 inclusive"),
    ("appendfsync maybe", "argument(s) must be one of the following: everysec, always, no"),
    ("protected-mode 1", "argument must be 'yes' or 'no'"),
    ("unixsocketperm 999", "argument couldn't be parsed as an octal number"),
    ("client-output-buffer-limit normal 0 0", "Wrong number of arguments in buffer limit configuration."),
    ("save 10", "Invalid save parameters"),
    ("dbfilename a/b", "dbfilename can't be a path, just a filename"),
    ("dir /no/such/place", "No such file or directory"),
    ("include", "wrong number of arguments"),
    ("include none.conf", "can't open config file 'none.conf': No such file or directory"),
    ("switch-interval 0", "argument must be a time between 1e-05 and 1.0 seconds"),
])  # fmt: skip
def test_a_bad_line_is_named_with_file_number_and_reason(write, line, text):
    path = write(f"# first\n{line}\n")
    assert reason(path) == f"{path}, line 2: '{line}': {text}"


@pytest.mark.parametrize("line", [
    "appendonly yes", "save 3600 1 300 100", "maxmemory 1gb", "maxmemory-clients 5%", "replicaof 10.0.0.1 6379",
    "slaveof 10.0.0.1 6379", "tls-port 6380", "tls-cert-file x.crt", "cluster-enabled yes", "aclfile users.acl",
    "user default on nopass", "user", "loadmodule x.so", "rename-command CONFIG x", "daemonize yes",
    "supervised systemd", "syslog-enabled yes", "notify-keyspace-events KEA", "min-replicas-to-write 1",
    "min-slaves-to-write 1", "activedefrag yes", "oom-score-adj yes", "shutdown-on-sigterm save",
    "enable-module-command yes", "locale-collate de_DE",
])  # fmt: skip
def test_what_is_not_built_is_refused_by_name(write, line):
    path = write(line)
    assert reason(path).startswith(f"{path}, line 1: '{line}': mini_redis ")


@pytest.mark.parametrize("line", [
    "appendonly no", 'save ""', "maxmemory 0", "replicaof no one", "tls-port 0", "cluster-enabled no", 'aclfile ""',
    "daemonize no", "supervised auto", "shutdown-on-sigterm nosave now", "locale-collate C",
])  # fmt: skip
def test_what_is_not_built_may_be_off(write, line):
    read(write(line))


def test_daemonize_tells_what_to_do_instead(write):
    assert "systemd" in reason("--daemonize", "yes")


def test_what_has_no_effect_is_listed_once(write):
    config = read(write("rdbcompression yes\nport 1\nrdbcompression no\n"), "--slave-priority", "5")
    assert config.without_effect == ["rdbcompression", "replica-priority"]


def test_included_files_are_read_in_place(write):
    write("port 1\ninclude inner.conf\n", "outer.conf")
    write("maxclients 7\n", "inner.conf")
    config = read(write("port 2\ninclude outer.conf\nmaxclients 8\n"))
    assert (config["port"], config["maxclients"]) == (1, 8)


def test_include_takes_patterns_in_the_order_of_names(write):
    write("port 2\n", "20.conf")
    write("port 1\n", "10.conf")
    assert read(write("include [12]0.conf\ninclude none*.conf\n"))["port"] == 2
    assert read("--include", "10.conf")["port"] == 1


def test_an_error_in_an_included_file_names_that_file(write):
    inner = write("\nport x\n", "inner.conf")
    assert reason(write(f"include {inner}\n")) == (
        f"{inner}, line 2: 'port x': argument couldn't be parsed into an integer"
    )


def test_files_that_include_each_other_are_an_error(write):
    write("include a.conf\n", "b.conf")
    assert "includes itself" in reason(write("include b.conf\n", "a.conf"))


def test_a_directory_or_a_missing_file_is_no_configuration(write, tmp_path):
    write("")
    assert reason(str(tmp_path)) == f"can't open config file '{tmp_path}': Is a directory"
    assert reason("none.conf") == f"can't open config file '{tmp_path}/none.conf': No such file or directory"


def test_the_configuration_of_debian_starts(write, tmp_path):
    """Every active line of the file that Debian's redis-server 7.0 installs, written out as names and values."""
    path = write("""\
        bind 127.0.0.1 -::1
        protected-mode yes
        port 6379
        tcp-backlog 511
        timeout 0
        tcp-keepalive 300
        daemonize yes
        pidfile /run/redis/redis-server.pid
        loglevel notice
        logfile /var/log/redis/redis-server.log
        databases 16
        always-show-logo no
        set-proc-title yes
        proc-title-template "{title} {listen-addr} {server-mode}"
        stop-writes-on-bgsave-error yes
        dbfilename dump.rdb
        dir /nonexistent/redis
        replica-priority 100
        oom-score-adj no
        oom-score-adj-values 0 200 800
        appendonly no
        appendfilename "appendonly.aof"
        appenddirname "appendonlydir"
        appendfsync everysec
        auto-aof-rewrite-min-size 64mb
        notify-keyspace-events ""
        client-output-buffer-limit normal 0 0 0
        client-output-buffer-limit replica 256mb 64mb 60
        client-output-buffer-limit pubsub 32mb 8mb 60
        hz 10
        jemalloc-bg-thread yes
        """)
    text = Path(path).read_text().replace("dir /nonexistent/redis\n", f"dir {tmp_path}\n")
    config = read(write(text), "--dir", str(tmp_path), "--logfile", "", "--pidfile", "p", "--daemonize", "no")
    assert (config["dir"], config["logfile"], config["daemonize"]) == (str(tmp_path), "", False)


def test_a_directory_that_is_missing_may_be_overridden(write, tmp_path):
    config = read(write("dir /nonexistent/redis\n"), "--dir", str(tmp_path))
    assert config["dir"] == str(tmp_path)


# --- arguments


@pytest.mark.parametrize("argv, name, value", [
    ((), "port", 6379),
    (("--port", "1"), "port", 1),
    (("--PORT", "1"), "port", 1),
    (("--port 1",), "port", 1),
    (("--port 1", "--bind ::1"), "port", 1),
    (("--bind", "127.0.0.1", "::1", "--port", "1"), "bind", ["127.0.0.1", "::1"]),
    (("--bind", "127.0.0.1 ::1"), "bind", ["127.0.0.1", "::1"]),
    (("--bind", ""), "bind", []),
    (("--requirepass", "--port", "--port", "1"), "requirepass", "--port"),
    (("--requirepass", "a b"), "requirepass", "a b"),
    (("--save", "--port", "1"), "port", 1),
    (("--save", "1 1", "--save", ""), "save", []),
    (("--port", "1", "--port", "2"), "port", 2),
])  # fmt: skip
def test_arguments(argv, name, value):
    assert read(*argv)[name] == value


@pytest.mark.parametrize("argv, text", [
    (("--foo",), "command line: '--foo': Bad directive or wrong number of arguments"),
    (("--foo", "1"), "command line: '--foo 1': Bad directive or wrong number of arguments"),
    (("--port=1",), "command line: '--port=1': Bad directive or wrong number of arguments"),
    (("--port",), "command line: '--port': wrong number of arguments"),
    (("--port", "1", "2"), "command line: '--port 1 2': wrong number of arguments"),
    (("--port", "abc"), "command line: '--port abc': argument couldn't be parsed into an integer"),
    (("-p", "1"), "command line: '-p': expected --directive value, see --help"),
    (("--",), "command line: '--': expected --directive value, see --help"),
])  # fmt: skip
def test_bad_arguments(argv, text):
    assert reason(*argv) == text


def test_arguments_win_over_stdin_and_stdin_over_the_file(write):
    path = write("port 1\nmaxclients 1\ndatabases 1\n")
    config = read(path, "--databases", "3", "-", stdin=b"maxclients 2\ndatabases 2\n")
    assert [config[name] for name in ("port", "maxclients", "databases")] == [1, 2, 3]
    assert read("-", stdin=b"port 5\n")["port"] == 5
    assert reason("-", stdin=b"\nport x\n").startswith("standard input, line 2: 'port x'")


# --- keywords


def test_keywords_take_python_values(tmp_path):
    config = Config.from_keywords(
        port=0, requirepass="x y", bind=["127.0.0.1", "::1"], protected_mode=False, hash_max_listpack_entries=4,
        dir=tmp_path, unixsocket=None, switch_interval=0.001, save=[], proto_max_bulk_len="1mb", masterauth=b"b",
    )  # fmt: skip
    assert config["port"] == 0
    assert config["requirepass"] == "x y"
    assert config["bind"] == ["127.0.0.1", "::1"]
    assert config["protected-mode"] is False
    assert config["dir"] == str(tmp_path)
    assert config["unixsocket"] == ""
    assert config["switch-interval"] == 0.001
    assert config["proto-max-bulk-len"] == 2**20
    assert config["masterauth"] == "b"
    assert config.limits.hash_max_listpack_entries == 4


def test_bad_keywords():
    with pytest.raises(ConfigError, match=r"argument: 'colour='red'': Bad directive"):
        Config.from_keywords(colour="red")
    with pytest.raises(ConfigError, match="no append-only file yet"):
        Config.from_keywords(appendonly=True)


# --- CONFIG GET


def test_get_by_name_pattern_and_alias():
    config = Config()
    assert config.get_text(b"maxclients") == {"maxclients": "10000"}
    assert config.get_text(b"list-max-*") == {"list-max-listpack-size": "-2", "list-max-ziplist-size": "-2"}
    assert config.get_text(b"slave-prio*") == {"slave-priority": "100"}
    assert config.get_text(b"save") == {"save": ""}
    assert config.get_text(b"unknown", b"\\hz", b"") == {}


def test_a_name_is_answered_as_it_was_asked_and_once():
    config = Config()
    assert config.get_text(b"HZ") == {"HZ": "10"}
    assert config.get_text(b"*HZ*", b"hz", b"Hz") == {"hz": "10", "dynamic-hz": "yes"}


def test_get_all_shows_each_name_but_no_orders():
    shown = Config().get_text(b"*")
    assert len(shown) == len(DIRECTIVES) - 3
    assert not {"user", "loadmodule", "rename-command"} & set(shown)
    assert Config().get_text(b"user") == {}


# --- CONFIG SET


def test_set_of_several_changes_all():
    config = Config()
    config.set_many([("maxclients", "5"), ("SLAVE-priority", "7"), ("hash-max-ziplist-entries", "9")])
    assert (config["maxclients"], config["replica-priority"]) == (5, 7)
    assert config.limits.hash_max_listpack_entries == 9


def test_every_threshold_of_the_types_follows_its_directive():
    config = Config()
    names = [row.name for row in MEANINGFUL if hasattr(config.limits, row.name.replace("-", "_"))]
    assert "set-max-intset-entries" in names and "hash-max-listpack-value" in names
    for name in names:
        assert getattr(config.limits, name.replace("-", "_")) == config[name]
        config.set_many([(name, "3")])
        assert getattr(config.limits, name.replace("-", "_")) == 3


@pytest.mark.parametrize("words, text", [
    ("foo 1", "Unknown option or number of arguments for CONFIG SET - 'foo'"),
    ("user x", "Unknown option or number of arguments for CONFIG SET - 'user'"),
    ("databases 3 foo 1", blame("databases", "can't set immutable config")),
    ("foo 1 databases 3", "Unknown option or number of arguments for CONFIG SET - 'foo'"),
    ("hz 1 hz 2 foo 3", blame("hz", "duplicate parameter")),
    ("hz 1 HZ 2", blame("HZ", "duplicate parameter")),
    ("hz abc foo 1", "Unknown option or number of arguments for CONFIG SET - 'foo'"),
    ("port 7000", blame("port", "can't set immutable config")),
    ("dir /tmp", blame("dir", "can't set protected config")),
    ("maxclients 0", blame("maxclients", "argument must be between 1 and 4294967295 inclusive")),
    ("maxclients abc", blame("maxclients", "argument couldn't be parsed into an integer")),
    ("list-max-ziplist-size x", blame("list-max-ziplist-size", "argument couldn't be parsed into an integer")),
    ("hash-max-listpack-entries -1", blame("hash-max-listpack-entries", "argument must be greater or equal to 0")),
    ("proto-max-bulk-len 5",
     blame("proto-max-bulk-len", "argument must be between 1048576 and 9223372036854775807 inclusive")),
    ("loglevel x",
     blame("loglevel", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing")),
    ("maxmemory-clients 101%", blame("maxmemory-clients", "percentage argument must be less or equal to 100")),
    ("maxmemory 18446744073709551616", blame("maxmemory", "argument must be greater or equal to 0")),
    ("client-output-buffer-limit x",
     blame("client-output-buffer-limit", "Wrong number of arguments in buffer limit configuration.")),
    ("proc-title-template {x}",
     blame("proc-title-template", "template format is invalid or contains unknown variables")),
    ("latency-tracking-info-percentiles 101",
     blame("latency-tracking-info-percentiles",
           "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")),
    ("appendonly yes", blame("appendonly", "mini_redis has no append-only file yet, only 'no' is possible")),
    ("maxmemory 1mb", blame("maxmemory", "mini_redis does not limit its memory yet, only '0' is possible")),
])  # fmt: skip
def test_set_errors(words, text):
    assert set_error(Config(), *words.split()) == text


def test_one_bad_pair_leaves_all_as_it_was():
    config = Config()
    before = config.get_text(b"*")
    seen = []
    config.on_change("timeout", seen.append)
    assert "'hz'" in set_error(config, "timeout", "9", "set-max-intset-entries", "1", "hz", "x")
    assert config.get_text(b"*") == before
    assert config.limits.set_max_intset_entries == 512
    assert set(seen) <= {0}


def test_set_replaces_a_list_but_only_the_named_output_limits():
    config = Config()
    config.set_many([("client-output-buffer-limit", "slave 1mb 2 3"), ("latency-tracking-info-percentiles", "1")])
    config.set_many([("latency-tracking-info-percentiles", "2 3")])
    assert config["latency-tracking-info-percentiles"] == [2.0, 3.0]
    assert config["client-output-buffer-limit"]["slave"] == (2**20, 2, 3)
    assert config["client-output-buffer-limit"]["normal"] == (0, 0, 0)


def test_protected_directives_open_to_those_allowed(tmp_path):
    config = Config.from_keywords(enable_protected_configs="local")
    assert "protected" in set_error(config, "dir", str(tmp_path))
    config.set_many([("dir", str(tmp_path))], is_local=True)
    assert config["dir"] == str(tmp_path)
    config = Config.from_keywords(enable_protected_configs="yes")
    config.set_many([("dir", str(tmp_path))])
    assert set_error(config, "dir", "/no/such/place") == blame("dir", "No such file or directory")


def test_subscribers_hear_of_a_success():
    config = Config()
    seen = []
    config.on_change("replica-priority", seen.append)
    config.set_many([("slave-priority", "7")])
    config.set_many([("hz", "7")])
    assert seen == [7]


def test_a_subscriber_can_undo_the_whole_command():
    config = Config()
    seen = []

    def refuse(value):
        if value == 100:
            raise ConfigError("the machine cannot")

    config.on_change("timeout", seen.append)
    config.on_change("maxclients", refuse)
    assert set_error(config, "timeout", "9", "maxclients", "100") == blame("maxclients", "the machine cannot")
    assert (config["timeout"], config["maxclients"]) == (0, 10000)
    assert seen == [9, 0]


def test_two_configurations_share_nothing():
    first, second = Config(), Config()
    first.set_many([("hash-max-listpack-entries", "1"), ("client-output-buffer-limit", "normal 1 1 1")])
    first.on_change("hz", lambda value: pytest.fail("not ours"))
    second.set_many([("hz", "20")])
    assert second["client-output-buffer-limit"]["normal"] == (0, 0, 0)
    assert second.limits.hash_max_listpack_entries != 1
