"""Cuts between the bins of a column, equally heavy, found in one pass.

scikit-learn 1.9 finds weighted quantiles one by one, sorting the column for each:
that took longer than growing the trees.
"""

from __future__ import annotations

import numpy as np

from cbvae_cli.table.cells import Floats

MOST_BINS = 255  # besides that of missing cells; scikit-learn's own bound
NO_CUTS: Floats = np.empty(0)
SAME = float(np.finfo(np.float64).eps)  # weights closer than this fall together


def cuts(column: Floats, weights: Floats) -> Floats:
    """Give the weighted quantiles that part a column into `MOST_BINS` bins.

    Parameters
    ----------
    column : float64 array, shape (n_rows,)
        NaN is missing.
    weights : float64 array, shape (n_rows,)
        Above 0.

    Returns
    -------
    float64 array, shape (n_cuts,)
        In order; none where the column holds few values and each is a bin.
    """
    seen = ~np.isnan(column)
    values, weights = column[seen], weights[seen]
    order = np.argsort(values)
    values, sums = values[order], np.cumsum(weights[order])
    if np.count_nonzero(np.diff(values)) < MOST_BINS:
        return NO_CUTS
    wanted = np.linspace(0, 100, MOST_BINS + 1)[1:-1] / 100 * sums[-1]
    last = len(values) - 1
    at = np.minimum(np.searchsorted(sums, wanted), last)
    # Where a quantile falls between two rows it is their mean.
    between = sums[at] - wanted <= SAME
    next_to = np.minimum(at + 1, last)
    found = np.where(between, (values[at] + values[next_to]) / 2, values[at])
    return np.unique(found)


def bin_numbers(column: Floats, found: Floats) -> Floats:
    """Give the number of each cell's bin, shape (n_rows,); NaN where missing.

    Bin `b` holds the cells above cut `b - 1`, up to cut `b`.
    """
    numbers = np.searchsorted(found, column).astype(np.float64)
    numbers[np.isnan(column)] = np.nan
    return numbers


def cut_below(thresholds: Floats, found: Floats) -> Floats:
    """Give the cuts that thresholds between bin numbers stand for.

    Infinite thresholds stay: all seen cells then go one way.
    """
    finite = np.isfinite(thresholds)
    places = np.floor(thresholds, where=finite, out=np.zeros(len(thresholds)))
    return np.where(finite, found[places.astype(np.intp)], thresholds)
