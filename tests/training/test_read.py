"""Reading the training table: what steers training, what only calibrates."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.scale import fit_quantiles
from cbvae_cli.table.source import ReadOptions, Source, open_source
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import Thinning, thinning_for
from cbvae_cli.training.validation import check_validation, open_validation

TABLE = """a,g,t,w,y
1,x,2024-03-05,1,p
2,,2024-03-04,0.5,q
3,x,2024-03-07 12:00,2,q
4,z,2024-03-06,0,p
5,,2024-03-05,1,q
"""
DAY = 86_400.0
FIFTH_OF_MARCH = 19_787 * DAY


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a table of text, or an Arrow table by way of Parquet."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *, validation=None, thinning=None, batch_rows=16384, **columns):
        told = Columns("y", **columns)
        options = ReadOptions(batch_rows=batch_rows)
        with (
            open_source(write(rows, "t"), options, reread=True) as source,
            open_validation(validation, options) as held,
        ):
            schema, warnings = find_schema(source, told)
            if isinstance(held, Source):
                warnings += check_validation(held, schema, told)
            thinning = thinning or thinning_for(schema, None)
            table = read_table(source, schema, fit_quantiles, thinning, held)
        table.warnings[:0] = warnings
        return table

    return run


def write(rows, name):
    if isinstance(rows, pa.Table):
        parquet.write_table(rows, f"{name}.parquet")
        return f"{name}.parquet"
    with open(f"{name}.csv", "w", encoding="utf-8") as file:
        file.write(rows)
    return f"{name}.csv"


def roles(table):
    return {column.name: column.role for column in table.schema.columns}


STEERING = {"group": "g", "time": "t", "weight": "w"}


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_groups_times_and_weights_stand_beside_the_values(read, batch_rows):
    table = read(TABLE, batch_rows=batch_rows, **STEERING)
    assert roles(table) == {"a": "modelled", "g": "group", "t": "time", "w": "weight"}
    assert table.values[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert table.groups.dtype == np.int64
    assert table.groups.tolist() == [0, 2, 0, 1, 3]
    days = (table.times - FIFTH_OF_MARCH) / DAY
    assert days.tolist() == [0, -1, 2.5, 1, 0]
    assert table.weights.tolist() == [1, 0.5, 2, 0, 1]
    assert table.validation is None
    assert table.validation_share is None
    assert table.warnings == []


def test_without_flags_there_are_no_such_arrays(read):
    table = read(TABLE)
    assert table.groups is table.times is table.weights is None
    assert set(roles(table).values()) - {"modelled"} <= {"identifier", "constant"}


def test_the_digest_covers_the_arrays_that_are_there(read):
    aside = {"exclude": ("g", "t", "w")}
    plain = read(TABLE, **aside).digest
    assert plain == read(TABLE, validation="0.2", **aside).digest
    digests = {plain}
    for role, name in STEERING.items():
        others = tuple(other for other in "gtw" if other != name)
        digests.add(read(TABLE, **{role: name}, exclude=others).digest)
    assert len(digests) == 4


def test_groups_are_known_by_their_text_without_point_nought(read):
    rows = "a,g,y\n1,7,p\n2,7.0,q\n3,8,q\n4,NA,p\n"
    assert read(rows, group="g").groups.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("cells", "ordered"),
    [
        (["3", "1", "2.5"], [1, 2, 0]),
        (["03/04/2024", "02/05/2024", "13/01/2024"], [2, 0, 1]),
        (["03/04/2024", "02/05/2024", "01/13/2024"], [2, 1, 0]),
        (
            ["2024-03-05T10:00+02:00", "2024-03-05 09:00Z", "2024-03-05 00:00"],
            [2, 0, 1],
        ),
    ],
    ids=["numbers", "day first", "month first", "zones"],
)
@pytest.mark.parametrize("batch_rows", [1, 100])
def test_times_are_read_in_the_one_way_that_fits_all(read, cells, ordered, batch_rows):
    pairs = zip(cells, "ppq", strict=True)
    rows = "a,t,y\n" + "".join(f"{n},{t},{y}\n" for n, (t, y) in enumerate(pairs))
    table = read(rows, time="t", batch_rows=batch_rows)
    assert np.argsort(table.times).tolist() == ordered


DATES = [datetime.date(2024, 3, day) for day in (5, 4, 7)]
MOMENTS = [datetime.datetime(2024, 3, day) for day in (5, 4, 7)]
TYPED_TIMES = {
    "integers": pa.array([5, 4, 7], pa.int16()),
    "floats": pa.array([5.0, 4.0, 7.0]),
    "decimals": pa.array([decimal.Decimal(n) for n in (5, 4, 7)], pa.decimal128(9, 2)),
    "dates": pa.array(DATES, pa.date32()),
    "long dates": pa.array(DATES, pa.date64()),
    "timestamps": pa.array(MOMENTS, pa.timestamp("ns")),
    "zoned timestamps": pa.array(MOMENTS, pa.timestamp("s", "UTC")),
    "text": pa.array(["2024-03-05", "2024-03-04", "2024-03-07"]),
    "coded text": pa.array(["5/3/2024", "4/3/2024", "27/3/2024"]).dictionary_encode(),
}


@pytest.mark.parametrize("name", TYPED_TIMES)
def test_times_of_any_type_are_read(read, name):
    table = read(typed(t=TYPED_TIMES[name]), time="t")
    assert np.argsort(table.times).tolist() == [1, 0, 2]
    if "dates" in name or "stamps" in name or name == "text":
        days = (table.times - FIFTH_OF_MARCH) / DAY
        assert days.tolist() == [0, -1, 2]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([2, 0, 1], pa.uint8()),
        pa.array([2.0, 0.0, 1.0], pa.float32()),
        pa.array([decimal.Decimal(n) for n in (2, 0, 1)], pa.decimal128(9, 3)),
        pa.array(["2", "0", "1.0"]),
        pa.array([True, False, True]),
    ],
    ids=lambda cells: str(cells.type),
)
def test_weights_of_any_type_are_read(read, cells):
    weights = read(typed(w=cells), weight="w").weights
    assert weights.dtype == np.float64
    assert (weights > 0).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([7, 7, None], pa.int32()),
        pa.array([7.0, 7.0, None]),
        pa.array([b"7", b"7", None]).cast(pa.string()).dictionary_encode(),
        pa.array([DATES[0], DATES[0], None]),
        pa.array([True, True, None]),
    ],
    ids=lambda cells: str(cells.type),
)
def test_groups_of_any_type_are_read(read, cells):
    table = read(typed(g=cells), group="g")
    assert table.groups.tolist() == [0, 0, 1]
    # What a typed output would hold, once rows that came as text are answered.
    assert "dictionary" not in table.schema.columns[1].storage


@pytest.mark.parametrize("role", STEERING)
def test_lists_steer_nothing(read, role):
    with pytest.raises(DataProblem, match=f"--{role} column 's' holds list"):
        read(typed(s=pa.array([[1], [2], []])), **{role: "s"})


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (pa.array([1.0, float("nan"), 2.0]), "is missing"),
        (pa.array([1, -1, 2]), "is negative"),
        (pa.array(DATES), "is no number"),
        (pa.array([1.0, float("inf"), 2.0]), "is no number"),
    ],
    ids=["missing", "negative", "dates", "infinite"],
)
def test_typed_weights_that_are_none_are_refused(read, cells, says):
    with pytest.raises(DataProblem, match=f"in column 'w' {says}") as caught:
        read(typed(w=cells), weight="w")
    assert "t.parquet, row" in caught.value.where


def typed(**more):
    """Give an Arrow table of three rows."""
    return pa.table({"a": [1, 2, 3], **more, "y": ["p", "q", "q"]})


def test_rows_without_a_label_need_neither_time_nor_weight(read):
    rows = "a,g,t,w,y\n1,x,1,1,p\n2,x,soon,-1,\n3,x,,,\n4,x,2,1,q\n"
    table = read(rows, drop_unlabelled=True, **STEERING)
    assert table.times.tolist() == [1, 2]
    assert table.weights.tolist() == [1, 1]
    assert table.groups.tolist() == [0, 0]


def test_thinning_drops_the_same_rows_of_every_array(read):
    lines = [f"{n},{n},{n},{n + 1},{'pq'[n % 2]}" for n in range(200)]
    rows = "\n".join(["a,g,t,w,y", *lines, ""])
    table = read(rows, thinning=Thinning(np.array([0.3, 1.0])), **STEERING)
    kept = table.values[:, 0]
    assert 100 < len(kept) < 150
    np.testing.assert_array_equal(table.times, kept)
    np.testing.assert_array_equal(table.weights, kept + 1)
    assert len(np.unique(table.groups)) == len(kept)


# Rows that only calibrate.


def test_a_share_for_validation_is_passed_on(read):
    table = read(TABLE, validation="0.2")
    assert table.validation_share == 0.2
    assert table.validation is None
    assert len(table.labels) == 5


def test_a_file_of_the_name_of_a_number_wins(read, tmp_path):
    (tmp_path / "0.2").write_text(TABLE)
    with pytest.raises(Exception, match="names no table format"):
        read(TABLE, validation="0.2")


def test_validation_rows_stand_behind_and_fit_nothing(read, tmp_path):
    lines = [f"{n},{'uvw'[n % 3]},{'pqq'[n % 3]}" for n in range(30)]
    rows = "\n".join(["a,c,y", *lines, ""])
    alone = read(rows)
    (tmp_path / "v.csv").write_text("y,c,a\nq,u,900\np,new,\n")
    beside = read(rows, validation="v.csv")
    assert beside.validation.tolist() == [False] * 30 + [True] * 2
    assert beside.labels[30:].tolist() == [1, 0]
    assert beside.values[30, 0] == 900
    assert np.isnan(beside.values[31, 0])
    assert beside.values[31, 1] == NOVEL
    np.testing.assert_array_equal(beside.values[:30], alone.values)
    assert beside.schema.label == alone.schema.label
    assert beside.schema.describe() == alone.schema.describe()
    for name, array in alone.schema.arrays().items():
        np.testing.assert_array_equal(beside.schema.arrays()[name], array)
    assert beside.digest != alone.digest


def test_groups_reach_across_to_validation_rows(read, tmp_path):
    (tmp_path / "v.csv").write_text(
        "a,g,t,w,y\n1,z,2024-03-01,3,p\n2,,2024-03-02,0,q\n"
    )
    table = read(TABLE, validation="v.csv", **STEERING)
    assert table.groups[[3, 5]].tolist() == [1, 1]
    assert len(np.unique(table.groups)) == 5
    assert table.weights[5:].tolist() == [3, 0]
    assert ((table.times[5:] - FIFTH_OF_MARCH) / DAY).tolist() == [-4, -3]


def test_validation_rows_may_come_in_another_format(read):
    later = pa.table({"a": [9, 8], "y": ["q", "p"], "g": ["x", None]})
    write(later, "v")
    table = read("a,g,y\n1,x,p\n2,z,q\n", validation="v.parquet", group="g")
    assert table.values[:, 0].tolist() == [1, 2, 9, 8]
    assert table.groups.tolist() == [0, 1, 0, 2]


def test_unlabelled_validation_rows_are_left_out_when_told(read, tmp_path):
    (tmp_path / "v.csv").write_text("a,y\n1,p\n2,\n")
    rows = "a,y\n1,p\n2,q\n"
    table = read(rows, validation="v.csv", drop_unlabelled=True)
    assert table.validation.tolist() == [False, False, True]
    assert table.warnings == ["1 rows of v.csv without a label are left out"]


def test_zero_weights_of_validation_rows_are_no_matter(read, tmp_path):
    (tmp_path / "v.csv").write_text("a,w,y\n1,0,p\n2,0,q\n")
    table = read("a,w,y\n1,1,p\n2,2,q\n", validation="v.csv", weight="w")
    assert table.weights.tolist() == [1, 2, 0, 0]


# The positive class.


def test_the_positive_class_is_the_smallest_unless_told(read):
    assert read(TABLE).schema.label.positive == "p"
    assert read(TABLE, positive="q").schema.label.positive == "q"


@pytest.mark.parametrize(
    "names", [("³", "2"), ("--1", "1"), ("9" * 5000, "1"), ("٣", "4")]
)
def test_classes_that_only_look_like_whole_numbers_are_text(tmp_path, names):
    path = tmp_path / "t.csv"
    rows = "".join(f"{n % 9},{names[n % 2]}\n" for n in range(60))
    path.write_text("a,y\n" + rows, encoding="utf-8")
    with open_source(str(path), ReadOptions(), reread=True) as source:
        schema, _ = find_schema(source, Columns("y"))
    assert schema.label.storage == "string"
    assert set(schema.label.classes) == set(names)
