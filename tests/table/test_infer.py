"""What is made of a column: one table of cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.table.infer import Finding, infer
from cbvae_cli.table.moment import PATTERNS
from cbvae_cli.table.nulls import DEFAULT_NULLS, LENIENT_NULLS, missing_mask
from cbvae_cli.table.scale import fit_quantiles, fit_standard
from cbvae_cli.table.scan import ColumnScan


def look(name: str, cells: pa.Array, override: str | None = None) -> Finding:
    """Scan a column in batches and decide."""
    scan = ColumnScan(name, cells.type)
    for start in range(0, len(cells), 37):
        batch = cells[start : start + 37]
        scan.see(
            batch,
            missing_mask(batch, DEFAULT_NULLS),
            missing_mask(batch, LENIENT_NULLS),
        )
    return infer(scan, override)


@dataclass(frozen=True)
class Case:
    """A column and what should be made of it; `kind` None is not modelled."""

    name: str
    cells: Sequence[Any]
    kind: str | None
    storage: str
    type: pa.DataType = field(default_factory=pa.string)
    role: str = "modelled"
    warning: str = ""
    column: str = "x"
    override: str | None = None
    more: tuple[tuple[str, Any], ...] = ()

    def array(self) -> pa.Array:
        return pa.array(self.cells, self.type)


def text(*cells: object, times: int = 60) -> list[str]:
    return [str(cell) for cell in cells] * times


RNG = np.random.default_rng(0)
DAYS = [dt.date(1960, 1, 15) + dt.timedelta(days=53 * n) for n in range(300)]
UTC = dt.UTC
LONG = [f"w{n}" for n in range(5000)]

CASES = [
    # numbers in text
    Case("decimals", text("1.10", "-2.35", "7.00"), "numeric", "double",
         more=(("decimals", 2), ("fixed", True))),
    Case("digits that vary", text("1.1", "2.35", "7"), "numeric", "double",
         more=(("decimals", 2), ("fixed", False))),
    Case("many digits", text("0.123456789", "2.5"), "numeric", "double",
         more=(("decimals", None),)),
    Case("exponents", text("1e-3", "2.5e4", "7"), "numeric", "double",
         more=(("decimals", None),)),
    Case("integers", text(-5, 12, 977), "integer", "int64",
         more=(("decimals", 0), ("fixed", True))),
    Case("whole numbers written 1.0", text("1.0", "5.0", "900.0"), "integer", "double",
         more=(("decimals", 0), ("fixed", True), ("zeros", 1))),
    Case("whole numbers of pandas with gaps", ["", *text("75.0", "80.0", "61.0")],
         "integer", "double", more=(("decimals", 0), ("zeros", 1))),
    Case("counts of pandas with gaps", ["", *(f"{n}.0" for n in RNG.poisson(1.5, 400))],
         "count", "double", more=(("zeros", 1),)),
    Case("whole numbers written in two ways", text("75.0", "80", "61"), "integer",
         "double", more=(("decimals", 0), ("fixed", False), ("zeros", 0))),
    Case("big integers", text(2**40, 2**41, -(2**62)), "integer", "int64"),
    Case("integers beyond int64", text(2**63, 2**64, 1), "integer", "double"),
    Case("counts", [*map(str, RNG.poisson(1.5, 400))], "count", "int64"),
    Case("grades are no counts", [*map(str, RNG.integers(1, 6, 400))], "integer",
         "int64"),
    Case("spaces and signs", text(" 4 ", "+7", "-12"), "integer", "int64"),
    Case("gaps", ["", "NA", "n/a", "3", "14", "159"] * 9, "integer", "int64"),
    Case("None is missing among numbers", ["None", "3", "14", "159"] * 9, "integer",
         "int64"),
    Case("infinities", ["inf", "3.5", "14", "-Infinity"] * 9, "numeric", "double"),
    Case("leading zeros are names", text("007", "012", "100"), "categorical", "string"),
    Case("zeros and fractions are numbers", text("0", "0.5", "0.75"), "numeric",
         "double"),
    # words
    Case("names", text("brass", "steel", "zinc"), "categorical", "string",
         more=(("names", ("brass", "steel", "zinc")), ("rare", False))),
    Case("None as a category", text("None", "Partial", "Full"), "categorical", "string",
         more=(("names", ("Full", "None", "Partial")),)),
    Case("rare names", [*text("a", "b"), "c", "d"], "categorical", "string",
         more=(("names", ("a", "b")), ("rare", True))),
    Case("nearly numbers", [*text(3, 14, 159), "unknown"], "categorical", "string",
         warning="--null 'unknown'"),
    Case("many words among numbers", text("3", "unknown"), "categorical", "string"),
    Case("5,000 categories", LONG * 6, "categorical", "string",
         more=(("rare", True),)),
    Case("5,000 categories once", LONG, None, "string", role="identifier",
         warning="looks like an identifier and is left out"),
    # identifiers
    Case("rising numbers", [*map(str, range(100, 300))], "integer", "int64",
         warning="--exclude 'x'"),
    Case("numbers called an id", [*map(str, RNG.permutation(9_999)[:200] * 7)],
         "integer", "int64", warning="--exclude 'customer_id'", column="customer_id"),
    Case("few rising numbers", [*map(str, range(100, 120))], "integer", "int64"),
    Case("a repeated id", text(101, 205, 309), "integer", "int64",
         column="customer_id"),
    # two values
    Case("0 and 1", text(0, 1), "boolean", "int64"),
    Case("words for true", text("False", "True", "true"), "boolean", "bool",
         more=(("false", "False"), ("true", "True"))),
    Case("yes and no", text("No", "Yes"), "boolean", "string",
         more=(("false", "No"), ("true", "Yes"))),
    Case("yes, no and None", text("n", "y", "None"), "boolean", "string"),
    Case("two other words", text("left", "right"), "categorical", "string"),
    Case("1 and 2", text(1, 2), "integer", "int64"),
    # moments
    Case("days", [*map(str, DAYS)], "moment", "date32[day]",
         more=(("written", "%Y-%m-%d"), ("step", 86400.0))),
    Case("seconds", [f"{d}T10:20:{n % 60:02}" for n, d in enumerate(DAYS)], "moment",
         "timestamp[us]", more=(("written", "%Y-%m-%dT%H:%M:%S"), ("step", 1.0))),
    Case("minutes", [f"{d} 10:{n % 60:02}" for n, d in enumerate(DAYS)], "moment",
         "timestamp[us]", more=(("written", "%Y-%m-%d %H:%M"), ("step", 60.0))),
    Case("zones", [f"{d}T10:20:30Z" for d in DAYS], "moment", "timestamp[us]",
         more=(("written", "%Y-%m-%dT%H:%M:%SZ"),)),
    Case("zones without a colon", [f"{d}T10:20:30+0200" for d in DAYS], "moment",
         "timestamp[us]", more=(("written", "%Y-%m-%dT%H:%M:%S+0200"),)),
    Case("western zones", [f"{d} 10:20-05:00" for d in DAYS], "moment",
         "timestamp[us]", more=(("written", "%Y-%m-%d %H:%M-05:00"),)),
    Case("None among days", [*map(str, DAYS), "None"], "moment", "date32[day]"),
    *(
        Case(f"pattern {pattern}", [f"{d:{pattern}}" for d in DAYS], "moment",
             "date32[day]" if "%H" not in pattern else "timestamp[us]",
             more=(("pattern", pattern), ("written", pattern)))
        for pattern in PATTERNS
    ),
    Case("days and words", [*map(str, DAYS[:5]), "soon"] * 9, "categorical", "string"),
    # nothing to learn from
    Case("empty", ["", "NA", "nan"] * 20, None, "string", role="empty"),
    Case("None and gaps", ["", "None"] * 20, None, "string", role="constant"),
    Case("constant number", text("4.50"), None, "double", role="constant",
         more=(("value", "4.50"),)),
    Case("constant word", text("EU"), None, "string", role="constant",
         more=(("value", "EU"),)),
    Case("constant day", text("2024-01-31"), None, "string", role="constant",
         more=(("value", "2024-01-31"),)),
    Case("one number and infinity", text("5", "inf"), None, "int64", role="constant",
         more=(("value", "5"),)),
    Case("one number and None", text("5", "None"), None, "int64", role="constant",
         more=(("value", "5"),)),
    Case("one number spelt twice", text("5", "5.0"), None, "double", role="constant"),
    # typed columns
    Case("float64", [0.5, None, 0.25] * 20, "numeric", "double", pa.float64(),
         more=(("decimals", 2),)),
    Case("float64 of long digits", RNG.normal(size=200), "numeric", "double",
         pa.float64(), more=(("decimals", None),)),
    Case("int16", [5, None, 999] * 20, "integer", "int16", pa.int16()),
    Case("uint64", [5, 2**63 + 2**40, 9] * 20, "integer", "uint64", pa.uint64()),
    Case("bool", [True, None, False] * 20, "boolean", "bool", pa.bool_()),
    Case("digits for bool", [0.0, 1.0, None] * 20, "boolean", "double", pa.float64()),
    Case("decimal", [Decimal("1.25"), None, Decimal("70.47")] * 20, "numeric",
         "decimal128(10, 2)", pa.decimal128(10, 2), more=(("decimals", 2),)),
    Case("date32", DAYS, "moment", "date32[day]", pa.date32()),
    Case("timestamp", [dt.datetime(2020, 1, n, 4, tzinfo=UTC) for n in range(1, 29)],
         "moment", "timestamp[ns, tz=Europe/Berlin]",
         pa.timestamp("ns", "Europe/Berlin")),
    Case("duration", [dt.timedelta(hours=n) for n in range(60)], "moment",
         "duration[s]", pa.duration("s")),
    Case("time of day", [dt.time(n % 24) for n in range(60)], "moment", "time64[us]",
         pa.time64("us")),
    Case("dictionary", ["a", None, "b"] * 20, "categorical", "string",
         pa.dictionary(pa.int8(), pa.string())),
    Case("large text", ["a", None, "b"] * 20, "categorical", "string",
         pa.large_string()),
    Case("null type", [None] * 60, None, "null", pa.null(), role="empty"),
    Case("lists", [[1], [2]] * 30, None, "list<element: int64>", pa.list_(
        pa.field("element", pa.int64())), role="unsupported", warning="left out"),
    Case("bytes", [b"a", b"b"] * 30, None, "binary", pa.binary(), role="unsupported",
         warning="left out"),
    Case("uuids", [bytes(16), bytes(range(16))] * 30, None, "extension<arrow.uuid>",
         pa.uuid(), role="unsupported", warning="left out"),
    Case("wide decimals", [Decimal("1.25"), None, Decimal("70.47")] * 20, "numeric",
         "decimal256(50, 2)", pa.decimal256(50, 2), more=(("decimals", 2),)),
    Case("constant bool", [True, None] * 30, None, "bool", pa.bool_(), role="constant",
         more=(("value", "true"),)),
    Case("constant float", [2.0, np.nan, np.inf] * 30, None, "double", pa.float64(),
         role="constant", more=(("value", "2"),)),
    # what the user says
    Case("numbers as names", text(1, 2, 3), "categorical", "int64",
         override="categorical", more=(("names", ("1", "2", "3")),)),
    Case("typed numbers as names", [1.0, 2.0, None] * 20, "categorical", "double",
         pa.float64(), override="categorical", more=(("names", ("1", "2")),)),
    Case("leading zeros as numbers", text("007", "012", "100"), "integer", "string",
         override="numeric"),
    Case("0 and 1 as numbers", text(0, 1), "integer", "int64", override="numeric"),
]  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_modelled_case = pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind], ids=lambda case: case.name
)


@every_case
def test_a_column_is_seen_for_what_it_is(case):
    cells = case.array()
    found = look(case.column, cells, case.override)
    column = found.column
    kind = None if column.kind is None else column.kind.name
    assert (column.role, kind) == (case.role, case.kind)
    assert column.storage == case.storage
    for name, value in case.more:
        assert getattr(column.kind or column, name) == value, name
    assert case.warning in found.warning
    assert bool(found.warning) == bool(case.warning), found.warning


@pytest.mark.parametrize("fit_scale", [fit_quantiles, fit_standard])
@every_modelled_case
def test_the_kind_found_reads_the_column_it_was_found_in(case, fit_scale):
    cells = case.array()
    kind = look(case.column, cells, case.override).column.kind
    lenient = kind.name != "categorical"
    missing = missing_mask(cells, LENIENT_NULLS if lenient else DEFAULT_NULLS)
    values = kind.parse(cells, missing)
    values[np.isinf(values)] = np.nan
    kind = kind.fit(values[~np.isnan(values)], fit_scale)
    block = kind.encode(values)
    assert block.shape == (len(values), kind.width)
    assert np.isfinite(block).all()
    settled = kind.settle(kind.expected(block.astype(float), np.zeros(block.shape)))
    seen = ~np.isnan(values)
    assert np.isfinite(settled).all()
    if kind.name == "categorical":
        seen &= values < len(kind.names)
    if kind.name in ("integer", "count"):
        between = kind.settle(np.array([[(kind.low + kind.high) / 2 + 0.3]]))
        assert between == np.round(between)
    if kind.name not in ("numeric", "moment"):
        span = np.ptp(values[seen])
        np.testing.assert_allclose(settled[seen], values[seen], atol=1e-6 * span)
    assert kind.render(settled, text=True).null_count == 0
    assert kind.render(settled, text=False).null_count == 0


def test_the_warning_about_nearly_numbers_shortens_what_it_shows():
    cells = pa.array([*text(3, 14, 159), "x" * 500])
    warning = look("x", cells).warning
    assert len(warning) < 300
    assert "xxx..." in warning


def test_categories_beyond_the_most_share_one_place():
    cells = pa.array([f"w{n}" for n in range(400)] * 6)
    kind = look("x", cells).column.kind
    assert len(kind.names) == 256
    assert kind.rare
