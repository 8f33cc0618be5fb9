"""Whether a row could be of a class at all: p-values from blind members, and none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.ranks import at_least, rows_needed
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Bools, Floats


@dataclass(frozen=True)
class Conformal:
    """What members give the rows of ONE class in the folds they are blind to.

    Attributes
    ----------
    by_member : tuple of float64 array, shape (n_rows_of_fold,)
        Scores by member j for the class's rows of fold j, higher is stranger;
        smallest first. A fold may be empty. Scores, not rows.
    """

    by_member: tuple[Floats, ...]

    @property
    def n_rows(self) -> int:
        """Rows of the class in all folds."""
        return sum(map(len, self.by_member))

    def p_values(self, scores: Floats) -> Floats:
        """Give (1 + sum_j #{i in fold j : s_ji >= s_j}) / (n + 1), shape (n_rows,).

        Cross-conformal p-values (Vovk 2015); split conformal with one member.

        Parameters
        ----------
        scores : float64 array, shape (n_rows, n_members)
            New rows by each member. -inf, for a row of which nothing is seen, gives
            1.
        """
        counts = [
            at_least(ordered, scores[:, j]) for j, ordered in enumerate(self.by_member)
        ]
        p: Floats = (1 + np.sum(counts, axis=0)) / (1 + self.n_rows)
        return p

    def can_rule_out(self, alpha: float) -> bool:
        """Tell whether a p-value of at most `alpha` can occur: n + 1 >= 1 / alpha."""
        return self.n_rows >= rows_needed(alpha)

    def limit(self, alpha: float) -> float:
        """Give the p-value from which down a row is too strange for the class.

        A class of too few rows for `alpha` promises nothing: it lets go of the rows
        that are stranger than all of its own, so that others of its kind stay.
        """
        return max(alpha, 1 / (1 + self.n_rows))

    def promise(self, alpha: float) -> float:
        """Bound the share of the class's own rows with a p-value of at most `alpha`.

        `alpha` with one member (split conformal); with several 2 `alpha`, up to a
        term below sqrt(2 / n) that vanishes as rows grow (Barber et al. 2021,
        theorem 4); in practice the share is near `alpha`.
        """
        return alpha if len(self.by_member) == 1 else min(2 * alpha, 1.0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the scores of all members, one after the other, and how many each."""
        sizes = np.array([len(ordered) for ordered in self.by_member], dtype=np.int64)
        return {
            "scores": np.concatenate([np.empty(0), *self.by_member]),
            "sizes": sizes,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Conformal:
        """Build from `arrays`."""
        ends = np.cumsum(arrays["sizes"])[:-1]
        return cls(tuple(np.split(arrays["scores"], ends)))


def check_can_abstain(can_rule_out: Bools, alpha: float) -> None:
    """Refuse an `alpha` at which no class could ever be ruled out.

    Parameters
    ----------
    can_rule_out : bool array, shape (n_classes,)
    alpha : float

    Raises
    ------
    DataProblem
    """
    if not np.any(can_rule_out):
        raise DataProblem(
            f"no class has rows enough to be ruled out at --abstain {alpha:g}",
            expected=f"a class with at least {rows_needed(alpha):,} held-out rows",
            hint="give --abstain a larger value, or train on more rows",
        )


def none_of_these(p_values: Floats, limits: Floats) -> Bools:
    """Tell which rows are of no class: every class finds them too strange.

    Parameters
    ----------
    p_values : float64 array, shape (n_rows, n_classes)
    limits : float64 array, shape (n_classes,)
        See `Conformal.limit`.

    Returns
    -------
    bool array, shape (n_rows,)
    """
    refused: Bools = np.all(p_values <= limits, axis=1)
    return refused
