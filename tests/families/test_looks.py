"""Two ways of looking at rows as points, for every family."""

from __future__ import annotations

import numpy as np

from cbvae_cli.calibration.looks import (
    POINTS,
    Home,
    fit_home,
    look_at,
    plainly,
    through,
)
from cbvae_cli.evidence import take
from cbvae_cli.table.matrix import Encoded

EMPTY = np.arange(0)


def looked_at(fitted, encoded=None, place=0):
    alone = fitted.model.family.member(0)
    return look_at(alone, fitted.encoded if encoded is None else encoded, place)


def home_of(fitted, place=0):
    own = np.flatnonzero(fitted.table.labels == place)
    looked = looked_at(fitted, take(fitted.encoded, own), place)
    return fit_home(looked, fitted.model.layout, 0)


def test_hidden_cells_are_what_the_network_believes_and_nothing_is_left_over(fitted):
    looked = looked_at(fitted)
    seen = fitted.encoded.observed[:, fitted.model.layout.owner]
    np.testing.assert_array_equal(looked.cells[seen], fitted.encoded.matrix[seen])
    assert (looked.residuals[~seen] == 0).all()
    assert np.isfinite(looked.cells).all()


def test_garbled_hidden_cells_change_nothing(fitted):
    encoded = fitted.encoded
    hidden = ~encoded.observed[:, fitted.model.layout.owner]
    matrix = np.where(hidden, np.float32(6.5), encoded.matrix)
    garbled = Encoded(matrix, encoded.observed, encoded.novel)
    for points in POINTS.values():
        one, other = (
            points(looked_at(fitted, rows), fitted.model.layout).at
            for rows in (encoded, garbled)
        )
        np.testing.assert_array_equal(one, other)


def test_plain_points_are_the_values_of_the_columns(fitted):
    points = plainly(looked_at(fitted), fitted.model.layout)
    for at, kind in enumerate(fitted.model.layout.kinds):
        if kind.name not in ("numeric", "integer", "count"):
            continue
        values = fitted.table.values[:, at]
        seen = ~np.isnan(values)
        found = points.at[:, at]  # these kinds come first and take one axis each
        slack = np.nanstd(values) * 1e-3
        np.testing.assert_allclose(found[seen], values[seen], atol=slack)
        np.testing.assert_array_equal(points.seen[:, at], seen)


def test_both_looks_have_an_axis_for_every_number(fitted):
    layout = fitted.model.layout
    looked = looked_at(fitted)
    assert through(looked, layout).at.shape[1] == 2 * layout.width
    assert plainly(looked, layout).at.shape[1] == layout.width


def test_rows_of_another_class_lie_farther_away(fitted):
    home, alone = home_of(fitted), fitted.model.family.member(0)
    distances = home.distances(alone, fitted.encoded, 0)
    assert distances.shape == (len(fitted.encoded.matrix), len(POINTS))
    labels = fitted.table.labels
    for place in (1, 2):
        far, near = distances[labels == place], distances[labels == 0]
        assert (np.median(far, axis=0) > np.median(near, axis=0)).all()


def test_no_rows_no_distances(fitted):
    home, alone = home_of(fitted), fitted.model.family.member(0)
    none = take(fitted.encoded, EMPTY)
    assert home.distances(alone, none, 0).shape == (0, len(POINTS))
    assert home.from_mean(none, fitted.model.layout).shape == (0,)


def test_distance_from_the_mean_is_over_seen_cells(fitted):
    home, layout = home_of(fitted), fitted.model.layout
    some = take(fitted.encoded, np.arange(20))
    found = home.from_mean(some, layout)
    for row in range(20):
        seen = some.observed[row, layout.owner]
        wrong = (some.matrix[row].astype(float) - home.mean)[seen]
        np.testing.assert_allclose(found[row], np.sqrt(np.mean(wrong**2)), rtol=1e-6)
    blank = Encoded(some.matrix, np.zeros_like(some.observed), some.novel)
    assert (home.from_mean(blank, layout) == 0).all()


def test_a_home_comes_back_from_its_arrays(fitted):
    home, alone = home_of(fitted), fitted.model.family.member(0)
    again = Home.restore(home.arrays())
    some = take(fitted.encoded, np.arange(9))
    np.testing.assert_array_equal(
        again.distances(alone, some, 0), home.distances(alone, some, 0)
    )
    np.testing.assert_array_equal(again.mean, home.mean)
