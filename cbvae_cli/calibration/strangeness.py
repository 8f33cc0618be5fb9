"""Anomaly scores on one scale, and p-values from rows that trained nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

KNOTS = np.linspace(0.0, 1.0, 11)  # shares of seen cells
MOST_SCORES = 20_000  # held-out scores kept a class
LEAST_SCORES = 2  # a class with fewer cannot judge

METHODS = {
    "likelihood": ("iw", -1.0),
    "probability": ("recon", -1.0),
    "error": ("error", 1.0),
}


@dataclass(frozen=True)
class Strangeness:
    """What scores a class's own held-out rows get, by how many cells are seen.

    Attributes
    ----------
    centre, spread : float64 array, shape (n_knots,)
        Mean and deviation of the score at each share of seen cells in `KNOTS`.
    ordered : float64 array, shape (n_held_out,)
        Standardised held-out scores, smallest first. Scores, not rows: nothing of a
        row can be read from them.
    """

    centre: Floats
    spread: Floats
    ordered: Floats

    @property
    def judges(self) -> bool:
        """Tell whether the class had rows to spare for a judgement."""
        return len(self.ordered) >= LEAST_SCORES

    def standardise(self, scores: Floats, share: Floats) -> Floats:
        """Put scores on the scale of deviations, given the share of seen cells.

        Parameters
        ----------
        scores, share : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape (n_rows,)
            Higher is stranger. 0 where nothing is seen.
        """
        centre = np.interp(share, KNOTS, self.centre)
        spread = np.interp(share, KNOTS, self.spread)
        return np.where(share > 0, (scores - centre) / spread, 0.0)

    def p_values(self, standardised: Floats, share: Floats) -> Floats:
        """Give the share of held-out rows at least as strange, ties against us.

        (1 + #{held-out >= row}) / (n + 1); 1 where nothing is seen.
        """
        below = np.searchsorted(self.ordered, standardised, side="left")
        p = (1 + len(self.ordered) - below) / (1 + len(self.ordered))
        return np.where(share > 0, p, 1.0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"centre": self.centre, "spread": self.spread, "ordered": self.ordered}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Strangeness:
        """Build from `arrays`."""
        return cls(arrays["centre"], arrays["spread"], arrays["ordered"])


def fit_strangeness(
    scores: Floats, share: Floats, masked_scores: Floats, masked_share: Floats
) -> Strangeness:
    """Fit on held-out rows of a class, as they are and with more cells hidden.

    Parameters
    ----------
    scores, share : float64 array, shape (n_held_out,)
        Of rows as they are: the source of p-values.
    masked_scores, masked_share : float64 array, shape (n_masked,)
        Of the same rows with cells hidden at random: what a score of few cells is
        compared with.

    Returns
    -------
    Strangeness
    """
    if len(scores) < LEAST_SCORES:
        ones = np.ones(len(KNOTS))
        return Strangeness(0 * ones, ones, np.empty(0))
    centre, spread = _by_share(
        np.concatenate([scores, masked_scores]),
        np.concatenate([share, masked_share]),
    )
    fitted = Strangeness(centre, spread, np.empty(0))
    ordered = np.sort(fitted.standardise(scores, share))
    if len(ordered) > MOST_SCORES:
        places = np.linspace(0, len(ordered) - 1, MOST_SCORES)
        ordered = ordered[np.round(places).astype(int)]
    return Strangeness(centre, spread, ordered)


def _by_share(scores: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of scores near each knot; empty knots are interpolated."""
    nearest = np.round(share * (len(KNOTS) - 1)).astype(int)
    counts = np.bincount(nearest, minlength=len(KNOTS))
    filled = counts >= min(5, counts.max())
    sums = np.bincount(nearest, weights=scores, minlength=len(KNOTS))
    squares = np.bincount(nearest, weights=scores**2, minlength=len(KNOTS))
    mean = sums[filled] / counts[filled]
    variance = np.maximum(squares[filled] / counts[filled] - mean**2, 0.0)
    overall = max(float(np.std(scores)), 1e-9)
    deviation = np.maximum(np.sqrt(variance), 0.05 * overall)
    knots = KNOTS[filled]
    return np.interp(KNOTS, knots, mean), np.interp(KNOTS, knots, deviation)
