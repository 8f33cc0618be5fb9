"""How many rows are stranger than chance explains, however many were asked about."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats


@dataclass
class Discoveries:
    """Counts p-values as they come; memory grows with their number of values only.

    Conformal p-values are multiples of 1 / (n + 1), so there are few of them.

    Attributes
    ----------
    values : float64 array, shape (n_values,)
        Smallest first.
    counts : int array, shape (n_values,)
        Rows of each.
    """

    values: Floats = field(default_factory=lambda: np.empty(0))
    counts: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )

    def add(self, p_values: Floats) -> None:
        """Count the p-values of some rows."""
        every = np.concatenate([self.values, p_values])
        times = np.concatenate([self.counts, np.ones(len(p_values), dtype=np.int64)])
        self.values, where = np.unique(every, return_inverse=True)
        sums = np.bincount(where, weights=times, minlength=len(self.values))
        self.counts = sums.astype(np.int64)

    @property
    def rows(self) -> int:
        """Count all rows."""
        return int(self.counts.sum())

    def survivors(self, rate: float) -> int:
        """Count the rows that survive at a false discovery rate.

        Benjamini & Hochberg (1995), as `scipy.stats.false_discovery_control`; valid
        for conformal p-values, which depend on each other positively (Bates et al.
        2023).

        Parameters
        ----------
        rate : float
            Bound on the expected share of usual rows among the survivors.
        """
        reached = np.cumsum(self.counts)
        passing = np.flatnonzero(self.values * self.rows <= rate * reached)
        return int(reached[passing[-1]]) if len(passing) else 0


def least_survivors(least_p: float, rows: int, rate: float) -> int:
    """Count the rows of the smallest p-value that it takes for them to survive.

    Parameters
    ----------
    least_p : float
        The smallest p-value that can occur.
    rows : int
        That are tested together.
    rate : float
    """
    return max(1, int(np.ceil(least_p * rows / rate * (1 - 1e-12))))
