"""How much likelier another class is than the one that a row was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

LEAST_LOG = -700.0  # nats: what a float64 probability can be


def mislabel_scores(log_p: Floats, given: NDArray[np.int64]) -> Floats:
    """Give the log-odds of the likeliest other class against the given one.

    Parameters
    ----------
    log_p : float64 array, shape (n_rows, n_classes)
        Log probabilities of two classes or more.
    given : int array, shape (n_rows,)
        Place of the class on each row's label.

    Returns
    -------
    float64 array, shape (n_rows,)
        In nats, above 0 where another class is likelier.
    """
    floored = np.maximum(log_p, LEAST_LOG)
    own = np.take_along_axis(floored, given[:, None], axis=1)
    others = floored.copy()
    np.put_along_axis(others, given[:, None], -np.inf, axis=1)
    scores: Floats = others.max(axis=1) - own[:, 0]
    return scores
