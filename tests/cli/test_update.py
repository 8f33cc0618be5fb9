"""`train --update` and `--drop-class` through the command line."""

import json
import random
import shutil

import pytest

from cbvae_cli.cli.app import main

BRIEF = ["--epochs", "150", "--hidden", "8", "--latent", "2"]
# A class that is added is told by values that the bundle knows, newly together.
MIDDLE = {"ok": (0, 0), "weak": (10, 10), "odd": (-10, 0), "new": (-10, 10)}


def table(sizes, seed=0):
    draw = random.Random(seed)
    rows = [
        ",".join([*(f"{draw.gauss(at, 1):.2f}" for at in MIDDLE[name]), name])
        for name, size in sizes.items()
        for _ in range(size)
    ]
    return "\n".join(["a,b,y", *rows, ""])


TABLES = {
    "all": {"ok": 300, "weak": 60, "odd": 40},
    "more": {"ok": 80, "weak": 60, "odd": 40, "new": 50},
    "new": {"new": 50},
    "weak": {"weak": 70},
    "two": {"ok": 20, "weak": 20},
}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("update")
    for name, sizes in TABLES.items():
        (folder / f"{name}.csv").write_text(table(sizes))
    for name, flags in {"m": [], "vae": ["--model", "vae"]}.items():
        argv = ["train", f"{folder}/all.csv", "--label", "y", *flags, *BRIEF]
        assert main([*argv, "-o", f"{folder}/{name}.cbvae", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def folder(once, tmp_path, monkeypatch):
    """Work beside the tables and a bundle of three classes."""
    for path in once.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def told(capsys):
    """Run a command and give its summary."""

    def run(*argv):
        capsys.readouterr()
        assert main([*argv, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_a_class_is_added_from_its_rows_alone(told):
    summary = told("train", "new.csv", "--update", "m.cbvae", "-o", "n.cbvae")
    assert summary["verb"] == "train"
    assert summary["updated"] == {"class": "new", "action": "added"}
    assert summary["replayed"] == ["odd", "ok", "weak"]
    assert summary["classes"] == {"new": 50, "odd": 40, "ok": 300, "weak": 60}
    assert summary["positive"] == "odd"
    assert summary["held_out"] == {}
    assert any("approximate" in warning for warning in summary["warnings"])
    assert main(["verify", "n.cbvae", "--quiet"]) == 0
    found = told("classify", "n.cbvae", "more.csv", "-o", "c.csv")
    # The old positive class, which is called from little, leaves the new one alone.
    assert 45 <= found["classes"]["new"] <= 55


def test_real_rows_of_all_classes_are_judged(told):
    argv = ["more.csv", "--label", "y", "--update", "m.cbvae", "-o", "n.cbvae"]
    summary = told("train", *argv)
    assert summary["updated"] == {"class": "new", "action": "added"}
    assert summary["replayed"] == []
    assert set(summary["held_out"]["posterior"]["auprc"]["classes"]) == {
        *TABLES["more"]
    }


def test_a_class_is_trained_anew(told):
    summary = told("train", "weak.csv", "--update", "m.cbvae", "-o", "n.cbvae")
    assert summary["updated"] == {"class": "weak", "action": "retrained"}
    assert summary["classes"] == {"odd": 40, "ok": 300, "weak": 70}
    argv = ["two.csv", "--update", "m.cbvae", "--class", "ok", "-o", "k.cbvae"]
    summary = told("train", *argv, "--positive", "weak", "--epochs", "1")
    assert summary["updated"] == {"class": "ok", "action": "retrained"}
    assert summary["replayed"] == ["odd"]
    assert summary["positive"] == "weak"


def test_a_class_is_dropped(told):
    argv = ["--update", "m.cbvae", "--drop-class", "odd", "-o", "models/"]
    summary = told("train", *argv)
    assert summary["updated"] == {"class": "odd", "action": "dropped"}
    assert summary["data"] is None
    assert summary["classes"] == {"ok": 300, "weak": 60}
    assert summary["positive"] == "weak"
    found = told("classify", "models/@1", "all.csv", "-o", "c.csv")
    assert set(found["classes"]) == {"ok", "weak"}
    again = ["--update", "models/", "--drop-class", "ok", "-o", "models/"]
    assert told("train", *again)["classes"] == {"weak": 60}


def test_the_same_update_writes_the_same_bytes(folder):
    for name in ("one", "two"):
        argv = ["train", "new.csv", "--update", "m.cbvae", "-o", f"{name}.cbvae"]
        assert main([*argv, "--quiet"]) == 0
    one, two = ((folder / f"{name}.cbvae").read_bytes() for name in ("one", "two"))
    assert one == two
    assert list(folder.glob(".*")) == []


def test_every_verb_works_with_an_updated_bundle(folder):
    argv = ["train", "new.csv", "--update", "m.cbvae", "-o", "n.cbvae", "--quiet"]
    assert main(argv) == 0
    for verb in ("classify", "impute", "score"):
        assert main([verb, "n.cbvae", "more.csv", "-o", f"{verb}.csv", "--quiet"]) == 0
    argv = ["augment", "n.cbvae", "-n", "40", "--class", "new", "-o", "a.csv", "-q"]
    assert main(argv) == 0
    made = (folder / "a.csv").read_text().splitlines()
    assert len(made) == 41
    assert all(line.endswith(",new") for line in made[1:])


def test_people_are_told_that_probabilities_are_approximate(capsys):
    assert main(["train", "new.csv", "--update", "m.cbvae", "-o", "n.cbvae"]) == 0
    said = capsys.readouterr().err
    assert "adding class 'new'" in said
    assert "warning: probabilities are approximate" in said
    assert main(["inspect", "n.cbvae"]) == 0
    assert "note: probabilities are approximate" in capsys.readouterr().err
    from cbvae_cli.bundle.card import render_card
    from cbvae_cli.bundle.container import read_manifest

    card = render_card(read_manifest("n.cbvae"))
    assert "probabilities are approximate: class 'new' was added" in card


@pytest.mark.parametrize(
    ("change", "flag", "code"),
    [
        (["new.csv"], ["--fpr", "0.1"], 3),
        (["new.csv"], ["--abstain", "0.1"], 3),
        (["more.csv"], ["--abstain", "0.1"], 3),
        (["--drop-class", "odd"], ["--fpr", "0.1"], 3),
        (["--drop-class", "odd"], ["--abstain", "0.1"], 0),
    ],
)
def test_promises_that_an_update_broke_are_refused(change, flag, code, capsys):
    argv = ["train", *change, "--update", "m.cbvae", "-o", "n.cbvae", "--quiet"]
    assert main(argv) == 0
    capsys.readouterr()
    argv = ["classify", "n.cbvae", "all.csv", "-o", "c.csv", "--quiet", *flag]
    assert main(argv) == code
    said = capsys.readouterr().err
    if code:
        assert f"error: {flag[0]} can promise nothing: probabilities are app" in said
        assert "class 'odd'" in said or "class 'new'" in said


UPDATE = ["--update", "m.cbvae"]
DROP = [*UPDATE, "--drop-class", "odd"]
REFUSED = {
    "no table": ([], 2, "no table to train on"),
    "no label": (["all.csv"], 2, "--label COL"),
    "no table to update from": (UPDATE, 2, "no table to train the class from"),
    "a class of nothing": (["new.csv", "--class", "new"], 2, "--update BUNDLE"),
    "dropping from nothing": (["--drop-class", "odd"], 2, "--update BUNDLE"),
    "dropping with a table": (["new.csv", *DROP], 2, "DATA has no place"),
    "dropping and training": ([*DROP, "--class", "ok"], 2, "--class has no place"),
    "an unknown class": ([*UPDATE, "--drop-class", "x"], 2, "no class 'x'"),
    "an ambiguous table": (["two.csv", *UPDATE], 2, "--class with one of them"),
    "no row of the class": (["two.csv", *UPDATE, "--class", "odd"], 3, "no row of"),
    "an unknown positive": (["new.csv", *UPDATE, "--positive", "x"], 2, "'x'"),
    "an unknown positive left": ([*DROP, "--positive", "odd"], 2, "no class 'odd'"),
    "another label": (["new.csv", *UPDATE, "--label", "k"], 2, "trained with y"),
    "another preset": (["new.csv", *UPDATE, "--preset", "paper"], 2, "default"),
    "another size": (["new.csv", *UPDATE, "--latent", "3"], 2, "trained with 2"),
    "other layers": (["new.csv", *UPDATE, "--hidden", "9"], 2, "trained with 8"),
    "another model": (["new.csv", *UPDATE, "--model", "vae"], 2, "trained with cbvae"),
    "a pooled bundle": (["new.csv", "--update", "vae.cbvae"], 2, "no class has netw"),
    "a pooled bundle, less": (
        ["--update", "vae.cbvae", "--drop-class", "odd"],
        2,
        "no class has networks of its own",
    ),
    "going on": (["new.csv", *UPDATE, "--resume"], 2, "--resume has no place"),
    "a trial": (["new.csv", *UPDATE, "--dry-run"], 2, "--dry-run has no place"),
    "columns": (["new.csv", *UPDATE, "--exclude", "k"], 2, "--exclude has no place"),
    "weights": (["new.csv", *UPDATE, "--weight", "a"], 2, "--weight has no place"),
    "validation": (["new.csv", *UPDATE, "--validation", "0.2"], 2, "--validation"),
    "no bundle there": (["new.csv", "--update", "x.cbvae"], 2, "no such bundle"),
}


@pytest.mark.parametrize(("flags", "code", "says"), REFUSED.values(), ids=list(REFUSED))
def test_what_does_not_fit_is_refused_and_nothing_touched(
    flags, code, says, folder, capsys
):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(["train", *flags, "-o", "n.cbvae", "--quiet"]) == code
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert says in streams.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_existing_bundle_is_kept_unless_told(folder, capsys):
    old = (folder / "m.cbvae").read_bytes()
    argv = ["train", *DROP, "-o", "m.cbvae", "--quiet"]
    assert main(argv) == 2
    assert (folder / "m.cbvae").read_bytes() == old
    assert main([*argv, "--force"]) == 0
    assert (folder / "m.cbvae").read_bytes() != old
    assert main(["verify", "m.cbvae", "--quiet"]) == 0


def test_the_help_says_which_words_may_be_left_out(capsys):
    assert main(["train", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "[DATA]" in told
    assert "Only --drop-class needs none." in told
    assert "Only --update needs none." in told
    assert "[default: default]" in told


def test_a_bound_that_is_lost_is_told(capsys):
    told = "the new bundle does not answer classify --fpr, as the old one did"
    argv = ["train", "--update", "m.cbvae", "--drop-class", "odd", "-o", "less.cbvae"]
    assert main(argv) == 0
    assert told in capsys.readouterr().err
    assert main(["classify", "less.cbvae", "two.csv", "--fpr", "0.1"]) == 3
    again = ["train", "--update", "less.cbvae", "--drop-class", "weak"]
    assert main([*again, "-o", "least.cbvae"]) == 0
    assert told not in capsys.readouterr().err
