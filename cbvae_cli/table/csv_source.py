"""Read CSV text: every cell as its unquoted text, with the line of every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.comma import COMMA, POINT, swapped
from cbvae_cli.table.csv_layout import layout, whole_length
from cbvae_cli.table.line_book import LineBook
from cbvae_cli.table.origin import Origin
from cbvae_cli.table.text_blocks import TextBlocks, line_ends, unpacked
from cbvae_cli.table.wording import shown

MIB = 1 << 20
BLOCK_ROWS = 128
"""Rows as long as the header that a block should hold, for wide tables."""
BLOCK_LEAST, BLOCK_MOST = 2 * MIB, 16 * MIB
ROW_MOST = 64 * MIB
"""A row beyond this length is taken for a quote that is never closed."""
OTHER_DELIMITERS = (";", "\t", "|")


class CsvReader:
    r"""Rows of one CSV text.

    Parameters
    ----------
    origin : Origin
    encoding : str
    delimiter : str
        One ASCII character, or `\t` spelled out.
    decimal : str
        `.` or `,`.
    codec : str or None
        pyarrow's name of the compression.
    """

    text = True

    def __init__(
        self,
        origin: Origin,
        *,
        encoding: str,
        delimiter: str,
        codec: str | None,
        decimal: str = POINT,
    ) -> None:
        self._label = origin.label
        self._delimiter = checked_delimiter(delimiter)
        self._commas = decimal == COMMA
        self._raw = origin.open()
        self._size = origin.size
        try:
            self._blocks = TextBlocks(
                unpacked(self._raw, codec), encoding, origin.label
            )
            self._ahead = b""
            self._ended = False
            self._line = 1
            self._book = LineBook()
            header = self._header()
            self._names = self._checked_names(header)
        except BaseException:
            self.close()
            raise
        self._block_size = min(max(BLOCK_ROWS * len(header), BLOCK_LEAST), BLOCK_MOST)
        # In a table of one column a blank line is a row with an empty cell.
        self._one = len(self._names) == 1
        self.schema = pa.schema([(name, pa.string()) for name in self._names])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in order, a block of text at a time."""
        row = 0
        for block in self._row_blocks(self._block_size):
            rows = self._parsed(block)
            if self._commas:
                columns = [swapped(column) for column in rows.columns]
                rows = pa.table(columns, schema=self.schema)
            ends = line_ends(block)
            if rows.num_rows == ends:
                self._book.add(row, self._line)
            else:
                lines = self._row_lines(block)
                self._book.add_lines(row, self._line, lines)
            row += rows.num_rows
            self._line += ends
            yield from rows.to_batches()

    def place(self, row: int) -> str:
        """Name the line on which a row of this text begins."""
        line = self._book.line(row)
        return f"line {line}" if line is not None else f"row {row + 1}"

    def consumed(self) -> float | None:
        """Share of the bytes read, or None for a stream."""
        if not self._size:
            return None
        return min(self._raw.tell() / self._size, 1.0)

    def close(self) -> None:
        """Close the underlying file."""
        self._raw.close()

    def _header(self) -> bytes:
        """Take the first row that is not blank."""
        for block in self._row_blocks(64 * 1024):
            found = layout(block, self._delimiter, last=True)
            for begin, end, blank in zip(
                [0, *found.ends[:-1]], found.ends, found.blank, strict=True
            ):
                if not blank:
                    self._ahead = block[end:] + self._ahead
                    self._line += line_ends(block[:end])
                    return block[begin:end]
            self._line += line_ends(block)
        raise DataProblem(
            f"{self._label} is empty",
            where=self._label,
            expected="a line of column names, then rows",
        )

    def _checked_names(self, header: bytes) -> list[str]:
        # The header's text is whole: cells of it are as long as they are.
        limit = csv.field_size_limit(max(len(header), 131_072))
        try:
            lines = io.StringIO(header.decode(), newline="")
            names = next(csv.reader(lines, delimiter=self._delimiter))
        finally:
            csv.field_size_limit(limit)
        other = [mark for mark in OTHER_DELIMITERS if mark in names[0]]
        if len(names) == 1 and other and not header.startswith(b'"'):
            raise DataProblem(
                f"{self._label} seems to separate its columns by {other[0]!r}",
                where=f"{self._label}, line {self._line - 1}: {shown(names[0])}",
                expected=f"columns separated by {self._delimiter!r}",
                hint=f"add --delimiter {other[0]!r}",
            )
        return names

    def _row_blocks(self, size: int) -> Iterator[bytes]:
        """Cut the text into blocks of whole rows, each ending with a line end."""
        while not self._ended or self._ahead:
            block = self._ahead
            cut = 0
            while not cut and not self._ended:
                # Doubling keeps the search for the end of a long row linear.
                more = self._blocks.read(max(size, len(block)))
                self._ended = not more
                block += more
                if more:
                    cut = self._whole(block)
                if not cut and len(block) > ROW_MOST:
                    raise self._endless(block)
            if not cut:
                block = self._closed(block)
                cut = len(block)
            self._ahead = block[cut:]
            if cut:
                yield block[:cut]

    def _whole(self, block: bytes) -> int:
        """Length of the part of `block` that holds whole rows only."""
        if b'"' not in block and b"\r" not in block:
            return block.rfind(b"\n") + 1
        found = layout(block, self._delimiter)
        if found.torn_quote is not None:
            raise self._unclosed(block, found.torn_quote)
        return whole_length(found)

    def _closed(self, block: bytes) -> bytes:
        """Check the last block of the text and end its last line."""
        if not block:
            return block
        if not block.endswith((b"\n", b"\r")):
            block += b"\n"
        if b'"' in block:
            found = layout(block, self._delimiter, last=True)
            wrong = found.open_quote if found.torn_quote is None else found.torn_quote
            if wrong is not None:
                raise self._unclosed(block, wrong)
        return block

    def _parsed(self, block: bytes) -> pa.Table:
        ragged: list[pa.csv.InvalidRow] = []

        def note(row: pa.csv.InvalidRow) -> str:
            ragged.append(row)
            return "error"

        try:
            return pa.csv.read_csv(
                pa.BufferReader(block),
                read_options=pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=len(block) + 1,
                    column_names=self._names,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=not self._one,
                    invalid_row_handler=note,
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=self.schema,
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if ragged:
                raise self._ragged(block, ragged[0]) from error
            last = self._line + line_ends(block) - 1
            raise DataProblem(
                f"{self._label} cannot be read as CSV",
                where=f"{self._label}, lines {self._line} to {last}: {error}",
                expected="rows of comma-separated values",
            ) from error

    def _row_lines(self, block: bytes) -> np.ndarray:
        """Lines of the rows that pyarrow makes of `block`, from 0."""
        found = layout(block, self._delimiter, last=True)
        return found.lines if self._one else found.lines[~found.blank]

    def _ragged(self, block: bytes, row: pa.csv.InvalidRow) -> DataProblem:
        line = self._line + int(self._row_lines(block)[row.number - 1])
        wanted, got = row.expected_columns, row.actual_columns
        spread = '"' in row.text and "\n" in row.text
        return DataProblem(
            f"a row of {self._label} has {got} {_cells(got)}, the header has {wanted}",
            where=f"{self._label}, line {line}: {shown(row.text)}",
            expected=f"{wanted} {_cells(wanted)} separated by {self._delimiter!r}",
            hint=(
                "close the quote that opens there"
                if spread
                else "put cells that hold the separator in quotes, or correct the row"
            ),
        )

    def _unclosed(self, block: bytes, at: int) -> DataProblem:
        line = self._line + line_ends(block[:at])
        text = block[at : at + 400].decode(errors="replace")
        return DataProblem(
            f"a quote in {self._label} is not closed where its cell ends",
            where=f"{self._label}, line {line}: {shown(text)}",
            expected='a closing " before the next separator or line end',
            hint="close the quote, or double it where it is part of the text",
        )

    def _endless(self, block: bytes) -> DataProblem:
        found = layout(block, self._delimiter)
        if found.open_quote is not None:
            return self._unclosed(block, found.open_quote)
        return DataProblem(
            f"a row of {self._label} is longer than {ROW_MOST // MIB} MiB",
            where=f"{self._label}, line {self._line}",
            expected="one row a line",
            hint="name the right --in-format",
        )


def checked_delimiter(delimiter: str) -> str:
    """Give the one character that separates cells.

    Raises
    ------
    UsageProblem
        If it is none that CSV can be split by.
    """
    mark = "\t" if delimiter == "\\t" else delimiter
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0':
        raise UsageProblem(
            f"--delimiter {delimiter!r} cannot separate cells",
            expected="one ASCII character other than a quote or a line end",
            hint="as in --delimiter ';' or --delimiter '\\t'",
        )
    return mark


def _cells(count: int) -> str:
    return "cell" if count == 1 else "cells"
