"""Training on some of the rows, where memory does not hold them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Bools
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.wording import size
from cbvae_cli.training.parts import mixed

# A row is held as values (8 bytes a column, twice while batches are joined), as the
# networks' matrix (4 bytes a matrix column, twice on its way) and as a mask.
VALUE_BYTES = 17
MATRIX_BYTES = 8

# What a table may take where nobody says: a number, so that what is learnt does not
# hang on the machine. No training looks at more rows than fit.
USUAL_MEMORY = 4 * 10**9

# Rows of a class are picked by row number: of fewer than these none might be.
LEAST_ROWS = 20


@dataclass(frozen=True)
class Thinning:
    """Which rows of each class are kept.

    Attributes
    ----------
    shares : float64 array, shape (n_classes,)
        1 where all rows of a class are kept.
    memory : int
        Bytes that the rows may take.
    """

    shares: NDArray[np.float64]
    memory: int = USUAL_MEMORY

    def keeps(self, start: int, labels: NDArray[np.int64]) -> Bools:
        """Choose rows by row number: batches do not matter, nor does chance.

        Parameters
        ----------
        start : int
            Row number of the first.
        labels : int array, shape (n_rows,)
        """
        numbers = np.arange(start, start + len(labels), dtype=np.uint64)
        even = mixed(numbers + np.uint64(1)).astype(np.float64) / 2.0**64
        return np.asarray(even < self.shares[labels])

    @property
    def whole(self) -> bool:
        """Tell whether every row is kept."""
        return bool((self.shares >= 1).all())


def thinning_for(schema: Schema, max_memory: int | None) -> Thinning:
    """Decide how many rows of each class fit into memory.

    Small classes stay whole; what is left is shared out evenly among the larger.

    Parameters
    ----------
    schema : Schema
        With class counts.
    max_memory : int or None
        Bytes; None is `USUAL_MEMORY`, or what the smallest training needs.

    Returns
    -------
    Thinning

    Raises
    ------
    DataProblem
        If a class would be left with next to no rows.
    """
    counts = np.array(schema.label.counts, dtype=np.float64)
    width = sum(kind.width for kind in schema.kinds)
    row_bytes = VALUE_BYTES * len(schema.kinds) + MATRIX_BYTES * width
    least = row_bytes * float(np.minimum(counts, LEAST_ROWS).sum())
    if max_memory is None:
        max_memory = max(USUAL_MEMORY, int(least))
    elif max_memory < least:
        raise DataProblem(
            f"--max-memory {size(max_memory)} is too little for this table: it would "
            f"leave classes fewer than {LEAST_ROWS} rows to learn from",
            where=f"{len(schema.kinds)} columns, {len(counts)} classes",
            expected=f"--max-memory {size(least)} or more",
        )
    left = max_memory / row_bytes
    kept = np.zeros(len(counts))
    for turn, place in enumerate(np.argsort(counts)):
        kept[place] = min(counts[place], left / (len(counts) - turn))
        left -= kept[place]
    return Thinning(kept / counts, max_memory)
