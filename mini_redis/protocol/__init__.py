"""RESP2, RESP3 and inline commands as pure functions of bytes: no sockets, no locks, no commands."""
