"""How good the classes are that rows were given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.measures.by_class import by_class


def decision(
    called: NDArray[np.int64], labels: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Measure calls against labels.

    Parameters
    ----------
    called, labels : int array, shape (n_rows,)
        Places of classes.
    classes : tuple of str

    Returns
    -------
    dict
        `f1` as `by_class` has it, None for a class without rows; `mcc` (Matthews)
        and `balanced_accuracy` (mean recall of the classes with rows) under
        `overall`, None where rows are of one class; `confusion`, rows by true class
        and by the class they were called.
    """
    from sklearn.metrics import (
        confusion_matrix,
        f1_score,
        matthews_corrcoef,
        recall_score,
    )

    places = np.arange(len(classes))
    counts = np.bincount(labels, minlength=len(classes))
    present = np.flatnonzero(counts)
    each = f1_score(labels, called, labels=places, average=None, zero_division=0)
    f1 = [float(v) if n else None for v, n in zip(each, counts, strict=True)]
    mcc = balanced = None
    if len(present) > 1:
        mcc = float(matthews_corrcoef(labels, called))
        # Its own function warns of classes that were called and have no rows.
        balanced = float(recall_score(labels, called, labels=present, average="macro"))
    matrix = confusion_matrix(labels, called, labels=places)
    return {
        "mcc": {"overall": mcc},
        "f1": by_class(f1, classes),
        "balanced_accuracy": {"overall": balanced},
        "confusion": {
            true: dict(zip(classes, map(int, row), strict=True))
            for true, row in zip(classes, matrix, strict=True)
        },
    }
