"""How large the steps of boosted trees are: larger where held-out rows gain by it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cbvae_cli.calibration.boosting import LEARNING_RATE, Booster
from cbvae_cli.table.cells import Floats

# Learning rates, each tried only if the one before it was worth its step. Trees cost
# time in every answer: of a large table, as many learn more by larger steps.
RATES = (LEARNING_RATE, 2 * LEARNING_RATE, 4 * LEARNING_RATE)
LEAST_ROWS = 10_000  # in all; of fewer, larger steps learn noise


def best_rate(
    fit: Callable[[float], Booster], lost: Callable[[Booster], Floats], weights: Floats
) -> float:
    """Take larger steps as long as held-out rows gain by more than a standard error.

    Parameters
    ----------
    fit : callable
        Fits with a learning rate.
    lost : callable
        Gives the log losses of held-out rows, shape (n_rows,).
    weights : float64 array, shape (n_rows,)
        Of the held-out rows.

    Returns
    -------
    float
        One of `RATES`.
    """
    rate, losses = RATES[0], lost(fit(RATES[0]))
    for larger in RATES[1:]:
        fewer = lost(fit(larger))
        if not _surely_positive(losses - fewer, weights):
            break
        rate, losses = larger, fewer
    return rate


def _surely_positive(gains: Floats, weights: Floats) -> bool:
    total = weights.sum()
    if not total > 0:
        return False
    mean = (weights * gains).sum() / total
    error = np.sqrt(np.square(weights * (gains - mean)).sum()) / total
    return bool(mean > error)
