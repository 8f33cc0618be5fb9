"""Tables, columns and manifests to fuzz with, as hypothesis draws them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

# What cells look like that have broken readers before, and some that must not.
WORDS = ["", "0", "1", "-0", "1.5", "1e400", "1e-400", "inf", "-Infinity", "nan", "NA"]
WORDS += ["None", "null", "true", "FALSE", "yes", "1,5", "1.234,5", "1_0", "0x1f", "٣"]
WORDS += [
    "2024-02-30",
    "2024-01-05",
    "31/12/2024",
    "12:61",
    "2024-01-05T08:30:00+99:99",
]
WORDS += [
    "9" * 25,
    "99999-01-01",
    "0000-00-00",
    "=1+1",
    "\x1b[2J",
    "\u202e",
    "é",
    " x ",
]
WORDS += ["1969-12-31 23:59:59.999999999", "1e5", "+5", "5.", ".5", "1 000", "%d", "y"]
cells = st.sampled_from(WORDS) | st.text(max_size=5)
names = st.sampled_from(["a", "b", "y", "id", ""]) | st.text(max_size=3)
BITS = b'a|1|,|;|\n|\r|"|\0|\xff|\xef\xbb\xbf|y\n|""|{}|{"y":|[|null|1e999|\\ud800|\t'
raw = st.sampled_from(BITS.split(b"|"))


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes, dict[str, Any]]:
    """Give the ending, bytes and reading options of a table."""
    ending = draw(st.sampled_from(["csv", "csv", "ndjson", "parquet", "arrow"]))
    if draw(st.integers(0, 3)):
        body = draw(_WRITERS[ending])
    else:
        body = b"".join(draw(st.lists(raw, max_size=30)))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(body)))
        cut = draw(st.integers(0, 4))
        body = body[:at] + draw(st.binary(max_size=4) | raw) + body[at + cut :]
    options = {
        "batch_rows": draw(st.sampled_from([1, 3, 100])),
        "default_nulls": draw(st.booleans()),
        "nulls": tuple(draw(st.lists(cells, max_size=1))),
        "delimiter": draw(st.sampled_from(4 * [","] + [";", "\t"])),
        "encoding": draw(st.sampled_from(20 * ["utf-8"] + ["latin-1", "utf-16"])),
    }
    return ending, body, options


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    """Give text that is nearly a table."""
    width = draw(st.integers(1, 4))
    quoted = st.builds(lambda c: '"' + c.replace('"', '""') + '"', cells)
    row = st.lists(cells | quoted, min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=draw(st.sampled_from([0, 3])), max_size=6))
    head = draw(st.lists(names, min_size=width - 1, max_size=width - 1))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [",".join([*head, "y"]), *(",".join(each) for each in rows)]
    return end.join(lines).encode("utf-8", "surrogatepass")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | cells,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def ndjson_bytes(draw: st.DrawFn) -> bytes:
    """Give lines that are nearly all objects."""
    rows = draw(st.lists(st.dictionaries(names, values, max_size=4), max_size=5))
    return "\n".join(map(json.dumps, rows)).encode()


KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float16(), st.floats(width=16).map(np.float16)),
    (pa.float64(), st.floats()),
    (pa.bool_(), st.booleans()),
    (pa.string(), cells.filter(str.isprintable)),
    (pa.large_string(), cells.filter(str.isprintable)),
    (pa.string_view(), cells.filter(str.isprintable)),
    (pa.binary(), st.binary(max_size=3)),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["p", "q"])),
    (pa.decimal128(38, 10), st.decimals(-(10**20), 10**20, places=9)),
    (pa.decimal256(60, 0), st.integers(-(10**50), 10**50)),
    (pa.date32(), st.dates() | st.integers(-(2**31), 2**31 - 1)),
    (pa.date64(), st.dates() | st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.time32("s"), st.times().map(lambda t: t.replace(microsecond=0))),
    (pa.time64("us"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.duration("s"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.timestamp("ns"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.timestamp("s", "UTC"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.duration("us"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2)),
    (pa.struct([("k", pa.int8())]), st.fixed_dictionaries({"k": st.integers(0, 9)})),
    (pa.map_(pa.string(), pa.int8()), st.just([("k", 1)])),
    (pa.null(), st.none()),
]


@st.composite
def columns(draw: st.DrawFn, rows: int | None = None) -> pa.Array:
    """Give the cells of a column of any type."""
    kind, each = draw(st.sampled_from(KINDS))
    least, most = (1, 12) if rows is None else (rows, rows)
    found = draw(st.lists(st.none() | each, min_size=least, max_size=most))
    return pa.array(found, kind)


@st.composite
def typed_tables(draw: st.DrawFn) -> pa.Table:
    """Give a table of any types with a column `y`."""
    rows = draw(st.integers(1, 12))
    label = pa.array(["pq"[n % 2] for n in range(rows)])
    label = draw(st.just(label) | columns(rows))
    other = draw(names.filter(len)) + "_"
    return pa.table({"a": draw(columns(rows)), other: draw(columns(rows)), "y": label})


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with contextlib.suppress(pa.ArrowException):  # of types that it lacks
        pq.write_table(table, sink)
    return sink.getvalue()


def arrow_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


_WRITERS = {
    "csv": csv_bytes(),
    "ndjson": ndjson_bytes(),
    "parquet": typed_tables().map(parquet_of),
    "arrow": typed_tables().map(arrow_of),
}


odd = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-1e9, 1e9)
    | st.text(max_size=3)
)
odd |= st.just([]) | st.just({}) | st.lists(st.integers(-2, 9), max_size=2)
odd |= st.sampled_from([2**31, 2**63, -1, "cbvae", "\x1b[2J", {"a": 1}])


@st.composite
def manifests(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """Give a manifest with one to three entries changed, lost or added."""
    found = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = found
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and place[key]
            if deeper and draw(st.integers(0, 3)):
                place = place[key]
                continue
            change = draw(st.integers(0, 3))
            if change == 0:
                del place[key]
            elif change == 1 and isinstance(place, dict):
                place[draw(names)] = draw(odd)
            else:
                place[key] = draw(odd)
            break
    return found
