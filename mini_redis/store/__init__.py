"""The keyspace: entries that are their own lock, databases, units of execution, and what a change sets off.

The rules of locks, gate, turn and unit are in ``docs/concurrency.md``; the names here are the names there.
"""
