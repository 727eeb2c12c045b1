"""The commands: one decorated function each, one file per Redis command group. ``table`` and ``context`` come first."""
