"""Which rows train, stop and calibrate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.training.parts import CALIBRATE, LEAST_ROWS, STOP, TRAIN, row_keys, split


def rows(n_rows=1000, n_classes=3, n_different=None, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_different or n_rows, 4))
    values[rng.random(values.shape) < 0.2] = np.nan
    if n_different:
        values = values[rng.integers(0, n_different, n_rows)]
    return values, rng.choice(n_classes, n_rows, p=[0.7, 0.25, 0.05][:n_classes])


def of_row(values, labels, seed=0):
    return split(values, labels, 0.1, 0.2, seed).of_row


def test_every_row_has_one_part():
    found = of_row(*rows())
    assert set(found.tolist()) == {TRAIN, STOP, CALIBRATE}
    parts = split(*rows(), 0.1, 0.2, 0)
    every = np.arange(1000)
    together = [parts.rows(part, every) for part in (TRAIN, STOP, CALIBRATE)]
    assert sorted(np.concatenate(together)) == list(every)


def test_each_class_gives_its_shares():
    values, labels = rows(4000)
    found = of_row(values, labels)
    for place in range(3):
        own = found[labels == place]
        assert abs(np.mean(own == CALIBRATE) - 0.2) <= 1 / len(own) + 1e-9
        assert abs(np.mean(own == STOP) - 0.1) <= 1 / len(own) + 1e-9


@pytest.mark.parametrize("n_different", [2, 5, 40, 300])
def test_equal_rows_of_a_class_stay_together(n_different):
    values, labels = rows(600, n_different=n_different)
    found = of_row(values, labels)
    parts: dict[tuple[bytes, int], set[int]] = {}
    for row, label, part in zip(values, labels, found, strict=True):
        parts.setdefault((row.tobytes(), int(label)), set()).add(int(part))
    assert all(len(each) == 1 for each in parts.values())


def test_minus_nought_and_every_nan_count_as_equal():
    other_nan = np.uint64(0x7FF8000000000001).view(np.float64)
    values = np.array([[0.0, np.nan], [-0.0, np.float64(other_nan)], [0.0, 1.0]])
    keys = row_keys(values, 0)
    assert keys[0] == keys[1] != keys[2]


def test_columns_are_not_interchangeable():
    keys = row_keys(np.array([[1.0, 2.0], [2.0, 1.0]]), 0)
    assert keys[0] != keys[1]


@given(st.permutations(range(60)), st.integers(0, 5))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_order_of_rows_does_not_matter(order, seed):
    values, labels = rows(60, n_different=30)
    found = of_row(values, labels, seed)
    shuffled = of_row(values[order], labels[order], seed)
    np.testing.assert_array_equal(shuffled, found[order])


def test_the_seed_matters():
    values, labels = rows()
    assert not np.array_equal(of_row(values, labels, 0), of_row(values, labels, 1))


@pytest.mark.parametrize("n_rows", [1, 2, LEAST_ROWS - 1])
def test_a_tiny_class_trains_with_all_its_rows(n_rows):
    values, _ = rows(100 + n_rows)
    labels = np.repeat([0, 1], [100, n_rows])
    assert (of_row(values, labels)[labels == 1] == TRAIN).all()


def test_a_class_of_one_row_many_times_over_trains_with_all_of_them():
    values = np.ones((50, 4))
    assert (of_row(values, np.zeros(50, dtype=int)) == TRAIN).all()


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=80),
    st.integers(0, 9),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_class_never_lacks_rows_to_train_on(numbers, seed):
    values = np.array(numbers, dtype=float)[:, None]
    found = of_row(values, np.zeros(len(numbers), dtype=int), seed)
    assert (found == TRAIN).any()
