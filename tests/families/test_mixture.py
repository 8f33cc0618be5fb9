"""The aggregate posterior of a class."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.families.mixture import MOST_COMPONENTS, Mixture, fit_mixture


def encodings(n_rows, latent=3, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=(n_rows, latent)) + 4 * (np.arange(n_rows) % 2)[:, None]
    return mean, np.full((n_rows, latent), 0.1)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 49, 120, 900])
def test_a_mixture_is_a_mixture_of_normals_from_one_row_upwards(n_rows):
    mixture = fit_mixture(*encodings(n_rows), seed=0)
    assert 1 <= len(mixture.weights) <= MOST_COMPONENTS
    assert mixture.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (mixture.weights >= 0).all()
    assert all(np.isfinite(array).all() for array in mixture.arrays().values())
    lower = np.tril(mixture.factors)
    np.testing.assert_array_equal(mixture.factors, lower)
    assert (np.diagonal(mixture.factors, axis1=1, axis2=2) > 0).all()


def test_few_rows_get_one_component_and_many_get_more():
    assert len(fit_mixture(*encodings(60), seed=0).weights) == 1
    assert len(fit_mixture(*encodings(120), seed=0).weights) == 2
    assert len(fit_mixture(*encodings(900), seed=0).weights) == MOST_COMPONENTS


def test_draws_lie_where_the_rows_lie():
    mean, deviation = encodings(600)
    drawn = fit_mixture(mean, deviation, seed=0).draw(4000, np.random.default_rng(1))
    assert drawn.shape == (4000, 3)
    np.testing.assert_allclose(drawn.mean(axis=0), mean.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(mean.T), atol=0.4)
    # Between the two heaps there is nothing.
    assert np.mean(np.abs(drawn.mean(axis=1) - 2) < 0.5) < 0.05


def test_a_class_of_one_row_is_drawn_around_it():
    mean, deviation = np.array([[2.0, -1.0]]), np.array([[0.3, 0.3]])
    drawn = fit_mixture(mean, deviation, seed=0).draw(2000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=0.1)
    np.testing.assert_allclose(drawn.std(axis=0), deviation[0], atol=0.1)


def test_the_same_seed_fits_the_same_mixture():
    one, other = (fit_mixture(*encodings(200), seed=3) for _ in range(2))
    for name in Mixture.FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_mixture_comes_back_from_its_arrays():
    mixture = fit_mixture(*encodings(200), seed=3)
    again = Mixture(**mixture.arrays())
    one, other = (m.draw(9, np.random.default_rng(5)) for m in (mixture, again))
    np.testing.assert_array_equal(one, other)
