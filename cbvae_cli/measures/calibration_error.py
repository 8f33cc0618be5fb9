"""Whether a probability of .3 comes true three times in ten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

BINS = 15


def calibration_error(probabilities: Floats, truth: Bools, n_bins: int = BINS) -> float:
    """Give the expected calibration error over bins of equal mass.

    The mean distance of what is said from what comes true (scikit-learn's
    `calibration_curve`), each bin by its rows: equal probabilities share a bin, so
    masses are equal only where few are.

    Parameters
    ----------
    probabilities : float64 array, shape (n_rows,)
    truth : bool array, shape (n_rows,)
    n_bins : int
    """
    from sklearn.calibration import calibration_curve

    came_true, said = calibration_curve(
        truth, probabilities, n_bins=n_bins, strategy="quantile", pos_label=True
    )
    masses = bin_masses(probabilities, n_bins)
    return float(np.average(np.abs(came_true - said), weights=masses))


def bin_masses(probabilities: Floats, n_bins: int) -> NDArray[np.int64]:
    """Count the rows of each bin that `calibration_curve` speaks of.

    It drops empty bins and does not say how many rows the others hold.
    """
    edges = np.percentile(probabilities, np.linspace(0, 1, n_bins + 1) * 100)
    counts = np.bincount(np.searchsorted(edges[1:-1], probabilities))
    return counts[counts > 0]
