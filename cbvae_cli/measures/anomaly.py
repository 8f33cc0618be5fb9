"""How well strangeness finds the rows of a class that did not train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.measures.by_class import by_class
from cbvae_cli.table.cells import Bools, Floats


def anomaly(
    strange: Floats,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    judging: Sequence[int],
) -> dict[str, Any]:
    """Measure each class's rows as anomalies among the others'.

    A row is as strange as the kindest of the OTHER classes finds it, as if only those
    had been trained.

    Parameters
    ----------
    strange : float64 array, shape (n_rows, n_classes)
        How strange each class finds a row.
    labels : int array, shape (n_rows,)
        -1 for rows of classes that were never trained.
    classes : tuple of str
    judging : sequence of int
        Places of the classes that may judge.

    Returns
    -------
    dict
        Area under the ROC curve: `macro` and `classes`, None where there are no rows
        or no other class to judge; `unknown`, rows of classes never trained as
        anomalies among all others.
    """
    known = labels >= 0
    found = []
    for place in range(len(classes)):
        others = [other for other in judging if other != place]
        found.append(
            _area(strange[known][:, others], labels[known] == place) if others else None
        )
    return {
        **by_class(found, classes),
        "unknown": _area(strange[:, list(judging)], ~known),
    }


def _area(strange: Floats, odd: Bools) -> float | None:
    from sklearn.metrics import roc_auc_score

    if odd.all() or not odd.any():
        return None
    return float(roc_auc_score(odd, strange.min(axis=1)))
