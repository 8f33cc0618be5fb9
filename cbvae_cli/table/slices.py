"""Cut and join record batches to a wanted number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

BYTES_MOST = 64 << 20
"""Batches are not joined beyond this: wide tables would fill the memory."""


def resliced(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.RecordBatch]:
    """Give the same rows in batches of `most`, or of fewer where they are wide.

    Parameters
    ----------
    batches : iterable of pa.RecordBatch
        Of one schema; empty ones are dropped.
    most : int
        Rows a batch, at least 1.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        while batch.num_rows:
            part = batch.slice(0, most - rows)
            batch = batch.slice(part.num_rows)
            held.append(part)
            rows += part.num_rows
            size += part.nbytes
            if rows == most or size >= BYTES_MOST:
                yield _joined(held)
                held, rows, size = [], 0, 0
    if held:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
