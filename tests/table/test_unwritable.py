"""Rows that a format cannot hold: refused with a sentence, and nothing is left."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.sink import WriteOptions, open_sink

FAR = pa.array([2**62], pa.int64()).cast(pa.timestamp("s"))
RUNS = pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["x"]))
NO_FIELDS = pa.array([{}], pa.struct([]))
BYTES = pa.array([[b"\xff"]], pa.list_(pa.binary()))
ODD = {
    "a moment that Parquet's unit cannot hold": ("parquet", FAR, "as Parquet"),
    "runs in Parquet": ("parquet", RUNS, "as Parquet"),
    "nothing at all in Parquet": ("parquet", NO_FIELDS, "as Parquet"),
    "bytes within a list in CSV": ("csv", BYTES, "column 'a' cannot be written"),
    "bytes within a list in lines": ("ndjson", BYTES, "that JSON has no word for"),
    "bytes in lines": ("ndjson", pa.array([b"\xff"]), "column 'a' cannot be written"),
}


@pytest.mark.parametrize(("ending", "cells", "says"), ODD.values(), ids=ODD)
def test_what_a_format_cannot_hold_is_refused(tmp_path, ending, cells, says):
    rows = pa.record_batch({"a": cells})

    def write():
        path = f"{tmp_path}/rows.{ending}"
        with open_sink(path, rows.schema, WriteOptions()) as sink:
            sink.write(rows)

    with pytest.raises(DataProblem, match=says) as caught:
        write()
    assert ".arrow" in caught.value.hint
    assert os.listdir(tmp_path) == []
