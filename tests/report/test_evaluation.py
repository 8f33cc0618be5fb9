"""What `evaluate` says of promises and of detectors."""

from __future__ import annotations

import pytest

from cbvae_cli.report.evaluation import tell


class Heard:
    """Keeps the tables that are told."""

    def __init__(self):
        self.tables = {}

    def say(self, line):
        """Take a line."""

    def table(self, title, heads, rows):
        """Keep a table as rows of cells by name."""
        self.tables[title] = [dict(zip(heads, row, strict=True)) for row in rows]


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
def told():
    """Tell of alarms and spaces; gives the tables."""

    def of(alarms, spaces=()):
        heard = Heard()
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
        tell(summary, heard)
        return heard.tables

    return of


@pytest.mark.parametrize(
    ("alarms", "kept"),
    [
        (rate(0, 900, 0.0, 0.004), "yes"),
        (rate(9, 900, 0.005, 0.019), "yes"),
        (rate(12, 900, 0.007, 0.023), "perhaps"),
        (rate(40, 900, 0.032, 0.06), "no"),
        (NONE, None),
    ],
)
def test_a_promise_is_kept_as_far_as_its_interval_can_tell(told, alarms, kept):
    first, found = told(alarms)["Promises: are --abstain and --fpr kept? (shares)"]
    assert (first["promise"], first["kept"]) == ("0.01", kept)
    assert (found["promise"], found["kept"]) == (None, None)
    assert found["share"] == "0.900"


def test_what_all_spaces_flag_together_is_said_once(told):
    spaces = [
        {"class": name, "methods": {"lof": {"em": 0.5, "mv": 0.25}}} for name in "ab"
    ]
    title = "Which detector fits the latent space best? (without labels)"
    one, other = told(NONE, spaces)[title]
    assert (one["flagged"], one["RMSE of classes"]) == ("0.040", "0.070")
    assert (other["flagged"], other["RMSE of classes"]) == (None, None)
    assert one["EM"] == other["EM"] == "0.5"
