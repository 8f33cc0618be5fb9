"""Which cells go missing together, drawn again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.table.gaps import LEAST_ROWS, MOST_PATTERNS, Gaps, find_gaps


def table(rng, n_rows, *patterns):
    values = rng.standard_normal((n_rows, len(patterns[0][1])))
    turn = 0
    for count, missing in patterns:
        values[turn : turn + count, np.flatnonzero(missing)] = np.nan
        turn += count
    return values


def test_patterns_come_back_as_often_as_they_were():
    rng = np.random.default_rng(0)
    values = table(rng, 1000, (300, [1, 1, 0, 0]), (100, [0, 0, 0, 1]))
    gaps = find_gaps(values)
    drawn = gaps.draw(20_000, np.random.default_rng(1))
    assert gaps.shares == pytest.approx([0.6, 0.3, 0.1])
    assert drawn.mean(axis=0) == pytest.approx([0.3, 0.3, 0.0, 0.1], abs=0.02)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert not (drawn[:, 0] & drawn[:, 3]).any()


def test_a_pattern_of_few_rows_is_not_stored():
    rng = np.random.default_rng(0)
    values = table(rng, 100, (LEAST_ROWS - 1, [1, 1, 0]), (LEAST_ROWS, [0, 1, 1]))
    gaps = find_gaps(values)
    assert gaps.patterns.tolist() == [[False] * 3, [False, True, True]]
    assert gaps.rates.tolist() == [1.0, 1.0, 0.0]
    assert gaps.shares.sum() == pytest.approx(1 - (LEAST_ROWS - 1) / 100)


def test_cells_missing_at_random_keep_their_rates():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2000, 12))
    values[rng.random(values.shape) < 0.3] = np.nan
    gaps = find_gaps(values)
    drawn = gaps.draw(20_000, np.random.default_rng(1))
    assert len(gaps.patterns) <= MOST_PATTERNS
    assert drawn.mean(axis=0) == pytest.approx(np.isnan(values).mean(axis=0), abs=0.02)


@given(st.integers(0, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_no_drawn_row_is_empty_and_gaps_survive_storage(n_rows, n_columns, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n_rows, n_columns))
    values[rng.random(values.shape) < rng.random()] = np.nan
    gaps = find_gaps(values)
    again = Gaps.restore(gaps.arrays(), n_columns)
    drawn = [g.draw(50, np.random.default_rng(seed)) for g in (gaps, again)]
    assert not drawn[0].all(axis=1).any()
    assert (drawn[0] == drawn[1]).all()


def test_a_bundle_without_gaps_has_none_and_one_of_another_shape_is_refused():
    assert not Gaps.restore({}, 3).draw(10, np.random.default_rng(0)).any()
    arrays = find_gaps(np.zeros((10, 3))).arrays()
    with pytest.raises(ValueError, match="shape"):
        Gaps.restore(arrays, 4)
