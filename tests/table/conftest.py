from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

from cbvae_cli.table.sink import WriteOptions, open_sink
from cbvae_cli.table.source import ReadOptions, open_source


@pytest.fixture
def rows_of():
    """Read a whole table: a dict of lists."""

    def read(path, **options):
        with open_source(str(path), ReadOptions(**options)) as source:
            batches = [batch.rows for batch in source.batches()]
            return pa.Table.from_batches(batches, source.schema)

    return read


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input."""

    def feed(data: bytes):
        stream = io.BytesIO(data)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        return stream

    return feed


@pytest.fixture
def make_table():
    """Write a table with a column `n` that counts and a column `t` of text."""

    def make(path, rows):
        table = pa.table({"n": list(range(rows)), "t": [f"t{n}" for n in range(rows)]})
        with open_sink(str(path), table.schema, WriteOptions()) as sink:
            for batch in table.to_batches(max_chunksize=3):
                sink.write(batch)
        return path

    return make
