"""The weight of the likelihood in `combined`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cbvae_cli.calibration.weigh import WEIGHT, WEIGHTS, auroc_error, weigh


def tried(rng, strange, likelihood, neighbours):
    """Scores that know what is strange as well as they are told to."""
    first = rng.normal(size=len(strange)) + likelihood * strange
    second = rng.normal(size=len(strange)) + neighbours * strange
    return [w * first + (1 - w) * second for w in WEIGHTS]


def test_where_neither_is_better_the_usual_weight_stays():
    rng = np.random.default_rng(0)
    strange = np.repeat([0, 1], [500, 40])
    usual = [weigh(tried(rng, strange, 0.0, 0.0), strange) for _ in range(40)]
    assert np.isclose(usual, WEIGHT).mean() > 0.6


@pytest.mark.parametrize(("likelihood", "neighbours"), [(3.0, 0.0), (0.0, 3.0)])
def test_what_keeps_classes_apart_is_followed(likelihood, neighbours):
    rng = np.random.default_rng(1)
    strange = np.repeat([0, 1], [2000, 2000])
    found = weigh(tried(rng, strange, likelihood, neighbours), strange)
    assert (found > WEIGHT) == (likelihood > neighbours)


def test_few_rows_change_nothing():
    rng = np.random.default_rng(2)
    strange = np.array([0, 0, 0, 1])
    assert weigh(tried(rng, strange, 1.0, 0.0), strange) == pytest.approx(WEIGHT)


def test_the_standard_error_is_about_that_of_many_draws():
    rng = np.random.default_rng(3)
    strange = np.repeat([0, 1], [150, 60])
    draws = [
        roc_auc_score(strange, rng.exponential(size=210) * (1 + strange))
        for _ in range(2000)
    ]
    found = auroc_error(float(np.mean(draws)), 60, 150)
    assert found == pytest.approx(np.std(draws), rel=0.1)


@pytest.mark.parametrize("auroc", [0.0, 1.0])
def test_perfect_scores_have_no_error(auroc):
    assert auroc_error(auroc, 1, 1) == 0
