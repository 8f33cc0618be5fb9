"""Arrow streams that say they are larger than they are: they take no memory."""

from __future__ import annotations

import io
import struct
import sys
import tracemalloc
from types import SimpleNamespace

import pyarrow as pa
import pytest

from cbvae_cli.errors import DataProblem
from cbvae_cli.table import arrow_source
from cbvae_cli.table.source import ReadOptions, open_source

ROWS = pa.table({"a": [float(n) for n in range(1000)], "y": ["p", "q"] * 500})
MOST = 50e6  # bytes, where a whole table takes 20,000


def written(form):
    sink = pa.BufferOutputStream()
    with getattr(pa.ipc, f"new_{form}")(sink, ROWS.schema) as stream:
        stream.write_table(ROWS)
    return sink.getvalue().to_pybytes()


def lies(body, said):
    """Give the bytes with the length of the rows changed, wherever it stands."""
    plain = written("stream")
    length = max(m.body.size for m in pa.ipc.MessageReader.open_stream(plain) if m.body)
    at, true = -1, struct.pack("<q", length)
    while (at := body.find(true, at + 1)) >= 0:
        yield body[:at] + struct.pack("<q", said) + body[at + 8 :]


def read(path):
    with open_source(path, ReadOptions(format="arrow")) as source:
        return sum(batch.rows.num_rows for batch in source.batches())


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("said", [2**62, 2**40, 2**34], ids=hex)
@pytest.mark.parametrize("form", ["stream", "file"])
def test_a_length_beyond_the_end_is_refused(tmp_path, monkeypatch, form, said, piped):
    hostile = list(lies(written(form), said))
    assert hostile
    for body in hostile:
        (tmp_path / "t.arrow").write_bytes(body)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(body)))
        tracemalloc.start()
        with pytest.raises(DataProblem, match="cannot be read as Arrow IPC"):
            read("-" if piped else f"{tmp_path}/t.arrow")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < MOST


@pytest.mark.parametrize("form", ["stream", "file"])
def test_rows_in_many_pieces_are_whole(tmp_path, monkeypatch, form):
    monkeypatch.setattr(arrow_source, "PIECE", 100)
    (tmp_path / "t.arrow").write_bytes(written(form))
    with open_source(f"{tmp_path}/t.arrow", ReadOptions()) as source:
        found = pa.Table.from_batches([batch.rows for batch in source.batches()])
    assert found == ROWS
