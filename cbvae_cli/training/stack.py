"""Fitting the rule `posterior` on rows that the members are blind to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.posterior import (
    KINDS,
    Asked,
    Candidate,
    Posterior,
    among_all,
    blend,
    elbo_of,
    floored,
)
from cbvae_cli.calibration.temperature import ELBO, ERROR, Members, fit_members
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.training.turns import Blind, Extra, Turns

Places = NDArray[np.int64]

LEAST_JUDGED = 8  # blind rows of a class that the blend can tell from others
# Belief, in rows, that all candidates deserve the same weight.
EQUAL = 10.0


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
    stacked = Turns(asked, blind, extra, place, kept, names, shares[judged], seed)
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
