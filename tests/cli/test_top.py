"""Only the strangest rows, through the command line: which they are, and ties."""

import json

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main


@pytest.fixture
def scored(trained, tmp_path, capsys):
    """Score a table; gives the rows, the summary and what was said."""

    def run(rows, *flags):
        out, told = tmp_path / "o.csv", tmp_path / "s.json"
        argv = ["score", trained / "defects.cbvae", rows, "-o", out, f"--json={told}"]
        capsys.readouterr()
        assert main([*map(str, argv), "--force", *map(str, flags)]) == 0
        said = capsys.readouterr().err
        return csv.read_csv(out), json.loads(told.read_text()), said

    return run


def test_without_their_columns_the_strangest_rows_have_numbers(scored, samples):
    rows = samples / "defects_new.csv"
    whole, *_ = scored(rows, "--only")
    assert "cbvae_row" not in whole.column_names
    top, *_ = scored(rows, "--only", "--top", 9, "--batch-rows", 31)
    assert top.column_names[0] == "cbvae_row"
    numbers = top["cbvae_row"].to_numpy()
    assert len(numbers) == 9
    assert (np.diff(numbers) > 0).all()
    # Batches of other sizes move the last digits.
    kept = whole["cbvae_score"].to_numpy()[numbers - 1]
    assert top["cbvae_score"].to_numpy() == pytest.approx(kept)
    assert top["cbvae_class"].equals(whole["cbvae_class"].take(numbers - 1))
    beside, *_ = scored(rows, "--top", 9)
    assert "cbvae_row" not in beside.column_names
    assert beside["part"].equals(csv.read_csv(rows)["part"].take(numbers - 1))


def test_ties_are_counted_and_the_earlier_rows_taken(scored, samples):
    flags = ["--method", "mislabel", "--by", "clusters", "--only"]
    rows = samples / "defects.csv"
    whole, *_ = scored(rows, *flags)
    scores = whole["cbvae_score"].to_numpy()
    # As many rows as stand above the most frequent score, and three of that.
    values, counts = np.unique(scores, return_counts=True)
    least = values[counts.argmax()]
    most = int((scores > least).sum()) + 3
    top, told, said = scored(rows, *flags, "--top", most, "--batch-rows", 100)
    ties = int(counts.max()) - 3
    assert (told["top"], told["top_ties"]) == (most, ties)
    assert f"{ties:,} more rows score like the lowest of the {most:,} written" in said
    assert "without --by tells them apart" in said
    kept = np.sort(np.argsort(-scores, kind="stable")[:most])
    assert top["cbvae_row"].to_numpy().tolist() == (kept + 1).tolist()


def test_without_ties_nothing_is_said_of_them(scored, samples):
    _, told, said = scored(samples / "defects_new.csv", "--top", 5)
    assert told["top_ties"] == 0
    assert "more row" not in said
    _, told, said = scored(samples / "defects_new.csv", "--top", 500)
    assert told["top_ties"] == 0


def test_where_no_p_value_can_be_low_nothing_is_said_of_chance(tmp_path, capsys):
    lines = [f"{n % 7},{n * 7 % 11},{'ab'[n % 2]}\n" for n in range(60)]
    (tmp_path / "t.csv").write_text("u,v,y\n" + "".join(lines))
    argv = ["train", f"{tmp_path}/t.csv", "--label", "y", "--epochs", "2"]
    assert main([*argv, "--hidden", "8", "--quiet", "-o", f"{tmp_path}/m.cbvae"]) == 0
    argv = ["score", f"{tmp_path}/m.cbvae", f"{tmp_path}/t.csv"]
    assert main([*argv, "-o", f"{tmp_path}/o.csv", "--against", "a"]) == 0
    said = capsys.readouterr().err
    assert "scored 60 rows\n" in said
    assert "chance" not in said
    assert "'a' 0.0" in said
