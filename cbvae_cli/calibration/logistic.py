"""Logistic regression: fitted by scikit-learn, kept as numbers, applied by numpy."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.present import classes_present, log_softmax, widen
from cbvae_cli.table.cells import Bools, Floats

# Enough for lbfgs to come to rest on standardised columns; a fit that has not by
# then is close enough to serve.
MOST_STEPS = 2000
TOLERANCE = 1e-6  # of the gradient per row
# Relative to the largest cell: what rounding alone spreads over equal cells.
CONSTANT = 1e-12
# Deviations beyond which cells are alike. Keeps log-odds of wild cells finite.
FAR = 1e6
ROWS = 256  # at once: they stay in the caches
LACKING = "cells are missing: logistic regression needs all of them"


@dataclass(frozen=True)
class Logistic:
    """Log-odds of classes, linear in standardised columns.

    Attributes
    ----------
    centre, spread : float64 array, shape (n_features,)
    slopes : float64 array, shape (n_present, n_features)
        Per deviation. 0 for a column that was constant.
    bias : float64 array, shape (n_present,)
    present : bool array, shape (n_classes,)
        Classes that the fit saw.
    """

    centre: Floats
    spread: Floats
    slopes: Floats
    bias: Floats
    present: Bools

    def log_probabilities(self, x: Floats) -> Floats:
        """Give log p(class given row).

        Parameters
        ----------
        x : float64 array, shape (n_rows, n_features)
            No cell may be NaN.

        Returns
        -------
        float64 array, shape (n_rows, n_classes)
            A row's numbers depend on no other row.
        """
        if x.ndim != 2 or x.shape[1] != len(self.centre):
            raise ValueError(f"x has shape {x.shape}, not (n, {len(self.centre)})")
        if np.isnan(x).any():
            raise ValueError(LACKING)
        logits = np.empty((len(x), len(self.bias)))
        for start in range(0, len(x), ROWS):
            here = slice(start, start + ROWS)
            ready = _standardised(x[here], self.centre, self.spread)
            # Not `@`: the last digits of BLAS change with the number of rows.
            np.einsum("nf,kf->nk", ready, self.slopes, out=logits[here])
        logits += self.bias
        return log_softmax(widen(logits, self.present))

    @staticmethod
    def kept(bag: tuple[Any, ...], n_members: int) -> tuple[Any, ...]:
        """Give the fits that a bundle keeps: all, which answer as fast as one."""
        return bag

    @classmethod
    def together(cls, bag: Sequence[Logistic]) -> Logistics:
        """Ask several at once, at least one, over the same columns."""
        alike: dict[bytes, list[Logistic]] = {}
        for each in bag:
            alike.setdefault(each.present.tobytes(), []).append(each)
        groups = alike.values()
        return Logistics(tuple((len(g) / len(bag), _mean(g)) for g in groups))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Logistic:
        """Build from `arrays`, trusting none of them.

        Raises
        ------
        ValueError
            Where the arrays are not what `arrays` can have given.
        """
        if set(arrays) != {field.name for field in fields(cls)}:
            raise ValueError("a stored logistic regression lacks arrays or has more")
        found = cls(**arrays)
        n_features, n_present = np.size(found.centre), int(np.sum(found.present != 0))
        shapes = {
            "centre": (n_features,),
            "spread": (n_features,),
            "slopes": (n_present, n_features),
            "bias": (n_present,),
        }
        fits = found.present.dtype == np.bool_ and found.present.ndim == 1
        for name, shape in shapes.items():
            array = arrays[name]
            fits = fits and array.dtype == np.float64 and array.shape == shape
            fits = fits and bool(np.isfinite(array).all())
        if not fits or not n_present or not (found.spread > 0).all():
            raise ValueError("a stored logistic regression holds unusable numbers")
        return found


@dataclass(frozen=True)
class Logistics:
    """Several regressions that speak with one voice.

    Attributes
    ----------
    parts : tuple of (float, Logistic)
        Shares, and the mean of those that saw the same classes.
    """

    parts: tuple[tuple[float, Logistic], ...]

    def log_probabilities(self, x: Floats) -> Floats:
        """Give the mean of their log-odds, shape (n_rows, n_classes)."""
        each = (share * one.log_probabilities(x) for share, one in self.parts)
        return np.asarray(sum(each))


def _mean(each: Sequence[Logistic]) -> Logistic:
    """Give the regression whose log-odds are the mean of several's.

    A column's cells are measured as by the regression that saw them spread least: the
    others would not call a cell far out that is far out to that one.
    """
    told = np.stack([(one.slopes != 0).any(axis=0) for one in each])
    spreads = np.stack([one.spread for one in each])
    least = np.where(told, spreads, np.inf).argmin(axis=0)
    columns = np.arange(len(least))
    centre = np.stack([one.centre for one in each])[least, columns]
    spread = spreads[least, columns]
    slopes = [one.slopes * (spread / one.spread) for one in each]
    bias = [
        one.bias + (one.slopes * ((centre - one.centre) / one.spread)).sum(axis=1)
        for one in each
    ]
    present = each[0].present
    return Logistic(
        centre, spread, np.mean(slopes, axis=0), np.mean(bias, axis=0), present
    )


def fit_logistic(
    x: Floats,
    labels: NDArray[np.int64],
    weights: Floats,
    n_classes: int,
    strength: float,
) -> Logistic:
    """Fit `LogisticRegression` on standardised columns and keep its numbers.

    Parameters
    ----------
    x : float64 array, shape (n_rows, n_features)
        No cell may be NaN.
    labels : int array, shape (n_rows,)
        Some classes may have no row.
    weights : float64 array, shape (n_rows,)
        Only their ratios count. A row of weight 0 is as good as absent.
    n_classes : int
    strength : float
        Above 0. Half of it times the sum of squared slopes stands beside the sum of
        the rows' log losses, weights being 1 on average.

    Returns
    -------
    Logistic
    """
    if x.ndim != 2 or labels.shape != x.shape[:1] or not strength > 0:
        raise ValueError("x and labels do not go together, or strength is not above 0")
    present = classes_present(labels, weights, n_classes)
    kept = weights > 0
    rows, scaled = x[kept], weights[kept] / weights[kept].mean()
    centre, spread, varies = _scales(rows, scaled)
    slopes = np.zeros((int(present.sum()), x.shape[1]))
    places = (np.cumsum(present) - 1)[labels[kept]]
    if present.sum() == 1 or not varies.any():
        shares = np.bincount(places, weights=scaled) / scaled.sum()
        return Logistic(centre, spread, slopes, np.log(shares), present)
    ready = _standardised(rows, centre, spread)[:, varies]
    model = _fitted(ready, places, scaled, strength)
    if len(model.coef_) == 1:  # two classes: log-odds of the second against the first
        slopes[1, varies] = model.coef_[0]
        bias = np.append(0.0, model.intercept_)
    else:
        slopes[:, varies] = model.coef_
        bias = np.array(model.intercept_, dtype=np.float64)
    return Logistic(centre, spread, slopes, bias, present)


def _fitted(
    x: Floats, places: NDArray[np.int64], weights: Floats, strength: float
) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=1 / strength, tol=TOLERANCE, max_iter=MOST_STEPS)
    # One thread: sums over wide tables would end otherwise with each number of threads.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, places, sample_weight=weights)


def _scales(x: Floats, weights: Floats) -> tuple[Floats, Floats, Bools]:
    """Give weighted means and deviations, and which columns are not constant."""
    largest = np.abs(x).max(axis=0)
    if not (largest < np.sqrt(np.finfo(np.float64).max) / len(x)).all():
        raise ValueError("cells are missing, infinite or too large to be squared")
    shares = weights[:, None] / weights.sum()
    centre = (shares * x).sum(axis=0)
    spread = np.sqrt((shares * np.square(x - centre)).sum(axis=0))
    varies = spread > CONSTANT * largest
    return centre, np.where(varies, spread, 1.0), varies


def _standardised(x: Floats, centre: Floats, spread: Floats) -> Floats:
    # In C order whatever the order of `x`: sums over columns then always run alike.
    ready = np.subtract(x, centre, order="C")
    with np.errstate(over="ignore"):  # clipped at once
        ready /= spread
    return np.clip(ready, -FAR, FAR, out=ready)
