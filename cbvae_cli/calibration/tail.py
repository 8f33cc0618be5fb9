"""How far out scores lie among held-out ones, beyond the farthest of them too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbvae_cli.calibration.ranks import at_least
from cbvae_cli.table.cells import Floats

BODY = 0.9  # share of scores that speak for themselves
LEAST_EXCESS = 0.05  # in units of the scores, which are deviations


@dataclass(frozen=True)
class Tail:
    """The survival of held-out scores, with an exponential tail.

    Ranks alone cannot tell scores beyond the highest held-out one apart; the tail
    goes on where the excesses over the 90 % quantile leave off.

    Attributes
    ----------
    ordered : float64 array, shape (n_ordered,)
        Smallest first.
    """

    ordered: Floats

    @cached_property
    def start(self) -> float:
        """The score where the tail starts."""
        return float(np.quantile(self.ordered, BODY, method="lower"))

    @cached_property
    def excess(self) -> float:
        """The mean excess over the start: the scale of the tail."""
        beyond = self.ordered[self.ordered > self.start]
        mean = float(np.mean(beyond - self.start)) if len(beyond) else 1.0
        return max(mean, LEAST_EXCESS)

    def rarity(self, scores: Floats) -> Floats:
        """Give -log of the share of held-out scores at least as high, in nats.

        Parameters
        ----------
        scores : float64 array, of any shape

        Returns
        -------
        float64 array, shape like `scores`
            Never falls as scores rise. The scores themselves where none are held
            out.
        """
        n = len(self.ordered)
        if not n:
            return scores
        body = np.minimum(scores, self.start)
        share = (at_least(self.ordered, body) + 0.5) / (n + 1)
        beyond = np.maximum(scores - self.start, 0.0) / self.excess
        return -np.log(share) + beyond
