"""The calibration error against hand-computed cases and scikit-learn's bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.calibration import calibration_curve

from cbvae_cli.measures.calibration_error import bin_masses, calibration_error


def test_two_bins_by_hand():
    p = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    truth = np.array([0, 0, 1, 1, 1, 0], dtype=bool)
    expected = (abs(1 / 3 - 0.2) + abs(2 / 3 - 0.7)) / 2
    assert calibration_error(p, truth, n_bins=2) == pytest.approx(expected)


def test_bins_count_by_their_rows():
    p = np.array([0.0] * 8 + [0.5, 0.9])
    truth = np.array([0] * 8 + [1, 1], dtype=bool)
    # Ties share a bin: eight rows are right, one is off by .5, one by .1.
    assert calibration_error(p, truth, n_bins=10) == pytest.approx(0.06)


def test_probabilities_that_come_true_have_no_error():
    p = np.repeat([0.2, 0.6], [100, 50])
    truth = np.concatenate([np.arange(100) < 20, np.arange(50) < 30])
    assert calibration_error(p, truth) == pytest.approx(0)


@given(
    arrays.arrays(float, st.integers(1, 80), elements=st.floats(0, 1)),
    st.integers(1, 20),
)
def test_masses_belong_to_the_bins_of_the_curve(p, n_bins):
    truth = np.arange(len(p)) % 2 == 0
    came_true, _ = calibration_curve(
        truth, p, n_bins=n_bins, strategy="quantile", pos_label=True
    )
    masses = bin_masses(p, n_bins)
    assert len(masses) == len(came_true)
    assert masses.sum() == len(p)
    assert np.average(came_true, weights=masses) == pytest.approx(truth.mean())


@pytest.mark.parametrize("came", [True, False])
def test_one_row_is_enough(came):
    found = calibration_error(np.array([0.3]), np.array([came]))
    assert found == pytest.approx(0.7 if came else 0.3)
