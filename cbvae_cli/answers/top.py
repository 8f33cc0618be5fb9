"""The strangest rows of a stream, kept until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.answers.frame import Sink

Scores = np.ndarray[tuple[int], np.dtype[np.float64]]


class Top:
    """Holds the rows of the highest scores, and writes them in their order.

    Memory is that of the rows kept and of one batch. Of equal scores the earlier row
    is kept; rows without a score come last.

    Parameters
    ----------
    most : int
        Rows to keep, at least 1.
    score : str
        Column of scores.
    """

    def __init__(self, most: int, score: str) -> None:
        self._most = most
        self._score = score
        self._kept: list[tuple[str, pa.RecordBatch]] = []
        self._least = -np.inf  # of the scores kept, once there are enough
        self._ties = 0

    @contextmanager
    def before(self, sink: Sink) -> Iterator[Top]:
        """Let only the strangest rows through to a sink, when all have been seen."""
        yield self
        for part, rows in self._kept:
            sink.write(rows, part)

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Take the rows of a batch that are strange enough so far."""
        held = [*self._kept, (part, rows)]
        scores = [self._scores(batch) for _, batch in held]
        together = np.concatenate(scores)
        # Stable, so that the earlier of two equal rows stays.
        order = np.argsort(-together, kind="stable")
        chosen = np.sort(order[: self._most])
        self._count_ties(together[chosen], together[order[self._most :]])
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

    def _count_ties(self, kept: Scores, left: Scores) -> None:
        if not len(left):
            return
        least = kept.min()
        if least > self._least:  # what was left out before is below
            self._least, self._ties = least, 0
        if np.isfinite(least):
            self._ties += int((left == least).sum())

    def _scores(self, rows: pa.RecordBatch) -> Scores:
        cells = pc.fill_null(rows.column(self._score), -np.inf)
        scores: Scores = np.asarray(cells, dtype=np.float64)
        return scores

    def summary(self) -> dict[str, object]:
        """Count the rows left out that are as strange as the last one kept."""
        return {"top": self._most, "top_ties": self._ties}
