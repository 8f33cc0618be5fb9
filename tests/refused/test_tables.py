"""Tables that cannot be trained on: one sentence, its exit code, nothing touched."""

import pyarrow as pa
import pytest
from pyarrow import parquet

GOOD = "a,b,y\n" + "".join(f"{n % 9},{n % 5}.5,{'pq'[n % 2]}\n" for n in range(60))


TABLES = {
    "an empty file": (b"", [], 3, "t.csv is empty"),
    "blank lines only": (b"\n\n\n", [], 3, "t.csv is empty"),
    "a header only": (b"a,y\n", [], 3, "has columns but no rows"),
    "no label column": (
        b"a,b\n1,2\n",
        [],
        3,
        ["there is no label column 'y'", "one of 'a', 'b'", "--label"],
    ),
    "labels with missing cells": (
        b"a,y\n1,p\n2,\n3,NA\n4,q\n",
        [],
        3,
        ["2 rows have no label", "--drop-unlabelled"],
    ),
    "no label at all": (b"a,y\n1,\n2,\n", ["--drop-unlabelled"], 3, "no row has a"),
    "a measure for a label": (
        ("a,y\n" + "".join(f"{n % 7},{n / 40}\n" for n in range(200))).encode(),
        [],
        3,
        ["holds 200 numbers, not all whole", "cut this one into classes"],
    ),
    "a class for every row": (
        ("a,y\n" + "".join(f"{n % 7},{n}\n" for n in range(1100))).encode(),
        [],
        3,
        "holds more than 1000 classes",
    ),
    "two columns of one name": (b"a,a,y\n1,2,p\n", [], 3, ["same name", "'a'"]),
    "a short row": (b"a,y\n1,p\n2\n", [], 3, ["has 1 cell", "line 3", "'2'"]),
    "a long row": (b"a,y\n1,p\n2,q,r\n", [], 3, ["has 3 cells", "line 3"]),
    "an open quote": (b'a,y\n"1,p\n2,q\n', [], 3, ["not closed", "line 2"]),
    "another encoding": (
        "a,y\n1,Stra\xdfe\n".encode("latin-1"),
        [],
        3,
        ["not written in utf-8", "line 2: byte 0xdf", "--encoding latin-1"],
    ),
    "UTF-16": ("a,y\n1,p\n".encode("utf-16"), [], 3, "--encoding utf-16"),
    "NUL bytes": (b"a,y\n1,p\n\0,q\n", [], 3, ["NUL byte", "line 3"]),
    "another delimiter": (b"a;y\n1;p\n", [], 3, "--delimiter ';'"),
    "nothing to learn from": (b"a,y\n1,p\n1,q\n", [], 3, "no column is left"),
    "an absent column left out": (
        b"a,y\n1,p\n2,q\n",
        ["--exclude", "zz"],
        2,
        ["--exclude names a column 'zz'", "one of 'a', 'y'"],
    ),
    "a misspelt column": (
        b"amount,age,y\n1,3,p\n2,4,q\n",
        ["--exclude", "Amuont"],
        2,
        ["--exclude names a column 'Amuont'", "did you mean 'amount'?"],
    ),
    "two columns in one flag": (
        b"a,b,y\n1,3,p\n2,4,q\n",
        ["--exclude", "a, b"],
        2,
        ["--exclude names a column 'a, b'", "--exclude a --exclude b"],
    ),
    "many columns to choose from": (
        b"a,b,c,d,e,f,g,h,i,j,k,l,m,y\n1,2,3,4,5,6,7,8,9,0,1,2,3,p\n2,2,2,2,2,2,2,2,2,2,2,2,2,q\n",
        ["--numeric", "zz"],
        2,
        "'j', 'k', 'l' and 2 more",
    ),
    "decimal commas": (
        b'a,b,y\n"1,5",1,p\n"2,5",2,q\n',
        ["--numeric", "a"],
        3,
        ["column 'a' holds text", "'1,5'", "add --decimal ,"],
    ),
    "too little memory": (
        GOOD.encode(),
        ["--max-memory", "1", "--dry-run"],
        3,
        ["--max-memory 1 is too little for this table", "--max-memory 2000 or more"],
    ),
    "times beside a share for validation": (
        b"a,t,y\n1,5,p\n2,6,q\n",
        ["--time", "t", "--validation", "0.2"],
        2,
        "--time t and --validation 0.2 both choose the rows that calibrate",
    ),
    "an absent categorical column": (
        b"a,y\n1,p\n2,q\n",
        ["--categorical", "zz"],
        2,
        "--categorical names a column 'zz'",
    ),
    "the label left out": (b"a,y\n1,p\n2,q\n", ["--exclude", "y"], 2, "label column"),
    "text in a column of numbers": (
        b"a,y\n1,p\nx,q\n",
        ["--numeric", "a"],
        3,
        ["column 'a' holds text", "'x'", "--null 'x'"],
    ),
    "one column for two jobs": (
        b"a,b,y\n1,2,p\n2,1,q\n",
        ["--group", "b", "--exclude", "b"],
        2,
        "--exclude and --group both name column 'b'",
    ),
    "times and weights in one column": (
        b"a,b,y\n1,2,p\n2,1,q\n",
        ["--time", "b", "--weight", "b"],
        2,
        "--time and --weight both name column 'b'",
    ),
    "an absent group column": (
        b"a,y\n1,p\n2,q\n",
        ["--group", "zz"],
        2,
        ["--group names a column 'zz'", "one of 'a', 'y'"],
    ),
    "the label as weight": (
        b"a,y\n1,p\n2,q\n",
        ["--weight", "y"],
        2,
        "--weight names the label column 'y'",
    ),
    "rows without a time": (
        b"a,t,y\n1,5,p\n2,,q\n3,None,q\n",
        ["--time", "t"],
        3,
        ["2 rows have no time in column 't'", "t.csv, line 3 is the first"],
    ),
    "a row without a time": (
        b"a,t,y\n1,5,p\n2,,q\n",
        ["--time", "t"],
        3,
        ["1 row has no time in column 't'", "line 3"],
    ),
    "a time among numbers that is none": (
        b"a,t,y\n1,5,p\n2,6,q\n3,soon,q\n",
        ["--time", "t"],
        3,
        ["--time column 't' holds a cell unlike the others", "line 4: 'soon'"],
    ),
    "a date written in another way": (
        b"a,t,y\n1,13/02/2024,p\n2,01/02/2024,q\n3,02/13/2024,q\n",
        ["--time", "t"],
        3,
        ["unlike the others", "line 4: '02/13/2024'"],
    ),
    "an infinite time": (b"a,t,y\n1,5,p\n2,inf,q\n", ["--time", "t"], 3, "'inf'"),
    "a missing weight": (
        b"a,w,y\n1,5,p\n2,,q\n",
        ["--weight", "w"],
        3,
        ["a weight in column 'w' is missing", "t.csv, line 3"],
    ),
    "a negative weight": (
        b"a,w,y\n1,5,p\n2,-0.5,q\n",
        ["--weight", "w"],
        3,
        ["a weight in column 'w' is negative", "line 3: '-0.5'"],
    ),
    "a weight of text": (
        b"a,w,y\n1,5,p\n2,much,q\n",
        ["--weight", "w"],
        3,
        ["a weight in column 'w' is no number", "line 3: 'much'"],
    ),
    "an infinite weight": (
        b"a,w,y\n1,5,p\n2,inf,q\n",
        ["--weight", "w"],
        3,
        ["is no number", "line 3: 'inf'"],
    ),
    "weights of nothing but 0": (
        b"a,w,y\n1,0,p\n2,0,q\n",
        ["--weight", "w"],
        3,
        "every row has weight 0",
    ),
    "a class that weighs nothing": (
        b"a,w,y\n1,1,p\n2,0,q\n",
        ["--weight", "w"],
        3,
        "every row of class 'q' has weight 0",
    ),
    "nothing left beside the weights": (
        b"w,y\n1,p\n2,q\n",
        ["--weight", "w"],
        3,
        ["no column is left", "w (weight)"],
    ),
    "an unknown positive class": (
        b"a,y\n1,p\n2,q\n",
        ["--positive", "zz"],
        2,
        ["--positive names a class 'zz' that column 'y' does", "one of 'p', 'q'"],
    ),
    "a share for validation that is none": (
        b"a,y\n1,p\n2,q\n",
        ["--validation", "1"],
        2,
        ["--validation 1 is no share of the rows", "between 0 and 1"],
    ),
    "no share for validation": (b"a,y\n1,p\n2,q\n", ["--validation", "nan"], 2, "nan"),
    "an absent table for validation": (
        b"a,y\n1,p\n2,q\n",
        ["--validation", "later.csv"],
        2,
        "there is no file 'later.csv'",
    ),
    "layers that are none": (b"a,y\n1,p\n2,q\n", ["--hidden", "a,b"], 2, "128,128"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_trained_on_is_refused(refused, tmp_path, name):
    content, flags, code, says = TABLES[name]
    (tmp_path / "t.csv").write_bytes(content)
    argv = ["train", "t.csv", "--label", "y", "-o", "new.cbvae", *flags]
    refused(*argv, code=code, says=says)


VALIDATION = {
    "a column that is missing": ("y,g\np,1\n", ["column 'a' missing", "v.csv"]),
    "no label column": ("a,g\n1,1\n", ["there is no label column 'y'", "v.csv"]),
    "no group column": ("a,y\n1,p\n", "the validation table has no --group column"),
    "a class of its own": (
        "a,g,y\n1,1,p\n2,1,r\n",
        [
            "names a class that the training table does not have",
            "v.csv, line 3: 'r'",
            "one of 'p', 'q'",
        ],
    ),
    "rows without a label": (
        "a,g,y\n1,1,\n2,1,p\n",
        ["1 rows have no label in column 'y'", "v.csv", "--drop-unlabelled"],
    ),
    "text where numbers were trained": (
        "a,g,y\n1,1,p\nhot,1,q\n",
        ["column 'a' does not fit", "v.csv, line 3: 'hot'"],
    ),
    "a header only": ("a,g,y\n", "has columns but no rows"),
}


@pytest.mark.parametrize("name", VALIDATION)
def test_a_validation_table_that_does_not_fit_is_refused(refused, tmp_path, name):
    content, says = VALIDATION[name]
    (tmp_path / "t.csv").write_text("a,g,y\n1,1,p\n2,1,q\n3,2,q\n")
    (tmp_path / "v.csv").write_text(content)
    argv = ["train", "t.csv", "--label", "y", "--group", "g", "--validation", "v.csv"]
    refused(*argv, "-o", "new.cbvae", code=3, says=says)


def test_a_validation_table_needs_labels_even_when_others_are_dropped(
    refused, tmp_path
):
    (tmp_path / "t.csv").write_text("a,y\n1,p\n2,q\n")
    (tmp_path / "v.csv").write_text("a,y\n1,\n")
    argv = ["train", "t.csv", "--label", "y", "--validation", "v.csv"]
    flags = ["--drop-unlabelled", "-o", "new.cbvae"]
    refused(*argv, *flags, code=3, says="no row has a label")


def test_two_tables_cannot_share_standard_input(refused):
    argv = ["train", "-", "--label", "y", "--validation", "-", "-o", "new.cbvae"]
    refused(*argv, code=2, says="cannot both be standard input")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bad.parquet", "cannot be read as Parquet"),
        ("bad.arrow", "cannot be read as Arrow"),
        ("bad.csv.gz", "damaged or cut short"),
        ("bad.csv.zst", "damaged or cut short"),
        ("bad.ndjson", "line 1"),
    ],
)
def test_a_file_of_rubbish_is_refused(refused, tmp_path, name, says):
    (tmp_path / name).write_bytes(b"rubbish!" * 10)
    refused("train", name, "--label", "y", "-o", "m.cbvae", code=3, says=says)


@pytest.mark.parametrize("flag", ["--categorical", "--numeric"])
def test_typed_days_are_neither_names_nor_numbers(refused, tmp_path, flag):
    days = pa.array(range(40), pa.date32())
    rows = pa.table({"at": days, "y": ["p", "q"] * 20})
    parquet.write_table(rows, tmp_path / "t.parquet")
    argv = ["train", "t.parquet", "--label", "y", flag, "at", "-o", "m.cbvae"]
    refused(*argv, code=3, says=[f"{flag} column 'at' holds date32", "leave"])
