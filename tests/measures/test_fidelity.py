"""Likeness of made rows, against samples whose distance is known."""

import numpy as np
import pytest
from scipy.stats import norm

from cbvae_cli.measures.fidelity import (
    column_distance,
    correlation_error,
    detection_auc,
    fidelity,
)

NUMBERS = np.array([False, False])
MIXED = np.array([False, True])


def sample(seed, n_rows=2000, slope=0.8):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(n_rows)
    return np.stack([a, slope * a + 0.6 * rng.standard_normal(n_rows)], axis=1)


def mixed(seed, n_rows=2000, chance=0.3):
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal(size=n_rows), rng.random(n_rows) < chance], axis=1)


def test_rows_of_one_kind_are_alike():
    found = fidelity(sample(0), sample(1), NUMBERS, 0)
    assert found["distance"] < 0.05
    assert found["correlation_error"] < 0.05
    assert found["detection_auc"] == pytest.approx(0.5, abs=0.05)


def test_a_shift_and_a_lost_correlation_show():
    moved = sample(1) + np.array([1.0, 0.0])
    found = fidelity(sample(0), moved, NUMBERS, 0)
    expected = 2 * norm.cdf(0.5) - 1
    assert found["columns"][0]["distance"] == pytest.approx(expected, abs=0.04)
    assert found["columns"][0]["measure"] == "kolmogorov-smirnov"
    assert found["detection_auc"] > 0.7
    apart = correlation_error(sample(0), sample(1, slope=0.0), NUMBERS)
    assert apart == pytest.approx(0.8, abs=0.06)
    assert correlation_error(sample(0), sample(1), NUMBERS) < 0.05


def test_names_go_by_total_variation():
    found = column_distance(np.array([0.0, 0, 1, 1]), np.array([0.0, 2]), names=True)
    assert found == {"measure": "total variation", "distance": 0.5}
    found = fidelity(mixed(0), mixed(1, chance=0.6), MIXED, 0)
    assert found["columns"][1]["distance"] == pytest.approx(0.3, abs=0.04)
    assert found["detection_auc"] > 0.6


def test_missing_cells_are_left_out_of_columns():
    real, made = sample(0), sample(1)
    made[:500, 0] = np.nan
    made[:, 1] = np.nan
    found = fidelity(real, made, NUMBERS, 0)
    assert found["columns"][0]["distance"] < 0.06
    assert found["columns"][1]["distance"] is None
    assert found["detection_auc"] > 0.99


def test_too_few_rows_say_nothing_and_one_column_has_no_pair():
    assert fidelity(sample(0, 19), sample(1), NUMBERS, 0) is None
    one = correlation_error(sample(0)[:, :1], sample(1)[:, :1], NUMBERS[:1])
    assert one is None


def test_detection_is_the_same_each_time():
    first, again = (detection_auc(sample(0), sample(1), NUMBERS, 4) for _ in range(2))
    assert first == again
