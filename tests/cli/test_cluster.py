"""Clusters through the command line."""

import io
import json
import sys

import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main


@pytest.mark.parametrize("method", ["kmeans", "em"])
def test_clusters_stand_behind_the_rows(trained, samples, tmp_path, method):
    out, told = tmp_path / "o.csv", tmp_path / "s.json"
    argv = ["cluster", trained / "pooled.cbvae", samples / "defects.csv", "-o", out]
    more = ["--method", method, "-k", "3", "--beta", "2", f"--json={told}", "--quiet"]
    assert main([*map(str, argv), *more]) == 0
    place = csv.read_csv(out)["cbvae_cluster"].to_pylist()
    assert set(place) == {0, 1, 2}
    summary = json.loads(told.read_text())
    assert (summary["verb"], summary["method"]) == ("cluster", method)
    assert (summary["clusters"], summary["beta"]) == (3, 2.0)
    assert 0 <= summary["v_measure"] <= 1
    assert [each["rows"] for each in summary["sizes"]] == [
        place.count(n) for n in range(3)
    ]


def test_standard_input_is_read_twice(trained, samples, tmp_path, monkeypatch, capsys):
    text = (samples / "defects_new.csv").read_bytes()
    given = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", given)
    argv = ["cluster", trained / "defects.cbvae", "-", "-k", "2", "--only", "--quiet"]
    assert main([*map(str, argv)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "cbvae_cluster"
    assert len(rows) == 200


def test_the_words_say_what_was_found(trained, samples, tmp_path, capsys):
    argv = ["cluster", trained / "defects.cbvae", samples / "defects.csv"]
    assert main([*map(str, argv), "-o", str(tmp_path / "o.csv")]) == 0
    told = capsys.readouterr().err
    assert "have the best V of 9 tried: a V that labels chose flatters" in told
    assert "homogeneity" in told


def test_clusters_without_labels_are_listed_without_classes(
    trained, samples, tmp_path, capsys
):
    argv = ["cluster", trained / "defects.cbvae", samples / "defects_new.csv"]
    assert main([*map(str, argv), "-k", "2", "-o", str(tmp_path / "o.csv")]) == 0
    told = capsys.readouterr().err
    assert "rows" in told
    assert "class" not in told
    assert "homogeneity" not in told


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["-k", "500"], 3, "500 clusters are more than the 200 rows to be in them"),
        ([], 2, "without labels of two classes nothing says how many clusters"),
        (["-k", "0"], 2, "-k / --clusters takes a whole number of 1 or"),
        (["--method", "ward"], 2, "ward"),
    ],
)
def test_what_cannot_be_clustered_is_refused(
    trained, samples, tmp_path, capsys, flags, code, says
):
    out = tmp_path / "o.csv"
    argv = ["cluster", trained / "defects.cbvae", samples / "defects_new.csv"]
    assert main([*map(str, argv), *flags, "-o", str(out)]) == code
    assert says in capsys.readouterr().err
    assert not out.exists()
