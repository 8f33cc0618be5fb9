"""The strangest rows of a stream, kept until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.answers.frame import Sink


class Top:
    """Holds the rows of the highest scores, and writes them in their order.

    Memory is that of the rows kept and of one batch. Of equal scores the earlier row
    is kept; rows without a score come last.

    Parameters
    ----------
    sink : Sink
    most : int
        Rows to keep, at least 1.
    score : str
        Column of scores.
    """

    def __init__(self, sink: Sink, most: int, score: str) -> None:
        self._sink = sink
        self._most = most
        self._score = score
        self._kept: list[tuple[str, pa.RecordBatch]] = []

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Take the rows of a batch that are strange enough so far."""
        held = [*self._kept, (part, rows)]
        scores = [self._scores(batch) for _, batch in held]
        together = np.concatenate(scores)
        # Stable, so that the earlier of two equal rows stays.
        chosen = np.sort(np.argsort(-together, kind="stable")[: self._most])
        ends = np.cumsum([len(each) for each in scores])
        cuts = np.searchsorted(chosen, ends)
        starts = [0, *cuts[:-1]]
        self._kept = [
            (name, batch.take(pa.array(chosen[start:stop] - end + batch.num_rows)))
            for (name, batch), start, stop, end in zip(
                held, starts, cuts, ends, strict=True
            )
            if stop > start
        ]

    def _scores(
        self, rows: pa.RecordBatch
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        cells = pc.fill_null(rows.column(self._score), -np.inf)
        scores: np.ndarray[tuple[int], np.dtype[np.float64]] = np.asarray(
            cells, dtype=np.float64
        )
        return scores

    def finish(self) -> None:
        """Write what was kept."""
        for part, rows in self._kept:
            self._sink.write(rows, part)


@contextmanager
def strangest(sink: Sink, most: int, score: str) -> Iterator[Top]:
    """Let only the strangest rows through, when all have been seen."""
    top = Top(sink, most, score)
    yield top
    top.finish()
