"""Scoring strangeness through the command line."""

import json

import numpy as np
import pytest
from pyarrow import csv, parquet
from scipy.stats import spearmanr

from cbvae_cli.cli.app import main

METHODS = (
    *("combined", "likelihood", "probability", "error"),
    *("neighbours", "class-distance"),
)


def answer(bundle, rows, out, *flags):
    argv = ["score", bundle, rows, "-o", out, "--quiet", *flags]
    assert main([str(word) for word in argv]) == 0
    return csv.read_csv(out)


@pytest.fixture
def odd(samples, tmp_path):
    """Give new rows, the first ten of them far from any that were trained on."""
    text = (samples / "defects_new.csv").read_text(encoding="utf-8")
    header, *lines = text.splitlines(keepends=True)
    spoiled = []
    for line in lines[:10]:
        part, machine, material, *_ = line.split(",")
        cells = f"{part},{machine},{material},,999.0,-40.0,50.00,70.00,400.0,90000\n"
        spoiled.append(cells)
    target = tmp_path / "odd.csv"
    target.write_text(header + "".join(spoiled + lines[10:]), encoding="utf-8")
    return target


@pytest.mark.parametrize("method", METHODS)
def test_odd_rows_are_stranger_and_have_small_p_values(trained, odd, tmp_path, method):
    summary = tmp_path / "s.json"
    flags = ["--method", method, f"--json={summary}"]
    found = answer(trained / "defects.cbvae", odd, tmp_path / "o.csv", *flags)
    scores = found["cbvae_score"].to_numpy()
    p_values = found["cbvae_pvalue"].to_numpy()
    assert np.median(scores[:10]) > np.quantile(scores[10:], 0.95)
    assert p_values.min() > 0
    assert p_values.max() <= 1
    assert np.median(p_values[:10]) < 0.05 < np.median(p_values[10:])
    # Members are averaged in one and ranked one by one in the other.
    assert spearmanr(scores, p_values).statistic < -0.95
    assert set(found["cbvae_class"].to_pylist()) <= {"crack", "ok", "warp"}
    told = json.loads(summary.read_text())
    assert (told["method"], told["rows"]) == (method, 200)
    assert told["pvalue_below_0.01"] == (p_values < 0.01).sum()
    least = told["least_pvalue"]["ok"]
    # Of p-values that are multiples of the least, fewer than 1 % lie below 1 %.
    assert 2 - 200 * least <= told["by_chance_below_0.01"] <= 2
    assert set(told["least_pvalue"]) == {"crack", "ok", "warp"}
    assert p_values.min() >= min(told["least_pvalue"].values())


def test_a_class_too_small_for_low_p_values_is_named(
    trained, samples, tmp_path, capsys
):
    told, out = tmp_path / "s.json", tmp_path / "o.csv"
    rows = [str(trained / "defects.cbvae"), str(samples / "defects.csv")]
    flags = ["--method", "mislabel", f"--json={told}", "-o", str(out)]
    assert main(["score", *rows, *flags]) == 0
    said = capsys.readouterr().err
    summary = json.loads(told.read_text())
    least, chance = summary["least_pvalue"], summary["by_chance_below_0.01"]
    assert f"chance alone gives about {chance:.0f}" in said
    n_large = summary["rows"] * 0.01  # rows of small classes cannot be below
    assert chance < n_large
    small = {name for name, p in least.items() if p >= 0.01}
    assert small
    assert small < set(least)
    for name, p in least.items():
        assert (f"'{name}' {p:.3g}" in said) == (name in small)
    found = csv.read_csv(out)
    p_values, labels = (found[c].to_numpy() for c in ("cbvae_pvalue", "outcome"))
    for name, p in least.items():
        assert p_values[labels == name].min() >= p


def test_p_values_of_rows_like_those_of_training_are_even(trained, samples, tmp_path):
    bundle, rows = trained / "defects.cbvae", samples / "defects.csv"
    found = answer(bundle, rows, tmp_path / "o.csv")
    p_values = found["cbvae_pvalue"].to_numpy()
    assert 0.3 < p_values.mean() < 0.7


