"""What `evaluate` says of promises and of detectors."""

from __future__ import annotations

import re

import pytest

from cbvae_cli.report.console import Talk
from cbvae_cli.report.evaluation import tell


def rate(count, rows, low=0.0, high=1.0):
    return {
        "count": count,
        "rows": rows,
        "share": count / rows if rows else None,
        "interval": [low, high] if rows else None,
    }


NONE = rate(0, 0)
NOTHING = {"why": "no rows", "alpha": 0.05, "bound": 0.01}


@pytest.fixture
def told(capsys):
    """Tell of alarms and spaces; gives the words of each line that begins so."""

    def of(beginning, alarms, spaces=()):
        fpr = {"bound": 0.01, "positive": "yes", "why": None, "usual": None}
        fpr |= {"false_alarms": {"overall": alarms}, "found": rate(9, 10, 0.6, 0.99)}
        empty = ("impute_nrmse", "impute_accuracy", "ece", "anomaly_auroc", "mcc")
        empty += ("auprc", "auroc", "brier", "f1", "log_loss", "balanced_accuracy")
        empty += ("confusion", "drift")
        methods = {"lof": {"share": 0.04, "rmse": 0.07}}
        summary = {
            **dict.fromkeys(empty),
            "labelled": 10,
            "rule": "posterior",
            "positive": "yes",
            "classes": {},
            "thresholds": {},
            "coverage": {"abstain": NOTHING, "fpr": fpr},
            "em_mv": {"below": 0.05, "methods": methods, "spaces": spaces},
        }
        tell(summary, Talk())
        lines = map(str.strip, capsys.readouterr().err.splitlines())
        found = [line for line in lines if line.startswith(beginning)]
        return [re.split(r"\s{2,}", line) for line in found]

    return of


@pytest.mark.parametrize(
    ("alarms", "shown"),
    [
        (rate(0, 900, 0.0, 0.004), ["yes", "0", "900", "0.000", "0.0000 to 0.0040"]),
        (rate(9, 900, 0.005, 0.019), ["yes", "9", "900", "0.010", "0.0050 to 0.0190"]),
        (
            rate(12, 900, 0.007, 0.023),
            ["perhaps", "12", "900", "0.013", "0.0070 to 0.0230"],
        ),
        (rate(40, 900, 0.032, 0.06), ["no", "40", "900", "0.044", "0.0320 to 0.0600"]),
        (NONE, ["0", "0"]),
    ],
)
def test_a_promise_is_kept_as_far_as_its_interval_can_tell(told, alarms, shown):
    first, found = told("--fpr 0.01: ", alarms)
    assert first == ["--fpr 0.01: other rows called 'yes'", "0.01", *shown]
    # Nothing was promised of these.
    what = "--fpr 0.01: rows of 'yes' found"
    assert found == [what, "9", "10", "0.900", "0.6000 to 0.9900"]


def test_what_all_spaces_flag_together_is_said_once(told):
    spaces = [
        {"class": name, "methods": {"lof": {"em": 0.5, "mv": 0.25}}}
        for name in ("here", "there")
    ]
    (one,) = told("here", NONE, spaces)
    assert one == ["here", "lof", "0.5", "0.25", "0.040", "0.070"]
    (other,) = told("there", NONE, spaces)
    assert other == ["there", "lof", "0.5", "0.25"]
