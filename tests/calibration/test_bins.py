"""Bins of numeric columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbvae_cli.calibration.bins import MOST_BINS, bin_numbers, cut_below, cuts


def column(n_rows=4000, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    cells = rng.lognormal(0, 2, n_rows)
    cells[rng.random(n_rows) < missing] = np.nan
    return cells, rng.gamma(1.0, size=n_rows) + 1e-3


def test_bins_are_equally_heavy():
    cells, weights = column(20_000)
    found = cuts(cells, weights)
    assert len(found) == MOST_BINS - 1
    assert (np.diff(found) > 0).all()
    numbers = bin_numbers(cells, found)
    seen = ~np.isnan(cells)
    heavy = np.bincount(numbers[seen].astype(int), weights[seen], MOST_BINS)
    assert np.abs(heavy / heavy.sum() * MOST_BINS - 1).max() < 0.15


@pytest.mark.parametrize("n_values", [0, 1, 2, MOST_BINS])
def test_few_values_need_no_cuts(n_values):
    cells = np.tile([*np.arange(float(n_values)), np.nan], 5)
    assert not len(cuts(cells, np.ones(len(cells))))


def test_one_value_more_needs_cuts():
    assert len(cuts(np.arange(MOST_BINS + 1.0), np.ones(MOST_BINS + 1)))


def test_a_bin_ends_with_a_value_that_weighs_much():
    cells = np.concatenate([np.arange(2000.0), np.full(3000, 700.0)])
    found = cuts(cells, np.ones(5000))
    assert 700.0 in found
    numbers = bin_numbers(np.array([680.0, 700.0, 701.0]), found)
    assert numbers[0] < numbers[1] < numbers[2]


@given(
    arrays(np.float64, st.integers(300, 600), elements=st.floats(-1e6, 1e6)),
    st.integers(0, 5),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_thresholds_part_cells_as_they_part_bin_numbers(cells, seed):
    weights = np.random.default_rng(seed).gamma(1.0, size=len(cells)) + 1e-3
    found = cuts(cells, weights)
    if not len(found):
        return
    numbers = bin_numbers(cells, found)
    held = np.unique(numbers)
    if len(held) > 1:
        # As scikit-learn has it: midway between bins that hold rows.
        between = (held[:-1] + held[1:]) / 2
        as_cells = cut_below(between, found)
        np.testing.assert_array_equal(
            numbers[:, None] <= between, cells[:, None] <= as_cells
        )


def test_missing_cells_stay_missing_and_infinite_thresholds_infinite():
    cells, weights = column()
    found = cuts(cells, weights)
    numbers = bin_numbers(cells, found)
    np.testing.assert_array_equal(np.isnan(numbers), np.isnan(cells))
    assert cut_below(np.array([np.inf, 0.5]), found).tolist() == [np.inf, found[0]]


def test_only_ratios_of_weights_move_the_cuts_and_rows_have_no_order():
    cells, weights = column()
    found = cuts(cells, weights)
    np.testing.assert_array_equal(cuts(cells, weights * 1024), found)
    order = np.random.default_rng(1).permutation(len(cells))
    np.testing.assert_allclose(cuts(cells[order], weights[order]), found, rtol=1e-3)
