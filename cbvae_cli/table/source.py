"""Rows of a table from a file, a folder or standard input, batch by batch."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.comma import COMMA, swapped_word
from cbvae_cli.table.formats import (
    FOLDER_FORMAT,
    STREAM_FORMAT,
    checked_format,
    format_of,
)
from cbvae_cli.table.nulls import (
    DEFAULT_NULLS,
    EMPTY,
    LENIENT_NULLS,
    missing_mask,
)
from cbvae_cli.table.origin import (
    STANDARD_INPUT,
    Origin,
    spooled_origin,
    stream_origin,
)
from cbvae_cli.table.parts import find_parts, is_glob
from cbvae_cli.table.readers import reader_of
from cbvae_cli.table.reading import Batch, Reader, ReadOptions
from cbvae_cli.table.slices import resliced
from cbvae_cli.table.wording import difference, listed

__all__ = ["Batch", "ReadOptions", "Source", "open_source"]

FLAG = "--in-format"
COLUMNS_MOST = 100_000
"""Beyond, reading a row costs more than it tells."""


class Source:
    """A table that is read in batches; made by `open_source`.

    Attributes
    ----------
    name : str
        What messages call it: the file's name or `standard input`.
    schema : pa.Schema
    names : list of str
        Column names in order.
    text : bool
        True for CSV: every cell is text.
    size : int or None
        Bytes in all, if known.
    parts : list of str
        File names within the folder; `[""]` for a single file or stream.
    rereadable : bool
        `batches` may be called again.
    """

    def __init__(
        self,
        name: str,
        parts: list[tuple[str, Origin]],
        make: Callable[[Origin], Reader],
        options: ReadOptions,
        allow_empty: bool,
    ) -> None:
        self.name = name
        self.parts = [part for part, _ in parts]
        self._origins = dict(parts)
        self._make = make
        self._options = options
        self._allow_empty = allow_empty
        self.rereadable = all(origin.rereadable for _, origin in parts)
        sizes = [origin.size for _, origin in parts]
        self.size = None if None in sizes else sum(size or 0 for size in sizes)
        # Reading the schema starts the first pass: a stream has no other.
        self._first: Reader | None = make(parts[0][1])
        self._reader = self._first
        self.schema = self._first.schema
        self.text = self._first.text
        self.names = self._names()
        self._starts: dict[str, int] = {}
        self._placers: dict[str, Callable[[int], str]] = {}
        # Bytes of the files read through, and of the one being read.
        self._finished, self._current = 0, parts[0][1].size or 0
        try:
            self._check_names()
            self._check_parts()
        except BaseException:
            self.close()
            raise

    def _names(self) -> list[str]:
        try:
            return list(self.schema.names)
        except UnicodeDecodeError as error:
            self._reader.close()
            raise DataProblem(
                f"a column of {self.name} has a name that is not text",
                where=f"{self.name}: {error}",
                expected="column names in UTF-8",
                hint="write the file again with other names",
            ) from error

    def batches(self) -> Iterator[Batch]:
        """Give the rows in order.

        Raises
        ------
        DataProblem
            Where the bytes cannot be read as rows; when there was no row at all.
        """
        if self._first is None and not self.rereadable:
            raise RuntimeError("a stream can be read once; open it with reread=True")
        start = 0
        self._finished = 0
        for part, origin in self._origins.items():
            reader, self._first = self._first or self._make(origin), None
            self._reader, self._current = reader, origin.size or 0
            self._starts[part], self._placers[part] = start, reader.place
            for rows in resliced(reader.batches(), self._options.batch_rows):
                yield Batch(self._alike(rows), start, part)
                start += rows.num_rows
            reader.close()
            self._finished, self._current = self._finished + self._current, 0
        if start == 0 and not self._allow_empty:
            raise DataProblem(
                f"{self.name} has columns but no rows",
                where=self.name,
                expected="at least one row",
            )

    def consumed(self) -> float | None:
        """Share of the source read so far, 0 to 1, if known."""
        if not self.size or self._reader is None:
            return None
        # A reader that is through has closed its file.
        share = (self._reader.consumed() or 0.0) if self._current else 0.0
        return min((self._finished + share * self._current) / self.size, 1.0)

    def where(self, batch: Batch, row: int) -> str:
        """Name the place of a row: `rows.csv, line 12` or `rows.parquet, row 11`.

        Parameters
        ----------
        batch : Batch
            One of this source, not long ago.
        row : int
            Number within the batch, from 0.
        """
        at = batch.start - self._starts[batch.part] + row
        return f"{self._origins[batch.part].label}, {self._placers[batch.part](at)}"

    def missing(self, array: pa.Array, *, lenient: bool = False) -> np.ndarray:
        """Mark the missing cells of a column of this source.

        Parameters
        ----------
        array : pa.Array, length n
        lenient : bool
            The column holds numbers, dates or booleans, so `None` counts too.

        Returns
        -------
        bool ndarray, shape (n,)

        Notes
        -----
        A typed file says null where it means it: only the user's own words are
        looked for in its text.
        """
        words = frozenset(map(self.as_written, self._options.nulls))
        if self.text:
            usual = LENIENT_NULLS if lenient else DEFAULT_NULLS
            words |= usual if self._options.default_nulls else EMPTY
        return missing_mask(array, words)

    def as_written(self, cell: str) -> str:
        """Give the text of a cell as it stands in the file."""
        return swapped_word(cell) if self._options.decimal == COMMA else cell

    def close(self) -> None:
        """Close what is open and remove what was spooled."""
        if self._reader is not None:
            self._reader.close()
        for origin in self._origins.values():
            origin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_names(self) -> None:
        if len(self.names) > COLUMNS_MOST:
            raise DataProblem(
                f"{self.name} has {len(self.names):,} columns",
                where=self.name,
                expected=f"{COLUMNS_MOST:,} columns at most",
                hint="write the table with its columns as rows, or take some out",
            )
        counts = Counter(self.names)
        doubled = [name for name, count in counts.items() if count > 1]
        if doubled:
            raise DataProblem(
                f"{self.name} has more than one column of the same name",
                where=f"{self.name}: {listed(doubled)}",
                expected="a name of its own for each column",
                hint="rename the columns",
            )
        if not self.names:
            raise DataProblem(f"{self.name} has no columns", where=self.name)

    def _check_parts(self) -> None:
        """Refuse a file with other columns now, not after hours of work."""
        for part in self.parts[1:]:
            reader = self._make(self._origins[part])
            reader.close()
            self._check_alike(part, reader.schema)

    def _check_alike(self, part: str, schema: pa.Schema) -> None:
        what = difference(self.schema, schema)
        if what is None:
            return
        raise DataProblem(
            f"the files of {self.name} differ in their columns",
            where=f"{self._origins[part].label}: {what}",
            expected=f"the columns of {self._origins[self.parts[0]].label}",
            hint="write the files alike, or read them one by one",
        )

    def _alike(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Give rows the schema of the first file, notes and all."""
        if rows.schema.equals(self.schema, check_metadata=True):
            return rows
        return pa.RecordBatch.from_arrays(rows.columns, schema=self.schema)


