"""The tests, and what they share: `resp` (a client), `conftest` (fixtures) and `transcripts` (what redis-cli shows)."""
