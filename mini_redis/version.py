"""The two versions: which Redis the behaviour is that of, and our own (``mini_redis.__version__``)."""

from __future__ import annotations

REDIS_VERSION = "7.4.1"
"""What HELLO and INFO tell: clients decide by it what they may ask for."""
