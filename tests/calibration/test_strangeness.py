"""Scores of strangeness and their p-values."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.strangeness import (
    KNOTS,
    LEAST_SCORES,
    MOST_SCORES,
    Strangeness,
    fit_judges,
    fit_strangeness,
)

COLUMNS = 20
NOTHING = np.empty(0)


def sums(n_rows, rng, middle=0.0):
    """Scores that add up over the cells seen, as evidence does."""
    seen = rng.random((n_rows, COLUMNS)) < rng.uniform(0.4, 1.0, (n_rows, 1))
    cells = rng.gamma(2.0, size=(n_rows, COLUMNS)) + middle
    return (cells * seen).sum(axis=1), seen.mean(axis=1)


def one_judge(n_rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    scores, share = sums(n_rows, rng)
    judge = fit_strangeness(scores, share, *sums(n_rows, rng))
    return judge, fit_judges([judge], scores[:, None], share)


def test_p_values_of_exchangeable_rows_are_uniform():
    _, judges = one_judge()
    scores, share = sums(2000, np.random.default_rng(9))
    found, _ = judges.score(scores[:, None], share)
    p = np.sort(judges.p_values(found, share))
    even = np.arange(1, 2001) / 2000
    # Kolmogorov-Smirnov for two samples of 2,000, at one in a thousand.
    assert np.abs(p - even).max() < 1.95 * np.sqrt(2 / 2000)


def test_p_values_promise_no_more_than_they_keep():
    rates = []
    for seed in range(60):
        _, judges = one_judge(99, seed)
        scores, share = sums(400, np.random.default_rng(1000 + seed))
        found, _ = judges.score(scores[:, None], share)
        rates.append((judges.p_values(found, share) <= 0.1).mean())
    assert np.mean(rates) < 0.12


def test_rows_with_few_cells_are_judged_among_their_like():
    _, judges = one_judge()
    scores, share = sums(6000, np.random.default_rng(3))
    found, _ = judges.score(scores[:, None], share)
    p = judges.p_values(found, share)
    for few in (share < 0.5, (share >= 0.5) & (share < 0.8), share >= 0.8):
        assert p[few].mean() == pytest.approx(0.5, abs=0.06)


def test_strange_rows_get_small_p_values_and_high_scores():
    _, judges = one_judge(500)
    rng = np.random.default_rng(4)
    usual, share = sums(300, rng)
    strange, strange_share = sums(300, rng, middle=4.0)
    found, _ = judges.score(np.concatenate([usual, strange])[:, None],
                            np.concatenate([share, strange_share]))  # fmt: skip
    p = judges.p_values(found, np.concatenate([share, strange_share]))
    assert found[300:].min() > np.median(found[:300])
    np.testing.assert_allclose(p[300:], 1 / 501, atol=0.02)


def test_p_values_fall_as_scores_rise_and_stay_within_their_range():
    _, judges = one_judge(200)
    scores = np.linspace(-50, 50, 301)
    p = judges.p_values(scores, np.ones(301))
    assert (np.diff(p) <= 0).all()
    assert p[0] == 1.0
    assert p[-1] == 1 / 201


def test_ties_count_against_us():
    scores, share = np.array([1.0, 2.0, 2.0, 2.0, 3.0]), np.ones(5)
    judge = fit_strangeness(scores, share, NOTHING, NOTHING)
    judges = fit_judges([judge], scores[:, None], share)
    found, _ = judges.score(np.array([[2.0], [3.0], [3.1]]), np.ones(3))
    np.testing.assert_allclose(
        judges.p_values(found, np.ones(3)), [5 / 6, 2 / 6, 1 / 6]
    )


def test_a_row_with_nothing_seen_is_not_strange():
    _, judges = one_judge(200)
    found, _ = judges.score(np.array([[0.0], [1e6]]), np.zeros(2))
    assert found.tolist() == [0.0, 0.0]
    assert judges.p_values(found, np.zeros(2)).tolist() == [1.0, 1.0]


def test_the_kindest_class_decides():
    rng = np.random.default_rng(0)
    share = np.ones(400)
    near, far = rng.gamma(2.0, size=400), 50 + rng.gamma(2.0, size=400)
    judges = [fit_strangeness(s, share, NOTHING, NOTHING) for s in (near, far)]
    both = fit_judges(judges, np.stack([near, far], axis=1), share)
    scores, places = both.score(np.array([[2.0, 99.0], [40.0, 52.0]]), np.ones(2))
    assert places.tolist() == [0, 1]
    assert np.abs(scores).max() < 3


@pytest.mark.parametrize("n_rows", range(LEAST_SCORES))
def test_a_tiny_class_does_not_judge(n_rows):
    few = np.zeros(n_rows)
    tiny = fit_strangeness(few, few + 1, few, few)
    large, _ = one_judge(100)
    assert not tiny.judges
    scores, share = sums(100, np.random.default_rng(0))
    found = np.stack([np.full(100, -1e9), scores], axis=1)
    judges = fit_judges([tiny, large], found, share)
    assert judges.judging == [1]
    # However little strange the tiny class finds a row, nobody listens.
    assert (judges.score(found, share)[1] == 1).all()
    assert judges.judged


def test_where_no_class_has_rows_to_spare_all_judge_but_nothing_is_known():
    tiny = fit_strangeness(NOTHING, NOTHING, NOTHING, NOTHING)
    judges = fit_judges([tiny, tiny], np.empty((0, 2)), NOTHING)
    assert not judges.judged
    assert judges.judging == [0, 1]
    scores, places = judges.score(np.array([[4.0, 3.0]]), np.ones(1))
    assert (scores.tolist(), places.tolist()) == ([3.0], [1])
    assert judges.p_values(scores, np.ones(1)).tolist() == [1.0]


def test_equal_scores_give_no_division_by_nought():
    same = np.full(30, 7.0)
    judge = fit_strangeness(same, np.ones(30), same, np.full(30, 0.5))
    assert (judge.spread > 0).all()
    found = judge.standardise(np.array([7.0, 8.0]), np.ones(2))
    assert np.isfinite(found).all()
    assert found[1] > found[0]


def test_a_class_of_very_many_rows_keeps_so_many_scores_and_no_more():
    scores = np.random.default_rng(0).normal(size=MOST_SCORES + 5000)
    share = np.ones(len(scores))
    judge = fit_strangeness(scores, share, NOTHING, NOTHING)
    judges = fit_judges([judge], scores[:, None], share)
    for ordered in (judge.ordered, judges.ordered):
        assert len(ordered) == MOST_SCORES
        assert (np.diff(ordered) >= 0).all()
    kept = judges.ordered * judge.spread[-1] + judge.centre[-1]
    for at in (0.01, 0.5, 0.99):
        assert np.quantile(kept, at) == pytest.approx(np.quantile(scores, at), abs=0.01)


def test_strangeness_comes_back_from_its_arrays():
    judge, _ = one_judge(50)
    again = Strangeness.restore(judge.arrays())
    assert len(judge.centre) == len(judge.spread) == len(KNOTS)
    scores, share = sums(20, np.random.default_rng(1))
    np.testing.assert_array_equal(
        again.standardise(scores, share), judge.standardise(scores, share)
    )
