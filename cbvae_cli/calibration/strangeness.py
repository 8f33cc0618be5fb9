"""Anomaly scores on one scale, and p-values from rows that trained nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.tail import Tail
from cbvae_cli.table.cells import Floats

KNOTS = np.linspace(0.0, 1.0, 11)  # shares of seen cells
MOST_SCORES = 20_000  # blind rows of a class that are scored
LEAST_SCORES = 2  # a class with fewer cannot judge

METHODS = {
    "likelihood": ("iw", -1.0),
    "probability": ("recon", -1.0),
    "error": ("error", 1.0),
}
"""Methods that read a part of the evidence, and whether it or its negative."""

LOOKS = ("neighbours-through", "neighbours-plainly")
COMBINED = {"neighbours": LOOKS, "combined": ("likelihood", *LOOKS)}
"""Methods that join others by how rare their scores are."""

SPACES = {
    "latent": ("isolation-forest", "lof", "ocsvm", "class-distance"),
    "features": ("isolation-forest", "lof", "ocsvm"),
}
"""Methods that look for strange points in a space, as the first member sees it."""

ALONE = {
    f"{method}-{space}": (method, space)
    for space, methods in SPACES.items()
    for method in methods
}
"""Such a method and space, by the name that its scales have."""

JUDGED = (*METHODS, *LOOKS, "class-distance", *COMBINED, *ALONE)
"""All methods by which classes judge rows; `LOOKS` are no answers of their own."""

SPACED = {pair: name for name, pair in ALONE.items()} | {
    ("class-distance", "features"): "class-distance"
}
"""The name that the scales of a method have in a space."""

SPACE = "features"  # where none is named


@dataclass(frozen=True)
class Strangeness:
    """What scores a class's own blind rows get, by how many cells are seen.

    Attributes
    ----------
    centre, spread : float64 array, shape (n_knots,)
        Mean and deviation of the score at each share of seen cells in `KNOTS`.
    ranks : Conformal
        Standardised scores of blind rows, by member. Scores, not rows: nothing of a
        row can be read from them.
    """

    centre: Floats
    spread: Floats
    ranks: Conformal

    @cached_property
    def tail(self) -> Tail:
        """How rare standardised scores are, members taken together."""
        return Tail(np.sort(np.concatenate([np.empty(0), *self.ranks.by_member])))

    @property
    def judges(self) -> bool:
        """Tell whether the class had rows to spare for a judgement."""
        return self.ranks.n_rows >= LEAST_SCORES

    def standardise(self, scores: Floats, share: Floats) -> Floats:
        """Put scores on the scale of deviations, given the share of seen cells.

        Parameters
        ----------
        scores : float64 array, shape (n_rows, ...)
        share : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape like `scores`
            Higher is stranger. 0 where nothing is seen.
        """
        shape = (-1, *[1] * (scores.ndim - 1))
        centre = np.interp(share, KNOTS, self.centre).reshape(shape)
        spread = np.interp(share, KNOTS, self.spread).reshape(shape)
        return np.where(share.reshape(shape) > 0, (scores - centre) / spread, 0.0)

    def p_values(self, standard: Floats, share: Floats) -> Floats:
        """Give the share of blind rows of the class at least as strange.

        Parameters
        ----------
        standard : float64 array, shape (n_rows, n_members)
            From `standardise`.
        share : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape (n_rows,)
            1 where nothing is seen.
        """
        return np.where(share > 0, self.ranks.p_values(standard), 1.0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"centre": self.centre, "spread": self.spread, **self.ranks.arrays()}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Strangeness:
        """Build from `arrays`."""
        return cls(arrays["centre"], arrays["spread"], Conformal.restore(arrays))


@dataclass(frozen=True)
class Judges:
    """All classes together: a row is as strange as the kindest of them finds it.

    Attributes
    ----------
    by_class : tuple of Strangeness
    ranks : Conformal
        What blind rows of all classes get from the kindest class, by member. One
        list for all: a class of twenty rows could never give a p-value below a
        twentieth.
    """

    by_class: tuple[Strangeness, ...]
    ranks: Conformal

    @property
    def judging(self) -> list[int]:
        """Places of the classes that had rows to spare; all, where none had."""
        found = [place for place, judge in enumerate(self.by_class) if judge.judges]
        return found or list(range(len(self.by_class)))

    @property
    def judged(self) -> bool:
        """Tell whether there are p-values."""
        return self.ranks.n_rows >= LEAST_SCORES

    def standardise(self, found: Floats, share: Floats) -> Floats:
        """Put scores on each class's own scale.

        Parameters
        ----------
        found : float64 array, shape (n_rows, n_members, n_classes)
        share : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape (n_rows, n_members, n_classes)
        """
        each = [
            judge.standardise(found[:, :, place], share)
            for place, judge in enumerate(self.by_class)
        ]
        return np.stack(each, axis=2)

    def score(self, standard: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Give each row's score and the class that finds it least strange.

        Parameters
        ----------
        standard : float64 array, shape (n_rows, n_members, n_classes)
            From `standardise`; members are averaged.

        Returns
        -------
        scores : float64 array, shape (n_rows,)
            Higher is stranger.
        places : int array, shape (n_rows,)
        """
        judging = self.judging
        scores = standard[:, :, judging].mean(axis=1)
        return scores.min(axis=1), np.asarray(judging)[scores.argmin(axis=1)]

    def p_values(self, standard: Floats, share: Floats) -> Floats:
        """Give the share of blind rows at least as strange, ties against us.

        Each member speaks of the rows that it is blind to; 1 where nothing is seen.
        """
        kindest = standard[:, :, self.judging].min(axis=2)
        return np.where(share > 0, self.ranks.p_values(kindest), 1.0)


