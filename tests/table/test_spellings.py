"""The same value in another spelling."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.kind import NOVEL


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
