"""How well clusters and classes agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clustering(
    labels: NDArray[np.int64], clusters: NDArray[np.int64], beta: float = 1.0
) -> dict[str, float]:
    """Give homogeneity, completeness and V (Rosenberg & Hirschberg 2007).

    Parameters
    ----------
    labels, clusters : int array, shape (n_rows,)
    beta : float
        Above 1 completeness weighs more, below it homogeneity.

    Returns
    -------
    dict of str to float
    """
    from sklearn.metrics import homogeneity_completeness_v_measure

    found = homogeneity_completeness_v_measure(labels, clusters, beta=beta)
    names = ("homogeneity", "completeness", "v_measure")
    return dict(zip(names, map(float, found), strict=True))