def fit_judges(
    by_class: Sequence[Strangeness],
    found: Floats,
    share: Floats,
    member: NDArray[np.int64],
    n_members: int,
) -> Judges:
    """Fit on the blind rows of all classes.

    Parameters
    ----------
    by_class : sequence of Strangeness
    found : float64 array, shape (n_rows, n_classes)
        By the member that is blind to the row.
    share : float64 array, shape (n_rows,)
    member : int array, shape (n_rows,)
    n_members : int

    Returns
    -------
    Judges
    """
    none = Conformal((np.empty(0),) * n_members)
    fitted = Judges(tuple(by_class), none)
    if not any(judge.judges for judge in by_class):
        return fitted
    scores, _ = fitted.score(fitted.standardise(found[:, None], share))
    return Judges(fitted.by_class, _ranked(scores, member, n_members))


def _ranked(scores: Floats, member: NDArray[np.int64], n_members: int) -> Conformal:
    return Conformal(
        tuple(np.sort(scores[member == number]) for number in range(n_members))
    )


@dataclass(frozen=True)
class Scored:
    """Scores of rows by members, and what they were given on.

    Attributes
    ----------
    scores, share : float64 array, shape (n_rows,)
        By the member that is blind to the row; the share of cells seen.
    member : int array, shape (n_rows,)
    """

    scores: Floats
    share: Floats
    member: NDArray[np.int64]


def fit_strangeness(own: Scored, masked: Scored, n_members: int) -> Strangeness:
    """Fit on blind rows of a class, as they are and with more cells hidden.

    Parameters
    ----------
    own : Scored
        Of rows as they are: the source of p-values.
    masked : Scored
        Of rows with cells hidden at random: what a score of few cells is compared
        with.
    n_members : int

    Returns
    -------
    Strangeness
    """
    if len(own.scores) < LEAST_SCORES:
        ones = np.ones(len(KNOTS))
        return Strangeness(0 * ones, ones, Conformal((np.empty(0),) * n_members))
    centre, spread = _by_share(
        np.concatenate([own.scores, masked.scores]),
        np.concatenate([own.share, masked.share]),
    )
    fitted = Strangeness(centre, spread, Conformal(()))
    standard = fitted.standardise(own.scores, own.share)
    return Strangeness(centre, spread, _ranked(standard, own.member, n_members))


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
