"""Splits on which models are compared."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.scale import fit_standard
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.halves import outside_rows, split_of
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

CELLS = st.sampled_from([0.0, -0.0, 1.0, 2.0, np.nan])


@given(
    values=arrays(float, (40, 2), elements=CELLS),
    labels=arrays(np.int64, 40, elements=st.integers(0, 4)),
    seed=st.integers(0, 3),
)
def test_equal_rows_are_on_one_side_and_every_class_has_rows_to_train_on(
    values, labels, seed
):
    outside = outside_rows(values, labels, seed)
    rows = [tuple(np.nan_to_num(row, nan=9) + 0.0) for row in values]
    tested = {row for row, out in zip(rows, outside, strict=True) if out}
    trained = {row for row, out in zip(rows, outside, strict=True) if not out}
    assert not tested & trained
    assert set(labels[~outside]) == set(labels)
    np.testing.assert_array_equal(outside, outside_rows(values, labels, seed))


def test_three_tenths_of_each_class_test_and_seeds_differ():
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(1000, 3)), np.arange(1000) % 10 // 9
    outside = outside_rows(values, labels, 0)
    assert outside[labels == 0].sum() == 270
    assert outside[labels == 1].sum() == 30
    assert (outside != outside_rows(values, labels, 1)).any()


@pytest.fixture
def read(tmp_path):
    """Give a function that reads columns as a training table."""

    def table(**columns):
        path = tmp_path / "rows.parquet"
        pq.write_table(pa.table(columns), path)
        with open_source(str(path), ReadOptions(), reread=True) as source:
            schema, _ = find_schema(source, Columns("y"))
            return read_table(source, schema, fit_standard, thinning_for(schema, None))

    return table


def test_a_column_that_varies_in_test_rows_alone_is_left_out(read):
    rng = np.random.default_rng(0)
    labels = ["a", "b"] * 50
    plain = read(x=rng.normal(size=100), odd=rng.normal(size=100), y=labels)
    outside = outside_rows(plain.values, plain.labels, 0)
    # Which rows test hangs on all cells, so the odd ones are put in afterwards.
    plain.values[:, 1] = np.where(outside, plain.values[:, 1], np.nan)
    odd = [s for s in range(40) if not np.isnan(_train_side(plain, s)).all()]
    kept = [len(split_of(plain, seed).schema.modelled) for seed in range(40)]
    assert [seed for seed in range(40) if kept[seed] == 2] == odd
    split = split_of(plain, 0)
    assert split.train.shape[1] == split.test.shape[1] == len(split.schema.modelled)
    assert sum(split.schema.label.counts) == len(split.train)


def _train_side(table, seed):
    return table.values[~outside_rows(table.values, table.labels, seed), 1]


def test_nothing_to_learn_from_is_refused(read):
    rng = np.random.default_rng(0)
    table = read(x=rng.normal(size=20), y=["a", "b"] * 10)
    table.values[:] = np.nan
    with pytest.raises(DataProblem, match="no column varies"):
        split_of(table, 0)
