"""mini_redis: a Redis-compatible server in pure Python, standard library only.

``python3 -m mini_redis`` runs it; in a program::

    from mini_redis import Server

    with Server(port=0) as server:
        print(server.addresses)

This file must be readable for any Python, old ones too, so that they say one sentence and not a syntax error. For the
same reason ``Server``, and with it everything else, is loaded at its first use.
"""

import sys

__all__ = ["Server", "__version__"]
__version__ = "0.1.0"

if sys.version_info < (3, 10):
    sys.exit("mini_redis needs Python 3.10 or newer, this is %d.%d: use a newer python3" % sys.version_info[:2])

import importlib  # noqa: E402  (after the check: nothing else may fail first)
from typing import TYPE_CHECKING  # noqa: E402

if TYPE_CHECKING:
    from mini_redis.server import Server


def __getattr__(name):
    if name == "Server":
        return importlib.import_module("mini_redis.server").Server
    raise AttributeError("module 'mini_redis' has no attribute " + repr(name))
