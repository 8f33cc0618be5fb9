"""Making rows through the command line."""

import json

import numpy as np
import pytest
from pyarrow import csv, parquet

from cbvae_cli.answers import amount, gate, sieves
from cbvae_cli.cli.app import main

STEPS = (0.1, 1.0)
METHODS = ("prior", "posterior", "boundary", "interpolate")


def run(bundle, out, *flags):
    argv = ["augment", bundle, "-o", out, "--quiet", "--force", *flags]
    return main([str(word) for word in argv])


def made(bundle, out, *flags):
    assert run(bundle, out, *flags) == 0
    return csv.read_csv(out)


def figures(bundle, out, *flags, code=0):
    file = out.with_suffix(".json")
    assert run(bundle, out, *flags, f"--json={file}") == code
    return json.loads(file.read_text())


def counted(table, label="fraud"):
    found = table[label].value_counts().to_pylist()
    return {each["values"]: each["counts"] for each in found}


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
    assert streams.err.startswith("made 3 rows of class 'crack'\n")


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


@pytest.mark.parametrize("more", [(), ("--missing", "keep"), ("--method", "boundary")])
def test_fewer_rows_are_the_first_of_more(trained, tmp_path, more):
    bundle = trained / "payments.cbvae"
    few = made(bundle, tmp_path / "a.csv", "-n", "7", *more)
    many = made(bundle, tmp_path / "b.csv", "-n", "60", *more)
    again = made(bundle, tmp_path / "c.csv", "-n", "60", *more, "--seed", "1")
    assert many.slice(0, 7).equals(few)
    assert not again.equals(many)


def test_balance_brings_every_class_to_a_share_of_the_largest(
    trained, samples, tmp_path
):
    rows, bundle = samples / "defects.csv", trained / "defects.cbvae"
    real = counted(csv.read_csv(rows), "outcome")
    most = max(real.values())
    for ratio, goal in (("1", most), ("0.5", round(most / 2))):
        flags = ["--balance", "--ratio", ratio, "--data", rows]
        found = counted(made(bundle, tmp_path / "a.csv", *flags), "outcome")
        lacking = {name: goal - n for name, n in real.items() if n < goal}
        assert found == lacking
    flags = ["--balance", "--data", rows, "--class", "warp"]
    found = counted(made(bundle, tmp_path / "a.csv", *flags), "outcome")
    assert found == {"warp": most - real["warp"]}


def test_real_rows_come_first_as_they_were(trained, samples, tmp_path):
    rows, out = samples / "payments.csv", tmp_path / "a.csv"
    flags = ["-n", "30", "--data", rows, "--with-original"]
    found = made(trained / "payments.cbvae", out, *flags)
    real = csv.read_csv(rows)
    assert found.column_names == [*real.column_names, "cbvae_synthetic"]
    marks = found["cbvae_synthetic"].to_numpy()
    assert marks.tolist() == [0] * len(real) + [1] * 30
    lines = out.read_text().splitlines()[1:]
    kept = [line.removesuffix(",0") for line in lines[: len(real)]]
    assert kept == rows.read_text().splitlines()[1:]
    assert found["payment_id"].slice(len(real)).to_pylist() == [""] * 30
    typed = tmp_path / "a.parquet"
    assert run(trained / "payments.cbvae", typed, *flags) == 0
    table = parquet.read_table(typed)
    assert table.num_rows == len(real) + 30
    assert str(table.schema.field("amount").type) == "double"


