"""An even sample of rows that pass by once, in memory that does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats


class Reservoir:
    """Keeps rows evenly at random, all while there are few.

    Parameters
    ----------
    most : int
        Rows to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[Floats, tuple[NDArray[Any], ...]]] = []
        self._held = 0
        self.seen = 0

    def add(self, keys: Floats, *columns: NDArray[Any]) -> None:
        """Take in some rows.

        Parameters
        ----------
        keys : float64 array, shape (n_rows,)
            Drawn for each row by its number, so that batches make no difference: the
            rows with the lowest are kept.
        columns : arrays, shape (n_rows, ...)
        """
        self._kept.append((keys, columns))
        self._held += len(keys)
        self.seen += len(keys)
        if self._held > 2 * self._most:
            self._thin()

    def rows(self) -> tuple[NDArray[Any], ...]:
        """Give the columns of the kept rows, in the order they came."""
        self._thin()
        return self._kept[0][1] if self._kept else ()

    def _thin(self) -> None:
        if not self._kept:
            return
        keys = np.concatenate([keys for keys, _ in self._kept])
        columns = [
            np.concatenate(parts)
            for parts in zip(*(columns for _, columns in self._kept), strict=True)
        ]
        if len(keys) > self._most:
            lowest = np.sort(np.argpartition(keys, self._most)[: self._most])
            keys, columns = keys[lowest], [column[lowest] for column in columns]
        self._kept, self._held = [(keys, tuple(columns))], len(keys)
