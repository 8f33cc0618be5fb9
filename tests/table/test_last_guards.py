"""What hardly ever happens to a table, and must not end in a traceback."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table import ndjson_source
from cbvae_cli.table.sink import WriteOptions, check_output
from cbvae_cli.table.source import ReadOptions, open_source


def read(path, **options):
    with open_source(str(path), ReadOptions(**options)) as source:
        return [batch.rows.num_rows for batch in source.batches()]


def test_a_page_of_parquet_that_is_damaged_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [f"word {n}" for n in range(1000)]}), path)
    body = bytearray(path.read_bytes())
    body[40:400] = b"\xff" * 360
    path.write_bytes(body)
    with pytest.raises(DataProblem, match="cannot be read as Parquet") as caught:
        read(path)
    where = caught.value.where
    assert where.startswith("t.parquet, after row 0: ")
    assert "it says" not in where  # but what is wrong with the page


def test_a_table_without_columns_is_refused(tmp_path):
    path = tmp_path / "t.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, pa.schema([])):
        pass
    with pytest.raises(DataProblem, match="has no columns"):
        read(path)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(ndjson_source, "BLOCK", 1000)
    monkeypatch.setattr(ndjson_source, "LINE_MOST", 5000)
    path = tmp_path / "t.ndjson"
    path.write_text('{"a": 1}\n' * 500)
    assert sum(read(path)) == 500
    path.write_text('{"a": 1}\n{"a": "' + "x" * 100_000)
    with pytest.raises(DataProblem) as caught:
        read(path)
    told = str(caught.value)
    assert "a line is too long" in told
    assert "line 2" in told


def test_a_batch_of_no_rows_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(UsageProblem, match="at least one row"):
        read(tmp_path / "t.csv", batch_rows=0)


def test_an_output_without_a_name_is_refused(tmp_path, capsys):
    with pytest.raises(UsageProblem, match="the output has no name"):
        check_output("", WriteOptions())
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert main(["score", "none.cbvae", f"{tmp_path}/t.csv", "-o", ""]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("torn", ['"x\n2,"y', '"x\n2,z\n3,"y'])
def test_a_torn_quote_far_before_the_end_is_refused(tmp_path, torn):
    # Of a file of many blocks; pyarrow by itself would join the lines to one cell.
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n1,{torn}\n" + "2,some words\n" * 400_000)
    with pytest.raises(DataProblem, match="is not closed where its cell ends") as found:
        read(path)
    assert "line 2" in found.value.where
