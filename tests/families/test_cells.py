"""Cells side by side: nothing is lost on the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.bundle.model import open_model
from cbvae_cli.families.cells import FAR, Cells, fit_cells, plain_cells
from cbvae_cli.table.kind import NOVEL

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["payments", "defects"])
def known(request, trained):
    """A layout and values that it can hold."""
    model = open_model(str(trained / f"{request.param}.cbvae"), CPU)
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((60, model.layout.width)).astype(np.float32)
    expected = model.layout.expected(matrix, np.zeros_like(matrix))
    return model.layout, expected, model.layout.settle(expected)


def test_join_and_part_undo_each_other(known):
    layout, expected, values = known
    for cells in (fit_cells(layout.kinds, values), plain_cells(layout.kinds)):
        again = cells.part(cells.join(expected))
        for given, found in zip(expected, again, strict=True):
            np.testing.assert_allclose(found, given, rtol=1e-6, atol=1e-6)


def test_the_networks_scale_and_back_undo_each_other(known):
    layout, expected, values = known
    for cells in (fit_cells(layout.kinds, values), plain_cells(layout.kinds)):
        flat = cells.join(expected)
        again = cells.from_units(cells.to_units(flat))
        width = np.ptp(flat, axis=0) + 1
        np.testing.assert_allclose(again / width, flat / width, atol=1e-5)
        many = cells.to_units(np.stack([flat, flat]))
        np.testing.assert_array_equal(many[1], cells.to_units(flat))


def test_amounts_are_counted_in_deviations(known):
    layout, _, values = known
    cells = fit_cells(layout.kinds, values)
    laid = cells.of(values)[:, cells.amounts]
    assert np.abs(laid).max() <= FAR
    assert np.abs(laid.mean(axis=0)).max() < 0.2
    assert (laid.std(axis=0) <= 1 + 1e-9).all()


def test_a_word_has_one_column_and_an_unheard_one_none(known):
    layout, _, values = known
    cells = fit_cells(layout.kinds, values)
    assert cells.names
    strange = values.copy()
    for place, kind in enumerate(layout.kinds):
        if kind.codes:
            strange[:5, place] = NOVEL
            strange[5:9, place] = np.nan
    laid = cells.of(strange)
    for block in cells.names:
        assert np.isnan(laid[:9, block]).all()
        assert (laid[9:, block].sum(axis=1) == 1).all()


def test_a_column_without_spread_keeps_its_unit(known):
    layout, _, values = known
    flat = np.repeat(values[:1], 10, axis=0)
    cells = fit_cells(layout.kinds, flat)
    assert (cells.spread == 1).all()
    assert np.isfinite(cells.of(flat)[:, cells.amounts]).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("centre", lambda array: array[:-1]),
        ("centre", lambda array: array * np.nan),
        ("spread", lambda array: -array),
        ("spread", lambda array: array.astype(np.float32)),
    ],
)
def test_arrays_that_cannot_be_ours_are_refused(known, name, change):
    layout, _, values = known
    arrays = fit_cells(layout.kinds, values).arrays()
    assert Cells.restore(layout.kinds, arrays).width == len(arrays["centre"])
    with pytest.raises(ValueError, match="cells"):
        Cells.restore(layout.kinds, arrays | {name: change(arrays[name])})
