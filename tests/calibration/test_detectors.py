"""The detectors of a class in a space, and what they keep of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.detectors import Detecting, Detectors, fit_detectors
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE, Axes, Points, fit_crowd

AXES = Axes(np.arange(2), np.full(2, 0.05))
METHODS = ("isolation-forest", "lof", "ocsvm", "class-distance")


def points(at):
    return Points(at, np.ones(at.shape, dtype=bool))


def fitted(n_rows, **changes):
    rows = np.random.default_rng(0).normal(size=(n_rows, 2)) * [1.0, 50.0]
    crowd = fit_crowd(points(rows), AXES, 0)
    return rows, fit_detectors(
        points(rows), crowd, np.zeros(2), Detecting(**changes), 0
    )


@pytest.mark.parametrize("exact", [False, True])
def test_every_detector_finds_the_far_stranger_than_the_near(exact):
    _, detectors = fitted(400, exact=exact)
    asked = points(np.array([[0.0, 0.0], [0.3, 5.0], [6.0, 0.0], [0.0, 300.0]]))
    found = detectors.scores(asked, METHODS)
    assert found.shape == (4, 4)
    assert (found[2:].min(axis=0) > found[:2].max(axis=0)).all()


def test_no_row_is_kept_unless_that_is_allowed():
    rows, usual = fitted(400)
    assert len(usual.crowd.centres) <= len(rows) // ROWS_A_CENTRE
    _, exact = fitted(400, exact=True)
    kept = exact.crowd.centres * exact.crowd.scale + exact.crowd.middle
    np.testing.assert_allclose(kept, rows, rtol=1e-5, atol=1e-5)


def test_of_too_few_rows_nothing_is_kept():
    _, first = fitted(4, exact=True)
    rows = np.random.default_rng(1).normal(size=(4, 2)) * 9
    crowd = fit_crowd(points(rows), AXES, 0)
    second = fit_detectors(points(rows), crowd, np.zeros(2), Detecting(), 0)
    one, other = first.arrays(), second.arrays()
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_more_neighbours_see_more():
    _, few = fitted(400, neighbours=2)
    _, many = fitted(400, neighbours=60)
    asked = points(np.random.default_rng(2).normal(size=(200, 2)) * [1.0, 50.0])
    spread = [np.std(each.scores(asked, ("lof",))) for each in (few, many)]
    assert spread[0] > spread[1]


def test_they_come_back_from_their_arrays():
    rows, detectors = fitted(300)
    again = Detectors.restore(detectors.arrays(), detectors.crowd, METHODS)
    one, other = (each.scores(points(rows), METHODS) for each in (detectors, again))
    np.testing.assert_array_equal(one, other)


def test_a_forest_of_another_space_is_refused():
    _, detectors = fitted(300)
    arrays = detectors.arrays()
    arrays["isolation-forest/size"] = arrays["isolation-forest/size"] + [0, 1]
    with pytest.raises(ValueError, match="other axes"):
        Detectors.restore(arrays, detectors.crowd, METHODS)
