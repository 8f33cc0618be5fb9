from __future__ import annotations

import pyarrow as pa
import pyarrow.csv
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.table.csv_layout import layout, whole_length

soup = st.text(alphabet='ab",\n\r', max_size=40).map(lambda text: text.encode())


def parsed(block: bytes) -> list[str]:
    """Rows as pyarrow sees them, with any number of cells."""
    rows = []
    pa.csv.read_csv(
        pa.BufferReader(block),
        read_options=pa.csv.ReadOptions(
            use_threads=False, column_names=["a", "b", "c", "d", "e", "f", "g", "h"]
        ),
        parse_options=pa.csv.ParseOptions(
            newlines_in_values=True,
            invalid_row_handler=lambda row: rows.append(row.text) or "skip",
        ),
    )
    return rows


@given(soup)
def test_rows_are_those_that_pyarrow_finds(text):
    block = text + b"\n"
    found = layout(block, ",", last=True)
    if found.open_quote is not None:
        return
    begins = [0, *found.ends[:-1]]
    rows = [block[b:e] for b, e in zip(begins, found.ends, strict=True)]
    kept = [row for row, blank in zip(rows, found.blank, strict=True) if not blank]
    assert [row.rstrip(b"\r\n") for row in kept if row.count(b",") < 7] == [
        row.encode().rstrip(b"\r\n") for row in parsed(block) if row.count(",") < 7
    ]


@given(soup)
def test_lines_are_those_that_an_editor_counts(text):
    block = text + b"\n"
    found = layout(block, ",", last=True)
    begins = [0, *found.ends[:-1]] if found.ends.size else []
    editor = [
        len(block[:at].decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        for at in begins
    ]
    assert found.lines.tolist() == [line - 1 for line in editor]


@given(soup, soup)
def test_a_cut_never_parts_a_row(head, tail):
    cut = whole_length(layout(head, ","))
    whole = layout(head + tail + b"\n", ",", last=True)
    assert cut == 0 or cut in whole.ends.tolist()


def test_an_open_quote_is_told_by_its_place():
    assert layout(b'1,2\n3,"x\n', ",").open_quote == 6
    assert layout(b'1,5"\n3,"x\n', ",").open_quote == 7
    assert layout(b'1,"2"\n', ",").open_quote is None
