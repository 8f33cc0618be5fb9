"""The matrix that networks see."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.likelihoods import LIKELIHOODS
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.matrix import ORDER, Layout, layout_of
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import UNFITTED

NUMBER = Number(UNFITTED, 0.0, 1.0, 2, False, "double")
NAMES = Category(("a", "b", "c"), False, "string")
RARE = Category(("x",), True, "string")
TRUTH = Boolean("no", "yes", "string")
COUNT = Count(0.5, 0.5, 0.0, 9.0, "int64")
kinds = st.lists(
    st.sampled_from([NUMBER, NAMES, RARE, TRUTH, COUNT]), min_size=1, max_size=12
)
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def values_for(columns, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    cells = {
        "numeric": lambda _: np.round(rng.random(n_rows), 2),
        "count": lambda _: rng.integers(0, 10, n_rows).astype(float),
        "boolean": lambda _: rng.integers(0, 2, n_rows).astype(float),
        "categorical": lambda k: rng.integers(0, len(k.names), n_rows).astype(float),
    }
    return np.stack([cells[kind.name](kind) for kind in columns], axis=1)


def test_every_likelihood_has_its_place_in_the_order():
    assert set(ORDER) == set(LIKELIHOODS)


@QUICK
@given(kinds)
def test_blocks_cover_the_matrix_once(columns):
    layout = layout_of(columns, {})
    covered = np.concatenate([np.arange(layout.width)[b] for b in layout.blocks])
    assert sorted(covered) == list(range(layout.width))
    assert [b.stop - b.start for b in layout.blocks] == [k.width for k in columns]
    for cell, block in enumerate(layout.blocks):
        assert (layout.owner[block] == cell).all()


@QUICK
@given(kinds)
def test_spans_follow_each_other_and_hold_one_likelihood_each(columns):
    layout = layout_of(columns, {})
    names = [span.likelihood for span in layout.spans]
    assert names == sorted(set(names), key=ORDER.index)
    assert [span.start for span in layout.spans] == [
        0, *(span.stop for span in layout.spans[:-1])
    ]  # fmt: skip
    assert sorted(cell for span in layout.spans for cell in span.cells) == list(
        range(len(columns))
    )
    for span in layout.spans:
        assert sum(span.widths) == span.stop - span.start
        assert {layout.likelihoods[cell] for cell in span.cells} == {span.likelihood}


@QUICK
@given(kinds, st.integers(0, 99))
def test_values_come_back_from_the_matrix(columns, seed):
    layout = layout_of(columns, {})
    values = values_for(columns, 15, seed)
    matrix = layout.encode(values).matrix
    back = layout.settle(layout.expected(matrix, np.zeros_like(matrix)))
    np.testing.assert_allclose(back, values, atol=1e-9)


@QUICK
@given(kinds, st.integers(0, 99))
def test_hidden_cells_are_nought_and_not_observed(columns, seed):
    layout = layout_of(columns, {})
    values = values_for(columns, 15, seed)
    hidden = np.random.default_rng(seed).random(values.shape) < 0.4
    encoded = layout.encode(np.where(hidden, np.nan, values))
    np.testing.assert_array_equal(encoded.observed, ~hidden)
    assert not encoded.matrix[hidden[:, layout.owner]].any()
    assert not encoded.novel.any()


def test_words_that_training_never_saw_are_made_missing_and_numbers_stay():
    layout = layout_of((NAMES, NUMBER, TRUTH), {})
    values = np.array([[NOVEL, NOVEL, 1.0], [0.0, np.nan, NOVEL]])
    expected = [[np.nan, NOVEL, 1.0], [0.0, np.nan, np.nan]]
    np.testing.assert_array_equal(layout.known(values), expected)
    assert layout.encode(values).novel.tolist() == [1, 1]


def test_a_novel_category_is_hidden_and_counted():
    layout = layout_of((NAMES, NUMBER, NAMES), {})
    values = np.array([[NOVEL, NOVEL, 1.0], [0.0, np.nan, NOVEL], [NOVEL, 0.5, NOVEL]])
    encoded = layout.encode(values)
    # -1 is a number like any other in a numeric column.
    assert encoded.novel.tolist() == [1, 1, 2]
    assert encoded.observed.tolist() == [
        [False, True, True],
        [True, False, False],
        [False, True, False],
    ]


def test_one_likelihood_may_stand_in_for_another():
    layout = layout_of((NAMES, NUMBER), {"categorical": "unit", "gaussian": "unit"})
    assert layout.likelihoods == ("unit", "unit")
    assert [span.widths for span in layout.spans] == [(3, 1)]


def test_a_layout_of_no_columns_has_no_width():
    assert Layout((), ()).width == 0
