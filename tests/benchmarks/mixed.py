"""Make a table of mixed columns, of any size, for figures of speed and memory.

    python tests/benchmarks/mixed.py --rows 100000 -o mixed.csv

Of ten columns four hold decimals, two whole numbers, one counts, two names and one a
date; every third has gaps. A label stands behind them: two rows of a hundred are
`yes`, and differ a little from the others in every column. Equal flags, equal bytes;
a longer table begins with the rows of a shorter one.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

CHUNK = 50_000  # rows made at once: the maker stays small however long the table
POSITIVE = 0.02
GAPS = 0.05
FACTORS = 4  # hidden numbers of a row, from which its columns follow
NOISE = 0.6
EPOCH = 1_600_000_000  # seconds; rows lie up to three years behind it
SPAN = 3 * 365 * 86_400
HALF = ("decimal", "decimal", "name", "whole")
CYCLE = (*HALF, "date", *HALF, "count")

Signal = NDArray[np.float64]


def decimals(at: Signal, place: int) -> pa.Array:
    """Give amounts of two or three digits after the point, some of them skewed."""
    skewed = np.exp(at) if place % 3 == 0 else at
    return pa.array(np.round(100 * skewed, 2 + place % 2))


def whole(at: Signal, place: int) -> pa.Array:
    """Give whole numbers."""
    return pa.array(np.round(1000 + 250 * at).astype(np.int64))


def counts(at: Signal, place: int) -> pa.Array:
    """Give small counts, many of them nought."""
    return pa.array(np.maximum(np.floor(np.exp(0.8 * at) - 0.3), 0).astype(np.int64))


def names(at: Signal, place: int) -> pa.Array:
    """Give one of a few names, as many as the column's place says."""
    known = pa.array([f"kind_{number}" for number in range(3 + place % 9)])
    codes = np.clip(np.floor((at + 2.5) / 5 * len(known)), 0, len(known) - 1)
    return known.take(pa.array(codes.astype(np.int32)))


def dates(at: Signal, place: int) -> pa.Array:
    """Give moments, to the second."""
    seconds = EPOCH + SPAN / (1 + np.exp(-at))
    return pa.array(seconds.astype(np.int64)).cast(pa.timestamp("s"))


MAKERS: dict[str, Callable[[Signal, int], pa.Array]] = {
    "decimal": decimals,
    "whole": whole,
    "count": counts,
    "name": names,
    "date": dates,
}


def chunks(n_rows: int, n_columns: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Give the rows in pieces of `CHUNK`.

    Parameters
    ----------
    n_rows, n_columns : int
        The label comes on top of the columns.
    seed : int
    """
    loads = np.random.default_rng([seed, 0]).standard_normal((FACTORS, n_columns))
    for number, start in enumerate(range(0, n_rows, CHUNK)):
        # A whole piece is drawn and then cut: so a longer table goes on as a shorter.
        rng = np.random.default_rng([seed, 1, number])
        yield _chunk(rng, loads / np.sqrt(FACTORS)).slice(0, n_rows - start)


def _chunk(rng: np.random.Generator, loads: Signal) -> pa.RecordBatch:
    positive = rng.random(CHUNK) < POSITIVE
    factors = rng.standard_normal((CHUNK, FACTORS)) + 0.7 * positive[:, None]
    found: dict[str, pa.Array] = {}
    for place in range(loads.shape[1]):
        kind = CYCLE[place % len(CYCLE)]
        at = factors @ loads[:, place] + NOISE * rng.standard_normal(CHUNK)
        cells = MAKERS[kind](at, place)
        if place % 3 == 0:
            gap = pa.array(rng.random(CHUNK) < GAPS)
            cells = pa.compute.if_else(gap, pa.scalar(None, cells.type), cells)
        found[f"{kind}_{place}"] = cells
    found["label"] = pa.compute.if_else(pa.array(positive), "yes", "no")
    return pa.RecordBatch.from_pydict(found)


def make(path: Path, n_rows: int, n_columns: int = 30, seed: int = 0) -> None:
    """Write a table in the format that its name says."""
    first, *_ = chunks(1, n_columns, seed)
    with _writer(path, first.schema) as writer:
        for rows in chunks(n_rows, n_columns, seed):
            writer.write_batch(rows)


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Any]:
    if path.suffix == ".parquet":
        with pa.parquet.ParquetWriter(path, schema) as writer:
            yield writer
        return
    # No cell needs quotes, and most programs write none then.
    options = pa.csv.WriteOptions(quoting_style="none")
    with pa.csv.CSVWriter(path, schema, write_options=options) as writer:
        yield writer


def main() -> None:
    """Write the table that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=30, help="label apart")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    make(asked.output, asked.rows, asked.columns, asked.seed)


if __name__ == "__main__":
    main()
