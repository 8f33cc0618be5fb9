"""Moments that are filled in, written as their column writes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.infer import infer
from cbvae_cli.table.moment import ISO, read_text
from cbvae_cli.table.nulls import LENIENT_NULLS, missing_mask
from cbvae_cli.table.scale import fit_quantiles
from cbvae_cli.table.scan import ColumnScan

WRITTEN = [
    ["1961-05-04", "1999-12-31", "2024-02-29"],
    ["1961-05-04 06:30", "1999-12-31 23:59", "2024-02-29 00:00"],
    ["1961-05-04T06:30:05", "1999-12-31T23:59:59", "2024-02-29T00:00:00"],
    ["1961-05-04T06:30:05Z", "1999-12-31T23:59:59Z"],
    ["1961-05-04T06:30:05+02:00", "1999-12-31T23:59:59+02:00"],
    ["1961-05-04 06:30:05-0330", "1999-12-31 23:59:59-0330"],
    ["1961-05-04 06:30-05:00", "1999-12-31 23:59-05:00"],
    ["04.05.1961", "31.12.1999"],
    ["04.05.1961 06:30", "31.12.1999 23:59"],
    ["05/31/1961 06:30:05", "12/31/1999 23:59:59"],
]


def found_kind(cells):
    array = pa.array(cells)
    scan = ColumnScan("when", array.type)
    missing = missing_mask(array, LENIENT_NULLS)
    scan.see(array, missing, missing)
    kind = infer(scan, None).column.kind
    values = kind.parse(array, missing)
    return kind.fit(values[~np.isnan(values)], fit_quantiles), values


@pytest.mark.parametrize("cells", WRITTEN, ids=lambda cells: cells[0])
def test_moments_are_written_as_the_column_writes_them(cells):
    kind, values = found_kind([*cells, ""])
    assert kind.render(values, text=True).to_pylist() == [*cells, None]


def test_fractions_of_seconds_are_kept():
    cells = ["2024-01-31T10:20:30.25", "2024-01-31T10:20:31.5"]
    kind, values = found_kind(cells)
    again = kind.render(values, text=True)
    np.testing.assert_array_equal(kind.parse(again, np.zeros(2, dtype=bool)), values)


@pytest.mark.parametrize("cells", WRITTEN, ids=lambda cells: cells[0])
def test_moments_come_back_from_the_networks_scale(cells):
    kind, values = found_kind(cells)
    block = kind.encode(values).astype(np.float64)
    assert block.shape == (len(cells), kind.width)
    settled = kind.settle(kind.expected(block, np.zeros_like(block)))
    assert kind.render(settled, text=True).to_pylist() == cells


NOT_ISO = ["2024-1-5", "2024-01-05T", "20240105T1020", "10:20"]
NOT_ISO += ["2024-01-05 10", "2024-01-05T10Z"]  # which Arrow by itself would read


@pytest.mark.parametrize("cell", NOT_ISO)
def test_what_is_not_iso_is_not_read_as_iso(cell):
    with pytest.raises(pa.ArrowInvalid):
        read_text(pa.array([cell]), ISO)
