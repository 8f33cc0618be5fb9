"""New shares of classes: probabilities, thresholds and cuts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm

from cbvae_cli.calibration.decide import FalseAlarms, Threshold, log_odds
from cbvae_cli.calibration.prior import follow, follow_cut, reweighted
from cbvae_cli.errors import UsageProblem

TRAINING = np.array([0.7, 0.2, 0.1])
NEW = np.array([0.35, 0.1, 0.55])  # the first two in their old proportion


def drawn(n_rows=500, n_classes=3, seed=0):
    logits = np.random.default_rng(seed).normal(0, 4, (n_rows, n_classes))
    return np.log(softmax(logits, axis=1))


def test_reweighting_is_bayes_rule_with_other_shares():
    x = np.linspace(-4, 6, 101)
    density = norm.logpdf(x[:, None], loc=[0, 1, 3])

    def posterior(shares):
        return np.log(softmax(density + np.log(shares), axis=1))

    np.testing.assert_allclose(
        reweighted(posterior(TRAINING), TRAINING, NEW), posterior(NEW), atol=1e-10
    )


def test_the_same_shares_change_nothing_and_back_leads_back():
    log_p = drawn()
    np.testing.assert_allclose(reweighted(log_p, TRAINING, TRAINING), log_p, atol=1e-12)
    there = reweighted(log_p, TRAINING, NEW)
    np.testing.assert_allclose(reweighted(there, NEW, TRAINING), log_p, atol=1e-10)


def test_a_class_of_share_zero_cannot_be_and_the_others_sum_to_one():
    new = np.array([0.5, 0.0, 0.5])
    found = reweighted(drawn(), TRAINING, new)
    assert np.isneginf(found[:, 1]).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0)


def test_a_class_of_share_one_is_certain():
    found = reweighted(drawn(), TRAINING, np.array([0.0, 1.0, 0.0]))
    assert (found[:, 1] == 0).all()


def test_a_row_that_only_impossible_classes_explain_gets_the_new_shares():
    log_p = np.array([[-np.inf, 0.0, -np.inf]])
    new = np.array([0.6, 0.0, 0.4])
    assert np.exp(reweighted(log_p, TRAINING, new)).tolist() == [new.tolist()]


@pytest.mark.parametrize("new_share", [1e-4, 0.05, 0.5, 0.97])
@pytest.mark.parametrize("threshold", [0.02, 0.31, 0.9])
def test_a_prior_alone_changes_no_label_of_two_classes(new_share, threshold):
    training, new = np.array([0.9, 0.1]), np.array([1 - new_share, new_share])
    log_p = drawn(n_classes=2)
    before = Threshold(1, threshold).choose(log_p)
    moved = follow(threshold, 1, training, new)
    after = Threshold(1, moved).choose(reweighted(log_p, training, new))
    assert (before == after).all()
    assert 0 < before.mean() < 1


def test_the_threshold_is_multiplied_in_odds():
    training, new = np.array([0.9, 0.1]), np.array([0.75, 0.25])
    # Odds of the class go from 1/9 to 1/3, so those of the threshold from 1 to 3.
    assert follow(0.5, 1, training, new) == pytest.approx(0.75)


@pytest.mark.parametrize(("share", "place"), [(0.0, 0), (1.0, 1)])
def test_an_impossible_or_certain_class_needs_no_threshold(share, place):
    training, new = np.array([0.9, 0.1]), np.array([1 - share, share])
    threshold = Threshold(1, follow(0.4, 1, training, new))
    assert (threshold.choose(reweighted(drawn(50, 2), training, new)) == place).all()


def test_a_certified_cut_calls_the_same_rows_under_new_shares():
    log_p = drawn()
    cut = float(log_odds(log_p, 2)[3])  # a row at the cut stays at it
    before = FalseAlarms(2, cut).choose(log_p)
    moved = FalseAlarms(2, follow_cut(cut, 2, TRAINING, NEW))
    assert (before == moved.choose(reweighted(log_p, TRAINING, NEW))).all()
    assert (before == 2).any()


def test_a_positive_class_that_cannot_occur_is_never_called():
    new = np.array([0.7, 0.2, 0.0]) / 0.9
    moved = FalseAlarms(2, follow_cut(-3.0, 2, TRAINING, new))
    assert not (moved.choose(reweighted(drawn(), TRAINING, new)) == 2).any()


@pytest.mark.parametrize(
    ("new", "said"),
    [([0.2, 0.2, 0.6], "mixes them anew"), ([0.0, 0.0, 1.0], "no false alarms")],
)
def test_a_cut_holds_for_no_other_mixture(new, said):
    with pytest.raises(UsageProblem, match=said):
        follow_cut(0.0, 2, TRAINING, np.array(new))
