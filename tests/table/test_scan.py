"""One pass over a column, in batches of any size."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.table.nulls import DEFAULT_NULLS, LENIENT_NULLS, missing_mask
from cbvae_cli.table.scan import ColumnScan, Tally

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
cells = st.sampled_from(
    ["", "NA", "None", "1", "2.50", "-3", "007", "1e5", "inf", "a", "2024-01-31",
     "31/12/2024", "2024-01-31 10:20", "true"]
)  # fmt: skip
COUNTED = ("rows", "missing", "lenient_missing", "misfits", "first_misfit")
SPELT = ("low", "high", "infinite", "whole", "leading_zero", "exponent", "decimals")


def scan(column, batch_rows):
    array = pa.array(column, pa.string())
    found = ColumnScan("x", array.type)
    for start in range(0, len(column), batch_rows):
        batch = array[start : start + batch_rows]
        strict, lenient = (
            missing_mask(batch, words) for words in (DEFAULT_NULLS, LENIENT_NULLS)
        )
        found.see(batch, strict, lenient)
    return found


@QUICK
@given(st.lists(cells, min_size=1, max_size=40), st.integers(1, 41))
def test_batches_do_not_matter_to_what_is_counted(column, batch_rows):
    whole, parts = scan(column, len(column)), scan(column, batch_rows)
    assert parts.names.most_common() == whole.names.most_common()
    for name in COUNTED:
        assert getattr(parts, name) == getattr(whole, name)
    if not whole.misfits:
        for name in SPELT:
            assert getattr(parts, name) == getattr(whole, name), name


def test_what_a_scan_finds():
    found = scan(["1", "", "2.50", "None", "1e2", "inf", "-07"], 3)
    assert (found.rows, found.missing, found.lenient_missing) == (7, 1, 2)
    assert (found.low, found.high, found.infinite) == (-7.0, 100.0, 1)
    assert found.leading_zero
    assert found.exponent
    assert not found.whole
    assert not found.increasing


def test_the_first_misfit_is_named_by_its_row_in_the_table():
    assert scan(["1", "", "2", "x", "y"], 2).first_misfit == (3, "x")
    assert scan(["1", "", "2", "x", "y"], 2).misfits == 2


@pytest.mark.parametrize("batch_rows", [1, 2, 9])
def test_rising_numbers_are_seen_across_batches(batch_rows):
    assert scan(list("123456789"), batch_rows).increasing
    assert not scan(list("123455789"), batch_rows).increasing
    assert not scan(list("123465789"), batch_rows).increasing


def test_day_and_month_are_told_apart_by_a_later_cell():
    found = scan(["01/02/2024", "03/04/2024", "05/13/2024"], 1)
    assert found.patterns == ["%m/%d/%Y"]
    assert scan(["01/02/2024", "13/04/2024"], 1).patterns == ["%d/%m/%Y"]
    assert scan(["13/02/2024", "01/13/2024"], 1).patterns == []


@QUICK
@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=30), max_size=12))
def test_a_tally_counts_as_a_counter(batches):
    tally = Tally(100)
    for batch in batches:
        tally.add(pa.array(batch, pa.string()))
    values, counts = tally.most_common()
    assert dict(zip(values, counts, strict=True)) == Counter(chain(*batches))
    assert counts == sorted(counts, reverse=True)
    assert tally.complete


def test_a_full_tally_keeps_the_most_frequent_values_and_says_so():
    tally = Tally(5)
    for _ in range(20):
        tally.add(pa.array(["a"] * 9 + ["b"] * 7))
        tally.add(pa.array([f"once {n}" for n in np.arange(11)]))
    values, counts = tally.most_common()
    assert (values[:2], counts[:2]) == (["a", "b"], [180, 140])
    assert len(values) == 5
    assert not tally.complete
