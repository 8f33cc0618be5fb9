"""What was fitted for some classes, for fewer of them: given that it is one of those.

Log-odds between the classes that stay do not change. Nothing of the others stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.boosting import Booster
from cbvae_cli.calibration.logistic import Logistic
from cbvae_cli.calibration.posterior import Candidate, Fitted, Posterior
from cbvae_cli.calibration.temperature import Members, Temperature
from cbvae_cli.calibration.trees import NONE, Trees

Places = NDArray[np.int64]

FEWEST = 2  # classes that a blend has something to say about


def narrow_members(members: Members, places: Sequence[int]) -> Members:
    """Keep the biases of some classes, in the order given."""
    return Members(
        tuple(Temperature(t.scale, t.bias[list(places)]) for t in members.each)
    )


def narrow_posterior(posterior: Posterior, places: Sequence[int]) -> Posterior:
    """Keep some classes of a blend, in the order given.

    Where a class that the blend could tell apart goes, its evidence goes with it, and
    so do the candidates that read it. The weights of those left are scaled to the
    same sum: averages of log-odds are too timid.

    Parameters
    ----------
    posterior : Posterior
    places : sequence of int
        Each class once at most.

    Returns
    -------
    Posterior
        Of `len(places)` classes.
    """
    elbo = narrow_members(posterior.elbo, places)
    error = narrow_members(posterior.error, places)
    kept = np.flatnonzero(np.isin(posterior.judged, places))
    of_old = {old: new for new, old in enumerate(places)}
    judged = np.array([of_old[int(old)] for old in posterior.judged[kept]], dtype=int)
    same = replace(posterior, judged=judged, elbo=elbo, error=error)
    if len(kept) == len(posterior.judged):
        return same
    if len(kept) < FEWEST:
        return replace(same, judged=judged[:0], candidates=(), weights=np.ones(1))
    fewer, at = [], [0]
    for n, each in enumerate(posterior.candidates, start=1):
        if each.kind.blind and (narrowed := _narrow_candidate(each, kept)).bag:
            fewer.append(narrowed)
            at.append(n)
    weights = posterior.weights[at]
    if not weights.any():
        weights = np.ones(len(weights))
    weights = weights * (posterior.weights.sum() / weights.sum())
    return replace(same, candidates=tuple(fewer), weights=weights)


def _narrow_candidate(candidate: Candidate, kept: Places) -> Candidate:
    # One that saw none of the classes kept knows nothing of them.
    knows = (each for each in candidate.bag if each.present[kept].any())
    return replace(candidate, bag=tuple(_narrow(each, kept) for each in knows))


def _narrow(fitted: Fitted, kept: Places) -> Fitted:
    rows = np.isin(np.flatnonzero(fitted.present), kept)
    present = fitted.present[kept]
    if isinstance(fitted, Logistic):
        slopes, bias = fitted.slopes[rows], fitted.bias[rows]
        return replace(fitted, slopes=slopes, bias=bias, present=present)
    assert isinstance(fitted, Booster)
    trees = _narrow_trees(fitted.trees, np.flatnonzero(rows))
    return Booster(trees, fitted.baseline[rows], present, fitted.n_features)


def _narrow_trees(trees: Trees, classes: NDArray[np.intp]) -> Trees:
    """Keep the trees of some of the classes present, nodes counted anew."""
    own = np.isin(trees.classes, classes)
    nodes = own[trees.tree]
    number = np.cumsum(nodes, dtype=np.int32) - np.int32(1)
    sets, code_set = np.unique(trees.code_set[nodes], return_inverse=True)
    known = sets != NONE
    new_set = np.where(known, np.cumsum(known) - 1, NONE)
    inner = trees.inner[nodes]
    return Trees(
        feature=trees.feature[nodes],
        threshold=trees.threshold[nodes],
        left=_moved(trees.left[nodes], inner, number),
        right=_moved(trees.right[nodes], inner, number),
        missing_left=trees.missing_left[nodes],
        code_set=new_set[code_set].astype(np.int32),
        code_sets=trees.code_sets[sets[known]],
        value=trees.value[nodes],
        roots=number[trees.roots[own]],
        classes=np.searchsorted(classes, trees.classes[own]).astype(np.int32),
    )


def _moved(
    child: NDArray[np.int32], inner: NDArray[np.bool_], number: NDArray[np.int32]
) -> NDArray[np.int32]:
    return np.where(inner, number[child], np.int32(NONE)).astype(np.int32)
