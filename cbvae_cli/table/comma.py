"""Decimal commas: comma and point change places on the way in, and back on the way out.

Within the program numbers have a decimal point. A cell that looks like a number swaps
its one mark, comma for point or point for comma: done twice this leaves every cell as
it was, so what a table held comes out to the letter.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cbvae_cli.table.as_text import as_text
from cbvae_cli.table.sink_base import Sink

COMMA, POINT = ",", "."


def swapped(text: pa.Array) -> pa.Array:
    """Change decimal commas for points, and points for commas, in cells of text."""
    return pc.if_else(
        _with(COMMA, text),
        pc.replace_substring(text, COMMA, POINT),
        pc.if_else(_with(POINT, text), pc.replace_substring(text, POINT, COMMA), text),
    )


def swapped_word(word: str) -> str:
    """Change the mark of one cell."""
    return str(swapped(pa.array([word], pa.string()))[0].as_py())


class CommaSink(Sink):
    """Gives rows their decimal commas before they go on.

    Parameters
    ----------
    inner : Sink
        Opened with `outgoing(schema)`.
    schema : pa.Schema
        Of the rows to come.
    as_words : bool
        The format keeps cells as text, numbers too.
    """

    def __init__(self, inner: Sink, schema: pa.Schema, as_words: bool) -> None:
        self._inner = inner
        self._outgoing = outgoing(schema, as_words)

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Append rows."""
        columns = [
            swapped(as_text(cells, field.name)) if pt.is_string(field.type) else cells
            for cells, field in zip(rows.columns, self._outgoing, strict=True)
        ]
        changed = pa.RecordBatch.from_arrays(columns, schema=self._outgoing)
        self._inner.write(changed, part)

    def finish(self) -> None:
        """Make the output whole and put it in place."""
        self._inner.finish()

    def abort(self) -> None:
        """Remove what was written."""
        self._inner.abort()


def outgoing(schema: pa.Schema, as_words: bool) -> pa.Schema:
    """Give the schema of rows whose numbers may bear a comma."""
    fields = [
        field.with_type(pa.string()) if as_words and _has_mark(field.type) else field
        for field in schema
    ]
    return pa.schema(fields, schema.metadata)


def _has_mark(kind: pa.DataType) -> bool:
    return bool(pt.is_floating(kind) or pt.is_decimal(kind))


def _with(mark: str, text: pa.Array) -> pa.Array:
    number = rf"^\s*[+-]?(\d+[{mark}]\d*|[{mark}]\d+)([eE][+-]?\d+)?\s*$"
    return pc.match_substring_regex(text, number)
