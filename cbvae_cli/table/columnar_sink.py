"""Write Parquet and Arrow IPC streams: types and values as they are."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.outlet import Outlet

GROUP_ROWS = 1 << 16
GROUP_BYTES = 32 << 20
"""Parquet rows are gathered up to one of these: small groups read slowly."""


class ParquetWriter:
    """Rows as one Parquet file."""

    def __init__(self, outlet: Outlet, schema: pa.Schema) -> None:
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._schema = schema
        try:
            self._file = pq.ParquetWriter(pa.PythonFile(outlet, mode="w"), schema)
        except pa.ArrowException as error:
            raise _unwritable("Parquet", error) from error

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows."""
        self._held.append(rows)
        self._rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write the last rows and the footer."""
        if self._held:
            self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._held, self._schema)
        self._held, self._rows, self._bytes = [], 0, 0
        try:
            self._file.write_table(table)
        except pa.ArrowException as error:
            raise _unwritable("Parquet", error) from error


class ArrowWriter:
    """Rows as an Arrow IPC stream."""

    def __init__(self, outlet: Outlet, schema: pa.Schema) -> None:
        self._stream = pa.ipc.new_stream(pa.PythonFile(outlet, mode="w"), schema)

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows."""
        self._stream.write_batch(rows)

    def close(self) -> None:
        """Write the end of the stream."""
        self._stream.close()


def _unwritable(kind: str, error: Exception) -> DataProblem:
    return DataProblem(
        f"the rows cannot be written as {kind}",
        where=str(error).partition("\n")[0],
        hint="write to .arrow, which holds every type",
    )
