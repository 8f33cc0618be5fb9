"""From log p(class given row) to one class a row: the decisions of `classify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

Places = NDArray[np.int64]

EVEN = 0.5  # the threshold where nothing can be learned of a better one
FLOOR = 0.1  # of a class's share: no threshold lies lower without need
ROUNDING = 1e-9  # of a cut or a cost: what two ways to one number may differ by
# Probabilities this close to 0 and 1 still have finite odds.
LOWEST, HIGHEST = 1e-300, 1 - 2.0**-53


class Decision(Protocol):
    """Chooses one class a row."""

    def choose(self, log_p: Floats) -> Places:
        """Give the place of each row's class.

        Parameters
        ----------
        log_p : float64 array, shape (n_rows, n_classes)
            log p(class given row), -inf for a class that cannot be.

        Returns
        -------
        int array, shape (n_rows,)
        """
        ...


@dataclass(frozen=True)
class Likeliest:
    """The likeliest class; ties go to the lowest place."""

    def choose(self, log_p: Floats) -> Places:
        """Give the place of each row's class."""
        places: Places = log_p.argmax(axis=1)
        return places


@dataclass(frozen=True)
class Threshold:
    """The positive class when its probability reaches a threshold.

    Attributes
    ----------
    positive : int
        Place of the class.
    threshold : float
        Compared with the probability itself, so that a row shown with just the
        threshold is called. A probability of 0 never is.
    """

    positive: int
    threshold: float

    def choose(self, log_p: Floats) -> Places:
        """Give the positive class, or the likeliest other."""
        p = np.exp(log_p[:, self.positive])
        return _called(log_p, self.positive, (p >= self.threshold) & (p > 0))


@dataclass(frozen=True)
class LeastCost:
    """The class whose call costs least on average.

    Attributes
    ----------
    costs : float64 array, shape (n_classes, n_classes)
        `costs[t, c]` is what it costs to call a true t a c.
    """

    costs: Floats

    def choose(self, log_p: Floats) -> Places:
        """Give the place of least expected cost; ties go to the lowest place."""
        expected = np.exp(log_p) @ self.costs
        least = expected.min(axis=1, keepdims=True)
        # A product of matrices rounds by the size of the batch: ties have a width.
        places: Places = (expected <= least * (1 + ROUNDING)).argmax(axis=1)
        return places


@dataclass(frozen=True)
class FalseAlarms:
    """The positive class when its log-odds lie above a certified cut.

    Attributes
    ----------
    positive : int
    cut : float
        From `Certificate.cut`. Log-odds at the cut, or above it by no more than
        rounding, are not called: scores tie there, and ties count against us.
    """

    positive: int
    cut: float

    def choose(self, log_p: Floats) -> Places:
        """Give the positive class, or the likeliest other."""
        margin = ROUNDING * max(1.0, abs(self.cut)) if np.isfinite(self.cut) else 0.0
        called = log_odds(log_p, self.positive) > self.cut + margin
        return _called(log_p, self.positive, called)


def _called(log_p: Floats, positive: int, called: Bools) -> Places:
    """Give the positive class where called, elsewhere the likeliest other."""
    others = np.delete(np.arange(log_p.shape[1]), positive)
    return np.where(called, positive, others[log_p[:, others].argmax(axis=1)])


def log_odds(log_p: Floats, positive: int) -> Floats:
    """Give log p(positive) - log p(any other class), exact near 0 and near 1.

    Parameters
    ----------
    log_p : float64 array, shape (n_rows, n_classes)
    positive : int

    Returns
    -------
    float64 array, shape (n_rows,)
        In nats; infinite where one side cannot be.
    """
    others = np.delete(log_p, positive, axis=1)
    against: Floats = np.logaddexp.reduce(others, axis=1)
    return log_p[:, positive] - against


def best_f1_threshold(
    p_positive: Floats, is_positive: Bools, weights: Floats | None = None
) -> float:
    """Find the threshold of best F1 on rows that trained nothing.

    Parameters
    ----------
    p_positive : float64 array, shape (n_rows,)
    is_positive : bool array, shape (n_rows,)
    weights : float64 array, shape (n_rows,), optional
        Rows of weight 0 do not count.

    Returns
    -------
    float
        Midway, in log-odds, between the lowest probability that is called and the
        highest that is not; at half its odds where every row is called. Where that
        calls the same rows, not below `FLOOR` of the positives' share: no row is
        called that nearly all evidence speaks against. Of equal F1 the fewest calls.
        0.5 without a positive or without another row.
    """
    from scipy.special import expit, logit
    from sklearn.metrics import precision_recall_curve

    weights = np.ones(len(p_positive)) if weights is None else weights
    counts = weights > 0
    p, truth = p_positive[counts], is_positive[counts]
    if truth.all() or not truth.any():
        return EVEN
    precision, recall, scores = precision_recall_curve(
        truth, p, sample_weight=weights[counts]
    )
    # The last point of the curve calls nothing and has no score.
    total = (precision + recall)[:-1]
    f1 = 2 * (precision * recall)[:-1] / np.where(total > 0, total, 1.0)
    best = int(np.flatnonzero(f1 == f1.max())[-1])
    odds = logit(np.clip(scores[max(best - 1, 0) : best + 1], LOWEST, HIGHEST))
    middle = odds.mean() if best else odds[0] - np.log(2)
    found = float(expit(middle))
    least = FLOOR * float(np.average(truth, weights=weights[counts]))
    if found < least <= scores[best]:
        return least
    # Neighbours may be too close for a number between them.
    apart = best == 0 or scores[best - 1] < found
    return found if apart and found <= scores[best] else float(scores[best])
