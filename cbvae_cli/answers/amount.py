"""How many rows to make: what --balance asks for, or what helps most on held-out rows.

The amount is chosen on the training table alone. Its rows take turns: each fifth is
judged by classifiers that learn from the others and from rows drawn by the member that
is blind to that fifth, so that made rows know nothing of what they are judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.known import Known
from cbvae_cli.answers.making import Maker
from cbvae_cli.answers.trial import JUDGES, Trial, auprc, measurable, together
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Floats

STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the way to balance
FOLDS = 5
MOST_ROWS = 6_000  # real ones, that the search looks at
DRAWS = 200  # of the rows, for the error of a change
LEAST_ERRORS = 1.0  # standard errors that a change must be away from 0
IN_A_ROW = 2  # steps that do harm end the search

Places = NDArray[np.int64]
Observe = Callable[[int, int], None]


def full_amount(
    counts: Places, places: Sequence[int], ratio: float = 1.0
) -> dict[int, int]:
    """Count the rows that bring classes to a share of the largest.

    Parameters
    ----------
    counts : int array, shape (n_classes,)
    places : sequence of int
        Classes to make rows of.
    ratio : float
        Of the largest class's count.
    """
    goal = round(ratio * int(counts.max()))
    return {place: max(0, goal - int(counts[place])) for place in places}


@dataclass(frozen=True)
class Fold:
    """Rows to train on, rows to judge by, and who may draw in between.

    Attributes
    ----------
    train, test : int array
        Places of rows.
    members : tuple of int
        Blind to the test rows; empty where none is.
    """

    train: Places
    test: Places
    members: tuple[int, ...]


def blind_folds(blind: Sequence[Places], n_rows: int) -> list[Fold]:
    """Let each member draw where it is blind.

    Parameters
    ----------
    blind : sequence of int arrays
        Rows that each member is blind to.
    n_rows : int
    """
    every = np.arange(n_rows)
    return [
        Fold(np.setdiff1d(every, rows), rows, (member,))
        for member, rows in enumerate(blind)
        if len(rows)
    ]


def plain_folds(labels: Places, seed: int) -> list[Fold]:
    """Share rows out evenly, where nobody knows who is blind to them."""
    rng = np.random.default_rng([seed, 22])
    turn = np.empty(len(labels), dtype=np.int64)
    for place in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == place))
        turn[own] = np.arange(len(own)) % FOLDS
    return [
        Fold(np.flatnonzero(turn != fold), np.flatnonzero(turn == fold), ())
        for fold in range(FOLDS)
    ]


class Search:
    """Tries amounts on the training table.

    Parameters
    ----------
    make : callable
        Gives a maker that starts from some of the real rows alone.
    known : Known
        The training table.
    folds : list of Fold
    seed, threads : int
    """

    def __init__(
        self,
        make: Callable[[Known], Maker],
        known: Known,
        folds: list[Fold],
        *,
        seed: int,
        threads: int,
    ) -> None:
        self.known = known
        self.seed = seed
        self._trial = Trial(threads)
        self._folds = [self._thinned(fold) for fold in folds]
        self._makers = [make(known.take(fold.train)) for fold in folds]

    def _thinned(self, fold: Fold) -> Fold:
        """Leave rows of large classes out where there are too many."""
        rng = np.random.default_rng([self.seed, 23])
        share = MOST_ROWS / max(len(self.known.labels), MOST_ROWS)
        few = self.known.counts <= share * self.known.counts.max()
        kept = few[self.known.labels] | (rng.random(len(self.known.labels)) < share)
        return Fold(
            fold.train[kept[fold.train]], fold.test[kept[fold.test]], fold.members
        )

    def best(
        self, wanted: Mapping[int, int], observe: Observe
    ) -> tuple[dict[int, int], dict[str, Any]]:
        """Find the share of the wanted rows that helps most; it may be none.

        Parameters
        ----------
        wanted : mapping of int to int
            Rows for full balance, by class.
        observe : callable
            Told how many of how many trials are done.

        Returns
        -------
        amount : dict of int to int
        tried : dict
            `chosen`, the share of the way to balance, and for each share tried the
            change of AUPRC, by judge and over both, and its standard error.
        """
        places = [place for place, n_rows in wanted.items() if n_rows]
        labels = np.concatenate([self.known.labels[f.test] for f in self._folds])
        judged = measurable(labels, places)
        if places and not judged:
            raise DataProblem(
                "no held-out row can tell how many rows help",
                where=self.known.name,
                expected="five rows or more of a class that is to grow",
                hint="use --ratio with a number",
            )
        tried = [_Tried(0.0, dict.fromkeys(JUDGES, 0.0), 0.0)]
        total = len(STEPS) + 1
        before = self._pooled(wanted, 0.0) if places else {}
        for number, step in enumerate(STEPS if places else (), start=1):
            observe(number, total)
            after = self._pooled(wanted, step)
            tried.append(_Tried(step, *self._change(before, after, labels, judged)))
            if all(one.harms for one in tried[-IN_A_ROW:]):
                break  # more of what harms harms more
        chosen = _best(tried).share
        amount = {place: round(chosen * n) for place, n in wanted.items()}
        blind = all(fold.members for fold in self._folds)
        told = [one.plain() for one in tried]
        return amount, {"chosen": chosen, "tried": told, "blind": blind}

    def _pooled(self, wanted: Mapping[int, int], step: float) -> dict[str, Floats]:
        """Judge the rows of all folds, one behind the other."""
        turns = zip(self._folds, self._makers, strict=True)
        found = [self._fold(fold, maker, wanted, step) for fold, maker in turns]
        return {name: np.concatenate([each[name] for each in found]) for name in JUDGES}

    def _fold(
        self, fold: Fold, maker: Maker, wanted: Mapping[int, int], step: float
    ) -> dict[str, Floats]:
        train, test = self.known.take(fold.train), self.known.take(fold.test)
        # As much thinner as the rows of its fold are.
        share = step * (train.counts.max() / self.known.counts.max())
        made = {
            place: maker.rows(place, round(share * n), fold.members)
            for place, n in wanted.items()
            if round(share * n)
        }
        return self._trial.chances(together(train, made), test, self.seed)

    def _change(
        self,
        before: Mapping[str, Floats],
        after: Mapping[str, Floats],
        labels: Places,
        places: Sequence[int],
    ) -> tuple[dict[str, float], float]:
        """Give each judge's change, and the error of their mean by bootstrap."""
        rng = np.random.default_rng([self.seed, 24])

        def changes(weight: Floats | None) -> dict[str, float]:
            return {
                name: auprc(after[name], labels, places, weight)
                - auprc(before[name], labels, places, weight)
                for name in JUDGES
            }

        drawn = (changes(_weights(labels, rng)) for _ in range(DRAWS))
        means = [np.mean(list(each.values())) for each in drawn]
        return changes(None), float(np.std(means, ddof=1))


