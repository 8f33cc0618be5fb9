"""Distances to the centres of a class's rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from cbvae_cli.calibration import neighbours
from cbvae_cli.calibration.neighbours import (
    MOST_CENTRES,
    MOST_NUMBERS,
    ROWS_A_CENTRE,
    Axes,
    Crowd,
    Points,
    fit_crowd,
    rows_to_learn,
)


def points_of(matrix, seen=None):
    return Points(matrix, np.ones(matrix.shape, dtype=bool) if seen is None else seen)


def crowd_of(matrix, seen=None, least=0.05):
    width = matrix.shape[1]
    axes = Axes(np.arange(width), np.full(width, least))
    return fit_crowd(points_of(matrix, seen), axes, 0)


def scaled(matrix, crowd):
    return (matrix - crowd.middle) / crowd.scale


@pytest.mark.parametrize("n_rows", [5, 9, 10, 60, 500, 4000])
def test_every_centre_stands_for_several_rows(n_rows):
    matrix = np.random.default_rng(n_rows).standard_t(2, size=(n_rows, 3))
    crowd = crowd_of(matrix)
    assert 1 <= len(crowd.centres) <= min(MOST_CENTRES, n_rows // ROWS_A_CENTRE)
    near = NearestNeighbors(n_neighbors=1).fit(crowd.centres)
    distance, _ = near.kneighbors(scaled(matrix, crowd))
    # No row is a centre, not even one far from all others.
    assert distance.min() > 1e-4


def test_a_row_far_from_all_others_is_no_centre():
    matrix = np.random.default_rng(0).normal(size=(200, 2))
    matrix[17] = 60.0
    distance = crowd_of(matrix).distance(points_of(matrix))
    assert distance.argmax() == 17
    assert distance[17] > 3 * np.delete(distance, 17).max()


@pytest.mark.parametrize("n_rows", range(ROWS_A_CENTRE))
def test_of_fewer_rows_than_a_centre_needs_nothing_is_kept(n_rows):
    crowd = crowd_of(np.full((n_rows, 2), 7.0))
    assert not crowd.centres.any()
    assert not crowd.middle.any()


def test_rows_that_are_all_equal_have_one_centre():
    crowd = crowd_of(np.full((50, 2), 3.0))
    assert len(crowd.centres) == 1
    near, far = crowd.distance(points_of(np.array([[3.0, 3.0], [3.0, 4.0]])))
    assert near == 0
    assert far == pytest.approx(1 / 0.05)


def test_the_centres_of_wide_tables_are_fewer():
    matrix = np.random.default_rng(0).normal(size=(3000, 900))
    assert crowd_of(matrix).centres.size <= MOST_NUMBERS


def test_wide_tables_teach_with_fewer_rows():
    found = [rows_to_learn(n_axes) for n_axes in (2, 256, 1500, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] == neighbours.MOST_LEARNT
    assert found[-1] == neighbours.LEAST_LEARNT


def test_distances_are_those_that_scikit_learn_finds():
    rng = np.random.default_rng(1)
    crowd = crowd_of(rng.normal(5.0, 2.0, size=(300, 4)))
    matrix = rng.normal(5.0, 2.0, size=(50, 4))
    near = NearestNeighbors(n_neighbors=1).fit(crowd.centres.astype(np.float64))
    expected, _ = near.kneighbors(scaled(matrix, crowd))
    found = crowd.distance(points_of(matrix))
    np.testing.assert_allclose(found, expected[:, 0], rtol=1e-9)


def test_units_of_columns_do_not_matter():
    matrix = np.random.default_rng(2).normal(size=(400, 2))
    odd = np.array([[5.0, 0.0], [0.0, 5.0]])
    plain = crowd_of(matrix, least=1e-300).distance(points_of(odd))
    units = np.array([1e-6, 1e9])
    far = crowd_of(matrix * units + units, least=1e-300)
    np.testing.assert_allclose(
        far.distance(points_of(odd * units + units)), plain, rtol=1e-3
    )


def test_axes_of_one_column_are_scaled_alike():
    matrix = np.random.default_rng(3).normal(size=(400, 3)) * [1.0, 3.0, 4.0]
    axes = Axes(np.array([0, 1, 1]), np.full(3, 0.05))
    scale = fit_crowd(points_of(matrix), axes, 0).scale
    np.testing.assert_allclose(scale, [1.0, 5.0, 5.0], rtol=0.1)


def test_middle_and_scale_are_those_of_seen_cells():
    rng = np.random.default_rng(4)
    matrix = rng.normal(3.0, 2.0, size=(500, 3))
    seen = rng.random(matrix.shape) < 0.7
    crowd = crowd_of(np.where(seen, matrix, 99.0), seen)
    for at in range(3):
        own = matrix[seen[:, at], at]
        assert crowd.middle[at] == pytest.approx(own.mean())
        assert crowd.scale[at] == pytest.approx(own.std())


def test_the_same_rows_give_the_same_bytes():
    matrix = np.random.default_rng(5).normal(size=(900, 4))
    first, second = crowd_of(matrix), crowd_of(matrix)
    for name, array in first.arrays().items():
        assert array.tobytes() == second.arrays()[name].tobytes()
    again = Crowd.restore(first.arrays())
    rows = points_of(matrix[:9])
    np.testing.assert_array_equal(again.distance(rows), first.distance(rows))
