"""Training through the command line: settings, summaries, what is written."""

import json
import shutil

import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main

BRIEF = ["--epochs", "2", "--hidden", "16"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def short(tmp_path_factory, request):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (request.config.rootpath / "sample_data" / "payments.csv").read_text("utf-8")
    header, *lines = rows.splitlines(keepends=True)
    kept = lines[:150] + [line for line in lines if line.endswith(",yes\n")][:30]
    target = tmp_path_factory.mktemp("short") / "payments.csv"
    target.write_text("".join([header, *kept]), encoding="utf-8")
    return str(target)


@pytest.fixture
def train(short, capsys):
    """Train on the short table and give the summary."""

    def run(*flags):
        argv = [short, "--label", "fraud", "--json", *flags]
        assert main(["train", *argv]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_the_summary_tells_what_was_learnt_from_what(train, tmp_path):
    told = train(*BRIEF, "--exclude", "payment_id", "-o", "m.cbvae")
    assert told["verb"] == "train"
    assert told["bundle"] == "m.cbvae"
    assert told["label"] == "fraud"
    assert sum(told["classes"].values()) == told["rows"]
    assert told["positive"] == "yes"
    kinds = {column["name"]: column["kind"] for column in told["columns"]}
    assert kinds["payment_id"] is None
    assert kinds["paid_at"] == "moment"
    assert kinds["amount"] == "numeric"
    assert kinds["card_present"] == "boolean"
    assert kinds["country"] == "categorical"
    rules = {"posterior", "likelihood", "probability", "error"}
    assert set(told["held_out"]) == rules
    assert {"auprc", "auroc", "log_loss"} <= set(told["held_out"]["likelihood"])
    assert told["settings"]["hidden"] == [16]
    for n, count in enumerate(told["classes"].values()):
        # A row teaches the members that are not blind to it, and calibrates the others.
        parts = told["parts"]
        assert parts["train"][n] + parts["certify"][n] == count
        assert parts["calibrate"][n] <= parts["train"][n]
    assert [path.name for path in tmp_path.iterdir()] == ["m.cbvae"]


def test_a_column_like_an_identifier_is_warned_about_by_name(train):
    told = train(*BRIEF, "-o", "m.cbvae")
    [warning] = [w for w in told["warnings"] if "payment_id" in w]
    assert "--exclude 'payment_id'" in warning


def test_a_dry_run_writes_nothing_and_guesses_the_time(train, tmp_path):
    for flags in ([], ["-o", "m.cbvae"], ["-o", "models/"]):
        told = train(*BRIEF, "--dry-run", *flags)
        assert told["dry_run"] is True
        assert told["estimated_seconds"] >= 0
        assert told["classes"]
        assert told["columns"]
        assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_so(short, capsys):
    assert main(["train", short, "--label", "fraud", *BRIEF, "--dry-run"]) == 0
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "nothing was written" in streams.err
    assert "training would take about" in streams.err


def test_columns_that_steer_training_have_roles_of_their_own(tmp_path, capsys):
    lines = [
        f"{n},{'xyz'[n % 3]},2024-03-{n % 28 + 1:02},{n % 2 + 0.5},{'abb'[n % 3]}"
        for n in range(60)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["v,g,t,w,y", *lines, ""]))
    flags = ["--group", "g", "--time", "t", "--weight", "w", "--positive", "b"]
    argv = ["train", "t.csv", "--label", "y", *flags, *BRIEF, "--json"]
    assert main([*argv, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    roles = {column["name"]: column["role"] for column in told["columns"]}
    assert roles == {"v": "modelled", "g": "group", "t": "time", "w": "weight"}
    kinds = {column["name"]: column["kind"] for column in told["columns"]}
    assert [kinds[name] for name in "gtw"] == [None] * 3
    assert told["positive"] == "b"


def test_people_see_the_roles(short, capsys):
    argv = [short, "--label", "fraud", "--group", "merchant_code", *BRIEF, "--dry-run"]
    assert main(["train", *argv]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any("group" in line and "merchant_code" in line for line in lines)


def test_validation_rows_are_counted_apart(train, short, tmp_path):
    alone = train(*BRIEF, "--dry-run")
    shutil.copy(short, tmp_path / "v.csv")
    beside = train(*BRIEF, "--dry-run", "--validation", "v.csv")
    assert alone["validation_rows"] == 0
    assert beside["validation_rows"] == beside["rows"] == alone["rows"]
    assert beside["classes"] == alone["classes"]


def test_a_share_for_validation_may_be_a_number_in_the_file(train, tmp_path):
    (tmp_path / "run.toml").write_text("validation = 0.25\n")
    told = train("--config", "run.toml", *BRIEF, "--dry-run")
    assert told["validation_rows"] == 0


def test_synthetic_rows_go_without_the_columns_that_steer(train, short, tmp_path):
    flags = ["--group", "merchant_code", "--exclude", "payment_id"]
    train(*BRIEF, *flags, "-o", "m.cbvae")
    assert main(["augment", "m.cbvae", "-n", "2", "-o", "a.csv", "--quiet"]) == 0
    header = (tmp_path / "a.csv").read_text("utf-8").splitlines()[0].split(",")
    assert "merchant_code" not in header
    assert "fraud" in header
    # Nor need they be there when rows are answered.
    table = csv.read_csv(short)
    csv.write_csv(table.drop_columns(["merchant_code"]), "fewer.csv")
    assert main(["classify", "m.cbvae", "fewer.csv", "-o", "c.csv", "--quiet"]) == 0


def test_flags_win_over_variables_and_those_over_the_file(train, tmp_path, monkeypatch):
    (tmp_path / "run.toml").write_text(
        'hidden = [8]\nseed = 1\nexclude = ["payment_id"]\n[train]\nlatent = 3\n'
    )
    monkeypatch.setenv("CBVAE_SEED", "2")
    monkeypatch.setenv("CBVAE_EPOCHS", "3")
    told = train("--config", "run.toml", "--epochs", "2", "-o", "m.cbvae")
    settings = told["settings"]
    found = [settings[name] for name in ("hidden", "seed", "latent", "epochs")]
    assert found == [[8], 2, 3, 2]
    roles = {column["name"]: column["role"] for column in told["columns"]}
    assert roles["payment_id"] == "excluded"


def test_settings_reach_the_model(train):
    flags = ["--latent", "3", "--hidden", "8,6", "--epochs", "1", "--mask", "2"]
    told = train(*flags, "--seed", "5", "--preset", "paper", "-o", "m.cbvae")
    settings = told["settings"]
    expected = {"latent": 3, "hidden": [8, 6], "epochs": 1, "mask": 2, "seed": 5}
    assert {name: settings[name] for name in expected} == expected
    assert settings["noise"] is True


@pytest.mark.parametrize("model", ["cbvae", "vae"])
@pytest.mark.parametrize("preset", ["default", "paper"])
def test_every_model_answers_every_verb(train, short, model, preset, capsys):
    train(*BRIEF, "--model", model, "--preset", preset, "-o", "m.cbvae")
    for verb in ("classify", "impute", "score"):
        argv = [verb, "m.cbvae", short, "-o", f"{verb}.csv", "--quiet"]
        rules = {"classify": ["--rule", "error"], "score": ["--method", "error"]}
        assert main([*argv, *rules.get(verb, [])]) == 0
    assert main(["augment", "m.cbvae", "-n", "3", "-o", "a.csv", "--quiet"]) == 0


def test_an_old_bundle_is_replaced_when_told(train, tmp_path):
    (tmp_path / "m.cbvae").write_bytes(b"old")
    train(*BRIEF, "-o", "m.cbvae", "--force")
    assert main(["verify", "m.cbvae", "--quiet"]) == 0


def test_the_positive_class_and_its_threshold_are_told(train, short, capsys):
    summary = train(*BRIEF, "-o", "m.cbvae")
    assert summary["positive"] == "yes"
    assert 0 < summary["threshold"] < 1
    argv = ["train", short, "--label", "fraud", *BRIEF, "-o", "n.cbvae"]
    assert main(argv) == 0
    said = f"calls from a probability of {summary['threshold']:.3g}"
    assert f"positive class 'yes', which classify {said}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (["q"] * 4 + ["r"], ["class 'q' has 4 rows: all train", "'r' has 1 row"]),
        ([], ["one class: impute, score and augment", "classify needs two"]),
    ],
)
def test_a_dry_run_warns_as_training_does(tmp_path, capsys, rest, says):
    labels = ["p"] * 40 + rest
    lines = [f"{n % 7},{n * 5 % 11},{y}\n" for n, y in enumerate(labels)]
    (tmp_path / "t.csv").write_text("u,v,y\n" + "".join(lines))
    argv = ["train", "t.csv", "--label", "y", "--preset", "fast", *BRIEF]
    told = []
    for flags in (["--dry-run"], ["-o", "m.cbvae"]):
        summary = tmp_path / "s.json"
        assert main([*argv, *flags, f"--json={summary}"]) == 0
        said = capsys.readouterr().err
        for words in says:
            assert said.count(words) == 1
        told.append(json.loads(summary.read_text())["warnings"])
    assert told[0] == told[1]
    assert len(told[0]) == len(set(rest))
