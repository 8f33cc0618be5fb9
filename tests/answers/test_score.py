"""Scoring rows through `answers.score`, for all families."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.stats import spearmanr

from cbvae_cli.answers.score import Score
from cbvae_cli.answers.strangely import MISLABEL, Strangely
from cbvae_cli.bundle.model import describe, open_model, restore
from cbvae_cli.calibration.strangeness import JUDGED, LOOKS
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")
METHODS = [method for method in JUDGED if method not in LOOKS]
TABLES = {"payments": "payments", "defects": "defects", "pooled": "defects",
          "paper": "defects"}  # fmt: skip


@pytest.fixture(scope="module", params=TABLES)
def named(request, trained):
    """A model and the name of the table it learnt from."""
    path = trained / f"{request.param}.cbvae"
    return open_model(str(path), CPU), TABLES[request.param]


@pytest.fixture(scope="module")
def defects(trained):
    return open_model(str(trained / "defects.cbvae"), CPU)


def answer(model, path, asked, *, batch_rows=16384):
    with open_source(str(path), ReadOptions(batch_rows=batch_rows)) as source:
        score = Score(model, source, asked, prefix="", only=False)
        rows = [score.answer(batch) for batch in source.batches()]
    return pa.Table.from_batches(rows, score.schema()), score


def edited(path, target, change):
    """Copy a table of text with some of its lines changed."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[:60]]
    for number, row in enumerate(rows):
        change(number, row)
    text = [header, *(",".join(row.values()) for row in rows)]
    target.write_text("\n".join(text) + "\n", encoding="utf-8")
    return target


@pytest.fixture
def plain(samples, tmp_path):
    """Give rows of the defects table that hold no comma and no gap."""

    def change(number, row):
        row["supplier"] = "Vega"
        row["tool_uses"] = row["tool_uses"] or "300"

    lines = (samples / "defects.csv").read_text(encoding="utf-8").splitlines()
    whole = [line for line in lines if '"' not in line and ",," not in line]
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(whole) + "\n", encoding="utf-8")
    return edited(bare, tmp_path / "plain.csv", change)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_the_same_whatever_the_batches(named, samples, method):
    model, table = named
    path = samples / f"{table}_new.csv"
    asked = Strangely(method)
    whole, _ = answer(model, path, asked)
    parts, _ = answer(model, path, asked, batch_rows=23)
    scores = whole["score"].to_numpy()
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(parts["score"].to_numpy(), scores, atol=1e-5)
    assert parts["class"].to_pylist() == whole["class"].to_pylist()
    p = whole["pvalue"].to_numpy()
    assert ((p > 0) & (p <= 1)).all()
    assert spearmanr(scores, p).statistic < -0.95


def test_a_bundle_scores_as_the_model_that_was_written(named, samples):
    model, table = named
    again = restore(*describe(model), CPU)
    path = samples / f"{table}_new.csv"
    asked = Strangely("combined", cells=True)
    first, second = (answer(m, path, asked)[0] for m in (model, again))
    assert first.equals(second)


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_another_class_are_strange_for_one(defects, samples, method):
    path = samples / "defects.csv"
    found, score = answer(defects, path, Strangely(method, against="ok"))
    assert set(found["class"].to_pylist()) == {"ok"}
    labels = np.array(found["outcome"].to_pylist())
    scores, p = found["score"].to_numpy(), found["pvalue"].to_numpy()
    assert np.median(scores[labels == "crack"]) > np.median(scores[labels == "ok"])
    assert 0.3 < p[labels == "ok"].mean() < 0.7
    assert score.summary()["against"] == "ok"


def test_a_spoiled_cell_is_the_least_likely_of_its_row(defects, plain, tmp_path):
    def spoil(number, row):
        if number < 30:
            row["temperature_c"] = "290.0"

    spoiled = edited(plain, tmp_path / "spoiled.csv", spoil)
    asked = Strangely("combined", against="ok", cells=True, repair=True)
    found, _ = answer(defects, spoiled, asked)
    names = [column.name for column in defects.schema.modelled]
    nats = np.stack([found[f"cell_{name}"].to_numpy() for name in names], axis=1)
    worst = np.array(names)[nats.argmax(axis=1)]
    assert (worst[:30] == "temperature_c").mean() > 0.9
    assert (worst[30:] == "temperature_c").mean() < 0.5
    assert abs(np.median(nats[30:])) < 1
    expected = np.array(found["repair_temperature_c"].to_pylist(), dtype=float)
    assert (expected < 250).all()


