"""Excess mass and mass volume: how tightly a score wraps rows, without any labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cbvae_cli.table.cells import Floats

MASSES = np.linspace(0.9, 0.999, 100)
EXCESS = 0.9  # up to where excess mass falls in the range of t
STEPS = 1001  # of t


@dataclass(frozen=True)
class Levels:
    """Scores of one scorer, higher is stranger.

    Attributes
    ----------
    inside : float64 array, shape (n_rows,)
        Of rows that it was not fitted on.
    around : float64 array, shape (n_draws,)
        Of draws that fill a box around them evenly.
    """

    inside: Floats
    around: Floats

    @property
    def ordered(self) -> Floats:
        """Scores of rows, smallest first."""
        return np.sort(self.inside)

    def volumes(self, scores: Floats) -> Floats:
        """Give the share of the box that is no stranger than some scores.

        At least one draw's: of less nothing is known.
        """
        below = np.searchsorted(np.sort(self.around), scores, side="right")
        share: Floats = np.maximum(below, 1) / len(self.around)
        return share

    def steepest(self) -> float:
        """Give the least t where excess mass is down at `EXCESS`."""
        mass = self._masses()
        beyond = mass - EXCESS
        return float(np.max(beyond / self.volumes(self.ordered), initial=0.0))

    def excess(self, t: Floats) -> Floats:
        """Give EM(t) = max over u of P(s <= u) - t Leb(s <= u), shape of `t`."""
        mass, volume = self._masses(), self.volumes(self.ordered)
        found = np.zeros(len(t))  # of a level that holds nothing
        for at, each in enumerate(t):
            found[at] = max(0.0, float((mass - each * volume).max()))
        return found

    def volume_of(self, mass: Floats) -> Floats:
        """Give MV(a), the volume of the level that holds a share a of the rows."""
        ordered = self.ordered
        # Rounding must not ask for a row more than the share needs.
        place = np.ceil(mass * len(ordered) - 1e-9).astype(np.int64) - 1
        return self.volumes(ordered[np.clip(place, 0, len(ordered) - 1)])

    def _masses(self) -> Floats:
        ordered = self.ordered
        upto = np.searchsorted(ordered, ordered, side="right")
        masses: Floats = upto / len(ordered)
        return masses


def em_mv(scorers: Mapping[str, Levels]) -> dict[str, dict[str, float]]:
    """Compare scorers in one space (Goix 2016).

    Excess mass is better high, mass volume low. Volumes are shares of the box, so
    they compare within one box only, and all scorers share one range of t: the widest
    that any of them asks for.

    Parameters
    ----------
    scorers : mapping of str to Levels
        Of the same rows and draws; one or more.

    Returns
    -------
    dict of str to dict
        `em`, the area under EM over t from 0 to the largest t where excess mass
        reaches .9, and `mv`, the area under MV over shares of rows from .9 to .999.
    """
    t = np.linspace(0.0, max(each.steepest() for each in scorers.values()), STEPS)
    return {
        name: {
            "em": float(np.trapezoid(each.excess(t), t)),
            "mv": float(np.trapezoid(each.volume_of(MASSES), MASSES)),
        }
        for name, each in scorers.items()
    }
