"""Moments that no calendar names, as databases write for "never"."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.as_text import as_text
from cbvae_cli.table.cells import BadCell, numbers, spelt
from cbvae_cli.table.infer import infer
from cbvae_cli.table.moment import END, ISO, START, Moment, seconds
from cbvae_cli.table.nulls import LENIENT_NULLS, missing_mask
from cbvae_cli.table.scale import UNFITTED
from cbvae_cli.table.scan import ColumnScan
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.read import find_schema

LAST, FIRST = 2**63 - 1, -(2**63) + 1
ODD = {
    "the last date32": (pa.date32(), 2**31 - 1, np.inf),
    "the first date32": (pa.date32(), -(2**31), -np.inf),
    "the last date64": (pa.date64(), LAST, np.inf),
    "the last second": (pa.timestamp("s"), LAST, np.inf),
    "seconds that would wrap around": (pa.timestamp("s"), 2**62, np.inf),
    "the first millisecond": (pa.timestamp("ms", "UTC"), FIRST, -np.inf),
    "the last microsecond": (pa.timestamp("us"), LAST, np.inf),
    "the longest duration": (pa.duration("us"), LAST, np.inf),
    "a long duration of seconds": (pa.duration("s"), 2**62, np.inf),
    "a time of no day": (pa.time64("us"), LAST, np.inf),
    "the last nanosecond": (pa.timestamp("ns"), LAST, LAST // 1000 / 1e6),
    "the year 9999": (pa.timestamp("us"), 253402300799999999, END),
    "the year 10000": (pa.date32(), 2932898, np.inf),
    "the year 1": (pa.date32(), -719162, START),
    "the year before": (pa.date32(), -719163, -np.inf),
}


def whole(values, kind):
    return pa.array(values, pa.int32() if kind == pa.date32() else pa.int64())


def found_in(*batches):
    scan = ColumnScan("a", batches[0].type)
    for cells in batches:
        missing = missing_mask(cells, LENIENT_NULLS)
        scan.see(cells, missing, missing)
    return scan, infer(scan, None).column


@pytest.mark.parametrize(("kind", "value", "expected"), ODD.values(), ids=ODD)
def test_moments_beyond_the_calendar_are_infinite(kind, value, expected):
    cells = whole([5, value, None], kind).cast(kind)
    found = seconds(cells, np.array([False, False, True]), ISO)
    assert found[1] == expected
    assert np.isfinite(found[0])
    assert np.isnan(found[2])
    scan, column = found_in(cells)
    assert scan.infinite == np.isinf(expected)
    assert column.role == ("constant" if scan.infinite else "modelled")


@pytest.mark.parametrize(
    ("unit", "ticks"), [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)]
)
def test_every_unit_reads_the_same_seconds(unit, ticks):
    usual = [-86401, 0, 1_700_000_000]
    cells = pa.array([n * ticks for n in usual]).cast(pa.timestamp(unit))
    assert seconds(cells, np.zeros(3, dtype=bool), ISO).tolist() == usual


@pytest.mark.parametrize(
    "cells",
    [
        whole([2**31 - 1, -(2**31)], pa.date32()).cast(pa.date32()),
        pa.array(["0000-01-01", "0000-02-01"]),
    ],
    ids=["typed", "text"],
)
def test_a_column_without_a_day_of_the_calendar_is_empty(cells):
    assert found_in(cells)[1].role == "empty"


def test_numbers_of_one_batch_and_dates_of_the_next_are_names():
    numbers_first = pa.array(["20240105", "20240106"])
    dates = pa.array(["2024-01-07", "2024-01-08"])
    apart, joint = (
        found_in(numbers_first, dates),
        found_in(pa.concat_arrays([numbers_first, dates])),
    )
    assert apart[1].role == joint[1].role == "identifier"


@pytest.mark.parametrize("storage", ["date32[day]", "timestamp[us]", "duration[s]"])
@pytest.mark.parametrize("text", [True, False])
def test_no_range_of_a_bundle_is_too_wide_to_be_written(storage, text):
    kind = Moment(UNFITTED, -1e300, 1e300, ISO, "%Y-%m-%d", 1.0, storage)
    found = kind.render(np.array([1e300, -1e300, 0.0]), text=text)
    assert found.null_count == 0
    if text:
        assert found.to_pylist() == ["9999-12-31", "0001-01-01", "1970-01-01"]


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), pa.timestamp("s"), pa.list_(pa.date32())],
    ids=str,
)
@pytest.mark.parametrize("ending", ["csv", "ndjson", "arrow"])
def test_what_has_no_text_is_refused_or_kept(tmp_path, kind, ending):
    from cbvae_cli.table.sink import WriteOptions, open_sink

    inner = kind.value_type if pa.types.is_list(kind) else kind
    value = 2**31 - 1 if inner == pa.date32() else 2**62 // 86_400_000 * 86_400_000
    cells = whole([0, value], inner).cast(inner)
    if pa.types.is_list(kind):
        cells = pa.ListArray.from_arrays(
            [0, 1, 2], whole([0, value], inner).cast(inner)
        )
    table = pa.record_batch({"a": cells})
    path = tmp_path / f"rows.{ending}"

    def write():
        with open_sink(str(path), table.schema, WriteOptions()) as sink:
            sink.write(table)

    if ending == "arrow":
        write()
        with open_source(str(path), ReadOptions()) as source:
            assert [batch.rows for batch in source.batches()] == [table]
        return
    with pytest.raises(DataProblem, match="column 'a'") as caught:
        write()
    assert ".parquet" in caught.value.hint
    assert not path.exists()


def test_a_date_of_the_year_10000_keeps_its_text():
    assert as_text(pa.array([2932897], pa.date32()), "a").to_pylist() == ["10000-01-01"]


def test_a_cell_that_python_has_no_object_for_is_spelt():
    cells = pa.array([2**31 - 1], pa.date32())
    assert spelt(cells, 0) == "2147483647 in date32[day]"
    with pytest.raises(BadCell) as caught:
        numbers(cells, np.zeros(1, dtype=bool))
    assert caught.value.value == "2147483647 in date32[day]"


@pytest.fixture
def never(tmp_path):
    days = [2**31 - 1 if n % 9 == 0 else n for n in range(60)]
    table = pa.table({"a": whole(days, pa.date32()).cast(pa.date32())})
    table = table.append_column("n", pa.array(range(60)))
    table = table.append_column("y", pa.array(["p", "q"] * 30))
    path = tmp_path / "t.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as s:
        s.write_table(table)
    return path


def test_the_date_never_leaves_a_column_of_dates(never):
    with open_source(str(never), ReadOptions()) as source:
        schema, _ = find_schema(source, Columns("y"))
    assert schema.columns[0].kind.name == "moment"


def test_the_date_never_is_no_time_to_sort_by(never, capsys):
    flags = ["--time", "a", "-o", f"{never.parent}/m.cbvae", "--quiet"]
    assert main(["train", str(never), "--label", "y", *flags]) == 3
    assert "row 1: '2147483647 in date32[day]'" in capsys.readouterr().err
