"""Anomaly scores on one scale, and p-values from rows that trained nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

KNOTS = np.linspace(0.0, 1.0, 11)  # shares of seen cells
MOST_SCORES = 20_000  # held-out scores kept, of a class and of all together
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

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"centre": self.centre, "spread": self.spread, "ordered": self.ordered}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Strangeness:
        """Build from `arrays`."""
        return cls(arrays["centre"], arrays["spread"], arrays["ordered"])


@dataclass(frozen=True)
class Judges:
    """All classes together: a row is as strange as the kindest of them finds it.

    Attributes
    ----------
    by_class : tuple of Strangeness
    ordered : float64 array, shape (n_held_out,)
        What held-out rows of all classes get from the kindest class, smallest
        first. One list for all: a class of twenty rows could never give a p-value
        below a twentieth.
    """

    by_class: tuple[Strangeness, ...]
    ordered: Floats

    @property
    def judging(self) -> list[int]:
        """Places of the classes that had rows to spare; all, where none had."""
        found = [place for place, judge in enumerate(self.by_class) if judge.judges]
        return found or list(range(len(self.by_class)))

    @property
    def judged(self) -> bool:
        """Tell whether there are p-values."""
        return len(self.ordered) >= LEAST_SCORES

    def score(self, found: Floats, share: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Give each row's score and the class that finds it least strange.

        Parameters
        ----------
        found : float64 array, shape (n_rows, n_classes)
        share : float64 array, shape (n_rows,)

        Returns
        -------
        scores : float64 array, shape (n_rows,)
            Higher is stranger.
        places : int array, shape (n_rows,)
        """
        judging = self.judging
        scores = np.stack(
            [self.by_class[p].standardise(found[:, p], share) for p in judging], axis=1
        )
        return scores.min(axis=1), np.asarray(judging)[scores.argmin(axis=1)]

    def p_values(self, scores: Floats, share: Floats) -> Floats:
        """Give the share of held-out rows at least as strange, ties against us.

        (1 + #{held-out >= row}) / (n + 1); 1 where nothing is seen.
        """
        below = np.searchsorted(self.ordered, scores, side="left")
        p = (1 + len(self.ordered) - below) / (1 + len(self.ordered))
        return np.where(share > 0, p, 1.0)


def fit_judges(by_class: Sequence[Strangeness], found: Floats, share: Floats) -> Judges:
    """Fit on the held-out rows of all classes.

    Parameters
    ----------
    by_class : sequence of Strangeness
    found : float64 array, shape (n_held_out, n_classes)
    share : float64 array, shape (n_held_out,)

    Returns
    -------
    Judges
    """
    fitted = Judges(tuple(by_class), np.empty(0))
    if not any(judge.judges for judge in by_class):
        return fitted
    scores, _ = fitted.score(found, share)
    return Judges(fitted.by_class, _thinned(np.sort(scores)))


def _thinned(ordered: Floats) -> Floats:
    """Keep at most `MOST_SCORES` of ordered scores, evenly spread."""
    if len(ordered) <= MOST_SCORES:
        return ordered
    places = np.linspace(0, len(ordered) - 1, MOST_SCORES)
    kept: Floats = ordered[np.round(places).astype(int)]
    return kept


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
    return Strangeness(centre, spread, _thinned(ordered))


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
