"""A bound on false alarms, promised by rows that nothing else saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.decide import log_odds
from cbvae_cli.calibration.ranks import at_least, rows_needed
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Floats


@dataclass(frozen=True)
class Certificate:
    """What rows of the other classes score as the positive class.

    False alarms are rows of the other classes that are called positive; their rate is
    bounded for those classes mixed as among the certification rows.

    Attributes
    ----------
    scores : float64 array, shape (n,)
        Log-odds of the positive class for rows of the others that no member, stop,
        calibrator or threshold saw, from the model as deployed; smallest first.
        Scores, not rows.
    counts : int array, shape (n_classes,)
        How many of them are of each class; 0 for the positive.
    """

    scores: Floats
    counts: NDArray[np.int64]

    def p_values(self, scores: Floats) -> Floats:
        """Give (1 + #{s_i >= s}) / (n + 1), shape (n_rows,): ties against us.

        Parameters
        ----------
        scores : float64 array, shape (n_rows,)
            Log-odds of the positive class.
        """
        return (1 + at_least(self.scores, scores)) / (1 + len(self.scores))

    def cut(self, bound: float, confidence: float | None = None) -> float:
        """Give the log-odds above which a row may be called positive.

        Parameters
        ----------
        bound : float
            The largest rate of false alarms, between 0 and 1.
        confidence : float, optional
            Without it the rate is bounded on average over draws of certification
            rows: called are those with a p-value of at most `bound`. With it, the
            rate of this very model is at most `bound`, except for a chance of
            1 - confidence in the draw of certification rows (Tong, Feng & Li 2018,
            proposition 1).

        Returns
        -------
        float
            One of the scores. Rows at it are not called.

        Raises
        ------
        DataProblem
            If there are too few rows for such a promise.
        """
        if confidence is None:
            return self._cut_on_average(bound)
        return self._cut_with_confidence(bound, confidence)

    def _cut_on_average(self, bound: float) -> float:
        n = len(self.scores)
        # The p-values that can be, computed as `p_values` does: the same rounding.
        allowed = int((np.arange(1, n + 2) / (n + 1) <= bound).sum())
        if not allowed:
            raise _refusal(n, rows_needed(bound), f"--fpr {bound:g}", 1 / (n + 1))
        return float(self.scores[n - allowed])

    def _cut_with_confidence(self, bound: float, confidence: float) -> float:
        from scipy.stats import binom

        n = len(self.scores)
        # Chance that the k-th smallest score is too low a cut, for k = 1, ..., n.
        broken = binom.sf(np.arange(n), n, 1 - bound)
        kept = np.flatnonzero(broken <= 1 - confidence)
        if not len(kept):
            wanted = f"--fpr {bound:g} --confidence {confidence:g}"
            needed = math.ceil(math.log1p(-confidence) / math.log1p(-bound))
            possible = 1 - (1 - confidence) ** (1 / n) if n else 1.0
            raise _refusal(n, max(needed, n + 1), wanted, possible)
        return float(self.scores[kept[0]])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {"scores": self.scores, "counts": self.counts}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Certificate:
        """Build from `arrays`."""
        return cls(arrays["scores"], arrays["counts"])


def certify(log_p: Floats, labels: NDArray[np.int64], positive: int) -> Certificate:
    """Build from certification rows; those of the positive class are left out.

    Parameters
    ----------
    log_p : float64 array, shape (n_rows, n_classes)
        log p(class given row) under training shares, from the model as deployed.
    labels : int array, shape (n_rows,)
    positive : int

    Returns
    -------
    Certificate
    """
    others = labels != positive
    scores = np.sort(log_odds(log_p[others], positive))
    return Certificate(scores, np.bincount(labels[others], minlength=log_p.shape[1]))


def _refusal(n: int, needed: int, wanted: str, possible: float) -> DataProblem:
    """Say what the rows could promise in place of what was asked for."""
    looser = "train on more rows of the other classes"
    # Rounded upwards, so that what the hint names is kept.
    least = math.ceil(possible * 1e4) / 1e4
    if least < 1:
        looser = f"give --fpr {least:g} or more, or {looser}"
    return DataProblem(
        f"{n:,} certification rows cannot promise {wanted}",
        expected=f"at least {needed:,} rows of the other classes kept for this",
        hint=looser,
    )
