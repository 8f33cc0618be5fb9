"""What `--abstain` and `--fpr` do on labelled rows, beside what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.abstain import Abstention
from cbvae_cli.answers.deciding import Wishes
from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.decide import FalseAlarms
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.measures.rates import kept_range, rate
from cbvae_cli.table.cells import Floats

Counts = NDArray[np.int64]


class Abstaining:
    """Counts rows that their own class rules out, and rows that every class does.

    Parameters
    ----------
    model : Model
    alpha : float
    """

    def __init__(self, model: Model, alpha: float) -> None:
        self.model = model
        self.alpha = alpha
        self.why = ""
        self._abstention: Abstention | None = None
        try:
            self._abstention = Abstention(model, alpha)
        except DataProblem as problem:
            self.why = problem.what
        # One place more, for rows of classes that the bundle does not know.
        self._rows, self._ruled_out, self._refused = _zeros(model, 3)

    def add(self, values: Floats, labels: Counts) -> None:
        """Take in rows; -1 is the label of a class that the bundle does not know."""
        if self._abstention is None or not len(labels):
            return
        p_values = self._abstention.p_values(values)
        refused = self._abstention.refuses(p_values)
        own = p_values[np.arange(len(labels)), labels]
        self._rows += _count(labels, self._rows)
        self._ruled_out += _count(labels[own <= self.alpha], self._rows)
        self._refused += _count(labels[refused], self._rows)

    def summary(self) -> dict[str, Any]:
        """Give `why` there are no figures, or `ruled_out` and `none_of_these`."""
        found: dict[str, Any] = {"alpha": self.alpha, "why": self.why or None}
        if self._abstention is None:
            return {**found, "ruled_out": None, "none_of_these": None}
        described = self._abstention.describe()
        promised = described["loses_at_most"]
        able = self._abstention.possible
        by_class = {
            name: {
                **rate(self._ruled_out[place], self._rows[place]),
                "promise": promised.get(name),
            }
            for place, name in enumerate(self.model.classes)
        }
        overall = rate(self._ruled_out[:-1][able].sum(), self._rows[:-1][able].sum())
        return {
            **found,
            "ruled_out": {"overall": overall, "classes": by_class},
            "none_of_these": {
                "overall": rate(self._refused[:-1].sum(), self._rows[:-1].sum()),
                "classes": _rates(self.model, self._refused, self._rows),
                "unknown": rate(self._refused[-1], self._rows[-1]),
            },
            "cannot_be_ruled_out": described["cannot_be_ruled_out"],
        }


class Alarms:
    """Counts rows that are called positive under a bound on false alarms.

    Parameters
    ----------
    model : Model
    rule : str
    positive : int
        Place of the class.
    bound : float
    """

    def __init__(self, model: Model, rule: str, positive: int, bound: float) -> None:
        self.model = model
        self.positive = positive
        self.bound = bound
        self.why = ""
        self._decision: FalseAlarms | None = None
        try:
            decided = Wishes(positive, fpr=bound).decision(model, rule)
            assert isinstance(decided, FalseAlarms)  # that is what a bound asks for
            self._decision = decided
        except (DataProblem, UsageProblem) as problem:
            self.why = problem.what
        self._rows, self._called = _zeros(model, 2)

    def add(self, log_p: Floats, labels: Counts) -> None:
        """Take in rows of classes that the bundle knows."""
        if self._decision is None:
            return
        called = self._decision.choose(log_p) == self.positive
        self._rows += _count(labels, self._rows)
        self._called += _count(labels[called], self._rows)

    def summary(self) -> dict[str, Any]:
        """Give `why` there are no figures, or `false_alarms`, `usual` and `found`."""
        name = self.model.classes[self.positive]
        found: dict[str, Any] = {
            "bound": self.bound,
            "positive": name,
            "why": self.why or None,
        }
        certificate = self.model.certificate
        if self._decision is None or certificate is None:
            return {**found, "false_alarms": None, "found": None}
        others = np.delete(np.arange(len(self.model.classes)), self.positive)
        each = _rates(self.model, self._called, self._rows)
        hits = each.pop(name)
        return {
            **found,
            "certified_on": len(certificate.scores),
            "usual": kept_range(
                int((certificate.scores > self._decision.cut).sum()) + 1,
                len(certificate.scores),
                int(self._rows[others].sum()),
            ),
            "false_alarms": {
                "overall": rate(self._called[others].sum(), self._rows[others].sum()),
                "classes": each,
            },
            "found": hits,
        }


def _zeros(model: Model, times: int) -> Counts:
    return np.zeros((times, len(model.classes) + 1), dtype=np.int64)


def _count(labels: Counts, like: Counts) -> Counts:
    """Count labels; -1 takes the last place."""
    return np.bincount(labels % len(like), minlength=len(like))


def _rates(model: Model, counts: Counts, rows: Counts) -> dict[str, Any]:
    return {
        name: rate(counts[place], rows[place])
        for place, name in enumerate(model.classes)
    }
