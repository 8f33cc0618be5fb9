"""Candidates of the rule `posterior`, each fitted without one part of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.boosting import Booster, fit_booster
from cbvae_cli.calibration.logistic import Logistic, fit_logistic
from cbvae_cli.calibration.posterior import Asked, Fitted, Kind
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import Block
from cbvae_cli.training.pace import LEAST_ROWS, RATES, best_rate

Places = NDArray[np.int64]

STRENGTHS = {"evidence": 1.0, "evidence and cells, linear": 10.0}


@dataclass(frozen=True)
class Blind:
    """Rows with the evidence of a member that never saw them.

    Attributes
    ----------
    labels, member, turn : int array, shape (n_rows,)
        Class; the member that is blind to the row; the part of the rows that
        candidates are fitted without, to be judged on it.
    weights : float64 array, shape (n_rows,)
        With which the rows stand for the whole table.
    found : float64 array, shape (n_rows, n_classes, n_parts)
        `Posterior.PARTS` of evidence from the jointly trained networks.
    values, matrix, observed
        As in `Asked`.
    """

    labels: Places
    member: Places
    turn: Places
    weights: Floats
    found: Floats
    values: Floats
    matrix: Block
    observed: Bools


@dataclass(frozen=True)
class Extra:
    """Further rows for candidates that need no evidence.

    Attributes
    ----------
    labels : int array, shape (n_rows,)
    weights : float64 array, shape (n_rows,)
    values : float64 array, shape (n_rows, n_columns)
    turn : int array, shape (n_rows,)
        Turns that they must not teach, as `Blind` has them, or `parts.NO_TURN`.
    """

    labels: Places
    weights: Floats
    values: Floats
    turn: Places


@dataclass(frozen=True)
class Turns:
    """Rows that candidates are cross-fitted on.

    Attributes
    ----------
    asked : Asked
        What candidates see of the blind rows.
    blind : Blind
    extra : Extra
    place : int array, shape (n_classes,)
        Place of each class among the judged ones; -1 for the others.
    kept : bool array, shape (n_rows,)
        Blind rows of judged classes.
    names : bool array, shape (n_columns,)
        Columns of names.
    shares : float64 array, shape (n_judged,)
        Of the judged classes in training.
    seed : int
    """

    asked: Asked
    blind: Blind
    extra: Extra
    place: Places
    kept: Bools
    names: Bools
    shares: Floats
    seed: int

    def cross_fitted(self, kind: Kind) -> tuple[Floats, tuple[Fitted, ...]]:
        """Fit a kind without each part in turn; gives its log p of all rows too."""
        x = kind.looks(self.asked)
        log_p = np.empty(self.asked.calibrated.shape)
        fit = self._fitting(kind, x)
        bag = []
        for turn in np.unique(self.blind.turn):
            out = self.blind.turn == turn
            fitted = fit(int(turn))
            log_p[out] = fitted.log_probabilities(x[out])
            bag.append(fitted)
        return log_p, tuple(bag)

    def _fitting(self, kind: Kind, x: Floats) -> Callable[[int], Fitted]:
        """Give what fits a kind without the rows of a turn."""
        if kind.form is Logistic:
            strength = STRENGTHS[kind.name]

            def fit(turn: int) -> Fitted:
                taught = self._taught(kind, x, turn)
                return fit_logistic(*taught, len(self.shares), strength)

            return fit
        boost = self._boosting(kind, x)
        rate = self._rate(boost, x)
        return lambda turn: boost(turn, rate)

    def _rate(self, boost: Callable[[int, float], Booster], x: Floats) -> float:
        """Find the learning rate of a kind's trees, on the rows of the first turn."""
        if self.kept.sum() < LEAST_ROWS:
            return RATES[0]
        turn = int(self.blind.turn.min())
        rows = np.flatnonzero((self.blind.turn == turn) & self.kept)
        labels = self.place[self.blind.labels[rows]]

        def lost(fitted: Booster) -> Floats:
            log_p = fitted.log_probabilities(x[rows])
            losses: Floats = -log_p[np.arange(len(rows)), labels]
            return losses

        return best_rate(partial(boost, turn), lost, self.blind.weights[rows])

    def _boosting(self, kind: Kind, x: Floats) -> Callable[[int, float], Booster]:
        """Give what fits trees without the rows of a turn, with a learning rate."""
        names = np.zeros(x.shape[1], dtype=bool)
        names[: len(self.names)] = self.names

        def fit(turn: int, rate: float) -> Booster:
            taught = self._taught(kind, x, turn)
            return fit_booster(*taught, len(self.shares), names, self.seed, rate)

        return fit

    def _taught(
        self, kind: Kind, x: Floats, turn: int
    ) -> tuple[Floats, Places, Floats]:
        """Give cells, labels and weights of the rows of other turns."""
        rows = np.flatnonzero((self.blind.turn != turn) & self.kept)
        labels = self.place[self.blind.labels[rows]]
        taught = x[rows], labels, self.blind.weights[rows]
        return self._with_extra(turn, *taught) if kind.blind else taught

    def _with_extra(
        self, turn: int, x: Floats, labels: Places, weights: Floats
    ) -> tuple[Floats, Places, Floats]:
        extra = self.extra
        places = self.place[extra.labels]
        taught = (places >= 0) & (extra.turn != turn)
        if not taught.any():
            return x, labels, weights
        every = np.concatenate([labels, places[taught]])
        together = np.concatenate([weights, extra.weights[taught]])
        # Classes keep their shares, whatever the number of further rows.
        sums = np.bincount(every, together, len(self.shares))
        shares = self.shares / np.maximum(sums, 1e-300)
        return (
            np.concatenate([x, extra.values[taught]]),
            every,
            together * shares[every] * (together.sum() / self.shares.sum()),
        )
