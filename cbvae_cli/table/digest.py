"""A labelled table's fingerprint, taken row by row or all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats


class Digest:
    """The sha256 of cells in the order of rows, then of labels, then of more arrays."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._labels: list[NDArray[np.int64]] = []
        self.rows = 0

    def add(self, values: Floats, labels: NDArray[np.int64]) -> None:
        """Take in rows.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        labels : int array, shape (n_rows,)
        """
        self._digest.update(np.ascontiguousarray(values).data)
        self._labels.append(labels)
        self.rows += len(labels)

    def finish(self, arrays: Mapping[str, NDArray[Any]]) -> str:
        """Give the digest, in hexadecimal, once all rows are in."""
        for labels in self._labels:
            self._digest.update(np.ascontiguousarray(labels).data)
        for name, array in arrays.items():
            self._digest.update(name.encode())
            self._digest.update(array.data)
        return self._digest.hexdigest()
