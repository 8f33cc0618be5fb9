"""Latent coordinates through the command line."""

import json

import numpy as np
import pytest
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main


def run(*argv):
    assert main([*map(str, argv), "--quiet"]) == 0


def test_coordinates_stand_behind_the_rows(trained, samples, tmp_path):
    out, told = tmp_path / "o.csv", tmp_path / "s.json"
    rows = samples / "defects.csv"
    run("embed", trained / "defects.cbvae", rows, "-o", out, f"--json={told}")
    found, given = csv.read_csv(out), csv.read_csv(rows)
    axes = [f"cbvae_z{axis}" for axis in range(8)]
    assert found.column_names == [*given.column_names, *axes, "cbvae_class"]
    assert found["cbvae_class"].to_pylist() == given["outcome"].to_pylist()
    assert np.isfinite(found["cbvae_z0"].to_numpy()).all()
    summary = json.loads(told.read_text())
    assert summary["verb"] == "embed"
    assert (summary["rows"], summary["latent"]) == (given.num_rows, 8)
    assert summary["shared_space"] is False


def test_shifted_columns_keep_the_types_of_their_own(trained, samples, tmp_path):
    rows = csv.read_csv(samples / "defects_new.csv")
    parquet.write_table(rows, tmp_path / "rows.parquet")
    out = tmp_path / "o.parquet"
    argv = ["embed", trained / "defects.cbvae", tmp_path / "rows.parquet", "-o", out]
    run(*argv, "--shift", "ok:warp", "--only", "--prefix", "l_")
    found = parquet.read_table(out)
    assert set(found["l_class"].to_pylist()) == {"warp"}
    for name in ("temperature_c", "tool_uses", "material"):
        column = f"l_shifted_{name}"
        assert found.schema.field(column).type == rows.schema.field(name).type
        assert found[column].null_count == 0


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("ok:melted", "a class that the bundle does not have: 'melted'"),
        ("material=steel:material=gold", "does not know where rows with"),
        ("nonsense", "cannot read --shift 'nonsense'"),
    ],
)
def test_an_unknown_step_is_refused(trained, samples, tmp_path, capsys, said, says):
    out = tmp_path / "o.csv"
    argv = ["embed", trained / "defects.cbvae", samples / "defects.csv", "-o", out]
    assert main([*map(str, argv), "--shift", said]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("error:") == 1
    assert not out.exists()


def likeliest_of_shifted(bundle, found, folder):
    start = "cbvae_shifted_"
    names = [name for name in found.column_names if name.startswith(start)]
    plain = found.select(names).rename_columns([n.removeprefix(start) for n in names])
    csv.write_csv(plain, folder / "shifted.csv")
    run("classify", bundle, folder / "shifted.csv", "-o", folder / "c.csv")
    named = csv.read_csv(folder / "c.csv")
    classes = ["crack", "ok", "warp"]
    shares = np.stack([named[f"cbvae_p_{name}"].to_numpy() for name in classes])
    return np.array(classes)[shares.argmax(axis=0)]


@pytest.mark.parametrize(
    ("said", "column", "own"),
    [
        ("ok:warp", None, ("outcome", "ok", "warp")),
        ("material=steel:material=brass", "material", ("material", "steel", "brass")),
    ],
)
def test_how_many_rows_arrive_is_told(
    trained, samples, tmp_path, capsys, said, column, own
):
    out, told = tmp_path / "o.csv", tmp_path / "s.json"
    argv = ["embed", trained / "defects.cbvae", samples / "defects.csv", "-o", out]
    assert main([*map(str, argv), "--shift", said, f"--json={told}"]) == 0
    words = capsys.readouterr().err
    arrival = json.loads(told.read_text())["arrival"]
    found = csv.read_csv(out)
    name, start, end = own
    holds = np.array(found[name].to_pylist()) == start
    assert (arrival["column"], arrival["rows"]) == (column, holds.sum())
    assert arrival["rows_arrived"] <= min(arrival["rows"], arrival["all_arrived"])
    if column is None:
        there = likeliest_of_shifted(trained / "defects.cbvae", found, tmp_path) == end
    else:
        there = np.array(found[f"cbvae_shifted_{name}"].to_pylist()) == end
    # Cells are rounded to their columns' digits before they are classified here.
    counts = (there & holds).sum(), there.sum()
    told_counts = arrival["rows_arrived"], arrival["all_arrived"]
    assert told_counts == pytest.approx(counts, abs=5)
    little = arrival["rows_arrived"] < 0.1 * arrival["rows"]
    assert ("the latent space holds little" in words) is little
    assert f"{holds.sum():,} rows " in words
    assert f"{arrival['rows_arrived']:,} of them" in words
    plain = tmp_path / "t.json"
    run("embed", *argv[1:3], "-o", out, "--force", f"--json={plain}")
    assert json.loads(plain.read_text())["arrival"] is None
