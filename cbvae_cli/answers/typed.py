"""Rows that came as text on their way to a format that knows types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.errors import DataProblem
from cbvae_cli.table import cells as reading
from cbvae_cli.table import moment
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import shown


@dataclass(frozen=True)
class Typed:
    """Gives a bundle's columns their types; other columns stay text.

    Attributes
    ----------
    model_schema : Schema
    source : Source
        Of text cells.
    """

    model_schema: Schema
    source: Source

    def _columns(self) -> dict[str, Column]:
        known = {c.name: c for c in self.model_schema.columns}
        label = self.model_schema.label
        known[label.name] = Column(label.name, "label", None, label.storage)
        return known

    def schema(self, rows: pa.Schema) -> pa.Schema:
        """Give the types of the output's columns."""
        known = self._columns()
        fields = [
            pa.field(field.name, arrow_type(known[field.name].storage))
            if field.name in known and field.name in self.source.names
            else field
            for field in rows
        ]
        return pa.schema(fields)

    def batch(self, rows: pa.RecordBatch, source_rows: Batch) -> pa.RecordBatch:
        """Turn the text of known columns into values of their types.

        Parameters
        ----------
        rows : pa.RecordBatch
            The answer.
        source_rows : Batch
            The rows that were asked about, to name the place of a misfit.

        Raises
        ------
        DataProblem
            At the first cell that its column's type cannot hold.
        """
        schema, known = self.schema(rows.schema), self._columns()
        columns = [
            self._typed(cells, known[field.name], source_rows)
            if field.name in known and field.name in self.source.names
            else cells
            for field, cells in zip(schema, rows.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _typed(self, cells: pa.Array, column: Column, source_rows: Batch) -> pa.Array:
        missing = self.source.missing(cells, lenient=column.storage != "string")
        target = arrow_type(column.storage)
        text = reading.without(cells, missing)
        if pa.types.is_string(target):
            return text
        try:
            return self._cast(text, column, target)
        except (pa.ArrowInvalid, reading.BadCell):
            row = _first_misfit(lambda some: self._cast(some, column, target), text)
        cell = text[row]
        row = row * source_rows.rows.num_rows // len(text)  # draws repeat rows
        raise DataProblem(
            f"column '{column.name}' holds a value that its type in the output, "
            f"{target}, cannot",
            where=f"{self.source.where(source_rows, row)}: {shown(cell)}",
            expected=f"values of type {target}, as training had them",
            hint="write to .csv, which keeps every cell as it came",
        )

    def _cast(self, text: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
        kind = column.kind
        if kind is not None and not pa.types.is_integer(target):
            absent = np.asarray(text.is_null())
            return kind.render(kind.parse(text, absent), text=False).cast(target)
        if pa.types.is_temporal(target):
            return moment.typed(text, target)
        bare = pc.utf8_ltrim(pc.utf8_trim_whitespace(text), "+")
        if pa.types.is_integer(target):
            bare = pc.replace_substring_regex(bare, r"\.0*$", "")
            # No integer is infinite: such a cell counts as missing all along.
            infinite = pc.match_substring_regex(bare, r"(?i)^-?inf(inity)?$")
            bare = pc.if_else(infinite, pa.scalar(None, pa.string()), bare)
        return bare.cast(target)


def _first_misfit(cast: Callable[[pa.Array], pa.Array], cells: pa.Array) -> int:
    """Find the first cell that a cast refuses, by halving."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            cast(cells[low:middle])
            low = middle
        except (pa.ArrowInvalid, reading.BadCell):
            high = middle
    return low
