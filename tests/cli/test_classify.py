"""Naming classes through the command line."""

import json

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main

RULES = ("likelihood", "probability", "error")  # the likeliest class wins


def answer(bundle, rows, out, *flags):
    argv = ["classify", bundle, rows, "-o", out, "--quiet", *flags]
    assert main([str(word) for word in argv]) == 0
    return csv.read_csv(out)


@pytest.mark.parametrize("name", ["defects", "pooled", "paper"])
@pytest.mark.parametrize("rule", RULES)
def test_the_likeliest_class_is_named(trained, samples, tmp_path, name, rule):
    rows = samples / "defects.csv"
    summary = tmp_path / "s.json"
    flags = ["--rule", rule, f"--json={summary}"]
    bundle = trained / f"{name}.cbvae"
    found = answer(bundle, rows, tmp_path / "o.csv", *flags)
    classes = ["crack", "ok", "warp"]
    shares = np.stack([found[f"cbvae_p_{name}"].to_numpy() for name in classes], axis=1)
    assert np.allclose(shares.sum(axis=1), 1)
    named = [classes[place] for place in shares.argmax(axis=1)]
    assert found["cbvae_label"].to_pylist() == named
    told = json.loads(summary.read_text())
    assert told["rule"] == rule
    assert told["classes"] == {name: named.count(name) for name in classes}
    for name in classes:
        assert (found[f"cbvae_error_{name}"].to_numpy() >= 0).all()


def test_it_does_better_than_chance(trained, samples, tmp_path):
    found = answer(
        trained / "defects.cbvae", samples / "defects.csv", tmp_path / "o.csv"
    )
    outcome = found["outcome"].to_numpy()
    for name in ("crack", "ok", "warp"):
        share = found[f"cbvae_p_{name}"].to_numpy()
        assert share[outcome == name].mean() > share[outcome != name].mean()


def test_the_label_of_a_row_is_not_looked_at(trained, samples, tmp_path):
    bundle = trained / "defects.cbvae"
    text = (samples / "defects.csv").read_text(encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_text(text.replace(",crack\n", ",unheard-of\n"), encoding="utf-8")
    one = answer(bundle, samples / "defects.csv", tmp_path / "one.csv")
    two = answer(bundle, other, tmp_path / "two.csv")
    for name in one.column_names:
        assert name == "outcome" or one[name].equals(two[name])


def test_columns_with_values_that_training_never_saw_are_named(
    trained, samples, tmp_path, capsys
):
    rows = tmp_path / "rows.csv"
    text = (samples / "defects.csv").read_text(encoding="utf-8")
    rows.write_text(text.replace(",steel,", ",tin,", 3), encoding="utf-8")
    for verb in ("classify", "score"):
        argv = [verb, str(trained / "defects.cbvae"), str(rows), "--batch-rows", "100"]
        assert main([*argv, "-o", f"{tmp_path}/{verb}.csv", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["novel"] == {"material": {"cells": 3, "first": "tin"}}
        assert told["warnings"] == [
            "column 'material': 3 cells hold values never seen in training (e.g. "
            "'tin'); they count as missing"
        ]


def test_a_category_that_training_never_saw_is_taken(trained, samples, tmp_path):
    text = (samples / "defects_new.csv").read_text(encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_text(text.replace(",steel,", ",unobtainium,"), encoding="utf-8")
    found = answer(trained / "defects.cbvae", other, tmp_path / "o.csv")
    assert "unobtainium" in found["material"].to_pylist()
    assert np.isfinite(found["cbvae_p_ok"].to_numpy()).all()
