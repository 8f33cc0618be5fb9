"""Measuring a bundle through the command line."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from sklearn import metrics

from cbvae_cli.cli.app import main

CLASSES = ("crack", "ok", "warp")
KEYS = (
    *("auprc", "auroc", "log_loss", "brier", "ece", "mcc", "f1", "balanced_accuracy"),
    *("impute_nrmse", "impute_accuracy", "anomaly_auroc", "coverage", "drift", "em_mv"),
    *("thresholds", "confusion"),
)


@pytest.fixture
def defects(trained):
    return trained / "defects.cbvae"


@pytest.fixture
def told(tmp_path, capsys):
    """Run `evaluate`, which must end well, and give its summary."""

    def run(*argv):
        target = tmp_path / "summary.json"
        code = main(["evaluate", *map(str, argv), f"--json={target}", "--quiet"])
        streams = capsys.readouterr()
        assert code == 0, streams.err
        assert streams.out == ""
        return json.loads(target.read_text())

    return run


@pytest.fixture
def rewritten(samples, tmp_path):
    """Give the defects table with its text changed."""

    def write(change, name="changed.csv"):
        header, *lines = (samples / "defects.csv").read_text("utf-8").splitlines()
        target = tmp_path / name
        text = "\n".join(change([header, *lines])) + "\n"
        target.write_text(text, encoding="utf-8")
        return target

    return write


def relabelled(lines, label):
    return [lines[0], *(line.rpartition(",")[0] + "," + label for line in lines[1:])]


@pytest.fixture
def refused(capsys):
    """Run `evaluate`, which must be refused for the data, and give what it says."""

    def run(*argv):
        assert main(["evaluate", *map(str, argv)]) == 3
        return capsys.readouterr().err

    return run


def test_figures_are_those_of_what_classify_answers(told, defects, samples, tmp_path):
    rows = samples / "defects.csv"
    argv = ["classify", str(defects), str(rows), "-o", str(tmp_path / "o.csv"), "-q"]
    assert main(argv) == 0
    named = csv.read_csv(tmp_path / "o.csv")
    truth = named["outcome"].to_numpy()
    p = np.stack([named[f"cbvae_p_{c}"].to_numpy() for c in CLASSES], axis=1)
    called = named["cbvae_label"].to_numpy()
    found = told(defects, rows)
    assert (found["rule"], found["rows"], found["labelled"]) == (
        "posterior",
        1500,
        1500,
    )
    for place, name in enumerate(CLASSES):
        own, said = truth == name, p[:, place]
        each = {key: found[key]["classes"][name] for key in ("auprc", "auroc", "brier")}
        assert each == pytest.approx(
            {
                "auprc": metrics.average_precision_score(own, said),
                "auroc": metrics.roc_auc_score(own, said),
                "brier": np.mean((own - said) ** 2),
            },
            abs=1e-6,
        )
        assert 0 <= found["ece"]["classes"][name] < 0.5
    lost = metrics.log_loss(truth, p, labels=list(CLASSES))
    assert found["log_loss"]["overall"] == pytest.approx(lost, abs=1e-6)
    assert found["mcc"]["overall"] == metrics.matthews_corrcoef(truth, called)
    balanced = metrics.balanced_accuracy_score(truth, called)
    assert found["balanced_accuracy"]["overall"] == pytest.approx(balanced)
    f1 = metrics.f1_score(truth, called, average=None, zero_division=0)
    assert list(found["f1"]["classes"].values()) == pytest.approx(f1.tolist())
    assert sum(map(sum, (row.values() for row in found["confusion"].values()))) == 1500
    assert list(found["thresholds"]) == [found["positive"]]


def test_all_keys_are_there_and_speak_of_every_class(told, defects, samples):
    found = told(defects, samples / "defects.csv")
    assert set(KEYS) <= set(found)
    assert found["drift"] is None
    for key in ("impute_nrmse", "impute_accuracy"):
        assert set(found[key]["classes"]) == set(CLASSES)
        assert found[key]["cells"] > 500
    assert 0 < found["impute_nrmse"]["overall"] < 2
    assert found["impute_nrmse"]["by_mean"] == pytest.approx(1, abs=0.2)
    assert 0 < found["impute_accuracy"]["by_mode"] < 1
    assert set(found["anomaly_auroc"]["classes"]) == set(CLASSES)
    assert found["anomaly_auroc"]["unknown"] is None
    abstain = found["coverage"]["abstain"]
    for name, rate in abstain["ruled_out"]["classes"].items():
        assert rate["rows"] == found["classes"][name]
        assert rate["interval"][0] <= rate["share"] <= rate["interval"][1]
    overall = abstain["ruled_out"]["overall"]["share"]
    assert 0.01 < overall < 0.15


def test_batches_and_seeds_are_as_everywhere(told, defects, samples):
    rows = samples / "defects.csv"
    one = told(defects, rows, "--drift")
    small = told(defects, rows, "--drift", "--batch-rows", "170")
    other = told(defects, rows, "--drift", "--seed", "5")
    assert told(defects, rows, "--drift") == one
    for key in ("impute_nrmse", "impute_accuracy"):
        assert small[key]["cells"] == one[key]["cells"]
        assert small[key]["classes"] == pytest.approx(one[key]["classes"])
    assert small["coverage"] == one["coverage"]
    assert small["auprc"]["classes"] == pytest.approx(one["auprc"]["classes"])
    assert other["impute_nrmse"]["cells"] != one["impute_nrmse"]["cells"]
    assert other["auprc"] == one["auprc"]


@pytest.mark.parametrize("name", ["defects", "pooled", "paper"])
@pytest.mark.parametrize("rule", ["likelihood", "error"])
def test_every_family_and_rule_is_measured(told, trained, samples, name, rule):
    flags = ("--rule", rule, "--hidden-share", "0")
    found = told(trained / f"{name}.cbvae", samples / "defects.csv", *flags)
    assert found["rule"] == rule
    assert found["thresholds"] == {}
    assert found["impute_nrmse"] is None
    assert 0 < found["auprc"]["macro"] <= 1
    assert found["coverage"]["fpr"]["why"]


def test_false_alarms_are_counted_where_they_were_certified(told, trained, samples):
    bundle, rows = trained / "payments.cbvae", samples / "payments.csv"
    found = told(bundle, rows, "--fpr", "0.05")
    fpr = found["coverage"]["fpr"]
    assert fpr["why"] is None
    assert fpr["false_alarms"]["overall"]["share"] < 0.1
    assert set(fpr["false_alarms"]["classes"]) == {"no"}
    assert fpr["usual"][0] < 0.05 < fpr["usual"][1]
    assert fpr["found"]["rows"] == found["classes"]["yes"]
    # Dates and counts: the bundle knows no deviation of theirs.
    assert found["impute_nrmse"]["deviations_from"]["data"] >= 2
    none = told(bundle, rows, "--hidden-share", "0", "--fpr", "1e-6")["coverage"]["fpr"]
    assert "cannot promise" in none["why"]
    assert none["false_alarms"] is None


def test_long_tables_are_sampled_where_rows_must_be_kept(
    told, defects, samples, monkeypatch
):
    monkeypatch.setattr("cbvae_cli.answers.evaluate.MOST_ROWS", 300)
    found = told(defects, samples / "defects.csv", "--hidden-share", "0")
    assert (found["labelled"], found["measured_rows"]) == (1500, 300)
    assert sum(map(sum, (row.values() for row in found["confusion"].values()))) == 300
    assert found["coverage"]["abstain"]["none_of_these"]["overall"]["rows"] == 1500
    assert any("drawn at random" in line for line in found["warnings"])


def test_people_see_tables_and_programs_one_object(defects, samples, capsys):
    argv = ["evaluate", str(defects), str(samples / "defects.csv"), "--drift"]
    assert main(argv) == 0
    streams = capsys.readouterr()
    assert streams.out == ""
    for words in ("AUPRC", "MCC", "Promises", "called crack", "furthest", "usual"):
        assert words in streams.err
    first = streams.err.index("At a glance")
    assert streams.err.index("1,500 labelled rows of 3 classes: crack 111") < first
    assert first < streams.err.index("How well is each class")
    assert "drift: none found in 9 columns" in streams.err
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verb"] == "evaluate"


def test_classes_too_small_for_abstention_are_named(defects, samples, capsys):
    argv = ["evaluate", str(defects), str(samples / "defects.csv"), "--abstain", "0.01"]
    assert main([*argv, "--hidden-share", "0"]) == 0
    said = capsys.readouterr().err
    assert "too small to be judged under --abstain 0.01: 'crack', 'warp';" in said


def test_columns_of_which_nothing_was_kept_are_not_tested(told, trained, samples):
    found = told(trained / "paper.cbvae", samples / "defects.csv", "--drift")["drift"]
    drawn = [n for n, c in found["columns"].items() if c["against"] == "synthetic rows"]
    assert drawn
    assert all(found["columns"][name]["p_value"] is None for name in drawn)
    assert found["drifting"]["tested"] == len(found["columns"]) - len(drawn) > 0
    assert found["drifting"]["columns"] == []


def test_rows_of_training_do_not_drift(told, defects, samples):
    drift = told(defects, samples / "defects.csv", "--drift")["drift"]
    kept = {column["against"] for column in drift["columns"].values()}
    assert kept == {"training quantiles", "training shares"}
    assert all(column["distance"] < 0.02 for column in drift["columns"].values())
    assert all(column["p_value"] > 0.9 for column in drift["columns"].values())
    assert drift["drifting"] == {
        "level": 0.01,
        "tested": 9,
        "by_chance": pytest.approx(0.09),
        "columns": [],
    }
    assert 0.02 < drift["p_values"]["found"]["share"] < 0.1
    assert drift["evidence"]["mean"] == pytest.approx(
        drift["evidence"]["held_out"], abs=0.1
    )
    for share in drift["shares"].values():
        assert share["estimated"] == pytest.approx(share["training"], abs=0.05)


def test_drift_needs_no_labels_and_finds_the_column_that_moved(
    told, defects, samples, tmp_path
):
    rows = csv.read_csv(samples / "defects_new.csv")
    at = rows.column_names.index("temperature_c")
    moved = pa.compute.add(rows["temperature_c"], 60.0)
    rows = rows.set_column(at, "temperature_c", moved)
    blank = pa.array([None] * len(rows), pa.string())
    rows = rows.set_column(rows.column_names.index("supplier"), "supplier", blank)
    csv.write_csv(rows, tmp_path / "moved.csv")
    found = told(defects, tmp_path / "moved.csv", "--drift")
    assert (found["labelled"], found["unlabelled"]) == (0, 200)
    assert found["auprc"] is None
    assert found["coverage"] is None
    columns = found["drift"]["columns"]
    assert found["drift"]["drifting"]["columns"] == ["temperature_c"]
    assert found["drift"]["drifting"]["tested"] == 8
    assert columns["temperature_c"]["distance"] > 0.8
    assert columns["supplier"]["missing"] == 1
    assert columns["supplier"]["distance"] is None
    assert columns["pressure_bar"]["distance"] < 0.2
    nats = found["drift"]["evidence"]
    assert nats["mean"] < nats["held_out"]
    assert found["drift"]["p_values"]["found"]["share"] > 0.2


def test_new_categories_count_as_drift(told, defects, rewritten):
    rows = rewritten(lambda lines: [line.replace(",steel,", ",tin,") for line in lines])
    summary = told(defects, rows, "--drift")
    n_cells = summary["novel"]["material"]["cells"]
    assert summary["novel"] == {"material": {"cells": n_cells, "first": "tin"}}
    wanted = f"column 'material': {n_cells} cells hold values never seen in training"
    assert any(line.startswith(wanted) for line in summary["warnings"])
    assert summary["drift"]["drifting"]["columns"] == ["material"]
    found = summary["drift"]["columns"]["material"]
    assert found["novel"] > 0.1
    assert found["distance"] == pytest.approx(found["novel"], abs=0.05)


def test_a_table_without_labels_is_refused_and_told_of_drift(refused, defects, samples):
    said = refused(defects, samples / "defects_new.csv")
    assert "no label column 'outcome'" in said
    assert "--drift" in said


def test_labels_that_are_all_missing_are_refused(refused, defects, rewritten):
    said = refused(defects, rewritten(lambda lines: relabelled(lines, "")))
    assert "empty in all 1,500 rows" in said


def test_labels_that_are_all_unknown_are_refused(refused, defects, rewritten):
    said = refused(defects, rewritten(lambda lines: relabelled(lines, "rust")))
    assert "no row has a label that the bundle knows" in said
    assert "1,500" in said


def test_a_file_without_rows_is_refused(refused, defects, rewritten):
    assert "no rows" in refused(defects, rewritten(lambda lines: lines[:1]))


def test_a_wrong_class_or_share_is_refused(defects, samples, capsys):
    rows = str(samples / "defects.csv")
    assert main(["evaluate", str(defects), rows, "--positive", "rust"]) == 2
    assert main(["evaluate", str(defects), rows, "--abstain", "1"]) == 2
    assert main(["evaluate", str(defects), rows, "--hidden-share", "1"]) == 2
    assert "rust" in capsys.readouterr().err


def test_unknown_classes_are_counted_and_left_out(told, defects, rewritten):
    def change(lines):
        names = [f"new{n}" for n in range(8)]
        odd = [
            line.rpartition(",")[0] + "," + name
            for line, name in zip(lines[1:9], names, strict=True)
        ]
        again = [line.rpartition(",")[0] + ",new3" for line in lines[9:12]]
        bare = [line.rpartition(",")[0] + "," for line in lines[12:15]]
        return [lines[0], *odd, *again, *bare, *lines[15:]]

    found = told(defects, rewritten(change))
    assert found["unknown"]["rows"] == 11
    assert found["unlabelled"] == 3
    assert found["labelled"] == found["measured_rows"] == 1500 - 14
    assert len(found["unknown"]["classes"]) == 5
    assert found["unknown"]["classes"]["new3"] == 4
    assert found["unknown"]["more"] == 3
    assert 0 <= found["anomaly_auroc"]["unknown"] <= 1
    assert found["coverage"]["abstain"]["none_of_these"]["unknown"]["rows"] == 11
    assert any("does not know" in line for line in found["warnings"])


def test_rows_of_one_class_are_measured_as_far_as_they_can_be(told, defects, rewritten):
    def change(lines):
        return [lines[0], *(line for line in lines if line.endswith(",ok"))]

    found = told(defects, rewritten(change))
    assert found["auprc"] == {"macro": None, "classes": dict.fromkeys(CLASSES)}
    assert found["mcc"]["overall"] is None
    assert found["log_loss"]["overall"] > 0
    assert found["brier"]["classes"]["ok"] > 0
    assert found["brier"]["classes"]["crack"] is None
    assert found["anomaly_auroc"]["macro"] is None
    assert found["impute_nrmse"]["classes"]["warp"] is None


def test_a_bundle_of_one_class_finds_the_classes_it_does_not_know(
    told, rewritten, samples, tmp_path
):
    def change(lines):
        return [lines[0], *(line for line in lines if line.endswith(",ok"))]

    normal, bundle = rewritten(change), str(tmp_path / "ok.cbvae")
    flags = ["--label", "outcome", "--exclude", "part", "--epochs", "4", "--quiet"]
    argv = ["train", str(normal), *flags, "--hidden", "32", "-o", bundle]
    assert main(argv) == 0
    found = told(bundle, samples / "defects.csv", "--drift")
    assert found["auprc"] is None
    assert found["thresholds"] == {}
    assert found["unknown"]["rows"] == 1500 - found["labelled"]
    assert 0.5 < found["anomaly_auroc"]["unknown"] <= 1
    assert found["anomaly_auroc"]["classes"] == {"ok": None}
    assert found["coverage"]["fpr"]["why"]
    assert found["drift"]["shares"]["ok"] == {"training": 1.0, "estimated": 1.0}


def test_typed_files_give_the_same_figures(told, defects, samples, tmp_path):
    rows = csv.read_csv(
        samples / "defects.csv",
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
    )
    names = ["machine", "material", "outcome"]
    for name in names:
        at = rows.column_names.index(name)
        rows = rows.set_column(
            at, name, rows[name].combine_chunks().dictionary_encode()
        )
    parquet.write_table(rows, tmp_path / "typed.parquet")
    one = told(defects, samples / "defects.csv")
    two = told(defects, tmp_path / "typed.parquet")
    for key in ("auprc", "impute_nrmse", "impute_accuracy", "anomaly_auroc"):
        assert two[key]["classes"] == pytest.approx(one[key]["classes"])
