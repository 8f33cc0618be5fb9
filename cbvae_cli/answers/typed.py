"""Rows that came as text on their way to a format that knows types."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.table import cells as reading
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.source import Source


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

    def batch(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Turn the text of known columns into values of their types."""
        schema, known = self.schema(rows.schema), self._columns()
        columns = [
            self._typed(cells, known[field.name])
            if field.name in known and field.name in self.source.names
            else cells
            for field, cells in zip(schema, rows.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _typed(self, cells: pa.Array, column: Column) -> pa.Array:
        kind = column.kind
        lenient = column.storage != "string"
        missing = self.source.missing(cells, lenient=lenient)
        target = arrow_type(column.storage)
        text = reading.without(cells, missing)
        if pa.types.is_string(target):
            return text
        if kind is not None and not pa.types.is_integer(target):
            return kind.render(kind.parse(cells, missing), text=False).cast(target)
        bare = pc.utf8_ltrim(pc.utf8_trim_whitespace(text), "+")
        return bare.cast(target)
