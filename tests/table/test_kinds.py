"""Laws of every kind of column: one table of cases, one test a law."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import BadCell
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import KINDS, NOVEL, Kind, kind_class
from cbvae_cli.table.moment import ISO, PATTERNS, Moment
from cbvae_cli.table.number import Integer, Number
from cbvae_cli.table.scale import UNFITTED, fit_quantiles, fit_standard

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
EPOCH = dt.date(1970, 1, 1)


def number(decimals: int | None, fixed: bool, storage: str = "double") -> Number:
    return Number(UNFITTED, 0.0, 0.0, decimals, fixed, storage)


def integer(storage: str = "int64", zeros: int = 0) -> Integer:
    return Integer(UNFITTED, 0.0, 0.0, 0, True, storage, zeros)


def moment(pattern: str, written: str, step: float, storage: str) -> Moment:
    return Moment(UNFITTED, 0.0, 0.0, pattern, written, step, storage)


def hundredths(n: int) -> str:
    return f"{n / 100:.2f}"


def day(n: int) -> str:
    return (EPOCH + dt.timedelta(days=n)).isoformat()


def minute(n: int) -> str:
    at = dt.datetime(1969, 12, 31) + dt.timedelta(minutes=n)
    return at.strftime("%d/%m/%Y %H:%M")


@dataclass(frozen=True)
class Case:
    """A column kind and the cells it may hold.

    Attributes
    ----------
    kind : Kind
        Still to be fitted.
    cells : strategy
        One cell as it stands in a CSV file.
    typed : callable
        The same cell as the value of a typed file.
    """

    name: str
    kind: Kind
    cells: st.SearchStrategy[str]
    typed: Callable[[str], object]

    def columns(self) -> st.SearchStrategy[list[str]]:
        return st.lists(self.cells, min_size=2, max_size=30).filter(
            lambda cells: len(set(cells)) > 1
        )

    def array(self, cells: list[str | None]) -> pa.Array:
        values = [None if cell is None else self.typed(cell) for cell in cells]
        return pa.array(values, self.storage())

    def storage(self) -> pa.DataType:
        from cbvae_cli.table.number import arrow_type

        return arrow_type(self.kind.storage)


WORDS = ("steel", "Müller & Co", "None", "001", "x y")
CASES = [
    Case("numeric", number(2, True), st.integers(-9999, 9999).map(hundredths), float),
    Case(
        "numeric-decimal",
        number(2, True, "decimal128(10, 2)"),
        st.integers(-9999, 9999).map(hundredths),
        Decimal,
    ),
    Case("integer", integer(), st.integers(-999, 999).map(str), int),
    Case("integer-small", integer("uint8"), st.integers(0, 255).map(str), int),
    Case(
        "integer-point-zero",
        integer("double", zeros=1),
        st.integers(-999, 999).map("{}.0".format),
        float,
    ),
    Case(
        "count-point-zero",
        Count(0, 1, 0, 0, "double", zeros=1),
        st.integers(0, 50).map("{}.0".format),
        float,
    ),
    Case("count", Count(0, 1, 0, 0, "int32"), st.integers(0, 50).map(str), int),
    Case(
        "boolean", Boolean("No", "Yes", "string"), st.sampled_from(["No", "Yes"]), str
    ),
    Case(
        "boolean-typed",
        Boolean("false", "true", "bool"),
        st.sampled_from(["false", "true"]),
        lambda cell: cell == "true",
    ),
    Case("boolean-digits", Boolean("0", "1", "int8"), st.sampled_from("01"), int),
    Case("categorical", Category(WORDS, True, "string"), st.sampled_from(WORDS), str),
    Case(
        "categorical-numbers",
        Category(("7", "10", "-3"), False, "int16"),
        st.sampled_from(["7", "10", "-3"]),
        int,
    ),
    Case(
        "moment-day",
        moment(ISO, "%Y-%m-%d", 86400.0, "date32[day]"),
        st.integers(-9000, 20000).map(day),
        dt.date.fromisoformat,
    ),
    Case(
        "moment-minute",
        moment("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M", 60.0, "timestamp[us]"),
        st.integers(0, 3000).map(minute),
        lambda cell: dt.datetime.strptime(cell, "%d/%m/%Y %H:%M"),
    ),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def read(kind: Kind, cells: pa.Array) -> np.ndarray:
    missing = cells.is_null().to_numpy(zero_copy_only=False)
    return kind.parse(cells, missing)


def fitted(case: Case, cells: list[str], fit_scale=fit_quantiles) -> Kind:
    return case.kind.fit(read(case.kind, pa.array(cells)), fit_scale)


def there_and_back(kind: Kind, values: np.ndarray) -> np.ndarray:
    block = kind.encode(values).astype(np.float64)
    return kind.settle(kind.expected(block, np.zeros_like(block)))


def test_every_kind_is_a_case():
    assert {case.kind.name for case in CASES} == set(KINDS)
    assert all(type(case.kind) is kind_class(case.kind.name) for case in CASES)


@pytest.mark.parametrize("fit_scale", [fit_quantiles, fit_standard])
@every_case
def test_cells_come_back_from_the_networks_scale(case, fit_scale):
    @QUICK
    @given(case.columns())
    def check(cells):
        kind = fitted(case, cells, fit_scale)
        values = there_and_back(kind, read(kind, pa.array(cells)))
        assert kind.render(values, text=True).to_pylist() == cells

    check()


@every_case
def test_typed_cells_come_back_with_value_and_type(case):
    @QUICK
    @given(case.columns())
    def check(cells):
        kind, typed = fitted(case, cells), case.array(cells)
        values = there_and_back(kind, read(kind, typed))
        rendered = kind.render(values, text=False)
        assert rendered.type == typed.type
        assert rendered.to_pylist() == typed.to_pylist()

    check()


@every_case
def test_text_and_typed_cells_are_read_alike(case):
    @QUICK
    @given(case.columns())
    def check(cells):
        kind = fitted(case, cells)
        from_text = read(kind, pa.array(cells))
        np.testing.assert_array_equal(from_text, read(kind, case.array(cells)))

    check()


@every_case
def test_missing_stays_missing(case):
    @QUICK
    @given(case.columns(), st.data())
    def check(cells, data):
        kind = fitted(case, cells)
        gaps = data.draw(st.lists(st.booleans(), min_size=len(cells)))
        gappy = [None if gap else c for gap, c in zip(gaps, cells, strict=False)]
        for array in (pa.array(gappy, pa.string()), case.array(gappy)):
            values = read(kind, array)
            assert np.isnan(values).tolist() == [cell is None for cell in gappy]
            assert not kind.encode(values)[np.isnan(values)].any()
        assert kind.render(values, text=True).to_pylist() == gappy
        assert kind.render(values, text=False).is_null().to_pylist() == [
            cell is None for cell in gappy
        ]

    check()


@every_case
def test_a_column_of_missing_cells_is_read(case):
    none = pa.nulls(3, pa.string())
    assert np.isnan(read(case.kind, none)).all()
    assert np.isnan(read(case.kind, pa.nulls(3, case.storage()))).all()


@every_case
def test_a_kind_comes_back_from_its_description(case):
    @QUICK
    @given(case.columns())
    def check(cells):
        kind = fitted(case, cells)
        described = json.loads(json.dumps(kind.describe(), allow_nan=False))
        restored = kind_class(kind.name).restore(described, kind.arrays())
        values = read(kind, pa.array(cells))
        assert restored.encode(values).tobytes() == kind.encode(values).tobytes()
        assert restored.describe() == kind.describe()
        assert restored.render(values, text=True) == kind.render(values, text=True)
        assert restored.render(values, text=False) == kind.render(values, text=False)

    check()


@every_case
def test_anything_a_network_says_becomes_a_value_of_the_column(case):
    @QUICK
    @given(
        case.columns(),
        st.lists(st.floats(-50, 50), min_size=3, max_size=3),
        st.floats(0, 10),
    )
    def check(cells, said, deviation):
        kind = fitted(case, cells)
        block = np.tile(np.array(said)[:, None], (1, kind.width))
        expected = kind.expected(block, np.full_like(block, deviation))
        values = kind.settle(expected)
        seen = read(kind, pa.array(cells))
        assert values.shape == (3,)
        assert np.isfinite(values).all()
        if hasattr(kind, "low"):
            assert (values >= seen.min()).all()
            assert (values <= seen.max()).all()
        assert kind.render(values, text=True).null_count == 0
        assert kind.render(values, text=False).type == case.storage()

    check()


# --- numbers ---------------------------------------------------------------------


def test_filled_numbers_lie_on_the_columns_lattice():
    kind = number(2, True).fit(np.array([0.25, 1.5, 3.75]), fit_quantiles)
    settled = kind.settle(np.array([[1.23456], [2.0]]))
    assert kind.render(settled, text=True).to_pylist() == ["1.23", "2.00"]


def test_digits_that_vary_are_written_as_short_as_they_are():
    kind = number(2, False).fit(np.array([0.25, 1.5, 3.0]), fit_quantiles)
    settled = kind.settle(np.array([[1.23456], [1.5]]))
    assert kind.render(settled, text=True).to_pylist() == ["1.23", "1.5"]


def test_filled_numbers_keep_within_the_range_seen():
    kind = integer().fit(np.array([3.0, 8.0, 9.0]), fit_quantiles)
    assert kind.settle(np.array([[-40.0], [6.4], [1e9]])).tolist() == [3.0, 6.0, 9.0]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (integer(), ["3", "6", "9"]),
        (integer("double", zeros=1), ["3.0", "6.0", "9.0"]),
        (Count(0, 1, 0, 0, "double", zeros=1), ["3.0", "6.0", "9.0"]),
    ],
    ids=["integer", "integer-point-zero", "count-point-zero"],
)
def test_whole_numbers_are_filled_with_whole_ones_as_they_were_written(kind, written):
    kind = kind.fit(np.array([3.0, 8.0, 9.0]), fit_quantiles)
    settled = kind.settle(np.array([[-40.0], [6.4], [1e9]]))
    assert kind.render(settled, text=True).to_pylist() == written
    assert kind.render(settled, text=False).to_pylist() == [3, 6, 9]


def test_a_column_without_lattice_comes_back_closely():
    values = np.random.default_rng(0).lognormal(size=300)
    kind = number(None, False).fit(values, fit_quantiles)
    np.testing.assert_allclose(there_and_back(kind, values), values, rtol=1e-4)


@pytest.mark.parametrize("n", [2**53, -(2**53), 2**61, 10**15 + 1])
def test_big_integers_are_written_to_the_last_digit(n):
    kind = integer().fit(np.array([float(n), 0.0]), fit_quantiles)
    values = read(kind, pa.array([str(n), "0"]))
    assert kind.render(values, text=True).to_pylist() == [str(n), "0"]
    assert kind.render(values, text=False).to_pylist() == [n, 0]


def test_decimals_are_read_from_decimal_columns():
    cells = pa.array([Decimal("12.50"), None, Decimal("-0.01")])
    found = read(number(2, True), cells)
    np.testing.assert_array_equal(found, [12.5, np.nan, -0.01])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1e3", 1000.0),
        (" 7 ", 7.0),
        ("+4", 4.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0", 0.0),
        ("inf", np.inf),
        ("-Infinity", -np.inf),
    ],
)
def test_spellings_of_numbers(cell, value):
    assert read(number(None, False), pa.array([cell])).tolist() == [value]


@pytest.mark.parametrize("cell", ["1,5", "0x10", "12 %", "one", "1_000", "--1", "1e"])
def test_what_is_no_number_is_refused_with_its_row(cell):
    with pytest.raises(BadCell) as caught:
        read(number(None, False), pa.array(["1", None, cell, "x"]))
    assert (caught.value.row, caught.value.value) == (2, cell)


def test_counts_never_fall_below_zero():
    assert read(Count(0, 1, 0, 9, "int64"), pa.array(["-3", "2.6"])).tolist() == [0, 3]


# --- two values ------------------------------------------------------------------


def test_booleans_are_read_in_any_case_and_written_as_training_had_them():
    kind = Boolean("No", "Yes", "string")
    values = read(kind, pa.array(["NO", "yes", "Yes"]))
    assert values.tolist() == [0.0, 1.0, 1.0]
    assert kind.render(values, text=True).to_pylist() == ["No", "Yes", "Yes"]


def test_a_third_value_in_a_boolean_column_is_refused():
    with pytest.raises(BadCell) as caught:
        read(Boolean("no", "yes", "string"), pa.array(["no", "maybe"]))
    assert (caught.value.row, caught.value.value) == (1, "maybe")


def test_a_third_number_in_a_column_of_digits_is_unheard_of_and_a_word_refused():
    kind = Boolean("0", "1", "int64")
    found = read(kind, pa.array(["0", "2", None, "1"], pa.string()))
    np.testing.assert_array_equal(found, [0.0, NOVEL, np.nan, 1.0])
    assert kind.encode(found)[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    with pytest.raises(BadCell) as caught:
        read(kind, pa.array(["0", "2", "many"]))
    assert (caught.value.row, caught.value.value) == (2, "many")


@pytest.mark.parametrize("storage", [pa.int64(), pa.float64(), pa.uint8()])
def test_booleans_written_as_digits_are_read_from_any_number_type(storage):
    cells = pa.array([0, 1, None], storage)
    found = read(Boolean("0", "1", "int64"), cells)
    np.testing.assert_array_equal(found, [0.0, 1.0, np.nan])


# --- names -----------------------------------------------------------------------


def test_a_name_that_training_never_saw_is_novel():
    kind = Category(("a", "b"), False, "string")
    values = read(kind, pa.array(["b", "z", None]))
    np.testing.assert_array_equal(values, [1.0, NOVEL, np.nan])
    assert kind.encode(values).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert kind.render(values, text=True).to_pylist() == ["b", None, None]


def test_a_new_name_counts_as_rare_where_training_had_rare_ones():
    kind = Category(("a", "b"), True, "string")
    values = read(kind, pa.array(["a", "z"]))
    assert values.tolist() == [0.0, 2.0]
    assert kind.encode(values).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_filled_cell_never_holds_a_rare_category():
    kind = Category(("a", "b"), True, "string")
    assert kind.settle(np.array([[0.1, 0.2, 0.7]])).tolist() == [1.0]


def test_names_are_read_from_dictionaries_and_numbers():
    kind = Category(("1", "2"), False, "int64")
    for cells in (
        pa.array([2, 1]),
        pa.array([2.0, 1.0]),
        pa.array(["2", "1"]).dictionary_encode(),
        pa.array(["2", "1"], pa.large_string()),
    ):
        assert read(kind, cells).tolist() == [1.0, 0.0]


# --- moments ---------------------------------------------------------------------

MOMENTS = [
    dt.datetime(1903, 2, 28, 23, 59, 58),
    dt.datetime(1969, 12, 31, 23, 59, 59),
    dt.datetime(1970, 1, 1),
    dt.datetime(2000, 2, 29, 7, 5, 3),
    dt.datetime(2038, 1, 19, 3, 14, 8),
]


def seconds_of(moments: list[dt.datetime]) -> list[float]:
    return [(m - dt.datetime(1970, 1, 1)).total_seconds() for m in moments]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_moments_are_read_and_written_in_every_pattern(pattern):
    cells = [m.strftime(pattern) for m in MOMENTS]
    step = 1.0 if "%S" in pattern else 60.0 if "%H" in pattern else 86400.0
    kind = moment(pattern, pattern, step, "timestamp[us]")
    values = read(kind, pa.array(cells))
    wanted = seconds_of([dt.datetime.strptime(c, pattern) for c in cells])
    assert values.tolist() == wanted
    assert kind.render(values, text=True).to_pylist() == cells


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2024-03-05", dt.datetime(2024, 3, 5)),
        ("2024-03-05 14:22", dt.datetime(2024, 3, 5, 14, 22)),
        ("2024-03-05T14:22:10", dt.datetime(2024, 3, 5, 14, 22, 10)),
        ("2024-03-05T14:22:10Z", dt.datetime(2024, 3, 5, 14, 22, 10)),
        ("2024-03-05 14:22:10.250", dt.datetime(2024, 3, 5, 14, 22, 10, 250000)),
        ("2024-03-05T14:22:10+02:00", dt.datetime(2024, 3, 5, 12, 22, 10)),
        ("2024-03-05T14:22:10-0530", dt.datetime(2024, 3, 5, 19, 52, 10)),
        ("1950-06-01", dt.datetime(1950, 6, 1)),
    ],
)
def test_iso_moments_are_read_in_universal_time(cell, wanted):
    kind = moment(ISO, "%Y-%m-%d", 1.0, "timestamp[us]")
    assert read(kind, pa.array([cell])).tolist() == seconds_of([wanted])


def test_moments_with_and_without_a_zone_may_stand_in_one_column():
    kind = moment(ISO, "%Y-%m-%d", 1.0, "timestamp[us]")
    cells = pa.array(["2024-03-05T14:00:00", "2024-03-05T14:00:00+01:00", None])
    apart = read(kind, cells)
    assert apart[0] - apart[1] == 3600.0
    assert np.isnan(apart[2])


@pytest.mark.parametrize(
    "storage",
    [
        pa.timestamp("s"),
        pa.timestamp("ms", "Europe/Berlin"),
        pa.timestamp("us", "UTC"),
        pa.timestamp("ns", "+05:30"),
        pa.date32(),
        pa.date64(),
        pa.time32("s"),
        pa.time64("ns"),
        pa.duration("ms"),
    ],
    ids=str,
)
def test_typed_moments_keep_their_type(storage):
    days = pa.types.is_date(storage)
    step = 86_400_000_000 if days else 1_000_000
    micros = pa.array([step, None, 3 * step], pa.int64())
    if days:
        cells = micros.cast(pa.timestamp("us")).cast(storage)
    elif pa.types.is_timestamp(storage):
        cells = micros.cast(pa.timestamp("us", storage.tz)).cast(storage)
    elif pa.types.is_time(storage):
        cells = micros.cast(pa.time64("us")).cast(storage)
    else:
        cells = micros.cast(pa.duration("us")).cast(storage)
    kind = moment(ISO, "%Y-%m-%d", step / 1e6, str(storage))
    values = read(kind, cells)
    np.testing.assert_array_equal(values, [step / 1e6, np.nan, 3 * step / 1e6])
    rendered = kind.render(values, text=False)
    assert rendered.type == storage
    assert rendered == cells


@pytest.mark.parametrize("cell", ["2024-13-01", "soon", "31/12/2024", "12:30"])
def test_what_is_no_moment_is_refused_with_its_row(cell):
    kind = moment(ISO, "%Y-%m-%d", 86400.0, "date32[day]")
    cells = ["2024-01-01"] * 5 + [cell, "2024-01-02"]
    with pytest.raises(BadCell) as caught:
        read(kind, pa.array(cells))
    assert (caught.value.row, caught.value.value) == (5, cell)


def test_filled_moments_lie_on_the_columns_step():
    kind = moment(ISO, "%Y-%m-%d", 86400.0, "date32[day]")
    kind = kind.fit(np.array([0.0, 10 * 86400.0]), fit_quantiles)
    settled = kind.settle(np.array([[86400.0 * 2.4], [1e12]]))
    assert kind.render(settled, text=True).to_pylist() == ["1970-01-03", "1970-01-11"]
