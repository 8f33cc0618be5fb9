"""Fitting the rule `posterior`: every row is judged by what did not see it."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.special import log_softmax

from cbvae_cli.calibration.boosting import LEAST_KEPT
from cbvae_cli.calibration.posterior import KINDS, NAMES, Posterior
from cbvae_cli.measures.ranking import ranking
from cbvae_cli.training import stack, turns
from cbvae_cli.training.parts import NO_TURN
from cbvae_cli.training.stack import LEAST_JUDGED, fit_posterior
from cbvae_cli.training.turns import Blind, Extra

NAME = np.array([False, False, True])


def told_apart(sizes=(160, 60), seed=0, strength=1.5, n_members=2):
    """Blind rows whose evidence and cells both tell of their class."""
    rng = np.random.default_rng(seed)
    n_classes = len(sizes)
    labels = np.repeat(np.arange(n_classes), sizes)
    n_rows = len(labels)
    values = rng.normal(size=(n_rows, 3)) + strength * labels[:, None] * [1, 0, 0]
    values[:, 2] = rng.integers(0, 3, n_rows)
    observed = rng.random((n_rows, 3)) < 0.9
    values[~observed] = np.nan
    found = rng.normal(size=(n_rows, n_classes, 3))
    found[..., 1] += 2 * strength * np.eye(n_classes)[labels]
    found[..., 0] -= strength * np.eye(n_classes)[labels]
    turn = rng.permutation(n_rows) % 5
    return Blind(
        labels,
        rng.integers(0, n_members, n_rows),
        turn,
        np.ones(n_rows),
        found,
        values,
        np.where(observed, values, 0).astype(np.float32),
        observed,
    )


def more(n_rows=0, seed=9):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n_rows)
    values = rng.normal(size=(n_rows, 3)) + 1.5 * labels[:, None]
    values[:, 2] = rng.integers(0, 3, n_rows)
    return Extra(labels, np.ones(n_rows), values, np.full(n_rows, NO_TURN))


def fit(blind, extra=None, n_members=2, n_classes=None):
    n_classes = n_classes or int(blind.labels.max()) + 1
    counts = np.bincount(blind.labels, minlength=n_classes) + 1.0
    extra = more() if extra is None else extra
    return fit_posterior(blind, extra, counts / counts.sum(), n_members, NAME, 0)


def answers(posterior, blind):
    """Ask about blind rows as a stranger would: both members say the same."""
    found = np.repeat(blind.found[:, None], 2, axis=1)
    return posterior.log_probabilities(
        found, blind.values, blind.matrix, blind.observed
    )


@pytest.fixture(scope="module")
def usual():
    blind = told_apart()
    return blind, *fit(blind)


def test_probabilities_sum_to_one(usual):
    blind, posterior, log_p = usual
    assert log_p.shape == (len(NAMES) + 1, len(blind.labels), 2)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1, atol=1e-9)
    np.testing.assert_allclose(np.exp(answers(posterior, blind)).sum(-1), 1, atol=1e-9)


def test_every_candidate_is_fitted_without_each_turn(usual):
    _, posterior, _ = usual
    assert [each.kind for each in posterior.candidates] == list(KINDS)
    each = [len(each.bag) for each in posterior.candidates]
    assert each == [5, 5, LEAST_KEPT, LEAST_KEPT]
    assert len(posterior.weights) == len(NAMES)


def test_the_blend_tells_classes_apart_no_worse_than_its_parts(usual):
    blind, posterior, log_p = usual
    losses = [
        ranking(np.exp(each), blind.labels, ("a", "b"))["log_loss"] for each in log_p
    ]
    assert losses[-1] <= min(losses[:-1]) + 0.02
    fresh = told_apart(seed=5)
    scores = ranking(np.exp(answers(posterior, fresh)), fresh.labels, ("a", "b"))
    assert scores["auprc"]["macro"] > 0.9
    # What is promised of blind rows is kept on others.
    promised = ranking(np.exp(log_p[-1]), blind.labels, ("a", "b"))
    assert scores["log_loss"] == pytest.approx(promised["log_loss"], abs=0.08)


def test_blend_weights_are_not_negative(usual):
    _, posterior, _ = usual
    assert (posterior.weights >= 0).all()
    assert posterior.weights.sum() > 0


@pytest.mark.parametrize("turn", range(5))
def test_rows_are_judged_by_fits_that_did_not_see_them(monkeypatch, turn):
    """Labels of a turn moved: no judgement of that turn moves, others' do.

    Temperatures are fitted on all rows, a number or two each: they are held still.
    """
    still = told_apart()
    shares = np.array([0.7, 0.3])
    temperatures = [
        stack.fit_members(x, still.labels, still.member, 2, shares, stack.ELBO)
        for x in (still.found[..., 1], -still.found[..., 0])
    ]
    judged = []
    for moved in (False, True):
        given = iter(temperatures)
        monkeypatch.setattr(stack, "fit_members", lambda *_, of=given: next(of))
        own = still.turn == turn
        swapped = np.where(own & moved, 1 - still.labels, still.labels)
        _, log_p = fit(replace(still, labels=swapped), n_classes=2)
        judged.append(log_p[1:-1])
    for one, other in zip(*judged, strict=True):
        np.testing.assert_array_equal(one[own], other[own])
        assert not np.array_equal(one[~own], other[~own])


def test_cells_of_a_turn_teach_its_own_judges_nothing(usual):
    """Noise cannot be learnt by heart: judged blindly, boosted trees know nothing."""
    blind = told_apart(strength=0.0, sizes=(150, 150))
    _, log_p = fit(blind)
    for each in log_p:
        right = (each.argmax(axis=1) == blind.labels).mean()
        assert 0.35 < right < 0.65


def test_small_classes_get_their_plain_share():
    sizes = (120, 60, LEAST_JUDGED - 1)
    blind = told_apart(sizes)
    posterior, log_p = fit(blind)
    assert posterior.judged.tolist() == [0, 1]
    plain = posterior.elbo.log_probabilities(
        np.repeat((blind.found[..., 1] - blind.found[..., 2])[:, None], 2, axis=1)
    )
    np.testing.assert_allclose(answers(posterior, blind)[:, 2], plain[:, 2])
    for each in log_p[1:]:
        np.testing.assert_allclose(each[:, 2], log_p[0][:, 2])
    np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1, atol=1e-9)


def test_a_class_of_just_enough_rows_is_judged():
    posterior, _ = fit(told_apart((120, LEAST_JUDGED)))
    assert posterior.judged.tolist() == [0, 1]


@pytest.mark.parametrize("sizes", [(80,), (80, 3), (5, 4), (80, 7, 7)])
def test_with_fewer_than_two_judged_classes_calibrated_evidence_speaks(sizes):
    blind = told_apart(sizes)
    posterior, log_p = fit(blind)
    assert not posterior.candidates
    assert not len(posterior.judged)
    np.testing.assert_array_equal(log_p[0], log_p[1])
    np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1, atol=1e-9)
    bound = np.repeat((blind.found[..., 1] - blind.found[..., 2])[:, None], 2, axis=1)
    np.testing.assert_array_equal(
        answers(posterior, blind), posterior.elbo.log_probabilities(bound)
    )


def test_without_blind_rows_shares_decide():
    blind = told_apart((80, 40))
    none = {n: getattr(blind, n)[:0] for n in blind.__dataclass_fields__}
    counts = np.array([0.75, 0.25])
    posterior, log_p = fit_posterior(Blind(**none), more(), counts, 2, NAME, 0)
    assert log_p.shape == (2, 0, 2)
    nothing = np.zeros((1, 2, 2, 3))
    cells = np.full((1, 3), np.nan), np.zeros((1, 3)), np.zeros((1, 3), dtype=bool)
    p = np.exp(posterior.log_probabilities(nothing, *cells))
    np.testing.assert_allclose(p, [counts])


@pytest.mark.parametrize("kept", [0, 3])
def test_rows_of_a_single_turn_teach_no_candidates(kept):
    blind = replace(told_apart(), turn=np.full(220, kept))
    posterior, log_p = fit(blind)
    assert not posterior.candidates
    np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1, atol=1e-9)


def test_a_turn_may_lack_a_class():
    blind = told_apart((120, 12))
    turn = np.where(blind.labels == 1, 0, blind.turn)
    posterior, log_p = fit(replace(blind, turn=turn))
    assert posterior.candidates
    assert np.isfinite(log_p).all()


def test_the_same_rows_give_the_same_numbers():
    blind, extra = told_apart(), more(50)
    one, other = (fit(blind, extra) for _ in range(2))
    np.testing.assert_array_equal(one[1], other[1])
    assert json.dumps(one[0].describe()) == json.dumps(other[0].describe())
    arrays = one[0].arrays(), other[0].arrays()
    assert all(np.array_equal(arrays[0][n], arrays[1][n]) for n in arrays[0])


def test_a_fitted_posterior_comes_back_from_its_numbers(usual):
    blind, posterior, _ = usual
    described = json.loads(json.dumps(posterior.describe(), sort_keys=True))
    again = Posterior.restore(described, posterior.arrays())
    np.testing.assert_array_equal(answers(again, blind), answers(posterior, blind))


def test_further_rows_teach_the_candidate_that_needs_no_evidence(usual):
    blind, posterior, _ = usual
    with_more, _ = fit(blind, more(300))
    for one, other in zip(posterior.candidates, with_more.candidates, strict=True):
        same = all(
            np.array_equal(a.arrays()[n], b.arrays()[n])
            for a, b in zip(one.bag, other.bag, strict=True)
            for n in a.arrays()
        )
        assert same is not one.kind.blind


def test_further_rows_of_a_turn_teach_no_judge_of_it():
    blind = told_apart()
    place = 1 + [kind.blind for kind in KINDS].index(True)
    judged = []
    for moved in (False, True):
        own = blind.turn == 2
        labels = np.where(own & moved, 1 - blind.labels, blind.labels)
        extra = Extra(labels, blind.weights, blind.values, blind.turn)
        judged.append(fit(blind, extra)[1][place])
    np.testing.assert_array_equal(judged[0][own], judged[1][own])
    assert not np.array_equal(judged[0][~own], judged[1][~own])


def test_further_rows_of_one_class_leave_the_classes_their_shares():
    blind, extra = told_apart(strength=0.0), more(3000)
    of_one = np.flatnonzero(extra.labels == 0)
    one_sided = Extra(*(getattr(extra, f.name)[of_one] for f in fields(Extra)))
    place = 1 + [kind.blind for kind in KINDS].index(True)
    plain, taught = (fit(blind, e)[1][place] for e in (more(), one_sided))
    drawn = np.exp(taught[:, 1]).mean() / np.exp(plain[:, 1]).mean()
    assert 0.7 < drawn < 1.4


def test_large_tables_may_have_trees_of_larger_steps(monkeypatch):
    """Where trees have much to learn, as many of them learn more by larger steps."""
    rng = np.random.default_rng(0)
    blind = told_apart((700, 500), strength=0.0)
    values = np.column_stack([rng.normal(size=(1200, 2)), rng.integers(0, 3, 1200)])
    labels = (np.sin(4 * values[:, 0]) * values[:, 1] > 0).astype(np.int64)
    blind = replace(blind, values=values, labels=labels)
    at = 1 + [kind.blind for kind in KINDS].index(True)
    losses = []
    for least in (10_000, 1_000):
        monkeypatch.setattr(turns, "LEAST_ROWS", least)
        log_p = fit(blind)[1][at]
        losses.append(-log_p[np.arange(1200), labels].mean())
    assert losses[1] < losses[0] - 0.01


def test_rows_of_no_weight_move_no_candidate():
    blind = told_apart()
    none = np.arange(220) % 4 == 0
    weights = np.where(none, 0.0, 1.0)
    one, _ = fit(replace(blind, weights=weights))
    values = np.where(none[:, None] & (np.arange(3) < 2), 40.0, blind.values)
    two, _ = fit(replace(blind, weights=weights, values=values))
    for kind, a, b in zip(KINDS, one.candidates, two.candidates, strict=True):
        if "boosted" in kind.name:
            for fitted, other in zip(a.bag, b.bag, strict=True):
                for name, array in fitted.arrays().items():
                    np.testing.assert_array_equal(array, other.arrays()[name])


def certain(labels, right, seed):
    """Log-odds of a candidate that names this share of rows rightly."""
    named = np.where(np.random.default_rng(seed).random(len(labels)) < right, labels,
                     1 - labels)  # fmt: skip
    return log_softmax(3.0 * np.eye(2)[named], axis=1)


def test_what_tells_more_gets_more_weight_and_what_misleads_none():
    labels = np.random.default_rng(0).integers(0, 2, 4000)
    every = np.stack([certain(labels, right, n) for n, right in enumerate((0.9, 0.6,
                      0.1))])  # fmt: skip
    weights = stack._blend_weights(every, labels, np.ones(4000))
    assert weights[0] > 2 * weights[1] > 0
    assert weights[2] == 0


def test_few_rows_leave_candidates_of_equal_weight():
    labels = np.arange(12) % 2
    every = np.stack([certain(labels, right, n) for n, right in enumerate((1.0, 0.5))])
    weights = stack._blend_weights(every, labels, np.ones(12))
    assert weights[0] == pytest.approx(weights[1], rel=0.3)


def test_weights_of_rows_count_by_their_ratios_alone():
    labels = np.random.default_rng(0).integers(0, 2, 300)
    every = np.stack([certain(labels, 0.8, 1), certain(labels, 0.7, 2)])
    rows = np.random.default_rng(3).gamma(1.0, size=300)
    one, other = (stack._blend_weights(every, labels, rows * s) for s in (1.0, 512.0))
    np.testing.assert_array_equal(one, other)
