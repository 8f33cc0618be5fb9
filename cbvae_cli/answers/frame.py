"""Putting answers beside, or in the place of, the columns they were asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.source import Batch, Source


class Answer(Protocol):
    """One question asked of every batch of a source."""

    def schema(self) -> pa.Schema:
        """Columns of the answer, in order."""

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Answer for the rows of one batch, in their order."""

    def summary(self) -> dict[str, object]:
        """Say what was found, once all batches are answered."""


class Sink(Protocol):
    """Where answered rows go."""

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Write rows behind those of the same part."""


class Sieve(Protocol):
    """What lets only some answered rows through."""

    def before(self, sink: Sink) -> AbstractContextManager[Sink]:
        """Stand in front of a sink until the `with` block ends well."""

    def summary(self) -> dict[str, object]:
        """Say what was held back."""


@dataclass(frozen=True)
class Added:
    """Columns that an answer adds to the input's.

    Attributes
    ----------
    source : Source
    prefix : str
        In front of every added column's name.
    only : bool
        Whether the input's columns are left out.
    types : mapping of str to pa.DataType
        The added columns, without prefix.
    """

    source: Source
    prefix: str
    only: bool
    types: Mapping[str, pa.DataType]

    def check(self) -> None:
        """Refuse names that the input has already."""
        clash = [n for n in self.names if n in self.source.names and not self.only]
        if clash:
            raise DataProblem(
                f"the input has a column '{clash[0]}' already",
                where=self.source.name,
                hint="choose other names with --prefix, or --only the new columns",
            )

    @property
    def names(self) -> list[str]:
        """Full names of the added columns."""
        return [self.prefix + name for name in self.types]

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        added = [
            pa.field(self.prefix + name, kind) for name, kind in self.types.items()
        ]
        kept = [] if self.only else list(self.source.schema)
        return pa.schema([*kept, *added])

    def join(self, batch: Batch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
        """Put the added columns beside a batch's own."""
        kept = [] if self.only else batch.rows.columns
        arrays = [*kept, *(columns[name] for name in self.types)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema())


def stream(
    source: Source,
    answer: Answer,
    sink: Sink,
    progress: Callable[[int], None],
    retype: Callable[[pa.RecordBatch, Batch], pa.RecordBatch],
) -> int:
    """Answer every batch of a source and write it; gives the number of rows."""
    n_rows = 0
    for batch in source.batches():
        sink.write(retype(answer.answer(batch), batch), batch.part)
        n_rows += batch.rows.num_rows
        progress(n_rows)
    return n_rows
