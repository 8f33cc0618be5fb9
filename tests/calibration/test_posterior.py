"""The rule `posterior`: a blend of candidates, stored as numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from cbvae_cli.calibration.logistic import Logistic, fit_logistic
from cbvae_cli.calibration.posterior import (
    FAR,
    KINDS,
    LEAST_LOG,
    NAMES,
    Asked,
    Candidate,
    Posterior,
    among_all,
    blend,
    elbo_of,
    floored,
)
from cbvae_cli.calibration.temperature import Members, Temperature

N_COLUMNS, N_MEMBERS, N_CLASSES = 3, 2, 3


def members(seed=0):
    rng = np.random.default_rng(seed)
    each = (Temperature(s, rng.normal(size=N_CLASSES)) for s in (0.5, 1.5))
    return Members(tuple(each))


def rows(n_rows=40, seed=0):
    """What `log_probabilities` is asked: evidence, values, matrix, seen cells."""
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 5, (n_rows, N_MEMBERS, N_CLASSES, 3))
    values = rng.normal(size=(n_rows, N_COLUMNS))
    values[:, 2] = rng.integers(0, 4, n_rows)
    observed = rng.random((n_rows, N_COLUMNS)) < 0.8
    values[~observed] = np.nan
    return found, values, np.where(observed, values, 0).astype(np.float32), observed


def made(judged=(0, 1, 2), kinds=KINDS[:2], weights=(0.5, 0.3, 0.4)):
    """A posterior of linear candidates, fitted to nothing in particular."""
    names = np.array([False, False, True])
    judged = np.array(judged)
    start = Posterior(judged, members(), members(1), (), np.ones(1), names)
    asked = start.asked(*rows(200, seed=3))
    rng = np.random.default_rng(4)
    candidates = []
    for kind in kinds:
        bag = []
        for _ in range(2):
            labels = rng.integers(0, len(judged), 200)
            x = kind.looks(asked)
            bag.append(fit_logistic(x, labels, np.ones(200), len(judged), 1.0))
        candidates.append(Candidate(kind, tuple(bag)))
    return Posterior(
        judged, members(), members(1), tuple(candidates), np.array(weights), names
    )


@pytest.mark.parametrize("judged", [(0, 1, 2), (0, 2), (1, 2)])
@pytest.mark.parametrize("far", [1.0, 1e3, 1e9])
def test_probabilities_sum_to_one(judged, far):
    found, *more = rows()
    log_p = made(judged).log_probabilities(found * far, *more)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, atol=1e-12)


def test_classes_that_are_not_judged_keep_their_plain_share():
    posterior = made((0, 2))
    found, *more = rows()
    plain = posterior.elbo.log_probabilities(elbo_of(found))
    log_p = posterior.log_probabilities(found, *more)
    np.testing.assert_array_equal(log_p[:, 1], plain[:, 1])
    assert not np.allclose(log_p[:, 0], plain[:, 0])


def test_without_candidates_calibrated_evidence_speaks():
    posterior = Posterior(
        np.empty(0, dtype=np.int64),
        members(),
        members(1),
        (),
        np.ones(1),
        np.zeros(N_COLUMNS, dtype=bool),
    )
    found, *more = rows()
    np.testing.assert_array_equal(
        posterior.log_probabilities(found, *more),
        members().log_probabilities(elbo_of(found)),
    )
    described = json.loads(json.dumps(posterior.describe()))
    again = Posterior.restore(described, posterior.arrays())
    np.testing.assert_array_equal(
        again.log_probabilities(found, *more), posterior.log_probabilities(found, *more)
    )


@pytest.mark.parametrize("judged", [(0, 1, 2), (0, 2)])
@pytest.mark.parametrize("order", [sorted, lambda keys: sorted(keys)[::-1], list])
def test_a_posterior_comes_back_whatever_the_order_of_keys(judged, order):
    posterior = made(judged, (*KINDS[:2],), (0.1, 0.7, 0.2))
    described = json.loads(json.dumps(posterior.describe()))
    weights = described["weights"]
    described["weights"] = {name: weights[name] for name in order(weights)}
    arrays = posterior.arrays()
    shuffled = {name: arrays[name] for name in order(arrays)}
    again = Posterior.restore(described, shuffled)
    asked = rows()
    np.testing.assert_array_equal(
        again.log_probabilities(*asked), posterior.log_probabilities(*asked)
    )
    assert again.describe() == posterior.describe()


def test_weights_are_described_by_the_names_of_candidates():
    assert made().describe()["weights"] == dict(
        zip(NAMES, (0.5, 0.3, 0.4), strict=False)
    )
    assert len(NAMES) == 1 + len(KINDS) == len(set(NAMES))


def spoil_name(described, arrays):
    described["weights"]["unheard of"] = described["weights"].pop(NAMES[1])


def lose_weight(described, arrays):
    del described["weights"][NAMES[2]]


def lose_array(described, arrays):
    del arrays["1/0/slopes"]


def lose_fit(described, arrays):
    described["bags"] = [2, 3]


def too_many_weights(described, arrays):
    described["weights"][NAMES[3]] = 1.0


@pytest.mark.parametrize(
    "spoil", [spoil_name, lose_weight, lose_array, lose_fit, too_many_weights]
)
def test_what_does_not_fit_together_is_refused(spoil):
    posterior = made()
    described, arrays = posterior.describe(), posterior.arrays()
    spoil(described, arrays)
    with pytest.raises((ValueError, KeyError)):
        Posterior.restore(described, arrays)


def test_rows_are_answered_alike_alone_and_together():
    posterior = made()
    found, values, matrix, observed = rows(97)
    together = posterior.log_probabilities(found, values, matrix, observed)
    for at in (0, 1, 50, 96):
        one = slice(at, at + 1)
        alone = posterior.log_probabilities(
            found[one], values[one], matrix[one], observed[one]
        )
        np.testing.assert_array_equal(alone[0], together[at])
    order = np.random.default_rng(0).permutation(97)
    shuffled = posterior.log_probabilities(
        found[order], values[order], matrix[order], observed[order]
    )
    np.testing.assert_array_equal(shuffled, together[order])


def test_candidates_see_what_they_are_said_to_see():
    found, values, matrix, observed = rows()
    posterior = made((0, 2))
    asked = posterior.asked(found, values, matrix, observed)
    assert isinstance(asked, Asked)
    mean = found.mean(axis=1)
    np.testing.assert_allclose(
        asked.levels, np.concatenate([mean[:, [0, 2], 1], mean[:, [0, 2], 2]], axis=1)
    )
    by_elbo = members().log_probabilities(found[..., 1] - found[..., 2])
    ratio = by_elbo[:, 2] - by_elbo[:, 0]
    np.testing.assert_allclose(asked.ratios()[:, 0], np.clip(ratio, -25, 25))
    np.testing.assert_allclose(asked.ratios()[:, -1], observed.mean(axis=1))
    widths = {kind.name: kind.looks(asked).shape[1] for kind in KINDS}
    assert list(widths.values()) == [3 + 4, 3 + 2 * N_COLUMNS, N_COLUMNS + 3, N_COLUMNS]
    # A kind that rows without blind evidence may teach reads none.
    for kind in KINDS:
        if kind.blind:
            wild = posterior.asked(found * 50, values, matrix, observed)
            np.testing.assert_array_equal(kind.looks(wild), kind.looks(asked))


def test_evidence_beyond_all_bounds_is_cut_off():
    found = np.array([[[0.0, 1e300, -1e300], [0.0, -1e300, 1e300]]])[None]
    assert elbo_of(found).ravel().tolist() == [FAR, -FAR]


def test_a_bag_averages_log_odds():
    candidate = made().candidates[0]
    asked = made().asked(*rows())
    x = candidate.kind.looks(asked)
    each = [fitted.log_probabilities(x) for fitted in candidate.bag]
    np.testing.assert_allclose(
        candidate.log_probabilities(asked), log_softmax(np.mean(each, axis=0), axis=1)
    )
    assert all(isinstance(fitted, Logistic) for fitted in candidate.bag)


@given(st.integers(0, 1000), st.floats(0.1, 500))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_no_candidate_is_surer_than_its_floor(seed, spread):
    log_p = log_softmax(np.random.default_rng(seed).normal(0, spread, (20, 4)), axis=1)
    found = floored(log_p)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)
    assert (found >= LEAST_LOG - 1e-6).all()
    high = log_p > LEAST_LOG
    np.testing.assert_allclose(found[high], log_p[high], atol=1e-9)


def test_a_blend_weighs_log_odds():
    every = np.random.default_rng(0).normal(size=(2, 30, 3))
    np.testing.assert_allclose(
        np.exp(blend(every, np.array([0.2, 0.9]))),
        softmax(0.2 * every[0] + 0.9 * every[1], axis=1),
    )
    np.testing.assert_allclose(np.exp(blend(every, np.zeros(2))), 1 / 3)


@given(st.integers(0, 1000), st.sets(st.integers(0, 4), min_size=1))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_judged_classes_share_what_they_had_together(seed, judged):
    rng = np.random.default_rng(seed)
    judged = np.array(sorted(judged))
    plain = log_softmax(rng.normal(0, 3, (20, 5)), axis=1)
    blended = log_softmax(rng.normal(0, 3, (20, len(judged))), axis=1)
    found = np.exp(among_all(plain, blended, judged))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    others = np.setdiff1d(np.arange(5), judged)
    np.testing.assert_allclose(found[:, others], np.exp(plain)[:, others])
    together = np.exp(plain)[:, judged].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[:, judged], together * np.exp(blended))
