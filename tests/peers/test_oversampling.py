"""SMOTE, class by class."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.peers.features import Features
from cbvae_cli.peers.oversampling import oversampled, without_gaps


@pytest.mark.parametrize("names", [[False, False], [True, False], [True, True]])
def test_all_classes_of_two_rows_or_more_grow_to_the_largest(names):
    pytest.importorskip("imblearn", reason="needs the extra `compare`")
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 3], [40, 12, 2, 1])
    rows = rng.integers(0, 3, size=(55, 2)).astype(float)
    grown, found = oversampled(rows, labels, np.array(names), 0)
    assert np.bincount(found).tolist() == [40, 40, 40, 1]
    np.testing.assert_array_equal(grown[:55], rows)
    np.testing.assert_array_equal(found[:55], labels)
    for at in np.flatnonzero(names):
        assert set(grown[:, at]) <= set(rows[:, at])


def test_gaps_are_filled_from_training_rows():
    names = np.array([True, False])
    train = Features(np.array([[1, 2.0], [1, 4.0], [0, np.nan], [np.nan, 9.0]]), names)
    test = Features(np.array([[np.nan, np.nan]]), names)
    seen, asked = without_gaps(train, test)
    np.testing.assert_array_equal(seen[:, 0], [1, 1, 0, 1])
    np.testing.assert_array_equal(seen[:, 1], [2, 4, 4, 9])
    np.testing.assert_array_equal(asked, [[1, 4]])
