"""Shares of voices, and how far draws are stretched."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cbvae_cli.calibration.voices import WITH_TREES, WITHOUT, fit_scale, fit_shares

CELLS = SimpleNamespace(width=3, amounts=np.array([0, 1]))
MANY = np.array([5000, 5000])


def case(errors, n_rows=2000, seed=0):
    """Voices that are off by so much, independently."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((n_rows, 3))
    off = rng.standard_normal((3, n_rows, 3)) * np.array(errors)[:, None, None]
    hidden = rng.random((n_rows, 3)) < 0.5
    return truth + off, truth, hidden, rng.integers(0, 2, n_rows)


@pytest.mark.parametrize("trees", [True, False])
@pytest.mark.parametrize("errors", [(0.1, 1, 1), (1, 0.1, 1), (1, 1, 0.1), (1, 1, 1)])
def test_shares_sum_to_one_and_move_to_the_better_voice(errors, trees):
    voices, truth, hidden, labels = case(errors)
    shares = fit_shares(voices, truth, hidden, labels, CELLS, MANY, trees)
    assert shares.shape == (3, 2, 3)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert (shares >= 0).all()
    belief = WITH_TREES if trees else WITHOUT
    best = int(np.argmin(errors))
    if min(errors) < 1 and belief[best]:
        assert (shares[best, :, :2] > belief[best]).all()
    if not trees:
        assert (shares[2] == 0).all()


def test_nothing_hidden_leaves_what_is_believed():
    voices, truth, hidden, labels = case((1, 1, 1))
    shares = fit_shares(voices, truth, hidden & False, labels, CELLS, MANY, True)
    np.testing.assert_allclose(
        shares[:, 0, :2], np.repeat(WITH_TREES[:, None], 2, 1), atol=1e-6
    )


def test_small_tables_and_classes_lean_on_their_own_networks():
    voices, truth, hidden, labels = case((1, 1, 1))
    args = voices, truth, hidden & False, labels, CELLS
    large, small, rare = (
        fit_shares(*args, np.array(taught), True)[0, :, 0]
        for taught in ([5000, 5000], [20, 20], [5000, 5])
    )
    assert (small > large).all()
    assert rare[1] > rare[0]


def test_stretched_draws_cover_what_is_promised():
    rng = np.random.default_rng(1)
    wrong = 2.0 * rng.standard_normal((3000, 3)) * np.array([1, 3, 0.2])
    drawn = 0.7 * rng.standard_normal((6, 3000, 3))
    hidden = np.ones(wrong.shape, dtype=bool)
    labels = rng.integers(0, 2, 3000)
    scale = fit_scale(wrong, drawn, hidden, labels, 2)
    twenty = 0.7 * rng.standard_normal((20, 3000, 3)) * scale[labels]
    inside = (twenty.min(axis=0) <= wrong) & (wrong <= twenty.max(axis=0))
    assert np.abs(inside.mean(axis=0) - 19 / 21).max() < 0.03


def test_a_column_that_no_stretch_fits_moves_no_other():
    rng = np.random.default_rng(1)
    wrong = rng.standard_normal((400, 5))
    drawn = rng.standard_normal((6, 400, 5))
    wrong[:, 0] = np.where(rng.random(400) < 0.5, 1e6, 0.0)
    hidden = np.ones(wrong.shape, dtype=bool)
    scale = fit_scale(wrong, drawn, hidden, np.zeros(400, dtype=np.int64), 1)
    np.testing.assert_allclose(scale[0, 1:], 1.0, rtol=0.3)


@pytest.mark.parametrize("empty", ["draws", "cells", "rows"])
def test_nothing_to_compare_stretches_nothing(empty):
    n_rows = 0 if empty == "rows" else 50
    wrong, drawn = np.ones((n_rows, 2)), np.ones((4, n_rows, 2))
    hidden = np.full((n_rows, 2), empty != "cells")
    if empty == "draws":
        drawn = drawn * 0
    scale = fit_scale(wrong, drawn, hidden, np.zeros(n_rows, dtype=np.int64), 1)
    np.testing.assert_allclose(scale, 1.0)
