"""Where a score stands among ordered ones, and how many of them a promise needs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats


def at_least(ordered: Floats, scores: Floats) -> NDArray[np.int64]:
    """Count the ordered scores that are at least as high as each score.

    Parameters
    ----------
    ordered : float64 array, shape (n_ordered,)
        Smallest first.
    scores : float64 array, shape (n_rows,)

    Returns
    -------
    int array, shape (n_rows,)
    """
    return len(ordered) - np.searchsorted(ordered, scores, side="left")


def rows_needed(bound: float) -> int:
    """Give the least n with 1 / (n + 1) <= bound: no p-value is lower than that."""
    # One too few to start with, so that rounding of 1 / bound never adds a row.
    n = max(math.ceil(1 / bound) - 2, 0)
    while 1 / (n + 1) > bound:
        n += 1
    return n


def share_below(level: float, least: Floats) -> Floats:
    """Give how often a usual row gets a p-value below a level.

    Parameters
    ----------
    level : float
    least : float64 array, shape (n_rows,)
        Smallest p-value that the row could get: all are multiples of it. NaN where
        it has none.

    Returns
    -------
    float64 array, shape (n_rows,)
        A little less than the level, and 0 where the least is not below it.
    """
    # Rounding must not put a p-value that equals the level below it.
    steps = np.ceil(level / least - 1e-9) - 1
    share: Floats = np.nan_to_num(steps * least)
    return share
