"""Expected values of columns, written as the table writes them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as pt

from cbvae_cli.table import moment
from cbvae_cli.table.cells import Floats, is_text
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.source import Source


def value_types(schema: Schema, source: Source, before: str) -> dict[str, pa.DataType]:
    """Give a column of values for each modelled one.

    Parameters
    ----------
    schema : Schema
    source : Source
        Whose types are kept.
    before : str
        In front of each column's name.
    """
    return {f"{before}{c.name}": _type(c, source) for c in schema.modelled}


def value_columns(
    schema: Schema, source: Source, before: str, values: Floats
) -> dict[str, pa.Array]:
    """Write values, shape (n_rows, n_columns), as `value_types` says."""
    found = {}
    columns = zip(schema.modelled, schema.kinds, values.T, strict=True)
    for column, kind, cells in columns:
        rendered = kind.render(cells, text=_as_text(column, source))
        found[f"{before}{column.name}"] = rendered.cast(_type(column, source))
    return found


def constant_cells(value: str, n_rows: int, kind: pa.DataType) -> pa.Array:
    """Write the one value of a constant column so many times."""
    text = pa.array([value] * n_rows, pa.string())
    return moment.typed(text, kind) if pt.is_temporal(kind) else text.cast(kind, False)


def _type(column: Column, source: Source) -> pa.DataType:
    return pa.string() if _as_text(column, source) else arrow_type(column.storage)


def _as_text(column: Column, source: Source) -> bool:
    return source.text or is_text(source.schema.field(column.name).type)
