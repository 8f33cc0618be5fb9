"""The map from a column's units to those of the networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from cbvae_cli.table.scale import BODY, TAIL, Scale, fit_quantiles, fit_standard

FITS = pytest.mark.parametrize("fit", [fit_quantiles, fit_standard])
columns = hnp.arrays(
    np.float64,
    st.integers(2, 60),
    elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
).filter(lambda values: len(np.unique(values)) > 1)


def strictly_increasing(scale: Scale) -> bool:
    return bool((np.diff(scale.values) > 0).all() and (np.diff(scale.units) > 0).all())


@FITS
def test_a_fitted_scale_is_strictly_increasing(fit):
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(columns)
    def check(values):
        scale = fit(values)
        assert np.isfinite(scale.values).all()
        assert np.isfinite(scale.units).all()
        assert strictly_increasing(scale)

    check()


@FITS
def test_values_of_training_come_back(fit):
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(columns)
    def check(values):
        scale = fit(values)
        back = scale.backward(scale.forward(values))
        np.testing.assert_allclose(back, values, atol=1e-8 * np.ptp(values), rtol=1e-8)

    check()


@FITS
def test_order_is_kept(fit):
    values = np.sort(np.random.default_rng(0).standard_t(2, size=500))
    units = fit(values).forward(values)
    assert (np.diff(units) >= 0).all()
    assert len(np.unique(units)) == len(np.unique(values))


@FITS
def test_missing_stays_missing(fit):
    scale = fit(np.array([1.0, 2.0, 5.0]))
    assert np.isnan(scale.forward(np.array([np.nan]))).all()


def test_quantiles_agree_with_scikit_learn_inside_the_range():
    values = np.random.default_rng(1).gamma(2.0, size=4_000)
    theirs = QuantileTransformer(
        n_quantiles=256, subsample=200_000, output_distribution="normal", random_state=0
    ).fit(values[:, None])
    knots = theirs.quantiles_[1:-1]
    ours = fit_quantiles(values).forward(knots[:, 0])
    np.testing.assert_allclose(ours, theirs.transform(knots)[:, 0], atol=1e-6)


def test_standard_agrees_with_scikit_learn():
    values = np.random.default_rng(2).normal(40, 9, size=500)
    scaler = StandardScaler().fit(values[:, None])
    points = np.linspace(-500, 500, 41)
    np.testing.assert_allclose(
        fit_standard(values).forward(points),
        scaler.transform(points[:, None])[:, 0],
        atol=1e-9,
    )


def test_training_values_lie_about_as_a_normal_variable():
    values = np.random.default_rng(3).lognormal(size=5_000)
    units = fit_quantiles(values).forward(values)
    assert abs(units.mean()) < 0.02
    assert abs(units.std() - 1) < 0.05
    assert np.abs(units).max() <= BODY


def test_a_value_in_most_rows_gets_the_middle_of_its_stretch():
    values = np.concatenate([np.zeros(800), np.linspace(1, 9, 200)])
    at_zero = fit_quantiles(values).forward(np.array([0.0]))[0]
    assert at_zero == pytest.approx(-0.2533, abs=0.01)  # the quantile 0.4


def test_a_constant_tail_gets_the_middle_of_its_stretch():
    values = np.concatenate([np.linspace(0, 1, 600), np.full(400, 5.0)])
    scale = fit_quantiles(values)
    assert scale.forward(np.array([5.0]))[0] == pytest.approx(0.8416, abs=0.01)
    assert strictly_increasing(scale)


def test_two_values_stay_apart():
    scale = fit_quantiles(np.array([3.0] * 99 + [4.0]))
    low, high = scale.forward(np.array([3.0, 4.0]))
    assert high - low > 1
    assert scale.backward(np.array([low, high])) == pytest.approx([3.0, 4.0])


def test_outliers_go_on_growing_and_are_clipped_in_the_end():
    values = np.random.default_rng(4).normal(size=1_000)
    scale = fit_quantiles(values)
    top, further, far, farthest = scale.forward(
        values.max() + np.array([0.0, 1.0, 100.0, 1e300])
    )
    assert top < further < far
    assert far == farthest <= BODY + TAIL
    assert scale.backward(np.array([1e9]))[0] == scale.values[-1]


def test_the_expected_value_of_a_skewed_column_is_not_the_map_of_its_middle():
    values = np.random.default_rng(5).lognormal(sigma=1.0, size=20_000)
    scale = fit_quantiles(values)
    one = np.ones(1)
    found = scale.expected_backward(0 * one, one)[0]
    assert scale.backward(0 * one)[0] == pytest.approx(1.0, rel=0.05)
    assert found == pytest.approx(values.mean(), rel=0.06)
    sure = scale.expected_backward(one, 0 * one)
    assert sure.tolist() == scale.backward(one).tolist()


def test_a_value_and_its_neighbour_float_are_told_apart_or_joined_without_harm():
    values = np.array([1.0, np.nextafter(1.0, 2.0)] * 30)
    scale = fit_quantiles(values)
    assert np.isfinite(scale.forward(values)).all()
    assert np.isfinite(scale.backward(np.linspace(-9, 9, 19))).all()