def test_classes_too_small_for_p_values_are_told(tmp_path, capsys):
    lines = [f"{n},{n * 7 % 5},{'ab'[n % 2]}\n" for n in range(8)]
    (tmp_path / "t.csv").write_text("u,v,y\n" + "".join(lines))
    argv = ["train", f"{tmp_path}/t.csv", "--label", "y", "--epochs", "2"]
    assert main([*argv, "--hidden", "8", "--quiet", "-o", f"{tmp_path}/m.cbvae"]) == 0
    argv = ["score", f"{tmp_path}/m.cbvae", f"{tmp_path}/t.csv"]
    assert main([*argv, "-o", f"{tmp_path}/o.csv"]) == 0
    assert "too small for p-values" in capsys.readouterr().err
    found = csv.read_csv(tmp_path / "o.csv")
    assert found["cbvae_pvalue"].null_count == 8
    assert np.isfinite(found["cbvae_score"].to_numpy()).all()


def test_combined_is_the_default(trained, odd, tmp_path):
    bundle = trained / "defects.cbvae"
    plain = answer(bundle, odd, tmp_path / "a.csv")
    named = answer(bundle, odd, tmp_path / "b.csv", "--method", "combined")
    assert plain.equals(named)


def test_the_strangest_rows_come_in_their_order(trained, odd, tmp_path):
    bundle, told = trained / "defects.cbvae", tmp_path / "s.json"
    whole = answer(bundle, odd, tmp_path / "whole.csv")
    flags = ["--top", 7, "--batch-rows", 33, f"--json={told}"]
    top = answer(bundle, odd, tmp_path / "top.csv", *flags)
    scores = whole["cbvae_score"].to_numpy()
    kept = np.sort(np.argsort(-scores)[:7])
    assert top["part"].to_pylist() == whole["part"].take(kept).to_pylist()
    assert json.loads(told.read_text())["rows"] == 200


def test_the_strangest_rows_of_a_folder_stay_in_their_parts(trained, tmp_path, odd):
    rows = csv.read_csv(odd)
    (tmp_path / "in").mkdir()
    parquet.write_table(rows.slice(0, 5), tmp_path / "in" / "a.parquet")
    parquet.write_table(rows.slice(5), tmp_path / "in" / "b.parquet")
    out = tmp_path / "out"
    argv = ["score", trained / "defects.cbvae", tmp_path / "in", "-o", out]
    assert main([*map(str, argv), "--top", "8", "--quiet"]) == 0
    found = [parquet.read_table(out / f"{part}.parquet") for part in "ab"]
    assert sum(len(table) for table in found) == 8
    parts = set(rows["part"].to_pylist()[:5])
    assert set(found[0]["part"].to_pylist()) <= parts
    assert not parts & set(found[1]["part"].to_pylist())


def test_a_check_fails_after_all_rows_are_written(trained, odd, tmp_path, capsys):
    out, told = tmp_path / "o.csv", tmp_path / "s.json"
    argv = ["score", trained / "defects.cbvae", odd, "-o", out, f"--json={told}"]
    assert main([*map(str, argv), "--fail-on", "0.2"]) == 5
    assert "stranger than chance explains" in capsys.readouterr().err
    assert csv.read_csv(out).num_rows == 200
    summary = json.loads(told.read_text())
    assert (summary["fail_on"], summary["tested"]) == (0.2, 200)
    assert 8 <= summary["survivors"] <= 30


def test_a_check_that_holds_ends_well(trained, samples, tmp_path):
    # Rows that training saw are no strangers.
    bundle, rows = trained / "defects.cbvae", samples / "defects.csv"
    summary = tmp_path / "s.json"
    flags = ["--method", "class-distance", "--fail-on", 0.01, f"--json={summary}"]
    answer(bundle, rows, tmp_path / "o.csv", *flags)
    assert json.loads(summary.read_text())["survivors"] == 0


