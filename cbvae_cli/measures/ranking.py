"""How well probabilities tell classes apart."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats


def ranking(
    probabilities: Floats,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    weights: Floats | None = None,
) -> dict[str, Any]:
    """Measure p(class given row) against the truth.

    Parameters
    ----------
    probabilities : float64 array, shape (n_rows, n_classes)
    labels : int array, shape (n_rows,)
    classes : tuple of str
    weights : float64 array, shape (n_rows,), optional

    Returns
    -------
    dict
        `auprc` and `auroc`, one class against the others: under `classes` for each
        class that has rows on both sides, and their mean under `macro`;
        `balanced_accuracy` and `log_loss` (nats a row).
    """
    from sklearn import metrics

    auprc, auroc = {}, {}
    for place, name in enumerate(classes):
        truth = labels == place
        if truth.any() and not truth.all():
            scores = probabilities[:, place]
            auprc[name] = float(
                metrics.average_precision_score(truth, scores, sample_weight=weights)
            )
            auroc[name] = float(
                metrics.roc_auc_score(truth, scores, sample_weight=weights)
            )
    found: dict[str, Any] = {"rows": len(labels)}
    if not auprc:
        return found
    found["auprc"] = {"macro": _mean(auprc), "classes": auprc}
    found["auroc"] = {"macro": _mean(auroc), "classes": auroc}
    with warnings.catch_warnings():
        # A class without held-out rows may be named all the same.
        warnings.simplefilter("ignore", UserWarning)
        balanced = metrics.balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    found["balanced_accuracy"] = float(balanced)
    given = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-15)
    found["log_loss"] = float(np.average(-np.log(given), weights=weights))
    return found


def _mean(by_class: dict[str, float]) -> float:
    return float(np.mean(list(by_class.values())))
