"""Making rows through the command line."""

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main

METHODS = ("prior", "posterior", "interpolate")


def made(bundle, out, *flags):
    argv = ["augment", bundle, "-o", out, "--quiet", "--force", *flags]
    assert main([str(word) for word in argv]) == 0
    return csv.read_csv(out)


@pytest.mark.parametrize("method", METHODS)
def test_made_rows_look_like_those_of_training(trained, samples, tmp_path, method):
    rows = samples / "payments.csv"
    flags = ["-n", "300", "--method", method, "--data", rows, "--class", "no"]
    found = made(trained / "payments.cbvae", tmp_path / "a.csv", *flags)
    real = csv.read_csv(rows).drop_columns(["payment_id"])
    assert found.schema.equals(real.schema)
    assert found.num_rows == 300
    assert set(found["fraud"].to_pylist()) == {"no"}
    for name in ("country", "channel", "card_present"):
        assert set(found[name].to_pylist()) <= set(real[name].to_pylist())
        assert len(set(found[name].to_pylist())) > 1
    for name in ("amount", "account_age_days", "n_payments_24h", "distance_km"):
        seen = real[name].drop_null().to_numpy()
        values = found[name].to_numpy()
        assert seen.min() <= values.min() <= values.max() <= seen.max()
        assert len(np.unique(values)) > 3
    assert found["paid_at"].null_count == 0


def test_the_smallest_class_is_made_unless_told(trained, tmp_path):
    found = made(trained / "payments.cbvae", tmp_path / "a.csv", "-n", "5")
    assert found["fraud"].to_pylist() == ["yes"] * 5
    flags = ["-n", "5", "--class", "ok"]
    found = made(trained / "defects.cbvae", tmp_path / "a.csv", *flags)
    assert found["outcome"].to_pylist() == ["ok"] * 5


def test_made_rows_go_to_standard_output(trained, capsys):
    bundle = str(trained / "defects.cbvae")
    assert main(["augment", bundle, "-n", "3", "--class", "crack"]) == 0
    streams = capsys.readouterr()
    assert len(streams.out.splitlines()) == 4
    assert streams.out.splitlines()[0].endswith(",outcome")
    assert streams.err == "made 3 rows of class 'crack'\n"


@pytest.mark.parametrize("name", ["pooled", "paper"])
@pytest.mark.parametrize("method", METHODS)
def test_every_family_makes_rows(trained, samples, tmp_path, name, method):
    flags = ["-n", "20", "--method", method, "--data", samples / "defects.csv"]
    found = made(trained / f"{name}.cbvae", tmp_path / "a.csv", *flags)
    assert found.num_rows == 20


def test_made_rows_are_taken_by_the_other_verbs(trained, tmp_path):
    bundle = trained / "defects.cbvae"
    made(bundle, tmp_path / "a.csv", "-n", "20", "--class", "warp")
    for verb in ("classify", "impute", "score"):
        argv = [verb, str(bundle), f"{tmp_path}/a.csv", "--quiet"]
        assert main([*argv, "-o", f"{tmp_path}/{verb}.csv"]) == 0
    same = (tmp_path / "impute.csv").read_bytes()
    assert same == (tmp_path / "a.csv").read_bytes()
