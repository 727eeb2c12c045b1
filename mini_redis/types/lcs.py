"""The longest common subsequence of two strings, for LCS.

The textbook table of N x M numbers would take minutes in Python for what Redis accepts. Here a whole row is one big
integer (after Crochemore and Hyyrö): bit j of row i is 0 where the length grows from column j to j + 1. A row follows
from the one before with four operations on M bits, so N x M costs N x M / 64 machine words: 10,000 x 10,000 bytes take
about 30 ms and 12 MB. One bit a cell is enough to walk back the way that Redis's table leads.
"""

from __future__ import annotations

from typing import NamedTuple

Range = tuple[int, int]
"""First and last offset, both inclusive."""


class CommonSubsequence(NamedTuple):
    """``matches``: the runs that it is made of, as (range in the first, range in the second), the last run first."""

    text: bytes
    matches: list[tuple[Range, Range]]


def longest_common_subsequence(first: bytes, second: bytes) -> CommonSubsequence:
    """Cost: O(N x M / 64) time, N x M bits of memory.

    Among equally long ones it is the one that Redis gives: from the end, equal bytes are taken, else the step goes to
    the neighbour with the longer subsequence, in doubt leftwards in ``second``.
    """
    rows = _rows(first, second)
    pairs: list[tuple[int, int]] = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif rows[i - 1][(j - 1) >> 3] >> ((j - 1) & 7) & 1:
            j -= 1  # the length does not grow from column j - 1 to j
        else:
            i -= 1
    return CommonSubsequence(bytes(first[i] for i, _ in reversed(pairs)), _runs(pairs))


def _runs(pairs: list[tuple[int, int]]) -> list[tuple[Range, Range]]:
    """Join pairs of offsets that follow each other, from the end, into ranges."""
    runs: list[tuple[Range, Range]] = []
    for i, j in pairs:
        if runs and runs[-1][0][0] == i + 1 and runs[-1][1][0] == j + 1:
            (_, i_end), (_, j_end) = runs.pop()
        else:
            i_end, j_end = i, j
        runs.append(((i, i_end), (j, j_end)))
    return runs


def _rows(first: bytes, second: bytes) -> list[bytes]:
    """For each byte of ``first`` the row of bits over ``second``, little-endian."""
    columns = len(second)
    everything = (1 << columns) - 1
    where: dict[int, int] = {}
    for column, byte in enumerate(second):
        where[byte] = where.get(byte, 0) | 1 << column
    rows: list[bytes] = []
    row = everything
    width = (columns + 7) // 8
    for byte in first:
        hits = row & where.get(byte, 0)
        row = ((row + hits) | (row - hits)) & everything
        rows.append(row.to_bytes(width, "little"))
    return rows
