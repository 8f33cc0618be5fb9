"""How well odds tell classes apart, whatever their scale and offset."""

from __future__ import annotations

import numpy as np

from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.training.parts import Places

PENALTY = 1e3  # inverse strength: rows that are told apart whole end somewhere


def rescaled_log_loss(log_p: Floats, labels: Places) -> float:
    """Give the log loss of probabilities put on their scale, in nats.

    Each class's log-odds against all others get a slope and an offset of their own by
    logistic regression on these rows (Platt, 1999), in which a class weighs as much as
    the others together. So nothing counts but how well the odds sort rows.

    Parameters
    ----------
    log_p : float64 array, shape (n_rows, n_classes)
        Log p(class given row).
    labels : int array, shape (n_rows,)

    Returns
    -------
    float
        Mean over the classes that have rows; NaN where fewer than two have.
    """
    known = np.unique(labels)
    if len(known) < 2:
        return float("nan")
    # Of two classes the odds are each other's inverse.
    asked = known[1:] if log_p.shape[1] == 2 else known
    return float(np.mean([_one(log_p, place, labels == place) for place in asked]))


def _one(log_p: Floats, place: int, own: Bools) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.utils.class_weight import compute_sample_weight

    others = np.delete(log_p, place, axis=1)
    odds = log_p[:, place] - np.logaddexp.reduce(others, axis=1)
    spread = odds.std()
    if not spread > 0:
        return float(np.log(2))
    odds = ((odds - odds.mean()) / spread)[:, None]
    weights = compute_sample_weight("balanced", own)
    model = LogisticRegression(C=PENALTY).fit(odds, own, weights)
    if not model.coef_[0, 0] > 0:
        return float(np.log(2))  # odds that sort rows the wrong way know nothing
    found = model.predict_proba(odds)
    return float(log_loss(own, found, sample_weight=weights))