def test_missing_cells_stay_empty_and_words_never_seen_are_rare(
    defects, plain, tmp_path
):
    def change(number, row):
        if number == 0:
            row["pressure_bar"] = ""
        if number == 1:
            row["material"] = "unobtainium"

    path = edited(plain, tmp_path / "gaps.csv", change)
    found, _ = answer(defects, path, Strangely("combined", cells=True, repair=True))
    pressure = found["cell_pressure_bar"].to_pylist()
    assert pressure[0] is None
    assert None not in pressure[1:]
    material = found["cell_material"].to_pylist()
    assert material[1] > max(material[:1] + material[2:])
    for column in defects.schema.modelled:
        assert found[f"repair_{column.name}"].null_count == 0


def test_repairs_are_in_the_format_of_their_column(defects, plain):
    found, _ = answer(defects, plain, Strangely("combined", repair=True))
    for name, digits in (("temperature_c", 1), ("coolant_l_min", 2), ("tool_uses", 0)):
        for text in found[f"repair_{name}"].to_pylist():
            _, _, behind = text.partition(".")
            assert len(behind) == digits
    assert set(found["repair_material"].to_pylist()) <= {"steel", "aluminium", "brass"}


def test_cells_of_a_row_do_not_hang_on_other_rows(defects, samples):
    path = samples / "defects_new.csv"
    asked = Strangely("combined", cells=True, repair=True)
    whole, _ = answer(defects, path, asked)
    parts, _ = answer(defects, path, asked, batch_rows=17)
    for name in whole.column_names:
        if name.startswith("cell_"):
            one, other = (t[name].to_pandas().to_numpy() for t in (whole, parts))
            np.testing.assert_allclose(one, other, atol=1e-4)
        if name.startswith("repair_"):
            assert whole[name].to_pylist() == parts[name].to_pylist()


def test_wrong_labels_score_higher_than_right_ones(defects, plain, tmp_path):
    def change(number, row):
        if number < 20:
            row["outcome"] = "warp" if row["outcome"] != "warp" else "ok"
        if number == 20:
            row["outcome"] = ""

    path = edited(plain, tmp_path / "wrong.csv", change)
    found, score = answer(defects, path, Strangely(MISLABEL))
    scores = found["score"].to_numpy()
    assert np.median(scores[:20]) > np.nanmax(scores[21:])
    assert np.median(found["pvalue"].to_numpy()[:20]) < 0.06
    assert (found["score"][20].as_py(), found["pvalue"][20].as_py()) == (None, None)
    assert found["class"].null_count == 0
    assert score.summary()["rows"] == 60


def test_mislabel_needs_labels_and_classes(defects, samples, tmp_path, learn):
    with pytest.raises(DataProblem, match="no label column 'outcome'"):
        answer(defects, samples / "defects_new.csv", Strangely(MISLABEL))
    with pytest.raises(UsageProblem, match="by its own label"):
        answer(defects, samples / "defects.csv", Strangely(MISLABEL, against="ok"))


def test_a_foreign_label_is_refused_where_it_stands(defects, plain, tmp_path):
    def change(number, row):
        if number == 7:
            row["outcome"] = "melted"

    path = edited(plain, tmp_path / "foreign.csv", change)
    with pytest.raises(DataProblem) as caught:
        answer(defects, path, Strangely(MISLABEL))
    assert "line 9: 'melted'" in str(caught.value)


def test_an_unknown_class_is_refused(defects, samples):
    with pytest.raises(UsageProblem, match="no class 'melted'"):
        answer(defects, samples / "defects.csv", Strangely("error", against="melted"))


def test_a_check_that_no_row_could_fail_is_refused(defects, samples):
    with pytest.raises(DataProblem, match="no row could fail --fail-on 1e-06"):
        answer(defects, samples / "defects.csv", Strangely("error", fail_on=1e-6))


def test_survivors_are_counted_over_all_batches(defects, plain, tmp_path):
    def spoil(number, row):
        if number < 12:
            row.update(temperature_c="290.0", pressure_bar="90.0", cycle_s="400.0")

    path = edited(plain, tmp_path / "spoiled.csv", spoil)
    asked = Strangely("combined", fail_on=0.1)
    whole, score = answer(defects, path, asked)
    _, parts = answer(defects, path, asked, batch_rows=7)
    assert score.survivors() == parts.survivors() >= 10
    told = score.summary()
    assert (told["tested"], told["survivors"]) == (60, score.survivors())
    clean = edited(path, tmp_path / "clean.csv", lambda number, row: row)
    assert answer(defects, clean, Strangely("combined"))[1].survivors() == 0
    assert whole["pvalue"].null_count == 0
