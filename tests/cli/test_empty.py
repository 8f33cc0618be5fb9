"""Tables of columns and no rows: an ordinary batch of a pipeline."""

import json

import pytest
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main

ADDED = {
    "classify": "cbvae_label",
    "impute": None,
    "score": "cbvae_score",
    "embed": "cbvae_z0",
}
FURTHER = {
    "classify": ["--logodds", "--abstain", "0.1"],
    "impute": ["--draws", "2", "--sd", "--fill-label"],
    "score": ["--cells", "--repair", "--top", "3", "--fail-on", "0.2"],
    "embed": ["--shift", "ok:warp"],
}


@pytest.fixture
def empty(samples, tmp_path):
    rows = csv.read_csv(samples / "defects.csv").slice(0, 0)
    csv.write_csv(rows, tmp_path / "empty.csv")
    parquet.write_table(rows, tmp_path / "empty.parquet")
    return rows


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("verb", ADDED)
def test_no_rows_in_give_a_header_out(trained, empty, tmp_path, capsys, verb, ending):
    rows, out = tmp_path / f"empty.{ending}", tmp_path / f"out.{ending}"
    argv = [verb, trained / "defects.cbvae", rows, "-o", out, "--json"]
    assert main([*map(str, argv), *FURTHER[verb]]) == 0
    streams = capsys.readouterr()
    told = json.loads(streams.out)
    assert told["rows"] == 0
    warning = f"empty.{ending} has columns but no rows, and so has the output"
    assert warning in told["warnings"]
    assert f"warning: {warning}" in streams.err
    reader = csv.read_csv if ending == "csv" else parquet.read_table
    found = reader(out)
    assert found.num_rows == 0
    names = found.column_names
    assert names[: empty.num_columns] == empty.column_names
    assert ADDED[verb] is None or ADDED[verb] in names
    assert len(names) > empty.num_columns


def test_an_empty_batch_goes_down_a_pipe(trained, empty, tmp_path, capsys):
    bundle, out = str(trained / "defects.cbvae"), str(tmp_path / "filled.csv")
    assert main(["impute", bundle, f"{tmp_path}/empty.csv", "-o", out, "-q"]) == 0
    assert main(["classify", bundle, out, "-q"]) == 0
    [header] = capsys.readouterr().out.splitlines()
    assert header.startswith("part,machine,")
    assert "cbvae_label" in header


@pytest.mark.parametrize("verb", ["cluster", "evaluate"])
def test_what_looks_for_something_in_rows_needs_some(
    trained, empty, tmp_path, capsys, verb
):
    argv = [verb, f"{trained}/defects.cbvae", f"{tmp_path}/empty.csv"]
    assert main(argv) == 3
    assert "empty.csv has columns but no rows" in capsys.readouterr().err
