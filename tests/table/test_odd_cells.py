"""What fuzzing found: cells that no table should hold, and some do."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table import cells as reading
from cbvae_cli.table.infer import infer
from cbvae_cli.table.scan import ColumnScan
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for


def learnt(path, **columns):
    with open_source(str(path), ReadOptions()) as source:
        schema, _ = find_schema(source, Columns("y", **columns))
        keep_all = thinning_for(schema, None)
        return read_table(source, schema, SCALES["quantile"], keep_all)


@pytest.mark.parametrize("cell", ["1e300", "-1e151", "1e400"])
def test_numbers_whose_squares_are_infinite_are_infinite(tmp_path, cell):
    rows = [f"{n % 7}.5,{'pq'[n % 2]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", f"{cell},p", *rows]))
    assert learnt(tmp_path / "t.csv").warnings == [
        "1 infinite cells are read as missing"
    ]
    assert main(["train", f"{tmp_path}/t.csv", "--label", "y", "--dry-run", "-q"]) == 0


def test_large_numbers_are_numbers():
    found = reading.numbers(pa.array(["1e149", "-1e149"]), np.zeros(2, dtype=bool))
    assert found.tolist() == [1e149, -1e149]


@pytest.mark.parametrize("kind", [pa.duration("us"), pa.timestamp("s"), pa.date32()])
def test_moments_are_no_names(tmp_path, kind):
    numbers = pa.array(range(60), pa.int32() if kind == pa.date32() else pa.int64())
    table = pa.table({"a": numbers.cast(kind), "y": ["p", "q"] * 30})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataProblem, match="--categorical column 'a' holds"):
        learnt(tmp_path / "t.parquet", categorical=("a",))
    scan = ColumnScan("a", kind, True)
    none = np.zeros(60, dtype=bool)
    scan.see(table["a"].combine_chunks(), none, none)
    assert infer(scan, "categorical").column.kind.name == "moment"


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.duration("s"), pa.binary()])
def test_a_label_that_names_no_class_is_refused(tmp_path, kind):
    cells = {pa.duration("s"): [1, 2], pa.binary(): [b"p", b"q"]}.get(kind, [[1], [2]])
    table = pa.table({"a": list(range(60)), "y": pa.array(cells * 30, kind)})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataProblem, match="label column 'y' holds"):
        learnt(tmp_path / "t.parquet")
