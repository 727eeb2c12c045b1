"""For all tests with threads: the interpreter changes threads 500 times as often as usual."""

import sys

import pytest


@pytest.fixture(autouse=True)
def eager_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)
