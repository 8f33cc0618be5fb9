"""Filling cells through `answers.impute`, for all families."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch

from cbvae_cli.answers.impute import Impute
from cbvae_cli.bundle.model import open_model
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")
TABLES = {"payments": "payments", "defects": "defects", "pooled": "defects",
          "paper": "defects"}  # fmt: skip


@pytest.fixture(scope="module", params=TABLES)
def named(request, trained):
    """A model and the name of the table it learnt from."""
    path = trained / f"{request.param}.cbvae"
    return open_model(str(path), CPU), TABLES[request.param]


def answer(model, path, *, given_class=None, hidden=(), batch_rows=16384):
    with open_source(str(path), ReadOptions(batch_rows=batch_rows)) as source:
        impute = Impute(model, source, given_class=given_class, hidden=hidden)
        filled = [impute.answer(batch) for batch in source.batches()]
    return pa.Table.from_batches(filled).combine_chunks(), impute.summary()


def read(path):
    with open_source(str(path), ReadOptions()) as source:
        batches = [batch.rows for batch in source.batches()]
        return pa.Table.from_batches(batches, source.schema)


def test_seen_cells_are_left_alone_and_missing_ones_are_filled(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    before = read(path)
    after, summary = answer(model, path)
    assert after.schema == before.schema
    modelled = {column.name for column in model.schema.modelled}
    filled = 0
    for name in before.column_names:
        pairs = zip(before[name].to_pylist(), after[name].to_pylist(), strict=True)
        for old, new in pairs:
            if old or name not in modelled:
                assert new == old
            else:
                assert new
                filled += 1
    assert filled == summary["filled"] > 0


def test_filled_cells_are_values_of_their_columns(named, samples):
    model, table = named
    after, _ = answer(model, samples / f"{table}_new.csv")
    for column in model.schema.modelled:
        cells = after[column.name].combine_chunks()
        values = column.kind.parse(cells, cells.is_null().to_numpy(False))
        if hasattr(column.kind, "names"):
            assert (values < len(column.kind.names) + column.kind.rare).all()


def test_the_class_given_decides(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    one, other = (answer(model, path, given_class=c)[0] for c in model.classes[:2])
    assert one != other


def test_rows_are_filled_alike_in_batches_of_any_size(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    assert answer(model, path)[0] == answer(model, path, batch_rows=97)[0]


def test_labels_are_used_where_they_stand(named, samples, tmp_path):
    model, table = named
    first = (samples / f"{table}.csv").read_text(encoding="utf-8").splitlines()[:300]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(first) + "\n", encoding="utf-8")
    label = model.schema.label.name
    with_labels, _ = answer(model, path)
    without, _ = answer(model, path, hidden=[label])
    assert with_labels != without
    labels = read(path)[label].to_pylist()
    by_class, _ = answer(model, path, given_class=labels[0])
    rows = [row for row, name in enumerate(labels) if name == labels[0]]
    assert by_class.take(rows) == with_labels.take(rows)


def test_a_hidden_column_is_filled_throughout(named, samples):
    model, table = named
    name = model.schema.modelled[0].name
    path = samples / f"{table}_new.csv"
    after, summary = answer(model, path, hidden=[name])
    assert summary["columns"][name] == after.num_rows
    again, _ = answer(model, path, hidden=[name])
    assert after == again
