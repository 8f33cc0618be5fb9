"""Scoring strangeness through the command line."""

import json

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main

METHODS = ("likelihood", "probability", "error")


def answer(bundle, rows, out, *flags):
    argv = ["score", bundle, rows, "-o", out, "--quiet", *flags]
    assert main([str(word) for word in argv]) == 0
    return csv.read_csv(out)


@pytest.fixture
def odd(samples, tmp_path):
    """Give new rows, the first ten of them far from any that were trained on."""
    text = (samples / "defects_new.csv").read_text(encoding="utf-8")
    header, *lines = text.splitlines(keepends=True)
    spoiled = []
    for line in lines[:10]:
        part, machine, material, *_ = line.split(",")
        cells = f"{part},{machine},{material},,999.0,-40.0,50.00,70.00,400.0,90000\n"
        spoiled.append(cells)
    target = tmp_path / "odd.csv"
    target.write_text(header + "".join(spoiled + lines[10:]), encoding="utf-8")
    return target


@pytest.mark.parametrize("method", METHODS)
def test_odd_rows_are_stranger_and_have_small_p_values(trained, odd, tmp_path, method):
    summary = tmp_path / "s.json"
    flags = ["--method", method, f"--json={summary}"]
    found = answer(trained / "defects.cbvae", odd, tmp_path / "o.csv", *flags)
    scores = found["cbvae_score"].to_numpy()
    p_values = found["cbvae_pvalue"].to_numpy()
    assert np.median(scores[:10]) > np.quantile(scores[10:], 0.95)
    assert p_values.min() > 0
    assert p_values.max() <= 1
    assert np.median(p_values[:10]) < 0.05 < np.median(p_values[10:])
    ordered = np.argsort(scores, kind="stable")
    assert (np.diff(p_values[ordered]) <= 1e-12).all()
    assert set(found["cbvae_class"].to_pylist()) <= {"crack", "ok", "warp"}
    told = json.loads(summary.read_text())
    assert (told["method"], told["rows"]) == (method, 200)
    assert told["pvalue_below_0.01"] == (p_values < 0.01).sum()


def test_p_values_of_rows_like_those_of_training_are_even(trained, samples, tmp_path):
    bundle, rows = trained / "defects.cbvae", samples / "defects.csv"
    found = answer(bundle, rows, tmp_path / "o.csv")
    p_values = found["cbvae_pvalue"].to_numpy()
    assert 0.3 < p_values.mean() < 0.7


def test_classes_too_small_for_p_values_are_told(tmp_path, capsys):
    lines = [f"{n},{n * 7 % 5},{'ab'[n % 2]}\n" for n in range(8)]
    (tmp_path / "t.csv").write_text("u,v,y\n" + "".join(lines))
    argv = ["train", f"{tmp_path}/t.csv", "--label", "y", "--epochs", "2"]
    assert main([*argv, "--hidden", "8", "--quiet", "-o", f"{tmp_path}/m.cbvae"]) == 0
    argv = ["score", f"{tmp_path}/m.cbvae", f"{tmp_path}/t.csv"]
    assert main([*argv, "-o", f"{tmp_path}/o.csv"]) == 0
    assert "too small for p-values" in capsys.readouterr().err
    found = csv.read_csv(tmp_path / "o.csv")
    assert found["cbvae_pvalue"].null_count == 8
    assert np.isfinite(found["cbvae_score"].to_numpy()).all()
