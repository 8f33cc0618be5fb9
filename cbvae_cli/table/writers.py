"""The writer of each format, loaded when it is needed."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from cbvae_cli.table.formats import CODECS
from cbvae_cli.table.outlet import Outlet


class Writer(Protocol):
    """What each format offers."""

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows of the schema given at the start."""
        ...

    def close(self) -> None:
        """Write the end of the format; the file stays open."""
        ...


def writer_of(kind: str, outlet: Outlet, schema: pa.Schema) -> Writer:
    """Start writing a format to `outlet`."""
    if kind == "parquet":
        from cbvae_cli.table.columnar_sink import ParquetWriter

        return ParquetWriter(outlet, schema)
    if kind == "arrow":
        from cbvae_cli.table.columnar_sink import ArrowWriter

        return ArrowWriter(outlet, schema)
    if kind == "ndjson":
        from cbvae_cli.table.ndjson_sink import NdjsonWriter

        return NdjsonWriter(outlet, schema)
    from cbvae_cli.table.csv_sink import CsvWriter

    return CsvWriter(outlet, schema, CODECS.get(kind))
