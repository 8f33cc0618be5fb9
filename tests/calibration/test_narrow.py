"""Fitted parts for fewer classes: the same odds among those that stay."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.boosting import Booster, fit_booster
from cbvae_cli.calibration.logistic import fit_logistic
from cbvae_cli.calibration.narrow import narrow_members, narrow_posterior
from cbvae_cli.calibration.posterior import KINDS, Candidate, Posterior
from cbvae_cli.calibration.temperature import Members, Temperature

N_CLASSES = 4
BLIND = next(kind for kind in KINDS if kind.blind)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(N_CLASSES, size=400)
    x = rng.normal(labels[:, None], 1.5, size=(400, 3))
    x[:, 2] = rng.integers(6, size=400) + labels
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, labels


def booster(rows, without=()):
    x, labels = rows
    kept = ~np.isin(labels, without)
    names = np.array([False, False, True])
    ones = np.ones(int(kept.sum()))
    return fit_booster(x[kept], labels[kept], ones, N_CLASSES, names, 0)


def make(judged, candidates, n_classes=N_CLASSES):
    bias = np.arange(n_classes, dtype=float)
    members = Members((Temperature(0.5, bias), Temperature(0.7, -bias)))
    weights = np.linspace(0.2, 0.8, 1 + len(candidates))
    return Posterior(
        np.array(judged),
        members,
        members,
        tuple(candidates),
        weights,
        np.zeros(3, bool),
    )


def among(log_p, places):
    chosen = log_p[:, list(places)]
    return chosen - np.logaddexp.reduce(chosen, axis=1, keepdims=True)


@pytest.mark.parametrize("kept", [(0, 1, 2), (1, 3), (0, 3), (1, 2, 3)])
@pytest.mark.parametrize("without", [(), (2,), (0, 1)])
def test_trees_of_some_classes_give_the_same_odds_among_them(rows, kept, without):
    whole = booster(rows, without)
    less = narrow_posterior(make(range(4), [Candidate(BLIND, (whole,))]), kept)
    [candidate] = less.candidates
    [fitted] = candidate.bag
    x, _ = rows
    present = [place for place in kept if place not in without]
    places = [kept.index(place) for place in present]
    expected = among(whole.log_probabilities(x), present)
    assert np.allclose(among(fitted.log_probabilities(x), places), expected, atol=1e-9)
    # What is stored passes the checks of what is read, and holds no other class.
    again = Booster.restore(fitted.arrays())
    assert np.array_equal(again.raw(x), fitted.raw(x))
    assert len(fitted.baseline) == len(present)
    assert (
        len(fitted.trees.roots)
        == np.isin(
            whole.trees.classes,
            [np.flatnonzero(whole.present).tolist().index(p) for p in present],
        ).sum()
    )


def test_a_fit_that_saw_no_class_that_stays_goes(rows):
    bag = (booster(rows), booster(rows, without=(0, 1)))
    less = narrow_posterior(make(range(4), [Candidate(BLIND, bag)]), (0, 1))
    assert [len(each.bag) for each in less.candidates] == [1]
    less = narrow_posterior(make(range(4), [Candidate(BLIND, bag[1:])]), (0, 1))
    assert less.candidates == ()
    assert np.allclose(less.weights, make(range(4), bag[1:]).weights.sum())


def test_candidates_that_read_evidence_of_a_class_go_with_it(rows):
    x, labels = rows
    linear = fit_logistic(np.nan_to_num(x), labels, np.ones(400), N_CLASSES, 1.0)
    every = [
        Candidate(kind, (booster(rows) if kind.blind else linear,)) for kind in KINDS
    ]
    whole = make(range(4), every)
    less = narrow_posterior(whole, (0, 2, 3))
    assert [each.kind for each in less.candidates] == [BLIND]
    assert less.weights.sum() == pytest.approx(whole.weights.sum())
    ratio = whole.weights[KINDS.index(BLIND) + 1] / whole.weights[0]
    assert less.weights[1] / less.weights[0] == pytest.approx(ratio)
    assert less.judged.tolist() == [0, 1, 2]
    described = less.describe()
    assert Posterior.restore(described, less.arrays()).describe() == described


def test_a_class_outside_the_blend_goes_without_a_trace_in_it(rows):
    whole = make((0, 1, 3), [Candidate(BLIND, (booster(rows, (3,)),))])
    less = narrow_posterior(whole, (3, 1, 0))
    assert less.candidates is whole.candidates
    assert np.array_equal(less.weights, whole.weights)
    assert less.judged.tolist() == [2, 1, 0]


def test_one_class_of_a_blend_needs_none(rows):
    whole = make((0, 1), [Candidate(BLIND, (booster(rows),))])
    less = narrow_posterior(whole, (1, 2))
    assert less.candidates == ()
    assert not len(less.judged)
    assert less.weights.tolist() == [1.0]


def test_parts_that_had_no_weight_share_that_of_the_parts_that_go(rows):
    x, labels = rows
    linear = fit_logistic(np.nan_to_num(x), labels, np.ones(400), N_CLASSES, 1.0)
    every = [Candidate(KINDS[0], (linear,)), Candidate(BLIND, (booster(rows),))]
    whole = Posterior(
        **{**vars(make(range(4), every)), "weights": np.array([0, 0.8, 0])}
    )
    assert narrow_posterior(whole, (0, 1)).weights.tolist() == [0.4, 0.4]


@pytest.mark.parametrize("places", [(0,), (2, 0), (3, 1, 2)])
def test_biases_keep_their_odds(places):
    members = make(range(4), ()).elbo
    evidence = np.random.default_rng(0).normal(size=(20, 2, 4))
    whole = members.log_probabilities(evidence)
    less = narrow_members(members, places).log_probabilities(evidence[:, :, places])
    assert np.allclose(less, among(whole, places))
