"""What cannot be asked: flags, names and places that do not go together."""

import os

import pytest

from cbvae_cli.cli.app import main

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
    "a glob that the shell spread out": (
        ["classify", "m.cbvae", "good.csv", "more.csv", "-o", "out.csv"],
        ["one word too many: 'more.csv'", "in quotes"],
    ),
    "a bundle for a table": (
        ["compare", "m.cbvae", "--label", "y"],
        ["'m.cbvae' is the name of a bundle", ".parquet"],
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
