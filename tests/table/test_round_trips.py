from __future__ import annotations

import datetime
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.table.sink import WriteOptions, open_sink
from cbvae_cli.table.source import ReadOptions, open_source

text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6
) | st.sampled_from(
    ["001", "1.10", "None", 'a"b', '"', '""', ",", "\n", "\r", "\r\n", " x ", "é", ";"]
)
names = st.lists(text, min_size=1, max_size=4, unique=True)
sizes = st.integers(1, 7)


@st.composite
def text_tables(draw):
    columns = draw(names)
    rows = draw(st.integers(1, 8))
    cells = st.lists(text, min_size=rows, max_size=rows)
    arrays = [pa.array(draw(cells), pa.string()) for _ in columns]
    return pa.table(arrays, names=columns)


KINDS = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), text),
    (pa.large_string(), text),
    (pa.string_view(), text),
    (pa.binary(), st.binary(max_size=5)),
    (pa.dictionary(pa.int32(), pa.string()), text),
    (pa.decimal128(12, 3), st.decimals(-(10**8), 10**8, places=3)),
    (pa.date32(), st.dates()),
    (
        pa.timestamp("us", "Europe/Paris"),
        st.datetimes(
            datetime.datetime(1900, 1, 1),
            datetime.datetime(2100, 1, 1),
            timezones=st.just(datetime.UTC),
        ),
    ),
    (
        pa.timestamp("ms"),
        st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)).map(
            lambda t: t.replace(microsecond=0)
        ),
    ),
    (
        pa.list_(pa.field("element", pa.int64())),
        st.lists(st.integers(-9, 9), max_size=3),
    ),
    (pa.struct([("k", pa.string())]), st.fixed_dictionaries({"k": text})),
]


@st.composite
def typed_tables(draw):
    columns = draw(names)
    rows = draw(st.integers(1, 8))
    arrays = []
    for _ in columns:
        kind, values = draw(st.sampled_from(KINDS))
        cells = st.lists(st.none() | values, min_size=rows, max_size=rows)
        arrays.append(pa.array(draw(cells), kind))
    return pa.table(arrays, names=columns)


def there_and_back(table, ending, size, out=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / f"rows.{ending}")
        with open_sink(path, table.schema, WriteOptions()) as sink:
            for rows in table.to_batches(max_chunksize=size):
                sink.write(rows)
        with open_source(path, ReadOptions(batch_rows=size, **options)) as source:
            batches = [batch.rows for batch in source.batches()]
            return pa.Table.from_batches(batches, source.schema)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst"])
@settings(max_examples=60, deadline=None)
@given(table=text_tables(), size=sizes)
def test_text_keeps_names_order_and_cells_in_csv(ending, table, size):
    found = there_and_back(table, ending, size)
    assert found.schema == table.schema
    assert found.to_pydict() == table.to_pydict()


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@settings(max_examples=60, deadline=None)
@given(table=typed_tables(), size=sizes)
def test_types_and_values_are_kept(ending, table, size):
    found = there_and_back(table, ending, size)
    assert found.schema == table.schema
    assert found.to_pydict() == table.to_pydict()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "é\n": text,
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "t": st.none() | st.booleans(),
                "o": st.none()
                | st.fixed_dictionaries({"k": st.lists(st.integers(-9, 9))}),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    size=sizes,
)
def test_plain_values_are_kept_in_json_lines(rows, size):
    schema = pa.schema(
        [
            ("é\n", pa.string()),
            ("i", pa.int64()),
            ("f", pa.float64()),
            ("t", pa.bool_()),
            ("o", pa.struct([("k", pa.list_(pa.int64()))])),
        ]
    )
    table = pa.Table.from_pylist(rows, schema)
    found = there_and_back(table, "ndjson", size)
    assert found.column_names == table.column_names
    assert found.to_pylist() == table.to_pylist()


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.none() | st.floats(allow_nan=False) | st.sampled_from([0.1, 1e22, 5e-324]),
        min_size=1,
    )
)
def test_floats_in_csv_read_back_alike(cells):
    table = pa.table({"a": pa.array(cells, pa.float64())})
    found = there_and_back(table, "csv", 5).column("a").to_pylist()
    assert [float(cell) if cell else None for cell in found] == cells


@given(table=text_tables())
@settings(max_examples=30, deadline=None)
def test_pandas_reads_the_same_cells(table):
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.csv")
        with open_sink(path, table.schema, WriteOptions()) as sink:
            for rows in table.to_batches():
                sink.write(rows)
        frame = pd.read_csv(
            path, dtype=str, keep_default_na=False, header=None, skip_blank_lines=False
        )
    cells = [list(row) for row in zip(*table.to_pydict().values(), strict=True)]
    assert frame.to_numpy().tolist() == [table.column_names, *cells]


def test_decimals_and_zones_survive_csv_as_text():
    table = pa.table(
        {
            "m": [Decimal("001.10"), Decimal("99999999999999999999.99")],
            "z": pa.array([0, 10**15], pa.timestamp("us", "Asia/Kolkata")),
        }
    )
    found = there_and_back(table, "csv", 5).to_pydict()
    assert found["m"] == ["1.10", "99999999999999999999.99"]
    assert found["z"] == ["1970-01-01T05:30:00+05:30", "2001-09-09T07:16:40+05:30"]
