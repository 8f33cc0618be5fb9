"""What is refused: one sentence, the right exit code, and nothing touched."""

import json
import os
import shutil
import zipfile

import pytest

from cbvae_cli.cli.app import main

BRIEF = ["--epochs", "2", "--hidden", "16"]
GOOD = "a,b,y\n" + "".join(f"{n % 9},{n % 5}.5,{'pq'[n % 2]}\n" for n in range(60))
READ = ("classify", "impute", "score", "embed")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def refused(tmp_path, monkeypatch, capsysbinary):
    """Run a command that must fail, in a folder that must stay as it is."""
    monkeypatch.chdir(tmp_path)

    def run(*argv, code, says, quiet=True):
        before = contents(tmp_path)
        capsysbinary.readouterr()
        assert main([*argv, *(["--quiet"] if quiet else [])]) == code
        out, error = capsysbinary.readouterr()
        told = error.decode()
        assert out == b""
        assert contents(tmp_path) == before
        lines = told.splitlines()
        assert lines[0].startswith("error: ")
        assert all(line.startswith("  ") for line in lines[1:])
        for words in [says] if isinstance(says, str) else says:
            assert words in told

    return run


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "good.csv").write_text(GOOD)
    argv = ["train", f"{folder}/good.csv", "--label", "y", "-o", f"{folder}/m.cbvae"]
    assert main([*argv, *BRIEF, "--quiet"]) == 0
    return folder


@pytest.fixture
def small(once, tmp_path):
    """Give a bundle of two number columns and a label, with its table beside it."""
    shutil.copy(once / "good.csv", tmp_path)
    return shutil.copy(once / "m.cbvae", tmp_path)


# Tables to train on.

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
        b"a,b,c,d,e,f,g,y\n1,2,3,4,5,6,7,p\n2,3,4,5,6,7,8,q\n",
        ["--numeric", "zz"],
        2,
        "one of 'a', 'b', 'c', 'd', 'e', 'f' and 2 more",
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


@pytest.mark.parametrize("verb", READ)
def test_a_file_that_is_not_there_is_refused(refused, small, verb):
    refused(verb, "m.cbvae", "no.csv", code=2, says="there is no file 'no.csv'")
    refused(verb, "no.cbvae", "good.csv", code=2, says=["no such bundle", "m.cbvae"])


def test_training_on_a_file_that_is_not_there_is_refused(refused):
    argv = ["train", "--label", "y", "-o", "m.cbvae"]
    refused(*argv, "no.csv", code=2, says="there is no file 'no.csv'")
    refused(*argv, "no*.csv", code=2, says="no file matches")
    refused(*argv, "a.xls", code=2, says="there is no file")


# Rows that do not fit the bundle.

