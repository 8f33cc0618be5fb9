"""How `classify` gets from probabilities to labels."""

import json

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main

NAMES = ("no", "yes")


@pytest.fixture
def ask(trained, samples, tmp_path):
    """Classify the payments by some flags; gives the rows and the summary."""

    def run(*flags, bundle="payments", expect=0):
        out, told = tmp_path / "o.csv", tmp_path / "s.json"
        words = ["classify", trained / f"{bundle}.cbvae", samples / "payments.csv"]
        words += ["-o", out, "--force", "--quiet", f"--json={told}", *flags]
        assert main([str(word) for word in words]) == expect
        if expect:
            return None, None
        return csv.read_csv(out), json.loads(told.read_text())

    return run


def p(table, name="yes", start="p"):
    return table[f"cbvae_{start}_{name}"].to_numpy()


def called(table, name="yes"):
    return np.array(table["cbvae_label"].to_pylist()) == name


def test_by_default_the_positive_class_is_called_from_its_best_threshold(ask):
    table, told = ask()
    assert told["rule"] == "posterior"
    assert told["positive"] == "yes"
    assert 0 < told["threshold"] < 1
    assert (called(table) == (p(table) >= told["threshold"])).all()


def test_a_threshold_is_taken_as_given(ask):
    table, told = ask("--threshold", "0.02")
    assert told["threshold"] == 0.02
    assert (called(table) == (p(table) >= 0.02)).all()


def test_the_other_class_may_be_the_positive_one(ask):
    table, told = ask("--positive", "no", "--threshold", "0.999")
    assert told["positive"] == "no"
    assert (called(table, "no") == (p(table, "no") >= 0.999)).all()


def test_log_odds_are_those_of_the_probabilities(ask):
    table, _ = ask("--logodds")
    odds = p(table) / (1 - p(table))
    assert np.allclose(p(table, start="logodds"), np.log(odds), atol=1e-6)
    assert np.allclose(p(table, start="logodds"), -p(table, "no", "logodds"))


@pytest.mark.parametrize(
    "flags",
    [
        ["--cost", "no>yes=1,yes>no=9"],
        ["--cost", "no", "yes", "1", "--cost", "yes", "no", "9"],
    ],
)
def test_the_cheaper_call_is_made(ask, flags):
    table, _ = ask(*flags)
    assert (called(table) == (9 * p(table) > p(table, "no"))).all()


@pytest.mark.parametrize(
    "flags",
    [
        ["--prior", "no=0.5,yes=0.5"],
        ["--prior", "no", "0.5", "--prior", "yes", "0.5"],
    ],
)
def test_a_prior_multiplies_the_odds_and_the_threshold_follows(ask, flags):
    before, told_before = ask()
    after, told = ask(*flags)
    label = before["fraud"].to_pylist()
    share = label.count("yes") / len(label)
    factor = (1 - share) / share  # odds of the new shares are 1
    odds = p(before) / (1 - p(before)) * factor
    assert np.allclose(p(after), odds / (1 + odds))
    assert told["threshold"] > told_before["threshold"]
    assert (called(after) == called(before)).all()


def test_false_alarms_keep_within_their_bound(ask):
    table, told = ask("--fpr", "0.05")
    others = np.array(table["fraud"].to_pylist()) == "no"
    assert told["certified_on"] > 500
    # Training rows are among them: this shows the direction, not the promise.
    assert called(table)[others].mean() < 0.1
    tighter, _ = ask("--fpr", "0.01")
    assert called(tighter).sum() < called(table).sum()


def test_confidence_makes_the_bound_stricter(ask):
    table, _ = ask("--fpr", "0.05")
    surer, told = ask("--fpr", "0.05", "--confidence", "0.99")
    assert told["confidence"] == 0.99
    assert not (called(surer) & ~called(table)).any()


def test_abstaining_leaves_labels_empty_and_says_why(ask):
    table, told = ask("--abstain", "0.1")
    ways = np.stack([p(table, name, "conformal") for name in NAMES], axis=1)
    silent = told["cannot_be_ruled_out"]
    assert not silent
    none = (ways <= 0.1).all(axis=1)
    empty = np.array(
        [label in (None, "") for label in table["cbvae_label"].to_pylist()]
    )
    assert (empty == none).all()
    assert told["none_of_these"] == none.sum() > 0
    assert set(told["loses_at_most"]) | set(silent) == set(NAMES)
    own = np.array(table["fraud"].to_pylist()) == "no"
    assert none[own].mean() < 0.2


REFUSED = [
    (["--threshold", "0.5", "--fpr", "0.1"], 2),
    (["--threshold", "1.5"], 2),
    (["--confidence", "0.9"], 2),
    (["--fpr", "0.1", "--rule", "likelihood"], 2),
    (["--fpr", "0.1", "--positive", "no"], 2),
    (["--fpr", "0.00001"], 3),
    (["--abstain", "0.000001"], 3),
    (["--positive", "maybe"], 2),
    (["--prior", "no=0.5"], 2),
    (["--cost", "no>maybe=1"], 2),
]


@pytest.mark.parametrize(
    ("flags", "code"), REFUSED, ids=[" ".join(f) for f, _ in REFUSED]
)
def test_what_cannot_be_done_is_refused(ask, flags, code, capsys):
    ask(*flags, expect=code)
    said = capsys.readouterr().err
    assert said.startswith("error: ") or "Error" in said
    assert "Traceback" not in said


def test_a_bundle_without_certification_rows_promises_nothing(tmp_path, capsys):
    lines = ["x,y,kind"]
    lines += [f"{at % 7},{at % 5},{'rare' if at % 6 else 'usual'}" for at in range(60)]
    rows, bundle = tmp_path / "rows.csv", tmp_path / "m.cbvae"
    rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    brief = ["--epochs", "1", "--hidden", "4", "--preset", "fast", "--quiet"]
    words = ["train", rows, "--label", "kind", "-o", bundle, *brief]
    assert main([str(word) for word in words]) == 0
    words = ["classify", bundle, rows, "--fpr", "0.1", "-o", tmp_path / "o.csv"]
    assert main([str(word) for word in words]) == 3
    assert "no certification rows" in capsys.readouterr().err
