"""Ranks among ordered scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.calibration.ranks import at_least, rows_needed, share_below

SCORES = st.lists(st.integers(-3, 3).map(float), max_size=20)


@given(SCORES, SCORES)
def test_counting_agrees_with_comparing_every_pair(held, asked):
    ordered, scores = np.sort(held), np.array(asked)
    expected = [sum(one >= score for one in held) for score in asked]
    assert at_least(ordered, scores).tolist() == expected


@pytest.mark.parametrize(
    ("bound", "rows"),
    [
        (0.01, 99),
        (0.001, 999),
        (0.05, 19),
        (0.07, 14),
        (0.5, 1),
        (0.9, 1),
        (1e-4, 9999),
    ],
)
def test_so_many_rows_are_needed(bound, rows):
    assert rows_needed(bound) == rows


@given(st.floats(1e-6, 0.999))
def test_one_row_less_is_too_few(bound):
    rows = rows_needed(bound)
    assert 1 / (rows + 1) <= bound < 1 / rows


@given(st.integers(1, 3000), st.sampled_from([0.01, 0.05, 0.1, 0.2]))
def test_the_share_below_a_level_agrees_with_counting(n_rows, level):
    every = np.arange(1, n_rows + 2) / (n_rows + 1)
    expected = (every < level).sum() / (n_rows + 1)
    [share, none] = share_below(level, np.array([1 / (n_rows + 1), np.nan]))
    assert share == pytest.approx(expected)
    assert none == 0
