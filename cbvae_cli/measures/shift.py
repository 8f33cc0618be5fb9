"""How far the values of a column lie from those of training, batch by batch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

CHANCE = 0.01  # that a column without drift lies further off than `by_chance`
KNOTS = 256


class Shift(Protocol):
    """What is gathered of one column."""

    name: str

    def add(self, values: Floats) -> None:
        """Take in seen cells, shape (n_seen,)."""
        ...

    def distance(self) -> float | None:
        """Give the distance, 0 to 1; None without cells."""
        ...

    def by_chance(self) -> float | None:
        """Give the distance that cells like those of training rarely reach."""
        ...

    def p_value(self) -> float | None:
        """Give the chance that cells like those of training lie as far off."""
        ...


class NumberShift:
    """Kolmogorov-Smirnov distance, looked at where the reference has knots.

    Equal values count half below and half above, on both sides: a value that fills a
    stretch of the reference stands in the middle of it.

    Parameters
    ----------
    knots, shares : float64 array, shape (n_knots,)
        Values in order, and the share of the reference below each.
    n_reference : int
        Cells behind the reference.
    """

    name = "kolmogorov-smirnov"

    def __init__(self, knots: Floats, shares: Floats, n_reference: int) -> None:
        self._knots = knots
        self._shares = shares
        self._n_reference = n_reference
        self._below = np.zeros(len(knots))
        self._cells = 0

    def add(self, values: Floats) -> None:
        """Take in seen cells, shape (n_seen,)."""
        self._below += below(np.sort(values), self._knots)
        self._cells += len(values)

    def distance(self) -> float | None:
        """Give the largest difference of the two distribution functions."""
        if not self._cells:
            return None
        return float(np.abs(self._below / self._cells - self._shares).max())

    def by_chance(self) -> float | None:
        """Give the limit of Kolmogorov's distribution for two samples."""
        from scipy.stats import kstwobign

        if not self._cells:
            return None
        return float(min(kstwobign.isf(CHANCE) * self._spread, 1.0))

    def p_value(self) -> float | None:
        """Give the tail of Kolmogorov's distribution for two samples."""
        from scipy.stats import kstwobign

        distance = self.distance()
        if distance is None:
            return None
        return float(kstwobign.sf(distance / self._spread))

    @property
    def _spread(self) -> float:
        return float(np.sqrt(1 / self._cells + 1 / self._n_reference))


class NameShift:
    """Total variation of the shares of categories.

    Parameters
    ----------
    shares : float64 array, shape (n_categories,)
        In the reference. Codes beyond these, and below 0, are in none of them.
    n_reference : int
        Cells behind the reference.
    """

    name = "total variation"

    def __init__(self, shares: Floats, n_reference: int) -> None:
        self._shares = shares
        self._n_reference = n_reference
        self._counts = np.zeros(len(shares), dtype=np.int64)
        self._cells = 0

    def add(self, values: Floats) -> None:
        """Take in seen cells, shape (n_seen,)."""
        n_known = len(self._shares)
        known = values[(values >= 0) & (values < n_known)].astype(np.int64)
        self._counts += np.bincount(known, minlength=n_known)
        self._cells += len(values)

    def distance(self) -> float | None:
        """Give half the sum of differences; cells that no category holds count."""
        if not self._cells:
            return None
        apart = np.abs(self._counts / self._cells - self._shares).sum()
        strangers = (self._cells - self._counts.sum()) / self._cells
        return float((apart + strangers) / 2)

    def by_chance(self) -> float | None:
        """Give a bound from the chi-squared statistic, by Cauchy and Schwarz."""
        from scipy.stats import chi2

        if not self._cells:
            return None
        furthest = np.sqrt(chi2.isf(CHANCE, self._freedom) * self._spread) / 2
        return float(min(furthest, 1.0))

    def p_value(self) -> float | None:
        """Give a bound from the chi-squared statistic, as `by_chance` does."""
        from scipy.stats import chi2

        distance = self.distance()
        if distance is None:
            return None
        least = (2 * distance) ** 2 / self._spread
        return float(chi2.sf(least, self._freedom))

    @property
    def _freedom(self) -> int:
        return max(int(np.count_nonzero(self._shares)) - 1, 1)

    @property
    def _spread(self) -> float:
        return 1 / self._cells + 1 / self._n_reference


def below(ordered: Floats, knots: Floats) -> Floats:
    """Count the values below each knot; those at it count half."""
    left = np.searchsorted(ordered, knots, side="left")
    right = np.searchsorted(ordered, knots, side="right")
    halfway: Floats = (left + right) / 2
    return halfway


def from_sample(values: Floats) -> NumberShift:
    """Take drawn values, shape (n_drawn,), as the reference."""
    ordered = np.sort(values)
    ranks = np.linspace(0, len(ordered) - 1, min(KNOTS, len(ordered)))
    at = np.unique(ordered[np.round(ranks).astype(np.int64)])
    # Both functions jump at a value that many cells hold: look on either side.
    sides = np.nextafter(at, -np.inf), np.nextafter(at, np.inf)
    knots = np.unique(np.concatenate([at, *sides]))
    return NumberShift(knots, below(ordered, knots) / len(ordered), len(ordered))


def shares_of(codes: Floats, n_categories: int) -> NDArray[np.float64]:
    """Give the share of each category among drawn codes, shape (n_categories,)."""
    counts = np.bincount(codes.astype(np.int64), minlength=n_categories)
    return counts / max(len(codes), 1)
