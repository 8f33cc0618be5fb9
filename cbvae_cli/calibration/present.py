"""Log-odds of the classes that a fit saw, widened to all classes of a bundle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

# Log-odds, against all classes seen, of a class that the fit never saw: below
# whatever a row can say, and still finite, so that a blend can overrule it.
ABSENT = -30.0


def log_softmax(logits: Floats) -> Floats:
    """Normalise log-odds, shape (n_rows, n_classes), row by row."""
    normalised: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return normalised


def widen(logits: Floats, present: Bools) -> Floats:
    """Put log-odds of the classes seen among all classes.

    Parameters
    ----------
    logits : float64 array, shape (n_rows, n_present)
    present : bool array, shape (n_classes,)

    Returns
    -------
    float64 array, shape (n_rows, n_classes)
        A class not seen stands `ABSENT` from the sum of those seen.
    """
    if present.all():
        return logits
    wide = np.empty((len(logits), len(present)))
    wide[:, present] = logits
    seen = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    wide[:, ~present] = seen + ABSENT
    return wide


def classes_present(
    labels: NDArray[np.int64], weights: Floats, n_classes: int
) -> Bools:
    """Tell which classes have a row of positive weight.

    Raises
    ------
    ValueError
        Where labels, weights and the number of classes do not go together, or no
        row has weight.
    """
    if labels.shape != weights.shape or labels.ndim != 1:
        raise ValueError("labels and weights must be one of each for every row")
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(f"labels must lie in 0 to {n_classes - 1}")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("weights must be finite and not negative")
    present = np.zeros(n_classes, dtype=np.bool_)
    present[labels[weights > 0]] = True
    if not present.any():
        raise ValueError("no row has weight")
    return present
