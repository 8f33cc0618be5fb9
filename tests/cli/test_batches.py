"""How many rows are held at once."""

from __future__ import annotations

import pytest

from cbvae_cli.cli.groups import BATCH_ROWS, CELLS, LEAST_WIDE, Reading


@pytest.mark.parametrize(
    ("n_columns", "copies", "rows"),
    [
        pytest.param(0, 1, BATCH_ROWS, id="columns not known yet"),
        pytest.param(30, 1, BATCH_ROWS, id="a usual table"),
        pytest.param(1000, 1, CELLS // 1000, id="a wide table"),
        pytest.param(100, 20, CELLS // 2000, id="draws"),
        pytest.param(1000, 20, CELLS // 20_000, id="a wide table with draws"),
        pytest.param(20_000, 50, LEAST_WIDE, id="the least"),
    ],
)
def test_wide_tables_and_draws_take_fewer_rows_at_once(n_columns, copies, rows):
    assert Reading().options(n_columns, None, copies).batch_rows == rows


def test_rows_that_were_asked_for_are_held():
    asked = Reading(batch_rows=5000)
    assert asked.options(1000, None, 20).batch_rows == 5000


def test_memory_bounds_all_copies_of_a_row():
    whole = Reading().options(10, 10**6).batch_rows
    assert Reading().options(10, 10**6, 2).batch_rows == whole // 2
