"""Which rows train, which stop training, which calibrate: nobody sees twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

Places = NDArray[np.int64]

LEAST_ROWS = 10  # a smaller class keeps all its rows for training
TRAIN, STOP, CALIBRATE = 0, 1, 2


@dataclass(frozen=True)
class Parts:
    """The part each row belongs to.

    Attributes
    ----------
    of_row : int8 array, shape (n_rows,)
        `TRAIN`, `STOP` or `CALIBRATE`.
    """

    of_row: NDArray[np.int8]

    def rows(self, part: int, within: Places) -> Places:
        """Give those of some rows that belong to a part."""
        chosen: Places = within[self.of_row[within] == part]
        return chosen


def row_keys(values: Floats, seed: int) -> NDArray[np.uint64]:
    """Give each row a number that equal rows share, shape (n_rows,).

    Integer arithmetic, so that neither threads nor batches change it.
    """
    rng = np.random.default_rng([seed, 1])
    halves = rng.integers(0, 2**63, size=values.shape[1], dtype=np.uint64)
    odd = np.add(np.multiply(halves, np.uint64(2)), np.uint64(1))
    keys: NDArray[np.uint64] = np.zeros(len(values), dtype=np.uint64)
    for place in range(values.shape[1]):
        column = np.ascontiguousarray(values[:, place]) + 0.0  # -0.0 becomes 0.0
        bits = np.where(np.isnan(column), np.nan, column).view(np.uint64)
        keys = mixed(keys + bits * odd[place])
    return keys


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each key (the finaliser of SplitMix64)."""
    first, second = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    keys = np.multiply(keys ^ (keys >> np.uint64(30)), first)
    keys = np.multiply(keys ^ (keys >> np.uint64(27)), second)
    return keys ^ (keys >> np.uint64(31))


def split(
    values: Floats,
    labels: NDArray[np.int64],
    stop_share: float,
    calibration_share: float,
    seed: int,
) -> Parts:
    """Split rows within each class; equal rows stay together.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_columns)
    labels : int array, shape (n_rows,)
    stop_share, calibration_share : float
    seed : int

    Returns
    -------
    Parts
    """
    keys = row_keys(values, seed)
    of_row = np.zeros(len(values), dtype=np.int8)
    for place in np.unique(labels):
        rows = np.flatnonzero(labels == place)
        if len(rows) < LEAST_ROWS:
            continue
        rows = rows[np.argsort(keys[rows], kind="stable")]
        ends = np.round(np.cumsum([calibration_share, stop_share]) * len(rows)).astype(
            int
        )
        first, second = (_after_ties(keys[rows], end) for end in ends)
        of_row[rows[:first]] = CALIBRATE
        of_row[rows[first:second]] = STOP
        if second >= len(rows):  # one row many times over: nothing to keep apart
            of_row[rows] = TRAIN
    return Parts(of_row)


def _after_ties(keys: NDArray[np.uint64], end: int) -> int:
    """Move an end forward until it does not separate equal rows."""
    if end == 0 or end >= len(keys):
        return end
    return int(np.searchsorted(keys, keys[end - 1], side="right"))
