"""The text of INFO: sections in Redis's order, ``field:value`` lines ended by CRLF.

A field is here if it is true. What belongs to features that are not built (replication, persistence) holds the value
that Redis shows while the feature is off, because clients look for the field.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable
from typing import Any

from mini_redis.version import REDIS_VERSION

try:
    import resource
except ImportError:  # no such module on Windows
    resource = None  # type: ignore[assignment]

Fields = dict[str, Any]
DEFAULT_SECTIONS = ("server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules",
                    "errorstats", "cluster", "keyspace")
EXTRA_SECTIONS = ("commandstats",)
ALL_ORDER = ("server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "commandstats",
             "errorstats", "cluster", "keyspace")


def info(server: Any, names: Iterable[str] = ()) -> str:
    """The sections of these names (none: the usual ones; ``all``, ``everything``, ``default`` are groups)."""
    wanted: set[str] = set()
    for name in names or ("default",):
        lowered = name.lower()
        wanted |= {"all": set(ALL_ORDER), "everything": set(ALL_ORDER),
                   "default": set(DEFAULT_SECTIONS)}.get(lowered, {lowered})
    parts = []
    for name in ALL_ORDER:
        if name in wanted:
            lines = "".join(f"{field}:{value}\r\n" for field, value in SECTIONS[name](server).items())
            parts.append(f"# {'CPU' if name == 'cpu' else name.capitalize()}\r\n{lines}")
    return "\r\n".join(parts)


def _server(server: Any) -> Fields:
    from_start_s = int(server.clock.monotonic() - server.started_s)
    return {
        "redis_version": REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0" * 16,
        "redis_mode": "standalone",
        "server_name": "mini_redis",
        "mini_redis_version": server.version,
        "python_version": platform.python_version(),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "arch_bits": 64 if sys.maxsize > 2**32 else 32,
        "multiplexing_api": "threads",
        "process_id": os.getpid(),
        "process_supervised": "no",
        "run_id": server.run_id,
        "tcp_port": server.port,
        "server_time_usec": server.clock.now_us(),
        "uptime_in_seconds": from_start_s,
        "uptime_in_days": from_start_s // 86400,
        "hz": server.config["hz"],
        "configured_hz": server.config["hz"],
        "lru_clock": server.clock.access_s & 0xFFFFFF,
        "executable": sys.executable,
        "config_file": server.config.file,
    }


def _clients(server: Any) -> Fields:
    return {
        "connected_clients": len(server.clients),
        "cluster_connections": 0,
        "maxclients": server.config["maxclients"],
        "client_recent_max_input_buffer": max((client.query_bytes for client in server.clients.all()), default=0),
        "client_recent_max_output_buffer": 0,
        "blocked_clients": 0,
        "tracking_clients": 0,
        "clients_in_timeout_table": 0,
        "total_blocking_keys": 0,
        "total_blocking_keys_on_nokey": 0,
    }


def _memory(server: Any) -> Fields:
    rss_bytes, peak_bytes = _resident_bytes()
    return {
        "used_memory": rss_bytes,
        "used_memory_human": _human(rss_bytes),
        "used_memory_rss": rss_bytes,
        "used_memory_rss_human": _human(rss_bytes),
        "used_memory_peak": peak_bytes,
        "used_memory_peak_human": _human(peak_bytes),
        "maxmemory": server.config["maxmemory"],
        "maxmemory_human": _human(server.config["maxmemory"]),
        "maxmemory_policy": server.config["maxmemory-policy"],
        "mem_fragmentation_ratio": "1.00",
        "mem_allocator": "python",
    }


def _persistence(server: Any) -> Fields:
    totals, _, _ = server.stats.snapshot()
    return {
        "loading": 0,
        "async_loading": 0,
        "rdb_changes_since_last_save": totals["dirty"],
        "rdb_bgsave_in_progress": 0,
        "rdb_last_save_time": server.started_at_s,
        "rdb_last_bgsave_status": "ok",
        "aof_enabled": 0,
        "aof_rewrite_in_progress": 0,
        "aof_last_write_status": "ok",
    }


def _stats(server: Any) -> Fields:
    totals, _, errors = server.stats.snapshot()
    return {
        "total_connections_received": totals["connections_received"],
        "total_commands_processed": totals["commands_processed"],
        "instantaneous_ops_per_sec": server.commands_per_second,
        "total_net_input_bytes": totals["input_bytes"],
        "total_net_output_bytes": totals["output_bytes"],
        "rejected_connections": totals["rejected_connections"],
        "expired_keys": totals["expired_keys"],
        "evicted_keys": 0,
        "keyspace_hits": totals["lookups"] - totals["misses"],
        "keyspace_misses": totals["misses"],
        "pubsub_channels": 0,
        "pubsub_patterns": 0,
        "total_error_replies": sum(errors.values()),
        "protocol_errors": totals["protocol_errors"],
        "internal_errors": totals["internal_errors"],
    }


def _replication(server: Any) -> Fields:
    return {
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": server.run_id,
        "master_replid2": "0" * 40,
        "master_repl_offset": 0,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": server.config["repl-backlog-size"],
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    }


def _cpu(server: Any) -> Fields:
    own = os.times()
    return {
        "used_cpu_sys": f"{own.system:.6f}",
        "used_cpu_user": f"{own.user:.6f}",
        "used_cpu_sys_children": f"{own.children_system:.6f}",
        "used_cpu_user_children": f"{own.children_user:.6f}",
    }


def _commandstats(server: Any) -> Fields:
    _, commands, _ = server.stats.snapshot()
    return {
        f"cmdstat_{name}": f"calls={stats.calls},usec={stats.nanoseconds // 1000},"
                           f"usec_per_call={stats.nanoseconds / 1000 / max(stats.calls, 1):.2f},"
                           f"rejected_calls={stats.rejected},failed_calls={stats.failed}"
        for name, stats in sorted(commands.items())
    }


def _errorstats(server: Any) -> Fields:
    _, _, errors = server.stats.snapshot()
    return {f"errorstat_{code}": f"count={count}" for code, count in sorted(errors.items())}


def _keyspace(server: Any) -> Fields:
    fields: Fields = {}
    for number, database in enumerate(server.store.databases):
        keys, expires, _ = database.counts()
        if keys:
            average_ms = _average_ttl_ms(database, server.clock.now_ms()) if expires else 0
            fields[f"db{number}"] = f"keys={keys},expires={expires},avg_ttl={average_ms}"
    return fields


def _average_ttl_ms(database: Any, now_ms: int) -> int:
    """Estimated from a slice of the keys with a TTL; looks at them without their locks, for a figure only."""
    _, keys = database.sample_volatile(0, 100)
    entries = (database.entries.get(key) for key in keys)
    left = [entry.expire_ms - now_ms for entry in entries if entry is not None and entry.expire_ms is not None]
    return max(0, sum(left) // len(left)) if left else 0


def _resident_bytes() -> tuple[int, int]:
    """(resident now, peak) of this process; the peak for both where the system tells no more."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) \
        if resource is not None else 0
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), peak
    except (OSError, ValueError, IndexError):
        return peak, peak


def _human(count: int) -> str:
    size = float(count)
    for unit in ("B", "K", "M", "G"):
        if size < 1024 or unit == "G":
            return f"{size:.2f}{unit}" if unit != "B" else f"{count}B"
        size /= 1024
    raise AssertionError("unreachable")


SECTIONS: dict[str, Callable[[Any], Fields]] = {
    "server": _server, "clients": _clients, "memory": _memory, "persistence": _persistence, "stats": _stats,
    "replication": _replication, "cpu": _cpu, "modules": lambda server: {}, "commandstats": _commandstats,
    "errorstats": _errorstats, "cluster": lambda server: {"cluster_enabled": 0}, "keyspace": _keyspace,
}