def test_a_check_that_could_not_fail_is_refused(trained, odd, tmp_path, capsys):
    out = tmp_path / "o.csv"
    argv = ["score", trained / "defects.cbvae", odd, "-o", out, "--fail-on", "1e-5"]
    assert main([str(word) for word in argv]) == 3
    assert "no row could fail --fail-on 1e-05" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--method", "neighbors"], 2, "neighbours"),
        (["--by", "clusters"], 2, "--by"),
        (["--top", "0"], 2, "top"),
        (["--fail-on", "1"], 2, "below 1"),
        (["--against", "melted"], 2, "no class 'melted'"),
        (["--method", "mislabel"], 3, "no label column 'outcome'"),
        (["--method", "mislabel", "--against", "ok"], 2, "--against"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    trained, samples, tmp_path, capsys, flags, code, says
):
    rows, out = samples / "defects_new.csv", tmp_path / "o.csv"
    argv = ["score", trained / "defects.cbvae", rows, "-o", out, *flags]
    assert main([str(word) for word in argv]) == code
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_mislabel_needs_two_classes(tmp_path, capsys):
    lines = [f"{n % 7},{n * 7 % 5},a\n" for n in range(30)]
    (tmp_path / "t.csv").write_text("u,v,y\n" + "".join(lines))
    argv = ["train", f"{tmp_path}/t.csv", "--label", "y", "--epochs", "2"]
    assert main([*argv, "--hidden", "8", "--quiet", "-o", f"{tmp_path}/m.cbvae"]) == 0
    argv = ["score", f"{tmp_path}/m.cbvae", f"{tmp_path}/t.csv"]
    assert main([*argv, "-o", f"{tmp_path}/o.csv", "--method", "mislabel"]) == 2
    assert "no label can be wrong" in capsys.readouterr().err


def test_repairs_have_the_types_of_their_columns(trained, samples, tmp_path):
    rows = csv.read_csv(samples / "defects_new.csv")
    parquet.write_table(rows, tmp_path / "rows.parquet")
    out = tmp_path / "o.parquet"
    argv = ["score", trained / "defects.cbvae", tmp_path / "rows.parquet", "-o", out]
    assert main([*map(str, argv), "--repair", "--cells", "--quiet"]) == 0
    found = parquet.read_table(out)
    for name in ("temperature_c", "tool_uses", "material"):
        assert found.schema.field(f"cbvae_cell_{name}").type == "double"
        assert (
            found.schema.field(f"cbvae_repair_{name}").type
            == rows.schema.field(name).type
        )


@pytest.mark.parametrize("space", ["latent", "features"])
@pytest.mark.parametrize("method", ["isolation-forest", "lof", "ocsvm"])
def test_detectors_look_where_they_are_told(trained, odd, tmp_path, method, space):
    told = tmp_path / "s.json"
    flags = ["--method", method, "--space", space, f"--json={told}"]
    found = answer(trained / "defects.cbvae", odd, tmp_path / "o.csv", *flags)
    scores = found["cbvae_score"].to_numpy()
    assert np.median(scores[:10]) > np.median(scores[10:])
    summary = json.loads(told.read_text())
    assert (summary["method"], summary["space"]) == (method, space)


def test_a_label_that_stands_out_in_its_cluster_is_doubted(trained, samples, tmp_path):
    rows, told = tmp_path / "rows.csv", tmp_path / "s.json"
    header, *lines = (samples / "defects.csv").read_text("utf-8").splitlines()
    wrong = [line for line in lines if line.endswith(",ok")][:40]
    spoiled = [line.removesuffix("ok") + "warp" for line in wrong[:20]]
    rows.write_text("\n".join([header, *spoiled, *wrong[20:]]) + "\n", "utf-8")
    flags = ["--method", "mislabel", "--by", "clusters", f"--json={told}"]
    found = answer(trained / "defects.cbvae", rows, tmp_path / "o.csv", *flags)
    scores = found["cbvae_score"].to_numpy()
    assert np.median(scores[:20]) > np.median(scores[20:])
    differs = np.array(found["cbvae_class"].to_pylist()) != np.array(
        found["outcome"].to_pylist()
    )
    assert ((scores > 0) == differs).all()
    assert json.loads(told.read_text())["by"] == "clusters"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--method", "error", "--space", "latent"], "looks at no space in particular"),
        (["--space", "latent"], "--method combined looks at no space"),
        (["--method", "lof", "--by", "clusters"], "a way of finding wrong labels"),
        (["--method", "mislabel", "--space", "latent"], "looks at no space"),
    ],
)
def test_flags_that_a_method_has_no_use_for_are_refused(
    trained, samples, tmp_path, capsys, flags, says
):
    argv = ["score", trained / "defects.cbvae", samples / "defects.csv", *flags]
    assert main([*map(str, argv), "-o", str(tmp_path / "o.csv")]) == 2
    assert says in capsys.readouterr().err
