"""How rare scores are, beyond the highest held-out one too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.calibration.tail import Tail

FLOATS = st.floats(-50, 50, allow_nan=False)


@settings(deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=60), st.lists(FLOATS, min_size=2))
def test_rarity_never_falls_as_scores_rise(held_out, scores):
    found = Tail(np.sort(held_out)).rarity(np.sort(scores))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


def test_within_the_body_it_is_the_log_of_a_rank():
    ordered = np.arange(100.0)
    found = Tail(ordered).rarity(np.array([-1.0, 49.5]))
    np.testing.assert_allclose(found, -np.log([100.5 / 101, 50.5 / 101]))


def test_scores_beyond_all_held_out_ones_keep_their_order():
    tail = Tail(np.sort(np.random.default_rng(0).exponential(size=500)))
    found = tail.rarity(np.array([10.0, 20.0, 40.0]))
    assert found[0] < found[1] < found[2]


def test_the_tail_of_exponential_scores_is_their_own():
    ordered = np.sort(np.random.default_rng(0).exponential(3.0, size=50_000))
    np.testing.assert_allclose(
        Tail(ordered).rarity(np.array([3.0, 15.0, 60.0])), [1, 5, 20], rtol=0.05
    )


def test_equal_scores_still_order_what_lies_beyond_them():
    found = Tail(np.full(20, 7.0)).rarity(np.array([6.0, 7.0, 8.0, 9.0]))
    assert np.isfinite(found).all()
    assert found[1] < found[2] < found[3]


def test_without_held_out_scores_they_stay_as_they_are():
    scores = np.array([3.0, -2.0])
    np.testing.assert_array_equal(Tail(np.empty(0)).rarity(scores), scores)


@pytest.mark.parametrize("shape", [(4,), (4, 2), (4, 2, 3)])
def test_any_shape_goes(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    assert Tail(np.arange(10.0)).rarity(scores).shape == shape
