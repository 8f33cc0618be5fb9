"""An even sample of rows that pass by."""

import numpy as np
import pytest

from cbvae_cli.measures.reservoir import Reservoir


def kept(keys, most, sizes):
    reservoir = Reservoir(most)
    ends = np.cumsum(sizes)[:-1]
    numbers = np.arange(len(keys))
    for some, rows in zip(np.split(keys, ends), np.split(numbers, ends), strict=True):
        reservoir.add(some, rows, rows[:, None] * np.ones(2))
    assert reservoir.seen == len(keys)
    return reservoir.rows()


def test_few_rows_are_all_kept_in_their_order():
    numbers, wide = kept(np.random.default_rng(0).random(10), 10, [3, 7])
    assert numbers.tolist() == list(range(10))
    assert wide[:, 1].tolist() == list(range(10))


@pytest.mark.parametrize("sizes", [[1000], [1] * 1000, [400, 600], [999, 1]])
def test_the_rows_of_the_lowest_keys_are_kept_whatever_the_batches(sizes):
    keys = np.random.default_rng(1).random(1000)
    numbers, _ = kept(keys, 100, sizes)
    assert numbers.tolist() == np.sort(np.argsort(keys)[:100]).tolist()


def test_no_row_is_no_column():
    assert Reservoir(5).rows() == ()
