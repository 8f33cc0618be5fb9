"""Benjamini-Hochberg over p-values that come in batches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from cbvae_cli.calibration.discoveries import Discoveries, least_survivors


def p_values(seed, n_rows=400, n_ranks=99):
    """Multiples of 1 / (n + 1), some of them far too small for chance."""
    rng = np.random.default_rng(seed)
    ranks = rng.integers(1, n_ranks + 2, n_rows)
    ranks[: seed * 4] = rng.integers(1, 4, min(seed * 4, n_rows))
    return rng.permutation(ranks) / (n_ranks + 1)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.9])
def test_as_many_survive_as_scipy_says(seed, rate):
    p = p_values(seed)
    found = Discoveries()
    for batch in np.array_split(p, 7):
        found.add(batch)
    # A hair's breadth for ties that rounding would decide.
    adjusted = false_discovery_control(p)
    assert (adjusted <= rate - 1e-12).sum() <= found.survivors(rate)
    assert found.survivors(rate) <= (adjusted <= rate + 1e-12).sum()


def test_batches_do_not_matter_and_memory_does_not_grow_with_rows():
    p = p_values(3, n_rows=5000)
    whole, parts = Discoveries(), Discoveries()
    whole.add(p)
    for batch in np.array_split(p, 50):
        parts.add(batch)
    assert (whole.rows, parts.rows) == (5000, 5000)
    assert len(parts.values) <= 100
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert whole.survivors(0.3) == parts.survivors(0.3)


def test_no_rows_no_survivors():
    assert Discoveries().survivors(0.5) == 0


@pytest.mark.parametrize("n_ranks", [19, 99, 1000])
@pytest.mark.parametrize("rows", [1, 50, 700])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_so_many_of_the_smallest_it_takes_and_no_fewer(n_ranks, rows, rate):
    least = least_survivors(1 / (n_ranks + 1), rows, rate)
    for strange in (least - 1, least):
        if 0 < strange <= rows:
            found = Discoveries()
            found.add(np.repeat([1 / (n_ranks + 1), 1.0], [strange, rows - strange]))
            assert found.survivors(rate) == (strange if strange == least else 0)
