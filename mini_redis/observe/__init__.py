"""Counting and telling what the server does."""
