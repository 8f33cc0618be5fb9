"""`cbvae compare` through the command line."""

from __future__ import annotations

import json

import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.cli.compare import PEERS as PEERS_OF_HELP
from cbvae_cli.peers.classifiers import SOLVERS

PEERS = "logistic,forest"


@pytest.fixture
def run(samples, tmp_path, monkeypatch, capsys):
    """Compare on the defects table; gives exit code and both streams."""
    monkeypatch.chdir(tmp_path)

    def start(*flags):
        argv = [str(samples / "defects.csv"), "--label", "outcome", "--exclude", "part"]
        code = main(["compare", *argv, "--threads", "1", *flags])
        return code, capsys.readouterr()

    return start


def test_the_summary_holds_every_split_of_every_model(run):
    code, streams = run("--models", PEERS, "--seeds", "2", "--seed", "5", "--json")
    assert code == 0
    told = json.loads(streams.out)
    assert told["verb"] == "compare"
    assert told["seeds"] == [5, 6]
    assert told["rows"] == sum(told["classes"].values())
    assert told["test_share"] == 0.3
    assert {model["name"] for model in told["models"]} == set(PEERS.split(","))
    for model in told["models"]:
        assert [run["seed"] for run in model["runs"]] == [5, 6]
        assert 0 < model["auprc"]["mean"] <= 1
        assert model["own"] is False
        areas = [run["auprc_by_class"] for run in model["runs"]]
        assert set(model["auprc_by_class"]) == set(told["classes"])
        assert model["auprc"]["mean"] == pytest.approx(
            sum(sum(each.values()) / len(each) for each in areas) / 2
        )
    for name, count in told["classes"].items():
        assert told["tested"][name] == pytest.approx(0.3 * count, abs=1)
    assert told["chance"] == pytest.approx(1 / len(told["classes"]))
    means = [model["auprc"]["mean"] for model in told["models"]]
    assert means == sorted(means, reverse=True)
    assert "AUPRC" in streams.err
    assert "±" in streams.err


@pytest.mark.slow
def test_presets_of_ours_stand_beside_the_peers(run):
    flags = ["--models", "cbvae,logistic", "--preset", "paper", "--preset", "fast"]
    code, streams = run(*flags, "--seeds", "1", "--json")
    assert code == 0
    told = json.loads(streams.out)
    own = {model["name"]: model["own"] for model in told["models"]}
    assert own == {"cbvae paper": True, "cbvae fast": True, "logistic": False}


def test_help_names_all_models(capsys):
    assert main(["compare", "--help"]) == 0
    shown = capsys.readouterr().out.replace("\n", " ")
    assert PEERS_OF_HELP == tuple(SOLVERS)
    assert all(f"{name}," in shown or f"{name}." in shown for name in SOLVERS)


def test_two_classes_are_judged_by_the_positive_one(samples, tmp_path, capsys):
    argv = [str(samples / "payments.csv"), "--label", "fraud", "--seeds", "1"]
    argv += ["--models", "logistic", "--exclude", "payment_id", "--json", "--quiet"]
    for flags, positive in (([], "yes"), (["--positive", "no"], "no")):
        assert main(["compare", *argv, *flags]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["positive"] == positive
        total = sum(told["classes"].values())
        assert told["chance"] == pytest.approx(told["classes"][positive] / total)


def test_a_page_is_written_once_and_replaced_by_force(run, tmp_path):
    page = tmp_path / "page.html"
    flags = ["--models", "logistic", "--seeds", "1", "--html", "page.html"]
    assert run(*flags)[0] == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    code, streams = run(*flags)
    assert code == 2
    assert "--force" in streams.err
    assert run(*flags, "--force")[0] == 0


def test_who_cannot_run_is_named_and_the_others_go_on(run, samples, tmp_path):
    whole = tmp_path / "whole.csv"
    rows = (f"{n},{n * 7 % 11},{'ab'[n % 2]}\n" for n in range(80))
    whole.write_text("x,z,y\n" + "".join(rows))
    argv = ["compare", str(whole), "--label", "y", "--models"]
    assert main([*argv, "logistic,imputed-forest", "--seeds", "1", "--json=s"]) == 0
    told = json.loads((tmp_path / "s").read_text())
    assert [model["name"] for model in told["models"]] == ["logistic", "imputed-forest"]
    assert told["models"][1]["auprc"]["mean"] is None
    assert "missing cells" in told["models"][1]["why"]
    assert any("no figures of imputed-forest" in line for line in told["warnings"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--models", "cbvae,magic"], "--models knows no 'magic'"),
        (["--preset", "magic"], "--preset knows no 'magic'"),
        (["--html", "nowhere/page.html"], "no folder"),
        (["--seeds", "0"], "seeds"),
        (["--models", ""], "--models"),
        (["--models", "logistic", "--preset", "fast"], "names none of them"),
        (["--html", "."], "is no file"),
    ],
)
def test_wrong_wishes_are_refused_before_any_work(run, flags, said):
    code, streams = run(*flags)
    assert code == 2
    assert said in streams.err


@pytest.mark.parametrize("held", ["the table", "PK", '{"schema": 1}'])
def test_a_page_replaces_older_pages_alone(run, samples, tmp_path, held):
    table = (samples / "defects.csv").read_bytes()
    target = tmp_path / "page.html"
    target.write_bytes(table if held == "the table" else held.encode())
    before = target.read_bytes()
    code, streams = run("--html", "page.html", "--force", "--models", "logistic")
    assert code == 2
    assert "is no page" in streams.err
    assert target.read_bytes() == before


def few(tmp_path, counts):
    path = tmp_path / "few.csv"
    labels = [name for name, count in counts.items() for _ in range(count)]
    rows = [f"{n},{n * 7 % 11},{name}\n" for n, name in enumerate(labels)]
    path.write_text("x,z,y\n" + "".join(rows))
    return ["compare", str(path), "--label", "y", "--models", "logistic"]


def test_a_class_of_one_row_cannot_be_compared_on(tmp_path, capsys):
    assert main(few(tmp_path, {"a": 60, "b": 1})) == 3
    assert "class 'b' has one row" in capsys.readouterr().err


def test_classes_of_few_rows_are_named(tmp_path, capsys):
    counts = {"a": 60, "b": 40, "c": 1, "d": 9}
    assert main([*few(tmp_path, counts), "--seeds", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    warned = " ".join(told["warnings"])
    assert "class 'c' (1)" in warned
    assert "class 'd' (9)" in warned
    assert "'b'" not in warned
    # A class without a row to test is no part of the mean, nor of its chance.
    assert told["tested"]["c"] == 0
    assert told["chance"] == pytest.approx(1 / 3)


def test_a_test_of_one_class_ranks_nothing_and_says_so(tmp_path, capsys):
    argv = [*few(tmp_path, {"a": 9, "b": 1, "c": 1}), "--seeds", "1"]
    assert main([*argv, f"--json={tmp_path}/s.json"]) == 0
    assert "no test holds two classes" in capsys.readouterr().err
    assert json.loads((tmp_path / "s.json").read_text())["chance"] is None


def test_where_no_model_can_run_there_is_no_table(tmp_path, capsys):
    argv = [*few(tmp_path, {"a": 60, "b": 40})[:-1], "imputed-forest", "--seeds", "1"]
    assert main(argv) == 3
    said = capsys.readouterr().err
    assert "none of the models could be measured" in said
    assert "imputed-forest: " in said


def test_an_interrupted_run_says_that_nothing_is_kept(run, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cbvae_cli.training.compare.split_of", stopped)
    code, streams = run("--models", "logistic")
    assert code == 130
    assert "keeps nothing" in streams.err