def test_a_typed_table_keeps_its_types_beside_made_rows(trained, samples, tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    real = csv.read_csv(samples / "payments.csv")
    parquet.write_table(real, source)
    flags = ["-n", "9", "--data", source, "--with-original", "--prefix", "my_"]
    assert run(trained / "payments.cbvae", out, *flags) == 0
    found = parquet.read_table(out)
    assert found.column_names[-1] == "my_synthetic"
    assert (
        found.drop_columns(["my_synthetic"]).schema.types
        == parquet.read_schema(source).types
    )


def test_gaps_are_those_of_the_class_where_they_are_kept(trained, samples, tmp_path):
    flags = ["-n", "3000", "--class", "no", "--missing", "keep"]
    found = made(trained / "payments.cbvae", tmp_path / "a.csv", *flags)
    real = csv.read_csv(samples / "payments.csv")
    real = real.filter(np.array(real["fraud"].to_pylist()) == "no")
    for name in found.column_names:
        rate = real[name].null_count / len(real)
        assert found[name].null_count / 3000 == pytest.approx(rate, abs=0.03)
    assert any(found[name].null_count for name in found.column_names)


def test_between_classes_rows_keep_their_label(trained, samples, tmp_path):
    flags = ["-n", "50", "--data", samples / "defects.csv", "--class", "crack"]
    flags += ["--method", "interpolate"]
    bundle = trained / "defects.cbvae"
    within = made(bundle, tmp_path / "a.csv", *flags)
    toward = made(bundle, tmp_path / "b.csv", *flags, "--toward", "ok")
    assert counted(within, "outcome") == counted(toward, "outcome") == {"crack": 50}
    assert not within.equals(toward)


@pytest.fixture
def short(monkeypatch):
    """Look for an amount, and judge rows, less often."""
    monkeypatch.setattr(amount, "STEPS", STEPS)
    monkeypatch.setattr(amount, "DRAWS", 20)
    monkeypatch.setattr(gate, "REPEATS", 2)


def test_rows_for_balance_lie_where_classes_meet_and_others_anywhere(
    trained, samples, tmp_path
):
    bundle, out = trained / "payments.cbvae", tmp_path / "a.csv"
    data = ["--data", samples / "payments.csv"]
    found = figures(bundle, out, "--balance", "--ratio", "0.1", *data)
    assert found["method"] == "boundary"
    assert set(found["band"]) == {"yes"}
    few = figures(bundle, out, "-n", "5")
    assert few["method"] == "prior"
    assert "band" not in few


def test_a_class_without_a_boundary_is_balanced_all_the_same(
    trained, samples, tmp_path, monkeypatch
):
    monkeypatch.setattr(sieves, "AMPLE_CONFIRMED", 10**6)
    bundle, out = trained / "payments.cbvae", tmp_path / "a.csv"
    flags = ["--balance", "--ratio", "0.1", "--data", samples / "payments.csv"]
    found = figures(bundle, out, *flags)
    assert found["method"] == "prior"
    assert found["rows"] > 0
    assert any("--method prior instead" in line for line in found["warnings"])
    assert figures(bundle, out, *flags, "--method", "boundary")["method"] == "boundary"


@pytest.mark.usefixtures("short")
def test_the_amount_that_helps_most_is_the_same_each_time(trained, samples, tmp_path):
    flags = ["--balance", "--ratio", "auto", "--data", samples / "payments.csv"]
    bundle = trained / "payments.cbvae"
    found = figures(bundle, tmp_path / "a.csv", *flags)
    assert found["method"] == "prior"
    assert found["ratio"]["blind"] is True
    assert found["ratio"]["chosen"] in (0.0, *STEPS)
    tried = [one["share"] for one in found["ratio"]["tried"]]
    assert tried == [0.0, *STEPS][: len(tried)]
    assert found["rows"] == counted(csv.read_csv(tmp_path / "a.csv")).get("yes", 0)
    assert figures(bundle, tmp_path / "b.csv", *flags) == found
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.usefixtures("short")
def test_an_amount_of_rows_near_the_boundary_is_said_to_be_flattered(
    trained, samples, tmp_path
):
    flags = ["--balance", "--ratio", "auto", "--data", samples / "payments.csv"]
    bundle, out = trained / "payments.cbvae", tmp_path / "a.csv"
    found = figures(bundle, out, *flags, "--method", "boundary")
    assert found["ratio"]["blind"] is False
    assert any("flattered" in line for line in found["warnings"])


@pytest.mark.usefixtures("short")
def test_an_amount_on_other_rows_than_those_of_training_says_so(
    trained, samples, tmp_path
):
    part = tmp_path / "part.csv"
    lines = (samples / "payments.csv").read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:2000]))
    flags = ["--balance", "--ratio", "auto", "--data", part]
    found = figures(trained / "payments.cbvae", tmp_path / "a.csv", *flags)
    assert found["ratio"]["blind"] is False
    assert any("may have seen" in line for line in found["warnings"])


@pytest.mark.usefixtures("short")
def test_a_gate_judges_rows_and_writes_them_all_the_same(trained, samples, tmp_path):
    rows, out = samples / "payments.csv", tmp_path / "a.csv"
    held = tmp_path / "held.csv"
    held.write_bytes(rows.read_bytes())
    flags = ["-n", "400", "--data", rows, "--gate", held]
    bundle = trained / "payments.cbvae"
    code = run(bundle, out, *flags)
    found = figures(bundle, out, *flags, code=code)
    assert (code, found["gate"]) in ((0, "helpful"), (5, "harmful"))
    assert csv.read_csv(out).num_rows == found["rows"] == 400
    judges = found["gate_figures"]["judges"]
    assert set(judges) == {"booster", "logistic"}
    for one in judges.values():
        change = one["auprc_after"] - one["auprc_before"]
        assert one["auprc_change"] == pytest.approx(change)
    changes = [one["auprc_change"] for one in judges.values()]
    judged = found["gate_figures"]
    assert judged["auprc_change"] == pytest.approx(np.mean(changes))
    clear = judged["auprc_change"] > judged["auprc_spread"]
    assert clear == (found["gate"] == "helpful") == (judged["advice"] == gate.USE)


