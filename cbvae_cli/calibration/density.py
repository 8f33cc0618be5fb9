"""Local outlier factors and one-class machines, on the centres of a class's rows.

Both are fitted by scikit-learn, kept as numbers, and applied by numpy. Beside them the
plain distance from a point.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

NEIGHBOURS = 20  # of the local outlier factor, where there are as many
TINY = 1e-10  # scikit-learn's, where distances are divided by


@dataclass(frozen=True)
class Lof:
    """The local outlier factor of Breunig et al. (2000).

    Attributes
    ----------
    centres : float64 array, shape (n_centres, n_axes)
    reach : float64 array, shape (n_centres,)
        Distance of each centre from the last of its neighbours.
    density : float64 array, shape (n_centres,)
        Local reachability density of each centre.
    neighbours : int
        At most one less than there are centres; 1 of a single centre.
    """

    centres: Floats
    reach: Floats
    density: Floats
    neighbours: int

    def score(self, at: Floats) -> Floats:
        """Give how much denser the neighbours lie than a row, shape (n_rows,)."""
        near = _nearest(at, self.centres, self.neighbours)
        # Squares taken apart lose the digits that tell near centres apart.
        apart = at[:, None] - self.centres[near]
        distance = np.sqrt((apart**2).sum(axis=2))
        reached = np.maximum(distance, self.reach[near]).mean(axis=1)
        factor: Floats = self.density[near].mean(axis=1) * (reached + TINY)
        return factor

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the numbers by name; the centres are kept elsewhere."""
        size = np.array([self.neighbours], dtype=np.int64)
        return {"reach": self.reach, "density": self.density, "neighbours": size}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], centres: Floats) -> Lof:
        """Build from `arrays`, trusting none of them."""
        reach, density = arrays["reach"], arrays["density"]
        [neighbours] = arrays["neighbours"].tolist()
        _check_numbers(reach, len(centres))
        _check_numbers(density, len(centres))
        if not 1 <= neighbours <= max(1, len(centres) - 1):
            raise ValueError("stored neighbours do not fit the centres")
        return cls(centres, reach, density, neighbours)


def fit_lof(centres: Floats, neighbours: int = NEIGHBOURS) -> Lof:
    """Fit `LocalOutlierFactor` and keep its numbers.

    Parameters
    ----------
    centres : float64 array, shape (n_centres, n_axes)
        One or more. The factor of a single centre is the distance from it.
    neighbours : int
        Fewer are taken where there are fewer centres.

    Returns
    -------
    Lof
    """
    from sklearn.neighbors import LocalOutlierFactor

    if len(centres) < 2:
        return Lof(centres, np.zeros(1), np.ones(1), 1)
    k = min(neighbours, len(centres) - 1)
    with warnings.catch_warnings():
        # It warns of equal rows, whose density has no bound but that of `TINY`.
        warnings.simplefilter("ignore", UserWarning)
        fitted = LocalOutlierFactor(
            n_neighbors=k, novelty=True, algorithm="kd_tree"
        ).fit(centres)
    return Lof(centres, fitted._distances_fit_X_[:, k - 1], fitted._lrd, k)


@dataclass(frozen=True)
class OneClass:
    """The one-class support vector machine of Schölkopf et al. (2000).

    Attributes
    ----------
    centres : float64 array, shape (n_centres, n_axes)
    weight : float64 array, shape (n_centres,)
        0 where a centre supports nothing.
    gamma : float
        Of the kernel exp(-gamma d^2).
    """

    centres: Floats
    weight: Floats
    gamma: float

    def score(self, at: Floats) -> Floats:
        """Give the negative weighted sum of kernels, shape (n_rows,)."""
        used = np.flatnonzero(self.weight)
        squares = _squares(at, self.centres[used])
        found: Floats = -np.exp(-self.gamma * squares) @ self.weight[used]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the numbers by name; the centres are kept elsewhere."""
        return {"weight": self.weight, "gamma": np.array([self.gamma])}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], centres: Floats) -> OneClass:
        """Build from `arrays`, trusting none of them."""
        [gamma] = arrays["gamma"].tolist()
        _check_numbers(arrays["weight"], len(centres))
        if not 0 < gamma < np.inf:
            raise ValueError("a stored kernel has no width")
        return cls(centres, arrays["weight"], gamma)


def fit_one_class(centres: Floats) -> OneClass:
    """Fit `OneClassSVM`, as the library sets it, and keep its numbers.

    Parameters
    ----------
    centres : float64 array, shape (n_centres, n_axes)
        One or more.

    Returns
    -------
    OneClass
    """
    from sklearn.svm import OneClassSVM

    spread = centres.shape[1] * float(centres.var())
    gamma = 1.0 / spread if spread > 0 else 1.0  # the library's "scale"
    fitted = OneClassSVM(gamma=gamma).fit(centres)
    weight = np.zeros(len(centres))
    weight[fitted.support_] = fitted.dual_coef_[0]
    return OneClass(centres, weight, gamma)


@dataclass(frozen=True)
class Apart:
    """The distance from one point, by axis.

    Attributes
    ----------
    mean : float64 array, shape (n_axes,)
        The point, on the scale of centres.
    unit : float64 array, shape (n_axes,)
        What a step on that scale is worth.
    """

    mean: Floats
    unit: Floats

    def score(self, at: Floats) -> Floats:
        """Give root mean squares of the distances along the axes, shape (n_rows,)."""
        rmse: Floats = np.sqrt((((at - self.mean) * self.unit) ** 2).mean(axis=1))
        return rmse

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"mean": self.mean, "unit": self.unit}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], centres: Floats) -> Apart:
        """Build from `arrays`, trusting none of them."""
        _check_numbers(arrays["mean"], centres.shape[1])
        _check_numbers(arrays["unit"], centres.shape[1])
        return cls(arrays["mean"], arrays["unit"])


def _nearest(at: Floats, centres: Floats, k: int) -> NDArray[np.int64]:
    """Give the places of the k nearest centres, in no order."""
    if k >= len(centres):
        return np.tile(np.arange(len(centres)), (len(at), 1))
    found: NDArray[np.int64] = np.argpartition(_squares(at, centres), k - 1, axis=1)
    return found[:, :k]


def _squares(at: Floats, centres: Floats) -> Floats:
    sums = (at**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    squares: Floats = np.maximum(sums - 2 * at @ centres.T, 0.0)
    return squares


def _check_numbers(array: NDArray[Any], n: int) -> None:
    fits = array.dtype == np.float64 and array.shape == (n,)
    if not fits or not np.isfinite(array).all():
        raise ValueError("stored numbers do not fit the centres")
