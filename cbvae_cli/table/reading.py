"""What reading a table is about: its options, a batch of rows, a reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read.

    Attributes
    ----------
    format : str or None
        One of `formats.FORMATS`; None goes by the ending, CSV on standard input.
    nulls : tuple of str
        Words that mean "missing", beside the usual ones.
    default_nulls : bool
        False reads the usual words as text; an empty cell stays missing.
    batch_rows : int
        Rows a batch at most.
    encoding, delimiter, decimal : str
        Of CSV. With the decimal mark `,` numbers swap comma and point; see
        `cbvae_cli.table.comma`.
    """

    format: str | None = None
    nulls: tuple[str, ...] = ()
    default_nulls: bool = True
    batch_rows: int = 16384
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."


@dataclass(frozen=True)
class Batch:
    """Some rows that follow each other.

    Attributes
    ----------
    rows : pa.RecordBatch
        The columns of the input in their order. From CSV all are strings: the
        unquoted text of the cell, never null, `""` where the cell is empty.
    start : int
        Number of the first row, over the whole source, from 0.
    part : str
        File within the folder that the rows are from; `""` for a single one.
    """

    rows: pa.RecordBatch
    start: int
    part: str


class Reader(Protocol):
    """What each format offers; made anew for each pass over a file."""

    schema: pa.Schema
    text: bool

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in order, in batches of any size."""
        ...

    def place(self, row: int) -> str:
        """Name the place of a row of this file, as `line 12`."""
        ...

    def consumed(self) -> float | None:
        """Share of the file read so far, if known."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
