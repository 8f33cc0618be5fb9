"""Fitting the rule `posterior` on rows that the members are blind to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.boosting import fit_booster
from cbvae_cli.calibration.logistic import Logistic, fit_logistic
from cbvae_cli.calibration.posterior import (
    KINDS,
    Asked,
    Candidate,
    Fitted,
    Kind,
    Posterior,
    among_all,
    blend,
    elbo_of,
    floored,
)
from cbvae_cli.calibration.temperature import ELBO, ERROR, Members, fit_members
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import Block

Places = NDArray[np.int64]

LEAST_JUDGED = 8  # blind rows of a class that the blend can tell from others
STRENGTHS = {"evidence": 1.0, "evidence and cells, linear": 10.0}
# Belief, in rows, that all candidates deserve the same weight.
EQUAL = 10.0


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


def fit_posterior(
    blind: Blind,
    extra: Extra,
    shares: Floats,
    n_members: int,
    names: Bools,
    seed: int,
) -> tuple[Posterior, Floats]:
    """Fit temperatures, candidates and the blend.

    Parameters
    ----------
    blind : Blind
    extra : Extra
    shares : float64 array, shape (n_classes,)
        Of the classes in training.
    n_members : int
    names : bool array, shape (n_columns,)
        Columns of names.
    seed : int

    Returns
    -------
    posterior : Posterior
    log_p : float64 array, shape (n_candidates + 2, n_rows, n_classes)
        Of the blind rows, each judged by what was fitted without it: calibrated
        evidence, the candidates, and last the blend.
    """
    bound, wrong = elbo_of(blind.found), -blind.found[..., 0]
    who = (blind.labels, blind.member, n_members, shares)
    elbo = fit_members(bound, *who, ELBO)
    error = fit_members(wrong, *who, ERROR)
    counts = np.bincount(blind.labels, minlength=len(shares))
    judged = np.flatnonzero(counts >= LEAST_JUDGED)
    start = Posterior(judged, elbo, error, (), np.ones(1), names)
    kept = np.isin(blind.labels, judged)
    # Candidates are fitted without each turn: of one alone nothing would be left.
    turns = np.unique(blind.turn[kept & (blind.weights > 0)])
    if len(judged) < 2 or len(turns) < 2:
        none = Posterior(judged[:0], elbo, error, (), np.ones(1), names)
        plain = _by_own(elbo, bound, blind.member)
        return none, np.stack([plain, plain])
    place = np.full(len(shares), -1)
    place[judged] = np.arange(len(judged))
    asked = _asked(start, blind)
    stacked = _Stack(asked, blind, extra, place, kept, names, shares[judged], seed)
    every, candidates = [asked.calibrated], []
    for kind in KINDS:
        log_p, bag = stacked.cross_fitted(kind)
        every.append(floored(log_p))
        candidates.append(Candidate(kind, kind.form.kept(bag, n_members)))
    together = np.stack(every)
    weights = _blend_weights(
        together[:, kept], place[blind.labels[kept]], blind.weights[kept]
    )
    fitted = Posterior(judged, elbo, error, tuple(candidates), weights, names)
    plain = _by_own(elbo, bound, blind.member)
    each = [*together, blend(together, weights)]
    return fitted, np.stack([among_all(plain, log_p, judged) for log_p in each])


def _by_own(members: Members, evidence: Floats, member: Places) -> Floats:
    """Let each row's blind member speak alone."""
    log_p = np.empty(evidence.shape)
    for number in range(len(members.each)):
        own = member == number
        log_p[own] = members.of(number).log_probabilities(evidence[own, None])
    return log_p


def _asked(start: Posterior, blind: Blind) -> Asked:
    """Put together what candidates see of blind rows."""
    n_rows, judged = len(blind.labels), start.judged
    calibrated = np.empty((n_rows, len(judged)))
    errors = np.empty_like(calibrated)
    levels = np.empty((n_rows, 2 * len(judged)))
    for number in range(len(start.elbo.each)):
        own = np.flatnonzero(blind.member == number)
        alone = Posterior(
            judged,
            start.elbo.of(number),
            start.error.of(number),
            (),
            start.weights,
            start.names,
        )
        found = alone.asked(
            blind.found[own, None],
            blind.values[own],
            blind.matrix[own],
            blind.observed[own],
        )
        calibrated[own], errors[own] = found.calibrated, found.errors
        levels[own] = found.levels
    return Asked(
        blind.values,
        blind.matrix.astype(np.float64),
        blind.observed,
        calibrated,
        errors,
        levels,
    )


@dataclass(frozen=True)
class _Stack:
    """Rows that candidates are cross-fitted on."""

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
        labels = self.place[self.blind.labels]
        log_p = np.empty(self.asked.calibrated.shape)
        bag = []
        for turn in np.unique(self.blind.turn):
            out = self.blind.turn == turn
            rows = np.flatnonzero(~out & self.kept)
            some = (x[rows], labels[rows], self.blind.weights[rows])
            if kind.blind:
                some = self._with_extra(turn, *some)
            fitted = self._fit(kind, *some)
            log_p[out] = fitted.log_probabilities(x[out])
            bag.append(fitted)
        return log_p, tuple(bag)

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

    def _fit(self, kind: Kind, x: Floats, labels: Places, weights: Floats) -> Fitted:
        n_classes = self.asked.calibrated.shape[1]
        if kind.form is Logistic:
            return fit_logistic(x, labels, weights, n_classes, STRENGTHS[kind.name])
        names = np.zeros(x.shape[1], dtype=bool)
        names[: len(self.names)] = self.names
        return fit_booster(x, labels, weights, n_classes, names, self.seed)


def _blend_weights(every: Floats, labels: Places, weights: Floats) -> Floats:
    """Fit nonnegative weights by log loss, their proportions shrunk toward equal.

    Parameters
    ----------
    every : float64 array, shape (n_candidates, n_rows, n_classes)
    labels : int array, shape (n_rows,)
    weights : float64 array, shape (n_rows,)

    Returns
    -------
    float64 array, shape (n_candidates,)
        Their sum is free: averages of log-odds are too timid.
    """
    from scipy.optimize import minimize

    n_candidates = len(every)
    own = weights * len(weights) / weights.sum()
    rows = np.arange(len(labels))

    def cost(point: Floats) -> tuple[float, Floats]:
        log_p = blend(every, point)
        lost = -(own * log_p[rows, labels]).sum()
        miss = np.exp(log_p)
        miss[rows, labels] -= 1
        slope = np.tensordot(every, own[:, None] * miss, axes=2)
        uneven = point - point.mean()
        return (
            float(lost + EQUAL / 2 * n_candidates * np.square(uneven).sum()),
            slope + EQUAL * n_candidates * uneven,
        )

    even = np.full(n_candidates, 1 / n_candidates)
    found: Any = minimize(
        cost, even, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_candidates
    )
    return np.asarray(found.x, dtype=np.float64)
