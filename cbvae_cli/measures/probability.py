"""How good probabilities are: ranking, log loss, squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.measures.by_class import by_class
from cbvae_cli.measures.ranking import ranking
from cbvae_cli.table.cells import Floats


def probability(
    probabilities: Floats, labels: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Measure p(class given row) of labelled rows.

    Parameters
    ----------
    probabilities : float64 array, shape (n_rows, n_classes)
        Two classes or more.
    labels : int array, shape (n_rows,)
    classes : tuple of str

    Returns
    -------
    dict
        `auprc`, `auroc` and `brier` of each class against the others, as `by_class`
        has them, None for a class that lacks rows; the first two need other rows as
        well. `log_loss`, nats a row, under `overall`.
    """
    from sklearn.metrics import brier_score_loss, log_loss

    ranked = ranking(probabilities, labels, classes)
    found: dict[str, Any] = {
        name: by_class(
            [ranked.get(name, {}).get("classes", {}).get(c) for c in classes], classes
        )
        for name in ("auprc", "auroc")
    }
    truths = [labels == place for place in range(len(classes))]
    squared = [
        float(brier_score_loss(truth, said, pos_label=True)) if truth.any() else None
        for truth, said in zip(truths, probabilities.T, strict=True)
    ]
    places = np.arange(len(classes))
    lost = log_loss(labels, probabilities, labels=places)
    return {
        **found,
        "log_loss": {"overall": float(lost)},
        "brier": by_class(squared, classes),
    }
