"""Rows that fit no class: conformal p-values, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.conformal import check_can_abstain, none_of_these
from cbvae_cli.calibration.strangeness import METHODS
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Bools, Floats

METHOD = "likelihood"  # by the networks that explain rows, not those that tell apart


class Abstention:
    """Judges whether rows could be of any class at all.

    Parameters
    ----------
    model : Model
    alpha : float
        A class is ruled out at a p-value of at most this.

    Raises
    ------
    DataProblem
        If no class has rows enough to be ruled out, or one was trained after the
        others.
    """

    def __init__(self, model: Model, alpha: float) -> None:
        if model.retrained:
            raise DataProblem(
                f"--abstain can promise nothing: {model.approximate}",
                hint="train a bundle on rows of all classes at once",
            )
        self.model = model
        self.alpha = alpha
        self.judges = model.judges[METHOD]
        self.possible: Bools = np.array(
            [judge.ranks.can_rule_out(alpha) for judge in self.judges.by_class]
        )
        check_can_abstain(self.possible, alpha)
        self.limits: Floats = np.array(
            [judge.ranks.limit(alpha) for judge in self.judges.by_class]
        )

    def p_values(self, values: Floats) -> Floats:
        """Give how usual rows are for each class, shape (n_rows, n_classes)."""
        encoded = self.model.layout.encode(values)
        part, sign = METHODS[METHOD]
        found = sign * self.model.evidence(encoded, (part,))[..., 0]
        share = encoded.observed.mean(axis=1)
        standard = self.judges.standardise(found, share)
        each = [
            judge.p_values(standard[:, :, place], share)
            for place, judge in enumerate(self.judges.by_class)
        ]
        return np.stack(each, axis=1)

    def refuses(self, p_values: Floats) -> Bools:
        """Tell which rows are of no class, shape (n_rows,)."""
        return none_of_these(p_values, self.limits)

    def describe(self) -> dict[str, Any]:
        """Say in JSON what is promised, and which classes take no part."""
        promises = {
            name: judge.ranks.promise(self.alpha)
            for name, judge, possible in zip(
                self.model.classes, self.judges.by_class, self.possible, strict=True
            )
            if possible
        }
        silent = [
            name
            for name, possible in zip(self.model.classes, self.possible, strict=True)
            if not possible
        ]
        return {"loses_at_most": promises, "cannot_be_ruled_out": silent}
