"""The same value in another spelling."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.label import Label
from cbvae_cli.table.moment import read_text
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import UNFITTED, fit_quantiles


def read(kind, words):
    cells = pa.array(words)
    return kind.parse(cells, np.zeros(len(words), dtype=bool)).tolist()


@pytest.mark.parametrize("words", [["0", "1"], ["0.0", "1.0"], ["0", "1.00"]])
def test_whole_numbers_may_be_written_with_point_zero(words):
    assert read(Boolean("0", "1", "int64"), words) == [0.0, 1.0]
    assert read(Category(("1", "0"), False, "int64"), words) == [1.0, 0.0]


def test_a_name_with_point_zero_of_its_own_stays_itself():
    kind = Category(("1.0", "1"), False, "string")
    assert read(kind, ["1.0", "1", "2.0"]) == [0.0, 1.0, NOVEL]


@pytest.mark.parametrize("storage", ["string", "large_string", "string_view"])
def test_class_names_are_written_in_any_type_of_text(storage):
    label = Label("y", ("no", "yes"), (3, 1), storage)
    written = label.render(np.array([1, 0]), text=False)
    assert written.to_pylist() == ["yes", "no"]


def test_nearly_whole_numbers_are_filled_with_whole_ones():
    ages = np.concatenate([np.arange(1.0, 99.0), [0.32, 1.08]])
    kind = Number(UNFITTED, 0.0, 0.0, 2, False, "double").fit(ages, fit_quantiles)
    assert kind.decimals == 0
    assert kind.settle(np.array([[41.4]])).tolist() == [41.0]


def test_a_year_of_two_digits_is_no_year_of_the_first_century():
    cells = pa.array(["10.12.23", "03.02.24"])
    with pytest.raises(pa.ArrowInvalid):
        read_text(cells, "%d.%m.%Y")
    assert str(read_text(cells, "%d.%m.%y")[0].as_py()) == "2023-12-10 00:00:00"
