"""The same value in another spelling."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.label import Label


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