@dataclass(frozen=True)
class _Tried:
    """What an amount of rows changed.

    Attributes
    ----------
    share : float
        Of the way to balance.
    judges : dict of str to float
        Change of AUPRC by judge.
    error : float
        Standard error of their mean.
    """

    share: float
    judges: dict[str, float]
    error: float

    @property
    def change(self) -> float:
        return float(np.mean(list(self.judges.values())))

    @property
    def harms(self) -> bool:
        return self.change < -LEAST_ERRORS * self.error

    @property
    def helps(self) -> bool:
        """Tell whether chance does not explain the gain, and no judge loses."""
        surely = self.change > LEAST_ERRORS * self.error
        return surely and min(self.judges.values()) >= 0

    def plain(self) -> dict[str, Any]:
        return {
            "share": self.share,
            "auprc_change": self.change,
            "error": self.error,
            "judges": self.judges,
        }


def _weights(labels: Places, rng: np.random.Generator) -> Floats:
    """Draw as many rows of each class as it has, with repeats; counts of each row."""
    weights = np.zeros(len(labels))
    for place in np.unique(labels):
        own = np.flatnonzero(labels == place)
        weights[own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)))
    return weights


def _best(tried: Sequence[_Tried]) -> _Tried:
    """Take the amount that helps most, or none."""
    return max(
        (one for one in tried if one.helps), key=lambda t: t.change, default=tried[0]
    )
