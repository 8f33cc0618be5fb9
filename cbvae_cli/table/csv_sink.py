"""Write CSV: a cell is quoted only where it must be, whatever its batch."""

from __future__ import annotations

import gzip
from typing import BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cbvae_cli.table.as_text import as_text
from cbvae_cli.table.outlet import Outlet
from cbvae_cli.table.slices import BYTES_MOST

STRUCTURAL = (b'"', b",", b"\n", b"\r")
GZIP_LEVEL = 6
"""The usual trade; pyarrow's own choice, 9, takes five times as long."""

NEEDS_QUOTES = '[",\n\r]'
LIKE_DELIMITERS = ";\t|"


class CsvWriter:
    r"""Rows as comma-separated UTF-8 with `\n` line ends.

    pyarrow's own writer quotes all text or none; here each cell decides for
    itself, so the bytes do not depend on how rows came in batches.

    Parameters
    ----------
    outlet : Outlet
    schema : pa.Schema
    codec : str or None
        pyarrow's name of a compression.
    """

    def __init__(self, outlet: Outlet, schema: pa.Schema, codec: str | None) -> None:
        self._stream = _packed(outlet, codec)
        self._names = schema.names
        self._stream.write(_header(self._names))

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows."""
        # The text of a piece must fit the 2 GiB of one string column.
        step = max(1, rows.num_rows * BYTES_MOST // max(rows.nbytes, 1))
        for start in range(0, rows.num_rows, step):
            self._stream.write(self._text(rows.slice(start, step)))

    def close(self) -> None:
        """Write out what is left of the compression."""
        self._stream.close()

    def _text(self, rows: pa.RecordBatch) -> pa.Buffer:
        pairs = zip(rows.columns, self._names, strict=True)
        cells = [_cells(column, name) for column, name in pairs]
        if len(cells) == 1:
            # A blank line would be no row to most readers.
            cells[0] = pc.if_else(pc.equal(cells[0], ""), '""', cells[0])
        lines = pc.binary_join_element_wise(*cells, ",")
        lines = pc.binary_join_element_wise(lines, "", "\n")
        first, last = _bounds(lines)
        return lines.buffers()[2].slice(first, last - first)


class _Stream(Protocol):
    def write(self, data: pa.Buffer | bytes, /) -> int: ...

    def close(self) -> None: ...


def _packed(outlet: Outlet, codec: str | None) -> _Stream:
    stream: _Stream
    if codec == "gzip":
        # No name and no time inside: the same rows give the same bytes.
        stream = gzip.GzipFile("", "wb", GZIP_LEVEL, cast(BinaryIO, outlet), mtime=0)
        return stream
    stream = pa.PythonFile(outlet, mode="w")
    return pa.CompressedOutputStream(stream, codec) if codec else stream


def _header(names: list[str]) -> bytes:
    cells = list(pc.fill_null(_quoted(pa.array(names, pa.string())), "").to_pylist())
    if len(names) == 1 and (not names[0] or set(names[0]) & set(LIKE_DELIMITERS)):
        # Unquoted it would be a blank line, or seem to hold other columns.
        cells = [f'"{names[0].replace(chr(34), chr(34) * 2)}"']
    if names[0].startswith("\ufeff") and not cells[0].startswith('"'):
        cells[0] = f'"{cells[0]}"'
    return (",".join(cells) + "\n").encode()


def _cells(column: pa.Array, name: str) -> pa.Array:
    """Give the cells of a column as they stand in the file; none is null."""
    text = as_text(column, name)
    if _may_need_quotes(column.type) and _holds_structure(text):
        text = _quoted(text)
    return pc.fill_null(text, "")


def _may_need_quotes(kind: pa.DataType) -> bool:
    return not (
        pt.is_integer(kind)
        or pt.is_floating(kind)
        or pt.is_boolean(kind)
        or pt.is_temporal(kind)
        or pt.is_decimal(kind)
    )


def _holds_structure(text: pa.StringArray) -> bool:
    """Look through the bytes of all cells at once; most columns need no more."""
    data = text.buffers()[2]
    if data is None or not len(text):
        return False
    first, last = _bounds(text)
    seen = data.slice(first, last - first).to_pybytes()
    return any(mark in seen for mark in STRUCTURAL)


def _bounds(text: pa.StringArray) -> tuple[int, int]:
    """Offsets of the first byte of `text` and behind its last, in its buffer."""
    offsets = memoryview(text.buffers()[1]).cast("i")
    return offsets[text.offset], offsets[text.offset + len(text)]


def _quoted(text: pa.StringArray) -> pa.StringArray:
    doubled = pc.replace_substring(text, '"', '""')
    wrapped = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(text, NEEDS_QUOTES), wrapped, text)
