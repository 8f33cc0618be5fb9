"""The reader of each format, loaded when it is needed."""

from __future__ import annotations

from collections.abc import Callable

from cbvae_cli.table.formats import CODECS
from cbvae_cli.table.origin import Origin
from cbvae_cli.table.reading import Reader, ReadOptions


def reader_of(kind: str, options: ReadOptions) -> Callable[[Origin], Reader]:
    """Give what opens a file of a format; only that format's code is loaded."""
    if kind == "parquet":
        from cbvae_cli.table.parquet_source import ParquetReader

        return lambda origin: ParquetReader(origin, batch_rows=options.batch_rows)
    if kind == "arrow":
        from cbvae_cli.table.arrow_source import ArrowReader

        return ArrowReader
    if kind == "ndjson":
        from cbvae_cli.table.ndjson_source import NdjsonReader

        return NdjsonReader
    from cbvae_cli.table.csv_source import CsvReader

    return lambda origin: CsvReader(
        origin,
        encoding=options.encoding,
        delimiter=options.delimiter,
        decimal=options.decimal,
        codec=CODECS.get(kind),
    )