MISFITS = {
    "text where numbers were trained": (
        "a,b\n1,1.5\n2,hot\n",
        [
            "column 'b' does not fit: training saw numbers",
            "t.csv, line 3: 'hot'",
            "--null 'hot'",
        ],
    ),
    "a column that is missing": ("b\n1.5\n", ["column 'a' missing", "t.csv"]),
    "a column in capitals": ("A,b\n1,1.5\n", ["'a' missing", "column 'A' meant?"]),
    "a decimal comma": (
        'a,b\n1,1.5\n2,"2,5"\n',
        ["column 'b' does not fit", "'2,5'", "add --decimal ,"],
    ),
    "both columns missing": ("c\n1\n", ["columns 'a', 'b' missing"]),
    "a header only": ("a,b\n", "no rows"),
    "an empty file": ("", "t.csv is empty"),
    "two columns of one name": ("a,b,b\n1,2,3\n", "same name"),
    "a ragged row": ("a,b\n1,2\n3\n", "line 3"),
    "a misfit far down": (
        "a,b\n" + "1,2\n" * 30_000 + "x,2\n",
        "t.csv, line 30002: 'x'",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
@pytest.mark.parametrize("verb", READ)
def test_rows_that_do_not_fit_are_refused(refused, small, tmp_path, verb, name):
    content, says = MISFITS[name]
    (tmp_path / "t.csv").write_text(content)
    (tmp_path / "old.csv").write_text("old")
    argv = [verb, "m.cbvae", "t.csv"]
    refused(*argv, "-o", "out.csv", code=3, says=says)
    refused(*argv, "-o", "old.csv", "--force", code=3, says=says)
    if name != "a misfit far down":  # rows before it are out already
        refused(*argv, code=3, says=says)


@pytest.mark.parametrize(
    ("column", "bad", "says"),
    [
        ("paid_at", "yesterday", "dates or times"),
        ("card_present", "maybe", "'false', 'true' or a missing cell"),
        ("n_payments_24h", "few", "numbers"),
    ],
)
def test_every_kind_names_its_misfit(refused, trained, tmp_path, column, bad, says):
    header = "paid_at,amount,account_age_days,n_payments_24h,country,channel,"
    header += "merchant_code,card_present,distance_km,device_score"
    cells = ["2024-01-01 11:19:39,,346,0,Polska,web,4414,false,,"] * 2
    row = dict(zip(header.split(","), cells[0].split(","), strict=True)) | {column: bad}
    rows = [header, cells[0], ",".join(row.values())]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    bundle = str(trained / "payments.cbvae")
    refused("classify", bundle, "t.csv", code=3, says=[says, f"line 3: '{bad}'"])


def test_added_columns_that_clash_are_refused(refused, small, tmp_path):
    (tmp_path / "t.csv").write_text("a,b,cbvae_label,cbvae_score\n1,2,3,4\n")
    for verb, name in (("classify", "label"), ("score", "score")):
        says = [f"has a column 'cbvae_{name}' already", "--prefix"]
        refused(verb, "m.cbvae", "t.csv", code=3, says=says)


def test_naming_classes_takes_two_of_them(refused, tmp_path):
    (tmp_path / "t.csv").write_text(GOOD.replace(",q", ",p"))
    argv = ["train", "t.csv", "--label", "y", "-o", "one.cbvae", *BRIEF, "--quiet"]
    assert main(argv) == 0
    says = ["the bundle knows one class, 'p'", "score"]
    refused("classify", "one.cbvae", "t.csv", code=2, says=says)


def test_a_label_that_the_bundle_lacks_is_refused(refused, small, tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,p\n,2,other\n")
    says = ["not in the bundle", "line 3: 'other'", "'p', 'q'", "--hide 'y'"]
    refused("impute", "m.cbvae", "t.csv", code=3, says=says)
    assert main(["impute", "m.cbvae", "t.csv", "--hide", "y", "-o", "f.csv"]) == 0


WRONG_ASKING = {
    "an unknown class to fill": (
        ["impute", "m.cbvae", "good.csv", "--class", "zz"],
        ["no class 'zz'", "'p', 'q'"],
    ),
    "an unknown column to hide": (
        ["impute", "m.cbvae", "good.csv", "--hide", "zz"],
        ["--hide names a column 'zz'", "'a', 'b'"],
    ),
    "an unknown class to make": (
        ["augment", "m.cbvae", "-n", "3", "--class", "zz"],
        "no class 'zz'",
    ),
    "no rows to make": (["augment", "m.cbvae", "-n", "0"], "-n"),
    "no number of rows": (["augment", "m.cbvae"], "-n"),
    "posterior without rows": (
        ["augment", "m.cbvae", "-n", "3", "--method", "posterior"],
        "--data",
    ),
    "interpolate without rows": (
        ["augment", "m.cbvae", "-n", "3", "--method", "interpolate"],
        "--data",
    ),
    "an output of no format": (
        ["classify", "m.cbvae", "good.csv", "-o", "out.txt"],
        ["names no table format", "--out-format"],
    ),
    "an output without a folder": (
        ["classify", "m.cbvae", "good.csv", "-o", "none/out.csv"],
        "there is no folder",
    ),
    "an output that is there": (
        ["classify", "m.cbvae", "good.csv", "-o", "good.csv"],
        ["'good.csv' exists already", "--force"],
    ),
    "a summary without a folder": (
        ["score", "m.cbvae", "good.csv", "-o", "s.csv", "--json=none/s.json"],
        "there is no folder",
    ),
    "a bundle without a name": (["train", "good.csv", "--label", "y"], "-o NAME"),
    "a bundle on standard output": (
        ["train", "good.csv", "--label", "y", "-o", "-"],
        "-o NAME",
    ),
    "a bundle in the place of a table": (
        ["train", "good.csv", "--label", "y", "-o", "good.csv", "--force"],
        "the name of a table",
    ),
    "a number in a store for an output": (
        ["train", "good.csv", "--label", "y", "-o", "models/@5"],
        ["'models/@5' names a bundle that is in a store", "train -o models/"],
    ),
    "a number in a store for an old bundle": (
        ["upgrade", "m.cbvae", "-o", "models/@5"],
        "'models/@5' names a bundle that is in a store",
    ),
    "a store for an old bundle": (
        ["upgrade", "m.cbvae", "-o", "models/"],
        "'models/' is a folder, not a bundle",
    ),
    "another ending for an output": (
        ["train", "good.csv", "--label", "y", "-o", "q.zip", "--dry-run"],
        "'q.zip' is not the name of a bundle, which ends in .cbvae",
    ),
    "a bundle in the place of a table to train on": (
        ["train", "m.cbvae", "--label", "y", "-o", "n.cbvae"],
        "'m.cbvae' is a bundle, not a table to train on",
    ),
    "swapped arguments": (
        ["score", "good.csv", "m.cbvae"],
        ["the arguments look swapped", "cbvae score m.cbvae good.csv"],
    ),
    "too little memory for rows": (
        ["classify", "m.cbvae", "good.csv", "--max-memory", "1"],
        ["too little to read rows of 2 columns", "--max-memory 52KB or more"],
    ),
    "a misspelt class": (
        ["augment", "m.cbvae", "-n", "3", "--class", "P"],
        ["no class 'P'", "did you mean 'p'?"],
    ),
    "too few rows to show": (
        ["score", "m.cbvae", "good.csv", "--top", "0"],
        "--top takes a whole number of 1 or more, not '0'",
    ),
    "a seed that is none": (
        ["score", "m.cbvae", "good.csv", "--seed", "x"],
        "--seed takes a whole number from 0 to 4,294,967,295, not 'x'",
    ),
    "a method that is none": (
        ["score", "m.cbvae", "good.csv", "--method", "nieghbours"],
        ["not 'nieghbours'", "did you mean 'neighbours'?"],
    ),
    "a flag that is none": (
        ["score", "m.cbvae", "good.csv", "--agianst", "p"],
        ["there is no flag --agianst", "did you mean '--against'?"],
    ),
    "a bundle that is there": (
        ["train", "good.csv", "--label", "y", "-o", "m.cbvae"],
        ["m.cbvae already exists", "--force"],
    ),
    "a bundle without a folder": (
        ["train", "good.csv", "--label", "y", "-o", "none/m.cbvae"],
        "there is no folder",
    ),
    "a store without a folder": (
        ["train", "good.csv", "--label", "y", "-o", "none/models/"],
        "there is no folder",
    ),
    "a store that is a file": (
        ["train", "good.csv", "--label", "y", "-o", "m.cbvae/"],
        "is a file, so it cannot be a store",
    ),
    "nothing to resume": (
        ["train", "good.csv", "--label", "y", "-o", "n.cbvae", "--resume"],
        "there is no interrupted run to resume",
    ),
    "no label": (["train", "good.csv", "-o", "n.cbvae"], "--label"),
    "an unknown preset": (
        ["train", "good.csv", "--label", "y", "-o", "n.cbvae", "--preset", "zz"],
        "'fast', 'default'",
    ),
    "a store that is not there": (["inspect", "models/"], "no such store: models"),
    "a version that is not there": (["inspect", "m.cbvae/@2"], "number 2"),
    "a bundle that is not there": (["verify", "zz.cbvae"], "no such bundle"),
}


@pytest.mark.parametrize("name", WRONG_ASKING)
def test_what_cannot_be_asked_is_refused(refused, small, name):
    argv, says = WRONG_ASKING[name]
    quiet = name != "no label"
    refused(*argv, code=2, says=says, quiet=quiet)


def test_rows_near_real_ones_take_the_training_table(refused, small, tmp_path):
    argv = ["augment", "m.cbvae", "-n", "3", "--method", "posterior", "--class", "q"]
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    says = "the table has no label column 'y'"
    refused(*argv, "--data", "t.csv", code=3, says=says)
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,p\n")
    refused(*argv, "--data", "t.csv", code=3, says="no row of class 'q'")


def test_an_old_output_is_replaced_when_told(small, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old")
    argv = [f"{tmp_path}/m.cbvae", f"{tmp_path}/good.csv", "--quiet", "-o", str(out)]
    assert main(["score", *argv]) == 2
    assert out.read_text() == "old"
    assert main(["score", *argv, "--force"]) == 0
    assert out.read_text().startswith("a,b,y,cbvae_score")


def test_a_folder_that_may_not_be_written_to_is_refused(refused, small, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    if os.access(locked, os.W_OK):
        pytest.skip("the superuser may write anywhere")
    says = "may not be written to"
    argv = ["train", "good.csv", "--label", "y", "-o"]
    refused(*argv, "locked/m.cbvae", code=2, says=says)
    refused(*argv, "locked/models/", code=2, says=says)
    refused("score", "m.cbvae", "good.csv", "-o", "locked/s.csv", code=2, says=says)


# Bundles.


def rewritten(bundle, **changes):
    """Change entries of a bundle's manifest without sealing it anew."""
    with zipfile.ZipFile(bundle) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(parts["manifest.json"]) | changes
    parts["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(bundle, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


def truncate(bundle):
    bundle.write_bytes(bundle.read_bytes()[:-200])


def edit(bundle):
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)


def replace(bundle):
    bundle.write_bytes(b"not a bundle at all")


def empty(bundle):
    bundle.write_bytes(b"")


def zip_something(bundle):
    with zipfile.ZipFile(bundle, "w") as file:
        file.writestr("a.txt", "hello")


SPOILED = {
    "truncated": (truncate, ["is", "m.cbvae"]),
    "edited": (edit, "damaged"),
    "foreign": (replace, "not a cbvae bundle"),
    "empty": (empty, "m.cbvae"),
    "another zip": (zip_something, ["m.cbvae", "cbvae train DATA --label COL"]),
    "newer": (lambda bundle: rewritten(bundle, format=99), ["format 99", "upgrade"]),
    "forged": (lambda bundle: rewritten(bundle, data={"rows": 1}), "m.cbvae"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_bundle_is_refused(refused, bundle, samples, tmp_path, name):
    spoil, says = SPOILED[name]
    spoil(bundle)
    shutil.copy(samples / "defects_new.csv", tmp_path / "new.csv")
    for verb in READ:
        refused(verb, "m.cbvae", "new.csv", "-o", "out.csv", code=4, says=says)
    refused("augment", "m.cbvae", "-n", "3", code=4, says=says)
    refused("verify", "m.cbvae", code=4, says=says)
