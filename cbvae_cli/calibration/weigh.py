"""How much the likelihood counts in `combined`, beside the looks at neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

WEIGHT = 0.2  # where other classes say nothing: best on the whole over many tables
WEIGHTS = np.linspace(0.0, 1.0, 6)


def weigh(tried: Sequence[Floats], strange: NDArray[np.int64]) -> float:
    """Choose the weight that keeps the rows of other classes apart.

    Parameters
    ----------
    tried : sequence of float64 array, shape (n_rows,)
        Scores of held-out rows under each of `WEIGHTS`.
    strange : int array, shape (n_rows,)
        1 for rows of other classes, 0 for the class's own; both occur.

    Returns
    -------
    float
        The one nearest to `WEIGHT` whose AUROC is within one standard error of the
        best (the rule of Breiman et al. 1984): what tells classes apart is no more
        than a hint at what is strange.
    """
    from sklearn.metrics import roc_auc_score

    aurocs = np.array([roc_auc_score(strange, scores) for scores in tried])
    n_others = int(strange.sum())
    best = float(aurocs.max())
    near = WEIGHTS[
        aurocs >= best - auroc_error(best, n_others, len(strange) - n_others)
    ]
    return float(near[np.argmin(np.abs(near - WEIGHT))])


def auroc_error(auroc: float, n_positive: int, n_negative: int) -> float:
    """Give the standard error of an AUROC (Hanley & McNeil 1982).

    Parameters
    ----------
    auroc : float
    n_positive, n_negative : int
        Rows of each side, at least one.
    """
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = (
        auroc * (1 - auroc)
        + (n_positive - 1) * (q1 - auroc**2)
        + (n_negative - 1) * (q2 - auroc**2)
    ) / (n_positive * n_negative)
    return float(np.sqrt(max(variance, 0.0)))
