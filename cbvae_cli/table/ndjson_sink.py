"""Write newline-delimited JSON: an object a line, keys in column order."""

from __future__ import annotations

import json
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.as_text import WORDLESS, as_text, json_default
from cbvae_cli.table.outlet import Outlet
from cbvae_cli.table.wording import shown

PIECE = 16384
"""Rows turned into Python objects at once."""


class NdjsonWriter:
    """Rows as JSON lines in UTF-8. NaN is null, moments and decimals are text."""

    def __init__(self, outlet: Outlet, schema: pa.Schema) -> None:
        self._outlet = outlet
        self._names = schema.names
        self._dump = partial(
            json.dumps, ensure_ascii=False, allow_nan=False, default=json_default
        )

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows."""
        pairs = list(zip(rows.columns, self._names, strict=True))
        plain = [_plain(column, name) for column, name in pairs]
        ready = pa.RecordBatch.from_arrays(plain, names=self._names)
        for start in range(0, rows.num_rows, PIECE):
            piece = ready.slice(start, PIECE)
            try:
                lines = list(map(self._dump, piece.to_pylist()))
            except WORDLESS as error:
                raise _unwritable(piece, error) from error
            self._outlet.write(("\n".join(lines) + "\n").encode())

    def close(self) -> None:
        """Do nothing: the last line is whole."""


def _plain(column: pa.Array, name: str) -> pa.Array:
    """Give a column as JSON can hold it."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return _plain(column.storage, name)
    if pt.is_dictionary(kind):
        return _plain(column.dictionary_decode(), name)
    if pt.is_floating(kind):
        if kind != pa.float64():
            # By way of text: 0.1 stays 0.1, not 0.10000000149.
            return as_text(column, name).cast(pa.float64())
        return pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if pt.is_temporal(kind) or pt.is_decimal(kind) or _is_bytes(kind):
        return as_text(column, name)
    return column


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind)
    )


def _unwritable(rows: pa.RecordBatch, error: Exception) -> DataProblem:
    def fails(column: pa.Array) -> bool:
        try:
            json.dumps(column.to_pylist(), allow_nan=False, default=json_default)
        except WORDLESS:
            return True
        return False

    pairs = zip(rows.schema.names, rows.columns, strict=True)
    name = next((name for name, column in pairs if fails(column)), "?")
    return DataProblem(
        f"column {shown(name)} holds a value that JSON has no word for",
        where=str(error).partition("\n")[0],
        expected="finite numbers, text, lists and objects",
        hint="write to .parquet or .arrow",
    )
