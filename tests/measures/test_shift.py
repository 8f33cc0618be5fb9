"""Distances of columns against hand-computed cases and scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import ks_2samp, kstwobign

from cbvae_cli.measures.shift import NameShift, NumberShift, from_sample, shares_of


def test_a_shifted_column_lies_off_by_the_share_that_moved():
    shift = NumberShift(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 1.0]), 100)
    shift.add(np.array([0.5, 1.5]))
    shift.add(np.array([1.5, 1.5]))
    assert shift.distance() == pytest.approx(0.25)


def test_equal_values_stand_in_the_middle_of_their_stretch():
    zeros = np.repeat([0.0, 1.0, 2.0], [60, 20, 20])
    shift = from_sample(zeros)
    shift.add(zeros)
    assert shift.distance() == 0
    moved = from_sample(zeros)
    moved.add(np.repeat([0.0, 1.0, 2.0], [40, 40, 20]))
    assert moved.distance() == pytest.approx(0.2)


def test_without_ties_it_is_scipys_within_a_knot():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=3000), rng.normal(0.3, 1.2, size=1000)
    shift = from_sample(one)
    shift.add(two[:400])
    shift.add(two[400:])
    assert shift.distance() == pytest.approx(ks_2samp(one, two).statistic, abs=1 / 200)
    limit = kstwobign.isf(0.01) * np.sqrt(1 / 1000 + 1 / 3000)
    assert shift.by_chance() == pytest.approx(limit)
    wanted = kstwobign.sf(shift.distance() / np.sqrt(1 / 1000 + 1 / 3000))
    assert shift.p_value() == pytest.approx(wanted)


@given(
    arrays.arrays(float, st.integers(1, 60), elements=st.floats(-9, 9)),
    arrays.arrays(float, st.integers(1, 60), elements=st.floats(-9, 9)),
)
def test_distances_lie_between_nothing_and_all(one, two):
    shift = from_sample(one)
    shift.add(two)
    assert 0 <= shift.distance() <= 1
    assert 0 < shift.by_chance() <= 1


def test_shares_of_categories_by_hand():
    shift = NameShift(np.array([0.5, 0.5, 0.0]), 100)
    shift.add(np.array([0.0, 0.0, 0.0, 1.0]))
    assert shift.distance() == pytest.approx(0.25)


def test_categories_that_training_never_saw_count_in_full():
    shift = NameShift(np.array([1.0]), 100)
    shift.add(np.array([0.0, 0.0, -1.0, 3.0]))
    assert shift.distance() == pytest.approx(0.5)


def test_what_chance_reaches_is_rarely_passed():
    rng = np.random.default_rng(1)
    shares = np.array([0.6, 0.3, 0.1])
    passed = 0
    for _ in range(200):
        reference = rng.choice(3, 2000, p=shares).astype(float)
        shift = NameShift(shares_of(reference, 3), 2000)
        shift.add(rng.choice(3, 400, p=shares).astype(float))
        further = shift.distance() > shift.by_chance()
        assert further == (shift.p_value() < 0.01)
        passed += further
    assert passed <= 6


def test_a_column_without_cells_has_no_distance():
    for shift in (from_sample(np.arange(3.0)), NameShift(np.ones(1), 1)):
        shift.add(np.empty(0))
        assert shift.distance() is None
        assert shift.by_chance() is None
        assert shift.p_value() is None
