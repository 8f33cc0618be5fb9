"""Middles of classes and of frequent values."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.landmarks import (
    LEAST_ROWS,
    MOST_VALUES,
    Landmarks,
    frequent,
    landmarks,
    mean_of,
)


def test_a_mean_of_few_rows_is_not_kept():
    assert np.isnan(mean_of(np.ones((4, 3)))).all()
    assert mean_of(np.ones((5, 3))).tolist() == [1.0, 1.0, 1.0]


def test_frequent_values_are_those_of_many_rows():
    cells = np.repeat([0.0, 1.0, 2.0, -1.0], [LEAST_ROWS, LEAST_ROWS - 1, 90, 90])
    cells = np.concatenate([cells, np.full(50, np.nan)])
    values = np.stack([cells, np.zeros(len(cells))], axis=1)
    column, code = frequent(values, [0, 1])
    assert column.tolist() == [0, 0, 1]
    assert code.tolist() == [0.0, 2.0, 0.0]
    assert [len(each) for each in frequent(values, [])] == [0, 0]


def test_of_many_values_the_most_frequent_stay():
    cells = np.repeat(np.arange(40.0), np.arange(40) + LEAST_ROWS)
    _, code = frequent(cells[:, None], [0])
    assert code.tolist() == list(range(40 - MOST_VALUES, 40))


def marks(n_spaces=2):
    classes = np.arange(2.0 * n_spaces * 3, dtype=np.float32).reshape(n_spaces, 2, 3)
    values = np.ones((n_spaces, 1, 3), dtype=np.float32)
    values[0] = np.nan
    return landmarks(classes, values, np.array([4], dtype=np.int32), np.array([1.0]))


def test_what_is_unknown_is_no_number_in_the_bundle():
    assert all(np.isfinite(array).all() for array in marks().arrays().values())
    assert np.isnan(marks().value_means).any(axis=2).tolist() == [[True], [False]]
    np.testing.assert_array_equal(marks().class_means, marks().classes)


def test_they_are_found_by_column_and_value():
    assert marks().of_value(4, 1.0) == 0
    assert marks().of_value(4, 0.0) is None
    assert marks().of_value(3, 1.0) is None


def test_a_class_goes_with_its_space():
    some = marks().only([1])
    assert some.classes.tolist() == [[[9.0, 10.0, 11.0]]]
    assert some.values.shape == (1, 1, 3)


def test_they_come_back_from_their_arrays():
    again = Landmarks.restore(marks().arrays(), 2, 2, 3)
    np.testing.assert_array_equal(again.classes, marks().classes)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3, 3), (2, 2, 4)])
def test_those_of_another_space_are_refused(shape):
    with pytest.raises(ValueError, match="landmarks"):
        Landmarks.restore(marks().arrays(), *shape)
