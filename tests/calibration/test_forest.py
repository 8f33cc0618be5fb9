"""An isolation forest kept as numbers says what scikit-learn's says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from cbvae_cli.calibration import forest
from cbvae_cli.calibration.forest import Forest, fit_forest, usual_depth


def both(n_rows, n_axes, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, n_axes)) * rng.uniform(0.01, 100, n_axes)
    rows[:, ::2] = np.round(rows[:, ::2])  # ties
    theirs = IsolationForest(
        n_estimators=forest.TREES, max_samples=min(256, n_rows), random_state=seed
    ).fit(rows.astype(np.float32))
    asked = np.concatenate([rows, 3 * rng.normal(size=(50, n_axes))])
    return fit_forest(rows, seed), theirs, asked


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 600), st.integers(1, 6), st.integers(0, 2**31))
def test_scores_are_the_library_s(n_rows, n_axes, seed):
    ours, theirs, asked = both(n_rows, n_axes, seed)
    expected = -theirs.score_samples(asked.astype(np.float32))
    np.testing.assert_allclose(ours.score(asked), expected, rtol=0, atol=1e-9)


def test_it_comes_back_from_its_arrays():
    ours, _, asked = both(300, 3, 1)
    again = Forest.restore(ours.arrays())
    np.testing.assert_array_equal(again.score(asked), ours.score(asked))


def test_a_row_s_score_depends_on_no_other_row():
    ours, _, asked = both(100, 3, 2)
    np.testing.assert_array_equal(ours.score(asked)[7:9], ours.score(asked[7:9]))


def test_it_is_small():
    ours, _, _ = both(4096, 8, 3)
    assert sum(array.nbytes for array in ours.arrays().values()) < 100_000


def test_the_usual_depth_is_that_of_the_paper():
    # Twice the harmonic number less 2 (n - 1) / n, by its expansion.
    assert usual_depth(np.array([0.0, 1.0, 2.0])).tolist() == [0.0, 0.0, 1.0]
    assert usual_depth(np.array([256.0]))[0] == pytest.approx(10.244, abs=1e-3)


def spoiled(name, change):
    arrays = both(60, 3, 4)[0].arrays()
    arrays[name] = change(arrays[name].copy())
    return arrays


def put(at, value):
    def change(array):
        array[at] = value
        return array

    return change


HOSTILE = {
    "an axis that is none": ("axis", put(0, 3)),
    "an axis below a leaf": ("axis", put(0, -2)),
    "a leaf made inner": ("axis", put(-1, 0)),
    "a root made a leaf": ("axis", lambda axis: axis[:-1]),
    "no nodes": ("axis", lambda axis: axis[:0]),
    "other numbers": ("number", lambda number: number.astype(np.float64)),
    "no number": ("number", put(3, np.nan)),
    "trees of one row": ("size", put(0, 1)),
    "no size": ("size", lambda size: size[:1]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_forest_is_refused(case):
    with pytest.raises(ValueError, match="isolation forest"):
        Forest.restore(spoiled(*HOSTILE[case]))
