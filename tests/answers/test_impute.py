"""Filling cells through `answers.impute`, for all families."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from cbvae_cli.answers.impute import Impute
from cbvae_cli.answers.wanted import PLAIN, Wanted
from cbvae_cli.bundle.model import open_model
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")
TABLES = {"payments": "payments", "defects": "defects", "pooled": "defects",
          "paper": "defects"}  # fmt: skip


@pytest.fixture(scope="module", params=TABLES)
def named(request, trained):
    """A model and the name of the table it learnt from."""
    path = trained / f"{request.param}.cbvae"
    return open_model(str(path), CPU), TABLES[request.param]


def answer(model, path, *, given_class=None, hidden=(), batch_rows=16384, wanted=PLAIN):
    asked = {"given_class": given_class, "hidden": hidden, "wanted": wanted}
    with open_source(str(path), ReadOptions(batch_rows=batch_rows)) as source:
        impute = Impute(model, source, **asked)
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


# Draws, deviations and labels.


def test_draws_are_numbered_rows_with_seen_cells_left_alone(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    before = read(path)
    after, summary = answer(model, path, wanted=Wanted(draws=3))
    assert len(after) == 3 * len(before)
    assert after["cbvae_draw"].to_pylist() == [1, 2, 3] * len(before)
    assert summary["draws"] == 3
    modelled = {column.name for column in model.schema.modelled}
    varied = 0
    for name in before.column_names:
        old, new = before[name].to_pylist(), after[name].to_pylist()
        for row, cell in enumerate(old):
            drawn = new[3 * row : 3 * row + 3]
            if cell or name not in modelled:
                assert drawn == [cell] * 3
            else:
                assert all(drawn)
                varied += len(set(drawn)) > 1
    assert varied


def test_draws_do_not_depend_on_batches_but_on_the_seed(named, samples):
    model, table = named
    path, wanted = samples / f"{table}_new.csv", Wanted(draws=2)
    whole, _ = answer(model, path, wanted=wanted)
    parts, _ = answer(model, path, wanted=wanted, batch_rows=37)
    assert parts.equals(whole)
    other, _ = answer(model, path, wanted=Wanted(draws=2, seed=1))
    assert not other.equals(whole)


def test_drawn_cells_are_values_of_their_columns(named, samples):
    model, table = named
    after, _ = answer(model, samples / f"{table}_new.csv", wanted=Wanted(draws=2))
    for column in model.schema.modelled:
        cells = after[column.name].combine_chunks()
        missing = np.zeros(len(cells), dtype=bool)
        values = column.kind.parse(cells, missing)
        assert not np.isnan(values).any()
        low, high = (
            getattr(column.kind, "low", None),
            getattr(column.kind, "high", None),
        )
        if low is not None:
            fresh = read(samples / f"{table}_new.csv")[column.name].to_pylist()
            filled = np.repeat([not cell for cell in fresh], 2)
            assert ((values[filled] >= low) & (values[filled] <= high)).all()


def test_deviations_stand_beside_filled_cells_alone(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    before = read(path)
    after, _ = answer(model, path, wanted=Wanted(deviations=True, prefix="x_"))
    plain, _ = answer(model, path)
    assert after.select(before.column_names).equals(plain)
    above = 0
    for column in model.schema.modelled:
        pairs = zip(
            before[column.name].to_pylist(),
            after[f"x_sd_{column.name}"].to_pylist(),
            strict=True,
        )
        for cell, deviation in pairs:
            if cell:
                assert deviation is None
            else:
                assert deviation >= 0
                above += deviation > 0
    assert above


def test_labels_are_filled_where_they_are_missing(named, samples, tmp_path):
    model, table = named
    label = model.schema.label
    lines = (samples / f"{table}.csv").read_text("utf-8").splitlines()[:60]
    at = lines[0].split(",").index(label.name)
    kept = [lines[0]]
    for number, line in enumerate(lines[1:]):
        cells = line.split(",")
        kept.append(
            line if number % 2 else ",".join([*cells[:at], "", *cells[at + 1 :]])
        )
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(kept) + "\n", "utf-8")
    before = read(path)[label.name].to_pylist()
    after, summary = answer(model, path, wanted=Wanted(labels=True))
    found = after[label.name].to_pylist()
    assert set(found) <= set(label.classes)
    assert [b for b, a in zip(before, found, strict=True) if b and a != b] == []
    assert summary["labelled"] == sum(not cell for cell in before) > 0


def test_a_label_column_that_is_not_there_cannot_be_filled(named, samples):
    model, table = named
    path = samples / f"{table}_new.csv"
    assert model.schema.label.name not in read(path).column_names
    with pytest.raises(DataProblem, match="no label column"):
        answer(model, path, wanted=Wanted(labels=True))


def test_a_column_that_is_there_already_is_not_doubled(named, samples, tmp_path):
    model, table = named
    text = (samples / f"{table}_new.csv").read_text("utf-8").splitlines()[:5]
    path = tmp_path / "rows.csv"
    rows = [text[0] + ",cbvae_draw", *(line + ",1" for line in text[1:])]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    with pytest.raises(DataProblem, match="'cbvae_draw' already"):
        answer(model, path, wanted=Wanted(draws=2))
