"""A fitted model: everything that answering needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.strangeness import Judges
from cbvae_cli.calibration.temperature import RULES, Temperature
from cbvae_cli.errors import UsageProblem
from cbvae_cli.evidence import evidence
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded, Layout
from cbvae_cli.table.schema import Schema


@dataclass(frozen=True)
class Model:
    """A schema, a family and what was calibrated on held-out rows.

    Attributes
    ----------
    schema : Schema
    layout : Layout
    family : Family
    temperatures : mapping of str to Temperature
        By rule of `classify`.
    judges : mapping of str to Judges
        By method of `score`.
    settings, training : dict
        As the manifest has them.
    """

    schema: Schema
    layout: Layout
    family: Family
    temperatures: Mapping[str, Temperature]
    judges: Mapping[str, Judges]
    settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return self.schema.label.classes

    def evidence(self, encoded: Encoded, parts: Sequence[str]) -> NDArray[np.float64]:
        """Measure how well each class explains each row; see `evidence.evidence`."""
        n_training = sum(self.schema.label.counts)
        return evidence(self.family, encoded, parts, n_training)

    def posterior(self, encoded: Encoded, rule: str) -> Floats:
        """Give p(class given seen cells), shape (n_rows, n_classes)."""
        looks = RULES[rule]
        found = self.evidence(encoded, (looks.part,))[:, :, 0]
        return self.temperatures[rule].probabilities(looks.sign * found)

    def check_rule(self, rule: str) -> None:
        """Refuse a rule that the family cannot answer."""
        if rule not in self.family.rules:
            raise UsageProblem(
                f"a {self.family.name} bundle cannot answer --rule {rule}",
                expected="one of " + ", ".join(self.family.rules),
            )
