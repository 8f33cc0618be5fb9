"""Probabilities from evidence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import softmax

from cbvae_cli.calibration.strangeness import METHODS
from cbvae_cli.calibration.temperature import RULES, Temperature, fit_temperature
from cbvae_cli.families import FAMILIES, family_class
from cbvae_cli.families.contract import PARTS

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
    assert {rule.part for rule in RULES.values()} <= set(PARTS)
    assert {part for part, _ in METHODS.values()} <= set(PARTS)
    for name in FAMILIES:
        assert set(family_class(name).rules) <= set(RULES)
