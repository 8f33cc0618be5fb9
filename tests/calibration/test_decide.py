"""Decisions, log-odds and the default threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from cbvae_cli.calibration.decide import (
    FLOOR,
    FalseAlarms,
    LeastCost,
    Likeliest,
    Threshold,
    best_f1_threshold,
    log_odds,
)

DECISIONS = [
    Likeliest(),
    Threshold(1, 0.3),
    LeastCost(1.0 - np.eye(3)),
    FalseAlarms(1, 0.4),
]


def logs(*rows):
    with np.errstate(divide="ignore"):
        return np.log(np.array(rows, dtype=float))


def drawn(n_rows=500, n_classes=3, seed=0):
    chances = np.random.default_rng(seed).dirichlet(np.ones(n_classes), n_rows)
    return np.log(chances)


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("n_rows", [0, 1, 500])
def test_every_decision_gives_one_place_a_row(decision, n_rows):
    places = decision.choose(drawn(n_rows))
    assert places.shape == (n_rows,)
    assert places.dtype == np.int64
    assert np.isin(places, [0, 1, 2]).all()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda d: type(d).__name__)
def test_a_rows_class_does_not_depend_on_its_batch(decision):
    log_p = drawn()
    alone = [decision.choose(log_p[i : i + 1])[0] for i in range(len(log_p))]
    assert decision.choose(log_p).tolist() == alone


@pytest.mark.parametrize(
    ("decision", "chances", "place"),
    [
        (Likeliest(), [0.2, 0.5, 0.3], 1),
        (Likeliest(), [0.4, 0.4, 0.2], 0),
        (Threshold(1, 0.5), [0.25, 0.5, 0.25], 1),  # at the threshold
        (Threshold(1, 0.5), [0.25, 0.25, 0.5], 2),
        (Threshold(0, 0.5), [0.4, 0.3, 0.3], 1),  # likeliest, but below
        (Threshold(2, 0.1), [0.8, 0.0, 0.2], 2),
        (Threshold(0, 0.5), [0.0, 1.0, 0.0], 1),
        (Threshold(0, 0.0), [0.0, 1.0, 0.0], 1),  # cannot be, so never called
        (Threshold(0, 1.0), [1.0, 0.0, 0.0], 0),
        (FalseAlarms(0, 0.0), [0.5, 0.25, 0.25], 1),  # at the cut
        (FalseAlarms(0, 0.0), [0.51, 0.2, 0.29], 0),
        (FalseAlarms(0, np.log(3)), [0.7, 0.1, 0.2], 2),
        (FalseAlarms(0, np.inf), [1.0, 0.0, 0.0], 1),
        (FalseAlarms(0, 50.0), [1.0, 0.0, 0.0], 0),
        (FalseAlarms(0, -np.inf), [0.0, 1.0, 0.0], 1),
    ],
)
def test_known_rows_get_known_classes(decision, chances, place):
    assert decision.choose(logs(chances)).tolist() == [place]


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_the_least_cost_of_two_classes_is_a_threshold(places):
    other, positive = places
    costs = np.zeros((2, 2))
    costs[other, positive], costs[positive, other] = 1, 50
    p = np.linspace(0.001, 0.999, 998)
    log_p = np.log(np.stack([1 - p, p], axis=1))[:, np.argsort(places)]
    chosen = LeastCost(costs).choose(log_p)
    assert (chosen == Threshold(positive, 1 / 51).choose(log_p)).all()


def test_equal_costs_choose_the_likeliest():
    log_p = drawn()
    chosen = LeastCost(1.0 - np.eye(3)).choose(log_p)
    assert (chosen == Likeliest().choose(log_p)).all()


def test_equal_expected_costs_go_to_the_lowest_place():
    thirds = np.full((7, 3), np.log(1 / 3))
    assert LeastCost(np.ones((3, 3))).choose(thirds).tolist() == [0] * 7
    # .1 * .3 and .3 * .1 summed in another order differ in the last digit.
    costs = np.array([[0.3, 0.1, 0.2], [0.1, 0.2, 0.3], [0.2, 0.3, 0.1]])
    assert LeastCost(costs).choose(thirds).tolist() == [0] * 7


def test_a_cut_calls_no_row_that_only_rounding_lifts_above_it():
    log_p = drawn()
    cut = log_odds(log_p, 1)[17]
    lifted = log_p.copy()
    lifted[17, 1] += 1e-13
    assert FalseAlarms(1, cut).choose(lifted)[17] != 1


def test_log_odds_agree_with_odds_and_stay_exact_at_the_ends():
    log_p = drawn()
    p = np.exp(log_p)
    for place in range(3):
        expected = np.log(p[:, place] / np.delete(p, place, axis=1).sum(axis=1))
        np.testing.assert_allclose(log_odds(log_p, place), expected, atol=1e-9)
    sure = np.array([[0.0, -800.0], [-800.0, 0.0], [0.0, -np.inf], [-np.inf, 0.0]])
    assert log_odds(sure, 0).tolist() == [800, -800, np.inf, -np.inf]


# The default threshold.


def best_by_trying(p, truth, weights=None):
    scores = [f1_score(truth, p >= t, sample_weight=weights) for t in np.unique(p)]
    return max(scores)


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)),
        min_size=2,
        max_size=30,
    )
)
def test_no_threshold_has_a_better_f1(rows):
    p = np.array([row[0] for row in rows]) / 8
    truth = np.array([row[1] for row in rows])
    weights = np.array([row[2] for row in rows], dtype=float)
    found = best_f1_threshold(p, truth, weights)
    assert 0 <= found <= 1
    counts = weights > 0
    if truth[counts].any() and not truth[counts].all():
        got = f1_score(truth, p >= found, sample_weight=weights)
        assert got == pytest.approx(
            best_by_trying(p[counts], truth[counts], weights[counts])
        )


def test_the_threshold_lies_midway_in_log_odds():
    p = np.array([0.1, 0.2, 0.8, 0.9])
    truth = np.array([False, False, True, True])
    assert best_f1_threshold(p, truth) == pytest.approx(0.5)
    p = np.array([0.01, 0.02, 0.03, 0.9])
    odds = np.sqrt(0.02 / 0.98 * 0.03 / 0.97)
    assert best_f1_threshold(p, truth) == pytest.approx(odds / (1 + odds))


def test_where_every_row_is_best_called_the_threshold_lies_below_all():
    truth = np.array([True, False, True, True])
    found = best_f1_threshold(np.array([0.5, 0.6, 0.7, 0.8]), truth)
    assert found == pytest.approx(1 / 3)


def test_classes_far_apart_do_not_push_the_threshold_to_the_end():
    truth = np.arange(20) < 2
    share = 0.1
    p = np.where(truth, 0.999, 1e-30)
    assert best_f1_threshold(p, truth) == pytest.approx(FLOOR * share)
    # Positives that are that unlikely themselves are called all the same.
    p = np.where(truth, 1e-6, 1e-30)
    assert 1e-30 < best_f1_threshold(p, truth) <= 1e-6


def test_of_equal_f1_the_fewest_rows_are_called():
    p = np.array([0.9, 0.6, 0.5, 0.4])  # F1 is 2/3 with one row called, and with four
    truth = np.array([True, False, False, True])
    assert best_f1_threshold(p, truth) > 0.6


def test_neighbours_without_a_number_between_are_told_apart():
    low = 0.3
    high = np.nextafter(low, 1)
    p = np.array([low, low, high, high])
    found = best_f1_threshold(p, np.array([False, False, True, True]))
    assert low < found <= high
    p = np.array([1 - 2.0**-53, 1.0])
    assert p[0] < best_f1_threshold(p, np.array([False, True])) <= 1


@pytest.mark.parametrize("truth", [[True, True], [False, False], []])
def test_one_kind_of_row_alone_teaches_no_threshold(truth):
    p = np.linspace(0.2, 0.9, len(truth))
    assert best_f1_threshold(p, np.array(truth, dtype=bool)) == 0.5


def test_rows_of_weight_zero_do_not_count():
    p, truth = np.array([0.2, 0.4, 0.9]), np.array([False, True, True])
    assert best_f1_threshold(p, truth, np.array([0.0, 1.0, 1.0])) == 0.5
