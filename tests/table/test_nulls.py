from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.nulls import DEFAULT_NULLS, LENIENT_NULLS, missing_mask


def test_none_is_a_category_but_no_number():
    assert "None" not in DEFAULT_NULLS
    assert LENIENT_NULLS - DEFAULT_NULLS == {"None"}


def test_the_words_are_those_of_pandas():
    from pandas._libs.parsers import STR_NA_VALUES

    assert LENIENT_NULLS == frozenset(STR_NA_VALUES)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str
)
def test_words_and_nulls_in_text_are_missing(kind):
    column = pa.array(["NA", "x", None, "", "na"], kind)
    assert missing_mask(column, DEFAULT_NULLS).tolist() == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_dictionary_columns_are_judged_by_their_values():
    column = pa.array(["a", "NA", None, "a"]).dictionary_encode()
    assert missing_mask(column, DEFAULT_NULLS).tolist() == [False, True, True, False]
    empty = pa.array([None, None], pa.dictionary(pa.int8(), pa.string()))
    assert missing_mask(empty, DEFAULT_NULLS).tolist() == [True, True]


def test_nan_is_missing_and_infinity_is_not():
    column = pa.array([1.0, float("nan"), None, float("inf")])
    mask = missing_mask(column, DEFAULT_NULLS)
    assert mask.dtype == np.bool_
    assert mask.tolist() == [False, True, True, False]


def test_slices_are_judged_by_their_own_rows():
    column = pa.array(["NA", "x", "NA", None]).slice(1)
    assert missing_mask(column, DEFAULT_NULLS).tolist() == [False, True, True]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True, None]),
        pa.array([[1], None]),
        pa.array([1, None]),
        pa.array([1, None], pa.timestamp("s")),
    ],
    ids=lambda column: str(column.type),
)
def test_other_types_are_missing_where_null(column):
    assert missing_mask(column, DEFAULT_NULLS).tolist() == [False, True]
