"""The invertible map from a column's values to the scale that networks see.

Quantile-to-normal or standardised: either way a piecewise-linear map, stored as its
knots. The same map serves every class, or their likelihoods could not be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

BODY = 4.0  # standard normal units within which training values lie
TAIL = 4.0  # units beyond the body, linear in the column's deviation, then clipped
QUANTILES = 256
NEAR = 1e-3  # share of the gap to the next value that still leads to this one
# Gauss-Hermite nodes: the mean of a skewed column differs from the map of its mean.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Scale:
    """A strictly increasing piecewise-linear map, clipped at its ends.

    Attributes
    ----------
    values, units : float64 array, shape (n_knots,)
        Knots in the column's units and in network units.
    """

    values: Floats
    units: Floats

    def forward(self, values: Floats) -> Floats:
        """Map the column's units to network units; NaN stays NaN."""
        return np.interp(values, self.values, self.units)

    def backward(self, units: Floats) -> Floats:
        """Map network units to the column's."""
        return np.interp(units, self.units, self.values)

    def expected_backward(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the mean of `backward` over a normal distribution, by quadrature.

        Parameters
        ----------
        mean, deviation : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape (n_rows,)
        """
        if not deviation.any():
            return self.backward(mean)
        spread = mean[:, None] + deviation[:, None] * _NODES
        averaged: Floats = self.backward(spread) @ _WEIGHTS
        return averaged


def marks_arrays(marks: Scale | None) -> dict[str, Floats]:
    """Give quantiles that later rows are compared with, as stored arrays."""
    if marks is None:
        return {}
    return {"marks": marks.values, "mark_units": marks.units}


def restore_marks(arrays: Mapping[str, NDArray[Any]]) -> Scale | None:
    """Build from `marks_arrays`; a bundle may have none."""
    if "marks" not in arrays:
        return None
    return Scale(arrays["marks"], arrays["mark_units"])


UNFITTED = Scale(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def fit_quantiles(values: Floats) -> Scale:
    """Fit a quantile-to-normal map on the seen values of a column.

    The quantiles are scikit-learn's. A value that fills a stretch of quantiles (a
    zero in most rows, say) gets the middle of its stretch, as `QuantileTransformer`
    does inside the range; it does not at the ends, where such values would land five
    deviations out. On the way back the whole stretch leads to that value.

    Parameters
    ----------
    values : float64 array, shape (n_seen,)
        At least two different values, no NaN.

    Returns
    -------
    Scale
    """
    from scipy.special import ndtri
    from sklearn.preprocessing import QuantileTransformer

    n_quantiles = min(QUANTILES, len(values))
    fitted = QuantileTransformer(
        n_quantiles=n_quantiles, subsample=200_000, random_state=0
    ).fit(values[:, None])
    knots, first, repeats = np.unique(
        _snapped(fitted.quantiles_[:, 0], values), return_index=True, return_counts=True
    )
    below = fitted.references_[first]
    above = fitted.references_[first + repeats - 1]
    knots, ranks = _with_edges(knots, below, above)
    edge = 0.5 / len(values)
    units = np.clip(ndtri(np.clip(ranks, edge, 1 - edge)), -BODY, BODY)
    knots, units = _strictly_increasing(knots, units)
    spread = float(np.std(values)) * TAIL
    return Scale(
        np.concatenate([[knots[0] - spread], knots, [knots[-1] + spread]]),
        np.concatenate([[units[0] - TAIL], units, [units[-1] + TAIL]]),
    )


def _snapped(quantiles: Floats, values: Floats) -> Floats:
    """Set quantiles that rounding moved off a value of the column back to it."""
    known = np.unique(values)
    after = np.searchsorted(known, quantiles).clip(1, len(known) - 1)
    low, high = known[after - 1], known[after]
    nearest = np.where(quantiles - low < high - quantiles, low, high)
    slip = (known[-1] - known[0]) * 1e-9
    return np.where(np.abs(quantiles - nearest) < slip, nearest, quantiles)


def _with_edges(knots: Floats, below: Floats, above: Floats) -> tuple[Floats, Floats]:
    """Set knots at both ends of every stretch that one value fills.

    Parameters
    ----------
    knots : float64 array, shape (n_knots,)
        Different values, in order.
    below, above : float64 array, shape (n_knots,)
        First and last quantile of each.

    Returns
    -------
    knots, ranks : float64 array, shape (n_more,)
    """
    gaps = np.diff(knots) * NEAR
    left = np.concatenate([[0.0], gaps])
    right = np.concatenate([gaps, [0.0]])
    spread = np.stack([knots - left, knots, knots + right], axis=1)
    ranks = np.stack([below, (below + above) / 2, above], axis=1)
    # One knot is enough for a value without a stretch, and on the outer sides.
    filled = above > below
    keep = np.stack(
        [filled & (left > 0), np.ones_like(filled), filled & (right > 0)], axis=1
    )
    return spread[keep], ranks[keep]


def fit_standard(values: Floats) -> Scale:
    """Fit the map to zero mean and unit deviation (scikit-learn's), clipped far out."""
    from sklearn.preprocessing import StandardScaler

    fitted = StandardScaler().fit(values[:, None])
    reach = 1000.0
    units = np.array([-reach, reach])
    return Scale(fitted.mean_[0] + units * fitted.scale_[0], units)


def fit_range(low: float, high: float) -> Scale:
    """Fit the linear map of a range to zero mean and unit deviation, were it even.

    Clipped at its ends: what lies beyond looks like the end.
    """
    reach = math.sqrt(3.0)
    return Scale(np.array([low, high]), np.array([-reach, reach]))


def _strictly_increasing(knots: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Drop knots that clipping or rounding made equal, in units or in values."""
    rises = np.diff(np.maximum.accumulate(units)) > 1e-9
    keep = np.concatenate([[True], rises & (np.diff(knots) > 0)])
    keep[-1] = True
    kept_knots, kept_units = knots[keep], units[keep].copy()
    if len(kept_units) > 1 and kept_units[-1] <= kept_units[-2]:
        kept_units[-1] = kept_units[-2] + 1e-6
    return kept_knots, kept_units
