"""From a user's wishes to the decision that names classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.calibration.decide import (
    Decision,
    FalseAlarms,
    LeastCost,
    Likeliest,
    Threshold,
)
from cbvae_cli.calibration.prior import follow, follow_cut, reweighted
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.cells import Floats


@dataclass(frozen=True)
class Wishes:
    """What a user wants of labels.

    Attributes
    ----------
    positive : int
        Place of the class that thresholds and rates speak of.
    threshold : float, optional
    costs : float64 array, shape (n_classes, n_classes), optional
        Of a row of one class (row) called another (column).
    prior : float64 array, shape (n_classes,), optional
        Shares of the classes where the rows come from.
    fpr, confidence : float, optional
        Bound on false alarms, and how sure it must be.
    abstain : float, optional
    logodds : bool
    """

    positive: int
    threshold: float | None = None
    costs: Floats | None = None
    prior: Floats | None = None
    fpr: float | None = None
    confidence: float | None = None
    abstain: float | None = None
    logodds: bool = False

    def reweighted(self, log_p: Floats, model: Model) -> Floats:
        """Move log p to the shares of where the rows come from."""
        if self.prior is None:
            return log_p
        return reweighted(log_p, model.shares, self.prior)

    def decision(self, model: Model, rule: str) -> Decision:
        """Give what turns log p into classes.

        Raises
        ------
        UsageProblem, DataProblem
            If `--fpr` cannot be promised.
        """
        if self.fpr is not None:
            return FalseAlarms(self.positive, self._cut(model, rule, self.fpr))
        if self.costs is not None:
            return LeastCost(self.costs)
        if self.threshold is not None:
            return Threshold(self.positive, self.threshold)
        if rule == BLEND:
            return Threshold(self.positive, self._usual(model))
        return Likeliest()

    def _usual(self, model: Model) -> float:
        threshold = float(model.thresholds[self.positive])
        if self.prior is None:
            return threshold
        return follow(threshold, self.positive, model.shares, self.prior)

    def _cut(self, model: Model, rule: str, bound: float) -> float:
        label = model.schema.label
        named = model.classes[self.positive]
        if rule != BLEND:
            raise UsageProblem(
                f"--fpr is certified for --rule {BLEND}, not for {rule}",
                hint="leave --rule out",
            )
        if named != label.positive:
            raise UsageProblem(
                f"--fpr was certified for class '{label.positive}', not for '{named}'",
                hint=f"train again with --positive {named}",
            )
        if model.approximate:
            raise DataProblem(
                f"--fpr can promise nothing: {model.approximate}",
                hint="use --threshold, or train on rows of all classes at once",
            )
        if model.certificate is None:
            raise DataProblem(
                "the bundle has no certification rows, so --fpr can promise nothing",
                where=f"classes other than '{named}'",
                expected="250 training rows or more of the other classes",
                hint="use --threshold, or train on more rows",
            )
        cut = model.certificate.cut(bound, self.confidence)
        if self.prior is None:
            return cut
        return follow_cut(cut, self.positive, model.shares, self.prior)

    def describe(self, model: Model, rule: str) -> dict[str, Any]:
        """Say in JSON how classes are named."""
        found: dict[str, Any] = {"positive": model.classes[self.positive]}
        decision = self.decision(model, rule)
        if isinstance(decision, Threshold):
            found["threshold"] = decision.threshold
        if self.fpr is not None and model.certificate is not None:
            found["fpr"] = self.fpr
            found["confidence"] = self.confidence
            found["certified_on"] = len(model.certificate.scores)
        if self.prior is not None:
            shares = [float(share) for share in self.prior]
            found["prior"] = dict(zip(model.classes, shares, strict=True))
        if self.abstain is not None:
            found["abstain"] = self.abstain
        return found


def plain_wishes(model: Model) -> Wishes:
    """Give what holds where a user says nothing."""
    label = model.schema.label
    return Wishes(label.place(label.positive))
