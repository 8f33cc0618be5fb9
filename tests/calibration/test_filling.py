"""The three voices that fill cells, stored and applied."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingRegressor

from cbvae_cli.bundle.model import open_model
from cbvae_cli.calibration.filling import Filling, Regressors
from cbvae_cli.calibration.grown import Binned, read_trees
from cbvae_cli.calibration.trees import joined

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["payments", "defects"])
def model(request, trained):
    """A trained model."""
    return open_model(str(trained / f"{request.param}.cbvae"), CPU)


@pytest.fixture(scope="module")
def asked(model):
    """Rows with gaps, their classes, and what the family says."""
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((1500, model.layout.width)).astype(np.float32)
    values = model.layout.settle(model.layout.expected(matrix, np.zeros_like(matrix)))
    values[rng.random(values.shape) < 0.3] = np.nan
    places = rng.integers(0, len(model.classes), len(values))
    family = rng.standard_normal((len(values), model.filling.cells.width))
    return values, places, family


def test_a_stored_filling_says_the_same(model, asked):
    filling = model.filling
    again = Filling.restore(filling.arrays(), model.layout, len(model.classes))
    np.testing.assert_array_equal(again.fill(*asked), filling.fill(*asked))


def test_a_row_is_filled_alike_in_any_company(model, asked):
    filling, rng = model.filling, np.random.default_rng(0)
    whole = filling.fill(*asked)
    some = rng.permutation(len(whole))[:137]
    part = filling.fill(*(each[some] for each in asked))
    np.testing.assert_allclose(part, whole[some], atol=1e-9)


def test_shares_of_names_are_probabilities(model, asked):
    values, places, _ = asked
    guessed = model.filling.learner.by_network(values, places)
    for block in model.filling.cells.names:
        np.testing.assert_allclose(guessed[:, block].sum(axis=1), 1, atol=1e-5)
        assert (guessed[:, block] >= 0).all()


def test_trees_do_not_ask_for_the_cell_they_fill(model):
    learner = model.filling.learner
    trees = learner.regressors.trees
    owner = np.asarray(trees.classes)[trees.tree]
    for place in range(len(learner.cells.amounts)):
        asked = trees.feature[(owner == place) & trees.inner]
        assert learner.feature_of(place) not in asked


def test_dropped_and_new_classes(model, asked):
    values, places, family = asked
    filling, n_classes = model.filling, len(model.classes)
    order = [n_classes - 1, n_classes]
    some = filling.only(order)
    rows = np.flatnonzero(places == n_classes - 1)
    old = filling.fill(values[rows], places[rows], family[rows])
    moved = some.fill(values[rows], np.zeros(len(rows), dtype=np.int64), family[rows])
    np.testing.assert_allclose(moved, old, atol=1e-9)
    new = some.fill(values[rows], np.ones(len(rows), dtype=np.int64), family[rows])
    np.testing.assert_array_equal(new, family[rows])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("shares", lambda array: array[:2]),
        ("scale", lambda array: array * np.inf),
        ("slots", lambda array: array + 100),
        ("slots", lambda array: array.astype(np.float64)),
        ("net/entry.weight", lambda array: array[:, :-1]),
        ("net/exit.bias", lambda array: array[..., :-1]),
        ("cells/spread", lambda array: array * 0),
        ("trees/baseline", lambda array: array[:-1]),
        ("trees/baseline", lambda array: array * np.nan),
        ("trees/feature", lambda array: array + 10_000),
    ],
)
def test_arrays_that_cannot_be_ours_are_refused(model, name, change):
    arrays = model.filling.arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises((ValueError, RuntimeError, KeyError, IndexError)):
        Filling.restore(arrays, model.layout, len(model.classes))


@pytest.mark.parametrize("n_rows", [40, 900])
def test_stored_regressors_say_what_the_library_says(n_rows):
    rng = np.random.default_rng(2)
    x = np.round(rng.standard_normal((n_rows, 5)), 2)
    targets = x[:, 0] * x[:, 1] + x[:, 2], np.abs(x[:, 3])
    trees, baseline, expected = [], [], []
    for place, y in enumerate(targets):
        binned = Binned.of(x, np.zeros(5, dtype=bool), np.ones(n_rows))
        model = HistGradientBoostingRegressor(
            max_iter=20, max_leaf_nodes=16, min_samples_leaf=5, early_stopping=False
        ).fit(binned.encode(x), y)
        grown = [(predictor, place) for (predictor,) in model._predictors]
        trees.append(read_trees(grown, binned))
        baseline.append(float(np.ravel(model._baseline_prediction)[0]))
        expected.append(model.predict(binned.encode(x)))
    found = Regressors(joined(trees), np.array(baseline))
    np.testing.assert_allclose(found.expected(x), np.transpose(expected), atol=1e-9)
    again = Regressors.restore(found.arrays(), 5, 2)
    np.testing.assert_array_equal(again.expected(x), found.expected(x))
