"""Probabilities from evidence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import softmax

from cbvae_cli.calibration.posterior import Posterior
from cbvae_cli.calibration.strangeness import METHODS
from cbvae_cli.calibration.temperature import (
    ELBO,
    ERROR,
    RULES,
    Members,
    Temperature,
    fit_members,
    fit_temperature,
)
from cbvae_cli.families import FAMILIES, family_class
from cbvae_cli.families.rows import PARTS

SHARES = np.array([0.6, 0.3, 0.1])


def drawn(scale, bias, n_rows=6000, seed=0):
    """Draw evidence and labels whose probabilities are known."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(0, 3, (n_rows, 3))
    chances = softmax(scale * evidence + bias, axis=1)
    labels = (chances.cumsum(axis=1) < rng.random((n_rows, 1))).sum(axis=1)
    return evidence, labels


def shares_of(labels):
    return np.bincount(labels, minlength=3) / len(labels)


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_a_known_scale_and_bias_are_found_again(scale):
    bias = np.log(SHARES)
    evidence, labels = drawn(scale, bias)
    fitted = fit_temperature(evidence, labels, shares_of(labels), RULES["likelihood"])
    assert fitted.scale == pytest.approx(scale, rel=0.1)
    found = fitted.bias - fitted.bias.mean()
    np.testing.assert_allclose(found, bias - bias.mean(), atol=0.2)


@pytest.mark.parametrize("rule", RULES)
def test_probabilities_are_probabilities(rule):
    evidence, labels = drawn(1.0, 0.0)
    fitted = fit_temperature(evidence, labels, SHARES, RULES[rule])
    for factor in (1.0, 1e5):
        found = fitted.probabilities(factor * evidence)
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
        assert ((found >= 0) & (found <= 1)).all()
        logs = fitted.log_probabilities(factor * evidence)
        assert np.isfinite(logs).all()


def test_probabilities_keep_the_share_that_they_promise():
    evidence, labels = drawn(0.5, np.log(SHARES), seed=1)
    fitted = fit_temperature(evidence, labels, shares_of(labels), RULES["likelihood"])
    fresh, truth = drawn(0.5, np.log(SHARES), seed=2)
    found = fitted.probabilities(fresh)
    for place in range(3):
        assert found[:, place].mean() == pytest.approx(
            np.mean(truth == place), abs=0.02
        )


def test_held_out_rows_that_lack_some_of_a_class_are_made_up_for():
    evidence, labels = drawn(0.5, np.log(SHARES))
    shares = shares_of(labels)
    kept = (labels != 0) | (np.random.default_rng(0).random(len(labels)) < 0.25)
    whole = fit_temperature(evidence, labels, shares, RULES["likelihood"])
    part = fit_temperature(evidence[kept], labels[kept], shares, RULES["likelihood"])
    differ = part.probabilities(evidence) - whole.probabilities(evidence)
    assert np.abs(differ.mean(axis=0)).max() < 0.02


@pytest.mark.parametrize("rule", ["error", "probability"])
def test_the_best_part_alone_decides_where_a_rule_has_no_bias(rule):
    rng = np.random.default_rng(0)
    part = rng.gamma(2.0, size=(500, 3))
    labels = rng.integers(0, 3, 500)
    looks = RULES[rule]
    fitted = fit_temperature(looks.sign * part, labels, SHARES, looks)
    assert fitted.scale > 0
    assert not fitted.bias.any()
    named = fitted.probabilities(looks.sign * part).argmax(axis=1)
    best = part.argmin(axis=1) if rule == "error" else part.argmax(axis=1)
    np.testing.assert_array_equal(named, best)


def test_misleading_evidence_is_still_read_the_right_way_round():
    evidence, labels = drawn(1.0, 0.0)
    fitted = fit_temperature(-evidence, labels, SHARES, RULES["error"])
    assert fitted.scale > 0


@pytest.mark.parametrize("rule", RULES)
def test_without_held_out_rows_shares_decide(rule):
    fitted = fit_temperature(
        np.empty((0, 3)), np.empty(0, dtype=int), SHARES, RULES[rule]
    )
    found = fitted.probabilities(np.zeros((1, 3)))[0]
    biased = RULES[rule].biased
    np.testing.assert_allclose(found, SHARES if biased else [1 / 3] * 3)


def test_few_rows_change_little():
    evidence = np.array([[0.0, 40.0], [30.0, 0.0]])
    fitted = fit_temperature(
        evidence, np.array([0, 1]), np.array([0.5, 0.5]), RULES["likelihood"]
    )
    assert 0.001 < fitted.scale < 1.0
    assert np.abs(fitted.bias - np.log(0.5)).max() < 1.0


@pytest.mark.parametrize("rule", RULES)
def test_one_class_is_certain(rule):
    fitted = fit_temperature(
        np.random.default_rng(0).normal(size=(20, 1)),
        np.zeros(20, dtype=int),
        np.ones(1),
        RULES[rule],
    )
    np.testing.assert_array_equal(fitted.probabilities(np.array([[3.0]])), [[1.0]])


