"""On which line of the file a row stands, in memory that does not grow."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import numpy as np

REMEMBERED = 64
"""Blocks whose lines stay known; a caller asks about batches just read."""


class LineBook:
    """Lines of the rows of the last blocks.

    Only rows where the line does not follow from the row before are kept:
    behind blank lines and behind cells that hold line ends.
    """

    def __init__(self) -> None:
        self._blocks: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=REMEMBERED)

    def add(self, row: int, line: int) -> None:
        """Note a block whose rows take one line each, from `row` on `line`."""
        self._blocks.append((np.array([row]), np.array([line])))

    def add_lines(self, row: int, line: int, offsets: np.ndarray) -> None:
        """Note a block from `row` on; its rows begin `offsets` after `line`.

        Parameters
        ----------
        row, line : int
        offsets : int ndarray, shape (n_rows,)
        """
        if not offsets.size:
            return
        turns = np.flatnonzero(np.diff(offsets) != 1) + 1
        turns = np.concatenate(([0], turns))
        self._blocks.append((row + turns, line + offsets[turns]))

    def line(self, row: int) -> int | None:
        """Give the line of a row, or None where it is no longer known."""
        firsts = [int(rows[0]) for rows, _ in self._blocks]
        at = bisect_right(firsts, row) - 1
        if at < 0:
            return None
        rows, lines = self._blocks[at]
        turn = int(np.searchsorted(rows, row, side="right")) - 1
        return int(lines[turn]) + row - int(rows[turn])