def test_privacy_draws_copies_again_and_compares_with_rows_held_out(
    trained, samples, tmp_path
):
    rows = samples / "payments.csv"
    flags = ["-n", "200", "--class", "no", "--data", rows, "--privacy"]
    bundle = trained / "payments.cbvae"
    alone = figures(bundle, tmp_path / "a.csv", *flags)["privacy"]
    assert alone["closest_record_share"] is None
    assert alone["near_copies"]["rows"] == 200
    beside = figures(bundle, tmp_path / "a.csv", *flags, "--held-out", rows)["privacy"]
    assert beside["closest_record_share"] == pytest.approx(0.5, abs=0.1)
    assert 0 <= beside["attack_auc"] <= 1
    assert csv.read_csv(tmp_path / "a.csv").num_rows == 200


def test_rows_are_compared_with_real_ones_where_these_are_given(
    trained, samples, tmp_path
):
    flags = ["-n", "300", "--class", "no", "--data", samples / "payments.csv"]
    bundle = trained / "payments.cbvae"
    found = figures(bundle, tmp_path / "a.csv", *flags)["fidelity"]
    assert set(found["columns"]) >= {"amount", "country"}
    assert found["columns"]["country"]["measure"] == "total variation"
    assert 0 <= found["distance"] <= 1
    assert 0.4 <= found["detection_auc"] <= 1
    assert "fidelity" not in figures(bundle, tmp_path / "a.csv", "-n", "5")


def small(tmp_path, text):
    path = tmp_path / "small.csv"
    path.write_text(text)
    return path


REFUSED = {
    "no rows": (["-n", "0"], 2, "-n"),
    "neither": ([], 2, "how many rows"),
    "both": (["-n", "5", "--balance", "--data", "T"], 2, "exclude each other"),
    "gate of training": (["-n", "5", "--data", "T", "--gate", "T"], 2, "trained on"),
    "class": (["-n", "5", "--class", "maybe"], 2, "no class 'maybe'"),
    "balance": (["--balance"], 2, "--balance needs the rows"),
    "original": (["-n", "5", "--with-original"], 2, "--with-original needs the rows"),
    "gate": (["-n", "5", "--gate", "T"], 2, "--gate needs the rows"),
    "privacy": (["-n", "5", "--privacy"], 2, "--privacy needs the rows"),
    "posterior": (["-n", "5", "--method", "posterior"], 2, "posterior needs the rows"),
    "ratio": (["-n", "5", "--ratio", "0.5"], 2, "--ratio says how far"),
    "ratio above": (["--balance", "--ratio", "2", "--data", "T"], 2, "a share above 0"),
    "held-out": (["-n", "5", "--held-out", "T"], 2, "--held-out names rows"),
    "toward": (["-n", "5", "--toward", "no"], 2, "--toward says where"),
    "toward itself": (
        ["-n", "5", "--toward", "yes", "--method", "interpolate", "--data", "T"],
        2,
        "--toward names the class",
    ),
    "other columns": (
        ["-n", "5", "--data", "T", "--gate", "D"],
        3,
        "none of the 10 columns",
    ),
    "no label": (["-n", "5", "--data", "U"], 3, "no label column 'fraud'"),
    "foreign label": (["-n", "5", "--data", "F"], 3, "not in the bundle"),
    "empty row": (["-n", "5", "--data", "E"], 3, "both a label and a cell"),
    "no such rows": (
        ["-n", "5", "--data", "N", "--method", "posterior"],
        3,
        "no row of class 'yes'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(
    trained, samples, tmp_path, capsys, case
):
    flags, code, told = REFUSED[case]
    real = (samples / "payments.csv").read_text().splitlines()
    names = real[0].split(",")
    first = dict(zip(names, real[1].split(","), strict=True))
    unlabelled = [name for name in names if name != "fraud"]
    files = {
        "T": samples / "payments.csv",
        "D": samples / "defects.csv",
        "U": [unlabelled, [first[name] for name in unlabelled]],
        "F": [names, [*[first[n] for n in names[:-1]], "perhaps"]],
        "E": [names, ["no" if name == "fraud" else "" for name in names]],
        "N": [names, [{**first, "fraud": "no"}[name] for name in names]],
    }
    words = []
    for word in flags:
        found = files.get(word, word)
        if isinstance(found, list):
            text = "\n".join(",".join(row) for row in found) + "\n"
            found = small(tmp_path, text)
        words.append(str(found))
    out = tmp_path / "out.csv"
    argv = ["augment", str(trained / "payments.cbvae"), "-o", str(out), *words]
    assert main(argv) == code
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_rows_that_say_nothing_are_left_out_with_a_warning(trained, samples, tmp_path):
    lines = (samples / "payments.csv").read_text().splitlines()
    names = lines[0].split(",")
    empty = ",".join("no" if name == "fraud" else "" for name in names)
    cells = lines[1].split(",")
    cells[names.index("country")] = "Atlantis"
    text = "\n".join([*lines, empty, ",".join(cells)]) + "\n"
    rows = small(tmp_path, text)
    flags = ["-n", "20", "--data", rows, "--method", "posterior", "--class", "no"]
    found = figures(trained / "payments.cbvae", tmp_path / "a.csv", *flags)
    assert any("without any value" in line for line in found["warnings"])
    known = any("never saw" in line for line in found["warnings"])
    assert known or found["rows"] == 20
