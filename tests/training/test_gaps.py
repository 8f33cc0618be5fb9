"""Cells hidden as a table itself misses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cbvae_cli.training.gaps import BESIDES, Gaps

MASK = 0.7
SHAPE = (20_000, 4)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def whole(n_rows=50, n_columns=4):
    return np.ones((n_rows, n_columns), dtype=bool)


def test_a_whole_table_loses_cells_evenly():
    hidden = Gaps(whole()).hide(SHAPE, MASK, draws()).numpy()
    assert hidden.mean(axis=0) == pytest.approx(MASK / 2, abs=0.01)
    each = hidden.mean(axis=1)
    assert each.std() > np.sqrt(0.35 * 0.65 / 4)  # rows differ in how much they lose


def test_cells_that_are_missing_together_are_hidden_together():
    seen = whole()
    seen[:20, :2] = False
    hidden = Gaps(seen).hide(SHAPE, MASK, draws()).numpy()
    both = hidden[:, 0] & hidden[:, 1]
    apart = hidden[:, 0] ^ hidden[:, 1]
    # Half of the rows follow the table; the others lose each cell by itself.
    assert both.mean() > 0.5
    assert apart.mean() < 0.3
    others = hidden[:, 2:].mean(axis=0)
    assert others == pytest.approx((BESIDES + MASK) / 4, abs=0.01)


@pytest.mark.parametrize("n_empty", [0, 5])
def test_rows_with_nothing_seen_are_not_followed(n_empty):
    seen = whole()
    seen[:n_empty] = False
    assert len(Gaps(seen).missing) == 0


@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=6)),
    st.integers(0, 2**31),
)
def test_only_values_are_lost_and_the_same_for_the_same_seed(seen, seed):
    gaps = Gaps(seen)
    values = np.where(seen, 1.0, np.nan)
    first, again = (
        gaps.lay(values, MASK, np.random.default_rng(seed)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.isnan(first)[~seen].all()
    assert (first[~np.isnan(first)] == 1).all()
