"""Scores of strangeness and their p-values."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.strangeness import (
    KNOTS,
    LEAST_SCORES,
    Judges,
    Scored,
    Strangeness,
    fit_judges,
    fit_strangeness,
)

COLUMNS = 20
NOTHING = np.empty(0)
NOBODY = NOTHING.astype(np.int64)
NONE = Scored(NOTHING, NOTHING, NOBODY)


def sums(n_rows, rng, middle=0.0):
    """Scores that add up over the cells seen, as evidence does."""
    seen = rng.random((n_rows, COLUMNS)) < rng.uniform(0.4, 1.0, (n_rows, 1))
    cells = rng.gamma(2.0, size=(n_rows, COLUMNS)) + middle
    return (cells * seen).sum(axis=1), seen.mean(axis=1)


def scored(scores, share, n_members=1):
    return Scored(scores, share, np.arange(len(scores)) % n_members)


def one_judge(n_rows=2000, seed=0, n_members=1):
    """A class that scores rows alike by all members."""
    rng = np.random.default_rng(seed)
    scores, share = sums(n_rows, rng)
    own = scored(scores, share, n_members)
    masked = scored(*sums(n_rows, rng), n_members)
    judge = fit_strangeness(own, masked, n_members)
    judges = fit_judges([judge], scores[:, None], share, own.member, n_members)
    return judge, judges


def answered(judges, scores, share, n_members=1):
    """Scores and p-values of rows that every member finds as strange."""
    found = np.repeat(scores.reshape(len(scores), 1, -1), n_members, axis=1)
    standard = judges.standardise(found, share)
    return judges.score(standard)[0], judges.p_values(standard, share)


@pytest.mark.parametrize("n_members", [1, 5])
def test_p_values_of_exchangeable_rows_are_uniform(n_members):
    _, judges = one_judge(n_members=n_members)
    _, p = answered(judges, *sums(2000, np.random.default_rng(9)), n_members)
    even = np.arange(1, 2001) / 2000
    # Kolmogorov-Smirnov for two samples of 2,000, at one in a thousand.
    assert np.abs(np.sort(p) - even).max() < 1.95 * np.sqrt(2 / 2000)


@pytest.mark.parametrize("n_members", [1, 3])
def test_p_values_promise_no_more_than_they_keep(n_members):
    rates = []
    for seed in range(60):
        _, judges = one_judge(99, seed, n_members)
        rows = sums(400, np.random.default_rng(1000 + seed))
        rates.append((answered(judges, *rows, n_members)[1] <= 0.1).mean())
    assert np.mean(rates) < 0.12


def test_rows_with_few_cells_are_judged_among_their_like():
    _, judges = one_judge()
    scores, share = sums(6000, np.random.default_rng(3))
    _, p = answered(judges, scores, share)
    for few in (share < 0.5, (share >= 0.5) & (share < 0.8), share >= 0.8):
        assert p[few].mean() == pytest.approx(0.5, abs=0.06)


def test_strange_rows_get_small_p_values_and_high_scores():
    _, judges = one_judge(500)
    rng = np.random.default_rng(4)
    usual, share = sums(300, rng)
    strange, strange_share = sums(300, rng, middle=4.0)
    found, p = answered(
        judges,
        np.concatenate([usual, strange]),
        np.concatenate([share, strange_share]),
    )
    assert found[300:].min() > np.median(found[:300])
    np.testing.assert_allclose(p[300:], 1 / 501, atol=0.02)


def test_p_values_fall_as_scores_rise_and_stay_within_their_range():
    _, judges = one_judge(200)
    standard = np.linspace(-50, 50, 301).reshape(-1, 1, 1)
    p = judges.p_values(standard, np.ones(301))
    assert (np.diff(p) <= 0).all()
    assert p[0] == 1.0
    assert p[-1] == 1 / 201


def test_ties_count_against_us():
    own = scored(np.array([1.0, 2.0, 2.0, 2.0, 3.0]), np.ones(5))
    judge = fit_strangeness(own, NONE, 1)
    judges = fit_judges([judge], own.scores[:, None], own.share, own.member, 1)
    _, p = answered(judges, np.array([2.0, 3.0, 3.1]), np.ones(3))
    np.testing.assert_allclose(p, [5 / 6, 2 / 6, 1 / 6])


@pytest.mark.parametrize("n_members", [1, 3])
def test_a_row_with_nothing_seen_is_not_strange(n_members):
    judge, judges = one_judge(200, n_members=n_members)
    scores, p = answered(judges, np.array([0.0, 1e6]), np.zeros(2), n_members)
    assert scores.tolist() == [0.0, 0.0]
    assert p.tolist() == [1.0, 1.0]
    of_class = judge.p_values(np.full((2, n_members), 1e6), np.zeros(2))
    assert of_class.tolist() == [1.0, 1.0]


def test_each_member_speaks_of_the_rows_that_it_is_blind_to():
    # Member 1 finds all rows stranger by a hundred, its own blind ones too.
    rng = np.random.default_rng(0)
    scores, share = rng.normal(size=800), np.ones(800)
    own = scored(scores + 100 * (np.arange(800) % 2), share, 2)
    judge = fit_strangeness(own, NONE, 2)
    judges = fit_judges([judge], own.scores[:, None], share, own.member, 2)
    fresh = rng.normal(size=1000)
    found = np.stack([fresh, fresh + 100], axis=1)[:, :, None]
    p = judges.p_values(judges.standardise(found, np.ones(1000)), np.ones(1000))
    assert np.abs(np.sort(p) - np.arange(1, 1001) / 1000).max() < 0.1


def test_members_are_averaged_into_one_score():
    ones = np.ones(len(KNOTS))
    judge = Strangeness(0 * ones, ones, one_judge(50)[0].ranks)
    judges = Judges((judge,), judge.ranks)
    found = np.array([[[1.0], [5.0]], [[2.0], [2.0]]])
    scores, _ = judges.score(judges.standardise(found, np.ones(2)))
    assert scores.tolist() == [3.0, 2.0]


def test_the_kindest_class_decides():
    rng = np.random.default_rng(0)
    share = np.ones(400)
    near, far = rng.gamma(2.0, size=400), 50 + rng.gamma(2.0, size=400)
    judges = [fit_strangeness(scored(s, share), NONE, 1) for s in (near, far)]
    both = fit_judges(
        judges, np.stack([near, far], axis=1), share, scored(near, share).member, 1
    )
    rows = np.array([[[2.0, 99.0]], [[40.0, 52.0]]])
    scores, places = both.score(both.standardise(rows, np.ones(2)))
    assert places.tolist() == [0, 1]
    assert np.abs(scores).max() < 3


@pytest.mark.parametrize("n_rows", range(LEAST_SCORES))
def test_a_tiny_class_does_not_judge(n_rows):
    few = np.zeros(n_rows)
    tiny = fit_strangeness(scored(few, few + 1), scored(few, few), 1)
    large, _ = one_judge(100)
    assert not tiny.judges
    scores, share = sums(100, np.random.default_rng(0))
    found = np.stack([np.full(100, -1e9), scores], axis=1)
    member = np.zeros(100, dtype=np.int64)
    judges = fit_judges([tiny, large], found, share, member, 1)
    assert judges.judging == [1]
    # However little strange the tiny class finds a row, nobody listens.
    standard = judges.standardise(found[:, None], share)
    assert (judges.score(standard)[1] == 1).all()
    alone = fit_judges([large], scores[:, None], share, member, 1)
    np.testing.assert_array_equal(
        judges.p_values(standard, share),
        alone.p_values(standard[:, :, 1:], share),
    )
    assert judges.judged


def test_where_no_class_has_rows_to_spare_all_judge_but_nothing_is_known():
    tiny = fit_strangeness(NONE, NONE, 1)
    judges = fit_judges([tiny, tiny], np.empty((0, 2)), NOTHING, NOBODY, 1)
    assert not judges.judged
    assert judges.judging == [0, 1]
    rows = judges.standardise(np.array([[[4.0, 3.0]]]), np.ones(1))
    scores, places = judges.score(rows)
    assert (scores.tolist(), places.tolist()) == ([3.0], [1])
    assert judges.p_values(rows, np.ones(1)).tolist() == [1.0]


def test_equal_scores_give_no_division_by_nought():
    same = np.full(30, 7.0)
    judge = fit_strangeness(
        scored(same, np.ones(30)), scored(same, np.full(30, 0.5)), 1
    )
    assert (judge.spread > 0).all()
    found = judge.standardise(np.array([7.0, 8.0]), np.ones(2))
    assert np.isfinite(found).all()
    assert found[1] > found[0]


@pytest.mark.parametrize("n_members", [1, 4])
def test_every_blind_score_is_kept_with_its_member_in_order(n_members):
    rng = np.random.default_rng(0)
    own = scored(rng.normal(size=1003), np.ones(1003), n_members)
    judge = fit_strangeness(own, NONE, n_members)
    judges = fit_judges([judge], own.scores[:, None], own.share, own.member, n_members)
    for ranks in (judge.ranks, judges.ranks):
        assert ranks.n_rows == 1003
        for number, ordered in enumerate(ranks.by_member):
            assert (np.diff(ordered) >= 0).all()
            kept = ordered * judge.spread[-1] + judge.centre[-1]
            np.testing.assert_allclose(kept, np.sort(own.scores[own.member == number]))


@pytest.mark.parametrize("n_members", [1, 5])
def test_strangeness_comes_back_from_its_arrays(n_members):
    judge, _ = one_judge(50, n_members=n_members)
    again = Strangeness.restore(judge.arrays())
    assert len(judge.centre) == len(judge.spread) == len(KNOTS)
    scores, share = sums(20, np.random.default_rng(1))
    found = np.tile(scores[:, None], n_members)
    standard = judge.standardise(found, share)
    np.testing.assert_array_equal(again.standardise(found, share), standard)
    np.testing.assert_array_equal(
        again.p_values(standard, share), judge.p_values(standard, share)
    )
