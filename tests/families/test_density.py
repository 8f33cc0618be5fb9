"""The density of hidden cells given those that are shown, for every family."""

from __future__ import annotations

import numpy as np
import torch

from cbvae_cli.calibration.cells import cell_log_density, expected_cells, usual_cells
from cbvae_cli.evidence import take
from cbvae_cli.table.matrix import Encoded

WORDS = ("boolean", "categorical")


def kinds_of(fitted):
    return [kind.name for kind in fitted.model.layout.kinds]


def density(fitted, encoded, column, place=0):
    columns = np.full(len(encoded.matrix), column)
    return cell_log_density(fitted.model.family, encoded, columns, place)


def test_missing_cells_have_no_density(fitted):
    encoded = fitted.encoded
    for column in range(encoded.observed.shape[1]):
        found = density(fitted, encoded, column)
        missing = ~encoded.observed[:, column]
        assert missing.any()
        assert (found[missing] == 0).all()
        assert (found[~missing] != 0).all()
        assert np.isfinite(found).all()


def test_chances_of_all_words_of_a_column_sum_to_one(fitted):
    layout, family = fitted.model.layout, fitted.model.family
    # The paper's squared error is no density.
    for column in [
        at
        for at, likelihood in enumerate(layout.likelihoods)
        if likelihood in ("bernoulli", "categorical")
    ]:
        some = take(fitted.encoded, np.arange(12))
        block = layout.blocks[column]
        width = layout.kinds[column].width
        words = np.eye(width) if width > 1 else np.array([[0.0], [1.0]])
        total = 0.0
        for word in words:
            matrix, observed = some.matrix.copy(), some.observed.copy()
            matrix[:, block], observed[:, column] = word, True
            rows = Encoded(matrix, observed, some.novel)
            hidden = torch.zeros(1, len(matrix), observed.shape[1], dtype=torch.bool)
            at = int(np.flatnonzero(family.cell_order.numpy() == column)[0])
            hidden[..., at] = True
            # Member by member: a mean of logs over several sums to less.
            found = family.density(family.rows(rows), hidden, 1)
            total = total + np.exp(found.numpy())
        assert total.shape == (12, family.n_members)
        np.testing.assert_allclose(total, 1.0, rtol=1e-4)


def test_the_value_of_a_hidden_cell_does_not_move_what_is_expected_in_it(fitted):
    encoded, layout = fitted.encoded, fitted.model.layout
    for column, block in enumerate(layout.blocks):
        matrix = encoded.matrix.copy()
        matrix[:, block] = 0.25
        garbled = Encoded(matrix, encoded.observed, encoded.novel)
        columns = np.full(len(matrix), column)
        family = fitted.model.family
        np.testing.assert_array_equal(
            expected_cells(family, encoded, columns, 2),
            expected_cells(family, garbled, columns, 2),
        )


def test_expected_values_are_values_of_the_column(fitted):
    encoded, layout = fitted.encoded, fitted.model.layout
    some = take(encoded, np.arange(40))
    for column, kind in enumerate(layout.kinds):
        columns = np.full(40, column)
        found = expected_cells(fitted.model.family, some, columns, 0)
        seen = fitted.table.values[:, column]
        assert found.min() >= np.nanmin(seen)
        assert found.max() <= np.nanmax(seen)
        if kind.name in WORDS:
            assert set(found) <= set(seen[~np.isnan(seen)])


def test_columns_may_differ_row_by_row(fitted):
    some = take(fitted.encoded, np.arange(6))
    family = fitted.model.family
    together = cell_log_density(family, some, np.arange(6), 0)
    alone = [density(fitted, some, column)[column] for column in range(6)]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_usual_cells_are_medians_of_seen_ones(fitted):
    family, encoded = fitted.model.family, fitted.encoded
    own = take(encoded, np.flatnonzero(fitted.table.labels == 0))
    nobody = np.zeros(len(own.matrix), dtype=int)
    usual = usual_cells(family, own, nobody, 0, 10_000, np.random.default_rng(0))
    alone = family.member(0)
    for column in range(own.observed.shape[1]):
        columns = np.full(len(own.matrix), column)
        found = cell_log_density(alone, own, columns, 0)[own.observed[:, column]]
        np.testing.assert_allclose(usual[column], np.median(found), rtol=1e-4)


def test_a_column_without_cells_has_nothing_usual(fitted):
    some = take(fitted.encoded, np.arange(20))
    blank = Encoded(some.matrix, np.zeros_like(some.observed), some.novel)
    nobody = np.zeros(20, dtype=int)
    rng = np.random.default_rng(0)
    assert not usual_cells(fitted.model.family, blank, nobody, 0, 5, rng).any()
