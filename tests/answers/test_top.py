"""Only the strangest rows of a stream."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.answers.top import Top

SCORES = st.lists(st.none() | st.integers(-3, 3).map(float), max_size=40)


class Kept:
    """A sink that remembers."""

    def __init__(self):
        self.rows = []

    def write(self, rows, part=""):
        cells = zip(rows["at"].to_pylist(), rows["score"].to_pylist(), strict=True)
        self.rows += [(part, *cell) for cell in cells]


def kept(scores, most, batch_rows):
    sink = Kept()
    with Top(most, "score").before(sink) as top:
        for start in range(0, len(scores), batch_rows):
            some = scores[start : start + batch_rows]
            numbers = pa.array(range(start, start + len(some)), pa.int64())
            batch = {"at": numbers, "score": pa.array(some, pa.float64())}
            top.write(pa.RecordBatch.from_pydict(batch), f"part-{start % 2}")
        assert not sink.rows
    return sink.rows


@settings(deadline=None)
@given(SCORES, st.integers(1, 12), st.integers(1, 9))
def test_the_highest_scores_stay_in_their_order(scores, most, batch_rows):
    found = kept(scores, most, batch_rows)
    floats = np.array([-np.inf if s is None else s for s in scores], dtype=float)
    expected = sorted(np.argsort(-floats, kind="stable")[:most])
    assert [at for _, at, _ in found] == expected
    assert [score for *_, score in found] == [scores[at] for at in expected]
    for part, at, _ in found:
        assert part == f"part-{at // batch_rows * batch_rows % 2}"


def test_a_run_that_fails_writes_nothing():
    sink = Kept()
    batch = pa.RecordBatch.from_pydict({"at": [1], "score": [1.0]})
    # Both lines belong inside: the run must fail after it has written.
    with pytest.raises(KeyError), Top(1, "score").before(sink) as top:  # noqa: PT012
        top.write(batch)
        raise KeyError
    assert not sink.rows


def test_kept_rows_do_not_hold_their_batches_in_memory():
    sink = Kept()
    with Top(2, "score").before(sink) as top:
        for start in range(50):
            rows = {"at": np.arange(20_000), "score": np.arange(20_000.0) + start}
            before = pa.total_allocated_bytes()
            top.write(pa.RecordBatch.from_pydict(rows))
            if start == 0:
                first = before
        assert pa.total_allocated_bytes() - first < 3 * 20_000 * 16
    assert len(sink.rows) == 2
