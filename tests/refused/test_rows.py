"""Rows that do not fit a bundle, and files that are not there."""

import pytest

from cbvae_cli.cli.app import main

BRIEF = ["--epochs", "2", "--hidden", "16"]
GOOD = "a,b,y\n" + "".join(f"{n % 9},{n % 5}.5,{'pq'[n % 2]}\n" for n in range(60))
READ = ("classify", "impute", "score", "embed")


@pytest.mark.parametrize("verb", READ)
def test_a_file_that_is_not_there_is_refused(refused, small, verb):
    refused(verb, "m.cbvae", "no.csv", code=2, says="there is no file 'no.csv'")
    refused(verb, "no.cbvae", "good.csv", code=2, says=["no such bundle", "m.cbvae"])


def test_training_on_a_file_that_is_not_there_is_refused(refused):
    argv = ["train", "--label", "y", "-o", "m.cbvae"]
    refused(*argv, "no.csv", code=2, says="there is no file 'no.csv'")
    refused(*argv, "no*.csv", code=2, says="no file matches")
    refused(*argv, "a.xls", code=2, says="there is no file")


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
    "both columns missing": (
        "c,d\n1,2\n",
        ["none of the 2 columns", "t.csv has 'c', 'd'", "expected  'a', 'b'"],
    ),
    "another sign between cells": ("a b\n1 2\n", ["t.csv has 'a b'", "--delimiter"]),
    "no line of names": ("3,1.5\n4,2.5\n", ["the first line holds values"]),
    "both columns in capitals": ("A,B\n1,2\n", ["none of", "column 'A' meant?"]),
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


@pytest.fixture(scope="module")
def steered(tmp_path_factory):
    """Give a bundle with a column of every role that is not modelled."""
    folder = tmp_path_factory.mktemp("steered")
    lines = [
        f"{n % 9},{n % 5}.5,{n},{n % 7},{n % 2 + 1},same,,{'pq'[n % 2]}\n"
        for n in range(60)
    ]
    (folder / "t.csv").write_text("a,b,no,g,w,one,nil,y\n" + "".join(lines))
    flags = ["--exclude", "no", "--group", "g", "--weight", "w"]
    argv = ["train", f"{folder}/t.csv", "--label", "y", "-o", f"{folder}/m.cbvae"]
    assert main([*argv, *flags, *BRIEF, "--quiet"]) == 0
    return folder


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("no", "column 'no', which was left out of training (--exclude)"),
        ("g", "only kept rows together"),
        ("w", "only weighed rows"),
        ("one", "held 'same' in every row of training"),
        ("nil", "held nothing in training"),
        ("nope", "'nope' that is not in the bundle"),
    ],
)
def test_a_column_that_is_not_filled_cannot_be_hidden(refused, steered, column, says):
    argv = ["impute", f"{steered}/m.cbvae", f"{steered}/t.csv", "--hide", column]
    refused(*argv, code=2, says=says)
