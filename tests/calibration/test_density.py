"""Outlier factors and one-class machines kept as numbers say what the library's say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from cbvae_cli.calibration.density import Apart, Lof, OneClass, fit_lof, fit_one_class

SIZES = st.integers(2, 200), st.integers(1, 6), st.integers(0, 2**31)


def points(n_rows, n_axes, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, n_axes))
    return rows, np.concatenate([rows + 0.01, 4 * rng.normal(size=(40, n_axes))])


@settings(max_examples=20, deadline=None)
@given(*SIZES, st.integers(1, 40))
def test_outlier_factors_are_the_library_s(n_rows, n_axes, seed, neighbours):
    rows, asked = points(n_rows, n_axes, seed)
    k = min(neighbours, n_rows - 1)
    theirs = LocalOutlierFactor(n_neighbors=k, novelty=True).fit(rows)
    ours = fit_lof(rows, neighbours)
    expected = -theirs.score_samples(asked)
    np.testing.assert_allclose(ours.score(asked), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(*SIZES)
def test_one_class_machines_are_the_library_s(n_rows, n_axes, seed):
    rows, asked = points(n_rows, n_axes, seed)
    expected = -OneClassSVM().fit(rows).score_samples(asked)
    found = fit_one_class(rows).score(asked)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_of_one_centre_the_factor_is_the_distance():
    found = fit_lof(np.array([[1.0, 2.0]])).score(np.array([[4.0, 6.0], [1.0, 4.0]]))
    np.testing.assert_allclose(found, [5.0, 2.0], atol=1e-9)


def test_of_equal_centres_all_is_finite():
    rows = np.zeros((30, 2))
    for fitted in (fit_lof(rows), fit_one_class(rows)):
        near, far = fitted.score(np.array([[0.0, 0.0], [5.0, 0.0]]))
        assert np.isfinite([near, far]).all()
        assert near < far


def test_the_plain_distance_is_a_root_mean_square():
    apart = Apart(np.array([1.0, 0.0]), np.array([2.0, 1.0]))
    assert apart.score(np.array([[2.5, 4.0]])) == pytest.approx([np.sqrt(12.5)])


@pytest.mark.parametrize("kind", [Lof, OneClass, Apart])
def test_they_come_back_from_their_arrays(kind):
    rows, asked = points(50, 3, 0)
    apart = Apart(np.zeros(3), np.ones(3))
    fitted = {Lof: fit_lof(rows), OneClass: fit_one_class(rows), Apart: apart}[kind]
    again = kind.restore(fitted.arrays(), rows)
    np.testing.assert_array_equal(again.score(asked), fitted.score(asked))


HOSTILE = {
    "reach of other centres": (Lof, "reach", np.ones(3)),
    "no density": (Lof, "density", np.full(50, np.nan)),
    "too many neighbours": (Lof, "neighbours", np.array([50])),
    "no neighbours": (Lof, "neighbours", np.array([0])),
    "weights of other centres": (OneClass, "weight", np.ones(3)),
    "no width": (OneClass, "gamma", np.array([0.0])),
    "another space": (Apart, "mean", np.ones(2)),
    "other numbers": (Apart, "unit", np.ones(3, dtype=np.float32)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_numbers_that_do_not_fit_are_refused(case):
    kind, name, array = HOSTILE[case]
    rows, _ = points(50, 3, 0)
    apart = Apart(np.zeros(3), np.ones(3))
    fitted = {Lof: fit_lof(rows), OneClass: fit_one_class(rows), Apart: apart}[kind]
    with pytest.raises(ValueError, match="stored"):
        kind.restore({**fitted.arrays(), name: array}, rows)
