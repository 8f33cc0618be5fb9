"""Thresholds of old classes, raised where a new class would pass them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.calibration.decide import best_f1_threshold
from cbvae_cli.calibration.present import log_softmax
from cbvae_cli.table.cells import Floats
from cbvae_cli.training.blind import Judged, Known


def raised(
    old: Model, order: Sequence[int], known: Known, judged: Judged, joined: Floats
) -> Floats:
    """Give thresholds that rows of a class that was not there do not pass freely.

    What is left of a probability once the new class took its share may still pass a
    threshold of the time before. Where that happens to rows of the new class, the
    old class's threshold is found again among these rows and its own.

    Parameters
    ----------
    old : Model
    order : sequence of int
        Where each class comes from: a place in the old model, or one behind its last.
    known : Known
        Rows of all classes, real or drawn.
    judged : Judged
    joined : float64 array, shape (n_judged,)
        Probability of the new class, by networks that are blind to the row.

    Returns
    -------
    float64 array, shape (n_old_classes,)
        None is below what it was.
    """
    others = [at for at in order if at < len(old.classes)]
    labels = known.labels[judged.rows]
    new = labels == order.index(len(old.classes))
    thresholds = old.thresholds.copy()
    if len(old.classes) == 1 or not new.any():
        return thresholds  # one class alone is called from nothing
    log_p = old.log_probabilities(known.values[judged.rows], BLEND)
    left = np.exp(log_softmax(log_p[:, others])) * (1 - joined[:, None])
    for at, p in zip(others, left.T, strict=True):
        if (p[new] >= thresholds[at]).any():
            true = labels == order.index(at)
            asked = true | new
            found = best_f1_threshold(p[asked], true[asked], judged.weights[asked])
            thresholds[at] = max(thresholds[at], found)
    return thresholds