def test_a_temperature_comes_back_from_its_description():
    fitted = fit_temperature(*drawn(0.7, 0.0), SHARES, RULES["likelihood"])
    again = Temperature.restore(json.loads(json.dumps(fitted.describe())))
    evidence, _ = drawn(1.0, 0.0, seed=5)
    np.testing.assert_array_equal(
        again.probabilities(evidence), fitted.probabilities(evidence)
    )


def test_rules_and_methods_look_at_parts_that_exist():
    assert {rule.part for rule in (*RULES.values(), ELBO, ERROR)} <= set(PARTS)
    assert {part for part, _ in METHODS.values()} <= set(PARTS)
    assert set(Posterior.PARTS) <= set(PARTS)
    for name in FAMILIES:
        assert set(family_class(name).rules) <= {"posterior", *RULES}


# Members.

SCALES = (0.4, 1.0, 2.5)
OFFSETS = ((0.0, 0.0, 0.0), (0.0, 1.0, -1.0), (-0.5, 0.0, 0.5))


def of_members(n_rows=12_000, seed=0):
    """Give evidence of blind members, each on a scale of its own.

    Nats of a row's own class are higher by one, with deviation one: a nat of
    difference is one of log-odds. Then members stretch and shift them.
    """
    rng = np.random.default_rng(seed)
    member = rng.integers(0, 3, n_rows)
    labels = rng.choice(3, n_rows, p=SHARES)
    nats = np.eye(3)[labels] + rng.normal(size=(n_rows, 3))
    stretched = (nats - np.array(OFFSETS)[member]) / np.array(SCALES)[member][:, None]
    return stretched, labels, member, nats + np.log(SHARES)


def test_each_member_gets_its_own_scale_and_bias():
    evidence, labels, member, wanted = of_members()
    fitted = fit_members(evidence, labels, member, 3, shares_of(labels), ELBO)
    for number, (scale, offset) in enumerate(zip(SCALES, OFFSETS, strict=True)):
        found = fitted.each[number]
        bias = np.array(offset) + np.log(SHARES)
        assert found.scale == pytest.approx(scale, rel=0.15)
        np.testing.assert_allclose(
            found.bias - found.bias.mean(), bias - bias.mean(), atol=0.2
        )
        own = member == number
        np.testing.assert_allclose(
            np.exp(fitted.of(number).log_probabilities(evidence[own, None])),
            softmax(wanted[own], axis=1),
            atol=0.08,
        )


def test_log_odds_of_members_are_averaged():
    rng = np.random.default_rng(0)
    each = tuple(Temperature(s, rng.normal(size=3)) for s in (0.5, 2.0))
    evidence = rng.normal(size=(7, 2, 3))
    logits = [t.scale * evidence[:, m] + t.bias for m, t in enumerate(each)]
    np.testing.assert_allclose(
        np.exp(Members(each).log_probabilities(evidence)),
        softmax((logits[0] + logits[1]) / 2, axis=1),
        atol=1e-12,
    )


def test_a_member_alone_speaks_by_its_own_temperature():
    rng = np.random.default_rng(0)
    each = tuple(Temperature(s, rng.normal(size=3)) for s in (0.5, 2.0))
    evidence = rng.normal(size=(7, 2, 3))
    for number, own in enumerate(each):
        np.testing.assert_array_equal(
            Members(each).of(number).log_probabilities(evidence[:, number, None]),
            own.log_probabilities(evidence[:, number]),
        )


@pytest.mark.parametrize("rule", [RULES["probability"], RULES["error"]])
def test_members_share_one_scale_where_the_best_part_must_win(rule):
    evidence, labels, member, _ = of_members()
    fitted = fit_members(evidence, labels, member, 3, SHARES, rule)
    assert len({found.scale for found in fitted.each}) == 1
    named = fitted.log_probabilities(evidence[:, None]).argmax(axis=1)
    np.testing.assert_array_equal(named, evidence.argmax(axis=1))


@pytest.mark.parametrize("rule", [ELBO, ERROR, *RULES.values()])
def test_a_member_without_blind_rows_follows_the_others(rule):
    evidence, labels, member, _ = of_members(600)
    some = member != 2
    fitted = fit_members(evidence[some], labels[some], member[some], 3, SHARES, rule)
    pooled = fit_temperature(evidence[some], labels[some], SHARES, rule)
    assert fitted.each[2].scale == pytest.approx(pooled.scale)
    np.testing.assert_allclose(fitted.each[2].bias, pooled.bias, atol=1e-12)


def test_few_rows_of_a_member_move_it_little_from_the_others():
    evidence, labels, member, _ = of_members(3000)
    member = np.where(np.arange(3000) < 4, 2, np.minimum(member, 1))
    fitted = fit_members(evidence, labels, member, 3, SHARES, ELBO)
    pooled = fit_temperature(evidence, labels, SHARES, ELBO)
    assert abs(np.log(fitted.each[2].scale / pooled.scale)) < 0.7
    assert np.abs(fitted.each[2].bias - pooled.bias).max() < 1.0


def test_members_come_back_from_their_description():
    evidence, labels, member, _ = of_members(600)
    fitted = fit_members(evidence, labels, member, 3, SHARES, ELBO)
    again = Members.restore(json.loads(json.dumps(fitted.describe())))
    np.testing.assert_array_equal(
        again.log_probabilities(evidence[:, None]),
        fitted.log_probabilities(evidence[:, None]),
    )
