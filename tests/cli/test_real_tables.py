"""All verbs on public tables, mixed and gappy, one with a class of two rows."""

import json
from pathlib import Path

import pytest
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main

TABLES = {
    "sick.parquet": "Class",
    "page-blocks.csv": "class",
    "stroke.parquet": "stroke",
    "hypothyroid.parquet": "Class",
}

pytestmark = pytest.mark.slow


def read(path):
    path = Path(path)
    return csv.read_csv(path) if path.suffix == ".csv" else parquet.read_table(path)


@pytest.mark.parametrize("name", TABLES)
def test_all_verbs_run_through(bench_data, tmp_path, name):
    label, rows, ending = TABLES[name], str(bench_data / name), Path(name).suffix
    bundle = str(tmp_path / "m.cbvae")
    argv = ["train", rows, "--label", label, "--epochs", "2", "--hidden", "32"]
    summary = tmp_path / "s.json"
    assert main([*argv, "--quiet", "-o", bundle, f"--json={summary}"]) == 0
    told = json.loads(summary.read_text())
    table = read(rows)
    assert sum(told["classes"].values()) == told["rows"] == table.num_rows
    for verb in ("classify", "impute", "score"):
        out = tmp_path / f"{verb}{ending}"
        assert main([verb, bundle, rows, "-o", str(out), "--quiet"]) == 0
        answer = read(out)
        assert answer.num_rows == table.num_rows
        assert answer.column_names[: table.num_columns] == table.column_names
        if verb != "impute":
            assert answer.select(table.column_names).equals(table)
    filled = read(tmp_path / f"impute{ending}")
    roles = {column["name"]: column["role"] for column in told["columns"]}
    for column, role in roles.items():
        seen = table[column].is_valid()
        assert filled[column].filter(seen).equals(table[column].filter(seen))
        if role in ("modelled", "constant"):
            assert filled[column].null_count == 0
    made = tmp_path / f"augment{ending}"
    argv = ["augment", bundle, "-n", "30", "--class", told["positive"], "--quiet"]
    assert main([*argv, "-o", str(made)]) == 0
    assert {str(cell) for cell in read(made)[label].to_pylist()} == {told["positive"]}
