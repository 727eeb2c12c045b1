"""Transcripts of redis-cli sessions, one file per command group, and the runner that replays them."""
