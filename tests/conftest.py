"""Fixtures for all tests. Puts the checkout on the import path, so that nothing needs to be installed."""

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
resp = importlib.import_module("tests.resp")


def start_server(**options):
    """A `mini_redis.Server` on a free port, not yet entered. Imported here and not above: a server that cannot be
    imported then fails the tests that start one, and the tests of single parts still say which part is broken."""
    return importlib.import_module("mini_redis").Server(port=0, enable_debug_command="yes", **options)


@pytest.fixture
def server():
    """A server in process, on a free port, for one test."""
    with start_server() as running:
        yield running


@pytest.fixture
def client(server):
    """A connection to `server`."""
    with resp.connect("127.0.0.1", server.port) as connection:
        yield connection


@pytest.fixture(scope="session")
def manual_server():
    """A server whose time stands still, and its clock: for tests that leave directives as they found them."""
    clock = importlib.import_module("mini_redis.clock").ManualClock()
    with start_server(clock=clock) as running:
        yield running, clock
