"""Steps of boosted trees are as large as held-out rows gain by."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.boosting import LEARNING_RATE, fit_booster
from cbvae_cli.training.pace import RATES, best_rate


def told(losses, weights=None):
    """Find the rate where a fit is known by its rate, and its losses by that."""
    asked = []
    n_rows = len(losses[RATES[0]])
    found = best_rate(
        lambda rate: asked.append(rate) or rate,
        lambda rate: np.asarray(losses[rate]),
        np.ones(n_rows) if weights is None else weights,
    )
    return found, asked


def around(mean, n_rows=400, seed=0):
    return mean + 0.1 * np.random.default_rng(seed).normal(size=n_rows)


@pytest.mark.parametrize(
    ("means", "wanted", "n_asked"),
    [
        ((1.0, 1.2, 0.1), 0, 2),  # what comes behind a loss is not tried
        ((1.0, 1.0, 0.1), 0, 2),  # as good is not better
        ((1.0, 0.9, 1.2), 1, 3),
        ((1.0, 0.9, 0.8), 2, 3),
    ],
)
def test_steps_grow_as_long_as_rows_gain(means, wanted, n_asked):
    losses = {rate: around(mean) for rate, mean in zip(RATES, means, strict=True)}
    assert told(losses) == (RATES[wanted], list(RATES[:n_asked]))


def test_a_gain_within_its_standard_error_is_none():
    plain = around(1.0)
    chance = np.random.default_rng(1).normal(0, 0.1, 400)
    gain = chance - chance.mean() + 0.004  # a standard error is .005
    losses = {RATES[0]: plain, RATES[1]: plain - gain, RATES[2]: plain}
    assert told(losses)[0] == RATES[0]


def test_rows_without_weight_have_no_say():
    plain = around(1.0)
    weights = np.ones(400)
    weights[:200] = 0.0
    better = np.where(weights > 0, plain + 0.1, plain - 5.0)
    losses = {RATES[0]: plain, RATES[1]: better, RATES[2]: better}
    assert told(losses, weights)[0] == RATES[0]
    assert told(losses, 0 * weights)[0] == RATES[0]


def test_the_smallest_rate_is_the_usual_one():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
    given = x, labels, np.ones(300), 2, np.zeros(3, dtype=bool), 0
    usual, first, faster = (
        fit_booster(*given, *rate).trees.value for rate in ((), RATES[:1], RATES[1:2])
    )
    assert RATES[0] == LEARNING_RATE
    np.testing.assert_array_equal(usual, first)
    assert np.abs(faster[: len(first) // 9]).max() > np.abs(first).max()
