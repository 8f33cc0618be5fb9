"""A fitted model: everything that answering needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.atlas import Atlas
from cbvae_cli.calibration.certify import Certificate
from cbvae_cli.calibration.filling import Filling
from cbvae_cli.calibration.posterior import Posterior
from cbvae_cli.calibration.strangeness import Judges
from cbvae_cli.calibration.temperature import RULES, Members
from cbvae_cli.calibration.witness import Witness
from cbvae_cli.errors import UsageProblem
from cbvae_cli.evidence import evidence
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.gaps import Gaps
from cbvae_cli.table.matrix import Encoded, Layout
from cbvae_cli.table.schema import Schema

BLEND = "posterior"  # the rule that is no temperature on one part of evidence

DROPPED = "dropped"  # the update that trains nothing


@dataclass(frozen=True)
class Model:
    """A schema, networks and what was calibrated on rows they had not seen.

    Attributes
    ----------
    schema : Schema
    layout : Layout
    family : Family
        The networks that explain rows: they impute, score and augment.
    classifier : Family
        Those that tell classes apart; the same, where there was no joint phase.
    temperatures : mapping of str to Members
        By rule of `classify`.
    posterior : Posterior
    thresholds : float64 array, shape (n_classes,)
        Probability from which calling a class has the best F1 on blind rows.
    judges : mapping of str to Judges
        By method of `score`.
    certificate : Certificate or None
        Where rows could be spared for a bound on false alarms.
    settings, training : dict
        As the manifest has them.
    witnesses : tuple of Witness
        By class: what `score` needs besides `judges`.
    gaps : tuple of Gaps
        By class: which cells go missing.
    atlas : Atlas or None
        Places in the latent space; every trained model has them.
    filling : Filling or None
        How cells are filled; None leaves that to the networks of the classes.
    """

    schema: Schema
    layout: Layout
    family: Family
    classifier: Family
    temperatures: Mapping[str, Members]
    posterior: Posterior
    thresholds: Floats
    judges: Mapping[str, Judges]
    certificate: Certificate | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    witnesses: tuple[Witness, ...] = ()
    gaps: tuple[Gaps, ...] = ()
    atlas: Atlas | None = None
    filling: Filling | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return self.schema.label.classes

    @property
    def approximate(self) -> str:
        """Say why probabilities are only approximate; empty where they are not."""
        return str(self.training.get("approximate", ""))

    @property
    def retrained(self) -> bool:
        """Tell whether a class was trained after the others."""
        steps = self.training.get("updates", ())
        return any(step["action"] != DROPPED for step in steps)

    @property
    def shares(self) -> Floats:
        """Shares of the classes in training, shape (n_classes,)."""
        counts = np.array(self.schema.label.counts, dtype=np.float64)
        shares: Floats = counts / counts.sum()
        return shares

    def evidence(self, encoded: Encoded, parts: Sequence[str]) -> NDArray[np.float64]:
        """Measure how well each class explains each row; see `evidence.evidence`."""
        n_training = sum(self.schema.label.counts)
        return evidence(self.family, encoded, parts, n_training)

    def sharp_evidence(
        self, encoded: Encoded, parts: Sequence[str]
    ) -> NDArray[np.float64]:
        """Ask the networks that tell classes apart."""
        n_training = sum(self.schema.label.counts)
        return evidence(self.classifier, encoded, parts, n_training)

    def log_probabilities(self, values: Floats, rule: str) -> Floats:
        """Give log p(class given seen cells), shape (n_rows, n_classes).

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
            NaN where missing.
        rule : str
            One of the family's.
        """
        return self.look(values, rule)[0]

    def look(self, values: Floats, rule: str) -> tuple[Floats, Floats]:
        """Give log p(class given seen cells) and squared errors.

        Returns
        -------
        log_p, errors : float64 array, shape (n_rows, n_classes)
            Mean squared error over seen cells, averaged over members.
        """
        encoded = self.layout.encode(values)
        if rule == BLEND:
            sharp = self.sharp_evidence(encoded, Posterior.PARTS)
            log_p = self.posterior.log_probabilities(
                sharp, self.layout.known(values), encoded.matrix, encoded.observed
            )
            return log_p, sharp[..., 0].mean(axis=1)
        looks, fitted = RULES[rule], self.temperatures[rule]
        errors = self.sharp_evidence(encoded, ("error",))
        ask = self.sharp_evidence if looks.sharp else self.evidence
        found = errors if looks.part == "error" else ask(encoded, (looks.part,))
        log_p = fitted.log_probabilities(looks.sign * found[..., 0])
        return log_p, errors[..., 0].mean(axis=1)

    def check_rule(self, rule: str) -> None:
        """Refuse a rule that the family cannot answer."""
        if rule not in self.family.rules:
            raise UsageProblem(
                f"a {self.family.name} bundle cannot answer --rule {rule}",
                expected="one of " + ", ".join(self.family.rules),
            )