def open_source(
    path: str,
    options: ReadOptions,
    *,
    reread: bool = False,
    allow_empty: bool = False,
) -> Source:
    """Open a table for reading.

    Parameters
    ----------
    path : str
        A file, a folder of Parquet files (searched through, sorted, hidden
        files skipped), a glob, or `-` for standard input.
    options : ReadOptions
    reread : bool
        The table will be read more than once: standard input is copied to a
        temporary file, gone when the source is closed.
    allow_empty : bool
        A table without rows is no error.

    Raises
    ------
    UsageProblem
        If there is no such file, or no such format.
    DataProblem
        If the beginning of the file cannot be read as its format.
    """
    if options.batch_rows < 1:
        raise UsageProblem("a batch must hold at least one row")
    options = replace(options, format=checked_format(options.format, FLAG))
    if path == "-":
        kind = options.format or STREAM_FORMAT
        parts = [("", _standard_input(kind, reread))]
        name = STANDARD_INPUT
    else:
        parts = find_parts(path, options.format)
        single = parts[0][0] == ""
        name = parts[0][1].label if single else path
        kind = _kind_of(path, parts, options.format)
    return Source(name, parts, reader_of(kind, options), options, allow_empty)


def _standard_input(kind: str, reread: bool) -> Origin:
    stream = sys.stdin.buffer
    # Parquet is read from its end.
    if reread or kind == "parquet":
        return spooled_origin(stream)
    return stream_origin(stream)


def _kind_of(path: str, parts: list[tuple[str, Origin]], given: str | None) -> str:
    if parts[0][0] == "":
        return format_of(path, given, FLAG)
    if not is_glob(path):
        return given or FOLDER_FORMAT
    kinds = {format_of(part, given, FLAG) for part, _ in parts}
    if len(kinds) > 1:
        raise DataProblem(
            f"the files of '{path}' are of more than one format",
            where=", ".join(sorted(kinds)),
            expected="files of one format",
            hint="narrow the pattern",
        )
    return kinds.pop()
