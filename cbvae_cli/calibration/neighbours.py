"""How far a row lies from the centres of a class's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

MOST_CENTRES = 512  # of a class and look, its members' together
ROWS_A_CENTRE = 5  # at least: a centre of one row would be that row
MOST_LEARNT = 4_096  # rows that centres are made of, or fewer of wide tables:
LEAST_LEARNT = 512
MOST_LEARNT_NUMBERS = 1 << 20
MOST_NUMBERS = 1 << 18  # of the centres of one look
ROUNDS = 20


@dataclass(frozen=True)
class Points:
    """Rows as points among which distances are measured.

    Attributes
    ----------
    at : float64 array, shape (n_rows, n_axes)
        Filled in where hidden.
    seen : bool array, shape (n_rows, n_axes)
    """

    at: Floats
    seen: Bools


@dataclass(frozen=True)
class Axes:
    """What the axes of points stand for.

    Attributes
    ----------
    owner : int array, shape (n_axes,)
        Axes of one number make up one column and are scaled alike.
    least : float64 array, shape (n_axes,)
        What they are divided by, at least.
    """

    owner: NDArray[np.int64]
    least: Floats


@dataclass(frozen=True)
class Crowd:
    """Where the rows of a class lie that a member learnt from.

    Attributes
    ----------
    middle, scale : float64 array, shape (n_axes,)
        What is taken from points, and what they are divided by: the deviation of the
        column, bounded below.
    centres : float32 array, shape (n_centres, n_axes)
        Means of `ROWS_A_CENTRE` rows or more, scaled so.
    """

    middle: Floats
    scale: Floats
    centres: NDArray[np.float32]

    def scaled(self, points: Points) -> Floats:
        """Give points on the scale of the centres, shape (n_rows, n_axes)."""
        scaled: Floats = (points.at - self.middle) / self.scale
        return scaled

    def distance(self, points: Points) -> Floats:
        """Give the distance to the nearest centre, shape (n_rows,)."""
        at = self.scaled(points)
        centres = self.centres.astype(np.float64)
        squares = (at**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
        nearest = (squares - 2 * at @ centres.T).min(axis=1)
        distance: Floats = np.sqrt(np.maximum(nearest, 0.0))
        return distance

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"middle": self.middle, "scale": self.scale, "centres": self.centres}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Crowd:
        """Build from `arrays`."""
        return cls(arrays["middle"], arrays["scale"], arrays["centres"])


def rows_to_learn(n_axes: int) -> int:
    """Give how many rows at most centres are made of: the work grows with axes."""
    most = min(MOST_LEARNT, MOST_LEARNT_NUMBERS // n_axes)
    return max(LEAST_LEARNT, most)


def fit_crowd(points: Points, axes: Axes, seed: int, n_members: int = 1) -> Crowd:
    """Fit on rows of a class that a member learnt from.

    Parameters
    ----------
    points : Points
    axes : Axes
    seed : int
    n_members : int
        That have a crowd each.

    Returns
    -------
    Crowd
        Of fewer rows than a centre needs nothing is kept: one centre at nought.
    """
    n_rows, n_axes = points.at.shape
    if n_rows < ROWS_A_CENTRE:
        nothing = np.zeros(n_axes)
        return Crowd(nothing, nothing + 1, nothing[None].astype(np.float32))
    counts = np.maximum(points.seen.sum(axis=0), 1)
    middle = np.where(points.seen, points.at, 0.0).sum(axis=0) / counts
    around = np.where(points.seen, points.at - middle, 0.0)
    squares = np.bincount(axes.owner, weights=(around**2).sum(axis=0) / counts)
    scale = np.maximum(np.sqrt(squares)[axes.owner], axes.least)
    most = max(1, min(MOST_NUMBERS // n_axes, MOST_CENTRES // n_members))
    centres = _centres((points.at - middle) / scale, most, seed)
    return Crowd(middle, scale, centres.astype(np.float32))


def _centres(points: Floats, most: int, seed: int) -> Floats:
    """Fit k-means (scikit-learn's) and give up centres of too few rows."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    wanted = min(most, len(points) // ROWS_A_CENTRE)
    distinct = len(np.unique(points, axis=0))
    # Sums of several threads come in any order, and so do their last bits.
    with threadpool_limits(1):
        fitted = KMeans(
            min(wanted, distinct), n_init=1, max_iter=ROUNDS, random_state=seed
        ).fit(points)
    nearest = fitted.labels_
    large = np.bincount(nearest) >= ROWS_A_CENTRE
    if not large.any():
        nearest = np.zeros(len(points), dtype=np.int64)
    elif not large.all():
        nearest = _nearest(points, fitted.cluster_centers_[large])
    counts = np.bincount(nearest)
    sums = np.zeros((len(counts), points.shape[1]))
    np.add.at(sums, nearest, points)
    kept: Bools = counts >= ROWS_A_CENTRE  # ties may go elsewhere
    means: Floats = sums[kept] / counts[kept, None]
    return means


def _nearest(points: Floats, centres: Floats) -> NDArray[np.int64]:
    products = (centres**2).sum(axis=1) - 2 * points @ centres.T
    nearest: NDArray[np.int64] = products.argmin(axis=1)
    return nearest
