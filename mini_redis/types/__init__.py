"""The values a key can hold, as plain data structures: no locks, no protocol, no I/O; time is an argument."""
